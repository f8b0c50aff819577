# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The two dialects: addresses, parameters, and every form of an answer that the wire reference allows."""

from __future__ import annotations

import contextlib
import json
import typing as t
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.gisops.arcgis.plugins.module_utils._errors import BadOption, GpError, NotUnderstood
from ansible_collections.gisops.arcgis.plugins.module_utils._services import Service
from ansible_collections.gisops.arcgis.plugins.module_utils._wire import dialects as _api
from ansible_collections.gisops.arcgis.plugins.module_utils._wire.dialects import DIALECTS, Ask, Roots

SITE = Roots("https://gis.example.com/arcgis")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=8,
)


# --- addresses ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "context"),
    [
        ("https://gis.example.com/arcgis", "https://gis.example.com/arcgis"),
        (" https://gis.example.com/arcgis/ ", "https://gis.example.com/arcgis"),
        ("HTTPS://GIS.example.com:443/arcgis", "https://gis.example.com/arcgis"),
        ("https://gis.example.com:6443/arcgis/admin", "https://gis.example.com:6443/arcgis"),
        ("https://gis.example.com/arcgis/admin/services?f=json#x", "https://gis.example.com/arcgis"),
        ("https://gis.example.com/arcgis/rest/services/Maps/Test/MapServer", "https://gis.example.com/arcgis"),
        ("https://gis.example.com/arcgis/sharing/rest", "https://gis.example.com/arcgis"),
        ("https://gis.example.com/arcgis/manager/site.html", "https://gis.example.com/arcgis"),
        ("https://gis.example.com/portal/home/index.html", "https://gis.example.com/portal"),
        ("https://gis.example.com//arcgis//rest/", "https://gis.example.com/arcgis"),
        ("https://gis.example.com/admin", "https://gis.example.com"),
        ("https://gis.example.com", "https://gis.example.com"),
        ("https://[2001:db8::1]:6443/arcgis", "https://[2001:db8::1]:6443/arcgis"),
        ("https://gis.example.com/restaurant", "https://gis.example.com/restaurant"),
    ],
)
def test_roots(url: str, context: str) -> None:
    roots = _api.roots(url)
    assert roots.context == context
    assert (roots.admin, roots.rest, roots.sharing) == (
        f"{context}/admin",
        f"{context}/rest",
        f"{context}/sharing/rest",
    )
    assert _api.roots(roots.admin) == _api.roots(roots.rest) == roots


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://gis.example.com:6080/arcgis", ["http://", "in clear", "Use https://", "6443, not 6080"]),
        ("http://gis.example.com/arcgis", ["Use https://", "not 80"]),
        ("gis.example.com/arcgis", ["'gis.example.com/arcgis' is not an https address", "https://gis.example.com"]),
        ("ftp://gis.example.com/x", ["is not an https address"]),
        ("https:///arcgis", ["is not an https address"]),
        ("https://gis.example.com:port/arcgis", ["is not an address"]),
        ("https://gis.example.com:99999/arcgis", ["is not an address"]),
        ("https://[gis/arcgis", ["is not an address"]),
        ("https://me:S3cret@gis.example.com/arcgis", ["holds a user name or password", "username and password"]),
    ],
)
def test_addresses_that_are_refused(url: str, words: list[str]) -> None:
    with pytest.raises(BadOption) as caught:
        _api.roots(url)
    message = str(caught.value)
    assert all(word in message for word in ["option url", *words]), message
    assert "S3cret" not in message
    assert caught.value.failure["cure"]


def test_a_password_in_an_address_without_a_scheme_is_not_shown() -> None:
    with pytest.raises(BadOption) as caught:
        _api.roots("me:S3cret@gis.example.com/arcgis")
    assert "S3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://me:pw@h:1/a;b?token=x#y", "https://h:1/a;b"),
        ("https://h/a", "https://h/a"),
        ("/a?token=x", "/a"),
        ("https://[h?token=x", "(an address that cannot be read)"),
    ],
)
def test_safe_url(url: str, safe: str) -> None:
    assert _api.safe_url(url) == safe


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://H.example/x", ("https", "h.example", 443)),
        ("http://h:8080", ("http", "h", 8080)),
        ("//h/x", ("", "h", None)),
        ("nonsense", ("", "", None)),
    ],
)
def test_origin(url: str, origin: tuple[str, str, int | None]) -> None:
    assert _api.origin(url) == origin


