# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action gp_jobs_gate: what it asks the modules, what it makes of their results, and what it shows."""

from __future__ import annotations

import typing as t
from types import SimpleNamespace

import pytest
from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.gisops.arcgis.plugins.action import gp_jobs_gate as action
from ansible_collections.gisops.arcgis.plugins.module_utils import _opaque as _armour
from ansible_collections.gisops.arcgis.plugins.module_utils import _options
from ansible_collections.gisops.arcgis.plugins.module_utils._jobs import poll_state as _memory
from ansible_collections.gisops.arcgis.plugins.module_utils._jobs.details import Known
from ansible_collections.gisops.arcgis.plugins.plugin_utils._gate import judge as _gate
from ansible_collections.gisops.arcgis.plugins.plugin_utils._gate.policy import Policy

from ...actions import run_action

Result = dict[str, t.Any]

LOGIN = "gisops.arcgis.gp_token"
TOKEN = {"armoured_token": _armour.put_on(b"T0ken-of-the-wait"), "api": "server", "expires": None}
REFUSED = {"failed": True, "msg": "498", "failure": {"kind": "TokenRefused", "where": "GET https://h"}}
UNREACHABLE = {"failed": True, "msg": "No connection (GET https://h).", "failure": {"kind": "Unreachable"}}


def measured(facts: Result) -> Result:
    """The result of gp_jobs_query for a task that has a memory; the plain facts are there too, and not looked at."""
    return {**facts, "changed": False, "memory": _memory.pack(facts, Known())}


