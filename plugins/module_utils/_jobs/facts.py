# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The facts: what was read, shaped for playbooks. A count that was not asked for, or cannot be known, is None."""

from __future__ import annotations

import typing as t

from .. import _statuses as _status
from .. import _times
from .._services import Service
from .._wire import dialects as _api
from .._wire.responses import JobDetails
from .._wire.site import Site
from .counting import Reading
from .details import Known, Messages
from .discovery import Discovery
from .filters import CLOCK_SLACK, Question
from .health import About

Details = t.Mapping[tuple[Service, str], t.Optional[JobDetails]]
Counts = dict[str, t.Optional[int]]


def build(
    site: Site,
    question: Question,
    found: Discovery,
    readings: t.Sequence[Reading],
    known: Known,
    about: t.Mapping[Service, About],
    now: float,
) -> dict[str, t.Any]:
    """The facts of one query, as the documentation of gp_jobs_query describes them."""
    everything_seen = not found.unseen and all(reading.complete for reading in readings)
    jobs, truncated, next_start = _jobs(question, readings, known)
    by_filter = any(reading.by_filter for reading in readings)
    doubt = doubt_of(site)
    unseen = [status for status in question.statuses if by_filter and status not in _status.FILTER_WORDS]
    return {
        "api": site.dialect.api,
        "site": site.roots.context,
        "account": site.connection.username,
        "as_of": _times.iso(now),
        "clock_doubt": round(doubt) if doubt is not None else None,
        "complete": everything_seen and not truncated,
        "discovery": found.state,
        "unseen": [{"name": name, "why": why} for name, why in sorted(found.unseen.items())],
        "missing": sorted(found.missing),
        "synchronous": sorted(found.synchronous),
        "stopped": sorted(found.stopped),
        "unseen_statuses": unseen,
        "total": _sum([reading.total for reading in readings]) if everything_seen else None,
        "counts": _groups(question, _sums(question, readings) if everything_seen else _nothing(), readings),
        "services": [{**_service(question, one), **about.get(one.service, About()).to_result()} for one in readings],
        "jobs": jobs,
        "start": question.start,
        "truncated": truncated,
        "next_start": next_start,
        "requests": {
            "sent": site.client.counters.sent,
            "tokens": site.tokens.logins,
            "retried": site.client.counters.retried,
            "seconds": round(site.client.seconds, 3),
        },
    }


def leave_out_ended(reading: Reading, details: Details, after: float) -> None:
    """Leaves out the finished jobs that ended before ``after``. One whose end cannot be read counts as after it."""
    unreadable = 0
    for job_id, (status, _word) in list(reading.jobs.items()):
        job = details.get((reading.service, job_id))
        if status not in _status.FINISHED or job is None:
            continue
        if job.ended is None:
            unreadable += 1
        elif job.ended < after:
            del reading.jobs[job_id]
    if unreadable:
        reading.warnings.append(
            f"{reading.service}: {unreadable} finished jobs do not tell when they ended; they count as lately ended."
        )


def doubt_times(reading: Reading, question: Question, details: Details, after: float, doubt: float | None) -> None:
    """Doubts a reading where a job ended within so many seconds before ``after``; None for any number of seconds."""
    between = 0
    for job_id, (status, _word) in reading.jobs.items() if doubt != 0 else ():
        job = details.get((reading.service, job_id))
        if job is not None and job.ended is not None and status in _status.FINISHED and status in question.statuses:
            between += job.ended < after and (doubt is None or job.ended >= after - doubt)
    if between:
        clocks = (
            f"the site's answers tell a time that is {_times.spell(doubt)} ahead of the machine's that "
            "asked, or of one another. Set the clock that is wrong."
            if doubt is not None
            else "the site's answers carry no date. Let through the header Date."
        )
        reading.doubt(
            f"{reading.service}: {between} of its jobs ended before {_times.iso(after)}, but by so little that it "
            f"depends on the clock: {clocks}"
        )


