# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tokens: one login a task, one try a password, renewed by what the site's answer says."""

from __future__ import annotations

import threading
import time
import typing as t
from urllib.parse import quote

import pytest

from ansible_collections.gisops.arcgis.plugins.module_utils._errors import (
    GpError,
    LoginRefused,
    NotLoggedIn,
    NotUnderstood,
    TokenRefused,
    Unreachable,
)
from ansible_collections.gisops.arcgis.plugins.module_utils._wire import login_lock
from ansible_collections.gisops.arcgis.plugins.module_utils._wire.client import Client
from ansible_collections.gisops.arcgis.plugins.module_utils._wire.site import Site
from rehearsal_site.running import RunningSite, running_site

PASSWORD = "S3cret/ü &="
Read = t.Callable[..., t.Any]


def options(site: RunningSite, **more: t.Any) -> dict[str, t.Any]:
    given = {"url": site.url, "username": site.username, "password": site.password, "ca_path": str(site.ca_path)}
    return {**given, "api": site.site.api, **more}


def logins(site: RunningSite) -> list[str]:
    return [f"{entry.method} {entry.path}" for entry in site.site.log if "generateToken" in entry.path]


# --- the login on the wire ---------------------------------------------------------------------------------------


def test_what_a_login_sends(scripted: t.Any, read_connection: Read) -> None:
    token_url = "https://PLACE/tokens/generateToken"
    with scripted(lambda seen: {"token": "T0ken", "expires": 0} if seen.method == "POST" else {"ok": True}) as server:
        connection = read_connection(
            url=server.url,
            ca_path=server.ca_path,
            api="server",
            username="me",
            password=PASSWORD,
            referer="https://own",
            token_expiration=7,
            token_url=token_url.replace("https://PLACE", server.origin),
        )
        with Site(connection) as site:
            assert site.ask(f"{server.url}/admin/x", dict, {"a": "1"}) == {"ok": True}
            assert site.tokens.logins == 1
        login, read = server.seen
    assert (login.method, login.path, login.query) == ("POST", "/tokens/generateToken", {})
    assert login.form == {
        "f": "json",
        "username": "me",
        "password": PASSWORD,
        "expiration": "7",
        "client": "referer",
        "referer": "https://own",
    }
    assert login.headers["Referer"] == read.headers["Referer"] == "https://own"
    assert (read.method, read.query) == ("GET", {"f": "json", "a": "1"})
    assert read.headers["X-Esri-Authorization"] == "Bearer T0ken"
    assert "Authorization" not in read.headers
    assert "T0ken" not in read.path + str(read.query)


@pytest.mark.parametrize("shape", ["rest", "admin"])
@pytest.mark.parametrize("api", ["kubernetes", "server"])
def test_a_refused_password_is_sent_once(read_connection: Read, api: str, shape: str) -> None:
    with running_site("empty", api=api, login_error_shape=shape) as running:
        with Site(read_connection(**options(running, password="wrong-Passw0rd", retries=3))) as site:
            failures = []
            for _time in range(5):
                with pytest.raises(LoginRefused) as caught:
                    site.ask(site.roots.admin, dict)
                failures.append(str(caught.value))
        assert running.site.counts()["wrong_passwords"] == len(logins(running)) == 1
        assert len(set(failures)) == 1
        assert "The site refuses the login of 'siteadmin'" in failures[0]
        assert "Invalid username or password" in failures[0] or shape == "admin"
        assert "Unable to generate token" in failures[0]
        assert "tried once and is not tried again" in failures[0]
        assert "wrong-Passw0rd" not in failures[0]


def test_a_refused_password_is_sent_once_by_many_threads(read_connection: Read) -> None:
    with running_site("empty", delay="20ms") as running:
        with Site(read_connection(**options(running, password="wrong-Passw0rd"))) as site:
            kinds = in_threads(8, lambda: site.ask(site.roots.admin, dict))
        assert {type(kind) for kind in kinds} == {LoginRefused}
        assert running.site.counts()["wrong_passwords"] == 1


