# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clocks that are hours off: no gate passes because of one.

Three clocks are at hand: that of the site's answers (its Date header), that of its tokens, and that of the machine that
asks. What is counted from depends on the first, unless both of the others are against it.
"""

from __future__ import annotations

import time
import typing as t
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from ansible_collections.gisops.arcgis.plugins.module_utils._wire import client as _client
from rehearsal_site.running import RunningSite, running_site

from .ansible_run import environment, play, run_playbook
from .gates import NOW, Rehearsal

SERVICE = "Analysis/Buffer"
HOURS = 3600.0
OURS_AT_NOW = datetime.fromisoformat(NOW.replace("Z", "+00:00")).timestamp()


class Machine:
    """The machine that asks. Its clock shows so many seconds less than the site's at the beginning."""

    def __init__(self) -> None:
        self.behind = 0.0
        self._began = time.monotonic()

    def time(self) -> float:
        return OURS_AT_NOW - self.behind + time.monotonic() - self._began


@pytest.fixture(scope="module", params=["kubernetes", "server"])
def running(request: pytest.FixtureRequest) -> Iterator[RunningSite]:
    with running_site("empty", api=request.param) as site:
        yield site


@pytest.fixture
def rehearsal(running: RunningSite, monkeypatch: pytest.MonkeyPatch) -> Rehearsal:
    return Rehearsal(running, monkeypatch)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine()
    clock = SimpleNamespace(time=machine.time, monotonic=time.monotonic, sleep=time.sleep)
    monkeypatch.setattr(_client, "time", clock)
    return machine


def jobs(*given: dict[str, t.Any]) -> dict[str, t.Any]:
    return {"services": {SERVICE: {"jobs": list(given)}}}


@pytest.mark.parametrize(
    ("shift", "ended", "verdict"),
    [
        ("5h", "1m ago", "inconclusive"),
        ("5h", "30m ago", "inconclusive"),
        ("5h", "50m ago", "inconclusive"),
        ("5h", "90m ago", "passed"),
        ("10m", "55m ago", "inconclusive"),
        ("10m", "65m ago", "passed"),
        ("4m", "58m ago", "passed"),  # so far apart clocks may be
        ("-5h", "2h ago", "failed"),  # the window by that clock is the longer one
        ("-5h", "7h ago", "passed"),
    ],
)
def test_answers_whose_time_is_wrong(
    rehearsal: Rehearsal, machine: Machine, shift: str, ended: str, verdict: str
) -> None:
    """As those that pass a machine with a clock of its own. Jobs and tokens go by the site's."""
    rehearsal.load(jobs({"status": "failed", "ended": ended}))
    rehearsal.break_down("date", by=shift)
    result = rehearsal.gate()
    assert result["verdict"] == verdict
    if verdict == "inconclusive":
        assert "1 of its jobs ended before" in result["msg"]
        assert "Set the clock that is wrong." in result["msg"]


def test_where_nothing_failed_no_clock_matters(rehearsal: Rehearsal, machine: Machine) -> None:
    rehearsal.load(jobs({"status": "succeeded", "ended": "10m ago"}))
    rehearsal.break_down("date", by="5h")
    result = rehearsal.gate()
    assert result["verdict"] == "passed"
    assert result["facts"]["clock_doubt"] == pytest.approx(5 * HOURS, abs=5)


@pytest.mark.parametrize("often", [{}, {"wait": "1m"}], ids=["one poll", "a login of its own"])
def test_a_site_that_agrees_with_itself_is_believed(rehearsal: Rehearsal, machine: Machine, often: t.Any) -> None:
    """Then it is our clock that is wrong."""
    rehearsal.load(jobs({"status": "failed", "ended": "2h ago"}))
    machine.behind = 5 * HOURS
    result = rehearsal.gate(**often)
    assert result["verdict"] == "passed"
    assert result["facts"]["clock_doubt"] == 0


