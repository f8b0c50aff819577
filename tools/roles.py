#!/usr/bin/env python3
# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write what the roles repeat of the options that they hand on: specs, defaults, and the task that hands them on.

ROLES below says what each role takes. Words, types, choices and defaults come from the documentation of the plugins.
Written are meta/argument_specs.yml, defaults/main.yml and tasks/measure.yml of each role; the rest of a role is written
by hand, and so is all of gp_jobs_summary, which hands no options on to a module. With --check nothing is written, and
it is an error if something would be.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import sys
import textwrap
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
WIDTH = 120
LICENCE = Path(__file__).read_text(encoding="utf-8").splitlines()[1:3]
HEADER = "\n".join(
    ["---", *LICENCE, "# Written by `make roles` from the options' documentation: change that, or tools/roles.py.", ""]
)

Option = dict[str, t.Any]
Options = dict[str, Option]


# --- what each role takes --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Role:
    """One role around one task."""

    name: str
    short: str
    description: list[str]
    task: str
    """The name of the task that hands the options on."""
    takes: list[str]
    """Options of the module that are options of the role as well, besides the connection."""
    module: str = "gp_jobs_gate"
    defaults: Option = field(default_factory=dict)
    """Defaults that differ from those of the module."""
    texts: dict[str, list[str]] = field(default_factory=dict)
    """Descriptions of options that mean something else, or less, in the role."""
    own: Options = field(default_factory=dict)
    """Options of the role that are none of the module."""
    fixed: Option = field(default_factory=dict)
    """What the role tells the module whatever its user says."""
    judges: bool = True
    """Whether the task's result is a verdict, so that the role and not the task decides whether the play goes on."""

    def variable(self, option: str) -> str:
        return f"{self.name}_{option}"


SERVICES = ["services", "exclude_services"]
ACTIVE = ["max_active", "total_max_active", "max_executing", "max_queued"]
FAILED = ["max_failed", "max_failed_percent", "min_finished"]
EXCEPTIONS = ["exempt", "overrides", "allow_empty"]
POLLING = ["steady", "poll_interval", "poll_interval_max", "wait", "initial_delay", "error_limit", "startup_wait"]
CONSEQUENCE = ["on_inconclusive", "mode", "override", "progress"]

FALLBACKS = (
    "Each option of the connection falls back to the variable C(gisops_arcgis_<option>), then to the environment "
    "variable C(ARCGIS_<OPTION>)."
)


def published(role: str, what: str = "result") -> Options:
    """The options of every role that say how its result is published."""
    return {
        "publish_stats": {
            "description": [
                f"Whether the {what} is also published by C(set_stats), for the later nodes of an AWX workflow.",
            ],
            "type": "bool",
            "default": False,
        },
        "stats_key": {
            "description": [
                f"The name that the {what} is published by. Each host needs one of its own.",
                "What no name of a variable may hold, such as the dots of a host's name, becomes C(_).",
            ],
            "type": "str",
            "default": f"{role}_{{{{ inventory_hostname }}}}",
        },
    }


