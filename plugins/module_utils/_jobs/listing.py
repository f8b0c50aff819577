# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Listings: all pages of one query, until every job that was there at the first page is seen.

No document tells the order of a listing, the largest page, or what happens while jobs come and go. So jobs are merged
by id, and each page begins with the last job of the page before. If that job is not there, the listing has moved, and a
job may have slipped through. Nothing is read beyond what the first page announced and what has shifted since, and after
three ways through a listing that is still not whole says so.
"""

from __future__ import annotations

import typing as t

from .._errors import NotAllowed, NotFound, SiteError
from .._wire.responses import Page

WAYS = 3
_SIDE_BY_SIDE = 100

ReadPage = t.Callable[[int, int], Page]
"""Reads one page: start (from 1) and number."""
Map = t.Callable[..., t.Iterable[t.Any]]
"""The built-in map, or a pool's, which asks side by side."""


class Listing(t.NamedTuple):
    """The jobs of one query by id, with the site's word for the status of each."""

    jobs: dict[str, t.Any]
    first: Page
    pages: int
    is_whole: bool
    """Whether every job that the first page announced was seen."""
    problem: str = ""
    """Why it is not whole."""
    next_start: int | None = None
    """Where a listing goes on after ``limit`` cut it."""


def goes_on(page: Page, start: int) -> bool:
    """Tell whether the site says that jobs follow a page, whatever its total says."""
    return page.next_start is not None and page.next_start >= start + max(1, len(page.jobs))


def read_all(read: ReadPage, number: int, first: Page | None = None, side_by_side: Map = map) -> Listing:
    """Read a listing, three times at most.

    :param number: the page size to ask for.
    :param first: its first page, if that has been read.
    :param side_by_side: a pool's map, if pages may be asked for at the same time.
    """
    pages, before = 0, None
    first = first or read(1, number)
    # Twice what the very first page announced, and some: a listing that grows with each request must come to an end.
    most = 2 * -(-first.total // max(1, len(first.jobs) - 1)) + 30
    for way in range(WAYS):
        walk = _Walk(read, number, first if way == 0 else read(1, number), most)
        walk.go(side_by_side if way == 0 else map)
        pages += walk.pages
        listing = walk.listing(pages)
        # Pages of a single job cannot overlap, so two ways through have to agree.
        if listing.is_whole and (walk.overlaps or listing.jobs.keys() == before):
            return listing
        before = listing.jobs.keys() if listing.is_whole else None
    if listing.is_whole:
        return Listing(listing.jobs, listing.first, pages, False, "its pages hold one job each and did not agree")
    return listing


class _Walk:
    """One way through the pages of a listing."""

    def __init__(self, read: ReadPage, number: int, first: Page, most: int) -> None:
        self._read = read
        self._number = number
        self._most = most
        self._first = self._page = first
        self._start = 1
        self._end = first.total
        """The place of the last job that has to be seen; jobs that arrive in front of it push it on."""
        self._grew = False
        self._jobs = dict(first.jobs)
        self._problem = ""
        self.pages = 1
        self.overlaps = True

    def go(self, side_by_side: Map) -> None:
        """Read on until the end, or until something does not add up."""
        size = len(self._first.jobs)
        try:
            if side_by_side is not map and size > 1 and self._first.next_start == size + 1:
                self._all_at_once(range(size, self._first.total, size - 1), side_by_side)
            while not self._problem and self._place < self._end:
                if self.pages >= self._most:
                    self._problem = "jobs arrive as fast as pages are read"
                    break
                start = self._place if len(self._page.jobs) > 1 else self._place + 1
                self._add(start, self._read(start, self._number))
        except (NotAllowed, NotFound):
            raise
        except SiteError as error:
            self._problem = str(error)
        if not self._problem and goes_on(self._page, self._start) and not self._grew:
            self._problem = f"the site announces {self._first.total} jobs, and goes on behind them"

    def listing(self, pages: int) -> Listing:
        problem = self._problem
        seen, announced = len(self._jobs), self._first.total
        if not problem and (seen < announced or (seen > announced and not self._grew)):
            problem = f"the site announces {announced} jobs and lists {seen}"
        return Listing(self._jobs, self._first, pages, not problem, problem)

    @property
    def _place(self) -> int:
        """The place of the last job of the current page."""
        return self._start + len(self._page.jobs) - 1

    def _all_at_once(self, starts: range, side_by_side: Map) -> None:
        while starts and not self._problem:
            batch, starts = starts[:_SIDE_BY_SIDE], starts[_SIDE_BY_SIDE:]
            for start, page in zip(batch, side_by_side(lambda start: self._read(start, self._number), batch)):
                if not self._problem:
                    self._add(start, page)

    def _add(self, start: int, page: Page) -> None:
        """Merge a page, if it joins the one before."""
        seam = next(reversed(self._page.jobs), None) if start == self._place else None
        self.pages += 1
        if not page.jobs:
            self._problem = "a page is empty before the end"
            return
        if seam is None:
            self.overlaps = False
        elif seam not in page.jobs:
            self._problem = "jobs moved from one page to another while they were read"
            return
        else:
            self._end += list(page.jobs).index(seam)
        before = len(self._jobs)
        self._jobs.update(page.jobs)
        self._grew = self._grew or page.total > self._first.total
        self._start, self._page = start, page
        if len(self._jobs) == before:
            self._problem = "a page shows nothing new"


def read_slice(read: ReadPage, number: int, start: int, limit: int | None) -> Listing:
    """Read a part of a listing: from ``start`` on, ``limit`` jobs at most; ``next_start`` says where it goes on."""
    jobs: dict[str, t.Any] = {}
    first: Page | None = None
    place, pages = start, 0
    while True:
        lacking = limit - len(jobs) if limit is not None else number
        page = read(place, min(number, lacking))
        first = first or page
        pages += 1
        before = len(jobs)
        jobs.update(page.jobs)
        behind = place + len(page.jobs)
        if limit is not None and len(jobs) >= limit:
            excess = len(jobs) - limit
            is_cut = excess > 0 or behind <= first.total or goes_on(page, place)
            kept = dict(list(jobs.items())[:limit])
            return Listing(kept, first, pages, True, next_start=behind - excess if is_cut else None)
        if behind > first.total:
            return Listing(jobs, first, pages, True)
        if len(jobs) == before:
            problem = f"the site announces {first.total} jobs, and shows nothing new at {place}"
            return Listing(jobs, first, pages, False, problem)
        place = behind
