# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook awx_setup with the real modules of awx.awx, on a simulated AWX: `make awx` fetches them first."""

from __future__ import annotations

import json
import os
import re
import tempfile
import typing as t
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..unit.ansible_run import COLLECTION, COLLECTIONS, run_playbook
from .simulated_awx import TOKEN, TYPES, SimulatedAwx, simulated_awx

FETCHED = os.environ.get("GISOPS_AWX_COLLECTION", "")
pytestmark = [
    pytest.mark.skipif(not FETCHED, reason="awx.awx is not there: make awx fetches it"),
    pytest.mark.timeout(600),
]

OURS = ["drain", "gate", "gate decision", "gate freshness", "mark", "verify"]
ALWAYS = "Make the workflow"


@pytest.fixture
def awx() -> Iterator[tuple[SimulatedAwx, str]]:
    with simulated_awx({f"playbooks/{path.name}" for path in (COLLECTION / "playbooks").glob("*.yml")}) as served:
        served[0].add("job_templates", name="Deploy maps", organization=2, extra_vars="{}")
        yield served


def setup(scratch: Path, url: str, *arguments: str, **variables: t.Any) -> str:
    told = {"awx_setup_organization": "GIS", "awx_setup_deploy_template": "Deploy maps", **variables}
    done = run_playbook(
        scratch,
        [{"ansible.builtin.import_playbook": "gisops.arcgis.awx_setup"}],
        "-e",
        json.dumps(told),
        *arguments,
        ANSIBLE_COLLECTIONS_PATH=os.pathsep.join([str(COLLECTIONS), FETCHED]),
        TMPDIR=tempfile.gettempdir(),  # a socket's path has to be short
        CONTROLLER_HOST=url,
        CONTROLLER_OAUTH_TOKEN=TOKEN,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def changed(output: str) -> list[str]:
    parts = re.split(r"^TASK \[(.*?)\] \**$", output, flags=re.M)
    return [name for name, text in zip(parts[1::2], parts[2::2], strict=True) if re.search(r"^changed: ", text, re.M)]


def test_made_twice_and_removed(tmp_path: Path, awx: tuple[SimulatedAwx, str]) -> None:
    served, url = awx
    variables = {"awx_setup_image": "registry.example.com/ee:1", "awx_setup_sites": [{"name": "a"}, {"name": "b"}]}
    assert "Make the job templates" in changed(setup(tmp_path, url, "--check", **variables))
    assert not served.writes

    setup(tmp_path, url, **variables)
    assert served.names("job_templates") == [*(f"ArcGIS jobs: {name}" for name in OURS), "Deploy maps"]
    assert served.names("hosts") == ["a", "b"]
    assert len(served.tables["workflow_job_template_nodes"]) == 10
    assert sum(len(ids) for ids in served.edges.values()) == 12
    assert {one["organization"] for one in served.tables["job_templates"].values()} == {2}
    (kind,) = served.tables["credential_types"].values()
    assert kind["injectors"]["env"]["ARCGIS_URL"] == "{{ url }}"
    (inventory,) = served.tables["inventories"].values()
    assert json.loads(inventory["variables"])["ansible_python_interpreter"] == "{{ ansible_playbook_python }}"

    served.writes.clear()
    assert set(changed(setup(tmp_path, url, **variables))) <= {ALWAYS}
    assert not [write for write in served.writes if "workflow" not in write]

    served.writes.clear()
    variables["awx_setup_state"] = "absent"
    assert "Remove the job templates" in changed(setup(tmp_path, url, "--check", **variables))
    assert not served.writes
    setup(tmp_path, url, **variables)
    assert {name for name in TYPES if served.tables[name]} == {"organizations", "job_templates"}
    assert served.names("job_templates") == ["Deploy maps"]
    assert not changed(setup(tmp_path, url, **variables))


def test_what_others_made_or_use_stays(tmp_path: Path, awx: tuple[SimulatedAwx, str]) -> None:
    served, url = awx
    setup(tmp_path, url, awx_setup_deploy_template="")
    assert not served.tables["workflow_job_templates"]
    (project,), (inventory,), (kind,) = (
        served.tables[name] for name in ("projects", "inventories", "credential_types")
    )
    served.add("hosts", name="theirs", inventory=inventory)
    served.add("credentials", name="Our site", credential_type=kind)
    served.add("job_templates", name="Theirs", organization=2, project=project, extra_vars="{}")
    output = setup(tmp_path, url, awx_setup_state="absent")
    assert served.names("hosts") == ["theirs"]
    assert served.names("job_templates") == ["Deploy maps", "Theirs"]
    for name in ("projects", "inventories", "credential_types"):
        assert len(served.tables[name]) == 1
    assert "Left, for others use it: inventory, project, type (used by theirs, Theirs, Our site)" in output
