# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lookup's memory: it saves questions within seconds, and never hides a change for longer."""

from __future__ import annotations

import time
import typing as t
from collections.abc import Iterator

import pytest

from ansible_collections.gisops.arcgis.plugins.plugin_utils import _lookup


class Clock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    clock = Clock()
    _lookup._remembered.clear()
    with monkeypatch.context() as patched:
        patched.setattr(time, "monotonic", clock)
        yield clock
    _lookup._remembered.clear()


def remember(options: dict[str, t.Any], seconds: float, ask: t.Callable[[], dict[str, t.Any]]) -> dict[str, t.Any]:
    return _lookup.remembered({**options, "cache_seconds": seconds}.get, ask)


class Asker:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> dict[str, t.Any]:
        self.count += 1
        return {"number": self.count, "jobs": [self.count]}


def test_the_same_question_within_its_time_is_not_asked_again(clock: Clock) -> None:
    ask = Asker()
    assert [remember({"url": "a", "services": [2]}, 5, ask)["number"] for _time in range(3)] == [1, 1, 1]
    assert remember({"services": [2], "url": "a"}, 5, ask)["number"] == 1, "the order of options is no difference"
    clock.now += 5.1
    assert remember({"url": "a", "services": [2]}, 5, ask)["number"] == 2


def test_the_age_is_that_of_the_question_and_not_of_the_answer(clock: Clock) -> None:
    """An answer that took long is old when it comes."""

    def slow() -> dict[str, t.Any]:
        clock.now += 4
        return {"number": 1}

    ask = Asker()
    remember({}, 5, slow)
    clock.now += 2
    remember({}, 5, ask)
    assert ask.count == 1


def test_another_question_is_another_question(clock: Clock) -> None:
    ask = Asker()
    for options in ({"limit": 1}, {"limit": "1"}, {"url": "1"}, {}):
        remember(options, 5, ask)
    assert ask.count == 4


@pytest.mark.parametrize("seconds", [0, 0.0])
def test_no_seconds_are_no_memory(clock: Clock, seconds: float) -> None:
    ask = Asker()
    for _time in range(3):
        remember({}, seconds, ask)
    assert ask.count == 3


def test_what_one_template_changes_another_does_not_see(clock: Clock) -> None:
    ask = Asker()
    remember({}, 5, ask)["jobs"].clear()
    assert remember({}, 5, ask)["jobs"] == [1]


def test_an_error_is_not_remembered(clock: Clock) -> None:
    def fail() -> dict[str, t.Any]:
        raise ValueError

    ask = Asker()
    with pytest.raises(ValueError):
        remember({}, 5, fail)
    assert remember({}, 5, ask)["number"] == 1


def test_what_is_old_is_forgotten(clock: Clock) -> None:
    for number in range(50):
        clock.now += 1
        remember({"number": number}, 5, Asker())
    assert len(_lookup._remembered) <= 6
