# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which site is asked: its api, its token service, and the usual mistakes with addresses."""

from __future__ import annotations

import threading
import typing as t

import pytest

from ansible_collections.gisops.arcgis.plugins.module_utils._errors import (
    BadOption,
    Busy,
    GpError,
    LoginRefused,
    NotAllowed,
    NotUnderstood,
    TokenRefused,
    Unreachable,
)
from ansible_collections.gisops.arcgis.plugins.module_utils._wire.site import Site
from rehearsal_site.running import RunningSite, running_site

Read = t.Callable[..., t.Any]


def options(site: RunningSite, **more: t.Any) -> dict[str, t.Any]:
    given = {"url": site.url, "username": site.username, "password": site.password, "ca_path": str(site.ca_path)}
    return {**given, **more}


def paths(site: RunningSite) -> list[str]:
    return [f"{entry.method} {entry.path.partition('?')[0]}" for entry in site.site.log]


@pytest.mark.parametrize("root", ["url", "admin_url", "rest_url"])
def test_the_api_is_found_out_from_any_root(read_connection: Read, api: str, root: str) -> None:
    with running_site("empty", api=api) as running:
        with Site(read_connection(**options(running, url=getattr(running, root)))) as site:
            assert site.dialect.api == site.dialect.api == api
        requests = paths(running)
    assert len(requests) == (1 if api == "kubernetes" else 2), "the rest is remembered"
    assert requests[0].endswith("/sharing/rest/portals/self")


def test_a_given_api_costs_nothing(read_connection: Read, api: str) -> None:
    with running_site("empty", api=api) as running:
        with Site(read_connection(**options(running, api=api))) as site:
            assert site.dialect.api == api
        assert paths(running) == []


@pytest.mark.parametrize("own_port", [False, True])
def test_the_portal_of_a_federated_server_is_found(read_connection: Read, own_port: bool) -> None:
    with running_site("first_gate", api="server", federated=True, portal_own_port=own_port) as running:
        with Site(read_connection(**options(running))) as site:
            assert site.ask(f"{site.roots.admin}/services", dict)
            assert site.tokens.logins == 1
        posts = [path for path in paths(running) if path.startswith("POST")]
        assert posts == ["POST /portal/sharing/rest/generateToken"]


def test_the_servers_own_token_service_may_be_named(read_connection: Read) -> None:
    with running_site("empty", api="server", federated=True) as running:
        more = {"api": "server", "token_url": f"{running.admin_url}/generateToken"}
        with Site(read_connection(**options(running, **more))) as site:
            assert site.ask(site.roots.admin, dict)
        assert paths(running)[0] == "POST /arcgis/admin/generateToken"


def test_the_token_service_of_a_server_that_stands_alone(read_connection: Read) -> None:
    with running_site("empty", api="server") as running:
        with Site(read_connection(**options(running))) as site:
            assert site.ask(site.roots.admin, dict)
        assert "POST /arcgis/admin/generateToken" in paths(running)


@pytest.mark.parametrize("url", ["http://gis.example.com/generateToken", "gis.example.com", "https:///x", "ftp://h/x"])
def test_no_password_is_sent_without_tls(read_connection: Read, url: str) -> None:
    with running_site("empty", api="server") as running:
        with (
            pytest.raises(BadOption, match=r"has no https address \(option token_url\)\. Give token_url with https"),
            Site(read_connection(**options(running, api="server", token_url=url))) as site,
        ):
            site.ask(site.roots.admin, dict)
        assert paths(running) == []


@pytest.mark.parametrize("url", ["https://gis.example.com:port/x", "https://[gis/x"])
def test_a_token_url_that_cannot_be_read_is_named(read_connection: Read, url: str) -> None:
    with pytest.raises(BadOption, match="option token_url"):
        read_connection(url="https://h", username="me", password="x", api="server", token_url=url)


@pytest.mark.parametrize("portal", ["http://portal.example.com/portal", "nonsense"])
def test_a_portal_without_tls_gets_no_password(read_connection: Read, portal: str) -> None:
    with running_site("empty", api="server") as running:
        running.site.faults.add(
            {"fault": "custom", "body": {"owningSystemUrl": portal}, "match": {"path": "rest/info"}}
        )
        with (
            Site(read_connection(**options(running, api="server"))) as site,
            pytest.raises(BadOption, match="has no https address") as caught,
        ):
            site.ask(site.roots.admin, dict)
        assert "Give token_url" in str(caught.value)
        assert [path for path in paths(running) if path.startswith("POST")] == []


