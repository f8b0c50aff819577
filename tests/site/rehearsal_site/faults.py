# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults by rule: which request gets which one. How a fault is played is in ``fault_player``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from .times import parse_duration

FAULTS: dict[str, str] = {
    "html_login": "a sign-in page in HTML with 200",
    "redirect_login": "302 to a sign-in page on another host (`location` changes it)",
    "redirect": "`status` 301, 302, 303, 307 or 308 to the same path of the same site, with a slash added (`location`)",
    "redirect_loop": "302 to the very same URL",
    "http_status": "any `status` (default 503), with `body` json, html or empty, and `retry_after` seconds",
    "no_machines_json": "'Could not access any server machines' in JSON",
    "no_machines_html": "the same in HTML, with `status` (default 200)",
    "truncated_json": "half of the JSON, with a Content-Length that agrees",
    "truncated_body": "half of the body, with a Content-Length of all of it, and then the end",
    "truncated_chunks": "half of the body in chunks, and then the end without the last chunk",
    "truncated_open": "half of the body with nothing that tells its length, and then the end",
    "empty_body": "200 and nothing",
    "xml": "XML in place of JSON",
    "bom": "the right answer after a byte order mark and blanks",
    "bad_utf8": "the answer with bytes in it that are no UTF-8",
    "slow": "the right answer, `delay` later (default 1s)",
    "stall_headers": "the connection is taken, and nothing is said (for `delay`, default 1h)",
    "stall_body": "the head and half of the body, and then nothing (for `delay`, default 1h)",
    "trickle": "the right answer, a byte every `delay` (default 100ms)",
    "reset_before": "the connection is reset before anything is said",
    "reset_in_body": "the connection is reset in mid-body",
    "deeply_nested": "JSON, `depth` lists deep (default 100000)",
    "endless_body": "a JSON list that does not end (but for `size` bytes)",
    "gzip_bomb": "a gzip body of `size` bytes of blanks (default 256 MiB) in a few hundred kB",
    "error498": "token refused, in `shape` admin, rest or http",
    "error499": "no token, in `shape` admin, rest or http",
    "error403": "no right, in `shape` admin, rest or http",
    "error404": "not found, in `shape` admin, rest or http",
    "error500": "internal error, in `shape` admin, rest or http",
    "results_missing": "the right answer without results",
    "results_null": "the right answer with results null",
    "edited": "the right answer with members changed: `put` and `add` (to numbers) by name, `drop` a list of names; "
    "`form` of results ids, objects, id_objects or nulls, `spelling` of their statuses, or one `word` for all",
    "other_page": "the page that starts `by` jobs later (default 3; less than 0: earlier), as if it had been asked for",
    "unfiltered": "the answer without jobStatus, its echo as if it had been honoured",
    "date": "the right answer with a Date `by` later (default 1h; -1h is earlier)",
    "closed_port": "the right answer and the end of the connection; then nobody listens (for `delay`, default 1h)",
    "full_backlog": "the same, and then nobody takes a connection, nor refuses one (for `delay`, default 1h)",
    "silent_port": "the same, and then new `connections` (default all) are taken, and not a word of TLS is spoken",
    "other_certificate": "the same, and then new `connections` meet a certificate of another host",
    "expired_certificate": "the same, and then new `connections` meet a certificate that has run out",
    "custom": "`body` (text or JSON), `status`, `content_type`, `headers` as given",
}

_OPTIONS = frozenset(
    "fault match status body location retry_after delay depth size shape content_type headers message "
    "put add drop form spelling word by connections".split()
)
_FORMS = ("ids", "objects", "id_objects", "nulls")
_MATCH = frozenset("path method nth after times".split())


@dataclass
class FaultRule:
    """A fault and the requests that get it."""

    fault: str
    path: re.Pattern[str] | None = None
    method: str | None = None
    nth: frozenset[int] | None = None
    after: int = 0
    times: int | None = None
    options: dict[str, object] = field(default_factory=dict)
    seen: int = 0
    done: int = 0

    def takes(self, method: str, path: str) -> bool:
        """Whether this request is one of the rule's; counts it."""
        if self.method is not None and method != self.method:
            return False
        if self.path is not None and not self.path.search(path):
            return False
        self.seen += 1
        if self.nth is not None and self.seen not in self.nth:
            return False
        if self.seen <= self.after or (self.times is not None and self.done >= self.times):
            return False
        self.done += 1
        return True

    def delay(self, default: str) -> float:
        return parse_duration(self.options.get("delay", default)) / 1000

    def shift(self, default: str) -> float:
        """Seconds of ``by``, which may be less than 0."""
        text = self.text("by", default)
        return parse_duration(text.lstrip("-")) / 1000 * (-1 if text.startswith("-") else 1)

    def integer(self, name: str, default: int) -> int:
        return int(str(self.options.get(name, default)))

    def text(self, name: str, default: str) -> str:
        return str(self.options.get(name, default))


class FaultBook:
    """The rules in force; of several that match, the first wins."""

    def __init__(self) -> None:
        self.rules: list[FaultRule] = []

    def add(self, data: Mapping[str, object]) -> FaultRule:
        rule = parse_fault(data)
        self.rules.append(rule)
        return rule

    def clear(self) -> None:
        self.rules.clear()

    def pick(self, method: str, path: str) -> FaultRule | None:
        return next((rule for rule in self.rules if rule.takes(method, path)), None)


def parse_fault(data: Mapping[str, object]) -> FaultRule:
    """A rule from ``{match: {path, method, nth, after, times}, fault: name, option: value, ...}``."""
    name = str(data.get("fault", ""))
    if name not in FAULTS:
        raise ValueError(f"there is no fault {name!r}; the faults are: {', '.join(FAULTS)}")
    unknown = set(data) - _OPTIONS
    match = data.get("match") or {}
    if not isinstance(match, Mapping):
        raise ValueError("match of a fault is a mapping of path, method, nth, after and times")
    unknown |= set(match) - _MATCH
    if unknown:
        raise ValueError(f"fault {name}: no such option: {', '.join(sorted(unknown))}")
    nth = match.get("nth")
    options = {key: value for key, value in data.items() if key not in ("fault", "match")}
    if options.get("shape", "admin") not in ("admin", "rest", "http"):
        raise ValueError(f"fault {name}: shape {options['shape']!r} is none of admin, rest, http")
    if options.get("form", "ids") not in _FORMS:
        raise ValueError(f"fault {name}: form {options['form']!r} is none of {', '.join(_FORMS)}")
    return FaultRule(
        fault=name,
        path=re.compile(str(match["path"])) if match.get("path") else None,
        method=str(match["method"]).upper() if match.get("method") else None,
        nth=None if nth is None else frozenset(int(item) for item in (nth if isinstance(nth, list) else [nth])),
        after=int(str(match.get("after", 0))),
        times=None if match.get("times") is None else int(str(match["times"])),
        options=options,
    )
