# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate: facts and a policy in, a verdict out. Nothing odd, nothing missing and nothing unseen ever passes."""

from __future__ import annotations

import copy
import json
import typing as t
from dataclasses import replace

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.gisops.arcgis.plugins.plugin_utils._gate.judge import judge, unmeasured
from ansible_collections.gisops.arcgis.plugins.plugin_utils._gate.mark import Mark
from ansible_collections.gisops.arcgis.plugins.plugin_utils._gate.outcome import Consequence
from ansible_collections.gisops.arcgis.plugins.plugin_utils._gate.policy import Limits, Policy
from ansible_collections.gisops.arcgis.plugins.plugin_utils._gate.verdict import Reason, Verdict
from ansible_collections.gisops.arcgis.plugins.plugin_utils._gate.wording import pasted

from .given import (
    DOWN,
    NAME,
    NOW,
    STARTED,
    STOPPED,
    UNLIMITED,
    Given,
    facts,
    failed,
    job,
    judged,
    policy,
    running,
    service,
)


def rules(verdict: Verdict) -> list[str]:
    return [reason.rule for reason in verdict.reasons]


def shown(verdict: Verdict) -> list[Given]:
    """The reasons as data."""
    return list(Consequence.read(lambda _name: None).to_result(verdict, NOW)["reasons"])


def only(verdict: Verdict) -> Reason:
    (reason,) = verdict.reasons
    return reason


# --- limits ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("numbers", "options", "verdict", "expected"),
    [
        ({}, {}, "passed", []),
        ({"succeeded": 5}, {}, "passed", []),
        ({"active": 1}, {}, "failed", ["active"]),
        ({"active": 2}, {"max_active": 2}, "passed", []),
        ({"active": 3}, {"max_active": 2}, "failed", ["active"]),
        ({"failed": 1}, {}, "failed", ["failed"]),
        ({"timed_out": 1}, {}, "failed", ["failed"]),
        ({"failed": 1, "timed_out": 1}, {"max_failed": 1}, "failed", ["failed"]),
        ({"failed": 1, "timed_out": 1}, {"max_failed": 2}, "passed", []),
        ({"failed": 1, "timed_out": None}, {"max_failed": 1}, "inconclusive", ["failed"]),
        ({"active": 1, "failed": 1}, {}, "failed", ["failed", "active"]),
        ({"active": 1, "failed": None}, {}, "failed", ["active", "failed"]),
        ({"active": None, "failed": 1}, {}, "failed", ["failed", "active"]),
        ({"active": None}, {}, "inconclusive", ["active"]),
        ({"queued": None}, {}, "inconclusive", ["active"]),
        ({"failed": None}, {}, "inconclusive", ["failed"]),
        ({"failed": None}, {"max_failed": "unlimited"}, "passed", []),
        ({"active": None}, {"max_active": "unlimited"}, "passed", []),
        ({"active": 9, "failed": 9}, {"max_active": "unlimited", "max_failed": "unlimited"}, "passed", []),
        ({"complete": False}, {}, "inconclusive", ["incomplete"]),
        ({"complete": False, "error": {"kind": "Busy"}}, {}, "inconclusive", ["error"]),
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
        ({"complete": False}, {"total_max_active": 3}, "inconclusive", ["total_active", "incomplete"]),
        ({"state": DOWN}, {}, "failed", ["stopped"]),
        ({"state": DOWN, "active": 1}, {}, "failed", ["active", "stopped"]),
        ({"state": DOWN, "complete": False}, {}, "failed", ["stopped", "incomplete"]),
        ({"state": STOPPED, "failed": 3}, {}, "passed", []),
        ({"state": STOPPED, "active": 1}, {}, "failed", ["active"]),
        ({"state": STOPPED, "active": None}, {}, "inconclusive", ["active"]),
        ({"state": STOPPED, "active": None}, {"max_active": "unlimited"}, "passed", []),
        ({"state": {"configured": "STOPPED", "realtime": "STARTED"}, "failed": 1}, {}, "failed", ["failed"]),
        ({"state": {"configured": "STARTED", "realtime": "STARTING"}}, {}, "failed", ["stopped"]),
        ({"state": {"configured": None, "realtime": "STOPPED"}}, {}, "failed", ["stopped"]),
        ({"state": {"configured": "STARTED", "realtime": None}}, {}, "passed", []),
        ({"state": None}, {"must_answer": True}, "inconclusive", ["stopped"]),
        ({"state": STARTED, "answers": False}, {"must_answer": True}, "failed", ["silent"]),
        ({"state": STARTED, "answers": None}, {"must_answer": True}, "inconclusive", ["silent"]),
        ({"state": STARTED, "answers": True}, {"must_answer": True}, "passed", []),
        ({"state": STARTED, "answers": False}, {}, "passed", []),
    ],
)
def test_verdicts(numbers: Given, options: Given, verdict: str, expected: list[str]) -> None:
    said = judged(service(**numbers), by=policy(**options))
    assert (said.verdict, said.passed, rules(said)) == (verdict, verdict == "passed", expected)
    for reason in said.reasons:
        assert reason.service == (None if reason.rule == "total_active" else NAME)


