# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The answers that the documents print, key by key."""

from __future__ import annotations

from conftest import NOON, PUBLISHING, Start, jobs

FIRST, SECOND = "j0550714f334d4114af9f7a5d05cb145e", "j6123787782ba45f7a65d215630fe931b"


def test_enterprise_query(start: Start) -> None:
    client = start("publishing_tools")
    body = client.query(startTime="", endTime="", jobStatus="esriJobSucceeded", userName="", number=10)
    assert list(body) == ["total", "query", "num", "start", "nextStart", "results"]
    assert body["query"] == {"serviceName": "PublishingTools", "userName": "", "status": ["esriJobSucceeded"]}
    assert (body["total"], body["num"], body["start"], body["nextStart"]) == (41, 10, 1, 11)
    assert list(body["results"])[:2] == [FIRST, SECOND]
    assert len(body["results"]) == 10
    assert set(body["results"].values()) == {"Succeeded"}


def test_enterprise_pages(start: Start) -> None:
    client = start("publishing_tools")
    seen: list[str] = []
    following, pages = 1, []
    while following != -1:
        page = client.query(start=following)
        seen += page["results"]
        pages.append(len(page["results"]))
        following = page["nextStart"]
    assert pages == [10, 10, 10, 10, 1]
    assert len(set(seen)) == 41


def test_enterprise_job(start: Start) -> None:
    client = start("publishing_tools")
    job = client.get(f"admin/services/{PUBLISHING}/jobs/{FIRST}")
    assert list(job) == [
        "status_code", "job_id", "service_id", "job_created", "job_execution_start", "job_execution_end", "url",
        "status", "userName",
    ]  # fmt: skip
    assert job["status_code"] == 4
    assert (job["job_created"], job["job_execution_start"], job["job_execution_end"]) == (
        1637004585, 1637004590, 1637004594,
    )  # fmt: skip
    assert "/rest/services/System/PublishingTools" in job["url"]


def test_server_query_and_job(start: Start) -> None:
    client = start(
        jobs({"id": "j290c2d4e60364aa2a0c735fb9b68428a", "status": "executing", "submitted": NOON - 5000}), api="server"
    )
    body = client.query(startTime=1566379810000, endTime=NOON, jobStatus="esriJobExecuting")
    assert body == {
        "total": 1,
        "query": {"serviceName": "PublishingTools", "startTime": 1566379810000, "endTime": NOON,
                  "status": "esriJobExecuting", "userName": "", "machineName": ""},
        "num": 10, "start": 1, "nextStart": -1,
        "results": {"j290c2d4e60364aa2a0c735fb9b68428a": "esriJobExecuting"},
    }  # fmt: skip


def test_server_job(start: Start) -> None:
    client = start(
        jobs({"id": FIRST, "status": "succeeded", "user": None, "submitted": 1523033824000, "ended": 1523033841000,
              "machine": "server.domain.com"}),
        api="server",
    )  # fmt: skip
    job = client.get(f"admin/services/{PUBLISHING}/jobs/{FIRST}")
    assert job == {
        "jobId": FIRST, "submittedTime": 1523033824000, "endTime": 1523033841000, "status": "esriJobSucceeded",
        "username": None, "machinename": "server.domain.com",
        "url": f"{client.running.admin_url}/services/{PUBLISHING}/jobs/{FIRST}",
    }  # fmt: skip


def test_server_statistics(start: Start) -> None:
    client = start(jobs({"status": "failed", "count": 2}, {"status": "succeeded", "count": 17}), api="server")
    path = f"admin/services/{PUBLISHING}/jobs/statistics"
    assert client.post(path) == {"total": 19, "cancelled": 0, "failed": 2, "succeeded": 17}
    assert client.get(path)["status"] == "error"
    assert client.get(f"admin/services/{PUBLISHING}/jobs") == {"resources": ["statistics"]}


def test_no_operations_on_enterprise(start: Start) -> None:
    client = start(jobs({"id": FIRST, "status": "executing"}))
    for path in ("statistics", "purgeQueue", f"{FIRST}/cancel", f"{FIRST}/delete"):
        assert client.post(f"admin/services/{PUBLISHING}/jobs/{path}")["code"] == 404


def test_status_of_a_service(start: Start, api: str) -> None:
    client = start("truth_table", api=api)
    assert client.get("admin/services/Analysis/Asleep.GPServer/status") == {
        "configuredState": "STARTED", "realTimeState": "STOPPED",
    }  # fmt: skip


def test_errors_as_recorded(start: Start, api: str) -> None:
    client = start("truth_table", api=api, username="")
    response = client.response("admin/services")
    assert response.status_code == 200
    assert response.json() == {
        "status": "error",
        "messages": [
            "Unauthorized access. Token not found. You can generate a token using the 'generateToken' operation."
        ],
        "code": 499,
    }
    assert client.get("rest/services/System/PublishingTools/GPServer") == {
        "error": {"code": 499, "message": "Token Required", "messageCode": "GWM_0003", "details": ["Token Required"]}
    }
    wrong = client.log_in("siteadmin", "wrong").json()
    assert wrong == {
        "error": {"code": 400, "message": "Unable to generate token.", "details": ["Invalid username or password."]}
    }
    client.session.headers["X-Esri-Authorization"] = "Bearer nonsense"
    assert client.get("admin/services")["code"] == 498
    assert client.get("rest/services") == {"error": {"code": 498, "message": "Invalid token.", "details": []}}


def test_wrong_path(start: Start, api: str) -> None:
    client = start("truth_table", api=api)
    assert client.get("admin/services/System/Publishing.GPServer") == {
        "status": "error",
        "messages": ["Could not find resource or operation 'System/Publishing.GPServer' on the system."],
        "code": 404,
    }
