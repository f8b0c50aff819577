# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""One ``requests`` session: sends, bounds in time and size, repeats what may be repeated. Knows nothing of GP jobs."""

from __future__ import annotations

import contextlib
import os
import random
import threading
import time
import typing as t
from dataclasses import dataclass, replace
from urllib.parse import urljoin

from .._errors import Busy, GpError, NotUnderstood, OutOfTime, common_spellings, without_secrets
from .._options import Connection
from .._times import CLOCKS_AGREE
from . import responses as _answers
from . import transport as _transport
from .dialects import origin, resource, safe_url
from .responses import Answer

with contextlib.suppress(ImportError):  # _transport.REQUESTS_IMPORT_ERROR tells
    import requests
    import urllib3
    from requests.utils import get_environ_proxies, should_bypass_proxies

_LONGEST_PAUSE = 60.0
_SURELY_A_TOKEN = 16
"""Letters. Taking a shorter one out of what a site tells would cut holes into it."""

Body = dict[str, t.Any]
Texts = t.Mapping[str, str]
Form = t.Mapping[str, t.Union[str, list[str]]]
"""The parameters of a request; one with a list is sent once for each of its values."""
Answered = t.TypeVar("Answered")
Understand = t.Callable[[Body], Answered]
"""Makes of a body what it was asked for, or raises a GpError."""


def _as_it_is(body: Body) -> t.Any:
    return body


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


@dataclass(frozen=True)
class _Request:
    """One request, as often as it is sent."""

    method: str
    url: str
    headers: t.Mapping[str, str]
    params: Form | None = None
    form: Form | None = None
    is_login: bool = False

    @property
    def redirects(self) -> int:
        """So many are followed at most. Whoever redirects a login may count it as a try."""
        return 1 if self.is_login else 5

    @property
    def where(self) -> str:
        """The place for error messages: nothing of the query, the form or the headers."""
        return f"{self.method} {safe_url(self.url)}"


class Client:
    """Sends requests to one site and gives back JSON objects, or raises a GpError."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._began = time.monotonic()
        self._deadline = self._began + connection.total_timeout if connection.total_timeout else float("inf")
        self._session = self._open(connection)
        self._watchdog = _transport.Watchdog()
        self._lock = threading.Lock()
        self._proxies_of: dict[tuple[str, str, int | None], dict[str, str]] = {}
        self.counters = Counters()
        self._clocks: dict[tuple[str, str, int | None], SiteClock] = {}
        self.clock = self.clock_at(connection.url)
        self._secrets: tuple[str, ...] = (connection.password,) if connection.password else ()
        self._tokens: tuple[bytes, ...] = ()
        if connection.token:
            self.add_token(connection.token)

    @staticmethod
    def _open(connection: Connection) -> requests.Session:
        session = requests.Session()
        # Nothing from ~/.netrc, and no variable of the environment over what the user asked for; what we do take
        # from the environment (proxies, CA bundle) is read where it is used.
        session.trust_env = False
        # A gate must see what is, not what something on the way remembers.
        fresh = {"Cache-Control": "no-cache", "Pragma": "no-cache"}
        session.headers.update({"User-Agent": "gisops.arcgis", "Accept": "application/json", **fresh})
        adapter = _transport.BoundedAdapter(pool_connections=4, pool_maxsize=connection.connections, pool_block=True)
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
        self._watchdog.close()

    @property
    def seconds(self) -> float:
        """How long this client has been at work."""
        return time.monotonic() - self._began

    @property
    def seconds_left(self) -> float:
        """How long this client may still be at work; without a limit, as long as one answer may take."""
        left = self._deadline - time.monotonic()
        return left if left != float("inf") else float(self._connection.timeout)

    def add_token(self, token: str) -> None:
        """A token that must not stand in any error from now on, nor in what a site tells."""
        # New ones, for other threads may be reading the old ones.
        self._secrets = (*self._secrets, token)
        if len(token) >= _SURELY_A_TOKEN:
            self._tokens = (*self._tokens, *(spelling.encode() for spelling in common_spellings(token)))

    def get(self, url: str, params: Form, headers: Texts, understand: Understand[Answered] = _as_it_is) -> Answered:
        """Asks by GET; sent again where that can help, also where the body cannot be understood."""
        return self._send(_Request("GET", url, headers, params=params), understand, lambda error: error.transient)

    def post(self, url: str, form: Form, headers: Texts, understand: Understand[Answered] = _as_it_is) -> Answered:
        """Asks by POST for something that may be asked twice."""
        return self._send(_Request("POST", url, headers, form=form), understand, lambda error: error.transient)

    def post_once(self, url: str, form: Form, headers: Texts) -> Body:
        """Sends a login: again only where the site cannot have acted on it; after a slash that lacked, but no more."""
        request = _Request("POST", url, headers, form=form, is_login=True)
        return self._send(request, _as_it_is, lambda error: error.unsent)

    def _send(
        self, request: _Request, understand: Understand[Answered], repeat: t.Callable[[GpError], bool]
    ) -> Answered:
        attempt = 0
        while True:
            try:
                answer = self._follow(request, retried=attempt > 0)
                if not request.is_login:  # its answer is a token, and may be the one that we have
                    answer = replace(answer, content=self._without_tokens(answer.content))
                return understand(_answers.read(answer, request.where, self._clean))
            except GpError as error:
                if attempt >= self._connection.retries or not repeat(error):
                    raise
                self._pause(attempt, error)
                attempt += 1

    def _pause(self, attempt: int, error: GpError) -> None:
        """Waits before the next try: longer each time, with jitter, and no less than the site asks, within reason."""
        asked = error.retry_after if isinstance(error, Busy) else None
        pause = min(max(asked or 0.0, _jitter() * 0.5 * 2 ** min(attempt, 10)), _LONGEST_PAUSE)
        if time.monotonic() + pause >= self._deadline:
            raise error
        time.sleep(pause)

    def _follow(self, request: _Request, retried: bool) -> Answer:
        """The answer at the end of redirects: within the origin, to the same resource, and a POST stays a POST."""
        target = request.url
        for _hop in range(1 + request.redirects):
            answer = self._exchange(request, target, retried)
            location = answer.headers.get("Location")
            if answer.status not in (301, 302, 303, 307, 308) or not location:
                return answer
            onward = urljoin(target, location)
            is_here = origin(onward) == origin(request.url)
            # Below another context, or with a slash, it is what was asked for; the jobs of another service are not.
            if not is_here or resource(onward) != resource(request.url):
                what = "what was asked for" if is_here else "the site that was named"
                raise NotUnderstood(
                    f"The site sends us on to {self._clean(safe_url(onward))}, which is not {what}",
                    where=request.where,
                    cure="If that is a sign-in page, use an address that does not pass it and a built-in account or a "
                    "token; if it is the site's right address, give it as url.",
                )
            # The parameters are sent again: a site that redirects for a missing slash may have dropped them.
            target = safe_url(onward)
        raise NotUnderstood(
            "The site redirects from one address to the next",
            where=request.where,
            cure="Use the address at the end of the redirects, or one that does not pass what sends us round.",
        )

    def _exchange(self, request: _Request, url: str, retried: bool) -> Answer:
        """One request and its whole answer, within its time and size."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise self._out_of_time(request.where)
        timeout = min(float(self._connection.timeout), left)
        ends = time.monotonic() + timeout
        self.counters.count(retried=retried)
        try:
            with (
                self._watchdog.until(ends),
                self._session.request(
                    request.method,
                    url,
                    params=request.params,
                    data=request.form,
                    headers=request.headers,
                    timeout=timeout,
                    allow_redirects=False,
                    stream=True,
                    verify=self._verify(),
                    proxies=self._proxies(url),
                ) as response,
            ):
                content = self._read(response, request.where)
                answer = Answer(response.status_code, response.headers, content)
        except _transport.failures() as error:
            if time.monotonic() >= self._deadline:
                raise self._out_of_time(request.where) from None
            late = time.monotonic() >= ends
            raise _transport.explain(error, url, request.where, self._connection.timeout, late) from None
        self.clock_at(url).see(_answers.site_clock(answer))
        return answer

    def _read(self, response: requests.Response, where: str) -> bytes:
        """The body, within max_answer_size after decompression."""
        most = self._connection.max_answer_size * 1024 * 1024
        parts: list[bytes] = []
        size = 0
        for chunk in _transport.chunks(response):
            parts.append(chunk)
            size += len(chunk)
            if size > most:
                raise NotUnderstood(
                    f"The answer is larger than {self._connection.max_answer_size} MiB",
                    where=where,
                    cure="Use a smaller page_size, or raise max_answer_size.",
                )
        return b"".join(parts)

    def clock_at(self, url: str) -> SiteClock:
        """The clock of the machine at an address: a portal's may be another one than its server's."""
        return self._clocks.setdefault(origin(url), SiteClock())

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

    def _out_of_time(self, where: str) -> OutOfTime:
        return OutOfTime(
            f"The measurement took longer than {self._connection.total_timeout} s",
            where=where,
            cure="Raise total_timeout, or ask for less.",
        )

    def _without_tokens(self, content: bytes) -> bytes:
        """A body less the tokens in it: sites repeat what they were sent, and facts are not looked through later."""
        for token in self._tokens:
            content = content.replace(token, b"********")
        return content

    def _clean(self, text: str) -> str:
        return without_secrets(text, self._secrets)


