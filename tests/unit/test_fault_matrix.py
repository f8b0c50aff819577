# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every fault at every step, once and lasting, in both dialects: right facts or a clear failure, and soon.

The rows are those of fault_table, from which docs/faults.md is made too. Facts come from the real module, verdicts from
the real gate, both over HTTPS from a site whose clock stands still.
"""

from __future__ import annotations

import contextlib
import json
import random
import time
import typing as t
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests

from ansible_collections.gisops.arcgis.plugins.module_utils._connection import Connection
from ansible_collections.gisops.arcgis.plugins.module_utils._wire import client as _client
from rehearsal_site.running import RunningSite, running_site

from .fault_table import (
    ACTIVE,
    ERROR,
    FIRST,
    GONE,
    GROUPS,
    INCOMPLETE,
    JOB,
    LASTING,
    LATER,
    LOGIN,
    ONCE,
    POLL,
    PRODUCT,
    RIGHT,
    SERVICES,
    Fault,
    as_markdown,
)
from .gates import QUERY, Rehearsal, Result, Scenario

# Five jobs on two pages that overlap, so that a page more or less is a difference.
SITE: Scenario = {
    "services": {
        "Analysis/Buffer": {
            "jobs": [
                {"status": "executing", "started": "3m ago"},
                {"status": "waiting"},
                {"status": "failed", "ended": "12m ago"},
                {"status": "succeeded", "count": 2, "every": "10s", "ended": "30m ago"},
            ]
        }
    }
}
ASK: Result = {
    "services": ["Analysis/*"],
    "number": 3,
    "detail": "jobs",
    "connections": 1,
    "retries": 3,
    "timeout": 5,
    "total_timeout": 100,
}
SOON = 4.0
"""Seconds that no cell may take: none waits for anything but stalls, and they are made cheap."""
STALLED = ((0.1, 1.5), (1.0, 8.0))
"""Seconds for timeout and total_timeout where a site stalls; options are whole ones, which would make an hour of all
the stalls. The longer ones are for a machine that was too busy for the shorter ones."""

PATHS: dict[str, dict[str | None, str]] = {
    PRODUCT: {"kubernetes": r"portals/self\?", "server": r"rest/info\?"},
    LOGIN: {None: "generateToken$"},
    SERVICES: {None: r"admin/services/Analysis(\?|$)"},
    FIRST: {None: r"jobs/query(\?.*start=1&|$)"},
    LATER: {None: r"jobs/query(\?.*start=([2-9]|\d\d)|$)"},
    JOB: {None: r"admin/.*jobs/j[0-9a-f]+(\?|$)"},
    POLL: {None: r"jobs/query(\?|$)"},
}
"""The requests of each step; as a POST where a token was not seen in a header."""
_A_MOMENT = 0.5
_read = Connection.read
POKE = "poked=1"
BEFORE: dict[str, dict[str, t.Any]] = {
    PRODUCT: {"path": POKE},
    LOGIN: {"path": "portals/self|rest/info", "nth": 1},
    SERVICES: {"path": "generateToken$"},
    FIRST: {"path": PATHS[SERVICES][None]},
    LATER: {"path": PATHS[FIRST][None]},
    JOB: {"path": PATHS[LATER][None]},
    POLL: {"path": POKE},
}
"""The last request before each step, by its only connection: the next one has to be made for the step."""

CELLS = [(fault, step) for faults in GROUPS.values() for fault in faults for step in fault.steps]


class Pauses:
    """The client's pauses: noted, and left out where a site asks for more than a moment."""

    def __init__(self) -> None:
        self.asked: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.asked.append(seconds)
        if seconds <= _A_MOMENT:
            time.sleep(seconds)


@pytest.fixture(scope="module", params=["kubernetes", "server"])
def running(request: pytest.FixtureRequest) -> Iterator[RunningSite]:
    """One site a dialect for all cells; each loads its own state."""
    with running_site(api=str(request.param)) as site:
        yield site


@pytest.fixture(name="pauses")
def pauses_fixture(site: Rehearsal, monkeypatch: pytest.MonkeyPatch) -> Pauses:
    pauses = Pauses()
    clock = SimpleNamespace(sleep=pauses.sleep, monotonic=time.monotonic, time=site._seconds)
    monkeypatch.setattr(_client, "time", clock)
    return pauses


@pytest.fixture
def site(running: RunningSite, monkeypatch: pytest.MonkeyPatch) -> Rehearsal:
    return Rehearsal(running, monkeypatch)


# --- playing a cell ------------------------------------------------------------------------------------------------


