# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What we need of ``requests`` and ``urllib3`` beyond their front doors: answers bounded in time, errors understood."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
import traceback
import typing as t

from .._errors import Unreachable
from .dialects import origin

try:
    import requests
    import urllib3
    from requests.adapters import HTTPAdapter
    from urllib3.connection import HTTPSConnection
    from urllib3.connectionpool import HTTPSConnectionPool

    REQUESTS_IMPORT_ERROR = None
except ImportError:
    REQUESTS_IMPORT_ERROR = traceback.format_exc()
    HTTPAdapter = HTTPSConnection = HTTPSConnectionPool = object  # type: ignore[assignment,misc]

_CHUNK = 65536


class _Request:
    """A request under way: when it has to be over (``time.monotonic()``), and the connection to cut then."""

    def __init__(self, ends: float) -> None:
        self.ends = ends
        self.line: socket.socket | None = None
        self.is_cut = False

    def take(self, line: socket.socket | None) -> None:
        """The connection from now on. Time may have been up before there was one to cut."""
        self.line = line
        if self.is_cut:
            self.cut()

    def cut(self) -> None:
        self.is_cut = True
        if self.line is not None:
            with contextlib.suppress(OSError):
                self.line.shutdown(socket.SHUT_RDWR)


class Watchdog:
    """Cuts the connections of requests whose time is up, whatever they wait for; one thread for all of them.

    A socket's own timeout starts anew with every byte of a trickle.
    """

    _mine = threading.local()
    """The request that a thread is at."""

    def __init__(self) -> None:
        self._requests: set[_Request] = set()
        self._changed = threading.Condition()
        self._wakes = float("inf")
        self._is_closed = False
        self._thread: threading.Thread | None = None

    @contextlib.contextmanager
    def until(self, ends: float) -> t.Iterator[None]:
        """Within this, requests of this thread are cut at ``ends``."""
        request = self._mine.request = _Request(ends)
        with self._changed:
            self._requests.add(request)
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, daemon=True)
                self._thread.start()
            if ends < self._wakes:
                self._changed.notify()
        try:
            yield
        except Exception as error:
            if not request.is_cut or isinstance(error, requests.exceptions.ConnectTimeout):
                raise
        finally:
            with self._changed:
                self._requests.discard(request)
        if request.is_cut:
            raise socket.timeout("the answer was not whole in time")

    def close(self) -> None:
        with self._changed:
            self._is_closed = True
            self._changed.notify()

    def _watch(self) -> None:
        with self._changed:
            while not self._is_closed:
                now = time.monotonic()
                late = {request for request in self._requests if request.ends <= now}
                for request in late:
                    request.cut()
                self._requests -= late
                self._wakes = min((request.ends for request in self._requests), default=float("inf"))
                self._changed.wait(self._wakes - now if self._requests else None)


def _current() -> _Request:
    """The request that this thread is at; one without an end where nobody watches."""
    return getattr(Watchdog._mine, "request", None) or _Request(float("inf"))


class _Connection(HTTPSConnection):
    """A connection that its request may cut."""

    _line: socket.socket | None = None

    def _new_conn(self) -> t.Any:
        whole = t.cast(float, self.timeout)
        # Each address of the host may take the timeout, one after the other.
        request = _current()
        left = min(request.ends - time.monotonic(), whole)
        self.timeout = t.cast(t.Any, max(0.01, left) / _addresses(self.host, self.port))
        try:
            first = super()._new_conn()
        finally:
            self.timeout = t.cast(t.Any, whole)
        self._line = first.dup()
        request.take(self._line)
        return first

    def getresponse(self) -> t.Any:
        _current().take(self._line)
        return super().getresponse()

    def close(self) -> None:
        super().close()
        if self._line is not None:
            self._line.close()


def _addresses(host: str, port: int | None) -> int:
    try:
        return len(socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM))
    except (OSError, UnicodeError):
        return 1  # it is told where the connection is made


class _Pool(HTTPSConnectionPool):
    ConnectionCls = _Connection


