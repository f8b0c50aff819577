# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A gate over many sites, and the summary of what it has said."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import socket
import time
import typing as t
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import yaml

from rehearsal_site.running import RunningSite, running_site

from ..unit.ansible_run import COLLECTION, run_playbook

Mapping = dict[str, t.Any]

QUIET: Mapping = {"services": {"System/PublishingTools": {}, "Analysis/Buffer": {"jobs": [{"status": "succeeded"}]}}}
BUSY: Mapping = {
    "services": {"System/PublishingTools": {}, "Analysis/Buffer": {"jobs": [{"id": "jruns", "status": "executing"}]}}
}
LOCAL: Mapping = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
GATE = [{"ansible.builtin.import_playbook": "gisops.arcgis.fleet_gate"}]
SUMMARY = [{"ansible.builtin.import_playbook": "gisops.arcgis.fleet_summary"}]


def connection(site: RunningSite, username: str = "siteadmin") -> Mapping:
    """The connection of one host of the inventory."""
    return {
        "gisops_arcgis_url": site.url,
        "gisops_arcgis_username": username,
        "gisops_arcgis_password": f"rehearsal-Passw0rd-{username}",
        "gisops_arcgis_ca_path": str(site.ca_path),
    }


@contextmanager
def fleet(scenarios: t.Mapping[str, t.Any], **common: t.Any) -> Iterator[dict[str, RunningSite]]:
    """A site for each name, of both dialects in turn."""
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(running_site(scenario, **{"api": ("server", "kubernetes")[number % 2], **common}))
            for number, (name, scenario) in enumerate(scenarios.items())
        }


@contextmanager
def mixed_fleet() -> Iterator[dict[str, Mapping]]:
    """The variables of hosts whose gates pass, fail, do not know, and find nobody."""
    with fleet({"gis-1.example.com": QUIET, "busy": BUSY, "forbidden": QUIET}) as sites, socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        hosts = {
            name: connection(site, "viewer" if name == "forbidden" else "siteadmin") for name, site in sites.items()
        }
        nobody = {"gisops_arcgis_url": f"https://localhost:{taken.getsockname()[1]}/arcgis", "gisops_arcgis_retries": 0}
        yield {**hosts, "silent": {**hosts["busy"], **nobody}}


def write_inventory(scratch: Path, hosts: t.Mapping[str, Mapping], **group: t.Any) -> None:
    inventory = {"all": {"children": {"sites": {"hosts": dict(hosts), "vars": {**LOCAL, **group}}}}}
    (scratch / "inventory.yml").write_text(yaml.safe_dump(inventory, sort_keys=False), encoding="utf-8")


def run(
    scratch: Path, plays: list[Mapping], *arguments: str, env: t.Mapping[str, str] | None = None, **variables: t.Any
) -> tuple[int, str]:
    """What a run over the inventory ends with, and prints. Each has a folder of its own to note refusals in."""
    more = ("-e", json.dumps(variables), *arguments)
    shown = {"ANSIBLE_SHOW_CUSTOM_STATS": "true", **(env or {})}
    done = run_playbook(scratch, plays, "-i", "inventory.yml", *more, **shown)
    assert "DEPRECAT" not in done.stdout, done.stdout
    return done.returncode, done.stdout


def stats_of(output: str) -> Mapping:
    found = re.findall(r"^\tRUN: (\{.*\})$", output, re.M)
    return dict(json.loads(found[0])) if found else {}


def summary_of(output: str) -> list[str]:
    """The lines of the summary, as they are printed."""
    printed = output.partition(": List the sites by verdict]")[2]
    return list(json.loads("{" + re.findall(r"\{(.*?)\n\}", printed, re.S)[0] + "}")["msg"])


# What comes after the gate in the same run. The play goes to all sites, and a second one to a host that is none.
DEPLOY: list[Mapping] = [
    {
        "name": "Deploy",
        "hosts": "sites",
        "gather_facts": False,
        "tasks": [
            {
                "name": "Leave out the sites that may not go ahead",
                "ansible.builtin.meta": "end_host",
                "when": "inventory_hostname not in gp_jobs_summary_result.going_ahead",
            },
            {"ansible.builtin.debug": {"msg": "Deployed to {{ inventory_hostname }}."}},
        ],
    },
    {"hosts": "localhost", "gather_facts": False, "tasks": [{"ansible.builtin.debug": {"msg": "Deployed elsewhere."}}]},
]


def deployed(output: str) -> list[str]:
    return sorted(re.findall(r"Deployed to (\S+)\.\"", output)) + re.findall(r"Deployed (elsewhere)\.\"", output)


