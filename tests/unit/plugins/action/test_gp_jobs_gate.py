# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action gp_jobs_gate: how it waits, what it makes of the modules' results, and what it shows."""

from __future__ import annotations

import typing as t
from types import SimpleNamespace

import pytest
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.gisops.arcgis.plugins.action import gp_jobs_gate as action
from ansible_collections.gisops.arcgis.plugins.module_utils import _opaque, _options
from ansible_collections.gisops.arcgis.plugins.plugin_utils._gate.outcome import NOTHING

from ...actions import run_action
from ..plugin_utils._gate.given import Given, failed, job, running, service, site

Result = dict[str, t.Any]

LOGIN = "gisops.arcgis.gp_token"
TOKEN = {"armoured_token": _opaque.put_on(b"T0ken-of-the-wait"), "api": "server", "expires": None}
REFUSED = {"failed": True, "msg": "498", "failure": {"kind": "TokenRefused", "where": "GET https://h"}}
UNREACHABLE = {"failed": True, "msg": "No connection (GET https://h).", "failure": {"kind": "Unreachable"}}
WRONG = {"failed": True, "msg": "Refused", "failure": {"kind": "LoginRefused", "where": "POST https://h/generateToken"}}
UNKNOWN = {"failed": True, "msg": "No", "failure": {"kind": "UnknownService", "what": "There is no A"}}


def measured(*services: Given, **more: t.Any) -> Result:
    """The result of gp_jobs_query for a task that has a poll state. The plain facts in it are not looked at."""
    facts = site(*services, **more)
    return {**facts, "changed": False, "poll_state": _opaque.pack({"facts": facts})}


BUSY = "Analysis/Buffer.GPServer"
BAD = "System/PublishingTools.GPServer"
AT_WORK = measured(service(BUSY, active=1), service("C.GPServer"), jobs=running(service=BUSY))
HAS_FAILED = measured(
    service(BUSY, active=1), service(BAD, failed=1), jobs=[*running(service=BUSY), *failed(service=BAD)]
)
WATCHED = measured(service(BUSY, active=1), jobs=running(service=BUSY))
WATCHED_IDLE = measured(service(BUSY))
IDLE = measured(service(BUSY), service("C.GPServer"))


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
        self.results = [*results]
        result = run_action("gisops.arcgis.gp_jobs_gate", options, check=check, no_log=no_log, host="gis1")
        assert NOTHING.keys() <= result.keys(), "every key, whatever happened"
        assert result["changed"] is False
        return result

    @property
    def watched(self) -> list[list[str] | None]:
        """The services that each query was about; None for all of them."""
        named = [asked.get("services") for asked in self.asked]
        return [[one["name"] for one in names] if names else None for names in named]


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    return Gate(monkeypatch)


# --- one measurement -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("check", [False, True])
def test_a_site_that_is_at_work_fails(gate: Gate, check: bool) -> None:
    module = {**HAS_FAILED, "invocation": {"module_args": {}}, "_ansible_x": 1, "warnings": ["w"]}
    result = gate.run(module, check=check, url="https://h", services=["A"], wait="1h" if check else "0")
    assert (result["failed"], result["passed"], result["verdict"]) == (True, False, "failed")
    assert (result["blocked"], result["overridden"], result["polls"], result["waited"]) == (True, False, 1, 0)
    assert [reason["rule"] for reason in result["reasons"]] == ["failed", "active"]
    assert result["facts"] == {key: HAS_FAILED[key] for key in site()}
    assert (result["warnings"], result["failure"]) == (["w"], None)
    assert (result["policy"]["max_active"], result["policy"]["wait"]) == (0, 0.0)
    assert result["msg"].splitlines()[0].endswith("(as siteadmin): 2 of 2 services")
    assert "ERROR 000732" in result["msg"]


