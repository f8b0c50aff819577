# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What users build on, read from where it is documented, and what a change of it means for the next version."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import yaml
from ansible.plugins.loader import fragment_loader
from ansible.utils.plugin_docs import get_docstring

from ansible_collections.gisops.arcgis.plugins.module_utils import _statuses as _status
from ansible_collections.gisops.arcgis.plugins.plugin_utils._gate import verdict as _verdict

ROOT = Path(__file__).resolve().parents[2]
Tree = dict[str, t.Any]
# What a user may rely on of one option, and of one key of a result. Texts and samples may change at any time.
OPTION = ("type", "elements", "default", "choices", "required", "aliases", "env", "ini", "vars")
RETURNED = ("type", "elements")
# A value that is added to one of these takes nothing from anybody; of all else, a new value breaks somebody's playbook.
LISTS = ("choices", "aliases", "env", "ini", "vars", "statuses", "verdicts", "modules", "groups")


def _option(said: Tree) -> Tree:
    kept: Tree = {"type": "str", "required": False}
    for key in OPTION:
        if key in ("env", "vars"):
            if said.get(key):
                kept[key] = sorted(entry["name"] for entry in said[key])
        elif key == "ini":
            if said.get(key):
                kept[key] = sorted(f"{entry['section']}.{entry['key']}" for entry in said[key])
        elif key in ("choices", "aliases"):
            if said.get(key):
                kept[key] = sorted(map(str, said[key]))
        elif said.get(key) is not None:
            kept[key] = said[key]
    if said.get("options") or said.get("suboptions"):
        kept["options"] = _options(said.get("options") or said["suboptions"])
    return kept


def _options(said: Tree) -> Tree:
    return {name: _option(option) for name, option in sorted(said.items())}


def _returned(said: Tree) -> Tree:
    kept: Tree = {}
    for name, key in sorted(said.items()):
        kept[name] = {part: key[part] for part in RETURNED if key.get(part) is not None}
        if key.get("contains"):
            kept[name]["contains"] = _returned(key["contains"])
    return kept


def _plugin(kind: str, path: Path) -> Tree:
    doc, _examples, returned, _metadata = get_docstring(
        str(path), fragment_loader, collection_name="gisops.arcgis", is_module=kind == "modules"
    )
    said = returned if isinstance(returned, dict) else yaml.safe_load(returned or "{}")
    return {"options": _options(doc["options"]), "returns": _returned(said)}


def _plugins(kind: str) -> Tree:
    return {path.stem: _plugin(kind, path) for path in sorted((ROOT / "plugins" / kind).glob("[!_]*.py"))}


def _roles() -> Tree:
    """Each entry point of each role. The facts that a role publishes are the results of the plugins."""
    found: Tree = {}
    for path in sorted((ROOT / "roles").glob("*/meta/argument_specs.yml")):
        specs = yaml.safe_load(path.read_text(encoding="utf-8"))["argument_specs"]
        found[path.parts[-3]] = {
            name: {"options": _options(spec.get("options") or {})} for name, spec in sorted(specs.items())
        }
    return found


def _playbooks() -> Tree:
    """The variables that a playbook reads beside its roles' own: those with a default in it, and in its vars file."""
    found: Tree = {}
    for path in sorted((ROOT / "playbooks").glob("*.yml")):
        text = path.read_text(encoding="utf-8")
        named = dict(re.findall(r"\b((?:gp_jobs|verdict)_\w+) \| default\(([^,)]*)", text))
        variables = {name: {"default": default} for name, default in named.items() if not name.endswith("_result")}
        values = path.parent / "vars" / path.name
        if values.is_file():
            variables |= {name: {} for name in re.findall(r"^(\w+):", values.read_text(encoding="utf-8"), re.M)}
        found[path.stem] = {"variables": dict(sorted(variables.items()))}
    return found


def api() -> Tree:
    """All of it, as the snapshot has it."""
    runtime = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))
    python = yaml.safe_load((ROOT / "tests" / "config.yml").read_text(encoding="utf-8"))["modules"]["python_requires"]
    return {
        "action_groups": {name: {"modules": sorted(names)} for name, names in runtime["action_groups"].items()},
        "lookups": _plugins("lookup"),
        "modules": _plugins("modules"),
        "needs": {"ansible_core": runtime["requires_ansible"], "python_of_modules": python},
        "playbooks": _playbooks(),
        "roles": _roles(),
        "words": {
            "groups": sorted(_status.GROUPS),
            "statuses": sorted(_status.STATUSES),
            "verdicts": sorted((_verdict.PASSED, _verdict.FAILED, _verdict.INCONCLUSIVE)),
        },
    }


class Change(t.NamedTuple):
    bump: str  # major or minor
    text: str


def changes(old: t.Any, new: t.Any, where: tuple[str, ...] = ()) -> list[Change]:
    """What differs, and whether someone who used the old may go on without a change."""
    name = ".".join(where)
    if isinstance(old, dict) and isinstance(new, dict):
        found: list[Change] = []
        for key in sorted({*old, *new}):
            if key not in new:
                found.append(Change("major", f"{'.'.join((*where, key))} is gone"))
            elif key in old:
                found += changes(old[key], new[key], (*where, key))
            elif key in LISTS and key != "choices":
                found.append(Change("minor", f"{'.'.join((*where, key))} is new: {new[key]!r}"))
            elif key in (*OPTION, *RETURNED) and where and where[-2:-1] in (("options",), ("returns",), ("contains",)):
                found.append(Change("major", f"{'.'.join((*where, key))} is new: {new[key]!r}"))
            elif isinstance(new[key], dict) and new[key].get("required") is True:
                found.append(Change("major", f"{'.'.join((*where, key))} is new, and required"))
            else:
                found.append(Change("minor", f"{'.'.join((*where, key))} is new"))
        return found
    if where and where[-1] in LISTS and isinstance(old, list) and isinstance(new, list):
        gone, more = sorted(set(old) - set(new)), sorted(set(new) - set(old))
        lost = [Change("major", f"{name} has no {one!r} any more") for one in gone]
        return lost + [Change("minor", f"{name} has {one!r} too") for one in more]
    if old == new:
        return []
    loosened = where[-1:] == ("required",) and new is False
    return [Change("minor" if loosened else "major", f"{name} was {old!r} and is {new!r}")]
