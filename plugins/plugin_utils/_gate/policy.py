# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The policy: what a gate allows, for whom it makes exceptions, and from when on failures count.

Read from options, and refused in one sentence that names the option, before anything is sent. Nothing that was left
empty by mistake widens what is allowed: an exemption with an empty field is an error, not an exemption of everything.
"""

from __future__ import annotations

import difflib
import re
import typing as t
from dataclasses import dataclass, field, replace

from ...module_utils import _services, _times
from ...module_utils import _statuses as _status
from ...module_utils._errors import BadOption
from ...module_utils._options import LONGEST_WAIT, Read, check_text, check_waiting, default_of, is_given, strict_bool
from ...module_utils._services import STARTED, Entry, Service
from ...module_utils._times import Moment
from .mark import Mark

UNLIMITED = "unlimited"
ANONYMOUS = "anonymous"

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

Job = t.Mapping[str, t.Any]


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
        """The limits of these options. One kind of limit that is given takes the place of its kind's default."""
        by_parts = get("max_executing") is not None or get("max_queued") is not None
        by_share = get("max_failed_percent") is not None
        finished = get("min_finished")
        share = _percent(get("max_failed_percent"), f"{where}max_failed_percent")
        if finished is not None:
            finished = _count(finished, f"{where}min_finished")
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
            min_finished=finished if finished is not None else default_of("min_finished"),
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
        """The limits as data, with ``unlimited`` spelt out; durations in seconds."""
        told = {name: getattr(self, name) for name in LIMITS}
        return {name: UNLIMITED if value is None else value for name, value in told.items()}


@dataclass(frozen=True)
class Rule:
    """What an exemption and a set of overrides share: the services that they are about."""

    option: str
    """Where it was given, such as ``exempt[1]``."""
    service: Entry | None

    def is_about(self, service: str) -> bool:
        """Whether it means this service, or this folder (``Folder/*``) that cannot be seen."""
        if self.service is None:
            return True
        if service.endswith("/*"):
            return self.service.text in ("*", "*/*", service)
        return self.service.means(_services.parse(service))

    @property
    def must_exist(self) -> Service | None:
        """The one service that it names, where that is no pattern and may not be missing."""
        if self.service is None or self.service.is_pattern or self.service.may_be_missing:
            return None
        return self.service.service


@dataclass(frozen=True)
class Exemption(Rule):
    """Jobs that do not count, or a service that does not count at all; until a moment, where one is given."""

    reason: str
    job: str | None = None
    user: str | None = None
    statuses: tuple[str, ...] = ()
    older_than: float | None = None
    until: Moment | None = None

    @property
    def is_of_jobs(self) -> bool:
        """Whether it is about single jobs; else it is about all there is to say of its services."""
        return bool(self.job or self.user or self.statuses or self.older_than is not None)

    def is_over(self, now: float) -> bool:
        return _times.is_over(self.until, now)

    def covers(self, job: Job, now: float) -> bool:
        """Whether a job (as the facts show it) does not count. What is not known about it is not exempted."""
        if self.job is not None and job.get("job_id") != self.job:
            return False
        who = job.get("user_name") or (ANONYMOUS if job.get("anonymous") is True else None)
        if self.user is not None and (who is None or str(who).lower() != self.user.lower()):
            return False
        if self.statuses and job.get("status") not in self.statuses:
            return False
        if self.older_than is not None:
            age = age_of(job, now)
            return age is not None and age > self.older_than
        return True

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
class Override(Rule):
    """Limits of their own for some services."""

    limits: Limits

    def to_result(self) -> dict[str, t.Any]:
        return {"service": self.service.text if self.service else "*", **self.limits.to_result()}


