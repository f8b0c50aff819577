# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Polling: when a wait ends, which services are watched, and what changed meanwhile."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.gisops.arcgis.plugins.module_utils._errors import BadOption
from ansible_collections.gisops.arcgis.plugins.plugin_utils._gate.facts import SiteFacts
from ansible_collections.gisops.arcgis.plugins.plugin_utils._gate.polling import Changes, Polls, Waiting, to_watch
from ansible_collections.gisops.arcgis.plugins.plugin_utils._gate.verdict import FAILED, INCONCLUSIVE, Reason, Verdict

from .given import facts, failed, running, service


def said(rule: str, verdict: str = FAILED, service: str | None = "A.GPServer", *, is_final: bool = False) -> Verdict:
    return Verdict((Reason(verdict, rule, "x", service, is_final=is_final),))


def both(one: Verdict, other: Verdict) -> Verdict:
    return Verdict((*one.reasons, *other.reasons))


PASS = Verdict()
BUSY = said("active")
BAD = said("failed")
STUCK = said("age")
ERROR = said("error", INCONCLUSIVE, None)
REFUSED = said("error", INCONCLUSIVE, None, is_final=True)
DARK = said("unseen", INCONCLUSIVE, "S/*")
WINDOW = said("window", INCONCLUSIVE, None)


def pauses(waiting: Waiting, *verdicts: Verdict, each: float = 0.0) -> list[float | None]:
    """The pauses after these verdicts, if a measurement takes so many seconds; the last one is None or runs out."""
    polls, now, told = Polls(waiting), 0.0, []
    for verdict in verdicts:
        now += each
        pause = polls.pause(verdict, now)
        told.append(pause)
        if pause is None:
            break
        now += pause
    assert polls.number == len(told)
    return told


@pytest.mark.parametrize(
    ("waiting", "verdicts", "expected"),
    [
        (Waiting(), [PASS], [None]),
        (Waiting(), [BUSY], [None]),
        (Waiting(), [ERROR], [None]),
        (Waiting(wait=25), [BUSY] * 4, [10, 10, 5, None]),
        (Waiting(wait=20.5), [BUSY] * 3, [10, 10, None]),
        (Waiting(wait=21), [BUSY] * 4, [10, 10, 1, None]),
        (Waiting(wait=25, poll_interval=20), [BUSY] * 3, [20, 5, None]),
        (Waiting(wait=25), [BUSY, PASS], [10, None]),
        (Waiting(wait=60), [BAD], [None]),
        (Waiting(wait=60), [STUCK], [None]),
        (Waiting(wait=60), [said("failed_percent")], [None]),
        (Waiting(wait=60), [both(BUSY, BAD)], [None]),
        (Waiting(wait=60), [WINDOW], [None]),
        (Waiting(wait=60), [REFUSED], [None]),
        (Waiting(wait=60), [BUSY, BAD], [10, None]),
        (Waiting(wait=60), [BUSY, REFUSED], [10, None]),
        (Waiting(wait=60, steady=3), [PASS, PASS, PASS], [10, 10, None]),
        (Waiting(wait=60, steady=2), [PASS, BUSY, PASS, PASS], [10, 10, 10, None]),
        (Waiting(wait=10, steady=2), [BUSY, PASS, PASS], [10, 10, None]),  # a confirmation that has begun is finished
        (Waiting(wait=10, steady=2), [BUSY, PASS, BUSY], [10, 10, None]),
        # While the wait lasts everything else heals.
        (Waiting(wait=60), [ERROR] * 6 + [PASS], [10] * 6 + [None]),
        (Waiting(wait=30), [DARK, ERROR, BUSY, DARK], [10, 10, 10, None]),
        (Waiting(wait=60), [said("failed", INCONCLUSIVE), PASS], [10, None]),
        (Waiting(wait=60), [said("age", INCONCLUSIVE), PASS], [10, None]),
        (Waiting(wait=60), [said("failed_percent", INCONCLUSIVE), PASS], [10, None]),
        (Waiting(wait=60), [said("empty", INCONCLUSIVE, None), PASS], [10, None]),
        (Waiting(wait=60), [said("gone"), said("stopped"), said("silent"), PASS], [10, 10, 10, None]),
    ],
)
def test_when_a_wait_ends(waiting: Waiting, verdicts: list[Verdict], expected: list[float | None]) -> None:
    assert pauses(waiting, *verdicts) == expected


