# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Single jobs: their details and messages, asked for side by side, and remembered from one poll to the next."""

from __future__ import annotations

import typing as t
from urllib.parse import quote

from .._errors import GpError, NotFound, NotUnderstood, OutOfRequests, OutOfTime
from .._services import Service
from .._statuses import FINISHED, normalise
from .._wire import dialects, responses
from .._wire.responses import JobDetails
from .._wire.site import Site
from .listing import Map

MOST_DETAILS = 500
"""The most jobs of a service whose details are read in one measurement."""
_MOST_TASKS = 20
"""The most tasks of a service in which the messages of a job are looked for."""

JobKey = tuple[Service, str]
Messages = list[dict[str, str]]


class Details:
    """Asks for single jobs, each once as long as it does not change."""

    def __init__(
        self,
        site: Site,
        side_by_side: Map,
        jobs: dict[JobKey, JobDetails | None],
        messages: dict[JobKey, Messages | None],
    ) -> None:
        """Begin with what earlier measurements have learnt.

        :param jobs: the details known so far; None for a job that the site no longer has.
        :param messages: the messages known so far; None for a job whose messages cannot be read.
        """
        self._site = site
        self._map = side_by_side
        self._jobs = jobs
        self._messages = messages
        self._tasks_of: dict[Service, list[str]] = {}
        self._asked_for: set[JobKey] = set()

    def get(self, service: Service, job_id: str) -> JobDetails | None:
        return self._jobs.get((service, job_id))

    def messages(self, service: Service, job_id: str) -> Messages | None:
        return self._messages.get((service, job_id))

    def fetch(self, statuses: t.Mapping[JobKey, str]) -> set[Service]:
        """Ask for jobs whose details are not known, or not as they are now.

        :param statuses: the status of each job by its listing; empty if that does not tell it.
        :return: the services that list a job which the site does not have.
        """
        self._asked_for.update(statuses)
        lacking = [key for key, status in statuses.items() if not self._is_current(key, status)]
        for key, job in zip(lacking, self._map(self._one, lacking)):
            self._jobs[key] = job
        return {service for service, job_id in statuses if self._jobs[service, job_id] is None}

    def fetch_messages(self, keys: t.Sequence[JobKey]) -> None:
        """Read the messages of jobs from the REST side. That some cannot be read is no error."""
        lacking = [key for key in keys if key not in self._messages or not self._has_ended(key)]
        services = list(dict.fromkeys(service for service, job_id in lacking if not self._task_of(service, job_id)))
        for service, tasks in zip(services, self._map(self._tasks, services)):
            self._tasks_of[service] = tasks
        for key, messages in zip(lacking, self._map(self._messages_of, lacking)):
            self._messages[key] = messages

    def kept(self) -> tuple[dict[JobKey, JobDetails], dict[JobKey, Messages]]:
        """Give what the next measurement may want to know: of the jobs that this one asked for, and no others."""
        jobs = {key: job for key, job in self._jobs.items() if key in self._asked_for and job is not None}
        return jobs, {key: told for key, told in self._messages.items() if key in jobs and told is not None}

    def _is_current(self, key: JobKey, status: str) -> bool:
        job = self._jobs.get(key)
        known = normalise(job.word) if job is not None else ""
        return known in FINISHED if not status else known == status

    def _has_ended(self, key: JobKey) -> bool:
        job = self._jobs.get(key)
        return job is not None and normalise(job.word) in FINISHED

    def _one(self, key: JobKey) -> JobDetails | None:
        service, job_id = key
        url = f"{dialects.service_url(self._site.roots, service)}/jobs/{quote(job_id, safe='')}"

        def understand(body: dict[str, t.Any]) -> JobDetails:
            job = responses.parse_job(body, f"GET {url}")
            if job.job_id != job_id:
                raise NotUnderstood(f"The site answers with job {job.job_id}", where=f"GET {url}", transient=True)
            return job

        try:
            return self._site.ask(url, understand)
        except NotFound:
            return None

    def _messages_of(self, key: JobKey) -> Messages | None:
        service, job_id = key
        task = self._task_of(service, job_id)
        for name in [task] if task else self._tasks_of.get(service, []):
            url = dialects.rest_job_url(self._site.roots, service, name, job_id)
            try:
                return self._site.ask(url, responses.parse_messages, {"returnMessages": "true"})
            except (OutOfTime, OutOfRequests):
                return None
            except GpError:
                continue
        return None

    def _task_of(self, service: Service, job_id: str) -> str | None:
        """Give the task of a job by its own address, if that tells."""
        job = self.get(service, job_id)
        return dialects.task_of(job.url if job else None, service)

    def _tasks(self, service: Service) -> list[str]:
        """Give the tasks that a job may be of, by the description of its service."""
        try:
            tasks = self._site.ask(dialects.rest_service_url(self._site.roots, service), responses.parse_tasks)
        except GpError:
            return []
        return tasks[:_MOST_TASKS]
