# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""``make bench``."""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import os
import platform
import signal
import sys
import time
from dataclasses import replace

from checks import CACHE, ROOT, workshop

from . import __doc__ as about
from . import plot, results, table
from .rows import ESRI_PYTHON, ROWS, Bench, Row
from .runs import BenchFailed

PAGE = ROOT / "docs" / "benchmarks.md"
PICTURE = ROOT / "docs" / "images" / "benchmarks.svg"
KEPT = CACHE / "bench" / "rows.json"

EPILOG = """\
The tables go between the markers of docs/benchmarks.md, and the plot into docs/images/benchmarks.svg, as soon as each
row has been measured; rows that were not run this time keep what .cache/bench/rows.json knows of them. A quick run
leaves docs/ alone.

examples:
  make bench
  make bench ARGS="--quick"
  make bench ARGS="--rows 2,7 --rounds 25"
"""


def row_numbers(text: str) -> list[int]:
    known = {str(number): number for number in ROWS}
    if unknown := set(text.split(",")) - known.keys():
        raise argparse.ArgumentTypeError(f"no such row: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    return sorted({known[part] for part in text.split(",")})


def positive(text: str) -> int:
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError("at least one round")
    return number


def machine() -> str:
    """What the numbers depend on."""
    versions = f"Python {platform.python_version()}, ansible-core {importlib.metadata.version('ansible-core')}"
    return f"{versions}, {platform.system()} on {os.cpu_count()} processors, which the site and the contenders share."


def measure(numbers: list[int], quick: bool, rounds: int | None) -> tuple[list[Row], list[str]]:
    """The rows that could be measured, and what kept the others from it."""
    rows, failures = [], []
    with workshop() as shop:
        bench = Bench(shop, quick, rounds)
        for number in numbers:
            print(f"\n==> row {number}: {ROWS[number].__name__}", flush=True)
            began, load = time.monotonic(), os.getloadavg()[0]
            try:
                row = ROWS[number](bench)
                when = f"Measured on {datetime.date.today().isoformat()}; the machine's load was {load:.1f} before."
                rows.append(replace(row, measured=when))
            except (BenchFailed, RuntimeError, OSError) as error:
                failures.append(f"row {number}: {error}")
                print(f"    {error}", flush=True)
            print(f"    measured in {time.monotonic() - began:.0f} s", flush=True)
    return rows, failures


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="make bench",
        description=about,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rows", type=row_numbers, default=list(ROWS), metavar="1,2", help="these only")
    parser.add_argument("--rounds", type=positive, help="so many of each row, whatever it has by itself")
    parser.add_argument("--quick", action="store_true", help="small sites and few rounds: to see that it works")
    options = parser.parse_args()
    if not ESRI_PYTHON.exists():
        parser.error("Esri's client is not there: make venv-esri")
    # Sites and contenders are ended on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))

    rows, failures = measure(options.rows, options.quick, options.rounds)
    print(f"\n{table.render(rows, machine())}")
    if options.quick:
        plot.draw(rows, KEPT.with_name("quick.svg"))
    else:
        every = results.keep(rows, KEPT)
        if not failures and {row.number for row in every} == ROWS.keys():
            table.put(table.render(every, machine()), PAGE)
            plot.draw(every, PICTURE)
            print(f"Written to {PAGE.relative_to(ROOT)} and {PICTURE.relative_to(ROOT)}")
    for failure in failures:
        print(f"FAILED: {failure}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
