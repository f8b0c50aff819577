# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The policy: read from options, and every option that cannot be meant refused in a sentence that names it."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.gisops.arcgis.plugins.module_utils._errors import BadOption
from ansible_collections.gisops.arcgis.plugins.plugin_utils._gate.policy import Limits, Policy, age_of

Options = dict[str, t.Any]
NOW = 1_795_510_800.0  # 2026-11-24T09:00:00Z


def read(**options: t.Any) -> Policy:
    return Policy.read(options.get)


def exempt(**fields: t.Any) -> Options:
    return {"exempt": [{"reason": "x", **fields}]}


def test_the_defaults_are_the_strictest() -> None:
    assert read() == Policy()
    told = read().to_result()
    assert (told["max_active"], told["max_failed"], told["window"], told["clock_slack"]) == (0, 0, 3600, 60)
    assert (told["max_executing"], told["max_failed_percent"], told["exempt"], told["since"]) == (
        "unlimited",
        "unlimited",
        [],
        None,
    )


@pytest.mark.parametrize(
    ("options", "limits"),
    [
        ({"max_active": "2", "max_failed": 3}, Limits(max_active=2, max_failed=3)),
        ({"max_active": "Unlimited", "max_failed": " unlimited "}, Limits(max_active=None, max_failed=None)),
        ({"max_executing": 1}, Limits(max_active=None, max_executing=1)),
        ({"max_queued": 1}, Limits(max_active=None, max_queued=1)),
        ({"max_queued": 1, "max_active": 5}, Limits(max_active=5, max_queued=1)),
        ({"max_queued": "unlimited"}, Limits(max_active=None)),
        ({"max_failed_percent": "2.5"}, Limits(max_failed=None, max_failed_percent=2.5)),
        ({"max_failed_percent": "5 %"}, Limits(max_failed=None, max_failed_percent=5.0)),
        ({"max_failed_percent": 5, "max_failed": 0}, Limits(max_failed_percent=5.0)),
        ({"max_failed_percent": "unlimited"}, Limits(max_failed=None)),
        ({"max_failed_percent": 5, "min_finished": 3}, Limits(max_failed=None, max_failed_percent=5.0, min_finished=3)),
        ({"min_finished": 0}, Limits(min_finished=0)),
        ({"max_age": "2h"}, Limits(max_age=7200.0)),
        ({"max_age": "unlimited"}, Limits()),
    ],
    ids=str,
)
def test_limits(options: Options, limits: Limits) -> None:
    assert read(**options).limits == limits


