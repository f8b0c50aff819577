# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate: facts and a policy in, a verdict out. Nothing odd, nothing missing and nothing unseen ever passes."""

from __future__ import annotations

import copy
import json
import re
import typing as t
from dataclasses import replace

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.gisops.arcgis.plugins.module_utils import _statuses as _status
from ansible_collections.gisops.arcgis.plugins.plugin_utils._gate import judge as _gate
from ansible_collections.gisops.arcgis.plugins.plugin_utils._gate.mark import Mark
from ansible_collections.gisops.arcgis.plugins.plugin_utils._gate.policy import Limits, Policy

NOW = 1_795_510_800.0  # 2026-11-24T09:00:00Z
Facts = dict[str, t.Any]


def policy(**options: t.Any) -> Policy:
    """A policy of these options, as a task gives them."""
    return Policy.read(options.get)


STRICT = policy()
UNLIMITED = policy(max_active="unlimited", max_failed="unlimited")


OWN = ("complete", "warnings", "window_known", "state", "answers", "durations", "succeeded_since", "at_least")


def counts(**numbers: t.Any) -> dict[str, t.Any]:
    base: dict[str, t.Any] = dict.fromkeys(_status.STATUSES, 0)
    return {**base, "active": 0, "queued": 0, **numbers}


def service(name: str = "A/B.GPServer", **more: t.Any) -> Facts:
    own: Facts = {key: more.pop(key) for key in OWN if key in more}
    own["succeeded"] = own.pop("succeeded_since", None)
    base: Facts = {"service": name, "complete": True, "warnings": [], "window_known": None, "at_least": False}
    return {**base, "state": None, "answers": None, "durations": None, "counts": counts(**more), **own}


def facts(*services: Facts, **more: t.Any) -> Facts:
    return {
        "api": "kubernetes",
        "site": "https://gis.example.com/arcgis",
        "account": "siteadmin",
        "as_of": "2026-11-24T09:00:00Z",
        "clock_doubt": 0,
        "complete": all(one["complete"] is True for one in services),
        "discovery": "complete",
        "unseen": [],
        "services": list(services),
        "jobs": [],
        **more,
    }


def job(**more: t.Any) -> Facts:
    return {
        "service": "A/B.GPServer",
        "job_id": "j0550",
        "status": "failed",
        "job_status": "esriJobFailed",
        "user_name": "user1",
        "machine_name": None,
        "submitted_time": "2026-11-24T08:40:00Z",
        "start_time": "2026-11-24T08:41:00Z",
        "end_time": "2026-11-24T08:48:00Z",
        "messages": [
            {"type": "error", "text": "ERROR 000732: Input\nFeatures"},
            {"type": "informative", "text": "Bye."},
        ],
        **more,
    }


STARTED = {"configured": "STARTED", "realtime": "STARTED"}
STOPPED = {"configured": "STOPPED", "realtime": "STOPPED"}
DOWN = {"configured": "STARTED", "realtime": "STOPPED"}


def running(number: int = 1, **more: t.Any) -> list[Facts]:
    """Executing jobs, the first one the longest."""
    return [
        job(
            job_id=f"j{one}",
            status="executing",
            end_time=None,
            messages=[],
            start_time=f"2026-11-24T08:{30 + one}:00Z",
            **more,
        )
        for one in range(number)
    ]


def failed(number: int = 1, **more: t.Any) -> list[Facts]:
    return [job(job_id=f"f{one}", end_time=f"2026-11-24T08:{48 - one}:00Z", **more) for one in range(number)]