@pytest.mark.parametrize(
    ("statuses", "options", "expected"),
    [
        (["executing"], {"max_executing": 0}, ["executing"]),
        (["executing"], {"max_executing": 1}, []),
        (["cancelling", "deleting", "unknown"], {"max_executing": 2}, ["executing"]),
        (["new", "submitted", "waiting"], {"max_executing": 0}, []),
        (["new", "submitted", "waiting"], {"max_queued": 2}, ["queued"]),
        (["new", "submitted", "waiting"], {"max_queued": 3}, []),
        (["executing", "executing"], {"max_queued": 0}, []),
        (["executing", "waiting"], {"max_queued": 0, "max_executing": 0}, ["executing", "queued"]),
        (["executing", "waiting"], {"max_queued": 1, "max_executing": 1, "max_active": 1}, ["active"]),
    ],
)
@pytest.mark.parametrize("are_listed", [True, False])
def test_executing_and_queued_jobs_have_limits_of_their_own(
    statuses: list[str], options: Given, expected: list[str], are_listed: bool
) -> None:
    jobs = [job(job_id=f"j{one}", status=status, end_time=None) for one, status in enumerate(statuses)]
    queued = sum(status in ("new", "submitted", "waiting") for status in statuses)
    one = service(active=len(jobs), queued=queued)
    assert rules(judged(one, jobs=jobs if are_listed else [], by=policy(**options))) == expected


def test_what_is_listed_and_not_counted_counts_as_well() -> None:
    jobs = [*running(2), job(job_id="q", status="waiting", end_time=None)]
    said = judged(service(), jobs=jobs, by=policy(max_active=0, max_executing=1, max_queued=0))
    assert [(one.rule, one.found) for one in said.reasons] == [("active", 3), ("executing", 2), ("queued", 1)]
    assert only(judged(service(), jobs=failed(2))).found == 2


def test_a_job_that_is_counted_and_not_listed_may_be_of_any_age() -> None:
    said = judged(service(active=1), by=policy(max_active=1, max_age="1h"))
    assert (said.verdict, rules(said), only(said).limit) == ("inconclusive", ["age"], 3600)
    assert "The age of 1 active job is not known" in only(said).text


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
        (9, {"found": 1, "exact": False}, {"max_failed_percent": 50}, "failed"),
        (1, {"found": 8, "exact": False}, {"max_failed_percent": 50}, "passed"),
        (1, None, {"max_failed_percent": 50}, "inconclusive"),
        (1, {"found": None, "exact": False}, {"max_failed_percent": 50}, "inconclusive"),
        (0, None, {"max_failed_percent": 0}, "passed"),
        (1, {"found": 99, "exact": True}, {"max_failed_percent": 5, "max_failed": 0}, "failed"),
    ],
)
def test_shares(bad: int, succeeded: Given | None, options: Given, verdict: str) -> None:
    said = judged(service(failed=bad, succeeded_since=succeeded), jobs=failed(bad), by=policy(**options))
    assert said.verdict == verdict
    assert set(rules(said)) <= {"failed_percent", "failed"}


def test_a_share_in_numbers() -> None:
    bad = service(failed=5, succeeded_since={"found": 10, "exact": True})
    reason = only(judged(bad, jobs=failed(5), by=policy(max_failed_percent="12.5")))
    assert (reason.limit, reason.found, len(reason.jobs)) == (12.5, 33.3, 5)
    assert reason.text == (
        "5 failed jobs since 08:00 UTC of 15 finished (33 %), 12.5 % allowed; "
        "the oldest drops out of the 1 h window at 09:45 UTC."
    )
    few = service(failed=5, succeeded_since={"found": 1, "exact": False})
    doubt = only(judged(few, jobs=failed(5), by=policy(max_failed_percent=50)))
    assert (doubt.limit, doubt.found) == (50.0, 83.3)
    assert doubt.text.endswith("of at least 6 finished (83 %): it is not known whether that is more than 50 %.")


@pytest.mark.parametrize(
    ("options", "jobs", "verdict", "expected"),
    [
        ({"max_age": "1h", "max_active": 9}, running(2), "passed", []),
        ({"max_age": "30m", "max_active": 9}, running(2), "passed", []),
        ({"max_age": "29m", "max_active": 9}, running(2), "failed", ["age"]),
        ({"max_age": "unlimited", "max_active": 9}, running(2), "passed", []),
        ({"max_age": "29m"}, running(2), "failed", ["age", "active"]),
        ({"max_age": "1h", "max_active": 9}, running(2, submitted_time=None), "passed", []),
        ({"max_age": "1h", "max_active": 9}, [{**running()[0], "start_time": None}], "passed", []),
    ],
)
def test_ages(options: Given, jobs: list[Given], verdict: str, expected: list[str]) -> None:
    said = judged(service(active=len(jobs)), jobs=jobs, by=policy(**options))
    assert (said.verdict, rules(said)) == (verdict, expected)


def test_an_age_that_nobody_tells_may_be_any() -> None:
    jobs = [*running(1), job(status="executing", end_time=None, start_time=None, submitted_time=None)]
    said = judged(service(active=2), jobs=jobs, by=policy(max_age="1h", max_active=9))
    assert (said.verdict, rules(said)) == ("inconclusive", ["age"])
    assert "The age of 1 active job " in only(said).text


def test_the_oldest_of_what_is_too_old() -> None:
    reason = only(judged(service(active=9), jobs=running(9), by=policy(max_age="25m30s", max_active=9)))
    assert (reason.limit, reason.found, len(reason.jobs)) == (1530, 1800, 5)
    assert reason.text.startswith("5 active jobs older than 25 min. They may never end: ")
    assert [one.job.job_id for one in reason.jobs] == ["j0", "j1", "j2", "j3", "j4"]


