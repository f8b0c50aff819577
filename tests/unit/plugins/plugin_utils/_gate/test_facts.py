# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The door of the gate: facts are read once, and what is odd about them is refused or not known."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.gisops.arcgis.plugins.module_utils import _opaque
from ansible_collections.gisops.arcgis.plugins.plugin_utils._gate.facts import (
    Durations,
    Job,
    Message,
    State,
    Succeeded,
    UnreadableFacts,
    read,
    unpack,
)

from .given import NOW, STARTED, Given, facts, job, running, service, site

ODD: list[t.Any] = [None, "0", "", -1, True, False, 0.0, 1.5, [], {}, "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER", "********"]


def one_job(**more: t.Any) -> Job:
    (found,) = facts(service(), jobs=[job(**more)]).services[0].jobs
    return found


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_what_is_no_whole_number_is_not_known(odd: t.Any) -> None:
    (found,) = facts(service(active=odd, queued=odd, failed=odd, timed_out=1)).services
    assert (found.active, found.queued, found.failed) == (None, None, None)
    (found,) = facts(service(failed=1, timed_out=odd, succeeded_since={"found": odd, "exact": True})).services
    assert (found.failed, found.succeeded.found) == (None, None)


def test_counts_durations_and_state() -> None:
    (found,) = facts(
        service(
            active=3,
            queued=1,
            failed=2,
            timed_out=3,
            state=STARTED,
            answers=True,
            at_least=True,
            warnings=["w"],
            durations={"jobs": 5, "median": 1, "p95": 2},
            succeeded_since={"found": 7, "exact": True},
        )
    ).services
    assert (found.active, found.queued, found.failed, found.is_lower_bound) == (3, 1, 5, True)
    assert (found.state, found.answers, found.warnings) == (State("STARTED", "STARTED"), True, ("w",))
    assert (found.durations, found.succeeded) == (Durations(5, 1.0, 2.0), Succeeded(7, is_exact=True))
    assert (found.is_complete, found.has_error) == (True, False)
    (found,) = facts(service(complete="True", error={}, answers="yes", at_least="False")).services
    assert (found.is_complete, found.has_error, found.answers, found.is_lower_bound) == (False, True, None, True)
    assert (found.state, found.durations, found.succeeded) == (State(None, None), None, Succeeded(None, is_exact=False))


@pytest.mark.parametrize("odd", [False, None, "True", 1, "********"])
def test_only_true_is_complete(odd: t.Any) -> None:
    assert facts(service(), complete=odd).is_complete is False
    assert facts(service(complete=odd)).services[0].is_complete is False


def test_times_are_numbers() -> None:
    found = one_job()
    assert (found.submitted, found.started, found.ended) == (NOW - 1200, NOW - 1140, NOW - 720)
    assert found.messages[1] == Message("informative", "Bye.")
    assert facts().as_of == NOW


@pytest.mark.parametrize("end", ["1970-01-01T00:00:01Z", "1970-01-01T00:01:00Z", "2026-11-24T08:40:59Z", "********"])
def test_an_end_before_the_jobs_own_beginning_is_no_time(end: str) -> None:
    assert one_job(end_time=end).ended is None
    assert one_job(end_time=end).age(NOW) is None


def test_an_end_is_compared_with_what_is_known_of_the_beginning() -> None:
    assert one_job(end_time="2026-11-24T08:40:30Z", start_time=None).ended == NOW - 1170
    assert one_job(end_time="2026-11-24T08:39:59Z", start_time=None).ended is None
    assert one_job(end_time="2026-11-24T08:41:00Z").ended == NOW - 1140
    assert one_job(submitted_time=None, start_time=None).ended == NOW - 720


@pytest.mark.parametrize(
    ("given", "age"),
    [
        (job(end_time="2026-11-24T08:59:00Z"), 60.0),
        (job(end_time=None), None),
        (running()[0], 1800.0),
        ({**running()[0], "start_time": None}, 1860.0),
        ({**running()[0], "end_time": "2026-11-24T08:59:00Z"}, 1800.0),
        ({**running()[0], "start_time": "2026-11-24T09:04:59Z"}, 0.0),
        ({**running()[0], "start_time": "2026-11-24T09:05:00Z"}, 0.0),
        ({**running()[0], "start_time": "2026-11-24T09:05:01Z"}, None),
        ({**running()[0], "start_time": "********", "submitted_time": None}, None),
    ],
)
def test_the_age_of_a_job(given: Given, age: float | None) -> None:
    (found,) = facts(service(), jobs=[given]).services[0].jobs
    assert found.age(NOW) == age


