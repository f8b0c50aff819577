# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""jobs/query: filters against the store's truth, and every switch about it."""

from __future__ import annotations

import itertools

import pytest

from conftest import NOON, PUBLISHING, Client, Start, jobs
from rehearsal_site.statuses import FILTER_WORDS

THREE = jobs(
    {"id": "j1", "status": "succeeded", "user": "user1", "submitted": NOON - 90_000, "ended": NOON - 60_000},
    {"id": "j2", "status": "executing", "user": None, "submitted": NOON - 80_000, "started": NOON - 30_000},
    {"id": "j3", "status": "waiting", "user": "user2", "submitted": NOON - 10_000, "machine": "OTHER"},
)
PRESENT = {"j1", "j2", "j3"}


def refused(body: dict[str, object]) -> bool:
    return body.get("status") == "error" and body.get("code") == 400


# -- filters -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cap", [1, 7, 1000])
@pytest.mark.parametrize("sort", ["newest", "oldest", "random"])
def test_every_filter_agrees_with_the_truth(start: Start, api: str, cap: int, sort: str) -> None:
    client = start("truth_table", api=api, page_cap=cap, sort=sort)

    def listing(**params: object) -> list[str]:
        ids: list[str] = []
        following = 1
        while following != -1:
            page = client.query(number=500, start=following, **params)
            ids += page["results"]
            following = page["nextStart"]
        assert len(ids) == page["total"]
        return ids

    everything = client.site.truth({"service": PUBLISHING})
    assert set(listing()) == {job["job_id"] for job in everything}
    users, words = [None, "user1", "user2"], [None, *FILTER_WORDS]
    for user, word in itertools.product(users, words) if cap > 1 else [("user1", "esriJobSucceeded")]:
        params = {**({"userName": user} if user else {}), **({"jobStatus": word} if word else {})}
        expected = {
            job["job_id"]
            for job in everything
            if (user is None or job["user"] == user) and (word is None or FILTER_WORDS[word].canonical == job["status"])
        }
        ids = listing(**params)
        assert len(ids) == len(set(ids))
        assert set(ids) == expected


def test_order(start: Start) -> None:
    client = start(THREE)
    assert list(client.query()["results"]) == ["j3", "j2", "j1"]
    client.site.switches.sort = "oldest"
    assert list(client.query()["results"]) == ["j1", "j2", "j3"]
    client.site.switches.sort = "random"
    pages = [next(iter(client.query(number=1, start=place)["results"])) for place in (1, 2, 3)]
    assert set(pages) == PRESENT


def test_form_post_is_taken(start: Start, api: str) -> None:
    client = start(THREE, api=api)
    path = f"admin/services/{PUBLISHING}/jobs/query"
    assert set(client.post(path, jobStatus="esriJobWaiting")["results"]) == {"j3"}


@pytest.mark.parametrize(
    ("kind", "low", "high", "expected"),
    [
        ("submitted", -85, -5, {"j2", "j3"}),
        ("started", -40, -20, {"j2"}),
        ("ended", -70, -50, {"j1"}),
        ("overlaps", -55, -20, {"j2"}),
        ("overlaps", -70, 0, PRESENT),
    ],
)
def test_time_window(start: Start, api: str, kind: str, low: int, high: int, expected: set[str]) -> None:
    client = start(THREE, api=api, time_window=kind)
    unit = 1000 if api == "server" else 1
    base = NOON // 1000
    assert client.found(startTime=(base + low) * unit, endTime=(base + high) * unit) == expected


