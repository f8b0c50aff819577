# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure what a task costs before its first request: `PYTHONPATH=tools .venv/bin/python -m bench.start`.

Modules come out of an archive and without compiled files, as Ansible sends them. Times are of the processor, the least
of many runs.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = "ansible_collections/gisops/arcgis/plugins"
STEPS = {
    "Python itself": "pass",
    "`ansible.module_utils.basic`, as in every module": "import ansible.module_utils.basic",
    "`requests`": "import requests",
    "`gp_jobs_query` and its `module_utils`": "import ansible_collections.gisops.arcgis.plugins.modules.gp_jobs_query",
}
URI = "import ansible.module_utils.basic, ansible.module_utils.urls"
RUNS = 25


def archive(path: Path) -> None:
    """Pack the modules as Ansible does."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        files = [file for kind in ("modules", "module_utils") for file in (ROOT / "plugins" / kind).rglob("*.py")]
        names = {f"{PLUGINS}/{file.relative_to(ROOT / 'plugins')}": file for file in files}
        folders = {str(parent) for name in names for parent in Path(name).parents} - {"."}
        for folder in folders:
            if f"{folder}/__init__.py" not in names:
                packed.writestr(f"{folder}/__init__.py", "")
        for name, file in names.items():
            packed.write(file, name)


def cost(code: str, packed: Path) -> float:
    """Return the milliseconds of the processor that a Python takes for this."""

    def spent() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return 1000 * (usage.ru_utime + usage.ru_stime)

    def once() -> float:
        before = spent()
        command = f"import sys; sys.path.insert(0, sys.argv[1]); {code}"
        subprocess.run([sys.executable, "-B", "-c", command, str(packed)], check=True, timeout=60)
        return spent() - before

    return min(once() for _run in range(RUNS))


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        packed = Path(scratch) / "modules.zip"
        archive(packed)
        print("| step | adds | together |\n| --- | ---: | ---: |")
        code, before = "pass", 0.0
        for name, step in STEPS.items():
            code = f"{code}; {step}"
            together = cost(code, packed)
            print(f"| {name} | {together - before:.0f} ms | {together:.0f} ms |")
            before = together
        print(f"| for comparison: what `ansible.builtin.uri` loads | | {cost(URI, packed):.0f} ms |")


if __name__ == "__main__":
    main()