BAD: list[tuple[Options, str]] = [
    ({"max_active": "-1"}, "'-1' is not a limit (option max_active). Use 0 or more, or unlimited."),
    ({"max_active": -1}, "'-1' is not a limit (option max_active)."),
    ({"max_failed": "none"}, "'none' is not a limit (option max_failed)."),
    ({"max_failed": "1.5"}, "'1.5' is not a limit (option max_failed)."),
    ({"max_failed": True}, "'True' is not a limit (option max_failed)."),
    ({"max_failed": ""}, "'' is not a limit (option max_failed)."),
    ({"max_failed": "٣"}, "'٣' is not a limit (option max_failed)."),
    ({"max_failed": "1" * 12}, "is not a limit (option max_failed)."),
    ({"total_max_active": "-2"}, "(option total_max_active)"),
    ({"max_executing": "few"}, "(option max_executing)"),
    ({"max_queued": "-1"}, "(option max_queued)"),
    ({"max_failed_percent": "101"}, "'101' is not a share (option max_failed_percent)."),
    ({"max_failed_percent": "-1"}, "(option max_failed_percent)"),
    ({"max_failed_percent": "nan"}, "(option max_failed_percent)"),
    ({"max_failed_percent": "half"}, "(option max_failed_percent)"),
    ({"max_failed_percent": 5, "min_finished": 0}, "A share of no jobs at all is none (option min_finished)."),
    ({"min_finished": -1}, "(option min_finished)"),
    ({"window": "soon"}, "'soon' is not a duration (option window)."),
    ({"window": "0"}, "'0' is no time at all (option window)."),
    ({"window": "-1h"}, "'-1h' is not a duration (option window)."),
    ({"window": "99999w"}, "is longer than a site can remember (option window)."),
    ({"window": "1h", "since": "2026-11-24T09:00:00Z"}, "not both (options since and window)."),
    ({"since": "yesterday"}, "'yesterday' is not a time (option since)."),
    ({"since": "2h"}, "'2h' is not a moment (option since)."),
    ({"since": {"failed": {}}}, "This is not a mark (option since)."),
    ({"since": {"at": "2026-11-24", "failed": []}}, "This is not a mark (option since)."),
    ({"since": {"at": "2026-11-24", "states": "x"}}, "This is not a mark (option since)."),
    ({"clock_slack": "x"}, "(option clock_slack)"),
    ({"max_age": "old"}, "'old' is not a duration (option max_age)."),
    ({"services": [""]}, "(option services)"),
    ({"exclude_services": ["a/b/c"]}, "(option exclude_services)"),
    (exempt(), "An exemption does not say what it exempts (option exempt[1])."),
    (exempt(missing="ignore"), "An exemption does not say what it exempts"),
    ({"exempt": [{"service": "A"}]}, "An exemption gives no reason (option exempt[1])."),
    (exempt(service="A", job=""), "'job' is empty (option exempt[1])."),
    (exempt(service="A", user=None), "'user' is empty (option exempt[1])."),
    (exempt(service="A", status=[]), "'status' is empty (option exempt[1])."),
    (exempt(service=""), "'service' is empty (option exempt[1])."),
    (exempt(job="j1", reason=" "), "'reason' is empty (option exempt[1])."),
    (exempt(servic="A"), "'servic' means nothing here (option exempt[1]). Did you mean service?"),
    (exempt(service="A", max_failed=1), "'max_failed' means nothing here (option exempt[1])."),
    (exempt(service="a/b/c"), "'a/b/c' is not a service name (option exempt[1].service)."),
    (exempt(status=99), "'99' is not a job status (option exempt[1].status)."),
    (exempt(status={"failed": True}), "is not a job status (option exempt[1].status)."),
    (exempt(status="runing"), "'runing' is not a job status (option exempt[1].status)."),
    (exempt(older_than="old"), "(option exempt[1].older_than)"),
    (exempt(job="j1", until="tomorrow"), "'tomorrow' is not a time (option exempt[1].until)."),
    (exempt(job="j1", until="2h"), "'2h' is not a time (option exempt[1].until)."),
    (exempt(job="j1", missing="ignore"), "'missing' is about a service (option exempt[1])."),
    (exempt(service="A", missing="maybe"), "(option exempt[1].service)"),
    ({"exempt": ["A"]}, "'A' is no dictionary (option exempt[1])."),
    ({"exempt": [{"service": "A", "reason": "x"}, {}]}, "(option exempt[2])"),
    ({"overrides": [{"service": "A"}]}, "An override names no limit (option overrides[1])."),
    ({"overrides": [{"max_active": 1}]}, "An override names no service (option overrides[1])."),
    ({"overrides": [{"service": "A", "max_active": -1}]}, "'-1' is not a limit (option overrides[1].max_active)."),
    ({"overrides": [{"service": "A", "max_active": ""}]}, "'max_active' is empty (option overrides[1])."),
    ({"overrides": [{"service": "A", "window": "1h"}]}, "'window' means nothing here (option overrides[1])."),
    ({"overrides": [{"service": "A", "max_age": "x"}]}, "(option overrides[1].max_age)"),
    (
        {"max_failed_percent": 1, "overrides": [{"service": "A", "min_finished": 0}]},
        "A share of no jobs at all is none (option overrides[1].min_finished).",
    ),
]


@pytest.mark.parametrize(("options", "message"), BAD, ids=[message[:60] for _options, message in BAD])
def test_policies_that_mean_nothing(options: Options, message: str) -> None:
    with pytest.raises(BadOption) as caught:
        read(**options)
    assert message in str(caught.value)
    assert caught.value.failure["cure"]


@pytest.mark.parametrize("value", ["", "  ", None, [], {}])
@pytest.mark.parametrize("option", ["since", "window"])
def test_an_empty_option_counts_as_not_given(option: str, value: t.Any) -> None:
    assert read(**{option: value}) == Policy()


