#!/usr/bin/env python3
# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run sanity, unit and integration tests on each ansible-core that the collection supports.

One session is one ansible-core on one Python of the controller: the oldest and the newest that this ansible-core takes
and that are found here. The modules run once more on Python 3.9, the oldest that they support, where the ansible-core
supports it too. Sessions run side by side, as many as the machine has cores. What is not found here is in the table as
skipped. Logs and environments are in .cache/matrix.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import make_venv

ROOT = Path(__file__).resolve().parent.parent
PLACE = ROOT / ".cache" / "matrix"
MODULE_PYTHON = (3, 9)  # tests/config.yml
FAILED_TAIL = 40  # lines of a log that are shown where a part failed

# What goes through ansible itself: options, plugins, documentation, and the examples of the plugins, which are run. The
# other unit tests look at the client and the gate, which do not know which ansible-core runs them.
UNITS = (
    "tests/unit/plugins/action",
    "tests/unit/plugins/lookup",
    "tests/unit/plugins/modules",
    "tests/unit/plugins/module_utils/test_facts.py",
    "tests/unit/plugins/module_utils/test_module.py",
    "tests/unit/plugins/module_utils/test_options.py",
    "tests/unit/test_docs.py",
)
EXAMPLES = ("tests/playbooks/test_examples.py::test_examples_of_plugins", "tests/playbooks/test_live.py")

# Sanity tests that depend on the Python of the controller; the others run once for each ansible-core.
BY_PYTHON = ("ansible-doc", "compile", "import", "validate-modules")
PARTS = ("sanity", "units", "integration", "target")


@dataclasses.dataclass(frozen=True)
class Core:
    """An ansible-core, and the Pythons of the controller that it takes. session() proves these two."""

    name: str
    requirement: str
    oldest: tuple[int, int]
    newest: tuple[int, int]
    without: tuple[str, ...] = ()  # sanity tests that cannot be run from a package index alone; the table says so


CORES = (
    Core("2.16", "ansible-core>=2.16,<2.17", (3, 10), (3, 12)),
    Core("2.18", "ansible-core>=2.18,<2.19", (3, 11), (3, 13)),
    Core("2.19", "ansible-core>=2.19,<2.20", (3, 11), (3, 13)),
    Core("2.20", "ansible-core>=2.20,<2.21", (3, 12), (3, 14)),
    Core("2.21", "ansible-core>=2.21,<2.22", (3, 12), (3, 14)),
    # A bound with rc in it makes pip look at those. Its pylint wants a package that is on GitHub alone.
    Core("2.22", "ansible-core>=2.22.0rc1,<2.23", (3, 13), (3, 15), without=("pylint",)),
)

SUPPORTED = """
import json
from ansible.release import __version__
from ansible_test._util.target.common.constants import CONTROLLER_PYTHON_VERSIONS, REMOTE_ONLY_PYTHON_VERSIONS
print(json.dumps([__version__, CONTROLLER_PYTHON_VERSIONS, REMOTE_ONLY_PYTHON_VERSIONS]))
"""


@dataclasses.dataclass(frozen=True)
class Row:
    core: str
    control: str
    target: str
    part: str
    result: str
    seconds: float = 0.0

    def cells(self) -> list[str]:
        seconds = f"{self.seconds:.0f}" if self.seconds else ""
        return [self.core, self.control, self.target, self.part, self.result, seconds]


def text(version: Sequence[int]) -> str:
    return ".".join(map(str, version[:2]))


def found_pythons() -> dict[tuple[int, int], str]:
    """One Python for each minor version found: the newest of them."""
    found: dict[tuple[int, int], str] = {}
    for version, path in make_venv.pythons(MODULE_PYTHON):
        found.setdefault((version[0], version[1]), path)
    return found


def controls(core: Core, found: dict[tuple[int, int], str]) -> list[tuple[int, int]]:
    fit = sorted(version for version in found if core.oldest <= version <= core.newest)
    return sorted({fit[0], fit[-1]}) if fit else []


def environment(core: Core, control: tuple[int, int], python: str) -> Path | None:
    venv = PLACE / f"core-{core.name}-py{text(control)}"
    command = [sys.executable, str(ROOT / "tools" / "make_venv.py"), str(venv)]
    command += ["-r", "tests/requirements/matrix.txt", "--package", core.requirement]
    command += ["--python", python, "--oldest", text(core.oldest), "--show", "ansible-core"]
    done = subprocess.run(command, cwd=ROOT, check=False)
    return venv if done.returncode == 0 else None


