# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Paging over listings that stand still, move, lie and end too early: whole, or known not to be."""

from __future__ import annotations

import random
import typing as t
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.gisops.arcgis.plugins.module_utils._errors import (
    Busy,
    NotAllowed,
    NotFound,
    SiteError,
    Unreachable,
)
from ansible_collections.gisops.arcgis.plugins.module_utils._jobs import listing as _listing
from ansible_collections.gisops.arcgis.plugins.module_utils._wire.responses import Page

MOST_PAGES = 5000


class Site:
    """A listing, and a site that gives pages of it. ``before`` is called before each page, to move the listing."""

    def __init__(self, jobs: t.Iterable[str], cap: int | None = None) -> None:
        self.jobs = list(jobs)
        self.cap = cap
        self.asked: list[tuple[int, int]] = []
        self.before: t.Callable[[int], None] = lambda count: None
        self.next_start: t.Callable[[int, int], int | None] = lambda start, behind: (
            behind if behind <= len(self.jobs) else -1
        )

    def read(self, start: int, number: int) -> Page:
        assert start >= 1
        assert number >= 1
        assert len(self.asked) < MOST_PAGES, "the listing is read for ever"
        self.before(len(self.asked))
        self.asked.append((start, number))
        page = self.jobs[start - 1 : start - 1 + min(number, self.cap or number)]
        total = len(self.jobs)
        return Page(total, self.next_start(start, start + len(page)), dict.fromkeys(page, "Failed"), {"status": ""})


def names(count: int, prefix: str = "j") -> list[str]:
    return [f"{prefix}{number}" for number in range(count)]


@given(st.integers(0, 60), st.integers(1, 25), st.none() | st.integers(1, 12))
def test_a_listing_that_stands_still_is_whole(count: int, number: int, cap: int | None) -> None:
    site = Site(names(count), cap)
    listing = _listing.read_all(site.read, number)
    assert listing.is_whole
    assert list(listing.jobs) == site.jobs
    assert listing.pages == len(site.asked)
    assert listing.is_whole


@pytest.mark.parametrize(
    ("count", "number", "pages"), [(0, 10, 1), (10, 10, 1), (41, 10, 5), (41, 1000, 1), (1001, 1000, 2)]
)
def test_no_page_too_many(count: int, number: int, pages: int) -> None:
    site = Site(names(count))
    assert _listing.read_all(site.read, number).pages == len(site.asked) == pages


def test_a_page_that_is_there_already_is_not_asked_for_again() -> None:
    site = Site(names(15))
    first = site.read(1, 10)
    listing = _listing.read_all(site.read, 10, first)
    assert listing.is_whole
    assert [start for start, _number in site.asked] == [1, 10]
    assert listing.pages == 2


NEXT: dict[str, t.Callable[[Site], t.Callable[[int, int], int | None]]] = {
    "missing": lambda site: lambda start, behind: None,
    "always -1": lambda site: lambda start, behind: -1,
    "stuck": lambda site: lambda start, behind: start,
    "zero": lambda site: lambda start, behind: 0,
    "back to the first": lambda site: lambda start, behind: 1,
    "one too far": lambda site: lambda start, behind: behind + 1,
    "far too far": lambda site: lambda start, behind: behind + 10_000,
    "one too near": lambda site: lambda start, behind: max(start + 1, behind - 1),
    "never ends": lambda site: lambda start, behind: behind,
}


MORE = ("one too far", "far too far", "one too near", "never ends")


@pytest.mark.parametrize("lie", NEXT)
@pytest.mark.parametrize("cap", [1, 2, 7, 1000])
@pytest.mark.parametrize("count", [0, 1, 7, 20])
def test_a_site_that_lies_about_the_next_start_hides_no_job(lie: str, cap: int, count: int) -> None:
    """If it says that more follows behind the last job that it has announced, it contradicts itself."""
    site = Site(names(count), cap)
    site.next_start = NEXT[lie](site)
    listing = _listing.read_all(site.read, 1000)
    assert listing.is_whole or lie in MORE
    assert not listing.is_whole or list(listing.jobs) == site.jobs