ROLES = [
    Role(
        name="gp_jobs_gate",
        short="Go on only if the geoprocessing jobs of an ArcGIS site allow it",
        description=[
            "Judges the jobs of a site by M(gisops.arcgis.gp_jobs_gate), publishes the result as the fact "
            "C(gp_jobs_gate_result), and fails unless the verdict is passed.",
            FALLBACKS,
        ],
        task="Judge the jobs of the site",
        takes=[
            *SERVICES,
            *ACTIVE,
            *FAILED,
            "window",
            "since",
            "clock_slack",
            "max_age",
            *EXCEPTIONS,
            "must_answer",
            *POLLING,
            *CONSEQUENCE,
        ],
        own=published("gp_jobs_gate"),
    ),
    Role(
        name="gp_jobs_drain",
        short="Wait until no geoprocessing job of an ArcGIS site runs",
        description=[
            "Waits by M(gisops.arcgis.gp_jobs_gate) until the services of a site have no running or queued job, "
            "whatever failed before. Publishes the result as the fact C(gp_jobs_drain_result), and fails where jobs "
            "still run after the wait.",
            FALLBACKS,
        ],
        task="Wait until the site is idle",
        takes=[*SERVICES, *ACTIVE, "max_age", *EXCEPTIONS, *POLLING, *CONSEQUENCE],
        defaults={"steady": 2, "wait": "30m"},
        texts={
            "wait": [
                "How long to wait until the jobs have ended. Services may start and errors may pass meanwhile, too.",
                "V(0) measures once, and goes with O(steady=1). The last of several O(steady) polls may come a little "
                "later than this.",
            ],
        },
        own={
            "on_timeout": {
                "description": [
                    "Whether the role fails where jobs still run after the O(wait), or lets the play go on.",
                    "With V(continue) it goes on only if running and queued jobs are all that is wrong. It fails all "
                    "the same where the site could not be seen in full, where a job is older than O(max_age), and "
                    "where a service is stopped that should be started.",
                ],
                "type": "str",
                "choices": ["fail", "continue"],
                "default": "fail",
            },
            "continue_reason": {
                "description": [
                    "Why the play may go on although jobs still run. Required with O(on_timeout=continue), and "
                    "recorded in the result.",
                ],
                "type": "str",
                "default": "",
            },
            **published("gp_jobs_drain"),
        },
        fixed={"max_failed": "unlimited"},
    ),
    Role(
        name="gp_jobs_mark",
        short="Take a mark before a deployment, so that failures after it can be told",
        description=[
            "Asks a site by M(gisops.arcgis.gp_jobs_query) for the time of its clock, for what failed just now, and "
            "for the state of each service. Publishes that as the fact C(gp_jobs_mark_result), which the role "
            "P(gisops.arcgis.gp_jobs_verify#role) takes after the deployment.",
            FALLBACKS,
        ],
        task="Ask the site for its time, its services, and what failed just now",
        module="gp_jobs_query",
        takes=SERVICES,
        own={
            "clock_slack": {
                "description": [
                    "How far the clocks of the site and of its machines may differ. Jobs that failed so shortly before "
                    "the mark are kept with it, for they are not new. No less than "
                    "C(gp_jobs_verify_clock_slack) afterwards.",
                ],
                "type": "str",
                "default": "60s",
            },
            **published("gp_jobs_mark", "mark"),
        },
        fixed={
            "job_status": ["failed", "timed_out"],
            # A number would be a moment there, and is one of seconds here.
            "ended_after": "{{ gp_jobs_mark_clock_slack | string | trim | regex_replace('^(None)?$', '60s') "
            "| regex_replace('(?<=[0-9.])$', 's') }}",
            "detail": "jobs",
            "include": ["states"],
        },
        judges=False,
    ),
    Role(
        name="gp_jobs_verify",
        short="See that an ArcGIS site does well after a deployment",
        description=[
            "Judges a site by M(gisops.arcgis.gp_jobs_gate) after a deployment. No job may have failed since the mark, "
            "every service has to be started and to answer, and what was started at the mark has to be there. Running "
            "jobs do not matter.",
            "Publishes the result as the fact C(gp_jobs_verify_result), and fails unless the verdict is passed.",
            FALLBACKS,
        ],
        task="See what has failed since the mark, and whether the services answer",
        # It asks for no job at work, so that its pauses are always the shortest.
        takes=[
            *SERVICES,
            *FAILED,
            "clock_slack",
            *EXCEPTIONS,
            *(one for one in POLLING if one != "poll_interval_max"),
            *CONSEQUENCE,
        ],
        defaults={"wait": "5m", "startup_wait": "15m"},
        texts={
            "max_failed": [
                "How many jobs of each service may have failed or timed out since the mark, by when they ended.",
                "A whole number, or V(unlimited). Without it V(0), unless O(max_failed_percent) is given.",
            ],
            "max_failed_percent": [
                "The share of failed and timed-out jobs among those that succeeded, failed or timed out since the "
                "mark, in percent.",
            ],
            "clock_slack": [
                "How far the clocks of the site and of its machines may differ. Failures are looked for from so long "
                "before the mark on; what the mark holds is not new. No more than C(gp_jobs_mark_clock_slack) was.",
            ],
            "poll_interval": ["The pause between polls, a second or more."],
            "wait": [
                "How long to wait for services to start and to answer, and for errors to pass. A failed job ends the "
                "wait at once.",
                "V(0) measures once. The last of several O(steady) polls may come a little later than this.",
            ],
        },
        own={
            "mark": {
                "description": [
                    "From when on failures are new, and which services were started then. What the role "
                    "P(gisops.arcgis.gp_jobs_mark#role) has published, as a dictionary or as JSON, or a time of the "
                    "site's clock such as V(2026-11-24T09:00:00Z), which knows of no services.",
                    "Without it the fact C(gp_jobs_mark_result), where the mark was taken in the same run, or else the "
                    "variable C(gp_jobs_mark_<host>), by which an earlier node of an AWX workflow has published it.",
                ],
                "type": "raw",
            },
            **published("gp_jobs_verify"),
        },
        fixed={"since": "{{ __gp_jobs_verify_mark }}", "max_active": "unlimited", "must_answer": True},
    ),
]