def test_an_override_inherits_what_it_does_not_name() -> None:
    gate = read(
        max_failed=3,
        max_age="1h",
        overrides=[{"service": "A", "max_executing": 2}, {"service": "B/*", "max_active": 1, "max_failed_percent": 5}],
    )
    assert gate.limits_of("A.GPServer") == Limits(max_active=None, max_executing=2, max_failed=3, max_age=3600.0)
    assert gate.limits_of("B/C.GPServer") == Limits(max_active=1, max_failed=3, max_failed_percent=5.0, max_age=3600.0)
    assert gate.limits_of("C.GPServer") == gate.limits
    assert gate.to_result()["overrides"][0] == {
        "service": "A",
        **Limits(max_active=None, max_executing=2, max_failed=3, max_age=3600.0).to_result(),
    }


def test_a_window_is_fixed_at_the_first_measurement() -> None:
    gate = read(window="1h")
    assert gate.begins(NOW) == NOW - 3600
    fixed = gate.fixed(NOW)
    assert fixed.begins(NOW + 600) == NOW - 3600
    assert fixed.looks_back_to(NOW + 600) == NOW - 3660
    assert fixed.fixed(NOW + 600) is fixed


@pytest.mark.parametrize(("since", "is_refused"), [(NOW - 5, False), (NOW + 59, False), (NOW + 61, True)])
def test_a_mark_in_the_future_of_the_sites_clock(since: float, is_refused: bool) -> None:
    gate = read(since=since)
    assert gate.window is None
    if not is_refused:
        assert gate.fixed(NOW).begins(NOW + 600) == since
        return
    with pytest.raises(BadOption, match=r"future of the site's clock .*option since"):
        gate.fixed(NOW)


def test_exact_names_have_to_exist() -> None:
    gate = read(
        exempt=[
            {"service": "A/B", "reason": "x"},
            {"service": "A/*", "reason": "x"},
            {"service": "C", "missing": "ignore", "reason": "x"},
            {"user": "u", "reason": "x"},
        ],
        overrides=[{"service": "D.GPServer", "max_active": 1}],
    )
    assert [(option, str(service)) for option, service in gate.named] == [
        ("exempt[1]", "A/B.GPServer"),
        ("overrides[1]", "D.GPServer"),
    ]


def test_an_exemption_as_data() -> None:
    (entry,) = read(**exempt(service="A/*", user="u", status="failed", until="2026-11-24")).to_result()["exempt"]
    assert entry == {
        "service": "A/*",
        "user": "u",
        "status": ["failed"],
        "until": "2026-11-24T00:00:00Z",
        "reason": "x",
    }


@pytest.mark.parametrize(
    ("job", "age"),
    [
        ({"end_time": "2026-11-24T08:59:00Z", "start_time": "2026-11-24T08:00:00Z"}, 60.0),
        ({"end_time": None, "start_time": "2026-11-24T08:00:00Z", "submitted_time": "2026-11-24T07:00:00Z"}, 3600.0),
        ({"submitted_time": "2026-11-24T07:00:00Z"}, 7200.0),
        ({"submitted_time": "2026-11-24T09:04:00Z"}, 0.0),
        ({"submitted_time": "2026-11-24T10:00:00Z"}, None),
        ({"submitted_time": "********"}, None),
        ({}, None),
    ],
)
def test_the_age_of_a_job(job: Options, age: float | None) -> None:
    assert age_of(job, NOW) == age


JUNK = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.lists(st.text(max_size=3), max_size=2)
)


@given(
    st.sampled_from(
        ["max_active", "max_failed", "max_failed_percent", "max_age", "window", "since", "exempt", "overrides"]
    ),
    JUNK | st.lists(st.dictionaries(st.sampled_from(["service", "job", "user", "reason", "max_active", "x"]), JUNK)),
)
def test_whatever_is_given_is_a_policy_or_one_sentence(option: str, value: t.Any) -> None:
    if option in ("exempt", "overrides") and not isinstance(value, list):
        value = [value]
    try:
        gate = read(**{option: value})
    except BadOption as error:
        assert option in str(error)
    else:
        assert gate.to_result()
