# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How jobs are read: what it costs, and what a single bad answer can do. The facts are the truth table's matter."""

from __future__ import annotations

import contextlib
import itertools
import typing as t

import pytest

from ansible_collections.gisops.arcgis.plugins.module_utils import _statuses as _status
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


def asked_statuses(asked: t.Any) -> list[int]:
    """For each query of a service, by how many statuses it was filtered."""
    return [one.path.count("jobStatus=esri") for one in asked.requests("jobs/query")]


GATE = ["active", "failed"]


@pytest.mark.parametrize("active", [[], [{"status": "waiting"}, {"status": "executing"}]], ids=["idle", "busy"])
def test_several_statuses_at_once_where_sums_prove_it(asked_site: t.Any, api: str, active: t.Any) -> None:
    """One page of all, the rest, what is wanted, and whether all are still as many: four queries."""
    scenario = long_record(*active, {"status": "failed", "ended": "5m ago"})
    with asked_site(scenario, api=api, page_cap=10) as asked:
        facts = asked.query(services=[PUBLISHING], job_status=GATE)
        assert (facts["counts"]["active"], facts["counts"]["failed"]) == (len(active), 1)
        assert facts["complete"] is True
        assert facts["unseen_statuses"] == [], "the sum leaves no room for jobs in a status without a filter word"
        assert asked_statuses(asked) == [0, 3, 6, 0]


@pytest.mark.parametrize("echo", ["full", "as_sent", "none"])
@pytest.mark.parametrize("habit", ["first_only", "last_only"])
@pytest.mark.parametrize("status", ["waiting", "executing"])
def test_a_site_that_reads_one_of_several_statuses(
    asked_site: t.Any, api: str, status: str, habit: str, echo: str
) -> None:
    """Whatever it says of them: it is asked status by status, and no job is missed."""
    scenario = long_record({"status": status}, {"status": "failed", "ended": "5m ago"})
    with asked_site(scenario, api=api, page_cap=10, several_statuses=habit, echo=echo) as asked:
        facts = asked.query(services=[PUBLISHING], job_status=GATE)
        assert (facts["counts"]["active"], facts["counts"]["failed"], facts["complete"]) == (1, 1, True)
        asked.site.clear_log()


ENDED = [{"status": "failed", "ended": "5m ago"}]
RUNS = [{"status": "executing"}]
LONG = [f"Analysis/{name}" for name in ("First", "Next")]


@pytest.mark.parametrize("echo", ["full", "as_sent", "none"])
@pytest.mark.parametrize("habit", ["honoured", "first_only", "last_only"])
@pytest.mark.parametrize("entries", [[], ENDED, RUNS, RUNS + ENDED], ids=["idle", "failed", "busy", "both"])
def test_what_a_long_record_costs(asked_site: t.Any, api: str, habit: str, echo: str, entries: t.Any) -> None:
    """Ten queries for one status after the other, and two more to find out, once a task, that it must be so."""
    record = long_record(*entries)["services"][PUBLISHING]
    scenario = {"services": dict.fromkeys(LONG, record)}
    with asked_site(scenario, api=api, page_cap=10, several_statuses=habit, echo=echo) as asked:
        facts = asked.query(services=LONG, job_status=GATE, connections=1)
        assert (facts["complete"], facts["counts"]["active"]) == (True, 2 * entries.count(*RUNS))
        first, then = (len(asked.requests(f"{name}.GPServer/jobs/query")) for name in LONG)
        assert (first, then) == (4, 4) if habit == "honoured" else first <= 12 and then <= 10


@pytest.mark.parametrize("echo", ["full", "as_sent", "none"])
@pytest.mark.parametrize("habit", ["honoured", "first_only", "last_only"])
def test_what_the_successes_of_a_long_record_cost(asked_site: t.Any, api: str, habit: str, echo: str) -> None:
    """One or two queries more, and three to find out, once a task, that the site honours times."""
    record = long_record(*ENDED, *RUNS)["services"][PUBLISHING]
    scenario = {"services": dict.fromkeys(LONG, record)}
    with asked_site(scenario, api=api, page_cap=10, several_statuses=habit, echo=echo) as asked:
        facts = asked.query(services=LONG, job_status=GATE, connections=1, include=["succeeded"], ended_after="1h")
        assert [one["succeeded"]["exact"] for one in facts["services"]] == [False, False]
        first, then = (len(asked.requests(f"{name}.GPServer/jobs/query")) for name in LONG)
        most = 6 if habit == "honoured" else 12
        assert first <= most + 3 and then <= most


def test_a_sum_that_does_not_come_out_proves_nothing(asked_site: t.Any, api: str) -> None:
    """Jobs in a status that nobody can filter by: they are said to be unseen."""
    scenario = long_record({"status": "executing"}, statuses={"succeeded": 0.9, "timed_out": 0.1})
    with asked_site(scenario, api=api, page_cap=10) as asked:
        facts = asked.query(services=[PUBLISHING], job_status=["active", "failed", "timed_out"])
        assert (facts["counts"]["executing"], facts["complete"]) == (1, True)
        assert "timed_out" in facts["unseen_statuses"]
        assert max(asked_statuses(asked)[4:]) == 1


