# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""No secret in the most verbose output of any plugin, in what a run writes, nor in the site's own log."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from rehearsal_site.running import running_site

from ..unit.ansible_run import environment, play, run_playbook
from ..unit.secrecy import shown, written

PROXY_PASSWORD = "proxy-Secret+7/of=users"
WRONG = "wrong-Secret+8/of=users"
ODD = "pa's\"s%41\\w&o+r<d> é {{ 6 * 7 }} "
"""A password of letters that mean something to somebody on the way, with a blank at its end."""

Task = dict[str, t.Any]

QUERY, TOKEN, GATE = "gisops.arcgis.gp_jobs_query", "gisops.arcgis.gp_token", "gisops.arcgis.gp_jobs_gate"
SERVICE = {"service": "System/PublishingTools"}


def lookup(more: str = "") -> Task:
    return {"ansible.builtin.debug": {"msg": f"{{{{ lookup('gisops.arcgis.gp_jobs'{more}).counts }}}}"}}


def numbered(tasks: list[Task]) -> list[Task]:
    return [{"name": f"Task {number}", **task, "ignore_errors": True} for number, task in enumerate(tasks)]


def tasks() -> list[Task]:
    """Every plugin, in success and in failure."""
    return numbered(
        [
            {QUERY: SERVICE},
            {QUERY: {**SERVICE, "detail": "full"}, "check_mode": True},
            {QUERY: {"service": "{{ item }}"}, "loop": ["System/PublishingTools", "Analysis/Buffer"]},
            {QUERY: SERVICE, "async": 60, "poll": 1},
            {QUERY: {**SERVICE, "password": "{{ wrong }}"}, "async": 60, "poll": 1},
            {QUERY: {"service": "Not/There"}},
            {QUERY: {**SERVICE, "password": "{{ wrong }}"}},
            {QUERY: {**SERVICE, "token": "{{ wrong }}", "username": "", "password": ""}},
            {QUERY: {**SERVICE, "proxy": "http://user:{{ proxy_password | urlencode }}@localhost:1", "retries": 0}},
            {QUERY: {**SERVICE, "url": "https://user:{{ proxy_password | urlencode }}@localhost:1/arcgis"}},
            {
                QUERY: {
                    **SERVICE,
                    "token_url": "https://user:{{ proxy_password | urlencode }}@localhost:1",
                    "retries": 0,
                }
            },
            {QUERY: {**SERVICE, "total_timeout": "abc"}},
            {TOKEN: {}, "register": "login"},
            {QUERY: {**SERVICE, "token": "{{ login.token }}"}},
            {TOKEN: {"token_expiration": "{{ item }}"}, "loop": [10, 20], "register": "logins"},
            {TOKEN: {"password": "{{ wrong }}"}},
            {GATE: {}},
            {GATE: {}, "check_mode": True},
            {GATE: {"service": "{{ item }}"}, "loop": ["System/PublishingTools", "Analysis/Buffer"]},
            {GATE: {"password": "{{ wrong }}"}},
            {GATE: {"token": "{{ login.token }}", "max_active": "unlimited"}},
            {GATE: {"window": "nonsense", "password": "{{ wrong }}"}},
            {GATE: {"max_failed": "unlimited", "wait": "2s", "poll_interval": "1s"}},
            {GATE: {"password": "{{ wrong }}", "wait": "1h"}},
            {GATE: {"mode": "observe", "proxy": "http://user:{{ proxy_password }}@localhost:1"}},
            {GATE: {"url": "https://user:{{ proxy_password | urlencode }}@localhost:1/arcgis"}},
            {QUERY: {**SERVICE, "poll_state": "new", "include": ["states", "durations"]}, "register": "asked"},
            {QUERY: {**SERVICE, "poll_state": "{{ asked.poll_state }}"}},
            {"ansible.builtin.set_fact": {"kept": "{{ asked }}", "cacheable": True}},
            lookup(),
            lookup(", token=login.token"),
            lookup(", password=wrong"),
            lookup(", url='https://user:' ~ proxy_password ~ '@localhost:1'"),
            {"ansible.builtin.include_role": {"name": "gisops.arcgis.gp_jobs_gate"}},
        ]
    )


RECORDER = '''
import json
from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    """Writes what it is told of results, as those do that send it elsewhere."""

    CALLBACK_VERSION = 2.0
    CALLBACK_NAME = "recorder"
    CALLBACK_NEEDS_ENABLED = True

    def _write(self, result, **more):
        with open("recorded.jsonl", "a") as file:
            file.write(json.dumps(result._result, default=repr) + "\\n")

    v2_runner_on_ok = v2_runner_on_failed = v2_runner_on_skipped = v2_runner_on_unreachable = _write
    v2_runner_item_on_ok = v2_runner_item_on_failed = v2_runner_on_async_ok = v2_runner_on_async_failed = _write
'''


def surroundings(scratch: Path) -> dict[str, str]:
    """Everything that shows or keeps what a run does."""
    plugins = scratch / "callbacks"
    plugins.mkdir()
    (plugins / "recorder.py").write_text(RECORDER)
    return {
        "ANSIBLE_CALLBACK_PLUGINS": str(plugins),
        "ANSIBLE_CALLBACKS_ENABLED": "recorder",
        "ANSIBLE_SHOW_CUSTOM_STATS": "true",
        "ANSIBLE_RETRY_FILES_ENABLED": "true",
        "ANSIBLE_RETRY_FILES_SAVE_PATH": str(scratch),
        "ANSIBLE_CACHE_PLUGIN": "jsonfile",
        "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(scratch / "facts"),
        "ANSIBLE_LOG_PATH": str(scratch / "ansible.log"),
        "ANSIBLE_DISPLAY_TRACEBACK": "always",
    }


