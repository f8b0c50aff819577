# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""One service's jobs, counted so that the numbers can be relied on.

One unfiltered page settles every service whose record fits into it. A longer record is counted by the eight documented
filters, in the order of a job's life, and the unfiltered total is read before, between and after them. If the filters
add up to that total, they are honoured, no job hides in a status without a filter word, and nothing has arrived. If
they do not add up twice, the record is listed page by page.

"No job is active" is believed of one moment only: of one answer, of filters that add up, or of a listing that a second
way through confirms, job by job.
"""

from __future__ import annotations

import functools
import typing as t

from .. import _statuses
from .._errors import BadOption, NotAllowed, NotFound, NotHonoured, NotUnderstood, SiteError
from .._services import Service
from .._statuses import FILTER_WORDS
from .._wire import dialects
from .._wire.dialects import JobFilter
from .._wire.responses import Page, parse_page
from .._wire.site import Site
from . import listing as _listing
from .echo import check_answer
from .filters import Filters
from .listing import Listing, Map
from .reading import Counts, Jobs, Reading, recounted

TRIES = 3
"""How often something is gone through again because jobs moved meanwhile."""
_LIVING = tuple(status for status in FILTER_WORDS if status in _statuses.ACTIVE)
_ENDED = tuple(status for status in FILTER_WORDS if status not in _statuses.ACTIVE)
_NOBODY = "nobody-7c1d"
_DAY = 86400.0
_LONG_AGO = 200_000_000.0
"""Epoch seconds, in 1976: before any job, in whichever unit it is read."""


class Capabilities(t.NamedTuple):
    """How a site wants to be asked for its jobs. What is learnt makes a new one, which is handed on."""

    needs_status: bool = False
    needs_start: bool = False
    shows_jobs: bool = False
    """Whether a query like this has shown jobs, so that "none" is an answer and not a refusal."""

    def asks_for_more_than(self, other: Capabilities) -> bool:
        return self.needs_status + self.needs_start > other.needs_status + other.needs_start


_WAYS = (
    Capabilities(),
    Capabilities(needs_start=True),
    Capabilities(needs_status=True),
    Capabilities(needs_status=True, needs_start=True),
)


class Counter:
    """Counts the jobs of services for one query."""

    def __init__(
        self, site: Site, filters: Filters, now: float, capabilities: Capabilities, side_by_side: Map = map
    ) -> None:
        """Prepare to count.

        :param now: epoch seconds of the site's clock.
        :param side_by_side: a pool's map, if the pages of one listing may be asked for at the same time.
        """
        self._site = site
        self._filters = filters
        self._now = now
        self._map = side_by_side
        self._narrow = filters.job_filter(now)
        self.capabilities = capabilities
        if filters.machine_name is not None and not site.dialect.filters_machines:
            raise BadOption(
                f"{site.dialect.product} cannot filter jobs by machine",
                where="option machine_name",
                cure="Leave it out: this filter is ArcGIS Server's.",
            )

    def read(self, service: Service) -> Reading:
        """Count the jobs of one service.

        :raises GpError: if the site does not answer, or not in a way that can be understood.
        """
        if self._filters.is_narrowed:
            self._check_narrowing(service)
        part = self._slice(service) if self._filters.is_slice else None
        if part is not None:
            return part
        if self.capabilities.needs_status:
            return self._without_total(service)
        first = self._page(service)
        if self._holds_all(first):
            return self._checked_by_statistics(self._counted(service, first.jobs, first, 1))
        if self._filters.asks_all_statuses and self._filters.needs_ids:
            return self._checked_by_statistics(self._listed(service, first))
        return self._checked_by_statistics(self._long_record(service, first))

    def some(self, service: Service, status: str, number: int) -> list[str]:
        """Give some jobs in one status; raises GpError."""
        return list(self._page(service, status, number=number).jobs)[:number]

    # --- how the site wants to be asked ------------------------------------------------------------------------------

    def way_that_is_answered(self, service: Service, refusal: SiteError) -> Capabilities:
        """Find out how a site wants to be asked that refuses a query without a status or start time.

        :raises SiteError: the refusal, if no other way is answered either.
        """
        for capabilities in self._other_ways():
            try:
                self._shown(service, capabilities, _LIVING[:1])
            except (NotAllowed, NotFound):
                raise
            except SiteError:
                continue
            return capabilities
        raise refusal

    def is_empty(self, service: Service) -> bool:
        """Ask in other ways whether a service that shows no job has none."""
        if self._filters.is_narrowed and self._found(service, JobFilter()):
            return True  # it has jobs, and none that is asked for
        total, _unended = self._statistics(service)
        if total is not None:
            return not total
        return not any(self._shown(service, one, tuple(FILTER_WORDS)) for one in self._other_ways())

    def way_that_shows_jobs(self, service: Service) -> Capabilities | None:
        """Find out how a site wants to be asked that finds nothing if a status or a start time is left out."""
        ways = (one for one in self._other_ways() if self._shown(service, one, tuple(FILTER_WORDS)))
        return next(ways, None)

    def _other_ways(self) -> list[Capabilities]:
        """Give the ways to ask that a site may want instead of ours, the one that says most first."""
        return [one for one in _WAYS[1:] if one.asks_for_more_than(self.capabilities)]

    def _shown(self, service: Service, capabilities: Capabilities, statuses: tuple[str, ...]) -> int:
        """Count the jobs that a site shows if it is asked in some way; in these statuses, if it wants one."""
        asked = statuses if capabilities.needs_status else (None,)
        every = JobFilter()
        return sum(self._page(service, one, 1, 1, capabilities, job_filter=every).total for one in asked)

    # --- ways to count -----------------------------------------------------------------------------------------------

    def _long_record(self, service: Service, first: Page) -> Reading:
        """Count by filters; page by page if they do not add up, twice."""
        try:
            for _try in range(2):
                reading = self._by_filters(service, first, self._filters.needs_ids)
                if reading is not None:
                    return reading
                first = self._page(service)
        except NotHonoured:
            pass  # the site does not filter: every page tells
        return self._listed(service, first)

    def _by_filters(self, service: Service, first: Page, by_id: bool) -> Reading | None:
        """Count by the eight documented filters; None if they do not add up to the unfiltered total.

        :param by_id: whether jobs are to be known one by one.
        """
        found = {status: self._filtered(service, status, by_id) for status in _LIVING}
        between = self._page(service, number=1).total
        found.update({status: self._filtered(service, status, by_id) for status in _ENDED})
        after = self._page(service, number=1).total
        totals = (first.total, between, after)
        active = sum(found[status].first.total for status in _LIVING)
        every = sum(listing.first.total for listing in found.values())
        if every == first.total == between == after:
            return self._from_filters(service, found, first, 0)
        # A job that moves on meanwhile is met again further down, never missed. By its id it is counted once.
        if by_id and active and min(totals) <= every <= max(totals) + active:
            return self._from_filters(service, found, first, None)
        return None

    def _without_total(self, service: Service) -> Reading:
        """Count by filters on a site that refuses a query without a status: it cannot tell what else there is.

        If none is active, two ways through the filters have to agree on every number.
        """
        before = None
        for _try in range(TRIES):
            found = {status: self._filtered(service, status, self._filters.needs_ids) for status in FILTER_WORDS}
            totals = [listing.first.total for listing in found.values()]
            reading = self._from_filters(service, found, None, None)
            if reading.has_active or totals == before or not self._filters.asks_for_active:
                return self._checked_by_statistics(reading)
            before = totals
        return reading.doubted(_restless(service))

    def _listed(self, service: Service, first: Page) -> Reading:
        """Count by every page. If none is active, a second way through must not find a job that the first did not."""
        for _try in range(TRIES):
            listing = self._list(service, None, first)
            reading = self._counted(service, listing.jobs, listing.first, listing.pages)
            if not listing.is_whole:
                return reading.doubted(
                    f"{service}: the listing is not whole ({listing.problem}). Ask again when fewer jobs arrive, or "
                    "ask for fewer statuses."
                )
            if not self._filters.asks_for_active or reading.has_active or reading.has_unread:
                return reading
            if self._is_idle(service, listing) or self.confirms(reading):
                return reading
            first = self._page(service)
        return reading.doubted(_restless(service))

    def _is_idle(self, service: Service, listing: Listing) -> bool:
        """Tell whether filters that add up show no active job: that costs less than many pages once more."""
        if listing.pages <= len(FILTER_WORDS) + 3:
            return False
        try:
            counted = self._by_filters(service, self._page(service, number=1), by_id=False)
        except NotHonoured:
            return False
        return counted is not None and not counted.has_active

    def confirms(self, reading: Reading) -> bool:
        """Tell whether the service still has only jobs of this reading, so that none was active in between."""
        service = reading.service
        if self.capabilities.needs_status:
            return all(self._list(service, status).jobs.keys() <= reading.jobs.keys() for status in FILTER_WORDS)
        listing = self._list(service, None)
        return listing.is_whole and listing.jobs.keys() <= reading.jobs.keys()

    def _slice(self, service: Service) -> Reading | None:
        """Read a part of one listing, for ``limit`` and ``start``; None if nothing is cut, so that it is no part."""
        filters = self._filters
        status = None if filters.asks_all_statuses else filters.statuses[0]

        def read(start: int, number: int) -> Page:
            return self._page(service, status, start, number)

        part = _listing.read_slice(read, filters.number, filters.start, filters.limit)
        if part.next_start is None and filters.start == 1:
            return None
        reading = Reading(
            service,
            record=part.first.total,
            total=part.first.total,
            jobs={job_id: _known(word, status) for job_id, word in part.jobs.items()},
            is_listed=False,
            pages=part.pages,
            page=part.first,
            next_start=part.next_start,
        )
        return reading if part.is_whole else reading.doubted(f"{service}: the listing is not whole ({part.problem}).")

    # --- readings ----------------------------------------------------------------------------------------------------

    def _counted(self, service: Service, words: dict[str, t.Any], first: Page, pages: int) -> Reading:
        jobs = {job_id: _known(word, None) for job_id, word in words.items()}
        return recounted(Reading(service, first.total, jobs=jobs, page=first, pages=pages), self._filters)

    def _from_filters(
        self, service: Service, found: t.Mapping[str, Listing], first: Page | None, others: int | None
    ) -> Reading:
        """Make a reading of filtered answers.

        :param others: the number of jobs in a status without a filter word: 0 if the sum shows that, else None.
        """
        counts: Counts = dict.fromkeys(_statuses.STATUSES)
        jobs: Jobs = {}
        for status in self._filters.statuses:
            counts[status] = found[status].first.total if status in found else others
        for status, listing in found.items():
            if status in self._filters.statuses:
                jobs.update({job_id: _known(word, status) for job_id, word in listing.jobs.items()})
        known = [count for count in counts.values() if count is not None]
        reading = Reading(
            service,
            record=first.total if first is not None else sum(listing.first.total for listing in found.values()),
            total=first.total if first is not None and self._filters.asks_all_statuses else sum(known),
            counts=counts,
            jobs=jobs,
            is_listed=False,
            pages=sum(listing.pages for listing in found.values()) + (3 if first is not None else 0),
            page=first or next(iter(found.values())).first,
        )
        problems = [listing.problem for listing in found.values() if not listing.is_whole]
        if problems:
            return reading.doubted(f"{service}: the listing is not whole ({problems[0]}).")
        return recounted(reading, self._filters) if self._filters.needs_ids and jobs else reading

    def _checked_by_statistics(self, reading: Reading) -> Reading:
        """Doubt the numbers of a site that insists on a start time, unless its statistics count as many jobs.

        No document says whether a start time leaves out what has not started or ended.
        """
        if not self.capabilities.needs_start or self._filters.is_narrowed or not reading.complete:
            return reading
        total, unended = self._statistics(reading.service)
        if total is None and reading.has_active:
            return reading
        if total == reading.record and (reading.has_active or not unended):
            return reading
        known = f"knows of {total} jobs, {unended} of which may be active, and shows {reading.record}"
        known = "does not tell how many jobs there are" if total is None else known
        return reading.doubted(f"{reading.service}: the site wants a start time, which may hide jobs, and {known}.")

    def _statistics(self, service: Service) -> tuple[int | None, int | None]:
        """Give the number of jobs, and of those that may be active, by ArcGIS Server's statistics; None if unknown."""
        if self._site.dialect.api != dialects.SERVER:
            return None, None
        url = f"{dialects.service_url(self._site.roots, service)}/jobs/statistics"
        try:
            said = self._site.ask_by_post(url, dict)
            total = int(said["total"])
            return total, total - int(said["cancelled"]) - int(said["failed"]) - int(said["succeeded"])
        except (SiteError, NotUnderstood, KeyError, TypeError, ValueError):
            return None, None

    # --- asking ------------------------------------------------------------------------------------------------------

    def _page(
        self,
        service: Service,
        status: str | None = None,
        start: int = 1,
        number: int | None = None,
        capabilities: Capabilities | None = None,
        job_filter: JobFilter | None = None,
    ) -> Page:
        """Ask for one page; raises NotHonoured or NotUnderstood if it does not answer what was asked."""
        site, asked = self._site, (job_filter or self._narrow)._replace(status=status)
        query = dialects.parameters(
            site.dialect,
            asked,
            start=start,
            number=number or self._filters.number,
            floor=(capabilities or self.capabilities).needs_start,
        )
        url = f"{dialects.service_url(site.roots, service)}/jobs/query"

        def understand(body: dict[str, t.Any]) -> Page:
            page = parse_page(body, f"GET {url}")
            check_answer(page, service, asked, start, site.client.clock.now(), f"GET {url}")
            return page

        return site.ask(url, understand, query)

    def _filtered(self, service: Service, status: str, by_id: bool) -> Listing:
        """Ask for the jobs in one status: all of them if they are needed by id, else their number."""
        is_needed = by_id and status in self._filters.statuses
        page = self._page(service, status, number=None if is_needed else 1)
        if not is_needed or self._holds_all(page):
            return Listing(page.jobs if is_needed else {}, page, 1, True)
        return self._list(service, status, page)

    def _list(self, service: Service, status: str | None, first: Page | None = None) -> Listing:
        def read(start: int, number: int) -> Page:
            return self._page(service, status, start, number)

        number = self._filters.number
        return _listing.read_all(read, number, first or read(1, number), self._map)

    @staticmethod
    def _holds_all(page: Page) -> bool:
        """Tell whether a first page is the whole record."""
        return len(page.jobs) == page.total and not _listing.goes_on(page, 1)

    def _check_narrowing(self, service: Service) -> None:
        """Refuse filters that the site ignores: with a value that no job can have, each must find nothing.

        A start time long ago must find a job if there is any, or the site reads times in another unit than documented.
        """
        filters = self._filters
        if filters.is_windowed:
            found = self._found(service, JobFilter(start_time=self._now + _DAY))
            hides = not found and not self._found(service, JobFilter(start_time=_LONG_AGO))
            if found or (hides and self._found(service, JobFilter())):
                raise _not_honoured(service, "start_time and end_time")
        if filters.user_name is not None and self._found(service, JobFilter(user_name=_NOBODY)):
            raise _not_honoured(service, "user_name")
        if filters.machine_name is not None and self._found(service, JobFilter(machine_name=_NOBODY)):
            raise _not_honoured(service, "machine_name")

    def _found(self, service: Service, job_filter: JobFilter) -> bool:
        """Tell whether the site finds any job by other filters than ours."""
        statuses = tuple(FILTER_WORDS) if self.capabilities.needs_status else (None,)
        return any(self._page(service, status, number=1, job_filter=job_filter).total for status in statuses)

    def succeeded_since(self, service: Service, after: float) -> int:
        """Count the succeeded jobs that the site's own time filter lets through.

        Whichever of a job's times it compares, these ended after that; there may be more.

        :raises GpError: if the site does not answer, or does not honour times.
        """
        if self._found(service, JobFilter(start_time=self._now + _DAY)):
            raise _not_honoured(service, "start_time")
        return self._page(service, "succeeded", number=1, job_filter=JobFilter(start_time=after)).total


@functools.lru_cache(maxsize=256, typed=True)
def _known(word: t.Any, filtered_by: str | None) -> tuple[str, t.Any]:
    """Give our status for a site's word; without a word, the one that the site filtered by, or none yet.

    It is remembered so that a million jobs share a few tuples.
    """
    if word is None and filtered_by is not None:
        return filtered_by, FILTER_WORDS[filtered_by]
    return ("" if word is None else _statuses.normalise(word)), word


def _not_honoured(service: Service, option: str) -> NotHonoured:
    return NotHonoured(
        f"The site does not honour {option} for {service}: it shows jobs that no such filter lets through, or none",
        where=f"option {option}",
        cure="Leave it out, ask with detail: full, and choose the jobs in the playbook (for times: use ended_after).",
        service=str(service),
    )


def _restless(service: Service) -> str:
    return (
        f"{service}: jobs come and go so fast that no moment without an active job was seen. Ask again, or look at "
        "who submits them."
    )