@dataclass(frozen=True)
class Policy:
    """What a gate allows."""

    limits: Limits = field(default_factory=Limits)
    total_max_active: int | None = None
    overrides: tuple[Override, ...] = ()
    exempt: tuple[Exemption, ...] = ()
    window: float | None = 3600.0
    """Seconds before the site's now from which on failures count; None with a mark."""
    since: Mark | None = None
    clock_slack: float = 60.0
    allow_empty: bool = False
    must_answer: bool = False
    services: tuple[Entry, ...] = ()
    excluded: tuple[Entry, ...] = ()
    began: float | None = None
    """The site's now at the first measurement, by which the window is fixed."""

    @classmethod
    def read(cls, get: Read) -> Policy:
        """The policy of these options; raises BadOption."""
        since, window = get("since"), get("window")
        if is_given(since) and is_given(window):
            raise BadOption(
                "Failures count from a mark on, or in a window, not both",
                where="options since and window",
                cure="Leave one of them out.",
            )
        seconds = None
        if not is_given(since):
            seconds = _times.parse_duration(window if is_given(window) else "1h", "window")
            if seconds <= 0:
                raise BadOption(
                    f"'{window}' is no time at all", where="option window", cure="Use a duration such as 1h."
                )
        if seconds is not None and seconds > LONGEST_WAIT:
            raise BadOption(
                f"'{window}' is longer than a site can remember", where="option window", cure="Use 1h, or 2d."
            )
        return cls(
            limits=Limits.read(get),
            total_max_active=_limit(get("total_max_active"), "option total_max_active", None),
            overrides=_read_overrides(get),
            exempt=_read_exempt(get("exempt") or ()),
            window=seconds,
            since=Mark.read(since) if is_given(since) else None,
            clock_slack=check_waiting("clock_slack", get("clock_slack")),
            allow_empty=strict_bool(get("allow_empty") or False, "allow_empty"),
            must_answer=strict_bool(get("must_answer") or False, "must_answer"),
            services=_services.parse_entries(get("services") or (), "services"),
            excluded=_services.parse_entries(get("exclude_services") or (), "exclude_services"),
        )

    def fixed(self, now: float) -> Policy:
        """The policy with its window fixed, at the first measurement; a mark in the site's future is refused."""
        if self.since is not None and self.since.at > now + self.clock_slack:
            raise BadOption(
                f"{_times.iso(self.since.at)} lies in the future of the site's clock ({_times.iso(now)})",
                where="option since",
                cure=FUTURE_MARK,
            )
        return self if self.began is not None else replace(self, began=now)

    def begins(self, now: float) -> float:
        """From when on failures count, as the user said it."""
        if self.since is not None:
            return self.since.at
        return (self.began if self.began is not None else now) - (self.window or 0.0)

    def looks_back_to(self, now: float) -> float:
        """The same with the slack of clocks: what ended after this is judged."""
        return self.begins(now) - self.clock_slack

    def limits_of(self, service: str) -> Limits:
        """The limits of a service: of the first override that is about it, else the policy's own."""
        return next((one.limits for one in self.overrides if one.is_about(service)), self.limits)

    def is_judged(self, service: str) -> bool:
        """Whether a service is one of those that the gate is asked to judge."""
        one = _services.parse(service)
        return (not self.services or any(entry.means(one) for entry in self.services)) and not any(
            entry.means(one) for entry in self.excluded
        )

    def in_force(self, now: float) -> list[Exemption]:
        """The exemptions that are not over."""
        return [one for one in self.exempt if not one.is_over(now)]

    def exempts(self, name: str, now: float) -> Exemption | None:
        """The exemption of a whole service, or of a folder that cannot be seen."""
        return next((one for one in self.in_force(now) if not one.is_of_jobs and one.is_about(name)), None)

    def was_started(self, service: str) -> bool:
        """Whether a service was started at the mark."""
        return self.since is not None and service in self.since.started

    def should_run(self, service: str, configured: t.Any) -> bool:
        """Whether a service has to be started: as at the mark, or where that does not tell, as it is configured."""
        before = self.since.states.get(service) if self.since is not None else None
        return configured in (STARTED, None) if before is None else self.was_started(service)

    @property
    def all_limits(self) -> list[Limits]:
        return [self.limits, *(one.limits for one in self.overrides)]

    @property
    def looks_at_active(self) -> bool:
        return self.total_max_active is not None or any(one.looks_at_active for one in self.all_limits)

    @property
    def looks_at_failed(self) -> bool:
        return any(one.looks_at_failed for one in self.all_limits)

    @property
    def named(self) -> list[tuple[str, Service]]:
        """The services that exemptions and overrides name exactly, each with its option."""
        rules: list[Rule] = [*self.exempt, *self.overrides]
        return [(rule.option, rule.must_exist) for rule in rules if rule.must_exist is not None]

    def to_result(self) -> dict[str, t.Any]:
        """The policy as data; times in UTC, durations in seconds."""
        return {
            **self.limits.to_result(),
            "total_max_active": UNLIMITED if self.total_max_active is None else self.total_max_active,
            "window": None if self.window is None else int(self.window),
            "since": _times.iso(self.since.at) if self.since else None,
            "clock_slack": int(self.clock_slack),
            "exempt": [one.to_result() for one in self.exempt],
            "overrides": [one.to_result() for one in self.overrides],
            "allow_empty": self.allow_empty,
            "must_answer": self.must_answer,
        }


