# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Read the policy: what a gate allows, for whom it makes exceptions, and from when on failures count.

An option that cannot be meant is refused in one sentence that names it, before anything is sent. Nothing that was left
empty by mistake widens what is allowed: an exemption with an empty field is an error, not an exemption of everything.
"""

from __future__ import annotations

import difflib
import re
import typing as t
from dataclasses import dataclass, field, replace

from ...module_utils import _services, _statuses, _times
from ...module_utils._errors import BadOption
from ...module_utils._options import LONGEST_WAIT, Read, check_text, check_waiting, default_of, is_given, strict_bool
from ...module_utils._services import STARTED, Entry, Service
from ...module_utils._times import Moment
from .facts import Job, SiteFacts, State
from .mark import Mark

UNLIMITED = "unlimited"

LIMITS = (
    "max_active",
    "max_executing",
    "max_queued",
    "max_failed",
    "max_failed_percent",
    "min_finished",
    "max_age",
)

FUTURE_MARK = "Take the mark from the site itself, by the role gp_jobs_mark."
_DEFAULT_WINDOW = "1h"
_RETENTION_SLACK = 120.0
"""Seconds by which a window may exceed the retention: the slack of clocks, and as much for the wait (as the query)."""


@dataclass(frozen=True)
class Limits:
    """What one service may have. None is unlimited."""

    max_active: int | None = 0
    max_executing: int | None = None
    max_queued: int | None = None
    max_failed: int | None = 0
    max_failed_percent: float | None = None
    min_finished: int = 10
    max_age: float | None = None
    """Seconds."""

    @classmethod
    def read(cls, get: Read, where: str = "option ") -> Limits:
        """Read the limits. One kind of limit that is given takes the place of its kind's default."""
        by_parts = get("max_executing") is not None or get("max_queued") is not None
        by_share = get("max_failed_percent") is not None
        share = _percent(get("max_failed_percent"), f"{where}max_failed_percent")
        finished = get("min_finished")
        finished = default_of("min_finished") if finished is None else _count(finished, f"{where}min_finished")
        if finished == 0 and share is not None:
            raise BadOption(
                "A share of no jobs at all is none",
                where=f"{where}min_finished",
                cure="Use 1 or more with max_failed_percent.",
            )
        return cls(
            max_active=_limit(get("max_active"), f"{where}max_active", None if by_parts else 0),
            max_executing=_limit(get("max_executing"), f"{where}max_executing", None),
            max_queued=_limit(get("max_queued"), f"{where}max_queued", None),
            max_failed=_limit(get("max_failed"), f"{where}max_failed", None if by_share else 0),
            max_failed_percent=share,
            min_finished=finished,
            max_age=_age(get("max_age"), f"{where}max_age"),
        )

    @property
    def looks_at_active(self) -> bool:
        """Whether any limit is about jobs that have not ended."""
        return any(one is not None for one in (self.max_active, self.max_executing, self.max_queued, self.max_age))

    @property
    def looks_at_failed(self) -> bool:
        return self.max_failed is not None or self.max_failed_percent is not None

    def to_result(self) -> dict[str, t.Any]:
        """Return the limits as data: durations in seconds, and None as ``unlimited``."""
        return {name: UNLIMITED if getattr(self, name) is None else getattr(self, name) for name in LIMITS}


@dataclass(frozen=True)
class ForServices:
    """An entry of an option that is about some services, or about all of them."""

    option: str
    """Where it was given, such as ``exempt[1]``."""
    service: Entry | None

    def is_about(self, name: str) -> bool:
        """Whether it means this service, or this folder (``Folder/*``) that cannot be seen."""
        if self.service is None:
            return True
        if name.endswith("/*"):
            return self.service.text in ("*", "*/*", name)
        return self.service.means(_services.parse(name))

    @property
    def must_exist(self) -> Service | None:
        """The one service that it names, unless that may be missing."""
        if self.service is None or self.service.is_pattern or self.service.may_be_missing:
            return None
        return self.service.service


