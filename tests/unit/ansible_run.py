# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs ansible-playbook as a user does, on the collection that the tests import."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import typing as t
from pathlib import Path

import ansible_collections.gisops
import yaml

from rehearsal_site.running import RunningSite

COLLECTIONS = Path(ansible_collections.gisops.__path__[0]).parent.parent
COLLECTION = COLLECTIONS / "ansible_collections" / "gisops" / "arcgis"


def environment(site: RunningSite) -> dict[str, str]:
    """The connection as environment variables."""
    return {
        "ARCGIS_URL": site.url,
        "ARCGIS_USERNAME": site.username,
        "ARCGIS_PASSWORD": site.password,
        "ARCGIS_CA_PATH": str(site.ca_path),
    }


def run_playbook(
    scratch: Path, plays: list[dict[str, t.Any]], *arguments: str, **env: str
) -> subprocess.CompletedProcess[str]:
    """Runs these plays in a home of their own; the output holds both streams."""
    playbook = scratch / "playbook.yml"
    playbook.write_text(yaml.safe_dump(plays, sort_keys=False), encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "ARCGIS_"))}
    with tempfile.TemporaryDirectory(prefix="gis-") as short:
        return subprocess.run(
            [str(Path(sys.executable).with_name("ansible-playbook")), str(playbook), *arguments],
            cwd=scratch,
            env={
                **kept,
                "HOME": str(scratch),
                "TMPDIR": short,  # where a refused password is remembered; a socket in it may not have a long name
                "ANSIBLE_HOME": str(scratch / "ansible"),
                # Core looks for it in the home of the account, whatever HOME says, and writes it to HOME.
                "ANSIBLE_ASYNC_DIR": str(scratch / "async"),
                "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
                "ANSIBLE_LOCALHOST_WARNING": "false",
                "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
                "ANSIBLE_NOCOLOR": "1",
                **env,
            },
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=550,  # for 200 sites; for all others pytest's own limit comes first
            check=False,
        )


def play(tasks: list[dict[str, t.Any]], **more: t.Any) -> dict[str, t.Any]:
    """One play on localhost."""
    return {"hosts": "localhost", "gather_facts": False, **more, "tasks": tasks}
