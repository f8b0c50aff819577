# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The two dialects: addresses and parameters."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.gisops.arcgis.plugins.module_utils._errors import BadOption
from ansible_collections.gisops.arcgis.plugins.module_utils._services import Service
from ansible_collections.gisops.arcgis.plugins.module_utils._wire import dialects
from ansible_collections.gisops.arcgis.plugins.module_utils._wire.dialects import DIALECTS, JobFilter, Roots

SITE = Roots("https://gis.example.com/arcgis")


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
    roots = dialects.roots(url)
    assert roots.context == context
    assert (roots.admin, roots.rest, roots.sharing) == (
        f"{context}/admin",
        f"{context}/rest",
        f"{context}/sharing/rest",
    )
    assert dialects.roots(roots.admin) == dialects.roots(roots.rest) == roots


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
        dialects.roots(url)
    message = str(caught.value)
    assert all(word in message for word in ["option url", *words]), message
    assert "S3cret" not in message
    assert caught.value.failure["cure"]


def test_a_password_in_an_address_without_a_scheme_is_not_shown() -> None:
    with pytest.raises(BadOption) as caught:
        dialects.roots("me:S3cret@gis.example.com/arcgis")
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
    assert dialects.safe_url(url) == safe


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
    assert dialects.origin(url) == origin


@pytest.mark.parametrize("url", ["https://h:port/", "https://h:99999/", "https://[h/"])
def test_an_address_that_cannot_be_read_has_no_origin(url: str) -> None:
    assert dialects.origin(url) != dialects.origin("https://h/")


ODD_NAMES = st.text(st.characters(exclude_characters="/", exclude_categories=["Cs"]), min_size=1, max_size=10)


@given(ODD_NAMES, ODD_NAMES)
def test_names_are_quoted_a_segment_each(folder: str, name: str) -> None:
    """Neither a blank nor a question mark nor a hash in a name ends the path."""
    service = Service(folder, name)
    for url, segments in (
        (dialects.service_url(SITE, service), ["arcgis", "admin", "services", folder, f"{name}.GPServer"]),
        (dialects.rest_service_url(SITE, service), ["arcgis", "rest", "services", folder, name, "GPServer"]),
        (dialects.folder_url(SITE, folder), ["arcgis", "admin", "services", folder]),
    ):
        parts = urlsplit(url)
        assert [unquote(part) for part in parts.path.split("/")[1:]] == segments
        assert (parts.query, parts.fragment) == ("", "")


def test_root_services_have_no_folder_segment() -> None:
    assert dialects.service_url(SITE, Service("", "Buffer")) == f"{SITE.admin}/services/Buffer.GPServer"
    assert dialects.rest_service_url(SITE, Service("", "Buffer")) == f"{SITE.rest}/services/Buffer/GPServer"
    assert dialects.folder_url(SITE, "") == f"{SITE.admin}/services"


# --- parameters --------------------------------------------------------------------------------------------------


def _parameters(api: str, asked: JobFilter, floor: bool = False) -> dict[str, str]:
    return dialects.parameters(DIALECTS[api], asked, start=11, number=10, floor=floor)


BASE = {"f": "json", "start": "11", "number": "10"}


@pytest.mark.parametrize(
    ("api", "asked", "more"),
    [
        ("kubernetes", JobFilter(), {}),
        ("server", JobFilter(), {"startTime": ""}),
        ("kubernetes", JobFilter("failed"), {"jobStatus": "esriJobFailed"}),
        ("kubernetes", JobFilter(start_time=1637004590.7), {"startTime": "1637004590"}),
        ("server", JobFilter(start_time=1566379810.0), {"startTime": "1566379810000"}),
        ("kubernetes", JobFilter(end_time=1637004590.0), {"startTime": "1", "endTime": "1637004590"}),
        ("server", JobFilter(end_time=1566423010.0), {"startTime": "1", "endTime": "1566423010000"}),
        ("server", JobFilter(user_name="müller"), {"startTime": "", "userName": "müller"}),
        ("server", JobFilter(machine_name="M.D"), {"startTime": "", "machineName": "M.D"}),
    ],
)
def test_parameters(api: str, asked: JobFilter, more: dict[str, str]) -> None:
    assert _parameters(api, asked) == {**BASE, **more}


def test_a_floor_is_a_start_time_that_means_all() -> None:
    assert _parameters("server", JobFilter(), floor=True) == {**BASE, "startTime": "1"}
    assert _parameters("kubernetes", JobFilter(), floor=True) == {**BASE, "startTime": "1"}
    assert _parameters("server", JobFilter(start_time=5.0), floor=True)["startTime"] == "5000"


def test_no_parameter_is_a_secret() -> None:
    everything = JobFilter("failed", 1.0, 2.0, "u", "m")
    assert "token" not in {name.lower() for name in _parameters("server", everything)}


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
    assert dialects.task_of(url, Service("A", "B", kind)) == task


def test_a_jobs_page_is_under_the_sites_own_root_whatever_the_task_is_called() -> None:
    url = dialects.rest_job_url(SITE, Service("A", "B"), "../../x?y", "j/1")
    assert url == f"{SITE.rest}/services/A/B/GPServer/..%2F..%2Fx%3Fy/jobs/j%2F1"


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
    assert (dialects.resource(one) == dialects.resource(other)) is is_same