@dataclass(frozen=True)
class Exemption(ForServices):
    """Jobs that do not count, or services that do not count at all."""

    reason: str
    job: str | None = None
    user: str | None = None
    statuses: tuple[str, ...] = ()
    older_than: float | None = None
    until: Moment | None = None

    @property
    def is_of_jobs(self) -> bool:
        """Whether it exempts single jobs; otherwise it exempts whole services."""
        return bool(self.job or self.user or self.statuses or self.older_than is not None)

    def is_over(self, facts: SiteFacts) -> bool:
        return _times.is_over(self.until, facts.later)

    def covers(self, job: Job, facts: SiteFacts) -> bool:
        """Whether a job does not count. What is not known about it is not exempted."""
        if self.job is not None and job.job_id != self.job:
            return False
        if self.user is not None and (job.user is None or job.user.lower() != self.user.lower()):
            return False
        if self.statuses and job.status not in self.statuses:
            return False
        if self.older_than is None:
            return True
        # By the earlier clock, and not at all where there is but one: an age that may be too high exempts nothing.
        age = job.age(facts.earlier) if facts.clock_difference is not None else None
        return age is not None and age > self.older_than

    def to_result(self) -> dict[str, t.Any]:
        told = {
            "service": self.service.text if self.service else None,
            "job": self.job,
            "user": self.user,
            "status": list(self.statuses) or None,
            "older_than": self.older_than,
            "until": _times.iso(self.until.fixed) if self.until else None,
            "reason": self.reason,
        }
        return {name: value for name, value in told.items() if value is not None}


@dataclass(frozen=True)
class ServiceLimits(ForServices):
    """Limits of their own for some services."""

    limits: Limits

    def to_result(self) -> dict[str, t.Any]:
        return {"service": self.service.text if self.service else "*", **self.limits.to_result()}