class Gate:
    """Runs the action; core's way to the modules is replaced by results of the test's own, and time by a number."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.results: list[Result] = []
        self.logins: list[Result] = []
        self.asked: list[Result] = []
        self.asked_to_log_in: list[Result] = []
        self.printed: list[str] = []
        self.warned: list[str] = []
        self.now = 0.0

        def execute(_action: ActionBase, module_name: str, module_args: Result, task_vars: Result) -> Result:
            if module_name == LOGIN:
                self.asked_to_log_in.append(module_args)
                return self.logins.pop(0) if self.logins else TOKEN
            self.asked.append(module_args)
            return self.results.pop(0) if len(self.results) > 1 else self.results[0]

        def sleep(seconds: float) -> None:
            self.now += seconds

        clock = SimpleNamespace(sleep=sleep, monotonic=lambda: self.now, time=lambda: self.now)
        monkeypatch.setattr(action, "time", clock)
        monkeypatch.setattr(ActionBase, "_execute_module", execute)
        monkeypatch.setattr(Display, "display", lambda display, text, *args, **more: self.printed.append(text))
        monkeypatch.setattr(Display, "warning", lambda display, msg, *args, **more: self.warned.append(msg))

    def run(self, *results: Result, check: bool = False, no_log: bool = False, **options: t.Any) -> Result:
        self.results = [*self.results, *results]
        return run_action("gisops.arcgis.gp_jobs_gate", options, check=check, no_log=no_log, host="gis1")


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    return Gate(monkeypatch)


@pytest.fixture
def facts(asked_site: t.Any) -> Result:
    """The facts that a gate asks for, of a site where one job runs and one has failed."""
    with asked_site("first_gate") as asked:
        options = _gate.wanted(Policy())
        return dict(asked.query(**options, ended_after="3660s"))


@pytest.fixture
def idle(asked_site: t.Any) -> Result:
    """The same of a site where nothing runs or has failed."""
    with asked_site({"services": {"System/PublishingTools": {}}}) as asked:
        return dict(asked.query(**_gate.wanted(Policy()), ended_after="3660s"))


# --- one measurement -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("check", [False, True])
def test_a_site_that_is_at_work_fails(gate: Gate, facts: Result, check: bool) -> None:
    module = {**measured(facts), "invocation": {"module_args": {}}, "_ansible_x": 1, "warnings": ["w"]}
    result = gate.run(module, check=check, url="https://h", services=["A"])
    assert (result["failed"], result["changed"], result["passed"], result["verdict"]) == (True, False, False, "failed")
    assert (result["blocked"], result["overridden"], result["polls"], result["waited"]) == (True, False, 1, 0)
    assert [reason["rule"] for reason in result["reasons"]] == ["failed", "active"]
    assert result["facts"] == facts
    assert result["warnings"] == ["w"]
    assert (result["policy"]["max_active"], result["policy"]["wait"]) == (0, 0.0)
    assert result["msg"].splitlines()[0].endswith("(3 services as siteadmin): failed")
    assert "ERROR 000732" in result["msg"]


def test_the_module_is_asked_for_what_the_policy_needs_and_gets_the_options_as_they_are(
    gate: Gate, facts: Result
) -> None:
    """What is not in the task must stay open: the environment of the machine where the module runs decides."""
    gate.run(
        measured(facts),
        url="https://h",
        service="A",
        max_active="5",
        max_failed=3,
        window="2h",
        username="",
        progress=False,
    )
    (asked,) = gate.asked
    assert asked == {
        "url": "https://h",
        "service": "A",
        **_gate.wanted(Policy.read({"max_active": 5, "max_failed": 3}.get)),
        "ended_after": "7260s",
        "memory": "new",
    }
    assert gate.asked_to_log_in == [], "one measurement logs in by itself"


def test_limits_let_pass(gate: Gate, facts: Result) -> None:
    result = gate.run(measured(facts), max_active=1, max_failed="unlimited")
    assert (result["failed"], result["passed"], result["blocked"], result["reasons"]) == (False, True, False, [])
    assert "ended_after" not in gate.asked[0]


@pytest.mark.parametrize(
    "module",
    [
        UNREACHABLE,
        {"failed": True, "msg": "MODULE FAILURE", "rc": 1},
        {"unreachable": True, "msg": "No ssh"},
        {"skipped": True},
        {},
        {"changed": False, "counts": None, "failed": True},
        {"changed": False, "counts": {"active": 0}, "complete": True},
    ],
    ids=str,
)
def test_what_could_not_be_measured_is_inconclusive_and_fails(gate: Gate, module: Result) -> None:
    result = gate.run(module, url="https://h")
    assert (result["failed"], result["passed"], result["verdict"]) == (True, False, "inconclusive")
    assert result["facts"] is None
    assert str(module.get("msg") or "gave no facts") in result["msg"]
    assert result.get("failure") == module.get("failure")


@pytest.mark.parametrize("change", [{"complete": False}, {"services": []}, {"complete": "********"}, {"as_of": None}])
def test_odd_facts_never_pass(gate: Gate, facts: Result, change: Result) -> None:
    result = gate.run(measured({**facts, **change}), max_active="unlimited", max_failed="unlimited")
    assert (result["passed"], result["failed"]) == (False, True)


@pytest.mark.parametrize("password", ["0", "e", "passed", "20", "Executing", "1 active"])
def test_a_password_that_is_part_of_the_facts_does_not_change_the_verdict(
    gate: Gate, facts: Result, idle: Result, password: str
) -> None:
    """Core has cut it out of what the module shows; the verdict is reached by the memory, which nothing cuts."""
    holes: Result = {"counts": "********", "complete": "********", "as_of": "********"}
    blocked = gate.run({**measured(facts), **holes}, url="https://h", password=password, username="u")
    assert (blocked["verdict"], blocked["failed"], blocked["blocked"]) == ("failed", True, True)
    gate.results.clear()
    passed = gate.run({**measured(idle), **holes}, url="https://h", password=password, username="u")
    assert (passed["verdict"], passed["passed"], passed["failed"]) == ("passed", True, False)
    shown = [blocked["msg"], passed["msg"], *gate.printed, *(one["text"] for one in blocked["reasons"])]
    assert not any(password in text for text in shown)


@pytest.mark.parametrize("options", [{"max_activ": 1}, {"api": "portal"}, {"job_status": "failed"}])
def test_options_that_core_refuses(gate: Gate, options: Result) -> None:
    with pytest.raises(AnsibleError):
        gate.run({}, **options)
    assert gate.asked == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"max_active": "none"}, "'none' is not a limit (option max_active)"),
        ({"window": "soon"}, "'soon' is not a duration (option window)"),
        ({"steady": 2}, "(option wait)"),
        ({"override": {"by": "Ada"}}, "(option override)"),
        ({"exempt": [{"service": "", "reason": "x"}]}, "(option exempt[1])"),
    ],
)
@pytest.mark.parametrize("more", [{}, {"mode": "observe"}, {"on_inconclusive": "warn"}])
def test_options_that_mean_nothing_ask_nobody_and_fail_in_every_mode(
    gate: Gate, options: Result, words: str, more: Result
) -> None:
    result = gate.run({}, **options, **more)
    assert (result["failed"], result["blocked"]) == (True, True)
    assert words in result["msg"]
    assert gate.asked == []


def test_a_misspelt_service_fails_in_every_mode(gate: Gate) -> None:
    unknown = {"failed": True, "msg": "There is no service A", "failure": {"kind": "UnknownService", "nearest": []}}
    result = gate.run(unknown, mode="observe", wait="1h", services=["A"])
    assert (result["failed"], result["verdict"], len(gate.asked)) == (True, "inconclusive", 1)


def test_a_named_service_that_goes_away_while_it_waits_is_not_misspelt(gate: Gate, facts: Result) -> None:
    unknown = {"failed": True, "msg": "There is no service A", "failure": {"kind": "UnknownService", "nearest": []}}
    result = gate.run(measured(facts), unknown, mode="observe", wait="1h", max_failed=1, services=["A"])
    assert (result["failed"], result["verdict"], result["polls"]) == (False, "inconclusive", 4)
    assert "There is no service A" in result["msg"]


# --- consequences ----------------------------------------------------------------------------------------------------


def test_observed_only(gate: Gate, facts: Result) -> None:
    result = gate.run(measured(facts), mode="observe")
    assert (result["failed"], result["blocked"], result["passed"], result["verdict"]) == (False, False, False, "failed")
    assert "would have stopped the deployment" in result["msg"]
    assert "would have stopped the deployment" in gate.warned[0]


def test_a_warning_where_nobody_knows(gate: Gate, facts: Result) -> None:
    result = gate.run(UNREACHABLE, on_inconclusive="warn")
    assert (result["failed"], result["verdict"]) == (False, "inconclusive")
    gate.results.clear()
    assert gate.run(measured(facts), on_inconclusive="warn")["failed"] is True


def test_break_glass_measures_once_and_is_recorded(gate: Gate, facts: Result) -> None:
    glass = {"reason": "Outage", "by": "Ada", "until": "2030-01-01"}
    result = gate.run(measured(facts), override=glass, wait="1h", steady=3)
    assert (result["failed"], result["passed"], result["verdict"], result["overridden"]) == (
        False,
        False,
        "failed",
        True,
    )
    assert result["override"] == {"reason": "Outage", "by": "Ada", "until": "2030-01-01T00:00:00Z"}
    assert (result["polls"], gate.now) == (1, 0)
    assert "Overridden by Ada (Outage)" in result["msg"]


# --- polling -------------------------------------------------------------------------------------------------------


def test_polls_share_a_login_a_window_and_a_memory(gate: Gate, facts: Result, idle: Result) -> None:
    busy = measured({**facts, "as_of": "2026-11-24T09:00:00Z"})
    result = gate.run(
        busy, busy, measured(idle), max_failed=1, wait="1m", username="u", password="p4ssw0rd", url="https://h"
    )
    assert (result["verdict"], result["polls"], result["waited"], result["ended"]) == ("passed", 3, 20, 1)
    assert gate.asked_to_log_in == [{"username": "u", "password": "p4ssw0rd", "url": "https://h"}]
    assert [asked["token"] for asked in gate.asked] == ["T0ken-of-the-wait"] * 3
    assert [asked["api"] for asked in gate.asked] == ["server"] * 3
    assert [asked["ended_after"] for asked in gate.asked] == ["3660s", "1795507140.000", "1795507140.000"]
    assert [asked["memory"] == "new" for asked in gate.asked] == [True, False, False]
    assert "T0ken" not in str(result)
    assert "after 3 polls in 20 s (1 job ended and 0 jobs arrived meanwhile): passed" in result["msg"]


def test_a_token_that_ran_out_is_renewed_and_the_measurement_repeated(gate: Gate, facts: Result, idle: Result) -> None:
    gate.logins = [TOKEN, {**TOKEN, "armoured_token": _armour.put_on(b"second")}]
    result = gate.run(
        measured(facts), REFUSED, measured(idle), max_failed=1, wait="1m", username="u", password="p", token="given"
    )
    assert (result["verdict"], result["polls"]) == ("passed", 2)
    assert gate.asked_to_log_in[0]["token"] == "given"
    assert [asked.get("renew") for asked in gate.asked_to_log_in] == [None, True]
    assert [asked["token"] for asked in gate.asked] == ["T0ken-of-the-wait", "T0ken-of-the-wait", "second"]


LOST = {"failed": True, "msg": "No answer", "failure": {"kind": "Unreachable", "where": "POST https://h/generateToken"}}
WRONG = {"failed": True, "msg": "Refused", "failure": {"kind": "LoginRefused", "where": "POST https://h/generateToken"}}
CLOSED = {"failed": True, "msg": "Refused connection", "failure": {**LOST["failure"], "unsent": True}}  # type: ignore[dict-item]
ASLEEP = {
    "failed": True,
    "msg": "No connection",
    "failure": {"kind": "Unreachable", "where": "GET https://h/rest/info"},
}


BROKEN = {"failed": True, "msg": "MODULE FAILURE"}


@pytest.mark.parametrize(("login", "tries"), [(BROKEN, 1), (LOST, 1), (WRONG, 1), (CLOSED, 4), (ASLEEP, 4)])
def test_a_password_that_may_have_been_seen_is_not_sent_again(gate: Gate, login: Result, tries: int) -> None:
    gate.logins = [login] * 9
    result = gate.run({}, startup_wait="15s", wait="1h", error_limit=2, username="u", password="p")
    assert (result["verdict"], len(gate.asked_to_log_in)) == ("inconclusive", tries)
    assert gate.asked == []


def test_a_password_that_is_refused_in_mid_wait_ends_it(gate: Gate, facts: Result) -> None:
    gate.logins = [TOKEN, WRONG]
    result = gate.run(measured(facts), REFUSED, max_failed=1, wait="1h", username="u", password="p")
    assert (result["verdict"], len(gate.asked_to_log_in)) == ("inconclusive", 2)
    assert "Refused" in result["msg"]


def test_a_given_token_that_nobody_can_renew_ends_the_wait(gate: Gate) -> None:
    no_password = {"failed": True, "msg": "Nothing to log in with", "failure": {"kind": "BadOption"}}
    gate.logins = [TOKEN, no_password]
    result = gate.run(REFUSED, wait="1h", token="given")
    assert (result["verdict"], result["msg"].splitlines()[1], len(gate.asked)) == ("inconclusive", "- 498", 1)


def test_errors_between_polls_are_waited_out(gate: Gate, idle: Result) -> None:
    result = gate.run(UNREACHABLE, UNREACHABLE, measured(idle), wait="1m")
    assert (result["verdict"], result["polls"]) == ("passed", 3)
    assert gate.printed[0] == "[gis1] inconclusive: No connection (GET https://h)."


def test_check_mode_measures_once(gate: Gate, facts: Result) -> None:
    result = gate.run(measured(facts), check=True, wait="1h", initial_delay="1m")
    assert (result["failed"], result["polls"], gate.now) == (True, 1, 0)


def test_the_first_poll_is_delayed_where_that_is_asked_for(gate: Gate, idle: Result) -> None:
    assert gate.run(measured(idle), initial_delay="90s")["waited"] == 0
    assert gate.now == 90


# --- names that have to exist -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entry", "answer", "is_refused"),
    [
        ({"service": "System/PublishingTools"}, None, False),
        (
            {"service": "Other/Service"},
            {"failure": {"kind": "UnknownService", "what": "No.", "cure": "x", "nearest": []}},
            True,
        ),
        ({"service": "Other/Service"}, {"failure": {"kind": "UnknownService", "what": "Sync.", "cure": "x"}}, False),
        ({"service": "Other/Service"}, {"failure": {"kind": "NotAllowed"}}, False),
        ({"service": "Other/Service"}, {"memory": "x"}, False),
        ({"service": "Other/Service", "missing": "ignore"}, None, False),
        ({"service": "Other/*"}, None, False),
        ({"service": "Other/Service", "until": "2020-01-01"}, None, False),
    ],
)
@pytest.mark.parametrize("option", ["exempt", "overrides"])
def test_services_that_are_named_exactly(
    gate: Gate, idle: Result, option: str, entry: Result, answer: Result | None, is_refused: bool
) -> None:
    if option == "overrides":
        if "until" in entry:
            return
        entry = {**entry, "max_active": 1}
    else:
        entry = {**entry, "reason": "x"}
    results = [measured(idle)] + ([answer] if answer is not None else [])
    options: dict[str, t.Any] = {option: [entry]}
    result = gate.run(*results, **options)
    assert result["failed"] is is_refused
    assert len(gate.asked) == len(results)
    if is_refused:
        assert f"No. (option {option}[1])." in result["msg"]


def test_a_mark_in_the_sites_future_is_refused_after_the_first_look(gate: Gate, idle: Result) -> None:
    result = gate.run(measured({**idle, "as_of": "2026-11-24T09:00:00Z"}), since="2026-11-24T10:00:00Z", mode="observe")
    assert (result["failed"], len(gate.asked)) == (True, 1)
    assert "option since" in result["msg"]


# --- what is shown ---------------------------------------------------------------------------------------------------


def test_a_line_a_poll_that_begins_with_the_host(gate: Gate, facts: Result, idle: Result) -> None:
    gate.run(measured(facts), measured(facts), measured(idle), max_failed=1, wait="25s", poll_interval_max="10s")
    assert [line.split(" ", 2)[2] for line in gate.printed] == [
        "waiting, 0:25 left: Analysis/Buffer 1 active; System/PublishingTools 1 failed",
        "waiting, 0:15 left: Analysis/Buffer 1 active; System/PublishingTools 1 failed",
        "passed: 1 service idle and clean (since the last poll 0 arrived, 1 ended)",
    ]
    assert all(line.startswith("[gis1] ") for line in gate.printed)


@pytest.mark.parametrize("options", [{"progress": False}, {"no_log": True}])
def test_nothing_is_printed_where_nothing_should_be(gate: Gate, facts: Result, options: Result) -> None:
    gate.run(measured(facts), **options)
    assert gate.printed == []


def test_every_option_of_the_policy_is_in_the_result(gate: Gate, idle: Result) -> None:
    """But for what is about the task and not about the site."""
    policy = gate.run(measured(idle))["policy"]
    assert set(policy) == set(_options.GATE) - {"progress", "mode", "override"}
