# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The query: from options to facts. Called alike by the module, the lookup and, through the module, the gate."""

from __future__ import annotations

import typing as t
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass

from .._connection import Connection
from .._errors import (
    Busy,
    GpError,
    NotAllowed,
    NotFound,
    NotUnderstood,
    SiteError,
)
from .._options import Read
from .._services import Service
from .._statuses import FAILURES, FINISHED, normalise
from .._wire import dialects as _api
from .._wire.site import Site
from . import discovery as _discovery
from . import facts as _facts
from . import health as _about
from . import poll_state as _memory
from .counting import Reader, Reading, recount
from .details import Details, Key, Known
from .discovery import Discovery
from .filters import Question
from .health import MOST_DETAILS, About, Histories

Warn = t.Callable[[str], t.Any]

_TRIES = 3


@dataclass(frozen=True)
class Measurement:
    """The facts, and what the next measurement may want to know."""

    facts: dict[str, t.Any]
    known: Known

    @property
    def memory(self) -> str:
        return _memory.pack(self.facts, self.known)


def query(get: Read, warn: Warn) -> dict[str, t.Any]:
    """The facts that these options ask for.

    :param get: gives the value of an option by its name, None where it was not given.
    :param warn: is told what the user should know although the query succeeded.
    :raises GpError: for everything that keeps the facts from being known.
    """
    return measure(get, warn).facts


def measure(get: Read, warn: Warn, known: Known | None = None) -> Measurement:
    """The same as one of several: with what is known of single jobs before and after, and no login beside a token."""
    question = Question.read(get)
    connection = Connection.read(get)
    if known is not None and connection.token is not None:
        # The next measurement would not know of a token that this one gets: whoever polls renews it.
        connection = connection._replace(password=None)
    known = known if known is not None else Known()
    # Pages have threads of their own, for a service may not wait for one that waits for its pages.
    with (
        Site(connection) as site,
        ThreadPoolExecutor(max_workers=connection.connections) as pool,
        ThreadPoolExecutor(max_workers=connection.connections) as pages,
    ):
        facts = _Query(site, question, pool, pages, warn, known).facts()
        return Measurement(facts, known)


