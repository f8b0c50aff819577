# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What an answer over HTTP means: a body, or one of our errors. Pure.

The sites answer most errors with HTTP 200, in two shapes which turn up on either side; a web server in front of them
answers in HTML whatever was asked. So an answer is looked at in a fixed order, and only a JSON object that is no error,
that came with HTTP 200, and that no cache has kept is a body.
"""

from __future__ import annotations

import json
import re
import typing as t
from email.utils import parsedate_to_datetime

from .._errors import Busy, GpError, NotAllowed, NotFound, NotUnderstood, SiteError, TokenRefused, TokenUnseen
from .responses import MOST_SAID, Body, bare, said_of, text_of

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


class Answer(t.NamedTuple):
    """An answer as it came, its content decoded."""

    status: int
    headers: t.Mapping[str, str]
    content: bytes


def read(answer: Answer, where: str, clean: t.Callable[[str], str] = str, most_parts: int = 1 << 19) -> Body:
    """Return the JSON object of an answer, or raise the error that it stands for.

    :param clean: takes secrets out of the site's words before they are quoted, for sites repeat what they were sent.
    :param most_parts: the most values that it may hold, for each takes much more memory than text.
    """
    content = answer.content
    if content.count(b",") + content.count(b"[") + content.count(b"{") > most_parts:
        raise NotUnderstood(
            f"The answer has more than {most_parts} values",
            where=where,
            cure="Use a smaller number, or raise max_answer_size.",
        )
    text = _decode(content, where)
    body = _parse(text)
    if isinstance(body, dict):
        words = quote(clean(_words(body)))
        # A busy site says so by its HTTP status, whatever the body adds; else the body knows better.
        error = _error_by_status(answer, where, words) if answer.status in _TURNED_AWAY else None
        error = error or _error_in(body, words, where) or _error_by_status(answer, where, words)
        error = error or _error_by_age(answer, where)
        if error is not None:
            raise error
        return body
    # Cleaned before it is cut, for half a secret would not be found; and after, for a page has spellings of its own.
    words = quote(clean(_page_text(clean(text[: 2 * _LONGEST_PAGE])[:_LONGEST_PAGE])))
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
    """Return the site's now by its Date header, in epoch seconds."""
    try:
        return parsedate_to_datetime(answer.headers["Date"]).timestamp()
    except (KeyError, ValueError, TypeError, IndexError, OverflowError):
        return None


def retry_after(answer: Answer) -> float | None:
    """Return the seconds that a busy site asks us to wait: from a number, or from a date by the site's own clock."""
    value = answer.headers.get("Retry-After", "").strip()
    if value.isdecimal():
        return float(value[:9])
    now = site_clock(answer)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now) if value and now is not None else None
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def quote(words: str) -> str:
    """Return a site's own words for an error message: on one line, and not too many."""
    flat = " ".join(_ODD_LETTER.sub("?", words).split())
    return flat if len(flat) <= _LONGEST_QUOTE else flat[:_LONGEST_QUOTE] + "…"


