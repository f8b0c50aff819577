# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A short memory for the lookup: one process does not ask the same again within seconds.

It lives as long as the process. Task names and includes are evaluated in the main one, which lives for the whole run:
therefore the age, for whoever waits for change must see it.
"""

from __future__ import annotations

import copy
import json
import time
import typing as t

from ..module_utils._errors import BadOption

Facts = dict[str, t.Any]
_LONGEST = 86400
_remembered: dict[str, tuple[float, Facts]] = {}


def seconds(get: t.Callable[[str], t.Any]) -> float:
    """How long an answer is remembered; raises BadOption for what would be for ever."""
    value = float(get("cache_seconds"))
    if not 0 <= value <= _LONGEST:
        raise BadOption(
            f"'{value}' is no time to remember an answer for",
            where="option cache_seconds",
            cure=f"Use 0 to {_LONGEST} seconds.",
        )
    return value


def remember(options: dict[str, t.Any], seconds: float, ask: t.Callable[[], Facts]) -> Facts:
    """The facts for these options: those remembered where they are not older than ``seconds``, else new ones."""
    key = json.dumps(options, sort_keys=True, default=str)
    now = time.monotonic()
    for old in [other for other, (at, _facts) in _remembered.items() if now - at > seconds]:
        del _remembered[old]
    if seconds <= 0 or key not in _remembered:
        _remembered[key] = now, ask()
    return copy.deepcopy(_remembered[key][1])
