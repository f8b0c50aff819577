# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Situations that a gate meets, one a row: what the site is like, what the task says, and what the verdict must be.

Each runs in both dialects, through the real action and modules, over HTTPS. What is expected is what the documentation
promises, never what the code happens to do.
"""

from __future__ import annotations

import json
import typing as t
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from rehearsal_site.running import RunningSite, running_site

from .gates import Event, Rehearsal, Result, Scenario

PASSED, FAILED, INCONCLUSIVE = "passed", "failed", "inconclusive"


@dataclass(frozen=True)
class Situation:
    """One row. What is left at None is not looked at; but for the consequence, where only a passed verdict goes on."""

    name: str
    site: Scenario
    options: Result
    verdict: str
    rule: str | None = None
    on_server: tuple[str, str | None] | None = None
    """The verdict and the leading rule where ArcGIS Server differs."""
    events: t.Mapping[int, Event] = field(default_factory=dict)
    """What happens in the pause after so many polls."""
    says: str = ""
    """Words of the message, a notice or a warning."""
    polls: int | None = None
    tries: int | None = 1
    """Passwords sent."""
    blocked: bool | None = None
    check: bool = False
    is_bare: bool = False
    """Whether the site lacks the service that every real one has."""


# --- how rows are written ------------------------------------------------------------------------------------------

SERVICE = "Analysis/Buffer.GPServer"
WAS_STARTED = {SERVICE: "STARTED"}


def job(status: str, **more: t.Any) -> Scenario:
    return {"status": status, **more}


def one(*jobs: Scenario, **more: t.Any) -> Scenario:
    """A site with a service of interest and these jobs."""
    return {"services": {"Analysis/Buffer": {"jobs": list(jobs), **more}}}


def many(**jobs: t.Any) -> Scenario:
    """A site with services of the folder Analysis by name, each with its jobs."""
    return {"services": {f"Analysis/{name}": {"jobs": own} for name, own in jobs.items()}}


def state(configured: str, realtime: str, *jobs: Scenario, **switches: t.Any) -> Scenario:
    """A site with one service in this state."""
    return {**one(*jobs, configured=configured, realtime=realtime), "switches": switches}


def switched(site: Scenario, **switches: t.Any) -> Scenario:
    return {**site, "switches": switches}


def account(*forbidden: str, **switches: t.Any) -> Scenario:
    """A site with work in the folder Secret, and an account that may not see everything."""
    clerk = {"name": "clerk", "password": CLERK["password"], "role": "publisher", "forbidden": list(forbidden)}
    services = {"Analysis/Buffer": {}, "Secret/Work": {"jobs": [EXECUTING]}}
    return {"accounts": [clerk], "services": services, "switches": switches}


CLERK = {"username": "clerk", "password": "rehearsal-clerk-Passw0rd"}
VIEWER = {"username": "viewer", "password": "rehearsal-Passw0rd-viewer"}
IDLE = one(job("succeeded", count=3, ended="20m ago"))
EXECUTING = job("executing", started="3m ago")
JUST_FAILED = job("failed", ended="12m ago", messages=["ERROR 000732: Input Features: Dataset does not exist"])
LONG_RECORD = {"count": 2500, "statuses": {"succeeded": 1}}
BUSY_HOUR = {"count": 2500, "statuses": {"succeeded": 1}, "span": "40m", "until": "5m ago"}
MANY_FAILED = {"count": 2600, "statuses": {"succeeded": 2000, "failed": 600}, "until": "3h ago"}
ANY = {"max_active": "unlimited", "max_failed": "unlimited"}


def exempt(**entry: t.Any) -> Result:
    return {"exempt": [{"reason": "because", **entry}]}


def ended(status: str, count: int, ago: str = "30m ago") -> Scenario:
    return job(status, count=count, every="10s", ended=ago)


def lives(seconds: int, ends: str = "succeeded") -> Scenario:
    """A job that executes so long from now on."""
    return {"life": {"executing": "0s", "ends": f"{ends} after {seconds}s"}}


def mark(at: str = "2026-11-24T08:30:00Z", **more: t.Any) -> Result:
    return {"since": {"at": at, "failed": {}, "states": {}, **more}}


def add(**new: t.Any) -> Event:
    return lambda site: site.add_job("Analysis/Buffer", **new)


def goes_down(site: Rehearsal) -> None:
    site.break_down()


def comes_up(site: Rehearsal) -> None:
    site.recover()


def is_gone(site: Rehearsal) -> None:
    site.remove_service("Analysis/Buffer")


def is_stopped(site: Rehearsal) -> None:
    site.set_state("Analysis/Buffer", "STOPPED")


def is_started(site: Rehearsal) -> None:
    site.set_state("Analysis/Buffer", "STARTED")


def revokes(site: Rehearsal) -> None:
    site.revoke_tokens()


def locks_out(site: Rehearsal) -> None:
    """Somebody changes the password, and all that were logged in are thrown out."""
    site.change_password()
    site.revoke_tokens()


# --- the table -----------------------------------------------------------------------------------------------------

STATUSES = [
    *(
        Situation(f"one job is {status}", one(job(status)), {}, FAILED, "active")
        for status in ("new", "submitted", "waiting", "executing", "cancelling", "deleting")
    ),
    *(
        Situation(f"one job is {status}", one(job(status, ended="5m ago")), {}, PASSED)
        for status in ("succeeded", "cancelled", "deleted")
    ),
    *(
        Situation(f"one job has {status}", one(job(status, ended="5m ago")), {}, FAILED, "failed")
        for status in ("failed", "timed_out")
    ),
    Situation("a word that nobody knows", one(job("executing", word="esriJobPondering")), {}, FAILED, "active"),
    Situation("no word at all", one(job("executing", word="")), {}, FAILED, "active"),
    Situation("a word that nobody knows on a finished job", one(job("succeeded", word="Done")), {}, FAILED, "active"),
    Situation("statuses as numbers", switched(one(EXECUTING), status_spelling="number"), {}, FAILED, "active"),
    Situation("statuses in capitals", switched(IDLE, status_spelling="upper"), {}, PASSED),
    Situation("ids without words", switched(one(JUST_FAILED), results_form="list_of_ids"), {}, FAILED, "failed"),
    Situation("ids with null", switched(one(EXECUTING), results_form="nulls"), {}, FAILED, "active"),
    Situation("a failure and a running job", one(EXECUTING, JUST_FAILED), {}, FAILED, "failed", says="ERROR 000732"),
]

RECORDS = [
    Situation("a long record at rest", one(history=LONG_RECORD), {}, PASSED),
    Situation("a long record with a running job", one(EXECUTING, history=LONG_RECORD), {}, FAILED, "active"),
    Situation("a long record with a waiting job", one(job("waiting"), history=LONG_RECORD), {}, FAILED, "active"),
    Situation("a long record with a failure", one(JUST_FAILED, history=LONG_RECORD), {}, FAILED, "failed"),
    Situation("small pages at rest", switched(one(ended("succeeded", 30)), page_cap=7), {}, PASSED),
    Situation(
        "small pages with an old running job last",
        switched(one(job("executing", started="5d ago"), ended("succeeded", 30)), page_cap=7),
        {},
        FAILED,
        "active",
    ),
    Situation(
        "a filter that is not honoured",
        switched(one(EXECUTING, history=LONG_RECORD), status_filter="ignored"),
        {},
        FAILED,
        "active",
    ),
    Situation("a start time is required", switched(one(EXECUTING), start_time_required="error"), {}, FAILED, "active"),
    Situation(
        "queries without a status find nothing",
        switched(one(EXECUTING), job_status_required="empty"),
        {},
        FAILED,
        "active",
    ),
    Situation(
        "a job moves on while it is asked for",
        {
            **one(job("waiting"), history=LONG_RECORD),
            "arrivals": [
                {
                    "service": "Analysis/Buffer",
                    "action": "move",
                    "from": "waiting",
                    "to": "executing",
                    "before": True,
                    "every_requests": 5,
                }
            ],
        },
        {},
        FAILED,
        "active",
    ),
    *(
        Situation(
            f"a job steps back {how}",
            switched(one(EXECUTING, history=LONG_RECORD), jobs_step_back=how),
            {},
            FAILED,
            "active",
        )
        for how in ("once", "always")
    ),
    Situation("old failures", one(ended("failed", 60, "5h ago"), history=LONG_RECORD), {}, PASSED),
    Situation("more old failures than can be looked at", one(history=MANY_FAILED), {}, INCONCLUSIVE, "incomplete"),
    Situation(
        "one young failure beside more old ones than can be looked at",
        one(JUST_FAILED, history=MANY_FAILED),
        {},
        FAILED,
        "failed",
    ),
    Situation(
        "details that are gone at first", switched(one(JUST_FAILED), vanishing_details="once"), {}, FAILED, "failed"
    ),
    Situation(
        "details that are never there",
        switched(one(JUST_FAILED), vanishing_details="always"),
        {},
        INCONCLUSIVE,
        "incomplete",
    ),
    Situation("no echo", switched(one(EXECUTING, history=LONG_RECORD), echo="none"), {}, FAILED, "active"),
    Situation(
        "the oldest first",
        switched(one(EXECUTING, ended("succeeded", 30)), sort="oldest", page_cap=7),
        {},
        FAILED,
        "active",
    ),
    *(
        Situation(
            f"queries that lack a status and a start time, one {lacks_status} and one {lacks_start_time}",
            switched(one(EXECUTING), job_status_required=lacks_status, start_time_required=lacks_start_time),
            {},
            FAILED,
            "active",
        )
        for lacks_status in ("error", "empty")
        for lacks_start_time in ("error", "empty")
    ),
    Situation("totals that are too high", switched(IDLE, total="too_high"), {}, INCONCLUSIVE, "incomplete"),
    Situation("totals that are missing", switched(IDLE, total="missing"), {}, INCONCLUSIVE, "error"),
]

LIMITS = [
    Situation("as many as allowed", one(job("executing", count=2)), {"max_active": 2}, PASSED),
    Situation("one more than allowed", one(job("executing", count=3)), {"max_active": 2}, FAILED, "active"),
    Situation("active jobs do not matter", one(job("executing", count=3)), {"max_active": "unlimited"}, PASSED),
    Situation(
        "allowed for each service",
        many(A=[job("executing", count=2)], B=[job("waiting", count=2)]),
        {"max_active": 2},
        PASSED,
    ),
    Situation(
        "too many for all together",
        many(A=[job("executing", count=2)], B=[job("waiting", count=2)]),
        {"max_active": 2, "total_max_active": 3},
        FAILED,
        "total_active",
    ),
    Situation(
        "just enough for all together",
        many(A=[job("executing", count=2)], B=[job("waiting", count=2)]),
        {"max_active": 2, "total_max_active": 4},
        PASSED,
    ),
    Situation(
        "none for all together, though each service is free",
        one(EXECUTING),
        {"max_active": "unlimited", "total_max_active": 0},
        FAILED,
        "total_active",
    ),
    Situation("executing jobs alone", one(EXECUTING, EXECUTING), {"max_executing": 1}, FAILED, "executing"),
    Situation(
        "a limit on executing jobs lets others queue",
        one(EXECUTING, job("waiting", count=5)),
        {"max_executing": 1},
        PASSED,
    ),
    Situation(
        "queued jobs alone", one(job("new"), job("submitted"), job("waiting")), {"max_queued": 2}, FAILED, "queued"
    ),
    Situation(
        "a limit on queued jobs lets others execute",
        one(job("executing", count=4), job("new"), job("waiting")),
        {"max_queued": 2},
        PASSED,
    ),
    Situation("a cancelling job executes", one(job("cancelling")), {"max_executing": 0}, FAILED, "executing"),
    Situation("a deleting job executes", one(job("deleting")), {"max_executing": 0}, FAILED, "executing"),
    Situation(
        "what nobody knows executes", one(job("waiting", word="Pondering")), {"max_executing": 0}, FAILED, "executing"
    ),
    Situation(
        "both kinds of limits", one(EXECUTING, job("waiting")), {"max_active": 5, "max_queued": 0}, FAILED, "queued"
    ),
    Situation("as many failures as allowed", one(ended("failed", 2)), {"max_failed": 2}, PASSED),
    Situation("one failure too many", one(ended("failed", 3)), {"max_failed": 2}, FAILED, "failed"),
    Situation(
        "timed-out jobs are failures",
        one(ended("failed", 1), ended("timed_out", 1)),
        {"max_failed": 1},
        FAILED,
        "failed",
    ),
    Situation("failures do not matter", one(ended("failed", 9)), {"max_failed": "unlimited"}, PASSED),
    Situation("nothing matters", one(JUST_FAILED, EXECUTING), ANY, PASSED),
    Situation("unlimited, with a capital", one(JUST_FAILED), {"max_failed": "Unlimited"}, PASSED),
]

SHARES = [
    Situation(
        "a share just allowed", one(ended("succeeded", 8), ended("failed", 2)), {"max_failed_percent": 20}, PASSED
    ),
    Situation(
        "a share too large",
        one(ended("succeeded", 7), ended("failed", 3)),
        {"max_failed_percent": 20},
        FAILED,
        "failed_percent",
    ),
    Situation(
        "a share with timed-out jobs",
        one(ended("succeeded", 7), ended("failed", 1), ended("timed_out", 2)),
        {"max_failed_percent": "20%"},
        FAILED,
        "failed_percent",
    ),
    Situation(
        "few finished jobs say little",
        one(ended("succeeded", 1), ended("failed", 3)),
        {"max_failed_percent": 20},
        PASSED,
    ),
    Situation("few failed, and none succeeded", one(ended("failed", 2)), {"max_failed_percent": 20}, PASSED),
    Situation(
        "three failed, and none succeeded",
        one(ended("failed", 3)),
        {"max_failed_percent": 20},
        FAILED,
        "failed_percent",
    ),
    Situation(
        "what succeeded before the window is none",
        one(ended("succeeded", 20, "5h ago"), ended("failed", 3)),
        {"max_failed_percent": 20},
        FAILED,
        "failed_percent",
    ),
    Situation(
        "few are enough if one says so",
        one(ended("succeeded", 2), ended("failed", 2)),
        {"max_failed_percent": 20, "min_finished": 4},
        FAILED,
        "failed_percent",
    ),
    Situation(
        "cancelled jobs are no part of a share",
        one(ended("succeeded", 7), ended("failed", 3), ended("cancelled", 30)),
        {"max_failed_percent": 20},
        FAILED,
        "failed_percent",
    ),
    Situation(
        "a share and a number, the number exceeded",
        one(ended("succeeded", 30), ended("failed", 2)),
        {"max_failed_percent": 20, "max_failed": 1},
        FAILED,
        "failed",
    ),
    Situation(
        "a share and a number, the share exceeded",
        one(ended("succeeded", 7), ended("failed", 3)),
        {"max_failed_percent": 20, "max_failed": 5},
        FAILED,
        "failed_percent",
    ),
    Situation(
        "a share of a long record", one(ended("failed", 3), history=BUSY_HOUR), {"max_failed_percent": 1}, PASSED
    ),
    Situation(
        "a share of a long record, too large",
        one(ended("failed", 30), history=BUSY_HOUR),
        {"max_failed_percent": 1},
        FAILED,
        "failed_percent",
    ),
    Situation("nothing failed, so no share", one(ended("succeeded", 30)), {"max_failed_percent": 0}, PASSED),
]

WINDOWS = [
    Situation("a failure inside the window", one(job("failed", ended="59m ago")), {}, FAILED, "failed"),
    Situation("a failure outside the window", one(job("failed", ended="62m ago")), {}, PASSED),
    Situation("a failure in the slack of clocks", one(job("failed", ended="60m 50s ago")), {}, FAILED, "failed"),
    Situation("a failure behind the slack", one(job("failed", ended="61m 5s ago")), {}, PASSED),
    Situation("no slack", one(job("failed", ended="60m 30s ago")), {"clock_slack": "0s"}, PASSED),
    Situation("a longer window", one(job("failed", ended="62m ago")), {"window": "2h"}, FAILED, "failed"),
    Situation(
        "submitted yesterday, and failed a moment ago",
        one(job("failed", submitted="23h ago", started="22h ago", ended="8m ago")),
        {},
        FAILED,
        "failed",
    ),
    Situation(
        "nobody knows when it failed",
        switched(one(job("failed", ended="5h ago")), detail_times="no_end"),
        {},
        FAILED,
        "failed",
    ),
    Situation("a job that has run for days", one(job("executing", started="3d ago")), {}, FAILED, "active"),
    Situation("a job that has waited for days", one(job("waiting", submitted="9d ago")), {}, FAILED, "active"),
    Situation(
        "a window longer than ArcGIS Server's memory",
        switched(IDLE, retention="6h"),
        {"window": "8h"},
        PASSED,
        on_server=(INCONCLUSIVE, "window"),
    ),
    Situation(
        "a window longer than a memory that is given",
        switched(IDLE, retention="6h"),
        {"window": "8h", "retention": "6h"},
        INCONCLUSIVE,
        "window",
    ),
    Situation("a window as long as the memory", switched(IDLE, retention="6h"), {"window": "6h"}, PASSED),
    Situation("a window as long as a memory that is given", IDLE, {"window": "6h", "retention": "6h"}, PASSED),
    Situation(
        "a job that runs, and a window longer than the memory",
        switched(one(EXECUTING), retention="6h"),
        {"window": "8h", "retention": "6h"},
        FAILED,
        "active",
    ),
    Situation(
        "a memory does not matter if failures do not",
        switched(IDLE, retention="6h"),
        {"window": "8h", "max_failed": "unlimited", "retention": "6h"},
        PASSED,
    ),
    Situation(
        "a window that is longer than the memory is not waited for",
        switched(IDLE, retention="6h"),
        {"window": "8h", "wait": "10m", "retention": "6h"},
        INCONCLUSIVE,
        "window",
        polls=1,
    ),
]

MARKS = [
    Situation("a failure after the mark", one(job("failed", ended="20m ago")), mark(), FAILED, "failed"),
    Situation("a failure before the mark", one(job("failed", ended="40m ago")), mark(), PASSED),
    Situation(
        "a failure after a mere time",
        one(job("failed", ended="20m ago")),
        {"since": "2026-11-24T08:30:00Z"},
        FAILED,
        "failed",
    ),
    Situation(
        "a time with a zone", one(job("failed", ended="40m ago")), {"since": "2026-11-24T09:30:00+01:00"}, PASSED
    ),
    Situation("a failure in the slack of the mark", one(job("failed", ended="30m 30s ago")), mark(), FAILED, "failed"),
    Situation(
        "a failure that the mark knows",
        one(job("failed", id="jold", ended="30m 30s ago")),
        mark(failed={SERVICE: ["jold"]}),
        PASSED,
    ),
    Situation(
        "a failure beside the one that the mark knows",
        one(job("failed", id="jold", ended="30m 30s ago"), job("failed", ended="10m ago")),
        mark(failed={SERVICE: ["jold"]}),
        FAILED,
        "failed",
    ),
    Situation("a running job is no matter of marks", one(job("executing", started="2d ago")), mark(), FAILED, "active"),
    Situation("started at the mark, and still", IDLE, mark(states=WAS_STARTED), PASSED),
    Situation(
        "started at the mark, and stopped", state("STOPPED", "STOPPED"), mark(states=WAS_STARTED), FAILED, "stopped"
    ),
    Situation("stopped at the mark, and still", state("STARTED", "STOPPED"), mark(states={SERVICE: "STOPPED"}), PASSED),
    Situation("started at the mark, and gone", many(Other=[]), mark(states=WAS_STARTED), FAILED, "gone"),
    Situation(
        "gone, and that is known",
        many(Other=[]),
        {**mark(states=WAS_STARTED), **exempt(service="Analysis/Buffer", missing="ignore")},
        PASSED,
    ),
    Situation(
        "gone, and not asked for", many(Other=[]), {**mark(states=WAS_STARTED), "services": ["Analysis/Other"]}, PASSED
    ),
    Situation(
        "gone, and its folder is exempted",
        many(Other=[]),
        {**mark(states=WAS_STARTED), **exempt(service="Analysis/B*")},
        PASSED,
    ),
    Situation(
        "gone, and back during the wait",
        many(Other=[]),
        {**mark(states=WAS_STARTED), "wait": "1m"},
        PASSED,
        events={2: lambda site: site.add_service("Analysis/Buffer")},
        polls=3,
    ),
    Situation(
        "a mark older than ArcGIS Server's memory",
        switched(IDLE, retention="6h"),
        mark("2026-11-24T01:00:00Z"),
        PASSED,
        on_server=(INCONCLUSIVE, "window"),
    ),
]

EXEMPTIONS = [
    Situation("a service", one(EXECUTING, JUST_FAILED), exempt(service="Analysis/Buffer"), PASSED, says="because"),
    Situation("a service by its full name", one(EXECUTING), exempt(service=SERVICE), PASSED),
    Situation("a folder", one(EXECUTING), exempt(service="Analysis/*"), PASSED),
    Situation("another folder", one(EXECUTING), exempt(service="Anal/*"), FAILED, "active"),
    Situation("a job", one(job("executing", id="j1")), exempt(job="j1"), PASSED),
    Situation("another job", one(job("executing", id="j1"), job("executing")), exempt(job="j1"), FAILED, "active"),
    Situation("a failed job", one(job("failed", id="j1", ended="5m ago")), exempt(job="j1"), PASSED),
    Situation("a user", one(job("executing", user="nightly")), exempt(user="nightly"), PASSED),
    Situation("a user in other letters", one(job("executing", user="Nightly")), exempt(user="NIGHTLY"), PASSED),
    Situation("another user", one(job("executing", user="somebody")), exempt(user="nightly"), FAILED, "active"),
    Situation("nobody", one(job("executing", user=None)), exempt(user="anonymous"), PASSED),
    Situation("nobody, where somebody is", one(job("executing", user="x")), exempt(user="anonymous"), FAILED, "active"),
    Situation("a status", one(job("waiting")), exempt(status="waiting"), PASSED),
    Situation("a group of statuses", one(job("waiting"), job("new")), exempt(status=["queued"]), PASSED),
    Situation("another status", one(job("executing")), exempt(status="queued"), FAILED, "active"),
    Situation("old jobs", one(job("executing", submitted="2d ago")), exempt(older_than="1d"), PASSED),
    Situation("old jobs, and a young one", one(EXECUTING), exempt(older_than="1d"), FAILED, "active"),
    Situation(
        "a user's jobs in one service only",
        many(A=[job("executing", user="x")], B=[job("executing", user="x")]),
        exempt(service="Analysis/A", user="x"),
        FAILED,
        "active",
    ),
    Situation(
        "all that is given must apply",
        one(job("executing", user="nightly")),
        exempt(user="nightly", status="waiting"),
        FAILED,
        "active",
    ),
    Situation("until a day to come", one(EXECUTING), exempt(service=SERVICE, until="2026-11-25"), PASSED),
    Situation(
        "until a day that is over",
        one(EXECUTING),
        exempt(service=SERVICE, until="2026-11-23T00:00:00Z"),
        FAILED,
        "active",
        says="no longer counts",
    ),
    Situation(
        "over during the wait",
        one(EXECUTING),
        {**exempt(service=SERVICE, until="2026-11-24T09:00:15Z"), "steady": 3, "wait": "1m"},
        FAILED,
        "active",
        says="no longer counts",
        polls=7,
    ),
    Situation("every service", account("Secret"), {**CLERK, **exempt(service="*")}, PASSED),
    Situation(
        "an exempted service is none of the total",
        one(EXECUTING),
        {**exempt(service="Analysis/Buffer"), "total_max_active": 0},
        PASSED,
    ),
    Situation(
        "exempted jobs are none of the total",
        many(A=[job("executing", user="x")], B=[EXECUTING]),
        {**exempt(user="x"), "max_active": 1, "total_max_active": 1},
        PASSED,
    ),
    Situation(
        "exempted failures are none of a share",
        one(ended("succeeded", 7), ended("failed", 1), job("failed", count=2, user="x", ended="5m ago")),
        {**exempt(user="x"), "max_failed_percent": 20, "min_finished": 8},
        PASSED,
    ),
]

SERVICE_LIMITS = [
    Situation(
        "a pattern",
        one(job("executing", count=3)),
        {"service_limits": [{"service": "Analysis/*", "max_active": 3}]},
        PASSED,
    ),
    Situation(
        "a pattern for others",
        one(EXECUTING),
        {"service_limits": [{"service": "System/*", "max_active": 3}]},
        FAILED,
        "active",
    ),
    Situation(
        "the first wins",
        one(EXECUTING),
        {"service_limits": [{"service": "Analysis/Buffer", "max_active": 0}, {"service": "*", "max_active": 9}]},
        FAILED,
        "active",
    ),
    Situation(
        "the first wins, the other way round",
        one(EXECUTING),
        {"service_limits": [{"service": "*", "max_active": 9}, {"service": "Analysis/Buffer", "max_active": 0}]},
        PASSED,
    ),
    Situation(
        "what it does not name is the task's",
        one(EXECUTING, JUST_FAILED),
        {"max_failed": 0, "service_limits": [{"service": "Analysis/Buffer", "max_active": 9}]},
        FAILED,
        "failed",
    ),
    Situation(
        "a stricter one",
        many(A=[EXECUTING], B=[EXECUTING]),
        {"max_active": "unlimited", "service_limits": [{"service": "Analysis/B", "max_active": 0}]},
        FAILED,
        "active",
    ),
    Situation(
        "a stricter one about failures alone",
        many(A=[JUST_FAILED], B=[JUST_FAILED]),
        {**ANY, "service_limits": [{"service": "Analysis/B", "max_failed": 0}]},
        FAILED,
        "failed",
    ),
    Situation(
        "a share of its own",
        one(ended("succeeded", 7), ended("failed", 3)),
        {"service_limits": [{"service": "Analysis/*", "max_failed_percent": 40, "max_failed": "unlimited"}]},
        PASSED,
    ),
]

AGES = [
    Situation(
        "a stuck job",
        one(job("executing", started="3h ago")),
        {"max_active": "unlimited", "max_age": "2h"},
        FAILED,
        "age",
    ),
    Situation(
        "a job that is not stuck", one(job("executing", started="1h ago")), {"max_active": 5, "max_age": "2h"}, PASSED
    ),
    Situation(
        "a stuck job in the queue",
        one(job("waiting", submitted="3h ago")),
        {"max_active": 5, "max_age": "2h"},
        FAILED,
        "age",
    ),
    Situation(
        "a stuck job is not waited for",
        one(job("executing", started="3h ago")),
        {"max_age": "2h", "wait": "10m"},
        FAILED,
        "age",
        polls=1,
    ),
    Situation(
        "a job gets stuck during the wait",
        one(job("executing", started="119m 45s ago")),
        {"max_age": "2h", "wait": "10m"},
        FAILED,
        "age",
        polls=3,
    ),
    Situation(
        "nobody knows how old it is",
        switched(one(EXECUTING), detail_times="none"),
        {"max_active": 5, "max_age": "2h"},
        INCONCLUSIVE,
        "age",
    ),
    Situation(
        "a stuck job that is exempted",
        one(job("executing", id="j1", started="3h ago")),
        {"max_age": "2h", **exempt(job="j1")},
        PASSED,
    ),
]

STATES = [
    Situation("stopped and idle", state("STOPPED", "STOPPED"), {}, PASSED, says="does not count"),
    Situation("stopped with an old failure", state("STOPPED", "STOPPED", JUST_FAILED), {}, PASSED),
    Situation("stopped with an executing job", state("STOPPED", "STOPPED", EXECUTING), {}, FAILED, "active"),
    Situation("stopped with a waiting job", state("STOPPED", "STOPPED", job("waiting")), {}, FAILED, "active"),
    Situation("should run, and does not", state("STARTED", "STOPPED"), {}, FAILED, "stopped"),
    Situation("should run, and starts", state("STARTED", "STARTING"), {}, FAILED, "stopped"),
    Situation("should run, does not, and is exempted", state("STARTED", "STOPPED"), exempt(service=SERVICE), PASSED),
    Situation(
        "a stopped service whose jobs are not found",
        state("STOPPED", "STOPPED", stopped_service_jobs="missing"),
        {},
        PASSED,
        says="stopped",
    ),
    Situation(
        "a stopped service whose jobs cannot be read",
        state("STOPPED", "STOPPED", stopped_service_jobs="error"),
        {},
        INCONCLUSIVE,
        "error",
    ),
    Situation(
        "a service that should run and shows no jobs",
        state("STARTED", "STOPPED", EXECUTING, stopped_service_jobs="error"),
        {},
        FAILED,
        "stopped",
        says="is not started",
    ),
    Situation(
        "starts during the wait", state("STARTED", "STOPPED"), {"wait": "1m"}, PASSED, events={2: is_started}, polls=3
    ),
    Situation("runs synchronously", one(sync=True), {}, PASSED, says="synchronously"),
    Situation(
        "runs synchronously, beside one that works",
        {"services": {"Analysis/Quick": {"sync": True}, "Analysis/Buffer": {"jobs": [EXECUTING]}}},
        {"services": ["Analysis/*"]},
        FAILED,
        "active",
    ),
    Situation("answers its users", IDLE, {"must_answer": True}, PASSED),
    Situation("stopped, and need not answer", state("STOPPED", "STOPPED"), {"must_answer": True}, PASSED),
    Situation(
        "does not answer its users",
        {**IDLE, "faults": [{"fault": "error500", "shape": "rest", "match": {"path": "rest/services/Analysis"}}]},
        {"must_answer": True},
        FAILED,
        "silent",
    ),
    Situation(
        "does not tell its state, and has to",
        {**IDLE, "faults": [{"fault": "error500", "match": {"path": "Buffer.GPServer/status"}}]},
        {"must_answer": True},
        INCONCLUSIVE,
        "stopped",
    ),
    Situation(
        "does not tell its state, and need not",
        {**IDLE, "faults": [{"fault": "error500", "match": {"path": "Buffer.GPServer/status"}}]},
        {},
        PASSED,
    ),
]

RIGHTS = [
    Situation("a forbidden folder", account("Secret"), CLERK, INCONCLUSIVE, "unseen", says="Secret/*"),
    Situation("a forbidden folder, exempted", account("Secret"), {**CLERK, **exempt(service="Secret/*")}, PASSED),
    Situation("a forbidden folder, not asked for", account("Secret"), {**CLERK, "services": ["Analysis/*"]}, PASSED),
    Situation(
        "a forbidden folder, of which only jobs are exempted",
        account("Secret"),
        {**CLERK, **exempt(service="Secret/*", user="x")},
        INCONCLUSIVE,
        "unseen",
    ),
    Situation(
        "a forbidden folder, exempted until yesterday",
        account("Secret"),
        {**CLERK, **exempt(service="Secret/*", until="2026-11-23")},
        INCONCLUSIVE,
        "unseen",
    ),
    Situation(
        "a forbidden folder, of which one service is exempted",
        account("Secret"),
        {**CLERK, **exempt(service="Secret/Work")},
        INCONCLUSIVE,
        "unseen",
    ),
    Situation("a forbidden service", account("Secret/Work"), CLERK, INCONCLUSIVE, "unseen", says="Secret/Work"),
    Situation(
        "a forbidden service, exempted", account("Secret/Work"), {**CLERK, **exempt(service="Secret/Work")}, PASSED
    ),
    Situation(
        "a forbidden service, named",
        account("Secret/Work"),
        {**CLERK, "services": ["Secret/Work"]},
        INCONCLUSIVE,
        "error",
    ),
    Situation(
        "a site of which a part is hidden",
        account("System", forbidden_listing="hidden"),
        {**CLERK, **exempt(service="Secret/*")},
        INCONCLUSIVE,
        "unseen",
        says="System/PublishingTools",
    ),
    Situation(
        "a hidden part, exempted",
        account("System", "Secret", forbidden_listing="hidden"),
        {**CLERK, **exempt(service="System/PublishingTools")},
        PASSED,
    ),
    Situation("an account without the right", IDLE, VIEWER, INCONCLUSIVE, "error", says="privilege"),
    Situation(
        "unseen, and yet something failed",
        {**account("Secret"), "services": {**account()["services"], **one(JUST_FAILED)["services"]}},
        CLERK,
        FAILED,
        "failed",
    ),
]

CHOICES = [
    Situation("nothing at all", {"services": {}}, {}, INCONCLUSIVE, "empty", is_bare=True),
    Situation("nothing at all, and all is exempted", {"services": {}}, exempt(service="*"), PASSED, is_bare=True),
    Situation(
        "nothing at all, and not even what every site has is missed",
        {"services": {}},
        exempt(service="System/PublishingTools", missing="ignore"),
        INCONCLUSIVE,
        "empty",
        is_bare=True,
    ),
    Situation("all exempted", one(EXECUTING), exempt(service="*"), PASSED, says="because"),
    Situation("the busy one exempted", one(EXECUTING), exempt(service="Analysis/*"), PASSED, says="because"),
    Situation("another one asked for", one(EXECUTING), {"services": ["System/*"]}, PASSED),
    Situation("the busy one asked for", one(EXECUTING), {"service": "Analysis/Buffer"}, FAILED, "active"),
    Situation(
        "a map service, named with its type",
        {"services": {"Maps/City.MapServer": {"jobs": [EXECUTING]}}},
        {"services": ["Maps/City.MapServer"]},
        FAILED,
        "active",
    ),
    Situation(
        "a map service, where all geoprocessing is meant",
        {"services": {"Maps/City.MapServer": {"jobs": [EXECUTING]}}},
        {},
        PASSED,
    ),
    Situation(
        "a name with blanks and other letters",
        {"services": {"Straßen und Wege/Route berechnen": {"jobs": [EXECUTING]}}},
        {"services": ["Straßen*/*"]},
        FAILED,
        "active",
    ),
    Situation(
        "gone since it was listed",
        {
            **IDLE,
            "faults": [
                {
                    "fault": "edited",
                    "match": {"path": r"/services/Analysis\?", "times": 1},
                    "put": {"services": [{"serviceName": name, "type": "GPServer"} for name in ("Buffer", "Ghost")]},
                }
            ],
        },
        {"services": ["Analysis/*"]},
        PASSED,
        says="is gone",
    ),
    Situation(
        "listed and not found",
        {**IDLE, "faults": [{"fault": "error404", "match": {"path": "Analysis/Buffer"}}]},
        {},
        INCONCLUSIVE,
        "error",
        says="says that it does not have its jobs",
    ),
    Situation(
        "missing, and that may be",
        IDLE,
        {"services": [{"name": "Analysis/Gone", "missing": "ignore"}, "Analysis/Buffer"]},
        PASSED,
    ),
    Situation(
        "missing beside one that works",
        one(EXECUTING),
        {"services": [{"name": "Analysis/Gone", "missing": "ignore"}, "Analysis/Buffer"]},
        FAILED,
        "active",
    ),
    Situation(
        "all of them missing, and that may be",
        IDLE,
        {"services": [{"name": "Analysis/Gone", "missing": "ignore"}, {"name": "Gone/*", "missing": "ignore"}]},
        PASSED,
    ),
    Situation(
        "a pattern that may match nothing",
        IDLE,
        {"services": ["Analysis/*", {"name": "Gone/*", "missing": "ignore"}]},
        PASSED,
    ),
]

WAITS = [
    Situation("a job ends in time", one(lives(25)), {"wait": "1m"}, PASSED, polls=4),
    Situation("a job does not end in time", one(EXECUTING), {"wait": "30s"}, FAILED, "active", polls=4),
    Situation("the last pause is shorter", one(EXECUTING), {"wait": "25s"}, FAILED, "active", polls=4),
    Situation("a job ends in the last shorter pause", one(lives(23)), {"wait": "25s"}, PASSED, polls=4),
    Situation("a job fails in the end", one(lives(25, "failed")), {"wait": "5m"}, FAILED, "failed", polls=4),
    Situation(
        "a job fails in the end, and that does not matter",
        one(lives(25, "failed")),
        {"wait": "5m", "max_failed": "unlimited"},
        PASSED,
        polls=4,
    ),
    Situation(
        "a queue moves on and ends",
        one({"life": {"new": "0s", "waiting": "8s", "executing": "15s", "ends": "succeeded after 33s"}}),
        {"wait": "1m"},
        PASSED,
        polls=5,
    ),
    Situation("three clean polls", IDLE, {"steady": 3, "wait": "1m"}, PASSED, polls=3),
    Situation(
        "clean polls, interrupted by a job",
        IDLE,
        {"steady": 2, "wait": "1m"},
        PASSED,
        events={1: add(**lives(15))},
        polls=4,
    ),
    Situation(
        "the last clean polls may come a little late", one(lives(18)), {"steady": 3, "wait": "20s"}, PASSED, polls=5
    ),
    Situation(
        "a clean poll at the deadline, and a job after it",
        one(lives(18)),
        {"steady": 2, "wait": "20s"},
        FAILED,
        "active",
        events={3: add(**lives(60))},
        polls=4,
    ),
    Situation(
        "a failure appears",
        one(EXECUTING),
        {"wait": "10m"},
        FAILED,
        "failed",
        events={1: add(status="failed")},
        polls=2,
    ),
    Situation(
        "a failure appears between clean polls",
        IDLE,
        {"steady": 3, "wait": "10m"},
        FAILED,
        "failed",
        events={2: add(status="failed")},
        polls=3,
    ),
    Situation(
        "a failure that is there is not waited for",
        one(EXECUTING, JUST_FAILED),
        {"wait": "10m"},
        FAILED,
        "failed",
        polls=1,
    ),
    Situation(
        "a failure does not leave the window by waiting",
        one(job("failed", ended="60m 50s ago"), EXECUTING),
        {"wait": "10m"},
        FAILED,
        "failed",
        polls=1,
    ),
    Situation(
        "the window is fixed at the first poll",
        one(job("failed", ended="59m ago"), lives(150, "failed")),
        {"max_failed": 1, "wait": "10m"},
        FAILED,
        "failed",
        polls=16,
    ),
    Situation(
        "one job ends, and another comes",
        one(EXECUTING, lives(15)),
        {"wait": "30s"},
        FAILED,
        "active",
        events={2: add(status="executing")},
        says="1 job ended and 1 job arrived",
        polls=4,
    ),
    Situation("a service goes away", one(EXECUTING), {"wait": "10m"}, PASSED, events={1: is_gone}, polls=2),
    Situation(
        "a service comes",
        IDLE,
        {"steady": 3, "wait": "20s"},
        FAILED,
        "active",
        events={1: lambda site: site.add_service("Analysis/New", jobs=[EXECUTING])},
        polls=3,
    ),
    Situation(
        "a service is stopped with its job",
        one(EXECUTING),
        {"wait": "30s"},
        FAILED,
        "active",
        events={1: is_stopped},
        polls=4,
    ),
    Situation("check mode measures once", one(lives(25)), {"wait": "1m"}, FAILED, "active", check=True, polls=1),
    Situation("check mode is not steady", IDLE, {"steady": 3, "wait": "1m"}, PASSED, check=True, polls=1),
]

ERRORS = [
    Situation("down", IDLE, {}, INCONCLUSIVE, "error", events={0: goes_down}, polls=1, tries=0),
    Situation(
        "one error, then clean", one(lives(15)), {"wait": "10m"}, PASSED, events={1: goes_down, 2: comes_up}, polls=3
    ),
    Situation(
        "an error between clean polls",
        IDLE,
        {"wait": "10m", "steady": 2},
        PASSED,
        events={1: goes_down, 2: comes_up},
        polls=4,
    ),
    Situation(
        "errors until the end of the wait",
        IDLE,
        {"wait": "30s"},
        INCONCLUSIVE,
        "error",
        events={0: goes_down},
        polls=4,
        tries=0,
    ),
    Situation(
        "errors, a job, and errors again",
        one(lives(65)),
        {"wait": "10m"},
        PASSED,
        events={1: goes_down, 3: comes_up, 4: goes_down, 9: comes_up},
        polls=10,
    ),
    Situation(
        "not whole until the end of the wait",
        switched(one(EXECUTING), total="too_high"),
        {"wait": "20s"},
        INCONCLUSIVE,
        "incomplete",
        polls=3,
    ),
    Situation(
        "errors at the end of the wait",
        one(EXECUTING),
        {"wait": "20s"},
        INCONCLUSIVE,
        "error",
        events={2: goes_down},
        polls=3,
    ),
    Situation("starts up late", IDLE, {"wait": "5m"}, PASSED, events={0: goes_down, 10: comes_up}, polls=11),
    Situation(
        "starts up late, and then works",
        one(lives(120)),
        {"wait": "5m"},
        PASSED,
        events={0: goes_down, 8: comes_up},
        polls=13,
    ),
    Situation(
        "a login that the site had no time for",
        IDLE,
        {"wait": "5m"},
        PASSED,
        events={0: lambda site: site.break_down(path="generateToken", status=503), 3: comes_up},
        polls=4,
        tries=None,
    ),
    Situation(
        "a login of which nobody knows what became",
        IDLE,
        {"wait": "5m"},
        INCONCLUSIVE,
        "error",
        events={0: lambda site: site.break_down("reset_in_body", path="generateToken")},
        polls=1,
    ),
    Situation(
        "a page of HTML",
        {**IDLE, "faults": [{"fault": "html_login", "match": {"path": "jobs/query"}}]},
        {},
        INCONCLUSIVE,
        "error",
    ),
    Situation(
        "an answer without results",
        {**IDLE, "faults": [{"fault": "results_missing", "match": {"path": "Buffer.*jobs/query"}}]},
        {},
        INCONCLUSIVE,
        "error",
    ),
    Situation(
        "an error of one service alone",
        {**IDLE, "faults": [{"fault": "error500", "match": {"path": "Buffer.*jobs/query"}}]},
        {},
        INCONCLUSIVE,
        "error",
    ),
]

LOGINS = [
    Situation("a wrong password", IDLE, {"password": "wrong"}, INCONCLUSIVE, "error", polls=1),
    Situation(
        "a wrong password, and time to wait",
        IDLE,
        {"password": "wrong", "wait": "10m"},
        INCONCLUSIVE,
        "error",
        polls=1,
    ),
    Situation(
        "a wrong password is an error in the mode observe too",
        IDLE,
        {"password": "wrong", "mode": "observe"},
        INCONCLUSIVE,
        "error",
        blocked=False,
    ),
    Situation(
        "a password that is changed during the wait",
        one(EXECUTING),
        {"wait": "10m"},
        INCONCLUSIVE,
        "error",
        events={1: locks_out},
        polls=2,
        tries=2,
    ),
    Situation("a revoked token", one(lives(15)), {"wait": "10m"}, PASSED, events={1: revokes}, polls=3, tries=2),
    Situation(
        "a token revoked twice",
        one(lives(25)),
        {"wait": "10m"},
        PASSED,
        events={1: revokes, 2: revokes},
        polls=4,
        tries=3,
    ),
    Situation(
        "tokens of five minutes",
        switched(one(lives(405)), token_max_minutes=5),
        {"wait": "10m", "poll_interval": "1m"},
        PASSED,
        polls=8,
        tries=2,
    ),
]

CONSEQUENCES = [
    Situation("observed", one(EXECUTING), {"mode": "observe"}, FAILED, "active", blocked=False, says="Only observed"),
    Situation(
        "observed, and unknown",
        IDLE,
        {"mode": "observe"},
        INCONCLUSIVE,
        "error",
        blocked=False,
        events={0: goes_down},
        tries=0,
    ),
    Situation("observed, and good", IDLE, {"mode": "observe"}, PASSED),
    Situation(
        "unknown, and a warning",
        IDLE,
        {"on_inconclusive": "warn"},
        INCONCLUSIVE,
        "error",
        blocked=False,
        events={0: goes_down},
        tries=0,
        says="on_inconclusive: warn",
    ),
    Situation("failed is no matter of a warning", one(EXECUTING), {"on_inconclusive": "warn"}, FAILED, "active"),
    Situation(
        "failed and unseen is no matter of a warning",
        {**account("Secret"), "services": {"Analysis/Buffer": {"jobs": [EXECUTING]}, "Secret/Work": {}}},
        {**CLERK, "on_inconclusive": "warn"},
        FAILED,
        "active",
    ),
    Situation(
        "somebody's word",
        one(EXECUTING),
        {"override": {"reason": "Flood", "by": "ops"}, "wait": "10m"},
        FAILED,
        "active",
        blocked=False,
        says="Overridden by ops (Flood)",
        polls=1,
    ),
    Situation(
        "somebody's word, and the site is down",
        IDLE,
        {"override": {"reason": "Flood", "by": "ops"}},
        INCONCLUSIVE,
        "error",
        blocked=False,
        events={0: goes_down},
        tries=0,
    ),
    Situation(
        "somebody's word of yesterday",
        one(EXECUTING),
        {"override": {"reason": "Flood", "by": "ops", "until": "2026-11-23T12:00:00Z"}},
        FAILED,
        "active",
        says="no longer counts",
    ),
    Situation(
        "somebody's word until tomorrow",
        one(JUST_FAILED),
        {"override": {"reason": "Flood", "by": "ops", "until": "2026-11-25T12:00:00Z"}},
        FAILED,
        "failed",
        blocked=False,
    ),
]

SITUATIONS = [
    (group, row)
    for group, rows in {
        "status": STATUSES,
        "record": RECORDS,
        "limit": LIMITS,
        "share": SHARES,
        "window": WINDOWS,
        "mark": MARKS,
        "exempt": EXEMPTIONS,
        "service_limits": SERVICE_LIMITS,
        "age": AGES,
        "state": STATES,
        "right": RIGHTS,
        "choice": CHOICES,
        "wait": WAITS,
        "error": ERRORS,
        "login": LOGINS,
        "consequence": CONSEQUENCES,
    }.items()
    for row in rows
]


# --- the tests -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["kubernetes", "server"])
def running(request: pytest.FixtureRequest) -> Iterator[RunningSite]:
    """One site a dialect for all rows; each loads its own state."""
    with running_site(api=str(request.param)) as site:
        yield site


@pytest.fixture
def site(running: RunningSite, monkeypatch: pytest.MonkeyPatch, no_pauses: None) -> Rehearsal:
    return Rehearsal(running, monkeypatch)


@pytest.mark.parametrize("row", [pytest.param(row, id=f"{group}: {row.name}") for group, row in SITUATIONS])
def test_situation(site: Rehearsal, row: Situation) -> None:
    (site.load_as_it_is if row.is_bare else site.load)(row.site)
    result = site.gate(check=row.check, events=row.events, **row.options)
    shown = "\n".join([str(result.get("msg")), *result.get("warnings", ()), *site.warned, *site.printed])
    verdict, rule = row.verdict, row.rule
    if row.on_server is not None and site.site.api == "server":
        verdict, rule = row.on_server
    found = (result.get("verdict"), result["reasons"][0]["rule"] if result.get("reasons") else None)
    assert found == (verdict, rule), shown
    assert result["passed"] is (verdict == PASSED), shown
    blocked = verdict != PASSED if row.blocked is None else row.blocked
    assert (result["blocked"], result["failed"], result["changed"]) == (blocked, blocked, False), shown
    assert row.says in shown, shown
    if row.polls is not None:
        assert result["polls"] == row.polls == len(site.pauses) + 1, shown
    if row.tries is not None:
        assert site.tries == row.tries, site.paths("generateToken")
    check_manners(site, result)


def check_manners(site: Rehearsal, result: Result) -> None:
    """What holds in every situation: nothing secret is told, and the simulation itself worked."""
    told = json.dumps([result, site.printed, site.warned, [entry.line() for entry in site.site.log]])
    for secret in (site.running.password, CLERK["password"], VIEWER["password"], *site.site.desk.tokens):
        assert secret not in told
    assert [line for line in site.printed if not line.startswith("[gis1] ")] == []
    assert site.site.failures == []


@pytest.mark.parametrize("required", ["error", "empty"])
def test_a_start_time_that_is_wanted_and_hides_what_has_not_ended_lets_nothing_pass(
    site: Rehearsal, required: str
) -> None:
    """Only ArcGIS Server's documents call a start time required, and only its statistics tell what one hides."""
    if site.site.api != "server":
        return
    site.load(switched(one(EXECUTING), start_time_required=required, time_window="ended"))
    result = site.gate()
    assert result["passed"] is False, result["msg"]


