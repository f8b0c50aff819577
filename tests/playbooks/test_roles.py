# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The roles: what they repeat of the options, how they are run, and the playbooks around them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
import yaml

from ansible_collections.gisops.arcgis.plugins.module_utils import _options
from ansible_collections.gisops.arcgis.plugins.plugin_utils._gate.mark import Mark
from rehearsal_site.running import RunningSite, running_site

from ..unit.ansible_run import COLLECTION, COLLECTIONS, environment, play, run_playbook

Mapping = dict[str, t.Any]

ROOT = Path(__file__).resolve().parents[2]
SOURCE = {
    "gp_jobs_gate": (_options.SERVICES, _options.GATE),
    "gp_jobs_drain": (_options.SERVICES, _options.GATE),
    "gp_jobs_mark": (_options.QUERY,),
    "gp_jobs_verify": (_options.SERVICES, _options.GATE),
}
ROLES = sorted(SOURCE)
# One that asks no site, so that its options are none of a module's; tests/playbooks/test_fleet.py runs it.
EVERY_ROLE = sorted([*ROLES, "gp_jobs_summary"])
JUDGING = [role for role in ROLES if role != "gp_jobs_mark"]
PLAYBOOKS = {
    "pre_deploy_gate": "gp_jobs_gate",
    "pre_deploy_mark": "gp_jobs_mark",
    "drain": "gp_jobs_drain",
    "post_deploy_verify": "gp_jobs_verify",
}
# Those of many sites are more than a role.
FLEETS = ["fleet_gate", "fleet_summary"]
IN_AWX = ["awx_setup", "gate_decision", "gate_freshness"]
# What an option that is none of the module's is called, by role; each role has the two about publishing besides.
OWN = {
    "gp_jobs_gate": set[str](),
    "gp_jobs_drain": {"on_timeout", "continue_reason"},
    "gp_jobs_mark": {"clock_slack"},
    "gp_jobs_verify": {"mark"},
}
PUBLISHING = {"publish_stats", "stats_key"}
# Defaults that a role has for reasons of its own.
OTHER_DEFAULTS: dict[str, Mapping] = {
    "gp_jobs_drain": {"steady": 2, "wait": "30m"},
    "gp_jobs_verify": {"wait": "5m", "startup_wait": "15m"},
}
FIXED: dict[str, Mapping] = {
    "gp_jobs_gate": {},
    "gp_jobs_drain": {"max_failed": "unlimited"},
    "gp_jobs_mark": {
        "job_status": ["failed", "timed_out"],
        "ended_after": "{{ gp_jobs_mark_clock_slack | string | trim | regex_replace('^(None)?$', '60s') "
        "| regex_replace('(?<=[0-9.])$', 's') }}",
        "detail": "jobs",
        "include": ["states"],
    },
    "gp_jobs_verify": {"since": "{{ __gp_jobs_verify_mark }}", "max_active": "unlimited", "must_answer": True},
}

# A job failed a little while ago, one runs.
BUSY: Mapping = {
    "services": {
        "System/PublishingTools": {
            "jobs": [{"id": "jfailed", "status": "failed", "ended": "12m ago", "messages": ["ERROR: {{ 1 // 0 }}"]}]
        },
        "Analysis/Buffer": {"jobs": [{"id": "jruns", "status": "executing", "submitted": "1m ago"}]},
    }
}
QUIET: Mapping = {"services": {"System/PublishingTools": {}, "Analysis/Buffer": {}}}


def load(path: str) -> t.Any:
    return yaml.safe_load((COLLECTION / path).read_text(encoding="utf-8"))


def role_options(role: str) -> Mapping:
    options = load(f"roles/{role}/meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    assert all(name.startswith(f"{role}_") for name in options)
    return {name.removeprefix(f"{role}_"): option for name, option in options.items()}


def tasks_of(role: str) -> list[Mapping]:
    return list(load(f"roles/{role}/tasks/main.yml"))


# --- what is written three times -------------------------------------------------------------------------------------


def test_what_the_roles_repeat_is_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "roles.py"), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"run make roles: {done.stdout}{done.stderr}"


