# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages: what a site shows where nobody asked for JSON."""

from __future__ import annotations

import html
import json

from .wire import Reply, Request

TITLES = {
    "admin": "ArcGIS Administrator Directory",
    "rest": "ArcGIS REST Services Directory",
    "portal": "ArcGIS Portal Directory",
}


def encode(reply: Reply, request: Request) -> tuple[bytes, str]:
    """Body and content type of a reply."""
    if reply.raw is not None:
        return reply.raw, reply.content_type
    if request.wants_json:
        text = json.dumps(reply.data, indent=1 if request.pretty else None, ensure_ascii=False)
        return text.encode(), "application/json" if not request.pretty else "text/plain"
    return page(reply, request).encode(), "text/html"


def page(reply: Reply, request: Request) -> str:
    title = TITLES[reply.side]
    place = "/".join(request.segments) or "/"
    content = html.escape(json.dumps(reply.data, indent=2, ensure_ascii=False))
    heading = "Error" if reply.error else html.escape(place)
    return (
        f"<!DOCTYPE html>\n<html><head><title>{title}</title></head>\n<body>\n<h1>{title}</h1>\n<h2>{heading}</h2>\n"
        f"<pre>{content}</pre>\n"
        '<form method="get"><input type="hidden" name="f" value="pjson"><input type="submit" value="JSON"></form>\n'
        "</body></html>\n"
    )


def sign_in() -> str:
    return (
        "<!DOCTYPE html>\n<html><head><title>Sign In</title></head><body><h1>Sign in to your account</h1>"
        '<form method="post" action="/adfs/ls"><input name="UserName"><input type="password" name="Password">'
        "</form></body></html>\n"
    )


def message(title: str, text: str) -> str:
    return (
        f"<!DOCTYPE html>\n<html><head><title>{html.escape(title)}</title></head><body>"
        f"<h1>{html.escape(title)}</h1><p>{html.escape(text)}</p></body></html>\n"
    )
