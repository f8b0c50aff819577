# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How faults are played: in the answer, or below HTTP on the connection itself."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import zlib
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from functools import lru_cache
from typing import Any

from aiohttp import web

from .errors import DENIED, NO_MACHINES, NO_TOKEN, SiteError, admin_body, rest_body
from .faults import FaultRule
from .pages import message, sign_in
from .site import Site
from .statuses import parse_status, spell
from .wire import Request

Answer = tuple[int, bytes, str, dict[str, str]]


class Exchange:
    """One request and the means to answer it rightly or wrongly."""

    def __init__(
        self,
        http: web.Request,
        make: Callable[[], Answer],
        headers: dict[str, str],
        closing: asyncio.Event,
        site: Site,
        request: Request | None,
        disturb: Callable[[FaultRule], Awaitable[None]],
    ) -> None:
        self.http, self.make, self.headers, self.closing, self.site = http, make, headers, closing, site
        self.request, self.disturb = request, disturb

    def right_answer(self) -> web.Response:
        status, body, content_type, headers = self.make()
        return self.respond(body, content_type, status, headers)

    def respond(
        self,
        body: bytes | str,
        content_type: str = "application/json",
        status: int = 200,
        headers: dict[str, str] | None = None,
    ) -> web.Response:
        data = body.encode() if isinstance(body, str) else body
        response = web.Response(body=data, status=status, headers={**self.headers, **(headers or {})})
        response.headers["Content-Type"] = f"{content_type};charset=UTF-8"
        return response

    async def pause(self, seconds: float) -> None:
        """Wait, but not longer than the site lives."""
        try:
            await asyncio.wait_for(self.closing.wait(), seconds)
        except asyncio.TimeoutError:
            return

    def write(self, data: bytes) -> None:
        if self.http.transport is not None and not self.http.transport.is_closing():
            self.http.transport.write(data)

    def head(self, length: int, content_type: str = "application/json") -> bytes:
        lines = ["HTTP/1.1 200 OK", f"Content-Type: {content_type};charset=UTF-8", f"Content-Length: {length}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items() if value]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    async def flushed(self) -> None:
        """Wait until what was written has left for the socket."""
        for _ in range(200):
            transport = self.http.transport
            if transport is None or transport.is_closing() or not transport.get_write_buffer_size():
                return
            await asyncio.sleep(0.001)

    def close(self) -> web.StreamResponse:
        if self.http.transport is not None:
            self.http.transport.close()
        return Gone()

    def reset(self) -> web.StreamResponse:
        """Close so that the other side sees a reset and no orderly end."""
        transport = self.http.transport
        if transport is not None:
            connection = transport.get_extra_info("socket")
            if connection is not None:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()
        return Gone()


class Gone(web.Response):
    """The answer of a request whose connection is gone: nothing is written any more."""

    async def prepare(self, request: web.BaseRequest) -> None:
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        return None


Player = Callable[[FaultRule, Exchange], Awaitable[web.StreamResponse]]
PLAYERS: dict[str, Player] = {}


def player(*names: str) -> Callable[[Player], Player]:
    def note(function: Player) -> Player:
        PLAYERS.update(dict.fromkeys(names, function))
        return function

    return note


async def play(rule: FaultRule, exchange: Exchange) -> web.StreamResponse:
    return await PLAYERS[rule.fault](rule, exchange)


# -- answers of another kind -------------------------------------------------------------------------------------


@player("html_login")
async def _html_login(_rule: FaultRule, exchange: Exchange) -> web.StreamResponse:
    return exchange.respond(sign_in(), "text/html")


@player("redirect_login", "redirect", "redirect_loop")
async def _redirect(rule: FaultRule, exchange: Exchange) -> web.StreamResponse:
    url = exchange.http.rel_url
    if rule.fault == "redirect_login":
        default = "https://login.example.invalid/adfs/ls/?wa=wsignin1.0"
    elif rule.fault == "redirect_loop":
        default = str(url)
    else:
        path = url.raw_path if url.raw_path.endswith("/") else f"{url.raw_path}/"
        default = path + (f"?{url.raw_query_string}" if url.raw_query_string else "")
    return exchange.respond("", "text/html", rule.integer("status", 302), {"Location": rule.text("location", default)})


@player("http_status")
async def _http_status(rule: FaultRule, exchange: Exchange) -> web.StreamResponse:
    status = rule.integer("status", 503)
    headers = {} if rule.options.get("retry_after") is None else {"Retry-After": rule.text("retry_after", "")}
    if status == 401:
        headers["WWW-Authenticate"] = "Negotiate"
    text = rule.text("message", f"HTTP status {status}")
    form = rule.text("body", "html")
    if form == "json":
        return exchange.respond(json.dumps(admin_body(status, text)), status=status, headers=headers)
    if form == "empty":
        return exchange.respond("", "text/html", status, headers)
    return exchange.respond(message(f"Error {status}", text), "text/html", status, headers)


@player("no_machines_json")
async def _no_machines_json(_rule: FaultRule, exchange: Exchange) -> web.StreamResponse:
    return exchange.respond(json.dumps({"status": "error", "messages": [NO_MACHINES]}))


@player("no_machines_html")
async def _no_machines_html(rule: FaultRule, exchange: Exchange) -> web.StreamResponse:
    return exchange.respond(message("Application Error", NO_MACHINES), "text/html", rule.integer("status", 200))


@player("empty_body")
async def _empty_body(_rule: FaultRule, exchange: Exchange) -> web.StreamResponse:
    return exchange.respond("")


@player("xml")
async def _xml(_rule: FaultRule, exchange: Exchange) -> web.StreamResponse:
    return exchange.respond('<?xml version="1.0"?><error><code>500</code></error>', "text/xml")


ERRORS = {
    498: SiteError(498, "Invalid token."),
    499: SiteError(499, "Token Required", details=["Token Required"], extra={"messageCode": "GWM_0003"}),
    403: SiteError(403, "You do not have permissions to access this resource or perform this operation."),
    404: SiteError(404, "Resource does not exist or is inaccessible."),
    500: SiteError(500, "Internal error."),
}
ADMIN_WORDS = {
    499: NO_TOKEN,
    403: DENIED,
    404: "Could not find resource or operation 'query' on the system.",
}


@player("error498", "error499", "error403", "error404", "error500")
async def _error(rule: FaultRule, exchange: Exchange) -> web.StreamResponse:
    code = int(rule.fault.removeprefix("error"))
    error = ERRORS[code]
    shape = rule.text("shape", "admin")
    if shape == "rest":
        return exchange.respond(json.dumps(rest_body(error)))
    body = json.dumps(admin_body(code, rule.text("message", ADMIN_WORDS.get(code, error.message))))
    return exchange.respond(body, status=code if shape == "http" else 200)


@player("custom")
async def _custom(rule: FaultRule, exchange: Exchange) -> web.StreamResponse:
    body = rule.options.get("body", "")
    text = body if isinstance(body, str) else json.dumps(body)
    headers = rule.options.get("headers") or {}
    extra = {str(name): str(value) for name, value in headers.items()} if isinstance(headers, dict) else {}
    return exchange.respond(text, rule.text("content_type", "application/json"), rule.integer("status", 200), extra)


@player("deeply_nested")
async def _deeply_nested(rule: FaultRule, exchange: Exchange) -> web.StreamResponse:
    depth = rule.integer("depth", 100_000)
    return exchange.respond('{"results": ' + "[" * depth + "]" * depth + "}")


@lru_cache(maxsize=2)
def _bomb(size: int) -> bytes:
    """A gzip stream of blanks: one compressed block over and over, for compressing them all would take long."""
    block = b" " * (1 << 20)
    press = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = press.compress(block) + press.flush(zlib.Z_FULL_FLUSH)
    times = max(1, size >> 20)
    crc = 0
    for _ in range(times):
        crc = zlib.crc32(block, crc)
    end = press.flush(zlib.Z_FINISH)
    head = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
    return head + packed * times + end + struct.pack("<II", crc, (times << 20) & 0xFFFFFFFF)


@player("gzip_bomb")
async def _gzip_bomb(rule: FaultRule, exchange: Exchange) -> web.StreamResponse:
    body = _bomb(rule.integer("size", 256 << 20))
    return exchange.respond(body, headers={"Content-Encoding": "gzip"})


# -- the right answer, spoilt ------------------------------------------------------------------------------------


def respoken(exchange: Exchange, edit: Callable[[dict[str, Any]], None]) -> web.Response:
    """The right answer after an edit, where it is a JSON object; else as it is."""
    status, body, content_type, headers = exchange.make()
    try:
        data = json.loads(body)
    except ValueError:
        return exchange.respond(body, content_type, status, headers)
    if isinstance(data, dict):
        edit(data)
    return exchange.respond(json.dumps(data), content_type, status, headers)


@player("results_missing", "results_null")
async def _results(rule: FaultRule, exchange: Exchange) -> web.StreamResponse:
    def spoil(data: dict[str, Any]) -> None:
        if "results" in data and rule.fault == "results_null":
            data["results"] = None
        else:
            data.pop("results", None)

    return respoken(exchange, spoil)


@player("edited")
async def _edited(rule: FaultRule, exchange: Exchange) -> web.StreamResponse:
    return respoken(exchange, lambda data: _edit(data, rule))


def _edit(data: dict[str, Any], rule: FaultRule) -> None:
    put, add, drop = (rule.options.get(name) for name in ("put", "add", "drop"))
    data.update(put if isinstance(put, dict) else {})
    for name, number in (add if isinstance(add, dict) else {}).items():
        if isinstance(data.get(name), int):
            data[name] += int(str(number))
    for name in drop if isinstance(drop, list) else ():
        data.pop(str(name), None)
    results = data.get("results")
    if not isinstance(results, dict):
        return
    if "spelling" in rule.options:
        results = {job_id: spell(parse_status(word), rule.text("spelling", "")) for job_id, word in results.items()}
    if "word" in rule.options:
        results = dict.fromkeys(results, rule.options["word"])
    data["results"] = {
        "ids": list(results),
        "objects": {job_id: {"jobStatus": word} for job_id, word in results.items()},
        "id_objects": [{"jobId": job_id, "jobStatus": word} for job_id, word in results.items()],
        "nulls": dict.fromkeys(results),
    }.get(rule.text("form", ""), results)


@player("other_page", "unfiltered")
async def _other_question(rule: FaultRule, exchange: Exchange) -> web.StreamResponse:
    """Answers another question than the one asked, and says that it was the one asked."""
    request = exchange.request
    if request is None:
        return exchange.right_answer()
    asked = request.params.copy()
    start = int(asked.get("start") or 1)
    if rule.fault == "unfiltered":
        request.params.popall("jobStatus", None)
    else:
        request.params["start"] = str(max(1, start + rule.integer("by", 3)))

    def pretend(data: dict[str, Any]) -> None:
        if "results" not in data:
            return
        if rule.fault == "other_page" and "start" in data:
            moved = start - int(data["start"])
            data["start"] = start
            if data.get("nextStart", -1) > 0:
                data["nextStart"] += moved
        elif rule.fault == "unfiltered" and isinstance(data.get("query"), dict):
            data["query"]["status"] = asked.getall("jobStatus", [])

    return respoken(exchange, pretend)


@player("date")
async def _date(rule: FaultRule, exchange: Exchange) -> web.StreamResponse:
    response = exchange.right_answer()
    response.headers["Date"] = formatdate(exchange.site.clock.now() / 1000 + rule.shift("1h"), usegmt=True)
    return response


@player("truncated_json", "bom", "bad_utf8")
async def _spoilt(rule: FaultRule, exchange: Exchange) -> web.StreamResponse:
    status, body, content_type, headers = exchange.make()
    if rule.fault == "truncated_json":
        body = body[: len(body) // 2]
    elif rule.fault == "bom":
        body = b"\xef\xbb\xbf \r\n" + body
    else:
        body = body.replace(b'"', b'"\xff\xfe', 1)
    return exchange.respond(body, content_type, status, headers)


@player("slow")
async def _slow(rule: FaultRule, exchange: Exchange) -> web.StreamResponse:
    await exchange.pause(rule.delay("1s"))
    return exchange.right_answer()


# -- below HTTP --------------------------------------------------------------------------------------------------


@player("truncated_body", "reset_in_body", "stall_body", "trickle")
async def _by_hand(rule: FaultRule, exchange: Exchange) -> web.StreamResponse:
    _, body, content_type, _ = exchange.make()
    exchange.write(exchange.head(len(body), content_type))
    if rule.fault == "trickle":
        pause = rule.delay("100ms")
        for position in range(len(body)):
            if exchange.http.transport is None or exchange.http.transport.is_closing() or exchange.closing.is_set():
                return Gone()
            exchange.write(body[position : position + 1])
            await exchange.pause(pause)
        return exchange.close()
    exchange.write(body[: len(body) // 2])
    await exchange.flushed()
    if rule.fault == "reset_in_body":
        # Let the half arrive: a reset throws away what the other side has not read yet.
        await exchange.pause(0.02)
        return exchange.reset()
    if rule.fault == "stall_body":
        await exchange.pause(rule.delay("1h"))
    return exchange.close()


@player("truncated_chunks", "truncated_open")
async def _cut(rule: FaultRule, exchange: Exchange) -> web.StreamResponse:
    _, body, content_type, _ = exchange.make()
    half = body[: len(body) // 2]
    lines = ["HTTP/1.1 200 OK", f"Content-Type: {content_type};charset=UTF-8"]
    lines += [f"{name}: {value}" for name, value in exchange.headers.items() if value]
    if rule.fault == "truncated_chunks":
        lines.append("Transfer-Encoding: chunked")
        half = b"%x\r\n%b\r\n" % (len(half), half)
    else:
        lines.append("Connection: close")
    exchange.write(("\r\n".join(lines) + "\r\n\r\n").encode() + half)
    await exchange.flushed()
    return exchange.close()


# -- at the door: what the next connection meets ----------------------------------------------------------------


@player("closed_port", "full_backlog", "silent_port", "other_certificate", "expired_certificate")
async def _at_the_door(rule: FaultRule, exchange: Exchange) -> web.StreamResponse:
    response = exchange.right_answer()
    response.force_close()
    await exchange.disturb(rule)
    return response


@player("stall_headers")
async def _stall_headers(rule: FaultRule, exchange: Exchange) -> web.StreamResponse:
    await exchange.pause(rule.delay("1h"))
    return exchange.close()


@player("reset_before")
async def _reset_before(_rule: FaultRule, exchange: Exchange) -> web.StreamResponse:
    return exchange.reset()


@player("endless_body")
async def _endless(rule: FaultRule, exchange: Exchange) -> web.StreamResponse:
    size = rule.integer("size", 1 << 62)
    response = web.StreamResponse(headers={**exchange.headers, "Content-Type": "application/json"})
    await response.prepare(exchange.http)
    await response.write(b'{"total": 1, "results": [0')
    sent, chunk = 0, b",0" * 32768
    while sent < size and not exchange.closing.is_set():
        try:
            await response.write(chunk)
        except ConnectionError:  # the reader has had enough
            return Gone()
        sent += len(chunk)
        # A fast reader never makes a write wait, and the loop has others to serve.
        await asyncio.sleep(0)
        if exchange.http.transport is None or exchange.http.transport.is_closing():
            return Gone()
    return exchange.close()