def test_a_token_that_was_given_tells_no_time(rehearsal: Rehearsal, machine: Machine) -> None:
    rehearsal.load(jobs({"status": "failed", "ended": "2h ago"}))
    account = rehearsal.site.desk.accounts[rehearsal.running.username]
    token = rehearsal.site.desk.issue(account, "portal", "referer", "https://gisops.arcgis").value
    machine.behind = 5 * HOURS
    assert rehearsal.gate(token=token)["verdict"] == "inconclusive"


@pytest.mark.parametrize(("ours", "verdict"), [(0.0, "passed"), (8 * HOURS, "failed"), (-8 * HOURS, "inconclusive")])
def test_answers_without_a_date(rehearsal: Rehearsal, machine: Machine, ours: float, verdict: str) -> None:
    """Then our clock has to do, if the token's expiry agrees with it."""
    rehearsal.load({**jobs({"status": "failed", "ended": "2h ago"}), "switches": {"date_header": "absent"}})
    machine.behind = ours
    if ours == -8 * HOURS:  # a failure of now is one of eight hours ago by our clock
        rehearsal.add_job(SERVICE, status="failed", ended="1m ago")
    result = rehearsal.gate()
    assert result["verdict"] == verdict
    assert result["facts"]["clock_doubt"] == (0 if verdict == "passed" else None)


def test_an_age_that_depends_on_the_clock_exempts_nothing(rehearsal: Rehearsal, machine: Machine) -> None:
    rehearsal.load(jobs({"status": "executing", "started": "2h ago", "submitted": "2h ago"}))
    exempt = [{"older_than": "3h", "reason": "never ends"}]
    rehearsal.break_down("date", by="5h")
    assert rehearsal.gate(exempt=exempt)["verdict"] == "failed"
    machine.behind = -5 * HOURS  # now both say so
    assert rehearsal.gate(exempt=exempt)["verdict"] == "passed"


def test_a_job_from_the_future_may_be_of_any_age(rehearsal: Rehearsal) -> None:
    """The site's answers tell a time that is behind the clock of its jobs."""
    rehearsal.load(jobs({"status": "executing", "submitted": "1m ago", "started": "1m ago"}))
    rehearsal.break_down("date", by="-2h")
    result = rehearsal.gate(max_active=5, max_age="1h")
    assert result["verdict"] == "inconclusive"
    assert "max_age cannot be judged" in result["msg"]


def test_a_window_is_not_fixed_by_a_wrong_clock(rehearsal: Rehearsal, machine: Machine) -> None:
    """The first poll tells a time that is hours late. Of the others none may go by it."""
    rehearsal.load(jobs({"status": "executing", "started": "10m ago"}))
    rehearsal.break_down("date", by="5h")

    def come_right(site: Rehearsal) -> None:
        site.recover()
        running = site.site.store.all_jobs(site.site.store.service(SERVICE).key, site.site.clock.now())
        for job_id in [job.job_id for job in running]:
            site.remove_job(SERVICE, job_id)
        site.add_job(SERVICE, status="failed", ended="30m ago")

    result = rehearsal.gate(wait="10m", events={0: come_right})
    assert result["verdict"] == "failed"
    assert "1 failed job" in result["msg"]


def test_no_mark_is_taken_of_a_doubtful_time(tmp_path: Path) -> None:
    with running_site("first_gate") as site:
        site.site.faults.add({"fault": "date", "by": "5h"})
        done = run_playbook(
            tmp_path,
            [play([{"ansible.builtin.include_role": {"name": "gisops.arcgis.gp_jobs_mark"}}])],
            **environment(site),
        )
    assert done.returncode != 0
    assert "Set the clock that is wrong." in done.stdout


def test_a_portals_clock_is_not_its_servers(asked_site: t.Any) -> None:
    """Where the login is the first that is asked, it is not what tells the time."""
    with asked_site("first_gate", api="server", federated=True) as asked:
        asked.site.clock.freeze(round(OURS_AT_NOW * 1000))
        asked.site.faults.add({"fault": "date", "by": "4m", "match": {"path": "generateToken"}})
        facts = asked.query(api="server", ended_after="1h", job_status=["failed"])
        assert facts["as_of"] == NOW
