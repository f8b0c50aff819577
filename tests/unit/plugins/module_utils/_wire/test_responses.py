# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a body tells of jobs and services: every form that the wire reference allows, and nothing read in its favour."""

from __future__ import annotations

import contextlib
import json
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.gisops.arcgis.plugins.module_utils._errors import GpError, NotUnderstood
from ansible_collections.gisops.arcgis.plugins.module_utils._services import Service
from ansible_collections.gisops.arcgis.plugins.module_utils._statuses import normalise
from ansible_collections.gisops.arcgis.plugins.module_utils._wire import responses

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=8,
)


# --- pages -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("results", "jobs"),
    [
        ({}, {}),
        ([], {}),
        ({"j1": "Succeeded", "j2": "esriJobFailed"}, {"j1": "Succeeded", "j2": "esriJobFailed"}),
        ({"j1": None, "j2": 4}, {"j1": None, "j2": 4}),
        ({"j1": {"jobStatus": "Failed", "submittedTime": 1}}, {"j1": "Failed"}),
        ({"j1": {"status": None, "status_code": 5}}, {"j1": 5}),
        ({"j1": {"submittedTime": 1}}, {"j1": None}),
        (["j1", "j2"], {"j1": None, "j2": None}),
        (
            [{"jobId": "j1", "status": "Failed"}, {"job_id": "j2"}, {"jobID": "j3"}],
            {"j1": "Failed", "j2": None, "j3": None},
        ),
        ([{"id": "j1", "jobStatus": "New"}], {"j1": "New"}),
    ],
)
def test_every_form_of_results(results: t.Any, jobs: dict[str, t.Any]) -> None:
    assert responses.parse_page({"total": len(jobs), "results": results}, "x").jobs == jobs


@pytest.mark.parametrize("results", [None, "", "none", 0, 5, True, [None], [5], [{}], [{"jobId": 5}], [[]], [""]])
def test_results_that_are_not_jobs_are_never_no_jobs(results: t.Any) -> None:
    with pytest.raises(NotUnderstood, match="This is not read as 'no jobs'"):
        responses.parse_page({"total": 0, "results": results}, "GET https://h/x")


@pytest.mark.parametrize("body", [{}, {"total": 0}, {"total": 0, "Results": {}}, {"status": "success"}])
def test_a_body_without_results_is_never_no_jobs(body: dict[str, t.Any]) -> None:
    with pytest.raises(NotUnderstood) as caught:
        responses.parse_page(body, "GET https://h/x")
    assert caught.value.transient
    assert "GET https://h/x" in str(caught.value)


@pytest.mark.parametrize("total", [None, -1, "-1", "many", 1.0, True, False, [], {}, "9" * 50])
def test_a_total_that_cannot_be_counted_on(total: t.Any) -> None:
    with pytest.raises(NotUnderstood, match="no usable 'total'"):
        responses.parse_page({"total": total, "results": {}}, "x")


@pytest.mark.parametrize(
    ("next_start", "expected"),
    [(-1, -1), (11, 11), ("11", 11), (0, 0), (None, None), ("end", None), (True, None), ([], None), (1.5, None)],
)
def test_next_start(next_start: t.Any, expected: int | None) -> None:
    page = responses.parse_page({"total": "7", "results": {}, "nextStart": next_start}, "x")
    assert (page.next_start, page.total) == (expected, 7)


@pytest.mark.parametrize(
    ("query", "echo"),
    [
        ({"serviceName": "B", "status": ["esriJobFailed"]}, {"serviceName": "B", "status": ["esriJobFailed"]}),
        ({"token": "T0ken", "Password": "S3cret", "userName": None}, {"userName": None}),
        ({"status": {"a": {}}, "x": [["y"], 1]}, {"status": "(nested)", "x": ["(nested)", 1]}),
        (None, {}),
        ("status=esriJobFailed", {}),
    ],
)
def test_the_echo_of_the_query(query: t.Any, echo: dict[str, t.Any]) -> None:
    page = responses.parse_page({"total": 0, "results": {}, "query": query, "start": "4", "num": 10}, "x")
    assert (page.echo, page.start, page.num) == (echo, 4, 10)


