# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Moments and durations, as options write them and as the wire carries them. No clock is read here."""

from __future__ import annotations

import re
import typing as t
from datetime import datetime, timezone

from ._errors import BadOption

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}

# Above this a number can only be milliseconds: as seconds it would be the year 5138.
_MILLISECONDS_FROM = 10**11
CLOCKS_AGREE = 300.0
"""So many seconds clocks may differ without anybody taking one for the other."""
_LONGEST_AGO = 50 * 365 * 86400.0
"""Before that there was no time that a site could tell."""
_HOW = "Use a timestamp (2026-11-24T09:00:00Z), epoch seconds, or a time ago such as 90m, 2h or 1d."


class Moment(t.NamedTuple):
    """A moment, either fixed (epoch seconds) or so many seconds before the site's now."""

    fixed: float | None = None
    ago: float | None = None

    def at(self, now: float) -> float:
        """Epoch seconds of this moment, where ``now`` is the site's clock."""
        return self.fixed if self.fixed is not None else now - (self.ago or 0.0)


def is_over(until: Moment | None, now: float) -> bool:
    """Whether what holds until a moment holds no longer; without a moment it holds for ever."""
    return until is not None and until.at(now) <= now


def parse_moment(value: t.Any, option: str) -> Moment:
    """A moment from a timestamp (without zone: UTC), epoch seconds or milliseconds, or a time ago (``2h``)."""
    text = str(value).strip()
    if re.fullmatch(r"\d{1,18}(\.\d{1,9})?", text):
        number = float(text)
        number = number / 1000 if number >= _MILLISECONDS_FROM else number
        if number == 0 or iso(number) is None:
            raise BadOption(f"'{text}' is not a time", where=f"option {option}", cure=_HOW)
        return Moment(fixed=number)
    if re.match(r"\d{4}-\d\d-\d\d", text):
        try:
            moment = datetime.fromisoformat(re.sub(r"[zZ]$", "+00:00", text))
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=timezone.utc)
            return Moment(fixed=moment.timestamp())
        except (ValueError, OverflowError):
            raise BadOption(f"'{text}' is not a time", where=f"option {option}", cure=_HOW) from None
    try:
        ago = parse_duration(text.removesuffix("ago"), option)
    except BadOption:
        ago = float("inf")
    if ago > _LONGEST_AGO:
        raise BadOption(f"'{text}' is not a time", where=f"option {option}", cure=_HOW)
    return Moment(ago=ago)


def parse_duration(value: t.Any, option: str) -> float:
    """Seconds from a number of seconds or from parts such as ``1h30m``."""
    text = str(value).strip().lower().replace(" ", "")
    if re.fullmatch(r"\d{1,12}(\.\d{1,9})?", text):
        return float(text)
    parts = re.findall(r"(\d{1,9}(?:\.\d{1,9})?)([smhdw])", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise BadOption(
            f"'{value}' is not a duration", where=f"option {option}", cure="Use seconds, or parts such as 90m or 1h30m."
        )
    return sum(float(number) * UNITS[unit] for number, unit in parts)


def from_wire(value: t.Any) -> float | None:
    """Epoch seconds from a site's time: seconds, milliseconds or a string; None for 0, -1, null and nonsense."""
    if isinstance(value, str):
        text = value.strip()
        if not re.fullmatch(r"-?\d+(\.\d+)?", text):
            try:
                return parse_moment(text, "").fixed
            except BadOption:
                return None
        value = float(text)
    # Beyond the 18 digits no calendar goes, and a whole number may be too large for a float.
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 10**18:
        return None
    return value / 1000 if value >= _MILLISECONDS_FROM else float(value)


def iso(moment: float | None) -> str | None:
    """A moment as UTC in ISO 8601, to the second; None stays None, and so does what no calendar holds."""
    if moment is None:
        return None
    try:
        return datetime.fromtimestamp(moment, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return None


def spell(seconds: float) -> str:
    """A duration for people: ``45 s``, ``12 min``, ``3 h 20 min``, ``2 d 4 h``."""
    whole = max(0, int(seconds))
    for small, large, size, factor in (("h", "d", 86400, 3600), ("min", "h", 3600, 60)):
        if whole >= size:
            rest = whole % size // factor
            return f"{whole // size} {large}" + (f" {rest} {small}" if rest else "")
    return f"{whole // 60} min" if whole >= 60 else f"{whole} s"