def test_time_forms(start: Start) -> None:
    client = start(THREE)
    assert client.found(startTime="2023-11-14T22:13:05") == {"j3"}  # UTC: 15 s before the clock
    assert client.found(startTime=(NOON - 15_000) // 1000) == {"j3"}
    assert refused(client.query(startTime="yesterday"))
    client.site.switches.time_unit = "ms"
    assert client.found(startTime=NOON - 15_000) == {"j3"}
    client.site.switches.time_filter = "ignored"
    assert client.found(startTime=NOON) == PRESENT


def test_whole_seconds_compare_as_seconds(start: Start) -> None:
    client = start(jobs({"id": "j1", "submitted": NOON - 5_000 + 400, "status": "waiting"}))
    second = NOON // 1000 - 5
    assert client.found(startTime=second, endTime=second) == {"j1"}


def test_server_takes_no_timestamp(start: Start) -> None:
    assert refused(start(THREE, api="server").query(startTime="2023-11-14T22:13:05"))


def test_start_time_required(start: Start) -> None:
    client = start(THREE, api="server", start_time_required="error")
    assert refused(client.query())
    assert refused(client.query(startTime=""))
    assert client.found(startTime=1) == PRESENT
    client.site.switches.start_time_required = "empty"
    assert client.query()["total"] == 0


def test_end_needs_start(start: Start, api: str) -> None:
    client = start(THREE, api=api, end_needs_start=True)
    assert refused(client.query(endTime=1))
    assert client.found(startTime="", endTime="") == PRESENT


def test_job_status_required(start: Start) -> None:
    client = start(THREE, job_status_required=True)
    assert refused(client.query())
    client.site.switches.job_status_required = "empty"
    assert client.query()["total"] == 0
    assert client.found(jobStatus="esriJobWaiting") == {"j3"}


def test_empty_job_status(start: Start) -> None:
    client = start(THREE)
    assert client.found(jobStatus="") == PRESENT
    client.site.switches.empty_job_status = "error"
    assert refused(client.query(jobStatus=""))
    client.site.switches.empty_job_status = "nothing"
    assert client.query(jobStatus="")["total"] == 0
    assert client.found() == PRESENT


def test_unknown_filter_word(start: Start, api: str) -> None:
    client = start(THREE, api=api)
    for word in ("esriJobTimedOut", "Waiting", "esriJobNonsense", "esriJobWaiting,esriJobExecuting"):
        assert refused(client.query(jobStatus=word))
    client.site.switches.unknown_filter_word = "ignore"
    assert client.found(jobStatus="Waiting") == PRESENT
    client.site.switches.unknown_filter_word = "nothing"
    assert client.found(jobStatus="Waiting") == set()
    assert client.found(jobStatus=["Waiting", "esriJobWaiting"]) == {"j3"}


def test_several_statuses(start: Start) -> None:
    client = start(THREE)
    words = ["esriJobWaiting", "esriJobExecuting"]
    assert client.found(jobStatus=words) == {"j2", "j3"}
    assert client.query(jobStatus=words)["query"]["status"] == words
    client.site.switches.several_statuses = "first_only"
    assert client.found(jobStatus=words) == {"j3"}
    assert client.query(jobStatus=words)["query"]["status"] == words[:1]
    client.site.switches.several_statuses = "last_only"
    assert client.found(jobStatus=words) == {"j2"}


def test_filters_that_do_nothing(start: Start) -> None:
    client = start(THREE, api="server", status_filter="ignored", user_filter="ignored", machine_filter="ignored")
    body = client.query(jobStatus="esriJobWaiting", userName="user2", machineName="OTHER")
    assert set(body["results"]) == PRESENT
    assert body["query"]["status"] == ""


def test_status_parameter(start: Start) -> None:
    client = start(THREE, api="server")
    assert client.found(status="esriJobWaiting") == PRESENT  # as the documents have it
    client.site.switches.status_parameter = "both"
    assert client.found(status="esriJobWaiting") == {"j3"}


def test_user_and_machine(start: Start, api: str) -> None:
    client = start(THREE, api=api)
    assert client.found(userName="user2") == {"j3"}
    assert client.found(userName="USER2") == set()
    assert client.found(userName="null") == set()
    client.site.switches.anonymous_filter = "null_word"
    assert client.found(userName="null") == {"j2"}
    expected = {"j3"} if api == "server" else PRESENT  # the kubernetes dialect knows no machines
    assert client.found(machineName="OTHER") == expected


# -- pages -------------------------------------------------------------------------------------------------------


def test_page_sizes(start: Start, api: str) -> None:
    client = start(jobs({"status": "succeeded", "count": 25}), api=api)
    body = client.query()
    assert (len(body["results"]), body["num"], body["nextStart"]) == (10, 10, 11)
    client.site.switches.default_number = 4
    assert len(client.query()["results"]) == 4
    client.site.switches.page_cap = 7
    body = client.query(number=20)
    assert (len(body["results"]), body["num"], body["nextStart"]) == (7, 20, 8)
    client.site.switches.num = "applied"
    assert client.query(number=20)["num"] == 7
    client.site.switches.num = "missing"
    assert "num" not in client.query()
    assert refused(client.query(number="many"))


def test_start_past_end(start: Start, api: str) -> None:
    client = start(jobs({"status": "succeeded", "count": 25}), api=api)
    body = client.query(start=26)
    assert (body["results"], body["nextStart"], body["total"]) == ({}, -1, 25)
    client.site.switches.start_past_end = "error"
    assert refused(client.query(start=26))
    assert client.query(start=25)["total"] == 25
    client.site.switches.start_past_end = "last_page"
    body = client.query(start=31)
    assert (len(body["results"]), body["start"]) == (5, 21)


def test_an_empty_listing_is_no_error(start: Start) -> None:
    client = start(jobs(), start_past_end="error")
    assert client.query()["results"] == {}


def test_next_start_at_end(start: Start) -> None:
    client = start(THREE)
    for value, expected in (("-1", -1), ("0", 0), ("equal", 1), ("missing", None)):
        client.site.switches.next_start_at_end = value
        assert client.query().get("nextStart") == expected


def test_next_start_that_lies(start: Start) -> None:
    client = start(THREE)
    for value, expected in (("honest", 3), ("stuck", 1), ("too_far", 4), ("missing", None)):
        client.site.switches.next_start = value
        assert client.query(number=2).get("nextStart") == expected


def test_totals_that_lie(start: Start) -> None:
    client = start(THREE)
    for value, expected in (("true", 3), ("too_high", 6), ("too_low", 0), ("negative", -1), ("string", "3")):
        client.site.switches.total = value
        assert client.query()["total"] == expected
    client.site.switches.total = "missing"
    assert "total" not in client.query()


# -- the answer --------------------------------------------------------------------------------------------------


def test_status_spelling(start: Start, api: str) -> None:
    client = start(THREE, api=api)
    assert client.query()["results"]["j3"] == ("Waiting" if api == "kubernetes" else "esriJobWaiting")
    for spelling, word in (("stripped", "Waiting"), ("esri", "esriJobWaiting"), ("upper", "WAITING"), ("number", 2)):
        client.site.switches.status_spelling = spelling
        assert client.query()["results"]["j3"] == word


def test_a_word_that_nobody_knows(start: Start) -> None:
    client = start(jobs({"id": "j1", "status": "unknown", "word": "esriJobHibernating"}))
    assert client.query()["results"] == {"j1": "esriJobHibernating"}


def test_results_form(start: Start, api: str) -> None:
    client = start(THREE, api=api)
    forms = {}
    for form in ("objects", "list_of_ids", "list_of_objects", "nulls"):
        client.site.switches.results_form = form
        forms[form] = client.query()["results"]
    assert forms["list_of_ids"] == ["j3", "j2", "j1"]
    assert forms["nulls"] == {"j1": None, "j2": None, "j3": None}
    assert forms["objects"]["j2"]["userName"] is None
    assert [item["jobId"] for item in forms["list_of_objects"]] == ["j3", "j2", "j1"]
    unit = 1000 if api == "kubernetes" else 1
    assert forms["objects"]["j1"]["endTime"] == (NOON - 60_000) // unit


def test_echo(start: Start) -> None:
    client = start(THREE, echo="none")
    assert "query" not in client.query()
    client.site.switches.update({"echo": "as_sent", "status_filter": "ignored"})
    body = client.query(jobStatus="esriJobWaiting")
    assert body["query"]["status"] == ["esriJobWaiting"]
    assert body["total"] == 3


# -- services without jobs ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("switch", "service"),
    [
        ("unknown_service", "System/Nothing.GPServer"),
        ("unknown_service", "Nowhere/Nothing.GPServer"),
        ("unknown_service", "Nothing.GPServer"),
        ("sync_service_jobs", "Analysis/QuickLook.GPServer"),
        ("stopped_service_jobs", "Analysis/Stopped.GPServer"),
    ],
)
def test_services_without_jobs(start: Start, api: str, switch: str, service: str) -> None:
    client = start("truth_table", api=api, **{switch: "error"})
    assert client.query(service)["status"] == "error"
    client.site.switches[switch] = "empty"
    body = client.query(service)
    assert (body["total"], body["results"]) == (0, {})


