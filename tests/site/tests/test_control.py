# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control side, the command line, and running in a test."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from conftest import NOON, PUBLISHING, Client, Start, jobs
from rehearsal_site import cli
from rehearsal_site.running import running_site
from rehearsal_site.scenario import SCENARIOS
from rehearsal_site.switches import BY_NAME, SWITCHES, Switches, table

ROOT = Path(__file__).resolve().parent.parent


def test_state_and_jobs(start: Start) -> None:
    client = start(jobs({"id": "j1", "status": "executing", "user": "user1"}))
    added = client.control("POST", "/jobs", [{"service": "System/PublishingTools", "status": "Waiting", "count": 2}])
    assert [job["status"] for job in added["jobs"]] == ["waiting", "waiting"]
    assert client.control("GET", "/state?status=executing")["jobs"][0]["job_id"] == "j1"
    assert client.control("GET", "/state")["total"] == 3
    changed = client.control("PATCH", "/jobs/j1", {"status": "failed", "messages": ["ERROR 1"], "ended": "5m ago"})
    assert (changed["status"], changed["ended"]) == ("failed", NOON - 300_000)
    assert client.query()["results"]["j1"] == "Failed"
    assert client.control("DELETE", "/jobs/j1") == {"removed": "j1"}
    assert "error" in client.control("DELETE", "/jobs/j1")
    assert client.query()["total"] == 2


def test_clock(start: Start) -> None:
    client = start(jobs(clock=False))
    now = client.control("POST", "/clock", {"at": NOON, "frozen": True})
    assert now == {"now": NOON, "speed": 0.0, "frozen": True}
    assert client.control("POST", "/clock", {"advance": "90s"})["now"] == NOON + 90_000
    assert client.control("POST", "/clock", {"advance": "-90s"})["now"] == NOON
    client.control("POST", "/clock", {"speed": 1000})
    time.sleep(0.05)
    assert client.control("GET", "/clock")["now"] >= NOON + 50_000
    client.control("POST", "/clock", {"frozen": False})
    assert client.site.clock.speed == 1.0
    assert "error" in client.control("POST", "/clock", {"backwards": 1})


def test_switches_faults_accounts(start: Start) -> None:
    client = start(jobs())
    assert client.control("POST", "/switches", {"sort": "oldest"})["sort"] == "oldest"
    assert "sort" in client.control("POST", "/switches", {"sort": "sideways"})["error"]
    assert client.control("GET", "/switches")["sort"] == "oldest"
    client.control("POST", "/faults", {"fault": "error500", "match": {"times": 1}})
    assert [client.query().get("code") for _ in range(2)] == [500, None]
    assert client.control("DELETE", "/faults") == {"faults": []}
    client.control("POST", "/accounts", {"name": "clerk", "role": "publisher", "password": "rehearsal-clerk"})
    assert "token" in client.log_in("clerk", "rehearsal-clerk").json()
    assert "error" in client.control("POST", "/accounts", {"name": "clerk", "role": "king"})


def test_services(start: Start) -> None:
    client = start(jobs())
    client.control("POST", "/services", {"New/Clip": {"jobs": [{"status": "executing"}]}})
    assert client.query("New/Clip.GPServer")["total"] == 1
    client.control("DELETE", "/services?service=New/Clip")
    assert client.query("New/Clip.GPServer")["code"] == 404
    client.control("POST", "/arrivals", {"service": PUBLISHING, "status": "executing"})
    assert client.control("DELETE", "/arrivals") == {"arrivals": 0}
    for _ in range(2):
        assert client.query()["total"] == 0


def test_log_and_counters(start: Start, api: str) -> None:
    client = start(jobs(), api=api)
    client.query(userName="müller")
    client.log_in("siteadmin", "wrong")
    log = client.control("GET", "/log")["log"]
    assert [entry["kind"] for entry in log] == ["token", "jobs_query", "token"]
    assert (log[1]["method"], log[1]["status"], log[1]["referer"]) == ("GET", 200, "http")
    assert log[1]["path"].endswith("/jobs/query?f=json&userName=m%C3%BCller")
    assert "rehearsal-Passw0rd" not in json.dumps(log)
    counters = client.control("GET", "/counters")
    assert (counters["logins"], counters["wrong_passwords"], counters["requests"]) == (1, 1, 3)
    assert counters["kinds"] == {"token": 2, "jobs_query": 1}
    assert counters["connections"] == 1
    client.control("DELETE", "/log")
    assert client.control("GET", "/counters")["requests"] == 0


def test_reset(start: Start) -> None:
    client = start(jobs({"status": "executing"}), sort="oldest")
    broken = client.control("POST", "/reset", {"jobs": [{"service": "No/Such", "status": "executing"}]})
    assert "No/Such" in broken["error"]
    assert client.query()["total"] == 1  # nothing has changed
    client.control("POST", "/reset", {"services": {"A/B": {}}, "switches": {"page_cap": 3}})
    assert client.query()["code"] == 498  # tokens are gone too
    again = Client(client.running)
    assert again.get("admin/services")["folders"] == ["A"]
    assert (again.site.switches.sort, again.site.switches.page_cap) == ("newest", 3)


def test_delay() -> None:
    with running_site(jobs(), delay="40ms") as running:
        client = Client(running)
        begin = time.monotonic()
        client.query()
        assert time.monotonic() - begin >= 0.04