@pytest.mark.parametrize("fault", ["reset_before", "reset_in_body", "stall_body", "truncated_body"])
def test_a_lost_answer_to_a_login_fails_clearly_and_is_not_sent_again(read_connection: Read, fault: str) -> None:
    """The site may have seen the password: nobody knows, so nobody tries again."""
    with running_site("empty") as running:
        running.site.faults.add({"fault": fault, "match": {"path": "generateToken"}})
        with Site(read_connection(**options(running, timeout=1, retries=3))) as site:
            for _time in range(2):
                with pytest.raises((Unreachable, NotUnderstood)) as caught:
                    site.ask(site.roots.admin, dict)
        assert len(logins(running)) == 1
        assert "generateToken" in str(caught.value)


@pytest.mark.usefixtures("no_pauses")
@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_token_service_is_asked_again(read_connection: Read, status: int) -> None:
    with running_site("empty") as running:
        running.site.faults.add(
            {"fault": "http_status", "status": status, "match": {"path": "generateToken", "times": 2}}
        )
        with Site(read_connection(**options(running))) as site:
            assert site.ask(site.roots.admin, dict)
        assert len(logins(running)) == 3
        assert running.site.counts()["logins"] == 1


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        ({"fault": "html_login"}, NotUnderstood, "A page came where JSON was asked for"),
        ({"fault": "redirect_login"}, NotUnderstood, "sends us on to https://login.example.invalid/adfs/ls/"),
        ({"fault": "http_status", "status": 401}, NotLoggedIn, "wants a login of its own"),
        ({"fault": "http_status", "status": 403}, NotLoggedIn, "HTTP 403"),
        ({"fault": "custom", "body": {"expires": 1}}, NotUnderstood, "The answer to the login has no token"),
        ({"fault": "custom", "body": {"token": ""}}, NotUnderstood, "The answer to the login has no token"),
        ({"fault": "custom", "body": {"token": 5}}, NotUnderstood, "The answer to the login has no token"),
        ({"fault": "custom", "body": {"token": None, "error": None}}, NotUnderstood, "no token"),
        ({"fault": "error498"}, LoginRefused, "refuses the login"),
        ({"fault": "error499", "shape": "rest"}, LoginRefused, "refuses the login"),
        ({"fault": "error404"}, LoginRefused, "refuses the login"),
    ],
    ids=lambda value: str(value)[:50] if isinstance(value, dict) else "",
)
def test_other_answers_to_a_login(read_connection: Read, fault: t.Any, kind: type[GpError], words: str) -> None:
    with running_site("empty") as running:
        running.site.faults.add({**fault, "match": {"path": "generateToken"}})
        with Site(read_connection(**options(running))) as site, pytest.raises(GpError) as caught:
            site.ask(site.roots.admin, dict)
        assert caught.value.__class__ is kind
        assert words in str(caught.value)
        assert len(logins(running)) == 1


def test_a_token_service_that_repeats_the_password(scripted: t.Any, read_connection: Read) -> None:
    def echo(seen: t.Any) -> dict[str, t.Any]:
        return {"error": {"code": 400, "message": f"Bad {seen.form['password']} {quote(PASSWORD, safe='')}"}}

    with scripted(echo) as server:
        connection = read_connection(
            url=server.url,
            ca_path=server.ca_path,
            api="server",
            username="me",
            password=PASSWORD,
            token_url=f"{server.url}/generateToken",
        )
        with Site(connection) as site, pytest.raises(LoginRefused) as caught:
            site.ask(site.roots.admin, dict)
    assert "S3cret" not in repr(caught.value.to_result())
    assert "Bad ******** ********" in str(caught.value)


# --- renewal -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["number", "string", "seconds"])
@pytest.mark.parametrize("api", ["kubernetes", "server"])
def test_the_answer_says_when_a_token_expires(read_connection: Read, api: str, form: str) -> None:
    """Not what was asked for: sites clamp without a word."""
    with running_site("empty", api=api, expires_form=form, token_max_minutes=10) as running:
        running.site.clock.freeze()
        with Site(read_connection(**options(running, token_expiration=600))) as site:
            site.ask(site.roots.admin, dict)
            assert site.tokens.expires is not None
            assert abs(site.tokens.expires - running.site.clock.now() / 1000 - 600) <= 1


@pytest.mark.parametrize("form", ["missing", "past", "far"])
def test_an_implausible_expiry_is_left_to_a_498(read_connection: Read, form: str) -> None:
    with running_site("empty", expires_form=form) as running, Site(read_connection(**options(running))) as site:
        for _time in range(3):
            site.ask(site.roots.admin, dict)
        assert site.tokens.expires is None
        assert site.tokens.logins == 1


