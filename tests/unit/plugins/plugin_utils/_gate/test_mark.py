# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Marks: what the role gp_jobs_mark publishes, read back, whatever way it took."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.gisops.arcgis.plugins.module_utils._errors import BadOption
from ansible_collections.gisops.arcgis.plugins.plugin_utils._gate.mark import Mark

AT = 1_795_510_800.0  # 2026-11-24T09:00:00Z
PUBLISHED = {
    "at": "2026-11-24T09:00:00Z",
    "site": "https://gis.example.com/arcgis",
    "failed": {"A/B.GPServer": ["j1", "j2"]},
    "states": {"A/B.GPServer": "STARTED", "C.GPServer": "STOPPED"},
    "complete": True,
}


def test_a_mark_that_the_role_has_published() -> None:
    mark = Mark.read(PUBLISHED)
    assert (mark.at, mark.failed, mark.started) == (AT, {"A/B.GPServer": ("j1", "j2")}, ["A/B.GPServer"])
    assert Mark.read(mark.to_result()) == mark


@pytest.mark.parametrize("value", ["2026-11-24T09:00:00Z", "2026-11-24T09:00:00", AT, str(int(AT)), int(AT * 1000)])
def test_a_mere_time_is_a_mark_too(value: t.Any) -> None:
    assert Mark.read(value) == Mark(AT)


def test_a_mark_as_text_is_read_as_well() -> None:
    """Survey answers and extra variables turn a dictionary into text."""
    assert Mark.read(json.dumps(PUBLISHED)) == Mark.read(PUBLISHED)


@pytest.mark.parametrize(
    "value",
    [
        "noon",
        "2h",
        {},
        {"at": ""},
        {"at": "2h"},
        {"at": AT, "failed": ["j1"]},
        {"at": AT, "started": []},
        "{",
        "[]",
        "{}",
        True,
    ],
)
def test_what_is_no_mark(value: t.Any) -> None:
    with pytest.raises(BadOption) as caught:
        Mark.read(value)
    assert "option since" in str(caught.value)
    assert caught.value.failure["cure"]
