# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The policy: read from options, and every option that cannot be meant refused in a sentence that names it."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.gisops.arcgis.plugins.module_utils._errors import BadOption
from ansible_collections.gisops.arcgis.plugins.plugin_utils._gate.policy import LIMITS, Limits, Policy

from .given import NOW, facts

Options = dict[str, t.Any]


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
        ({"max_active": "9" * 9}, Limits(max_active=999_999_999)),
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
    ({"max_failed": "1" * 10}, "is not a limit (option max_failed)."),
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
    (exempt(job=True), "This is not a text (option exempt[1].job)."),
    (exempt(user=["a"]), "This is not a text (option exempt[1].user)."),
    (exempt(job="j1", missing="ignore"), "'missing' is about a service (option exempt[1])."),
    (exempt(service="A", missing="maybe"), "(option exempt[1].service)"),
    ({"exempt": ["A"]}, "'A' is no dictionary (option exempt[1])."),
    ({"exempt": [{"service": "A", "reason": "x"}, {}]}, "(option exempt[2])"),
    ({"service_limits": [{"service": "A"}]}, "An entry names no limit (option service_limits[1])."),
    ({"service_limits": [{"max_active": 1}]}, "An entry names no service (option service_limits[1])."),
    (
        {"service_limits": [{"service": "A", "max_active": -1}]},
        "'-1' is not a limit (option service_limits[1].max_active).",
    ),
    ({"service_limits": [{"service": "A", "max_active": ""}]}, "'max_active' is empty (option service_limits[1])."),
    ({"service_limits": [{"service": "A", "window": "1h"}]}, "'window' means nothing here (option service_limits[1])."),
    ({"service_limits": [{"service": "A", "max_age": "x"}]}, "(option service_limits[1].max_age)"),
    (
        {"max_failed_percent": 1, "service_limits": [{"service": "A", "min_finished": 0}]},
        "A share of no jobs at all is none (option service_limits[1].min_finished).",
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


def test_an_entry_inherits_what_it_does_not_name() -> None:
    by = read(
        max_failed=3,
        max_age="1h",
        service_limits=[
            {"service": "A", "max_executing": 2},
            {"service": "B/*", "max_active": 1, "max_failed_percent": 5},
        ],
    )
    assert by.limits_of("A.GPServer") == Limits(max_active=None, max_executing=2, max_failed=3, max_age=3600.0)
    assert by.limits_of("B/C.GPServer") == Limits(max_active=1, max_failed=3, max_failed_percent=5.0, max_age=3600.0)
    assert by.limits_of("C.GPServer") == by.limits
    assert by.to_result()["service_limits"][0] == {
        "service": "A",
        **Limits(max_active=None, max_executing=2, max_failed=3, max_age=3600.0).to_result(),
    }


def test_the_shortest_and_the_longest_window() -> None:
    assert read(window="0.5").window == 0.5
    assert read(window="3650d").window == 3650 * 86400
    with pytest.raises(BadOption, match="longer than a site can remember"):
        read(window="3650d1s")


def test_a_window_is_fixed_at_the_first_measurement() -> None:
    now, later = facts(), facts(as_of="2026-11-24T09:10:00Z")
    by = read(window="1h")
    assert by.begins(now) == NOW - 3600
    assert by.begins(later) == NOW - 3000
    fixed = by.fixed(now)
    assert fixed.begins(later) == NOW - 3600
    assert fixed.looks_back_to(later) == NOW - 3660
    assert fixed.fixed(later) is fixed


@pytest.mark.parametrize(("difference", "began"), [(0, NOW), (600, NOW - 600), (-600, NOW), (None, NOW)])
def test_a_window_begins_by_the_earlier_clock(difference: int | None, began: float) -> None:
    assert read().fixed(facts(clock_difference=difference)).began == began


@pytest.mark.parametrize(
    ("since", "difference", "is_refused"),
    [
        (NOW - 5, 0, False),
        (NOW + 60, 0, False),
        (NOW + 61, 0, True),
        (NOW - 540, 600, False),
        (NOW - 539, 600, True),
        (NOW + 61, -600, True),
    ],
)
def test_a_mark_in_the_future_of_the_sites_clock(since: float, difference: int, is_refused: bool) -> None:
    by = read(since=since)
    assert by.window is None
    found = facts(clock_difference=difference)
    if not is_refused:
        assert by.fixed(found).begins(facts(as_of="2026-11-24T09:10:00Z")) == since
        return
    with pytest.raises(BadOption, match=r"lies in the future of the site's clock .*option since") as caught:
        by.fixed(found)
    assert caught.value.failure["cure"]


def test_what_the_limits_look_at() -> None:
    strict, free = read(), read(max_active="unlimited", max_failed="unlimited")
    assert (strict.looks_at_active, strict.looks_at_failed, strict.looks_at_shares) == (True, True, False)
    assert (free.looks_at_active, free.looks_at_failed, free.looks_at_shares) == (False, False, False)
    for name, active, failed, shares in (
        ("max_active", True, False, False),
        ("max_executing", True, False, False),
        ("max_queued", True, False, False),
        ("max_age", True, False, False),
        ("max_failed", False, True, False),
        ("max_failed_percent", False, True, True),
        ("min_finished", False, False, False),
    ):
        limits = {"max_active": "unlimited", "max_failed": "unlimited"}
        for by in (read(**{**limits, name: 5}), read(**limits, service_limits=[{"service": "A", name: 5}])):
            assert (by.looks_at_active, by.looks_at_failed, by.looks_at_shares) == (active, failed, shares), name
    assert read(max_active="unlimited", total_max_active=0).looks_at_active


def test_exact_names_have_to_exist() -> None:
    by = read(
        exempt=[
            {"service": "A/B", "reason": "x"},
            {"service": "A/*", "reason": "x"},
            {"service": "C", "missing": "ignore", "reason": "x"},
            {"user": "u", "reason": "x"},
        ],
        service_limits=[{"service": "D.GPServer", "max_active": 1}],
    )
    assert [(entry.option, str(service)) for entry, service in by.named] == [
        ("exempt[1]", "A/B.GPServer"),
        ("service_limits[1]", "D.GPServer"),
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
    (entry,) = read(**exempt(job=5, older_than="1h")).to_result()["exempt"]
    assert entry == {"job": "5", "older_than": 3600.0, "reason": "x"}


def test_a_policy_as_data() -> None:
    told = read(
        max_age="1h", total_max_active=3, since=NOW, clock_slack="2m", must_answer=True, max_failed_percent="2.5"
    ).to_result()
    assert told.keys() == {
        *LIMITS,
        *("total_max_active", "window", "since", "clock_slack", "exempt", "service_limits", "must_answer"),
    }
    assert (told["max_age"], told["total_max_active"], told["max_failed"], told["max_failed_percent"]) == (
        3600.0,
        3,
        "unlimited",
        2.5,
    )
    assert (told["window"], told["since"], told["clock_slack"]) == (None, "2026-11-24T09:00:00Z", 120)
    assert told["must_answer"] is True


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
        ["max_active", "max_failed", "max_failed_percent", "max_age", "window", "since", "exempt", "service_limits"]
    ),
    JUNK | st.lists(st.dictionaries(st.sampled_from(["service", "job", "user", "reason", "max_active", "x"]), JUNK)),
)
def test_whatever_is_given_is_a_policy_or_one_sentence(option: str, value: t.Any) -> None:
    if option in ("exempt", "service_limits") and not isinstance(value, list):
        value = [value]
    try:
        by = read(**{option: value})
    except BadOption as error:
        assert option in str(error)
    else:
        assert by.to_result()
