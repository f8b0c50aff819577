# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure seconds, requests and memory beside a loop of ansible.builtin.uri and Esri's client for Python.

The contenders of a row run in turn, round after round, on rehearsal sites in processes of their own, and have to say
the same. The table goes between the markers of docs/benchmarks.md; with --quick or --rows it is only printed.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import typing as t
from collections.abc import Callable, Iterator
from pathlib import Path

from site_process import ROOT, control, started

PLAYBOOKS, PAGE = Path(__file__).parent / "playbooks", ROOT / "docs" / "benchmarks.md"
BEGIN, END = "<!-- begin: written by make bench -->", "<!-- end: written by make bench -->"
HEAD = "| row | contender | whole run | on the wire | requests | peak memory |"
ALWAYS_THERE = "System/PublishingTools"
GATE_ASKS: dict[str, t.Any] = {"job_status": ["active", "failed", "timed_out"], "ended_after": "61m"}

Given = dict[str, t.Any]


class Run(t.NamedTuple):
    whole: float  # seconds from the start of the process to its end
    wire: float  # seconds from the first request to the last, by the log of the site
    requests: int
    memory: int  # bytes, 0 if not measured
    said: Given


class Bench:
    """Runs contenders against sites; small and seldom if it is quick."""

    def __init__(self, scratch: Path, quick: bool) -> None:
        self.scratch = scratch
        self.quick = quick

    @contextlib.contextmanager
    def site(self, services: Given) -> Iterator[Given]:
        """Run an ArcGIS Server that takes 20 ms for each answer, and give how to log in to it."""
        folder = Path(tempfile.mkdtemp(dir=self.scratch))
        (folder / "scenario.yml").write_text(json.dumps({"services": services}), encoding="utf-8")  # JSON is YAML too
        arguments = ["--scenario", str(folder / "scenario.yml"), "--api", "server", "--delay", "20ms"]
        with started([*arguments, "--time-limit", "60m"], folder, os.environ) as ready:
            yield ready

    def program(self, name: str, site: Given, given: Given, python: str = sys.executable) -> Run:
        return self.run(site, [python, "-m", "bench.programs", name], {**login(site), **given})

    def playbook(self, name: str, site: Given, **given: t.Any) -> Run:
        command = [str(Path(sys.executable).with_name("ansible-playbook")), str(PLAYBOOKS / f"{name}.yml")]
        return self.run(site, [*command, "--extra-vars", json.dumps({"site": login(site), **given})])

    def run(self, site: Given, command: list[str], given: Given | None = None) -> Run:
        """Run a command, whose output holds its answer as JSON: after BENCH, or on its last line."""
        control(site, "DELETE", "/log")
        began = time.monotonic()
        done = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True, check=False)
        whole = time.monotonic() - began
        if done.returncode:
            raise SystemExit(f"{command} ended with {done.returncode}:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
        moments = [entry["at"] for entry in control(site, "GET", "/log")["log"]]
        _, is_playbook, said = done.stdout.partition("BENCH ")
        # What a callback prints as JSON has its quotes escaped.
        answer = said.replace('\\"', '"') if is_playbook else done.stdout.splitlines()[-1]
        found = json.JSONDecoder().raw_decode(answer)[0]
        what, memory = (found, 0) if is_playbook else found
        return Run(whole, (max(moments) - min(moments)) / 1000, len(moments), memory, what)

    def compare(self, contenders: dict[str, Callable[[], Run]], rounds: int, once: str = "") -> Iterator[str]:
        """Run contenders in turn, one of them but once, and yield a line of the table for each."""
        runs: dict[str, list[Run]] = {name: [] for name in contenders}
        for number in range(1 if self.quick else rounds):
            for name, contender in contenders.items():
                if not number or name != once:
                    runs[name].append(contender())
                    print(f"    {name}: {runs[name][-1]}", flush=True)
        said = [json.dumps(run.said, sort_keys=True) for several in runs.values() for run in several]
        if len(set(said)) > 1:
            raise SystemExit(f"What was measured counts for nothing, for they say {set(said)}")
        for name, several in runs.items():
            whole, wire = (statistics.median(getattr(run, key) for run in several) for key in ("whole", "wire"))
            memory = f"{several[-1].memory / 1e6:.0f} MB" if several[-1].memory else ""
            yield f"{name} | {whole:.2f} s | {wire:.2f} s | {several[-1].requests:,} | {memory}"


def login(site: Given) -> Given:
    return {name: site[name] for name in ("url", "ca_path", "username", "password")}


def history(number: int, *jobs: Given) -> Given:
    """Make a service with these jobs and so many that succeeded."""
    return {
        "jobs": list(jobs),
        "history": {"count": number, "statuses": {"succeeded": 1.0}, "span": "4h", "until": "1h ago"},
    }


def services(number: int) -> Given:
    """Make services with 300 jobs each, in ten folders; some jobs run, and one has failed lately."""
    names = [ALWAYS_THERE, *(f"Folder{place % 10}/Service{place:04}" for place in range(1, number))]
    running = {"status": "executing", "started": "5m ago"}
    found = {name: history(299, running) if place % 50 == 7 else history(300) for place, name in enumerate(names)}
    found[names[3]] = history(
        299, {"status": "failed", "ended": "10m ago", "messages": ["ERROR 000732: no such dataset"]}
    )
    return found


# --- the rows: what each measures is its docstring ------------------------------------------------------------------


def gate_and_uri(bench: Bench) -> Iterator[str]:
    """gate over 100 services of 300 jobs"""
    asked = services(10 if bench.quick else 100)
    with bench.site(asked) as site:
        loop = lambda: bench.playbook("uri_loop", site, services=list(asked))  # noqa: E731
        yield from bench.compare({"gp_jobs_gate": lambda: bench.playbook("gate", site), "loop of uri": loop}, 2)


def thousand_services(bench: Bench) -> Iterator[str]:
    """gate over 1,000 services of 300 jobs"""
    with bench.site(services(20 if bench.quick else 1000)) as site:
        query = lambda: bench.program("query", site, GATE_ASKS)  # noqa: E731
        yield from bench.compare({"gp_jobs_gate": lambda: bench.playbook("gate", site), "its query": query}, 3)


def long_history(bench: Bench) -> Iterator[str]:
    """query of a gate on one service with a short and a long history"""
    jobs = {"status": "executing", "started": "5m ago"}, {"status": "failed", "ended": "3h ago"}
    many = 20_000 if bench.quick else 1_000_000
    with (
        bench.site({ALWAYS_THERE: history(2_000, *jobs)}) as small,
        bench.site({ALWAYS_THERE: history(many, *jobs)}) as large,
    ):
        contenders = {"2,000 jobs": lambda: bench.program("query", small, GATE_ASKS)}
        contenders[f"{many:,} jobs"] = lambda: bench.program("query", large, GATE_ASKS)
        yield from bench.compare(contenders, 9)


def listing(bench: Bench) -> Iterator[str]:
    """listing of 20,000 jobs"""
    python = os.environ.get("ESRI_PYTHON", sys.executable)
    with bench.site({ALWAYS_THERE: history(1_000 if bench.quick else 20_000)}) as site:
        ours = lambda: bench.program("query", site, {"services": [ALWAYS_THERE], "detail": "jobs"})  # noqa: E731
        esri = lambda: bench.program("esri", site, {"service": ALWAYS_THERE}, python)  # noqa: E731
        yield from bench.compare({"gp_jobs_query": ours, "Esri's client": esri}, 3, once="Esri's client")


def million(bench: Bench) -> Iterator[str]:
    """listing of 1,000,000 jobs"""
    with bench.site({ALWAYS_THERE: history(20_000 if bench.quick else 1_000_000)}) as site:
        more = {"services": [ALWAYS_THERE], "detail": "jobs", "total_timeout": 3600}
        yield from bench.compare({"gp_jobs_query": lambda: bench.program("query", site, more)}, 2)


def connections(bench: Bench) -> Iterator[str]:
    """query of a gate over 100 services of 300 jobs, by the number of connections"""
    with bench.site(services(10 if bench.quick else 100)) as site:
        contenders: dict[str, Callable[[], Run]] = {}
        for number in (1, 4, 8, 16):
            asked = {**GATE_ASKS, "connections": number}
            contenders[f"{number} connections"] = functools.partial(bench.program, "query", site, asked)
        yield from bench.compare(contenders, 5)


ROWS = [gate_and_uri, thousand_services, long_history, listing, million, connections]


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[], metavar="N", help="these only, from 1 on")
    parser.add_argument("--quick", action="store_true", help="small sites and one round: to see that it works")
    options = parser.parse_args()
    lines = [HEAD, "| --- | --- | ---: | ---: | ---: | ---: |"]
    with tempfile.TemporaryDirectory(prefix="gisops-bench-") as scratch:
        for number, row in enumerate(ROWS, 1):
            if number in (options.rows or [number]):
                print(f"==> {number}: {row.__doc__}", flush=True)
                found = row(Bench(Path(scratch), options.quick))
                lines += [f"| {number}: {row.__doc__} | {line} |" for line in found]
    about = f"Python {platform.python_version()}, ansible-core {importlib.metadata.version('ansible-core')}"
    table = "\n".join([f"{about}, {os.cpu_count()} processors for the site and those who ask it.", "", *lines])
    print(table)
    if not options.quick and not options.rows:
        before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n\n{table}\n\n{END}{rest.partition(END)[2]}", encoding="utf-8")


if __name__ == "__main__":
    main()
