# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Polling: when a wait ends, and what a line of progress says."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.gisops.arcgis.plugins.module_utils import _times
from ansible_collections.gisops.arcgis.plugins.module_utils._errors import BadOption
from ansible_collections.gisops.arcgis.plugins.plugin_utils._gate import polling as _polls
from ansible_collections.gisops.arcgis.plugins.plugin_utils._gate.polling import Changes, Patience, Polls
from ansible_collections.gisops.arcgis.plugins.plugin_utils._gate.verdict import FAILED, INCONCLUSIVE, Reason, Verdict

PASS = Verdict([])
BUSY = Verdict([Reason(FAILED, "active", "x", "A.GPServer", 0, 1)])
BAD = Verdict([Reason(FAILED, "failed", "x", "A.GPServer", 0, 1)])
STUCK = Verdict([Reason(FAILED, "age", "x", "A.GPServer", 60, 90)])
BOTH = Verdict([*BUSY.reasons, *BAD.reasons])
ERROR = Verdict([Reason(INCONCLUSIVE, "error", "No connection.")])
DARK = Verdict([Reason(INCONCLUSIVE, "unseen", "x", "S/*")])
WINDOW = Verdict([Reason(INCONCLUSIVE, "window", "x", "A.GPServer")])
BUSY_AND_DARK = Verdict([*BUSY.reasons, *DARK.reasons])


def pauses(patience: Patience, *verdicts: Verdict, each: float = 0.0, usual: float = 0.0) -> list[float | None]:
    """The pauses after these verdicts, where a measurement takes so many seconds; the last one is None or runs out."""
    polls, now, said = Polls(patience), 0.0, []
    for verdict in verdicts:
        now += each
        pause = polls.pause(verdict, now, usual)
        said.append(pause)
        if pause is None:
            break
        now += pause
    return said


@pytest.mark.parametrize(
    ("patience", "verdicts", "expected"),
    [
        (Patience(), [PASS], [None]),
        (Patience(), [BUSY], [None]),
        (Patience(), [ERROR], [None]),
        (Patience(wait=25), [BUSY] * 4, [10, 10, 5, None]),
        (Patience(wait=25), [BUSY, PASS], [10, None]),
        (Patience(wait=60), [BAD], [None]),
        (Patience(wait=60), [STUCK], [None]),
        (Patience(wait=60), [BOTH], [None]),
        (Patience(wait=60), [WINDOW], [None]),
        (Patience(wait=60), [BUSY, BAD], [10, None]),
        (Patience(wait=60, steady=3), [PASS, PASS, PASS], [10, 10, None]),
        (Patience(wait=60, steady=2), [PASS, BUSY, PASS, PASS], [10, 10, 10, None]),
        (Patience(wait=10, steady=2), [BUSY, PASS, PASS], [10, 10, None]),  # a confirmation that has begun is finished
        (Patience(wait=10, steady=2), [BUSY, PASS, BUSY], [10, 10, None]),
        (Patience(wait=600), [ERROR] * 3, [10, 10, None]),
        (Patience(wait=600), [ERROR, ERROR, BUSY, ERROR, ERROR, ERROR], [10, 10, 10, 10, 10, None]),
        (Patience(wait=600), [DARK] * 3, [10, 10, None]),
        (Patience(wait=600), [BUSY_AND_DARK] * 3, [10, 10, None]),
        (Patience(wait=600, error_limit=1), [ERROR], [None]),
        (Patience(wait=600, error_limit=5), [ERROR] * 4 + [PASS], [10, 10, 10, 10, None]),
        (Patience(startup_wait=25), [ERROR] * 4, [10, 10, 5, None]),
        (Patience(startup_wait=100), [ERROR] * 5 + [PASS], [10] * 5 + [None]),
        (Patience(startup_wait=100), [ERROR, BUSY], [10, None]),
        (Patience(startup_wait=100, wait=15), [ERROR, ERROR, BUSY, BUSY, BUSY], [10, 10, 10, 5, None]),
        (Patience(startup_wait=15, wait=100), [ERROR] * 5, [10, 5, 10, 10, None]),
        (Patience(startup_wait=100, wait=100), [ERROR, BUSY, ERROR, ERROR, ERROR], [10, 10, 10, 10, None]),
        (Patience(startup_wait=100), [DARK], [None]),  # it answered
    ],
)
def test_when_a_wait_ends(patience: Patience, verdicts: list[Verdict], expected: list[float | None]) -> None:
    assert pauses(patience, *verdicts) == expected