def test_the_module_gets_the_options_as_they_are(gate: Gate) -> None:
    """What is not in the task must stay open: the environment of the machine where the module runs decides."""
    gate.run(
        IDLE, url="https://h", service="A", retention="6h", max_active="5", window="2h", username="", progress=False
    )
    (asked,) = gate.asked
    assert {name: asked[name] for name in ("url", "service", "retention", "ended_after", "poll_state")} == {
        "url": "https://h",
        "service": "A",
        "retention": "6h",
        "ended_after": "7260s",
        "poll_state": "new",
    }
    assert not asked.keys() & {"username", "password", "timeout", "services", "window", "max_active", "progress"}
    assert gate.asked_to_log_in == [], "one measurement logs in by itself"


def test_limits_let_pass(gate: Gate) -> None:
    result = gate.run(HAS_FAILED, max_active=1, max_failed="unlimited")
    assert (result["failed"], result["passed"], result["blocked"], result["reasons"]) == (False, True, False, [])


def test_a_result_is_not_huge(gate: Gate) -> None:
    jobs = [job(service=BUSY, job_id=f"j{number}", status="waiting", end_time=None) for number in range(20_000)]
    result = gate.run(measured(service(BUSY, active=20_000, queued=20_000), jobs=jobs))
    assert (len(result["facts"]["jobs"]), len(result["reasons"][0]["jobs"])) == (100, 5)
    assert len(str(result)) < 100_000


@pytest.mark.parametrize(
    "module",
    [
        UNREACHABLE,
        {"failed": True, "msg": "MODULE FAILURE", "rc": 1},
        {},
        {**IDLE, "failed": True, "msg": ""},
        {**IDLE, "poll_state": None},
    ],
    ids=str,
)
def test_what_could_not_be_measured_is_inconclusive_and_fails(gate: Gate, module: Result) -> None:
    result = gate.run(module, url="https://h")
    assert (result["failed"], result["passed"], result["verdict"]) == (True, False, "inconclusive")
    assert (result["facts"], result["failure"]) == (None, module.get("failure"))
    assert str(module.get("msg") or "gave no facts") in result["msg"]


def test_facts_that_cannot_be_read_never_pass(gate: Gate) -> None:
    result = gate.run(measured(service(), as_of="********"), max_active="unlimited", max_failed="unlimited")
    assert (result["passed"], result["failed"], result["failure"]["kind"]) == (False, True, "UnreadableFacts")


@pytest.mark.parametrize("password", ["0", "e", "passed", "20", "Executing", "1 active"])
def test_a_password_that_is_part_of_the_facts_does_not_change_the_verdict(gate: Gate, password: str) -> None:
    """Core has cut it out of what the module shows; the verdict is reached by the poll state, which nothing cuts."""
    holes: Result = {"counts": "********", "complete": "********", "as_of": "********"}
    blocked = gate.run({**HAS_FAILED, **holes}, url="https://h", password=password, username="u")
    assert (blocked["verdict"], blocked["failed"], blocked["blocked"]) == ("failed", True, True)
    passed = gate.run({**IDLE, **holes}, url="https://h", password=password, username="u")
    assert (passed["verdict"], passed["passed"], passed["failed"]) == ("passed", True, False)
    shown = [blocked["msg"], passed["msg"], *gate.printed, *(one["text"] for one in blocked["reasons"])]
    assert not any(password in text for text in shown)


# --- wrong options ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"max_activ": 1}, "max_activ"),
        ({"api": "portal"}, "portal"),
        ({"job_status": "failed"}, "job_status"),
        ({"steady": "twice"}, "twice"),
        ({"max_active": "none"}, "'none' is not a limit (option max_active)"),
        ({"window": "soon"}, "'soon' is not a duration (option window)"),
        ({"steady": 2}, "(option wait)"),
        ({"override": {"by": "Ada"}}, "(option override)"),
        ({"exempt": [{"service": "", "reason": "x"}]}, "(option exempt[1])"),
    ],
)
@pytest.mark.parametrize("more", [{}, {"mode": "observe", "on_inconclusive": "warn"}])
def test_a_wrong_option_asks_nobody_and_fails_in_every_mode(
    gate: Gate, options: Result, words: str, more: Result
) -> None:
    result = gate.run({}, **options, **more)
    assert (result["failed"], result["blocked"], result["passed"]) == (True, True, False)
    assert (result["verdict"], result["facts"], result["polls"]) == ("inconclusive", None, 0)
    assert words in result["msg"]
    assert result["failure"]["kind"] == "BadOption"
    assert gate.asked == []


