# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nothing that users build on changes unseen: docs/upgrades.md says what that is."""

from __future__ import annotations

import copy
import json
import os
import typing as t

import pytest

from .api import ROOT, Change, Tree, api, changes

SNAPSHOT = ROOT / "tests" / "unit" / "api_snapshot.json"
ADVICE = """\
What users build on differs from tests/unit/{file}:

{list}

If that is meant: this needs a {bump} version (docs/upgrades.md says why). In the same commit,
  1. run `make api` and look at the difference of tests/unit/{file},
  2. add a changelog fragment with the section {section},
  3. see that the next version in galaxy.yml is a {bump} one."""


def advice(found: list[Change]) -> str:
    bump = "major" if any(change.bump == "major" for change in found) else "minor"
    section = "breaking_changes or removed_features" if bump == "major" else "minor_changes (none for a new plugin)"
    lines = "\n".join(f"  {change.bump}: {change.text}" for change in found)
    return ADVICE.format(file=SNAPSHOT.name, list=lines, bump=bump, section=section)


def test_what_users_build_on_is_what_the_snapshot_says() -> None:
    now = json.loads(json.dumps(api()))
    if os.environ.get("GISOPS_API") == "write":
        SNAPSHOT.write_text(json.dumps(now, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    found = changes(json.loads(SNAPSHOT.read_text(encoding="utf-8")), now)
    assert not found, advice(found)


def at(tree: Tree, path: str) -> t.Any:
    for key in path.split("/"):
        tree = tree[key]
    return tree


QUERY = "modules/gp_jobs_query/options"
EDITS: list[tuple[str, str, t.Any, str, str]] = [
    # what is edited, its key, its new value (None: it is taken away), the version that this needs, and what is said
    (QUERY, "limit", None, "major", "modules.gp_jobs_query.options.limit is gone"),
    (QUERY, "new", {"type": "str", "required": False}, "minor", "options.new is new"),
    (QUERY, "new", {"type": "str", "required": True}, "major", "options.new is new, and required"),
    (f"{QUERY}/detail", "default", "full", "major", "'counts' and is 'full'"),
    (f"{QUERY}/limit", "type", "str", "major", "limit.type was 'int' and is 'str'"),
    (f"{QUERY}/limit", "default", 7, "major", "limit.default is new: 7"),
    (f"{QUERY}/limit", "choices", [7], "major", "limit.choices is new: [7]"),
    (f"{QUERY}/limit", "aliases", ["most"], "minor", "limit.aliases is new"),
    (f"{QUERY}/limit", "required", True, "major", "limit.required was False and is True"),
    (f"{QUERY}/detail", "choices", ["counts", "full", "jobs", "more"], "minor", "detail.choices has 'more' too"),
    (f"{QUERY}/detail", "choices", ["counts", "jobs"], "major", "detail.choices has no 'full' any more"),
    (f"{QUERY}/services", "aliases", None, "major", "services.aliases is gone"),
    ("modules/gp_jobs_query/returns", "counts", None, "major", "returns.counts is gone"),
    ("modules/gp_jobs_query/returns", "new", {"type": "str"}, "minor", "returns.new is new"),
    ("modules/gp_jobs_query/returns/total", "type", "str", "major", "total.type was 'int' and is 'str'"),
    ("lookups", "gp_jobs", None, "major", "lookups.gp_jobs is gone"),
    ("lookups", "another", {"options": {}, "returns": {}}, "minor", "lookups.another is new"),
    ("lookups/gp_jobs/options/url", "env", ["ELSEWHERE"], "major", "has no 'ARCGIS_URL' any more"),
    ("roles/gp_jobs_gate/main/options", "gp_jobs_gate_window", None, "major", "gp_jobs_gate_window is gone"),
    ("playbooks/drain/variables", "gp_jobs_drain_hosts", None, "major", "gp_jobs_drain_hosts is gone"),
    ("playbooks/drain/variables/gp_jobs_drain_hosts", "default", "'all'", "major", "and is \"'all'\""),
    ("words", "verdicts", ["failed", "passed"], "major", "verdicts has no 'inconclusive' any more"),
    ("needs", "ansible_core", ">=2.18.0", "major", "needs.ansible_core was '>=2.16.0' and is '>=2.18.0'"),
]


@pytest.mark.parametrize(("path", "key", "value", "bump", "said"), EDITS, ids=[f"{e[0]}-{e[1]}-{e[3]}" for e in EDITS])
def test_each_change_is_told_with_the_version_that_it_needs(
    path: str, key: str, value: t.Any, bump: str, said: str
) -> None:
    old = json.loads(SNAPSHOT.read_text(encoding="utf-8"))
    new = copy.deepcopy(old)
    if value is None:
        del at(new, path)[key]
    else:
        at(new, path)[key] = value
    found = changes(old, new)
    assert found[0].bump == bump
    assert said in found[0].text
    assert f"needs a {bump} version" in advice(found)


def test_the_gravest_change_decides() -> None:
    assert "needs a major version" in advice([Change("minor", "one"), Change("major", "other")])


def test_the_snapshot_holds_all_that_is_installed() -> None:
    kept = json.loads(SNAPSHOT.read_text(encoding="utf-8"))
    for part, found in (
        ("modules", (ROOT / "plugins/modules").glob("[!_]*.py")),
        ("lookups", (ROOT / "plugins/lookup").glob("[!_]*.py")),
        ("roles", (ROOT / "roles").glob("*")),
        ("playbooks", (ROOT / "playbooks").glob("*.yml")),
    ):
        assert set(kept[part]) == {path.stem for path in found}, part
        assert all(kept[part].values()), part
