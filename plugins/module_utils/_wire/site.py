# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""One site as the rest of the collection talks to it: which api it speaks, logged in, one question at a time."""

from __future__ import annotations

import threading
import typing as t

from .._connection import Connection
from .._errors import (
    BadOption,
    Busy,
    GpError,
    NotAllowed,
    NotFound,
    NotUnderstood,
    OutOfTime,
    SiteError,
    TokenRefused,
    TokenUnseen,
    Unreachable,
)
from . import dialects
from .bodies import quote
from .client import Answered, Client, Texts, Understand
from .dialects import DIALECTS, KUBERNETES, SERVER, Dialect, origin, origin_and_path, safe_url
from .responses import fold
from .tokens import Tokens

_NO_SUCH_ADDRESS = 400
"""What the REST side says of addresses that it does not know ("Invalid URL")."""
_GIVE_API = "Look at the address; where it is right, give the option api (kubernetes or server)."
_ON_KUBERNETES = "ArcGISEnterpriseOnKubernetes"


class Site:
    """A site that can be asked. Use it as a context manager, so that its connections are closed."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.roots = dialects.roots(connection.url)
        self.client = Client(connection)
        self.tokens = Tokens(connection, self.client, self._token_url)
        self._dialect: Dialect | None = None if connection.api == "auto" else DIALECTS[connection.api]
        self._lock = threading.RLock()
        self._token_in_body = False
        self._logs_in_here = False

    def __enter__(self) -> Site:
        return self

    def __exit__(self, *exc: object) -> None:
        self.client.__exit__(*exc)

    @property
    def dialect(self) -> Dialect:
        """The dialect of this site; found out at the first use where the option api is auto."""
        with self._lock:
            if self._dialect is None:
                self._dialect = DIALECTS[self._find_api()]
            return self._dialect

    def ask(self, url: str, understand: Understand[Answered], params: Texts | None = None) -> Answered:
        """What is understood of the JSON object at an address of this site, asked for with our token."""
        return self._with_token(lambda token: self._ask(url, {"f": "json", **(params or {})}, token, understand))

    def ask_by_post(self, url: str, understand: Understand[Answered]) -> Answered:
        """The same for the reads that the site offers by POST only."""
        return self._with_token(lambda token: self._post(url, {"f": "json"}, token, understand))

    def _with_token(self, send: t.Callable[[str], Answered]) -> Answered:
        """Sends with the current token; after a 498 once more with a new one."""
        self.dialect  # noqa: B018 - before the login, which depends on it
        token = self.tokens.current()
        try:
            return send(token)
        except TokenRefused as error:
            token = self.tokens.renew(token, error)
        except NotAllowed as error:
            raise self._not_allowed(error) from None
        try:
            return send(token)
        except TokenRefused as error:
            raise TokenRefused(
                f"The site refuses the token that it has just given ({quote(str(error.failure.get('words')))})",
                where=error.failure["where"],
                cure="Its token service and its admin API do not agree: look at token_url (whose token does this site "
                "take?) and referer.",
            ) from None
        except NotAllowed as error:
            raise self._not_allowed(error) from None

    def _ask(self, url: str, params: Texts, token: str, understand: Understand[Answered]) -> Answered:
        if self._token_in_body:
            return self._post(url, params, token, understand)
        try:
            return self.client.get(url, params, self._headers(token), understand)
        except TokenUnseen:
            # Something on the way drops the header. Resources that answer GET take a form as well, and there the
            # token is in the body, where it belongs; a new login would change nothing.
            answered = self._post(url, params, token, understand)
            self._token_in_body = True
            return answered

    def _post(self, url: str, form: Texts, token: str, understand: Understand[Answered]) -> Answered:
        try:
            return self.client.post(url, {**form, "token": token}, self._headers(token), understand)
        except TokenUnseen as error:
            raise TokenUnseen(
                "The site says that it sees no token, although one was sent in a header and in the body",
                where=error.failure["where"],
                cure="A proxy or a web adaptor on the way takes it out: use an address that does not pass it.",
            ) from None

    def _headers(self, token: str) -> dict[str, str]:
        return {"X-Esri-Authorization": f"Bearer {token}", "Referer": self.connection.referer}

    def _not_allowed(self, error: NotAllowed) -> NotAllowed:
        who = f"The account '{self.connection.username}'" if self.connection.username else "The account of this token"
        if error.failure.get("page"):
            return error
        return NotAllowed(
            f"{who} may not read this ({quote(str(error.failure.get('words') or 'HTTP 403'))})",
            where=error.failure["where"],
            cure=f"{self.dialect.product} asks for {self.dialect.privileges}.",
            status=403,
            words=error.failure.get("words"),
        )

    # --- what the site tells without a login ---------------------------------------------------------------------

    def _public(self, url: str) -> dict[str, t.Any]:
        return self.client.get(url, {"f": "json"}, {"Referer": self.connection.referer})

    def _find_api(self) -> str:
        """The api of this site: Kubernetes has its portal under its own context, ArcGIS Server has none there."""
        portal = self._portal_here()
        if portal is not None:
            if portal.get("portalDeploymentType") == _ON_KUBERNETES:
                return KUBERNETES
            raise self._is_portal()
        try:
            info = self._public(f"{self.roots.rest}/info")
        except (Unreachable, Busy, OutOfTime):
            raise
        except GpError as error:
            raise NotUnderstood(
                f"No ArcGIS site answers here ({error.failure['what']})",
                where=safe_url(self.roots.context),
                cure=_GIVE_API,
            ) from None
        if "currentVersion" not in info and "owningSystemUrl" not in info and "authInfo" not in info:
            raise NotUnderstood(
                "This does not look like an ArcGIS site",
                where=f"{self.roots.rest}/info",
                cure=_GIVE_API,
            )
        if origin_and_path(str(info.get("owningSystemUrl") or "")) == origin_and_path(self.roots.context):
            raise NotUnderstood(
                "The site says that its portal is here, and the portal is not found",
                where=f"{self.roots.sharing}/portals/self",
                cure=f"Its portal may be starting. {_GIVE_API}",
            )
        return SERVER

    def _portal_here(self) -> dict[str, t.Any] | None:
        """What the portal under this context says of itself; None where there is none."""
        url = f"{self.roots.sharing}/portals/self"
        try:
            return self._public(url)
        except NotFound:
            return None
        except (TokenUnseen, TokenRefused, SiteError, NotUnderstood) as error:
            if isinstance(error, (TokenUnseen, TokenRefused, NotAllowed)) and not error.failure.get("page"):
                return self._private_portal(url)
            if error.failure.get("status") == _NO_SUCH_ADDRESS:
                return None
            raise NotUnderstood(
                f"The site does not tell which product it is ({error.failure['what']})", where=url, cure=_GIVE_API
            ) from None

    def _private_portal(self, url: str) -> dict[str, t.Any]:
        """The same from a portal that tells it to its members only, so that the login cannot wait."""
        self._logs_in_here = True
        return self.client.get(url, {"f": "json"}, self._headers(self.tokens.current()))

    def _is_portal(self) -> BadOption:
        """The error for a portal's address, which names the servers that belong to it where it tells."""
        url = f"{self.roots.sharing}/portals/self/servers"
        try:
            try:
                body = self._public(url)
            except (TokenUnseen, TokenRefused, NotAllowed):
                body = self._private_portal(url)
        except GpError:
            body = {}
        servers = body.get("servers")
        told = [fold(one).get("url") for one in servers or () if isinstance(one, dict)]
        listed = [str(address) for address in told if address]
        cure = f"Its servers: {', '.join(listed)}." if listed else "The portal's administrator knows its servers."
        return BadOption(
            "This is the address of a portal, and jobs are kept by its servers",
            where=f"option url, {safe_url(self.roots.context)}",
            cure=f"Give a server's address as url. {cure}",
            servers=listed,
        )

    def _own_token_url(self) -> str:
        """The token service of a portal under this context, if not another one is given."""
        if self.connection.token_url is not None:
            return _https(self.connection.token_url, "option token_url")
        return f"{self.roots.sharing}/generateToken"

    def _token_url(self) -> str:
        """The token service: as given, the portal's on Kubernetes, the federation's portal, or the server's own."""
        if self._logs_in_here or self.connection.token_url is not None or self.dialect.api == KUBERNETES:
            return self._own_token_url()
        where = f"{self.roots.rest}/info"
        try:
            portal = self._public(where).get("owningSystemUrl")
        except (SiteError, NotUnderstood, TokenUnseen, TokenRefused) as error:
            raise NotUnderstood(
                f"The site does not tell whether it belongs to a portal ({error.failure['what']})",
                where=where,
                cure="Give token_url: admin/generateToken of the server, or sharing/rest/generateToken of its portal.",
            ) from None
        if not portal:
            return f"{self.roots.admin}/generateToken"
        return f"{_https(str(portal), where).rstrip('/')}/sharing/rest/generateToken"


def _https(url: str, where: str) -> str:
    """The address, if a password may be sent there."""
    if origin(url)[0] != "https" or not origin(url)[1]:
        raise BadOption(
            f"The token service {safe_url(url)} has no https address",
            where=where,
            cure="Give token_url with https.",
        )
    return url
