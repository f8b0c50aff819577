# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.gisops.arcgis.plugins.filter.gp_jobs_mark import gp_jobs_mark
from ansible_collections.gisops.arcgis.plugins.plugin_utils._gate.mark import Mark

FACTS: dict[str, t.Any] = {
    "as_of": "2026-11-24T09:10:00Z",
    "clock_difference": 0,
    "site": "https://gis.example.com/arcgis",
    "complete": True,
    "stopped": ["Analysis/Asleep.GPServer"],
    "services": [
        {"service": "Analysis/Buffer.GPServer", "state": {"configured": "STARTED", "realtime": "STARTED"}},
        {"service": "Analysis/Hidden.GPServer", "state": None},
        {"service": "Analysis/Silent.GPServer", "state": {"configured": "STARTED", "realtime": None}},
    ],
    "jobs": [
        {"service": "Analysis/Buffer.GPServer", "job_id": "j1", "status": "failed"},
        {"service": "Analysis/Buffer.GPServer", "job_id": "j2", "status": "timed_out"},
    ],
}


def test_a_mark_is_what_the_gate_reads() -> None:
    mark = gp_jobs_mark(FACTS)
    assert mark == {
        "at": "2026-11-24T09:10:00Z",
        "site": "https://gis.example.com/arcgis",
        "complete": True,
        "failed": {"Analysis/Buffer.GPServer": ["j1", "j2"]},
        "states": {"Analysis/Asleep.GPServer": "STOPPED", "Analysis/Buffer.GPServer": "STARTED"},
    }
    assert list(Mark.read(mark).started) == ["Analysis/Buffer.GPServer"]


@pytest.mark.parametrize(("difference", "at"), [(600, "09:00"), (-600, "09:10"), (None, "09:10")])
def test_a_mark_takes_the_earlier_clock(difference: int | None, at: str) -> None:
    """The site's clock is ahead by the difference."""
    assert gp_jobs_mark({**FACTS, "clock_difference": difference})["at"] == f"2026-11-24T{at}:00Z"


def test_no_jobs_are_no_failures() -> None:
    assert gp_jobs_mark({**FACTS, "jobs": None})["failed"] == {}


@pytest.mark.parametrize("odd", [{}, {"as_of": None}, {"msg": "It failed."}, "facts", None])
def test_what_is_no_facts_is_an_error(odd: t.Any) -> None:
    with pytest.raises(AnsibleFilterError, match="takes the facts of"):
        gp_jobs_mark(odd)
