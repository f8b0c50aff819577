# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rehearsal site in a process of its own."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
STARTUP_LIMIT = 60.0  # seconds
ANSWER_LIMIT = 60.0  # seconds


@contextlib.contextmanager
def started(arguments: list[str], folder: Path, env: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Run a site with these arguments; give what its ready file says, and end it whatever happens."""
    ready = folder / "ready.json"
    command = [sys.executable, "-m", "rehearsal_site", *arguments, "--quiet"]
    command += ["--ready-file", str(ready), "--ca-dir", str(folder)]
    path = {"PYTHONPATH": str(ROOT / "tests" / "site")}
    with subprocess.Popen(command, env={**env, **path}, stdin=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + STARTUP_LIMIT
            while not ready.exists():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit("The rehearsal site did not start.")
                time.sleep(0.05)
            yield json.loads(ready.read_text(encoding="utf-8"))
        finally:
            process.terminate()


def control(site: Mapping[str, Any], method: str, path: str, body: object = None) -> Any:
    """Tell the site what is to happen on it, or ask what it has seen; return its answer."""
    request = urllib.request.Request(  # noqa: S310 - on loopback, by the site's own word
        site["control_url"] + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=ANSWER_LIMIT) as answer:
        return json.load(answer)