@dataclass(frozen=True)
class Policy:
    """What a gate allows."""

    limits: Limits = field(default_factory=Limits)
    total_max_active: int | None = None
    service_limits: tuple[ServiceLimits, ...] = ()
    exempt: tuple[Exemption, ...] = ()
    window: float | None = 3600.0
    """Seconds before the site's now from which on failures count; None with a mark."""
    since: Mark | None = None
    clock_slack: float = 60.0
    must_answer: bool = False
    services: tuple[Entry, ...] = ()
    began: float | None = None
    """The earlier of the site's clocks at the first measurement, which fixes the window."""

    @classmethod
    def read(cls, get: Read) -> Policy:
        """Read the policy; raises BadOption."""
        since, window = get("since"), get("window")
        if is_given(since) and is_given(window):
            raise BadOption(
                "Failures count from a mark on, or in a window, not both",
                where="options since and window",
                cure="Leave one of them out.",
            )
        return cls(
            limits=Limits.read(get),
            total_max_active=_limit(get("total_max_active"), "option total_max_active", None),
            service_limits=_read_service_limits(get),
            exempt=tuple(
                _read_exemption(one, f"exempt[{number}]") for number, one in enumerate(get("exempt") or (), 1)
            ),
            window=None if is_given(since) else _window(window if is_given(window) else _DEFAULT_WINDOW),
            since=Mark.read(since) if is_given(since) else None,
            clock_slack=check_waiting("clock_slack", get("clock_slack")),
            must_answer=strict_bool(get("must_answer") or False, "must_answer"),
            services=_services.parse_entries(get("services") or (), "services"),
        )

    def fixed(self, facts: SiteFacts) -> Policy:
        """Return the policy with its window fixed by the first facts; raises BadOption for a mark in the future."""
        if self.since is not None and self.since.at > facts.earlier + self.clock_slack:
            raise BadOption(
                f"{_times.iso(self.since.at)} lies in the future of the site's clock ({_times.iso(facts.earlier)})",
                where="option since",
                cure=FUTURE_MARK,
            )
        return self if self.began is not None else replace(self, began=facts.earlier)

    def begins(self, facts: SiteFacts) -> float:
        """Return from when on failures count, as the user said it."""
        if self.since is not None:
            return self.since.at
        return (facts.earlier if self.began is None else self.began) - t.cast(float, self.window)

    def looks_back_to(self, facts: SiteFacts) -> float:
        """Return the same with the slack of clocks: what ended after this is judged."""
        return self.begins(facts) - self.clock_slack

    def outlasts(self, facts: SiteFacts) -> bool:
        """Whether failures count from a time on whose finished jobs the site does not keep any more."""
        if not self.looks_at_failed or facts.retention is None:
            return False
        return facts.earlier - self.looks_back_to(facts) > facts.retention + _RETENTION_SLACK

    def limits_of(self, service: str) -> Limits:
        """Return the limits of a service: those of the first entry that means it, else the policy's own."""
        return next((one.limits for one in self.service_limits if one.is_about(service)), self.limits)

    def is_judged(self, service: str) -> bool:
        """Whether a service is one of those that the gate is asked to judge."""
        return not self.services or any(entry.means(_services.parse(service)) for entry in self.services)

    @property
    def may_be_empty(self) -> bool:
        """Whether there may be no service to judge: all may be missing, or all are exempted."""
        wholly = {one.service.text for one in self.exempt_for_good if one.service is not None}
        if not self.services:
            return "*" in wholly
        return all(entry.may_be_missing or entry.text in wholly or "*" in wholly for entry in self.services)

    @property
    def exempt_for_good(self) -> list[Exemption]:
        """The exemptions of whole services that never end."""
        return [one for one in self.exempt if not one.is_of_jobs and one.until is None]

    def in_force(self, facts: SiteFacts) -> list[Exemption]:
        """Return the exemptions that are not over."""
        return [one for one in self.exempt if not one.is_over(facts)]

    def exempts(self, name: str, facts: SiteFacts) -> Exemption | None:
        """Return the exemption of a whole service, or of a folder that cannot be seen."""
        return next((one for one in self.in_force(facts) if not one.is_of_jobs and one.is_about(name)), None)

    def was_started(self, service: str) -> bool:
        """Whether a service was started at the mark."""
        return self.since is not None and service in self.since.started

    def should_run(self, service: str, state: State) -> bool:
        """Whether a service has to be started: as at the mark, or if that does not say so, as it is configured."""
        if self.since is not None and service in self.since.states:
            return self.was_started(service)
        return state.configured in (STARTED, None)

    @property
    def all_limits(self) -> list[Limits]:
        return [self.limits, *(one.limits for one in self.service_limits)]

    @property
    def looks_at_active(self) -> bool:
        return self.total_max_active is not None or any(one.looks_at_active for one in self.all_limits)

    @property
    def looks_at_failed(self) -> bool:
        return any(one.looks_at_failed for one in self.all_limits)

    @property
    def looks_at_shares(self) -> bool:
        return any(one.max_failed_percent is not None for one in self.all_limits)

    @property
    def named(self) -> list[tuple[ForServices, Service]]:
        """The entries of ``exempt`` and ``service_limits`` that name a service exactly, with that service."""
        entries: list[ForServices] = [*self.exempt, *self.service_limits]
        return [(one, one.must_exist) for one in entries if one.must_exist is not None]

    def to_result(self) -> dict[str, t.Any]:
        """Return the policy as data; times in UTC, durations in seconds."""
        return {
            **self.limits.to_result(),
            "total_max_active": UNLIMITED if self.total_max_active is None else self.total_max_active,
            "window": None if self.window is None else int(self.window),
            "since": _times.iso(self.since.at) if self.since else None,
            "clock_slack": int(self.clock_slack),
            "exempt": [one.to_result() for one in self.exempt],
            "service_limits": [one.to_result() for one in self.service_limits],
            "must_answer": self.must_answer,
        }


# --- entries ----------------------------------------------------------------------------------------------------------

_WHAT = ("service", "job", "user", "status", "older_than")
_EXEMPT_KEYS = (*_WHAT, "until", "reason", "missing")


def _read_exemption(entry: t.Any, option: str) -> Exemption:
    fields = read_fields(entry, _EXEMPT_KEYS, option)
    if "reason" not in fields:
        raise BadOption("An exemption gives no reason", where=f"option {option}", cure="Say why in 'reason'.")
    if not fields.keys() & set(_WHAT):
        raise BadOption(
            "An exemption does not say what it exempts",
            where=f"option {option}",
            cure="Give service, job, user, status or older_than; service: '*' means every service.",
        )
    status = fields.get("status", ())
    older_than = fields.get("older_than")
    return Exemption(
        option=option,
        service=_read_entry(fields, option),
        reason=read_text(fields, "reason", option),
        job=read_text(fields, "job", option) if "job" in fields else None,
        user=read_text(fields, "user", option) if "user" in fields else None,
        statuses=_statuses.parse(status if isinstance(status, (list, tuple)) else [status], f"{option}.status"),
        older_than=None if older_than is None else _times.parse_duration(older_than, f"{option}.older_than"),
        until=read_until(fields.get("until"), f"{option}.until"),
    )


