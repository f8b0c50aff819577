# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTTPS front of a site."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Awaitable, Callable
from urllib.parse import unquote

from aiohttp import web
from multidict import MultiDict

from .dispatch import dispatch
from .errors import SiteError, shaped
from .fault_player import Exchange, play
from .faults import FaultRule
from .pages import encode
from .site import LogEntry, Site
from .wire import Reply, Request


class Front:
    """Takes requests, has them answered, and writes them down."""

    def __init__(self, site: Site, *, contexts: dict[str, bool], log: Callable[[LogEntry], None] | None = None) -> None:
        self._site, self._contexts, self._log = site, contexts, log
        self._lines: weakref.WeakSet[asyncio.BaseTransport] = weakref.WeakSet()
        """The connections that are open. A port of the other side's comes again."""
        self.closing = asyncio.Event()
        self.disturb: Callable[[FaultRule], Awaitable[None]]
        """Has the next connections meet a fault; whoever listens for this front puts that here."""

    def app(self) -> web.Application:
        app = web.Application(client_max_size=64 * 1024 * 1024, handler_args={"access_log": None})
        app.router.add_route("*", "/{tail:.*}", self._handle)
        app.on_response_prepare.append(self._finish)
        return app

    async def _finish(self, _request: web.Request, response: web.StreamResponse) -> None:
        # The framework adds its own clock where there is none.
        if self._site.switches["date_header"] == "absent":
            response.headers.popall("Date", None)

    async def _handle(self, http: web.Request) -> web.StreamResponse:
        site = self._site
        counters = site.counters
        counters.requests += 1
        self._note_connection(http)
        counters.in_flight += 1
        counters.max_in_flight = max(counters.max_in_flight, counters.in_flight)
        # Written down at once, and the status filled in later: a stalled or reset request is in the log too.
        entry = LogEntry(site.clock.now(), http.method, http.raw_path, 0, http.headers.get("Referer"), "other", None)
        site.log.append(entry)
        try:
            if site.delay:
                await asyncio.sleep(site.delay)
            response = await self._answer(http, entry)
            entry.status = response.status
            return response
        finally:
            counters.in_flight -= 1
            counters.kinds[entry.kind] += 1
            if self._log:
                self._log(entry)

    def _note_connection(self, http: web.Request) -> None:
        if http.transport is not None and http.transport not in self._lines:
            self._lines.add(http.transport)
            self._site.counters.connections += 1

    async def _answer(self, http: web.Request, entry: LogEntry) -> web.StreamResponse:
        site = self._site
        request, is_portal = await self._read(http)
        with site.lock:
            rule = site.faults.pick(http.method, http.rel_url.path_qs)
        if rule is not None:
            entry.fault = rule.fault
            site.counters.faults[rule.fault] += 1
        make = self._answer_of(request, is_portal)
        exchange = Exchange(http, make, self.headers(), self.closing, site, request, self.disturb)
        try:
            return await play(rule, exchange) if rule is not None else exchange.right_answer()
        finally:
            entry.kind = request.kind if request is not None else "other"

    def _answer_of(
        self, request: Request | None, is_portal: bool
    ) -> Callable[[], tuple[int, bytes, str, dict[str, str]]]:
        """The right answer, made when it is wanted: a fault may come before it."""

        def make() -> tuple[int, bytes, str, dict[str, str]]:
            if request is None:
                return 404, b"<html><body><h1>Not Found</h1></body></html>\n", "text/html", {}
            try:
                reply = dispatch(self._site, request, is_portal=is_portal)
            except Exception as error:  # a fault of the simulation shows as what it is, in the site's own shape
                failure = SiteError(500, f"{type(error).__name__}: {error}")
                reply = Reply(shaped(failure, "admin", self._site.switches), status=500, error=True)
                self._site.failures.append(error)
            body, content_type = encode(reply, request)
            return reply.status, body, content_type, dict(reply.headers)

        return make

    def headers(self) -> dict[str, str]:
        headers = {"Server": "", "Cache-Control": "no-cache"}
        if self._site.switches["date_header"] == "site":
            headers["Date"] = self._site.clock.http_date()
        return headers

    async def _read(self, http: web.Request) -> tuple[Request | None, bool]:
        segments = [unquote(part) for part in http.rel_url.raw_path.split("/") if part]
        context = segments[0] if segments else ""
        form: MultiDict[str] = MultiDict()
        # A body of another type is not looked at, so that a token in it is not found either.
        if http.method == "POST" and http.content_type in ("application/x-www-form-urlencoded", "multipart/form-data"):
            form = MultiDict((name, value) for name, value in (await http.post()).items() if isinstance(value, str))
        elif http.can_read_body:
            await http.read()
        if context not in self._contexts:
            return None, False
        origin = f"https://{http.host}"
        request = Request(
            method="GET" if http.method == "HEAD" else http.method,
            segments=segments[1:],
            query=http.rel_url.query,
            form=form,
            headers=http.headers,
            remote=http.remote or "",
            base=f"{origin}/{context}",
            origin=origin,
        )
        return request, self._contexts[context]