def recap(output: str, word: str) -> list[str]:
    """The hosts that the recap counts something for."""
    return re.findall(rf"^(\S+) +: ok=.* {word}=[1-9]", output.partition("PLAY RECAP")[2], re.M)


# --- one run over all sites ------------------------------------------------------------------------------------------


def test_sites_by_verdict(tmp_path: Path) -> None:
    with mixed_fleet() as hosts:
        write_inventory(tmp_path, hosts)
        code, output = run(tmp_path, GATE + DEPLOY)
    assert code == 2, output
    assert deployed(output) == []
    lines = summary_of(output)
    assert lines[:3] == ["1 of 4 sites may go ahead, 4 needed (100%): not enough", "passed: 1", "  gis-1.example.com"]
    assert lines[3] == "failed: 1"
    assert re.match(r"  busy {15}stopped     Analysis/Buffer: 1 active job, 0 allowed", lines[4])
    assert lines[5] == "inconclusive: 2"
    assert re.match(r"  forbidden {10}stopped     The account 'viewer' may not read this", lines[6])
    assert re.match(r"  silent {13}stopped     No connection to localhost port \d+: ", lines[7])
    assert lines[8:] == ["not asked: 0"]
    assert all(len(line) < 200 for line in lines)
    assert "(100%): not enough. Not to go ahead: busy, forbidden, silent" in output
    # The gate's failures do not end the run, and the run's failure is no matter of a site that has passed.
    assert sorted(recap(output, "rescued")) == ["busy", "forbidden", "silent"]
    assert recap(output, "failed") == ["busy"]
    stats = stats_of(output)["gp_jobs_summary"]
    reasons = stats.pop("reasons")
    assert sorted(reasons) == ["busy", "forbidden", "silent"]
    assert stats == {
        "enough": False,
        "needed": 4,
        "total": 4,
        "going_ahead": ["gis-1.example.com"],
        "stopped": ["busy", "forbidden", "silent"],
        "passed": ["gis-1.example.com"],
        "failed": ["busy"],
        "inconclusive": ["forbidden", "silent"],
        "not_asked": [],
    }


def test_any_error_is_fatal(tmp_path: Path) -> None:
    """The batch that holds a blocked site is the last one, and there is a summary all the same."""
    with fleet({"gis1": QUIET, "busy": BUSY, "gis2": QUIET}) as sites:
        write_inventory(tmp_path, {name: connection(site) for name, site in sites.items()})
        variables: Mapping = {"gp_jobs_fleet_serial": "2", "gp_jobs_fleet_any_errors_fatal": "true"}
        code, output = run(tmp_path, GATE + DEPLOY, **variables)
        assert not sites["gis2"].site.log
    assert code == 2, output
    stats = stats_of(output)["gp_jobs_summary"]
    assert (stats["passed"], stats["failed"], stats["not_asked"]) == (["gis1"], ["busy"], ["gis2"])
    assert stats["reasons"]["gis2"] == "no verdict: it was not asked, or not reached"
    assert deployed(output) == []


def test_a_site_without_a_verdict_is_not_let_through(tmp_path: Path) -> None:
    """One that the role fails before it asks, one that Ansible cannot reach, and a verdict of an earlier gate."""
    passed = {"verdict": "passed", "passed": True, "blocked": False, "reasons": []}
    earlier = {
        "hosts": "sites",
        "gather_facts": False,
        "tasks": [{"ansible.builtin.set_fact": {"gp_jobs_gate_result": passed}}],
    }
    with fleet({"gis2": QUIET}) as sites:
        host = connection(sites["gis2"])
        far = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
        odd = {"gp_jobs_gate_mode": "sometimes"}
        write_inventory(tmp_path, {"odd": {**host, **odd}, "far": {**host, **far}, "gis2": host})
        variables: Mapping = {"gp_jobs_fleet_serial": 2, "gp_jobs_fleet_any_errors_fatal": True}
        code, output = run(tmp_path, [earlier, *GATE, *DEPLOY], **variables)
    assert code == 2, output
    stats = stats_of(output)["gp_jobs_summary"]
    assert (stats["inconclusive"], stats["not_asked"], stats["going_ahead"]) == (["odd", "far"], ["gis2"], [])
    assert "sometimes" in stats["reasons"]["odd"]
    assert deployed(output) == []