def test_a_misspelt_service_fails_in_every_mode(gate: Gate) -> None:
    result = gate.run(UNKNOWN, mode="observe", wait="1h", services=["A"])
    assert (result["failed"], result["verdict"], len(gate.asked)) == (True, "inconclusive", 1)
    assert (result["mode"], result["failure"]["kind"]) == ("observe", "UnknownService")


def test_a_named_service_that_goes_away_while_it_waits_is_not_misspelt(gate: Gate) -> None:
    result = gate.run(AT_WORK, UNKNOWN, mode="observe", wait="30s", services=["A"])
    assert (result["failed"], result["verdict"], result["polls"]) == (False, "inconclusive", 4)


# --- consequences ----------------------------------------------------------------------------------------------------


def test_observed_only(gate: Gate) -> None:
    result = gate.run(HAS_FAILED, mode="observe")
    assert (result["failed"], result["blocked"], result["passed"], result["verdict"]) == (False, False, False, "failed")
    assert "would have stopped the deployment" in result["msg"].splitlines()[-1]
    assert "would have stopped the deployment" in gate.warned[0]
    assert [f"[gis1] {line}" for line in result["msg"].splitlines()] == gate.printed[1:], "the whole of it"


def test_a_warning_if_nobody_knows(gate: Gate) -> None:
    result = gate.run(UNREACHABLE, on_inconclusive="warn")
    assert (result["failed"], result["verdict"]) == (False, "inconclusive")
    assert "No connection" in "\n".join(gate.printed)
    assert gate.run(HAS_FAILED, on_inconclusive="warn")["failed"] is True


def test_break_glass_measures_once_and_is_recorded(gate: Gate) -> None:
    glass = {"reason": "Outage", "by": "Ada", "until": "2030-01-01"}
    result = gate.run(AT_WORK, override=glass, wait="1h", steady=3)
    assert (result["failed"], result["passed"], result["verdict"]) == (False, False, "failed")
    assert (result["overridden"], result["polls"], gate.now) == (True, 1, 0)
    assert result["override"] == {"reason": "Outage", "by": "Ada", "until": "2030-01-01T00:00:00Z"}
    assert "Overridden by Ada (Outage)" in result["msg"]


@pytest.mark.parametrize(("difference", "is_overridden"), [(0, True), (600, True), (-600, False)])
def test_break_glass_ends_by_the_later_clock(gate: Gate, difference: int, is_overridden: bool) -> None:
    glass = {"reason": "Outage", "by": "Ada", "until": "2026-11-24T09:05:00Z"}
    at_work = measured(service(active=1), clock_difference=difference)
    result = gate.run(at_work, override=glass)
    assert (result["overridden"], result["failed"]) == (is_overridden, not is_overridden)
    assert bool(result["notices"]) is not is_overridden


# --- waiting ---------------------------------------------------------------------------------------------------------


def test_only_what_blocks_is_watched_and_the_whole_site_decides(gate: Gate) -> None:
    result = gate.run(AT_WORK, WATCHED, WATCHED_IDLE, IDLE, wait="1m", username="u", password="p4ssw0rd")
    assert (result["verdict"], result["polls"], result["waited"], result["ended"]) == ("passed", 3, 20, 1)
    assert gate.watched == [None, [BUSY], [BUSY], None]
    assert gate.asked_to_log_in == [{"username": "u", "password": "p4ssw0rd"}]
    assert [asked["token"] for asked in gate.asked] == ["T0ken-of-the-wait"] * 4
    assert "T0ken" not in str(result)
    head, after = result["msg"].splitlines()
    assert head.endswith(": 2 services")
    assert after == "  After 3 polls in 20 s: 1 job ended and 0 jobs arrived meanwhile."


def test_what_blocks_meanwhile_is_found_by_the_whole_site(gate: Gate) -> None:
    other = measured(service(BUSY), service("C.GPServer", active=1), jobs=running(service="C.GPServer"))
    result = gate.run(AT_WORK, WATCHED_IDLE, other, measured(service("C.GPServer")), IDLE, wait="1m")
    assert (result["verdict"], result["polls"], result["ended"], result["arrived"]) == ("passed", 3, 2, 1)
    assert gate.watched == [None, [BUSY], None, ["C.GPServer"], None]