# --- limits ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("numbers", "options", "verdict", "rules"),
    [
        ({}, {}, "passed", []),
        ({"succeeded": 5}, {}, "passed", []),
        ({"active": 1}, {}, "failed", ["active"]),
        ({"active": 2}, {"max_active": 2}, "passed", []),
        ({"active": 3}, {"max_active": 2}, "failed", ["active"]),
        ({"failed": 1}, {}, "failed", ["failed"]),
        ({"timed_out": 1}, {}, "failed", ["failed"]),
        ({"failed": 1, "timed_out": 1}, {"max_failed": 1}, "failed", ["failed"]),
        ({"failed": 1, "timed_out": None}, {"max_failed": 1}, "passed", []),
        ({"active": 1, "failed": 1}, {}, "failed", ["failed", "active"]),
        ({"active": 1, "failed": None}, {}, "failed", ["active", "failed"]),
        ({"active": None, "failed": 1}, {}, "failed", ["failed", "active"]),
        ({"active": None}, {}, "inconclusive", ["active"]),
        ({"failed": None}, {}, "inconclusive", ["failed"]),
        ({"active": 9, "failed": 9}, {"max_active": "unlimited", "max_failed": "unlimited"}, "passed", []),
        ({"window_known": False}, {}, "inconclusive", ["window"]),
        ({"window_known": False, "failed": 1}, {}, "failed", ["failed", "window"]),
        ({"window_known": True}, {}, "passed", []),
        ({"window_known": False}, {"max_failed": "unlimited"}, "passed", []),
        ({"complete": False}, {}, "inconclusive", ["incomplete"]),
        ({"complete": False}, {"max_active": "unlimited", "max_failed": "unlimited"}, "inconclusive", ["incomplete"]),
        ({"complete": False, "active": 5}, {}, "inconclusive", ["incomplete"]),
        ({"active": 3}, {"max_active": 5, "total_max_active": 2}, "failed", ["total_active"]),
        ({"active": 3}, {"max_active": "unlimited", "total_max_active": 3}, "passed", []),
        (
            {"active": None},
            {"max_active": "unlimited", "total_max_active": 3},
            "inconclusive",
            ["total_active", "active"],
        ),
        ({"state": DOWN}, {}, "failed", ["stopped"]),
        ({"state": DOWN, "active": 1}, {}, "failed", ["active", "stopped"]),
        ({"state": DOWN, "complete": False}, {}, "failed", ["stopped", "incomplete"]),
        ({"state": STOPPED, "failed": 3}, {}, "passed", []),
        ({"state": STOPPED, "active": 1}, {}, "failed", ["active"]),
        ({"state": STOPPED, "active": None}, {}, "inconclusive", ["active"]),
        ({"state": {"configured": "STOPPED", "realtime": "STARTED"}, "failed": 1}, {}, "failed", ["failed"]),
        ({"state": {"configured": "STARTED", "realtime": "STARTING"}}, {}, "failed", ["stopped"]),
        ({"state": None}, {"must_answer": True}, "inconclusive", ["stopped"]),
        ({"state": STARTED, "answers": False}, {"must_answer": True}, "failed", ["silent"]),
        ({"state": STARTED, "answers": None}, {"must_answer": True}, "inconclusive", ["silent"]),
        ({"state": STARTED, "answers": True}, {"must_answer": True}, "passed", []),
        ({"state": STARTED, "answers": False}, {}, "passed", []),
    ],
)
def test_verdicts(numbers: Facts, options: Facts, verdict: str, rules: list[str]) -> None:
    said = _gate.judge(facts(service(**numbers)), policy(**options))
    assert said.verdict == verdict
    assert said.passed is (verdict == "passed")
    assert [reason.rule for reason in said.reasons] == rules
    for reason in said.reasons:
        assert reason.text.startswith(("A/B.GPServer", "All services", "The number of active jobs of all"))


@pytest.mark.parametrize(
    ("statuses", "options", "rules"),
    [
        (["executing"], {"max_executing": 0}, ["executing"]),
        (["cancelling", "deleting", "unknown"], {"max_executing": 2}, ["executing"]),
        (["new", "submitted", "waiting"], {"max_executing": 0}, []),
        (["new", "submitted", "waiting"], {"max_queued": 2}, ["queued"]),
        (["executing", "executing"], {"max_queued": 0}, []),
        (["executing", "waiting"], {"max_queued": 0, "max_executing": 0}, ["executing", "queued"]),
        (["executing", "waiting"], {"max_queued": 1, "max_executing": 1, "max_active": 1}, ["active"]),
    ],
)
def test_executing_and_queued_jobs_have_limits_of_their_own(
    statuses: list[str], options: Facts, rules: list[str]
) -> None:
    jobs = [job(job_id=f"j{one}", status=status, end_time=None) for one, status in enumerate(statuses)]
    said = _gate.judge(facts(service(active=len(jobs)), jobs=jobs), policy(**options))
    assert [reason.rule for reason in said.reasons] == rules


def test_a_job_that_is_counted_and_not_listed_counts_against_every_limit() -> None:
    said = _gate.judge(facts(service(active=2)), policy(max_executing=1, max_queued=1, max_age="1h"))
    assert [reason.rule for reason in said.reasons] == ["executing", "queued", "age"]
    assert said.verdict == "failed"


@pytest.mark.parametrize(
    ("bad", "succeeded", "options", "verdict"),
    [
        (1, {"found": 99, "exact": True}, {"max_failed_percent": 1}, "passed"),
        (2, {"found": 98, "exact": True}, {"max_failed_percent": 1}, "failed"),
        (1, {"found": 0, "exact": True}, {"max_failed_percent": 0}, "passed"),  # one job says nothing
        (2, {"found": 0, "exact": True}, {"max_failed_percent": 0}, "passed"),
        (3, {"found": 0, "exact": True}, {"max_failed_percent": 0}, "failed"),
        (3, {"found": 1, "exact": True}, {"max_failed_percent": 0}, "passed"),
        (3, {"found": 0, "exact": True}, {"max_failed_percent": 100}, "passed"),
        (9, {"found": 1, "exact": True}, {"max_failed_percent": 50}, "failed"),
        (9, {"found": 1, "exact": True}, {"max_failed_percent": 50, "min_finished": 11}, "passed"),
        (5, {"found": 1, "exact": False}, {"max_failed_percent": 50}, "inconclusive"),
        (1, {"found": 8, "exact": False}, {"max_failed_percent": 50}, "passed"),
        (1, None, {"max_failed_percent": 50}, "inconclusive"),
        (1, {"found": None}, {"max_failed_percent": 50}, "inconclusive"),
        (0, None, {"max_failed_percent": 0}, "passed"),
        (1, {"found": 99, "exact": True}, {"max_failed_percent": 5, "max_failed": 0}, "failed"),
    ],
)
def test_shares(bad: int, succeeded: Facts | None, options: Facts, verdict: str) -> None:
    said = _gate.judge(facts(service(failed=bad, succeeded_since=succeeded), jobs=failed(bad)), policy(**options))
    assert said.verdict == verdict, said.message("x")