def test_the_time_that_measuring_takes_is_part_of_the_wait() -> None:
    assert pauses(Waiting(wait=30), *[BUSY] * 9, each=4) == [10, 10, None]
    assert pauses(Waiting(wait=10, steady=2), PASS, PASS, each=9) == [10, None]
    polls = Polls(Waiting(wait=30))
    assert (polls.left(0), polls.left(12.5), polls.left(31)) == (30, 17.5, 0)


@pytest.mark.parametrize(
    ("waiting", "verdict", "seconds", "pause"),
    [
        (Waiting(wait=60), BUSY, 0, 10),
        (Waiting(wait=60), PASS, 0, 0),
        (Waiting(wait=60, steady=2), PASS, 0, 0),
        (Waiting(wait=60), BAD, 0, 0),
        (Waiting(wait=60), BUSY, 60, 0),
    ],
)
def test_a_part_of_the_site_decides_nothing(waiting: Waiting, verdict: Verdict, seconds: float, pause: float) -> None:
    polls = Polls(waiting)
    assert polls.pause(verdict, seconds, is_part=True) == pause
    assert polls.number == (1 if pause else 0)


def test_a_part_that_is_clean_confirms_nothing() -> None:
    polls = Polls(Waiting(wait=60, steady=2))
    assert polls.pause(PASS, 0, is_part=True) == 0
    assert polls.pause(PASS, 0) == 10
    assert polls.pause(BUSY, 10, is_part=True) == 10
    assert polls.pause(PASS, 20) == 10, "it has to be clean twice in a row again"


@given(
    st.builds(Waiting, steady=st.integers(1, 4), wait=st.floats(0, 300), poll_interval=st.floats(1, 20)),
    st.lists(st.sampled_from([PASS, BUSY, BAD, ERROR, DARK]), min_size=400, max_size=400),
)
def test_every_wait_ends_in_time_and_never_passed_before_it_is_steady(
    waiting: Waiting, verdicts: list[Verdict]
) -> None:
    told = pauses(waiting, *verdicts)
    assert told[-1] is None
    assert sum(pause or 0 for pause in told) <= waiting.wait + waiting.steady * waiting.poll_interval
    assert len(told) <= waiting.wait / waiting.poll_interval + waiting.steady + 1
    if verdicts[len(told) - 1].passed:
        assert all(one.passed for one in verdicts[len(told) - waiting.steady : len(told)])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"steady": 3, "wait": "19s"}, "3 clean polls in a row take 20 s, which is longer than 19 s (option wait)."),
        ({"steady": 2}, "(option wait)"),
        ({"steady": 0}, "0 is too small (option steady)."),
        ({"wait": "long"}, "'long' is not a duration (option wait)."),
        ({"wait": "-1"}, "(option wait)"),
        ({"poll_interval": "0"}, "'0' is too short (option poll_interval)."),
        ({"poll_interval": "0.5"}, "(option poll_interval)"),
    ],
)
def test_waiting_that_means_nothing(options: dict[str, t.Any], words: str) -> None:
    with pytest.raises(BadOption) as caught:
        Waiting.read(options.get)
    assert words in str(caught.value)
    assert caught.value.failure["cure"]


def test_waiting() -> None:
    assert Waiting.read(lambda _name: None) == Waiting()
    waiting = Waiting.read({"steady": 2, "wait": "10m", "poll_interval": "30"}.get)
    assert waiting == Waiting(600.0, 30.0, 2)
    assert waiting.to_result() == {"wait": 600.0, "poll_interval": 30.0, "steady": 2}
    assert Waiting.read({"steady": 2, "wait": "10"}.get).wait == 10
    assert Waiting.read({"poll_interval": "1"}.get).poll_interval == 1