def test_the_end_of_a_wait_tells_of_the_whole_site(gate: Gate) -> None:
    result = gate.run(AT_WORK, WATCHED, WATCHED, AT_WORK, wait="20s")
    assert (result["verdict"], result["polls"], result["waited"]) == ("failed", 3, 20)
    assert gate.watched == [None, [BUSY], [BUSY], None]
    assert len(result["facts"]["services"]) == 2


def test_a_failure_in_what_is_watched_ends_the_wait(gate: Gate) -> None:
    bad = measured(service(BUSY, failed=1), jobs=failed(service=BUSY))
    result = gate.run(AT_WORK, bad, HAS_FAILED, wait="10m")
    assert (result["verdict"], result["polls"], gate.watched) == ("failed", 2, [None, [BUSY], None])


def test_clean_polls_in_a_row_are_of_the_whole_site(gate: Gate) -> None:
    result = gate.run(IDLE, wait="1m", steady=3)
    assert (result["verdict"], result["polls"], gate.watched) == ("passed", 3, [None] * 3)


def test_after_an_error_the_whole_site_is_measured(gate: Gate) -> None:
    result = gate.run(AT_WORK, UNREACHABLE, IDLE, wait="1m")
    assert (result["verdict"], result["polls"], gate.watched) == ("passed", 3, [None, [BUSY], None])


def test_errors_are_waited_out(gate: Gate) -> None:
    result = gate.run(*[UNREACHABLE] * 5, IDLE, wait="1m")
    assert (result["verdict"], result["polls"]) == ("passed", 6)
    assert gate.printed[0] == "[gis1] waiting, 1:00 left: No connection (GET https://h)."


def test_a_password_that_is_refused_ends_the_wait(gate: Gate) -> None:
    gate.logins = [WRONG]
    result = gate.run(IDLE, wait="1h", username="u", password="p")
    assert (result["verdict"], result["polls"], len(gate.asked_to_log_in), gate.asked) == ("inconclusive", 1, 1, [])
    gate.logins = [TOKEN, WRONG]
    result = gate.run(AT_WORK, REFUSED, wait="1h", username="u", password="p")
    assert (result["verdict"], result["polls"], len(gate.asked_to_log_in)) == ("inconclusive", 2, 3)
    assert "Refused" in result["msg"]


def test_a_given_token_that_nobody_can_renew_ends_the_wait(gate: Gate) -> None:
    gate.logins = [TOKEN, {"failed": True, "msg": "Nothing to log in with", "failure": {"kind": "BadOption"}}]
    result = gate.run(REFUSED, wait="1h", token="given")
    assert (result["verdict"], result["msg"].splitlines()[1], len(gate.asked)) == ("inconclusive", "  498", 1)


# --- what is shown ---------------------------------------------------------------------------------------------------


def test_a_line_a_poll_that_begins_with_the_host(gate: Gate) -> None:
    gate.run(AT_WORK, WATCHED, WATCHED_IDLE, IDLE, wait="25s")
    assert gate.printed[:3] == [
        "[gis1] 09:00:00 UTC waiting, 0:25 left: Analysis/Buffer 1 active",
        "[gis1] 09:00:00 UTC waiting, 0:15 left: Analysis/Buffer 1 active",
        "[gis1] 09:00:00 UTC passed: 2 services idle and clean (since the last poll 0 arrived, 1 ended)",
    ]


@pytest.mark.parametrize("options", [{"progress": False}, {"no_log": True}])
@pytest.mark.parametrize("mode", ["enforce", "observe"])
def test_nothing_is_printed_if_nothing_should_be(gate: Gate, options: Result, mode: str) -> None:
    gate.run(HAS_FAILED, mode=mode, **options)
    assert gate.printed == []


def test_every_option_of_the_policy_is_in_the_result(gate: Gate) -> None:
    """But for what is about the task and not about the site."""
    policy = gate.run(IDLE)["policy"]
    assert set(policy) == set(_options.GATE) - {"progress", "mode", "override"}
