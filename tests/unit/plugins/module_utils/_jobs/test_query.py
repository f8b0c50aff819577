# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The query as a whole: its facts, its cost, its warnings, and each bad input with an error that helps."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.gisops.arcgis.plugins.module_utils._errors import (
    GpError,
    NotAllowed,
    NotUnderstood,
    Unreachable,
)
from ansible_collections.gisops.arcgis.plugins.module_utils._jobs import details as _details

PUBLISHING = "System/PublishingTools"


def test_the_facts_of_a_site_before_a_deployment(asked_site: t.Any, api: str) -> None:
    with asked_site("first_gate", api=api) as asked:
        facts = asked.query(job_status=["active", "failed"], ended_after="1h", detail="full")
        assert (facts["complete"], facts["discovery"]) == (True, "complete")
        assert (facts["counts"]["active"], facts["counts"]["failed"]) == (1, 1)
        assert facts["counts"]["succeeded"] is None
        failed = next(job for job in facts["jobs"] if job["status"] == "failed")
        assert failed["user_name"] == "user1"
        assert failed["end_time"] > failed["submitted_time"]
        assert any("ERROR 000732" in message["text"] for message in failed["messages"])
        assert {job["service"] for job in facts["jobs"]} == {"Analysis/Buffer.GPServer", f"{PUBLISHING}.GPServer"}
        assert facts["requests"]["tokens"] == 1
        assert facts["requests"]["sent"] == len(asked.site.log)
        assert facts["requests"]["retried"] == 0


def test_a_login_a_task_however_many_services(asked_site: t.Any, api: str) -> None:
    scenario: dict[str, t.Any] = {"services": {f"S/{number}": {} for number in range(20)}}
    with asked_site(scenario, api=api, delay="5ms") as asked:
        asked.query(services=["S/*"], connections=8)
        assert asked.site.counts()["logins"] == 1
        assert asked.site.counts()["max_in_flight"] > 1, "services are asked side by side"


@pytest.mark.parametrize(("hours", "failed"), [(-3, 1), (0, 1), (3, 1)])
def test_a_window_begins_by_the_earlier_of_two_clocks(asked_site: t.Any, api: str, hours: int, failed: int) -> None:
    """Whichever clock is wrong, no fresh failure falls out of the window."""
    with asked_site("first_gate", api=api) as asked:
        asked.site.faults.add({"fault": "date", "by": f"{hours}h"})
        facts = asked.query(services=[PUBLISHING], job_status=["failed"], ended_after="1h")
        assert facts["counts"]["failed"] >= failed
        assert abs(facts["clock_difference"] - hours * 3600) <= 2
        assert any("Set the clock that is wrong" in text for text in asked.warnings) is bool(hours)


def test_a_site_without_a_clock_is_told_of(asked_site: t.Any, api: str) -> None:
    with asked_site("first_gate", api=api, date_header="absent") as asked:
        facts = asked.query(services=[PUBLISHING], api=api)
        assert facts["complete"] is True
        assert any("carry no date" in text for text in asked.warnings)


def test_too_many_failures_to_look_at_are_not_guessed(asked_site: t.Any, api: str) -> None:
    most = _details.MOST_DETAILS
    entry = {"status": "failed", "count": most + 1, "every": "10s", "submitted": "10h ago"}
    with asked_site({"services": {PUBLISHING: {"jobs": [entry]}}}, api=api) as asked:
        facts = asked.query(services=[PUBLISHING], job_status=["failed"], ended_after="1h")
        assert facts["complete"] is False
        assert facts["counts"]["failed"] is None
        assert f"{most + 1} finished jobs would have to be looked at" in asked.warnings[0]
        assert asked.requests("/jobs/j") == []


def test_messages_that_cannot_be_read_are_null_and_no_error(asked_site: t.Any, api: str) -> None:
    with asked_site("first_gate", api=api) as asked:
        asked.site.faults.add({"fault": "error403", "shape": "rest", "match": {"path": "/rest/services"}})
        facts = asked.query(services=[PUBLISHING], job_status=["failed"], detail="full")
        assert facts["complete"] is True
        assert [job["messages"] for job in facts["jobs"]] == [None]


def test_messages_are_asked_for_under_the_sites_own_root(asked_site: t.Any, api: str) -> None:
    """The token goes nowhere else, whatever address a job gives for itself."""
    with asked_site({"services": {PUBLISHING: {"jobs": [{"status": "failed", "id": "j1"}]}}}, api=api) as asked:
        url = "https://evil.example.invalid/rest/services/x/GPServer/Task/jobs/j1"
        body = {"jobId": "j1", "status": "esriJobFailed", "url": url}
        asked.site.faults.add({"fault": "custom", "body": body, "match": {"path": "/admin/.*/jobs/j1"}})
        facts = asked.query(services=[PUBLISHING], detail="full")
        assert [job["messages"] for job in facts["jobs"]] == [None]
        assert asked.requests("/GPServer/Task/jobs/j1")


def test_a_limit_bounds_the_details_too(asked_site: t.Any, api: str) -> None:
    with asked_site("publishing_tools", api=api) as asked:
        facts = asked.query(services=[PUBLISHING], detail="full", limit=3)
        assert (len(facts["jobs"]), facts["truncated"], facts["complete"]) == (3, True, True)
        assert len(asked.requests("/admin/services/System/PublishingTools.GPServer/jobs/j")) == 3


