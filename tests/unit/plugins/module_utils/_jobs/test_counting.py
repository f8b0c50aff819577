# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How jobs are read: what it costs, and what a single bad answer can do. The facts are the truth table's matter."""

from __future__ import annotations

import contextlib
import itertools
import typing as t

import pytest

from ansible_collections.gisops.arcgis.plugins.module_utils import _statuses
from ansible_collections.gisops.arcgis.plugins.module_utils._errors import (
    BadOption,
    GpError,
    NotHonoured,
    NotUnderstood,
)

PUBLISHING = "System/PublishingTools"


def jobs(*entries: dict[str, t.Any]) -> dict[str, t.Any]:
    return {"services": {PUBLISHING: {"jobs": list(entries)}}}


def queries(asked: t.Any) -> int:
    return len(asked.requests("jobs/query"))


def test_one_page_settles_a_service_whose_record_fits(asked_site: t.Any, api: str) -> None:
    with asked_site("publishing_tools", api=api) as asked:
        facts = asked.query(services=[PUBLISHING])
        assert (queries(asked), facts["total"], facts["services"][0]["pages"]) == (1, 41, 1)
        asked.site.clear_log()
        asked.query(services=[PUBLISHING], job_status=["active", "failed"], api=api)
        assert queries(asked) == 1


@pytest.mark.parametrize("status", [["active"], ["active", "failed"], ["executing"]])
def test_a_long_record_costs_no_more_than_a_longer_one(asked_site: t.Any, api: str, status: list[str]) -> None:
    costs = []
    for count in (2_000, 20_000):
        scenario = jobs({"status": "executing"})
        history = {"count": count, "statuses": {"succeeded": 1}, "span": "30d", "until": "10m ago"}
        scenario["services"][PUBLISHING]["history"] = history
        with asked_site(scenario, api=api) as asked:
            facts = asked.query(services=[PUBLISHING], job_status=status)
            assert (facts["counts"]["executing"], facts["complete"]) == (1, True)
            costs.append(len(asked.site.log))
    assert costs[0] == costs[1] <= 16


def long_record(*entries: dict[str, t.Any], statuses: dict[str, float] | None = None, count: int = 60) -> t.Any:
    scenario = jobs(*entries)
    history = {"count": count, "statuses": statuses or {"succeeded": 1}, "span": "30d", "until": "10m ago"}
    scenario["services"][PUBLISHING]["history"] = history
    return scenario


GATE = ["active", "failed"]
EIGHT = [*_statuses.FILTER_WORDS.values()]


def words(asked: t.Any) -> list[str]:
    """The status that each query of a service asked for; an empty text for none."""
    return [one.path.partition("jobStatus=")[2].partition("&")[0] for one in asked.requests("jobs/query")]


@pytest.mark.parametrize("active", [[], [{"status": "waiting"}, {"status": "executing"}]], ids=["idle", "busy"])
@pytest.mark.parametrize("echo", ["full", "none"])
def test_a_long_record_is_counted_by_the_eight_filters(asked_site: t.Any, api: str, active: t.Any, echo: str) -> None:
    """In the order of a job's life, with the unfiltered total before, between and after."""
    scenario = long_record(*active, {"status": "failed", "ended": "5m ago"})
    with asked_site(scenario, api=api, page_cap=10, echo=echo) as asked:
        facts = asked.query(services=[PUBLISHING], job_status=GATE)
        assert (facts["counts"]["active"], facts["counts"]["failed"]) == (len(active), 1)
        assert (facts["complete"], facts["counts"]["deleting"]) == (True, 0), "the sum leaves no room for others"
        assert words(asked) == ["", *EIGHT[:5], "", *EIGHT[5:], ""]


@pytest.mark.parametrize("detail", ["counts", "jobs"])
def test_a_status_without_a_filter_word_is_found_page_by_page(asked_site: t.Any, api: str, detail: str) -> None:
    """The filters do not add up, so every page is read."""
    scenario = long_record({"status": "executing"}, statuses={"succeeded": 0.9, "timed_out": 0.1})
    with asked_site(scenario, api=api, page_cap=10) as asked:
        facts = asked.query(services=[PUBLISHING], job_status=["active", "failed", "timed_out"], detail=detail)
        there = sum(1 for job in asked.site.truth() if job["status"] == "timed_out")
        assert (facts["counts"]["executing"], facts["counts"]["timed_out"]) == (1, there)
        assert facts["complete"] is True