# --- what the plugins document ---------------------------------------------------------------------------------------


def constant(path: Path, *names: str) -> t.Any:
    """The value of a constant in a file of Python, maybe in a class, without importing the file."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    for name in names[:-1]:
        body = next(node.body for node in body if isinstance(node, ast.ClassDef) and node.name == name)
    for node in body:
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
            if isinstance(target, ast.Name) and target.id == names[-1]:
                return ast.literal_eval(node.value)
    raise SystemExit(f"{path} has no {'.'.join(names)}")


def fragment(name: str, part: str = "DOCUMENTATION") -> Options:
    path = ROOT / "plugins" / "doc_fragments" / f"{name}.py"
    options: Options = yaml.safe_load(constant(path, "ModuleDocFragment", part))["options"]
    return options


def module_options(name: str) -> Options:
    """All options that a module documents, its own and those of its fragments."""
    doc = yaml.safe_load(constant(ROOT / "plugins" / "modules" / f"{name}.py", "DOCUMENTATION"))
    options: Options = {}
    for extended in doc["extends_documentation_fragment"]:
        file, _, part = extended.removeprefix("gisops.arcgis.").partition(".")
        options.update(fragment(file, part.upper() or "DOCUMENTATION"))
    return {**options, **doc["options"]}


CONNECTION = fragment("_connection")
SECRETS = [
    name
    for name, option in constant(ROOT / "plugins" / "module_utils" / "_options.py", "CONNECTION").items()
    if option.get("no_log")
]


# --- options of a role -----------------------------------------------------------------------------------------------


def role_options(role: Role) -> Options:
    """The options of a role by their short names, in the words of the role."""
    documented = module_options(role.module)
    names = [*role.takes, *role.own, *CONNECTION]
    options: Options = {}
    for name in names:
        option = role.own.get(name) or documented[name]
        described = role.texts.get(name) or as_list(option["description"])
        told: Option = {"description": [in_role(text, role, names) for text in described], "type": option["type"]}
        told |= {key: option[key] for key in ("elements", "choices") if key in option}
        default = role.defaults.get(name, option.get("default"))
        if default is not None and name not in CONNECTION:
            told["default"] = default
        if name in SECRETS:
            told["no_log"] = True
        options[name] = told
    return options


def as_list(text: str | list[str]) -> list[str]:
    return [text] if isinstance(text, str) else text


def in_role(text: str, role: Role, names: list[str]) -> str:
    """A description in the role's terms: its variables in place of the module's options."""

    def variable(match: re.Match[str]) -> str:
        name, sign, value = match[1].partition("=")
        if name not in names:
            raise SystemExit(
                f"tools/roles.py: {role.name} has no option {name}, so it needs a text without {match[0]}."
            )
        return f"C({role.variable(name)}{sign}{value})"

    text = re.sub(r"\bO\(([^)]*)\)", variable, text)
    text = re.sub(
        r"environment variable E\(ARCGIS_(\w+)\)",
        lambda match: f"variable C(gisops_arcgis_{match[1].lower()}) or the environment variable E(ARCGIS_{match[1]})",
        text,
    )
    return re.sub(r"\b(?:V|RV|E)\(", "C(", text)


# --- the files -------------------------------------------------------------------------------------------------------


def inline(value: t.Any) -> str:
    """A value on one line of YAML."""
    if isinstance(value, list):
        return f"[{', '.join(inline(one) for one in value)}]"
    if isinstance(value, str):
        plain = re.fullmatch(r"[A-Za-z][\w.]*|\d+[smhd]", value) and yaml.safe_load(value) == value
        return value if plain else json.dumps(value, ensure_ascii=False)
    return json.dumps(value)


def bullets(texts: list[str], indent: int) -> list[str]:
    """A list of texts, wrapped."""
    lines = []
    for text in texts:
        space = " " * indent
        lines += textwrap.wrap(
            text,
            WIDTH,
            initial_indent=f"{space}- ",
            subsequent_indent=f"{space}  ",
            break_long_words=False,
            break_on_hyphens=False,
        )
    return lines


def argument_specs(role: Role) -> str:
    lines = [
        "argument_specs:",
        "  main:",
        f"    short_description: {role.short}",
        "    description:",
        *bullets(role.description, 6),
        "    author:",
        "      - The gisops.arcgis contributors (@gisops)",
        "    version_added: 1.0.0",
        "    options:",
    ]
    for name, option in role_options(role).items():
        lines += [f"      {role.variable(name)}:", "        description:", *bullets(option["description"], 10)]
        lines += [f"        {key}: {inline(value)}" for key, value in option.items() if key != "description"]
    text = HEADER + "\n".join(lines) + "\n"
    # Texts are written without quotes, and wrapped: what they say must be what is read.
    read = yaml.safe_load(text)["argument_specs"]["main"]
    said = {role.variable(name): option for name, option in role_options(role).items()}
    if read["options"] != said or read["description"] != role.description or read["short_description"] != role.short:
        raise SystemExit(f"tools/roles.py: a description of {role.name} is no plain text in YAML.")
    return text


def defaults(role: Role) -> str:
    lines = ["# A variable after a # has no default: without it the module decides, see meta/argument_specs.yml."]
    for name, option in role_options(role).items():
        if "default" in option:
            lines.append(f"{role.variable(name)}: {inline(option['default'])}")
        elif name not in CONNECTION:
            lines.append(f"# {role.variable(name)}:")
    lines += [
        "",
        f"# Nor has the connection: each {role.name}_<option> falls back to gisops_arcgis_<option>, then to the",
        "# environment variable ARCGIS_<OPTION>, then to the default of the module.",
    ]
    return HEADER + "\n".join(lines) + "\n"


def measure(role: Role) -> str:
    lines = [f"- name: {role.task}", f"  gisops.arcgis.{role.module}:"]
    for name, option in role_options(role).items():
        variable = role.variable(name)
        if name in CONNECTION:
            # An empty text counts as not given; false and 0 do not.
            also = ", true" if option["type"] in ("str", "path") else ""
            value = f"{variable} | default(gisops_arcgis_{name}{also}) | default(omit{also})"
        elif name in role.own:
            continue
        elif name in role.defaults:
            # What is empty counts as not given; the module would take its own default then.
            value = f"{variable} | string | trim | regex_replace('^(None)?$', '{role.defaults[name]}')"
        else:
            value = variable if "default" in option else f"{variable} | default(omit)"
        lines.append(f'    {name}: "{{{{ {value} }}}}"')
    lines += [f"    {name}: {inline(value)}" for name, value in role.fixed.items()]
    lines.append(f"  register: __{role.name}_measured")
    if role.judges:
        lines.append("  failed_when: false")
    return HEADER + "\n".join(lines) + "\n"


def files() -> dict[Path, str]:
    """What is to be written, and where."""
    return {
        ROOT / "roles" / role.name / path: write(role)
        for role in ROLES
        for path, write in (
            ("meta/argument_specs.yml", argument_specs),
            ("defaults/main.yml", defaults),
            ("tasks/measure.yml", measure),
        )
    }


def main() -> int:
    parser = argparse.ArgumentParser(description="Write what the roles repeat from the options' documentation.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if something would be written")
    options = parser.parse_args()
    changed = {
        path: text for path, text in files().items() if not path.is_file() or path.read_text(encoding="utf-8") != text
    }
    for path, text in changed.items():
        print(f"{path.relative_to(ROOT)} {'is not up to date: run make roles' if options.check else 'is written'}")
        if not options.check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return 1 if changed and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
