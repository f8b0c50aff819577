# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""One ``requests`` session: sends, bounds in time and size, repeats what may be repeated. Knows nothing of GP jobs."""

from __future__ import annotations

import os
import random
import re
import threading
import time
import traceback
import typing as t
from urllib.parse import urljoin

from . import _answers
from ._answers import Answer
from ._api import origin, safe_url
from ._errors import Busy, GpError, NotUnderstood, OutOfTime, Unreachable
from ._options import Connection

try:
    import requests
    import urllib3
    from requests.adapters import HTTPAdapter
    from requests.utils import get_environ_proxies, should_bypass_proxies

    REQUESTS_IMPORT_ERROR = None
except ImportError:
    REQUESTS_IMPORT_ERROR = traceback.format_exc()

_MOST_REDIRECTS = 5
_LONGEST_PAUSE = 60.0
_CHUNK = 65536


class Counters:
    """What the facts say of our requests; shared by threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.sent = 0
        self.retried = 0

    def count(self, *, retried: bool) -> None:
        with self._lock:
            self.sent += 1
            self.retried += retried


class Client:
    """Sends requests to one site and gives back JSON objects, or raises a GpError."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._began = time.monotonic()
        self._deadline = self._began + connection.total_timeout if connection.total_timeout else float("inf")
        self._session = self._open(connection)
        self._lock = threading.Lock()
        self._proxies_of: dict[tuple[str, str, int | None], dict[str, str]] = {}
        self.counters = Counters()
        self.clock = SiteClock()
        self._secrets = {secret for secret in (connection.password, connection.token) if secret}

    @staticmethod
    def _open(connection: Connection) -> requests.Session:
        session = requests.Session()
        # Nothing from ~/.netrc, and no variable of the environment over what the user asked for; what we do take
        # from the environment (proxies, CA bundle) is read where it is used.
        session.trust_env = False
        session.headers.update({"User-Agent": "gisops.arcgis", "Accept": "application/json"})
        adapter = HTTPAdapter(pool_connections=4, pool_maxsize=connection.connections, pool_block=True)
        session.mount("https://", adapter)
        if not connection.validate_certs:
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)  # the user said so; once is enough
        if connection.client_cert:
            key = connection.client_key
            session.cert = (connection.client_cert, key) if key else connection.client_cert
        return session

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._session.close()

    @property
    def seconds(self) -> float:
        """How long this client has been at work."""
        return time.monotonic() - self._began

    def add_secret(self, secret: str) -> None:
        """A text that must not stand in any error from now on."""
        self._secrets.add(secret)

    def get(self, url: str, params: t.Mapping[str, str], headers: t.Mapping[str, str]) -> dict[str, t.Any]:
        """Asks by GET; sent again where that can help."""
        return self._send("GET", url, params, None, headers, repeat=lambda error: error.transient)

    def post(self, url: str, form: t.Mapping[str, str], headers: t.Mapping[str, str]) -> dict[str, t.Any]:
        """Asks by POST for something that may be asked twice."""
        return self._send("POST", url, None, form, headers, repeat=lambda error: error.transient)

    def post_once(self, url: str, form: t.Mapping[str, str], headers: t.Mapping[str, str]) -> dict[str, t.Any]:
        """Sends a login: again only where the site cannot have acted on the first try."""
        return self._send("POST", url, None, form, headers, repeat=lambda error: getattr(error, "unsent", False))

    def _send(
        self,
        method: str,
        url: str,
        params: t.Mapping[str, str] | None,
        form: t.Mapping[str, str] | None,
        headers: t.Mapping[str, str],
        repeat: t.Callable[[GpError], bool],
    ) -> dict[str, t.Any]:
        where = f"{method} {safe_url(url)}"
        attempt = 0
        while True:
            try:
                answer = self._follow(method, url, params, form, headers, where, retried=attempt > 0)
                return _answers.read(answer, where)
            except GpError as error:
                error.scrub(self._secrets)
                if attempt >= self._connection.retries or not repeat(error):
                    raise
                self._pause(attempt, error)
                attempt += 1

    def _pause(self, attempt: int, error: GpError) -> None:
        """Waits before the next try: as long as the site asks, else longer each time, with jitter."""
        asked = error.retry_after if isinstance(error, Busy) else None
        pause = min(asked, _LONGEST_PAUSE) if asked is not None else _jitter() * 0.5 * 2**attempt
        if time.monotonic() + pause >= self._deadline:
            raise error
        time.sleep(pause)

    def _follow(
        self,
        method: str,
        url: str,
        params: t.Mapping[str, str] | None,
        form: t.Mapping[str, str] | None,
        headers: t.Mapping[str, str],
        where: str,
        retried: bool,
    ) -> Answer:
        """The answer at the end of redirects: within the origin only, and a POST stays a POST."""
        target = url
        for _hop in range(_MOST_REDIRECTS):
            answer = self._exchange(method, target, params, form, headers, where, retried)
            location = answer.headers.get("Location")
            if answer.status not in (301, 302, 303, 307, 308) or not location:
                return answer
            onward = urljoin(target, location)
            if origin(onward) != origin(url):
                raise NotUnderstood(
                    f"The site sends us on to {safe_url(onward)}, which is not the site that was named",
                    where=where,
                    cure="If that is a sign-in page, use an address that does not pass it and a built-in account or a "
                    "token; if it is the site's right address, give it as url.",
                )
            # The parameters are sent again: a site that redirects for a missing slash may have dropped them.
            target = safe_url(onward)
        raise NotUnderstood(f"The site redirects more than {_MOST_REDIRECTS} times", where=where)

    def _exchange(
        self,
        method: str,
        url: str,
        params: t.Mapping[str, str] | None,
        form: t.Mapping[str, str] | None,
        headers: t.Mapping[str, str],
        where: str,
        retried: bool,
    ) -> Answer:
        """One request and its whole answer, within its time and size."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise OutOfTime(
                f"The measurement took longer than {self._connection.total_timeout} s",
                where=where,
                cure="Raise total_timeout, or ask for less.",
            )
        timeout = min(float(self._connection.timeout), left)
        ends = time.monotonic() + timeout
        self.counters.count(retried=retried)
        try:
            with self._session.request(
                method,
                url,
                params=params,
                data=form,
                headers=headers,
                timeout=timeout,
                allow_redirects=False,
                stream=True,
                verify=self._verify(),
                proxies=self._proxies(url),
            ) as response:
                content = self._read(response, ends, where)
                answer = Answer(response.status_code, response.headers, content)
        except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise self._unreachable(error, url, where) from None
        self.clock.see(_answers.site_clock(answer))
        return answer

    def _read(self, response: requests.Response, ends: float, where: str) -> bytes:
        """The body, within ``ends`` and within max_answer_size after decompression."""
        most = self._connection.max_answer_size * 1024 * 1024
        parts: list[bytes] = []
        size = 0
        for chunk in _chunks(response):
            parts.append(chunk)
            size += len(chunk)
            if size > most:
                raise NotUnderstood(
                    f"The answer is larger than {self._connection.max_answer_size} MiB",
                    where=where,
                    cure="Use a smaller page_size, or raise max_answer_size.",
                )
            if time.monotonic() > ends:
                raise Unreachable(
                    f"The answer was not there after {self._connection.timeout} s",
                    where=where,
                    cure="Raise timeout, or ask for smaller pages.",
                )
        return b"".join(parts)

    def _verify(self) -> bool | str:
        if not self._connection.validate_certs:
            return False
        return self._connection.ca_path or _environment_ca() or True

    def _proxies(self, url: str) -> dict[str, str]:
        """The proxy for an address; found out once an origin, for the look-up sets a variable of the environment."""
        place = origin(url)
        with self._lock:
            if place not in self._proxies_of:
                exempt = ",".join(self._connection.no_proxy)
                if self._connection.proxy is None:
                    self._proxies_of[place] = dict(get_environ_proxies(url, no_proxy=exempt or None))
                elif exempt and should_bypass_proxies(url, no_proxy=exempt):
                    self._proxies_of[place] = {}
                else:
                    self._proxies_of[place] = {"https": self._connection.proxy}
            return self._proxies_of[place]

    def _unreachable(self, error: Exception, url: str, where: str) -> Unreachable:
        """Our error for one of the transport's, whose own texts hold addresses with their queries."""
        place: dict[str, t.Any] = {"where": where}
        text = str(error)
        if isinstance(error, requests.exceptions.SSLError):
            return Unreachable(
                f"The site's certificate is not trusted: {_tls_reason(text)}",
                cure="Give the CA that issued it as ca_path, and use the host name that it was issued for.",
                transient=False,
                **place,
            )
        if isinstance(error, requests.exceptions.ProxyError):
            return Unreachable(
                "The proxy does not let us through",
                cure="Look at the options proxy and no_proxy.",
                unsent=True,
                **place,
            )
        if isinstance(error, requests.exceptions.ConnectTimeout):
            return Unreachable(
                f"No connection within {self._connection.timeout} s",
                cure="Look at the address, the port and the firewalls in between.",
                unsent=True,
                **place,
            )
        if isinstance(error, (requests.exceptions.Timeout, urllib3.exceptions.ReadTimeoutError)):
            return Unreachable(f"No answer within {self._connection.timeout} s", cure="Raise timeout.", **place)
        refused = "NewConnectionError" in text or "NameResolutionError" in text or "refused" in text
        if isinstance(error, requests.exceptions.ConnectionError) and refused:
            host, port = origin(url)[1:]
            return Unreachable(
                f"No connection to {host} port {port}: {_socket_reason(text)}",
                cure="Look at the address and the port; ArcGIS Server itself answers on 6443.",
                unsent=True,
                **place,
            )
        return Unreachable(f"The connection broke before the answer was whole ({type(error).__name__})", **place)


