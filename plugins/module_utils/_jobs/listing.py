# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Listings of jobs: all their pages, until everything is there, or is known not to be.

Nobody documents the order of a listing, the largest page, or what happens to it while jobs come and go. So nothing is
taken on trust: jobs are merged by id, each page begins with the last job of the one before (where it does not, the
listing has moved and jobs may have slipped through the seam), and a listing counts as whole only if it holds at least
as many jobs as the site announced at its first page. What is not whole is read again.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .._errors import NotAllowed, NotFound, SiteError
from .._wire.responses import Page
from .filters import Ask

_TRIES = 3
_MOST_IDLE_PAGES = 20
_MOST_AT_ONCE = 100

ReadPage = t.Callable[[Ask, int, int], Page]
"""Reads one page: filters, start, number."""
Each = t.Callable[..., t.Iterable[Page]]
"""The built-in map, or a pool's, which asks side by side."""


@dataclass
class Listing:
    """The jobs of one query, by id, with the site's word for the status of each."""

    jobs: dict[str, t.Any] = field(default_factory=dict)
    totals: list[int] = field(default_factory=list)
    echo: dict[str, t.Any] = field(default_factory=dict)
    pages: int = 0
    moved: bool = False
    """Whether the listing shifted under our hands."""
    seamless: bool = True
    """Whether every page began with the last job of the one before, so that a shift would have shown."""
    next_start: int | None = None
    """Where a listing that was cut goes on."""
    problem: str = ""
    """The site's error for a page, where the listing ended with one."""

    @property
    def is_whole(self) -> bool:
        if self.moved or self.next_start is not None:
            return False
        steady = len(set(self.totals)) == 1
        return len(self.jobs) >= self.totals[0] and not (steady and len(self.jobs) > self.totals[0])

    def add(self, page: Page) -> bool:
        """Merges a page; says whether it brought a job that was not there yet."""
        before = len(self.jobs)
        self.jobs.update(page.jobs)
        self.totals.append(page.total)
        self.echo = self.echo or page.echo
        self.pages += 1
        return len(self.jobs) > before


def read_all(read: ReadPage, ask: Ask, number: int, first: Page | None = None, each: Each = map) -> Listing:
    """The whole listing, read again where it is not whole; look at ``is_whole`` before counting on it.

    :param each: asks for pages, side by side where it can; what has to be read again is read page after page.
    """
    pages = 0
    before: t.Iterable[str] = ()
    for attempt in range(_TRIES):
        listing = _scan(read, ask, number, first or read(ask, 1, number), each if attempt == 0 else None)
        pages += listing.pages
        first = None
        # Pages of a single job cannot overlap: then two ways through them have to agree.
        if listing.is_whole and (listing.seamless or listing.jobs.keys() == before):
            break
        before = listing.jobs.keys()
    else:
        listing.moved = listing.moved or not listing.seamless
    listing.pages = pages
    return listing


def _scan(read: ReadPage, ask: Ask, number: int, page: Page, each: Each | None) -> Listing:
    """One way through the pages of a listing: side by side as far as its first page tells where they start."""
    listing = Listing()
    listing.add(page)
    start, idle = 1, 0
    if each is not None:
        size = len(page.jobs)
        try:
            for following in _side_by_side(lambda start: read(ask, start, number), _starts(page), each):
                start += size - 1
                listing.moved = listing.moved or not page.jobs.keys() & following.jobs.keys()
                page = following
                listing.add(page)
                if listing.moved or len(page.jobs) < size:
                    break  # in vain, or the end, whatever the total says
        except (NotAllowed, NotFound):
            raise
        except SiteError as error:
            listing.problem = str(error)
            listing.moved = True
        if listing.moved:
            return listing
    while (onward := _onward(page, start, len(listing.jobs))) is not None:
        seam = page.jobs.keys()
        back = 1 if len(seam) > 1 else 0
        try:
            start, page = onward - back, read(ask, onward - back, number)
            fresh = listing.add(page)
            listing.seamless = listing.seamless and back > 0
            listing.moved = listing.moved or (back > 0 and not seam & page.jobs.keys())
            if back and not fresh:  # a site that pages by a grid of its own
                start, page = onward, read(ask, onward, number)
                fresh = listing.add(page)
        except (NotAllowed, NotFound):
            raise
        except SiteError as error:  # past the end, says the site
            listing.problem = str(error)
            break
        idle = 0 if fresh or listing.totals[-1] > listing.totals[-2] else idle + 1
        if idle > _MOST_IDLE_PAGES:
            listing.moved = True
            break
    return listing


def _starts(page: Page) -> range:
    """Where the pages after the first start, each with the last job of the one before.

    Empty where the site does not page as it says, or in pages of a single job.
    """
    size = len(page.jobs)
    return range(size, page.total, size - 1) if size > 1 and page.next_start == size + 1 else range(0)


def _side_by_side(read: t.Callable[[int], Page], starts: range, each: Each) -> t.Iterator[Page]:
    """The pages that start there, some at a time: the total that they are reckoned from may be any number."""
    while starts:
        yield from each(read, starts[:_MOST_AT_ONCE])
        starts = starts[_MOST_AT_ONCE:]


def read_slice(read: ReadPage, ask: Ask, number: int, start: int, limit: int | None) -> Listing:
    """The part of a listing from ``start``, ``limit`` jobs at most; ``next_start`` says where it goes on."""
    listing = Listing()
    skipped, idle = start - 1, 0
    while idle <= _MOST_IDLE_PAGES:
        lacking = limit - len(listing.jobs) if limit is not None else number
        page = read(ask, start, min(number, lacking))
        idle = 0 if listing.add(page) else idle + 1
        onward = _onward(page, start, skipped + len(listing.jobs))
        if limit is not None and len(listing.jobs) >= limit:
            excess = len(listing.jobs) - limit
            listing.jobs = dict(list(listing.jobs.items())[:limit])
            if onward is not None or excess:
                listing.next_start = (onward or start + len(page.jobs)) - excess
            return listing
        if onward is None:
            listing.moved = skipped + len(listing.jobs) < listing.totals[0]
            return listing
        start = onward
    listing.moved = True
    return listing


def _onward(page: Page, start: int, have: int) -> int | None:
    """Where the next page starts, as the site says, but never behind jobs that no page has shown.

    A site that says "no more" too early is asked on, for its total says better.
    """
    if not page.jobs:
        return None
    behind = start + len(page.jobs)
    if page.next_start is not None and page.next_start > start:
        return min(page.next_start, behind)
    return behind if have < page.total else None
