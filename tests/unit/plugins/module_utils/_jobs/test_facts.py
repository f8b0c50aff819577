# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The facts: what was read, shaped for playbooks. What was not asked for, or cannot be known, is null."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest

from ansible_collections.gisops.arcgis.plugins.module_utils import _statuses as _status
from ansible_collections.gisops.arcgis.plugins.module_utils._jobs import facts as _facts
from ansible_collections.gisops.arcgis.plugins.module_utils._jobs.counting import Reading, recount
from ansible_collections.gisops.arcgis.plugins.module_utils._jobs.details import Known
from ansible_collections.gisops.arcgis.plugins.module_utils._jobs.discovery import Discovery
from ansible_collections.gisops.arcgis.plugins.module_utils._jobs.filters import Question
from ansible_collections.gisops.arcgis.plugins.module_utils._options import Connection
from ansible_collections.gisops.arcgis.plugins.module_utils._services import Service
from ansible_collections.gisops.arcgis.plugins.module_utils._wire.dialects import JobDetails
from ansible_collections.gisops.arcgis.plugins.module_utils._wire.site import Site

NOW = 1_795_510_800.0
BUFFER, CLIP = Service("Analysis", "Buffer"), Service("Analysis", "Clip")
DETAILS = JobDetails("j1", "esriJobFailed", "user1", None, NOW - 900, None, NOW - 720, "https://h/x?token=S3cret")


def reading(service: Service = BUFFER, question: Question | None = None, **jobs: str) -> Reading:
    made = Reading(service)
    made.jobs = {job_id: (status, f"esriJob{status}") for job_id, status in jobs.items()}
    recount(made, question or ask())
    return made


def ask(**options: t.Any) -> Question:
    return Question.read(options.get)


def build(
    question: Question,
    *readings: Reading,
    found: Discovery | None = None,
    details: dict[tuple[Service, str], JobDetails | None] | None = None,
) -> dict[str, t.Any]:
    options = {"url": "https://gis.example.com/arcgis", "username": "me", "password": "S3cret", "api": "server"}
    with Site(Connection.read(options.get)) as site:
        return _facts.build(site, question, found or Discovery(), readings, Known(details or {}), {}, NOW)


def test_sums() -> None:
    facts = build(ask(), reading(j1="failed", j2="executing"), reading(CLIP, j1="failed"))
    assert facts["counts"] == {
        **dict.fromkeys(_status.STATUSES, 0),
        "failed": 2,
        "executing": 1,
        "active": 1,
        "queued": 0,
    }
    assert (facts["total"], facts["complete"], facts["jobs"]) == (3, True, None)
    assert (facts["api"], facts["as_of"], facts["account"]) == ("server", "2026-11-24T09:00:00Z", "me")
    assert [one["service"] for one in facts["services"]] == ["Analysis/Buffer.GPServer", "Analysis/Clip.GPServer"]


def test_a_count_that_was_not_asked_for_is_null_and_never_zero() -> None:
    question = ask(job_status=["failed"])
    facts = build(question, reading(question=question, j1="failed"))
    expected = {**dict.fromkeys((*_status.STATUSES, "active", "queued")), "failed": 1}
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
    question = ask(**options)
    facts = build(question, reading(question=question))
    assert (facts["counts"]["active"], facts["counts"]["queued"]) == (active, queued)


def test_no_service_is_no_job_where_that_may_be() -> None:
    facts = build(ask(), found=Discovery(missing=["Analysis/Gone"]))
    assert (facts["complete"], facts["total"], facts["counts"]["active"]) == (True, 0, 0)
    assert facts["missing"] == ["Analysis/Gone"]


@pytest.mark.parametrize("cause", ["doubt", "unseen"])
def test_what_was_not_seen_in_full_has_no_sums(cause: str) -> None:
    doubtful, found = reading(CLIP, j1="failed"), Discovery(state="partial")
    if cause == "doubt":
        doubtful.doubt("It does not add up.")
    else:
        found.unseen = {"Secret/*": "403", "A/*": "403"}
    facts = build(ask(), reading(j1="failed"), doubtful, found=found)
    assert facts["complete"] is False
    assert facts["total"] is None
    assert {*facts["counts"].values()} == {None}
    assert facts["services"][0]["counts"]["failed"] == 1
    if cause == "unseen":
        assert [one["name"] for one in facts["unseen"]] == ["A/*", "Secret/*"]


