# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is written three times must be the same three times: tables of options, documentation and facts."""

from __future__ import annotations

import json
import re
import typing as t
from functools import lru_cache
from pathlib import Path

import pytest
import yaml
from ansible.plugins.loader import fragment_loader
from ansible.utils.plugin_docs import get_docstring

from ansible_collections.gisops.arcgis.plugins.doc_fragments import _connection, _gate, _query
from ansible_collections.gisops.arcgis.plugins.module_utils import _options
from ansible_collections.gisops.arcgis.plugins.module_utils import _statuses as _status
from ansible_collections.gisops.arcgis.plugins.module_utils._errors import BadOption
from ansible_collections.gisops.arcgis.plugins.modules import gp_token

from .gates import Rehearsal

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py"))
# What a module takes. A module without one of these is not documented by this test, and fails it.
TABLES = {
    "gp_jobs_query": (_options.CONNECTION, _options.QUERY, _options.POLLING),
    "gp_jobs_gate": (_options.CONNECTION, _options.SERVICES, _options.GATE),
    "gp_token": (_options.CONNECTION, _options.LOGIN),
}
Documented = dict[str, t.Any]


@lru_cache
def documented(kind: str, name: str) -> tuple[Documented, Documented]:
    """DOCUMENTATION with its fragments, and RETURN, as ansible-doc reads them."""
    path = ROOT / "plugins" / kind / f"{name}.py"
    doc, _examples, returned, _metadata = get_docstring(
        str(path), fragment_loader, collection_name="gisops.arcgis", is_module=kind == "modules"
    )
    return doc, returned if isinstance(returned, dict) else yaml.safe_load(returned or "{}")


def load(path: str) -> t.Any:
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


def shape(option: Documented) -> Documented:
    """What documentation and argument spec both say of an option."""
    said = {key: option[key] for key in ("default", "choices", "elements", "aliases") if option.get(key) is not None}
    return {"type": option.get("type", "str"), **said}


# --- options -----------------------------------------------------------------------------------------------------

FRAGMENTS = [
    (_connection.ModuleDocFragment.DOCUMENTATION, _options.CONNECTION),
    (_query.ModuleDocFragment.DOCUMENTATION, _options.QUERY),
    (_gate.ModuleDocFragment.DOCUMENTATION, _options.GATE),
]


@pytest.mark.parametrize(("text", "table"), FRAGMENTS, ids=["connection", "query", "gate"])
def test_fragments_say_what_the_tables_say(text: str, table: _options.Table) -> None:
    options = yaml.safe_load(text)["options"]
    assert {name: shape(option) for name, option in options.items()} == {
        name: shape(option) for name, option in table.items()
    }


@pytest.mark.parametrize("module", MODULES)
def test_modules_document_the_options_that_they_take(module: str) -> None:
    options = documented("modules", module)[0]["options"]
    spec = _options.argument_spec(*TABLES[module])
    assert {name: shape(option) for name, option in options.items()} == {
        name: shape(option) for name, option in spec.items()
    }
    for name, option in options.items():
        assert option["description"], name
        assert "required" not in option or not option["required"], name


def test_the_lookup_documents_the_same_options() -> None:
    options = dict(documented("lookup", "gp_jobs")[0]["options"])
    terms, seconds = options.pop("_terms"), options.pop("cache_seconds")
    assert (terms["type"], terms["elements"], seconds["type"], seconds["default"]) == ("list", "raw", "float", 5)
    spec = _options.argument_spec(_options.CONNECTION, _options.QUERY)
    # Core's reading of a boolean takes what it does not understand for false.
    expected = {name: shape(option) for name, option in spec.items()} | {
        "validate_certs": {"type": "raw", "default": True}
    }
    assert {name: shape(option) for name, option in options.items()} == expected


def test_every_connection_option_of_the_lookup_has_its_three_sources() -> None:
    options = yaml.safe_load(_connection.ModuleDocFragment.PLUGINS)["options"]
    assert options == {
        name: {
            "env": [{"name": f"ARCGIS_{name.upper()}"}],
            "ini": [{"section": "gisops_arcgis", "key": name}],
            "vars": [{"name": f"gisops_arcgis_{name}"}],
        }
        for name in _options.CONNECTION
    }


def test_every_description_names_its_environment_variable() -> None:
    options = yaml.safe_load(_connection.ModuleDocFragment.DOCUMENTATION)["options"]
    for name, option in options.items():
        assert f"E({_options.env_name(name)})" in " ".join(option["description"]), name


def test_statuses_and_groups_are_all_documented() -> None:
    text = " ".join(yaml.safe_load(_query.ModuleDocFragment.DOCUMENTATION)["options"]["job_status"]["description"])
    for word in (*_status.STATUSES, *_status.GROUPS):
        assert f"V({word})" in text


def test_the_action_group_lists_every_module() -> None:
    assert load("meta/runtime.yml")["action_groups"]["all"] == MODULES
    for module in MODULES:
        assert documented("modules", module)[0]["attributes"]["action_group"]["membership"] == ["gisops.arcgis.all"]


# --- what is returned --------------------------------------------------------------------------------------------