def rule_of(fault: Fault, api: str, step: str, strength: str) -> dict[str, t.Any]:
    """The rule that plays a fault at a step."""
    if fault.at_the_door:
        before = dict(BEFORE[step])
        if step == LOGIN and api == "server":
            before["nth"] = 3  # the first two tell the product, the third the token service
        once = fault.single if strength == ONCE else {}
        return {**fault.rule, **once, "match": {"times": 1, **before}}
    path = PATHS[step].get(api, PATHS[step].get(None))
    if fault.rule["fault"] == "unfiltered":
        path = f"{path}.*jobStatus="
    return {**fault.rule, "match": {"path": path, **({"times": 1} if strength == ONCE else {})}}


def begin(site: Rehearsal, rule: dict[str, t.Any], also: t.Iterable[dict[str, t.Any]] = ()) -> None:
    """Has a fault begin. That of a door begins with the end of a connection, which may be one of ours."""
    for one in (rule, *also):
        site.site.faults.add(one)
    if rule["match"].get("path") == POKE:
        address = f"{site.running.rest_url}/info?f=json&{POKE}"
        requests.get(address, verify=str(site.running.ca_path), timeout=5, proxies={"https": ""})


def end(site: Rehearsal) -> None:
    """Ends all faults, and waits until the door is open again."""
    site.recover()
    ends = time.monotonic() + 5
    while time.monotonic() < ends:
        time.sleep(0.005)
        with contextlib.suppress(requests.RequestException):
            requests.get(f"{site.running.rest_url}/info", verify=str(site.running.ca_path), timeout=0.2)
            return
    raise AssertionError("the site stays shut")


def query(site: Rehearsal, fault: Fault, step: str, strength: str = LASTING) -> Result:
    """The result of the real module."""
    detail = {"detail": "full", "message_limit": 0} if step == JOB else {}
    retries = {"retries": 1} if strength == LASTING else {}
    return site._main(QUERY, {**site.connection, **ASK, **detail, **retries, **fault.options})


def essence(facts: Result) -> Result:
    """What a fault must not change: numbers, jobs, and what is said of their being all."""
    services = [{key: one[key] for key in ("service", "total", "counts", "complete")} for one in facts["services"]]
    jobs = sorted(
        ({key: value for key, value in job.items() if key != "job_status"} for job in facts["jobs"]),
        key=lambda job: str(job["job_id"]),
    )
    kept = ("api", "complete", "discovery", "unseen", "missing", "stopped", "total", "truncated")
    return {**{key: facts[key] for key in kept}, "counts": facts["counts"], "services": services, "jobs": jobs}


def agrees(found: t.Any, right: t.Any) -> bool:
    """Whether facts are the right ones. A count that was not known may be known now."""
    if isinstance(found, dict):
        return found.keys() == right.keys() and all(agrees(found[key], right[key]) for key in found)
    if isinstance(found, list):
        return len(found) == len(right) and all(agrees(*pair) for pair in zip(found, right, strict=True))
    return bool(found == right) or (right is None and found == 0)


def outcome_of(result: Result, right: Result) -> str:
    """What came of a cell, in the words of the table."""
    if result.get("failed"):
        return ERROR
    facts = essence(result)
    if agrees(facts, right):
        return RIGHT
    if not facts["complete"]:
        numbers = [facts["counts"]["active"], *(one["counts"]["active"] for one in facts["services"])]
        return INCOMPLETE if set(numbers) == {None} else "numbers of what was not seen"
    if facts["services"] == [] and any("is gone" in one for one in result.get("warnings", ())):
        return GONE
    if is_same_but_for_unknown(facts, right):
        return ACTIVE
    return "wrong facts"


def is_same_but_for_unknown(facts: Result, right: Result) -> bool:
    """Whether the jobs are the right ones, and those whose status is not understood count as active."""
    pairs = [(one["status"], other["status"]) for one, other in zip(facts["jobs"], right["jobs"], strict=False)]
    unknown = [before for status, before in pairs if status == "unknown"]
    more = sum(1 for before in unknown if before in ("succeeded", "failed"))
    return (
        [job["job_id"] for job in facts["jobs"]] == [job["job_id"] for job in right["jobs"]]
        and all(status in ("unknown", before) for status, before in pairs)
        and facts["counts"]["unknown"] == len(unknown) > 0
        and facts["counts"]["active"] == right["counts"]["active"] + more
    )


# --- facts -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def known(running: RunningSite) -> dict[str, Result]:
    """The right facts of a site, by dialect and question, as far as they have been asked for. They hold its address."""
    return {}


def right_facts(site: Rehearsal, fault: Fault, step: str, known: dict[str, Result]) -> Result:
    key = f"{site.site.api} {step == JOB} {fault.options.get('job_status')}"
    if key not in known:
        site.load(SITE)
        known[key] = essence(query(site, fault, step))
    return known[key]


def named(cell: tuple[Fault, str]) -> t.Any:
    return pytest.param(*cell, id=f"{cell[0].name}-{cell[1]}")