class BoundedAdapter(HTTPAdapter):
    """The adapter of requests, on connections of ours; all requests trust the same and show the same certificate."""

    def cert_verify(self, conn: t.Any, *args: t.Any, **kwargs: t.Any) -> None:
        """Sets up a pool: once, for looking whether files are there takes as long as much of a request."""
        if not getattr(conn, "is_set_up", False):
            super().cert_verify(conn, *args, **kwargs)
            conn.is_set_up = True

    def init_poolmanager(self, *args: t.Any, **kwargs: t.Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        _use_our_pool(self.poolmanager)

    def proxy_manager_for(self, *args: t.Any, **kwargs: t.Any) -> t.Any:
        return _use_our_pool(super().proxy_manager_for(*args, **kwargs))


def _use_our_pool(manager: t.Any) -> t.Any:
    manager.pool_classes_by_scheme = {**manager.pool_classes_by_scheme, "https": _Pool}
    return manager


def chunks(response: requests.Response) -> t.Iterator[bytes]:
    """The body as it arrives; one that is shorter than announced is an error."""
    response.raw.enforce_content_length = True  # urllib3 before 2.0 lets it pass
    yield from response.iter_content(_CHUNK)


def failures() -> tuple[type[Exception], ...]:
    """Everything that a request can fail with before its answer is whole."""
    return (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError)


def explain(error: Exception, url: str, where: str, timeout: int, is_late: bool) -> Unreachable:
    """Our error for one of the transport's, whose own texts hold addresses with their queries."""
    text = str(error)
    for pattern, what, cure in _TLS_TROUBLE:
        trouble = re.search(pattern, text)
        if trouble:
            reason = " ".join(part for part in trouble.groups() if part).strip()
            return Unreachable(f"{what}{': ' + reason if reason else ''}", where=where, cure=cure, transient=False)
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return Unreachable(
            f"No connection within {timeout} s",
            where=where,
            cure="Look at the address, the port and the firewalls in between.",
            unsent=True,
        )
    if is_late or isinstance(error, (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError)):
        return Unreachable(f"No answer within {timeout} s", where=where, cure="Raise timeout, or look at the site.")
    if isinstance(error, requests.exceptions.ProxyError):
        # requests says so of every answer that is lost behind a proxy, whether or not the site has seen the request.
        refused = re.search("NewConnectionError|NameResolutionError|Tunnel connection failed", text) is not None
        return Unreachable(
            "The proxy does not let us through" if refused else "The connection through the proxy broke",
            where=where,
            cure="Look at the options proxy and no_proxy.",
            unsent=refused,
        )
    if re.search("NewConnectionError|NameResolutionError|refused", text):
        host, port = origin(url)[1:]
        errno = re.search(r"\[Errno -?\d+\] ([^'\")]+)", text)
        return Unreachable(
            f"No connection to {host} port {port}: {errno.group(1).strip() if errno else 'it could not be made'}",
            where=where,
            cure="Look at the address and the port; ArcGIS Server itself answers on 6443.",
            unsent=True,
        )
    return Unreachable(
        f"The connection broke before the answer was whole ({type(error).__name__})",
        where=where,
        cure="Look at the site, and at what stands in front of it; where a client certificate is wanted (client_cert), "
        "it can look like this too.",
    )


_TLS_TROUBLE = (
    (
        r"certificate verify failed(?:: ([^(\"']+))?|hostname '[^']*' doesn't match",
        "The site's certificate is not trusted",
        "Give the CA that issued it as ca_path, and use the host name that it was issued for.",
    ),
    (
        r"(?i)(certificate required|alert [a-z ]*certificate|alert handshake failure)",
        "The site breaks off the TLS handshake",
        "It may want a client certificate: give client_cert and client_key.",
    ),
    (
        r"(?i)wrong[ _]version[ _]number|record layer failure|http[ _]request",
        "No TLS is spoken there",
        "Look at the port: ArcGIS Server speaks TLS on 6443.",
    ),
    (
        r"(?i)no[ _]certificate[ _]or[ _]crl[ _]found|pem[ _]lib|suitable TLS|key values mismatch|no start line",
        "A file is not the certificate or the key that it should be",
        "Look at ca_path, client_cert and client_key (and REQUESTS_CA_BUNDLE): PEM files, a key without a passphrase.",
    ),
    (
        r"SSLError.*\[SSL[^\]]*\] ([^(\"']+)",
        "The TLS handshake failed",
        "Look at the site's TLS settings, and at what stands in front of it.",
    ),
)
