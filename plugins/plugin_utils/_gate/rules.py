# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Judge one service: its facts and a policy in, findings out. Pure.

A count decides, not the list of jobs: what is counted and not listed cannot have been exempted.
"""

from __future__ import annotations

import math
import typing as t

from ...module_utils import _times
from . import wording
from .facts import Durations, Job, ServiceFacts, SiteFacts
from .policy import Policy
from .verdict import SLOW, STUCK, USUAL, AgedJob, Allowance, Findings
from .wording import clock, count

_FEW_FAILURES = 3
"""Below min_finished, so many failures without a success are enough to block."""
_STUCK_AFTER, _STUCK_AT_LEAST = 10, 600.0
"""So many times the 95th percentile of its service's jobs, and so many seconds (a service's usual limit for one use):
then a job does not look as if it would end."""
_FEWEST_JOBS = 5
"""By fewer jobs nobody knows what is usual."""


class ServiceRules:
    """Judges one service."""

    def __init__(self, service: ServiceFacts, site: SiteFacts, policy: Policy) -> None:
        self._service = service
        self._site = site
        self._policy = policy
        self._limits = policy.limits_of(service.name)
        self._is_window_too_long = policy.outlasts(site)
        self.findings = Findings(service.name)
        self.active: int | None = 0
        """Its active jobs that no exemption covers; None if they are not known."""

    def judge(self) -> None:
        """Write down what there is to say of the service."""
        service, findings = self._service, self.findings
        exemption = self._policy.exempts(service.name, self._site)
        if exemption is not None:
            findings.note(f"{service.name} is exempted by {exemption.option} ({exemption.reason}).")
            return
        if not (service.is_complete or self._lacks_only_history):
            self.active = None
            why = " ".join(one.removeprefix(f"{service.name}: ") for one in service.warnings)
            findings.doubt("error" if service.has_error else "incomplete", why or "It was not seen in full.")
            self._judge_state()
            return
        findings.notices += service.warnings
        if self._is_out_of_use:
            findings.note(f"{service.name} is stopped, has no active job, and does not count.")
            return
        self._judge_state()
        self._judge_active()
        if self._limits.looks_at_failed:
            self._judge_failed()

    @property
    def _lacks_only_history(self) -> bool:
        """Whether all that was not seen is what the site has forgotten, which is a reason of its own."""
        service = self._service
        return self._is_window_too_long and not service.has_error and not service.warnings

    # --- started and answering ---------------------------------------------------------------------------------------

    @property
    def _is_out_of_use(self) -> bool:
        """Whether the service is stopped on purpose and idle, and so does not count."""
        is_idle = not self._policy.looks_at_active or self._service.active == 0
        was_started = self._policy.was_started(self._service.name)
        return self._service.state.is_stopped_on_purpose and is_idle and not was_started

    def _judge_state(self) -> None:
        """Check that what should run runs and, after a deployment, answers."""
        service, findings = self._service, self.findings
        if not self._policy.should_run(service.name, service.state):
            return
        if service.state.is_down:
            blame_stopped(findings, service.name, str(service.state.realtime), self._policy)
        elif not self._policy.must_answer:
            return
        elif service.state.realtime is None:
            findings.doubt("stopped", "The site does not say whether it is started.")
        elif service.answers is False:
            findings.fail("silent", "It does not answer on the REST side. Look at its log.")
        elif service.answers is None:
            findings.doubt("silent", "This account cannot see whether it answers on the REST side.")

    # --- active jobs -------------------------------------------------------------------------------------------------

    def _judge_active(self) -> None:
        """Check running and queued jobs, which count however old they are."""
        service, limits = self._service, self._limits
        if not limits.looks_at_active and self._policy.total_max_active is None:
            return
        if service.active is None or service.queued is None:
            self.active = None
            self.findings.doubt("active", "The number of active jobs is not known.")
            return
        listed = [job for job in service.jobs if job.is_active]
        jobs = [self._aged(job) for job in self._counted(listed)]
        jobs.sort(key=lambda one: (-(one.age or 0.0), one.job.job_id))
        queued = [one for one in jobs if one.job.is_queued]
        executing = [one for one in jobs if not one.job.is_queued]
        exempted = len(listed) - len(jobs)
        exempted_queued = sum(1 for job in listed if job.is_queued) - len(queued)
        self.active = max(service.active - exempted, len(jobs))
        number_queued = max(service.queued - exempted_queued, len(queued))
        number_executing = max(service.active - service.queued - (exempted - exempted_queued), len(executing))
        self._check_busy("active", limits.max_active, self.active, jobs)
        self._check_busy("executing", limits.max_executing, number_executing, executing)
        self._check_busy("queued", limits.max_queued, number_queued, queued)
        if limits.max_age is not None:
            self._check_age(limits.max_age, jobs, self.active - len(jobs))

    def _check_busy(self, rule: str, limit: int | None, found: int, jobs: list[AgedJob]) -> None:
        if limit is None or found <= limit:
            return
        text = f"{count(found, f'{rule} job')}, {limit} allowed. {self._what_to_do(jobs, found)}"
        allowances = self._exempt_jobs(jobs)
        if len(jobs) < found or not allowances:
            entry = {"service": wording.bare(self._service.name), f"max_{rule}": found}
            allowances = (Allowance("service_limits", entry),)
        self.findings.fail(rule, text, limit=limit, found=found, jobs=tuple(jobs), allowances=allowances)

    def _what_to_do(self, jobs: list[AgedJob], found: int) -> str:
        realtime = self._service.state.realtime
        if self._service.state.is_down:
            return f"The service is {str(realtime).lower()}: {self._how_to_end()}"
        oldest = math.inf if self._limits.max_age is None else self._limits.max_age
        if any(one.pace == STUCK or (one.age or 0.0) > oldest for one in jobs):
            return f"What looks stuck may never end: {self._how_to_end()}"
        return f"Wait until {'it ends' if found == 1 else 'they end'}."

    def _how_to_end(self) -> str:
        """Say what to do about jobs that will never end, in which the two products differ."""
        if self._site.api == "server":
            return "delete it in ArcGIS Server Manager (Jobs), or by POST to its admin address with /delete."
        return "cancel it, or exempt it."

    def _check_age(self, limit: float, jobs: list[AgedJob], unlisted: int) -> None:
        """Check for jobs that are older than any may be. One whose age is unknown may be as old."""
        old = [one for one in jobs if (one.age or 0.0) > limit]
        unknown = sum(1 for one in jobs if one.age is None) + unlisted
        if old:
            text = (
                f"{count(len(old), 'active job')} older than {_times.spell(limit)}. "
                f"{'It' if len(old) == 1 else 'They'} may never end: {self._how_to_end()}"
            )
            found = max(one.age or 0.0 for one in old)
            allowances = self._exempt_jobs(old)
            self.findings.fail("age", text, limit=limit, found=found, jobs=tuple(old), allowances=allowances)
        elif unknown:
            text = f"The age of {count(unknown, 'active job')} is not known, so max_age cannot be judged."
            self.findings.doubt("age", text, limit=limit)

    # --- failed jobs -------------------------------------------------------------------------------------------------

    def _judge_failed(self) -> None:
        """Check failed and timed-out jobs, which count by when they ended."""
        service, limits, policy = self._service, self._limits, self._policy
        listed = [job for job in service.jobs if job.has_failed]
        known = policy.since.failed_of(service.name) if policy.since else ()
        counted = self._counted([job for job in listed if job.job_id not in known])
        found = len(counted)
        if service.failed is not None:
            found = max(service.failed - (len(listed) - len(counted)), found)
        counted.sort(key=lambda job: (job.ended is None, job.ended or 0.0, job.job_id), reverse=True)
        jobs = tuple(self._aged(job) for job in counted)
        is_lower_bound = service.is_lower_bound or service.failed is None
        begins = clock(policy.begins(self._site), self._site.as_of)
        number = f"{'at least ' if is_lower_bound else ''}{count(found, 'failed job')} since {begins}"
        if limits.max_failed is not None and found > limits.max_failed:
            text = f"{number}, {limits.max_failed} allowed{self._leaves(counted)}."
            entry = {"service": wording.bare(service.name), "max_failed": found}
            allowances = () if is_lower_bound else (Allowance("service_limits", entry),)
            self.findings.fail("failed", text, limit=limits.max_failed, found=found, jobs=jobs, allowances=allowances)
        elif service.failed is None:
            if not self._is_window_too_long:
                self.findings.doubt("failed", "The number of failed jobs is not known.")
        elif limits.max_failed_percent is not None and found:
            self._check_share(limits.max_failed_percent, found, number, jobs)

    def _check_share(self, limit: float, found: int, number: str, jobs: tuple[AgedJob, ...]) -> None:
        """Check the share of failures. With few finished jobs it says little, unless nothing succeeded at all."""
        succeeded, is_exact = self._service.succeeded.found, self._service.succeeded.is_exact
        if succeeded is None:
            self.findings.doubt("failed_percent", f"{number}, and the number of those that succeeded is not known.")
            return
        finished = found + succeeded
        percent = 100.0 * found / finished
        are_few = finished < self._limits.min_finished
        share = f"{number} of {'' if is_exact else 'at least '}{finished} finished ({percent:.0f} %)"
        if percent <= limit:
            return
        if not are_few or (not succeeded and found >= _FEW_FAILURES):
            text = f"{share}, {limit:g} % allowed{self._leaves([one.job for one in jobs])}."
            entry = {"service": wording.bare(self._service.name), "max_failed_percent": math.ceil(percent)}
            allowances = (Allowance("service_limits", entry),)
            more = {"limit": limit, "found": round(percent, 1), "jobs": jobs, "allowances": allowances}
            self.findings.fail("failed_percent", text, **more)
        elif not is_exact:
            text = f"{share}: it is not known whether that is more than {limit:g} %."
            self.findings.doubt("failed_percent", text, limit=limit, found=round(percent, 1))

    def _leaves(self, jobs: t.Sequence[Job]) -> str:
        """Say when the oldest failure leaves the window; with a mark none does."""
        policy, now = self._policy, self._site.as_of
        moments = [job.ended for job in jobs if job.ended is not None]
        if policy.window is None or not moments:
            return ""
        leaves = min(moments) + policy.window + policy.clock_slack
        return f"; the oldest drops out of the {_times.spell(policy.window)} window at {clock(leaves, now)}"

    # --- jobs --------------------------------------------------------------------------------------------------------

    def _aged(self, job: Job) -> AgedJob:
        age = job.age(self._site.later)
        return AgedJob(job, age, pace(age, self._service.durations) if job.is_active else None)

    def _counted(self, jobs: list[Job]) -> list[Job]:
        """Return the jobs that no exemption covers, and note how many each exemption does cover."""
        name = self._service.name
        exemptions = [one for one in self._policy.in_force(self._site) if one.is_of_jobs and one.is_about(name)]
        counted, covered = [], dict.fromkeys((one.option for one in exemptions), 0)
        for job in jobs:
            exemption = next((one for one in exemptions if one.covers(job, self._site)), None)
            if exemption is None:
                counted.append(job)
            else:
                covered[exemption.option] += 1
        for exemption in exemptions:
            if covered[exemption.option]:
                number = count(covered[exemption.option], "job")
                self.findings.note(f"{name}: {number} exempted by {exemption.option} ({exemption.reason}).")
        return counted

    @staticmethod
    def _exempt_jobs(jobs: list[AgedJob]) -> tuple[Allowance, ...]:
        """Return exemptions of these jobs, if they are few."""
        if len(jobs) > wording.MOST_TOLD:
            return ()
        return tuple(Allowance("exempt", {"job": one.job.job_id, "reason": ...}) for one in jobs)


def pace(age: float | None, durations: Durations | None) -> str | None:
    """Compare how long a job takes to what its service's jobs usually take; None if that is not known."""
    if age is None or durations is None or durations.jobs < _FEWEST_JOBS:
        return None
    if age <= durations.p95:
        return USUAL
    return SLOW if age <= max(_STUCK_AFTER * durations.p95, _STUCK_AT_LEAST) else STUCK


def blame_stopped(findings: Findings, name: str, realtime: str, policy: Policy) -> None:
    """Blame a service that should run and does not."""
    was = "was started at the mark" if policy.was_started(name) else "is configured to be started"
    text = f"It {was}, and is {realtime.lower()}. Start it, or stop it for good, or exempt it."
    findings.fail("stopped", text, service=name, allowances=(exempt_service(name),))


def exempt_service(name: str, **more: t.Any) -> Allowance:
    """Return the exemption of a whole service or folder."""
    return Allowance("exempt", {"service": wording.bare(name), **more, "reason": ...})