@pytest.mark.parametrize(("bad", "good"), [(5, 33), (1, 10), (3, 0), (200, 1)])
def test_the_share_that_a_reason_offers_is_enough(bad: int, good: int) -> None:
    one = facts(service(failed=bad, succeeded_since={"found": good, "exact": True}), jobs=failed(bad))
    reason = _gate.judge(one, policy(max_failed_percent=1)).reasons[0].text
    offered = int(re.findall(r"max_failed_percent: (\d+)", reason)[0])
    assert _gate.judge(one, policy(max_failed_percent=offered)).passed


def test_no_number_is_offered_where_there_may_be_more() -> None:
    for at_least in (True, False):
        text = _gate.judge(facts(service(failed=2, at_least=at_least), jobs=failed(2)), policy()).reasons[0].text
        assert ("max_failed: 2" in text) is not at_least


@pytest.mark.parametrize(("window", "known", "notices"), [("5h", None, 0), ("7d", None, 1), ("7d", True, 0)])
def test_a_memory_that_nobody_tells_of_is_a_notice(window: str, known: bool | None, notices: int) -> None:
    services = [service(f"A/S{number}.GPServer", window_known=known) for number in range(9)]
    said = _gate.judge(facts(*services), policy(window=window))
    told = [text for text in said.notices if "Nothing tells whether the site remembers" in text]
    assert (said.verdict, len(told)) == ("passed", notices)
    assert all("and 6 more services" in text for text in told)


@pytest.mark.parametrize(
    ("options", "jobs", "verdict", "rules"),
    [
        ({"max_age": "1h", "max_active": 9}, running(2), "passed", []),
        ({"max_age": "29m", "max_active": 9}, running(2), "failed", ["age"]),
        ({"max_age": "unlimited", "max_active": 9}, running(2), "passed", []),
        ({"max_age": "29m"}, running(2), "failed", ["age", "active"]),
        ({"max_age": "1h", "max_active": 9}, running(2, submitted_time=None), "passed", []),
    ],
)
def test_ages(options: Facts, jobs: list[Facts], verdict: str, rules: list[str]) -> None:
    said = _gate.judge(facts(service(active=len(jobs)), jobs=jobs), policy(**options))
    assert (said.verdict, [reason.rule for reason in said.reasons]) == (verdict, rules)


def test_an_age_that_nobody_tells_may_be_any() -> None:
    jobs = [job(status="executing", end_time=None, start_time=None, submitted_time=None)]
    said = _gate.judge(facts(service(active=1), jobs=jobs), policy(max_age="1h", max_active=9))
    assert (said.verdict, said.reasons[0].rule) == ("inconclusive", "age")


# --- exemptions and overrides --------------------------------------------------------------------------------------

EXEMPT: list[tuple[Facts, str]] = [
    ({"service": "A/B"}, "passed"),
    ({"service": "A/*"}, "passed"),
    ({"service": "*"}, "passed"),
    ({"service": "A/C", "missing": "ignore"}, "failed"),
    ({"job": "j0"}, "passed"),
    ({"job": "j1"}, "failed"),
    ({"user": "USER1"}, "passed"),
    ({"user": "user2"}, "failed"),
    ({"user": "anonymous"}, "failed"),
    ({"status": "executing"}, "passed"),
    ({"status": ["esriJobExecuting", "failed"]}, "passed"),
    ({"status": "queued"}, "failed"),
    ({"older_than": "29m"}, "passed"),
    ({"older_than": "31m"}, "failed"),
    ({"service": "A/*", "user": "user1", "older_than": "1m"}, "passed"),
    ({"service": "C/*", "user": "user1"}, "failed"),
    ({"job": "j0", "until": "2026-11-24T09:00:01Z"}, "passed"),
    ({"job": "j0", "until": "2026-11-24T09:00:00Z"}, "failed"),
    ({"service": "A/B", "until": "2026-11-24"}, "failed"),
]


@pytest.mark.parametrize(("entry", "verdict"), EXEMPT, ids=[json.dumps(entry) for entry, _verdict in EXEMPT])
def test_exemptions(entry: Facts, verdict: str) -> None:
    said = _gate.judge(facts(service(active=1), jobs=running()), policy(exempt=[{**entry, "reason": "Known."}]))
    assert said.verdict == verdict
    assert bool(said.notices) is (verdict == "passed" or "until" in entry)
    assert all("Known." in notice for notice in said.notices)


def test_a_job_of_nobody_is_exempted_as_anonymous() -> None:
    exempt = policy(exempt=[{"user": "anonymous", "reason": "x"}])
    jobs = running(2, user_name=None, anonymous=True)
    said = _gate.judge(facts(service(active=2), jobs=jobs), exempt)
    assert said.passed
    assert said.notices == ["A/B.GPServer: 2 jobs exempted by exempt[1] (x)."]
    for told in ({}, {"anonymous": False}, {"anonymous": None}, {"anonymous": "True"}):
        jobs = [{**running(1, user_name=None)[0], "anonymous": None, **told}]
        assert not _gate.judge(facts(service(active=1), jobs=jobs), exempt).passed, "of whom nobody tells"


