# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One module in a process of its own, as Ansible starts it on the machine that it asks from, less Ansible around it."""

from __future__ import annotations

import contextlib
import json
import sys
import typing as t
from pathlib import Path

from ansible.module_utils import basic

from ansible_collections.gisops.arcgis.plugins.module_utils import _options
from ansible_collections.gisops.arcgis.plugins.modules import gp_jobs_query
from ansible_collections.gisops.arcgis.plugins.plugin_utils._gate.measure import wanted
from ansible_collections.gisops.arcgis.plugins.plugin_utils._gate.policy import Policy

from . import memory


def as_a_gate() -> dict[str, t.Any]:
    """The options by which a gate with the default policy measures."""
    policy = Policy.read(lambda name: _options.GATE.get(name, {}).get("default"))
    return {**wanted(policy), "ended_after": f"{(policy.window or 0) + policy.clock_slack:.0f}s"}


def main() -> None:
    given = json.load(sys.stdin)
    options = {**(as_a_gate() if given["as_a_gate"] else {}), **given["options"]}
    # What the module is started with and by; before ansible-core 2.19 the second has no meaning.
    basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": options}).encode()
    basic._ANSIBLE_PROFILE = "legacy"
    out = Path(given["out"])
    with out.open("w", encoding="utf-8") as file, contextlib.redirect_stdout(file), contextlib.suppress(SystemExit):
        gp_jobs_query.main()
    peak = memory.peak()
    facts = json.loads(out.read_text(encoding="utf-8"))
    if facts.get("failed") or facts["complete"] is not True:
        raise SystemExit(f"The module gave no complete facts: {facts.get('msg')}")
    if given["as_a_gate"]:
        answer = {name: facts["counts"][name] for name in ("executing", "failed")}
    else:
        answer = {"jobs": len({job["job_id"] for job in facts["jobs"]})}
    print(json.dumps({"answer": answer, "memory": peak, "size": out.stat().st_size}))


if __name__ == "__main__":
    main()