def test_an_error_of_one_service_hides_nothing_of_the_others(site: Rehearsal) -> None:
    broken = {"fault": "error500", "match": {"path": "Buffer.*jobs/query"}}
    services = {"Analysis/Buffer": {}, "Analysis/Clip": {"jobs": [JUST_FAILED]}}
    site.load({"services": services, "faults": [broken]})
    result = site.gate(retries=0)
    assert [reason["rule"] for reason in result["reasons"]] == ["failed", "error"], result["msg"]
    result = site.gate(retries=0, max_failed=1, **exempt(service="Analysis/Buffer"))
    assert result["verdict"] == PASSED, result["msg"]


# --- wrong input ---------------------------------------------------------------------------------------------------

OWN_LIMITS = {"service": "Analysis/*"}
MEANINGLESS: list[tuple[str, Result, str]] = [
    ("less than nothing", {"max_active": -1}, "option max_active"),
    ("a word for a limit", {"max_failed": "none"}, "option max_failed"),
    ("half a job", {"max_executing": "1.5"}, "option max_executing"),
    ("less than nothing in the queue", {"max_queued": "-3"}, "option max_queued"),
    ("less than nothing in all", {"total_max_active": "-1"}, "option total_max_active"),
    ("more than all of them", {"max_failed_percent": 101}, "option max_failed_percent"),
    ("less than none of them", {"max_failed_percent": "-5"}, "option max_failed_percent"),
    ("a share of a word", {"max_failed_percent": "many"}, "option max_failed_percent"),
    ("a share of nothing", {"max_failed_percent": 5, "min_finished": 0}, "option min_finished"),
    ("less than nothing finished", {"min_finished": -1}, "option min_finished"),
    (
        "a share of nothing for one service",
        {"service_limits": [{**OWN_LIMITS, "max_failed_percent": 5, "min_finished": 0}]},
        "option service_limits[1].min_finished",
    ),
    ("no window", {"window": "0"}, "option window"),
    ("a window of words", {"window": "soon"}, "option window"),
    ("a window ahead", {"window": "-1h"}, "option window"),
    ("a window and a mark", {"window": "1h", "since": "2026-11-24T08:00:00Z"}, "since and window"),
    ("a mark that moves along", {"since": "2h"}, "option since"),
    ("a mark without a time", {"since": {"failed": {}, "states": {}}}, "option since"),
    ("a mark of words", {"since": {"at": "yesterday"}}, "option since"),
    ("slack of words", {"clock_slack": "some"}, "option clock_slack"),
    ("an age of words", {"max_age": "old"}, "option max_age"),
    ("an exemption without a reason", {"exempt": [{"user": "x"}]}, "option exempt[1]"),
    ("an exemption of nothing", {"exempt": [{"reason": "x"}]}, "option exempt[1]"),
    ("an exemption of an empty service", exempt(service=""), "option exempt[1]"),
    ("an exemption of a null", exempt(service=None, user="x"), "option exempt[1]"),
    ("an exemption by an unknown key", exempt(usr="x"), "option exempt[1]"),
    ("an exemption of an unknown status", exempt(status="pondering"), "option exempt[1].status"),
    ("an exemption until some day", exempt(user="x", until="some day"), "option exempt[1].until"),
    ("an exemption until a time that moves along", exempt(user="x", until="2h"), "option exempt[1].until"),
    ("an exemption of an age of words", exempt(older_than="old"), "option exempt[1].older_than"),
    (
        "an exemption of a service that may be missing, and is not named",
        exempt(user="x", missing="ignore"),
        "exempt[1]",
    ),
    ("an exemption in a folder of a folder", exempt(service="a/b/c"), "option exempt[1].service"),
    ("the second exemption", {"exempt": [{"user": "x", "reason": "x"}, {"user": "y"}]}, "option exempt[2]"),
    ("limits of their own for nobody", {"service_limits": [{"max_active": 1}]}, "option service_limits[1]"),
    ("no limits of their own", {"service_limits": [OWN_LIMITS]}, "option service_limits[1]"),
    ("limits with an unknown key", {"service_limits": [{**OWN_LIMITS, "max_activ": 1}]}, "Did you mean max_active?"),
    ("empty limits of their own", {"service_limits": [{**OWN_LIMITS, "max_active": ""}]}, "option service_limits[1]"),
    (
        "senseless limits of their own",
        {"service_limits": [{**OWN_LIMITS, "max_active": -1}]},
        "option service_limits[1].max_active",
    ),
    ("never clean", {"steady": 0}, "option steady"),
    ("clean a word of times", {"steady": "twice"}, "steady"),
    ("no time for two clean polls", {"steady": 2}, "option wait"),
    ("too little time for three clean polls", {"steady": 3, "wait": "19s"}, "option wait"),
    ("hardly a pause", {"wait": "1m", "poll_interval": "0.5"}, "option poll_interval"),
    ("a wait of words", {"wait": "long"}, "option wait"),
    ("a wait backwards", {"wait": "-10"}, "option wait"),
    ("an override by nobody", {"override": {"reason": "x"}}, "option override"),
    ("an override without a reason", {"override": {"by": "x"}}, "option override"),
    (
        "an override until a time that moves along",
        {"override": {"by": "x", "reason": "x", "until": "2h"}},
        "override.until",
    ),
    ("an override with an unknown key", {"override": {"by": "x", "reason": "x", "unti": "2h"}}, "Did you mean until?"),
    ("a service in a folder of a folder", {"services": ["a/b/c"]}, "option services"),
    ("a service without a name", {"services": [""]}, "option services"),
    ("a service that may be missing somehow", {"services": [{"name": "A", "missing": "maybe"}]}, "option services"),
    ("no site", {"url": None}, "option url"),
    ("a site in clear", {"url": "http://localhost/arcgis"}, "option url"),
    ("nothing to log in with", {"password": None}, "password not given"),
    ("a CA that is not there", {"ca_path": "/not/there.pem"}, "option ca_path"),
]


