# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What ``include`` asks for besides the jobs: whether services are started and answer, and how they have done."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._errors import GpError, NotAllowed
from .._services import STARTED, STOPPED, Service
from .._statuses import FAILURES
from .._wire import dialects as _api
from .._wire import responses as _responses
from .._wire.responses import JobDetails
from .._wire.site import Site
from .counting import Reader, Reading
from .details import Details, Each, Key
from .filters import Question

MOST_DETAILS = 500
"""So many finished jobs of a service are looked at one by one to learn when they ended; no more."""
_SAMPLE = 20


@dataclass(frozen=True)
class State:
    """Whether a service should run, and whether it does; in the site's own words, in capitals."""

    configured: str
    realtime: str

    @property
    def is_stopped(self) -> bool:
        """Stopped on purpose, and really so."""
        return self.configured == self.realtime == STOPPED

    @property
    def is_started(self) -> bool:
        return self.realtime == STARTED


@dataclass
class About:
    """What was found out about one service besides its jobs. None where it was not asked for, or is not known."""

    state: State | None = None
    answers: bool | None = None
    durations: dict[str, t.Any] | None = None
    succeeded: dict[str, t.Any] | None = None

    def to_result(self) -> dict[str, t.Any]:
        return {
            "state": {"configured": self.state.configured, "realtime": self.state.realtime} if self.state else None,
            "answers": self.answers,
            "durations": self.durations,
            "succeeded": self.succeeded,
        }


def state_of(site: Site, service: Service) -> State | None:
    """The state of a service; None where the site does not tell it to this account."""
    try:
        words = site.ask(f"{_api.service_url(site.roots, service)}/status", _responses.parse_state)
    except GpError:
        return None
    return State(*words) if words else None


def answers(site: Site, service: Service) -> bool | None:
    """Whether the service answers where its users ask; None where this account may not."""
    try:
        site.ask(_api.rest_service_url(site.roots, service), dict)
        return True
    except NotAllowed:
        return None
    except GpError:
        return False


class Histories:
    """How services have done: the durations of succeeded jobs, and how many succeeded."""

    def __init__(self, question: Question, reader: Reader, details: Details, each: Each, after: float | None) -> None:
        self._question = question
        self._reader = reader
        self._details = details
        self._each = each
        self._after = after

    def durations(self, readings: t.Sequence[Reading]) -> dict[Service, dict[str, t.Any] | None]:
        """For services that have active jobs: how long their jobs take, by a few that succeeded."""
        busy = [one for one in readings if one.complete and one.has_active]
        samples = dict(zip([one.service for one in busy], self._each(self._sample, busy)))
        self._details.fetch(_keys(samples))
        return {
            service: durations([self._details.get(service, job_id) for job_id in ids])
            for service, ids in samples.items()
        }

    def succeeded(self, readings: t.Sequence[Reading]) -> dict[Service, dict[str, t.Any] | None]:
        """For services with failed jobs: how many succeeded since ``ended_after``, exactly or by the site's filter.

        The site's own filter may leave out jobs that began before, never count one too many.
        """
        asked = [one for one in readings if one.complete and any(one.counts.get(word) for word in FAILURES)]
        by_id = {one.service: one.succeeded for one in asked if one.lists_all and len(one.succeeded) <= MOST_DETAILS}
        self._details.fetch(_keys(by_id))
        found: dict[Service, dict[str, t.Any] | None] = {}
        for service, ids in by_id.items():
            ended = [job.ended for job in (self._details.get(service, job_id) for job_id in ids) if job is not None]
            known = [moment for moment in ended if moment is not None]
            number = sum(1 for moment in known if moment >= t.cast(float, self._after))
            found[service] = {"found": number, "exact": len(known) == len(ids)}
        others = [one for one in asked if one.service not in by_id]
        for reading, total in zip(others, self._each(self._by_filter, others)):
            found[reading.service] = {"found": total, "exact": False} if total is not None else None
        return found

    def _sample(self, reading: Reading) -> list[str]:
        """A few succeeded jobs: those that were listed anyway, or else one page of them."""
        if reading.lists_all:
            return reading.succeeded[:_SAMPLE]
        try:
            page = self._reader.one_page(reading.service, "succeeded", _SAMPLE)
        except GpError:
            return []
        return [] if page is None else list(page.jobs)[:_SAMPLE]

    def _by_filter(self, reading: Reading) -> int | None:
        """How many succeeded by the site's filters. Of a listing that holds them all, only its own are counted."""
        number = self._question.page_size if reading.lists_all else 1
        try:
            self._reader.habits.prove_window(reading.service)
            page = self._reader.one_page(reading.service, "succeeded", number, since=self._after)
        except GpError:
            return None
        if page is None or (page.total and not page.jobs):
            return None
        return len(page.jobs.keys() & set(reading.succeeded)) if reading.lists_all else page.total


def durations(jobs: t.Iterable[JobDetails | None]) -> dict[str, t.Any] | None:
    """Median and 95th percentile of how long jobs took, in seconds; None where none tells."""
    import statistics  # here, for it takes its time to load, and few tasks ask for durations

    took = sorted(
        job.ended - began
        for job in jobs
        if job is not None
        and job.ended is not None
        and (began := job.started if job.started is not None else job.submitted) is not None
        and job.ended >= began
    )
    if not took:
        return None
    late = statistics.quantiles(took, n=20, method="inclusive")[-1] if len(took) > 1 else took[0]
    return {"jobs": len(took), "median": round(statistics.median(took)), "p95": round(late)}


def _keys(ids: t.Mapping[Service, t.Sequence[str]]) -> dict[Key, str]:
    return {(service, job_id): "succeeded" for service, each in ids.items() for job_id in each}
