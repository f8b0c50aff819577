# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokens, accounts and rights."""

from __future__ import annotations

import pytest
import requests

from conftest import NOON, PUBLISHING, Client, Start, jobs

WRONG = "Invalid username or password."


def login(client: Client, /, **more: object) -> dict[str, object]:
    return dict(client.log_in("siteadmin", **more).json())  # type: ignore[arg-type]


def use(client: Client, token: object, *, referer: str | None = "http") -> object:
    headers = {"X-Esri-Authorization": f"Bearer {token}", "Referer": referer}
    return client.get("admin/services", headers=headers).get("code")


def test_lives_are_clamped_without_a_word(start: Start, api: str) -> None:
    client = start(jobs(), api=api)
    assert int(str(login(client)["expires"])) == NOON + 120 * 60_000
    assert int(str(login(client, expiration=60)["expires"])) == NOON + 60 * 60_000
    assert int(str(login(client, expiration=99_999)["expires"])) == NOON + 20_160 * 60_000
    client.site.switches.update({"token_max_minutes": 5, "token_default_minutes": 3})
    assert int(str(login(client, expiration=60)["expires"])) == NOON + 5 * 60_000
    assert int(str(login(client)["expires"])) == NOON + 3 * 60_000


def test_expires_forms(start: Start, api: str) -> None:
    client = start(jobs(), api=api)
    assert isinstance(login(client)["expires"], str if api == "server" else int)
    expected = {"number": NOON + 7_200_000, "string": str(NOON + 7_200_000), "seconds": NOON // 1000 + 7200,
                "past": NOON - 3_600_000}  # fmt: skip
    for form, value in expected.items():
        client.site.switches.expires_form = form
        assert login(client)["expires"] == value
    client.site.switches.expires_form = "far"
    assert int(str(login(client)["expires"])) > NOON + 10**13
    client.site.switches.expires_form = "missing"
    assert "expires" not in login(client)


def test_expiry_on_the_clock_of_the_site(start: Start, api: str) -> None:
    client = start(jobs(), api=api)
    client.site.clock.advance(119 * 60_000)
    assert client.query()["total"] == 0
    client.site.clock.advance(60_000)
    assert client.query()["code"] == 498
    assert client.get("rest/services")["error"]["code"] == 498


def test_binding_by_referer(start: Start, api: str) -> None:
    client = start(jobs(), api=api)
    token = login(client, client="referer", referer="https://gate.example")["token"]
    assert use(client, token, referer="https://gate.example") is None
    assert use(client, token, referer="https://gate.example/page") is None
    assert use(client, token, referer="https://other.example") == 498
    assert use(client, token, referer=None) == 498
    client.site.switches.lax_referer_on_admin = True
    assert use(client, token, referer=None) is None
    assert use(client, token, referer="https://other.example") == 498
    headers = {"X-Esri-Authorization": f"Bearer {token}", "Referer": None}
    assert client.get("rest/services", headers=headers)["error"]["code"] == 498


def test_binding_by_address(start: Start, api: str) -> None:
    client = start(jobs(), api=api)
    assert use(client, login(client, client="requestip")["token"], referer=None) is None
    assert use(client, login(client, client="ip", ip="127.0.0.1")["token"]) is None
    assert use(client, login(client, client="ip", ip="10.1.2.3")["token"]) == 498
    for wrong in ({"client": "ip"}, {"client": "referer", "referer": ""}, {"client": "nobody"}):
        assert "error" in login(client, **wrong)
    assert "token" in login(client, client="referrer", referrer="http", referer="")  # as of 2012


def test_the_password_counts_in_the_body_only(start: Start, api: str) -> None:
    client = start(jobs(), api=api)
    body = client.session.get(
        client.token_url, params={"username": "siteadmin", "password": "rehearsal-Passw0rd-siteadmin", "f": "json"}
    ).json()
    assert body["error"]["details"] == ["'username' must be specified.", "'password' must be specified."]


PLACES = {
    "refuse_x_esri_header": {"headers": "X-Esri-Authorization"},
    "refuse_authorization_header": {"headers": "Authorization"},
    "refuse_query_token": {"params": "token"},
}


