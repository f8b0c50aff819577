# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The facts: what was read, shaped for playbooks. A count that was not asked for, or not seen in full, is None."""

from __future__ import annotations

import typing as t

from .. import _statuses, _times
from .._services import Service
from .._wire import dialects
from .._wire.site import Site
from .details import Details
from .filters import Filters
from .health import Health
from .reading import Counts, Reading


class Seen(t.NamedTuple):
    """What became of the services besides those that were read, by name."""

    discovery: str = "none"
    unseen: t.Mapping[str, str] = {}
    """What this account could not look into, with the reason."""
    missing: t.Sequence[str] = ()
    synchronous: t.Sequence[str] = ()
    stopped: t.Sequence[str] = ()


def build(
    site: Site,
    filters: Filters,
    seen: Seen,
    readings: t.Sequence[Reading],
    details: Details,
    health: t.Mapping[Service, Health],
    as_of: float,
    retention: float | None,
) -> dict[str, t.Any]:
    """Give the facts of one query, as the documentation of gp_jobs_query describes them.

    :param as_of: epoch seconds of the site's clock.
    :param retention: seconds that finished jobs are kept, None if nobody says.
    """
    complete = not seen.unseen and all(reading.complete for reading in readings)
    jobs, truncated, next_start = _jobs(filters, readings, details)
    unread = Health()
    return {
        "api": site.dialect.api,
        "site": site.roots.context,
        "account": site.connection.username,
        "as_of": _times.iso(as_of),
        "clock_difference": _rounded(site.client.clock.difference),
        "complete": complete,
        "discovery": seen.discovery,
        "unseen": [{"name": name, "why": why} for name, why in sorted(seen.unseen.items())],
        "missing": sorted(seen.missing),
        "synchronous": sorted(seen.synchronous),
        "stopped": sorted(seen.stopped),
        "retention": _rounded(retention),
        "total": _sum([reading.total for reading in readings]) if complete else None,
        "counts": _with_groups(filters, _sums(filters, readings) if complete else _unknown(), readings),
        "services": [
            {**_service(filters, reading), **health.get(reading.service, unread).to_facts()} for reading in readings
        ],
        "jobs": jobs,
        "start": filters.start,
        "truncated": truncated,
        "next_start": next_start,
        "requests": {
            "sent": site.client.counters.sent,
            "tokens": site.tokens.logins,
            "retried": site.client.counters.retried,
            "seconds": round(site.client.seconds, 3),
        },
    }


def nothing_seen() -> dict[str, t.Any]:
    """Give the keys of facts for a query that failed, so that a condition on them can be read."""
    return {
        "complete": False,
        "total": None,
        "counts": {**_unknown(), "active": None, "queued": None},
        "services": [],
        "jobs": [],
    }


def _jobs(
    filters: Filters, readings: t.Sequence[Reading], details: Details
) -> tuple[list[dict[str, t.Any]] | None, bool, int | None]:
    """Give the jobs that ``detail`` asks for, whether ``limit`` cut them, and where the listing then goes on."""
    if filters.detail == "counts":
        return None, False, None
    jobs = []
    for reading in readings:
        service = str(reading.service)
        for job_id, (status, word) in reading.jobs.items():
            if status in filters.statuses:
                job = {"service": service, "job_id": job_id, "status": status, "job_status": str(word)}
                if filters.detail == "full":
                    job.update(_full(details, reading.service, job_id))
                jobs.append(job)
    next_starts = [reading.next_start for reading in readings if reading.next_start is not None]
    truncated = bool(next_starts) or (filters.limit is not None and len(jobs) > filters.limit)
    return jobs[: filters.limit], truncated, next_starts[0] if next_starts and len(readings) == 1 else None


def _full(details: Details, service: Service, job_id: str) -> dict[str, t.Any]:
    job = details.get(service, job_id)
    return {
        "user_name": job.user_name if job else None,
        "anonymous": job.anonymous if job else False,
        "machine_name": job.machine_name if job else None,
        "submitted_time": _times.iso(job.submitted) if job else None,
        "start_time": _times.iso(job.started) if job else None,
        "end_time": _times.iso(job.ended) if job else None,
        "url": dialects.safe_url(job.url) if job and job.url else None,
        "messages": details.messages(service, job_id),
    }


def _service(filters: Filters, reading: Reading) -> dict[str, t.Any]:
    page = reading.page
    return {
        "service": str(reading.service),
        "total": reading.total,
        "counts": _with_groups(filters, reading.counts, [reading]),
        "at_least": reading.at_least,
        "complete": reading.complete,
        "pages": reading.pages,
        "num": page.num if page else None,
        "start": filters.start,
        "next_start": reading.next_start or -1,
        "query": page.echo if page else {},
        "warnings": list(reading.warnings),
        "error": reading.error,
    }


def _unknown() -> Counts:
    return dict.fromkeys(_statuses.STATUSES)


def _rounded(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds)


def _sum(numbers: t.Sequence[int | None]) -> int | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if len(known) == len(numbers) else None


def _sums(filters: Filters, readings: t.Sequence[Reading]) -> Counts:
    """Add up the counts of all services; with no service at all, what was asked for is 0."""
    return {
        status: _sum([reading.counts[status] for reading in readings]) if status in filters.statuses else None
        for status in _statuses.STATUSES
    }


def _with_groups(filters: Filters, counts: Counts, readings: t.Sequence[Reading]) -> Counts:
    """Add the groups: known only if every status that a site can filter by was asked for and nothing else narrows.

    A job that was seen in a status of the group that was not asked for makes the group unknown as well.
    """

    def group(statuses: t.Sequence[str]) -> int | None:
        filterable = [status for status in statuses if status in _statuses.FILTER_WORDS]
        if filters.is_narrowed or any(counts[status] is None for status in filterable):
            return None
        left_out = set(statuses).difference(filters.statuses)
        if left_out and any(status in left_out for reading in readings for status, _word in reading.jobs.values()):
            return None
        return sum(counts[status] or 0 for status in statuses)

    return {**counts, "active": group(_statuses.ACTIVE), "queued": group(_statuses.QUEUED)}