# --- the two clocks --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("difference", "verdict"), [(0, "passed"), (600, "passed"), (-600, "failed"), (None, "passed")]
)
def test_an_age_is_the_older_reading(difference: int | None, verdict: str) -> None:
    by = policy(max_active=1, max_failed="unlimited", max_age="35m")
    assert judged(service(active=1), jobs=running(), by=by, clock_difference=difference).verdict == verdict


@pytest.mark.parametrize(
    ("difference", "verdict"), [(0, "passed"), (600, "failed"), (-600, "passed"), (None, "failed")]
)
def test_an_age_exempts_only_by_the_younger_reading(difference: int | None, verdict: str) -> None:
    by = policy(max_failed="unlimited", exempt=[{"older_than": "25m", "reason": "x"}])
    assert judged(service(active=1), jobs=running(), by=by, clock_difference=difference).verdict == verdict


@pytest.mark.parametrize(
    ("difference", "verdict"), [(0, "passed"), (600, "passed"), (-600, "failed"), (None, "passed")]
)
@pytest.mark.parametrize("what", [{"service": "A/B"}, {"job": "j0"}])
def test_an_exemption_ends_by_the_later_clock(difference: int | None, verdict: str, what: Given) -> None:
    by = policy(max_failed="unlimited", exempt=[{**what, "reason": "x", "until": "2026-11-24T09:05:00Z"}])
    assert judged(service(active=1), jobs=running(), by=by, clock_difference=difference).verdict == verdict


# --- history ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("window", "retention", "verdict"),
    [
        ("6h", 21600, "passed"),
        ("6h", 21540, "passed"),  # the slack of clocks, once more
        ("6h", 21539, "inconclusive"),
        ("1h", 1800, "inconclusive"),
        ("1h", None, "passed"),
    ],
)
def test_a_window_that_is_longer_than_the_sites_memory(window: str, retention: int | None, verdict: str) -> None:
    forgotten: Given = {} if verdict == "passed" else {"complete": False, "failed": None, "timed_out": None}
    said = judged(
        service(**forgotten), service("C.GPServer", **forgotten), by=policy(window=window), retention=retention
    )
    assert (said.verdict, rules(said)) == (verdict, [] if verdict == "passed" else ["window"])
    assert [notice.startswith("It is not known whether the site keeps finished jobs") for notice in said.notices] == (
        [True] if retention is None else []
    )
    for reason in said.reasons:
        assert (reason.service, reason.may_heal) == (None, False)


@pytest.mark.parametrize("clock", [{"clock_difference": 600}, {}])
def test_a_memory_is_compared_by_the_clock_that_fixed_the_window(clock: Given) -> None:
    by = policy(window="6h")
    assert judged(service(), by=by.fixed(facts(**clock)), retention=21600, **clock).passed
    later = {**clock, "as_of": "2026-11-24T09:02:00Z"}
    assert rules(judged(service(), by=by.fixed(facts(**clock)), retention=21600, **later)) == ["window"]


def test_a_site_that_tells_no_time_has_no_recent_failures() -> None:
    for by in (policy(), since()):
        said = judged(service(), by=by, clock_difference=None)
        assert (said.verdict, rules(said), said.may_heal) == ("inconclusive", ["window"], False)
        assert "Let the header Date through" in only(said).text
    assert judged(service(), by=policy(max_failed="unlimited"), clock_difference=None).passed
    assert judged(service(failed=1), clock_difference=None).verdict == "failed"


def test_what_is_found_in_a_short_memory_counts() -> None:
    forgotten: Given = {"complete": False, "failed": None, "timed_out": None}
    said = judged(service(**forgotten), jobs=failed(), by=policy(window="9h"), retention=21600)
    assert (said.verdict, rules(said)) == ("failed", ["failed", "window"])
    assert said.reasons[0].text.startswith("at least 1 failed job since 00:00 UTC")
    assert said.reasons[0].allowances == ()
    assert rules(judged(service(**forgotten, active=1), by=policy(window="9h"), retention=21600)) == [
        "active",
        "window",
    ]


def test_a_short_memory_hides_nothing_else() -> None:
    for more in ({"warnings": ["Pages are missing."]}, {"error": {"kind": "Busy"}}, {"active": None}):
        said = judged(service(complete=False, **more), by=policy(window="9h"), retention=21600)
        assert "window" in rules(said)
        assert len(said.reasons) == 2


def test_no_memory_matters_if_no_failure_does() -> None:
    said = judged(service(), by=policy(window="9h", max_failed="unlimited"), retention=None)
    assert (said.passed, said.notices) == (True, ())
    assert judged(service(), by=policy(window="9h", max_failed="unlimited"), retention=60).passed


# --- exemptions and limits of single services ---------------------------------------------------------------------

EXEMPT: list[tuple[Given, str]] = [
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
    ({"older_than": "30m"}, "failed"),
    ({"service": "A/*", "user": "user1", "older_than": "1m"}, "passed"),
    ({"service": "A/*", "user": "user1", "job": "j1"}, "failed"),
    ({"service": "C/*", "user": "user1"}, "failed"),
    ({"job": "j0", "until": "2026-11-24T09:00:01Z"}, "passed"),
    ({"job": "j0", "until": "2026-11-24T09:00:00Z"}, "failed"),
    ({"service": "A/B", "until": "2026-11-24"}, "failed"),
]