def test_what_is_counted_and_not_listed_is_not_exempted() -> None:
    said = _gate.judge(facts(service(active=2), jobs=running()), policy(exempt=[{"status": "active", "reason": "x"}]))
    assert (said.verdict, said.reasons[0].found) == ("failed", 1)


def test_a_job_whose_age_nobody_tells_is_not_exempted_by_its_age() -> None:
    jobs = [{**running()[0], "start_time": None, "submitted_time": None}]
    said = _gate.judge(facts(service(active=1), jobs=jobs), policy(exempt=[{"older_than": "1m", "reason": "x"}]))
    assert said.verdict == "failed"


def test_exempted_failures_do_not_count() -> None:
    asked = facts(service(failed=3), jobs=failed(3))
    assert _gate.judge(asked, policy(exempt=[{"user": "user1", "reason": "x"}])).passed
    said = _gate.judge(asked, policy(exempt=[{"job": "f1", "reason": "x"}]))
    assert (said.reasons[0].found, [one["job_id"] for one in said.reasons[0].jobs]) == (2, ["f0", "f2"])


@pytest.mark.parametrize(
    ("name", "pattern", "verdict"),
    [
        ("S/X.GPServer", "S/X", "passed"),
        ("S/X.GPServer", "S/*", "passed"),
        ("Secret/*", "Secret/*", "passed"),
        ("Secret/*", "*", "passed"),
        ("Secret/*", "Secret", "inconclusive"),
        ("Secret/*", "Secret/One", "inconclusive"),
        ("S/X.GPServer", "S/Y", "inconclusive"),
    ],
)
def test_what_cannot_be_seen_can_be_exempted(name: str, pattern: str, verdict: str) -> None:
    asked = facts(service(), unseen=[{"name": name, "why": "403."}], complete=False)
    said = _gate.judge(asked, policy(exempt=[{"service": pattern, "reason": "x"}]))
    assert said.verdict == verdict
    assert _gate.judge(asked, policy(exempt=[{"service": pattern, "user": "a", "reason": "x"}])).passed is False


def test_the_first_override_that_means_a_service_counts() -> None:
    overrides = [
        {"service": "A/*", "max_active": 2},
        {"service": "*", "max_active": "unlimited", "max_failed": 1},
    ]
    gate = policy(overrides=overrides)
    assert [gate.limits_of(name).max_active for name in ("A/B.GPServer", "C.GPServer")] == [2, None]
    assert [gate.limits_of(name).max_failed for name in ("A/B.GPServer", "C.GPServer")] == [0, 1]
    assert _gate.judge(facts(service(active=3)), gate).verdict == "failed"
    assert _gate.judge(facts(service("C.GPServer", active=3, failed=1)), gate).passed


# --- marks ---------------------------------------------------------------------------------------------------------


def since(**more: t.Any) -> Policy:
    return replace(policy(), since=Mark(NOW - 1800, **more), window=None)


def test_failures_that_were_there_at_the_mark_are_not_new() -> None:
    asked = facts(service(failed=2), jobs=failed(2))
    assert _gate.judge(asked, since(failed={"A/B.GPServer": ("f0", "f1")})).passed
    said = _gate.judge(asked, since(failed={"A/B.GPServer": ("f1",), "C.GPServer": ("f0",)}))
    assert (said.reasons[0].found, said.reasons[0].jobs[0]["job_id"]) == (1, "f0")
    assert "1 failed job since 08:30 UTC" in said.reasons[0].text
    assert "leaves" not in said.reasons[0].text


@pytest.mark.parametrize(
    ("state", "before", "rules"),
    [
        (STARTED, {"A/B.GPServer": "STARTED"}, []),
        (STOPPED, {"A/B.GPServer": "STARTED"}, ["stopped"]),
        (DOWN, {"A/B.GPServer": "STARTED"}, ["stopped"]),
        (DOWN, {"A/B.GPServer": "STOPPED"}, []),  # it was so before
        (STOPPED, {"A/B.GPServer": "STOPPED"}, []),
        (STOPPED, {}, []),
        (DOWN, {}, ["stopped"]),  # new, and does not start
        (STARTED, {"A/B.GPServer": "STARTED", "C.GPServer": "STARTED"}, ["gone"]),
        (STARTED, {"A/B.GPServer": "STARTED", "C.GPServer": "STOPPED"}, []),
        (STARTED, {"Hidden/C.GPServer": "STARTED"}, ["unseen"]),
    ],
)
def test_services_that_were_started_at_the_mark(state: Facts, before: dict[str, str], rules: list[str]) -> None:
    unseen = [{"name": "Hidden/*", "why": "403."}] if "Hidden/C.GPServer" in before else []
    said = _gate.judge(facts(service(state=state), unseen=unseen), since(states=before))
    assert [reason.rule for reason in said.reasons] == rules


def test_a_service_outside_of_what_is_judged_is_not_missed() -> None:
    gate = replace(since(states={"C.GPServer": "STARTED"}), services=policy(services=["A/*"]).services)
    assert _gate.judge(facts(service(state=STARTED)), gate).passed