def test_a_portals_address_is_refused(read_connection: Read) -> None:
    with (
        running_site("empty", api="server", federated=True) as running,
        Site(read_connection(**options(running, url=running.portal_url))) as site,
        pytest.raises(BadOption) as caught,
    ):
        site.ask(site.roots.admin, dict)
    assert "This is the address of a portal, and jobs are kept by its servers" in str(caught.value)
    assert f"option url, {running.portal_url}" in str(caught.value)
    assert "Give a server's address as url." in str(caught.value)


@pytest.mark.parametrize("public", [True, False])
def test_a_portals_address_is_refused_with_the_addresses_of_its_servers(read_connection: Read, public: bool) -> None:
    with running_site("empty", api="server", federated=True) as running:
        if public:
            body = {"servers": [{"url": running.url}, {"url": None}]}
            running.site.faults.add({"fault": "custom", "body": body, "match": {"path": "self/servers"}})
        with (
            Site(read_connection(**options(running, url=running.portal_url))) as site,
            pytest.raises(BadOption) as caught,
        ):
            site.ask(site.roots.admin, dict)
    assert f"Its servers: {running.url}." in str(caught.value)
    assert caught.value.failure["servers"] == [running.url]


@pytest.mark.parametrize("body", [{}, {"servers": None}, {"servers": [{"name": "x"}]}, {"servers": ["x"]}])
def test_a_portal_that_does_not_tell_its_servers(read_connection: Read, body: t.Any) -> None:
    with running_site("empty", api="server", federated=True) as running:
        running.site.faults.add({"fault": "custom", "body": body, "match": {"path": "self/servers"}})
        with (
            Site(read_connection(**options(running, url=running.portal_url))) as site,
            pytest.raises(BadOption, match="The portal's administrator knows its servers"),
        ):
            site.ask(site.roots.admin, dict)


@pytest.mark.parametrize("fault", [{"fault": "error499", "shape": "rest"}, {"fault": "error403", "shape": "rest"}])
def test_a_private_portal_is_logged_in_to_first_and_only_once(read_connection: Read, fault: t.Any) -> None:
    with running_site("first_gate", api="kubernetes") as running:
        running.site.faults.add({**fault, "match": {"path": "portals/self", "times": 1}})
        with Site(read_connection(**options(running))) as site:
            assert site.dialect.api == "kubernetes"
            assert site.ask(f"{site.roots.admin}/services", dict)
            assert site.tokens.logins == 1
        assert len([path for path in paths(running) if "generateToken" in path]) == 1


def test_a_private_portal_and_another_token_service(read_connection: Read) -> None:
    """The password goes where the user says, and nowhere else."""
    with running_site("first_gate", api="kubernetes") as running, running_site("empty", api="server") as other:
        running.site.faults.add({"fault": "error499", "shape": "rest", "match": {"path": "portals/self", "times": 1}})
        token_url = f"{other.url}/admin/generateToken"
        with Site(read_connection(**options(running, token_url=token_url))) as site, pytest.raises(GpError):
            site.ask(f"{site.roots.admin}/services", dict)
        assert [path for path in paths(running) if "generateToken" in path] == []
        assert [path for path in paths(other) if "generateToken" in path] != []


def test_a_private_portal_and_a_wrong_password(read_connection: Read) -> None:
    with running_site("empty", api="kubernetes") as running:
        running.site.faults.add({"fault": "error499", "shape": "rest", "match": {"path": "portals/self"}})
        with Site(read_connection(**options(running, password="wrong"))) as site:
            for _time in range(2):
                with pytest.raises(LoginRefused):
                    site.ask(site.roots.admin, dict)
        assert running.site.counts()["wrong_passwords"] == 1


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        ({"fault": "html_login"}, NotUnderstood, "No ArcGIS site answers here (A page came where JSON was asked for"),
        ({"fault": "http_status", "status": 404}, NotUnderstood, "No ArcGIS site answers here (HTTP 404"),
        ({"fault": "custom", "body": {"hello": "world"}}, NotUnderstood, "does not look like an ArcGIS site"),
        ({"fault": "http_status", "status": 503}, Busy, "not able to answer now: HTTP 503"),
        ({"fault": "stall_headers"}, Unreachable, "No answer within 1 s"),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, dict) else "",
)
def test_what_is_no_site(read_connection: Read, fault: t.Any, kind: type[GpError], words: str) -> None:
    with running_site("empty", api="server") as running:
        running.site.faults.add({**fault, "match": {"path": "rest/info"}})
        with Site(read_connection(**options(running, retries=0, timeout=1))) as site, pytest.raises(GpError) as caught:
            site.ask(site.roots.admin, dict)
        assert caught.value.__class__ is kind
        assert words in str(caught.value)
        assert running.url in str(caught.value)
        assert caught.value.failure["cure"]
        assert running.site.counts()["logins"] == 0, "no password goes to what is no site"