@pytest.mark.parametrize(("entry", "verdict"), EXEMPT, ids=[json.dumps(entry) for entry, _verdict in EXEMPT])
def test_exemptions(entry: Given, verdict: str) -> None:
    said = judged(service(active=1), jobs=running(), by=policy(exempt=[{**entry, "reason": "Known."}]))
    assert said.verdict == verdict
    assert bool(said.notices) is (verdict == "passed" or "until" in entry)
    assert all("Known." in notice for notice in said.notices)


def test_a_job_of_nobody_is_exempted_as_anonymous() -> None:
    exempt = policy(exempt=[{"user": "anonymous", "reason": "x"}])
    said = judged(service(active=2), jobs=running(2, user_name=None, anonymous=True), by=exempt)
    assert said.passed
    assert said.notices == ("A/B.GPServer: 2 jobs exempted by exempt[1] (x).",)
    assert not judged(service(active=1), jobs=running(user_name=None), by=exempt).passed, "of whom nobody tells"


def test_each_job_is_exempted_once_and_each_exemption_tells_of_its_own() -> None:
    exempt = policy(exempt=[{"job": "j0", "reason": "x"}, {"status": "active", "reason": "y"}])
    assert judged(service(active=3), jobs=running(3), by=exempt).notices == (
        "A/B.GPServer: 1 job exempted by exempt[1] (x).",
        "A/B.GPServer: 2 jobs exempted by exempt[2] (y).",
    )


def test_what_is_counted_and_not_listed_is_not_exempted() -> None:
    exempt = {"exempt": [{"status": "active", "reason": "x"}]}
    assert only(judged(service(active=2), jobs=running(), by=policy(**exempt))).found == 1
    queued = [job(job_id="q", status="waiting", end_time=None)]
    said = judged(service(active=4, queued=2), jobs=[*running(), *queued], by=policy(**exempt, max_executing=0))
    assert [(one.rule, one.found) for one in said.reasons] == [("executing", 1)]
    said = judged(service(active=4, queued=2), jobs=[*running(), *queued], by=policy(**exempt, max_queued=0))
    assert [(one.rule, one.found) for one in said.reasons] == [("queued", 1)]


def test_a_job_whose_age_nobody_tells_is_not_exempted_by_its_age() -> None:
    jobs = [{**running()[0], "start_time": None, "submitted_time": None}]
    exempt = policy(exempt=[{"older_than": "1m", "reason": "x"}])
    assert not judged(service(active=1), jobs=jobs, by=exempt).passed
    old = failed(submitted_time=None, start_time=None, end_time=None)
    assert not judged(service(failed=1), jobs=old, by=exempt).passed
    before_it_began = failed(end_time="1970-01-01T00:01:00Z")
    assert not judged(service(failed=1), jobs=before_it_began, by=exempt).passed


def test_exempted_failures_do_not_count() -> None:
    bad = service(failed=3)
    assert judged(bad, jobs=failed(3), by=policy(exempt=[{"user": "user1", "reason": "x"}])).passed
    reason = only(judged(bad, jobs=failed(3), by=policy(exempt=[{"job": "f1", "reason": "x"}])))
    assert (reason.found, [one.job.job_id for one in reason.jobs]) == (2, ["f0", "f2"])


@pytest.mark.parametrize(
    ("name", "pattern", "verdict"),
    [
        ("S/X.GPServer", "S/X", "passed"),
        ("S/X.GPServer", "S/*", "passed"),
        ("Secret/*", "Secret/*", "passed"),
        ("Secret/*", "*", "passed"),
        ("Secret/*", "*/*", "passed"),
        ("Secret/*", "Secret", "inconclusive"),
        ("Secret/*", "Secret/One", "inconclusive"),
        ("S/X.GPServer", "S/Y", "inconclusive"),
    ],
)
def test_what_cannot_be_seen_can_be_exempted(name: str, pattern: str, verdict: str) -> None:
    more = {"unseen": [{"name": name, "why": "403."}], "complete": False}
    said = judged(service(), by=policy(exempt=[{"service": pattern, "reason": "x"}]), **more)
    assert said.verdict == verdict
    assert any("cannot be seen, and is exempted by exempt[1] (x)" in one for one in said.notices) is said.passed
    assert not judged(service(), by=policy(exempt=[{"service": pattern, "user": "a", "reason": "x"}]), **more).passed


def test_the_first_entry_that_means_a_service_counts() -> None:
    entries = [
        {"service": "A/*", "max_active": 2},
        {"service": "*", "max_active": "unlimited", "max_failed": 1},
    ]
    by = policy(service_limits=entries)
    assert [by.limits_of(name).max_active for name in ("A/B.GPServer", "C.GPServer")] == [2, None]
    assert [by.limits_of(name).max_failed for name in ("A/B.GPServer", "C.GPServer")] == [0, 1]
    assert judged(service(active=3), by=by).verdict == "failed"
    assert judged(service("C.GPServer", active=3, failed=1), by=by).passed


