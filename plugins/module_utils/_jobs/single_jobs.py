# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What only single jobs tell: a status that the listing leaves out, when a job ended, how long jobs take."""

from __future__ import annotations

import typing as t

from .. import _times
from .._errors import GpError
from .._services import Service
from .._statuses import FAILURES, FINISHED, normalise
from .._wire.responses import JobDetails
from .._wire.site import Site
from .counting import Counter
from .details import MOST_DETAILS, Details, JobKey
from .filters import Filters
from .health import SAMPLE, Health, durations
from .listing import Map
from .reading import Jobs, Reading, recounted

_FEWEST_AT_ONCE = 4


class SingleJobs:
    """Looks at the single jobs of readings, as far as a query needs them."""

    def __init__(self, site: Site, filters: Filters, details: Details, side_by_side: Map, now: float) -> None:
        """Prepare to look.

        :param now: epoch seconds, by the earlier of the two clocks.
        """
        self._site = site
        self._filters = filters
        self._details = details
        self._map = side_by_side
        self._after = filters.ended_after.at(now) if filters.ended_after is not None else None

    # --- looking -----------------------------------------------------------------------------------------------------

    def look(self, readings: list[Reading], counter: Counter) -> tuple[list[Reading], set[Service]]:
        """Read the details that decide something, or that are asked for.

        :return: the readings with what the details say, and the services that have to be read again: a job that is
            listed has no details, or a job may have come that nobody has looked at.
        """
        readings = [self._bounded(reading) for reading in readings]
        needed = {
            (one.service, job_id): one.jobs[job_id][0]
            for one in readings
            if one.complete
            for job_id in (*self._unread(one), *self._shown(one))
        }
        again = self._details.fetch(needed)
        unread = [reading for reading in readings if reading.complete and reading.has_unread]
        readings = [self._with_statuses(reading) if reading in unread else reading for reading in readings]
        if self._filters.asks_for_active:
            idle = {reading.service for reading in unread} - again
            suspects = [one for one in readings if one.service in idle and not one.has_active]
            confirmed = self._map(lambda one: _or_false(counter.confirms, one), suspects)
            again |= {one.service for one, is_confirmed in zip(suspects, confirmed) if not is_confirmed}
        readings, vanished = self._look_at_finished(readings)
        return readings, again | vanished

    def _bounded(self, reading: Reading) -> Reading:
        """Doubt a reading that would take too many details to understand."""
        if not reading.complete or len(self._unread(reading)) <= MOST_DETAILS:
            return reading
        return reading.doubted(
            f"{reading.service}: the site's listing leaves out the status of {len(self._unread(reading))} jobs, and at "
            f"most {MOST_DETAILS} are looked at one by one. Ask for fewer statuses."
        )

    @staticmethod
    def _unread(reading: Reading) -> list[str]:
        return [job_id for job_id, (status, _word) in reading.jobs.items() if not status]

    def _shown(self, reading: Reading) -> list[str]:
        """Give the jobs whose details are asked for, whether or not they decide anything."""
        filters = self._filters
        if filters.detail != "full":
            return []
        left_to_ended_after = FINISHED if filters.ended_after is not None else ()
        shown = [
            job_id
            for job_id, (status, _word) in reading.jobs.items()
            if status in filters.statuses and status not in left_to_ended_after
        ]
        most = min(n for n in (filters.limit, filters.detail_limit, len(shown)) if n is not None)
        return shown[:most]

    def _with_statuses(self, reading: Reading) -> Reading:
        jobs: Jobs = dict(reading.jobs)
        for job_id in self._unread(reading):
            job = self._details.get(reading.service, job_id)
            if job is not None:
                jobs[job_id] = (normalise(job.word), job.word)
        changed = reading._replace(jobs=jobs)
        return recounted(changed, self._filters) if reading.is_listed else changed

    def _look_at_finished(self, readings: list[Reading]) -> tuple[list[Reading], set[Service]]:
        """Read the details of finished jobs that ``ended_after`` may leave out, until each service has enough."""
        filters = self._filters
        if self._after is None:
            return readings, set()
        waiting = {one.service: self._candidates(one) for one in readings if one.complete}
        enough: set[Service] = set()
        vanished: set[Service] = set()
        looked_at = dict.fromkeys(waiting, 0)
        while any(waiting.values()):
            batch: dict[JobKey, str] = {}
            for reading in readings:
                left = waiting.get(reading.service, [])
                step = len(left) if filters.enough is None else max(filters.enough, _FEWEST_AT_ONCE)
                step = min(step, MOST_DETAILS - looked_at.get(reading.service, 0))
                batch.update({(reading.service, job_id): reading.jobs[job_id][0] for job_id in left[:step]})
                if left:
                    looked_at[reading.service] += step
                    waiting[reading.service] = left[step:] if step else []
            vanished |= self._details.fetch(batch)
            for reading in readings:
                if filters.enough is not None and self._recent(reading) >= filters.enough:
                    enough.add(reading.service)
                    waiting[reading.service] = []
        return [self._after_look(reading, reading.service in enough) for reading in readings], vanished

    def _candidates(self, reading: Reading) -> list[str]:
        """Give the finished jobs to look at; none if they are too many and all of them would count."""
        finished = self._finished(reading)
        if self._filters.enough is None and len(finished) > MOST_DETAILS:
            return []
        return _from_both_ends(finished)

    def _after_look(self, reading: Reading, has_enough: bool) -> Reading:
        """Leave out the finished jobs that nobody looked at, if enough of the others count; else doubt the reading."""
        unseen = [one for one in self._finished(reading) if self._details.get(reading.service, one) is None]
        if not reading.complete or not unseen:
            return reading
        if has_enough:
            jobs = {job_id: known for job_id, known in reading.jobs.items() if job_id not in set(unseen)}
            return reading._replace(jobs=jobs, at_least=True)
        if len(self._finished(reading)) <= MOST_DETAILS:
            return reading  # they have vanished
        return reading.doubted(
            f"{reading.service}: {len(self._finished(reading))} finished jobs would have to be looked at one by one to "
            f"learn when they ended, and {MOST_DETAILS} is the most. Ask for fewer statuses."
        )

    def _finished(self, reading: Reading) -> list[str]:
        """Give the finished jobs that were asked for."""
        wanted = [status for status in self._filters.statuses if status in FINISHED]
        return [job_id for job_id, (status, _word) in reading.jobs.items() if status in wanted]

    def _recent(self, reading: Reading) -> int:
        """Count the finished jobs that are known to have ended after ``ended_after``."""
        known = (self._details.get(reading.service, job_id) for job_id in self._finished(reading))
        return sum(1 for job in known if job is not None and self._is_recent(job))

    def _is_recent(self, job: JobDetails) -> bool:
        """Tell whether a finished job counts. One whose end nobody can believe counts as recent."""
        return not is_end_known(job) or t.cast(float, job.ended) >= t.cast(float, self._after)

    def leave_out_ended(self, reading: Reading) -> Reading:
        """Leave out the finished jobs that ended before ``ended_after``, and count again."""
        if self._after is None or not reading.complete:
            return reading
        finished = self._finished(reading)
        known = [(job_id, self._details.get(reading.service, job_id)) for job_id in finished]
        early = {job_id for job_id, job in known if job is not None and not self._is_recent(job)}
        endless = sum(1 for _id, job in known if job is not None and not is_end_known(job))
        if early and not self._site.client.clock.is_known:
            return reading.doubted(
                f"{reading.service}: {len(early)} of its jobs ended before {_times.iso(self._after)} by the clock of "
                "the machine that asked, and the site's answers carry no date. Let the header Date through."
            )
        jobs = {job_id: told for job_id, told in reading.jobs.items() if job_id not in early}
        reading = recounted(reading._replace(jobs=jobs), self._filters)
        if not endless:
            return reading
        return reading.warned(
            f"{reading.service}: {endless} finished jobs do not tell when they ended, so they count as recent."
        )

    # --- history -----------------------------------------------------------------------------------------------------

    def health(self, readings: list[Reading], counter: Counter) -> dict[Service, Health]:
        """Find out how services have done, if that is asked for: before old jobs are left out of the readings."""
        include = self._filters.include
        taken = self._durations(readings, counter) if "durations" in include else {}
        succeeded = self._succeeded(readings, counter) if "succeeded" in include else {}
        return {
            one.service: Health(durations=taken.get(one.service), succeeded=succeeded.get(one.service))
            for one in readings
        }

    def _durations(self, readings: list[Reading], counter: Counter) -> dict[Service, dict[str, t.Any] | None]:
        """Give how long jobs take, for services that have active ones, by a few jobs that succeeded."""
        busy = [one for one in readings if one.complete and one.has_active]
        samples = dict(zip((one.service for one in busy), self._map(lambda one: _sample(one, counter), busy)))
        self._details.fetch({(service, job_id): "succeeded" for service, ids in samples.items() for job_id in ids})
        return {
            service: durations([self._details.get(service, job_id) for job_id in ids])
            for service, ids in samples.items()
        }

    def _succeeded(self, readings: list[Reading], counter: Counter) -> dict[Service, dict[str, t.Any] | None]:
        """Count the jobs that succeeded since ``ended_after``, for services with failed ones.

        They are looked at one by one. If there are too many, the site's own time filter counts some that surely did.
        """
        asked = [
            one for one in readings if one.complete and any(status in FAILURES for status, _word in one.jobs.values())
        ]
        ids = {
            one.service: [job_id for job_id, (status, _word) in one.jobs.items() if status == "succeeded"]
            for one in asked
            if one.is_listed
        }
        ids = {service: jobs for service, jobs in ids.items() if len(jobs) <= MOST_DETAILS}
        self._details.fetch({(service, job_id): "succeeded" for service, jobs in ids.items() for job_id in jobs})
        found: dict[Service, dict[str, t.Any] | None] = {}
        for service, jobs in ids.items():
            details = [self._details.get(service, job_id) for job_id in jobs]
            ended = [job.ended for job in details if job is not None and is_end_known(job)]
            recent = sum(1 for moment in ended if moment is not None and moment >= t.cast(float, self._after))
            found[service] = {"found": recent, "exact": len(ended) == len(jobs)}
        others = [one.service for one in asked if one.service not in ids]
        totals = self._map(lambda service: _or_none(counter.succeeded_since, service, self._after), others)
        for service, total in zip(others, totals):
            found[service] = None if total is None else {"found": total, "exact": False}
        return found

    # --- messages ----------------------------------------------------------------------------------------------------

    def fetch_messages(self, readings: list[Reading]) -> None:
        """Read the messages of the jobs that are shown: failed ones first, if not all are wanted."""
        if self._filters.detail != "full":
            return
        keys: list[JobKey] = []
        for reading in readings:
            shown = [
                job_id
                for job_id, (status, _word) in reading.jobs.items()
                if status in self._filters.statuses and self._details.get(reading.service, job_id) is not None
            ]
            shown.sort(key=lambda job_id: self._urgency(reading, job_id))
            keys += [(reading.service, job_id) for job_id in shown[: self._filters.message_limit]]
        self._details.fetch_messages(keys)

    def _urgency(self, reading: Reading, job_id: str) -> tuple[bool, float]:
        """Sort failures before the rest, each by the latest end; then those that wait longest."""
        job = self._details.get(reading.service, job_id)
        ended = job.ended if job is not None else None
        submitted = job.submitted if job is not None else None
        has_failed = reading.jobs[job_id][0] in FAILURES
        return not has_failed, -ended if ended is not None else submitted or 0.0


