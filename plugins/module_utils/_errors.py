# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What can go wrong between us and a site, each error with what happened, where, and what to do about it.

::

    GpError                 anything that this collection raises on purpose
    ├── BadOption           an option that cannot be meant; found before anything is sent
    ├── UnknownService      a service that the site does not have, or that has no asynchronous jobs
    ├── Unreachable         no whole answer came: refused, reset, timed out, not trusted
    ├── Busy                the site, or what stands in front of it, cannot answer now
    ├── OutOfTime           total_timeout is over
    ├── OutOfRequests       max_requests are sent
    ├── NotUnderstood       an answer in none of the known forms; never read as "no jobs"
    ├── NotHonoured         an answer without the filter that was asked for
    ├── SiteError           the site's own error body
    │   ├── NotFound        it does not have this resource
    │   └── NotAllowed      this account may not do this
    ├── LoginRefused        user name and password were refused; final
    ├── TokenRefused        the site saw a token and refused it (498)
    ├── TokenUnseen         the site says that it saw no token (499)
    └── NotLoggedIn         a login was answered, but not by the token service
"""

from __future__ import annotations

import functools
import os
import traceback
import typing as t
from urllib.parse import quote, quote_plus

_LONGEST_WHAT = 300
_SHORTEST_CODE = 6
"""A shorter piece of base64 may be anything."""


def without_secrets(text: str, secrets: t.Iterable[str]) -> str:
    """Return a text less the secrets in it, in any of their spellings; the longest first, for one may hold another."""
    for spelling in sorted({one for secret in secrets for one in spellings(secret)}, key=len, reverse=True):
        text = text.replace(spelling, "********")
    return text


@functools.lru_cache(maxsize=64)
def spellings(secret: str) -> frozenset[str]:
    """Return a secret plain, and as an address, JSON, a page and base64 spell it; nothing for one of blanks."""
    import base64
    import html
    import json

    bare = secret.strip()
    if not bare:
        return frozenset()
    page = html.escape(bare)
    found = {bare, page, page.replace("&#x27;", "&#39;"), html.escape(bare, quote=False)}
    for quoted in (
        quote(bare, "", errors="replace"),
        quote(bare, errors="replace"),
        quote_plus(bare, errors="replace"),
    ):
        parts = quoted.split("%")
        found |= {quoted, "%".join([parts[0], *(part[:2].lower() + part[2:] for part in parts[1:])])}
    for escaped in (json.dumps(bare)[1:-1], json.dumps(bare, ensure_ascii=False)[1:-1]):
        found |= {escaped, escaped.replace("/", r"\/")}
    raw = secret.encode("utf-8", "replace")
    # The part that no neighbour changes, for each of the three places in which base64 may begin with it.
    for before, first in ((0, 0), (1, 2), (2, 3)):
        code = base64.b64encode(bytes(before) + raw).decode()[first : (before + len(raw)) * 8 // 6]
        found |= {code, code.replace("+", "-").replace("/", "_")} if len(code) >= _SHORTEST_CODE else set()
    return frozenset(found)


def unforeseen(error: Exception) -> dict[str, t.Any]:
    """Return an error that nobody raised on purpose as the keys of a result, without its text: it may hold a secret."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{os.path.basename(frames[-1].filename)}, line {frames[-1].lineno}" if frames else "nowhere"
    kind = type(error).__name__
    cure = "Report it, with its traceback: ANSIBLE_DISPLAY_TRACEBACK=error shows it, or -vvv before ansible-core 2.19."
    return {
        "msg": f"An error that should not happen: {kind} ({place}). {cure}",
        "failure": {"kind": "Unforeseen", "what": kind, "where": place, "cure": cure},
        "exception": f"Traceback:\n{''.join(traceback.format_list(frames))}{kind} (its text is left out)\n",
    }


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
        """Return the error as the keys of a task result."""
        return {"msg": str(self), "failure": self.failure}


class BadOption(GpError):
    """An option that cannot be meant; found before any request is sent. It is told on one line that has an end."""

    def __init__(self, what: str, **details: t.Any) -> None:
        flat = "".join(letter if letter.isprintable() else "?" for letter in what)
        half = _LONGEST_WHAT // 2
        super().__init__(flat if len(flat) <= _LONGEST_WHAT else f"{flat[:half]} … {flat[-half:]}", **details)


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


class OutOfRequests(GpError):
    """The whole measurement sent ``max_requests`` requests."""


class NotUnderstood(GpError):
    """An answer that is in none of the known forms; never read as "no jobs"."""

    def __init__(self, what: str, *, transient: bool = False, **details: t.Any) -> None:
        super().__init__(what, **details)
        self.transient = transient


class NotHonoured(GpError):
    """The site answered, but without the filter that was asked for."""


class SiteError(GpError):
    """The site's own error body about what it was asked, of a kind that has no class of its own."""


class NotFound(SiteError):
    """The site does not have this resource."""


class NotAllowed(SiteError):
    """This account may not do this."""


class LoginRefused(GpError):
    """The site refused user name and password. Final: a password is tried once."""


class TokenRefused(GpError):
    """The site saw a token and refused it (498)."""


class TokenUnseen(GpError):
    """The site says that it saw no token (499)."""


class NotLoggedIn(GpError):
    """The login was answered, but not by the token service."""
