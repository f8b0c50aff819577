# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of one contender after the other: how long, how many requests, how much memory, and what came out."""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import time
import typing as t
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from checks import ROOT, Workshop

from .site import Site

RUN_LIMIT = 900.0  # seconds

Answer = dict[str, t.Any]


class BenchFailed(Exception):
    """A contender did not do its work, or two of them differ in what came out."""


@dataclass(frozen=True)
class Told:
    """What a contender tells of its run."""

    answer: Answer
    memory: int | None = None
    """Peak of its process, in bytes."""
    size: int | None = None
    """Bytes that it returned, or that it was answered."""


@dataclass(frozen=True)
class Run:
    """One run, measured from outside."""

    told: Told
    wall: float
    """Seconds from its start to its end."""
    span: float
    """Seconds from its first request to its last, by the log of the site."""
    requests: list[tuple[str, str]]
    connections: int
    site_cpu: float | None
    """Seconds of processor time that the site took for it."""


Contender = Callable[[], Told]
Runs = dict[str, list[Run]]


def measure(site: Site, contender: Contender) -> Run:
    site.forget()
    cpu, began = site.cpu_seconds(), time.monotonic()
    told = contender()
    wall = time.monotonic() - began
    after, seen = site.cpu_seconds(), site.seen()
    used = after - cpu if after is not None and cpu is not None else None
    return Run(told, wall, seen.seconds, seen.requests, seen.connections, used)


def interleaved(
    site: Site, contenders: Mapping[str, Contender], rounds: int, warm_up: bool = True, once: tuple[str, ...] = ()
) -> Runs:
    """Rounds in which each contender runs once, so that what else the machine does meets all of them alike.

    :param warm_up: whether one round more is run first and not counted: it fills caches of files.
    :param once: those that are too slow to be run in more than the first round.
    """
    runs: Runs = {name: [] for name in contenders}
    for number in range(-1 if warm_up else 0, rounds):
        for name, contender in contenders.items():
            if name in once and number != 0:
                continue
            run = measure(site, contender)
            print(
                f"    {name}: {run.wall:.2f} s, {run.span:.2f} s on the wire, {len(run.requests)} requests", flush=True
            )
            if number >= 0:
                runs[name].append(run)
    same_answer(runs)
    return runs


def same_answer(runs: Runs) -> None:
    """All that was measured counts for nothing unless all contenders say the same."""
    said = [(name, run.told.answer) for name, several in runs.items() for run in several]
    for name, answer in said:
        if answer != said[0][1]:
            raise BenchFailed(f"{said[0][0]} says {said[0][1]}, and {name} says {answer}")


def ratios(ours: list[float], theirs: list[float]) -> list[float]:
    """How many times as long ours took, round by round; against the median of those that ran less often."""
    if len(ours) == len(theirs):
        return [mine / other for mine, other in zip(ours, theirs, strict=True)]
    return [mine / statistics.median(theirs) for mine in ours]


class Programs:
    """Starts programs in the workshop, without a terminal, each in a process group of its own."""

    def __init__(self, shop: Workshop) -> None:
        self._shop = shop
        self.playbooks = Path(__file__).parent / "playbooks"

    def program(self, name: str, given: Mapping[str, t.Any], python: str = sys.executable) -> Told:
        """Runs one of our own programs, bench.<name>, which reads JSON and prints the like of Told."""
        path = os.pathsep.join(str(one) for one in (ROOT / "tools", self._shop.linked, ROOT / "tests" / "site"))
        text = self._run([python, "-m", f"bench.{name}"], {"PYTHONPATH": path}, json.dumps(given))
        return Told(**json.loads(text.splitlines()[-1]))

    def playbook(self, name: str, given: Mapping[str, t.Any]) -> Told:
        """Runs one of our playbooks; its answer is a line of its output."""
        command = [str(Path(sys.executable).with_name("ansible-playbook")), str(self.playbooks / f"{name}.yml")]
        quiet = {"ANSIBLE_LOCALHOST_WARNING": "false", "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false"}
        text = self._run([*command, "--extra-vars", json.dumps(given)], quiet)
        _, found, rest = text.partition("BENCH ")
        if not found:
            raise BenchFailed(f"The playbook {name} gave no answer:\n{text[-3000:]}")
        # What a callback prints as JSON has its quotes escaped.
        return Told(json.JSONDecoder().raw_decode(rest.replace('\\"', '"'))[0])

    def _run(self, command: list[str], env: dict[str, str], given: str = "") -> str:
        child = subprocess.Popen(
            command,
            env=self._shop.env | env,
            cwd=self._shop.scratch,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        try:
            out, err = child.communicate(given, timeout=RUN_LIMIT)
        except BaseException:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            raise
        if child.returncode:
            what = " ".join(command[:3])
            raise BenchFailed(f"{what} ended with {child.returncode}:\n{out[-2000:]}\n{err[-2000:]}")
        return out
