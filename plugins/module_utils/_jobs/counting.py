# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""One service's jobs, read so that the answer can be counted on.

The first request asks for one large page without a status: a service whose record fits is settled by it. A longer
record is asked for all wanted statuses at once, where sums prove that the site honours that, or else status by status,
in the order of a job's life, so that a job that moves on meanwhile is met again further down. What a site honours is
not assumed: a filtered answer must show it.
"""

from __future__ import annotations

import contextlib
import functools
import typing as t
from dataclasses import dataclass, field, replace

from .. import _statuses as _status
from .._errors import BadOption, GpError, NotHonoured, SiteError
from .._services import Service
from .._statuses import FILTER_WORDS, QUEUED
from .._wire import dialects as _api
from .._wire.responses import Page
from .._wire.site import Site
from . import filters as _filters
from . import listing as _paging
from .capabilities import SMALL, Habits, Proven
from .filters import Question
from .listing import Listing

_TRIES = 2


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
    lists_all: bool = True
    """Whether jobs of all statuses were listed, asked for or not."""
    next_start: int | None = None
    warnings: list[str] = field(default_factory=list)
    error: dict[str, t.Any] | None = None
    window_known: bool | None = None
    sample: str | None = None
    """A job that the filters let through, where jobs are not known by id."""
    at_least: bool = False
    """Whether there may be more finished jobs than are counted, since enough were found."""
    succeeded: list[str] = field(default_factory=list)
    """The succeeded jobs that were listed, asked for or not."""

    @property
    def has_active(self) -> bool:
        return any(status in _status.ACTIVE for status, _word in self.jobs.values())

    def doubt(self, why: str) -> None:
        """Marks the reading as one that must not be read as "none"."""
        self.complete = False
        self.counts = dict.fromkeys(_status.STATUSES)
        self.warnings.append(why)


class Reader:
    """Reads the jobs of services, for one question."""

    def __init__(self, site: Site, question: Question, now: float, proven: Proven, each: _paging.Each = map) -> None:
        self._site = site
        self._question = question
        self.ask = question.ask(now)
        self.habits = Habits(site, question.page_size, proven, each)
        if question.machine_name is not None and not site.dialect.filters_machines:
            raise BadOption(
                f"{site.dialect.product} cannot filter jobs by machine",
                where="option machine_name",
                cure="Leave it out: this filter is ArcGIS Server's.",
            )

    def read(self, service: Service) -> Reading:
        """The jobs of one service, as the question asks for them."""
        reading = self._read(service)
        return reading if self.habits.is_proven else self._confirm(reading)

    def _read(self, service: Service) -> Reading:
        question, way = self._question, self.habits.way
        if question.is_windowed:
            self.habits.prove_window(service)
        if (question.limit is not None or question.start > 1) and question.is_one_listing:
            part = self._read_slice(service)
            if part.next_start is not None or question.start > 1 or (part.jobs and part.pages == 1):
                return part
            # Nothing, or all there is over several pages: then read as ever, which believes neither lightly.
        if way.status:
            reading = self._by_status(service, None)
            shows_nothing = not reading.jobs and not any(reading.counts.values())
            if reading.complete and shows_nothing and not self.habits.is_really_empty(service, self.ask, way):
                return self._read(service)
            return reading
        first = self.habits.first_page(service, self.ask, question.page_size)
        if first is None or (
            not first.jobs and first.total == 0 and not self.habits.is_really_empty(service, self.ask, way)
        ):
            return self._read(service)
        listing = Listing()
        listing.add(first)
        if not listing.is_whole:
            return self._longer_record(service, first)
        if (first.next_start or 0) > 1:
            listing = self.habits.listing(service, self.ask, first)
        return self._counted(Reading(service), listing)

    def one_page(self, service: Service, status: str, number: int, since: float | None = None) -> Page | None:
        """One page of the jobs in a status, from a start time on; None where the filter by status is not honoured."""
        page = self.habits.page(service, replace(self.ask, statuses=(status,), start_time=since), 1, number)
        return page if self.habits.is_honoured(page, status) else None

    def since(self, service: Service, statuses: t.Iterable[str], moment: float | None) -> set[str]:
        """The jobs that the site's own time filter finds; a hint at which to look first, and no more."""
        found: set[str] = set()
        for status in statuses:
            if status in FILTER_WORDS:
                with contextlib.suppress(SiteError):
                    page = self.one_page(service, status, self._question.page_size, since=moment)
                    found.update(page.jobs if page is not None else ())
        return found

    # --- strategies ------------------------------------------------------------------------------------------------

    def _longer_record(self, service: Service, first: Page) -> Reading:
        """A record that the first page does not hold: filtered queries where they do, else every page of it."""
        question = self._question
        every_job = question.asks_all_statuses and (question.detail != "counts" or question.ended_after is not None)
        filterable = any(status in FILTER_WORDS for status in question.statuses)
        if every_job or not filterable:
            return self._counted(Reading(service), self.habits.listing(service, self.ask, first))
        return self._at_once(service, first) or self._by_status(service, first)

    def _every_page(self, service: Service) -> Reading:
        return self._counted(Reading(service), self.habits.listing(service, self.ask))

    def _by_status(self, service: Service, first: Page | None) -> Reading:
        """Status by status, one after the other; every page instead where the site's filter cannot be trusted."""
        question = self._question
        reading = Reading(
            service, by_filter=True, lists_all=False, echo=first.echo if first else {}, pages=1 if first else 0
        )
        wanted = [status for status in FILTER_WORDS if status in question.statuses]
        trusted = all(self._read_status(reading, status) for status in wanted)
        if trusted and not any(reading.counts[status] for status in wanted):
            trusted = self._prove_filter(reading, first)
        if trusted and not any(reading.counts[status] for status in wanted if status in _status.ACTIVE):
            trusted = all(self._read_status(reading, status) for status in QUEUED if status in wanted)
        if not trusted and not self.habits.way.status:
            return self._every_page(service)
        if not trusted:
            reading.doubt(f"{service}: the site does not show that it honours the filter by status.")
            return reading
        self._total(reading, first)
        if not reading.complete:
            reading.counts = dict.fromkeys(_status.STATUSES)
        return reading

    def _at_once(self, service: Service, first: Page) -> Reading | None:
        """The jobs in several statuses by one query; None where it cannot be proven to show them all, on one page.

        The proof is a sum: those that are wanted and the rest are all that there are, and that number has not changed
        meanwhile. The rest is counted first: a job that ends in between makes the sum too small, never too large. And
        since jobs that come and go can make up for one that is not shown, the rest has to show that several are read:
        its commonest status is asked for neither first nor last, where a site finds it that reads one of them.
        """
        wanted = tuple(status for status in FILTER_WORDS if status in self._question.statuses)
        shown = [_status.normalise(word) for word in first.jobs.values()]
        rest = sorted((status for status in FILTER_WORDS if status not in wanted), key=shown.count)
        if len(wanted) < 2 or len(rest) < 2 or "succeeded" in wanted:  # a long record's successes do not fit a page
            return None
        habits, commonest, pages = self.habits, rest[-1], [first]
        if str(service) in habits.without_sums:
            return None
        for _attempt in range(_TRIES):
            total = pages[-1].total
            others = habits.several(service, replace(self.ask, statuses=(*rest, rest[0])), SMALL, commonest in shown)
            if others is None or commonest not in map(_status.normalise, others.jobs.values()):
                return None
            found = habits.several(service, replace(self.ask, statuses=wanted), self._question.page_size)
            if found is None:
                return None
            pages += [others, found, habits.page(service, self.ask, 1, SMALL)]
            if total == pages[-1].total:
                break
        else:
            return None
        adds_up = (
            others.total + found.total == total and len(found.jobs) == found.total and not ((found.next_start or 0) > 1)
        )
        if not adds_up or any(len(page.jobs) > page.total for page in pages):
            habits.without_sums.add(str(service))
            return None
        reading = Reading(service, echo=found.echo, pages=len(pages), lists_all=False)
        reading.jobs = {job_id: (_status.normalise(word), word) for job_id, word in found.jobs.items()}
        recount(reading, self._question)
        return reading

    def _read_status(self, reading: Reading, status: str) -> bool:
        """Counts one status by a filtered query; false where the answer shows that the filter was not honoured."""
        question = self._question
        ask = replace(self.ask, statuses=(status,))
        needs_ids = status in _status.ACTIVE or question.detail != "counts" or question.ended_after is not None
        number = question.page_size if needs_ids else min(SMALL, question.page_size)
        page = self.habits.page(reading.service, ask, 1, number)
        reading.pages += 1
        reading.echo = reading.echo or page.echo
        if not self.habits.is_honoured(page, status):
            return False
        listing = Listing()
        listing.add(page)
        reading.sample = reading.sample or next(iter(page.jobs), None)
        is_all = listing.is_whole and not ((page.next_start or 0) > 1)
        if not is_all and (needs_ids or len(page.jobs) < number or page.total <= len(page.jobs)):
            listing = self.habits.listing(reading.service, ask, page)
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

    def _prove_filter(self, reading: Reading, first: Page | None) -> bool:
        """Whether "none" in the answers to filtered queries may be believed: once, such a query must bring jobs."""
        if self.habits.filters_status:
            return True
        shown = [_status.normalise(word) for word in first.jobs.values()] if first else []
        tried = [status for status in FILTER_WORDS if status in shown] or list(reversed(FILTER_WORDS))
        nothing_at_all = True
        for status in tried:
            page = self.habits.page(reading.service, replace(self.ask, statuses=(status,)), 1, SMALL)
            reading.pages += 1
            nothing_at_all = nothing_at_all and page.total == 0 and not page.jobs
            if not self.habits.is_honoured(page, status):
                return False
            if self.habits.filters_status:
                return True
            if _filters.echoed_statuses(page.echo) is None:
                return False
        # No job in any status, and none without a status: the service has none, as far as any query goes.
        return nothing_at_all and (first is None or (first.total == 0 and not first.jobs))

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
        ask = replace(self.ask, statuses=(one,) if one else ())
        listing = _paging.read_slice(
            self.habits.pages(service), ask, question.page_size, question.start, question.limit
        )
        page = Page(listing.totals[0], None, listing.jobs, listing.echo)
        if one is not None and not self.habits.is_honoured(page, one):
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
        echoed = _filters.echoed_statuses(listing.echo)
        by_filter = one if one is not None and echoed == [one] else None
        reading.jobs = {job_id: _known(word, by_filter) for job_id, word in listing.jobs.items()}
        if not listing.is_whole:
            reading.total = listing.totals[0]
            reading.doubt(_not_whole(reading.service, listing))
            return reading
        recount(reading, question)
        return reading

    # --- doubts ----------------------------------------------------------------------------------------------------

    def _confirm(self, reading: Reading) -> Reading:
        """The reading, looked at again where the way of asking may hide jobs: it has brought none yet, or needs a time.

        Nobody says whether a start time leaves out what has not ended. So "none" by filters is confirmed by every page,
        and what ArcGIS Server's statistics know of must be there. They cannot prove a service idle, but raise doubt.
        """
        service = reading.service
        if self._question.is_narrowed or not any(status in _status.ACTIVE for status in self._question.statuses):
            return reading
        there = self._unended(service)
        if reading.by_filter and not self.habits.way.status and _unended_in(reading) < max(there, 1):
            reading = self._every_page(service)
            there = self._unended(service)  # after the pages: what has come since can only raise doubt
        shown = _unended_in(reading)
        if there and reading.complete and not reading.has_active:
            # Statistics take timed-out jobs for unended ones: those that were listed must be there still.
            reading = self._every_page(service)
            shown = min(shown, _unended_in(reading))
        if reading.complete and shown < there:
            reading.doubt(
                f"{service}: the site's statistics know of {there} jobs that have not ended, and its listing shows "
                f"{shown}."
            )
        return reading

    def _unended(self, service: Service) -> int:
        """How many jobs ArcGIS Server's statistics know of that are not cancelled, failed or succeeded; 0 elsewhere."""
        if self._site.dialect.api != _api.SERVER:
            return 0
        try:
            said = self._site.ask_by_post(f"{_api.service_url(self._site.roots, service)}/jobs/statistics", dict)
            return int(said["total"] - said["cancelled"] - said["failed"] - said["succeeded"])
        except (GpError, KeyError, TypeError, ValueError):
            return 0


