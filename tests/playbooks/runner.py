# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Does what AWX does with the assets of playbooks/vars/awx_setup.yml, by AWX's own engine: injects, launches, walks."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import typing as t
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import yaml
from jinja2 import sandbox

from ..unit.ansible_run import COLLECTION, COLLECTIONS, play, run_playbook

Mapping = dict[str, t.Any]

USER = "ann"
EDGES = {"successful": ("success_nodes", "always_nodes"), "failed": ("failure_nodes", "always_nodes")}


# --- the assets ------------------------------------------------------------------------------------------------------


@cache
def assets(**variables: str) -> Mapping:
    """The variables of awx_setup as Ansible renders them, with these as extra variables."""
    with tempfile.TemporaryDirectory() as scratch:
        wanted = "{{ {" + ", ".join(f"'{name}': {name}" for name in variables_of_the_file()) + "} | to_json }}"
        task = {"ansible.builtin.copy": {"content": wanted, "dest": f"{scratch}/out.json", "mode": "0600"}}
        plays = [play([task], vars_files=[str(ASSETS)])]
        done = run_playbook(
            Path(scratch), plays, "-e", json.dumps({**variables, "ansible_python_interpreter": sys.executable})
        )
        assert done.returncode == 0, done.stdout
        rendered: Mapping = json.loads(Path(scratch, "out.json").read_text(encoding="utf-8"))
        return rendered


ASSETS = COLLECTION / "playbooks" / "vars" / "awx_setup.yml"


class _Loader(yaml.SafeLoader):
    """Reads !unsafe as what it is, a text."""


def variables_of_the_file() -> Mapping:
    """The variables as they stand there."""
    return dict(yaml.load(ASSETS.read_text(encoding="utf-8"), _Loader))  # noqa: S506, a safe loader


_Loader.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(t.cast(yaml.ScalarNode, node)))


# --- what AWX injects ------------------------------------------------------------------------------------------------


def inject(credential_type: Mapping, inputs: Mapping, folder: Path) -> dict[str, str]:
    """The environment of a job with a credential of this type; files are written into the folder.

    As awx.main.models.credential does it: a missing boolean is False, another missing input is not defined and renders
    to nothing.
    """
    namespace: Mapping = {name: value for name, value in inputs.items() if value or isinstance(value, bool)}
    for one in credential_type["inputs"]["fields"]:
        if one["type"] == "boolean":
            namespace.setdefault(one["id"], False)
    environment = sandbox.ImmutableSandboxedEnvironment()
    files: dict[str, str] = {}
    namespace["tower"] = {"filename": files}
    for label, template in credential_type["injectors"].get("file", {}).items():
        handle, path = tempfile.mkstemp(dir=folder)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(environment.from_string(template).render(**namespace))
        files[label.partition(".")[2]] = path
    return {
        name: environment.from_string(template).render(**namespace)
        for name, template in credential_type["injectors"].get("env", {}).items()
    }


def refused(survey: Mapping | None, answers: Mapping) -> list[str]:
    """What AWX has against these answers."""
    found = []
    questions = {one["variable"]: one for one in (survey or {}).get("spec", [])}
    found += [f"{name} is not asked for" for name in answers if name not in questions]
    for name, question in questions.items():
        if name not in answers:
            if question["required"]:
                found.append(f"{name} is missing")
            continue
        value, kind = answers[name], question["type"]
        size = len(value) if kind in ("text", "textarea", "password") and isinstance(value, str) else value
        if kind in ("text", "textarea", "password", "integer"):
            if isinstance(value, bool) or not isinstance(value, int if kind == "integer" else str):
                found.append(f"{name} is no {kind}")
            elif not question.get("min", size) <= size <= question.get("max", size):
                found.append(f"{name} is out of range")
        elif kind == "multiplechoice" and value not in question["choices"]:
            found.append(f"{name} is none of {question['choices']}")
        elif kind == "multiselect" and not (isinstance(value, list) and set(value) <= set(question["choices"])):
            found.append(f"{name} are not all of {question['choices']}")
    return found


