# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lookup gp_jobs, through core's own loader: options from everywhere, and the facts of the module."""

from __future__ import annotations

import json
import os
import typing as t
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible import constants
from ansible.config.manager import ConfigManager
from ansible.errors import AnsibleError, AnsibleLookupError
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import lookup_loader
from ansible.template import Templar

from ansible_collections.gisops.arcgis.plugins.module_utils._wire import transport
from ansible_collections.gisops.arcgis.plugins.plugin_utils import _lookup

try:
    from ansible.template import trust_as_template
except ImportError:  # ansible-core before 2.19 trusts every text

    def trust_as_template(value: str) -> str:  # type: ignore[misc]
        return value


PUBLISHING = "System/PublishingTools"
Look = t.Callable[..., t.Any]


@pytest.fixture(autouse=True)
def no_memory() -> Iterator[None]:
    """Nothing is remembered from one test to the next."""
    _lookup._remembered.clear()
    yield
    _lookup._remembered.clear()


def look(*terms: t.Any, variables: dict[str, t.Any] | None = None, **options: t.Any) -> dict[str, t.Any]:
    loader = DataLoader()
    lookup = lookup_loader.get(
        "gisops.arcgis.gp_jobs", loader=loader, templar=Templar(loader=loader, variables=variables or {})
    )
    results = lookup.run(list(terms), variables or {}, **options)
    assert len(results) == 1
    return dict(results[0])


def test_the_facts_are_those_of_the_query(asked_site: t.Any, api: str) -> None:
    with asked_site("first_gate", api=api) as asked:
        facts = asked.query(services=[PUBLISHING, "Analysis/*"], job_status=["active", "failed"], detail="jobs")
        seen = look(PUBLISHING, "Analysis/*", job_status=["active", "failed"], detail="jobs", **asked.connection)
        same = look(services=[PUBLISHING, "Analysis/*"], job_status="active,failed", detail="jobs", **asked.connection)
    assert seen.keys() == facts.keys()
    for key in facts.keys() - {"as_of", "requests"}:
        assert seen[key] == same[key] == facts[key], key


def test_no_terms_mean_all_of_the_site(asked_site: t.Any) -> None:
    with asked_site("first_gate") as asked:
        seen = look(**asked.connection)
        assert (seen["discovery"], len(seen["services"])) == ("complete", 3)