@pytest.mark.parametrize(
    "results",
    [
        {"j1": ["Succeeded", "Executing"]},
        {"j1": ["Succeeded"]},
        {"j1": {"status": "Succeeded", "Status": "Executing"}},
        {"j1": {"status": "Succeeded", "status_code": 3}},
        {"j1": {"status": {"status": "Succeeded"}}},
        {"j1": {"status": ["Succeeded"]}},
        {"j1": 4.0},
        [{"jobId": "j1", "status": "Succeeded"}, {"jobId": "j1", "status": "Executing"}],
        [{"jobId": "j1", "status": "Succeeded"}, {"jobId": "j1"}],
    ],
    ids=str,
)
def test_a_job_of_which_two_things_are_said_has_no_known_status(results: t.Any) -> None:
    """So that it counts as active."""
    word = responses.parse_page({"total": 1, "results": results}, "x").jobs["j1"]
    assert normalise(word) == "unknown"
    assert isinstance(word, (str, int))


def test_a_job_of_which_the_same_is_said_twice() -> None:
    results = [
        {"jobId": "j1", "status": "Succeeded", "jobStatus": "esriJobSucceeded", "status_code": 4},
        {"jobId": "j1", "status": 4},
    ]
    assert normalise(responses.parse_page({"total": 1, "results": results}, "x").jobs["j1"]) == "succeeded"


def test_details_that_contradict_themselves() -> None:
    job = responses.parse_job({"jobId": "j1", "status": "Succeeded", "Status": "Executing"}, "x")
    assert normalise(job.word) == "unknown"


@pytest.mark.parametrize("status", ["partial", "warning", "", ["success", "error"], 0])
def test_a_page_with_a_status_that_is_no_success(status: t.Any) -> None:
    with pytest.raises(NotUnderstood, match="no success"):
        responses.parse_page({"total": 0, "results": {}, "status": status}, "x")


@given(st.dictionaries(st.sampled_from(["total", "results", "nextStart", "query", "status"]), JSON))
def test_any_body_is_a_page_or_an_error_of_ours(body: dict[str, t.Any]) -> None:
    try:
        page = responses.parse_page(body, "x")
    except GpError:
        return
    assert page.total >= 0
    assert isinstance(body["results"], (dict, list))
    assert len(page.jobs) <= len(body["results"])
    json.dumps(page.echo)


# --- single jobs -------------------------------------------------------------------------------------------------

DOCUMENTED_ENTERPRISE = {
    "status_code": 4,
    "job_id": "j0550714f334d4114af9f7a5d05cb145e",
    "service_id": "sfbsgf2p3tqnjn3s0h1m8",
    "job_created": 1637004585,
    "job_execution_start": 1637004590,
    "job_execution_end": 1637004594,
    "url": "https://organization.example.com/context/rest/services/System/PublishingTools",
}
DOCUMENTED_SERVER = {
    "jobId": "j290c2d4e60364xx2a0c735fb9b68428a",
    "submittedTime": 1523033824000,
    "endTime": 1523033841000,
    "status": "esriJobSucceeded",
    "username": None,
    "machinename": "server.domain.com",
    "url": "https://machine.domain.com/webadaptor/admin/services/Maps/Test.MapServer/jobs/j290c2d4e60364xx2a0c735fb9b68428a",
}


def test_the_documented_job_of_the_enterprise_api() -> None:
    job = responses.parse_job({**DOCUMENTED_ENTERPRISE, "status": "Succeeded", "userName": "user1"}, "x")
    assert (job.word, job.user_name, job.machine_name) == ("Succeeded", "user1", None)
    assert (job.submitted, job.started, job.ended) == (1637004585, 1637004590, 1637004594)
    assert responses.parse_job(DOCUMENTED_ENTERPRISE, "x").word == 4


def test_the_documented_job_of_the_server_api() -> None:
    job = responses.parse_job(DOCUMENTED_SERVER, "x")
    assert (job.job_id, job.word) == ("j290c2d4e60364xx2a0c735fb9b68428a", "esriJobSucceeded")
    assert (job.user_name, job.machine_name) == (None, "server.domain.com")
    assert (job.submitted, job.started, job.ended) == (1523033824, None, 1523033841)


@pytest.mark.parametrize("end", [None, 0, -1, "", "0"])
def test_a_job_that_has_not_ended(end: t.Any) -> None:
    assert responses.parse_job({"jobID": "j1", "status": "x", "endTime": end}, "x").ended is None


