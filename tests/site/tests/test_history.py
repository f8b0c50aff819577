# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A long record: exact, quick, and the same every time."""

from __future__ import annotations

import random

import pytest

from conftest import NOON, PUBLISHING, Start
from rehearsal_site.jobs import Filter, History, in_window
from rehearsal_site.scenario import read
from rehearsal_site.statuses import Status
from rehearsal_site.store import Store, parse_service

DATA = {"count": 3000, "statuses": {"succeeded": 0.9, "failed": 0.1}, "span": "2d", "users": ["a", "b", None],
        "machines": ["M1", "M2"]}  # fmt: skip


def make(data: dict[str, object] | None = None) -> History:
    return History("A/B.GPServer", data or DATA, now=NOON, seed=1, task="B")


def test_shares_are_exact_and_ids_lead_back() -> None:
    history = make()
    assert len(history.select(Filter(frozenset({Status.FAILED})))) == 300
    ids = [history.job_id(number) for number in range(3000)]
    assert len(set(ids)) == 3000
    assert [history.find(job_id) for job_id in ids] == list(range(3000))
    assert history.find("j" + "0" * 32) is None
    assert history.find("nonsense") is None
    assert make().job_id(7) == ids[7]


def test_everything_is_in_the_past() -> None:
    history = make()
    assert all(history.times(number)[2] <= NOON - 600_000 for number in range(3000))


@pytest.mark.parametrize("kind", ["submitted", "started", "ended", "overlaps"])
def test_windows_agree_with_a_plain_scan(kind: str) -> None:
    history = make()
    rng = random.Random(3)
    for _ in range(60):
        low, high = sorted(NOON - rng.randrange(3 * 86_400_000) for _ in range(2))
        if rng.random() < 0.3:
            high = low + rng.randrange(60_000)
        window = (kind, None if rng.random() < 0.2 else low, None if rng.random() < 0.2 else high)
        wanted = Filter(frozenset({Status.FAILED}), window=window) if rng.random() < 0.5 else Filter(window=window)
        expected = [
            number
            for number in range(3000)
            if (wanted.statuses is None or history.status(number) in wanted.statuses)
            and in_window(window, *history.times(number))
        ]
        assert list(history.select(wanted)) == expected


@pytest.mark.parametrize("order", ["newest", "oldest", "random"])
def test_pages_of_history_and_living_jobs_together(order: str) -> None:
    store = Store()
    key = store.add_service(parse_service("A/B", {})).key
    store.add_history(key, {**DATA, "count": 200}, NOON)
    for ago in ("1h ago", "20h ago", "40h ago", "3d ago"):
        store.add_job(key, {"status": "executing", "submitted": ago}, NOON)
    expected = {job.job_id: job.submitted for job in store.all_jobs(key, NOON)}
    rows = []
    for start in range(0, 210, 7):
        rows += store.select(key, Filter(), NOON, order).page(start, 7)
    assert len(rows) == len({row.job_id for row in rows}) == 204
    assert {row.job_id: row.submitted for row in rows} == expected
    times = [row.submitted for row in rows]
    if order != "random":
        assert times == sorted(times, reverse=order == "newest")


def test_sweeping() -> None:
    history = make()
    cutoff = NOON - 86_400_000
    expected = {number for number in range(3000) if history.times(number)[2] >= cutoff}
    history.remove(2999)
    assert history.sweep(cutoff) == 3000 - len(expected)
    assert set(history.select(Filter())) == expected - {2999}
    assert len(history) == len(expected) - 1
    assert history.sweep(cutoff) == 0


def test_changing_a_job_of_a_history() -> None:
    store = Store()
    key = store.add_service(parse_service("A/B", {})).key
    history = store.add_history(key, DATA, NOON)
    job_id = history.job_id(5)
    job = store.thaw(key, job_id)
    assert job is not None
    job.become(Status.FAILED, NOON)
    assert store.find(key, job_id) is job
    assert sum(store.counts(key, NOON).values()) == 3000


def test_a_million_jobs(start: Start) -> None:
    client = start("history", api="server")
    assert client.query(jobStatus="esriJobFailed")["total"] == 12_000
    body = client.query(number=1000, start=500_001)
    assert (body["total"], len(body["results"]), body["nextStart"]) == (1_000_002, 1000, 501_001)
    assert client.query(jobStatus="esriJobExecuting")["total"] == 1
    job_id = next(iter(body["results"]))
    assert client.get(f"admin/services/{PUBLISHING}/jobs/{job_id}")["status"] == "esriJobSucceeded"
    statistics = client.post(f"admin/services/{PUBLISHING}/jobs/statistics")
    assert statistics == {"total": 1_000_002, "cancelled": 2500, "failed": 12_000, "succeeded": 985_000}


def test_the_scenario_says_a_million() -> None:
    assert read("history")["services"]["System/PublishingTools"]["history"]["count"] == 1_000_000  # type: ignore[index]
