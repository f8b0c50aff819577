# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ``include`` asks for, and a search that ends when there is enough."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.gisops.arcgis.plugins.module_utils._errors import BadOption, GpError
from ansible_collections.gisops.arcgis.plugins.module_utils._jobs import details as _details
from ansible_collections.gisops.arcgis.plugins.module_utils._jobs import health as _health
from ansible_collections.gisops.arcgis.plugins.module_utils._jobs import single_jobs
from ansible_collections.gisops.arcgis.plugins.module_utils._jobs.filters import Filters
from ansible_collections.gisops.arcgis.plugins.module_utils._wire.responses import JobDetails

BUFFER = "Analysis/Buffer"


def site(**services: t.Any) -> dict[str, t.Any]:
    return {"services": {f"Analysis/{name}": one for name, one in services.items()}}


def only(facts: dict[str, t.Any], key: str) -> t.Any:
    (service,) = facts["services"]
    return service[key]


# --- states and answers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("configured", "realtime"), [("STARTED", "STARTED"), ("STARTED", "STOPPED"), ("STOPPED", "STOPPED")]
)
def test_states(asked_site: t.Any, api: str, configured: str, realtime: str) -> None:
    with asked_site(site(Buffer={"configured": configured, "realtime": realtime}), api=api) as asked:
        facts = asked.query(services=[BUFFER], include=["states"])
        assert only(facts, "state") == {"configured": configured, "realtime": realtime}
        assert only(asked.query(services=[BUFFER]), "state") is None


@pytest.mark.parametrize("fault", ["error403", "error404", "error500"])
def test_a_state_that_the_site_does_not_tell_is_null(asked_site: t.Any, api: str, fault: str) -> None:
    with asked_site(site(Buffer={}), api=api) as asked:
        asked.site.faults.add({"fault": fault, "match": {"path": "/status"}})
        facts = asked.query(services=[BUFFER], include=["states"], retries=0)
        assert (only(facts, "state"), facts["complete"]) == (None, True)


@pytest.mark.parametrize(
    ("fault", "answers"), [(None, True), ("error403", None), ("error500", False), ("html_login", False)]
)
def test_answers(asked_site: t.Any, api: str, fault: str | None, answers: bool | None) -> None:
    with asked_site(site(Buffer={"jobs": [{"status": "succeeded"}]}), api=api) as asked:
        if fault:
            asked.site.faults.add({"fault": fault, "match": {"path": "/rest/services/Analysis/Buffer"}})
        facts = asked.query(services=[BUFFER], include=["answers"], retries=0)
        assert only(facts, "answers") is answers


@pytest.mark.parametrize("said", ["error", "missing"])
@pytest.mark.parametrize("services", [[BUFFER], ["Analysis/*"]])
def test_a_stopped_service_whose_jobs_the_site_does_not_tell(
    asked_site: t.Any, api: str, services: list[str], said: str
) -> None:
    stopped = {"configured": "STOPPED", "realtime": "STOPPED"}
    with asked_site(site(Buffer=stopped), api=api, stopped_service_jobs=said) as asked:
        facts = asked.query(services=services, include=["states"], retries=0)
        if said == "missing":
            assert (facts["stopped"], facts["services"], facts["complete"]) == (["Analysis/Buffer.GPServer"], [], True)
        else:
            assert (facts["stopped"], facts["complete"]) == ([], False), "only a 404 means that it has none"
        with pytest.raises(
            GpError, match="is not started" if said == "error" else "not have its jobs|no jobs resource"
        ):
            asked.query(services=services, retries=0)


@pytest.mark.parametrize("said", ["error", "missing"])
@pytest.mark.parametrize("services", [[BUFFER], ["Analysis/*"]])
def test_one_that_should_run_and_does_not_is_not_seen(
    asked_site: t.Any, api: str, services: list[str], said: str
) -> None:
    down = {"configured": "STARTED", "realtime": "STOPPED"}
    with asked_site(site(Buffer=down), api=api, stopped_service_jobs=said) as asked:
        facts = asked.query(services=services, include=["states"], retries=0)
        assert (facts["complete"], only(facts, "complete"), facts["stopped"]) == (False, False, [])
        assert only(facts, "state")["realtime"] == "STOPPED"
        assert "is not started" in only(facts, "error")["words"]


