# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every fault, as a client meets it."""

from __future__ import annotations

import gzip
import json
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from conftest import PUBLISHING, Client, Start, jobs
from rehearsal_site.fault_player import PLAYERS
from rehearsal_site.faults import FAULTS, parse_fault

QUERY = f"admin/services/{PUBLISHING}/jobs/query"


@pytest.fixture
def faulty(start: Start) -> Callable[..., Client]:
    def begin(name: str, **options: object) -> Client:
        client = start(jobs({"status": "executing", "count": 3}))
        client.site.faults.add({"fault": name, **options})
        return client

    return begin


def test_every_fault_can_be_played_and_is_tested() -> None:
    assert set(PLAYERS) == set(FAULTS)
    text = Path(__file__).read_text(encoding="utf-8")
    assert [name for name in FAULTS if f'"{name}"' not in text] == []


def test_sign_in_page(faulty: Callable[..., Client]) -> None:
    response = faulty("html_login").response(QUERY)
    assert response.status_code == 200
    assert "Sign in" in response.text


@pytest.mark.parametrize(
    ("fault", "options", "status", "location"),
    [
        ("redirect_login", {}, 302, r"https://login\.example\.invalid/"),
        ("redirect", {}, 302, r"/context/.*/query/\?f=json"),
        ("redirect", {"status": 307, "location": "/elsewhere"}, 307, "/elsewhere"),
        ("redirect_loop", {}, 302, r"/context/.*/query\?f=json"),
    ],
)
def test_redirects(
    faulty: Callable[..., Client], fault: str, options: dict[str, object], status: int, location: str
) -> None:
    response = faulty(fault, **options).response(QUERY, allow_redirects=False)
    assert response.status_code == status
    assert re.search(location, response.headers["Location"])


def test_a_redirect_within_the_site_leads_to_the_answer(start: Start) -> None:
    client = start(jobs({"status": "executing"}))
    client.site.faults.add({"fault": "redirect", "status": 307, "match": {"times": 1}})
    assert client.query()["total"] == 1
    client.site.faults.clear()
    client.site.faults.add({"fault": "redirect_loop"})
    with pytest.raises(requests.TooManyRedirects):
        client.query()


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 502, 503, 504])
def test_http_status(faulty: Callable[..., Client], status: int) -> None:
    client = faulty("http_status", status=status, body="json", retry_after=7)
    response = client.response(QUERY)
    assert (response.status_code, response.json()["code"]) == (status, status)
    assert response.headers["Retry-After"] == "7"
    client.site.faults.clear()
    client.site.faults.add({"fault": "http_status", "status": status})
    assert client.response(QUERY).headers["Content-Type"].startswith("text/html")
    client.site.faults.clear()
    client.site.faults.add({"fault": "http_status", "status": status, "body": "empty"})
    assert client.response(QUERY).content == b""


def test_no_machines(faulty: Callable[..., Client]) -> None:
    assert "server machines" in faulty("no_machines_json").get(QUERY)["messages"][0]
    assert "<p>Could not access any server machines" in faulty("no_machines_html").response(QUERY).text
    assert faulty("no_machines_html", status=500).response(QUERY).status_code == 500