SOFTLY: Result = {"mode": "observe", "on_inconclusive": "warn"}


@pytest.mark.parametrize("softly", [False, True], ids=["enforced", "observed"])
@pytest.mark.parametrize(("options", "words"), [pytest.param(*row[1:], id=row[0]) for row in MEANINGLESS])
def test_what_means_nothing_asks_nobody_and_fails_in_every_mode(
    site: Rehearsal, options: Result, words: str, softly: bool
) -> None:
    site.load(IDLE)
    result = site.gate(**options, **(SOFTLY if softly else {}))
    assert (result["failed"], result["blocked"], result.get("passed", False)) == (True, True, False), result["msg"]
    assert words in result["msg"]
    assert site.site.log == []
    check_manners(site, result)


@pytest.mark.parametrize("options", [{"mode": "guess"}, {"on_inconclusive": "pass"}, {"waits": "1m"}])
def test_what_core_refuses_asks_nobody(site: Rehearsal, options: Result) -> None:
    site.load(IDLE)
    result = site.gate(**options)
    assert (result["failed"], result["blocked"], result["passed"]) == (True, True, False)
    assert str(next(iter(options))) in result["msg"]
    assert site.site.log == []


MISNAMED: list[tuple[str, Scenario, Result, str]] = [
    ("in exempt", IDLE, exempt(service="Analysis/Bufer"), "option exempt[1]). Did you mean Analysis/Buffer.GPServer"),
    (
        "in the second exemption",
        IDLE,
        {"exempt": [{"user": "x", "reason": "x"}, {"service": "Analysis/Nothing-like-it", "reason": "x"}]},
        "option exempt[2]",
    ),
    (
        "in service_limits",
        IDLE,
        {"service_limits": [{"service": "Analysis/Bufer", "max_active": 1}]},
        "option service_limits[1]",
    ),
    ("in services", IDLE, {"services": ["Analysis/Bufer"]}, "Did you mean Analysis/Buffer.GPServer"),
    ("in a pattern of services", IDLE, {"services": ["Analisis/*"]}, "'Analisis/*'"),
    ("a synchronous service", one(sync=True), {"services": ["Analysis/Buffer"]}, "synchronously"),
    (
        "a map service without its type",
        {"services": {"Maps/City.MapServer": {}}},
        {"services": ["Maps/City"]},
        "MapServer",
    ),
    ("a mark in the future", IDLE, mark("2026-11-24T09:01:30Z"), "option since"),
    ("a mark in the far future", IDLE, mark("2026-11-24T12:00:00Z"), "option since"),
]


