# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module gp_jobs_query: options in, facts out, and nothing secret in any of them."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible.module_utils.basic import AnsibleModule

from ansible_collections.gisops.arcgis.plugins.modules import gp_jobs_query


@pytest.mark.parametrize("check", [False, True])
def test_the_facts_are_plain_keys_of_the_result(asked_site: t.Any, run_module: t.Any, api: str, check: bool) -> None:
    """Check mode is as a real run, and nothing is ever changed."""
    with asked_site("first_gate", api=api) as asked:
        facts = asked.query(job_status=["active", "failed"], detail="jobs")
        asked.site.clear_log()
        result = run_module(
            gp_jobs_query.main, check=check, job_status="active,failed", detail="jobs", **asked.connection
        )
        sent = len(asked.site.log)
    assert result["changed"] is False
    assert "ansible_facts" not in result
    assert facts.keys() <= result.keys()
    for key in facts.keys() - {"as_of", "requests"}:
        assert result[key] == facts[key], key
    assert result["requests"]["sent"] == sent
    assert asked.running.password not in json.dumps(result)


def test_a_failure_is_data_too(asked_site: t.Any, run_module: t.Any) -> None:
    with asked_site("first_gate") as asked:
        result = run_module(gp_jobs_query.main, service="System/PublishingTool", **asked.connection)
    assert result["failed"] is True
    assert result["failure"]["kind"] == "UnknownService"
    assert "Did you mean System/PublishingTools.GPServer" in result["msg"]
    assert "exception" not in result or "Traceback" not in str(result["exception"])


def test_warnings_are_handed_on(asked_site: t.Any, run_module: t.Any, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(AnsibleModule, "warn", lambda module, warning, **more: told.append(warning))
    with asked_site("first_gate", date_header="absent") as asked:
        run_module(gp_jobs_query.main, services="System/PublishingTools", **asked.connection)
    assert [text for text in told if "carry no date" in text]


def test_options_from_the_environment_alone(
    asked_site: t.Any, run_module: t.Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with asked_site("first_gate") as asked:
        for name, value in asked.connection.items():
            monkeypatch.setenv(f"ARCGIS_{name.upper()}", value)
        result = run_module(gp_jobs_query.main, services=["System/PublishingTools"])
    assert result["total"] == 11


@pytest.mark.parametrize("password", ["esri", "active", "passed", "Succeeded"])
def test_a_secret_that_is_also_a_word_of_ours_never_makes_a_number_of_zero(
    asked_site: t.Any, run_module: t.Any, password: str
) -> None:
    """Core cuts secrets out of results as substrings: the counts must not be harmed, nor their names."""
    scenario = {
        "accounts": [{"name": "odd", "password": password, "role": "publisher"}],
        "services": {"System/PublishingTools": {"jobs": [{"status": "executing"}]}},
    }
    with asked_site(scenario) as asked:
        asked.connection.update(username="odd", password=password)
        result = run_module(gp_jobs_query.main, services="System/PublishingTools", detail="jobs", **asked.connection)
    assert (result["counts"]["active"], result["complete"]) == (1, True)
    assert result["jobs"][0]["status"] == "executing"
