# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What an answer over HTTP means: a body, or one of our errors. Pure.

The sites answer most errors with HTTP 200, in two shapes which turn up on either side; a web server in front of them
answers in HTML whatever was asked. So what came is looked at in a fixed order, and only a JSON object that is no error
is a body.
"""

from __future__ import annotations

import html
import json
import re
import typing as t
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from .._errors import Busy, GpError, NotAllowed, NotFound, NotUnderstood, SiteError, TokenRefused, TokenUnseen

_BUSY = (429, 500, 502, 503, 504)
_TURNED_AWAY = (429, 503)
"""Nothing was done about the request, says the status, so that even a login may be sent again."""
_NO_MACHINES = "could not access any server machines"
_LONGEST_QUOTE = 200
_LONGEST_PAGE = 4000
_ON_THE_WAY = "Ask again; if it stays, look at what stands in front of the site: a proxy, a web adaptor."
_DOWN = "Look at the site's own logs: it says this when its machines are down, and for some bad requests too."
_ABOUT_TOKENS = "Look at token, token_url and referer: is the token one of this site, and for this client?"
_ABOUT_RIGHTS = "Use an account that may, or ask for the right."
_ABOUT_ADDRESS = "Look at the address, and at names in it."
_ABOUT_ANYTHING = "Look at the site's own logs."
_IN_FRONT = (
    "Something in front of the site answers in its place: a sign-in page (SAML, PKI), or a web adaptor with "
    "administration off. Use an address that does not pass it (ArcGIS Server: port 6443), and a built-in account "
    "or a token."
)


@dataclass(frozen=True)
class Answer:
    """An answer as it came."""

    status: int
    headers: t.Mapping[str, str]
    content: bytes


def read(answer: Answer, where: str, clean: t.Callable[[str], str] = str) -> dict[str, t.Any]:
    """The JSON object of an answer, or the error that it stands for.

    :param clean: takes secrets out of the site's words before they are quoted, for sites repeat what they were sent.
    """
    text = _decode(answer.content, where)
    body = _parse(text)
    if isinstance(body, dict):
        words = quote(clean(_words(body)))
        # A busy site says so by its HTTP status, whatever the body adds; else the body knows better.
        error = _error_by_status(answer, where, words) if answer.status in _TURNED_AWAY else None
        error = error or _error_in(body, words, where) or _error_by_status(answer, where, words)
        if error is not None:
            raise error
        return body
    # Cleaned before it is cut, for half a secret would not be found.
    words = quote(_page_text(clean(text[: 2 * _LONGEST_PAGE])[:_LONGEST_PAGE]))
    raise (
        _error_by_status(answer, where, words, page=True)
        or _error_by_page(text, words, where)
        or NotUnderstood(
            "The answer is empty" if not text.strip() else "The answer is not a whole JSON object",
            where=where,
            cure=_ON_THE_WAY,
            transient=True,
        )
    )


def site_clock(answer: Answer) -> float | None:
    """The site's now by its Date header, in epoch seconds."""
    try:
        return parsedate_to_datetime(answer.headers["Date"]).timestamp()
    except (KeyError, ValueError, TypeError, IndexError, OverflowError):
        return None


def retry_after(answer: Answer) -> float | None:
    """Seconds that a busy site asks us to wait: from a number, or from a date by the site's own clock."""
    value = answer.headers.get("Retry-After", "").strip()
    if value.isdecimal():
        return float(value[:9])
    now = site_clock(answer)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now) if value and now is not None else None
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def quote(words: str) -> str:
    """A site's own words for an error message: on one line, and not too many."""
    flat = " ".join(_ODD_LETTER.sub("?", words).split())
    return flat if len(flat) <= _LONGEST_QUOTE else flat[:_LONGEST_QUOTE] + "…"


