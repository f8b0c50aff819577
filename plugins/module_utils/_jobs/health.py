# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a site tells besides its jobs: whether services run and answer, how they have done, how long it keeps jobs."""

from __future__ import annotations

import typing as t

from .._errors import GpError, NotAllowed
from .._services import STARTED, STOPPED, Service
from .._wire import dialects, responses
from .._wire.responses import JobDetails
from .._wire.site import Site

SAMPLE = 20
"""The number of succeeded jobs from which the usual durations of a service are taken."""
FOR_EVER = 3650 * 86400.0
"""Seconds; stands for a site that never removes finished jobs."""
_MOST_DIRECTORIES = 5


class State(t.NamedTuple):
    """Whether a service should run, and whether it does, in the site's own words in capitals."""

    configured: str
    realtime: str

    @property
    def is_stopped(self) -> bool:
        return self.configured == self.realtime == STOPPED

    @property
    def is_started(self) -> bool:
        return self.realtime == STARTED


class Health(t.NamedTuple):
    """What is known of one service besides its jobs. None if it was not asked for or is not known."""

    state: State | None = None
    answers: bool | None = None
    durations: dict[str, t.Any] | None = None
    succeeded: dict[str, t.Any] | None = None

    def to_facts(self) -> dict[str, t.Any]:
        return {
            "state": {"configured": self.state.configured, "realtime": self.state.realtime} if self.state else None,
            "answers": self.answers,
            "durations": self.durations,
            "succeeded": self.succeeded,
        }


def state_of(site: Site, service: Service) -> State | None:
    """Ask for the state of a service; None if the site does not tell it to this account."""
    try:
        words = site.ask(f"{dialects.service_url(site.roots, service)}/status", responses.parse_state)
    except GpError:
        return None
    return State(*words) if words else None


def answers(site: Site, service: Service) -> bool | None:
    """Ask whether a service answers on the REST side, where its users ask; None if this account may not know."""
    try:
        site.ask(dialects.rest_service_url(site.roots, service), dict)
        return True
    except NotAllowed:
        return None
    except GpError:
        return False


def retention(site: Site) -> float | None:
    """Ask for how long the site keeps finished jobs, in seconds; None if it does not tell.

    ArcGIS Server removes a finished job when the folder of the job is older than its jobs directory allows.
    """
    if site.dialect.api != dialects.SERVER:
        return None
    url = f"{site.roots.admin}/system/directories"
    try:
        listed = site.ask(url, responses.parse_directories)
        unread = [name for name, minutes in listed.items() if minutes is None][:_MOST_DIRECTORIES]
        for name in unread:
            listed.update(site.ask(f"{url}/{name}", responses.parse_directories))
    except GpError:
        return None
    ages = [minutes for minutes in listed.values() if minutes is not None]
    if not ages:
        return None
    return FOR_EVER if min(ages) == float("inf") else min(ages) * 60.0


def durations(jobs: t.Iterable[JobDetails | None]) -> dict[str, t.Any] | None:
    """Give the median and the 95th percentile of how long jobs took, in seconds; None if no job tells."""
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
    import statistics  # it takes long to load, and few tasks ask for durations

    late = statistics.quantiles(took, n=20, method="inclusive")[-1] if len(took) > 1 else took[0]
    return {"jobs": len(took), "median": round(statistics.median(took)), "p95": round(late)}
