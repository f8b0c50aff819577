# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every fault, as a client meets it."""

from __future__ import annotations

import contextlib
import gzip
import json
import re
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from conftest import NOON, PUBLISHING, Client, Start, jobs
from rehearsal_site.fault_player import PLAYERS
from rehearsal_site.faults import FAULTS, parse_fault
from rehearsal_site.running import running_site

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


@pytest.mark.parametrize("fault", ["reset_before", "reset_in_body", "truncated_body", "truncated_chunks"])
def test_connections_that_break(faulty: Callable[..., Client], fault: str) -> None:
    client = faulty(fault, match={"path": "jobs/query", "times": 1})
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        client.query()
    assert client.query()["total"] == 3  # and the site lives on


def test_a_body_without_a_length_is_cut_so_that_nobody_sees_it_but_by_its_content(
    faulty: Callable[..., Client],
) -> None:
    whole = faulty("slow", delay="0s").response(QUERY).content
    response = faulty("truncated_open").response(QUERY)
    assert response.content == whole[: len(whole) // 2]
    assert "Content-Length" not in response.headers


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


def test_edited(faulty: Callable[..., Client]) -> None:
    edited = faulty(
        "edited", put={"num": 3, "nextStart": "soon"}, add={"total": 2, "start": -1}, drop=["query"]
    ).query()
    assert (edited["num"], edited["nextStart"], edited["total"], edited["start"]) == (3, "soon", 5, 0)
    assert "query" not in edited
    assert list(edited["results"].values()) == ["Executing"] * 3


@pytest.mark.parametrize(
    ("form", "holds"),
    [("ids", str), ("id_objects", {"jobId", "jobStatus"}), ("objects", {"jobStatus"}), ("nulls", None)],
)
def test_edited_results(faulty: Callable[..., Client], form: str, holds: Any) -> None:
    results = faulty("edited", form=form).query()["results"]
    one = results[0] if isinstance(results, list) else next(iter(results.values()))
    assert len(results) == 3
    assert one is None if holds is None else isinstance(one, str) if holds is str else set(one) == holds


def test_edited_words(faulty: Callable[..., Client]) -> None:
    assert set(faulty("edited", spelling="esri").query()["results"].values()) == {"esriJobExecuting"}
    assert set(faulty("edited", spelling="upper", form="objects").query()["results"].popitem()[1].values()) == {
        "EXECUTING"
    }
    assert set(faulty("edited", word="Pondering").query()["results"].values()) == {"Pondering"}


@pytest.mark.parametrize(("by", "first"), [(3, 5), (-2, 1), (1, 3)])
def test_other_page(start: Start, by: int, first: int) -> None:
    client = start(jobs({"status": "executing", "count": 9}))
    order = list(client.query()["results"])
    right = client.query(start=2, number=2)
    client.site.faults.add({"fault": "other_page", "by": by})
    page = client.query(start=2, number=2)
    assert list(page["results"]) == order[first - 1 : first + 1]
    assert {**page, "results": right["results"]} == right


def test_unfiltered(start: Start, api: str) -> None:
    client = start(jobs({"status": "executing"}, {"status": "failed", "count": 2}), api=api)
    right = client.query(jobStatus="esriJobFailed")
    client.site.faults.add({"fault": "unfiltered"})
    page = client.query(jobStatus="esriJobFailed")
    assert (right["total"], page["total"], len(page["results"])) == (2, 3, 3)
    assert "esriJobFailed" in str(page["query"]["status"])


@pytest.mark.parametrize(("by", "hours"), [("5h", 5), ("-5h", -5)])
def test_date(faulty: Callable[..., Client], by: str, hours: int) -> None:
    client = faulty("date", by=by)
    told = parsedate_to_datetime(client.response(QUERY).headers["Date"]).timestamp()
    assert told == NOON / 1000 + hours * 3600


# -- at the door -------------------------------------------------------------------------------------------------


def opens(client: Client) -> None:
    """Once the fault is over everybody is served again."""
    client.site.faults.clear()
    is_served_in_time(client)


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        ("closed_port", requests.ConnectionError, "refused"),
        ("full_backlog", requests.ConnectTimeout, "timed out"),
        ("silent_port", requests.RequestException, "timed out"),
        ("other_certificate", requests.exceptions.SSLError, "(?i)mismatch|doesn't match|not valid"),
        ("expired_certificate", requests.exceptions.SSLError, "expired"),
    ],
)
def test_what_comes_after_the_right_answer_is_met_at_the_door(
    faulty: Callable[..., Client], fault: str, error: type[Exception], words: str
) -> None:
    client = faulty(fault, match={"times": 1})
    response = client.response(QUERY)
    assert (response.json()["total"], response.headers["Connection"]) == (3, "close")
    for _ in range(2):
        with pytest.raises(error, match=words):
            client.response(QUERY, timeout=0.3)
    opens(client)


@pytest.mark.parametrize("fault", ["silent_port", "other_certificate", "expired_certificate"])
def test_so_many_connections_meet_it(faulty: Callable[..., Client], fault: str) -> None:
    client = faulty(fault, match={"times": 1}, connections=1)
    assert client.query()["total"] == 3
    with pytest.raises(requests.RequestException):
        client.response(QUERY, timeout=0.3)
    assert client.query()["total"] == 3


@pytest.mark.parametrize("fault", ["closed_port", "full_backlog"])
def test_for_so_long_nobody_is_there(faulty: Callable[..., Client], fault: str) -> None:
    client = faulty(fault, match={"times": 1}, delay="50ms")
    assert client.query()["total"] == 3
    is_served_in_time(client)


def is_served_in_time(client: Client) -> None:
    ends = time.monotonic() + 5
    while time.monotonic() < ends:
        with contextlib.suppress(requests.ConnectionError):
            assert client.query()["total"] == 3
            return
        time.sleep(0.01)
    raise AssertionError("the door stays shut")


@pytest.mark.parametrize("fault", ["closed_port", "full_backlog", "silent_port"])
def test_a_site_ends_behind_a_door_that_is_shut(fault: str) -> None:
    with running_site() as running:
        running.site.faults.add({"fault": fault})
        Client(running)


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
     {"fault": "error498", "shape": "round"}, {"fault": "edited", "form": "round"}],
)  # fmt: skip
def test_wrong_rules(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        parse_fault(wrong)