def test_a_stopped_service_whose_jobs_nobody_tells() -> None:
    asked = facts(service(), stopped=["C.GPServer"], synchronous=["D.GPServer"])
    said = _gate.judge(asked, STRICT)
    assert said.passed
    assert said.notices == [
        "D.GPServer runs synchronously, has no jobs, and does not count.",
        "C.GPServer is stopped, and does not count.",
    ]
    assert [one.rule for one in _gate.judge(asked, since(states={"C.GPServer": "STARTED"})).reasons] == ["stopped"]


# --- what is odd ---------------------------------------------------------------------------------------------------

ODD: list[t.Any] = [None, "0", "", -1, True, False, 0.0, 1.5, [], {}, "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER", "********"]


@pytest.mark.parametrize("odd", ODD, ids=repr)
@pytest.mark.parametrize("count", ["active", "failed", "timed_out"])
def test_what_is_not_a_whole_number_never_passes(count: str, odd: t.Any) -> None:
    """Core cuts secrets out of results: a number may become a text on its way."""
    if count == "timed_out" and odd is None:
        return  # no filter has a word for it: unseen_statuses says so
    said = _gate.judge(facts(service(**{count: odd})), STRICT)
    assert said.verdict == "inconclusive"


@pytest.mark.parametrize("key", ["active", "failed"])
def test_a_count_that_is_left_out_never_passes(key: str) -> None:
    one = service()
    del one["counts"][key]
    assert not _gate.judge(facts(one), STRICT).passed


@pytest.mark.parametrize("odd", [False, None, "True", 1, "********"])
def test_only_true_is_complete(odd: t.Any) -> None:
    assert _gate.judge(facts(service(), complete=odd), STRICT).verdict == "inconclusive"
    assert _gate.judge(facts(service(complete=odd), complete=True), STRICT).verdict == "inconclusive"
    assert _gate.judge(facts(service(), complete=odd), UNLIMITED).verdict == "inconclusive"


@pytest.mark.parametrize("odd", ["False", "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER", 0])
def test_an_odd_answer_about_the_window_never_passes(odd: t.Any) -> None:
    assert not _gate.judge(facts(service(window_known=odd)), STRICT).passed


@pytest.mark.parametrize("as_of", [None, "********-11-24T09:00:00Z", ""])
def test_facts_without_a_time_are_inconclusive(as_of: str | None) -> None:
    assert _gate.judge(facts(service(), as_of=as_of), STRICT).verdict == "inconclusive"


@pytest.mark.parametrize("services", [[], None])
def test_no_service_at_all_is_nothing_to_judge_by(services: t.Any) -> None:
    said = _gate.judge(facts(complete=True, services=services), UNLIMITED)
    assert (said.verdict, said.reasons[0].rule) == ("inconclusive", "empty")


def test_nothing_to_judge_by_may_be_allowed() -> None:
    assert _gate.judge(facts(services=[]), policy(allow_empty=True)).passed
    assert not _gate.judge(facts(services=[], complete=False), policy(allow_empty=True)).passed


def test_what_cannot_be_seen_is_told_once_with_the_right_that_would_do() -> None:
    hidden = service("S/X.GPServer", complete=False, warnings=["S/X.GPServer: 403"])
    unseen = [{"name": "S/X.GPServer", "why": "Use an account with Y."}, {"name": "Secret/*", "why": "Z."}]
    said = _gate.judge(facts(hidden, service(), unseen=unseen), STRICT)
    assert said.verdict == "inconclusive"
    assert [reason.text for reason in said.reasons] == [
        "S/X.GPServer cannot be seen. Use an account with Y. If it need not be seen: "
        "exempt: [{service: 'S/X', reason: ...}]",
        "Secret/* cannot be seen. Z. If it need not be seen: exempt: [{service: 'Secret/*', reason: ...}]",
    ]


def test_failed_beats_inconclusive() -> None:
    said = _gate.judge(facts(service("A.GPServer", complete=False), service("B.GPServer", failed=1)), STRICT)
    assert said.verdict == "failed"
    assert [reason.verdict for reason in said.reasons] == ["failed", "inconclusive"]


def test_warnings_of_complete_services_are_notices() -> None:
    said = _gate.judge(facts(service(warnings=["Two jobs do not tell when they ended."])), STRICT)
    assert said.passed
    assert said.notices == ["Two jobs do not tell when they ended."]
    assert "  note: Two jobs" in said.message("x")


def test_a_site_that_could_not_be_asked_is_inconclusive() -> None:
    said = _gate.unmeasured("No connection (GET https://h).")
    assert (said.verdict, said.passed, said.reasons[0].rule) == ("inconclusive", False, "error")


# --- properties --------------------------------------------------------------------------------------------------

NUMBER = st.integers(0, 4)
LIMIT = st.none() | NUMBER
NAMES = ["A/B.GPServer", "C.GPServer", "D/E.GPServer"]
LIMITS = st.builds(
    Limits,
    max_active=LIMIT,
    max_executing=LIMIT,
    max_queued=LIMIT,
    max_failed=LIMIT,
    max_failed_percent=st.none() | st.sampled_from([0.0, 20.0, 50.0]),
    min_finished=st.integers(1, 6),
    max_age=st.none() | st.sampled_from([600.0, 7200.0]),
)
EXEMPTIONS = st.lists(
    st.sampled_from(
        [
            {"service": "A/*", "reason": "x"},
            {"user": "user1", "reason": "x"},
            {"job": "j0", "reason": "x"},
            {"status": "failed", "reason": "x"},
            {"service": "D/E", "older_than": "10m", "reason": "x"},
        ]
    ),
    max_size=2,
)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    read = policy(exempt=draw(EXEMPTIONS))
    return replace(read, limits=draw(LIMITS), total_max_active=draw(LIMIT))


