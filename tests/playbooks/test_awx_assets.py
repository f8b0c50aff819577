# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What awx_setup makes, as data, and the definition of the execution environment."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
import yaml
from jinja2 import Environment, meta

from ansible_collections.gisops.arcgis.plugins.module_utils import _options

from ..unit.ansible_run import COLLECTION, COLLECTIONS
from . import runner
from .simulated_awx import check_credential_type, check_survey

Mapping = dict[str, t.Any]

ROLES = {"mark": "gp_jobs_mark", "gate": "gp_jobs_gate", "drain": "gp_jobs_drain", "verify": "gp_jobs_verify"}
PLAYBOOKS = {
    "mark": "pre_deploy_mark.yml",
    "gate": "pre_deploy_gate.yml",
    "drain": "drain.yml",
    "verify": "post_deploy_verify.yml",
    "gate_decision": "gate_decision.yml",
    "gate_freshness": "gate_freshness.yml",
}
# Limits are asked for as numbers, all else as a text or a choice.
NUMBERS = ("max_active", "max_failed")
EXAMPLE = COLLECTION / "docs" / "examples" / "execution-environment"
PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


@pytest.fixture
def made() -> Mapping:
    return runner.assets(awx_setup_deploy_template="Deploy maps")


def credential_type() -> Mapping:
    return t.cast(Mapping, runner.assets(awx_setup_deploy_template="Deploy maps")["awx_setup_credential_type"])


def fields() -> dict[str, Mapping]:
    return {one["id"]: one for one in credential_type()["inputs"]["fields"]}


def role_options(role: str) -> Mapping:
    text = (COLLECTION / "roles" / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text)["argument_specs"]["main"]["options"])


def surveys(made: Mapping) -> dict[str, Mapping]:
    objects = {**made["awx_setup_job_templates"], "workflow": made["awx_setup_workflow"]}
    return {key: one["survey_spec"] for key, one in objects.items() if "survey_spec" in one}


# --- the credential type ---------------------------------------------------------------------------------------------


def test_awx_takes_the_credential_type() -> None:
    check_credential_type(credential_type()["inputs"], credential_type()["injectors"])
    assert set(credential_type()["inputs"].get("required", [])) <= fields().keys()


def test_injectors_name_inputs_that_exist_and_options_that_exist() -> None:
    injectors = credential_type()["injectors"]
    assert injectors.keys() == {"env", "file"}, "extra variables would beat those of the hosts"
    used: set[str] = set()
    for template in [*injectors["env"].values(), *injectors["file"].values()]:
        names = meta.find_undeclared_variables(Environment().parse(template))  # noqa: S701
        assert names
        assert names <= fields().keys() | {"tower"}
        used |= names
        for file in re.findall(r"tower\.filename\.(\w+)", template):
            assert f"template.{file}" in injectors["file"]
    assert used - {"tower"} == fields().keys(), "an input that goes nowhere"
    assert injectors["env"].keys() <= {_options.env_name(option) for option in _options.CONNECTION}


def test_secrets_are_masked() -> None:
    secret = {name for name, option in _options.CONNECTION.items() if option.get("no_log")}
    assert {name for name, one in fields().items() if one.get("secret")} == secret & fields().keys()


def test_choices_of_the_credential_are_the_options() -> None:
    assert fields()["api"]["choices"] == _options.CONNECTION["api"]["choices"]
    assert fields()["api"]["default"] == _options.CONNECTION["api"]["default"]


@pytest.mark.parametrize(
    ("said", "verified"),
    [({}, True), ({"skip_tls_verification": False}, True), ({"skip_tls_verification": True}, False)]
    + [({"skip_tls_verification": text}, text != "True") for text in ("False", "True", "", "None")],
    ids=str,
)
def test_certificates_are_checked_unless_it_is_said(tmp_path: Path, said: Mapping, verified: bool) -> None:
    env = runner.inject(credential_type(), {"url": "https://gis.example.com/arcgis", **said}, tmp_path)
    assert _options.strict_bool(env["ARCGIS_VALIDATE_CERTS"], "validate_certs") is verified


def test_what_is_not_given_is_empty(tmp_path: Path) -> None:
    env = runner.inject(credential_type(), {}, tmp_path)
    assert {name: value for name, value in env.items() if value} == {"ARCGIS_VALIDATE_CERTS": "true"}


def test_the_bundle_is_a_file(tmp_path: Path) -> None:
    env = runner.inject(credential_type(), {"ca_bundle": PEM}, tmp_path)
    path = Path(env["ARCGIS_CA_PATH"])
    assert path.read_text(encoding="utf-8").strip() == PEM.strip()
    assert path.stat().st_mode & 0o777 == 0o600


# --- templates and surveys ------------------------------------------------------------------------------------------


