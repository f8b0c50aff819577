# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""No secret in the most verbose output of any plugin, in success and in failure, nor in the site's own log."""

from __future__ import annotations

import base64
import json
import typing as t
from pathlib import Path
from urllib.parse import quote

import pytest

from rehearsal_site.running import running_site

from .ansible_run import environment, play, run_playbook

PROXY_PASSWORD = "proxy-Secret+7/of=users"
WRONG = "wrong-Secret+8/of=users"

Task = dict[str, t.Any]


def tasks() -> list[Task]:
    """Every plugin, in success and in failure."""
    query = "gisops.arcgis.gp_jobs_query"
    service = {"service": "System/PublishingTools"}
    given: list[Task] = [
        {query: service},
        {query: {**service, "detail": "full"}, "check_mode": True},
        {query: {"service": "{{ item }}"}, "loop": ["System/PublishingTools", "Analysis/Buffer"]},
        {query: service, "async": 60, "poll": 1},
        {query: {"service": "Not/There"}},
        {query: {**service, "password": "{{ wrong }}"}},
        {query: {**service, "token": "{{ wrong }}", "username": "", "password": ""}},
        {query: {**service, "proxy": "http://user:{{ proxy_password | urlencode }}@localhost:1", "retries": 0}},
        {query: {**service, "total_timeout": "abc"}},
        {"gisops.arcgis.gp_token": {}, "register": "login"},
        {query: {**service, "token": "{{ login.token }}"}},
        {"gisops.arcgis.gp_token": {"token_expiration": "{{ item }}"}, "loop": [10, 20], "register": "logins"},
        {"gisops.arcgis.gp_token": {"password": "{{ wrong }}"}},
        {"gisops.arcgis.gp_jobs_gate": {}},
        {"gisops.arcgis.gp_jobs_gate": {"password": "{{ wrong }}"}},
        {"gisops.arcgis.gp_jobs_gate": {"token": "{{ login.token }}", "max_active": "unlimited"}},
        {"gisops.arcgis.gp_jobs_gate": {"window": "nonsense"}},
        {"gisops.arcgis.gp_jobs_gate": {"max_failed": "unlimited", "wait": "2s", "poll_interval": "1s"}},
        {"gisops.arcgis.gp_jobs_gate": {"password": "{{ wrong }}", "wait": "1h"}},
        {"gisops.arcgis.gp_jobs_gate": {"mode": "observe", "proxy": "http://user:{{ proxy_password }}@localhost:1"}},
        {query: {**service, "memory": "new", "include": ["states", "answers", "durations"]}, "register": "asked"},
        {query: {**service, "memory": "{{ asked.memory }}"}},
        {"ansible.builtin.debug": {"msg": "{{ lookup('gisops.arcgis.gp_jobs').counts }}"}},
        {"ansible.builtin.debug": {"msg": "{{ lookup('gisops.arcgis.gp_jobs', token=login.token).counts }}"}},
        {"ansible.builtin.debug": {"msg": "{{ lookup('gisops.arcgis.gp_jobs', password=wrong) }}"}},
        {"ansible.builtin.include_role": {"name": "gisops.arcgis.gp_jobs_gate"}},
    ]
    return [{"name": f"Task {number}", **task, "ignore_errors": True} for number, task in enumerate(given)]


def forms(secret: str) -> set[str]:
    """How a secret may show: plain, in an address, in JSON, in base64."""
    return {secret, quote(secret, safe=""), json.dumps(secret)[1:-1], base64.b64encode(secret.encode()).decode()}


@pytest.mark.parametrize(
    ("api", "callback"), [("enterprise", "ansible.builtin.default"), ("server", "ansible.builtin.minimal")]
)
def test_no_secret_is_shown(tmp_path: Path, api: str, callback: str) -> None:
    # From the environment, for core shows the lines of a playbook around a task that fails.
    variables = {
        "wrong": "{{ lookup('ansible.builtin.env', 'TEST_WRONG') }}",
        "proxy_password": "{{ lookup('ansible.builtin.env', 'TEST_PROXY_PASSWORD') }}",
    }
    with running_site("first_gate", api=api, lockout=False) as site:
        env = {
            **environment(site),
            "ANSIBLE_STDOUT_CALLBACK": callback,
            "TEST_WRONG": WRONG,
            "TEST_PROXY_PASSWORD": PROXY_PASSWORD,
        }
        done = run_playbook(tmp_path, [play(tasks(), vars=variables)], "-vvvvv", **env)
        tokens = [str(token) for token in site.site.desk.tokens]
        log = "\n".join(entry.line() for entry in site.site.log)
        assert site.site.desk.wrong_passwords == 1, "the others knew that it was wrong"
    assert "System/PublishingTools.GPServer: 1 failed job" in done.stdout  # from the last task
    assert "could not find job" not in done.stdout  # the one in the background
    assert len(tokens) >= 8
    assert "token=" not in log
    for secret in [site.password, WRONG, PROXY_PASSWORD, *tokens]:
        for form in forms(secret):
            assert form not in log
            shown = [line for line in done.stdout.splitlines() if form in line]
            assert not shown, shown[0][:500]