class _Query:
    """One query under way."""

    def __init__(
        self, site: Site, question: Question, pool: Executor, pages: Executor, warn: Warn, known: Known
    ) -> None:
        self._site = site
        self._question = question
        self._pool = pool
        self._pages = pages
        self._warn = warn
        self._known = known
        self._about: dict[Service, About] = {}
        self._broken: list[GpError] = []
        """The errors of single services."""

    def facts(self) -> dict[str, t.Any]:
        site, question = self._site, self._question
        now = self._find_time()
        question.check_clock(now)
        self._after = question.ended_after.at(now) if question.ended_after is not None else None
        self._reader = Reader(site, question, now, self._known.proven, self._pages.map)
        self._details = Details(site, self._reader.habits, self._pool.map, self._known)
        found = _discovery.discover(site, question, self._pool.map)
        readings = [one for one in self._pool.map(lambda s: self._read(found, s), found.named + found.found) if one]
        if self._broken and len(self._broken) == len(readings):
            raise self._broken[0]  # it is the site
        if not question.is_timed:
            now = site.client.clock.now()
        if not site.client.clock.is_known:
            self._warn("The site's answers carry no date; times are by the clock of the machine that ran the task.")
        self._settle(found, readings, now)
        if question.detail == "full":
            self._read_messages(readings)
        self._known.forget_all_but(self._details.asked_for)
        for reading in readings:
            for warning in reading.warnings:
                self._warn(warning)
        return _facts.build(site, question, found, readings, self._known, self._about, now)

    def _find_time(self) -> float:
        """The site's now. Where nothing depends on it, no request is sent for it alone: the next answers tell.

        A login does not, for a portal is another machine.
        """
        site = self._site
        site.dialect  # noqa: B018 - found out by a request, or given
        if not site.client.clock.is_known and self._question.is_timed:
            site.ask(site.roots.admin, dict)
        return site.client.clock.now()

    # --- services --------------------------------------------------------------------------------------------------

    def _read(self, found: Discovery, service: Service) -> Reading | None:
        """One service's reading; None where it may be missing and is, is gone since it was found, or is stopped."""
        is_named = service in found.named
        about = self._about[service] = About()
        try:
            if "states" in self._question.include:
                about.state = _about.state_of(self._site, service)
            if "answers" in self._question.include:
                about.answers = _about.answers(self._site, service)
            reading = self._reader.read(service)
            shows_nothing = reading.complete and not reading.jobs and not any(reading.counts.values())
            if is_named and shows_nothing and _discovery.runs_synchronously(self._site, service):
                raise _discovery.synchronous(service)
            return reading
        except NotAllowed as error:
            if is_named:
                raise
            found.unseen[str(service)] = str(error)
            return self._in_the_dark(service, error)
        except (SiteError, Busy, NotUnderstood) as error:
            if about.state is not None and about.state.is_stopped:
                found.stopped.append(str(service))
                return None
            is_down = about.state is not None and not about.state.is_started
            if isinstance(error, NotFound) and not is_down:
                return self._not_found(found, service, is_named)
            if is_named and not is_down:
                raise
            if not is_down:
                self._broken.append(error)
            return self._in_the_dark(service, error)

    @staticmethod
    def _in_the_dark(service: Service, error: GpError) -> Reading:
        """The reading of a service that could not be read."""
        reading = Reading(service, error=error.failure)
        reading.doubt(f"{service}: {error}")
        return reading

    def _not_found(self, found: Discovery, service: Service, is_named: bool) -> Reading | None:
        if is_named:
            error = _discovery.explain_missing(self._site, service)
            if service in found.may_be_missing and "nearest" in error.failure:
                found.missing.append(str(service))
                return None
            raise error
        try:
            if _discovery.runs_synchronously(self._site, service):
                found.synchronous.append(str(service))
                return None
        except NotFound:
            if service not in _discovery.in_folder(self._site, service.folder):
                self._warn(f"{service} is gone: it was there when the site was asked for its services.")
                return None
        raise NotUnderstood(
            f"The site lists {service}, and says that it does not have its jobs",
            where=_api.service_url(self._site.roots, service),
            cure=_discovery.JOBS_SINCE,
            service=str(service),
        )

    # --- jobs one by one ---------------------------------------------------------------------------------------------

    def _settle(self, found: Discovery, readings: list[Reading], now: float) -> None:
        """Decides what only a job's details can: a status that the listing leaves out, and when a job ended.

        A job that is listed and has no details is one that vanished in between: its service is read again.
        """
        for attempt in range(_TRIES):
            vanished = self._look(readings)
            if not vanished:
                break
            for index, reading in enumerate(readings):
                if reading.service in vanished:
                    if attempt == _TRIES - 1:
                        reading.doubt(f"{reading.service}: the site lists jobs whose details it does not have.")
                    else:
                        readings[index] = self._read(found, reading.service) or reading
        for reading in readings:  # before those that ended too early are left out
            reading.succeeded = [job_id for job_id, (status, _word) in reading.jobs.items() if status == "succeeded"]
        histories = Histories(self._question, self._reader, self._details, self._pool.map, self._after)
        if "durations" in self._question.include:
            for service, durations in histories.durations(readings).items():
                self._about[service].durations = durations
        for reading in readings:
            self._apply(reading, now)
        if "succeeded" in self._question.include:
            for service, succeeded in histories.succeeded(readings).items():
                self._about[service].succeeded = succeeded

    def _look(self, readings: list[Reading]) -> set[Service]:
        """Fetches the details that are needed and not known; gives the services of jobs that have none."""
        self._prove_filters(readings)
        for reading in readings:
            reading.at_least = False
        vanished = self._details.fetch(
            {(one.service, job_id): one.jobs[job_id][0] for one in readings for job_id in self._needs(one)}
        )
        for reading in readings:
            for job_id, (status, _word) in list(reading.jobs.items()):
                job = self._details.get(reading.service, job_id) if not status else None
                if job is not None:
                    reading.jobs[job_id] = (normalise(job.word), job.word)
        return vanished | self._look_at_finished(readings)

    def _look_at_finished(self, readings: list[Reading]) -> set[Service]:
        """Fetches the details of finished jobs that ``ended_after`` may leave out, until a service has enough."""
        question = self._question
        waiting = {reading.service: self._candidates(reading) for reading in readings}
        vanished: set[Service] = set()
        while any(waiting.values()):
            round_of: dict[Key, str] = {}
            for reading in readings:
                left = waiting[reading.service]
                take = len(left) if question.enough is None else max(question.enough, 4)
                round_of.update({(reading.service, job_id): reading.jobs[job_id][0] for job_id in left[:take]})
                waiting[reading.service] = left[take:]
            vanished |= self._details.fetch(round_of)
            for reading in readings:
                left = waiting[reading.service]
                if left and question.enough is not None and self._ended_in_time(reading) >= question.enough:
                    self._stop_looking(reading, left)
                    waiting[reading.service] = []
        return vanished

    def _ended_in_time(self, reading: Reading) -> int:
        """How many finished jobs are known to have ended after ``ended_after``."""
        known = (self._details.get(reading.service, job_id) for job_id in self._finished(reading))
        return sum(
            1 for job in known if job is not None and (job.ended is None or job.ended >= t.cast(float, self._after))
        )

    def _stop_looking(self, reading: Reading, unseen: list[str]) -> None:
        """Leaves out the jobs that nobody has looked at: what is counted of finished ones is a lower bound."""
        for job_id in unseen:
            if self._details.get(reading.service, job_id) is None:
                del reading.jobs[job_id]
        reading.at_least = True

    def _prove_filters(self, readings: list[Reading]) -> None:
        """Looks at one job of the answer: filters for user and machine are believed when it is theirs."""
        question, habits = self._question, self._reader.habits
        if habits.filters_people or (question.user_name is None and question.machine_name is None):
            return
        for reading in readings:
            for job_id in reading.jobs or ([reading.sample] if reading.sample else []):
                self._details.fetch({(reading.service, job_id): reading.jobs.get(job_id, ("", None))[0]})
                job = self._details.get(reading.service, job_id)
                if job is not None:
                    habits.prove_people(reading.service, self._reader.ask, job)
                    return

    def _needs(self, reading: Reading) -> list[str]:
        """The jobs of a reading whose details decide something, or are asked for, whatever the others say."""
        question = self._question
        if not reading.complete:
            return []
        unread = [job_id for job_id, (status, _word) in reading.jobs.items() if not status]
        if question.detail != "full":
            return unread
        shown = [job_id for job_id, (status, _word) in reading.jobs.items() if status in question.statuses]
        if question.ended_after is not None:
            return unread + [job_id for job_id in shown if reading.jobs[job_id][0] not in FINISHED]
        return unread + shown[: question.limit]

    def _finished(self, reading: Reading) -> list[str]:
        """The finished jobs that were asked for."""
        wanted = [status for status in self._question.statuses if status in FINISHED]
        return [job_id for job_id, (status, _word) in reading.jobs.items() if status in wanted]

    def _candidates(self, reading: Reading) -> list[str]:
        """The finished jobs to look at one by one; where there are too many, those first that may be the latest."""
        question = self._question
        if question.ended_after is None or not reading.complete:
            return []
        jobs = self._finished(reading)
        if len(jobs) <= MOST_DETAILS:
            return jobs
        if question.enough is not None:
            late = self._reader.since(reading.service, {reading.jobs[job_id][0] for job_id in jobs}, self._after)
            first = sorted(jobs, key=lambda job_id: job_id not in late)[:MOST_DETAILS]
            self._details.fetch({(reading.service, job_id): reading.jobs[job_id][0] for job_id in first})
            if self._ended_in_time(reading) >= question.enough:
                self._stop_looking(reading, jobs)
                return []
        reading.doubt(
            f"{reading.service}: {len(jobs)} finished jobs would have to be looked at one by one to learn when "
            f"they ended, and {MOST_DETAILS} is the most. Ask for fewer statuses."
        )
        return []

    def _apply(self, reading: Reading, now: float) -> None:
        """Puts what the details say into a reading, and counts it again."""
        question = self._question
        if not reading.complete:
            return
        reading.window_known = _facts.is_window_known(
            reading, question, self._site.dialect.api, self._known.details, now
        )
        if self._after is not None:
            _facts.doubt_times(reading, question, self._known.details, self._after, _facts.doubt_of(self._site))
            _facts.leave_out_ended(reading, self._known.details, self._after)
        if reading.next_start is not None or question.start > 1:
            return  # a part of a listing is not counted
        if not reading.by_filter or question.ended_after is not None:
            recount(reading, question)

    def _read_messages(self, readings: list[Reading]) -> None:
        """Reads the messages of the jobs that are shown: of failed ones first, where not all are wanted."""
        most = self._question.message_limit
        keys: list[Key] = []
        for reading in readings:
            shown = [
                job_id
                for job_id, (status, _word) in reading.jobs.items()
                if status in self._question.statuses and self._details.get(reading.service, job_id) is not None
            ]
            shown.sort(key=lambda job_id: self._urgency(reading, job_id))
            keys += [(reading.service, job_id) for job_id in shown[:most]]
        self._details.fetch_messages(keys)

    def _urgency(self, reading: Reading, job_id: str) -> tuple[bool, float]:
        """Failures before the rest, and among each the latest end; then those that wait longest."""
        job = self._details.get(reading.service, job_id)
        ended = job.ended if job is not None else None
        submitted = job.submitted if job is not None else None
        has_failed = reading.jobs[job_id][0] in FAILURES
        return not has_failed, (0.0 - ended) if ended is not None else submitted or 0.0