def test_every_template_has_its_playbook(made: Mapping) -> None:
    assert {key: one["playbook"] for key, one in made["awx_setup_job_templates"].items()} == PLAYBOOKS
    for playbook in PLAYBOOKS.values():
        assert (COLLECTION / "playbooks" / playbook).is_file()


def test_names_are_unique(made: Mapping) -> None:
    names = [one["name"] for one in made["awx_setup_job_templates"].values()] + [made["awx_setup_workflow"]["name"]]
    assert len({*names, "Deploy maps"}) == len(names) + 1
    approvals = [
        node["unified_job_template"]["name"]
        for node in made["awx_setup_workflow"]["workflow_nodes"]
        if node["unified_job_template"]["type"] == "workflow_approval"
    ]
    assert len(set(approvals)) == len(approvals)


def test_every_name_can_be_set() -> None:
    names = [name for name in runner.variables_of_the_file() if name.endswith("_name")]
    ours = {name: f"Our {number}" for number, name in enumerate(names)}
    made = runner.assets(awx_setup_deploy_template="Deploy maps", **ours)
    told = {one["name"] for one in [*made["awx_setup_job_templates"].values(), made["awx_setup_workflow"]]}
    assert told <= set(ours.values())
    for node in made["awx_setup_workflow"]["workflow_nodes"]:
        if node["unified_job_template"]["type"] == "job_template":
            assert node["unified_job_template"]["name"] in {*ours.values(), "Deploy maps"}


def test_templates_ask_all_sites(made: Mapping) -> None:
    for key, role in ROLES.items():
        template = made["awx_setup_job_templates"][key]
        assert template["extra_vars"] == {f"{role}_hosts": "all"}
    decide = [made["awx_setup_job_templates"][key]["extra_vars"] for key in ("gate_decision", "gate_freshness")]
    assert decide == [{"gp_jobs_gate_hosts": "all"}, {"gp_jobs_gate_hosts": "all", "verdict_max_age": 30}]


def test_awx_takes_the_surveys(made: Mapping) -> None:
    for spec in surveys(made).values():
        check_survey(spec)
        for question in spec["spec"]:
            assert question["question_description"].endswith("."), question
            assert question["required"] is False, "AWX would refuse a launch by its API that does not repeat the answer"
            if "default" in question:
                assert not runner.refused({"spec": [question]}, {question["variable"]: question["default"]})
                assert runner.refused({"spec": [question]}, {question["variable"]: ""}), (
                    "empty would mean something else"
                )
            else:
                assert question["type"] in ("text", "textarea", "integer")
                assert question["min"] == 0, "a text may be left empty"
            assert question["type"] == "multiplechoice" or question["max"] > question["min"]


def test_every_question_is_a_variable_of_the_role(made: Mapping) -> None:
    for key, spec in surveys(made).items():
        role = ROLES["gate" if key == "workflow" else key]
        options = role_options(role)
        for question in spec["spec"]:
            variable = question["variable"]
            if variable == "gp_jobs_services":
                assert variable in " ".join(options[f"{role}_services"]["description"])
                continue
            option = options[variable]
            is_number = variable.removeprefix(f"{role}_") in NUMBERS
            assert question["type"] in (("integer",) if is_number else ("text", "multiplechoice")), variable
            assert question.get("choices") == option.get("choices"), variable
            if "default" in question:
                assert question["default"] == option["default"], variable


def test_the_workflow_asks_what_the_gate_asks(made: Mapping) -> None:
    assert surveys(made)["workflow"]["spec"] == surveys(made)["gate"]["spec"]


def test_nothing_secret_stands_there(made: Mapping) -> None:
    for name, value in made.items():
        assert not re.search(r"(?i)passw(or)?d['\"]?: ['\"]?[^'\"{ ]{6}", str(value)), name
    assert all(one["type"] != "password" for spec in surveys(made).values() for one in spec["spec"])


# --- the workflow ---------------------------------------------------------------------------------------------------


def nodes(made: Mapping) -> dict[str, Mapping]:
    return {one["identifier"]: one for one in made["awx_setup_workflow"]["workflow_nodes"]}


def edges(made: Mapping) -> dict[str, dict[str, list[str]]]:
    return {
        name: {edge: [one["identifier"] for one in ends] for edge, ends in node.get("related", {}).items()}
        for name, node in nodes(made).items()
    }


def test_nodes_point_to_what_is_there(made: Mapping) -> None:
    listed = made["awx_setup_workflow"]["workflow_nodes"]
    assert len(nodes(made)) == len(listed)
    ours = {one["name"] for one in made["awx_setup_job_templates"].values()}
    for name, node in nodes(made).items():
        what = node["unified_job_template"]
        if what["type"] == "workflow_approval":
            assert what.keys() <= {"name", "description", "type", "timeout"}
            continue
        assert what["name"] in ({"Deploy maps"} if name == "deploy" else ours)
        assert what["organization"] == {"name": made["awx_setup_organization"]}
    for name, related in edges(made).items():
        assert related.keys() <= {"success_nodes", "failure_nodes", "always_nodes"}, name
        assert {end for ends in related.values() for end in ends} <= nodes(made).keys()


