# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The query: from options to facts. Called alike by the module, the lookup and, through the module, the gate."""

from __future__ import annotations

import typing as t
from concurrent.futures import Executor, ThreadPoolExecutor

from . import _api, _discovery, _facts
from ._api import JobDetails
from ._discovery import Discovery
from ._errors import GpError, NotAllowed, NotFound, NotUnderstood
from ._options import Connection, Read
from ._question import Question
from ._reader import Reader, Reading, recount
from ._services import Service
from ._site import Site
from ._status import FINISHED, normalise

Warn = t.Callable[[str], t.Any]
Details = dict[tuple[Service, str], t.Optional[JobDetails]]
"""What is known of single jobs; None for one that the site no longer has."""

MOST_DETAILS = 500
"""So many finished jobs are looked at one by one to learn when they ended; beyond that nothing is said."""
_TRIES = 3


def query(get: Read, warn: Warn) -> dict[str, t.Any]:
    """The facts that these options ask for.

    :param get: gives the value of an option by its name, None where it was not given.
    :param warn: is told what the user should know although the query succeeded.
    :raises GpError: for everything that keeps the facts from being known.
    """
    question = Question.read(get)
    connection = Connection.read(get)
    with Site(connection) as site, ThreadPoolExecutor(max_workers=connection.connections) as pool:
        return _Query(site, question, pool, warn).facts()