def _read_service_limits(get: Read) -> tuple[ServiceLimits, ...]:
    """Read each entry, and take the limits that it does not name from the policy's own options."""
    found = []
    for number, entry in enumerate(get("service_limits") or (), 1):
        option = f"service_limits[{number}]"
        fields = read_fields(entry, ("service", "missing", *LIMITS), option)
        given = {name: value for name, value in fields.items() if name in LIMITS}
        if "service" not in fields or not given:
            raise BadOption(
                f"An entry names no {'limit' if 'service' in fields else 'service'}",
                where=f"option {option}",
                cure=f"Give service (a name or a pattern) and at least one of {', '.join(LIMITS)}.",
            )
        merged = {name: get(name) for name in LIMITS} | given
        found.append(ServiceLimits(option, _read_entry(fields, option), Limits.read(merged.get, f"option {option}.")))
    return tuple(found)


def read_fields(entry: t.Any, known: t.Sequence[str], option: str) -> dict[str, t.Any]:
    """Return the fields of an entry; raises BadOption if one is unknown or empty."""
    if not isinstance(entry, t.Mapping):
        raise BadOption(
            f"'{entry}' is no dictionary", where=f"option {option}", cure=f"Its keys are {', '.join(known)}."
        )
    for name, value in entry.items():
        if name not in known:
            near = difflib.get_close_matches(str(name), known, 1)
            hint = f"Did you mean {near[0]}?" if near else f"It takes {', '.join(known)}."
            raise BadOption(f"'{name}' means nothing here", where=f"option {option}", cure=hint)
        if not is_given(value):
            raise BadOption(f"'{name}' is empty", where=f"option {option}", cure="Give it a value, or leave it out.")
    return dict(entry)


def read_text(fields: t.Mapping[str, t.Any], name: str, option: str) -> str:
    """Return a field that is a text, or a number, which is the text of its digits."""
    return check_text(f"{option}.{name}", fields[name])


def read_until(value: t.Any, option: str) -> Moment | None:
    """Read a moment of the calendar: a time ago would move along with the clock."""
    if value is None:
        return None
    moment = _times.parse_moment(value, option)
    if moment.fixed is None:
        raise BadOption(
            f"'{value}' is not a time", where=f"option {option}", cure="Use a timestamp such as 2026-11-24T09:00:00Z."
        )
    return moment


def _read_entry(fields: t.Mapping[str, t.Any], option: str) -> Entry | None:
    if "service" not in fields:
        if "missing" in fields:
            raise BadOption("'missing' is about a service", where=f"option {option}", cure="Give service as well.")
        return None
    entry = {"name": fields["service"], **({"missing": fields["missing"]} if "missing" in fields else {})}
    return _services.parse_entries([entry], f"{option}.service")[0]


# --- values -----------------------------------------------------------------------------------------------------------


def _window(value: t.Any) -> float:
    seconds = _times.parse_duration(value, "window")
    if seconds <= 0:
        raise BadOption(f"'{value}' is no time at all", where="option window", cure="Use a duration such as 1h.")
    if seconds > LONGEST_WAIT:
        raise BadOption(f"'{value}' is longer than a site can remember", where="option window", cure="Use 1h, or 2d.")
    return seconds


def _limit(value: t.Any, where: str, otherwise: int | None) -> int | None:
    if value is None:
        return otherwise
    return None if _is_unlimited(value) else _count(value, where)


def _count(value: t.Any, where: str) -> int:
    text = str(value).strip()
    if isinstance(value, bool) or not text.isascii() or not text.isdigit() or len(text) > 9:
        raise BadOption(f"'{value}' is not a limit", where=where, cure="Use 0 or more, or unlimited.")
    return int(text)


def _percent(value: t.Any, where: str) -> float | None:
    if value is None or _is_unlimited(value):
        return None
    share = re.fullmatch(r"\s*([0-9]{1,3}(?:\.[0-9]{1,15})?)\s*%?\s*", str(value))
    if share is None or float(share[1]) > 100:
        raise BadOption(f"'{value}' is not a share", where=where, cure="Use a number from 0 to 100, or unlimited.")
    return float(share[1])


def _age(value: t.Any, where: str) -> float | None:
    if value is None or _is_unlimited(value):
        return None
    return _times.parse_duration(value, where.removeprefix("option "))


def _is_unlimited(value: t.Any) -> bool:
    return str(value).strip().lower() == UNLIMITED
