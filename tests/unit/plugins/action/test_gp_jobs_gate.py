# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action gp_jobs_gate: what it asks the module, and what it makes of the module's result."""

from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ...actions import run_action

Result = dict[str, t.Any]


class Gate:
    """Runs the action; core's way to the module is replaced by a result of the test's own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.measured: Result = {}
        self.asked: list[Result] = []
        self.printed: list[str] = []

        def execute(action: ActionBase, **call: t.Any) -> Result:
            self.asked.append(call)
            return self.measured

        monkeypatch.setattr(ActionBase, "_execute_module", execute)
        monkeypatch.setattr(Display, "display", lambda display, text, *args, **more: self.printed.append(text))

    def run(self, check: bool = False, no_log: bool = False, **options: t.Any) -> Result:
        return run_action("gisops.arcgis.gp_jobs_gate", options, check=check, no_log=no_log, host="gis1")


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    return Gate(monkeypatch)


@pytest.fixture
def facts(asked_site: t.Any) -> Result:
    """The facts that a gate asks for, of a site where one job runs and one has failed."""
    with asked_site("first_gate") as asked:
        measured = asked.query(job_status=["active", "failed", "timed_out"], ended_after="3600s", detail="full")
    return dict(measured)


@pytest.mark.parametrize("check", [False, True])
def test_a_site_that_is_at_work_fails(gate: Gate, facts: Result, check: bool) -> None:
    gate.measured = {**facts, "changed": False, "invocation": {"module_args": {}}, "_ansible_x": 1, "warnings": ["w"]}
    result = gate.run(check=check, url="https://h", services=["A"])
    assert (result["failed"], result["changed"], result["passed"], result["verdict"]) == (True, False, False, "failed")
    assert [reason["rule"] for reason in result["reasons"]] == ["failed", "active"]
    assert result["facts"] == facts
    assert result["warnings"] == ["w"]
    assert result["policy"] == {"max_active": 0, "max_failed": 0, "window": 3600}
    assert result["msg"].splitlines()[0].endswith("(3 services as siteadmin): failed")
    assert "ERROR 000732" in result["msg"]


def test_the_module_is_asked_for_what_the_policy_needs_and_gets_the_options_as_they_are(
    gate: Gate, facts: Result
) -> None:
    """What is not in the task must stay open: the environment of the machine where the module runs decides."""
    gate.measured = facts
    gate.run(url="https://h", service="A", max_active="5", max_failed=3, window="2h", username="", progress=False)
    (call,) = gate.asked
    assert call["module_name"] == "gisops.arcgis.gp_jobs_query"
    assert call["module_args"] == {
        "url": "https://h",
        "service": "A",
        "job_status": ["active", "failed", "timed_out"],
        "ended_after": "7200s",
        "detail": "full",
    }


def test_limits_let_pass(gate: Gate, facts: Result) -> None:
    gate.measured = facts
    result = gate.run(max_active=1, max_failed="unlimited")
    assert (result["failed"], result["passed"], result["reasons"]) == (False, True, [])


@pytest.mark.parametrize(
    "measured",
    [
        {"failed": True, "msg": "No connection (GET https://h).", "failure": {"kind": "Unreachable"}},
        {"failed": True, "msg": "MODULE FAILURE", "rc": 1},
        {"unreachable": True, "msg": "No ssh"},
        {"skipped": True},
        {},
        {"changed": False, "counts": None, "failed": True},
    ],
    ids=str,
)
def test_what_could_not_be_measured_is_inconclusive_and_fails(gate: Gate, measured: Result) -> None:
    gate.measured = measured
    result = gate.run(url="https://h")
    assert (result["failed"], result["passed"], result["verdict"]) == (True, False, "inconclusive")
    assert result["facts"] is None
    assert str(measured.get("msg") or "gave no facts") in result["msg"]
    assert result.get("failure") == measured.get("failure")


@pytest.mark.parametrize("change", [{"complete": False}, {"services": []}, {"complete": "********"}])
def test_odd_facts_never_pass(gate: Gate, facts: Result, change: Result) -> None:
    gate.measured = {**facts, **change}
    assert gate.run(max_active="unlimited", max_failed="unlimited")["passed"] is False


def test_a_time_that_was_cut_out_of_the_facts_is_inconclusive(gate: Gate, facts: Result) -> None:
    """A password that is part of a date."""
    gate.measured = {**facts, "as_of": "********-11-24T09:00:00Z"}
    result = gate.run(max_active="unlimited", max_failed="unlimited")
    assert (result["verdict"], result["failed"]) == ("inconclusive", True)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"max_active": "none"}, "'none' is not a limit (option max_active)"),
        ({"window": "soon"}, "'soon' is not a duration (option window)"),
    ],
)
def test_a_policy_that_means_nothing_asks_nobody(gate: Gate, options: Result, words: str) -> None:
    result = gate.run(**options)
    assert result["failed"] is True
    assert words in result["msg"]
    assert gate.asked == []


@pytest.mark.parametrize("options", [{"max_activ": 1}, {"api": "portal"}, {"job_status": "failed"}])
def test_options_that_core_refuses(gate: Gate, options: Result) -> None:
    with pytest.raises(AnsibleError):
        gate.run(**options)
    assert gate.asked == []


def test_one_line_is_printed_and_begins_with_the_host(gate: Gate, facts: Result) -> None:
    gate.measured = facts
    gate.run()
    assert gate.printed[0].startswith("[gis1] ")
    assert "failed:" in gate.printed[0]
    assert "PublishingTools.GPServer 1 failed" in gate.printed[0]


@pytest.mark.parametrize("options", [{"progress": False}, {"no_log": True}])
def test_nothing_is_printed_where_nothing_should_be(gate: Gate, facts: Result, options: Result) -> None:
    gate.measured = facts
    gate.run(**options)
    assert gate.printed == []
