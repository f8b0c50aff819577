# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a verdict leads to. It is never changed by that."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.gisops.arcgis.plugins.module_utils._errors import BadOption
from ansible_collections.gisops.arcgis.plugins.plugin_utils._gate.outcome import NOTHING, Consequence, refused
from ansible_collections.gisops.arcgis.plugins.plugin_utils._gate.verdict import FAILED, INCONCLUSIVE, Reason, Verdict

from .given import NOW, judged, running, service

PASS = Verdict()
FAIL = Verdict((Reason(FAILED, "active", "x"), Reason(INCONCLUSIVE, "unseen", "x")))
DARK = Verdict((Reason(INCONCLUSIVE, "unseen", "x", "Secret/*"),), ("Look.",))
GLASS = {"reason": "Outage", "by": "Ada"}


def read(**options: t.Any) -> Consequence:
    return Consequence.read(options.get)


@pytest.mark.parametrize(
    ("options", "failed", "inconclusive", "says"),
    [
        ({}, True, True, ""),
        ({"on_inconclusive": "warn"}, True, False, "on_inconclusive"),
        ({"mode": "observe"}, False, False, "would have stopped"),
        ({"mode": "observe", "on_inconclusive": "warn"}, False, False, "would have stopped"),
        ({"override": GLASS}, False, False, "Overridden by Ada (Outage)"),
        ({"override": {**GLASS, "until": "2026-11-24T09:00:01Z"}}, False, False, "Overridden by Ada (Outage)"),
        ({"override": {**GLASS, "until": "2026-11-24T09:00:00Z"}}, True, True, ""),
    ],
    ids=str,
)
def test_consequences(options: dict[str, t.Any], failed: bool, inconclusive: bool, says: str) -> None:
    consequence = read(**options)
    assert not consequence.fails(PASS, NOW)
    assert consequence.says(PASS, NOW) == ""
    assert (consequence.fails(FAIL, NOW), consequence.fails(DARK, NOW)) == (failed, inconclusive)
    assert says in consequence.says(DARK, NOW)
    assert bool(consequence.says(DARK, NOW)) is not inconclusive


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, ""),
        ({"on_inconclusive": "warn"}, ""),
        ({"mode": "observe"}, "Only observed (mode: observe): enforced, this would have stopped the deployment."),
        ({"override": GLASS}, "Overridden by Ada (Outage): the deployment may go ahead."),
        ({"override": GLASS, "mode": "observe"}, "Overridden by Ada (Outage): the deployment may go ahead."),
    ],
    ids=str,
)
def test_why_a_failed_verdict_stops_nothing(options: dict[str, t.Any], says: str) -> None:
    assert read(**options).says(FAIL, NOW) == says


def test_a_warning_says_so() -> None:
    warns = read(on_inconclusive="warn")
    assert warns.says(DARK, NOW) == "Not known, and not stopped for that (on_inconclusive: warn)."


@pytest.mark.parametrize(
    ("verdict", "options", "fails"),
    [(PASS, {}, False), (FAIL, {}, True), (DARK, {"on_inconclusive": "warn"}, False), (DARK, {}, True)],
)
def test_a_verdict_as_data(verdict: Verdict, options: dict[str, t.Any], fails: bool) -> None:
    told = read(**options).to_result(verdict, NOW)
    assert (told["verdict"], told["passed"]) == (verdict.verdict, verdict is PASS)
    assert (told["blocked"], told["failed"]) == (fails, fails)
    assert (told["mode"], told["overridden"], told["override"]) == ("enforce", False, None)
    assert told["notices"] == list(verdict.notices)
    assert [one["rule"] for one in told["reasons"]] == [reason.rule for reason in verdict.reasons]


def test_a_reason_as_data() -> None:
    (reason,) = read().to_result(DARK, NOW)["reasons"]
    assert reason == {
        "verdict": "inconclusive",
        "rule": "unseen",
        "service": "Secret/*",
        "limit": None,
        "found": None,
        "jobs": [],
        "text": "Secret/*: x",
        "cure": "",
    }
    assert read().to_result(FAIL, NOW)["reasons"][0]["text"] == "x", "what is about the site names no service"


def test_a_reason_shows_five_jobs() -> None:
    said = judged(service(active=6), jobs=running(6))
    (reason,) = read().to_result(said, NOW)["reasons"]
    assert [one["job_id"] for one in reason["jobs"]] == ["j0", "j1", "j2", "j3", "j4"]
    assert reason["jobs"][0] == {**running()[0], "age": 1800, "pace": None}
    assert reason["cure"] == "service_limits: [{service: A/B, max_active: 6}]"


def test_an_override_is_recorded_and_one_that_is_over_is_reported() -> None:
    told = read(override=GLASS).to_result(FAIL, NOW)
    assert (told["overridden"], told["override"]) == (True, {**GLASS, "until": None})
    over = read(override={**GLASS, "until": "2026-11-24"})
    assert over.to_result(FAIL, NOW)["overridden"] is False
    assert over.to_result(FAIL, NOW)["override"] == {**GLASS, "until": "2026-11-24T00:00:00Z"}
    assert over.notices(NOW) == ("The override by Ada (Outage) ended at 2026-11-24T00:00:00Z, and no longer counts.",)
    assert read(override=GLASS).notices(NOW) == read().notices(NOW) == ()
    assert read(override={**GLASS, "until": "2026-11-25"}).notices(NOW) == ()


@pytest.mark.parametrize(("mode", "shown"), [("observe", "observe"), (None, "enforce"), ("guess", "enforce")])
def test_a_wrong_option_has_a_result_with_every_key(mode: t.Any, shown: str) -> None:
    result = refused(BadOption("'x' is no y", where="option z", cure="Use w."), mode)
    assert result.keys() == NOTHING.keys()
    assert (result["msg"], result["failure"]["where"]) == ("'x' is no y (option z). Use w.", "option z")
    assert (result["verdict"], result["passed"], result["blocked"], result["failed"]) == (
        "inconclusive",
        False,
        True,
        True,
    )
    assert (result["mode"], result["reasons"], result["facts"], result["polls"]) == (shown, [], None, 0)
    assert {result[name] for name in ("polls", "waited", "arrived", "ended")} == {0}
    assert (result["notices"], result["policy"], result["overridden"], result["override"]) == ([], {}, False, None)


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ({"by": "Ada"}, "An override needs its 'reason' (option override)."),
        ({"reason": "x"}, "An override needs its 'by' (option override)."),
        ({"reason": "", "by": "Ada"}, "'reason' is empty (option override)."),
        ({**GLASS, "until": "later"}, "(option override.until)"),
        ({**GLASS, "until": "2h"}, "'2h' is not a time (option override.until)."),
        ({**GLASS, "by": True}, "This is not a text (option override.by)."),
        ("Outage", "'Outage' is no dictionary (option override)."),
        ({**GLASS, "untill": "2030-01-01"}, "Did you mean until?"),
    ],
)
def test_overrides_that_mean_nothing(override: t.Any, words: str) -> None:
    with pytest.raises(BadOption) as caught:
        read(override=override)
    assert words in str(caught.value)