def test_every_role_is_tested_here() -> None:
    assert sorted(path.name for path in (ROOT / "roles").iterdir()) == EVERY_ROLE
    assert sorted([*PLAYBOOKS, *FLEETS, *IN_AWX]) == sorted(path.stem for path in (ROOT / "playbooks").glob("*.yml"))


@pytest.mark.parametrize("role", EVERY_ROLE)
def test_defaults_are_those_that_are_documented(role: str) -> None:
    says = {name: option["default"] for name, option in role_options(role).items() if "default" in option}
    has = {name.removeprefix(f"{role}_"): value for name, value in load(f"roles/{role}/defaults/main.yml").items()}
    assert has == says


@pytest.mark.parametrize("role", ROLES)
def test_every_option_of_the_connection_is_covered(role: str) -> None:
    options = role_options(role)
    for name, option in _options.CONNECTION.items():
        assert options[name].get("type") == option["type"], name
        for key in ("choices", "elements"):
            assert options[name].get(key) == option.get(key), name
        assert options[name].get("no_log", False) is option.get("no_log", False), name
        assert "default" not in options[name], "the environment and the module have a word first"
        assert f"C(gisops_arcgis_{name})" in " ".join(options[name]["description"])


@pytest.mark.parametrize("role", ROLES)
def test_the_other_options_are_the_modules(role: str) -> None:
    options = role_options(role)
    table = {name: option for one in SOURCE[role] for name, option in one.items()}
    own = OWN[role] | PUBLISHING
    assert own <= options.keys()
    for name in options.keys() - own - _options.CONNECTION.keys():
        for key in ("type", "choices", "elements"):
            assert options[name].get(key) == table[name].get(key), name
        assert options[name].get("default") == OTHER_DEFAULTS.get(role, {}).get(name, table[name].get("default")), name


def test_the_gate_takes_every_option_of_the_module() -> None:
    module = _options.argument_spec(_options.CONNECTION, _options.SERVICES, _options.GATE)
    assert role_options("gp_jobs_gate").keys() - PUBLISHING == module.keys()


@pytest.mark.parametrize("role", ROLES)
def test_every_option_is_handed_on_with_its_fallback(role: str) -> None:
    (task,) = load(f"roles/{role}/tasks/measure.yml")
    (handed,) = [value for key, value in task.items() if key.startswith("gisops.arcgis.")]
    assert task["register"] == f"__{role}_measured"
    assert task.get("failed_when") is (False if role in JUDGING else None)
    options = role_options(role)
    expected = dict(FIXED[role])
    for name, option in options.items():
        if name in _options.CONNECTION:
            also = ", true" if option["type"] in ("str", "path") else ""
            expected[name] = f"{{{{ {role}_{name} | default(gisops_arcgis_{name}{also}) | default(omit{also}) }}}}"
        elif name in _options.GATE and option.get("default") != _options.GATE[name].get("default"):
            otherwise = f"regex_replace('^(None)?$', '{option['default']}')"
            expected[name] = f"{{{{ {role}_{name} | string | trim | {otherwise} }}}}"
        elif name not in OWN[role] | PUBLISHING:
            expected[name] = f"{{{{ {role}_{name}{'' if 'default' in option else ' | default(omit)'} }}}}"
    assert handed == expected