@pytest.mark.parametrize(
    "error", [SiteError("Past the end"), NotFound("Gone"), NotAllowed("No"), Busy("x"), Unreachable("x")]
)
def test_errors_on_a_later_page(error: Exception) -> None:
    """An error past the end is not whole; no right, no service and no site are errors of the whole reading."""
    site = Site(names(30), 10)

    def fail(count: int) -> None:
        if site.asked and len(site.asked) % 2 == 1:
            site.asked.append((0, 0))
            raise error

    site.before = fail
    if error.__class__ is SiteError:
        listing = _listing.read_all(site.read, 10)
        assert not listing.is_whole
        assert "Past the end" in listing.problem
        return
    with pytest.raises(type(error)):
        _listing.read_all(site.read, 10)


def test_an_error_that_passes_is_read_over() -> None:
    site = Site(names(30), 10)

    def fail(count: int) -> None:
        if count == 1:
            site.asked.append((0, 0))
            raise SiteError("Past the end")

    site.before = fail
    assert _listing.read_all(site.read, 10).is_whole


@pytest.mark.parametrize(("total", "whole"), [(20, True), (21, False), (1000, False), (19, False), (0, False)])
def test_a_total_that_does_not_add_up_is_not_whole(total: int, whole: bool) -> None:
    site = Site(names(20))

    def read(start: int, number: int) -> Page:
        page = site.read(start, number)
        return Page(total, page.next_start, page.jobs, page.echo)

    assert _listing.read_all(read, 7).is_whole is whole


def test_the_same_page_over_and_over_ends_and_is_not_whole() -> None:
    calls: list[int] = []

    def read(start: int, number: int) -> Page:
        calls.append(start)
        return Page(100, start + 10, dict.fromkeys(names(10)), {})

    assert not _listing.read_all(read, 10).is_whole
    assert len(calls) < 200


@pytest.mark.parametrize("total", [31, 10**6, 10**30])
def test_a_total_that_is_far_too_high_costs_little(total: int) -> None:
    """Where the others start is reckoned from it."""
    site = Site(names(30))

    def read(start: int, number: int) -> Page:
        page = site.read(start, number)
        return Page(total, page.next_start, page.jobs, page.echo)

    with ThreadPoolExecutor(max_workers=4) as pool:
        listing = _listing.read_all(read, 10, side_by_side=pool.map)
    assert not listing.is_whole
    assert {*listing.jobs} == {*site.jobs}
    assert len(site.asked) < 300


# --- moving listings ---------------------------------------------------------------------------------------------

MOVES = st.lists(st.tuples(st.integers(0, 2), st.lists(st.integers(0, 200), max_size=2)), max_size=12)


def side_by_side(chance: random.Random) -> _listing.Map:
    """In the place of a pool: pages come in any order."""

    def each(read: t.Callable[[int], Page], starts: t.Sequence[int]) -> list[Page]:
        pages = {start: read(start) for start in chance.sample(starts, len(starts))}
        return [pages[start] for start in starts]

    return each


def simulate(
    count: int, cap: int, newest_first: bool, moves: list[tuple[int, list[int]]], chance: random.Random
) -> tuple[set[str], _listing.Listing]:
    """Reads a listing while jobs arrive at one end and are removed anywhere; gives the jobs that never left."""
    site = Site(names(count), cap)
    stayed = {*site.jobs}

    def move(page: int) -> None:
        arrivals, removals = moves[page] if 0 < page < len(moves) else (0, [])
        fresh = names(arrivals, f"new{page}-")
        site.jobs = [*fresh, *site.jobs] if newest_first else [*site.jobs, *fresh]
        for where in removals:
            if site.jobs:
                stayed.discard(site.jobs.pop(where % len(site.jobs)))

    site.before = move
    return stayed, _listing.read_all(site.read, 1000, side_by_side=side_by_side(chance))


