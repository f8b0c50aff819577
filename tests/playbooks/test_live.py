# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A gate that waits in a run of ansible-playbook: it tells of each poll at once, and ends at once where it has to."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import yaml

from rehearsal_site.running import running_site

from ..unit.ansible_run import COLLECTIONS, environment, play

SOON = 15.0  # seconds, on a busy machine; the gate itself would wait for an hour


@pytest.mark.parametrize("cancel", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "cancelled job"])
def test_a_wait_is_live_and_can_be_cancelled(tmp_path: Path, cancel: signal.Signals) -> None:
    gate = {"gisops.arcgis.gp_jobs_gate": {"wait": "1h", "poll_interval": "1s", "max_failed": "unlimited"}}
    (tmp_path / "playbook.yml").write_text(yaml.safe_dump([play([gate])]), encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "ARCGIS_"))}
    with running_site("first_gate") as site:
        process = subprocess.Popen(
            [str(Path(sys.executable).with_name("ansible-playbook")), "playbook.yml"],
            cwd=tmp_path,
            env={
                **kept,
                **environment(site),
                "ANSIBLE_HOME": str(tmp_path),
                "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
                "PYTHONUNBUFFERED": "1",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        assert process.stdout
        deadline = threading.Timer(60, process.kill)
        deadline.start()
        try:
            told = []
            for line in process.stdout:
                told.append(line)
                if sum(one.startswith("[localhost] ") for one in told) == 2:
                    break
            assert process.poll() is None, "".join(told)
            assert "waiting, 59:" in told[-1], "of the hour, less than a minute, also on a busy machine"
            began = time.monotonic()
            while process.poll() is None and time.monotonic() - began < SOON:
                os.killpg(process.pid, cancel)  # again where core was not listening, as a person would
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=SOON / 3)
            assert process.poll() is not None
            assert process.returncode != 0
        finally:
            deadline.cancel()
            process.kill()
            process.wait()
            process.stdout.close()
        asked = len(site.site.log)
        time.sleep(2)
        assert len(site.site.log) == asked, "nobody asks any more"