def test_a_site_starts_and_goes() -> None:
    with running_site("first_gate") as running:
        url = f"{running.url}/rest/info?f=json"
        session = requests.Session()
        session.trust_env, session.verify = False, str(running.ca_path)
        assert session.get(url, timeout=5).status_code == 200
    with pytest.raises(requests.ConnectionError):
        session.get(url, timeout=5)


def test_a_site_goes_though_somebody_is_stalled(start: Start) -> None:
    begin = time.monotonic()
    with running_site(jobs()) as running:
        client = Client(running)
        running.site.faults.add({"fault": "stall_headers"})
        with pytest.raises(requests.RequestException):
            client.response("rest/info", timeout=0.1)
    assert time.monotonic() - begin < 10, "the stall lasts an hour"


def test_stop_by_control(start: Start) -> None:
    client = start(jobs())
    assert client.control("POST", "/stop") == {"stopping": True}
    ends = time.monotonic() + 10
    while time.monotonic() < ends:
        try:
            client.query()
        except requests.ConnectionError:
            return
        time.sleep(0.02)
    pytest.fail("the site goes on")


@pytest.mark.parametrize("path", sorted(SCENARIOS.glob("*.yml")), ids=lambda path: str(path.stem))
def test_scenarios_load(path: Path, api: str) -> None:
    if path.stem == "history":
        pytest.skip("its size is tested in test_history")
    with running_site(path, api=api) as running:
        client = Client(running)
        assert client.get("admin/services")["folders"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"job": []},
        {"services": {"A/B": {"size": 1}}},
        {"services": {"A/B": {"jobs": [{"status": "sleeping"}]}}},
        {"services": {"A/B": {"jobs": [{"status": "failed", "life": {"new": 0}}]}}},
        {"services": {"A/B": {"jobs": [{"status": "failed", "ended": "soon"}]}}},
        {"services": {"A/B": {"history": {"count": 3, "statuses": {"executing": 1}}}}},
        {"switches": {"sorting": "newest"}},
        {"arrivals": [{"service": "A/B"}]},
        {"site": {"api": "desktop"}},
        {"site": {"federated": True, "api": "kubernetes"}},
    ],
)
def test_wrong_scenarios(wrong: dict[str, object]) -> None:
    with pytest.raises((ValueError, KeyError)), running_site(wrong):
        pass


# -- switches ----------------------------------------------------------------------------------------------------


def test_every_switch_is_tested_somewhere() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    assert [name for name in BY_NAME if text.count(name) == 0] == []


def test_the_readme_has_the_table() -> None:
    assert table() in (ROOT / "README.md").read_text(encoding="utf-8"), "run: python -m rehearsal_site --list-switches"


def test_switches_check_their_values() -> None:
    switches = Switches()
    for switch in SWITCHES:
        switches[switch.name] = switch.default if switch.kind != "duration" else "3s"
    for name, wrong in (("sort", "up"), ("page_cap", "many"), ("lockout", "maybe"), ("retention", "long"), ("x", 1),
                        ("default_number", None)):  # fmt: skip
        with pytest.raises(ValueError):
            switches[name] = wrong
    with pytest.raises(AttributeError):
        _ = switches.nothing
    switches.page_cap = None
    assert switches.page_cap is None
    assert "page_cap" in list(switches)


# -- the command line --------------------------------------------------------------------------------------------


def test_help_and_lists(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    assert "--ready-file" in capsys.readouterr().out
    for option, text in (
        ("--list-switches", "time_window"),
        ("--list-faults", "gzip_bomb"),
        ("--list-scenarios", "first_gate"),
    ):
        assert cli.main([option]) == 0
        assert text in capsys.readouterr().out
    assert cli.main(["--scenario", "nothing_like_it"]) == 2
    assert "first_gate" in capsys.readouterr().err
    assert cli.main(["--switch", "sort"]) == 2


@pytest.mark.parametrize("end", ["sigterm", "control", "limit"])
def test_a_process(tmp_path: Path, end: str) -> None:
    ready_file, log_file = tmp_path / "ready.json", tmp_path / "access.log"
    command = [sys.executable, "-m", "rehearsal_site", "--scenario", "first_gate", "--api", "server",
               "--switch", "page_cap=2", "--ready-file", str(ready_file), "--ca-dir", str(tmp_path / "ca"),
               "--log-file", str(log_file), "--time-limit", "5s" if end == "limit" else "60"]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            deadline = time.monotonic() + 10
            while not ready_file.exists() and time.monotonic() < deadline and process.poll() is None:
                time.sleep(0.01)
            ready = json.loads(ready_file.read_text(encoding="utf-8"))
            session = requests.Session()
            session.trust_env, session.verify = False, ready["ca_path"]
            assert session.get(f"{ready['url']}/rest/info?f=json", timeout=5).json()["currentVersion"]
            assert ready["pid"] == process.pid
            if end == "sigterm":
                process.send_signal(signal.SIGTERM)
            elif end == "control":
                session.post(f"{ready['control_url']}/stop", timeout=5)
            output, _ = process.communicate(timeout=10)
        finally:
            if process.poll() is None:
                process.kill()
    assert process.returncode == 0
    assert ready["url"] in output
    assert "siteadmin / rehearsal-Passw0rd-siteadmin" in output
    assert "1 executing" in output
    assert not ready_file.exists()
    assert "/arcgis/rest/info?f=json 200" in log_file.read_text(encoding="utf-8")