@st.composite
def services_with_jobs(draw: st.DrawFn) -> tuple[list[Facts], list[Facts]]:
    """Services whose counts agree with their jobs, but for jobs that are counted and not listed."""
    services, jobs = [], []
    for name in draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=3)):
        users = st.sampled_from(["user1", None])
        busy = running(draw(NUMBER), service=name, user_name=draw(users))
        bad = failed(draw(NUMBER), service=name, user_name=draw(users))
        jobs += busy + bad
        services.append(
            service(
                name,
                active=draw(st.sampled_from([len(busy), len(busy) + 1, None])),
                failed=draw(st.sampled_from([len(bad), len(bad) + 1, None])),
                timed_out=draw(st.sampled_from([0, None])),
                complete=draw(st.booleans() | st.just(True)),
                window_known=draw(st.sampled_from([None, True, False])),
                state=draw(st.sampled_from([None, STARTED, STOPPED, DOWN])),
                succeeded_since=draw(
                    st.sampled_from([None, {"found": 3, "exact": True}, {"found": 3, "exact": False}])
                ),
            )
        )
    return services, jobs


UNSEEN = st.lists(st.just({"name": "Secret/*", "why": "403."}), max_size=1)
RANK = {"passed": 0, "inconclusive": 1, "failed": 2}


@given(services_with_jobs(), UNSEEN, policies(), st.data())
def test_more_active_or_failed_jobs_never_turn_a_failed_verdict(
    asked: tuple[list[Facts], list[Facts]], unseen: list[Facts], gate: Policy, data: st.DataObject
) -> None:
    services, jobs = asked
    before = _gate.judge(facts(*services, unseen=unseen, jobs=jobs), gate)
    worse, more = copy.deepcopy(services), list(jobs)
    for one in worse:
        for key, status in (("active", "executing"), ("failed", "failed"), ("timed_out", "timed_out")):
            extra = data.draw(NUMBER)
            if one["counts"][key] is not None:
                one["counts"][key] += extra
                made = {"service": one["service"], "status": status}
                listed = data.draw(st.integers(0, extra))
                more += [job(job_id=f"{key}{number}", end_time=None, **made) for number in range(listed)]
    after = _gate.judge(facts(*worse, unseen=unseen, jobs=more), gate)
    assert RANK[after.verdict] >= RANK[before.verdict]


@given(services_with_jobs(), UNSEEN, policies())
def test_incomplete_facts_never_pass(asked: tuple[list[Facts], list[Facts]], unseen: list[Facts], gate: Policy) -> None:
    services, jobs = asked
    said = _gate.judge(facts(*services, unseen=unseen, jobs=jobs), gate)
    dark = [one for one in services if not one["complete"] and gate.exempts(one["service"], NOW) is None]
    if dark or unseen or not services:
        assert not said.passed


@given(services_with_jobs(), policies())
def test_an_exemption_that_is_over_changes_nothing_but_a_notice(
    asked: tuple[list[Facts], list[Facts]], gate: Policy
) -> None:
    services, jobs = asked
    over = policy(exempt=[{"service": "*", "reason": "x", "until": "2026-11-24T08:59:59Z"}]).exempt
    without = _gate.judge(facts(*services, jobs=jobs), gate)
    with_it = _gate.judge(facts(*services, jobs=jobs), replace(gate, exempt=(*gate.exempt, *over)))
    assert [one.to_result() for one in with_it.reasons] == [one.to_result() for one in without.reasons]
    assert sorted(with_it.notices) == sorted(
        [*without.notices, "exempt[1] (x) ended at 08:59 UTC, and no longer counts."]
    )


@given(services_with_jobs(), UNSEEN, policies())
def test_looser_limits_never_make_it_worse(
    asked: tuple[list[Facts], list[Facts]], unseen: list[Facts], gate: Policy
) -> None:
    def more(limit: int | None) -> int | None:
        return None if limit is None else limit + 1

    one = gate.limits
    looser = replace(
        one,
        max_active=more(one.max_active),
        max_executing=more(one.max_executing),
        max_queued=more(one.max_queued),
        max_failed=more(one.max_failed),
        max_age=None,
    )
    services, jobs = asked
    asked_for = facts(*services, unseen=unseen, jobs=jobs)
    # A looser limit on active jobs may no longer ask for them: what is not known of them then decides nothing.
    before, after = _gate.judge(asked_for, gate), _gate.judge(asked_for, replace(gate, limits=looser))
    assert RANK[after.verdict] <= RANK[before.verdict]


