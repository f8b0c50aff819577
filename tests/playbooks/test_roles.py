# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The roles: what they repeat of the options, how they are run, and the playbooks around them."""

from __future__ import annotations

import json
import re
import shutil
import typing as t
from pathlib import Path

import pytest
import yaml

from ansible_collections.gisops.arcgis.plugins.module_utils import _options
from rehearsal_site.running import RunningSite, running_site

from ..unit.ansible_run import COLLECTION, COLLECTIONS, environment, play, run_playbook

Mapping = dict[str, t.Any]

JUDGING = ["gp_jobs_drain", "gp_jobs_gate", "gp_jobs_verify"]
ROLES = [*JUDGING, "gp_jobs_mark", "gp_jobs_summary"]
PLAYBOOKS = {
    "pre_deploy_gate": "gp_jobs_gate",
    "pre_deploy_mark": "gp_jobs_mark",
    "drain": "gp_jobs_drain",
    "post_deploy_verify": "gp_jobs_verify",
}
MAY_LET_PASS = {**PLAYBOOKS, "gate_decision": "gp_jobs_gate", "gate_freshness": "gp_jobs_gate"}

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
    return dict(load(f"roles/{role}/meta/argument_specs.yml")["argument_specs"]["main"]["options"])


# --- what is written more than once ----------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ROLES)
def test_defaults_are_those_that_are_documented(role: str) -> None:
    says = {name: option["default"] for name, option in role_options(role).items() if "default" in option}
    assert load(f"roles/{role}/defaults/main.yml") == says


@pytest.mark.parametrize("role", JUDGING)
def test_each_variable_is_an_option_of_the_action_and_is_handed_on(role: str) -> None:
    handed_on = (COLLECTION / f"roles/{role}/vars/main.yml").read_text(encoding="utf-8")
    table = {**_options.SERVICES, **_options.GATE}
    for variable, option in role_options(role).items():
        name = variable.removeprefix(f"{role}_")
        assert re.search(rf"\b{variable}\b", handed_on), variable
        if name in table:
            assert f"'{name}': {variable}" in handed_on or name == "override"
            for key in ("type", "elements", "choices"):
                assert option.get(key) == table[name].get(key), variable


@pytest.mark.parametrize("role", ROLES)
def test_the_readme_has_every_variable_and_every_key(role: str) -> None:
    text = (COLLECTION / "roles" / role / "README.md").read_text(encoding="utf-8")
    rows = dict(re.findall(rf"^\| `({role}_\w+)` \| *(.*?) *\|", text, re.M))
    shown = {}
    for name, option in role_options(role).items():
        default = option.get("default")
        if name == "gp_jobs_summary_sites":
            shown[name] = "the hosts of the play"
        elif default is None:
            shown[name] = ""
        else:
            is_word = isinstance(default, str) and default not in ("", "0")
            shown[name] = f"`{default if is_word else json.dumps(default)}`"
    assert rows == shown
    if role in JUDGING:
        published = (COLLECTION / "roles/gp_jobs_gate/tasks/judge.yml").read_text(encoding="utf-8")
        for key in re.findall(r"\w+", published.partition("__gp_jobs_gate_keys:")[2].partition("]")[0]):
            assert f"`{key}`" in text.partition("## Outputs")[2], key


@pytest.mark.parametrize("role", ROLES)
def test_every_task_has_the_roles_tag_and_a_second_run_looks_again(role: str) -> None:
    tasks = load(f"roles/{role}/tasks/main.yml")
    assert [task["name"] for task in tasks if task.get("tags") != [role]] == []
    assert load(f"roles/{role}/meta/main.yml")["allow_duplicates"] is True


@pytest.mark.parametrize(("playbook", "role"), PLAYBOOKS.items())
def test_playbooks_are_the_roles(playbook: str, role: str) -> None:
    (one,) = load(f"playbooks/{playbook}.yml")
    assert one["vars"] == {
        "gis_pattern": f"{{{{ {role}_hosts | default('localhost') }}}}",
        "gis_variable": f"{role}_hosts",
    }
    assert one["roles"] == [{"role": f"gisops.arcgis.{role}"}]
    text = (COLLECTION / "playbooks" / f"{playbook}.yml").read_text(encoding="utf-8")
    assert f"ansible-playbook gisops.arcgis.{playbook}\n" in text