@pytest.mark.parametrize(("scenario", "options", "words"), [pytest.param(*row[1:], id=row[0]) for row in MISNAMED])
def test_what_only_the_site_can_tell_to_be_wrong_fails_in_every_mode(
    site: Rehearsal, scenario: Scenario, options: Result, words: str
) -> None:
    site.load(scenario)
    result = site.gate(**options, mode="observe", wait="10m")
    assert (result["failed"], result["blocked"], result.get("passed", False)) == (True, True, False), result["msg"]
    assert words in result["msg"]
    assert site.pauses == [], "nothing gets better by waiting"
    check_manners(site, result)


@pytest.mark.parametrize(
    "options",
    [
        exempt(service="Analysis/Bufer", missing="ignore"),
        exempt(service="Analysis/Buf[!f]er"),
        exempt(service="Analysis/Bufer", until="2026-11-23"),
        {"service_limits": [{"service": "Analysis/Bufer", "missing": "ignore", "max_active": 1}]},
        {"service_limits": [{"service": "Analisis/*", "max_active": 1}]},
        mark("2026-11-24T09:00:30Z"),
    ],
    ids=[
        "may be missing",
        "a pattern",
        "over",
        "may be missing in service_limits",
        "a pattern in service_limits",
        "clocks differ",
    ],
)
def test_what_may_be_missing_or_differ_does_not_matter(site: Rehearsal, options: Result) -> None:
    site.load(IDLE)
    assert site.gate(**options)["verdict"] == PASSED


