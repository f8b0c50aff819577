# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokens: who gets one, for how long, and who may use it from where."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from .accounts import Account, Lockouts
from .clock import SiteClock
from .errors import SiteError, bad_token, no_token
from .switches import Switches
from .wire import Request

WRONG = "Invalid username or password."


@dataclass
class Token:
    value: str = field(repr=False)
    account: str
    issuer: str  # portal | server
    client: str  # referer | ip | requestip
    bound_to: str
    expires: int


class TokenDesk:
    """Issues and checks tokens."""

    def __init__(self, clock: SiteClock, switches: Switches, federated: bool = False) -> None:
        self._clock, self._switches, self._federated = clock, switches, federated
        self.accounts: dict[str, Account] = {}
        self.lockouts = Lockouts()
        self.tokens: dict[str, Token] = {}
        self.logins = 0
        self.wrong_passwords = 0
        self.locked_logins = 0

    # -- logins --------------------------------------------------------------------------------------------------

    def log_in(self, request: Request, issuer: str, *, psa_only: bool = False) -> Token:
        """The generateToken operation: name and password from the form alone, for a URL ends up in logs."""
        name, password = request.form.get("username", ""), request.form.get("password", "")
        missing = [
            f"'{key}' must be specified." for key, value in (("username", name), ("password", password)) if not value
        ]
        if missing:
            raise SiteError(400, "Unable to generate token.", details=missing)
        now = self._clock.now()
        # A locked account is refused whatever the password, and a try does not lengthen the lock.
        if self.lockouts.locked(issuer, name, now):
            self.locked_logins += 1
            text = WRONG
            if self._switches["locked_body"] == "named":
                text = "The account is locked because of too many failed attempts. Try again later."
            raise SiteError(400, "Unable to generate token.", details=[text])
        account = self.accounts.get(name)
        usable = account is not None and not account.disabled and (account.psa or not psa_only)
        if account is None or not usable or not secrets.compare_digest(account.password.encode(), password.encode()):
            self.wrong_passwords += 1
            self.lockouts.note_wrong(issuer, name, now, self._switches)
            raise SiteError(400, "Unable to generate token.", details=[WRONG])
        client, bound_to = _binding(request)
        self.lockouts.note_right(issuer, name)
        self.logins += 1
        return self.issue(account, issuer, client, bound_to, request.form.get("expiration"))

    def exchange(self, request: Request) -> Token:
        """A portal token for a token of a federated server."""
        token = self.tokens.get(request.form.get("token", ""))
        if token is None or token.expires <= self._clock.now():
            raise bad_token()
        server = request.form.get("serverUrl") or request.form.get("serverURL")
        if not server:
            raise SiteError(400, "Unable to generate token.", details=["'serverUrl' must be specified."])
        client = "referer" if request.form.get("referer") else token.client
        bound_to = request.form.get("referer") or token.bound_to
        return self.issue(self.accounts[token.account], "portal", client, bound_to, request.form.get("expiration"))

    def issue(self, account: Account, issuer: str, client: str, bound_to: str, wish: str | None = None) -> Token:
        """A new token; a wish for a longer life than allowed is clamped without a word."""
        longest = self._switches.number("token_max_minutes")
        minutes = self._switches.number("token_default_minutes")
        if wish:
            try:
                minutes = int(wish)
            except ValueError:
                raise SiteError(400, "Unable to generate token.", details=["'expiration' must be a number."]) from None
            if minutes < 1:
                minutes = self._switches.number("token_default_minutes")
        expires = self._clock.now() + min(minutes, longest) * 60_000
        token = Token(secrets.token_urlsafe(72), account.name, issuer, client, bound_to, expires)
        self.tokens[token.value] = token
        return token

    def answer(self, token: Token, *, text: bool, ssl: bool) -> dict[str, object]:
        """The body of a successful login."""
        form = self._switches["expires_form"]
        if form == "auto":
            form = "string" if text else "number"
        now = self._clock.now()
        expires: object = {
            "number": token.expires,
            "string": str(token.expires),
            "seconds": token.expires // 1000,
            "past": now - 3_600_000,
            "far": now + 400 * 366 * 86_400_000,
        }.get(str(form))
        body: dict[str, object] = {"token": token.value}
        if form != "missing":
            body["expires"] = expires
        if ssl:
            body["ssl"] = True
        return body

    def revoke(self, *, account: str | None = None, value: str | None = None) -> int:
        """Forget tokens: one, those of an account, or all."""
        gone = [
            token.value
            for token in self.tokens.values()
            if (account is None or token.account == account) and (value is None or token.value == value)
        ]
        for token_value in gone:
            del self.tokens[token_value]
        return len(gone)

    # -- use -----------------------------------------------------------------------------------------------------

    def presented(self, request: Request) -> str | None:
        """The token of a request, from the first place that this site looks at and that holds one."""
        switches = self._switches
        body_only = request.method == "POST" and switches["require_body_token_on_post"]
        if not body_only:
            for header in ("X-Esri-Authorization", "Authorization"):
                refused = "refuse_x_esri_header" if header.startswith("X") else "refuse_authorization_header"
                scheme, _, value = request.headers.get(header, "").partition(" ")
                if value and scheme.lower() == "bearer" and not switches[refused]:
                    return value.strip()
        if request.form.get("token") and not switches["refuse_body_token"]:
            return request.form["token"]
        if not body_only and request.query.get("token") and not switches["refuse_query_token"]:
            return request.query["token"]
        return None

    def check(self, request: Request, side: str) -> Account:
        """Who is asking; raises 499 where no token is seen and 498 where it is refused."""
        value = self.presented(request)
        if value is None:
            raise no_token(side)
        token = self.tokens.get(value)
        if token is None or token.account not in self.accounts:
            raise bad_token()
        if token.expires <= self._clock.now():
            raise bad_token("Token Expired." if side == "admin" else "Invalid token.")
        self._check_issuer(token, side)
        self._check_binding(token, request, side)
        return self.accounts[token.account]

    def _check_issuer(self, token: Token, side: str) -> None:
        if not self._federated:
            return
        if side == "portal" and token.issuer != "portal":
            raise bad_token("Invalid Token")
        if side == "admin" and token.issuer == "portal":
            if not self._switches["federated_portal_tokens"]:
                raise bad_token("Invalid Token")
            if token.client != "referer" and not self._switches["federated_ip_tokens"]:
                raise bad_token("Invalid token, ClientID does not match")

    def _check_binding(self, token: Token, request: Request, side: str) -> None:
        if token.client == "referer":
            referer = request.headers.get("Referer")
            if referer is None and side == "admin" and self._switches["lax_referer_on_admin"]:
                return
            matches = referer is not None and (
                referer == token.bound_to or referer.startswith(token.bound_to.rstrip("/") + "/")
            )
        else:
            matches = request.remote == token.bound_to
        if not matches:
            raise bad_token("Invalid token, ClientID does not match")


def _binding(request: Request) -> tuple[str, str]:
    """What a token is bound to; the oldest documents spell the word with two r."""
    client = request.form.get("client") or "requestip"
    if client in ("referer", "referrer"):
        referer = request.form.get("referer") or request.form.get("referrer")
        if not referer:
            raise SiteError(400, "Unable to generate token.", details=["'referer' must be specified."])
        return "referer", referer
    if client == "ip":
        address = request.form.get("ip")
        if not address:
            raise SiteError(400, "Unable to generate token.", details=["'ip' must be specified."])
        return "ip", address
    if client == "requestip":
        return "requestip", request.remote
    raise SiteError(400, "Unable to generate token.", details=["'client' must be one of referer, ip, requestip."])