def test_statuses_that_no_filter_sees_are_named() -> None:
    by_filter = Reading(BUFFER, by_filter=True)
    question = ask(job_status=["active", "timed_out"])
    recount(by_filter, question)
    facts = build(question, by_filter)
    assert facts["unseen_statuses"] == ["timed_out", "deleting", "unknown"]
    assert facts["counts"]["timed_out"] is None
    assert facts["counts"]["active"] == 0
    assert build(question, reading(question=question))["unseen_statuses"] == []


def test_jobs_in_both_details() -> None:
    options = {"job_status": ["failed"]}
    one = reading(question=ask(**options), j1="failed", j2="succeeded")
    assert build(ask(**options, detail="jobs"), one)["jobs"] == [
        {"service": "Analysis/Buffer.GPServer", "job_id": "j1", "status": "failed", "job_status": "esriJobfailed"}
    ]
    full = build(ask(**options, detail="full"), one, details={(BUFFER, "j1"): DETAILS})["jobs"][0]
    assert full["submitted_time"] == "2026-11-24T08:45:00Z"
    assert (full["start_time"], full["end_time"]) == (None, "2026-11-24T08:48:00Z")
    assert full["url"] == "https://h/x", "what a site puts behind a question mark is not ours to show"
    bare = build(ask(**options, detail="full"), one)["jobs"][0]
    assert bare.keys() == full.keys()
    assert bare["end_time"] is None


def test_a_limit_that_cuts_is_never_complete() -> None:
    one = reading(j1="failed", j2="failed", j3="failed")
    cut, whole = (build(ask(detail="jobs", limit=limit), one) for limit in (2, 3))
    assert (len(cut["jobs"]), cut["truncated"], cut["complete"]) == (2, True, False)
    assert (len(whole["jobs"]), whole["truncated"], whole["complete"]) == (3, False, True)
    one.next_start = 4
    facts = build(ask(detail="jobs", limit=3), one)
    assert (facts["truncated"], facts["next_start"], facts["complete"]) == (True, 4, False)
    assert facts["services"][0]["complete"] is False


def test_jobs_that_ended_before_are_left_out_and_those_that_do_not_tell_are_not() -> None:
    one = reading(old="failed", edge="failed", silent="failed", unread="failed", running="executing")
    ends = {"old": NOW - 3601, "edge": NOW - 3600, "silent": None, "running": None}
    details = {(BUFFER, name): replace(DETAILS, job_id=name, ended=end) for name, end in ends.items()}
    _facts.leave_out_ended(one, details, NOW - 3600)
    assert {*one.jobs} == {"edge", "silent", "unread", "running"}
    assert one.warnings == [
        "Analysis/Buffer.GPServer: 1 finished jobs do not tell when they ended; they count as lately ended."
    ]


@pytest.mark.parametrize(
    ("options", "api", "oldest", "known"),
    [
        ({}, "server", None, None),
        ({"ended_after": "1h"}, "server", None, None),
        ({"ended_after": "7h"}, "server", None, False),
        ({"ended_after": "7h"}, "kubernetes", None, None),
        ({"ended_after": "7h"}, "server", NOW - 8 * 3600, True),
        ({"ended_after": "7h"}, "server", NOW - 5 * 3600, False),
        ({"start_time": "7h"}, "server", None, False),
    ],
)
def test_whether_a_window_is_known(options: t.Any, api: str, oldest: float | None, known: bool | None) -> None:
    """A job from before the window shows that the site's memory reaches that far."""
    details = {(BUFFER, "j1"): replace(DETAILS, ended=oldest)}
    assert _facts.is_window_known(reading(j1="failed"), ask(**options), api, details, NOW) is known