def make_stalls_cheap(
    monkeypatch: pytest.MonkeyPatch, fault: Fault, strength: str, timeouts: tuple[float, float]
) -> None:
    """Short timeouts, and new tries only where one may help."""
    if fault.stalls:
        changes: t.Any = {"timeout": timeouts[0], "total_timeout": timeouts[1], "retries": int(strength == ONCE)}
        monkeypatch.setattr(Connection, "read", lambda *given: _read(*given)._replace(**changes))


def make_pauses_cheap(monkeypatch: pytest.MonkeyPatch, fault: Fault) -> None:
    """No pauses between tries, but for a door to open again."""
    monkeypatch.setattr(random, "uniform", lambda low, high: 0.12 if fault.at_the_door else 0.0)


@pytest.mark.parametrize(("fault", "step"), [named(cell) for cell in CELLS if cell[1] != POLL])
@pytest.mark.usefixtures("pauses")
def test_facts(
    site: Rehearsal, known: dict[str, Result], monkeypatch: pytest.MonkeyPatch, fault: Fault, step: str
) -> None:
    right = right_facts(site, fault, step, known)
    make_pauses_cheap(monkeypatch, fault)
    for strength in fault.played(step):
        expected = fault.outcome(site.site.api, step, strength)
        for timeouts in STALLED:
            make_stalls_cheap(monkeypatch, fault, strength, timeouts)
            site.load(SITE)
            begin(site, rule_of(fault, site.site.api, step, strength), fault.also)
            began = time.monotonic()
            result = query(site, fault, step, strength)
            seconds = time.monotonic() - began
            strikes = sum(site.site.counters.faults.values())
            told = json.dumps(result)
            if fault.at_the_door:
                end(site)
            # Where nothing struck, the machine was too busy for the short timeouts before the fault had begun.
            if not fault.stalls or (strikes > 0 and outcome_of(result, right) == expected):
                break
        assert outcome_of(result, right) == expected, f"{strength}: {told}"
        assert strikes > 0, "the fault has to strike"
        assert seconds < (timeouts[1] + 2 if fault.stalls else SOON), strength
        assert site.tries <= 5, "a password is not sent again and again"
        if result.get("failed"):
            check_error(result, fault.says if strength == LASTING else "")
        check_manners(site, told)


def check_error(result: Result, says: str) -> None:
    """An error is for people: what happened, where, and what to do."""
    message, failure = result["msg"], result["failure"]
    assert says in message, message
    assert "\n" not in message
    assert len(message) < 700, message
    assert failure["where"], message
    assert failure["cure"], message
    assert failure["cure"] in message


def check_manners(site: Rehearsal, *told: str) -> None:
    """What holds in every cell."""
    text = json.dumps([*told, site.printed, site.warned, [entry.line() for entry in site.site.log]])
    assert "Traceback" not in text
    for secret in (site.running.password, *site.site.desk.tokens):
        assert secret not in text
    assert site.site.failures == []


# --- the gate ------------------------------------------------------------------------------------------------------


def gate_site(job: Scenario) -> Scenario:
    """A site with one active job; the others are there to be miscounted."""
    finished = {"status": "succeeded", "count": 4, "every": "10s", "ended": "30m ago"}
    return {"services": {"Analysis/Buffer": {"jobs": [job, finished]}}}


@pytest.mark.parametrize("fault", [pytest.param(fault, id=fault.name) for fault, step in CELLS if step == POLL])
@pytest.mark.usefixtures("pauses")
def test_a_waiting_gate(site: Rehearsal, monkeypatch: pytest.MonkeyPatch, fault: Fault) -> None:
    """The first poll is good, and then the fault comes: a job that runs is never taken for one that has ended."""
    make_pauses_cheap(monkeypatch, fault)
    for strength in fault.played(POLL):
        once = strength == ONCE
        outcome = fault.outcome(site.site.api, POLL, strength)
        expected = {RIGHT: "passed" if once else "failed", ACTIVE: "failed"}.get(outcome, "inconclusive")
        for timeouts in STALLED:
            make_stalls_cheap(monkeypatch, fault, strength, timeouts)
            began = time.monotonic()
            result = gate(site, fault, strength)
            seconds = time.monotonic() - began
            strikes = sum(site.site.counters.faults.values())
            if fault.at_the_door:
                end(site)
            if not fault.stalls or (strikes > 0 and result["verdict"] == expected):
                break
        assert result["verdict"] == expected, f"{strength}: {result['msg']}"
        assert strikes > 0, "the fault has to strike"
        assert seconds < (3 * timeouts[1] + 2 if fault.stalls else SOON), strength
        if once:
            assert result["polls"] == 3, f"passed while the job was running: {result['msg']}"
        else:
            rules = {"active"} if expected == "failed" else {"error", "incomplete", "unseen"}
            assert {reason["rule"] for reason in result["reasons"]} <= rules, result["msg"]
        check_manners(site, json.dumps(result))