@pytest.mark.parametrize(
    ("usual", "pause"), [(0.0, 10.0), (3.0, 10.0), (25.0, 25.0), (400.0, 60.0)], ids=["idle", "soon", "later", "far"]
)
def test_a_pause_keeps_within_its_bounds(usual: float, pause: float) -> None:
    assert Polls(Patience(wait=600)).pause(BUSY, 0.0, usual) == pause
    assert Polls(Patience(wait=600, poll_interval_max=10.0)).pause(BUSY, 0.0, usual) == 10.0
    assert Polls(Patience(wait=15)).pause(BUSY, 0.0, usual) == min(pause, 15.0)
    assert Polls(Patience(wait=600, steady=2)).pause(PASS, 0.0, usual) == 10.0, "what is clean is confirmed at once"
    assert Polls(Patience(startup_wait=600)).pause(ERROR, 0.0, usual) == 10.0


MEDIAN = 600


@pytest.mark.parametrize(
    ("jobs", "usual", "expected"),
    [
        ([], MEDIAN, 0),
        ([("executing", 0)], MEDIAN, 200),
        ([("executing", 570)], MEDIAN, 10),
        ([("executing", 600)], MEDIAN, 0),
        ([("executing", 1200)], MEDIAN, 200),  # nobody knows what it is at
        ([("executing", 590), ("executing", 300)], MEDIAN, 100),
        ([("waiting", 5000)], MEDIAN, 200),  # it has all of its time before it
        ([("failed", 5000)], MEDIAN, 0),
        ([("executing", 600)], None, 60),
        ([("executing", None)], None, 0),
        ([("executing", None)], MEDIAN, 200),
    ],
)
def test_a_pause_goes_by_how_far_jobs_are_from_their_usual_end(
    jobs: list[tuple[str, int | None]], usual: int | None, expected: float
) -> None:
    now = 1_795_510_800
    facts = {
        "as_of": _times.iso(now),
        "services": [
            {"service": "A.GPServer", "durations": {"jobs": 9, "median": usual, "p95": 700} if usual else None}
        ],
        "jobs": [
            {"service": "A.GPServer", "status": status, "start_time": None if age is None else _times.iso(now - age)}
            for status, age in jobs
        ],
    }
    assert _polls.usual_pause(facts) == pytest.approx(expected)


@pytest.mark.parametrize("facts", [None, {}, {"as_of": "never", "jobs": [{"status": "executing"}]}], ids=str)
def test_where_nothing_tells_the_pause_is_the_shortest(facts: t.Any) -> None:
    assert _polls.usual_pause(facts) == 0.0


def test_the_time_that_measuring_takes_is_part_of_the_wait() -> None:
    assert pauses(Patience(wait=30), *[BUSY] * 9, each=4) == [10, 10, None]
    assert pauses(Patience(wait=10, steady=2), PASS, PASS, each=9) == [10, None]


@given(
    st.builds(
        Patience,
        steady=st.integers(1, 4),
        wait=st.floats(0, 300),
        error_limit=st.integers(1, 4),
        startup_wait=st.floats(0, 100),
    ),
    st.lists(st.sampled_from([PASS, BUSY, BAD, ERROR, DARK, BUSY_AND_DARK]), min_size=100, max_size=100),
    st.floats(0, 100),
)
def test_every_wait_ends_in_time_and_never_passed_before_it_is_steady(
    patience: Patience, verdicts: list[Verdict], usual: float
) -> None:
    said = pauses(patience, *verdicts, usual=usual)
    assert said[-1] is None
    longest = patience.startup_wait + patience.wait + patience.steady * patience.poll_interval
    assert sum(pause or 0 for pause in said) <= longest + 1
    if verdicts[len(said) - 1].passed:
        assert all(one.passed for one in verdicts[len(said) - patience.steady : len(said)])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"steady": 3, "wait": "19s"}, "3 clean polls in a row take 20 s, which is longer than 19 s (option wait)."),
        ({"steady": 2}, "(option wait)"),
        ({"steady": 0}, "0 is too small (option steady)."),
        ({"error_limit": 0}, "(option error_limit)"),
        ({"wait": "long"}, "'long' is not a duration (option wait)."),
        ({"wait": "-1"}, "(option wait)"),
        ({"poll_interval": "0"}, "'0' is too short (option poll_interval)."),
        ({"poll_interval": "0.5"}, "(option poll_interval)"),
        ({"poll_interval_max": "9s"}, "9 s is shorter than poll_interval (option poll_interval_max)."),
        ({"poll_interval_max": "x"}, "(option poll_interval_max)"),
        ({"initial_delay": "x"}, "(option initial_delay)"),
        ({"startup_wait": "x"}, "(option startup_wait)"),
    ],
)
def test_patience_that_means_nothing(options: dict[str, t.Any], words: str) -> None:
    with pytest.raises(BadOption) as caught:
        Patience.read(options.get)
    assert words in str(caught.value)


