# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The client of one site: sends, bounds in time, size and number, repeats what may be repeated. Knows nothing of jobs.

What is sent again, with growing pauses, no more than ``retries`` times, and never beyond ``total_timeout``:

* a read, after no answer, a broken connection, a busy site (429, 500, 502, 503, 504, "could not access any server
  machines"), or an answer that cannot be understood and may be another one next time;
* a login, only if the site cannot have acted on it: no connection was made, or it said 429 or 503;
* not what the site has decided: a refusal, a missing resource, a certificate that is not trusted.

A busy site is given the time that it asks for (``Retry-After``), up to a minute. A redirect is followed within the
origin and to the same resource: 5 times for a read, once for a login. A POST stays a POST.
"""

from __future__ import annotations

import contextlib
import os
import random
import threading
import time
import typing as t
from urllib.parse import urljoin

from .._connection import Connection
from .._errors import Busy, GpError, NotUnderstood, OutOfRequests, OutOfTime, spellings, without_secrets
from .._times import CLOCKS_AGREE
from . import bodies, transport
from .bodies import Answer
from .dialects import origin, resource, safe_url
from .responses import Body

with contextlib.suppress(ImportError):  # transport.REQUESTS_IMPORT_ERROR tells
    import requests
    import urllib3
    from requests.adapters import HTTPAdapter
    from requests.utils import get_environ_proxies, should_bypass_proxies

_LONGEST_PAUSE = 60.0
_SURELY_A_TOKEN = 16
"""Letters. To take a shorter one out of what a site tells would cut holes into it."""
_PARTS_PER_MEBIBYTE = 1 << 15
"""Values that an answer may hold for each mebibyte that it may have: four times as many as any page of jobs."""
_HEADERS = {
    "User-Agent": "gisops.arcgis",
    "Accept": "application/json",
    "Accept-Encoding": "gzip",
    # A gate must see what is, not what something on the way remembers.
    "Cache-Control": "no-cache",
    "Pragma": "no-cache",
}

Texts = t.Mapping[str, str]
Origin = tuple[str, str, t.Optional[int]]
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

    def count(self, most: int, *, retried: bool) -> bool:
        """Count a request that is about to be sent; return false if it would be more than the most."""
        with self._lock:
            if self.sent >= most:
                return False
            self.sent += 1
            self.retried += retried
            return True


class _Request(t.NamedTuple):
    """One request, as often as it is sent."""

    method: str
    url: str
    headers: Texts
    params: Texts | None = None
    form: Texts | None = None
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
        # Not a session: that would read ~/.netrc, follow redirects and keep cookies.
        self._adapter = HTTPAdapter(pool_connections=4, pool_maxsize=connection.connections)
        if not connection.validate_certs:
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)  # the user said so; once is enough
        self._lock = threading.Lock()
        self._routes: dict[Origin, tuple[dict[str, str], int]] = {}
        self._clocks: dict[Origin, SiteClock] = {}
        self._secrets: tuple[str, ...] = (connection.password,) if connection.password else ()
        self._tokens: tuple[bytes, ...] = ()
        self.counters = Counters()
        self.clock = self.clock_at(connection.url)
        if connection.token:
            self.add_token(connection.token)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._adapter.close()

    @property
    def seconds(self) -> float:
        """How long this client has been at work."""
        return time.monotonic() - self._began

    @property
    def seconds_left(self) -> float:
        """How long this client may still be at work; without a limit, as long as one answer may take."""
        left = self._deadline - time.monotonic()
        return left if left != float("inf") else float(self._connection.timeout)

    @property
    def requests_left(self) -> int:
        """How many requests this client may still send."""
        return self._connection.max_requests - self.counters.sent

    def add_token(self, token: str) -> None:
        """Take note of a token, which must not stand in any error from now on, nor in what a site tells."""
        # New ones, for other threads may be reading the old ones.
        self._secrets = (*self._secrets, token)
        if len(token) >= _SURELY_A_TOKEN:
            self._tokens = (*self._tokens, *(spelling.encode() for spelling in spellings(token)))

    def get(self, url: str, params: Texts, headers: Texts, understand: Understand[Answered] = _as_it_is) -> Answered:
        """Ask by GET; again if that can help, also if the body cannot be understood."""
        return self._send(_Request("GET", url, headers, params=params), understand, lambda error: error.transient)

    def post(self, url: str, form: Texts, headers: Texts, understand: Understand[Answered] = _as_it_is) -> Answered:
        """Ask by POST for something that may be asked twice."""
        return self._send(_Request("POST", url, headers, form=form), understand, lambda error: error.transient)

    def post_once(self, url: str, form: Texts, headers: Texts) -> Body:
        """Send a login; again only if the site cannot have acted on it."""
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
                    answer = answer._replace(content=self._without_tokens(answer.content))
                most_parts = self._connection.max_answer_size * _PARTS_PER_MEBIBYTE
                return understand(bodies.read(answer, request.where, self._clean, most_parts))
            except GpError as error:
                if attempt >= self._connection.retries or not repeat(error):
                    raise
                self._pause(attempt, error)
                attempt += 1

    def _pause(self, attempt: int, error: GpError) -> None:
        """Wait before the next try: longer each time, with jitter, and no less than the site asks, within reason."""
        asked = error.retry_after if isinstance(error, Busy) else None
        pause = min(max(asked or 0.0, _jitter() * 0.5 * 2 ** min(attempt, 10)), _LONGEST_PAUSE)
        if time.monotonic() + pause >= self._deadline:
            raise error
        time.sleep(pause)

    def _follow(self, request: _Request, retried: bool) -> Answer:
        """Return the answer at the end of redirects."""
        target = request.url
        for _hop in range(1 + request.redirects):
            answer = self._exchange(request, target, retried)
            location = answer.headers.get("Location")
            if answer.status not in (301, 302, 303, 307, 308) or not location:
                return answer
            onward = _joined(target, location)
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
        """Send one request and return its whole answer, within its time and size."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise self._out_of_time(request.where)
        seconds = min(float(self._connection.timeout), left)
        ends = time.monotonic() + seconds
        if not self.counters.count(self._connection.max_requests, retried=retried):
            raise OutOfRequests(
                f"The measurement takes more than {self._connection.max_requests} requests",
                where=request.where,
                cure="Ask for less, or raise max_requests.",
            )
        try:
            answer = transport.within(seconds, lambda: self._exchange_now(request, url, seconds))
        except transport.failures() as error:
            if time.monotonic() >= self._deadline:
                raise self._out_of_time(request.where) from None
            late = time.monotonic() >= ends
            raise transport.explain(error, url, request.where, self._connection.timeout, late) from None
        self.clock_at(url).see(bodies.site_clock(answer))
        return answer

    def _exchange_now(self, request: _Request, url: str, seconds: float) -> Answer:
        """Do the same, for as long as the other side has something to say."""
        connection = self._connection
        proxies, addresses = self._route(url)
        cert = (connection.client_cert, connection.client_key) if connection.client_key else connection.client_cert
        headers = {**_HEADERS, **request.headers}
        return transport.exchange(
            self._adapter,
            requests.Request(request.method, url, headers, data=request.form, params=request.params),
            request.where,
            seconds=seconds,
            addresses=addresses,
            most_mebibytes=connection.max_answer_size,
            verify=self._verify(),
            cert=cert,
            proxies=proxies,
        )

    def clock_at(self, url: str) -> SiteClock:
        """Return the clock of the machine at an address: a portal's may be another one than its server's."""
        return self._clocks.setdefault(origin(url), SiteClock())

    def _verify(self) -> bool | str:
        if not self._connection.validate_certs:
            return False
        return self._connection.ca_path or _environment_ca() or True

    def _route(self, url: str) -> tuple[dict[str, str], int]:
        """Return the proxy for an address, and how many addresses that way begins with.

        Found out once an origin, one thread after the other, for requests sets a variable of the environment for it.
        """
        place = origin(url)
        with self._lock:
            if place not in self._routes:
                exempt = ",".join(self._connection.no_proxy)
                if self._connection.proxy is None:
                    proxies = dict(get_environ_proxies(url, no_proxy=exempt or None))
                elif exempt and should_bypass_proxies(url, no_proxy=exempt):
                    proxies = {}
                else:
                    proxies = {"https": self._connection.proxy}
                first = proxies.get("https") or proxies.get("all") or url
                self._routes[place] = proxies, transport.addresses(first)
            return self._routes[place]

    def _out_of_time(self, where: str) -> OutOfTime:
        return OutOfTime(
            f"The measurement took longer than {self._connection.total_timeout} s",
            where=where,
            cure="Raise total_timeout, or ask for less.",
        )

    def _without_tokens(self, content: bytes) -> bytes:
        """Return a body less the tokens in it: sites repeat what they were sent, and facts are not cleaned later."""
        for token in self._tokens:
            content = content.replace(token, b"********")
        return content

    def _clean(self, text: str) -> str:
        return without_secrets(text, self._secrets)


class SiteClock:
    """The site's now: the Date header of its answers, carried on by our own steady clock.

    Machines that answer for one site may differ. The time that differs most from ours is kept, so that whoever takes
    the earlier or the later of the two clocks takes one that is safe.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._offset: float | None = None
        """Seconds from our steady clock to the site's."""

    def see(self, moment: float | None) -> None:
        """Take note of the time of an answer, in epoch seconds."""
        if moment is None:
            return
        with self._lock:
            ahead, before = moment - time.time(), self._ahead or 0.0
            if max(abs(ahead), abs(before)) <= CLOCKS_AGREE or abs(ahead) > abs(before):
                self._offset = moment - time.monotonic()

    @property
    def _ahead(self) -> float | None:
        return None if self._offset is None else self._offset + time.monotonic() - time.time()

    @property
    def is_known(self) -> bool:
        """Whether the site has told its time."""
        return self._offset is not None

    def now(self) -> float:
        """Return epoch seconds on the site's clock; on our own if the site has never told."""
        return time.time() if self._offset is None else self._offset + time.monotonic()

    @property
    def difference(self) -> int | None:
        """Whole seconds by which the site's clock is ahead of ours (+) or behind (-); 0 for a few, None if unknown."""
        ahead = self._ahead
        return None if ahead is None else round(ahead) if abs(ahead) > CLOCKS_AGREE else 0


def _joined(url: str, location: str) -> str:
    """Return the address that a redirect names; as it stands if that is none, which is the origin of nothing."""
    try:
        return urljoin(url, location)
    except ValueError:
        return location


def _jitter() -> float:
    """Keep tasks that were turned away together from coming back together."""
    return random.uniform(0.5, 1.0)


def _environment_ca() -> str | None:
    """Return the CA bundle that the environment names for requests; only used if the user named none."""
    return os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or None
