# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What was seen of one service: a frozen result, which each stage of a query replaces by a better one."""

from __future__ import annotations

import typing as t

from .. import _statuses
from .._errors import GpError
from .._services import Service
from .._wire.responses import Page
from .filters import Filters

Counts = dict[str, t.Optional[int]]
Jobs = dict[str, tuple[str, t.Any]]
"""By id: our status, or an empty text if only the job's details tell it, and the site's word."""


class Reading(t.NamedTuple):
    """What was seen of one service. A count is None if it was not asked for or cannot be known."""

    service: Service
    record: int | None = None
    """The number of all its jobs, asked for or not, as far as its answers tell."""
    total: int | None = None
    counts: Counts = dict.fromkeys(_statuses.STATUSES)
    jobs: Jobs = {}
    """Those known by id; not all that is counted."""
    is_listed: bool = True
    """Whether ``jobs`` holds every job of the service, so that counts are counted from it."""
    pages: int = 0
    page: Page | None = None
    """The first page, for what the site says of the query."""
    next_start: int | None = None
    complete: bool = True
    at_least: bool = False
    """Whether more finished jobs may have ended in time than are counted, because enough were found."""
    warnings: tuple[str, ...] = ()
    error: dict[str, t.Any] | None = None

    @property
    def has_active(self) -> bool:
        return any(status in _statuses.ACTIVE for status, _word in self.jobs.values()) or any(
            self.counts[status] for status in _statuses.ACTIVE
        )

    @property
    def has_unread(self) -> bool:
        """Whether the status of some jobs is only in their details."""
        return any(not status for status, _word in self.jobs.values())

    @property
    def shows_nothing(self) -> bool:
        """Whether it has no job in any status, as far as its answers tell."""
        return self.record == 0

    def doubted(self, why: str) -> Reading:
        """Give this reading as one that must not be read as "none"."""
        nothing: Counts = dict.fromkeys(_statuses.STATUSES)
        return self._replace(complete=False, total=None, counts=nothing, warnings=(*self.warnings, why))

    def warned(self, *warnings: str) -> Reading:
        return self._replace(warnings=(*self.warnings, *warnings))


def recounted(reading: Reading, filters: Filters) -> Reading:
    """Count a reading by its jobs, for the statuses that were asked for and are known job by job."""
    counts = dict(reading.counts)
    for status in filters.statuses:
        if reading.is_listed or counts[status] is not None:
            counts[status] = 0
    for status, _word in reading.jobs.values():
        if status in filters.statuses:
            counts[status] = (counts[status] or 0) + 1
    return reading._replace(counts=counts, total=sum(counts[status] or 0 for status in filters.statuses))


def without_finished(reading: Reading) -> Reading:
    """Take back the counts of finished jobs: the site no longer has all that were asked for."""
    counts = {status: None if status in _statuses.FINISHED else count for status, count in reading.counts.items()}
    return reading._replace(counts=counts, total=None, complete=False)


def in_the_dark(service: Service, error: GpError) -> Reading:
    """Give the reading of a service that could not be read."""
    return Reading(service, is_listed=False).doubted(f"{service}: {error}")._replace(error=error.failure)