def is_window_known(reading: Reading, question: Question, api: str, details: Details, now: float) -> bool | None:
    """Whether the site remembers as far back as the window goes; None where nothing tells.

    To be asked before old jobs are left out: a job from before the window shows that the memory reaches that far.
    """
    moment = question.ended_after or question.start_time
    if moment is None:
        return None
    begins = moment.at(now)
    for job_id in reading.jobs:
        job = details.get((reading.service, job_id))
        if job is not None and job.ended is not None and job.ended < begins:
            return True
    return False if api == _api.SERVER and now - begins > 6 * 3600.0 + CLOCK_SLACK else None


def _jobs(
    question: Question, readings: t.Sequence[Reading], known: Known
) -> tuple[list[dict[str, t.Any]] | None, bool, int | None]:
    """The jobs that ``detail`` asks for, whether ``limit`` cut them, and where the listing then goes on."""
    next_start = next((reading.next_start for reading in readings if reading.next_start is not None), None)
    if question.detail == "counts":
        return None, False, None
    jobs = []
    for reading in readings:
        service = str(reading.service)
        for job_id, (status, word) in reading.jobs.items():
            if status in question.statuses:
                job: dict[str, t.Any] = {
                    "service": service,
                    "job_id": job_id,
                    "status": status,
                    "job_status": str(word),
                }
                if question.detail == "full":
                    key = (reading.service, job_id)
                    job.update(_full(known.details.get(key), known.messages.get(key)))
                jobs.append(job)
    cut = question.limit is not None and len(jobs) > question.limit
    truncated = cut or next_start is not None
    return jobs[: question.limit] if cut else jobs, truncated, next_start if len(readings) == 1 else None


def _full(job: JobDetails | None, messages: Messages | None) -> dict[str, t.Any]:
    return {
        "user_name": job.user_name if job else None,
        "anonymous": job.anonymous if job else False,
        "machine_name": job.machine_name if job else None,
        "submitted_time": _times.iso(job.submitted) if job else None,
        "start_time": _times.iso(job.started) if job else None,
        "end_time": _times.iso(job.ended) if job else None,
        "url": _api.safe_url(job.url) if job and job.url else None,
        "messages": messages,
    }


def _service(question: Question, reading: Reading) -> dict[str, t.Any]:
    return {
        "service": str(reading.service),
        "total": reading.total,
        "counts": _groups(question, reading.counts, [reading]),
        "at_least": reading.at_least,
        "complete": reading.complete and reading.next_start is None,
        "pages": reading.pages,
        "window_known": reading.window_known,
        "query": reading.echo,
        "warnings": reading.warnings,
        "error": reading.error,
    }


def _nothing() -> Counts:
    return dict.fromkeys(_status.STATUSES)


def _sum(numbers: t.Sequence[int | None]) -> int | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if len(known) == len(numbers) else None


def _sums(question: Question, readings: t.Sequence[Reading]) -> Counts:
    """The counts of all services together; with no service at all, what was asked for is 0."""
    return {
        status: _sum([reading.counts[status] for reading in readings]) if status in question.statuses else None
        for status in _status.STATUSES
    }


def _groups(question: Question, counts: Counts, readings: t.Sequence[Reading]) -> Counts:
    """Counts with the groups: known only where every status that a site can filter by was asked for, and no less.

    And where no job of the group was seen in a status that was not asked for, which the sum would leave out.
    """

    def group(statuses: t.Sequence[str]) -> int | None:
        filterable = [status for status in statuses if status in _status.FILTER_WORDS]
        if question.is_narrowed or any(counts[status] is None for status in filterable):
            return None
        left_out = set(statuses).difference(question.statuses)
        if left_out and any(status in left_out for reading in readings for status, _word in reading.jobs.values()):
            return None
        return sum(counts[status] or 0 for status in statuses)

    return {**counts, "active": group(_status.ACTIVE), "queued": group(_status.QUEUED)}


def doubt_of(site: Site) -> float | None:
    """Seconds by which the site's clock is ahead of ours; None where it does not tell."""
    difference = site.client.clock.difference
    return None if difference is None else max(0.0, float(difference))
