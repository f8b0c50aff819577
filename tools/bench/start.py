# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task costs before its first request, on the machine that it asks from: one import after the other.

    PYTHONPATH=tools .venv/bin/python -m bench.start

Modules come out of an archive and without compiled files, as Ansible sends them. Times are of the processor, the least
of many runs.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from checks import ROOT

PACKAGE = "ansible_collections/gisops/arcgis"
MODULE = "ansible_collections.gisops.arcgis.plugins.modules.gp_jobs_query"
ALONE = "import sys; sys.path.insert(0, sys.argv[1])"
STEPS = {
    "Python itself": "pass",
    "ansible.module_utils.basic, as in every module": "import ansible.module_utils.basic",
    "requests": "import requests",
    "gp_jobs_query and its module_utils": f"import {MODULE}",
}
URI = "import ansible.module_utils.basic, ansible.module_utils.urls"


def archive(path: Path) -> None:
    """The collection's modules as Ansible packs them."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        folders = [PACKAGE.rsplit("/", depth)[0] for depth in (0, 1, 2)]
        for folder in [*folders, *(f"{PACKAGE}/plugins{below}" for below in ("", "/modules", "/module_utils"))]:
            packed.writestr(f"{folder}/__init__.py", "")
        for kind in ("modules", "module_utils"):
            for source in sorted((ROOT / "plugins" / kind).glob("*.py")):
                packed.write(source, f"{PACKAGE}/plugins/{kind}/{source.name}")


def cost(code: str, packed: Path, runs: int) -> float:
    """Seconds of the processor that a Python takes for this."""

    def spent() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    def once() -> float:
        before = spent()
        subprocess.run([sys.executable, "-B", "-c", f"{ALONE}; {code}", str(packed)], check=True, timeout=60)
        return spent() - before

    return min(once() for _run in range(runs))


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.start", description=__doc__)
    parser.add_argument("--runs", type=int, default=25, metavar="N")
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as scratch:
        packed = Path(scratch) / "modules.zip"
        archive(packed)
        print("| step | adds | together |\n| --- | ---: | ---: |")
        code, before = "pass", 0.0
        for name, step in STEPS.items():
            code = f"{code}; {step}"
            together = cost(code, packed, runs)
            print(f"| {name} | {1000 * (together - before):.0f} ms | {1000 * together:.0f} ms |")
            before = together
        print(f"| for comparison: what ansible.builtin.uri loads | | {1000 * cost(URI, packed, runs):.0f} ms |")


if __name__ == "__main__":
    main()
