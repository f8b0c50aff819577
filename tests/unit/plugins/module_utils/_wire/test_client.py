# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client on the wire: what is sent, what is sent again, how long and how much it takes, and whom it trusts."""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
import time
import tracemalloc
import typing as t
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
import trustme

from ansible_collections.gisops.arcgis.plugins.module_utils._errors import (
    Busy,
    GpError,
    NotAllowed,
    NotFound,
    NotUnderstood,
    OutOfRequests,
    OutOfTime,
    Unreachable,
)
from ansible_collections.gisops.arcgis.plugins.module_utils._wire import client as client_module
from ansible_collections.gisops.arcgis.plugins.module_utils._wire import transport
from ansible_collections.gisops.arcgis.plugins.module_utils._wire.client import Client, SiteClock
from rehearsal_site.certificates import authority
from rehearsal_site.running import RunningSite, running_site

from ....loopback import Reply

REFERER = {"Referer": "https://gisops.arcgis"}
INFO = {"f": "json"}
SOON = 5.0
"""Seconds that no test of a timeout of one second takes; what it does not wait for would take longer."""
GIVEN = {"username": "me", "password": "S3cret/ü"}
Read = t.Callable[..., t.Any]


@pytest.fixture(scope="module")
def running() -> Iterator[RunningSite]:
    """A site whose public information is asked for; every test begins with an empty log and no faults."""
    with running_site("empty") as site:
        yield site


@pytest.fixture
def site(running: RunningSite) -> RunningSite:
    running.load("empty")
    return running


@pytest.fixture
def client(read_connection: Read, site: RunningSite) -> Iterator[t.Callable[..., Client]]:
    """Makes a client of that site."""
    made: list[Client] = []

    def make(**options: t.Any) -> Client:
        defaults = {"url": site.url, "ca_path": str(site.ca_path), **GIVEN}
        made.append(Client(read_connection(**{**defaults, **options})))
        return made[-1]

    yield make
    for one in made:
        one.__exit__()


def info(client: Client, site: RunningSite) -> dict[str, t.Any]:
    return client.get(f"{site.rest_url}/info", INFO, REFERER)


def fails(client: Client, site: RunningSite) -> GpError:
    with pytest.raises(GpError) as caught:
        info(client, site)
    message = str(caught.value)
    assert f"GET {site.rest_url}/info" in message, "the error names the address"
    assert "?" not in message.replace("?)", ""), "and not its query"
    assert "\n" not in message
    return caught.value


# --- what is sent ------------------------------------------------------------------------------------------------


def test_what_is_sent(scripted: t.Any, read_connection: Read) -> None:
    with scripted(lambda seen: {"answer": seen.method}) as server:
        connection = read_connection(url=server.url, ca_path=server.ca_path, **GIVEN)
        with Client(connection) as client:
            assert client.get(f"{server.url}/a b", {"f": "json", "n": "ü&="}, {**REFERER, "X-Own": "1"}) == {
                "answer": "GET"
            }
            assert client.post(f"{server.url}/p", {"token": "ü&="}, REFERER) == {"answer": "POST"}
            assert client.post_once(f"{server.url}/p", {"a": "1"}, REFERER) == {"answer": "POST"}
            assert (client.counters.sent, client.counters.retried) == (3, 0)
        get, post, once = server.seen
        assert (get.method, get.path, get.query, get.body) == ("GET", "/arcgis/a%20b", {"f": "json", "n": "ü&="}, "")
        assert (post.method, post.path, post.query, post.form) == ("POST", "/arcgis/p", {}, {"token": "ü&="})
        assert post.headers["Content-Type"] == "application/x-www-form-urlencoded"
        assert once.form == {"a": "1"}
        for seen in server.seen:
            assert (seen.headers["Referer"], seen.headers["User-Agent"]) == ("https://gisops.arcgis", "gisops.arcgis")
            assert "Authorization" not in seen.headers
        assert get.headers["X-Own"] == "1"


def test_one_connection_is_used_again(client: t.Any, site: RunningSite) -> None:
    before = site.site.counters.connections
    one = client(connections=1)
    for _time in range(5):
        info(one, site)
    assert site.site.counters.connections - before == 1