@settings(max_examples=400)
@given(st.integers(0, 40), st.integers(2, 12), st.booleans(), MOVES, st.randoms())
def test_no_job_that_was_there_all_along_is_lost_from_a_whole_listing(
    count: int, cap: int, newest_first: bool, moves: list[tuple[int, list[int]]], chance: random.Random
) -> None:
    stayed, listing = simulate(count, cap, newest_first, moves, chance)
    if listing.is_whole:
        assert stayed <= {*listing.jobs}


@given(st.integers(0, 40), st.integers(2, 12), st.lists(st.integers(0, 3), max_size=12), st.booleans(), st.randoms())
def test_arrivals_alone_never_keep_a_listing_from_being_whole(
    count: int, cap: int, arrivals: list[int], newest_first: bool, chance: random.Random
) -> None:
    """A busy site must be readable: jobs only come, and none is missed.

    Pages of a single job cannot overlap, so that two ways through them have to agree, which arrivals can prevent.
    """
    stayed, listing = simulate(count, cap, newest_first, [(number, []) for number in arrivals], chance)
    assert listing.is_whole
    assert stayed <= {*listing.jobs}


def test_a_removal_at_the_seam_is_seen_and_read_over() -> None:
    """The cleaner takes the two oldest jobs between two pages: what slid over the seam is found at the second try."""
    site = Site(names(30), 10)
    site.before = lambda count: site.jobs.__delitem__(slice(0, 2)) if count == 1 else None  # type: ignore[assignment]
    listing = _listing.read_all(site.read, 10)
    assert listing.is_whole
    assert {*listing.jobs} == {*site.jobs}
    assert [start for start, _number in site.asked].count(1) == 2


def test_pages_of_one_job_hide_no_loss() -> None:
    site = Site(names(10), 1)

    def move(count: int) -> None:
        if count == 3:
            site.jobs = [*site.jobs[1:], "new"]

    site.before = move
    stayed = {*site.jobs[1:]}
    listing = _listing.read_all(site.read, 1000)
    assert not listing.is_whole or stayed <= {*listing.jobs}


# --- slices ------------------------------------------------------------------------------------------------------


@given(
    st.integers(0, 40),
    st.integers(1, 15),
    st.none() | st.integers(1, 9),
    st.integers(1, 50),
    st.none() | st.integers(1, 45),
)
def test_a_slice_is_a_part_of_the_listing(
    count: int, number: int, cap: int | None, start: int, limit: int | None
) -> None:
    site = Site(names(count), cap)
    listing = _listing.read_slice(site.read, number, start, limit)
    expected = site.jobs[start - 1 :][:limit]
    assert list(listing.jobs) == expected
    assert listing.is_whole
    rest = count - (start - 1) - len(expected)
    assert listing.next_start == (start + len(expected) if rest > 0 else None)


@given(st.integers(0, 30), st.integers(1, 7), st.integers(1, 9))
def test_slices_laid_end_to_end_are_the_listing(count: int, limit: int, cap: int) -> None:
    site = Site(names(count), cap)
    seen: list[str] = []
    start: int | None = 1
    while start is not None:
        listing = _listing.read_slice(site.read, 1000, start, limit)
        seen += listing.jobs
        start = listing.next_start
    assert seen == site.jobs


def test_a_slice_that_falls_short_of_the_total_is_not_taken_for_the_end() -> None:
    def read(start: int, number: int) -> Page:
        return Page(100, -1, {} if start > 1 else dict.fromkeys(names(10)), {})

    listing = _listing.read_slice(read, 10, 1, 50)
    assert not listing.is_whole


def test_a_slice_of_the_same_page_over_and_over_ends() -> None:
    def read(start: int, number: int) -> Page:
        return Page(1000, start + 10, dict.fromkeys(names(10)), {})

    assert not _listing.read_slice(read, 10, 1, 500).is_whole