@pytest.mark.parametrize(
    ("api", "callback", "password"),
    [("kubernetes", "ansible.builtin.default", None), ("server", "ansible.builtin.minimal", ODD)],
    ids=["kubernetes", "server-odd-password"],
)
def test_no_secret_is_shown(tmp_path: Path, api: str, callback: str, password: str | None) -> None:
    # From the environment, for core shows the lines of a playbook around a task that fails.
    variables = {
        "wrong": "{{ lookup('ansible.builtin.env', 'TEST_WRONG') }}",
        "proxy_password": "{{ lookup('ansible.builtin.env', 'TEST_PROXY_PASSWORD') }}",
    }
    # What takes no notice of the password or of the site's api is enough once.
    once = ("proxy_password", "'loop'", "'check_mode'", "nonsense", "abc", "'wait'")
    played = [task for task in tasks() if password is None or not any(word in str(task) for word in once)]
    last = {"name": "The end", GATE: {}}  # which fails the run, so that a retry file is written
    with running_site("first_gate", api=api, lockout=False) as site:
        if password is not None:
            site.site.desk.accounts[site.username].password = site.password = password
        env = {
            **environment(site),
            **surroundings(tmp_path),
            "ANSIBLE_STDOUT_CALLBACK": callback,
            "TEST_WRONG": WRONG,
            "TEST_PROXY_PASSWORD": PROXY_PASSWORD,
        }
        done = run_playbook(tmp_path, [play([*played, last], vars=variables)], "-vvvvv", **env)
        tokens = [str(token) for token in site.site.desk.tokens]
        log = "\n".join(f"{entry.line()} {vars(entry)}" for entry in site.site.log)
        assert site.site.desk.wrong_passwords == 1, "the others knew that it was wrong"
    secrets = [site.password, WRONG, PROXY_PASSWORD, *tokens]
    kept = written(tmp_path)
    # That all of it took place, and was looked at.
    assert done.returncode == 2
    assert done.stdout.count("System/PublishingTools: 1 failed job") >= 3, done.stdout[-3000:]
    assert "could not find job" not in done.stdout  # the ones in the background
    assert len(tokens) >= 6
    assert "CUSTOM STATS" in done.stdout or callback.endswith("minimal")
    assert len((tmp_path / "recorded.jsonl").read_text().splitlines()) >= len(played)
    assert (tmp_path / "playbook.retry").exists()
    assert "kept" in next((tmp_path / "facts").glob("*localhost*")).read_text()
    assert "Traceback (most recent call last)" in done.stdout
    # And now for the secrets.
    assert "token=" not in log
    assert not shown(log, secrets)
    assert not shown(done.stdout, secrets)
    assert not shown(kept, secrets)


# A library that fails with all that it was given in its words, as no library should, and some do.
BROKEN = """
import requests


def send(adapter, request, **kwargs):
    raise RuntimeError(f"{request.url} {request.headers} {request.body} {kwargs}")


requests.adapters.HTTPAdapter.send = send
"""


@pytest.mark.parametrize("surrounding", ["a library with a fault", "a proxy that is not there"])
def test_no_secret_is_shown_where_something_breaks(tmp_path: Path, surrounding: str) -> None:
    """Secrets of the environment, and of errors that nobody raised on purpose."""
    token = "given-T0ken-0123456789"
    secrets = ["easy-to-find-Passw0rd", token, PROXY_PASSWORD]
    env = {
        "ARCGIS_URL": "https://localhost:1/arcgis",
        "ARCGIS_USERNAME": "me",
        "ARCGIS_PASSWORD": secrets[0],
        "ARCGIS_RETRIES": "0",
        "TEST_TOKEN": token,
        "HTTPS_PROXY": f"http://user:{PROXY_PASSWORD.replace('/', '%2F')}@localhost:1",
        **surroundings(tmp_path),
    }
    words = "The proxy does not let us through"
    if surrounding == "a library with a fault":
        (tmp_path / "broken").mkdir()
        (tmp_path / "broken" / "sitecustomize.py").write_text(BROKEN)
        env["PYTHONPATH"] = str(tmp_path / "broken")
        words = "An error that should not happen: RuntimeError (sitecustomize.py, line "
    given = {"api": "server", "token_url": "https://localhost:1/arcgis/admin/generateToken"}
    by_token = {"api": "server", "token": "{{ token }}"}
    told = ", api='server', token_url='https://localhost:1/arcgis/admin/generateToken'"
    plugins: list[Task] = [
        {TOKEN: given},
        {QUERY: given},
        {QUERY: by_token},
        {QUERY: by_token, "async": 60, "poll": 1},
        {GATE: {**given, "wait": "1s"}},
        {GATE: by_token},
        lookup(told),
        lookup(", api='server', token=token"),
    ]
    variables = {"token": "{{ lookup('ansible.builtin.env', 'TEST_TOKEN') }}"}
    done = run_playbook(tmp_path, [play(numbered(plugins), vars=variables)], "-vvvvv", **env)
    said = (tmp_path / "recorded.jsonl").read_text().splitlines()
    assert sum(words in line for line in said) >= len(plugins), done.stdout[-3000:]
    assert "Traceback" in done.stdout
    assert not shown(done.stdout, secrets)
    assert not shown(written(tmp_path), secrets)