def test_a_server_that_hides_its_information_needs_a_token_url(read_connection: Read) -> None:
    with running_site("empty", api="server") as running:
        running.site.faults.add({"fault": "error499", "shape": "rest", "match": {"path": "rest/info"}})
        with (
            Site(read_connection(**options(running, api="server"))) as site,
            pytest.raises(NotUnderstood, match="does not tell whether it belongs to a portal") as caught,
        ):
            site.ask(site.roots.admin, dict)
        assert "Give token_url" in str(caught.value)


# --- rights ------------------------------------------------------------------------------------------------------

PRIVILEGES = {
    "kubernetes": "'Feature layer' or 'Geoprocessing'",
    "server": "'Security and Infrastructure' or 'Servers'",
}


@pytest.mark.parametrize("shape", ["admin", "rest", "http"])
def test_no_right_in_every_shape_names_the_rights_that_would_do(read_connection: Read, api: str, shape: str) -> None:
    with running_site("empty", api=api) as running:
        running.site.faults.add({"fault": "error403", "shape": shape, "match": {"path": "/admin/?\\?"}})
        with Site(read_connection(**options(running, api=api))) as site, pytest.raises(NotAllowed) as caught:
            site.ask(site.roots.admin, dict)
    message = str(caught.value)
    assert f"The account '{running.username}' may not read this (" in message
    assert "Token is valid but access is denied." in message or "You do not have permissions" in message
    assert PRIVILEGES[api] in caught.value.failure["cure"]
    assert running.admin_url in message
    assert caught.value.failure["status"] == 403


def test_no_right_with_a_token_alone(read_connection: Read) -> None:
    with running_site("empty", api="server") as running:
        with Site(
            read_connection(**options(running, username="viewer", password="rehearsal-Passw0rd-viewer"))
        ) as first:
            token = first.tokens.current() if first.dialect else ""
        given = {"token": token, "username": None, "password": None}
        with (
            Site(read_connection(**options(running, **given))) as site,
            pytest.raises(NotAllowed, match="The account of this token may not read this"),
        ):
            site.ask(site.roots.admin, dict)


def test_no_right_after_a_renewal(read_connection: Read) -> None:
    with running_site("empty", api="server") as running:
        more = {"username": "viewer", "password": "rehearsal-Passw0rd-viewer", "token": "old"}
        with (
            Site(read_connection(**options(running, api="server", **more))) as site,
            pytest.raises(NotAllowed, match="The account 'viewer' may not read this"),
        ):
            site.ask(site.roots.admin, dict)


def test_a_web_adaptor_with_administration_off(read_connection: Read) -> None:
    with (
        running_site("empty", api="server", federated=True, admin_disabled=True) as running,
        Site(read_connection(**options(running))) as site,
        pytest.raises(NotAllowed) as caught,
    ):
        site.ask(site.roots.admin, dict)
    assert "HTTP 403" in str(caught.value)
    assert "web adaptor with administration off" in str(caught.value)
    assert "6443" in str(caught.value)


def test_reads_by_post_carry_the_token_in_the_body_too(scripted: t.Any, read_connection: Read) -> None:
    with scripted(lambda seen: {"total": 0}) as server:
        connection = read_connection(url=server.url, ca_path=server.ca_path, api="server", token="T0ken")
        with Site(connection) as site:
            assert site.ask_by_post(f"{server.url}/admin/x", dict) == {"total": 0}
        (seen,) = server.seen
        assert (seen.method, seen.query, seen.form) == ("POST", {}, {"f": "json", "token": "T0ken"})
        assert seen.headers["X-Esri-Authorization"] == "Bearer T0ken"


def test_a_token_of_another_issuer_is_explained(read_connection: Read) -> None:
    """A federated server whose admin side takes the primary administrator's tokens only."""
    with running_site("empty", api="server", federated=True, federated_portal_tokens=False) as running:
        with Site(read_connection(**options(running))) as site, pytest.raises(TokenRefused) as caught:
            site.ask(site.roots.admin, dict)
        assert "look at token_url (whose token does this site take?)" in str(caught.value)
        assert running.site.counts()["logins"] == 2


def test_the_api_is_found_out_once_by_many_threads(read_connection: Read) -> None:
    with running_site("empty", api="server", delay="10ms") as running:
        with Site(read_connection(**options(running))) as site:
            threads = [threading.Thread(target=lambda: site.dialect) for _time in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert len(paths(running)) == 2