@pytest.mark.parametrize(
    ("services", "exempt", "is_allowed"),
    [
        ([], [], False),
        ([], ["A/*"], False),
        ([], ["*"], True),
        (["A/*"], ["A/*"], True),
        (["A/B"], ["*"], True),
        (["A/B", "C"], ["C"], False),
        (["A/B", {"name": "C", "missing": "ignore"}], [], False),
        ([{"name": "A/*", "missing": "ignore"}, {"name": "C", "missing": "ignore"}], [], True),
        ([{"name": "A/*", "missing": "ignore"}, "C"], ["C"], True),
    ],
)
def test_nothing_to_judge_passes_only_if_that_was_meant(
    services: list[t.Any], exempt: list[str], is_allowed: bool
) -> None:
    by = policy(services=services, exempt=[{"service": name, "reason": "x", "missing": "ignore"} for name in exempt])
    said = judged(by=by)
    assert (said.passed, rules(said)) == (is_allowed, [] if is_allowed else ["empty"])
    assert not judged(by=by, complete=False).passed
    for weaker in ({"until": "2030-01-01"}, {"user": "x"}):
        entries = [{"service": name, "reason": "x", "missing": "ignore", **weaker} for name in exempt]
        assert judged(by=policy(services=services, exempt=entries)).passed is (is_allowed and not exempt)


def test_patterns_that_are_left_out_are_named() -> None:
    by = policy(
        exempt=[
            {"service": "Old/*", "reason": "x"},
            {"service": "New", "missing": "ignore", "reason": "y"},
            {"user": "u", "reason": "z"},
        ]
    )
    assert judged(service(), by=by).notices == ("Old/* is exempted by exempt[1] (x).",)


# --- marks ---------------------------------------------------------------------------------------------------------


def since(**more: t.Any) -> Policy:
    return replace(policy(), since=Mark(NOW - 1800, **more), window=None)


def test_failures_that_were_there_at_the_mark_are_not_new() -> None:
    bad = service(failed=2)
    assert judged(bad, jobs=failed(2), by=since(failed={NAME: ("f0", "f1")})).passed
    reason = only(judged(bad, jobs=failed(2), by=since(failed={NAME: ("f1",), "C.GPServer": ("f0",)})))
    assert (reason.found, reason.jobs[0].job.job_id) == (1, "f0")
    assert reason.text == "1 failed job since 08:30 UTC, 0 allowed."


@pytest.mark.parametrize(
    ("state", "before", "expected"),
    [
        (STARTED, {NAME: "STARTED"}, []),
        (STOPPED, {NAME: "STARTED"}, ["stopped"]),
        (DOWN, {NAME: "STARTED"}, ["stopped"]),
        (DOWN, {NAME: "STOPPED"}, []),  # it was so before
        (STOPPED, {NAME: "STOPPED"}, []),
        (STOPPED, {}, []),
        (DOWN, {}, ["stopped"]),  # new, and does not start
        (STARTED, {NAME: "STARTED", "C.GPServer": "STARTED"}, ["gone"]),
        (STARTED, {NAME: "STARTED", "C.GPServer": "STOPPED"}, []),
        (STARTED, {"Hidden/C.GPServer": "STARTED"}, ["unseen"]),
    ],
)
def test_services_that_were_started_at_the_mark(state: Given, before: dict[str, str], expected: list[str]) -> None:
    unseen = [{"name": "Hidden/*", "why": "403."}] if "Hidden/C.GPServer" in before else []
    said = judged(service(state=state), unseen=unseen, by=since(states=before))
    assert rules(said) == expected
    if expected == ["stopped"]:
        was = "was started at the mark" if before else "is configured to be started"
        assert only(said).text == f"It {was}, and is stopped. Start it, or stop it for good, or exempt it."


@pytest.mark.parametrize("key", ["stopped", "synchronous", "missing"])
def test_a_service_that_is_there_in_another_way_is_not_gone(key: str) -> None:
    said = judged(service(state=STARTED), by=since(states={"C.GPServer": "STARTED"}), **{key: ["C.GPServer"]})
    assert rules(said) == {"stopped": ["stopped"], "synchronous": [], "missing": ["gone"]}[key]
    for reason in said.reasons:
        assert reason.service == "C.GPServer"


def test_a_service_outside_of_what_is_judged_is_not_missed() -> None:
    by = since(states={"C.GPServer": "STARTED"})
    assert judged(service(), by=replace(by, services=policy(services=["A/*"]).services)).passed
    assert not judged(service(), by=replace(by, services=policy(services=["A/*", "C"]).services)).passed
    exempt = policy(exempt=[{"service": "C", "missing": "ignore", "reason": "x"}]).exempt
    assert judged(service(), by=replace(by, exempt=exempt)).passed
    assert judged(service(), by=replace(by, exempt=exempt), stopped=["C.GPServer"]).passed


def test_a_stopped_service_whose_jobs_nobody_tells() -> None:
    said = judged(service(), stopped=["C.GPServer"], synchronous=["D.GPServer"])
    assert said.passed
    assert said.notices == (
        "D.GPServer runs synchronously, has no jobs, and does not count.",
        "C.GPServer is stopped, and does not count.",
    )


def test_a_part_of_the_site_says_nothing_of_the_rest() -> None:
    by = replace(since(states={"C.GPServer": "STARTED"}), total_max_active=0)
    assert rules(judged(service(active=1), by=by)) == ["total_active", "active", "gone"]
    assert rules(judge(facts(service(active=1)), by, is_part=True)) == ["active"]
    assert judge(facts(), by, is_part=True).passed