def extra_vars(template: Mapping, runtime: Mapping) -> Mapping:
    """Extra variables of a job: the template's own, the survey's defaults, what the launch brings, and by whom."""
    defaults = {
        one["variable"]: one["default"] for one in template.get("survey_spec", {}).get("spec", []) if "default" in one
    }
    return {**template["extra_vars"], **defaults, **runtime, "awx_user_name": USER}


class _Dumper(yaml.SafeDumper):
    """Writes texts as AWX does, so that no answer is a template."""


class _Unsafe(str):
    pass


_Dumper.add_representer(_Unsafe, lambda dumper, value: dumper.represent_scalar("!unsafe", str(value)))


def _unsafe(value: t.Any) -> t.Any:
    if isinstance(value, dict):
        return {key: _unsafe(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_unsafe(one) for one in value]
    return _Unsafe(value) if isinstance(value, str) else value


# --- one job ---------------------------------------------------------------------------------------------------------


@dataclass
class Job:
    """What is left of a job."""

    status: str
    artifacts: Mapping
    stdout: str
    events: list[Mapping] = field(default_factory=list)

    @property
    def lines(self) -> list[str]:
        """The lines that actions printed while they ran."""
        return [event["stdout"] for event in self.events if event["event"] == "verbose" and event["stdout"]]


def left_by(run: Path) -> Job:
    """Reads back what the engine has left of a run."""
    files = sorted((run / "job_events").glob("[0-9]*.json"), key=lambda path: int(path.name.partition("-")[0]))
    events = [json.loads(path.read_text(encoding="utf-8")) for path in files]
    artifacts: Mapping = {}
    for event in events:
        if event["event"] == "playbook_on_stats":
            artifacts = event["event_data"].get("artifact_data", {})
    status = (run / "status").read_text(encoding="utf-8")
    return Job(status, artifacts, (run / "stdout").read_text(encoding="utf-8"), events)


class Engine:
    """Runs templates of the assets for one inventory and one credential, as AWX runs them."""

    def __init__(self, folder: Path, made: Mapping, credential: Mapping, sites: list[Mapping] | None = None) -> None:
        self.folder = folder
        self.made = made
        self.credential = credential
        self.sites = made["awx_setup_sites"] if sites is None else sites
        self.templates = {one["name"]: one for one in made["awx_setup_job_templates"].values()}

    def launch(self, key: str, **answers: t.Any) -> Job:
        """A person's launch of a template, with these answers to its survey."""
        template = self.made["awx_setup_job_templates"][key]
        found = refused(template.get("survey_spec"), answers)
        assert not found, found
        return self.run(template, answers)

    def run(self, template: Mapping, runtime: Mapping) -> Job:
        private = Path(tempfile.mkdtemp(dir=self.folder))
        for name in ("env", "inventory", "project"):
            (private / name).mkdir()
        hosts = {
            "all": {
                "hosts": [site["name"] for site in self.sites],
                "vars": self.made["awx_setup_inventory"]["variables"],
            },
            "_meta": {"hostvars": {site["name"]: site.get("variables", {}) for site in self.sites}},
        }
        inventory = private / "inventory" / "hosts"
        inventory.write_text(f"#!{sys.executable}\nprint({json.dumps(hosts)!r})\n", encoding="utf-8")
        inventory.chmod(0o700)
        told = yaml.dump(_unsafe(extra_vars(template, runtime)), Dumper=_Dumper)
        (private / "env" / "extravars").write_text(told, encoding="utf-8")
        try:
            # A program of its own: the engine forks, and here a rehearsal site runs in a thread.
            command = [sys.executable, "-m", "ansible_runner", "run", str(private), "--quiet", "--ident", "job"]
            command += [
                "--project-dir",
                str(COLLECTION),
                "-p",
                f"{self.made['awx_setup_playbooks']}/{template['playbook']}",
            ]
            env = {
                "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
                "HOME": str(private),
                "LC_ALL": "C.UTF-8",
                "ANSIBLE_HOME": str(private / "home"),
                "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
                "ANSIBLE_NOCOLOR": "1",
                **inject(self.made["awx_setup_credential_type"], self.credential, private / "env"),
            }
            subprocess.run(command, env=env, stdin=subprocess.DEVNULL, timeout=100, check=False)
            return left_by(private / "artifacts" / "job")
        finally:
            shutil.rmtree(private)  # artifacts/*/command holds the environment in clear


@contextmanager
def private_folder() -> Iterator[Path]:
    """A folder that nobody else reads, gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="gisops-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


# --- a workflow ------------------------------------------------------------------------------------------------------


class Walk:
    """A run of the assets' workflow: which nodes ran, and how each ended."""

    def __init__(self, engine: Engine, deploy: Callable[[Mapping], Job], approve: Callable[[str], bool]) -> None:
        self.engine = engine
        self.deploy = deploy
        self.approve = approve
        workflow = engine.made["awx_setup_workflow"]
        self.survey = workflow["survey_spec"]
        self.nodes: dict[str, Mapping] = {node["identifier"]: node for node in workflow["workflow_nodes"]}
        self.jobs: dict[str, Job] = {}
        self.before: dict[str, Mapping] = {}
        """What a node's ancestors have published."""

    def start(self, until: str | None = None, **answers: t.Any) -> Walk:
        """Runs what the answers and the verdicts lead to; until is the last node that matters."""
        found = refused(self.survey, answers)
        assert not found, found
        while ready := [name for name in self.nodes if name not in self.jobs and self.is_reached(name)]:
            for name in ready:
                self.jobs[name] = self.run(name, answers)
            if until in ready:
                break
        return self

    def pretend(self, **ended: Job) -> Walk:
        """These nodes have ended already."""
        for name, job in ended.items():
            self.before[name] = self.inherited(name)
            self.jobs[name] = job
        return self

    def parents(self, name: str) -> list[tuple[str, str]]:
        """The nodes before one, each with the edge that leads here."""
        return [
            (other, edge)
            for other, node in self.nodes.items()
            for edge, targets in node.get("related", {}).items()
            if {"identifier": name} in targets
        ]

    def is_reached(self, name: str) -> bool:
        """Whether a parent that ended leads here. There are no two ways at once, so no other is waited for."""
        parents = self.parents(name)
        return not parents or any(one in self.jobs and edge in EDGES[self.jobs[one].status] for one, edge in parents)

    def inherited(self, name: str) -> Mapping:
        """What the nodes before one have published, and those before them; key by key, the last one wins."""
        told: Mapping = {}
        for parent, _edge in self.parents(name):
            if parent in self.jobs:
                told |= self.before[parent] | self.jobs[parent].artifacts
        return told

    def run(self, name: str, answers: Mapping) -> Job:
        self.before[name] = inherited = self.inherited(name)
        what = self.nodes[name]["unified_job_template"]
        runtime = inherited | answers
        if what["type"] == "workflow_approval":
            return Job("successful" if self.approve(name) else "failed", {}, "")
        if name == "deploy":
            return self.deploy(runtime)
        return self.engine.run(self.engine.templates[what["name"]], runtime)

    @property
    def path(self) -> list[tuple[str, str]]:
        return [(name, job.status) for name, job in self.jobs.items()]

    @property
    def status(self) -> str:
        """A workflow has failed where a node has whose failure leads nowhere."""
        for name, job in self.jobs.items():
            related = self.nodes[name].get("related", {})
            if job.status != "successful" and not (related.get("failure_nodes") or related.get("always_nodes")):
                return "failed"
        return "successful"