def differences(value: t.Any, returned: Documented, place: str = "") -> list[str]:
    """Where a value and its documentation differ: keys that only one of them has, and types."""
    kinds: dict[str, t.Any] = {"str": str, "int": int, "bool": bool, "float": (int, float), "list": list, "dict": dict}
    found = [f"{place}.{key} is not documented" for key in value.keys() - returned.keys()]
    found += [f"{place}.{key} is not there" for key in returned.keys() - value.keys()]
    for key in value.keys() & returned.keys():
        one, said, here = value[key], returned[key], f"{place}.{key}"
        if one is None:
            continue
        if not isinstance(one, kinds[said["type"]]) or (isinstance(one, bool) and said["type"] != "bool"):
            found.append(f"{here} is {one!r}, and documented as {said['type']}")
        for entry in one if isinstance(one, list) else [one]:
            if isinstance(entry, dict) and "contains" in said and here not in OPEN:
                found += differences(entry, said["contains"], here)
    return found


# Their keys are the statuses, which are documented with the options.
OPEN = (".counts", ".services.counts", ".reasons.jobs")


@pytest.fixture
def facts(asked_site: t.Any, api: str) -> Documented:
    """Facts with something in every list: jobs with messages, and what one account may not see."""
    with asked_site("forbidden", api=api) as asked:
        asked.connection.update(username="nobuffer", password="rehearsal-Passw0rd-nobuffer")
        jobs = [{"status": "failed", "ended": "10m ago", "messages": ["ERROR 1"]}]
        asked.running.load(
            {
                "site": {"api": api},
                "accounts": [{"name": "nobuffer", "role": "publisher", "forbidden": ["Analysis/Buffer"]}],
                "services": {"System/PublishingTools": {"jobs": jobs}, "Analysis/Buffer": {}},
            }
        )
        return dict(asked.query(detail="full"))


def test_the_facts_are_the_documented_ones(facts: Documented) -> None:
    returned = dict(documented("modules", "gp_jobs_query")[1])
    assert returned.pop("failure")["returned"] == "failure"
    assert returned.pop("poll_state")["returned"].startswith("when")
    assert facts["jobs"]
    assert facts["jobs"][0]["messages"]
    assert facts["unseen"]
    assert differences(facts, returned) == []
    for counts in (facts["counts"], *(one["counts"] for one in facts["services"])):
        assert list(counts) == [*_status.STATUSES, "active", "queued"]
    assert list(returned["counts"]["sample"]) == list(facts["counts"])


def test_a_failure_is_the_documented_one(asked_site: t.Any) -> None:
    returned = documented("modules", "gp_jobs_query")[1]["failure"]
    with asked_site("empty") as asked, pytest.raises(BadOption) as caught:
        asked.query(job_status=["runing"])
    assert differences(caught.value.failure, returned["contains"]) == []


def test_the_gates_result_is_the_documented_one(asked_site: t.Any, api: str, monkeypatch: pytest.MonkeyPatch) -> None:
    returned = dict(documented("modules", "gp_jobs_gate")[1])
    assert {one["returned"] for one in returned.values()} == {"always"}
    with asked_site("first_gate", api=api) as asked:
        result = Rehearsal(asked.running, monkeypatch).gate(override={"reason": "x", "by": "y"})
    ours = {key: value for key, value in result.items() if key not in ("changed", "failed", "warnings")}
    assert result["reasons"]
    assert differences(ours, returned) == []


def test_a_measurement_costs_what_the_docs_say(asked_site: t.Any, api: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "docs" / "how_it_works.md").read_text("utf-8")
    assert "    5 + 2 (D + 1) + 2 S + 10 L + F + M\n" in text
    services = {
        "System/PublishingTools": {"jobs": [{"status": "succeeded", "count": 1200}]},
        "Analysis/Buffer": {"jobs": [{"status": "failed", "count": 3, "ended": "5m ago"}]},
        "Analysis/Clip": {},
    }
    folders, long_records, failed = 2, 1, 3
    product_and_login, tasks = (5, 1) if api == "server" else (2, 0)
    with asked_site({"services": services}, api=api) as asked:
        result = Rehearsal(asked.running, monkeypatch).gate(max_failed=5)
    assert result["passed"]
    expected = product_and_login + 2 * (folders + 1) + 2 * len(services) + 10 * long_records + 2 * failed + tasks
    assert result["facts"]["requests"]["sent"] == expected


def test_every_rule_is_documented() -> None:
    text = json.dumps(documented("modules", "gp_jobs_gate")[1]["reasons"]["contains"]["rule"])
    sources = [
        (ROOT / "plugins" / "plugin_utils" / "_gate" / f"{name}.py").read_text("utf-8") for name in ("judge", "rules")
    ]
    rules = {rule for one in sources for rule in re.findall(r'(?:fail|doubt|INCONCLUSIVE,) ?\(?\s*"([a-z_]+)"', one)}
    assert rules | {"active", "executing", "queued"} == set(re.findall(r"V\(([a-z_]+)\)", text))


def test_the_tokens_result_is_the_documented_one(asked_site: t.Any, run_module: t.Any) -> None:
    returned = dict(documented("modules", "gp_token")[1])
    returned.pop("failure")
    with asked_site("empty") as asked:
        result = run_module(gp_token.main, **asked.connection)
    result["token"] = result.pop("armoured_token")
    ours = {key: value for key, value in result.items() if key not in ("changed", "invocation", "warnings")}
    assert differences(ours, returned) == []