def test_an_empty_variable_has_the_default_of_the_role(tmp_path: Path) -> None:
    """Where that differs from the default of the module. Core refuses an empty number, and lets null pass."""
    drain = {"ansible.builtin.include_role": {"name": "gisops.arcgis.gp_jobs_drain"}, "ignore_errors": True}
    given = {"url": "https://localhost:1/arcgis", "username": "me", "password": "x", "retries": 0, "error_limit": 1}
    connection = {f"gp_jobs_drain_{name}": value for name, value in given.items()}
    is_the_default = {
        "that": ["gp_jobs_drain_result.policy.wait == wait", "gp_jobs_drain_result.policy.steady == steady"]
    }
    tasks: list[dict[str, t.Any]] = []
    for wait, steady, seconds, polls in (("", 2, 1800, 2), (" ", None, 1800, 2), (None, 2, 1800, 2), (0, 1, 0, 1)):
        own: dict[str, t.Any] = {"gp_jobs_drain_wait": wait, "gp_jobs_drain_steady": steady}
        tasks.append({"block": [drain], "vars": {**connection, **own}, "rescue": [{"ansible.builtin.meta": "noop"}]})
        tasks.append({"ansible.builtin.assert": is_the_default, "vars": {"wait": seconds, "steady": polls}})
    done = run_playbook(tmp_path, [play(tasks)])
    assert done.returncode == 0, done.stdout[-3000:]


@pytest.mark.parametrize("role", EVERY_ROLE)
def test_descriptions_are_in_the_roles_terms(role: str) -> None:
    """No module's option is meant where a variable of the role is what a user can set."""
    for name, option in role_options(role).items():
        text = " ".join(option["description"])
        assert not re.search(r"\b(O|V|RV|E)\(", text), name
        for variable in re.findall(rf"C\(({role}_\w+)", text):
            assert variable.removeprefix(f"{role}_") in {*role_options(role), "result"}, name


@pytest.mark.parametrize("role", EVERY_ROLE)
def test_the_readme_has_every_option_and_every_key(role: str) -> None:
    text = (COLLECTION / "roles" / role / "README.md").read_text(encoding="utf-8")
    rows = dict(re.findall(rf"^\| `{role}_(\w+)` \|(.*?)\|", text, re.M))
    rows = {name: default.strip() for name, default in rows.items()}
    options = {name: option for name, option in role_options(role).items() if name not in _options.CONNECTION}
    assert rows.keys() == options.keys()
    for name, option in options.items():
        default = option.get("default")
        if name == "stats_key" and role in ROLES:
            assert rows[name] == f"`{role}_<host>`"
        elif name == "sites":
            assert rows[name] == "the hosts of the play"
        elif default is None:
            assert rows[name] == "", name
        else:
            shown = json.dumps(default) if default in ("", "0") or not isinstance(default, str) else default
            assert rows[name] == f"`{shown}`", name
    (publish,) = [task for task in tasks_of(role) if f"{role}_result" in task.get("ansible.builtin.set_fact", {})]
    keys = re.findall(r"^ {2,}'(\w+)':", publish["ansible.builtin.set_fact"][f"{role}_result"], re.M)
    outputs = text.partition("## Outputs")[2].partition("## Behaviour")[0]
    documented = [key for row in re.findall(r"^\| (`.*?`) \|", outputs, re.M) for key in re.findall(r"`(\w+)`", row)]
    assert sorted(keys) == sorted(documented)
    assert len(keys) > 4


@pytest.mark.parametrize("role", EVERY_ROLE)
def test_every_task_has_the_roles_tag(role: str) -> None:
    assert [task["name"] for task in tasks_of(role) if task.get("tags") != [role]] == []


@pytest.mark.parametrize(("playbook", "role"), PLAYBOOKS.items())
def test_playbooks_are_the_roles(playbook: str, role: str) -> None:
    (one,) = load(f"playbooks/{playbook}.yml")
    assert one["hosts"] == f"{{{{ {role}_hosts | default('localhost') }}}}"
    assert one["gather_facts"] is False
    assert one["roles"] == [{"role": f"gisops.arcgis.{role}"}]
    text = (COLLECTION / "playbooks" / f"{playbook}.yml").read_text(encoding="utf-8")
    assert f"ansible-playbook gisops.arcgis.{playbook}\n" in text


# --- as they are run -------------------------------------------------------------------------------------------------