def test_a_stopped_service_keeps_its_jobs(start: Start) -> None:
    assert start("truth_table").query("Analysis/Stopped.GPServer")["total"] == 2


def test_names_with_blanks_and_letters(start: Start, api: str) -> None:
    client = start("truth_table", api=api)
    assert client.query("Straßen und Wege/Route berechnen.GPServer", userName="müller")["total"] == 6
    assert client.query("Buffer.GPServer")["total"] == 4
    assert client.query("Maps/Test.MapServer")["total"] == 3


# -- jobs that change while somebody asks ------------------------------------------------------------------------


def test_jobs_step_back(start: Start) -> None:
    client = start(THREE, jobs_step_back=True)
    assert client.found(jobStatus="esriJobWaiting") == {"j3"}
    assert client.found(jobStatus="esriJobExecuting") == set()
    assert client.found(jobStatus="esriJobWaiting") == {"j2", "j3"}
    client.site.clock.advance(31_000)
    assert client.found(jobStatus="esriJobExecuting") == {"j2"}  # once a job
    client.site.switches.jobs_step_back = "always"
    assert client.found(jobStatus="esriJobExecuting") == set()


def page_through(client: Client) -> list[str]:
    ids: list[str] = []
    following = 1
    while following != -1:
        page = client.query(number=5, start=following)
        ids += page["results"]
        following = page["nextStart"]
    return ids


@pytest.mark.parametrize("sort", ["newest", "oldest"])
def test_arrivals_while_paging(start: Start, sort: str) -> None:
    scenario = jobs({"status": "succeeded", "count": 20, "every": "1s", "submitted": NOON - 60_000})
    scenario["arrivals"] = [{"service": PUBLISHING, "count": 3, "status": "executing", "user": "late"}]
    client = start(scenario, sort=sort)
    ids = page_through(client)
    assert client.query()["total"] == 23
    assert set(ids) >= client.truth(status="succeeded")
    # Newest first, every arrival pushes a job of the last page onto the next one.
    assert (len(ids) - len(set(ids)) == 3) is (sort == "newest")


def test_departures_and_moves(start: Start) -> None:
    client = start(THREE)
    client.control("POST", "/arrivals", {"service": PUBLISHING, "action": "leave", "where": "oldest"})
    move = {"service": PUBLISHING, "action": "move", "from": "waiting", "to": "executing", "before": True,
            "every_requests": 2}  # fmt: skip
    client.control("POST", "/arrivals", move)
    assert client.query()["results"] == {"j3": "Waiting", "j2": "Executing", "j1": "Succeeded"}
    assert client.query()["results"] == {"j3": "Executing", "j2": "Executing"}