@pytest.mark.parametrize(
    "arguments", [("--tags", "gp_jobs_gate"), ("--skip-tags", "gp_jobs_summary"), ("--tags", "gp_jobs_summary")]
)
def test_tags_let_nothing_through(tmp_path: Path, arguments: tuple[str, str]) -> None:
    with fleet({"busy": BUSY}) as sites:
        write_inventory(tmp_path, {"busy": connection(sites["busy"])})
        code, output = run(tmp_path, GATE, *arguments)
        assert bool(sites["busy"].site.log) is (arguments != ("--tags", "gp_jobs_summary"))
    assert code == 2, output


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"gp_jobs_summary_min_passed": "110%"}, "gp_jobs_summary_min_passed is '110%'"),
        ({"gp_jobs_gate_hosts": "nowhere"}, "no host that is meant by 'nowhere'"),
    ],
)
def test_wrong_input_is_found_before_any_site_is_asked(tmp_path: Path, variables: Mapping, says: str) -> None:
    write_inventory(tmp_path, {"gis1": {}})
    code, output = run(tmp_path, GATE, **variables)
    assert code == 2, output
    assert says in output
    assert "Judge the jobs" not in output


# --- slices ----------------------------------------------------------------------------------------------------------


def test_slices(tmp_path: Path) -> None:
    """Each slice of an AWX job is a run of its own; later nodes get what they published, key by key.

    Two sites are not blocked although their verdicts are no good ones.
    """
    artifacts: Mapping = {}
    with mixed_fleet() as hosts:
        hosts["busy"]["gp_jobs_gate_mode"] = "observe"
        hosts["forbidden"]["gp_jobs_gate_override"] = {"reason": "It is rebuilt.", "by": "jane"}
        write_inventory(tmp_path, hosts)
        for part in ("gis-1.example.com:busy", "forbidden:silent"):
            code, output = run(tmp_path, GATE, "--limit", part, gp_jobs_summary_min_passed=0)
            assert code == 0, output
            assert stats_of(output)["gp_jobs_summary"]["total"] == 2
            artifacts.update(stats_of(output))
    keys = [f"gp_jobs_gate_result_{name}" for name in ("busy", "forbidden", "gis_1_example_com", "silent")]
    assert sorted(artifacts) == [*keys, "gp_jobs_summary"]
    # The later node: all sites are expected, none is asked.
    code, output = run(tmp_path, SUMMARY + DEPLOY, **artifacts)
    assert code == 2, output
    stats = stats_of(output)["gp_jobs_summary"]
    assert stats["total"] == 4
    assert stats["going_ahead"] == ["gis-1.example.com", "busy", "forbidden"]
    assert (stats["passed"], stats["failed"]) == (["gis-1.example.com"], ["busy"])
    assert stats["inconclusive"] == ["forbidden", "silent"]
    assert deployed(output) == []
    assert re.match(r"  busy {15}goes ahead  Analysis/Buffer: 1 active job, ", summary_of(output)[4])
    # One slice is lost, and half of the sites are enough.
    del artifacts["gp_jobs_gate_result_forbidden"], artifacts["gp_jobs_gate_result_silent"]
    code, output = run(tmp_path, SUMMARY + DEPLOY, gp_jobs_summary_min_passed="50%", **artifacts)
    assert code == 0, output
    assert summary_of(output)[0] == "2 of 4 sites may go ahead, 2 needed (50%): enough"
    assert "  forbidden          stopped     no verdict: it was not asked, or not reached" in summary_of(output)
    assert deployed(output) == ["busy", "gis-1.example.com", "elsewhere"]


# --- the example -----------------------------------------------------------------------------------------------------

EXAMPLE = COLLECTION / "docs" / "examples" / "fleet"


@pytest.fixture
def example(tmp_path: Path) -> Iterator[tuple[Path, dict[str, str]]]:
    """The example's inventory, with the addresses of rehearsal sites; one passes, one is busy, one is hidden."""
    shutil.copytree(EXAMPLE, tmp_path, dirs_exist_ok=True)
    with fleet({"gis-north": QUIET, "gis-south": BUSY, "gis-east": QUIET}) as sites:
        (tmp_path / "host_vars").mkdir()
        for name, site in sites.items():
            variables: Mapping = {"gisops_arcgis_url": site.url}
            (tmp_path / "host_vars" / f"{name}.yml").write_text(yaml.safe_dump(variables), encoding="utf-8")
        own = connection(site, "viewer")
        common = connection(site)
        yield (
            tmp_path,
            {
                "FLEET_USERNAME": common["gisops_arcgis_username"],
                "FLEET_PASSWORD": common["gisops_arcgis_password"],
                "FLEET_CA_PATH": common["gisops_arcgis_ca_path"],
                "GIS_EAST_USERNAME": own["gisops_arcgis_username"],
                "GIS_EAST_PASSWORD": own["gisops_arcgis_password"],
            },
        )


