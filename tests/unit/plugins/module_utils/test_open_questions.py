# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever a site answers to the questions that no document decides: the right facts, or none. Never wrong ones."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.gisops.arcgis.plugins.module_utils import _statuses
from ansible_collections.gisops.arcgis.plugins.module_utils._errors import GpError
from rehearsal_site.switches import SWITCHES

from ...sizes import sized
from .test_truth_table import SERVICES, expected

QUERIES: dict[str, dict[str, t.Any]] = {
    "gate": {"job_status": ["active", "failed"], "detail": "jobs"},
    "all": {},
    "lately failed": {"job_status": ["failed"], "ended_after": "1h"},
    "of a user": {"job_status": ["succeeded"], "user_name": "user1"},
    "in a window": {"job_status": ["failed"], "start_time": "20h"},
}

# What cannot be survived, and in which queries; everything else must give the right and complete facts.
FAILS: dict[tuple[str, t.Any], set[str]] = {
    ("total", "negative"): {*QUERIES},
    ("total", "missing"): {*QUERIES},
    ("total", "too_high"): {*QUERIES},
    ("total", "too_low"): {*QUERIES},
    ("time_filter", "ignored"): {"in a window"},
    ("time_unit", "s"): {"in a window"},
    ("time_unit", "ms"): {"in a window"},
    ("user_filter", "ignored"): {"of a user"},
    ("detail_times", "none"): {"in a window"},
    ("vanishing_details", "once"): {"in a window"},
    ("vanishing_details", "always"): {"lately failed", "in a window", "of a user"},
    ("admin_disabled", True): {*QUERIES},
    ("date_header", "absent"): {"lately failed"},
}
# What changes the truth itself while it is asked for, or is about other things than the query.
LEFT_OUT = {"time_window", "jobs_step_back", "cancel_takes", "retention", "sweep_every"}
# A failed job that does not tell when it ended counts as lately ended, and the facts say so.
COUNTS_MORE = {("detail_times", "no_end"), ("detail_times", "none")}

VALUES = [
    pytest.param(switch.name, value, id=f"{switch.name}-{value}")
    for switch in SWITCHES
    if switch.kind in ("choice", "bool") and switch.name not in LEFT_OUT
    for value in (switch.choices or (True, False))
    if value != switch.default
]


@pytest.mark.parametrize(("switch", "value"), VALUES)
@pytest.mark.parametrize("cap", sized([7], [None, 7]))
def test_open_question(asked_site: t.Any, api: str, cap: int | None, switch: str, value: t.Any) -> None:
    with asked_site("truth_table", api=api, page_cap=cap, **{switch: value}) as asked:
        asked.site.clock.freeze()
        truth = asked.site.truth()
        now = asked.site.clock.now() / 1000
        for name, options in QUERIES.items():
            times = {"1h": now - 3600, "20h": now - 72000}
            fixed = {
                key: str(times.get(text, text)) if isinstance(text, str) else text for key, text in options.items()
            }
            may_fail = name in FAILS.get((switch, value), set())
            # Only ArcGIS Server has statistics, which tell what a start time hides.
            may_fail = may_fail or (switch == "start_time_required" and api == "kubernetes")
            try:
                facts = asked.query(services=SERVICES, api=api, retries=0, **fixed)
            except GpError:
                assert may_fail, name
                continue
            assert facts["complete"] is True or may_fail, (name, asked.warnings)
            jobs = expected(truth, fixed)
            asked_for = fixed.get("job_status", _statuses.STATUSES)
            more_is_fine = (switch, value) in COUNTS_MORE and name == "lately failed"
            for status in _statuses.STATUSES:
                count, there = facts["counts"][status], sum(1 for job in jobs if job["status"] == status)
                may_be_null = not facts["complete"] or status not in asked_for
                # A site that refuses a query without a status cannot be asked for the others.
                may_be_null = may_be_null or switch == "job_status_required"
                assert may_be_null or count is not None, (name, status)
                assert count is None or count == there or (more_is_fine and count > there), (name, status)
            if more_is_fine:
                assert any("do not tell when they ended" in text for text in asked.warnings)


@pytest.mark.parametrize("window", ["submitted", "started", "ended", "overlaps"])
def test_ended_after_does_not_depend_on_what_the_window_tests(asked_site: t.Any, api: str, window: str) -> None:
    with asked_site("truth_table", api=api, time_window=window) as asked:
        facts = asked.query(services=["System/PublishingTools"], job_status=["failed"], ended_after="1h")
        truth = asked.site.truth({"service": "System/PublishingTools.GPServer", "status": "failed"})
        since = asked.site.clock.now() - 3600_000
        assert facts["counts"]["failed"] == sum(1 for job in truth if job["ended"] >= since) == 2


@pytest.mark.parametrize("window", ["submitted", "started", "ended", "overlaps"])
@pytest.mark.parametrize("required", ["error", "empty"])
@pytest.mark.parametrize("cap", [None, 7])
def test_a_start_time_that_is_required_hides_no_running_job(
    asked_site: t.Any, cap: int | None, required: str, window: str
) -> None:
    """Where the window tests the end, the earliest start time there is still leaves out every job that runs."""
    with asked_site(
        "truth_table", api="server", page_cap=cap, start_time_required=required, time_window=window
    ) as asked:
        facts = asked.query(services=["System/PublishingTools"], job_status=["active"])
        truth = asked.site.truth({"service": "System/PublishingTools.GPServer"})
        there = sum(1 for job in truth if job["status"] in _statuses.ACTIVE)
        assert facts["complete"] is False or facts["counts"]["active"] == there
        if window in ("started", "ended"):
            assert facts["counts"]["active"] is None
            assert any("which may hide jobs" in text for text in asked.warnings)