def test_a_token_is_renewed_before_it_expires(read_connection: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    """Five minutes before, or a fifth of a short life."""
    with (
        running_site("empty", token_max_minutes=10) as running,
        Site(read_connection(**options(running, total_timeout=0))) as site,
    ):
        site.ask(site.roots.admin, dict)
        real = time.monotonic
        for later, count in ((400, 1), (485, 2)):
            monkeypatch.setattr(time, "monotonic", lambda later=later: real() + later)
            assert site.tokens.current()
            monkeypatch.setattr(time, "monotonic", real)
            assert site.tokens.logins == count


def test_a_token_that_expired_is_renewed_once(read_connection: Read) -> None:
    with running_site("empty") as running, Site(read_connection(**options(running))) as site:
        site.ask(site.roots.admin, dict)
        running.site.desk.revoke()
        site.ask(site.roots.admin, dict)
        site.ask(site.roots.admin, dict)
        assert site.tokens.logins == len(logins(running)) == 2


def in_threads(count: int, work: t.Callable[[], t.Any]) -> list[BaseException | None]:
    """Runs the same work in many threads at the same time; what each of them raised."""
    barrier = threading.Barrier(count)
    raised: list[BaseException | None] = []

    def run() -> None:
        barrier.wait()
        try:
            work()
            raised.append(None)
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=run) for _time in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


@pytest.mark.parametrize("shape", ["admin", "rest"])
def test_eight_threads_with_an_expired_token_renew_it_once(read_connection: Read, shape: str) -> None:
    with (
        running_site("empty", delay="20ms", admin_error_shape=shape) as running,
        Site(read_connection(**options(running))) as site,
    ):
        assert in_threads(8, lambda: site.ask(site.roots.admin, dict)) == [None] * 8
        assert len(logins(running)) == 1, "and they log in once to begin with"
        running.site.desk.revoke()
        assert in_threads(8, lambda: site.ask(site.roots.admin, dict)) == [None] * 8
        assert site.tokens.logins == len(logins(running)) == 2


def test_a_new_token_that_is_refused_is_not_renewed_again(read_connection: Read) -> None:
    with running_site("empty") as running:
        running.site.faults.add({"fault": "error498", "match": {"path": "/admin"}})
        with Site(read_connection(**options(running))) as site, pytest.raises(TokenRefused) as caught:
            site.ask(site.roots.admin, dict)
        assert len(logins(running)) == 2
        assert "refuses the token that it has just given" in str(caught.value)
        assert "token_url" in caught.value.failure["cure"]


@pytest.mark.parametrize("life", [0.05, 30.0], ids=["runs out at once", "is refused at once"])
def test_tokens_that_do_not_last_are_not_renewed_for_ever(scripted: t.Any, read_connection: Read, life: float) -> None:
    """Neither before they run out, nor after they were refused."""
    logins: list[str] = []

    def script(seen: t.Any) -> t.Any:
        if "generateToken" in seen.path:
            logins.append(f"T0ken-{len(logins)}")
            return {"token": logins[-1], "expires": (time.time() + life) * 1000}
        used = seen.headers["X-Esri-Authorization"].split()[1]
        asked.append(used)
        is_refused = life > 1 and asked.count(used) > 1
        return {"error": {"code": 498, "message": "Token Expired."}} if is_refused else {"ok": True}

    asked: list[str] = []
    with scripted(script) as server:
        options = {"url": server.url, "ca_path": server.ca_path, "api": "server", "username": "me"}
        connection = read_connection(**options, password=PASSWORD, token_url=f"{server.url}/generateToken")
        with Site(connection) as site:
            for _time in range(20):
                time.sleep(0.02)
                try:
                    assert site.ask(f"{server.url}/admin", dict) == {"ok": True}
                except TokenRefused as error:
                    assert "has refused 4 tokens one after the other" in str(error)
            assert site.tokens.logins == len(logins) <= 4


