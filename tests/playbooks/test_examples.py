# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every example of the documentation is run, as it stands, against the rehearsal site in both dialects."""

from __future__ import annotations

import ast
import re
import typing as t
from pathlib import Path

import pytest
import yaml

from rehearsal_site.running import running_site

from ..unit.ansible_run import COLLECTION, environment, play, run_playbook

# A site on which nothing runs and nothing failed, so that a gate passes and an assertion holds.
QUIET: dict[str, t.Any] = {
    "services": {
        "System/PublishingTools": {"jobs": [{"status": "succeeded", "user": "user1", "count": 3}]},
        "Analysis/Buffer": {"jobs": [{"status": "succeeded", "user": "user2", "ended": "2h ago"}]},
    }
}
PLUGINS = ["modules/gp_jobs_query.py", "modules/gp_token.py", "modules/gp_jobs_gate.py", "lookup/gp_jobs.py"]


def examples(path: str) -> list[dict[str, t.Any]]:
    """The tasks of a plugin's EXAMPLES."""
    tree = ast.parse((COLLECTION / "plugins" / path).read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "EXAMPLES":
            return list(yaml.safe_load(ast.literal_eval(node.value)))
    raise AssertionError(f"{path} has no EXAMPLES")


def blocks_of(page: str) -> list[t.Any]:
    text = (COLLECTION / page).read_text(encoding="utf-8")
    return [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.S)]


def run(scratch: Path, plays: list[dict[str, t.Any]], api: str, scenario: t.Any) -> str:
    with running_site(scenario, api=api) as site:
        connection = {
            "arcgis_url": site.url,
            "arcgis_username": site.username,
            "arcgis_password": site.password,
            "arcgis_ca_path": str(site.ca_path),
        }
        done = run_playbook(scratch, [{**one, "vars": connection} for one in plays], **environment(site))
        assert done.returncode == 0, done.stdout
        assert "WARNING" not in done.stdout, done.stdout
        assert not site.site.failures
        return done.stdout


@pytest.mark.parametrize("path", PLUGINS)
def test_examples_of_plugins(tmp_path: Path, api: str, path: str) -> None:
    run(tmp_path, [play(examples(path))], api, QUIET)


def test_examples_that_find_jobs(tmp_path: Path, api: str) -> None:
    """The same where there is something to find: there the assertion of the example fails, as it has to."""
    tasks: list[dict[str, t.Any]] = [
        {**task, "ignore_errors": "ansible.builtin.assert" in task} for task in examples("modules/gp_jobs_query.py")
    ]
    output = run(tmp_path, [play(tasks)], api, "first_gate")
    assert "ignored=1" in output
    assert "j290c2d4e60364aa2a0c735fb9b68428a of user2 since" in output


def test_every_plugin_has_its_examples_run() -> None:
    there = {f"{path.parent.name}/{path.name}" for kind in ("modules", "lookup") for path in _plugins(kind)}
    assert there == set(PLUGINS)


def _plugins(kind: str) -> t.Iterator[Path]:
    return (COLLECTION / "plugins" / kind).glob("[a-z]*.py")


@pytest.mark.parametrize(
    ("page", "number", "shows"),
    [
        ("README.md", 3, ['"msg": "0 executing', "passed: this is where the deployment begins"]),
        ("docs/gate.md", 1, ["passed: 2 services idle and clean"]),
        ("roles/gp_jobs_gate/README.md", 1, ["passed: 2 services idle and clean"]),
        ("roles/gp_jobs_drain/README.md", 1, ["0 jobs ended in", "and 0 still run"]),
        ("roles/gp_jobs_mark/README.md", 1, ["The deployment begins at 20"]),
        ("roles/gp_jobs_verify/README.md", 1, ["passed: 2 services clean"]),
    ],
)
def test_examples_of_pages(tmp_path: Path, api: str, page: str, number: int, shows: list[str]) -> None:
    blocks = blocks_of(page)
    assert len(blocks) == number
    plays = [one for block in blocks for one in (block if "hosts" in block[0] else [play(block)])]
    output = run(tmp_path, plays, api, QUIET)
    assert [text for text in shows if text not in output] == []


def test_in_the_background(tmp_path: Path, api: str) -> None:
    tasks: list[dict[str, t.Any]] = [
        {"gisops.arcgis.gp_jobs_query": {"service": "Analysis/Buffer"}, "async": 60, "poll": 1, "register": "asked"},
        {"ansible.builtin.assert": {"that": ["asked.counts.succeeded == 1", "asked.counts.active == 0"]}},
    ]
    run(tmp_path, [play(tasks)], api, QUIET)