ALL = [
    {"role": f"gisops.arcgis.{role}"} for role in ("gp_jobs_gate", "gp_jobs_drain", "gp_jobs_mark", "gp_jobs_verify")
]
FAST: Mapping = {"gp_jobs_drain_steady": 1, "gp_jobs_drain_wait": "0", "gp_jobs_verify_wait": "0"}
LOCAL: Mapping = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}


def stats_of(output: str) -> Mapping:
    """What set_stats has published, which AWX would hand on."""
    (line,) = re.findall(r"^\tRUN: (\{.*\})$", output, re.M)
    return dict(json.loads(line))


def run_roles(scratch: Path, site: RunningSite, plays: list[Mapping], *arguments: str, **env: str) -> tuple[int, str]:
    done = run_playbook(scratch, plays, *arguments, **environment(site), **env)
    assert "DEPRECAT" not in done.stdout, done.stdout
    return done.returncode, done.stdout


def test_all_four_publish_by_host(tmp_path: Path, api: str) -> None:
    """Hosts with names that no variable may have, and facts that are not injected."""
    publish = {f"{role}_publish_stats": True for role in ROLES}
    tasks = [
        {"ansible.builtin.assert": {"that": [f"{role}_result.passed" for role in JUDGING]}},
        {"ansible.builtin.assert": {"that": ["gp_jobs_verify_result.policy.since == gp_jobs_mark_result.at"]}},
    ]
    plays = [play(tasks, hosts="all", roles=ALL, vars={**FAST, **LOCAL, **publish})]
    with running_site(QUIET, api=api) as site:
        code, output = run_roles(
            tmp_path,
            site,
            plays,
            "-i",
            "gis-1.example.com,gis2",
            ANSIBLE_SHOW_CUSTOM_STATS="true",
            ANSIBLE_INJECT_FACT_VARS="false",
        )
    assert code == 0, output
    assert "WARNING" not in output, output
    stats = stats_of(output)
    assert sorted(stats) == sorted(f"{role}_{host}" for role in ROLES for host in ("gis_1_example_com", "gis2"))
    common = {"verdict", "passed", "blocked", "overridden", "override", "mode", "reasons", "failure", "counts", "as_of"}
    common |= {"polls", "waited"}
    for host in ("gis_1_example_com", "gis2"):
        assert stats[f"gp_jobs_gate_{host}"].keys() == common
        assert stats[f"gp_jobs_verify_{host}"].keys() == common
        more = {"arrived", "ended", "continued", "continue_reason"}
        assert stats[f"gp_jobs_drain_{host}"].keys() == common | more
        assert stats[f"gp_jobs_gate_{host}"]["polls"] == 1
        assert stats[f"gp_jobs_gate_{host}"]["counts"]["active"] == 0
        mark = stats[f"gp_jobs_mark_{host}"]
        assert mark.keys() == {"at", "site", "complete", "failed", "states"}
        assert mark["complete"] is True
        assert Mark.read(mark).to_result() == {key: mark[key] for key in ("at", "failed", "states")}
        assert sorted(Mark.read(mark).started) == ["Analysis/Buffer.GPServer", "System/PublishingTools.GPServer"]


@pytest.mark.parametrize(
    ("key", "own"), [("gp_jobs_mark_gis_1_example_com", {}), ("before_it", {"gp_jobs_mark_stats_key": "before.it"})]
)
def test_verify_finds_a_mark_of_an_earlier_node(tmp_path: Path, key: str, own: dict[str, str]) -> None:
    """Extra variables are what AWX makes of the artifacts of the nodes before."""
    with running_site(BUSY, api="server") as site:
        now = site.site.clock.now() / 1000
        mark = {"at": now - 1800, "complete": False, "failed": {"System/PublishingTools.GPServer": ["jfailed"]}}
        tasks = [{"ansible.builtin.debug": {"msg": "{{ gp_jobs_verify_result.notices | join(' ') }}"}}]
        plays = [play(tasks, hosts="all", roles=[ALL[3]], vars={**FAST, **LOCAL, **own})]
        extra = json.dumps({key: mark})
        code, output = run_roles(tmp_path, site, plays, "-i", "gis-1.example.com,", "-e", extra)
    assert code == 0, output
    assert "The mark is not complete." in output


