# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""One service's jobs, read so that the answer can be counted on.

The first request asks for one large page without a status: a service whose record fits is settled by it. A longer
record is counted by the totals of filtered queries, in the order of a job's life, so that a job that moves on meanwhile
is met again further down. What a site honours is not assumed: a filtered answer must show it.
"""

from __future__ import annotations

import threading
import typing as t
from dataclasses import dataclass, field, replace
from urllib.parse import quote

from . import _api, _paging, _status
from ._api import Ask, Page
from ._errors import BadOption, GpError, NotAllowed, NotFound, NotHonoured, NotUnderstood, SiteError
from ._paging import Listing
from ._question import Question
from ._services import Service
from ._site import Site
from ._status import FILTER_WORDS, QUEUED

_SMALL = 10
_NOBODY = "nobody-7c1d"
_HOUR = 3600.0


@dataclass
class Reading:
    """What was seen of one service. A count is None where it was not asked for or could not be known."""

    service: Service
    total: int | None = None
    counts: dict[str, int | None] = field(default_factory=lambda: dict.fromkeys(_status.STATUSES))
    jobs: dict[str, tuple[str, t.Any]] = field(default_factory=dict)
    """By id: our status and the site's word. Only what is known by id; not all that is counted."""
    echo: dict[str, t.Any] = field(default_factory=dict)
    pages: int = 0
    complete: bool = True
    by_filter: bool = False
    """Whether the counts come from filtered totals, in which some statuses cannot be seen."""
    next_start: int | None = None
    warnings: list[str] = field(default_factory=list)
    error: dict[str, t.Any] | None = None
    window_known: bool | None = None
    sample: str | None = None
    """A job that the filters let through, where jobs are not known by id."""

    def doubt(self, why: str) -> None:
        """Marks the reading as one that must not be read as "none"."""
        self.complete = False
        self.counts = dict.fromkeys(_status.STATUSES)
        self.warnings.append(why)


@dataclass(frozen=True)
class Way:
    """How a site wants to be asked for "all jobs": some releases call the status required, or the start time."""

    status: bool = False
    start_time: bool = False


class Habits:
    """What the site has shown of itself during a task; shared by the threads that ask it."""

    def __init__(self, milliseconds: bool) -> None:
        self.lock = threading.Lock()
        self.milliseconds = milliseconds
        self.way = Way()
        self.proven_ways: set[Way] = set()
        """Those in which a query has brought jobs; "no jobs" is only believed in one of these."""
        self.filters_status = False
        """Whether a query with a status has ever brought the jobs of that status and no others."""
        self.filters_time = False
        self.filters_people = False


_STRICT = Way(status=True, start_time=True)


