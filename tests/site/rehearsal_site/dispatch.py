# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a request to a reply: the side that is asked, and the shape of its errors."""

from __future__ import annotations

from . import admin, portal, rest
from .errors import SiteError, shaped
from .pages import message
from .site import Site
from .wire import Reply, Request


def dispatch(site: Site, request: Request, *, is_portal: bool) -> Reply:
    """Answer a request whose context has been taken off; ``is_portal`` for the context of a federating portal."""
    path = request.segments
    side, rest_of = (path[0], path[1:]) if path else ("", [])
    has_portal = site.api == "kubernetes" or is_portal
    with site.lock:
        try:
            if side == "sharing" and has_portal:
                return _reply(portal.handle(site, request, rest_of), "portal")
            if not is_portal:
                if side == "admin":
                    if site.switches["admin_disabled"]:
                        return _page(403, "Forbidden", "Administrative access through this web adaptor is disabled.")
                    return _reply(admin.handle(site, request, rest_of), "admin")
                if side == "rest":
                    return _reply(rest.handle(site, request, rest_of), "rest")
                if side == "tokens" and site.api == "server" and not site.layout.federated:
                    return _reply(_tokens(site, request, rest_of), "rest")
        except SiteError as error:
            where = {"sharing": "portal", "admin": "admin"}.get(side, "rest")
            return Reply(shaped(error, where, site.switches), side=where, error=True)
    return _page(404, "Not Found", "The requested resource is not available.")


def _reply(answer: dict[str, object] | Reply, side: str) -> Reply:
    return answer if isinstance(answer, Reply) else Reply(answer, side=side)


def _page(status: int, title: str, text: str) -> Reply:
    return Reply(status=status, raw=message(title, text).encode(), content_type="text/html")


def _tokens(site: Site, request: Request, path: list[str]) -> dict[str, object]:
    """The general token service of a stand-alone server; its URL alone answers too, as rest/info gives it."""
    request.kind = "token"
    if path not in ([], [""], ["generateToken"]):
        raise SiteError(404, "Not Found")
    token = site.desk.log_in(request, "server")
    return site.desk.answer(token, text=False, ssl=True)