@pytest.mark.parametrize(("playbook", "role"), MAY_LET_PASS.items())
@pytest.mark.parametrize("limit", [(), ("--limit", "other")])
def test_a_playbook_without_a_site_fails(tmp_path: Path, playbook: str, role: str, limit: tuple[str, ...]) -> None:
    """An inventory without an enabled host, and a limit that means none of the sites."""
    hosts = {"other": None, "site-a": None} if limit else {}
    (tmp_path / "inventory.yml").write_text(yaml.safe_dump({"all": {"hosts": hosts}}), encoding="utf-8")
    plays = [{"ansible.builtin.import_playbook": f"gisops.arcgis.{playbook}"}]
    pattern = f"{role}_hosts={'site-*' if limit else 'all'}"
    done = run_playbook(tmp_path, plays, "-i", "inventory.yml", "-e", pattern, *limit)
    assert done.returncode not in (0, 2), done.stdout
    assert f"Name the hosts that are sites in {role}_hosts." in " ".join(done.stdout.split())


# --- as they are run -------------------------------------------------------------------------------------------------

ALL = [
    {"role": f"gisops.arcgis.{role}"} for role in ("gp_jobs_gate", "gp_jobs_drain", "gp_jobs_mark", "gp_jobs_verify")
]
FAST: Mapping = {"gp_jobs_drain_options": {"steady": 1}, "gp_jobs_drain_wait": "0", "gp_jobs_verify_wait": "0"}
LOCAL: Mapping = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}


def stats_of(output: str) -> Mapping:
    """What set_stats has published, which AWX would hand on."""
    (line,) = re.findall(r"^\tRUN: (\{.*\})$", output, re.M)
    return dict(json.loads(line))


def run_roles(scratch: Path, site: RunningSite, plays: list[Mapping], *arguments: str, **env: str) -> tuple[int, str]:
    done = run_playbook(scratch, plays, *arguments, **{**environment(site), **env})
    assert "DEPRECAT" not in done.stdout, done.stdout
    return done.returncode, done.stdout


def test_all_four_publish_by_host(tmp_path: Path) -> None:
    """Hosts with names that no variable may have, and facts that are not injected."""
    tasks = [
        {"ansible.builtin.assert": {"that": [f"{role}_result.passed" for role in JUDGING]}},
        {"ansible.builtin.assert": {"that": ["gp_jobs_verify_result.policy.since == gp_jobs_mark_result.at"]}},
    ]
    plays = [play(tasks, hosts="all", roles=ALL, vars={**FAST, **LOCAL})]
    shown = {"ANSIBLE_SHOW_CUSTOM_STATS": "true", "ANSIBLE_INJECT_FACT_VARS": "false"}
    with running_site(QUIET, api="server") as site:
        code, output = run_roles(tmp_path, site, plays, "-i", "gis-1.example.com,gis2", **shown)
    assert code == 0, output
    assert "WARNING" not in output, output
    stats = stats_of(output)
    hosts = ("gis_1_example_com", "gis2")
    assert sorted(stats) == sorted(f"{role}_result_{host}" for role in [*JUDGING, "gp_jobs_mark"] for host in hosts)
    common = {"verdict", "passed", "blocked", "overridden", "override", "mode", "reasons", "failure", "counts", "as_of"}
    common |= {"polls", "waited", "arrived", "ended"}
    for host in hosts:
        assert stats[f"gp_jobs_gate_result_{host}"].keys() == common
        assert stats[f"gp_jobs_verify_result_{host}"].keys() == common
        assert stats[f"gp_jobs_drain_result_{host}"].keys() == common | {"continued", "continue_reason"}
        assert stats[f"gp_jobs_gate_result_{host}"]["polls"] == 1
        assert stats[f"gp_jobs_gate_result_{host}"]["counts"]["active"] == 0
        assert stats[f"gp_jobs_mark_result_{host}"]["complete"] is True


def test_verify_finds_a_mark_of_an_earlier_node(tmp_path: Path) -> None:
    """Extra variables are what AWX makes of the artifacts of the nodes before."""
    with running_site(BUSY, api="server") as site:
        now = site.site.clock.now() / 1000
        mark = {"at": now - 1800, "complete": False, "failed": {"System/PublishingTools.GPServer": ["jfailed"]}}
        tasks = [{"ansible.builtin.debug": {"msg": "{{ gp_jobs_verify_result.notices | join(' ') }}"}}]
        plays = [play(tasks, hosts="all", roles=[ALL[3]], vars={**FAST, **LOCAL})]
        extra = json.dumps({"gp_jobs_mark_result_gis_1_example_com": mark})
        code, output = run_roles(tmp_path, site, plays, "-i", "gis-1.example.com,", "-e", extra)
    assert code == 0, output
    assert "The mark is not complete." in output


