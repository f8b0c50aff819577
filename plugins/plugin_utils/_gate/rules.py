# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The rules of the gate for one service: its facts and a policy in, reasons out. Pure."""

from __future__ import annotations

import math
import typing as t
from dataclasses import dataclass, field

from ...module_utils import _statuses as _status
from ...module_utils import _times
from ...module_utils._services import STARTED, STOPPED
from ...module_utils._wire import dialects as _api
from . import wording as _telling
from .policy import Limits, Policy, age_of
from .verdict import FAILED, INCONCLUSIVE, MOST_JOBS, Reason
from .wording import Job, clock, count, tell

_FEW_FAILURES = 3
"""Below min_finished, so many failures without a success are enough to block."""

_QUEUED = _status.QUEUED
_EXECUTING = tuple(status for status in _status.ACTIVE if status not in _QUEUED)

Facts = t.Mapping[str, t.Any]


@dataclass
class Finding:
    """What there is to say of one service."""

    name: str
    reasons: list[Reason] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    is_unsure: bool = False
    """Whether nothing tells that the site remembers failures as far back as is looked for them."""
    active: int | None = 0
    """Its active jobs that no exemption covers; None where they are not known."""


class ServiceRules:
    """Judges one service at a time."""

    def __init__(self, policy: Policy, api: t.Any, now: float, doubt: float | None) -> None:
        """:param doubt: seconds by which ``now`` may be too late; None where nobody knows."""
        self._policy = policy
        self._api = api
        self._now = now
        self._surely = now - doubt if doubt is not None else float("-inf")
        self._found = Finding("")

    def judge(self, service: Facts, jobs: list[Job]) -> Finding:
        """What there is to say of a service and its jobs."""
        name = str(service["service"])
        self._found = found = Finding(name)
        exemption = self._policy.exempts(name, self._now)
        if exemption is not None:
            found.notices.append(f"{name} is exempted by {exemption.option} ({exemption.reason}).")
            return found
        if service.get("complete") is not True:
            found.active = None
            why = " ".join(service.get("warnings") or []) or f"{name} was not seen in full."
            is_broken = bool(service.get("error"))
            self._blame(INCONCLUSIVE, "error" if is_broken else "incomplete", why, name)
            self._state(service)
            return found
        found.notices += [str(warning) for warning in service.get("warnings") or []]
        if self._is_out_of_use(service):
            found.notices.append(f"{name} is stopped, has no active job, and does not count.")
            return found
        self._state(service)
        limits = self._policy.limits_of(name)
        self._active(service, limits, [job for job in jobs if job.get("status") not in _status.FINISHED])
        self._failed(service, limits, [job for job in jobs if job.get("status") in _status.FAILURES])
        return found

    # --- started and answering ---------------------------------------------------------------------------------------

    def _is_out_of_use(self, service: Facts) -> bool:
        """Whether a service is stopped on purpose and idle, and so does not count."""
        state = service.get("state") or {}
        idle = not self._policy.looks_at_active or whole((service.get("counts") or {}).get("active")) == 0
        stopped = state.get("configured") == state.get("realtime") == STOPPED
        return stopped and idle and not self._policy.was_started(str(service["service"]))

    def _state(self, service: Facts) -> None:
        """What should run has to run, and after a deployment to answer."""
        name, state = str(service["service"]), service.get("state") or {}
        realtime = state.get("realtime")
        if not self._policy.should_run(name, state.get("configured")):
            return
        if realtime is not None and realtime != STARTED:
            self._found.reasons.append(stopped(name, str(realtime), self._policy))
        elif self._policy.must_answer and realtime is None:
            self._blame(INCONCLUSIVE, "stopped", f"{name}: the site does not tell whether it is started.", name)
        elif self._policy.must_answer and service.get("answers") is False:
            self._blame(FAILED, "silent", f"{name}: it does not answer on the REST side. Look at its log.", name)
        elif self._policy.must_answer and service.get("answers") is not True:
            text = f"{name}: whether it answers on the REST side is not known to this account."
            self._blame(INCONCLUSIVE, "silent", text, name)

    # --- active jobs -------------------------------------------------------------------------------------------------

    def _active(self, service: Facts, limits: Limits, jobs: list[Job]) -> None:
        """Running and queued jobs count however old they are."""
        name, counts = str(service["service"]), service.get("counts") or {}
        if not limits.looks_at_active and self._policy.total_max_active is None:
            return
        number = whole(counts.get("active"))
        if number is None:
            self._found.active = None
            self._blame(INCONCLUSIVE, "active", f"{name}: the number of active jobs is not known.", name)
            return
        jobs = [self._aged(job, service) for job in jobs]
        counted = self._counted(name, jobs)
        # The count decides, not the list: what is counted and not listed cannot have been exempted.
        exempted = len(jobs) - len(counted)
        found = max(number - exempted, len(counted))
        self._found.active = found
        counted.sort(key=lambda job: (-(job["age"] or 0), str(job.get("job_id"))))
        queued = [job for job in counted if job.get("status") in _QUEUED]
        executing = [job for job in counted if job.get("status") in _EXECUTING]
        unlisted = found - len(counted)
        for rule, limit, listed in (
            ("active", limits.max_active, counted),
            ("executing", limits.max_executing, executing),
            ("queued", limits.max_queued, queued),
        ):
            number = len(listed) + unlisted
            if limit is not None and number > limit:
                self._busy(name, service, limits, rule, limit, number, listed)
        if limits.max_age is not None:
            self._stuck(name, limits.max_age, counted, unlisted)

    def _busy(
        self, name: str, service: Facts, limits: Limits, rule: str, limit: int, found: int, jobs: list[Job]
    ) -> None:
        text = (
            f"{name}: {count(found, f'{rule} job')}, {limit} allowed: {tell(jobs, found, self._now)}. "
            f"{_telling.usual(service.get('durations'))}{self._cure(found, jobs, service, limits)}"
        )
        self._blame(FAILED, rule, text, name, limit, found, jobs)

    def _cure(self, found: int, jobs: list[Job], service: Facts, limits: Limits) -> str:
        it = "it ends" if found == 1 else "they end"
        realtime = (service.get("state") or {}).get("realtime")
        if realtime not in (None, STARTED):
            return f"The service is {str(realtime).lower()}: {self._end_of(jobs)}"
        too_old = float("inf") if limits.max_age is None else limits.max_age
        if any(job.get("pace") == _telling.STUCK or (job["age"] or 0) > too_old for job in jobs):
            return f"What looks stuck may never end: {self._end_of(jobs)}"
        return f"Wait until {it}, or: exempt: [{{job: {_first_id(jobs)}, reason: ...}}]"

    def _end_of(self, jobs: list[Job]) -> str:
        """What to do about jobs that will never end, which the two products differ in."""
        if self._api == _api.SERVER:
            return "delete it in ArcGIS Server Manager (Jobs), or by POST to its admin address with /delete."
        return f"cancel it, or take it out of the count: exempt: [{{job: {_first_id(jobs)}, reason: ...}}]"

    def _stuck(self, name: str, limit: float, jobs: list[Job], unlisted: int) -> None:
        """Jobs that are older than any may be. One whose age nobody tells may be as old."""
        old = [job for job in jobs if (job["age"] or 0) > limit]
        unknown = sum(1 for job in jobs if job["age"] is None) + unlisted
        if old:
            text = (
                f"{name}: {count(len(old), 'active job')} older than {_times.spell(limit)}: "
                f"{tell(old, len(old), self._now)}. They may never end: {self._end_of(old)}"
            )
            self._blame(FAILED, "age", text, name, limit, max(float(job["age"] or 0) for job in old), old)
        elif unknown:
            text = f"{name}: the age of {count(unknown, 'active job')} is not known, so max_age cannot be judged."
            self._blame(INCONCLUSIVE, "age", text, name, limit)

    # --- failed jobs -------------------------------------------------------------------------------------------------

    def _failed(self, service: Facts, limits: Limits, jobs: list[Job]) -> None:
        """Failed and timed-out jobs count by when they ended."""
        name, counts = str(service["service"]), service.get("counts") or {}
        if not limits.looks_at_failed:
            return
        failed, timed_out = whole(counts.get("failed")), counts.get("timed_out")
        if failed is None or (timed_out is not None and whole(timed_out) is None):
            self._blame(INCONCLUSIVE, "failed", f"{name}: the number of failed jobs is not known.", name)
            return
        known = self._policy.since.failed.get(name, ()) if self._policy.since else ()
        new = [job for job in jobs if job.get("job_id") not in known]
        counted = self._counted(name, new)
        found = max(failed + (whole(timed_out) or 0) - (len(jobs) - len(counted)), len(counted))
        counted.sort(key=lambda job: (str(job.get("end_time") or "~"), str(job.get("job_id"))), reverse=True)
        since = clock(_times.iso(self._policy.begins(self._now)), self._now)
        number = f"{'at least ' if service.get('at_least') else ''}{count(found, 'failed job')} since {since}"
        if limits.max_failed is not None and found > limits.max_failed:
            cure = f", or: overrides: [{{service: {_telling.bare(name)}, max_failed: {found}}}]"
            text = (
                f"{name}: {number}, {limits.max_failed} allowed: {tell(counted, found, self._now)}. "
                f"{self._leaves(counted)}Look into it{'.' if service.get('at_least') else cure}"
            )
            self._blame(FAILED, "failed", text, name, limits.max_failed, found, counted)
        elif limits.max_failed_percent is not None and found:
            self._share(name, service, limits, found, number, counted)
        window_known = service.get("window_known")
        self._found.is_unsure = window_known is None and self._now - self._policy.begins(self._now) > 6 * 3600
        if window_known is not True and window_known is not None:
            text = (
                f"{name}: the site may not remember failures as far back as {since}: ArcGIS Server keeps finished jobs "
                "for 6 h unless told otherwise. Use a shorter window, or a later mark."
            )
            self._blame(INCONCLUSIVE, "window", text, name)

    def _share(self, name: str, service: Facts, limits: Limits, found: int, number: str, jobs: list[Job]) -> None:
        """The share of failures. With few finished jobs a share says little, unless nothing succeeded at all."""
        told = service.get("succeeded") or {}
        succeeded = whole(told.get("found"))
        if succeeded is None:
            text = f"{name}: {number}, and the number of those that succeeded is not known."
            self._blame(INCONCLUSIVE, "failed_percent", text, name)
            return
        limit = t.cast(float, limits.max_failed_percent)
        finished = found + succeeded
        percent = 100.0 * found / finished
        exact = told.get("exact") is True
        few = finished < limits.min_finished
        of = f"of {'' if exact else 'at least '}{finished} finished ({percent:.0f} %)"
        text = (
            f"{name}: {number}, {of}, {limit:g} % allowed: {tell(jobs, found, self._now)}. {self._leaves(jobs)}"
            "Look into it, or: overrides: "
            f"[{{service: {_telling.bare(name)}, max_failed_percent: {math.ceil(percent)}}}]"
        )
        if percent > limit and (not few or (not succeeded and found >= _FEW_FAILURES)):
            self._blame(FAILED, "failed_percent", text, name, limit, round(percent, 1), jobs)
        elif few and not exact and percent > limit:
            text = f"{name}: {number}, {of}: whether that is more than {limit:g} % is not known."
            self._blame(INCONCLUSIVE, "failed_percent", text, name, limit, round(percent, 1))

    # --- jobs --------------------------------------------------------------------------------------------------------

    def _aged(self, job: Job, service: Facts) -> dict[str, t.Any]:
        """A job with its age, and how that compares to what its service usually takes."""
        age = age_of(job, self._now)
        return {**job, "age": None if age is None else int(age), "pace": _telling.pace(age, service.get("durations"))}

    def _counted(self, name: str, jobs: list[t.Any]) -> list[t.Any]:
        """The jobs that no exemption covers."""
        rules = [one for one in self._policy.in_force(self._now) if one.is_of_jobs and one.is_about(name)]
        counted, by_rule = [], dict.fromkeys((rule.option for rule in rules), 0)
        for job in jobs:
            rule = next((rule for rule in rules if rule.covers(job, self._surely)), None)
            if rule is None:
                counted.append(job)
            else:
                by_rule[rule.option] += 1
        for rule in rules:
            if by_rule[rule.option]:
                number = count(by_rule[rule.option], "job")
                self._found.notices.append(f"{name}: {number} exempted by {rule.option} ({rule.reason}).")
        return counted

    def _leaves(self, jobs: list[Job]) -> str:
        """When the oldest failure leaves a window; with a mark none does."""
        if self._policy.window is None:
            return ""
        moments = [_times.from_wire(job.get("end_time")) for job in jobs]
        known = [moment for moment in moments if moment is not None]
        if not known:
            return ""
        leaves = min(known) + self._policy.window + self._policy.clock_slack
        return (
            f"The oldest leaves a window of {_times.spell(self._policy.window)} "
            f"at {clock(_times.iso(leaves), self._now)} (in {_times.spell(leaves - self._now)}). "
        )

    def _blame(
        self,
        verdict: str,
        rule: str,
        text: str,
        service: str | None = None,
        limit: float | None = None,
        found: float | None = None,
        jobs: t.Sequence[Job] = (),
    ) -> None:
        worst = [dict(job) for job in jobs[:MOST_JOBS]]
        self._found.reasons.append(Reason(verdict, rule, text, service, limit, found, worst))


def stopped(name: str, realtime: str, policy: Policy) -> Reason:
    """The reason for a service that should run and does not."""
    was = "was started at the mark" if policy.was_started(name) else "is configured to be started"
    text = f"{name}: it {was}, and is {realtime.lower()}. Start it, or stop it for good, or exempt it."
    return Reason(FAILED, "stopped", text, name)


def _first_id(jobs: list[Job]) -> str:
    return str(jobs[0].get("job_id")) if jobs else "..."


def whole(value: t.Any) -> int | None:
    """A count that may be counted on: not a bool, and not a number that became a text on its way."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