def test_netrc_is_not_used(
    client: t.Any, scripted: t.Any, read_connection: Read, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine localhost login thief password thief\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with scripted(lambda seen: {}) as server:
        with Client(read_connection(url=server.url, ca_path=server.ca_path, **GIVEN)) as one:
            one.get(server.url, INFO, {})
        assert "Authorization" not in server.seen[0].headers


# --- what is sent again ------------------------------------------------------------------------------------------

TRANSIENT: list[dict[str, t.Any]] = [
    {"fault": "http_status", "status": 429, "retry_after": 0},
    {"fault": "http_status", "status": 500},
    {"fault": "http_status", "status": 502},
    {"fault": "http_status", "status": 503, "body": "json"},
    {"fault": "http_status", "status": 504, "body": "empty"},
    {"fault": "no_machines_json"},
    {"fault": "no_machines_html"},
    {"fault": "truncated_json"},
    {"fault": "truncated_body"},
    {"fault": "empty_body"},
    {"fault": "bad_utf8"},
    {"fault": "reset_before"},
    {"fault": "reset_in_body"},
    {"fault": "error500"},
    {"fault": "deeply_nested"},
]
FINAL: list[tuple[dict[str, t.Any], type[GpError]]] = [
    ({"fault": "html_login"}, NotUnderstood),
    ({"fault": "xml"}, NotUnderstood),
    ({"fault": "http_status", "status": 401}, NotAllowed),
    ({"fault": "http_status", "status": 403}, NotAllowed),
    ({"fault": "http_status", "status": 404}, NotFound),
    ({"fault": "error403"}, NotAllowed),
    ({"fault": "error403", "shape": "rest"}, NotAllowed),
    ({"fault": "error404"}, NotFound),
    ({"fault": "redirect_login"}, NotUnderstood),
]


@pytest.mark.usefixtures("no_pauses")
@pytest.mark.parametrize("fault", TRANSIENT, ids=lambda fault: "-".join(map(str, fault.values())))
class TestTransientFaults:
    def test_a_read_is_sent_again_until_it_is_answered(self, client: t.Any, site: RunningSite, fault: t.Any) -> None:
        site.site.faults.add({**fault, "match": {"times": 2}})
        one = client(retries=2)
        assert info(one, site)["currentVersion"]
        assert (one.counters.sent, one.counters.retried, len(site.site.log)) == (3, 2, 3)

    def test_but_not_more_often_than_it_was_said(self, client: t.Any, site: RunningSite, fault: t.Any) -> None:
        site.site.faults.add(fault)
        assert fails(client(retries=1), site).transient
        assert len(site.site.log) == 2


@pytest.mark.parametrize(("fault", "kind"), FINAL, ids=lambda value: str(value)[:60])
def test_what_does_not_go_away_is_not_sent_again(
    client: t.Any, site: RunningSite, fault: t.Any, kind: type[GpError]
) -> None:
    site.site.faults.add(fault)
    assert (fails(client(retries=3), site)).__class__ is kind
    assert len(site.site.log) == 1


@pytest.mark.usefixtures("no_pauses")
@pytest.mark.parametrize(
    ("fault", "again"),
    [
        ({"fault": "http_status", "status": 429}, True),
        ({"fault": "http_status", "status": 503}, True),
        ({"fault": "http_status", "status": 500}, False),
        ({"fault": "http_status", "status": 502}, False),
        ({"fault": "http_status", "status": 504}, False),
        ({"fault": "truncated_json"}, False),
        ({"fault": "truncated_body"}, False),
        ({"fault": "empty_body"}, False),
        ({"fault": "reset_before"}, False),
        ({"fault": "reset_in_body"}, False),
        ({"fault": "no_machines_json"}, False),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else str(value),
)
def test_a_login_is_sent_again_only_where_it_was_not_acted_on(
    client: t.Any, site: RunningSite, fault: t.Any, again: bool
) -> None:
    """The site may have acted on a login whose answer is lost, and five wrong ones lock an account."""
    site.site.faults.add({**fault, "match": {"times": 1}})
    url = f"{site.portal_url}/sharing/rest/generateToken"
    form = {"f": "json", "username": site.username, "password": site.password, "client": "requestip"}
    one = client(retries=3)
    if again:
        assert one.post_once(url, form, REFERER)["token"]
        assert len(site.site.log) == 2
        return
    with pytest.raises(GpError) as caught:
        one.post_once(url, form, REFERER)
    assert f"POST {url}" in str(caught.value)
    assert len(site.site.log) == 1


@pytest.mark.usefixtures("no_pauses")
@pytest.mark.parametrize(
    "fault",
    [
        "reset_before",
        "stall_headers",
    ],
)
def test_a_login_whose_answer_is_lost_behind_a_proxy_is_not_sent_again(
    client: t.Any, site: RunningSite, proxied: t.Any, fault: str
) -> None:
    """Some releases of urllib3 call that an error of the proxy, and yet the site has seen the password."""
    site.site.faults.add({"fault": fault})
    with proxied() as proxy, pytest.raises(GpError):
        client(proxy=proxy.url, timeout=1).post_once(f"{site.portal_url}/sharing/rest/generateToken", {}, REFERER)
    assert len(site.site.log) == 1


def test_a_login_is_sent_again_where_nobody_listens(read_connection: Read, no_pauses: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with Client(read_connection(url=f"https://localhost:{port}", retries=2, **GIVEN)) as client:
        with pytest.raises(Unreachable, match=rf"No connection to localhost port {port}: Connection refused") as caught:
            client.post_once(f"https://localhost:{port}/x", {}, {})
        assert caught.value.unsent
        assert "6443" in caught.value.failure["cure"]
        assert client.counters.sent == 3


def test_a_busy_site_is_given_the_time_that_it_asks_for(client: t.Any, site: RunningSite) -> None:
    site.site.faults.add({"fault": "http_status", "status": 503, "retry_after": 1, "match": {"times": 1}})
    begin = time.monotonic()
    info(client(), site)
    assert 1.0 <= time.monotonic() - begin < 3.0


def test_pauses_grow(monkeypatch: pytest.MonkeyPatch, client: t.Any, site: RunningSite) -> None:
    pauses: list[float] = []
    clock = SimpleNamespace(sleep=pauses.append, monotonic=time.monotonic, time=time.time)
    monkeypatch.setattr(client_module, "time", clock)  # the client's own pauses, and nobody else's
    site.site.faults.add({"fault": "http_status", "status": 503})
    fails(client(retries=4), site)
    assert len(pauses) == 4
    assert all(0.25 * 2**number <= pause <= 0.5 * 2**number for number, pause in enumerate(pauses))
    pauses.clear()
    site.site.faults.clear()
    site.site.faults.add({"fault": "http_status", "status": 503, "retry_after": 5000})
    fails(client(retries=1, total_timeout=0), site)
    assert pauses == [60.0], "a site that asks for an hour is not obeyed"


def test_no_pause_goes_beyond_the_whole_time(client: t.Any, site: RunningSite) -> None:
    site.site.faults.add({"fault": "http_status", "status": 503, "retry_after": 30})
    begin = time.monotonic()
    assert isinstance(fails(client(total_timeout=5), site), Busy)
    assert time.monotonic() - begin < SOON


# --- redirects ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_within_the_site_keeps_method_and_parameters(
    scripted: t.Any, read_connection: Read, status: int
) -> None:
    def script(seen: t.Any) -> t.Any:
        if seen.path.endswith("/"):
            return {"form": seen.form, "query": seen.query, "method": seen.method}
        return replies(status, f"{seen.path}/?f=html")

    with scripted(script) as server, Client(read_connection(url=server.url, ca_path=server.ca_path, **GIVEN)) as client:
        body: t.Any = client.post(f"{server.url}/a", {"token": "t"}, {"X-Esri-Authorization": "Bearer t"})
        assert body == {"method": "POST", "form": {"token": "t"}, "query": {}}
        assert client.get(f"{server.url}/a", {"f": "json"}, {})["query"] == {"f": "json"}
        assert [seen.headers["X-Esri-Authorization"] for seen in server.seen[:2]] == ["Bearer t"] * 2


def replies(status: int, location: str) -> t.Any:
    return Reply("", status, {"Location": location})


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_site_is_refused_and_nothing_is_sent_there(
    scripted: t.Any, read_connection: Read, status: int
) -> None:
    with (
        scripted(lambda seen: {}) as other,
        scripted(lambda seen: replies(status, f"{other.url}/login?x=S3cret")) as server,
    ):
        with (
            Client(read_connection(url=server.url, ca_path=server.ca_path, **GIVEN)) as client,
            pytest.raises(NotUnderstood) as caught,
        ):
            client.post(server.url, {"password": "x"}, {})
        assert other.seen == []
        assert f"sends us on to {other.url}/login, which is not the site that was named" in str(caught.value)
        assert "give it as url" in str(caught.value)
        assert "S3cret" not in str(caught.value)


def test_a_redirect_to_plain_http_is_refused(client: t.Any, site: RunningSite) -> None:
    site.site.faults.add({"fault": "redirect", "location": site.url.replace("https:", "http:")})
    assert "sends us on to http://" in str(fails(client(), site))


def test_a_redirect_loop_ends(client: t.Any, site: RunningSite) -> None:
    site.site.faults.add({"fault": "redirect_loop"})
    assert "redirects from one address to the next" in str(fails(client(), site))
    assert len(site.site.log) == 6


def test_a_login_is_redirected_once(scripted: t.Any, read_connection: Read) -> None:
    """Whoever redirects may count it as a try."""
    with (
        scripted(lambda seen: replies(302, f"{seen.path}/")) as server,
        Client(read_connection(url=server.url, ca_path=server.ca_path, **GIVEN)) as client,
    ):
        with pytest.raises(NotUnderstood, match="redirects from one address to the next"):
            client.post_once(f"{server.url}/generateToken", {"password": "x"}, {})
        assert server.paths() == ["POST /arcgis/generateToken", "POST /arcgis/generateToken/"]


@pytest.mark.usefixtures("no_pauses")
@pytest.mark.parametrize(
    "location",
    [
        "https://[nonsense",
        "https://localhost:port/",
        "https://localhost:99999/",
    ],
)
def test_a_redirect_to_nonsense_is_an_error_of_ours(client: t.Any, site: RunningSite, location: str) -> None:
    site.site.faults.add({"fault": "redirect", "location": location})
    fails(client(), site)


# --- time and size -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["stall_headers", "stall_body", "trickle", "slow"])
def test_an_answer_that_is_not_there_in_time(client: t.Any, site: RunningSite, fault: str) -> None:
    """A body that trickles never lets a read time out, and must end all the same."""
    site.site.faults.add({"fault": fault, **({"delay": "30s"} if fault == "slow" else {})})
    begin = time.monotonic()
    error = fails(client(timeout=1, retries=0), site)
    assert time.monotonic() - begin < SOON
    assert error.__class__ is Unreachable
    assert error.transient
    assert "1 s" in str(error)
    assert "Raise timeout" in str(error)


def trickling_head() -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\nX-Long: "
    for _time in range(40):
        time.sleep(0.25)
        yield b"x"


def test_a_head_that_trickles(scripted: t.Any, read_connection: Read) -> None:
    """And one that was cut off is not taken for one that has ended."""
    with scripted(lambda seen: Reply(raw=trickling_head())) as server:
        options = {"url": server.url, "ca_path": server.ca_path, "timeout": 1, "retries": 0, **GIVEN}
        with Client(read_connection(**options)) as client:
            begin = time.monotonic()
            with pytest.raises(Unreachable, match="No answer within 1 s"):
                client.get(server.url, INFO, {})
            assert time.monotonic() - begin < SOON


@contextmanager
def mute_server(*pieces: bytes) -> Iterator[int]:
    """The port of a server that says these pieces over and over, a few each second, whatever it is asked."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)

        def serve() -> None:
            with suppress(OSError):
                line, _address = listener.accept()
                with line:
                    while not over.wait(0.2):
                        for piece in pieces:
                            line.sendall(piece)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            over.set()
            thread.join()


def test_a_handshake_that_is_not_answered(read_connection: Read) -> None:
    with mute_server() as port:
        assert seconds_until_failure(read_connection, f"https://127.0.0.1:{port}") < SOON


def test_a_proxy_that_trickles(read_connection: Read) -> None:
    with mute_server(b"x") as port:
        proxy = f"http://127.0.0.1:{port}"
        assert seconds_until_failure(read_connection, "https://gis.example.com", proxy=proxy) < SOON


def seconds_until_failure(read_connection: Read, url: str, **options: t.Any) -> float:
    """How long a request takes to fail that has a second."""
    begin = time.monotonic()
    connection = read_connection(url=url, timeout=30, total_timeout=1, retries=0, **options, **GIVEN)
    with Client(connection) as client, pytest.raises(OutOfTime, match="longer than 1 s"):
        client.get(url, INFO, {})
    return time.monotonic() - begin


def test_work_without_an_end_is_not_waited_for() -> None:
    """Such as looking up a name, which knows no timeout."""
    over = threading.Event()
    begin = time.monotonic()
    with pytest.raises(socket.timeout):
        transport.within(0.1, lambda: over.wait(20))
    assert time.monotonic() - begin < 1
    over.set()
    assert transport.within(1, lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        transport.within(1, lambda: 1 // 0)


def test_what_comes_late_has_only_the_time_that_is_left(scripted: t.Any, read_connection: Read) -> None:
    """Connection, head and body are not given a second each."""

    def late(_seen: t.Any) -> Reply:
        time.sleep(0.7)
        return Reply(raw=late_body())

    def late_body() -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{"
        for _time in range(10):
            time.sleep(0.9)
            yield b"}"

    with scripted(late) as server:
        begin = time.monotonic()
        options = {"url": server.url, "ca_path": server.ca_path, "timeout": 1, "retries": 0, **GIVEN}
        with Client(read_connection(**options)) as client, pytest.raises(Unreachable, match="No answer within 1 s"):
            client.get(server.url, INFO, {})
        assert time.monotonic() - begin < SOON


def test_the_whole_measurement_ends_in_time(client: t.Any, site: RunningSite) -> None:
    site.site.faults.add({"fault": "slow", "delay": "400ms"})
    one = client(total_timeout=1, retries=9)
    begin = time.monotonic()
    info(one, site)
    with pytest.raises((OutOfTime, Unreachable)):
        for _time in range(9):
            info(one, site)
    assert time.monotonic() - begin < SOON
    assert isinstance(fails(one, site), OutOfTime)
    assert "took longer than 1 s" in str(fails(one, site))
    assert "Raise total_timeout" in str(fails(one, site))


def test_a_measurement_has_a_budget_of_requests(client: t.Any, site: RunningSite) -> None:
    """Retries and redirects are requests as well."""
    site.site.faults.add({"fault": "http_status", "status": 429, "retry_after": 0})
    one = client(max_requests=4, retries=9)
    error = fails(one, site)
    assert isinstance(error, OutOfRequests)
    assert "more than 4 requests" in str(error)
    assert "max_requests" in error.failure["cure"]
    assert (one.counters.sent, one.requests_left, len(site.site.log)) == (4, 0, 4)
    assert isinstance(fails(one, site), OutOfRequests)
    assert len(site.site.log) == 4


def test_which_time_was_up_is_said(client: t.Any, site: RunningSite) -> None:
    site.site.faults.add({"fault": "stall_headers"})
    error = fails(client(total_timeout=1, timeout=30, retries=0), site)
    assert "30 s" not in str(error)
    assert "total_timeout" in str(error)


@pytest.mark.parametrize("fault", ["endless_body", "gzip_bomb"])
def test_an_answer_that_is_too_large(client: t.Any, site: RunningSite, fault: str) -> None:
    site.site.faults.add({"fault": fault})
    error = fails(client(max_answer_size=1, timeout=20), site)
    assert "The answer is larger than 1 MiB" in str(error)
    assert "max_answer_size" in str(error)
    assert len(site.site.log) == 1, "and it is not asked for again"


def test_an_answer_just_within_the_cap(scripted: t.Any, read_connection: Read) -> None:
    with scripted(lambda seen: {"x": "y" * (1024 * 1024 - 50)}) as server:
        options = {"url": server.url, "ca_path": server.ca_path, "max_answer_size": 1, **GIVEN}
        with Client(read_connection(**options)) as client:
            assert len(client.get(server.url, INFO, {})["x"]) == 1024 * 1024 - 50


PACKED = gzip.compress(b'{"a": 1}', mtime=0)


@pytest.mark.parametrize(
    ("body", "encoding", "words"),
    [
        (PACKED, "gzip", ""),
        (PACKED, "X-GZIP", ""),
        (b'{"a": 1}', "identity", ""),
        (gzip.compress(PACKED, mtime=0), "gzip, gzip", "packed in a way that was not asked for"),
        (zlib.compress(b'{"a": 1}'), "deflate", "packed in a way that was not asked for"),
        (b'{"a": 1}', "br", "packed in a way that was not asked for"),
        (PACKED[:-4], "gzip", "packed, and not whole"),
        (PACKED + b"more", "gzip", "packed, and not whole"),
        (b'{"a": 1}', "gzip", "packed, and not whole"),
    ],
)
def test_packed_answers(scripted: t.Any, read_connection: Read, body: bytes, encoding: str, words: str) -> None:
    """One layer of gzip, which is what was asked for, and nothing else."""
    with scripted(lambda seen: Reply(body, headers={"Content-Encoding": encoding})) as server:
        with Client(read_connection(url=server.url, ca_path=server.ca_path, retries=0, **GIVEN)) as client:
            if not words:
                assert client.get(server.url, INFO, {}) == {"a": 1}
            else:
                with pytest.raises(NotUnderstood, match=words):
                    client.get(server.url, INFO, {})
        assert server.seen[0].headers["Accept-Encoding"] == "gzip"


@pytest.mark.parametrize("times", [1, 2])
def test_a_redirect_with_a_bomb_in_it(scripted: t.Any, read_connection: Read, times: int) -> None:
    bomb = gzip.compress(bytes(64 * 1024 * 1024))
    headers = {"Location": "/arcgis/", "Content-Encoding": ", ".join(["gzip"] * times)}
    with scripted(lambda seen: Reply(gzip.compress(bomb) if times > 1 else bomb, 302, headers)) as server:
        tracemalloc.start()
        connection = read_connection(url=server.url, ca_path=server.ca_path, **GIVEN)
        with Client(connection) as client, pytest.raises(NotUnderstood):
            client.get(server.url, INFO, {})
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert len(server.seen) == 1
    assert peak < 60 * 1024 * 1024


def early(status: int, *, then: bytes) -> Iterator[bytes]:
    """An answer before the answer, as a server sends it that wants to be quick."""
    yield f"HTTP/1.1 {status} Early\r\nLink: </x>\r\n\r\n".encode()
    yield b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(then) + then


@pytest.mark.parametrize("status", [100, 102, 103, 199])
def test_an_answer_before_the_answer_shifts_nothing(read_connection: Read, status: int) -> None:
    """On a kept connection the real answer would be taken for that to the next request."""
    with shifting_server(status) as url:
        options = {"url": url, "validate_certs": False, "retries": 0, "connections": 1, **GIVEN}
        with Client(read_connection(**options)) as client:
            for number in range(1, 6):
                try:
                    said: str = client.get(f"{url}/{number}", INFO, {})["path"]
                except NotUnderstood as error:
                    assert f"HTTP {status}" in str(error)
                    continue
                assert said == f"/{number}"


@contextmanager
def shifting_server(status: int) -> Iterator[str]:
    """A server that keeps its connections, and answers each request twice: too early, and as it should."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority().issue_cert("localhost").configure_cert(context)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve(line: ssl.SSLSocket) -> None:
            with suppress(OSError, IndexError), line:
                while True:
                    head = b""
                    while b"\r\n\r\n" not in head:
                        head += line.recv(4096) or b"\r\n\r\n"
                    path = head.split()[1].split(b"?")[0]
                    pieces = list(early(status, then=b'{"path": "%s"}' % path))
                    line.sendall(pieces[0])
                    time.sleep(0.05)
                    line.sendall(pieces[1])

        def accept() -> None:
            with suppress(OSError):
                while True:
                    line = context.wrap_socket(listener.accept()[0], server_side=True)
                    threading.Thread(target=serve, args=(line,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield f"https://localhost:{listener.getsockname()[1]}"
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    ("told", "difference"),
    [
        ([], None),
        ([0.0, 1.0, 0.0], 0),
        ([299.0], 0),
        ([-9 * 3600.0], -9 * 3600),
        ([0.0, 5 * 3600.0, 0.0], 5 * 3600),  # one of several machines
        ([-9 * 3600.0, -4 * 3600.0], -9 * 3600),
        ([600.0, 100.0], 600),
    ],
)
def test_the_difference_of_the_clocks(told: list[float], difference: int | None) -> None:
    """The largest that was seen, so that the earlier or the later of the two clocks is a safe one."""
    clock = SiteClock()
    for ahead in told:
        clock.see(time.time() + ahead)
    assert clock.difference == (None if difference is None else pytest.approx(difference, abs=1))
    if difference:
        assert clock.now() == pytest.approx(time.time() + difference, abs=1)


def test_the_sites_clock(client: t.Any, site: RunningSite) -> None:
    one = client()
    assert not one.clock.is_known
    assert abs(one.clock.now() - time.time()) < 1, "our own, where the site has not told"
    site.site.clock.freeze()
    site.site.clock.advance(86_400_000)
    info(one, site)
    assert one.clock.is_known
    assert abs(one.clock.now() - time.time() - 86_400) < 5
    site.site.switches["date_header"] = "absent"
    info(one, site)
    assert one.clock.now() - time.time() > 86_000, "what it told before still stands"


def test_a_portals_clock_is_not_the_sites(scripted: t.Any, read_connection: Read) -> None:
    """It dates the answer to the login; a site that gives no date has told none."""
    with (
        scripted(lambda seen: {"token": "T0ken"}) as portal,
        scripted(lambda seen: {}) as server,
        Client(read_connection(url=server.url, ca_path=server.ca_path, **GIVEN)) as client,
    ):
        client.post_once(portal.url, {"f": "json"}, {})
        assert (client.clock.is_known, client.clock_at(portal.url).is_known) == (False, True)
        client.get(server.url, INFO, {})
        assert client.clock.is_known


# --- whom it trusts ----------------------------------------------------------------------------------------------


def test_an_unknown_ca_is_not_trusted(client: t.Any, site: RunningSite) -> None:
    error = fails(client(ca_path=None), site)
    assert "The site's certificate is not trusted: unable to get local issuer certificate" in str(error)
    assert "ca_path" in error.failure["cure"]
    assert not error.transient
    assert site.site.log == []


def test_another_ca_is_not_trusted(client: t.Any, site: RunningSite, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    assert "is not trusted" in str(fails(client(ca_path=str(other)), site))


def test_a_check_that_is_switched_off(client: t.Any, site: RunningSite, recwarn: pytest.WarningsRecorder) -> None:
    assert info(client(ca_path=None, validate_certs=False), site)
    assert not [warning for warning in recwarn if "Insecure" in str(warning.category)]


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_bundle_of_the_environment_is_used_where_none_was_named(
    client: t.Any, site: RunningSite, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    monkeypatch.setenv(name, str(site.ca_path))
    assert info(client(ca_path=None), site)
    monkeypatch.setenv(name, str(other))
    assert info(client(), site), "and does not override the one that was"
    assert "is not trusted" in str(fails(client(ca_path=None), site))
    assert info(client(ca_path=None, validate_certs=False), site)


def test_a_certificate_for_another_name(client: t.Any, site: RunningSite, proxied: t.Any) -> None:
    url = site.rest_url.replace("localhost", "gis.example.com")
    with proxied() as proxy, pytest.raises(Unreachable, match="is not trusted: Hostname mismatch") as caught:
        client(retries=0, proxy=proxy.url).get(f"{url}/info", INFO, REFERER)
    assert "host name" in caught.value.failure["cure"]


def test_client_certificates(read_connection: Read, tmp_path: Path) -> None:
    with running_site("empty", client_certificates=True) as running:
        options = {"url": running.url, "ca_path": str(running.ca_path), "retries": 0, **GIVEN}
        url = f"{running.rest_url}/info"
        certificate, key = str(running.client_cert_path), str(running.client_key_path)
        both = tmp_path / "both.pem"
        both.write_text(Path(certificate).read_text() + Path(key).read_text())
        for more in ({"client_cert": certificate, "client_key": key}, {"client_cert": str(both)}):
            with Client(read_connection(**options, **more)) as client:
                assert client.get(url, INFO, {})["currentVersion"]
        with Client(read_connection(**options)) as client, pytest.raises(Unreachable):
            client.get(url, INFO, {})
        assert len(running.site.log) == 2


def test_a_site_that_asks_for_a_certificate_of_ours_says_so(scripted: t.Any, read_connection: Read) -> None:
    """With TLS 1.2, where that is part of the handshake; later ones may break off at any time after it."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority().issue_cert("localhost").configure_cert(context)
    authority().configure_trust(context)
    context.verify_mode, context.maximum_version = ssl.CERT_REQUIRED, ssl.TLSVersion.TLSv1_2
    with scripted(lambda seen: {}, context) as server:
        connection = read_connection(url=server.url, ca_path=server.ca_path, retries=0, **GIVEN)
        with Client(connection) as client, pytest.raises(Unreachable) as caught:
            client.get(server.url, INFO, {})
        assert "client_cert" in str(caught.value)
        assert server.seen == []


def test_a_file_that_is_no_certificate_is_named(client: t.Any, site: RunningSite, tmp_path: Path) -> None:
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_text("nonsense")
    error = fails(client(ca_path=str(nonsense)), site)
    assert "The site's certificate is not trusted" not in str(error)


def test_a_port_that_does_not_speak_tls_is_not_called_untrusted(client: t.Any, site: RunningSite) -> None:
    one, port = client(retries=0), site.control_url.rsplit(":", 1)[1]
    with pytest.raises(Unreachable) as caught:
        one.get(f"https://localhost:{port}/info", INFO, {})
    assert "certificate" not in str(caught.value)


# --- proxies -----------------------------------------------------------------------------------------------------


def test_a_proxy_is_used(client: t.Any, site: RunningSite, proxied: t.Any) -> None:
    port = site.url.split(":")[2].split("/")[0]
    with proxied() as proxy:
        assert info(client(proxy=proxy.url.replace("//", "//me:pr0xy@")), site)
        assert proxy.targets == [f"localhost:{port}"]
        assert "Proxy-Authorization: Basic bWU6cHIweHk=" in proxy.heads[0]


@pytest.mark.parametrize("exempt", [["localhost"], ["example.com", "localhost"]])
def test_hosts_that_are_asked_without_it(client: t.Any, site: RunningSite, proxied: t.Any, exempt: list[str]) -> None:
    with proxied() as proxy:
        assert info(client(proxy=proxy.url, no_proxy=exempt), site)
        assert proxy.targets == []


def test_other_hosts_are_asked_through_it(client: t.Any, site: RunningSite, proxied: t.Any) -> None:
    with proxied() as proxy:
        assert info(client(proxy=proxy.url, no_proxy=["example.com"]), site)
        assert len(proxy.targets) == 1


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy"])
def test_the_environments_proxy(
    client: t.Any, site: RunningSite, proxied: t.Any, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    with proxied() as proxy, proxied() as own:
        monkeypatch.setenv(name, proxy.url)
        assert info(client(), site)
        assert len(proxy.targets) == 1
        assert info(client(proxy=own.url), site)
        assert (len(proxy.targets), len(own.targets)) == (1, 1), "the option wins"
        assert info(client(no_proxy=["localhost"]), site)
        monkeypatch.setenv("NO_PROXY", "localhost")
        assert info(client(), site)
        assert len(proxy.targets) == 1


def test_a_proxy_that_does_not_let_us_through(client: t.Any, site: RunningSite, proxied: t.Any) -> None:
    with proxied(refuse=True) as proxy:
        error = fails(client(proxy=proxy.url.replace("//", "//me:pr0xy@"), retries=0), site)
        assert "The proxy does not let us through" in str(error)
        assert "proxy and no_proxy" in str(error)
        assert "pr0xy" not in repr(error.to_result())
        assert site.site.log == []


# --- secrets -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "echo", ["Bad S3cret/ü", "Bad S3cret%2F%C3%BC", "<html>Bad S3cret/&uuml;</html>"], ids=["plain", "quoted", "page"]
)
@pytest.mark.parametrize("status", [200, 400, 503])
def test_a_site_that_repeats_what_it_was_sent(scripted: t.Any, read_connection: Read, echo: str, status: int) -> None:
    body: t.Any = echo if echo.startswith("<") else {"error": {"code": 400, "message": echo}}
    with scripted(lambda seen: Reply(body, status)) as server:
        options = {"url": server.url, "ca_path": server.ca_path, "retries": 0, **GIVEN}
        with Client(read_connection(**options)) as client:
            client.add_token("T0ken")
            with pytest.raises(GpError) as caught:
                client.get(server.url, INFO, {})
        for text in (str(caught.value), repr(caught.value.to_result()), repr(caught.value.args)):
            assert "S3cret" not in text
        assert "Bad ********" in str(caught.value)


def test_a_secret_that_is_cut_off_in_the_middle(scripted: t.Any, read_connection: Read) -> None:
    token = "abcdefghij" * 10
    body = {"error": {"code": 400, "message": f"{'word ' * 25}{token}"}}
    with (
        scripted(lambda seen: body) as server,
        Client(read_connection(url=server.url, ca_path=server.ca_path, token=token)) as client,
        pytest.raises(GpError) as caught,
    ):
        client.get(server.url, INFO, {})
    assert "abcdefghij" not in str(caught.value)


def test_a_password_with_two_blanks(scripted: t.Any, read_connection: Read) -> None:
    with scripted(lambda seen: {"error": {"code": 400, "message": "Bad: open  sesame"}}) as server:
        options = {"url": server.url, "ca_path": server.ca_path, "username": "me", "password": "open  sesame"}
        with Client(read_connection(**options)) as client, pytest.raises(GpError) as caught:
            client.get(server.url, INFO, {})
    assert "sesame" not in str(caught.value)


def test_a_client_is_shared_by_threads(client: t.Any, site: RunningSite) -> None:
    one, failures = client(connections=4), []

    def work() -> None:
        try:
            for number in range(10):
                one.add_token(f"{threading.get_ident()}-{number}")
                info(one, site)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _time in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert one.counters.sent == len(site.site.log) == 40
    assert site.site.counters.connections <= 4