@pytest.mark.parametrize("url", ["https://h:port/", "https://h:99999/", "https://[h/"])
def test_an_address_that_cannot_be_read_has_no_origin(url: str) -> None:
    assert _api.origin(url) != _api.origin("https://h/")


ODD_NAMES = st.text(st.characters(exclude_characters="/", exclude_categories=["Cs"]), min_size=1, max_size=10)


@given(ODD_NAMES, ODD_NAMES)
def test_names_are_quoted_a_segment_each(folder: str, name: str) -> None:
    """Neither a blank nor a question mark nor a hash in a name ends the path."""
    service = Service(folder, name)
    for url, segments in (
        (_api.service_url(SITE, service), ["arcgis", "admin", "services", folder, f"{name}.GPServer"]),
        (_api.rest_service_url(SITE, service), ["arcgis", "rest", "services", folder, name, "GPServer"]),
        (_api.folder_url(SITE, folder), ["arcgis", "admin", "services", folder]),
    ):
        parts = urlsplit(url)
        assert [unquote(part) for part in parts.path.split("/")[1:]] == segments
        assert (parts.query, parts.fragment) == ("", "")


def test_root_services_have_no_folder_segment() -> None:
    assert _api.service_url(SITE, Service("", "Buffer")) == f"{SITE.admin}/services/Buffer.GPServer"
    assert _api.rest_service_url(SITE, Service("", "Buffer")) == f"{SITE.rest}/services/Buffer/GPServer"
    assert _api.folder_url(SITE, "") == f"{SITE.admin}/services"


# --- parameters --------------------------------------------------------------------------------------------------


def _parameters(
    api: str, ask: Ask, floor: bool = False, milliseconds: bool | None = None
) -> dict[str, str | list[str]]:
    dialect = DIALECTS[api]
    unit = dialect.milliseconds if milliseconds is None else milliseconds
    return _api.parameters(dialect, ask, start=11, number=10, milliseconds=unit, floor=floor)


BASE = {"f": "json", "start": "11", "number": "10"}


@pytest.mark.parametrize(
    ("api", "ask", "more"),
    [
        ("kubernetes", Ask(), {}),
        ("server", Ask(), {"startTime": ""}),
        ("kubernetes", Ask(("failed",)), {"jobStatus": ["esriJobFailed"]}),
        ("kubernetes", Ask(start_time=1637004590.7), {"startTime": "1637004590"}),
        ("server", Ask(start_time=1566379810.0), {"startTime": "1566379810000"}),
        ("kubernetes", Ask(end_time=1637004590.0), {"startTime": "1", "endTime": "1637004590"}),
        ("server", Ask(end_time=1566423010.0), {"startTime": "1", "endTime": "1566423010000"}),
        ("server", Ask(user_name="müller"), {"startTime": "", "userName": "müller"}),
        ("server", Ask(machine_name="M.D"), {"startTime": "", "machineName": "M.D"}),
    ],
)
def test_parameters(api: str, ask: Ask, more: dict[str, str]) -> None:
    assert _parameters(api, ask) == {**BASE, **more}


def test_a_floor_is_a_start_time_that_means_all() -> None:
    assert _parameters("server", Ask(), floor=True) == {**BASE, "startTime": "1"}
    assert _parameters("kubernetes", Ask(), floor=True) == {**BASE, "startTime": "1"}
    assert _parameters("server", Ask(start_time=5.0), floor=True)["startTime"] == "5000"


def test_the_unit_of_times_is_the_callers() -> None:
    assert _parameters("server", Ask(start_time=5.0), milliseconds=False)["startTime"] == "5"
    assert _parameters("kubernetes", Ask(start_time=5.0), milliseconds=True)["startTime"] == "5000"


def test_no_parameter_is_a_secret() -> None:
    everything = Ask(("failed",), 1.0, 2.0, "u", "m")
    assert "token" not in {name.lower() for name in _parameters("server", everything)}


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
    assert _api.parse_page({"total": len(jobs), "results": results}, "x").jobs == jobs


@pytest.mark.parametrize("results", [None, "", "none", 0, 5, True, [None], [5], [{}], [{"jobId": 5}], [[]], [""]])
def test_results_that_are_not_jobs_are_never_no_jobs(results: t.Any) -> None:
    with pytest.raises(NotUnderstood, match="This is not read as 'no jobs'"):
        _api.parse_page({"total": 0, "results": results}, "GET https://h/x")