def test_any_fault_in_a_login_is_remembered(read_connection: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even one of our own: the password may have been sent."""
    with running_site("empty") as running, Site(read_connection(**options(running, password="wrong"))) as site:
        monkeypatch.setattr(login_lock.Turn, "note", lambda turn, said: dict[str, int]()["no such key"])
        for _time in range(4):
            with pytest.raises(KeyError):
                site.ask(site.roots.admin, dict)
        assert running.site.counts()["wrong_passwords"] == 1


def test_a_given_token_without_a_password_expires_clearly(read_connection: Read) -> None:
    with running_site("empty") as running:
        given = {"username": None, "password": None, "token": "given-T0ken"}
        with Site(read_connection(**options(running, **given))) as site, pytest.raises(TokenRefused) as caught:
            site.ask(site.roots.admin, dict)
        assert logins(running) == []
        assert "The site refuses the token that was given: it has expired" in str(caught.value)
        assert "Get a new token for the same referer, or give username and password." in str(caught.value)
        assert "given-T0ken" not in repr(caught.value.to_result())


def test_a_given_token_with_a_password_is_replaced(read_connection: Read) -> None:
    with running_site("empty") as running, Site(read_connection(**options(running, token="given-T0ken"))) as site:
        assert site.ask(site.roots.admin, dict)
        assert site.tokens.logins == 1


def test_a_good_given_token_needs_no_login(read_connection: Read) -> None:
    with running_site("empty") as running:
        with Site(read_connection(**options(running))) as first:
            token = first.tokens.current()
        with Site(read_connection(**options(running, token=token, username=None, password=None))) as site:
            assert site.ask(site.roots.admin, dict)
            assert site.tokens.logins == 0
        with (
            Site(read_connection(**options(running, token=token, username=None, password=None, referer="x"))) as site,
            pytest.raises(TokenRefused, match="bound to another client"),
        ):
            site.ask(site.roots.admin, dict)


# --- where the token goes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("api", ["kubernetes", "server"])
@pytest.mark.parametrize(
    "switches",
    [{}, {"refuse_x_esri_header": True}, {"require_body_token_on_post": True}, {"refuse_body_token": True}],
    ids=str,
)
def test_no_token_and_no_password_is_ever_in_an_address(
    asked_site: t.Any, api: str, switches: dict[str, t.Any]
) -> None:
    with asked_site("first_gate", api=api, page_cap=3, **switches) as asked:
        facts = asked.query(detail="full")
        assert facts["complete"] is True
        tokens = [token.value for token in asked.site.desk.tokens.values()]
        assert tokens
        for entry in asked.site.log:
            assert entry.referer == "https://gisops.arcgis"
            for secret in (*tokens, asked.running.password, quote(asked.running.password, safe="")):
                assert secret not in entry.path


def test_a_header_that_is_taken_out_on_the_way(scripted: t.Any, read_connection: Read) -> None:
    """499 although a token was sent: it goes into the body of a POST, and no new login takes place."""

    def script(seen: t.Any) -> t.Any:
        if "generateToken" in seen.path:
            return {"token": "T0ken"}
        return (
            {"ok": True} if seen.form.get("token") == "T0ken" else {"status": "error", "code": 499, "messages": ["?"]}
        )

    with scripted(script) as server:
        connection = read_connection(
            url=server.url,
            ca_path=server.ca_path,
            api="server",
            username="me",
            password=PASSWORD,
            token_url=f"{server.url}/generateToken",
        )
        with Site(connection) as site:
            assert (
                site.ask(f"{server.url}/admin", dict, {"a": "1"})
                == site.ask(f"{server.url}/admin", dict)
                == {"ok": True}
            )
            assert site.tokens.logins == 1
        assert server.paths()[1:] == ["GET /arcgis/admin", "POST /arcgis/admin", "POST /arcgis/admin"]
        assert server.seen[2].form == {"f": "json", "a": "1", "token": "T0ken"}


def test_a_token_that_is_seen_nowhere(read_connection: Read) -> None:
    with running_site("empty", refuse_x_esri_header=True, refuse_body_token=True) as running:
        with Site(read_connection(**options(running))) as site, pytest.raises(GpError) as caught:
            site.ask(site.roots.admin, dict)
        assert "sees no token, although one was sent in a header and in the body" in str(caught.value)
        assert "use an address that does not pass it" in str(caught.value)
        assert len(logins(running)) == 1


def test_no_secret_is_kept_in_a_text_of_the_objects(read_connection: Read) -> None:
    """What is printed by accident, in a traceback say."""
    connection = read_connection(url="https://h", username="me", password="S3cret", token="T0ken")
    with Client(connection) as client, Site(connection) as site:
        assert "S3cret" not in repr(client) + repr(site) + repr(site.tokens)