@pytest.mark.parametrize("echo", ["full", "as_sent", "none"])
def test_a_site_that_ignores_the_status_is_read_page_by_page(asked_site: t.Any, api: str, echo: str) -> None:
    scenario = long_record({"status": "executing"}, {"status": "failed", "ended": "5m ago"})
    with asked_site(scenario, api=api, page_cap=10, status_filter="ignored", echo=echo) as asked:
        facts = asked.query(services=[PUBLISHING], job_status=GATE)
        assert (facts["counts"]["active"], facts["counts"]["failed"], facts["complete"]) == (1, 1, True)


@pytest.mark.parametrize("results", ["words", "nulls", "list_of_ids"])
@pytest.mark.parametrize("cap", [None, 7])
@pytest.mark.parametrize("every", [1, 2, 3, 5, 7])
def test_a_service_that_is_never_idle_is_never_seen_idle(
    asked_site: t.Any, api: str, every: int, cap: int | None, results: str
) -> None:
    """The next job arrives just before the last one ends, whatever request comes in between."""
    name = f"{PUBLISHING}.GPServer"
    scenario = jobs({"status": "succeeded", "count": 20, "every": "1m", "ended": "1h ago"}, {"status": "executing"})
    scenario["arrivals"] = [
        {"service": name, "action": "move", "from": "executing", "to": "succeeded", "every_requests": every},
        {"service": name, "status": "executing", "every_requests": every, "before": True},
    ]
    with asked_site(scenario, api=api, page_cap=cap, results_form=results, sort="oldest") as asked:
        facts = asked.query(services=[PUBLISHING], job_status=["active"])
        assert facts["counts"]["active"] != 0
        assert facts["complete"] is (facts["counts"]["active"] is not None)


def test_what_does_not_fit_a_page_is_read_status_by_status(asked_site: t.Any, api: str) -> None:
    scenario = long_record({"status": "executing"}, statuses={"succeeded": 0.5, "failed": 0.5})
    with asked_site(scenario, api=api, page_cap=10) as asked:
        facts = asked.query(services=[PUBLISHING], job_status=GATE, detail="jobs")
        assert facts["complete"] is True
        assert facts["counts"]["failed"] == sum(1 for job in facts["jobs"] if job["status"] == "failed") > 10


@pytest.mark.parametrize("every", [1, 2, 3])
@pytest.mark.parametrize(("before", "after"), [("executing", "succeeded"), ("waiting", "executing")])
def test_a_job_that_moves_on_between_the_sums(asked_site: t.Any, api: str, every: int, before: str, after: str) -> None:
    """It may cost more queries; it is neither counted twice nor lost."""
    scenario = long_record({"status": before}, {"status": "executing"})
    scenario["arrivals"] = [
        {"service": f"{PUBLISHING}.GPServer", "action": "move", "from": before, "to": after, "every_requests": every}
    ]
    with asked_site(scenario, api=api, page_cap=10) as asked:
        facts = asked.query(services=[PUBLISHING], job_status=GATE)
        assert facts["complete"] is True
        assert facts["counts"]["active"] in ({1, 2} if before == "executing" else {2})


@pytest.mark.usefixtures("no_pauses")
@pytest.mark.parametrize(
    "fault",
    ["html_login", "truncated_json", "empty_body", "xml", "results_missing", "results_null", "error500", "error403"],
)
def test_no_bad_answer_is_read_as_no_jobs(asked_site: t.Any, api: str, fault: str) -> None:
    with asked_site("publishing_tools", api=api) as asked:
        asked.site.faults.add({"fault": fault, "match": {"path": "jobs/query"}})
        with pytest.raises(GpError) as caught:
            asked.query(services=[PUBLISHING], retries=1)
        assert "PublishingTools.GPServer/jobs/query" in str(caught.value)


@pytest.mark.parametrize(
    "body",
    [
        {"total": 0},
        {"total": 0, "results": None},
        {"results": {}},
        {"total": -1, "results": {}},
        {"total": 0, "results": "none"},
        {"status": "success"},
        {},
    ],
    ids=str,
)
def test_no_odd_body_is_read_as_no_jobs(asked_site: t.Any, api: str, body: t.Any) -> None:
    with asked_site("publishing_tools", api=api) as asked:
        asked.site.faults.add({"fault": "custom", "body": body, "match": {"path": "jobs/query"}})
        with pytest.raises(NotUnderstood):
            asked.query(services=[PUBLISHING], retries=0)


