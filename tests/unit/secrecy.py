# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a secret may show, and where to look for it."""

from __future__ import annotations

import base64
import html
import json
import re
import typing as t
from pathlib import Path
from urllib.parse import quote, quote_plus


def in_base64(raw: bytes) -> t.Iterator[str]:
    """What base64 of a text that holds this has in it, for each of the three places where it may begin."""
    for before in range(3):
        whole = base64.b64encode(b"x" * before + raw).decode().rstrip("=")
        yield whole[[0, 2, 3][before] : (before + len(raw)) * 8 // 6]


def spellings(secret: str, user: str = "siteadmin") -> dict[str, str]:
    """A secret in every spelling that sites, libraries and logs have for it."""
    raw = secret.encode()
    return {
        "plain": secret,
        "without its blanks": secret.strip(),
        "in an address": quote(secret, safe=""),
        "in a path": quote(secret),
        "in an address in small letters": re.sub("%..", lambda match: match[0].lower(), quote(secret, safe="")),
        "in a form": quote_plus(secret),
        "in a page": html.escape(secret),
        "in a page of other entities": html.escape(secret).replace("&#x27;", "&#39;"),
        "in JSON": json.dumps(secret)[1:-1],
        "in JSON with all letters": json.dumps(secret, ensure_ascii=False)[1:-1],
        "in base64 with its user": base64.b64encode(f"{user}:{secret}".encode()).decode(),
        **{f"in base64 {place}": piece for place, piece in enumerate(in_base64(raw))},
    }


def shown(text: str, secrets: t.Iterable[str]) -> list[str]:
    """The lines of a text that show a secret, with the spelling."""
    return [
        f"{name}: {line[:500]}"
        for secret in secrets
        for name, spelt in spellings(secret).items()
        if spelt in text
        for line in text.splitlines()
        if spelt in line
    ]


def written(folder: Path) -> str:
    """All that a run has left in its folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return "\n".join(f"{path}: {path.read_bytes().decode(errors='replace')}" for path in files)