def _decode(content: bytes, where: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NotUnderstood("The answer is not UTF-8 text", where=where, cure=_ON_THE_WAY, transient=True) from None


def _parse(text: str) -> t.Any:
    try:
        value = json.loads(text.strip(), object_pairs_hook=_object)
        return _plain(value) if _ODD_ESCAPE.search(text) or _ODD_LETTER.search(text) else value
    except (ValueError, RecursionError):
        return None


def _object(pairs: list[tuple[str, t.Any]]) -> Body:
    """Return a JSON object. A key that comes twice has the list of its values, unless they say the same."""
    made = dict(pairs)
    if len(made) < len(pairs):
        values: dict[str, list[t.Any]] = {}
        for key, value in pairs:
            said = values.setdefault(key, [])
            if len(said) < MOST_SAID and value not in said:
                said.append(value)
        made.update({key: both for key, both in values.items() if len(both) > 1})
    return made


# Control letters move the cursor of whoever reads a log, and half a surrogate pair is no text that Ansible takes.
_ODD_LETTER = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_ODD_ESCAPE = re.compile(r"\\u(?:00[01]|007f|00[89]|202|206|d[89a-f])", re.IGNORECASE)


def _plain(value: t.Any) -> t.Any:
    """Return a value whose texts hold no odd letters."""
    if isinstance(value, str):
        return _ODD_LETTER.sub("?", value)
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return _object([(_plain(key), _plain(one)) for key, one in value.items()]) if isinstance(value, dict) else value


def _error_in(body: Body, words: str, where: str) -> GpError | None:
    """Return the error that a body stands for, in any of its shapes."""
    codes = [_code(one) for one in said_of(body, "code")]
    keys = {key.lower() for key, value in body.items() if value or (value is not None and key.lower() == "error")}
    if keys & {"error", "errors"}:
        told = [one for name in ("error", "errors") for one in said_of(body, name) if isinstance(one, dict)]
        return _error(next(iter([*(_code(one.get("code")) for one in told), *codes]), None), words, where)
    # A job's own details have a status too, and "failed" is one of its words.
    is_job = any(bare(key) == "jobid" for key in body)
    said = {text_of(one).lower() for one in said_of(body, "status")}
    has_failed = not is_job and not said.isdisjoint(("error", "failed", "failure", "partial"))
    wrong = [code for code in codes if code not in (0, 200)]
    if has_failed or wrong or any(text_of(one).lower() == "false" for one in said_of(body, "success")):
        return _error(wrong[0] if wrong else None, words, where)
    return None


def _error_by_status(answer: Answer, where: str, words: str, page: bool = False) -> GpError | None:
    """Return the error for an HTTP status; ``page`` if no JSON came with it, so that it may not be the site's."""
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
    if answer.status != 200:
        return NotUnderstood(
            f"HTTP {answer.status} is no whole answer of the site's own", where=where, cure=_ON_THE_WAY, transient=True
        )
    return None


def _error_by_age(answer: Answer, where: str) -> NotUnderstood | None:
    """Return the error for an answer that a cache has kept: it tells of then, not of now."""
    age = answer.headers.get("Age", "").strip()
    if age.strip("0") == "" and "110" not in answer.headers.get("Warning", ""):
        return None
    return NotUnderstood(
        "A cache on the way answers with what it has kept",
        where=where,
        cure="Use an address that does not pass the cache, or switch it off for this site.",
        transient=True,
    )


def _error(code: int | None, words: str, where: str) -> GpError:
    """Return the error for a code or, if a body has none, for the site's words."""
    lower = words.lower()
    said: dict[str, t.Any] = {"where": where, "status": code, "words": words}
    if _NO_MACHINES in lower or code in _BUSY:
        return Busy(f"The site answers with an error{_said(words)}", cure=_DOWN, **said)
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
    """Return the error for an answer in HTML or XML where JSON was asked for."""
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


def _words(body: Body) -> str:
    """Return the site's own words in an error body."""
    errors = [*said_of(body, "error"), *said_of(body, "errors")]
    holder = next((one for one in errors if isinstance(one, dict)), body)
    said = [
        *errors,
        *(one for key in ("message", "messages", "description", "details") for one in said_of(holder, key)),
    ]
    return " ".join(dict.fromkeys(text_of(one) for one in said if text_of(one)))


def _page_text(text: str) -> str:
    """Return what a page says to a reader: its text without tags, scripts and styles."""
    import html

    bare = re.sub(r"(?is)<(script|style)\b.*?</\1\s*>|<!--.*?-->|<[^>]*>", " ", text)
    return html.unescape(bare)


def _said(words: str) -> str:
    return f": '{words}'" if words else ""


def _code(value: t.Any) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"\s*-?\d{1,9}\s*", value):
        return int(value)
    return int(value) if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e9 else None
