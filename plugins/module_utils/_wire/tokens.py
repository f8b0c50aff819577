# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Tokens: got once, renewed when they run out or are refused, a few times at most."""

from __future__ import annotations

import threading
import time
import typing as t

from .. import _times
from .._connection import Connection
from .._errors import LoginRefused, NotLoggedIn, NotUnderstood, SiteError, TokenRefused, TokenUnseen
from .bodies import quote
from .client import Client
from .dialects import safe_url

if t.TYPE_CHECKING:
    from .login_lock import Turn

try:
    from ansible.module_utils.secrets import register_secret
except ImportError:  # ansible-core before 2.22

    def register_secret(value: str) -> None:  # type: ignore[misc]
        """Nothing to register with."""


_MARGIN = 300.0
_LONGEST_LIFE = 14 * 86400.0 + 3600.0
_MOST_RENEWALS = 3
"""In one measurement. A site whose tokens live for less than that takes is one that cannot be asked."""


class Tokens:
    """The one token of a task, shared by its threads."""

    def __init__(self, connection: Connection, client: Client, token_url: t.Callable[[], str]) -> None:
        """:param token_url: tells the address of the token service when the first login needs it."""
        self._connection = connection
        self._client = client
        self._token_url = token_url
        self._lock = threading.Lock()
        self._token = connection.token
        self._renew_at = float("inf")
        self._failure: Exception | None = None
        self._renewals = 0
        self.logins = 0
        self.warnings: list[str] = []
        """What whoever runs the task should know about its logins."""
        self.expires: float | None = None
        """Epoch seconds on the site's clock, if the site said so plausibly."""

    def current(self) -> str:
        """Return a token that should do; log in if there is none yet, or if the one that we have runs out."""
        with self._lock:
            if self._token is None:
                self._token = self._log_in()
            elif time.monotonic() >= self._renew_at and self._may_renew:
                self._renewals += 1
                self._token = self._log_in()
            return self._token

    def renew(self, refused: str, error: TokenRefused) -> str:
        """Return another token after the site refused that one; threads that come late get the one already renewed."""
        with self._lock:
            if self._token != refused and self._token is not None:
                return self._token
            if not self._connection.can_log_in:
                raise TokenRefused(
                    "The site refuses the token that was given: "
                    f"it has expired, belongs to another site, or is bound to another client ({_words(error)})",
                    where=error.failure["where"],
                    cure="Get a new token for the same referer, or give username and password.",
                ) from None
            if not self._may_renew:
                raise TokenRefused(
                    f"The site has refused {self._renewals + 1} tokens one after the other ({_words(error)})",
                    where=error.failure["where"],
                    cure="Its tokens live too short, or its token service and its admin API do not agree: look at "
                    "token_url, at referer, and at the clocks of the site's machines.",
                ) from None
            self._renewals += 1
            self._token = self._log_in()
            return self._token

    @property
    def _may_renew(self) -> bool:
        return self._connection.can_log_in and self._renewals < _MOST_RENEWALS

    def _log_in(self) -> str:
        """Log in once. What came of a login that failed is kept, whatever it was: no password is sent a second time."""
        if self._failure is not None:
            raise self._failure
        try:
            return self._get_token()
        except Exception as error:
            self._failure = error
            raise

    def _get_token(self) -> str:
        from . import login_lock  # here, for it takes its time to load, and who has a token needs none of it

        url = self._token_url()
        form = {
            "f": "json",
            "username": str(self._connection.username),
            "password": str(self._connection.password),
            "client": "referer",
            "referer": self._connection.referer,
            "expiration": str(self._connection.token_expiration),
        }
        where = f"POST {safe_url(url)}"
        account = login_lock.Account(url, form["username"], form["password"])
        with login_lock.turn(account, self._client.seconds_left, self.warnings.append) as turn:
            body = self._send(url, form, where, turn)
        token = body.get("token")
        if not isinstance(token, str) or not token:
            raise NotUnderstood(
                "The answer to the login has no token", where=where, cure="Look at token_url: is this a token service?"
            )
        register_secret(token)
        self._client.add_token(token)
        self._note_expiry(_times.from_wire(body.get("expires")), self._client.clock_at(url).now())
        return token

    def _send(self, url: str, form: dict[str, str], where: str, turn: Turn) -> dict[str, t.Any]:
        """Return the answer to a login, which is not sent if the same password was refused lately."""
        refusal = turn.refusal
        if refusal is not None:
            raise self._refused(refusal, where)
        self.logins += 1
        try:
            return self._client.post_once(url, form, {"Referer": self._connection.referer})
        except (SiteError, TokenRefused, TokenUnseen) as error:
            if error.failure.get("page"):
                raise NotLoggedIn(
                    f"The login is not answered by the token service ({error.failure['what']})",
                    where=where,
                    cure=f"{error.failure['cure']} The password may have been tried, and is not sent again.",
                    status=error.failure.get("status"),
                ) from None
            said = {"status": error.failure.get("status"), "words": error.failure.get("words") or error.failure["what"]}
            turn.note(said)
            raise self._refused(said, where) from None

    def _refused(self, said: t.Mapping[str, t.Any], where: str) -> LoginRefused:
        from . import login_lock

        return LoginRefused(
            f"The site refuses the login of '{self._connection.username}' ({quote(str(said.get('words')))})",
            where=where,
            cure="The password was tried once and is not tried again from this machine for "
            f"{login_lock.LASTS / 60:.0f} min, for five wrong ones lock an account. "
            "Look at username and password; an account of SAML or another identity provider cannot log in here: "
            "use a built-in account, or give a token.",
            status=said.get("status"),
            words=said.get("words"),
        )

    def _note_expiry(self, expires: float | None, now: float) -> None:
        """Note when to renew: by the answer, never by what we asked for. What cannot be true is left to a 498."""
        life = expires - now if expires is not None else 0.0
        if expires is None or not 0 < life <= _LONGEST_LIFE:
            self.expires, self._renew_at = None, float("inf")
            return
        self.expires = expires
        self._renew_at = time.monotonic() + life - min(_MARGIN, life / 5)


def _words(error: TokenRefused) -> str:
    """Return the site's own words of an error, or ours if it said none."""
    return quote(str(error.failure.get("words") or error.failure["what"]))