@pytest.mark.parametrize("body", [{}, {"total": 0}, {"total": 0, "Results": {}}, {"status": "success"}])
def test_a_body_without_results_is_never_no_jobs(body: dict[str, t.Any]) -> None:
    with pytest.raises(NotUnderstood) as caught:
        _api.parse_page(body, "GET https://h/x")
    assert caught.value.transient
    assert "GET https://h/x" in str(caught.value)


@pytest.mark.parametrize("total", [None, -1, "-1", "many", 1.0, True, False, [], {}, "9" * 50])
def test_a_total_that_cannot_be_counted_on(total: t.Any) -> None:
    with pytest.raises(NotUnderstood, match="no usable 'total'"):
        _api.parse_page({"total": total, "results": {}}, "x")


@pytest.mark.parametrize(
    ("next_start", "expected"),
    [(-1, -1), (11, 11), ("11", 11), (0, 0), (None, None), ("end", None), (True, None), ([], None), (1.5, None)],
)
def test_next_start(next_start: t.Any, expected: int | None) -> None:
    page = _api.parse_page({"total": "7", "results": {}, "nextStart": next_start}, "x")
    assert (page.next_start, page.total) == (expected, 7)


@pytest.mark.parametrize(
    ("query", "echo", "statuses"),
    [
        ({"serviceName": "B", "status": ["esriJobFailed"]}, True, ["failed"]),
        ({"status": "esriJobFailed,esriJobNew"}, True, ["failed", "new"]),
        ({"jobStatus": "Executing"}, True, ["executing"]),
        ({"status": ""}, True, None),
        ({"status": []}, True, None),
        ({}, True, None),
        (None, False, None),
        ("status=esriJobFailed", False, None),
        ({"status": ["gibberish"]}, True, ["unknown"]),
    ],
)
def test_the_echo_of_the_query(query: t.Any, echo: bool, statuses: list[str] | None) -> None:
    page = _api.parse_page({"total": 0, "results": {}, "query": query}, "x")
    assert page.echo == (query if echo else {})
    assert _api.echoed_statuses(page.echo) == statuses


@given(st.dictionaries(st.sampled_from(["total", "results", "nextStart", "query", "status"]), JSON))
def test_any_body_is_a_page_or_an_error_of_ours(body: dict[str, t.Any]) -> None:
    try:
        page = _api.parse_page(body, "x")
    except GpError:
        return
    assert page.total >= 0
    assert isinstance(body["results"], (dict, list))
    assert len(page.jobs) <= len(body["results"])
    _api.echoed_statuses(page.echo)


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
    job = _api.parse_job({**DOCUMENTED_ENTERPRISE, "status": "Succeeded", "userName": "user1"}, "x")
    assert (job.word, job.user_name, job.machine_name) == ("Succeeded", "user1", None)
    assert (job.submitted, job.started, job.ended) == (1637004585, 1637004590, 1637004594)
    assert _api.parse_job(DOCUMENTED_ENTERPRISE, "x").word == 4


def test_the_documented_job_of_the_server_api() -> None:
    job = _api.parse_job(DOCUMENTED_SERVER, "x")
    assert (job.job_id, job.word) == ("j290c2d4e60364xx2a0c735fb9b68428a", "esriJobSucceeded")
    assert (job.user_name, job.machine_name) == (None, "server.domain.com")
    assert (job.submitted, job.started, job.ended) == (1523033824, None, 1523033841)


@pytest.mark.parametrize("end", [None, 0, -1, "", "0"])
def test_a_job_that_has_not_ended(end: t.Any) -> None:
    assert _api.parse_job({"jobID": "j1", "status": "x", "endTime": end}, "x").ended is None


@pytest.mark.parametrize(
    "body", [{}, {"jobId": "j1"}, {"status": "Failed"}, {"jobId": 5, "status": "x"}, {"jobId": None}]
)
def test_what_is_not_a_job(body: dict[str, t.Any]) -> None:
    with pytest.raises(NotUnderstood, match="not a job"):
        _api.parse_job(body, "x")