@pytest.mark.parametrize("switch", list(PLACES))
def test_places_of_a_get(start: Start, api: str, switch: str) -> None:
    client = start(jobs(), api=api)
    del client.session.headers["X-Esri-Authorization"]
    ((where, name),) = PLACES[switch].items()
    value = f"Bearer {client.token}" if where == "headers" else client.token

    def code() -> object:
        options = {"params": {"f": "json"}, **({where: {"f": "json", name: value}} if where == "params" else {})}
        if where == "headers":
            options["headers"] = {name: value}
        return client.get("admin/services", **options).get("code")

    assert code() is None
    client.site.switches[switch] = True
    assert code() == 499


def test_places_of_a_post(start: Start) -> None:
    client = start(jobs(), api="server")
    path = f"admin/services/{PUBLISHING}/jobs/statistics"
    assert client.post(path)["total"] == 0
    client.site.switches.require_body_token_on_post = True
    assert client.post(path)["code"] == 499  # the header alone does not do
    assert client.post(path, token=client.token)["total"] == 0
    assert client.query()["total"] == 0  # a GET is as ever
    response = client.response(path, "POST", data=None, json={"f": "json", "token": client.token}, params={"f": "json"})
    assert response.json()["code"] == 499  # a body that is no form is not looked at
    client.site.switches.refuse_body_token = True
    assert client.post(path, token=client.token)["code"] == 499


def test_lockout(start: Start, api: str) -> None:
    client = start(jobs(), api=api)
    for _ in range(4):
        assert client.log_in("siteadmin", "wrong").json()["error"]["details"] == [WRONG]
    assert "token" in login(client)  # a right one forgets the wrong ones
    for _ in range(5):
        client.log_in("siteadmin", "wrong")
    assert login(client)["error"]["details"] == [WRONG]  # type: ignore[index]
    assert client.site.desk.locked_logins == 1
    client.site.switches.locked_body = "named"
    assert "locked" in login(client)["error"]["details"][0]  # type: ignore[index]
    assert "token" in client.log_in("publisher").json()
    client.site.clock.advance(15 * 60_000)
    assert "token" in login(client)
    assert client.site.desk.wrong_passwords == 9


def test_lockout_switches(start: Start) -> None:
    client = start(jobs(), lockout_attempts=2, lockout_minutes=1)
    client.log_in("siteadmin", "wrong")
    client.site.clock.advance(61_000)
    client.log_in("siteadmin", "wrong")
    assert "token" in login(client)  # the first was too long ago
    for _ in range(2):
        client.log_in("siteadmin", "wrong")
    assert "error" in login(client)
    client.site.clock.advance(61_000)
    client.site.switches.lockout = False
    for _ in range(3):
        client.log_in("siteadmin", "wrong")
    assert "token" in login(client)


def test_revocation(start: Start, api: str) -> None:
    client = start(jobs(), api=api)
    assert client.control("POST", "/tokens/revoke", {"account": "nobody"}) == {"revoked": 0}
    assert client.query()["total"] == 0
    assert client.control("POST", "/tokens/revoke", {"account": "siteadmin"}) == {"revoked": 1}
    assert client.query()["code"] == 498


def test_the_shape_of_a_refused_login(start: Start) -> None:
    client = start(jobs(), api="server", login_error_shape="admin")
    assert client.log_in("siteadmin", "wrong").json()["status"] == "error"


# -- rights ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("account", "allowed"),
    [("publisher", True), ("viewer", False), ("geoprocessor", True), ("mapmaker", False)],
)
def test_who_may_ask(start: Start, api: str, account: str, allowed: bool) -> None:
    client = start("forbidden", api=api, username=account)
    assert (client.query().get("code") != 403) is allowed
    assert (client.get("admin/services").get("code") != 403) is allowed