@pytest.mark.parametrize(
    ("slack", "kept"), [(90, True), ("90", True), ("", True), ("2m", True), (0, False), (60.5, True)]
)
def test_the_slack_of_a_mark_is_a_duration(tmp_path: Path, slack: t.Any, kept: bool) -> None:
    """As that of the gate. The failure of half a minute ago is kept with the mark, where the slack is longer."""
    services = {"Analysis/Buffer": {"jobs": [{"id": "jlate", "status": "failed", "ended": "30s ago"}]}}
    with running_site({"services": {**QUIET["services"], **services}}, api="server") as site:
        is_kept = f"('jlate' in gp_jobs_mark_result.failed | string) == {kept}"
        tasks = [{"ansible.builtin.assert": {"that": [is_kept, "gp_jobs_mark_result.complete"]}}]
        marks = {"role": "gisops.arcgis.gp_jobs_mark", "gp_jobs_mark_clock_slack": slack}
        code, output = run_roles(tmp_path, site, [play(tasks, roles=[marks])])
    assert code == 0, output


def test_an_empty_variable_of_the_connection_is_none(tmp_path: Path) -> None:
    """The next one counts, and what is in the environment only after that."""
    given = {"gp_jobs_gate_url": "", "gp_jobs_gate_token": "", "gisops_arcgis_token": ""}
    tasks = [{"ansible.builtin.assert": {"that": "gp_jobs_gate_result.passed"}}]
    with running_site(QUIET, api="server") as site:
        plays = [play(tasks, roles=[ALL[0]], vars={**given, "gisops_arcgis_url": site.url})]
        done = run_playbook(tmp_path, plays, **{**environment(site), "ARCGIS_URL": "https://localhost:1/arcgis"})
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("role", ROLES)
def test_a_role_alone_by_its_tag(tmp_path: Path, role: str) -> None:
    variables = {**FAST, "gp_jobs_verify_mark": 1}
    with running_site(BUSY, api="kubernetes") as site:
        code, output = run_roles(tmp_path, site, [play([], roles=ALL, vars=variables)], "--tags", role)
        assert set(re.findall(r"^TASK \[gisops\.arcgis\.(\w+) : (?!Validating)", output, re.M)) == {role}
        assert code == (2 if role in JUDGING else 0), output
        assert (f"{role} : Stop where the verdict blocks" in output) is (role in JUDGING)


def test_all_of_them_left_out_by_their_tags(tmp_path: Path) -> None:
    with running_site(BUSY, api="kubernetes") as site:
        code, output = run_roles(tmp_path, site, [play([], roles=ALL)], "--skip-tags", ",".join(ROLES))
        assert code == 0, output
        assert not site.site.log


def test_what_a_job_says_is_no_template(tmp_path: Path) -> None:
    told = "gp_jobs_gate_result.message == ansible_failed_result.msg"
    tasks: list[Mapping] = [
        {
            "block": [{"ansible.builtin.import_role": {"name": "gisops.arcgis.gp_jobs_gate"}}],
            "rescue": [{"ansible.builtin.assert": {"that": [told, "gp_jobs_gate_result.reasons[0].rule == 'failed'"]}}],
        },
        {"ansible.builtin.debug": {"msg": "{{ gp_jobs_gate_result.reasons[0].text }}"}},
    ]
    with running_site(BUSY, api="server") as site:
        code, output = run_roles(tmp_path, site, [play(tasks)])
    assert code == 0, output
    assert "ERROR: {{ 1 // 0 }}" in output.partition("TASK [ansible.builtin.debug]")[2]