# --- what is odd ---------------------------------------------------------------------------------------------------


def test_only_what_is_complete_passes() -> None:
    assert rules(judged(service(), complete=False)) == ["incomplete"]
    assert rules(judged(service(complete=False), complete=True)) == ["incomplete"]
    assert judged(service(), complete=False, by=UNLIMITED).verdict == "inconclusive"


def test_what_cannot_be_seen_is_told_once_with_the_right_that_would_do() -> None:
    hidden = service("S/X.GPServer", complete=False, warnings=["S/X.GPServer: 403"])
    unseen = [{"name": "S/X.GPServer", "why": "Use an account with Y."}, {"name": "Secret/*", "why": "Z."}]
    said = judged(hidden, service(), unseen=unseen)
    assert said.verdict == "inconclusive"
    assert [(reason.service, reason.text) for reason in said.reasons] == [
        ("S/X.GPServer", "It cannot be seen. Use an account with Y."),
        ("Secret/*", "It cannot be seen. Z."),
    ]


def test_why_a_service_was_not_seen_in_full() -> None:
    assert only(judged(service(complete=False))).text == "It was not seen in full."
    assert only(judged(service(complete=False, warnings=["A.", "B."]))).text == "A. B."
    assert only(judged(service("S/X.GPServer", complete=False, warnings=["S/X.GPServer: A."]))).text == "A."


def test_failed_beats_inconclusive() -> None:
    said = judged(service("A.GPServer", complete=False), service("B.GPServer", failed=1))
    assert said.verdict == "failed"
    assert [reason.verdict for reason in said.reasons] == ["failed", "inconclusive"]


def test_warnings_of_complete_services_are_notices() -> None:
    said = judged(service(warnings=["Two jobs do not tell when they ended."]))
    assert (said.passed, said.notices) == (True, ("Two jobs do not tell when they ended.",))


def test_a_stopped_service_is_a_notice() -> None:
    said = judged(service(state=STOPPED))
    assert said.notices == ("A/B.GPServer is stopped, has no active job, and does not count.",)


def test_a_site_that_could_not_be_asked_is_inconclusive() -> None:
    said = unmeasured("No connection (GET https://h).")
    assert (said.verdict, said.passed, rules(said), said.may_heal) == ("inconclusive", False, ["error"], True)
    assert not unmeasured("Refused.", is_final=True).may_heal


def test_all_services_together() -> None:
    by = policy(max_active=5, total_max_active=4)
    exempt = policy(max_active=5, total_max_active=4, exempt=[{"service": "C", "reason": "x"}])
    busy = [service(active=2), service("C.GPServer", active=3)]
    reason = only(judged(*busy, by=by))
    assert (reason.limit, reason.found, reason.service) == (4, 5, None)
    assert reason.text == "All services together: 5 active jobs, 4 allowed. Wait until they end."
    assert judged(*busy, by=exempt).passed


# --- the worst comes first -------------------------------------------------------------------------------------------


def test_the_order_of_reasons() -> None:
    said = judged(
        service("A.GPServer", active=1),
        service("B.GPServer", active=3),
        service("C.GPServer", failed=1),
        service("D.GPServer", failed=2),
        service("E.GPServer", complete=False),
        by=policy(total_max_active=9),
    )
    assert [(one.rule, one.service) for one in said.reasons] == [
        ("failed", "D.GPServer"),
        ("failed", "C.GPServer"),
        ("active", "B.GPServer"),
        ("active", "A.GPServer"),
        ("total_active", None),
        ("incomplete", "E.GPServer"),
    ]


def test_the_worst_jobs_come_first() -> None:
    jobs = failed(3)
    jobs[1]["end_time"] = None
    assert [one.job.job_id for one in only(judged(service(failed=3), jobs=jobs)).jobs] == ["f1", "f0", "f2"]
    unknown = {**running()[0], "job_id": "j9", "start_time": None, "submitted_time": None}
    busy = only(judged(service(active=4), jobs=[unknown, *reversed(running(3))]))
    assert [one.job.job_id for one in busy.jobs] == ["j0", "j1", "j2", "j9"]
    assert [one.age for one in busy.jobs] == [1800, 1740, 1680, None]


# --- what a reason says ----------------------------------------------------------------------------------------------


def test_a_failed_reason_says_what_a_person_needs_to_act() -> None:
    link = "https://h/jobs/j0550"
    (reason,) = shown(judged(service(failed=1), jobs=[job(url=link)]))
    assert reason == {
        "verdict": "failed",
        "rule": "failed",
        "service": NAME,
        "limit": 0,
        "found": 1,
        "jobs": [{**job(url=link), "age": 720, "pace": None}],
        "text": "A/B: 1 failed job since 08:00 UTC, 0 allowed; the oldest drops out of the 1 h window at 09:49 UTC.",
        "cure": "service_limits: [{service: A/B, max_failed: 1}]",
    }


def test_the_oldest_failure_leaves_the_window_first() -> None:
    reason = only(judged(service(failed=3), jobs=failed(3), by=policy(window="2h", clock_slack="0s")))
    assert reason.text.endswith("; the oldest drops out of the 2 h window at 10:46 UTC.")
    untold = failed(1, end_time=None)
    assert only(judged(service(failed=1), jobs=untold)).text == "1 failed job since 08:00 UTC, 0 allowed."


