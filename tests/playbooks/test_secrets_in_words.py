# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Passwords that are parts of our own words, through real ansible, whose modules cut secrets out of what they return.

A verdict is not changed by that, nor is a count: one that is cut is a text, which equals no number.
"""

from __future__ import annotations

import json
import typing as t

import pytest

from rehearsal_site.running import running_site

from ..unit.ansible_run import play, run_playbook

PASSWORDS = ["esri", "Failed", "0", "e", "true", "passed", "a"]
QUERY, GATE = "gisops.arcgis.gp_jobs_query", "gisops.arcgis.gp_jobs_gate"
SCENARIO = {
    "accounts": [
        {"name": f"user{number}", "password": password, "role": "administrator"}
        for number, password in enumerate(PASSWORDS)
    ],
    "services": {
        "System/PublishingTools": {"jobs": [{"status": "succeeded", "ended": "50m ago"}]},
        "Analysis/Busy": {"jobs": [{"status": "executing"}] * 10 + [{"status": "failed", "ended": "5m ago"}] * 3},
    },
}
FAILURES = [("failed", 3), ("active", 10)]


@pytest.fixture(scope="module", name="results")
def results_fixture(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, t.Any]]]:
    """What query, a gate that passes, and one that fails return for each password."""
    scratch = tmp_path_factory.mktemp("words")
    with running_site(SCENARIO, api="server", lockout=False) as site:
        login = {"url": site.url, "ca_path": str(site.ca_path), "api": "server", "username": "user{{ at }}"}
        login["password"] = "{{ words[at | int] }}"
        tasks: list[dict[str, t.Any]] = [
            {QUERY: {**login, "detail": "jobs"}, "register": "asked"},
            {GATE: {**login, "services": "System/*", "progress": False}, "register": "idle", "ignore_errors": True},
            {GATE: {**login, "progress": False}, "register": "busy", "ignore_errors": True},
            {
                "ansible.builtin.copy": {
                    "dest": f"{scratch}/{{{{ at }}}}.json",
                    "content": "{{ [asked, idle, busy, asked.counts.active == 0, asked.counts.failed == 0] "
                    "| to_json }}",
                }
            },
        ]
        hosts = "".join(f"h{number} ansible_connection=local at={number}\n" for number in range(len(PASSWORDS)))
        (scratch / "hosts").write_text(hosts)
        done = run_playbook(
            scratch,
            [
                {
                    **play(
                        tasks, vars={"words": PASSWORDS, "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
                    ),
                    "hosts": "all",
                }
            ],
            "-i",
            "hosts",
            "--forks",
            "4",
        )
        assert done.returncode == 0, done.stdout[-3000:]
    return {word: json.loads((scratch / f"{number}.json").read_text()) for number, word in enumerate(PASSWORDS)}


@pytest.mark.parametrize("password", PASSWORDS)
def test_the_verdict_is_the_same(results: dict[str, list[dict[str, t.Any]]], password: str) -> None:
    _asked, idle, busy, *_conditions = results[password]
    assert (idle["verdict"], idle["passed"], idle["failed"], idle["blocked"]) == ("passed", True, False, False)
    assert (busy["verdict"], busy["passed"], busy["failed"], busy["blocked"]) == ("failed", False, True, True)
    assert busy["overridden"] is False
    assert [reason["found"] for reason in busy["reasons"]] == [number for _rule, number in FAILURES]


@pytest.mark.parametrize("password", PASSWORDS)
def test_a_count_is_right_or_no_number(results: dict[str, list[dict[str, t.Any]]], password: str) -> None:
    """A digit as a password may make a text of a number that has it, so that a condition is not met."""
    asked, _idle, _busy, *conditions = t.cast(list[t.Any], results[password])
    for counts, right in (
        (asked["counts"], {"active": 10, "executing": 10, "failed": 3, "queued": 0, "succeeded": 1}),
        (asked["services"][0]["counts"], {"active": 10, "executing": 10, "failed": 3, "queued": 0, "succeeded": 0}),
    ):
        for name, number in right.items():
            found = counts[name]
            is_cut = isinstance(found, str) and password in str(number)
            assert is_cut or (found == number and not isinstance(found, bool)), (name, found)
    assert conditions == [False, False], "nobody takes a busy site for an idle one"
    assert len(asked["jobs"]) == 14, "a list has its length, whatever its words look like"
