# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plot: seconds of each contender, row by row, as SVG that can be read on a light and on a dark page."""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence
from pathlib import Path

from .rows import Row

DARK = """inline:
@media (prefers-color-scheme: dark) {
  #chart-benchmarks text { fill: #e6edf3 !important; }
  #chart-benchmarks .axis .line { stroke: #6e7681 !important; }
}"""
SHORTEST = 0.05
"""Seconds at which the bars begin; a logarithmic axis has no zero."""
OURS, OTHER, LIMIT = "#2f81f7", "#d29922", "#8b949e"


def draw(rows: Sequence[Row], into: Path) -> None:
    # Large, and not needed while something is measured.
    import pygal
    from pygal.style import Style

    style = Style(
        background="transparent",
        plot_background="transparent",
        foreground="#57606a",
        foreground_strong="#24292f",
        foreground_subtle="#8b949e",
        colors=(OURS,),
        value_colors=("#24292f",),
        label_font_size=11,
        title_font_size=14,
        value_font_size=11,
        font_family="sans-serif",
    )
    bars = [(f"{row.number}. {one.name}", statistics.median(one.seconds)) for row in rows for one in row.lines]
    chart = pygal.HorizontalBar(
        style=style,
        title="Seconds, median; shorter is better (logarithmic)",
        logarithmic=True,
        show_legend=False,
        print_values=True,
        value_formatter=lambda value: f"{value:.2f} s",
        # Its axes are named as if its bars stood upright.
        show_x_labels=False,
        show_x_guides=False,
        show_y_guides=False,
        truncate_label=60,
        range=(SHORTEST, max([1.0, *(seconds for _name, seconds in bars)])),
        zero=SHORTEST,
        width=900,
        height=60 + 26 * len(bars),
        spacing=8,
        margin=12,
        js=[],
        css=["file://style.css", "file://graph.css", DARK],
    )
    # Bars are drawn from the bottom up.
    bars.reverse()
    chart.x_labels = [name for name, _seconds in bars]
    chart.add(
        "",
        [{"value": max(seconds, SHORTEST), "color": _color(name)} for name, seconds in bars],
    )
    into.parent.mkdir(parents=True, exist_ok=True)
    chart.uuid = "benchmarks"  # or each drawing would have another
    # Its comments tell of the library and of the day, its script of the settings above.
    drawn = re.sub(r"<!--.*?-->|<script.*?</script>", "", chart.render(is_unicode=True), flags=re.S)
    into.write_text(f"{drawn}\n", encoding="utf-8")


def _color(name: str) -> str:
    if "limit" in name:
        return LIMIT
    return OTHER if "uri" in name or "Esri" in name else OURS