def test_a_role_that_is_listed_twice_looks_twice(tmp_path: Path) -> None:
    with running_site(QUIET, api="kubernetes") as site:
        roles = [ALL[0], ALL[0], ALL[2], ALL[2]]
        code, output = run_roles(tmp_path, site, [play([], roles=roles)])
    assert code == 0, output
    assert output.count("gp_jobs_gate : Judge the jobs of the site") == 2
    assert output.count("gp_jobs_mark : Publish the mark as a fact") == 2


# --- around a patch ---------------------------------------------------------------------------------------------------

PATCH = [
    {"name": "Patch the machines", "hosts": "servers", "gather_facts": False, "tasks": [{"ansible.builtin.debug": {}}]}
]
EXAMPLE = COLLECTION / "docs" / "examples" / "patch_arcgis_server.yml"


@pytest.fixture
def patching(tmp_path: Path) -> Path:
    """A folder with a playbook of the name of Esri's, which is not ours to have; of its inside nothing is known."""
    stub = tmp_path / "collections" / "ansible_collections" / "arcgis" / "server"
    (stub / "playbooks").mkdir(parents=True)
    (stub / "galaxy.yml").write_text(
        "{namespace: arcgis, name: server, version: 1.0.0, readme: R, authors: [nobody]}\n"
    )
    (stub / "playbooks" / "patch.yml").write_text(yaml.safe_dump(PATCH), encoding="utf-8")
    inventory = {
        "all": {
            "vars": LOCAL,
            "hosts": {"site-a": None, "site-b": None},
            "children": {"servers": {"hosts": {"m1": {}}}},
        }
    }
    (tmp_path / "inventory.yml").write_text(yaml.safe_dump(inventory), encoding="utf-8")
    shutil.copy(EXAMPLE, tmp_path / "example.yml")
    return tmp_path


def run_example(scratch: Path, site: RunningSite, *arguments: str, **variables: t.Any) -> tuple[int, str]:
    extra = json.dumps({"gp_jobs_drain_poll_interval": "1s", "site_hosts": "site-a:site-b", **variables})
    plays = [{"ansible.builtin.import_playbook": "example.yml"}]
    paths = f"{scratch / 'collections'}:{COLLECTIONS}"
    return run_roles(
        scratch, site, plays, "-i", "inventory.yml", "-e", extra, *arguments, ANSIBLE_COLLECTIONS_PATH=paths
    )


def test_the_example_around_esris_playbook(patching: Path) -> None:
    with running_site(QUIET, api="server") as site:
        code, output = run_example(patching, site, site_hosts="site-a")
        assert code == 0, output
        assert "WARNING" not in output, output
        order = ["gp_jobs_gate : Judge", "gp_jobs_drain : Wait", "gp_jobs_mark : Publish", "PLAY [Patch the machines]"]
        places = [output.index(text) for text in [*order, "gp_jobs_verify : See what has failed"]]
        assert places == sorted(places)


def test_nothing_is_patched_where_one_site_is_not_idle(patching: Path) -> None:
    """Its machines are other hosts than the site is: it takes any_errors_fatal to stop for them, too."""
    with running_site(BUSY, api="server") as busy, running_site(QUIET, api="server") as quiet:
        inventory = yaml.safe_load((patching / "inventory.yml").read_text(encoding="utf-8"))
        inventory["all"]["hosts"]["site-a"] = {
            "gisops_arcgis_url": quiet.url,
            "gisops_arcgis_ca_path": str(quiet.ca_path),
        }
        (patching / "inventory.yml").write_text(yaml.safe_dump(inventory), encoding="utf-8")
        code, output = run_example(patching, busy)
    assert code == 2, output
    assert re.search(r"site-a +: ok=\d+ .* failed=0", output)
    assert re.search(r"site-b +: ok=\d+ .* failed=1", output)
    assert "gp_jobs_drain" not in output
    assert "Patch the machines" not in output
