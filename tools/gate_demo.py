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
import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

from site_process import ROOT, NotStarted, started

PLAYBOOK = "gisops.arcgis.pre_deploy_gate"
ANSWER_LIMIT = 30.0  # seconds
SITE_LIMIT = 600  # seconds: the site ends by itself, should we be killed

Settings = dict[str, str]


def run_gate(connection: Settings, scratch: str, extra: list[str]) -> int:
    """Runs the playbook as a user would, with the collection that `make install` has put into .cache."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "ARCGIS_"))}
    env |= {name: value for name, value in os.environ.items() if name in ("ANSIBLE_NOCOLOR", "ANSIBLE_FORCE_COLOR")}
    env |= {
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".cache" / "collections"),
        "ANSIBLE_HOME": scratch,
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        **connection,
    }
    command = [str(Path(sys.executable).with_name("ansible-playbook")), PLAYBOOK, *extra]
    say(f"$ ansible-playbook {' '.join([PLAYBOOK, *extra])}")
    return subprocess.run(command, env=env, cwd=ROOT, check=False).returncode


def control(site: dict[str, str], method: str, path: str, body: object = None) -> list[dict[str, str]]:
    """Tells the rehearsal site what is to happen on it."""
    request = urllib.request.Request(  # noqa: S310 - on loopback, by the site's own word
        site["control_url"] + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=ANSWER_LIMIT) as answer:
        told = json.load(answer)
    return list(told.get("jobs", [])) if isinstance(told, dict) else list(told)


def rehearse(api: str, extra: list[str]) -> int:
    """Blocked first, then passed; 0 if the gate said what it had to."""
    arguments = ["--scenario", "first_gate", "--api", api, "--time-limit", str(SITE_LIMIT)]
    with (
        tempfile.TemporaryDirectory(prefix="gisops-gate-") as scratch,
        started(arguments, Path(scratch), os.environ) as site,
    ):
        connection = {
            "ARCGIS_URL": site["url"],
            "ARCGIS_USERNAME": site["username"],
            "ARCGIS_PASSWORD": site["password"],
            "ARCGIS_CA_PATH": site["ca_path"],
        }
        say(
            f"A simulated site is at {site['url']} (api: {site['api']}). One job has failed on it and one is executing:"
        )
        say("the gate has to stop the deployment.")
        blocked = run_gate(connection, scratch, extra)
        for job in control(site, "GET", "/state?status=executing"):
            control(site, "PATCH", f"/jobs/{job['job_id']}", {"status": "succeeded"})
        for job in control(site, "GET", "/state?status=failed"):
            control(site, "DELETE", f"/jobs/{job['job_id']}")
        say("The executing job has ended well and the failed one is gone: now the gate has to let the deployment pass.")
        passed = run_gate(connection, scratch, extra)
    if blocked == 2 and passed == 0:
        say(
            "Blocked, then passed, as it has to be. To gate your own site: ARCGIS_URL=... ARCGIS_USERNAME=... make gate"
        )
        return 0
    say(f"The gate did not do what it has to: the playbook ended with {blocked}, then with {passed}, not with 2 and 0.")
    return 1


def gate_own_site(extra: list[str]) -> int:
    """One run against the site that the environment names; the playbook's own exit code."""
    connection = {name: value for name, value in os.environ.items() if name.startswith("ARCGIS_") and value}
    if "ARCGIS_TOKEN" not in connection:
        if "ARCGIS_USERNAME" not in connection:
            say("Set ARCGIS_USERNAME (or ARCGIS_TOKEN) as well.")
            return 1
        if "ARCGIS_PASSWORD" not in connection:
            if not sys.stdin.isatty():
                say("Set ARCGIS_PASSWORD: there is no terminal to ask for it.")
                return 1
            prompt = f"Password of {connection['ARCGIS_USERNAME']} at {connection['ARCGIS_URL']}: "
            connection["ARCGIS_PASSWORD"] = getpass.getpass(prompt)
    with tempfile.TemporaryDirectory(prefix="gisops-gate-") as scratch:
        return run_gate(connection, scratch, extra)


def say(text: str) -> None:
    print(text, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--api", choices=["kubernetes", "server"], default="server", help="what the simulated site is")
    parser.add_argument("extra", nargs="*", help="more arguments for ansible-playbook, after --")
    arguments = parser.parse_args()
    if os.environ.get("ARCGIS_URL"):
        return gate_own_site(arguments.extra)
    try:
        return rehearse(arguments.api, arguments.extra)
    except NotStarted as error:
        say(str(error))
        return 1


if __name__ == "__main__":
    sys.exit(main())
