# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How thorough the tests that have a size are: TEST_SIZE=full, which `make test-all` sets, makes them large."""

from __future__ import annotations

import os
import typing as t

T = t.TypeVar("T")


def sized(fast: T, full: T) -> T:
    """Return what `make test` runs, or what `make test-all` runs."""
    return full if os.environ.get("TEST_SIZE") == "full" else fast