class Reader:
    """Reads the jobs of services, for one question."""

    def __init__(self, site: Site, question: Question, now: float) -> None:
        self._site = site
        self._question = question
        self._ask = question.ask(now)
        self._now = now
        self.habits = Habits(site.dialect.milliseconds)
        if question.machine_name is not None and not site.dialect.filters_machines:
            raise BadOption(
                f"{site.dialect.product} cannot filter jobs by machine",
                where="option machine_name",
                cure="Leave it out: this filter is ArcGIS Server's.",
            )

    def read(self, service: Service) -> Reading:
        """The jobs of one service, as the question asks for them."""
        question, way = self._question, self.habits.way
        if question.is_windowed:
            self._prove_window(service)
        if (question.limit is not None or question.start > 1) and question.is_one_listing:
            return self._read_slice(service)
        if way.status:
            return self._by_status(service, None)
        first = self._first_page(service, self._ask, question.page_size)
        if first is None or (not first.jobs and first.total == 0 and not self._is_really_empty(service, way)):
            return self.read(service)
        listing = Listing()
        listing.add(first)
        if not listing.is_whole:
            return self._longer_record(service, first)
        return self._counted(Reading(service), listing)

    # --- pages -----------------------------------------------------------------------------------------------------

    def _page(self, service: Service, ask: Ask, start: int, number: int, way: Way | None = None) -> Page:
        """One page. A way is only given to try it; else the site is asked as it wants to be."""
        way = way or self.habits.way
        query = _api.parameters(
            self._site.dialect,
            ask,
            start=start,
            number=number,
            milliseconds=self.habits.milliseconds,
            floor=way.start_time,
        )
        url = f"{_api.service_url(self._site.roots, service)}/jobs/query"
        page = _api.parse_page(self._site.ask(url, query), f"GET {url}")
        if page.jobs and ask.status is None:
            self.habits.proven_ways.add(way)
        return page

    def _pages(self, service: Service) -> _paging.ReadPage:
        return lambda ask, start, number: self._page(service, ask, start, number)

    def _listing(self, service: Service, ask: Ask, first: Page | None = None) -> Listing:
        return _paging.read_all(self._pages(service), ask, self._question.page_size, first)

    def _first_page(self, service: Service, ask: Ask, number: int) -> Page | None:
        """A page without a status; None where the site refuses that, and its habits have been corrected."""
        used = self.habits.way
        try:
            return self._page(service, ask, 1, number, used)
        except (NotAllowed, NotFound):
            raise
        except SiteError as error:
            if self.habits.way != used:  # another thread has found out
                return None
            for way, status in ((Way(start_time=True), None), (Way(status=True), "executing"), (_STRICT, "executing")):
                if way != used and self._answers(service, replace(ask, status=status), way):
                    self.habits.way = way
                    return None
            raise error

    def _answers(self, service: Service, ask: Ask, way: Way) -> bool:
        try:
            self._page(service, ask, 1, 1, way)
        except SiteError:
            return False
        return True

    def _is_really_empty(self, service: Service, way: Way) -> bool:
        """Whether a service whose first page shows no job has none, or the site wanted to be asked otherwise.

        Believed once any service has shown jobs that way. False says that the habits have been corrected: ask again.
        """
        if way in self.habits.proven_ways:
            return True
        others: list[tuple[Way, str | None]] = [(Way(start_time=True), None)] if not way.start_time else []
        others += [(_STRICT if way.start_time else Way(status=True), status) for status in FILTER_WORDS]
        for other, status in others:
            if self._page(service, replace(self._ask, status=status), 1, 1, other).total > 0:
                self.habits.way = other
                return False
        return True

    # --- strategies ------------------------------------------------------------------------------------------------

    def _longer_record(self, service: Service, first: Page) -> Reading:
        """A record that the first page does not hold: filtered queries where they do, else every page of it."""
        question = self._question
        every_job = question.asks_all_statuses and (question.detail != "counts" or question.ended_after is not None)
        filterable = any(status in FILTER_WORDS for status in question.statuses)
        if every_job or not filterable:
            return self._counted(Reading(service), self._listing(service, self._ask, first))
        return self._by_status(service, first)

    def _by_status(self, service: Service, first: Page | None) -> Reading:
        """Status by status, one after the other; every page instead where the site's filter cannot be trusted."""
        question = self._question
        reading = Reading(service, by_filter=True, echo=first.echo if first else {}, pages=1 if first else 0)
        wanted = [status for status in FILTER_WORDS if status in question.statuses]
        trusted = all(self._read_status(reading, status) for status in wanted)
        if trusted and not any(reading.counts[status] for status in wanted):
            trusted = self._prove_filter(reading, first)
        if trusted and not any(reading.counts[status] for status in wanted if status in _status.ACTIVE):
            for status in QUEUED:
                if status in wanted:
                    self._read_status(reading, status)
        way = self.habits.way
        if not trusted or (way.start_time and self._shows_idle(reading)):
            if not way.status:
                return self._doubt_idle(self._counted(Reading(service), self._listing(service, self._ask)))
            if not trusted:
                reading.doubt(f"{service}: the site does not show that it honours the filter by status.")
                return reading
        self._total(reading, first)
        if not reading.complete:
            reading.counts = dict.fromkeys(_status.STATUSES)
        return reading

    def _read_status(self, reading: Reading, status: str) -> bool:
        """Counts one status by a filtered query; false where the answer shows that the filter was not honoured."""
        question = self._question
        ask = replace(self._ask, status=status)
        needs_ids = status in _status.ACTIVE or question.detail != "counts" or question.ended_after is not None
        number = question.page_size if needs_ids else min(_SMALL, question.page_size)
        page = self._page(reading.service, ask, 1, number)
        reading.pages += 1
        reading.echo = reading.echo or page.echo
        if not self._is_honoured(page, status):
            return False
        listing = Listing()
        listing.add(page)
        reading.sample = reading.sample or next(iter(page.jobs), None)
        if not listing.is_whole and (needs_ids or len(page.jobs) < number or page.total < len(page.jobs)):
            listing = self._listing(reading.service, ask, page)
            reading.pages += listing.pages - 1
            if not listing.is_whole:
                reading.doubt(_not_whole(reading.service, listing))
                return True
        if needs_ids:
            for job_id, word in listing.jobs.items():
                self._place(reading, job_id, status, word)
            reading.counts[status] = sum(1 for known, _word in reading.jobs.values() if known == status)
        else:
            reading.counts[status] = page.total
        return True

    @staticmethod
    def _place(reading: Reading, job_id: str, status: str, word: t.Any) -> None:
        """Notes a job; one that was met before in another status has moved, and counts where it is now."""
        before = reading.jobs.get(job_id)
        reading.jobs[job_id] = (status, word if word is not None else FILTER_WORDS[status])
        if before is not None and before[0] != status:
            reading.counts[before[0]] = sum(1 for known, _word in reading.jobs.values() if known == before[0])

    def _is_honoured(self, page: Page, status: str) -> bool:
        """Whether a filtered answer is one to its filter: by the site's echo, and by every status that it shows."""
        echoed = _api.echoed_statuses(page.echo)
        if echoed is not None and status not in echoed:
            return False
        shown = [_status.normalise(word) for word in page.jobs.values() if word is not None]
        if any(word != status for word in shown):
            return False
        if page.jobs and not shown and echoed is None:
            return False
        if page.jobs:
            self.habits.filters_status = True
        return True

    def _prove_filter(self, reading: Reading, first: Page | None) -> bool:
        """Whether "none" in the answers to filtered queries may be believed: once, such a query must bring jobs."""
        if self.habits.filters_status:
            return True
        shown = [_status.normalise(word) for word in first.jobs.values()] if first else []
        tried = [status for status in FILTER_WORDS if status in shown] or list(reversed(FILTER_WORDS))
        nothing_at_all = True
        for status in tried:
            page = self._page(reading.service, replace(self._ask, status=status), 1, _SMALL)
            reading.pages += 1
            nothing_at_all = nothing_at_all and page.total == 0
            if not self._is_honoured(page, status):
                return False
            if self.habits.filters_status:
                return True
            if _api.echoed_statuses(page.echo) is None:
                return False
        # No job in any status, and none without a status: the service has none, as far as any query goes.
        return nothing_at_all and (first is None or first.total == 0)

    def _total(self, reading: Reading, first: Page | None) -> None:
        """The number of jobs that the question means, where filtered queries can tell it."""
        question = self._question
        counted = [reading.counts[status] for status in question.statuses if status in FILTER_WORDS]
        if question.asks_all_statuses and first is not None:
            reading.total = first.total
        elif None not in counted:
            reading.total = sum(t.cast("list[int]", counted))

    def _read_slice(self, service: Service) -> Reading:
        """A part of one listing, for limit and start."""
        question = self._question
        one = None if question.asks_all_statuses else question.statuses[0]
        ask = replace(self._ask, status=one)
        listing = _paging.read_slice(self._pages(service), ask, question.page_size, question.start, question.limit)
        page = Page(listing.totals[0], None, listing.jobs, listing.echo)
        if one is not None and not self._is_honoured(page, one):
            raise NotHonoured(
                f"The site does not honour the filter by status for {service}",
                where="option job_status",
                cure="Leave out start and limit: then every job is read and counted here.",
                service=str(service),
            )
        if listing.next_start is None and question.start == 1:
            return self._counted(Reading(service), listing)
        reading = Reading(service, total=listing.totals[0], echo=listing.echo, pages=listing.pages)
        reading.jobs = {job_id: _known(word, one) for job_id, word in listing.jobs.items()}
        reading.next_start = listing.next_start
        if listing.moved:
            reading.doubt(_not_whole(service, listing))
        return reading

    def _counted(self, reading: Reading, listing: Listing) -> Reading:
        """Counts a listing by status; only what was asked for."""
        question = self._question
        reading.echo, reading.pages = listing.echo, listing.pages
        one = question.statuses[0] if len(question.statuses) == 1 and question.statuses[0] in FILTER_WORDS else None
        echoed = _api.echoed_statuses(listing.echo)
        by_filter = one if one is not None and echoed == [one] else None
        reading.jobs = {job_id: _known(word, by_filter) for job_id, word in listing.jobs.items()}
        if not listing.is_whole:
            reading.total = listing.totals[0]
            reading.doubt(_not_whole(reading.service, listing))
            return reading
        recount(reading, question)
        return reading

    # --- doubts ----------------------------------------------------------------------------------------------------

    def _shows_idle(self, reading: Reading) -> bool:
        """Whether active jobs were asked for, and none was seen."""
        wanted = [status for status in self._question.statuses if status in _status.ACTIVE]
        return bool(wanted) and not any(reading.counts[status] for status in wanted)

    def _doubt_idle(self, reading: Reading) -> Reading:
        """ArcGIS Server's statistics cannot prove a service idle, but they can show that it is not.

        Asked where every query had to have a start time, and it is not known whether that leaves out running jobs.
        """
        if self._question.is_narrowed or self._site.dialect.api != _api.SERVER or not self._shows_idle(reading):
            return reading
        url = f"{_api.service_url(self._site.roots, reading.service)}/jobs/statistics"
        try:
            said = self._site.ask_by_post(url)
            others = said["total"] - said["cancelled"] - said["failed"] - said["succeeded"]
        except (GpError, KeyError, TypeError):
            return reading
        if others > 0:
            reading.doubt(
                f"{reading.service}: the site's statistics know of {others} unfinished jobs that are not listed."
            )
        return reading

    def _prove_window(self, service: Service) -> None:
        """Proves once a task that the site honours our times, and in which unit; a service without jobs proves nothing.

        The proof is a job of the service: a window around its life must show it, and a window long before must not.
        """
        with self.habits.lock:
            if self.habits.filters_time:
                return
            first = self._some_page(service)
            if not first.jobs:
                return
            for job_id in first.jobs:
                if self._shows_in_window(service, job_id):
                    self.habits.filters_time = True
                    return
        raise NotHonoured(
            "The site does not show that it honours start_time and end_time",
            where=f"service {service}",
            cure="Leave them out and use ended_after, which is decided by each job's own times.",
            service=str(service),
        )

    def _some_page(self, service: Service) -> Page:
        """A few jobs of a service, whatever their status; only succeeded ones where the site insists on a status."""
        while not self.habits.way.status:
            first = self._first_page(service, Ask(), _SMALL)
            if first is not None:
                return first
        return self._page(service, Ask(status="succeeded"), 1, _SMALL)

    def _shows_in_window(self, service: Service, job_id: str) -> bool:
        try:
            job = self.details(service, job_id)
        except NotFound:
            return False
        moments = [moment for moment in (job.submitted, job.started, job.ended) if moment is not None]
        if not moments:
            return False
        status = "succeeded" if self.habits.way.status else None
        around = Ask(status, start_time=min(moments) - 1, end_time=max(moments) + 1)
        long_before = Ask(status, start_time=1, end_time=_HOUR)
        for milliseconds in (self._site.dialect.milliseconds, not self._site.dialect.milliseconds):
            self.habits.milliseconds = milliseconds
            if job_id in self._listing(service, around).jobs and self._page(service, long_before, 1, 1).total == 0:
                return True
        self.habits.milliseconds = self._site.dialect.milliseconds
        return False

    def prove_people(self, service: Service, job: _api.JobDetails) -> None:
        """Proves once a task that the site honours our filters for user and machine, on a job that they let through.

        The job must be theirs, and a name that nobody has must bring none.
        """
        status = _status.normalise(job.word) if self.habits.way.status else None
        for option, asked, found in (
            ("user_name", self._ask.user_name, job.user_name),
            ("machine_name", self._ask.machine_name, job.machine_name),
        ):
            if asked is None:
                continue
            options: dict[str, t.Any] = {option: _NOBODY}
            nobody = Ask(status, **options)
            if (found or "").lower() != asked.lower() or self._page(service, nobody, 1, 1).total > 0:
                raise NotHonoured(
                    f"The site does not honour {option}: asked for '{asked}', it shows jobs of others",
                    where=f"service {service}",
                    cure="Leave it out, ask with detail: full, and choose the jobs in the playbook.",
                    service=str(service),
                )
        self.habits.filters_people = True

    def details(self, service: Service, job_id: str) -> _api.JobDetails:
        """What the site tells of one job."""
        url = f"{_api.service_url(self._site.roots, service)}/jobs/{quote(job_id, safe='')}"
        job = _api.parse_job(self._site.ask(url), f"GET {url}")
        if job.job_id != job_id:
            raise NotUnderstood(f"The site answers with job {job.job_id}", where=f"GET {url}")
        return job


def recount(reading: Reading, question: Question) -> None:
    """Counts of a reading by its jobs, for the statuses whose jobs are all known by id."""
    for status in question.statuses:
        reading.counts[status] = None if reading.by_filter and status not in FILTER_WORDS else 0
    for status, _word in reading.jobs.values():
        if status in question.statuses:
            reading.counts[status] = (reading.counts[status] or 0) + 1
    reading.total = sum(reading.counts[status] or 0 for status in question.statuses)


def _known(word: t.Any, by_filter: str | None) -> tuple[str, t.Any]:
    """Our status for a site's word; where it gave none, the one that it filtered by, or none yet."""
    if word is None and by_filter is not None:
        return by_filter, FILTER_WORDS[by_filter]
    return ("" if word is None else _status.normalise(word)), word


def _not_whole(service: Service, listing: Listing) -> str:
    why = f" ({listing.problem})" if listing.problem else ""
    return (
        f"{service}: the listing is not whole: {len(listing.jobs)} of {listing.totals[0]} jobs seen, "
        f"although it was read again{why}."
    )