def test_what_does_not_fit_a_page_is_read_status_by_status(asked_site: t.Any, api: str) -> None:
    scenario = long_record({"status": "executing"}, statuses={"succeeded": 0.5, "failed": 0.5})
    with asked_site(scenario, api=api, page_cap=10) as asked:
        facts = asked.query(services=[PUBLISHING], job_status=GATE, detail="jobs")
        assert facts["complete"] is True
        assert facts["counts"]["failed"] == sum(1 for job in facts["jobs"] if job["status"] == "failed") > 10


@pytest.mark.parametrize("echo", ["as_sent", "none"])
@pytest.mark.parametrize("after", range(2, 6))
def test_an_arrival_does_not_make_up_for_a_job_that_is_not_shown(
    asked_site: t.Any, api: str, echo: str, after: int
) -> None:
    """The site reads the first status only, new, and says nothing of that: the sum is right, and its number is not."""
    scenario = long_record({"status": "executing"})
    scenario["arrivals"] = [{"service": f"{PUBLISHING}.GPServer", "every_requests": after, "status": "new"}]
    with asked_site(scenario, api=api, page_cap=10, several_statuses="first_only", echo=echo) as asked:
        facts = asked.query(services=[PUBLISHING], job_status=GATE)
        assert (facts["counts"]["executing"], facts["complete"]) == (1, True)


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
        facts = asked.query(services=[PUBLISHING], page_size=10, detail="jobs")
        assert (facts["complete"], len(facts["jobs"]), facts["requests"]["tokens"]) == (True, 41, 2)
        starts = [one.path.partition("start=")[2].partition("&")[0] for one in asked.requests("jobs/query")]
        assert starts[0] == "1"
        assert sorted(starts) == ["1", "10", "10", "19", "28", "37"], "from the same start"


def test_the_service_is_asked_in_the_order_of_a_jobs_life(asked_site: t.Any, api: str) -> None:
    """A job that moves on meanwhile is met again further down, and the queued ones are asked for once more."""
    scenario = jobs({"status": "succeeded", "count": 30, "every": "1m", "submitted": "10h ago"})
    with asked_site(scenario, api=api, page_cap=5, several_statuses="first_only") as asked:
        facts = asked.query(services=[PUBLISHING], job_status=["active"])
        assert facts["counts"]["active"] == 0
        words = [one.path.partition("jobStatus=")[2].partition("&")[0] for one in asked.requests("jobStatus=")]
        words = words[asked_statuses(asked)[1:].index(1) :]
        order = ["esriJobNew", "esriJobSubmitted", "esriJobWaiting", "esriJobExecuting", "esriJobCancelling"]
        assert words[:5] == order
        assert words[-3:] == order[:3]


def test_a_job_that_moves_on_while_it_is_asked_for_is_not_missed(asked_site: t.Any, api: str) -> None:
    scenario = jobs({"status": "waiting"}, {"status": "succeeded", "count": 30, "every": "1m", "submitted": "10h ago"})
    scenario["arrivals"] = [
        {
            "service": f"{PUBLISHING}.GPServer",
            "action": "move",
            "from": "waiting",
            "to": "executing",
            "every_requests": 4,
        }
    ]
    with asked_site(scenario, api=api, page_cap=5) as asked:
        facts = asked.query(services=[PUBLISHING], job_status=["active"])
        assert facts["counts"]["active"] == 1


def test_a_machine_cannot_be_asked_for_on_the_enterprise_api(asked_site: t.Any) -> None:
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
            assert facts["complete"] is not facts["truncated"]
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
    none = {"total": 0, "results": {}, "nextStart": -1, "query": {"status": [*_status.FILTER_WORDS.values()]}}
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


@pytest.mark.parametrize("echo", ["as_sent", "none"])
@pytest.mark.parametrize("habit", ["first_only", "last_only"])
@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("leaves", [2, 3, 4])
def test_jobs_that_come_and_go_do_not_make_up_for_one_that_is_not_shown(
    asked_site: t.Any, api: str, habit: str, echo: str, leaves: int, before: bool
) -> None:
    """One succeeds before the rest is counted, one is swept after: the sum is right, and all are as many as before."""
    scenario, name = long_record({"status": "executing"}), f"{PUBLISHING}.GPServer"
    scenario["arrivals"] = [
        {"service": name, "every_requests": 2, "status": "succeeded", "before": True},
        {"service": name, "every_requests": leaves, "action": "leave", "where": "oldest", "before": before},
    ]
    with asked_site(scenario, api=api, page_cap=10, several_statuses=habit, echo=echo) as asked:
        facts = asked.query(services=[PUBLISHING], job_status=GATE)
        assert facts["counts"]["executing"] in (1, None)
        assert facts["complete"] is (facts["counts"]["executing"] == 1)


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


@pytest.mark.parametrize("status", ["succeeded", "failed"])
def test_times_are_proven_on_any_job_where_a_status_is_wanted(asked_site: t.Any, api: str, status: str) -> None:
    scenario = jobs({"status": status, "ended": "10m ago"})
    refused = pytest.raises(NotHonoured, match="does not show that it honours")
    with refused, asked_site(scenario, api=api, job_status_required="error", time_filter="ignored") as asked:
        asked.query(services=[PUBLISHING], job_status=[status], start_time="1h")
