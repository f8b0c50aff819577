# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Tokens: got once, renewed when they run out, and put where the site looks for them."""

from __future__ import annotations

import threading
import time
import typing as t

from .. import _times
from .._errors import GpError, LoginRefused, NotLoggedIn, NotUnderstood, SiteError, TokenRefused, TokenUnseen
from .._options import Connection
from .client import Client
from .dialects import safe_url
from .responses import quote

if t.TYPE_CHECKING:
    from .login_lock import Turn

try:
    from ansible.module_utils.secrets import register_secret
except ImportError:  # ansible-core before 2.22

    def register_secret(value: str) -> None:  # type: ignore[misc]
        """Nothing to register with."""


REFERER = "referer"
_MARGIN = 300.0
_LONGEST_LIFE = 14 * 86400.0 + 3600.0


class Tokens:
    """The one token of a task, shared by its threads. ``token_url`` is asked for when the first login needs it."""

    def __init__(self, connection: Connection, client: Client, token_url: t.Callable[[], str]) -> None:
        self._connection = connection
        self._client = client
        self._token_url = token_url
        self._lock = threading.Lock()
        self._token = connection.token
        self._renew_at = float("inf")
        self._failure: GpError | None = None
        self.logins = 0
        self.expires: float | None = None
        """Epoch seconds on the site's clock, where the site said so plausibly."""

    def current(self) -> str:
        """A token that should do; logs in where there is none yet, or where the one we have runs out."""
        with self._lock:
            if self._token is None or (time.monotonic() >= self._renew_at and self._can_log_in):
                self._log_in()
            return t.cast(str, self._token)

    def renew(self, refused: str, error: TokenRefused) -> str:
        """Another token after the site refused that one; threads that come late get the one already renewed."""
        with self._lock:
            if self._token == refused:
                if not self._can_log_in:
                    raise TokenRefused(
                        "The site refuses the token that was given: "
                        f"it has expired, belongs to another site, or is bound to another client ({_words(error)})",
                        where=error.failure["where"],
                        cure="Get a new token for the same referer, or give username and password.",
                    ) from None
                self._log_in()
            return t.cast(str, self._token)

    @property
    def _can_log_in(self) -> bool:
        return self._connection.username is not None and self._connection.password is not None

    def _log_in(self) -> None:
        """One login. What came of a refused password is kept: it is not sent a second time."""
        if self._failure is not None:
            raise self._failure
        try:
            self._token = self._get_token()
        except GpError as error:
            self._failure = error
            raise

    def _get_token(self) -> str:
        from . import (
            login_lock as _login_guard,  # here, for it takes its time to load, and who has a token needs none of it
        )

        url = self._token_url()
        form = {
            "f": "json",
            "username": str(self._connection.username),
            "password": str(self._connection.password),
            "client": self._connection.token_client,
            "expiration": str(self._connection.token_expiration),
        }
        if self._connection.token_client == REFERER:
            form["referer"] = self._connection.referer
        where = f"POST {safe_url(url)}"
        account = _login_guard.Account(url, form["username"], form["password"])
        with _login_guard.turn(account, self._client.seconds_left) as turn:
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
        """The answer to a login, which is not sent where the same password was refused lately."""
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
        from . import login_lock as _login_guard

        return LoginRefused(
            f"The site refuses the login of '{self._connection.username}' ({quote(str(said.get('words')))})",
            where=where,
            cure="The password was tried once and is not tried again from this machine for "
            f"{_login_guard.LASTS / 60:.0f} min, for five wrong ones lock an account. "
            "Look at username and password; an account of SAML or another identity provider cannot log in here: "
            "use a built-in account, or give a token.",
            status=said.get("status"),
            words=said.get("words"),
        )

    def _note_expiry(self, expires: float | None, now: float) -> None:
        """When to renew: by the answer, never by what we asked for. What cannot be true is left to a 498.

        A token that lives as long as we asked for also tells what time its maker thinks it is.
        """
        if expires is not None:
            self._client.clock.confirm(expires - self._connection.token_expiration * 60.0)
        life = expires - now if expires is not None else 0.0
        if expires is None or not 0 < life <= _LONGEST_LIFE:
            self.expires, self._renew_at = None, float("inf")
            return
        self.expires = expires
        self._renew_at = time.monotonic() + life - min(_MARGIN, life / 5)


def _words(error: GpError) -> str:
    """The site's own words of an error, or ours where it said none."""
    return quote(str(error.failure.get("words") or error.failure["what"]))