# --- durations -----------------------------------------------------------------------------------------------------


def took(seconds: float | None, started: bool = True) -> JobDetails:
    ended = 1000.0 + seconds if seconds is not None else None
    return JobDetails("j", "esriJobSucceeded", None, None, 1000.0, 1000.0 if started else None, ended, None)


@pytest.mark.parametrize(
    ("jobs", "expected"),
    [
        ([], None),
        ([None, took(None)], None),
        ([took(5)], {"jobs": 1, "median": 5, "p95": 5}),
        ([took(seconds) for seconds in range(1, 101)], {"jobs": 100, "median": 50, "p95": 95}),
        ([took(10, started=False), took(20)], {"jobs": 2, "median": 15, "p95": 20}),
        ([took(-5), took(4)], {"jobs": 1, "median": 4, "p95": 4}),
    ],
)
def test_how_long_jobs_take(jobs: list[JobDetails | None], expected: t.Any) -> None:
    assert _health.durations(jobs) == expected


@pytest.mark.parametrize("number", [1000, 5])
def test_durations_of_a_service_that_is_busy(asked_site: t.Any, api: str, number: int) -> None:
    life = {"executing": "0s", "ends": "succeeded after 90s"}
    jobs = [{"life": life, "submitted": "1h ago", "count": 8, "every": "1m"}, {"status": "executing"}]
    with asked_site(site(Buffer={"jobs": jobs}, Idle={"jobs": jobs[:1]}), api=api) as asked:
        facts = asked.query(services=["Analysis/*"], job_status=["active"], include=["durations"], number=number)
        told = {one["service"]: one["durations"] for one in facts["services"]}
        assert told["Analysis/Buffer.GPServer"] == {"jobs": 8, "median": 90, "p95": 90}
        assert told["Analysis/Idle.GPServer"] is None
        assert facts["counts"]["active"] == 1


# --- succeeded -----------------------------------------------------------------------------------------------------

DONE = [
    {"status": "failed", "ended": "10m ago"},
    {"status": "succeeded", "ended": "20m ago", "count": 3, "every": "1s"},
    {"status": "succeeded", "ended": "3h ago", "count": 2, "every": "1s"},
]


def test_how_many_succeeded_is_exact_where_each_can_be_looked_at(asked_site: t.Any, api: str) -> None:
    with asked_site(site(Buffer={"jobs": DONE}, Good={"jobs": DONE[1:]}), api=api) as asked:
        facts = asked.query(services=["Analysis/*"], job_status=["failed"], ended_after="1h", include=["succeeded"])
        told = {one["service"]: one["succeeded"] for one in facts["services"]}
        assert told == {"Analysis/Buffer.GPServer": {"found": 3, "exact": True}, "Analysis/Good.GPServer": None}


@pytest.mark.parametrize("window", ["submitted", "started", "ended", "overlaps"])
def test_of_many_the_sites_own_filter_tells_and_never_one_too_many(asked_site: t.Any, api: str, window: str) -> None:
    """Whatever that filter tests, a job that it shows and that succeeded ended after the window began."""
    with asked_site(site(Buffer={"jobs": DONE}), api=api, time_window=window) as asked:
        facts = asked.query(services=[BUFFER], job_status=["failed"], ended_after="1h", include=["succeeded"], number=3)
        told = only(facts, "succeeded")
        assert told["exact"] is False
        assert told["found"] <= 3
        assert facts["counts"]["failed"] == 1


def test_a_filter_that_is_not_honoured_tells_nothing(asked_site: t.Any, api: str) -> None:
    with asked_site(site(Buffer={"jobs": DONE}), api=api, time_filter="ignored") as asked:
        facts = asked.query(services=[BUFFER], job_status=["failed"], ended_after="1h", include=["succeeded"], number=3)
        assert only(facts, "succeeded") is None