def test_options_from_the_environment(asked_site: t.Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with asked_site("first_gate") as asked:
        for name, value in asked.connection.items():
            monkeypatch.setenv(f"ARCGIS_{name.upper()}", value)
        for name in ("TIMEOUT", "API", "NO_PROXY", "CLIENT_CERT"):
            monkeypatch.setenv(f"ARCGIS_{name}", "")
        assert look(PUBLISHING)["total"] == 11
        assert os.environ["ARCGIS_TIMEOUT"] == "", "the environment is nobody's to change"


def test_options_from_variables_and_templates_in_them(asked_site: t.Any) -> None:
    with asked_site("first_gate") as asked:
        variables: dict[str, t.Any] = {f"gisops_arcgis_{name}": value for name, value in asked.connection.items()}
        variables.update(
            the_url=variables["gisops_arcgis_url"],
            gisops_arcgis_url=trust_as_template("{{ the_url }}"),
            gisops_arcgis_validate_certs=trust_as_template("{{ 1 == 1 }}"),
            gisops_arcgis_timeout=trust_as_template("{{ 20 }}"),
            gisops_arcgis_token="",
        )
        assert look(PUBLISHING, variables=variables)["total"] == 11


def test_options_from_ini(asked_site: t.Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with asked_site("first_gate") as asked:
        lookup_loader.get("gisops.arcgis.gp_jobs")
        ini = tmp_path / "ansible.cfg"
        ini.write_text("[gisops_arcgis]\n" + "".join(f"{name} = {value}\n" for name, value in asked.connection.items()))
        manager = ConfigManager(str(ini))
        manager._plugins = constants.config._plugins
        monkeypatch.setattr(constants, "config", manager)
        assert look(PUBLISHING)["total"] == 11
        for name in asked.connection:  # what is empty is not given, and hides nothing
            monkeypatch.setenv(f"ARCGIS_{name.upper()}", " ")
        monkeypatch.setenv("ARCGIS_API", "")
        monkeypatch.setattr(constants, "CONFIG_FILE", str(ini))
        assert look(PUBLISHING)["total"] == 11


def test_arguments_win_over_variables_and_those_over_the_environment(
    asked_site: t.Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with asked_site("first_gate") as asked:
        monkeypatch.setenv("ARCGIS_API", "server")
        monkeypatch.setenv("ARCGIS_USERNAME", "nobody")
        variables = {"gisops_arcgis_username": asked.running.username, "gisops_arcgis_api": "server"}
        rest = {name: value for name, value in asked.connection.items() if name != "username"}
        assert look(PUBLISHING, variables=variables, api="kubernetes", **rest)["account"] == asked.running.username


@pytest.mark.parametrize("value", ["nope", "fasle"])
@pytest.mark.parametrize("source", ["argument", "variable", "environment"])
def test_a_check_is_not_switched_off_by_what_is_no_boolean(
    asked_site: t.Any, monkeypatch: pytest.MonkeyPatch, value: str, source: str
) -> None:
    """Core's own reading of a plugin's boolean takes what it does not understand for false."""
    with asked_site("first_gate") as asked:
        variables = {"gisops_arcgis_validate_certs": value} if source == "variable" else {}
        options = {"validate_certs": value} if source == "argument" else {}
        if source == "environment":
            monkeypatch.setenv("ARCGIS_VALIDATE_CERTS", value)
        with pytest.raises(AnsibleLookupError, match=f"'{value}' is not a boolean"):
            look(PUBLISHING, variables=variables, **options, **asked.connection)
        assert asked.site.log == []


@pytest.mark.parametrize("value", [False, "false", "no", 0])
def test_a_check_that_is_switched_off(asked_site: t.Any, value: t.Any) -> None:
    with asked_site("first_gate") as asked:
        del asked.connection["ca_path"]
        assert look(PUBLISHING, validate_certs=value, **asked.connection)["total"] == 11
        with pytest.raises(AnsibleLookupError, match="not trusted"):
            look(PUBLISHING, **asked.connection)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"job_status": ["runing"]}, "'runing' is not a job status (option job_status)"),
        ({"services": ["System/PublishingTool"]}, "Did you mean System/PublishingTools.GPServer"),
        ({"password": "wrong-Passw0rd"}, "refuses the login of 'siteadmin'"),
    ],
)
def test_errors_begin_with_what_happened(asked_site: t.Any, options: dict[str, t.Any], words: str) -> None:
    with asked_site("first_gate") as asked:
        with pytest.raises(AnsibleLookupError) as caught:
            look(**{"services": [PUBLISHING], **asked.connection, **options})
        assert words in str(caught.value)
        assert "wrong-Passw0rd" not in str(caught.value)


@pytest.mark.parametrize(("option", "value"), [("api", "portal"), ("detail", "everything"), ("timeout", "soon")])
def test_values_that_core_refuses(asked_site: t.Any, option: str, value: str) -> None:
    with asked_site("first_gate") as asked, pytest.raises(AnsibleError):
        look(PUBLISHING, **{**asked.connection, option: value})


def test_an_option_that_it_does_not_have_and_services_twice() -> None:
    with pytest.raises(
        AnsibleLookupError, match=r"no such option as job_state \(option job_state\)\. Did you mean job_status"
    ):
        look(job_state="active")
    with pytest.raises(AnsibleLookupError, match="The services are given twice"):
        look("A", services=["B"])


@pytest.mark.parametrize("value", ["inf", "nan", float("inf"), float("nan"), -1, "-0.5", 1e30, "soon"])
def test_no_answer_is_remembered_for_ever(value: t.Any) -> None:
    with pytest.raises(AnsibleError, match="cache_seconds"):
        look(cache_seconds=value, url="https://localhost:1", username="me", password="S3cret")


def test_requests_is_missed_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "REQUESTS_IMPORT_ERROR", "Traceback")
    with pytest.raises(AnsibleLookupError, match="requests"):
        look(PUBLISHING)


def test_it_asks_once_and_again_where_it_is_told_to(asked_site: t.Any) -> None:
    with asked_site("first_gate") as asked:
        first = look(PUBLISHING, **asked.connection)
        count = len(asked.site.log)
        assert look(PUBLISHING, **asked.connection) == first
        assert len(asked.site.log) == count
        assert look(PUBLISHING, cache_seconds=0, **asked.connection)["requests"]["sent"]
        assert len(asked.site.log) == 2 * count
        look(PUBLISHING, job_status=["failed"], **asked.connection)
        assert len(asked.site.log) == 3 * count


def test_the_facts_are_plain_data(asked_site: t.Any) -> None:
    with asked_site("first_gate") as asked:
        json.dumps(look(PUBLISHING, detail="full", **asked.connection))