def test_a_named_service_that_goes_away_is_an_error_and_not_an_idle_one(site: Rehearsal) -> None:
    site.load(one(EXECUTING))
    result = site.gate(services=["Analysis/Buffer"], wait="10m", events={1: is_gone})
    assert (result["failed"], result.get("passed", False)) == (True, False)
    assert "There is no service Analysis/Buffer.GPServer" in result["msg"]


# --- tokens of one's own -------------------------------------------------------------------------------------------


def own_token(site: Rehearsal) -> str:
    desk = site.site.desk
    issuer = "portal" if site.site.api == "kubernetes" else "server"
    return desk.issue(desk.accounts["siteadmin"], issuer, "referer", "https://gisops.arcgis").value


def test_a_token_of_ones_own_needs_no_login(site: Rehearsal) -> None:
    site.load(one(lives(15)))
    result = site.gate(username=None, password=None, token=own_token(site), wait="1m")
    assert (result["verdict"], site.tries) == (PASSED, 0)


def test_a_token_of_ones_own_that_runs_out_ends_the_wait(site: Rehearsal) -> None:
    site.load(one(EXECUTING))
    token = own_token(site)
    result = site.gate(username=None, password=None, token=token, wait="10m", events={2: revokes})
    assert (result["verdict"], result["reasons"][0]["rule"], site.tries) == (INCONCLUSIVE, "error", 0)
    assert len(site.pauses) == 2, "no other token will come"
    assert token not in json.dumps([result, site.printed])


@pytest.mark.parametrize("wait", [None, "10m"])
@pytest.mark.parametrize("by_environment", [False, True])
def test_a_token_of_ones_own_that_is_refused_at_once(
    site: Rehearsal, monkeypatch: pytest.MonkeyPatch, wait: str | None, by_environment: bool
) -> None:
    site.load(one(lives(0)))
    token = own_token(site)
    site.revoke_tokens()
    if by_environment:
        monkeypatch.setenv("ARCGIS_TOKEN", token)
    result = site.gate(token=None if by_environment else token, wait=wait)
    assert (result["verdict"], site.tries) == (PASSED, 1)


def test_a_token_of_ones_own_is_renewed_where_a_password_is_given_too(site: Rehearsal) -> None:
    site.load(one(lives(25)))
    result = site.gate(token=own_token(site), wait="10m", events={2: revokes})
    assert (result["verdict"], site.tries) == (PASSED, 1)
