# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measurements: what the modules are asked for, how often a login is tried, and which option is wrong."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.gisops.arcgis.plugins.module_utils import _opaque
from ansible_collections.gisops.arcgis.plugins.module_utils._errors import BadOption
from ansible_collections.gisops.arcgis.plugins.plugin_utils._gate.measure import QUERY, TOKEN, Meter, wanted

from .given import NOW, Given, facts, policy, service, site


def measured(*services: Given, **more: t.Any) -> Given:
    """The result of a good query; its plain facts are there too, and not looked at."""
    return {"changed": False, "poll_state": _opaque.pack({"facts": site(*services, **more)}), "counts": "********"}


def failure(kind: str, where: str = "GET https://h", **more: t.Any) -> Given:
    told = {"kind": kind, "what": "It went wrong", "where": where, "cure": "Look.", **more}
    return {"failed": True, "msg": f"{kind}.", "failure": told, "complete": False, "services": [], "jobs": []}


GOOD = measured(service())
REFUSED = failure("TokenRefused")
GONE = failure("UnknownService", "option services", nearest=[], cure="Did you mean B?, or set missing: ignore.")


class Modules:
    """Stands in for the modules: gives these results, the last one for ever, and notes what was asked."""

    def __init__(self, *results: Given, logins: t.Sequence[Given] = ()) -> None:
        self.results = list(results)
        self.logins = list(logins)
        self.asked: list[Given] = []
        self.asked_to_log_in: list[Given] = []

    def __call__(self, name: str, options: Given) -> Given:
        if name == TOKEN:
            self.asked_to_log_in.append(options)
            number = len(self.asked_to_log_in)
            token = {"armoured_token": _opaque.put_on(f"token{number}".encode()), "api": "server"}
            return self.logins.pop(0) if self.logins else token
        assert name == QUERY
        self.asked.append(options)
        return self.results.pop(0) if len(self.results) > 1 else self.results[0]


CONNECTION = {"url": "https://h", "username": "u", "password": "p"}


def meter(modules: Modules, *, often: bool = False, asked: Given | None = None, **options: t.Any) -> Meter:
    return Meter(modules, CONNECTION, asked or {}, policy(**options), often=often)


# --- what is asked for -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, {"job_status": ["active", "failed", "timed_out"], "enough": 1, "include": ["states", "durations"]}),
        ({"max_failed": 5}, {"enough": 6}),
        ({"max_failed": 5, "service_limits": [{"service": "*", "max_failed": 8}]}, {"enough": 9}),
        ({"max_failed": "unlimited"}, {"job_status": ["active"], "enough": None}),
        ({"max_active": "unlimited"}, {"job_status": ["failed", "timed_out"], "include": ["states"]}),
        ({"max_active": "unlimited", "max_failed": "unlimited"}, {"job_status": ["active"]}),
        ({"max_active": "unlimited", "total_max_active": 3, "max_failed": "unlimited"}, {"job_status": ["active"]}),
        ({"exempt": [{"user": "a", "reason": "x"}]}, {"enough": None}),
        ({"exempt": [{"service": "a", "reason": "x"}]}, {"enough": 1}),
        ({"max_failed_percent": 5}, {"enough": None, "include": ["states", "durations", "succeeded"]}),
        ({"must_answer": True}, {"include": ["states", "durations", "answers"]}),
        ({"since": {"at": NOW, "failed": {"A": ["1", "2"], "B": ["3"]}}}, {"enough": 3}),
        ({"since": NOW}, {"enough": 1}),
    ],
    ids=str,
)
def test_the_facts_that_a_policy_needs(options: Given, expected: Given) -> None:
    """Active jobs of any age, and failed ones by when they ended; never the site's own window, which may hide jobs."""
    said = wanted(policy(**options))
    assert {name: said.get(name) for name in expected} == expected
    assert (said["detail"], said["detail_limit"], said["message_limit"]) == ("full", 500, 5)
    assert not {"start_time", "end_time", "limit"} & said.keys()


def test_one_measurement_logs_in_by_itself() -> None:
    modules = Modules(GOOD)
    found = meter(modules, asked={"service": "A", "retention": "6h"}).measure()
    assert (found.facts, found.error, found.failure) == (facts(service()), "", None)
    assert modules.asked == [
        {
            **CONNECTION,
            **wanted(policy()),
            "service": "A",
            "retention": "6h",
            "ended_after": "3660s",
            "poll_state": "new",
        }
    ]
    assert modules.asked_to_log_in == []


