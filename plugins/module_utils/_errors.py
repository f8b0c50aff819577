# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What can go wrong between us and a site, each error with what happened, where, and what to do about it."""

from __future__ import annotations

import base64
import functools
import html
import html.entities
import json
import os
import re
import traceback
import typing as t
from urllib.parse import quote

_LONGEST_WHAT = 300
_SHORTEST_CODE = 6
"""A shorter piece of base64 or of digits may be anything."""


def without_secrets(text: str, secrets: t.Iterable[str]) -> str:
    """A text less the secrets in it, however they are spelt; the longest first, for one may hold another."""
    for secret in sorted(secrets, key=len, reverse=True):
        pattern = _any_spelling(secret)
        if pattern is not None:
            text = pattern.sub("********", text)
    return text


@functools.lru_cache(maxsize=64)
def _any_spelling(secret: str) -> re.Pattern[str] | None:
    """Finds a secret as sites, proxies and libraries repeat it: plain, or as in an address, a page, JSON or base64.

    What quotes a text may take the blanks off its ends. None for a secret of blanks, which no text gives away.
    """
    bare = secret.strip()
    if not bare:
        return None
    # A page or a site that puts all on one line makes one blank of several.
    parts = re.split(r"(\s+)", bare)
    letters = [[set(part)] if part.isspace() else part for part in parts]
    spellings = ["".join(_one_of(letter) for part in letters for letter in part)]
    raw = secret.encode("utf-8", "replace")
    codes = [raw.hex(), raw.hex().upper(), *_in_base64(raw)]
    spellings += [re.escape(code) for code in codes if len(code) >= _SHORTEST_CODE]
    return re.compile("|".join(spellings))


def _one_of(letters: t.Collection[str]) -> str:
    """A pattern for a letter in any spelling, or for a run of these blanks."""
    # Each spelling but once, for a run that can be read in several ways would take for ever.
    spellings = sorted({spelling for letter in letters for spelling in _spellings(letter)})
    return f"(?:{'|'.join(spellings)}){'+' if isinstance(letters, set) else ''}" if len(spellings) > 1 else spellings[0]


def _spellings(letter: str) -> list[str]:
    """Patterns for one letter. Plain letters and digits have but one."""
    if letter.isascii() and letter.isalnum():
        return [letter]
    number, raw = ord(letter), letter.encode("utf-8", "replace")
    escaped = {json.dumps(letter)[1:-1], ascii(letter)[1:-1], f"\\u{number:04x}", f"\\x{number:02x}"} - {letter}
    return [
        f"(?i:{''.join(f'%{byte:02x}' for byte in raw)})",
        rf"&#0*{number};",
        rf"(?i:&#x0*{number:x};)",
        *(f"&{name};" for name in (html.entities.codepoint2name.get(number), "apos" * (letter == "'")) if name),
        *(rf"(?i:{re.escape(one)})" for one in sorted(escaped)),
        *([r"\+", r"\\?\s"] if letter.isspace() else [rf"\\?{re.escape(letter)}"]),
    ]


def _in_base64(raw: bytes) -> t.Iterator[str]:
    """The part that no neighbour changes of base64 that holds this, for each of the three places to begin at."""
    for before, first in ((0, 0), (1, 2), (2, 3)):
        coded = base64.b64encode(bytes(before) + raw).decode()[first : (before + len(raw)) * 8 // 6]
        yield coded
        yield coded.translate({ord("+"): "-", ord("/"): "_"})


def common_spellings(secret: str) -> set[str]:
    """Those in which a secret is looked for where there is much to look through: no pattern is as quick."""
    plain = {secret, quote(secret, safe=""), secret.replace("/", r"\/"), html.escape(secret)}
    return {*plain, *_in_base64(secret.encode())}


def unforeseen(error: Exception) -> dict[str, t.Any]:
    """An error that nobody raised on purpose as the keys of a task result, without its text: it may hold a secret."""
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
        """The error as the keys of a task result."""
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