class _Query:
    """One query under way."""

    def __init__(self, site: Site, question: Question, pool: Executor, warn: Warn) -> None:
        self._site = site
        self._question = question
        self._pool = pool
        self._warn = warn
        self._details: Details = {}
        self._tasks_of: dict[Service, list[str]] = {}

    def facts(self) -> dict[str, t.Any]:
        site, question = self._site, self._question
        site.dialect  # noqa: B018 - finds it out, which also tells us the site's clock
        if not site.client.clock.is_known:
            site.ask(site.roots.admin)
        if not site.client.clock.is_known:
            self._warn("The site's answers carry no date; times are by the clock of the machine that ran the task.")
        now = site.client.clock.now()
        question.check_clock(now)
        reader = Reader(site, question, now)
        found = _discovery.discover(site, question, self._pool.map)
        readings = [
            one for one in self._pool.map(lambda s: self._read(reader, found, s), found.named + found.found) if one
        ]
        self._settle(reader, found, readings, now)
        messages = self._messages(readings) if question.detail == "full" else {}
        for reading in readings:
            for warning in reading.warnings:
                self._warn(warning)
        return _facts.build(site, question, found, readings, self._details, messages, now)

    # --- services --------------------------------------------------------------------------------------------------

    def _read(self, reader: Reader, found: Discovery, service: Service) -> Reading | None:
        """One service's reading; None where it may be missing and is, or is gone since it was found."""
        is_named = service in found.named
        try:
            reading = reader.read(service)
            shows_nothing = reading.complete and not reading.jobs and not any(reading.counts.values())
            if is_named and shows_nothing and _discovery.runs_synchronously(self._site, service):
                raise _discovery.synchronous(service)
            return reading
        except NotFound:
            return self._not_found(found, service, is_named)
        except NotAllowed as error:
            if is_named:
                raise
            found.unseen[str(service)] = str(error)
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
            synchronous = _discovery.runs_synchronously(self._site, service)
        except NotFound:
            self._warn(f"{service} is gone: it was there when the site was asked for its services.")
            return None
        if synchronous:
            found.synchronous.append(str(service))
            return None
        raise NotUnderstood(
            f"The site lists {service} and has no jobs resource for it",
            where=_api.service_url(self._site.roots, service),
            cure=_discovery.JOBS_SINCE,
            service=str(service),
        )

    # --- jobs one by one ---------------------------------------------------------------------------------------------

    def _settle(self, reader: Reader, found: Discovery, readings: list[Reading], now: float) -> None:
        """Decides what only a job's details can: a status that the listing leaves out, and when a job ended.

        A job that is listed and has no details is one that vanished in between: its service is read again.
        """
        for attempt in range(_TRIES):
            vanished = self._fetch(reader, readings)
            if not vanished:
                break
            for index, reading in enumerate(readings):
                if reading.service in vanished:
                    if attempt == _TRIES - 1:
                        reading.doubt(f"{reading.service}: the site lists jobs whose details it does not have.")
                    else:
                        readings[index] = self._read(reader, found, reading.service) or reading
        for reading in readings:
            self._apply(reading, now)

    def _fetch(self, reader: Reader, readings: list[Reading]) -> set[Service]:
        """Fetches the details that are needed and not known; gives the services of jobs that have none."""
        self._prove_filters(reader, readings)
        wanted = [(reading.service, job_id) for reading in readings for job_id in self._needs(reading)]
        missing = [key for key in wanted if self._details.get(key) is None]
        for key, job in zip(missing, self._pool.map(lambda key: self._one(reader, *key), missing)):
            self._details[key] = job
        return {service for service, job_id in wanted if self._details[service, job_id] is None}

    @staticmethod
    def _one(reader: Reader, service: Service, job_id: str) -> JobDetails | None:
        try:
            return reader.habits.details(service, job_id)
        except NotFound:
            return None

    def _prove_filters(self, reader: Reader, readings: list[Reading]) -> None:
        """Looks at one job of the answer: filters for user and machine are believed when it is theirs."""
        question = self._question
        if reader.habits.filters_people or (question.user_name is None and question.machine_name is None):
            return
        for reading in readings:
            for job_id in reading.jobs or ([reading.sample] if reading.sample else []):
                job = self._one(reader, reading.service, job_id)
                if job is not None:
                    self._details[reading.service, job_id] = job
                    reader.habits.prove_people(reading.service, reader.ask, job)
                    return

    def _needs(self, reading: Reading) -> list[str]:
        """The jobs of a reading whose details decide something, or are asked for."""
        question = self._question
        if not reading.complete:
            return []
        unread = [job_id for job_id, (status, _word) in reading.jobs.items() if not status]
        if question.detail == "full":
            shown = [job_id for job_id, (status, _word) in reading.jobs.items() if status in question.statuses]
            return unread + shown[: question.limit if question.ended_after is None else None]
        return unread + self._candidates(reading)

    def _candidates(self, reading: Reading) -> list[str]:
        """The finished jobs that ``ended_after`` may leave out."""
        question = self._question
        if question.ended_after is None:
            return []
        wanted = [status for status in question.statuses if status in FINISHED]
        jobs = [job_id for job_id, (status, _word) in reading.jobs.items() if status in wanted]
        if len(jobs) > MOST_DETAILS:
            reading.doubt(
                f"{reading.service}: {len(jobs)} finished jobs would have to be looked at one by one to learn when "
                f"they ended, and {MOST_DETAILS} is the most. Ask for fewer statuses."
            )
            return []
        return jobs

    def _apply(self, reading: Reading, now: float) -> None:
        """Puts what the details say into a reading, and counts it again."""
        question = self._question
        if not reading.complete:
            return
        for job_id, (status, _word) in list(reading.jobs.items()):
            job = self._details.get((reading.service, job_id))
            if not status and job is not None:
                reading.jobs[job_id] = (normalise(job.word), job.word)
        reading.window_known = _facts.is_window_known(reading, question, self._site.dialect.api, self._details, now)
        if question.ended_after is not None:
            _facts.leave_out_ended(reading, self._details, question.ended_after.at(now))
        if reading.next_start is not None or question.start > 1:
            return  # a part of a listing is not counted
        if not reading.by_filter or question.ended_after is not None:
            recount(reading, question)

    # --- messages ----------------------------------------------------------------------------------------------------

    def _messages(self, readings: list[Reading]) -> dict[tuple[Service, str], list[dict[str, str]]]:
        """The messages of jobs from the REST side, for those that can be read there; that none can is no error."""
        keys = [
            (reading.service, job_id)
            for reading in readings
            for job_id, (status, _word) in reading.jobs.items()
            if status in self._question.statuses and self._details.get((reading.service, job_id)) is not None
        ]
        found: dict[tuple[Service, str], list[dict[str, str]]] = {}
        for key, messages in zip(keys, self._pool.map(lambda key: self._messages_of(*key), keys)):
            if messages is not None:
                found[key] = messages
        return found

    def _messages_of(self, service: Service, job_id: str) -> list[dict[str, str]] | None:
        job = self._details[service, job_id]
        for task in self._tasks(service, job.url if job else None):
            url = _api.rest_job_url(self._site.roots, service, task, job_id)
            try:
                return _api.parse_messages(self._site.ask(url, {"returnMessages": "true"}))
            except GpError:
                continue
        return None

    def _tasks(self, service: Service, url: str | None) -> list[str]:
        """The tasks that a job may be of: its address tells, or else the service's description."""
        task = _api.task_of(url, service)
        if task is not None:
            return [task]
        if service not in self._tasks_of:
            try:
                self._tasks_of[service] = _api.parse_tasks(
                    self._site.ask(_api.rest_service_url(self._site.roots, service))
                )
            except GpError:
                self._tasks_of[service] = []
        return self._tasks_of[service]
