# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The facts: what was read, shaped for playbooks. What was not asked for, or cannot be known, is null."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.gisops.arcgis.plugins.module_utils import _statuses
from ansible_collections.gisops.arcgis.plugins.module_utils._connection import Connection
from ansible_collections.gisops.arcgis.plugins.module_utils._jobs import facts as _facts
from ansible_collections.gisops.arcgis.plugins.module_utils._jobs.details import Details
from ansible_collections.gisops.arcgis.plugins.module_utils._jobs.facts import Seen
from ansible_collections.gisops.arcgis.plugins.module_utils._jobs.filters import Filters
from ansible_collections.gisops.arcgis.plugins.module_utils._jobs.reading import Reading, recounted
from ansible_collections.gisops.arcgis.plugins.module_utils._services import Service
from ansible_collections.gisops.arcgis.plugins.module_utils._wire.responses import JobDetails
from ansible_collections.gisops.arcgis.plugins.module_utils._wire.site import Site

NOW = 1_795_510_800.0
BUFFER, CLIP = Service("Analysis", "Buffer"), Service("Analysis", "Clip")
DETAILS = JobDetails("j1", "esriJobFailed", "user1", None, NOW - 900, None, NOW - 720, "https://h/x?token=S3cret")


def reading(service: Service = BUFFER, filters: Filters | None = None, **jobs: str) -> Reading:
    made = Reading(service, jobs={job_id: (status, f"esriJob{status}") for job_id, status in jobs.items()})
    return recounted(made, filters or ask())


def ask(**options: t.Any) -> Filters:
    return Filters.read(options.get)


def build(
    filters: Filters,
    *readings: Reading,
    seen: Seen | None = None,
    details: dict[tuple[Service, str], JobDetails | None] | None = None,
) -> dict[str, t.Any]:
    options = {"url": "https://gis.example.com/arcgis", "username": "me", "password": "S3cret", "api": "server"}
    with Site(Connection.read(options.get)) as site:
        known = Details(site, map, details or {}, {})
        return _facts.build(site, filters, seen or Seen(), readings, known, {}, NOW, 21600.0)


def test_sums() -> None:
    facts = build(ask(), reading(j1="failed", j2="executing"), reading(CLIP, j1="failed"))
    assert facts["counts"] == {
        **dict.fromkeys(_statuses.STATUSES, 0),
        "failed": 2,
        "executing": 1,
        "active": 1,
        "queued": 0,
    }
    assert (facts["total"], facts["complete"], facts["jobs"]) == (3, True, None)
    assert (facts["api"], facts["as_of"], facts["account"]) == ("server", "2026-11-24T09:00:00Z", "me")
    assert [one["service"] for one in facts["services"]] == ["Analysis/Buffer.GPServer", "Analysis/Clip.GPServer"]


def test_a_count_that_was_not_asked_for_is_null_and_never_zero() -> None:
    filters = ask(job_status=["failed"])
    facts = build(filters, reading(filters=filters, j1="failed"))
    expected = {**dict.fromkeys((*_statuses.STATUSES, "active", "queued")), "failed": 1}
    assert facts["counts"] == facts["services"][0]["counts"] == expected


@pytest.mark.parametrize(
    ("options", "active", "queued"),
    [
        ({}, 0, 0),
        ({"job_status": ["active"]}, 0, 0),
        ({"job_status": ["queued"]}, None, 0),
        ({"job_status": ["executing"]}, None, None),
        ({"job_status": ["new", "submitted", "waiting", "executing", "cancelling"]}, 0, 0),
        ({"job_status": ["new", "submitted", "waiting", "executing"]}, None, 0),
        ({"user_name": "a"}, None, None),
        ({"machine_name": "a"}, None, None),
        ({"start_time": "1h"}, None, None),
        ({"end_time": "1h"}, None, None),
        ({"ended_after": "1h"}, 0, 0),
    ],
)
def test_groups_are_known_only_where_nothing_is_left_out(
    options: t.Any, active: int | None, queued: int | None
) -> None:
    filters = ask(**options)
    facts = build(filters, reading(filters=filters))
    assert (facts["counts"]["active"], facts["counts"]["queued"]) == (active, queued)


def test_no_service_is_no_job_where_that_may_be() -> None:
    facts = build(ask(), seen=Seen(missing=["Analysis/Gone"]))
    assert (facts["complete"], facts["total"], facts["counts"]["active"]) == (True, 0, 0)
    assert facts["missing"] == ["Analysis/Gone"]


@pytest.mark.parametrize("cause", ["doubt", "unseen"])
def test_what_was_not_seen_in_full_has_no_sums(cause: str) -> None:
    other, seen = reading(CLIP, j1="failed"), Seen("partial")
    if cause == "doubt":
        other = other.doubted("It does not add up.")
    else:
        seen = Seen("partial", {"Secret/*": "403", "A/*": "403"})
    facts = build(ask(), reading(j1="failed"), other, seen=seen)
    assert facts["complete"] is False
    assert facts["total"] is None
    assert {*facts["counts"].values()} == {None}
    assert facts["services"][0]["counts"]["failed"] == 1
    if cause == "unseen":
        assert [one["name"] for one in facts["unseen"]] == ["A/*", "Secret/*"]


def test_jobs_in_both_details() -> None:
    options = {"job_status": ["failed"]}
    one = reading(filters=ask(**options), j1="failed", j2="succeeded")
    assert build(ask(**options, detail="jobs"), one)["jobs"] == [
        {"service": "Analysis/Buffer.GPServer", "job_id": "j1", "status": "failed", "job_status": "esriJobfailed"}
    ]
    full = build(ask(**options, detail="full"), one, details={(BUFFER, "j1"): DETAILS})["jobs"][0]
    assert full["submitted_time"] == "2026-11-24T08:45:00Z"
    assert (full["start_time"], full["end_time"]) == (None, "2026-11-24T08:48:00Z")
    assert full["url"] == "https://h/x", "what a site puts behind a filters mark is not ours to show"
    bare = build(ask(**options, detail="full"), one)["jobs"][0]
    assert bare.keys() == full.keys()
    assert bare["end_time"] is None


def test_a_limit_that_cuts_says_so_and_is_complete() -> None:
    one = reading(j1="failed", j2="failed", j3="failed")
    cut, whole = (build(ask(detail="jobs", limit=limit), one) for limit in (2, 3))
    assert (len(cut["jobs"]), cut["truncated"], cut["complete"]) == (2, True, True)
    assert (len(whole["jobs"]), whole["truncated"], whole["complete"]) == (3, False, True)
    facts = build(ask(detail="jobs", limit=3), one._replace(next_start=4))
    assert (facts["truncated"], facts["next_start"], facts["services"][0]["next_start"]) == (True, 4, 4)
    assert whole["services"][0]["next_start"] == -1


def test_a_failure_has_the_keys_that_conditions_read() -> None:
    facts, nothing = build(ask(), reading(j1="failed")), _facts.nothing_seen()
    assert nothing.keys() <= facts.keys()
    assert nothing["counts"].keys() == facts["counts"].keys()
    assert {*nothing["counts"].values()} == {None}
    assert nothing["complete"] is False