@given(services_with_jobs())
def test_passed_means_that_everything_was_seen_and_is_within_its_limit(asked: tuple[list[Facts], list[Facts]]) -> None:
    """The two rules that everybody uses, said another way."""
    services, jobs = asked
    gate = policy(max_active=1, max_failed=2)
    good = bool(services)
    for one in services:
        number = one["counts"]
        if one["complete"] and one["state"] == STOPPED and number["active"] == 0:
            continue
        good = good and one["complete"] and one["state"] != DOWN and one["window_known"] is not False
        good = good and number["active"] is not None and number["active"] <= 1
        good = good and number["failed"] is not None and number["failed"] + (number["timed_out"] or 0) <= 2
    assert _gate.judge(facts(*services, jobs=jobs), gate).passed is good


@given(services_with_jobs(), UNSEEN, policies(), st.randoms(use_true_random=False))
def test_the_order_of_services_and_jobs_does_not_matter(
    asked: tuple[list[Facts], list[Facts]], unseen: list[Facts], gate: Policy, random: t.Any
) -> None:
    services, jobs = asked
    shuffled, mixed = list(services), list(jobs)
    random.shuffle(shuffled)
    random.shuffle(mixed)
    one = _gate.judge(facts(*services, unseen=unseen, jobs=jobs), gate)
    other = _gate.judge(facts(*shuffled, unseen=unseen, jobs=mixed), gate)
    assert [reason.to_result() for reason in one.reasons] == [reason.to_result() for reason in other.reasons]
    assert sorted(one.notices) == sorted(other.notices)


@given(services_with_jobs(), UNSEEN, policies())
def test_a_verdict_is_data_and_names_a_service_or_the_site_in_every_reason(
    asked: tuple[list[Facts], list[Facts]], unseen: list[Facts], gate: Policy
) -> None:
    services, jobs = asked
    said = _gate.judge(facts(*services, unseen=unseen, jobs=jobs), gate)
    assert json.loads(json.dumps(said.to_result())) == said.to_result()
    assert bool(said.reasons) is not said.passed
    for reason in said.reasons:
        assert reason.text
        assert reason.service is None or reason.service in reason.text


# --- words -------------------------------------------------------------------------------------------------------


def test_a_failed_reason_says_what_a_person_needs_to_act() -> None:
    link = "https://h/jobs/j0550"
    jobs = [job(url=link), job(service="Other.GPServer", job_id="j9")]
    said = _gate.judge(facts(service(failed=1), jobs=jobs), STRICT)
    assert said.reasons[0].text == (
        "A/B.GPServer: 1 failed job since 08:00 UTC, 0 allowed: j0550 (user1, ended 08:48 UTC, 12 min ago, "
        "'ERROR 000732: Input Features', https://h/jobs/j0550). The oldest leaves a window of 1 h at 09:49 UTC "
        "(in 49 min). Look into it, or: overrides: [{service: A/B, max_failed: 1}]"
    )
    assert said.reasons[0].to_result() == {
        "verdict": "failed",
        "rule": "failed",
        "service": "A/B.GPServer",
        "limit": 0,
        "found": 1,
        "jobs": [job(url=link)],
        "text": said.reasons[0].text,
    }


def test_lines_to_paste_are_options_that_the_gate_takes() -> None:
    """What a reason says to paste makes the same facts pass."""
    asked = facts(
        service(failed=2),
        service("C.GPServer", active=1),
        unseen=[{"name": "Secret/*", "why": "403."}],
        jobs=[*failed(2), *running(service="C.GPServer")],
    )
    given: Facts = {"exempt": [], "overrides": []}
    for reason in _gate.judge(asked, STRICT).reasons:
        line = reason.text[reason.text.index("exempt:" if "exempt:" in reason.text else "overrides:") :]
        for option, entries in yaml.safe_load(line.replace("...", "Known.")).items():
            given[option] += entries
    assert _gate.judge(asked, policy(**given)).passed


def test_an_active_reason_tells_the_oldest_first_and_how_many_more() -> None:
    jobs = [
        job(job_id=f"j{number}", status="executing", end_time=None, messages=[], user_name=None, anonymous=True,
            machine_name="M", start_time=None, submitted_time=f"2026-11-24T08:{50 - number}:00Z")
        for number in range(6)
    ]  # fmt: skip
    reason = _gate.judge(facts(service(active=7), jobs=jobs), STRICT).reasons[0]
    assert (
        "7 active jobs, 0 allowed: j5 (anonymous on M, submitted 08:45 UTC, 15 min ago, executing); j4" in reason.text
    )
    assert "; and 4 more. Wait until they end, or: exempt: [{job: j5, reason: ...}]" in reason.text
    assert [one["job_id"] for one in reason.jobs] == ["j5", "j4", "j3", "j2", "j1"]
    assert reason.jobs[0]["age"] == 900


@pytest.mark.parametrize(
    ("durations", "pace", "words"),
    [
        (None, None, "Wait until it ends"),
        ({"jobs": 20, "median": 600, "p95": 3600}, "usual", "Its jobs take 10 min, 19 of 20 at most 1 h. Wait until"),
        ({"jobs": 20, "median": 60, "p95": 600}, "slow", "executing, taking long)"),
        ({"jobs": 20, "median": 2, "p95": 5}, "stuck", "executing, looks stuck)"),
        ({"jobs": 20, "median": 0, "p95": 0}, "stuck", "What looks stuck may never end: "),
        ({"jobs": 4, "median": 2, "p95": 5}, None, "Wait until it ends"),
        ({"jobs": 20, "median": 60, "p95": 200}, "slow", "executing, taking long)"),
    ],
)
def test_taking_long_and_never_ending_read_differently(durations: Facts | None, pace: str | None, words: str) -> None:
    reason = _gate.judge(facts(service(active=1, durations=durations), jobs=running()), STRICT).reasons[0]
    assert reason.jobs[0]["pace"] == pace
    assert words in reason.text


