# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers on loopback for what the rehearsal site does not do: answers as a test writes them, and a proxy."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import typing as t
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from rehearsal_site.certificates import server_context, write_ca


@dataclass
class Seen:
    """A request as it came over the wire."""

    method: str
    path: str
    query: dict[str, str]
    headers: Message
    form: dict[str, str]
    body: str


@dataclass
class Reply:
    """An answer. A mapping becomes JSON; ``raw`` is written as it is, piece by piece, in place of all else."""

    body: t.Any = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    raw: t.Iterable[bytes] | None = None


Script = t.Callable[[Seen], t.Any]


class ScriptedServer:
    """Answers every request by a function, and remembers what it was asked."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.seen: list[Seen] = []
        self.origin = ""
        self.ca_path = str(write_ca())

    @property
    def url(self) -> str:
        return f"{self.origin}/arcgis"

    def paths(self) -> list[str]:
        return [f"{seen.method} {seen.path}" for seen in self.seen]


@contextmanager
def scripted_server(script: Script, context: ssl.SSLContext | None = None) -> Iterator[ScriptedServer]:
    """An HTTPS server whose answers are a test's own."""
    scripted = ScriptedServer(script)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            self.request = (context or server_context("127.0.0.1")).wrap_socket(self.request, server_side=True)
            super().setup()

        def log_message(self, *_args: t.Any) -> None:
            pass

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            parts = urlsplit(self.path)
            seen = Seen(
                self.command, parts.path, dict(parse_qsl(parts.query)), self.headers, dict(parse_qsl(body)), body
            )
            scripted.seen.append(seen)
            answer = scripted.script(seen)
            reply = answer if isinstance(answer, Reply) else Reply(answer)
            if reply.raw is not None:
                self.close_connection = True
                for piece in reply.raw:
                    self.wfile.write(piece)
                    self.wfile.flush()
                return
            content = reply.body if isinstance(reply.body, bytes) else None
            if content is None:
                content = (reply.body if isinstance(reply.body, str) else json.dumps(reply.body)).encode()
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = _answer

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_args: t.Any) -> None:
            """Clients that break a connection are what some tests are about."""

    server = Server(("127.0.0.1", 0), Handler)
    scripted.origin = f"https://localhost:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield scripted
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class ConnectProxy:
    """What a proxy has seen: the targets that it was asked to connect to, and the first lines of each request."""

    def __init__(self, port: int) -> None:
        self.url = f"http://localhost:{port}"
        self.targets: list[str] = []
        self.heads: list[str] = []


@contextmanager
def connect_proxy(refuse: bool = False) -> Iterator[ConnectProxy]:
    """A proxy for HTTPS: takes CONNECT and carries bytes both ways."""
    listener = socket.create_server(("127.0.0.1", 0))
    proxy = ConnectProxy(listener.getsockname()[1])
    open_sockets: list[socket.socket] = []

    def carry(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    def serve(client: socket.socket) -> None:
        with suppress(OSError, ValueError):
            head = b""
            while b"\r\n\r\n" not in head and (data := client.recv(4096)):
                head += data
            text = head.decode("latin-1")
            proxy.heads.append(text)
            target = text.split()[1]
            proxy.targets.append(target)
            if refuse:
                client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
                client.close()
                return
            # Whatever the name, it is a server of this machine that is meant.
            upstream = socket.create_connection(("127.0.0.1", int(target.rsplit(":", 1)[1])), timeout=10)
            open_sockets.append(upstream)
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            threading.Thread(target=carry, args=(upstream, client), daemon=True).start()
            carry(client, upstream)

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _address = listener.accept()
                open_sockets.append(client)
                threading.Thread(target=serve, args=(client,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for one in open_sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        thread.join()