def test_an_empty_variable_counts_as_not_given(tmp_path: Path) -> None:
    """The environment counts in place of one of the connection, and the services of the role in place of an answer."""
    given: Mapping = {"gisops_arcgis_url": "", "gisops_arcgis_token": "", "gisops_arcgis_proxy": None}
    given |= {"gp_jobs_services": " \n", "gp_jobs_gate_services": ["Analysis/*"], "gp_jobs_gate_window": ""}
    asked = "gp_jobs_gate_result.facts.services | map(attribute='service') | list == ['Analysis/Buffer.GPServer']"
    with running_site(QUIET, api="server") as site:
        plays = [play([{"ansible.builtin.assert": {"that": asked}}], roles=[ALL[0]], vars=given)]
        code, output = run_roles(tmp_path, site, plays)
    assert code == 0, output


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"gp_jobs_gate_windw": "2h"}, "Did you mean gp_jobs_gate_window?"),
        ({"gisops_arcgis_validate_cert": False}, "Did you mean gisops_arcgis_validate_certs?"),
        ({"gp_jobs_gate_options": {"mode": "observe"}}, "Set the variable gp_jobs_gate_mode."),
        ({"gp_jobs_gate_options": {"max_actve": 1}}, "max_actve"),
    ],
)
def test_what_nobody_knows_is_an_error_before_the_site_is_asked(tmp_path: Path, variables: Mapping, says: str) -> None:
    with running_site(QUIET, api="server") as site:
        code, output = run_roles(tmp_path, site, [play([], roles=[ALL[0]], vars=variables)])
        assert not site.site.log
    assert code == 2, output
    assert says in " ".join(output.split())


def test_what_the_action_refuses_is_published_all_the_same(tmp_path: Path) -> None:
    """A result of an earlier run must not stand for it."""
    role = {"ansible.builtin.include_role": {"name": "gisops.arcgis.gp_jobs_gate"}}
    wrong = {"gp_jobs_gate_options": {"max_actve": 1}}
    result = ["not gp_jobs_gate_result.passed", "gp_jobs_gate_result.blocked", "gp_jobs_gate_result.facts is none"]
    tasks: list[Mapping] = [
        role,
        {"block": [{**role, "vars": wrong}], "rescue": [{"ansible.builtin.assert": {"that": result}}]},
    ]
    with running_site(QUIET, api="server") as site:
        code, output = run_roles(tmp_path, site, [play(tasks)])
    assert code == 0, output
    assert "rescued=1" in output


def test_a_role_alone_by_its_tag(tmp_path: Path) -> None:
    with running_site(BUSY, api="kubernetes") as site:
        code, output = run_roles(tmp_path, site, [play([], roles=ALL, vars=FAST)], "--tags", "gp_jobs_drain")
    assert set(re.findall(r"^TASK \[gisops\.arcgis\.(\w+) : (?!Validating)", output, re.M)) == {"gp_jobs_drain"}
    assert code == 2, output
    assert "gp_jobs_drain : Stop if the verdict blocks" in output


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
            "rescue": [{"ansible.builtin.assert": {"that": [told, "gp_jobs_gate_result.verdict == 'failed'"]}}],
        },
        {"ansible.builtin.debug": {"msg": "{{ gp_jobs_gate_result.reasons[0].jobs[0].messages }}"}},
    ]
    with running_site(BUSY, api="server") as site:
        code, output = run_roles(tmp_path, site, [play(tasks)])
    assert code == 0, output
    assert "ERROR: {{ 1 // 0 }}" in output.partition("TASK [ansible.builtin.debug]")[2]


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
    extra = json.dumps({"gp_jobs_drain_options": {"poll_interval": "1s"}, "site_hosts": "site-a:site-b", **variables})
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
        order = ["gp_jobs_gate : Judge", "gp_jobs_drain : Judge", "gp_jobs_mark : Publish", "PLAY [Patch the machines]"]
        places = [output.index(text) for text in [*order, "gp_jobs_verify : Judge"]]
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