class SiteClock:
    """The site's now: its last Date header, carried on by our own steady clock."""

    def __init__(self) -> None:
        self._seen: tuple[float, float] | None = None

    def see(self, moment: float | None) -> None:
        if moment is not None:
            self._seen = moment, time.monotonic()

    @property
    def is_known(self) -> bool:
        return self._seen is not None

    def now(self) -> float:
        """Epoch seconds on the site's clock; on our own where the site has never told."""
        if self._seen is None:
            return time.time()
        moment, at = self._seen
        return moment + time.monotonic() - at


def _jitter() -> float:
    """Keeps tasks that were turned away together from coming back together."""
    return random.uniform(0.5, 1.0)


def _chunks(response: requests.Response) -> t.Iterator[bytes]:
    """The body as it arrives. read1 gives what is there, so that a trickle cannot hold us beyond our time."""
    read1 = getattr(response.raw, "read1", None)
    if read1 is None:  # urllib3 before 2.3
        yield from response.iter_content(_CHUNK)
        return
    while chunk := read1(_CHUNK, decode_content=True):
        yield chunk


def _environment_ca() -> str | None:
    """The CA bundle that the environment names for requests; only used where the user named none."""
    return os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or None


def _tls_reason(text: str) -> str:
    """The words of OpenSSL in one of the transport's errors."""
    found = re.search(r"certificate verify failed: ([^(\"']+)", text) or re.search(r"\[SSL[^\]]*\] ([^(\"']+)", text)
    return found.group(1).strip() if found else "the handshake failed"


def _socket_reason(text: str) -> str:
    """The system's words in one of the transport's errors."""
    found = re.search(r"\[Errno -?\d+\] ([^'\")]+)", text)
    return found.group(1).strip() if found else "it could not be made"