def test_a_total_without_jobs_is_not_complete(asked_site: t.Any, api: str) -> None:
    with asked_site("publishing_tools", api=api) as asked:
        body = {"total": 41, "results": {}, "nextStart": -1}
        asked.site.faults.add({"fault": "custom", "body": body, "match": {"path": "jobs/query"}})
        facts: dict[str, t.Any] = {"complete": False, "counts": {"active": None}}
        with contextlib.suppress(GpError):
            facts = asked.query(services=[PUBLISHING], retries=0)
        assert facts["complete"] is False
        assert facts["counts"]["active"] is None


def test_a_token_that_expires_in_mid_paging_is_renewed_once_and_paging_goes_on(asked_site: t.Any, api: str) -> None:
    with asked_site("publishing_tools", api=api) as asked:
        asked.site.faults.add({"fault": "error498", "match": {"path": "jobs/query.*start=10&", "times": 1}})
        facts = asked.query(services=[PUBLISHING], number=10, detail="jobs")
        assert (facts["complete"], len(facts["jobs"]), facts["requests"]["tokens"]) == (True, 41, 2)
        starts = [one.path.partition("start=")[2].partition("&")[0] for one in asked.requests("jobs/query")]
        assert starts[0] == "1"
        assert sorted(starts) == sorted([*["1", "10", "19", "28", "37"] * 2, "10"]), "from the same start"


def test_a_machine_cannot_be_asked_for_on_kubernetes(asked_site: t.Any) -> None:
    with asked_site("publishing_tools", api="kubernetes") as asked:
        with pytest.raises(BadOption) as caught:
            asked.query(services=[PUBLISHING], machine_name="M")
        assert "ArcGIS Enterprise on Kubernetes cannot filter jobs by machine (option machine_name)." in str(
            caught.value
        )
        assert "Leave it out" in str(caught.value)
        assert queries(asked) == 0


@pytest.mark.parametrize("option", ["user_name", "machine_name"])
def test_a_filter_that_the_site_does_not_honour(asked_site: t.Any, option: str) -> None:
    switch = {"user_name": "user_filter", "machine_name": "machine_filter"}[option]
    with asked_site("truth_table", api="server", **{switch: "ignored"}) as asked, pytest.raises(NotHonoured) as caught:
        asked.query(services=[PUBLISHING], **{option: "user1"})
    assert f"does not honour {option}" in str(caught.value)
    assert "System/PublishingTools.GPServer" in str(caught.value)


def test_limit_and_start_are_the_sites_own(asked_site: t.Any, api: str) -> None:
    with asked_site("publishing_tools", api=api) as asked:
        options = {"services": [PUBLISHING], "detail": "jobs", "job_status": ["succeeded"], "limit": 15}
        seen: list[str] = []
        start: int | None = 1
        while start is not None:
            facts = asked.query(**options, start=start)
            seen += [job["job_id"] for job in facts["jobs"]]
            assert facts["truncated"] is (facts["next_start"] is not None)
            assert facts["complete"] is True, "a cut is not incomplete"
            start = facts["next_start"]
        assert len(seen) == len(set(seen)) == 41


def test_a_job_that_answers_as_another_is_not_believed(asked_site: t.Any, api: str) -> None:
    with asked_site(jobs({"status": "failed", "ended": "10m ago"}), api=api) as asked:
        body = {"jobId": "jother", "status": "esriJobFailed"}
        asked.site.faults.add({"fault": "custom", "body": body, "match": {"path": r"/jobs/j\w+"}})
        with pytest.raises(NotUnderstood, match="answers with job jother"):
            asked.query(services=[PUBLISHING], ended_after="1h", job_status=["failed"])


def test_a_job_that_is_shown_and_not_counted_is_not_taken_for_none(asked_site: t.Any, api: str) -> None:
    """A site that contradicts itself: no total, but a job. And whatever status is asked for, nothing."""
    shown = {"total": 0, "results": {"j1": "esriJobExecuting"}, "nextStart": -1, "query": {}}
    none = {"total": 0, "results": {}, "nextStart": -1, "query": {"status": [*_statuses.FILTER_WORDS.values()]}}
    with asked_site("publishing_tools", api=api) as asked:
        asked.site.faults.add({"fault": "custom", "body": none, "match": {"path": "jobs/query.*jobStatus=esri"}})
        asked.site.faults.add({"fault": "custom", "body": shown, "match": {"path": "jobs/query"}})
        facts = asked.query(services=["System/PublishingTools"], job_status=["active"])
    assert facts["complete"] is False
    assert facts["counts"]["active"] is None