def run_part(venv: Path, name: str, part: str, arguments: list[str]) -> tuple[str, float]:
    log = PLACE / "logs" / f"{name}-{part}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [str(venv / "bin" / "python"), str(ROOT / "tools" / "checks.py"), part, f"--args={shlex.join(arguments)}"]
    begin = time.monotonic()
    # the environments of ansible-test are made anew each time: let pip remember what it has fetched
    env = os.environ | {"PIP_CACHE_DIR": str(PLACE / "pip")}
    with log.open("w", encoding="utf-8") as file:
        code = subprocess.run(command, cwd=ROOT, env=env, stdout=file, stderr=subprocess.STDOUT, check=False).returncode
    seconds = time.monotonic() - begin
    said = [f"{name} {part}: {'failed' if code else 'passed'}, {seconds:.0f} s, {log}"]
    if code:
        said += [f"    | {line[:300]}" for line in log.read_text(encoding="utf-8").splitlines()[-FAILED_TAIL:]]
    print("\n".join(said), flush=True)
    return ("failed" if code else "passed"), seconds


def again(python: str) -> list[str]:
    return ["--python", python, *(part for name in BY_PYTHON for part in ("--test", name))]


def session(
    core: Core,
    control: tuple[int, int],
    found: dict[tuple[int, int], str],
    parts: Sequence[str],
    targets: list[str],
    first: bool,
) -> Iterator[Row]:
    """The parts on one ansible-core and one Python; the first one does what would be alike on both."""
    name, here = f"core-{core.name}-py{text(control)}", text(control)
    print(f"{name} begins", flush=True)
    venv = environment(core, control, found[control])
    if venv is None:
        yield Row(core.name, here, "", "environment", "failed")
        return
    done = subprocess.run([str(venv / "bin" / "python"), "-c", SUPPORTED], capture_output=True, text=True, check=True)
    version, controller, remote = json.loads(done.stdout)
    if (controller[0], controller[-1]) != (text(core.oldest), text(core.newest)):
        print(f"CORES in {Path(__file__).name} is wrong: {version} takes {', '.join(controller)}", flush=True)
        yield Row(version, here, "", "environment", "failed")
        return
    modules = [one for one in (*remote, *controller) if tuple(map(int, one.split("."))) >= MODULE_PYTHON]
    some = f"integration ({', '.join(targets)})" if targets else "integration"
    for part in parts:
        if part == "sanity" and first:
            on = ", ".join(one for one in modules if tuple(map(int, one.split("."))) in found)
            left_out = [word for test in core.without for word in ("--skip-test", test)]
            called = f"{part} without {', '.join(core.without)}" if core.without else part
            yield Row(version, here, on, called, *run_part(venv, name, part, left_out))
        elif part == "sanity":
            yield Row(version, here, here, f"{part} ({len(BY_PYTHON)})", *run_part(venv, name, part, again(here)))
        elif part == "units":
            tests = [*UNITS, *EXAMPLES] if first else list(UNITS)
            yield Row(version, here, here, part, *run_part(venv, name, part, [*tests, "-q"]))
        elif part == "integration":
            yield Row(version, here, here, some, *run_part(venv, name, part, targets))
        elif first:
            oldest = text(MODULE_PYTHON)
            if oldest not in modules:
                yield Row(version, here, oldest, some, "skipped: this ansible-core has no such targets")
            elif MODULE_PYTHON not in found:
                yield Row(version, here, oldest, some, "skipped: no such Python found")
            else:
                yield Row(version, here, oldest, some, *run_part(venv, name, "integration-on", [oldest, *targets]))


def table(rows: list[Row]) -> str:
    head = ["ansible-core", "controller", "modules", "part", "result", "seconds"]
    lines = [head, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    names = [core.name for core in CORES]
    parser.add_argument("--core", action="append", choices=names, help="only this ansible-core (may be repeated)")
    parser.add_argument("--part", action="append", choices=PARTS, help="only this part (may be repeated)")
    parser.add_argument("--python", action="append", metavar="3.N", help="only this Python of the controller")
    parser.add_argument("--target", action="append", help="only this target of the integration tests (may be repeated)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="so many sessions side by side")
    options = parser.parse_args()

    found, rows = found_pythons(), []
    sessions: list[tuple[Core, tuple[int, int], bool]] = []
    print(f"Pythons found: {', '.join(text(version) for version in sorted(found))}", flush=True)
    for core in CORES:
        if options.core and core.name not in options.core:
            continue
        chosen = controls(core, found)
        missing = sorted({core.oldest, core.newest} - set(chosen))
        rows += [Row(core.name, text(end), "", "all", "skipped: no such Python found") for end in missing]
        oldest = chosen[0] if chosen else None
        if options.python:
            chosen = [control for control in chosen if text(control) in options.python]
        sessions += [(core, control, control == oldest) for control in chosen]
    parts = [part for part in PARTS if part in (options.part or PARTS)]

    def run(one: tuple[Core, tuple[int, int], bool]) -> list[Row]:
        core, control, first = one
        return list(session(core, control, found, parts, options.target or [], first))

    with ThreadPoolExecutor(options.jobs) as pool:
        rows += [row for done in pool.map(run, sessions) for row in done]

    failed = sum(row.result == "failed" for row in rows)
    passed = sum(row.result == "passed" for row in rows)
    print(f"\n==> the matrix\n{table(rows)}")
    print(f"{passed} passed, {failed} failed, {len(rows) - passed - failed} skipped", flush=True)
    if not passed and not failed:
        print("Nothing was run.")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