@pytest.mark.parametrize(
    ("told", "user"),
    [
        ({"user_name": "x"}, "x"),
        ({"user_name": None, "anonymous": True}, "anonymous"),
        ({"user_name": None, "anonymous": False}, None),
        ({"user_name": None, "anonymous": "True"}, None),
    ],
)
def test_nobody_is_anonymous_only_if_the_site_says_so(told: Given, user: str | None) -> None:
    assert one_job(**told).user == user


@pytest.mark.parametrize(("difference", "earlier", "later"), [(0, 0, 0), (None, 0, 0), (600, -600, 0), (-600, 0, 600)])
def test_the_two_clocks(difference: int | None, earlier: int, later: int) -> None:
    found = facts(clock_difference=difference)
    assert (found.earlier - NOW, found.later - NOW) == (earlier, later)


BAD: list[Given] = [
    {"as_of": None},
    {"as_of": "********-11-24T09:00:00Z"},
    {"as_of": 1_795_510_800},
    {"services": None},
    {"services": [{}]},
    {"services": ["A"]},
    {"jobs": [{"service": "Other.GPServer"}]},
    {"unseen": {"A": "B"}},
    {"unseen": [{"name": "A"}]},
    {"missing": "A"},
    {"stopped": [1]},
    {"retention": "6h"},
    {"retention": True},
    {"clock_difference": "0"},
    {"site": None},
    {"account": 5},
]


@pytest.mark.parametrize("odd", BAD, ids=str)
def test_facts_in_another_form_are_refused(odd: Given) -> None:
    with pytest.raises(UnreadableFacts, match="cannot be read"):
        read({**site(), **odd})


@pytest.mark.parametrize("key", site())
def test_facts_that_lack_something_are_refused(key: str) -> None:
    given = {name: value for name, value in site(service()).items() if name != key}
    if key == "discovery":
        assert read(given)
        return
    with pytest.raises(UnreadableFacts):
        read(given)


@pytest.mark.parametrize(
    "odd",
    [
        {"status": "esriJobFailed"},
        {"status": None},
        {"job_id": 5},
        {"user_name": 5},
        {"messages": "Bye."},
        {"messages": [{"type": "error"}]},
    ],
    ids=str,
)
def test_jobs_in_another_form_are_refused(odd: Given) -> None:
    with pytest.raises(UnreadableFacts):
        one_job(**odd)


@pytest.mark.parametrize("given", [None, [], "facts", 0])
def test_what_is_no_facts_at_all_is_refused(given: t.Any) -> None:
    with pytest.raises(UnreadableFacts):
        read(given)


def test_facts_come_in_an_opaque_text() -> None:
    assert unpack(_opaque.pack({"facts": site(service())})) == facts(service())


@pytest.mark.parametrize("text", [None, "", "new", "\ue000", _opaque.pack([]), _opaque.pack({"jobs": []})])
def test_a_text_without_facts_is_refused(text: t.Any) -> None:
    with pytest.raises(UnreadableFacts):
        unpack(text)


def test_a_result_shows_the_first_of_many_jobs() -> None:
    few = site(service(), jobs=running(3))
    assert read(few).to_result() == few
    jobs = [{**running()[0], "job_id": f"j{number}"} for number in range(101)]
    shown = facts(service(), jobs=jobs).to_result()
    assert ([one["job_id"] for one in shown["jobs"]], shown["truncated"]) == ([f"j{n}" for n in range(100)], True)
    assert "truncated" not in facts(service(), jobs=jobs[:100]).to_result()
    assert read({**few, "jobs": None}).to_result()["jobs"] is None


def test_all_that_is_mentioned_has_a_name() -> None:
    found = facts(service(), unseen=[{"name": "S/*", "why": "403."}], missing=["M"], synchronous=["Y"], stopped=["T"])
    assert found.names == {"A/B.GPServer", "S/*", "M", "Y", "T"}