def age_of(job: Job, now: float) -> float | None:
    """Seconds since a job ended, or where it has not, since it began to run, or else was submitted; None if unknown.

    A job with a time in the future is one of another clock: nobody knows how old it is.
    """
    for key in ("end_time", "start_time", "submitted_time"):
        moment = _times.from_wire(job.get(key))
        if moment is not None:
            return max(0.0, now - moment) if moment <= now + _times.CLOCKS_AGREE else None
    return None


# --- reading ----------------------------------------------------------------------------------------------------------

_EXEMPT_KEYS = ("service", "job", "user", "status", "older_than", "until", "reason", "missing")


def _read_exempt(entries: t.Sequence[t.Any]) -> tuple[Exemption, ...]:
    return tuple(_read_exemption(entry, f"exempt[{number}]") for number, entry in enumerate(entries, 1))


def _read_exemption(entry: t.Any, option: str) -> Exemption:
    fields = read_fields(entry, _EXEMPT_KEYS, option)
    if "reason" not in fields:
        raise BadOption("An exemption gives no reason", where=f"option {option}", cure="Say why in 'reason'.")
    if not fields.keys() & {"service", "job", "user", "status", "older_than"}:
        raise BadOption(
            "An exemption does not say what it exempts",
            where=f"option {option}",
            cure="Give service, job, user, status or older_than; service: '*' means every service.",
        )
    status = fields.get("status", ())
    return Exemption(
        option=option,
        service=_entry(fields, option),
        reason=read_text(fields, "reason", option),
        job=read_text(fields, "job", option) if "job" in fields else None,
        user=read_text(fields, "user", option) if "user" in fields else None,
        statuses=_status.parse(status if isinstance(status, (list, tuple)) else [status], f"{option}.status"),
        older_than=_times.parse_duration(fields["older_than"], f"{option}.older_than")
        if "older_than" in fields
        else None,
        until=read_until(fields.get("until"), f"{option}.until"),
    )


def _read_overrides(get: Read) -> tuple[Override, ...]:
    """Each with the limits that it does not name taken from the policy's own options."""
    overrides = []
    for number, entry in enumerate(get("overrides") or (), 1):
        option = f"overrides[{number}]"
        fields = read_fields(entry, ("service", "missing", *LIMITS), option)
        given = {name: value for name, value in fields.items() if name in LIMITS}
        if "service" not in fields or not given:
            lacking = "limit" if "service" in fields else "service"
            raise BadOption(
                f"An override names no {lacking}",
                where=f"option {option}",
                cure=f"Give service (a name or a pattern) and at least one of {', '.join(LIMITS)}.",
            )
        merged = {name: get(name) for name in LIMITS} | given
        overrides.append(Override(option, _entry(fields, option), Limits.read(merged.get, f"option {option}.")))
    return tuple(overrides)


def read_fields(entry: t.Any, known: t.Sequence[str], option: str) -> dict[str, t.Any]:
    """The fields of an entry, none of them odd or empty."""
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
    """A field that is a text, or a number, which is the text of its digits."""
    check_text(f"{option}.{name}", fields[name])
    return str(fields[name])


def _entry(fields: t.Mapping[str, t.Any], option: str) -> Entry | None:
    if "service" not in fields:
        if "missing" in fields:
            raise BadOption("'missing' is about a service", where=f"option {option}", cure="Give service as well.")
        return None
    entry = {"name": fields["service"], **({"missing": fields["missing"]} if "missing" in fields else {})}
    return _services.parse_entries([entry], f"{option}.service")[0]


def read_until(value: t.Any, option: str) -> Moment | None:
    """A moment of the calendar: a time ago would move along with the clock."""
    if value is None:
        return None
    moment = _times.parse_moment(value, option)
    if moment.fixed is None:
        raise BadOption(
            f"'{value}' is not a time", where=f"option {option}", cure="Use a timestamp such as 2026-11-24T09:00:00Z."
        )
    return moment


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
