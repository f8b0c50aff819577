# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rehearsal site in a process of its own."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
STARTUP_LIMIT = 60.0  # seconds
END_LIMIT = 10.0  # seconds


class NotStarted(RuntimeError):
    """The site ended, or was not ready in time."""


@contextlib.contextmanager
def started(arguments: list[str], folder: Path, env: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Runs a site with these arguments; gives what its ready file says, and ends it whatever happens."""
    ready = folder / "ready.json"
    command = [sys.executable, "-m", "rehearsal_site", *arguments, "--quiet"]
    command += ["--ready-file", str(ready), "--ca-dir", str(folder)]
    path = {"PYTHONPATH": str(ROOT / "tests" / "site")}
    process = subprocess.Popen(command, env={**env, **path}, stdin=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + STARTUP_LIMIT
        while not ready.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise NotStarted("The rehearsal site did not start.")
            time.sleep(0.05)
        yield json.loads(ready.read_text(encoding="utf-8"))
    finally:
        process.terminate()
        try:
            process.wait(timeout=END_LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