LIFE = ["new", "submitted", "waiting", "executing", "cancelling"]


@pytest.mark.parametrize("every", [1, 2, 3])
@pytest.mark.parametrize("first", range(len(LIFE) - 1))
def test_a_job_that_moves_on_meanwhile_is_met_again(asked_site: t.Any, api: str, first: int, every: int) -> None:
    """It is active throughout, and in another status at every request: asked in the order of its life, it is found."""
    scenario = jobs({"status": "succeeded", "count": 20}, {"status": LIFE[first]})
    moves = [
        {"service": PUBLISHING, "action": "move", "every_requests": every, "from": one, "to": other, "before": True}
        for one, other in reversed(list(itertools.pairwise(LIFE)))
    ]
    with asked_site({**scenario, "arrivals": moves}, api=api, page_cap=7) as asked:
        facts = asked.query(services=[PUBLISHING], job_status=["active"])
    assert facts["complete"] is True
    assert facts["counts"]["active"] == 1


def test_a_limit_that_cuts_nothing_hides_no_loss(asked_site: t.Any, api: str) -> None:
    """The oldest job goes and another comes between two pages, so that the length of the listing does not tell."""
    moves = [
        {"service": PUBLISHING, "action": "leave", "where": "oldest", "every_requests": 2, "before": True},
        {"service": PUBLISHING, "every_requests": 2, "before": True, "status": "succeeded"},
    ]
    scenario = jobs({"status": "succeeded", "count": 20, "every": "1m", "submitted": "2h ago"})
    with asked_site({**scenario, "arrivals": moves}, api=api, page_cap=7, sort="oldest") as asked:
        before = {job["job_id"] for job in asked.site.truth()}
        facts = asked.query(services=[PUBLISHING], detail="jobs", limit=500)
        stayed = before & {job["job_id"] for job in asked.site.truth()}
    assert len(stayed) == 19
    assert facts["complete"] is False or stayed <= {job["job_id"] for job in facts["jobs"]}


REFUSED_ONCE = [
    {"fault": "http_status", "status": 403, "body": "json"},
    {"fault": "custom", "body": {"error": {"code": 400, "message": "Parameter is required."}}},
]


@pytest.mark.usefixtures("no_pauses")
@pytest.mark.parametrize("required", ["no", "error"])
@pytest.mark.parametrize("fault", REFUSED_ONCE, ids=["403", "400"])
@pytest.mark.parametrize("nth", range(1, 7))
def test_one_refusal_does_not_make_a_start_time_wanted(
    asked_site: t.Any, api: str, nth: int, fault: dict[str, t.Any], required: str
) -> None:
    """For a start time may hide what has not ended: here it does, and the site does not want one."""
    scenario = jobs({"status": "executing"}, {"status": "succeeded", "ended": "1h ago"})
    with asked_site(scenario, api=api, job_status_required=required, time_window="ended") as asked:
        asked.site.faults.add({**fault, "match": {"path": "jobs/query", "nth": [nth]}})
        facts: dict[str, t.Any] = {"counts": {"active": None}}
        with contextlib.suppress(GpError):
            facts = asked.query(services=[PUBLISHING], job_status=["active"], retries=0)
        assert facts["counts"]["active"] in (1, None)


@pytest.mark.parametrize("status", [["active", "failed"], ["failed"]])
def test_a_page_that_says_that_another_one_follows_is_not_all_there_is(
    asked_site: t.Any, api: str, status: list[str]
) -> None:
    """The total is three too low, and so it seems to be all on one page."""
    scenario = jobs(*[{"status": "failed", "ended": "5m ago"}] * 7, *[{"status": "executing"}] * 3)
    with asked_site(scenario, api=api, page_cap=7, total="too_low", sort="oldest") as asked:
        facts = asked.query(services=[PUBLISHING], job_status=status)
        assert facts["complete"] is False


def test_active_is_not_known_where_a_job_is_in_a_status_that_was_not_asked_for(asked_site: t.Any, api: str) -> None:
    filterable = ["new", "submitted", "waiting", "executing", "cancelling"]
    for status, active in (("deleting", None), ("succeeded", 0)):
        with asked_site(jobs({"status": status}), api=api) as asked:
            facts = asked.query(services=[PUBLISHING], job_status=filterable)
            assert (facts["counts"]["active"], facts["services"][0]["counts"]["active"]) == (active, active)