class SiteClock:
    """The site's now: its last Date header, carried on by our own steady clock."""

    def __init__(self) -> None:
        self._offsets: list[float] = []
        """From our steady clock to the last, the earliest and the latest that the site's answers told."""
        self.ahead: float | None = None
        """Seconds by which the site's clock is ahead of this machine's, or 0, where another of its clocks agrees."""
        self._lock = threading.Lock()

    def see(self, moment: float | None) -> None:
        if moment is None:
            return
        offset = moment - time.monotonic()
        with self._lock:
            _last, earliest, latest = self._offsets or (offset, offset, offset)
            self._offsets = [offset, min(earliest, offset), max(latest, offset)]

    @property
    def is_known(self) -> bool:
        return bool(self._offsets)

    def now(self) -> float:
        """Epoch seconds on the site's clock; on our own where the site has never told."""
        return self._offsets[0] + time.monotonic() if self._offsets else time.time()

    def confirm(self, moment: float) -> None:
        """Takes note of what another of the site's clocks tells: it may agree with ``now``."""
        if abs(moment - self.now()) <= CLOCKS_AGREE:
            self.ahead = max(0.0, moment - time.time())

    @property
    def doubt(self) -> float | None:
        """Seconds by which ``now`` may be too late, by our own clock, or by that of another answer; 0 for a few.

        A clock on the way, or on one of several machines, can be hours off from the clock of the jobs. None where the
        site has told no time at all.
        """
        if not self._offsets:
            return None if self.ahead is None else 0.0
        _last, earliest, latest = self._offsets
        apart = latest - min(earliest, (self.ahead or 0.0) + time.time() - time.monotonic())
        return apart if apart > CLOCKS_AGREE else 0.0


def _jitter() -> float:
    """Keeps tasks that were turned away together from coming back together."""
    return random.uniform(0.5, 1.0)


def _environment_ca() -> str | None:
    """The CA bundle that the environment names for requests; only used where the user named none."""
    return os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or None
