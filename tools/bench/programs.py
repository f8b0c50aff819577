# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run our module or Esri's client in a process of its own: `python -m bench.programs query|esri`, options on stdin.

Each prints what it found and the peak of its memory in bytes, as JSON.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import sys
import typing as t
from pathlib import Path

Given = dict[str, t.Any]


def query(given: Given) -> Given:
    """Run gp_jobs_query, less Ansible around it."""
    from ansible.module_utils import basic

    from ansible_collections.gisops.arcgis.plugins.modules import gp_jobs_query

    # What the module is started with and by.
    basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": given}).encode()
    basic._ANSIBLE_PROFILE = "legacy"
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
        gp_jobs_query.main()
    facts = json.loads(out.getvalue())
    if facts.get("failed") or facts["complete"] is not True:
        raise SystemExit(f"The module gave no complete facts: {facts.get('msg')}")
    if facts["jobs"] is not None:
        return {"jobs": len({job["job_id"] for job in facts["jobs"]})}
    return {name: facts["counts"][name] for name in ("executing", "failed")}


def esri(given: Given) -> Given:
    """List the jobs of a service."""
    from arcgis.gis.server import Server
    from arcgis.gis.server.admin._services import JobManager

    server = Server(given["url"], username=given["username"], password=given["password"], verify_cert=False)
    jobs = JobManager(f"{given['url']}/admin/services/{given['service']}.GPServer/jobs", server._con).search()
    return {"jobs": len({job.url.rsplit("/", 1)[1] for job in jobs})}


if __name__ == "__main__":
    found = {"query": query, "esri": esri}[sys.argv[1]](json.load(sys.stdin))
    # Linux hands a parent's peak on to the programs that it starts, and getrusage tells that one; VmHWM is our own.
    peak = re.search(r"^VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"), re.M)
    print(json.dumps([found, int(peak[1]) * 1024 if peak else 0]))
