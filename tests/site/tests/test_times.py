# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Durations, moments and status words as people write them."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from conftest import NOON
from rehearsal_site.statuses import FILTER_WORDS, Status, parse_status, spell
from rehearsal_site.times import iso, parse_duration, parse_moment


@pytest.mark.parametrize(
    ("text", "expected"),
    [("90", 90_000), (1.5, 1500), ("20ms", 20), ("1h 30m", 5_400_000), ("6h", 21_600_000), ("2min", 120_000),
     ("30d", 2_592_000_000), ("0s", 0)],
)  # fmt: skip
def test_durations(text: object, expected: int) -> None:
    assert parse_duration(text) == expected


@pytest.mark.parametrize("wrong", ["", "soon", "5 parsecs", None, True, "1h later"])
def test_wrong_durations(wrong: object) -> None:
    with pytest.raises(ValueError):
        parse_duration(wrong)


def test_moments() -> None:
    for value in (NOON, NOON // 1000, str(NOON), "2023-11-14T22:13:20Z", "2023-11-14T23:13:20+01:00",
                  "2023-11-14T22:13:20", datetime(2023, 11, 14, 22, 13, 20, tzinfo=timezone.utc), "now"):  # fmt: skip
        assert parse_moment(value, NOON) == NOON
    assert parse_moment("12m ago", NOON) == NOON - 720_000
    assert parse_moment("in 5m", NOON) == NOON + 300_000
    assert iso(NOON) == "2023-11-14T22:13:20.000Z"
    assert iso(None) is None
    with pytest.raises(ValueError):
        parse_moment("tomorrow", NOON)


def test_status_words() -> None:
    for status in Status:
        for spelling in ("stripped", "esri", "upper", "number"):
            assert parse_status(spell(status, spelling)) is status
    assert parse_status("Canceled") is Status.CANCELLED
    assert spell(Status.TIMED_OUT, "esri") == "esriJobTimedOut"
    assert len(FILTER_WORDS) == 8
    with pytest.raises(ValueError):
        parse_status("sleeping")