def test_all_measurements_share_a_login_a_window_and_a_poll_state() -> None:
    modules = Modules(measured(service(), clock_difference=100))
    several = meter(modules, often=True)
    for _number in range(3):
        assert several.measure().facts
    assert modules.asked_to_log_in == [CONNECTION]
    assert [(one["token"], one["api"]) for one in modules.asked] == [("token1", "server")] * 3
    assert [one["ended_after"] for one in modules.asked] == ["3660s", "1795507040.000", "1795507040.000"]
    assert [one["poll_state"] == "new" for one in modules.asked] == [True, False, False]
    assert several.policy.began == NOW - 100


def test_no_window_is_asked_for_if_failures_do_not_matter() -> None:
    modules = Modules(GOOD)
    meter(modules, max_failed="unlimited").measure()
    assert "ended_after" not in modules.asked[0]


def test_a_mark_is_asked_for_with_its_slack() -> None:
    modules = Modules(GOOD)
    marked = meter(modules, since=NOW - 3600.5, clock_slack="2m")
    marked.measure()
    marked.measure()
    assert [one["ended_after"] for one in modules.asked] == ["1795507079.500"] * 2
    modules = Modules(GOOD)
    meter(modules, since="1970-01-01T00:00:05Z").measure()
    assert modules.asked[0]["ended_after"] == "1.000"


def test_only_some_services_are_asked() -> None:
    modules = Modules(GOOD)
    meter(modules, asked={"service": "A/*"}, exempt=[{"service": "C/*", "reason": "x"}]).measure(["A/B.GPServer"])
    assert modules.asked[0]["services"] == [{"name": "A/B.GPServer", "missing": "ignore"}]
    assert not {"service", "exclude_services"} & modules.asked[0].keys()


def test_what_is_exempted_for_good_is_not_asked() -> None:
    entries = [
        {"service": "A/B"},
        {"service": "C/*"},
        {"service": "D/*", "until": "2030-01-01"},
        {"service": "E/*", "user": "u"},
        {"user": "u"},
    ]
    modules = Modules(GOOD)
    several = meter(modules, exempt=[{"reason": "x", **one} for one in entries])
    several.measure()
    several.measure()
    assert [one.get("exclude_services") for one in modules.asked] == [["C/*"], ["A/B", "C/*"]]
    modules = Modules(GOOD)
    meter(modules).measure()
    assert "exclude_services" not in modules.asked[0]


# --- tokens and passwords --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("often", [False, True])
def test_a_token_that_ran_out_is_renewed_and_the_measurement_repeated(often: bool) -> None:
    modules = Modules(REFUSED, GOOD)
    assert meter(modules, often=often).measure().facts
    assert [one.get("renew") for one in modules.asked_to_log_in] == [None, True][not often :]
    assert [one.get("token") for one in modules.asked] == (["token1", "token2"] if often else [None, "token1"])


def test_a_token_is_renewed_three_times_at_most() -> None:
    modules = Modules(REFUSED)
    several = meter(modules, often=True)
    found = [several.measure() for _number in range(4)]
    assert [one.is_final for one in found] == [False, False, False, True]
    assert len(modules.asked_to_log_in) == 4
    assert found[-1].kind == "TokenRefused"


def test_a_token_that_nobody_can_renew_is_final() -> None:
    modules = Modules(REFUSED, logins=[failure("BadOption", "option password")])
    found = meter(modules).measure()
    assert (found.kind, found.is_final) == ("TokenRefused", True)


POST = "POST https://h/generateToken"


@pytest.mark.parametrize(
    ("login", "is_final"),
    [
        (failure("LoginRefused", POST), True),
        (failure("Unreachable", POST), True),
        (failure("Unreachable", POST, unsent=True), False),
        (failure("Unreachable", "GET https://h/rest/info"), False),
        (failure("OutOfTime", POST), True),
        (failure("Unforeseen", "tokens.py, line 5"), True),
        ({"failed": True, "msg": "MODULE FAILURE"}, True),
        (failure("Busy", POST), False),
        (failure("NotLoggedIn", POST), False),
        (failure("SiteError", POST), False),
    ],
)
@pytest.mark.parametrize("is_renewal", [False, True])
def test_a_password_that_may_have_been_seen_is_not_sent_again(login: Given, is_final: bool, is_renewal: bool) -> None:
    modules = Modules(REFUSED, logins=[login])
    found = meter(modules, often=not is_renewal).measure()
    assert (found.error, found.failure, found.is_final) == (login["msg"], login.get("failure"), is_final)
    assert (len(modules.asked), len(modules.asked_to_log_in)) == (int(is_renewal), 1)


@pytest.mark.parametrize(("kind", "is_final"), [("LoginRefused", True), ("Unreachable", False), ("NotAllowed", False)])
def test_only_a_refused_password_is_final_in_a_query(kind: str, is_final: bool) -> None:
    assert meter(Modules(failure(kind, POST))).measure().is_final is is_final