# Each bad input, with what its one sentence must name: the option, the service or the address, and the cure.
BAD: list[tuple[str, dict[str, t.Any], list[str]]] = [
    ("no url", {"url": None}, ["option url", "ARCGIS_URL"]),
    ("plain http", {"url": "http://gis.example.com/arcgis"}, ["option url", "https://"]),
    ("no password", {"password": None}, ["password", "ARCGIS_PASSWORD"]),
    ("misspelt service", {"services": ["System/PublishingTool"]}, ["option services", "Did you mean System/Publ"]),
    ("not a gp service", {"services": ["Maps/City"]}, ["Maps/City.MapServer is not a geoprocessing service", "type"]),
    ("synchronous", {"services": ["Analysis/QuickLook"]}, ["Analysis/QuickLook.GPServer", "asynchronous"]),
    ("status word", {"job_status": ["runing"]}, ["option job_status", "'runing'", "Use one of"]),
    ("order of times", {"start_time": "1h", "end_time": "2h"}, ["start_time is after end_time", "Swap them"]),
    ("unparsable time", {"start_time": "noon"}, ["option start_time", "'noon'", "Use a timestamp"]),
    ("machine", {"machine_name": "M"}, ["option machine_name", "Leave it out"]),
    ("wrong password", {"password": "wrong-Passw0rd"}, ["generateToken", "tried once", "username and password"]),
    ("expired token", {"token": "expired-T0ken", "username": None, "password": None}, ["expired", "Get a new token"]),
    ("untrusted", {"ca_path": None}, ["certificate is not trusted", "ca_path"]),
    ("nobody there", {"url": "https://localhost:1/arcgis", "retries": 0}, ["localhost port 1", "6443"]),
]


@pytest.mark.parametrize(("options", "words"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_bad_input(asked_site: t.Any, options: dict[str, t.Any], words: list[str]) -> None:
    with asked_site("first_gate", api="kubernetes") as asked:
        with pytest.raises(GpError) as caught:
            asked.query(**{"services": [PUBLISHING], **options})
        message, failure = str(caught.value), caught.value.failure
        for word in words:
            assert word in message
        assert "\n" not in message
        assert all(failure[key] for key in ("kind", "what", "where", "cure")), failure
        assert message == f"{failure['what']} ({failure['where']}). {failure['cure']}"
        for secret in ("wrong-Passw0rd", "expired-T0ken", asked.running.password):
            assert secret not in repr(caught.value.to_result())
        assert asked.site.counts()["wrong_passwords"] == (1 if options.get("password") else 0)


SHAPES = ("admin", "rest", "http")
SAID = [{"fault": fault, "shape": shape} for fault in ("error403", "error404", "error500") for shape in SHAPES]


@pytest.mark.parametrize("rule", [*SAID, {"fault": "html_login"}, {"fault": "no_machines_json"}], ids=str)
def test_the_sites_own_errors_are_quoted_with_their_place(asked_site: t.Any, api: str, rule: dict[str, str]) -> None:
    with asked_site("first_gate", api=api) as asked:
        asked.site.faults.add({**rule, "match": {"path": "jobs/query"}})
        with pytest.raises(GpError) as caught:
            asked.query(services=[PUBLISHING], api=api, retries=0)
        message = str(caught.value)
        assert "PublishingTools.GPServer" in message
        assert "<" not in message
        assert caught.value.failure["cure"]


def test_a_missing_privilege(asked_site: t.Any, api: str) -> None:
    with asked_site("forbidden", api=api) as asked:
        asked.connection.update(username="mapmaker", password="rehearsal-Passw0rd-mapmaker")
        with pytest.raises(NotAllowed) as caught:
            asked.query(services=[PUBLISHING])
        assert "The account 'mapmaker' may not read this" in str(caught.value)
        assert "privilege" in caught.value.failure["cure"]
        asked.connection.update(username="geoprocessor", password="rehearsal-Passw0rd-geoprocessor")
        assert asked.query(services=[PUBLISHING])["complete"] is True


def test_the_whole_time_is_the_whole_querys(asked_site: t.Any, api: str) -> None:
    with asked_site("first_gate", api=api, delay="300ms") as asked, pytest.raises((GpError, Unreachable)) as caught:
        asked.query(total_timeout=1, retries=0)
    assert caught.value.failure["kind"] in ("OutOfTime", "Unreachable")


@pytest.mark.parametrize("status", [302, 307])
def test_a_redirect_to_another_service_is_not_its_answer(asked_site: t.Any, api: str, status: int) -> None:
    """Something on the way mixes up two services, and the other one is idle."""
    busy = {"services": {PUBLISHING: {"jobs": [{"status": "executing"}]}, "Idle": {"jobs": [{"status": "succeeded"}]}}}
    with asked_site(busy, api=api) as asked:
        idle = f"{asked.running.admin_url}/services/Idle.GPServer/jobs/query"
        asked.site.faults.add(
            {"fault": "redirect", "status": status, "location": idle, "match": {"path": "PublishingTools.*jobs/query"}}
        )
        with pytest.raises(NotUnderstood, match=r"sends us on to .*Idle"):
            asked.query(services=[PUBLISHING], job_status=["active"])