@pytest.mark.parametrize(("api", "cure"), [("server", "/delete"), ("kubernetes", "exempt: [{job: j0, reason: ...}]")])
@pytest.mark.parametrize("options", [{"max_age": "1m", "max_active": 9}, {}])
def test_what_to_do_about_a_job_that_will_never_end(api: str, cure: str, options: Facts) -> None:
    one = service(active=1, durations={"jobs": 5, "median": 1, "p95": 2})
    assert cure in _gate.judge(facts(one, jobs=running(), api=api), policy(**options)).reasons[0].text


def test_a_job_of_a_service_that_is_down_is_not_waited_for() -> None:
    said = _gate.judge(facts(service(active=1, state=DOWN), jobs=running(), api="server"), STRICT)
    assert "The service is stopped: delete it in ArcGIS Server Manager" in said.reasons[0].text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"messages": None}, "12 min ago). "),
        ({"messages": [{"type": "informative", "text": "Bye."}]}, "'Bye.'"),
        ({"messages": [{"type": "error", "text": "x" * 200}]}, f"'{'x' * 120}…'"),
        ({"end_time": None}, "started 08:41 UTC"),
        ({"end_time": None, "start_time": None, "submitted_time": None}, "j0550 (user1, 'ERROR"),
        ({"end_time": "nonsense", "start_time": None, "submitted_time": None}, "j0550 (user1, 'ERROR"),
        ({"status": "timed_out"}, "timed_out"),
    ],
)
def test_what_a_job_does_not_tell_is_left_out(change: Facts, words: str) -> None:
    said = _gate.judge(facts(service(failed=1), jobs=[job(**change)]), STRICT)
    assert words in said.reasons[0].text


def test_counts_without_jobs_are_told_as_well() -> None:
    assert "0 allowed: 3 of them." in _gate.judge(facts(service(active=3), jobs=None), STRICT).reasons[0].text


def test_a_message_fits_a_screen() -> None:
    services = [service(f"S{number:02}.GPServer", failed=number + 1) for number in range(30)]
    said = _gate.judge(facts(*services), STRICT)
    lines = said.message("x").splitlines()
    assert lines[0] == "x: failed"
    assert "S29.GPServer: 30 failed jobs" in lines[1], "the worst comes first"
    assert lines[-1] == "- and 18 more"
    assert len(lines) == 14


def test_a_time_of_another_day_is_told_with_its_day() -> None:
    said = _gate.judge(facts(service(failed=1), jobs=[job(end_time="2026-11-23T23:48:00Z")]), policy(window="1d"))
    assert "since 2026-11-23 09:00 UTC" in said.reasons[0].text
    assert "ended 2026-11-23 23:48 UTC, 9 h 12 min ago" in said.reasons[0].text


def test_a_search_that_ended_early_is_told_as_such() -> None:
    said = _gate.judge(facts(service(failed=1, at_least=True), jobs=failed()), STRICT)
    assert "at least 1 failed job since" in said.reasons[0].text


def test_the_first_line() -> None:
    asked = facts(service(), service("C.GPServer", failed=2))
    assert _gate.asked(asked) == "https://gis.example.com/arcgis at 09:00 UTC (2 services as siteadmin)"
    assert _gate.asked(facts(service(), account=None)).endswith("(1 service)")


# --- what is asked for -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({}, {"job_status": ["active", "failed", "timed_out"], "enough": 1}),
        ({"max_failed": 5}, {"enough": 6}),
        ({"max_failed": 5, "overrides": [{"service": "*", "max_failed": 8}]}, {"enough": 9}),
        ({"max_failed": "unlimited"}, {"job_status": ["active"], "enough": None}),
        ({"max_active": "unlimited"}, {"job_status": ["failed", "timed_out"], "include": ["states"]}),
        ({"max_active": "unlimited", "max_failed": "unlimited"}, {"job_status": ["active"]}),
        ({"max_active": "unlimited", "total_max_active": 3, "max_failed": "unlimited"}, {"job_status": ["active"]}),
        ({"exempt": [{"user": "a", "reason": "x"}]}, {"enough": None}),
        ({"exempt": [{"service": "a", "reason": "x"}]}, {"enough": 1}),
        ({"max_failed_percent": 5}, {"enough": None, "include": ["states", "durations", "succeeded"]}),
        ({"must_answer": True}, {"include": ["states", "durations", "answers"]}),
        ({"since": {"at": NOW, "failed": {"A": ["1", "2"], "B": ["3"]}}}, {"enough": 3}),
    ],
    ids=str,
)
def test_the_facts_that_a_policy_needs(options: Facts, wanted: Facts) -> None:
    """Active jobs of any age, and failed ones by when they ended; never the site's own window, which may hide jobs."""
    said = _gate.wanted(policy(**options))
    assert {name: said.get(name) for name in wanted} == wanted
    assert said["detail"] == "full"
    assert not {"start_time", "end_time", "limit"} & said.keys()
