# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The portal: /sharing/rest under the site's own context (kubernetes) or a context of its own."""

from __future__ import annotations

from .errors import SiteError, forbidden
from .site import CURRENT_VERSION, FULL_VERSION, Site
from .wire import Request

Body = dict[str, object]

PORTAL_ID = "0123456789ABCDEF"


def portal_base(site: Site, request: Request) -> str:
    """The portal's URL, as the client would reach it."""
    if site.api == "kubernetes":
        return f"{request.origin}/{site.layout.context}"
    return site.layout.portal_base or f"{request.origin}/{site.layout.portal_context}"


def server_base(site: Site, request: Request) -> str:
    """The URL of the federated server, likewise."""
    return site.server_url or f"{request.origin}/{site.layout.context}"


def handle(site: Site, request: Request, path: list[str]) -> Body:
    """Answer what is asked below /sharing; ``rest`` in the path may be left out, as on real portals."""
    request.kind = "portal"
    path = path[1:] if path[:1] == ["rest"] else path
    if path == []:
        return {"currentVersion": "2025.1", "enterpriseVersion": FULL_VERSION}
    if path == ["info"]:
        base = portal_base(site, request)
        return {
            "owningSystemUrl": base,
            "authInfo": {"tokenServicesUrl": f"{base}/sharing/rest/generateToken", "isTokenBasedSecurity": True},
        }
    if path == ["generateToken"]:
        request.kind = "token"
        return _generate_token(site, request)
    if path[:1] == ["portals"] and len(path) in (2, 3) and path[1] in ("self", PORTAL_ID):
        if len(path) == 2:
            return _self(site, request)
        if path[2] == "servers":
            return _servers(site, request)
    if path == ["community", "self"]:
        account = site.desk.check(request, "portal")
        return {"username": account.name, "fullName": account.name, "role": _role(account.role), "privileges": []}
    raise SiteError(404, "Resource does not exist or is inaccessible.")


def _generate_token(site: Site, request: Request) -> Body:
    if request.form.get("token") and not request.form.get("password"):
        token = site.desk.exchange(request)
    else:
        token = site.desk.log_in(request, "portal")
    return site.desk.answer(token, text=False, ssl=True)


def _role(role: str) -> str:
    return {"administrator": "org_admin", "publisher": "org_publisher"}.get(role, "org_user")


def _self(site: Site, request: Request) -> Body:
    body: Body = {
        "id": PORTAL_ID,
        "name": "Rehearsal site",
        "isPortal": True,
        "portalName": "ArcGIS Enterprise",
        "currentVersion": "2025.1",
        "enterpriseVersion": FULL_VERSION,
        "supportsHostedServices": True,
        "allSSL": True,
        "portalHostname": portal_base(site, request).removeprefix("https://"),
        "portalMode": "singletenant",
        "urlKey": None,
        "customBaseUrl": "",
        "access": "public",
    }
    if site.api == "kubernetes":
        body["portalDeploymentType"] = "ArcGISEnterpriseOnKubernetes"
    if site.desk.presented(request) is not None:
        account = site.desk.check(request, "portal")
        body["user"] = {"username": account.name, "role": _role(account.role), "fullName": account.name}
    return body


def _servers(site: Site, request: Request) -> Body:
    account = site.desk.check(request, "portal")
    if not account.may_read_jobs(site.api):
        raise forbidden("portal")
    server = server_base(site, request)
    if site.api == "kubernetes":
        return {"servers": []}
    return {
        "servers": [
            {
                "id": "fedcba9876543210",
                "name": server.removeprefix("https://").partition("/")[0],
                "url": server,
                "adminUrl": server,
                "isHosted": True,
                "serverType": "ArcGIS",
                "serverRole": "HOSTING_SERVER",
                "serverFunction": "GeneralServer",
                "serverVersion": CURRENT_VERSION,
            }
        ]
    }