def is_end_known(job: JobDetails) -> bool:
    """Tell whether a job's end can be believed: an end before the job's own beginning is no time."""
    return job.ended is not None and all(begun is None or begun <= job.ended for begun in (job.submitted, job.started))


def _sample(reading: Reading, counter: Counter) -> list[str]:
    """Give a few succeeded jobs: those that were listed anyway, or else one page of them."""
    if reading.is_listed:
        return [job_id for job_id, (status, _word) in reading.jobs.items() if status == "succeeded"][:SAMPLE]
    try:
        return counter.some(reading.service, "succeeded", SAMPLE)
    except GpError:
        return []


def _from_both_ends(jobs: list[str]) -> list[str]:
    """Order jobs so that the latest come early, whether the site lists the newest or the oldest first."""
    half = (len(jobs) + 1) // 2
    first, last = jobs[:half], jobs[half:][::-1]
    return [job for pair in zip(first, last) for job in pair] + first[len(last) :]


def _or_none(count: t.Callable[[Service, float], int], service: Service, after: float | None) -> int | None:
    try:
        return count(service, t.cast(float, after))
    except GpError:
        return None


def _or_false(confirms: t.Callable[[Reading], bool], reading: Reading) -> bool:
    try:
        return confirms(reading)
    except GpError:
        return False
