# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What can go wrong between us and a site, each error with what happened, where, and what to do about it."""

from __future__ import annotations

import typing as t
from urllib.parse import quote


def without_secrets(text: str, secrets: t.Iterable[str]) -> str:
    """A text less the secrets in it, plain or as in an address; the longest first, for one may hold another."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "********").replace(quote(secret, safe=""), "********")
    return text


class GpError(Exception):
    """Base of all errors that this collection raises on purpose.

    ``transient`` says that the same read may be answered if it is sent again.
    ``unsent`` says that the site cannot have acted on the request, so that even a login may be sent again.
    """

    transient = False
    unsent = False

    def __init__(self, what: str, *, where: str = "", cure: str = "", **data: t.Any) -> None:
        place = f" ({where})" if where else ""
        super().__init__(" ".join(part for part in (f"{what}{place}.", cure) if part))
        self.failure: dict[str, t.Any] = {
            "kind": type(self).__name__,
            "what": what,
            "where": where,
            "cure": cure,
            **data,
        }
        if self.unsent:
            self.failure["unsent"] = True

    def to_result(self) -> dict[str, t.Any]:
        """The error as the keys of a task result."""
        return {"msg": str(self), "failure": self.failure}


class BadOption(GpError):
    """An option that cannot be meant; found before any request is sent."""


class UnknownService(GpError):
    """A service that the site does not have, or that has no asynchronous jobs."""


class Unreachable(GpError):
    """No complete answer came: refused, reset, timed out, or not trusted."""

    def __init__(self, what: str, *, transient: bool = True, unsent: bool = False, **details: t.Any) -> None:
        self.unsent = unsent
        super().__init__(what, **details)
        self.transient = transient


class Busy(GpError):
    """The site, or what stands in front of it, says that it cannot answer now."""

    transient = True

    def __init__(self, what: str, *, retry_after: float | None = None, unsent: bool = False, **details: t.Any) -> None:
        self.unsent = unsent
        super().__init__(what, **details)
        self.retry_after = retry_after


class OutOfTime(GpError):
    """The whole measurement took longer than ``total_timeout``."""


class NotUnderstood(GpError):
    """An answer that is not what the wire reference allows; never read as "no jobs"."""

    def __init__(self, what: str, *, transient: bool = False, **details: t.Any) -> None:
        super().__init__(what, **details)
        self.transient = transient


class NotHonoured(GpError):
    """The site answered, but without the filter that was asked for."""


class SiteError(GpError):
    """The site's own error body, of a kind that has no class of its own."""


class NotFound(SiteError):
    """The site does not have this resource."""


class NotAllowed(SiteError):
    """This account may not do this."""


class LoginRefused(SiteError):
    """The site refused user name and password. Final: a password is tried once."""


class TokenRefused(SiteError):
    """The site saw a token and refused it (498)."""


class TokenUnseen(SiteError):
    """The site says that it saw no token (499)."""