def test_patience() -> None:
    assert Patience.read(lambda name: None) == Patience()
    options = {"steady": 2, "wait": "10m", "poll_interval": "30", "startup_wait": "15m", "initial_delay": "5s"}
    assert Patience.read(options.get) == Patience(2, 30.0, 600.0, 5.0, 3, 900.0, 180.0)
    assert Patience.read({**options, "poll_interval_max": "30s"}.get).poll_interval_max == 30.0
    assert Patience.read(options.get).to_result()["wait"] == 600.0


# --- changes -------------------------------------------------------------------------------------------------------


def active(*ids: str) -> dict[str, t.Any]:
    jobs = [{"service": "A.GPServer", "job_id": job_id, "status": "executing"} for job_id in ids]
    return {"jobs": [*jobs, {"service": "A.GPServer", "job_id": "old", "status": "failed"}]}


def test_who_came_and_who_went() -> None:
    changes = Changes()
    changes.note(active("1", "2"))
    assert (changes.arrived, changes.ended, changes.lately) == (0, 0, (0, 0))
    changes.note(active("2", "3", "4"))
    assert (changes.arrived, changes.ended, changes.lately) == (2, 1, (2, 1))
    changes.note(active("3"))
    assert (changes.arrived, changes.ended, changes.lately) == (2, 3, (0, 2))
    changes.note({"jobs": None})
    assert str(changes) == "4 jobs ended and 2 jobs arrived meanwhile"


def test_what_was_not_seen_has_not_ended() -> None:
    changes = Changes()
    changes.note(active("1", "2"))
    dark = {"jobs": [], "services": [{"service": "A.GPServer", "complete": False}]}
    for facts_of_the_dark in (dark, {"jobs": [], "services": [], "unseen": [{"name": "A.GPServer", "why": "403"}]}):
        changes.note(facts_of_the_dark)
        assert (changes.arrived, changes.ended, changes.lately) == (0, 0, (0, 0))
    changes.note(active("2"))
    assert (changes.arrived, changes.ended, changes.lately) == (0, 1, (0, 1))


# --- progress ------------------------------------------------------------------------------------------------------


def facts(**services: dict[str, t.Any]) -> dict[str, t.Any]:
    return {
        "as_of": "2026-11-24T09:00:12Z",
        "services": [{"service": f"{name}.GPServer", "counts": numbers} for name, numbers in services.items()],
    }


@pytest.mark.parametrize(
    ("asked", "verdict", "left", "lately", "line"),
    [
        (facts(A={"active": 2, "failed": 0}), BUSY, 590.0, None, "09:00:12 waiting, 9:50 left: A 2 active"),
        (
            facts(A={"active": 0, "failed": 0}, B={"active": 0, "failed": 0}),
            PASS,
            None,
            (0, 0),
            "09:00:12 passed: 2 services idle and clean",
        ),
        # What nobody looked at is not said to be good.
        (facts(A={"active": 0, "failed": None}), PASS, None, None, "09:00:12 passed: 1 service idle"),
        (facts(A={"active": None, "failed": 0}), PASS, None, None, "09:00:12 passed: 1 service clean"),
        (facts(A={"active": 0, "failed": 0}, B={}), PASS, None, None, "09:00:12 passed: 2 services"),
        (
            facts(A={"active": 1, "failed": 0}, B={"active": 0, "failed": 1, "timed_out": 2}),
            BOTH,
            None,
            (3, 1),
            "09:00:12 failed: B 3 failed; A 1 active (since the last poll 3 arrived, 1 ended)",
        ),
        (facts(A={"active": None, "failed": "2"}), DARK, 8.0, (0, 0), "09:00:12 waiting, 0:08 left: S/*: unseen"),
        (None, ERROR, None, (0, 0), "inconclusive: No connection."),
        (
            facts(**{name: {"active": 1} for name in "ABCDEF"}),
            BUSY,
            None,
            None,
            "09:00:12 failed: A 1 active; B 1 active; C 1 active; D 1 active; and 2 more",
        ),
    ],
)
def test_a_line_of_progress(
    asked: t.Any, verdict: Verdict, left: float | None, lately: tuple[int, int] | None, line: str
) -> None:
    assert _polls.progress(asked, verdict, left, lately) == line
