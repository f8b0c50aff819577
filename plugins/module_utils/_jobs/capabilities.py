# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""How a site wants to be asked, and what it has shown to honour. Found out once a task, by looking, never assumed.

No document says what a site answers to a query without a status or without a start time (some releases call them
required), nor what it does with a filter that it does not know. So "none" is only believed of a site that has shown, in
the same way of asking, that it can answer otherwise.
"""

from __future__ import annotations

import threading
import typing as t
from dataclasses import dataclass, field, replace
from urllib.parse import quote

from .. import _statuses as _status
from .._errors import NotAllowed, NotFound, NotHonoured, NotUnderstood, SiteError
from .._services import Service
from .._statuses import FILTER_WORDS
from .._wire import dialects as _api
from .._wire import responses as _responses
from .._wire.responses import Page
from .._wire.site import Site
from . import filters as _filters
from . import listing as _paging
from .filters import Ask
from .listing import Listing

SMALL = 10
"""A page of so many jobs is enough to see what an answer is like."""
_NOBODY = "nobody-7c1d"
_HOUR = 3600.0


@dataclass(frozen=True)
class Way:
    """How a site wants to be asked for "all jobs": some releases call the status required, or the start time."""

    status: bool = False
    start_time: bool = False


_WITH_BOTH = Way(status=True, start_time=True)


@dataclass
class Proven:
    """What a site has shown of itself. It holds for a task, however often that asks."""

    way: Way = Way()
    ways: set[Way] = field(default_factory=set)
    """Those in which a query has brought jobs."""
    filters_status: bool = False
    """Whether a query with a status has ever brought jobs of that status and no others."""
    takes_several: bool = False
    """Whether no answer has shown yet that a query with several statuses is not one for all of them."""
    without_sums: set[str] = field(default_factory=set)
    """Services of which sums prove nothing: some of their jobs are in a status that no query can ask for."""
    milliseconds: bool | None = None
    """The unit in which it was seen to honour times; None where it was not."""


class Habits:
    """A site's jobs/query, asked as the site wants to be; shared by the threads of a task."""

    def __init__(self, site: Site, page_size: int, proven: Proven, each: _paging.Each = map) -> None:
        """:param each: asks for the pages of a listing."""
        self._site = site
        self._page_size = page_size
        self._each = each
        self._lock = threading.Lock()
        self._finding = threading.Lock()
        self._proven = proven
        self._milliseconds = site.dialect.milliseconds if proven.milliseconds is None else proven.milliseconds
        self.filters_people = False

    @property
    def way(self) -> Way:
        """How this site wants to be asked, as far as that has been found out."""
        return self._proven.way

    @property
    def is_proven(self) -> bool:
        """Whether this way of asking has brought jobs, and takes no start time, which may hide some."""
        return self.way in self._proven.ways and not self.way.start_time

    @property
    def filters_status(self) -> bool:
        return self._proven.filters_status

    @property
    def without_sums(self) -> set[str]:
        return self._proven.without_sums

    # --- asking ----------------------------------------------------------------------------------------------------

    def page(self, service: Service, ask: Ask, start: int, number: int, way: Way | None = None) -> Page:
        """One page. A way is only given to try it; else the site is asked as it wants to be."""
        way = way or self.way
        query = _api.parameters(
            self._site.dialect,
            _api.JobFilter(
                ask.statuses[0] if ask.statuses else None, ask.start_time, ask.end_time, ask.user_name, ask.machine_name
            ),
            start=start,
            number=number,
            floor=way.start_time,
        )
        url = f"{_api.service_url(self._site.roots, service)}/jobs/query"
        page = self._site.ask(url, lambda body: _responses.parse_page(body, f"GET {url}"), query)
        if page.jobs and (not ask.statuses or way.status):
            self._proven.ways.add(way)
        return page

    def pages(self, service: Service) -> _paging.ReadPage:
        return lambda ask, start, number: self.page(service, ask, start, number)

    def listing(self, service: Service, ask: Ask, first: Page | None = None) -> Listing:
        return _paging.read_all(self.pages(service), ask, self._page_size, first, self._each)

    def first_page(self, service: Service, ask: Ask, number: int) -> Page | None:
        """A page without a status; None where the site refuses that, and its habits have been corrected."""
        used = self.way
        try:
            return self.page(service, ask, 1, number, used)
        except (NotAllowed, NotFound):
            raise
        except SiteError as error:
            if self.way != used:  # another thread has found out
                return None
            for way, status in (
                (Way(start_time=True), None),
                (Way(status=True), "executing"),
                (_WITH_BOTH, "executing"),
            ):
                filtered = replace(ask, statuses=(status,) if status else ())
                if way != used and self._answers(service, filtered, way):
                    # A start time may hide jobs. It is wanted only where the same without one is refused still.
                    less = replace(way, start_time=used.start_time)
                    self._adopt(less if less != way and self._answers(service, filtered, less) else way, used)
                    return None
            raise error

    def _adopt(self, way: Way, used: Way) -> None:
        """Asks in this way from now on, unless another thread has found one meanwhile."""
        with self._finding:
            if self.way == used:
                self._proven.way = way

    def _answers(self, service: Service, ask: Ask, way: Way) -> bool:
        try:
            self.page(service, ask, 1, 1, way)
        except (NotAllowed, NotFound):
            raise
        except SiteError:
            return False
        return True

    def is_really_empty(self, service: Service, ask: Ask, way: Way) -> bool:
        """Whether a service whose first page shows no job has none, or the site wanted to be asked otherwise.

        Believed once any service has shown jobs that way. False says that the habits have been corrected: ask again.
        """
        if way in self._proven.ways:
            return True
        others: list[tuple[Way, str | None]] = [(Way(start_time=True), None)] if way == Way() else []
        for other in (Way(status=True), _WITH_BOTH):
            if other != way and other.start_time >= way.start_time:
                others += [(other, status) for status in FILTER_WORDS]
        for other, status in others:
            filtered = replace(ask, statuses=(status,) if status else ())
            if self._brings_jobs(service, filtered, other):
                less = replace(other, start_time=way.start_time)
                self._adopt(less if less != other and self._brings_jobs(service, filtered, less) else other, way)
                return False
        return True

    def _brings_jobs(self, service: Service, ask: Ask, way: Way) -> bool:
        page = self.page(service, ask, 1, 1, way)
        return page.total > 0 or bool(page.jobs)

    def is_honoured(self, page: Page, *statuses: str) -> bool:
        """Whether a filtered answer is one to its filter: by the site's echo, and by every status that it shows."""
        echoed = _filters.echoed_statuses(page.echo)
        if echoed is not None and set(statuses) != set(echoed):
            return False
        shown = [_status.normalise(word) for word in page.jobs.values() if word is not None]
        if any(word not in statuses for word in shown):
            return False
        if page.jobs and not shown and echoed is None:
            return False
        if page.jobs and len(statuses) == 1:
            self._proven.filters_status = True
        return True

    def several(self, service: Service, ask: Ask, number: int, has_some: bool = False) -> Page | None:
        """One page of the jobs in any of several statuses; None where the answer shows that it is not for all of them.

        Nobody documents that several may be asked for. What this brings is to be proven by sums.

        :param has_some: whether jobs in these statuses were seen just now, so that an answer without any is none.
        """
        if not self._proven.takes_several:
            return None
        try:
            page = self.page(service, ask, 1, number)
        except (NotAllowed, NotFound):
            raise
        except SiteError:
            page = None
        if (
            page is None
            or not self.is_honoured(page, *ask.statuses)
            or None in page.jobs.values()
            or (has_some and not page.jobs)
        ):
            self._proven.takes_several = False
            return None
        return page

    # --- proofs ----------------------------------------------------------------------------------------------------

    def prove_window(self, service: Service) -> None:
        """Proves once a task that the site honours our times, and in which unit; a service without jobs proves nothing.

        The proof is a job of the service: a window around its life must show it, and a window long before must not.
        """
        with self._lock:
            if self._proven.milliseconds is not None:
                return
            first = self._some_page(service)
            if not first.jobs:
                return
            for job_id in first.jobs:
                if self._shows_in_window(service, job_id):
                    self._proven.milliseconds = self._milliseconds
                    return
        raise NotHonoured(
            "The site does not show that it honours start_time and end_time",
            where=f"service {service}",
            cure="Leave them out and use ended_after, which is decided by each job's own times.",
            service=str(service),
        )

    def _some_page(self, service: Service) -> Page:
        """A few jobs of a service, whatever their status; where the site insists on one, of any that has jobs."""
        while not self.way.status:
            first = self.first_page(service, Ask(), SMALL)
            if first is not None:
                return first
        pages = (self.page(service, Ask((status,)), 1, SMALL) for status in reversed(FILTER_WORDS))
        return next((page for page in pages if page.jobs), Page(0, None, {}, {}))

    def _shows_in_window(self, service: Service, job_id: str) -> bool:
        try:
            job = self.details(service, job_id)
        except NotFound:
            return False
        moments = [moment for moment in (job.submitted, job.started, job.ended) if moment is not None]
        if not moments:
            return False
        status = _status.normalise(job.word)
        if self.way.status and status not in FILTER_WORDS:
            return False
        statuses = (status,) if self.way.status else ()
        around = Ask(statuses, start_time=min(moments) - 1, end_time=max(moments) + 1)
        long_before = Ask(statuses, start_time=1, end_time=_HOUR)
        for milliseconds in (self._site.dialect.milliseconds, not self._site.dialect.milliseconds):
            self._milliseconds = milliseconds
            if job_id in self.listing(service, around).jobs and self.page(service, long_before, 1, 1).total == 0:
                return True
        self._milliseconds = self._site.dialect.milliseconds
        return False

    def prove_people(self, service: Service, ask: Ask, job: _responses.JobDetails) -> None:
        """Proves once a task that the site honours our filters for user and machine, on a job that they let through.

        The job must be theirs, and a name that nobody has must bring none.
        """
        statuses = (_status.normalise(job.word),) if self.way.status else ()
        for option, asked, found in (
            ("user_name", ask.user_name, job.user_name),
            ("machine_name", ask.machine_name, job.machine_name),
        ):
            if asked is None:
                continue
            options: dict[str, t.Any] = {option: _NOBODY}
            nobody = Ask(statuses, **options)
            if (found or "").lower() != asked.lower() or self.page(service, nobody, 1, 1).total > 0:
                raise NotHonoured(
                    f"The site does not honour {option}: asked for '{asked}', it shows jobs of others",
                    where=f"service {service}",
                    cure="Leave it out, ask with detail: full, and choose the jobs in the playbook.",
                    service=str(service),
                )
        self.filters_people = True

    def details(self, service: Service, job_id: str) -> _responses.JobDetails:
        """What the site tells of one job."""
        url = f"{_api.service_url(self._site.roots, service)}/jobs/{quote(job_id, safe='')}"

        def that_job(body: t.Mapping[str, t.Any]) -> _responses.JobDetails:
            job = _responses.parse_job(body, f"GET {url}")
            if job.job_id != job_id:
                raise NotUnderstood(f"The site answers with job {job.job_id}", where=f"GET {url}", transient=True)
            return job

        return self._site.ask(url, that_job)