def _decode(content: bytes, where: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NotUnderstood("The answer is not UTF-8 text", where=where, cure=_ON_THE_WAY, transient=True) from None


def _parse(text: str) -> t.Any:
    try:
        value = json.loads(text.strip())
        return _plain(value) if _ODD_ESCAPE.search(text) or _ODD_LETTER.search(text) else value
    except (ValueError, RecursionError):
        return None


# Control letters move the cursor of whoever reads a log, and half a surrogate pair is no text that Ansible takes.
_ODD_LETTER = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_ODD_ESCAPE = re.compile(r"\\u(?:00[01]|007f|00[89]|202|206|d[89a-f])", re.IGNORECASE)


def _plain(value: t.Any) -> t.Any:
    """A value whose texts hold no odd letters."""
    if isinstance(value, str):
        return _ODD_LETTER.sub("?", value)
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return {_plain(key): _plain(one) for key, one in value.items()} if isinstance(value, dict) else value


def _error_in(body: dict[str, t.Any], words: str, where: str) -> GpError | None:
    """The error that a body stands for, in either shape."""
    error = body.get("error")
    if error is not None:
        code = error.get("code") if isinstance(error, dict) else body.get("code")
        return _error(_code(code), words, where)
    status = str(body.get("status", "")).lower()
    # A job's own details have a status too, and "failed" is one of its words.
    is_job = any(key.lower().replace("_", "") == "jobid" for key in body)
    code = _code(body.get("code"))
    if (status in ("error", "failed", "failure") and not is_job) or (code is not None and code >= 400):
        return _error(code, words, where)
    return None


def _error_by_status(answer: Answer, where: str, words: str, page: bool = False) -> GpError | None:
    """The error for an HTTP status; ``page`` where no JSON came with it, so that it may not be the site's."""
    if answer.status in _BUSY:
        return Busy(
            f"The site is not able to answer now: HTTP {answer.status}{_said(words)}",
            where=where,
            cure="Try again when the site is up and less busy.",
            status=answer.status,
            words=words,
            retry_after=retry_after(answer),
            unsent=answer.status in _TURNED_AWAY,
        )
    if answer.status == 401:
        return NotAllowed(
            f"A web server in front of the site wants a login of its own: HTTP 401{_said(words)}",
            where=where,
            cure="Use an address that does not pass it (ArcGIS Server: port 6443), or give client_cert and client_key.",
            status=401,
            words=words,
            page=True,
        )
    if answer.status in (403, 404) and page:
        return (NotAllowed if answer.status == 403 else NotFound)(
            f"HTTP {answer.status}{_said(words)}",
            where=where,
            cure=_IN_FRONT,
            status=answer.status,
            words=words,
            page=True,
        )
    if answer.status >= 400:
        return _error(answer.status, words, where)
    if answer.status >= 300:
        return NotUnderstood(
            f"The site sends us on without saying where to: HTTP {answer.status}", where=where, cure=_ON_THE_WAY
        )
    return None


def _error(code: int | None, words: str, where: str) -> GpError:
    """The error for a code, or, where a body has none, for the site's words."""
    lower = words.lower()
    said: dict[str, t.Any] = {"where": where, "status": code, "words": words}
    if _NO_MACHINES in lower or code in _BUSY:
        return Busy(
            f"The site answers with an error{_said(words)}",
            cure=_DOWN,
            **said,
        )
    if code == 499 or (code is None and ("token required" in lower or "token not found" in lower)):
        return TokenUnseen(f"The site sees no token{_said(words)}", cure=_ABOUT_TOKENS, **said)
    if code == 498 or (code is None and "invalid token" in lower):
        return TokenRefused(f"The site refuses the token{_said(words)}", cure=_ABOUT_TOKENS, **said)
    if code == 403 or "access is denied" in lower or re.search("do(es)? not have permission", lower):
        return NotAllowed(f"This account may not do this{_said(words)}", cure=_ABOUT_RIGHTS, **said)
    if code == 404 or "could not find resource or operation" in lower:
        return NotFound(f"The site does not have this{_said(words)}", cure=_ABOUT_ADDRESS, **said)
    number = f" {code}" if code is not None else ""
    return SiteError(f"The site answers with an error{number}{_said(words)}", cure=_ABOUT_ANYTHING, **said)


def _error_by_page(text: str, words: str, where: str) -> GpError | None:
    """The error for an answer in HTML or XML where JSON was asked for."""
    if not re.match(r"\s*<", text):
        return None
    if _NO_MACHINES in words.lower():
        return Busy(f"The site answers with an error page{_said(words)}", where=where, cure=_DOWN, words=words)
    return NotUnderstood(
        f"A page came where JSON was asked for{_said(words)}",
        where=where,
        cure=_IN_FRONT,
        words=words,
    )


def _words(body: dict[str, t.Any]) -> str:
    """The site's own words in an error body."""
    error = body.get("error")
    holder = error if isinstance(error, dict) else body
    parts: list[str] = [error] if isinstance(error, str) else []
    for key in ("message", "messages", "description", "details"):
        value = holder.get(key)
        parts += [str(one) for one in value] if isinstance(value, list) else [str(value)] if value else []
    return " ".join(dict.fromkeys(parts))


def _page_text(text: str) -> str:
    """What a page says to a reader: its text without tags, scripts and styles."""
    bare = re.sub(r"(?is)<(script|style)\b.*?</\1\s*>|<!--.*?-->|<[^>]*>", " ", text)
    return html.unescape(bare)


def _said(words: str) -> str:
    return f": '{words}'" if words else ""


def _code(value: t.Any) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"\s*\d{1,9}\s*", value):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