@given(JSON, JSON, JSON)
def test_any_details_are_a_job_or_an_error_of_ours(status: t.Any, user: t.Any, end: t.Any) -> None:
    try:
        job = _api.parse_job({"jobId": "j1", "status": status, "user": user, "endTime": end}, "x")
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
        ],
    }
    services, folders = _api.parse_folder(body, "", "x")
    assert services == [Service("", "Buffer"), Service("", "City", "MapServer")]
    assert folders == ["System", "Maps"]
    assert _api.parse_folder({"services": []}, "Maps", "x") == ([], [])


@pytest.mark.parametrize(
    "body", [{}, {"services": None}, {"services": {}}, {"services": ["Buffer"]}, {"services": [{"serviceName": "A"}]}]
)
def test_a_folder_that_cannot_be_read_is_never_an_empty_one(body: dict[str, t.Any]) -> None:
    with pytest.raises(NotUnderstood, match="list of services"):
        _api.parse_folder(body, "", "GET https://h/x")


@pytest.mark.parametrize("folders", [{}, {"folders": None}, {"folders": "Maps"}])
def test_a_root_that_lists_no_folders_is_not_a_site_without_any(folders: dict[str, t.Any]) -> None:
    with pytest.raises(NotUnderstood, match="list of folders"):
        _api.parse_folder({"services": [], **folders}, "", "GET https://h/x")


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
    assert _api.is_synchronous(body) is says


@pytest.mark.parametrize(
    ("url", "kind", "task"),
    [
        ("https://h/c/rest/services/A/B/GPServer/Buffer%20and%20Clip/jobs/j1", "GPServer", "Buffer and Clip"),
        ("https://h/c/admin/services/A/B.GPServer/jobs/j1", "GPServer", None),
        ("https://h/c/rest/services/A/B/GPServer/T/jobs/j1", "MapServer", None),
        (None, "GPServer", None),
    ],
)
def test_the_task_of_a_job(url: str | None, kind: str, task: str | None) -> None:
    assert _api.task_of(url, Service("A", "B", kind)) == task


def test_a_jobs_page_is_under_the_sites_own_root_whatever_the_task_is_called() -> None:
    url = _api.rest_job_url(SITE, Service("A", "B"), "../../x?y", "j/1")
    assert url == f"{SITE.rest}/services/A/B/GPServer/..%2F..%2Fx%3Fy/jobs/j%2F1"


@pytest.mark.parametrize(("body", "tasks"), [({"tasks": ["A", 5]}, ["A", "5"]), ({"tasks": None}, []), ({}, [])])
def test_tasks(body: dict[str, t.Any], tasks: list[str]) -> None:
    assert _api.parse_tasks(body) == tasks


def test_messages() -> None:
    body = {
        "messages": [
            {"type": "esriJobMessageTypeInformative", "description": "Submitted."},
            {"type": "esriJobMessageTypeError", "description": "ERROR 000732"},
            "odd",
            {},
        ]
    }
    assert _api.parse_messages(body) == [
        {"type": "informative", "text": "Submitted."},
        {"type": "error", "text": "ERROR 000732"},
        {"type": "", "text": ""},
    ]
    assert _api.parse_messages({}) == _api.parse_messages({"messages": "x"}) == []


@given(
    st.dictionaries(st.sampled_from(["messages", "tasks", "services", "folders", "properties", "executionType"]), JSON)
)
def test_any_description_is_read_or_an_error_of_ours(body: dict[str, t.Any]) -> None:
    json.dumps([_api.parse_messages(body), _api.parse_tasks(body), _api.is_synchronous(body)])
    with contextlib.suppress(NotUnderstood):
        _api.parse_folder(body, "", "x")


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        (
            "https://h/arcgis/admin/services/A.GPServer/jobs",
            "https://h/server/admin/services/A.GPServer/jobs/",
            True,
        ),
        ("https://h/arcgis/rest/services/My%20Tools", "https://h/arcgis/rest/services/My Tools?f=json", True),
        ("https://h/ARCGIS/Admin", "https://h/arcgis/admin/", True),
        (
            "https://h/arcgis/admin/services/A.GPServer/jobs",
            "https://h/arcgis/admin/services/B.GPServer/jobs",
            False,
        ),
        ("https://h/arcgis/admin/services/A.GPServer/jobs", "https://h/arcgis/home/signin.html", False),
        ("https://h/arcgis/admin/services", "https://h/arcgis/rest/services", False),
        ("https://h/a", "https://h/b", False),
    ],
)
def test_what_an_address_names(one: str, other: str, is_same: bool) -> None:
    assert (_api.resource(one) == _api.resource(other)) is is_same