def gate(site: Rehearsal, fault: Fault, strength: str) -> Result:
    """The result of a gate that waits up to 20 s for a job of 15 s, or for one that goes on."""
    takes = 15 if strength == ONCE else 9999
    site.load(gate_site({"life": {"executing": "0s", "ends": f"succeeded after {takes}s"}}))
    site.pauses.clear()
    names = ("connections", "retries", "timeout", "total_timeout", "max_answer_size")
    rule = rule_of(fault, site.site.api, POLL, strength)
    given = {**ASK, **fault.options, **({"retries": 1} if strength == LASTING else {})}
    return site.gate(
        services=["Analysis/*"],
        wait="20s",
        max_failed="unlimited",
        events={1: lambda rehearsal: begin(rehearsal, rule)},
        **{name: value for name, value in given.items() if name in names},
    )


# --- what does not fit into a table ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("retry_after", "pause"),
    [(2, 2.0), ("Tue, 24 Nov 2026 09:00:20 GMT", 20.0), ("99999999999", 60.0), ("soon", 0.0), ("-5", 0.0)],
)
@pytest.mark.parametrize("status", [429, 503])
def test_a_pause_that_the_site_asks_for_is_made_within_reason(
    site: Rehearsal, pauses: Pauses, no_pauses: None, status: int, retry_after: str | int, pause: float
) -> None:
    site.load(SITE)
    rule = {"fault": "http_status", "status": status, "retry_after": retry_after, "match": {"times": 1}}
    site.site.faults.add(rule)
    assert not site._main(QUERY, {**site.connection, **ASK}).get("failed")
    assert pauses.asked == [pause]


def test_a_pause_beyond_the_total_time_is_not_begun(site: Rehearsal, pauses: Pauses) -> None:
    site.load(SITE)
    site.site.faults.add({"fault": "http_status", "status": 503, "retry_after": 99})
    result = site._main(QUERY, {**site.connection, **ASK, "total_timeout": 20})
    assert (result["failed"], pauses.asked) == (True, [])
    assert "HTTP 503" in result["msg"]


@pytest.mark.parametrize(("fault", "step"), [("stall_headers", PRODUCT), ("stall_body", LOGIN), ("trickle", LATER)])
def test_timeouts_as_they_are_given(site: Rehearsal, no_pauses: None, fault: str, step: str) -> None:
    """In whole seconds, as options are: the total one ends what goes on and on."""
    site.load(SITE)
    path = PATHS[step].get(site.site.api, PATHS[step].get(None))
    site.site.faults.add({"fault": fault, "match": {"path": path}})
    began = time.monotonic()
    result = site._main(QUERY, {**site.connection, **ASK, "timeout": 1, "total_timeout": 1})
    assert result["failed"]
    assert "The measurement took longer than 1 s" in result["msg"]
    assert "total_timeout" in result["failure"]["cure"]
    assert 0.5 < time.monotonic() - began < 2.5


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(fault, id=fault.name)
        for fault, step in CELLS
        if step == PRODUCT and not fault.stalls and not fault.at_the_door
    ],
)
@pytest.mark.usefixtures("pauses", "no_pauses")
def test_what_is_said_in_place_of_a_portal_makes_no_other_product(
    site: Rehearsal, known: dict[str, Result], fault: Fault
) -> None:
    """ArcGIS Server has no portal beside it, and is asked for one first."""
    if site.site.api != "server":
        return
    right = right_facts(site, fault, PRODUCT, known)
    for strength in (ONCE, LASTING):
        site.load(SITE)
        times = {"times": 1} if strength == ONCE else {}
        begin(site, {**fault.rule, "match": {"path": "portals/self", **times}})
        result = query(site, fault, PRODUCT, strength)
        assert outcome_of(result, right) in (RIGHT, ERROR), json.dumps(result)
        if result.get("failed"):
            check_error(result, "")
        check_manners(site, json.dumps(result))


DOCS = Path(__file__).resolve().parents[2] / "docs" / "faults.md"


def test_the_docs_show_this_table() -> None:
    begin_mark, end_mark = "<!-- begin of the table -->\n\n", "\n<!-- end of the table -->"
    text = DOCS.read_text(encoding="utf-8")
    shown = text[text.index(begin_mark) + len(begin_mark) : text.index(end_mark)]
    assert shown == as_markdown(), f"paste this between the marks in docs/faults.md:\n{as_markdown()}"


def test_every_row_is_named_once() -> None:
    names = [fault.name for faults in GROUPS.values() for fault in faults]
    assert len(names) == len(set(names))