def test_what_an_account_may_not_see(start: Start, api: str) -> None:
    client = start("forbidden", api=api, username="nosystem")
    assert client.query()["code"] == 403
    assert client.get("admin/services/System")["code"] == 403
    assert "System" in client.get("admin/services")["folders"]
    client.site.switches.forbidden_listing = "hidden"
    assert "System" not in client.get("admin/services")["folders"]
    assert client.get("rest/services/System/PublishingTools/GPServer")["error"]["code"] == 403
    other = start("forbidden", api=api, username="nobuffer", forbidden_listing="hidden")
    names = [service["serviceName"] for service in other.get("admin/services/Analysis")["services"]]
    assert names == ["Clip"]
    assert other.query("Analysis/Buffer.GPServer")["code"] == 403
    assert other.query("Analysis/Clip.GPServer")["total"] == 1


def test_a_disabled_account(start: Start) -> None:
    client = start("forbidden", username="")
    assert client.log_in("gone").json()["error"]["details"] == [WRONG]


# -- federation --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("own_port", [False, True])
def test_a_federated_server(start: Start, own_port: bool) -> None:
    client = start(jobs(), api="server", federated=True, portal_own_port=own_port)
    info = client.get("rest/info")
    assert info["owningSystemUrl"] == client.running.portal_url
    assert (
        client.get(f"{info['owningSystemUrl']}/sharing/rest/info")["authInfo"]["tokenServicesUrl"] == client.token_url
    )
    assert client.query()["total"] == 0  # with the portal's token
    (server,) = client.get(f"{client.running.portal_url}/sharing/rest/portals/self/servers")["servers"]
    assert server["adminUrl"] == client.running.url
    assert "portalDeploymentType" not in client.get(f"{client.running.portal_url}/sharing/rest/portals/self")
    assert client.response(f"{client.running.portal_url}/admin/services").status_code == 404
    assert client.response("sharing/rest/info").status_code == 404
    admin_login = f"{client.running.admin_url}/generateToken"
    server_token = client.log_in("siteadmin", url=admin_login).json()["token"]
    assert use(client, server_token) is None
    assert "error" in client.log_in("publisher", url=admin_login).json()  # the primary site administrator alone
    exchanged = client.session.post(
        client.token_url, data={"token": client.token, "serverUrl": client.running.url, "referer": "http", "f": "json"}
    ).json()
    assert use(client, exchanged["token"]) is None
    client.site.switches.federated_portal_tokens = False
    assert use(client, client.token) == 498
    assert use(client, server_token) is None


def test_federated_ip_tokens(start: Start) -> None:
    client = start(jobs(), api="server", federated=True)
    token = login(client, client="requestip")["token"]
    assert use(client, token) is None
    client.site.switches.federated_ip_tokens = False
    assert use(client, token) == 498
    assert use(client, client.token) is None


def test_the_other_token_service_of_a_server(start: Start) -> None:
    client = start(jobs(), api="server")
    info = client.get("rest/info")["authInfo"]
    assert info["shortLivedTokenValidity"] == 60
    for url in (info["tokenServicesUrl"], f"{client.running.url}/tokens/generateToken"):
        body = client.log_in("siteadmin", url=url).json()
        assert isinstance(body["expires"], int)
        assert use(client, body["token"]) is None


def test_enterprise_has_no_login_of_its_own(start: Start) -> None:
    client = start(jobs())
    assert client.log_in("siteadmin", url=f"{client.running.admin_url}/generateToken").json()["code"] == 404
    assert client.get("sharing/rest/portals/self")["portalDeploymentType"] == "ArcGISEnterpriseOnKubernetes"
    assert client.get("sharing/rest/portals/self")["user"]["username"] == "siteadmin"


def test_client_certificates(start: Start) -> None:
    from rehearsal_site.running import running_site

    with running_site(jobs(), api="server", client_certificates=True) as running:
        options = {"verify": str(running.ca_path), "timeout": 5}
        session = requests.Session()
        session.trust_env = False
        with pytest.raises(requests.ConnectionError):
            session.get(f"{running.url}/rest/info?f=json", **options)  # type: ignore[arg-type]
        pair = (str(running.client_cert_path), str(running.client_key_path))
        assert session.get(f"{running.url}/rest/info?f=json", cert=pair, **options).status_code == 200  # type: ignore[arg-type]