def test_texts_that_are_no_json(faulty: Callable[..., Client]) -> None:
    assert faulty("empty_body").response(QUERY).content == b""
    assert faulty("xml").response(QUERY).text.startswith("<?xml")
    whole = faulty("slow", delay="0s").response(QUERY).content
    half = faulty("truncated_json").response(QUERY).content
    assert (len(half), half) == (len(whole) // 2, whole[: len(half)])


def test_odd_bytes(faulty: Callable[..., Client]) -> None:
    content = faulty("bom").response(QUERY).content
    assert content.startswith(b"\xef\xbb\xbf")
    assert json.loads(content.decode("utf-8-sig"))["total"] == 3
    with pytest.raises(UnicodeDecodeError):
        faulty("bad_utf8").response(QUERY).content.decode()


def test_slow(faulty: Callable[..., Client]) -> None:
    client = faulty("slow", delay="150ms")
    begin = time.monotonic()
    assert client.query()["total"] == 3
    assert time.monotonic() - begin >= 0.15


def test_stalls(faulty: Callable[..., Client]) -> None:
    for fault in ("stall_headers", "stall_body"):
        client = faulty(fault)
        with pytest.raises((requests.Timeout, requests.ConnectionError)):
            client.response(QUERY, timeout=0.2)


def test_trickle(faulty: Callable[..., Client]) -> None:
    client = faulty("trickle", delay="1ms")
    begin = time.monotonic()
    assert client.query()["total"] == 3
    assert time.monotonic() - begin >= 0.2


@pytest.mark.parametrize("fault", ["reset_before", "reset_in_body", "truncated_body"])
def test_connections_that_break(faulty: Callable[..., Client], fault: str) -> None:
    client = faulty(fault, match={"path": "jobs/query", "times": 1})
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        client.query()
    assert client.query()["total"] == 3  # and the site lives on


def test_deeply_nested(faulty: Callable[..., Client]) -> None:
    text = faulty("deeply_nested", depth=5000).response(QUERY).text
    assert text.count("[") == text.count("]") == 5000


def test_endless_body(faulty: Callable[..., Client]) -> None:
    client = faulty("endless_body")
    with client.response(QUERY, stream=True) as response:
        chunks = response.iter_content(65536)
        assert sum(len(next(chunks)) for _ in range(50)) > 1_000_000
    client.site.faults.clear()
    client.site.faults.add({"fault": "endless_body", "size": 100_000})
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        client.response(QUERY)


def test_gzip_bomb(faulty: Callable[..., Client]) -> None:
    client = faulty("gzip_bomb", size=32 << 20)
    with client.response(QUERY, stream=True) as response:
        packed = response.raw.read(decode_content=False)
    assert len(packed) < 200_000
    assert gzip.decompress(packed) == b" " * (32 << 20)


@pytest.mark.parametrize("fault", ["error498", "error499", "error403", "error404", "error500"])
def test_errors(faulty: Callable[..., Client], fault: str) -> None:
    code = int(fault[-3:])
    assert faulty(fault).get(QUERY)["code"] == code
    assert faulty(fault, shape="rest").get(QUERY)["error"]["code"] == code
    assert faulty(fault, shape="http").response(QUERY).status_code == code


def test_results(faulty: Callable[..., Client]) -> None:
    assert "results" not in faulty("results_missing").query()
    body = faulty("results_null").query()
    assert (body["results"], body["total"]) == (None, 3)


def test_custom(faulty: Callable[..., Client]) -> None:
    client = faulty("custom", body={"isUpgrade": True}, status=202, headers={"X-Test": "yes"})
    response = client.response(QUERY)
    assert (response.status_code, response.json(), response.headers["X-Test"]) == (202, {"isUpgrade": True}, "yes")
    assert faulty("custom", body="no <b>JSON</b>", content_type="text/html").response(QUERY).text == "no <b>JSON</b>"


# -- rules -------------------------------------------------------------------------------------------------------


def test_which_requests_get_it(start: Start) -> None:
    client = start(jobs())
    client.site.faults.add({"match": {"path": "jobs/query", "method": "GET", "nth": [2, 4]}, "fault": "error500"})
    assert [client.query().get("code") for _ in range(5)] == [None, 500, None, 500, None]
    client.site.faults.clear()
    client.site.faults.add({"match": {"path": "start=11", "after": 1, "times": 2}, "fault": "error498"})
    assert client.query().get("code") is None
    assert [client.query(start=11).get("code") for _ in range(5)] == [None, 498, 498, None, None]
    assert client.site.counts()["faults"] == {"error500": 2, "error498": 2}
    assert [entry.fault for entry in client.site.log].count("error498") == 2
    client.site.faults.clear()
    client.site.faults.add({"match": {"method": "POST"}, "fault": "error500"})
    assert client.query().get("code") is None


@pytest.mark.parametrize(
    "wrong",
    [{"fault": "nothing"}, {"fault": "slow", "dealy": 1}, {"fault": "slow", "match": {"url": "x"}},
     {"fault": "error498", "shape": "round"}],
)  # fmt: skip
def test_wrong_rules(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        parse_fault(wrong)
