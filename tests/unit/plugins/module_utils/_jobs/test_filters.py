# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The query options: what they mean, and what is refused before anything is sent."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.gisops.arcgis.plugins.module_utils import _statuses
from ansible_collections.gisops.arcgis.plugins.module_utils._errors import BadOption
from ansible_collections.gisops.arcgis.plugins.module_utils._jobs.filters import Filters
from ansible_collections.gisops.arcgis.plugins.module_utils._services import Entry, Service
from ansible_collections.gisops.arcgis.plugins.module_utils._times import Moment
from ansible_collections.gisops.arcgis.plugins.module_utils._wire.dialects import JobFilter

NOW = 1_800_000_000.0


def read(**options: t.Any) -> Filters:
    return Filters.read(options.get)


def test_no_option_at_all_asks_for_everything() -> None:
    filters = read()
    assert filters.services == filters.exclude == ()
    assert filters.statuses == _statuses.STATUSES
    assert filters.asks_all_statuses
    assert (filters.number, filters.start, filters.limit, filters.detail) == (1000, 1, None, "counts")
    assert filters.job_filter(NOW) == JobFilter()
    assert not filters.is_narrowed


@pytest.mark.parametrize("empty", [None, "", " "])
@pytest.mark.parametrize("option", ["start_time", "end_time", "ended_after", "user_name", "machine_name", "detail"])
def test_an_empty_option_is_not_given(option: str, empty: str | None) -> None:
    assert read(**{option: empty}) == read()


@pytest.mark.parametrize("words", [[], None, ["", " "]])
def test_empty_statuses_are_not_given(words: t.Any) -> None:
    assert read(job_status=words).asks_all_statuses


def test_all_options() -> None:
    filters = read(
        services=["A/B", {"name": "C", "missing": "ignore"}],
        exclude_services=["D/*", "E"],
        job_status=["active", "failed"],
        start_time="2h",
        end_time="1637004590",
        ended_after="1h",
        user_name=" user1 ",
        machine_name="M.D",
        number=7,
        limit=5,
        detail="full",
    )
    assert filters.services == (Entry("A/B"), Entry("C", True))
    assert filters.statuses == tuple(one for one in _statuses.STATUSES if one in {*_statuses.ACTIVE, "failed"})
    assert not filters.asks_all_statuses
    assert filters.ended_after == Moment(ago=3600)
    assert filters.job_filter(NOW) == JobFilter(None, NOW - 7200, 1637004590.0, "user1", "M.D")
    assert [filters.excludes(Service("D", "X")), filters.excludes(Service("", "E"))] == [True, True]
    assert not filters.excludes(Service("", "D"))


@pytest.mark.parametrize(
    ("options", "narrowed", "windowed"),
    [
        ({"start_time": "1h"}, True, True),
        ({"end_time": "1h"}, True, True),
        ({"user_name": "a"}, True, False),
        ({"machine_name": "a"}, True, False),
        ({"ended_after": "1h"}, False, False),
        ({"job_status": ["failed"]}, False, False),
    ],
)
def test_what_narrows(options: dict[str, t.Any], narrowed: bool, windowed: bool) -> None:
    filters = read(**options)
    assert (filters.is_narrowed, filters.is_windowed) == (narrowed, windowed)


@pytest.mark.parametrize(
    ("options", "one"),
    [
        ({}, True),
        ({"job_status": ["failed"]}, True),
        ({"job_status": ["timed_out"]}, False),
        ({"job_status": ["failed", "succeeded"]}, False),
        ({"ended_after": "1h"}, False),
        ({"user_name": "a", "start_time": "1h"}, True),
    ],
)
def test_one_listing(options: dict[str, t.Any], one: bool) -> None:
    assert read(**options).is_one_listing is one


LATE, EARLY = "2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("options", "where", "cure"),
    [
        ({"start_time": LATE, "end_time": EARLY}, "options start_time and end_time", "Swap them"),
        ({"start_time": "1h", "end_time": "2h"}, "options start_time and end_time", "Swap them"),
        ({"start_time": "tomorrow"}, "option start_time", "Use a timestamp"),
        ({"end_time": "2026-99-01"}, "option end_time", "Use a timestamp"),
        ({"ended_after": "lately"}, "option ended_after", "Use a timestamp"),
        ({"job_status": ["runing"]}, "option job_status", "Use one of"),
        ({"services": ["a/b/c"]}, "option services", "Write Folder/Name"),
        ({"services": [""]}, "option services", "Name a service"),
        ({"exclude_services": ["a/b/c"]}, "option exclude_services", "Write Folder/Name"),
        ({"number": 0}, "option number", "Use 1 or more"),
        ({"limit": 0, "detail": "jobs"}, "option limit", "Use 1 or more"),
        ({"start": -1}, "option start", "Use 1 or more"),
        ({"limit": 5}, "option limit", "Add detail: jobs"),
        ({"start": 2}, "option start", "Add detail: jobs"),
        ({"start": 2, "detail": "jobs"}, "option start", "one service by its name"),
        ({"start": 2, "detail": "jobs", "services": ["A", "B"]}, "option start", "one service by its name"),
        ({"start": 2, "detail": "jobs", "services": ["A*"]}, "option start", "one service by its name"),
        ({"start": 2, "detail": "jobs", "services": ["A"], "job_status": ["active"]}, "option start", "one status"),
        ({"start": 2, "detail": "jobs", "services": ["A"], "ended_after": "1h"}, "option start", "without ended_after"),
    ],
)
def test_what_is_refused(options: dict[str, t.Any], where: str, cure: str) -> None:
    with pytest.raises(BadOption) as caught:
        read(**options)
    assert f"({where})." in str(caught.value)
    assert cure in caught.value.failure["cure"]
    assert "\n" not in str(caught.value)


def test_a_fixed_and_a_relative_time_are_compared_on_the_sites_clock() -> None:
    filters = read(start_time="1h", end_time="2026-01-01T00:00:00Z")
    with pytest.raises(BadOption, match="start_time is after end_time"):
        filters.check_clock(NOW)
    filters.check_clock(1_767_225_600.0 + 3600)


@pytest.mark.parametrize("option", ["start_time", "ended_after"])
def test_a_window_that_begins_in_the_sites_future_is_refused(option: str) -> None:
    """No job can be in it, and none would look like good news."""
    for seconds in (-3600, 0, 59):
        read(**{option: str(int(NOW) + seconds)}).check_clock(NOW)
    with pytest.raises(BadOption, match=rf"lies in the future of the site's clock .*\(option {option}\)") as caught:
        read(**{option: str(int(NOW) + 3600)}).check_clock(NOW)
    assert caught.value.failure["cure"]


def test_a_window_may_end_in_the_future() -> None:
    read(start_time="1h", end_time=str(int(NOW) + 3600)).check_clock(NOW)


def test_a_window_of_one_moment_is_one() -> None:
    read(start_time=EARLY, end_time=EARLY)


def test_a_start_of_one_named_service_is_fine() -> None:
    assert read(start=11, detail="jobs", services=["A/B"], job_status=["failed"]).start == 11