@pytest.mark.parametrize("echo", ["full", "none"])
def test_a_site_that_ignores_the_status_does_not_make_its_running_jobs_successes(
    asked_site: t.Any, api: str, echo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too many to be looked at one by one. The first that the time filter shows has succeeded, the others have not."""
    monkeypatch.setattr(single_jobs, "MOST_DETAILS", 2)
    jobs = [*DONE, *[{"status": "executing"}] * 4, *[{"status": "failed", "ended": "5m ago"}] * 4]
    with asked_site(site(Buffer={"jobs": jobs}), api=api, status_filter="ignored", echo=echo, sort="oldest") as asked:
        options = {"job_status": ["active", "failed"], "ended_after": "1h", "include": ["succeeded"], "number": 5}
        told = only(asked.query(services=[BUFFER], **options), "succeeded")
        assert told is None or told["found"] <= 3


# --- enough --------------------------------------------------------------------------------------------------------


def test_a_search_ends_when_there_is_enough(asked_site: t.Any, api: str) -> None:
    jobs = [{"status": "failed", "ended": "10m ago", "count": 40, "every": "1s"}]
    with asked_site(site(Buffer={"jobs": jobs}), api=api) as asked:
        facts = asked.query(services=[BUFFER], job_status=["failed"], ended_after="1h", enough=3, detail="full")
        looked_at = len(asked.requests("/admin/services/Analysis/Buffer.GPServer/jobs/j"))
        assert 3 <= looked_at <= 8
        assert (only(facts, "at_least"), only(facts, "complete")) == (True, True)
        assert facts["counts"]["failed"] == looked_at == len(facts["jobs"])


def test_old_failures_are_all_looked_at_before_there_are_none(asked_site: t.Any, api: str) -> None:
    jobs = [
        {"status": "failed", "ended": "3h ago", "count": 30, "every": "1s"},
        {"status": "failed", "ended": "5m ago"},
    ]
    for sort in ("oldest", "newest"):
        with asked_site(site(Buffer={"jobs": jobs}), api=api, sort=sort) as asked:
            facts = asked.query(services=[BUFFER], job_status=["failed"], ended_after="1h", enough=2)
            assert (facts["counts"]["failed"], only(facts, "at_least")) == (1, False)


@pytest.mark.parametrize("sort", ["oldest", "newest"])
def test_too_many_to_look_at_settle_it_where_the_latest_are_enough(asked_site: t.Any, api: str, sort: str) -> None:
    """The site's own time filter says where to look first; the end of each job decides."""
    jobs = [
        {"status": "failed", "ended": "3h ago", "count": _details.MOST_DETAILS + 50, "every": "1s"},
        {"status": "failed", "ended": "5m ago", "count": 2, "every": "1s"},
    ]
    with asked_site(site(Buffer={"jobs": jobs}), api=api, sort=sort) as asked:
        facts = asked.query(services=[BUFFER], job_status=["failed"], ended_after="1h", enough=2)
        assert (facts["complete"], only(facts, "at_least"), facts["counts"]["failed"]) == (True, True, 2)
        unknown = asked.query(services=[BUFFER], job_status=["failed"], ended_after="1h", enough=3)
        assert (unknown["complete"], unknown["counts"]["failed"]) == (False, None)


@pytest.mark.parametrize("most", [0, 2])
def test_messages_of_the_worst_few(asked_site: t.Any, api: str, most: int) -> None:
    jobs = [
        {"status": "executing", "id": "jrun"},
        {"status": "failed", "id": "jolder", "ended": "20m ago", "messages": ["ERROR 1"]},
        {"status": "failed", "id": "jlatest", "ended": "10m ago", "messages": ["ERROR 2"]},
    ]
    with asked_site(site(Buffer={"jobs": jobs}), api=api) as asked:
        facts = asked.query(services=[BUFFER], detail="full", message_limit=most)
        read = {job["job_id"] for job in facts["jobs"] if job["messages"] is not None}
        assert read == ({"jlatest", "jolder"} if most else set())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"enough": 1}, "option enough"),
        ({"enough": 0, "ended_after": "1h"}, "option enough"),
        ({"include": ["succeeded"]}, "option include"),
        ({"message_limit": -1}, "option message_limit"),
    ],
)
def test_options_that_mean_nothing(options: dict[str, t.Any], words: str) -> None:
    with pytest.raises(BadOption, match=words):
        Filters.read(options.get)
