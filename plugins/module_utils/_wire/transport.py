# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What we need of ``requests``: one exchange within its time and size, and errors that are understood."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import traceback
import typing as t
import zlib
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotInTime

from .._errors import NotUnderstood, Unreachable
from .bodies import Answer
from .dialects import origin

try:
    import requests
    import urllib3
    from requests.adapters import HTTPAdapter

    REQUESTS_IMPORT_ERROR = None
except ImportError:
    REQUESTS_IMPORT_ERROR = traceback.format_exc()

_CHUNK = 65536
_IN_FRONT = "Ask again; if it stays, look at what stands in front of the site: a proxy, a web adaptor."
_GRACE = 0.15
"""Seconds by which a socket may be late with the timeout that it was given."""
Result = t.TypeVar("Result")


def within(seconds: float, work: t.Callable[[], Result]) -> Result:
    """Do some work, and no longer than so many seconds; raise socket.timeout if it takes longer.

    A socket's own timeout begins anew with every byte of a trickle, and looking up a name has none. So the work is done
    by a thread of its own, which is left to itself when its time is up: it ends with the next timeout of its socket,
    when the other side ends, or with this process.
    """
    future: Future[Result] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except Exception as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    try:
        return future.result(seconds + _GRACE)
    except NotInTime:
        raise socket.timeout("the answer was not whole in time") from None


def exchange(
    adapter: HTTPAdapter,
    request: requests.Request,
    where: str,
    *,
    seconds: float,
    addresses: int,
    most_mebibytes: int,
    **how: t.Any,
) -> Answer:
    """Send a request and read its answer; neither redirects nor retries.

    :param where: the place for error messages.
    :param seconds: how long each wait for the other side may take.
    :param addresses: how many addresses the other side has, each of which may be waited for.
    :param most_mebibytes: how large the answer may be when it is unpacked.
    :param how: what an adapter of requests is told: ``verify``, ``cert``, ``proxies``.
    """
    prepared = request.prepare()
    with contextlib.closing(
        adapter.send(prepared, stream=True, timeout=(seconds / addresses, seconds), **how)
    ) as response:
        # After an answer that comes before the answer, the connection is closed unread: the real one would be taken for
        # the next request's.
        content = _content(response, where, most_mebibytes) if response.status_code >= 200 else b""
        return Answer(response.status_code, response.headers, content)


def _content(response: requests.Response, where: str, most_mebibytes: int) -> bytes:
    """Read a body, plain or packed once by gzip, and no more of it than it may have."""
    packed = response.headers.get("Content-Encoding", "").strip().lower()
    if packed not in ("", "identity", "gzip", "x-gzip"):
        raise NotUnderstood(
            f"The answer is packed in a way that was not asked for ({packed[:40]})", where=where, cure=_IN_FRONT
        )
    most = most_mebibytes * 1024 * 1024
    unpack = zlib.decompressobj(wbits=31) if "gzip" in packed else None
    response.raw.enforce_content_length = True  # urllib3 before 2.0 lets a short body pass
    content = bytearray()
    try:
        for chunk in response.raw.stream(_CHUNK, decode_content=False):
            content += unpack.decompress(chunk, most + 1 - len(content)) if unpack else chunk
            if len(content) > most:
                raise NotUnderstood(
                    f"The answer is larger than {most_mebibytes} MiB",
                    where=where,
                    cure="Use a smaller number, or raise max_answer_size.",
                )
        is_whole = not unpack or not content or (unpack.eof and not unpack.unused_data)
    except zlib.error:
        is_whole = False
    if not is_whole:
        raise NotUnderstood("The answer is packed, and not whole", where=where, cure=_IN_FRONT, transient=True)
    return bytes(content)


def addresses(url: str) -> int:
    """Return how many addresses the host of a URL has; 1 if that cannot be told."""
    host, port = origin(url)[1:]
    try:
        return max(1, len(socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)))
    except (OSError, UnicodeError):
        return 1  # it is told where the connection is made


def failures() -> tuple[type[Exception], ...]:
    """Return everything that a request can fail with before its answer is whole."""
    return (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError)


def explain(error: Exception, url: str, where: str, timeout: int, is_late: bool) -> Unreachable:
    """Return our error for one of the transport's, whose own texts hold addresses with their queries."""
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