def _unended_in(reading: Reading) -> int:
    return sum(1 for status, _word in reading.jobs.values() if status not in ("", "cancelled", "failed", "succeeded"))


def recount(reading: Reading, question: Question) -> None:
    """Counts of a reading by its jobs, for the statuses whose jobs are all known by id."""
    for status in question.statuses:
        reading.counts[status] = None if reading.by_filter and status not in FILTER_WORDS else 0
    for status, _word in reading.jobs.values():
        if status in question.statuses:
            reading.counts[status] = (reading.counts[status] or 0) + 1
    reading.total = sum(reading.counts[status] or 0 for status in question.statuses)


@functools.lru_cache(maxsize=256, typed=True)
def _known(word: t.Any, by_filter: str | None) -> tuple[str, t.Any]:
    """Our status for a site's word; where it gave none, the one that it filtered by, or none yet.

    Remembered, for what a million jobs share need not be kept a million times.
    """
    if word is None and by_filter is not None:
        return by_filter, FILTER_WORDS[by_filter]
    return ("" if word is None else _status.normalise(word)), word


def _not_whole(service: Service, listing: Listing) -> str:
    why = f" ({listing.problem})" if listing.problem else ""
    return (
        f"{service}: the listing is not whole: {len(listing.jobs)} of {listing.totals[0]} jobs seen, "
        f"although it was read again{why}."
    )
