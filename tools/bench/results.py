# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows that were measured, kept from run to run: a page of all of them can be measured row by row."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from .rows import Goal, Line, Row


def keep(rows: Sequence[Row], file: Path) -> list[Row]:
    """Puts rows in the place of those that were measured before; gives all that there are now."""
    known = {row.number: row for row in [*load(file), *rows]}
    every = [known[number] for number in sorted(known)]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps([asdict(row) for row in every], indent=1) + "\n", encoding="utf-8")
    return every


def load(file: Path) -> list[Row]:
    if not file.exists():
        return []
    return [
        Row(
            **{
                **data,
                "goals": [Goal(**goal) for goal in data["goals"]],
                "lines": [Line(**line) for line in data["lines"]],
            }
        )
        for data in json.loads(file.read_text(encoding="utf-8"))
    ]