@pytest.mark.parametrize(
    "body", [{}, {"jobId": "j1"}, {"status": "Failed"}, {"jobId": 5, "status": "x"}, {"jobId": None}]
)
def test_what_is_not_a_job(body: dict[str, t.Any]) -> None:
    with pytest.raises(NotUnderstood, match="not a job"):
        responses.parse_job(body, "x")


@given(JSON, JSON, JSON)
def test_any_details_are_a_job_or_an_error_of_ours(status: t.Any, user: t.Any, end: t.Any) -> None:
    try:
        job = responses.parse_job({"jobId": "j1", "status": status, "user": user, "endTime": end}, "x")
    except GpError:
        assert status is None
        return
    assert job.job_id == "j1"
    assert job.user_name is None or isinstance(job.user_name, str)


# --- folders, services, tasks, messages --------------------------------------------------------------------------


def test_folders_of_both_dialects() -> None:
    body = {
        "folderName": "/",
        "folders": ["System", "/", "", "Maps"],
        "services": [
            {"folderName": "/", "serviceName": "Buffer", "type": "GPServer", "description": "x"},
            {"serviceName": "City", "serviceType": "MapServer", "provider": "DMaps"},
            {"serviceName": "Clip", "type": "gpserver"},
            {"serviceName": "Cut", "type": "GPServer "},
        ],
    }
    services, folders = responses.parse_folder(body, "", "x")
    assert services == [
        Service("", "Buffer"),
        Service("", "City", "MapServer"),
        Service("", "Clip"),
        Service("", "Cut"),
    ]
    assert folders == ["System", "Maps"]
    assert responses.parse_folder({"services": []}, "Maps", "x") == ([], [])


@pytest.mark.parametrize(
    "body", [{}, {"services": None}, {"services": {}}, {"services": ["Buffer"]}, {"services": [{"serviceName": "A"}]}]
)
def test_a_folder_that_cannot_be_read_is_never_an_empty_one(body: dict[str, t.Any]) -> None:
    with pytest.raises(NotUnderstood, match="list of services"):
        responses.parse_folder(body, "", "GET https://h/x")


@pytest.mark.parametrize("folders", [{}, {"folders": None}, {"folders": "Maps"}, {"folders": [["Maps"]]}])
def test_a_root_that_lists_no_folders_is_not_a_site_without_any(folders: dict[str, t.Any]) -> None:
    with pytest.raises(NotUnderstood, match="list of folders"):
        responses.parse_folder({"services": [], **folders}, "", "GET https://h/x")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"properties": {"executionType": "Synchronous"}}, True),
        ({"properties": {"executionType": "Asynchronous"}}, False),
        ({"executionType": "esriExecutionTypeSynchronous"}, True),
        ({"executionType": "esriExecutionTypeAsynchronous"}, False),
        ({"properties": {}}, None),
        ({"properties": None}, None),
        ({}, None),
        ({"executionType": 5}, None),
    ],
)
def test_synchronous_services(body: dict[str, t.Any], says: bool | None) -> None:
    assert responses.is_synchronous(body) is says


@pytest.mark.parametrize(("body", "tasks"), [({"tasks": ["A", [[]]]}, ["A"]), ({"tasks": None}, []), ({}, [])])
def test_tasks(body: dict[str, t.Any], tasks: list[str]) -> None:
    assert responses.parse_tasks(body) == tasks


def test_messages() -> None:
    body = {
        "messages": [
            {"type": "esriJobMessageTypeInformative", "description": "Submitted."},
            {"type": "esriJobMessageTypeError", "description": "ERROR 000732"},
            "odd",
            {},
        ]
    }
    assert responses.parse_messages(body) == [
        {"type": "informative", "text": "Submitted."},
        {"type": "error", "text": "ERROR 000732"},
        {"type": "", "text": ""},
    ]
    assert responses.parse_messages({}) == responses.parse_messages({"messages": "x"}) == []


@given(
    st.dictionaries(st.sampled_from(["messages", "tasks", "services", "folders", "properties", "executionType"]), JSON)
)
def test_any_description_is_read_or_an_error_of_ours(body: dict[str, t.Any]) -> None:
    json.dumps([responses.parse_messages(body), responses.parse_tasks(body), responses.is_synchronous(body)])
    with contextlib.suppress(NotUnderstood):
        responses.parse_folder(body, "", "x")
