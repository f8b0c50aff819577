#!/usr/bin/env python3
# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the playbook gisops.arcgis.pre_deploy_gate: against a rehearsal site of its own, or against yours.

Without ARCGIS_URL a simulated site is started on this machine, and the gate is run while a failed and an executing job
are there, and once more when they are gone; nothing is left running. With ARCGIS_URL the gate is run once against that
site; the password comes from ARCGIS_PASSWORD, or is asked for here.
"""

from __future__ import annotations

import argparse
import getpass
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from site_process import ROOT, control, started

PLAYBOOK = "gisops.arcgis.pre_deploy_gate"


def run_gate(connection: dict[str, str], extra: list[str]) -> int:
    """Run the playbook as a user would, with the collection that `make install` has put into .cache."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "ARCGIS_"))}
    env |= {name: value for name, value in os.environ.items() if name in ("ANSIBLE_NOCOLOR", "ANSIBLE_FORCE_COLOR")}
    env |= {"ANSIBLE_LOCALHOST_WARNING": "false", "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false", **connection}
    env |= {"ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".cache" / "collections")}
    say(f"$ ansible-playbook {' '.join([PLAYBOOK, *extra])}")
    command = [str(Path(sys.executable).with_name("ansible-playbook")), PLAYBOOK, *extra]
    with tempfile.TemporaryDirectory(prefix="gisops-gate-") as scratch:
        return subprocess.run(command, env={**env, "ANSIBLE_HOME": scratch}, cwd=ROOT, check=False).returncode


def rehearse(api: str, extra: list[str]) -> int:
    """Gate a simulated site, blocked first, then passed; return 0 if the gate said what it had to."""
    # The site ends by itself, should we be killed.
    arguments = ["--scenario", "first_gate", "--api", api, "--time-limit", "10m"]
    with (
        tempfile.TemporaryDirectory(prefix="gisops-gate-") as scratch,
        started(arguments, Path(scratch), os.environ) as site,
    ):
        connection = {f"ARCGIS_{name.upper()}": site[name] for name in ("url", "username", "password", "ca_path")}
        say(f"A simulated site is at {site['url']} (api: {site['api']}). One job has failed on it, one is executing:")
        say("the gate has to stop the deployment.")
        blocked = run_gate(connection, extra)
        for job in control(site, "GET", "/state?status=executing")["jobs"]:
            control(site, "PATCH", f"/jobs/{job['job_id']}", {"status": "succeeded"})
        for job in control(site, "GET", "/state?status=failed")["jobs"]:
            control(site, "DELETE", f"/jobs/{job['job_id']}")
        say("The executing job has ended well and the failed one is gone: now the gate has to let the deployment pass.")
        passed = run_gate(connection, extra)
    if (blocked, passed) == (2, 0):
        say(
            "Blocked, then passed, as it has to be. To gate your own site: ARCGIS_URL=... ARCGIS_USERNAME=... make gate"
        )
        return 0
    say(f"The gate did not do what it has to: the playbook ended with {blocked}, then with {passed}, not with 2 and 0.")
    return 1


def gate_own_site(extra: list[str]) -> int:
    """Gate the site that the environment names; return the playbook's own exit code."""
    connection = {name: value for name, value in os.environ.items() if name.startswith("ARCGIS_") and value}
    if "ARCGIS_TOKEN" not in connection:
        if "ARCGIS_USERNAME" not in connection:
            raise SystemExit("Set ARCGIS_USERNAME (or ARCGIS_TOKEN) as well.")
        if "ARCGIS_PASSWORD" not in connection:
            if not sys.stdin.isatty():
                raise SystemExit("Set ARCGIS_PASSWORD: there is no terminal to ask for it.")
            prompt = f"Password of {connection['ARCGIS_USERNAME']} at {connection['ARCGIS_URL']}: "
            connection["ARCGIS_PASSWORD"] = getpass.getpass(prompt)
    return run_gate(connection, extra)


def say(text: str) -> None:
    print(text, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--api", choices=["kubernetes", "server"], default="server", help="what the simulated site is")
    parser.add_argument("extra", nargs="*", help="more arguments for ansible-playbook, after --")
    arguments = parser.parse_args()
    if os.environ.get("ARCGIS_URL"):
        return gate_own_site(arguments.extra)
    return rehearse(arguments.api, arguments.extra)


if __name__ == "__main__":
    sys.exit(main())
