# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Durations and moments as people write them. All times inside the site are integer epoch milliseconds."""

from __future__ import annotations

import re
from datetime import datetime, timezone

_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|min|[smhdw])\s*")

# An integer below this is seconds: as milliseconds it would lie in 1973.
SECONDS_BELOW = 100_000_000_000


def parse_duration(value: object) -> int:
    """Milliseconds in ``90``, ``"90s"``, ``"1h 30m"`` or ``"20ms"``; a bare number is seconds."""
    if isinstance(value, bool) or value is None:
        raise ValueError(f"not a duration: {value!r}")
    if isinstance(value, int | float):
        return round(value * 1000)
    text = str(value).strip()
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return round(float(text) * 1000)
    if not text or _PART.sub("", text):
        raise ValueError(f"not a duration: {value!r}; write for instance 90s, 12m, 6h, 30d or 20ms")
    return round(sum(float(amount) * _UNITS[unit] for amount, unit in _PART.findall(text)))


def parse_moment(value: object, now: int) -> int:
    """Epoch milliseconds in ``now``, ``12m ago``, ``in 5m``, an ISO 8601 time (UTC without a zone) or an epoch."""
    if isinstance(value, datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=timezone.utc)
        return round(moment.timestamp() * 1000)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return round(value if value >= SECONDS_BELOW else value * 1000)
    text = str(value).strip()
    if text == "now":
        return now
    if text.endswith(" ago"):
        return now - parse_duration(text.removesuffix(" ago"))
    if text.startswith("in "):
        return now + parse_duration(text.removeprefix("in "))
    if re.fullmatch(r"\d+", text):
        return parse_moment(int(text), now)
    try:
        return parse_moment(datetime.fromisoformat(text.replace("Z", "+00:00")), now)
    except ValueError:
        raise ValueError(f"not a moment: {value!r}; write for instance '12m ago', 'in 5m' or an ISO time") from None


def iso(moment: int | None) -> str | None:
    """A moment for people: ISO 8601 in UTC."""
    if moment is None:
        return None
    return datetime.fromtimestamp(moment / 1000, timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
