# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every filter alone and in pairs, in both dialects, on pages of every size, against what the site's store holds."""

from __future__ import annotations

import itertools
import typing as t

import pytest

from ansible_collections.gisops.arcgis.plugins.module_utils import _statuses, _times
from rehearsal_site.arrivals import parse_arrival

from ...sizes import sized

SERVICES = ["System/PublishingTools", "Straßen und Wege/*", "Buffer", "Maps/Test.MapServer"]
PAGE_CAPS = [7, 1000]
SORTS = sized(["newest"], ["newest", "oldest"])
HOUR = 3600.0

Options = dict[str, t.Any]
Job = dict[str, t.Any]

FILTERS: dict[str, t.Callable[[float], Options]] = {
    "active": lambda now: {"job_status": ["active"]},
    "executing": lambda now: {"job_status": ["executing"]},
    "failed": lambda now: {"job_status": ["failed"]},
    "succeeded and cancelled": lambda now: {"job_status": ["succeeded", "esriJobCancelled"]},
    "finished": lambda now: {"job_status": ["finished"]},
    "user": lambda now: {"user_name": "user1"},
    "user with an umlaut": lambda now: {"user_name": "müller"},
    "machine": lambda now: {"machine_name": "GISSERVER02.EXAMPLE.COM"},
    "start": lambda now: {"start_time": _times.iso(now - 20 * HOUR)},
    "end": lambda now: {"end_time": _times.iso(now - HOUR / 2)},
    "ended after": lambda now: {"ended_after": _times.iso(now - HOUR)},
}


def combinations(api: str) -> t.Iterator[tuple[str, ...]]:
    """No filter, every filter, and every pair that does not set the same option twice."""
    names = [name for name in FILTERS if api == "server" or name != "machine"]
    yield ()
    for size in (1, 2):
        for names_ in itertools.combinations(names, size):
            options = [set(FILTERS[name](0.0)) for name in names_]
            if size == 1 or not options[0] & options[1]:
                yield names_


def expected(truth: list[Job], options: Options) -> list[Job]:
    """The jobs that a query means, by our own reading of the options and nobody else's code."""
    statuses = _statuses.parse(options["job_status"]) if "job_status" in options else _statuses.STATUSES
    start, end = (_moment(options.get(name)) for name in ("start_time", "end_time"))
    after = _moment(options.get("ended_after"))
    return [
        job
        for job in truth
        if job["service"] in ASKED
        and job["status"] in statuses
        and options.get("user_name") in (None, job["user"])
        and options.get("machine_name") in (None, job["machine"])
        and (start is None or job["submitted"] >= start)
        and (end is None or job["submitted"] <= end)
        and (after is None or job["status"] not in _statuses.FINISHED or job["ended"] >= after)
    ]


ASKED = {
    "System/PublishingTools.GPServer",
    "Straßen und Wege/Route berechnen.GPServer",
    "Straßen und Wege/Leer.GPServer",
    "Buffer.GPServer",
    "Maps/Test.MapServer",
}


def _moment(text: str | None) -> float | None:
    """Milliseconds, as the store counts."""
    return _times.parse_moment(text, "test").at(0.0) * 1000 if text else None


def counts_agree(facts: dict[str, t.Any], jobs: list[Job], asked: t.Collection[str]) -> None:
    """Each count is the store's, or null: for what was not asked, or what the facts themselves call unseen."""
    for status in _statuses.STATUSES:
        count = facts["counts"][status]
        if count is None:
            assert status not in asked, status
        else:
            assert count == sum(1 for job in jobs if job["status"] == status), status


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("cap", PAGE_CAPS)
def test_facts_equal_the_store(asked_site: t.Any, api: str, cap: int, sort: str) -> None:
    with asked_site("truth_table", api=api, page_cap=cap, sort=sort) as asked:
        asked.site.clock.freeze()
        truth = asked.site.truth()
        now = asked.site.clock.now() / 1000
        asked.connection.update(api=api, token=None)
        for names in combinations(api):
            options: Options = {}
            for name in names:
                options.update(FILTERS[name](now))
            statuses = _statuses.parse(options["job_status"]) if "job_status" in options else _statuses.STATUSES
            jobs = expected(truth, options)

            facts = asked.query(services=SERVICES, **options)
            assert facts["complete"] is True, (names, asked.warnings)
            counts_agree(facts, jobs, statuses)
            narrowed = {"start_time", "end_time", "user_name", "machine_name"} & options.keys()
            wants_active = {*_statuses.FILTER_WORDS} & {*_statuses.ACTIVE} <= {*statuses}
            assert (facts["counts"]["active"] is not None) is (wants_active and not narrowed), names

            facts = asked.query(services=SERVICES, detail="jobs", **options)
            assert facts["complete"] is True, (names, asked.warnings)
            seen = [(job["service"], job["job_id"], job["status"]) for job in facts["jobs"]]
            assert len(seen) == len(set(seen))
            assert sorted(seen) == sorted((job["service"], job["job_id"], job["status"]) for job in jobs), names
            counts_agree(facts, jobs, statuses)


@pytest.mark.parametrize("options", [{}, {"job_status": ["succeeded"]}, {"job_status": ["active"]}], ids=str)
@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("cap", PAGE_CAPS)
def test_jobs_that_arrive_meanwhile(asked_site: t.Any, api: str, cap: int, sort: str, options: Options) -> None:
    """No job twice, and none lost that was there all along."""
    service = "System/PublishingTools.GPServer"
    arrivals = [
        {"service": service, "every_requests": every, "count": 6, "status": status, "submitted": "1s ago"}
        for every, status in ((1, "executing"), (2, "succeeded"))
    ]
    with asked_site("truth_table", api=api, page_cap=cap, sort=sort) as asked:
        for arrival in arrivals:
            asked.site.arrivals.append(parse_arrival(arrival, asked.site.store))
        before = asked.site.truth({"service": service})
        facts = asked.query(services=[service], detail="jobs", **options)
        after = asked.site.truth({"service": service})
        assert len(after) > len(before)
        statuses = _statuses.parse(options["job_status"]) if options else _statuses.STATUSES
        seen = [job["job_id"] for job in facts["jobs"]]
        assert facts["complete"] is True, asked.warnings
        assert len(seen) == len(set(seen))
        visible = [status for status in statuses if facts["counts"][status] is not None]
        assert {job["job_id"] for job in before if job["status"] in visible} <= set(seen)
        assert set(seen) <= {job["job_id"] for job in after}