def test_there_is_no_way_back_and_no_node_for_nothing(made: Mapping) -> None:
    ends = {name: {end for one in related.values() for end in one} for name, related in edges(made).items()}
    starts = ends.keys() - set[str]().union(*ends.values())
    assert starts == {"mark"}
    left = dict(ends)
    while left:
        done = [name for name in left if not any(name in others for others in left.values())]
        assert done, "a circle"
        for name in done:
            del left[name]


def ways(made: Mapping, name: str = "mark") -> t.Iterator[list[tuple[str, str]]]:
    """All ways to the deployment, as nodes with the edge that was taken."""
    for edge, ends in edges(made)[name].items():
        for end in ends:
            if end == "deploy":
                yield [(name, edge)]
            else:
                yield from ([(name, edge), *rest] for rest in ways(made, end))


def test_every_way_to_the_deployment_has_a_verdict_or_a_person(made: Mapping) -> None:
    found = list(ways(made))
    assert len(found) == 6
    for way in found:
        last_gate = max(number for number, (name, _how) in enumerate(way) if name in ("gate", "gate-again"))
        passed = way[last_gate][1] == "success_nodes"
        approved = [name for name, _how in way[last_gate:] if name.startswith("approval")]
        assert passed or approved, way
        assert all(edge == "success_nodes" for name, edge in way if name.startswith(("approval", "decision")))
        if way[-1][0] not in ("gate-again", "approval-again"):
            assert way[-1] == ("freshness", "success_nodes"), way


def test_the_last_approval_has_to_be_given_while_the_verdict_counts(made: Mapping) -> None:
    assert int(nodes(made)["approval-again"]["unified_job_template"]["timeout"]) == 30 * 60
    assert made["awx_setup_verdict_max_age"] == 30
    sooner = runner.assets(awx_setup_deploy_template="Deploy maps", awx_setup_verdict_max_age="5")
    assert int(nodes(sooner)["approval-again"]["unified_job_template"]["timeout"]) == 5 * 60


# --- the project -----------------------------------------------------------------------------------------------------


def test_the_repository_as_a_project_brings_the_collection(tmp_path: Path) -> None:
    """AWX runs this in the project's folder."""
    project = tmp_path / "project"
    project.mkdir()
    kept = ("galaxy.yml", "README.md", "collections", "plugins", "roles", "playbooks", "meta")
    for name in kept:
        source = COLLECTION / name
        if source.is_dir():
            shutil.copytree(source, project / name)
        else:
            shutil.copy(source, project / name)
    galaxy = str(Path(sys.executable).with_name("ansible-galaxy"))
    done = subprocess.run(
        # --force, for these tests run with the collection at hand
        [galaxy, "collection", "install", "--force", "-r", "collections/requirements.yml", "-p", str(tmp_path / "job")],
        cwd=project,
        env={**os.environ, "ANSIBLE_HOME": str(tmp_path / "home")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    installed = tmp_path / "job" / "ansible_collections" / "gisops" / "arcgis"
    assert (installed / "roles" / "gp_jobs_gate" / "tasks" / "main.yml").is_file()
    assert not (installed / "collections").exists()


# --- the execution environment ----------------------------------------------------------------------------------------


def builder(*arguments: str) -> str:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("ansible-builder")), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.parametrize("private_ca", [False, True])
def test_the_execution_environment_can_be_created(tmp_path: Path, private_ca: bool) -> None:
    for name in ("execution-environment.yml", "requirements.yml"):
        text = (EXAMPLE / name).read_text(encoding="utf-8")
        if private_ca:
            block = text.partition("take the # away.\n#\n")
            text = block[0] + "\n" + re.sub(r"^# ?", "", block[2], flags=re.M) if block[1] else text
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "private-ca.crt").write_text(PEM, encoding="utf-8")
    context = tmp_path / "context"
    builder("create", "-f", str(tmp_path / "execution-environment.yml"), "-c", str(context))
    file = (context / "Dockerfile").read_text(encoding="utf-8")
    assert ("private-ca.crt" in file) is private_ca
    assert (context / "_build" / "ca" / "private-ca.crt").is_file() is private_ca
    assert "gisops.arcgis" in (context / "_build" / "requirements.yml").read_text(encoding="utf-8")


def test_the_requirements_of_the_collection_are_found() -> None:
    found = yaml.safe_load(builder("introspect", str(COLLECTIONS)).partition("---")[2])
    ours = [line for line in found["python"] if line.endswith("# from collection gisops.arcgis")]
    assert [line.split()[0] for line in ours] == ["requests>=2.31"]
    assert not [line for line in found["system"] if "gisops.arcgis" in line]