# --- which services are watched --------------------------------------------------------------------------------------

THREE = facts(service("A.GPServer"), service("B.GPServer"), service("C.GPServer"))


@pytest.mark.parametrize(
    ("verdict", "watched"),
    [
        (BUSY, ("A.GPServer",)),
        (said("executing"), ("A.GPServer",)),
        (said("queued"), ("A.GPServer",)),
        (said("stopped"), ("A.GPServer",)),
        (said("silent"), ("A.GPServer",)),
        (both(said("active", service="B.GPServer"), both(BUSY, said("queued"))), ("A.GPServer", "B.GPServer")),
        (both(BUSY, ERROR), ()),
        (both(BUSY, said("total_active", service=None)), ()),
        (both(BUSY, said("gone")), ()),
        (both(BUSY, DARK), ()),
        (said("error", INCONCLUSIVE), ()),
        (said("incomplete", INCONCLUSIVE), ()),
        (both(BUSY, both(said("active", service="B.GPServer"), said("active", service="C.GPServer"))), ()),
    ],
)
def test_only_what_blocks_is_watched(verdict: Verdict, watched: tuple[str, ...]) -> None:
    assert to_watch(verdict, THREE) == watched


def test_what_is_watched_may_be_watched_further() -> None:
    assert to_watch(BUSY, facts(service("A.GPServer")), is_part=True) == ("A.GPServer",)
    assert to_watch(BUSY, facts(service("A.GPServer"))) == ()
    assert to_watch(both(BUSY, ERROR), facts(service("A.GPServer")), is_part=True) == ()


# --- changes -------------------------------------------------------------------------------------------------------


def active(*ids: str, name: str = "A.GPServer", **more: t.Any) -> SiteFacts:
    jobs = [{**running(service=name)[0], "job_id": job_id} for job_id in ids]
    return facts(service(name), jobs=[*jobs, *failed(service=name)], **more)


def test_who_came_and_who_went() -> None:
    changes = Changes()
    changes.note(active("1", "2"))
    assert (changes.arrived, changes.ended, changes.lately) == (0, 0, (0, 0))
    changes.note(active("2", "3", "4"))
    assert (changes.arrived, changes.ended, changes.lately) == (2, 1, (2, 1))
    changes.note(active("3"))
    assert (changes.arrived, changes.ended, changes.lately) == (2, 3, (0, 2))
    changes.note(facts(service("A.GPServer")))
    assert (changes.arrived, changes.ended, changes.lately) == (2, 4, (0, 1))
    changes.note(active("3"))
    assert (changes.arrived, changes.ended, changes.lately) == (2, 4, (1, 0)), "it was there before"
    assert str(changes) == "4 jobs ended and 2 jobs arrived meanwhile"


@pytest.mark.parametrize(
    "dark",
    [
        facts(service("A.GPServer", complete=False)),
        facts(unseen=[{"name": "A.GPServer", "why": "403"}]),
    ],
)
def test_what_was_not_seen_has_not_ended(dark: SiteFacts) -> None:
    changes = Changes()
    changes.note(active("1", "2"))
    changes.note(dark)
    assert (changes.arrived, changes.ended, changes.lately) == (0, 0, (0, 0))
    changes.note(active("2"))
    assert (changes.arrived, changes.ended, changes.lately) == (0, 1, (0, 1))


def test_what_was_not_watched_has_not_ended() -> None:
    changes = Changes()
    changes.note(active("1"))
    changes.note(active("9", name="B.GPServer"), ["B.GPServer"])
    assert (changes.arrived, changes.ended) == (1, 0)
    changes.note(facts(service("A.GPServer")), ["A.GPServer"])
    assert (changes.arrived, changes.ended) == (1, 1)
    changes.note(facts(service("A.GPServer")))
    assert (changes.arrived, changes.ended) == (1, 2), "a service that is gone has no jobs"