@pytest.mark.parametrize("at_least", [True, False])
def test_no_number_is_offered_if_there_may_be_more(at_least: bool) -> None:
    reason = only(judged(service(failed=2, at_least=at_least), jobs=failed(2)))
    assert bool(reason.allowances) is not at_least
    assert reason.text.startswith("at least 2 failed jobs" if at_least else "2 failed jobs")


@pytest.mark.parametrize(
    ("more", "options"),
    [
        ({"active": 1}, {}),
        ({"active": 3}, {}),
        ({"active": 4}, {}),
        ({"active": 4}, {"max_executing": 1}),
        ({"failed": 2}, {}),
        ({"failed": 2, "active": 4}, {}),
        ({"failed": 5, "succeeded_since": {"found": 33, "exact": True}}, {"max_failed_percent": 1}),
        ({"failed": 1, "succeeded_since": {"found": 10, "exact": True}}, {"max_failed_percent": 1}),
        ({"active": 2}, {"max_age": "1m", "max_active": 5}),
        ({"state": DOWN}, {}),
    ],
    ids=str,
)
def test_what_a_reason_says_to_paste_makes_the_same_facts_pass(more: Given, options: Given) -> None:
    one = service(**more)
    jobs = [*running(more.get("active", 0)), *failed(more.get("failed", 0))]
    said = judged(one, jobs=jobs, by=policy(**options))
    entries = pasted(allowance for reason in said.reasons for allowance in reason.allowances)
    given: Given = {
        option: [yaml.safe_load(entry.replace("...", "Known.")) for entry in found] for option, found in entries.items()
    }
    assert not said.passed
    assert judged(one, jobs=jobs, by=policy(**options, **given)).passed, given


def test_folders_and_services_that_are_gone_can_be_exempted_by_what_is_said() -> None:
    said = judged(
        service(),
        by=since(states={"C.GPServer": "STARTED"}),
        unseen=[{"name": "Secret/*", "why": "403."}],
    )
    assert [one["cure"] for one in shown(said)] == [
        "exempt: [{service: C, missing: ignore, reason: ...}]",
        "exempt: [{service: Secret/*, reason: ...}]",
    ]


@pytest.mark.parametrize(
    ("durations", "pace", "words"),
    [
        (None, None, "Wait until it ends."),
        ({"jobs": 20, "median": 600, "p95": 3600}, "usual", "Wait until it ends."),
        ({"jobs": 20, "median": 60, "p95": 1800}, "usual", "Wait until it ends."),
        ({"jobs": 20, "median": 60, "p95": 1799}, "slow", "Wait until it ends."),
        ({"jobs": 20, "median": 60, "p95": 180}, "slow", "Wait until it ends."),
        ({"jobs": 20, "median": 60, "p95": 179}, "stuck", "What looks stuck may never end: "),
        ({"jobs": 20, "median": 0, "p95": 0}, "stuck", "What looks stuck may never end: "),
        ({"jobs": 5, "median": 2, "p95": 5}, "stuck", "What looks stuck may never end: "),
        ({"jobs": 4, "median": 2, "p95": 5}, None, "Wait until it ends."),
    ],
)
def test_taking_long_and_never_ending_read_differently(durations: Given | None, pace: str | None, words: str) -> None:
    reason = only(judged(service(active=1, durations=durations), jobs=running()))
    assert reason.jobs[0].pace == pace
    assert words in reason.text


@pytest.mark.parametrize(("age", "pace"), [(600, "slow"), (601, "stuck")])
def test_a_job_of_ten_minutes_never_looks_stuck(age: int, pace: str) -> None:
    start = {600: "2026-11-24T08:50:00Z", 601: "2026-11-24T08:49:59Z"}[age]
    one = service(active=1, durations={"jobs": 9, "median": 1, "p95": 2})
    reason = only(judged(one, jobs=[{**running()[0], "start_time": start}]))
    assert reason.jobs[0].pace == pace


def test_several_jobs_are_waited_for() -> None:
    assert only(judged(service(active=2), jobs=running(2))).text == "2 active jobs, 0 allowed. Wait until they end."


@pytest.mark.parametrize(("api", "cure"), [("server", "/delete"), ("kubernetes", "cancel it, or exempt it.")])
@pytest.mark.parametrize("options", [{"max_age": "1m", "max_active": 9}, {}, {"max_age": "1m"}])
def test_what_to_do_about_a_job_that_will_never_end(api: str, cure: str, options: Given) -> None:
    one = service(active=1, durations={"jobs": 5, "median": 1, "p95": 2})
    for reason in judged(one, jobs=running(), api=api, by=policy(**options)).reasons:
        assert cure in reason.text


def test_a_job_that_is_too_old_is_not_waited_for_by_any_rule() -> None:
    said = judged(service(active=1), jobs=running(), by=policy(max_age="29m"))
    assert "What looks stuck" in said.reasons[1].text
    said = judged(service(active=1), jobs=running(), by=policy(max_age="30m"))
    assert "Wait until it ends." in only(said).text


def test_a_job_of_a_service_that_is_down_is_not_waited_for() -> None:
    said = judged(service(active=1, state=DOWN), jobs=running(), api="server")
    assert "The service is stopped: delete it in ArcGIS Server Manager" in said.reasons[0].text


# --- properties --------------------------------------------------------------------------------------------------

