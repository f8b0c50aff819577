# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clocks that are hours off: no gate passes because of one.

Two clocks are at hand: that of the site's answers (its Date header), and that of the machine that asks. Each use takes
the safer of the two. Jobs and tokens go by the right time.
"""

from __future__ import annotations

import time
import typing as t
from collections.abc import Iterator
from datetime import datetime
from types import SimpleNamespace

import pytest

from ansible_collections.gisops.arcgis.plugins.module_utils._wire import client
from rehearsal_site.running import RunningSite, running_site

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
    monkeypatch.setattr(client, "time", clock)
    return machine


def jobs(*given: dict[str, t.Any]) -> dict[str, t.Any]:
    return {"services": {SERVICE: {"jobs": list(given)}}}


WRONG = [
    # The site's clock, and by how much the machine's is behind the right time.
    ("5h", 0.0),
    ("-5h", 0.0),
    ("0s", 5 * HOURS),
    ("0s", -5 * HOURS),
]


@pytest.mark.parametrize(("shift", "behind"), WRONG)
@pytest.mark.parametrize("ended", ["1m ago", "30m ago", "58m ago"])
def test_a_recent_failure_counts_whichever_clock_is_wrong(
    rehearsal: Rehearsal, machine: Machine, shift: str, behind: float, ended: str
) -> None:
    rehearsal.load(jobs({"status": "failed", "ended": ended}))
    rehearsal.break_down("date", by=shift)
    machine.behind = behind
    result = rehearsal.gate()
    assert (result["verdict"], [reason["rule"] for reason in result["reasons"]]) == ("failed", ["failed"])
    assert any("Set the clock that is wrong." in warning for warning in result["warnings"])


@pytest.mark.parametrize(
    ("shift", "behind", "ended", "verdict"),
    [
        ("4m", 0.0, "58m ago", "passed"),  # so far apart clocks may be
        ("4m", 0.0, "56m ago", "failed"),
        ("5h", 0.0, "90m ago", "passed"),
        ("0s", -5 * HOURS, "90m ago", "passed"),
        ("-5h", 0.0, "2h ago", "failed"),  # the window by that clock is the longer one
        ("-5h", 0.0, "7h ago", "passed"),
        ("0s", 5 * HOURS, "2h ago", "failed"),
        ("0s", 5 * HOURS, "7h ago", "passed"),
    ],
)
def test_a_window_begins_by_the_earlier_clock(
    rehearsal: Rehearsal, machine: Machine, shift: str, behind: float, ended: str, verdict: str
) -> None:
    rehearsal.load(jobs({"status": "failed", "ended": ended}))
    rehearsal.break_down("date", by=shift)
    machine.behind = behind
    assert rehearsal.gate()["verdict"] == verdict


@pytest.mark.parametrize(("shift", "behind"), [("-2h", 0.0), ("0s", -2 * HOURS), ("2h", 0.0), ("0s", 2 * HOURS)])
def test_an_exemption_that_is_over_is_over_by_the_later_clock(
    rehearsal: Rehearsal, machine: Machine, shift: str, behind: float
) -> None:
    rehearsal.load(jobs({"status": "failed", "ended": "1m ago"}))
    rehearsal.break_down("date", by=shift)
    machine.behind = behind
    exempt = [{"service": SERVICE, "reason": "x", "until": "2026-11-24T08:00:00Z"}]
    override = {"reason": "x", "by": "y", "until": "2026-11-24T08:00:00Z"}
    result = rehearsal.gate(exempt=exempt, override=override)
    assert (result["verdict"], result["overridden"], result["blocked"]) == ("failed", False, True)


@pytest.mark.parametrize(("shift", "behind"), [("-2h", 0.0), ("0s", 2 * HOURS)])
def test_a_job_that_is_too_old_is_too_old_by_the_later_clock(
    rehearsal: Rehearsal, machine: Machine, shift: str, behind: float
) -> None:
    rehearsal.load(jobs({"status": "executing", "submitted": "2h ago", "started": "2h ago"}))
    rehearsal.break_down("date", by=shift)
    machine.behind = behind
    result = rehearsal.gate(max_active=5, max_age="1h")
    assert (result["verdict"], result["reasons"][0]["rule"]) == ("failed", "age")


def test_an_age_exempts_by_the_younger_reading(rehearsal: Rehearsal, machine: Machine) -> None:
    rehearsal.load(jobs({"status": "executing", "started": "2h ago", "submitted": "2h ago"}))
    exempt = [{"older_than": "3h", "reason": "never ends"}]
    rehearsal.break_down("date", by="5h")
    assert rehearsal.gate(exempt=exempt)["verdict"] == "failed"
    machine.behind = -5 * HOURS  # now both say so
    assert rehearsal.gate(exempt=exempt)["verdict"] == "passed"


@pytest.mark.parametrize("behind", [0.0, 8 * HOURS, -8 * HOURS])
def test_answers_without_a_date(rehearsal: Rehearsal, machine: Machine, behind: float) -> None:
    """Nobody knows whether our clock is right: a window by it may hide what has failed just now."""
    rehearsal.load({**jobs({"status": "failed", "ended": "2h ago"}), "switches": {"date_header": "absent"}})
    rehearsal.add_job(SERVICE, status="failed", ended="1m ago")
    machine.behind = behind
    result = rehearsal.gate()
    assert result["passed"] is False
    assert result["facts"]["clock_difference"] is None
    assert rehearsal.gate(max_failed="unlimited")["passed"] is True


def test_a_window_is_fixed_by_the_earlier_clock(rehearsal: Rehearsal, machine: Machine) -> None:
    """The first poll tells a time that is hours late. The window begins by the other clock, at this poll and later."""
    rehearsal.load(jobs({"status": "executing", "started": "10m ago"}))
    rehearsal.break_down("date", by="5h")

    def come_right(site: Rehearsal) -> None:
        site.recover()
        running = site.site.store.all_jobs(site.site.store.service(SERVICE).key, site.site.clock.now())
        for job_id in [job.job_id for job in running]:
            site.remove_job(SERVICE, job_id)
        site.add_job(SERVICE, status="failed", ended="30m ago")

    result = rehearsal.gate(wait="10m", events={1: come_right})
    assert result["verdict"] == "failed"
    assert "1 failed job" in result["msg"]


def test_a_portals_clock_is_not_its_servers(asked_site: t.Any) -> None:
    """If the login is the first that is asked, it is not what tells the time."""
    with asked_site("first_gate", api="server", federated=True) as asked:
        asked.site.clock.freeze(round(OURS_AT_NOW * 1000))
        asked.site.faults.add({"fault": "date", "by": "4m", "match": {"path": "generateToken"}})
        facts = asked.query(api="server", ended_after="1h", job_status=["failed"])
        assert facts["as_of"] == NOW
