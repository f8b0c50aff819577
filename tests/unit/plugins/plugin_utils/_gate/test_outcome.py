# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a verdict leads to. It is never changed by that."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.gisops.arcgis.plugins.module_utils._errors import BadOption
from ansible_collections.gisops.arcgis.plugins.plugin_utils._gate.outcome import Consequence
from ansible_collections.gisops.arcgis.plugins.plugin_utils._gate.verdict import FAILED, INCONCLUSIVE, Reason, Verdict

NOW = 1_795_510_800.0  # 2026-11-24T09:00:00Z
PASS = Verdict([])
FAIL = Verdict([Reason(FAILED, "active", "x"), Reason(INCONCLUSIVE, "unseen", "x")])
DARK = Verdict([Reason(INCONCLUSIVE, "unseen", "x")])
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


def test_an_override_is_recorded_and_one_that_is_over_is_reported() -> None:
    assert read(override=GLASS).to_result(NOW) == {
        "mode": "enforce",
        "overridden": True,
        "override": {**GLASS, "until": None},
    }
    over = read(override={**GLASS, "until": "2026-11-24"})
    assert over.to_result(NOW)["overridden"] is False
    assert over.notices(NOW) == ["The override by Ada (Outage) ended at 2026-11-24T00:00:00Z, and no longer counts."]
    assert read(override=GLASS).notices(NOW) == read().notices(NOW) == []
    assert read().to_result(NOW) == {"mode": "enforce", "overridden": False, "override": None}


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ({"by": "Ada"}, "An override needs its 'reason' (option override)."),
        ({"reason": "x"}, "An override needs its 'by' (option override)."),
        ({"reason": "", "by": "Ada"}, "'reason' is empty (option override)."),
        ({**GLASS, "until": "later"}, "(option override.until)"),
        ({**GLASS, "untill": "2030-01-01"}, "Did you mean until?"),
    ],
)
def test_overrides_that_mean_nothing(override: t.Any, words: str) -> None:
    with pytest.raises(BadOption) as caught:
        read(override=override)
    assert words in str(caught.value)