NUMBER = st.integers(0, 4)
LIMIT = st.none() | NUMBER
NAMES = [NAME, "C.GPServer", "D/E.GPServer"]
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
UNSEEN = st.lists(st.just({"name": "Secret/*", "why": "403."}), max_size=1)
RANK = {"passed": 0, "inconclusive": 1, "failed": 2}
Asked = tuple[list[Given], Given]


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    read = policy(exempt=draw(EXEMPTIONS))
    return replace(read, limits=draw(LIMITS), total_max_active=draw(LIMIT))


@st.composite
def asked_sites(draw: st.DrawFn) -> Asked:
    """Services, and facts about the site. Counts agree with the jobs, but for jobs that are counted and not listed."""
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
                complete=draw(st.booleans() | st.just(True)),
                state=draw(st.sampled_from([None, STARTED, STOPPED, DOWN])),
                succeeded_since=draw(
                    st.sampled_from([None, {"found": 3, "exact": True}, {"found": 3, "exact": False}])
                ),
            )
        )
    retention = draw(st.sampled_from([None, 60, 864000]))
    return services, {"jobs": jobs, "unseen": draw(UNSEEN), "retention": retention}


@given(asked_sites(), policies(), st.data())
def test_more_active_or_failed_jobs_never_turn_a_failed_verdict(asked: Asked, by: Policy, data: st.DataObject) -> None:
    services, more = asked
    before = judged(*services, **more, by=by)
    worse, jobs = copy.deepcopy(services), list(more["jobs"])
    for one in worse:
        for key, status in (("active", "executing"), ("failed", "failed"), ("timed_out", "timed_out")):
            extra = data.draw(NUMBER)
            if one["counts"][key] is not None:
                one["counts"][key] += extra
                made = {"service": one["service"], "status": status}
                listed = data.draw(st.integers(0, extra))
                jobs += [job(job_id=f"{key}{number}", end_time=None, **made) for number in range(listed)]
    after = judged(*worse, **{**more, "jobs": jobs}, by=by)
    assert RANK[after.verdict] >= RANK[before.verdict]


@given(asked_sites(), policies())
def test_incomplete_facts_never_pass(asked: Asked, by: Policy) -> None:
    services, more = asked
    said = judged(*services, **more, by=by)
    site = facts(*services, **more)
    dark = [one for one in services if not one["complete"] and by.exempts(one["service"], site) is None]
    if dark or more["unseen"] or not services:
        assert not said.passed


@given(asked_sites(), policies())
def test_an_exemption_that_is_over_changes_nothing_but_a_notice(asked: Asked, by: Policy) -> None:
    services, more = asked
    over = policy(exempt=[{"service": "*", "reason": "x", "until": "2026-11-24T08:59:59Z"}]).exempt
    without = judged(*services, **more, by=by)
    with_it = judged(*services, **more, by=replace(by, exempt=(*by.exempt, *over)))
    assert with_it.reasons == without.reasons
    notice = "exempt[1] (x) ended at 08:59 UTC, and no longer counts."
    assert sorted(with_it.notices) == sorted([*without.notices, notice])


@given(asked_sites(), policies())
def test_looser_limits_never_make_it_worse(asked: Asked, by: Policy) -> None:
    def more_than(limit: int | None) -> int | None:
        return None if limit is None else limit + 1

    one = by.limits
    looser = replace(
        one,
        max_active=more_than(one.max_active),
        max_executing=more_than(one.max_executing),
        max_queued=more_than(one.max_queued),
        max_failed=more_than(one.max_failed),
        max_age=None,
    )
    services, more = asked
    # A looser limit on active jobs may no longer ask for them: what is not known of them then decides nothing.
    before, after = judged(*services, **more, by=by), judged(*services, **more, by=replace(by, limits=looser))
    assert RANK[after.verdict] <= RANK[before.verdict]


@given(asked_sites())
def test_passed_means_that_everything_was_seen_and_is_within_its_limit(asked: Asked) -> None:
    """The two rules that everybody uses, said another way."""
    services, more = asked
    good = bool(services) and not more["unseen"] and more["retention"] != 60
    for one in services:
        number = one["counts"]
        if one["complete"] and one["state"] == STOPPED and number["active"] == 0:
            continue
        good = good and one["complete"] and one["state"] != DOWN
        good = good and number["active"] is not None and number["active"] <= 1
        good = good and number["failed"] is not None and number["failed"] + number["timed_out"] <= 2
    assert judged(*services, **more, by=policy(max_active=1, max_failed=2)).passed is good


@given(asked_sites(), policies(), st.randoms(use_true_random=False))
def test_the_order_of_services_and_jobs_does_not_matter(asked: Asked, by: Policy, random: t.Any) -> None:
    services, more = asked
    shuffled, mixed = list(services), list(more["jobs"])
    random.shuffle(shuffled)
    random.shuffle(mixed)
    one, other = judged(*services, **more, by=by), judged(*shuffled, **{**more, "jobs": mixed}, by=by)
    assert one.reasons == other.reasons
    assert sorted(one.notices) == sorted(other.notices)


@given(asked_sites(), policies())
def test_a_verdict_is_data(asked: Asked, by: Policy) -> None:
    services, more = asked
    said = judged(*services, **more, by=by)
    assert json.loads(json.dumps(shown(said))) == shown(said)
    assert bool(said.reasons) is not said.passed
    assert all(reason.text for reason in said.reasons)
