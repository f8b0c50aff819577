# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Single jobs: their details and messages, asked for side by side, and remembered from one poll to the next."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .._errors import GpError, NotFound
from .._services import Service
from .._statuses import FINISHED, normalise
from .._wire import dialects as _api
from .._wire import responses as _responses
from .._wire.responses import JobDetails
from .._wire.site import Site
from .capabilities import Habits, Proven

Each = t.Callable[..., t.Iterable[t.Any]]
"""The built-in map, or a pool's, which asks side by side."""

Key = tuple[Service, str]
Messages = list[dict[str, str]]


@dataclass
class Known:
    """What one measurement has learnt, and the next need not."""

    details: dict[Key, JobDetails | None] = field(default_factory=dict)
    """None for a job that the site no longer has."""
    messages: dict[Key, Messages | None] = field(default_factory=dict)
    """None for a job whose messages nobody can read."""
    proven: Proven = field(default_factory=Proven)
    clock_ahead: float | None = None
    """What another of the site's clocks has confirmed, as ``SiteClock.ahead``."""

    def forget_all_but(self, jobs: set[Key]) -> None:
        """Keeps what is known of these jobs only: a long wait need not remember every job that came and went."""
        self.details = {key: job for key, job in self.details.items() if key in jobs}
        self.messages = {key: messages for key, messages in self.messages.items() if key in jobs}


class Details:
    """Asks for single jobs, each once as long as it does not change."""

    def __init__(self, site: Site, habits: Habits, each: Each, known: Known) -> None:
        self._site = site
        self._habits = habits
        self._each = each
        self._known = known
        self._tasks_of: dict[Service, list[str]] = {}
        self.asked_for: set[Key] = set()
        """The jobs that this measurement had to know about."""

    def get(self, service: Service, job_id: str) -> JobDetails | None:
        """What is known of a job; None where nothing is."""
        return self._known.details.get((service, job_id))

    def fetch(self, jobs: t.Mapping[Key, str]) -> set[Service]:
        """Fetches jobs, each with the status that a listing shows; gives the services of those that have no details."""
        self.asked_for.update(jobs)
        lacking = [key for key, status in jobs.items() if not self._is_current(key, status)]
        for key, job in zip(lacking, self._each(self._one, lacking)):
            self._known.details[key] = job
        return {service for service, job_id in jobs if self._known.details[service, job_id] is None}

    def fetch_messages(self, keys: t.Sequence[Key]) -> None:
        """Reads the messages of jobs from the REST side, where they can be read; that none can is no error."""
        lacking = [key for key in keys if key not in self._known.messages or not self._has_ended(key)]
        for key, messages in zip(lacking, self._each(self._messages_of, lacking)):
            self._known.messages[key] = messages

    def _is_current(self, key: Key, status: str) -> bool:
        """Whether what is known of a job still holds: it is where it was, or where no job moves on from."""
        job = self._known.details.get(key)
        known = normalise(job.word) if job is not None else ""
        return known in FINISHED if not status else known == status

    def _has_ended(self, key: Key) -> bool:
        job = self._known.details.get(key)
        return job is not None and normalise(job.word) in FINISHED

    def _one(self, key: Key) -> JobDetails | None:
        try:
            return self._habits.details(*key)
        except NotFound:
            return None

    def _messages_of(self, key: Key) -> Messages | None:
        service, job_id = key
        job = self.get(service, job_id)
        for task in self._tasks(service, job.url if job else None):
            url = _api.rest_job_url(self._site.roots, service, task, job_id)
            try:
                return self._site.ask(url, _responses.parse_messages, {"returnMessages": "true"})
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
                self._tasks_of[service] = self._site.ask(
                    _api.rest_service_url(self._site.roots, service), _responses.parse_tasks
                )
            except GpError:
                self._tasks_of[service] = []
        return self._tasks_of[service]