# --- what is no facts -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (failure("Unreachable"), "Unreachable."),
        ({"failed": True, "msg": "MODULE FAILURE", "rc": 1}, "MODULE FAILURE"),
        ({"unreachable": True, "msg": "No ssh"}, "No ssh"),
        ({"skipped": True}, "The module gave no facts."),
        ({**GOOD, "failed": True, "msg": ""}, "The module gave no facts."),
        ({"counts": {"active": 0}, "complete": True}, "The module gave no facts."),
        ({"poll_state": "new"}, "The query returned no facts"),
        (measured(as_of=None), "The facts cannot be read"),
    ],
    ids=str,
)
def test_results_without_facts(result: Given, words: str) -> None:
    found = meter(Modules({**result, "warnings": ["w"]})).measure()
    assert found.facts is None
    assert words in found.error
    assert (found.is_final, found.warnings) == (False, ("w",))


def test_warnings_come_with_facts() -> None:
    assert meter(Modules({**GOOD, "warnings": ["w"]})).measure().warnings == ("w",)


def test_a_poll_state_that_cannot_be_read_is_not_handed_on() -> None:
    modules = Modules({"poll_state": "odd"})
    several = meter(modules)
    several.measure()
    several.measure()
    assert [one["poll_state"] for one in modules.asked] == ["new", "new"]


# --- wrong options ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("result", [GONE, failure("BadOption", "option url")])
@pytest.mark.parametrize("often", [False, True])
def test_an_option_is_wrong_at_the_first_measurement_alone(result: Given, often: bool) -> None:
    with pytest.raises(BadOption, match="It went wrong") as caught:
        meter(Modules(result), often=often).measure()
    assert caught.value.failure == result["failure"]
    later = meter(Modules(GOOD, result))
    later.measure()
    found = later.measure()
    assert (found.failure, found.is_final) == (result["failure"], False)


def test_a_login_that_lacks_an_option() -> None:
    with pytest.raises(BadOption, match="option password"):
        meter(Modules(GOOD, logins=[failure("BadOption", "option password")]), often=True).measure()


def test_a_mark_in_the_sites_future() -> None:
    with pytest.raises(BadOption, match="option since"):
        meter(Modules(failure("BadOption", "option ended_after")), since=NOW).measure()
    with pytest.raises(BadOption, match="option since"):
        meter(Modules(GOOD), since=NOW + 90).measure()
    with pytest.raises(BadOption, match="option ended_after"):
        meter(Modules(failure("BadOption", "option ended_after"))).measure()


def exempt(**entry: t.Any) -> Given:
    return {"exempt": [{"reason": "x", **entry}]}


@pytest.mark.parametrize(
    ("options", "option"),
    [
        (exempt(service="A/C"), "exempt[1]"),
        (exempt(service="A/C", user="u"), "exempt[1]"),
        (
            {"service_limits": [{"service": "*", "max_failed": 1}, {"service": "A/C", "max_active": 1}]},
            "service_limits[2]",
        ),
    ],
)
@pytest.mark.parametrize("often", [False, True])
def test_a_name_that_the_site_does_not_have_is_misspelt(options: Given, option: str, often: bool) -> None:
    modules = Modules(GOOD, GONE)
    with pytest.raises(BadOption) as caught:
        meter(modules, often=often, **options).measure()
    assert str(caught.value) == (
        f"It went wrong (option {option}). Did you mean B? Or say missing: ignore there, if it may be missing."
    )
    login = {"token": "token1", "api": "server"} if often else {}
    assert modules.asked[1] == {**CONNECTION, **login, "services": ["A/C.GPServer"]}


@pytest.mark.parametrize(
    ("options", "first", "answer"),
    [
        (exempt(service="A/B"), GOOD, GONE),
        (exempt(service="A/C"), measured(service(), stopped=["A/C.GPServer"]), GONE),
        (exempt(service="A/C", missing="ignore"), GOOD, GONE),
        (exempt(service="A/*"), GOOD, GONE),
        (exempt(service="A/C", until="2026-11-24T08:00:00Z"), GOOD, GONE),
        (exempt(service="A/C"), GOOD, GOOD),
        (exempt(service="A/C"), GOOD, failure("UnknownService", "option services")),
        (exempt(service="A/C"), GOOD, failure("Busy", nearest=[])),
    ],
    ids=str,
)
def test_a_name_that_may_be_right_is_let_pass(options: Given, first: Given, answer: Given) -> None:
    modules = Modules(first, answer)
    assert meter(modules, **options).measure().facts


def test_names_are_looked_up_once() -> None:
    modules = Modules(GOOD)
    several = meter(modules, **exempt(service="A/C"))
    several.measure()
    several.measure()
    assert len(modules.asked) == 3
