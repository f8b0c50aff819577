# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Carries data through a module's result unharmed.

Until ansible-core 2.22 every ``no_log`` value is cut out of results as a substring: a short password would put a hole
into a token that happens to contain it. In armour data shares no character with what anybody types.
"""

from __future__ import annotations

import json
import typing as t
import zlib

_FIRST = 0xE000  # the private use area: letters of nobody's alphabet


def put_on(data: bytes) -> str:
    """The data in armour: a private letter for each byte."""
    return "".join(chr(_FIRST + byte) for byte in data)


def take_off(armoured: str) -> bytes:
    """The data that was put into armour."""
    return bytes(ord(letter) - _FIRST for letter in armoured)


def pack(data: t.Any) -> str:
    """Write JSON data as one opaque text."""
    return put_on(zlib.compress(json.dumps(data).encode()))


def unpack(text: str) -> t.Any:
    """Read what was packed; raises ValueError for any other text."""
    try:
        return json.loads(zlib.decompress(take_off(text)))
    except (RecursionError, zlib.error) as error:
        raise ValueError("This was not packed here") from error