def test_the_example(example: tuple[Path, dict[str, str]]) -> None:
    scratch, env = example
    code, output = run(scratch, [{"ansible.builtin.import_playbook": "deploy.yml"}], env=env)
    assert code == 2, output
    assert summary_of(output)[0] == "1 of 3 sites may go ahead, 3 needed (90%): not enough"
    assert "begins" not in output


def test_the_example_of_the_role(example: tuple[Path, dict[str, str]]) -> None:
    scratch, env = example
    page = (COLLECTION / "roles" / "gp_jobs_summary" / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```yaml\n(.*?)```", page, re.S)
    code, output = run(scratch, yaml.safe_load(block), env=env)
    assert code == 0, output
    assert summary_of(output)[0] == "3 of 3 sites may go ahead, 3 needed (90%): enough"


def test_what_the_page_shows_is_in_the_examples() -> None:
    page = (COLLECTION / "docs" / "fleets.md").read_text(encoding="utf-8")
    files = "".join((EXAMPLE / name).read_text(encoding="utf-8") for name in ("inventory.yml", "deploy.yml"))
    blocks = re.findall(r"```yaml\n(.*?)```", page, re.S)
    assert len(blocks) == 1
    assert [block for block in blocks if block not in files] == []


# --- many sites ------------------------------------------------------------------------------------------------------

# `make fleet` runs this with 200.
MANY = int(os.environ.get("FLEET_SITES", "12"))


def test_many_sites(tmp_path: Path) -> None:
    """One in ten is busy, which leaves nine in ten. That is enough, and the plays afterwards leave out the others."""
    names = [f"gis-{number:03}" for number in range(MANY)]
    busy = names[9::10]
    idle = [name for name in names if name not in busy]
    with fleet({name: BUSY if name in busy else QUIET for name in names}) as sites:
        write_inventory(tmp_path, {name: connection(site) for name, site in sites.items()})
        began, used = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
        variables: Mapping = {"gp_jobs_fleet_serial": "50%", "gp_jobs_summary_min_passed": "90%"}
        env = {"ANSIBLE_INJECT_FACT_VARS": "false"}
        code, output = run(tmp_path, GATE + DEPLOY, "--forks", "10", env=env, **variables)
        took, using = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        logins = [site.site.counts()["logins"] for site in sites.values()]
    assert code == 0, output
    stats = stats_of(output)["gp_jobs_summary"]
    assert (stats["failed"], stats["total"]) == (busy, MANY)
    assert stats["passed"] == stats["going_ahead"] == idle
    assert logins == [1] * MANY
    assert output.count("PLAY [Gate the sites of a fleet]") == 2
    assert summary_of(output)[-1] == f"What comes next has to leave out: {', '.join(busy)}"
    assert deployed(output) == [*idle, "elsewhere"]
    cpu = using.ru_utime + using.ru_stime - used.ru_utime - used.ru_stime
    print(f"{MANY} sites: {took:.1f} s, {cpu:.1f} s of CPU, the largest process {using.ru_maxrss / 1024:.0f} MB")


# --- a wrong password ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["token_url", "portal"])
def test_a_wrong_password_is_tried_twice_at_most(tmp_path: Path, way: str) -> None:
    """Many sites that share one login service: it sees the password once, or twice, and all say the same."""
    names = [f"gis{number:02}" for number in range(12)]
    with ExitStack() as stack:
        login = stack.enter_context(running_site(QUIET, api="server", federated=way == "portal"))
        if way == "portal":  # hosts of one federated server, whose portal is asked for tokens
            names = names[:3]
            hosts = {name: connection(login) for name in names}
        else:
            sites = stack.enter_context(fleet(dict.fromkeys(names, QUIET)))
            shared = {"gisops_arcgis_token_url": f"{login.admin_url}/generateToken"}
            hosts = {name: {**connection(site), **shared} for name, site in sites.items()}
        write_inventory(
            tmp_path, {name: {**host, "gisops_arcgis_password": "a-wrong-one"} for name, host in hosts.items()}
        )
        code, output = run(tmp_path, GATE, "--forks", "6")
        tried = login.site.counts()["wrong_passwords"]
    assert code == 2, output
    stats = stats_of(output)["gp_jobs_summary"]
    assert stats["inconclusive"] == stats["stopped"] == names
    assert tried in (1, 2)
    (reason,) = set(stats["reasons"].values())
    assert "password" in reason
