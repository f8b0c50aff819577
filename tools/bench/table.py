# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables, as Markdown."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path

from .rows import Line, Row

BEGIN, END = "<!-- begin: written by make bench -->", "<!-- end: written by make bench -->"


def render(rows: Sequence[Row], about: str) -> str:
    parts = [about, summary(rows), *(details(row) for row in rows)]
    return "\n\n".join(parts) + "\n"


def summary(rows: Sequence[Row]) -> str:
    lines = ["| | what | figure to reach | found | reached |", "| --- | --- | --- | --- | --- |"]
    for row in rows:
        for goal in row.goals:
            lines.append(
                f"| {row.number} | {row.title} | {goal.text} | {goal.found} | {'yes' if goal.reached else '**no**'} |"
            )
    return "\n".join(lines)


def details(row: Row) -> str:
    parts = [f"### {row.number}. {row.title}"]
    if row.lines:
        head = ["", "median", "min to max", "rounds", "ratio (quartiles)", "requests", "connections", "bytes"]
        head += ["peak memory", "site's processor"]
        table = [f"| {' | '.join(head)} |", f"| {' | '.join(['---', *['---:'] * (len(head) - 1)])} |"]
        table += [f"| {' | '.join(_cells(one))} |" for one in row.lines]
        parts += [f"Seconds: {row.clock}.", "\n".join(table)]
    parts += [*row.notes, row.measured]
    return "\n\n".join(parts)


def _cells(one: Line) -> list[str]:
    return [
        one.name,
        f"{statistics.median(one.seconds):.2f} s",
        f"{min(one.seconds):.2f} to {max(one.seconds):.2f}",
        str(len(one.seconds)),
        _spread(one.ratio),
        f"{one.requests:,}",
        str(one.connections),
        "" if one.size is None else f"{one.size:,}",
        "" if one.memory is None else f"{one.memory / 1e6:.0f} MB",
        "" if one.site_share is None else f"{one.site_share:.0%}",
    ]


def _spread(ratio: Sequence[float]) -> str:
    if not ratio:
        return ""
    middle = f"{statistics.median(ratio):.2f}"
    if len(ratio) < 3:
        return middle
    low, _, high = statistics.quantiles(ratio, n=4)
    return f"{middle} ({low:.2f} to {high:.2f})"


def put(text: str, into: Path) -> None:
    """Puts the tables between the markers of a page, and leaves the rest of it alone."""
    before, begin, rest = into.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{into} has lost its markers: {BEGIN} and {END}")
    into.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}", encoding="utf-8")
