# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Moments and durations, as options write them and as sites send them."""

from __future__ import annotations

import typing as t
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.gisops.arcgis.plugins.module_utils import _times
from ansible_collections.gisops.arcgis.plugins.module_utils._errors import BadOption

NOW = 1_800_000_000.0
# The documented pair of the kubernetes api: one moment as number and as timestamp, which shows that it is UTC.
DOCUMENTED = 1637004590


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2021-11-15T19:29:50", DOCUMENTED),
        ("2021-11-15 19:29:50", DOCUMENTED),
        ("2021-11-15T19:29:50Z", DOCUMENTED),
        ("2021-11-15T20:29:50+01:00", DOCUMENTED),
        ("2021-11-15", 1636934400),
        ("1637004590", DOCUMENTED),
        (1637004590, DOCUMENTED),
        ("1637004590000", DOCUMENTED),
        (" 1637004590.5 ", DOCUMENTED + 0.5),
        ("2h", NOW - 7200),
        ("2 h ago", NOW - 7200),
        ("1h30m", NOW - 5400),
        ("1D", NOW - 86400),
        ("0s", NOW),
    ],
)
def test_moments(value: t.Any, moment: float) -> None:
    assert _times.parse_moment(value, "start_time").at(NOW) == moment


@pytest.mark.parametrize(
    "value",
    ["yesterday", "", "0", "-5", "2021-13-01", "2021-11-15T25:00:00", "5 parsecs", "h", "ago", "1h30", None, True],
)
def test_what_is_no_moment(value: t.Any) -> None:
    with pytest.raises(BadOption) as caught:
        _times.parse_moment(value, "start_time")
    assert "is not a time (option start_time). Use a timestamp" in str(caught.value)


@pytest.mark.parametrize("value", ["9" * 400, "9" * 400 + "d"])
def test_a_moment_is_finite(value: str) -> None:
    with pytest.raises(BadOption):
        _times.parse_moment(value, "start_time")


# Whole seconds from 1970-01-02 to 9999, less what is on the edge of a calendar.
SECONDS = st.integers(86_400, 253_402_200_000)


@given(SECONDS)
def test_moments_round_trip(seconds: int) -> None:
    text = _times.iso(seconds)
    assert text is not None
    assert _times.parse_moment(text, "x").at(NOW) == seconds
    assert _times.from_wire(text) == seconds


@pytest.mark.parametrize(
    ("number", "seconds"), [(10**11 - 1, 10**11 - 1), (10**11, 10**8), (631_152_000_000, 631_152_000)]
)
def test_the_border_between_seconds_and_milliseconds(number: int, seconds: int) -> None:
    """Milliseconds from 1973 on, and seconds for all the time that anybody will ask about."""
    assert _times.from_wire(number) == _times.parse_moment(number, "x").at(NOW) == seconds


@given(st.integers(1, 99_999_999_999))
def test_seconds_and_milliseconds_are_told_apart(seconds: int) -> None:
    assert _times.parse_moment(seconds, "x").at(NOW) == _times.from_wire(seconds) == seconds
    if seconds * 1000 >= 10**11:
        assert _times.parse_moment(seconds * 1000, "x").at(NOW) == _times.from_wire(seconds * 1000) == seconds


@given(st.datetimes(datetime(1971, 1, 1), datetime(9000, 1, 1)), st.integers(-14 * 60, 14 * 60))
def test_a_zone_is_honoured(naive: datetime, minutes: int) -> None:
    naive = naive.replace(microsecond=0)
    there = naive.replace(tzinfo=timezone.utc).astimezone(timezone(timedelta(minutes=minutes)))
    assert _times.parse_moment(there.isoformat(), "x").at(NOW) == naive.replace(tzinfo=timezone.utc).timestamp()


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("90", 90), (90, 90), ("90s", 90), ("1h 30m", 5400), ("2d", 172800), ("1W", 604800), ("0.5h", 1800), ("0", 0)],
)
def test_durations(value: t.Any, seconds: float) -> None:
    assert _times.parse_duration(value, "window") == seconds


@pytest.mark.parametrize("value", ["", "h", "1x", "1h30", "-1h", "1h-30m", "one hour", None, "1.h"])
def test_what_is_no_duration(value: t.Any) -> None:
    with pytest.raises(BadOption) as caught:
        _times.parse_duration(value, "window")
    assert "is not a duration (option window). Use seconds" in str(caught.value)


@given(st.lists(st.tuples(st.integers(0, 999), st.sampled_from("smhdw")), min_size=1, max_size=5))
def test_a_duration_is_the_sum_of_its_parts(parts: list[tuple[int, str]]) -> None:
    text = "".join(f"{number}{unit}" for number, unit in parts)
    assert _times.parse_duration(text, "x") == sum(number * _times.UNITS[unit] for number, unit in parts)


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        (1523033824000, 1523033824),
        (DOCUMENTED, DOCUMENTED),
        ("1523033824000", 1523033824),
        ("1637004590.0", DOCUMENTED),
        ("2021-11-15T19:29:50", DOCUMENTED),
        (0, None),
        (-1, None),
        ("0", None),
        ("-1", None),
        (None, None),
        ("", None),
        ("never", None),
        ("2h", None),
        (True, None),
        (float("nan"), None),
        (float("inf"), None),
        ("9" * 400, None),
        ([], None),
        ({}, None),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_times_of_the_wire(value: t.Any, moment: float | None) -> None:
    assert _times.from_wire(value) == moment


def test_a_number_beyond_every_float_is_no_time() -> None:
    assert _times.from_wire(10**400) is None


@given(st.none() | st.booleans() | st.integers(-(10**300), 10**300) | st.floats() | st.text(max_size=30))
def test_whatever_a_site_sends_is_a_time_or_none(value: t.Any) -> None:
    moment = _times.from_wire(value)
    assert moment is None or isinstance(moment, float)
    assert _times.iso(moment) is None or len(str(_times.iso(moment))) == 20


@pytest.mark.parametrize("moment", [None, float("nan"), float("inf"), 1e18])
def test_what_no_calendar_holds_has_no_text(moment: float | None) -> None:
    assert _times.iso(moment) is None


def test_iso() -> None:
    assert _times.iso(DOCUMENTED + 0.9) == "2021-11-15T19:29:50Z"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0 s"),
        (0, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3599, "59 min"),
        (3600, "1 h"),
        (12000, "3 h 20 min"),
        (86400, "1 d"),
        (86400 + 7200, "1 d 2 h"),
        (86400 + 60, "1 d"),
    ],
)
def test_spell(seconds: float, text: str) -> None:
    assert _times.spell(seconds) == text
