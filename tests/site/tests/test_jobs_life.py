# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs on the clock, their own pages, and what may be done to them."""

from __future__ import annotations

from typing import Any

import pytest

from conftest import NOON, PUBLISHING, Client, Start, jobs

ID = "j0550714f334d4114af9f7a5d05cb145e"
PATH = f"admin/services/{PUBLISHING}/jobs/{ID}"
LIFE = {"new": "0s", "submitted": "1s", "waiting": "5s", "executing": "10s", "ends": "succeeded after 60s"}


def one(**data: object) -> dict[str, object]:
    return jobs({"id": ID, **data})


def status(client: Client) -> str:
    return str(client.get(PATH)["status"])


def test_a_life(start: Start, api: str) -> None:
    client = start(one(life=LIFE), api=api)
    seen = []
    for _ in range(7):
        seen.append(status(client).removeprefix("esriJob"))
        client.site.clock.advance(10_500)
    assert seen == ["New", "Executing", "Executing", "Executing", "Executing", "Executing", "Succeeded"]
    details = client.get(PATH)
    if api == "server":
        assert (details["submittedTime"], details["endTime"]) == (NOON, NOON + 60_000)
    else:
        assert (details["job_created"], details["job_execution_start"]) == (NOON // 1000, NOON // 1000 + 10)


def test_jobs_that_come_later(start: Start) -> None:
    client = start(jobs({"status": "executing", "count": 3, "every": "1m"}))
    totals = []
    for _ in range(4):
        totals.append(client.query()["total"])
        client.site.clock.advance(60_000)
    assert totals == [1, 2, 3, 3]


def test_times_that_have_not_come(start: Start, api: str) -> None:
    client = start(one(status="executing", submitted=NOON - 1000), api=api)
    key = "job_execution_end" if api == "kubernetes" else "endTime"
    assert key not in client.get(PATH)
    for value, expected in (("null", None), ("0", 0), ("-1", -1)):
        client.site.switches.running_end_time = value
        assert client.get(PATH)[key] == expected


def test_detail_switches(start: Start, api: str) -> None:
    client = start(one(status="failed", ended=NOON - 1000), api=api)
    for spelling, word in (("stripped", "Failed"), ("upper", "FAILED"), ("number", 5), ("esri", "esriJobFailed")):
        client.site.switches.detail_spelling = spelling
        assert client.get(PATH)["status"] == word
    end, submitted = ("job_execution_end", "job_created") if api == "kubernetes" else ("endTime", "submittedTime")
    client.site.switches.detail_times = "no_end"
    assert end not in client.get(PATH)
    assert submitted in client.get(PATH)
    client.site.switches.detail_times = "none"
    assert submitted not in client.get(PATH)


def test_vanishing_details(start: Start) -> None:
    client = start(one(status="failed"), vanishing_details="once")
    assert [client.get(PATH).get("code") for _ in range(2)] == [404, None]
    client.site.switches.vanishing_details = True
    assert client.get(PATH)["code"] == 404
    assert client.found() == {ID}


def test_retention(start: Start) -> None:
    client = start(
        jobs({"status": "succeeded", "ended": NOON}, {"status": "executing"}),
        retention="6h",
        sweep_every="1h",
        token_default_minutes=20160,
    )
    assert client.query()["total"] == 2
    client.site.clock.advance(6 * 3_600_000 + 1)
    assert client.query()["total"] == 1
    client.control("POST", "/jobs", {"service": PUBLISHING, "status": "failed", "ended": "7h ago"})
    assert client.query()["total"] == 2  # until the next sweep
    client.site.clock.advance(3_600_000)
    assert client.query()["total"] == 1


# -- cancel, delete, purge ---------------------------------------------------------------------------------------


def test_cancel(start: Start) -> None:
    client = start(one(life=LIFE), api="server")
    client.site.clock.advance(20_000)
    assert client.get(f"{PATH}/cancel")["status"] == "error"  # POST only
    assert client.post(f"{PATH}/cancel") == {"status": "success"}
    assert status(client) == "esriJobCancelling"
    client.site.clock.advance(5_000)
    assert status(client) == "esriJobCancelled"
    assert client.post(f"{PATH}/cancel") == {
        "status": "error", "messages": [f"Unable to cancel job :[{ID}]"], "code": 500,
    }  # fmt: skip


def test_cancel_takes(start: Start) -> None:
    client = start(one(status="executing"), api="server", cancel_takes="1m")
    client.post(f"{PATH}/cancel")
    client.site.clock.advance(59_000)
    assert status(client) == "esriJobCancelling"


def test_a_job_that_does_not_listen(start: Start) -> None:
    client = start(one(life=LIFE, ignores_cancel=True), api="server")
    client.site.clock.advance(20_000)
    assert client.post(f"{PATH}/cancel") == {"status": "success"}
    client.site.clock.advance(30_000)
    assert status(client) == "esriJobCancelling"
    client.site.clock.advance(30_000)
    assert status(client) == "esriJobSucceeded"


def test_delete(start: Start) -> None:
    client = start(one(status="succeeded"), api="server")
    assert client.post(f"{PATH}/delete") == {"status": "success"}
    assert client.post(f"{PATH}/delete") == {
        "status": "error", "messages": [f"Unable to delete job :[{ID}]"], "code": 400,
    }  # fmt: skip
    assert client.query()["total"] == 0


def test_purge(start: Start) -> None:
    client = start("truth_table", api="server")
    assert client.post(f"admin/services/{PUBLISHING}/jobs/purgeQueue") == {"status": "success"}
    assert not client.truth(status="waiting") | client.truth(status="new") | client.truth(status="submitted")
    assert len(client.truth(status="executing")) == 2


@pytest.mark.parametrize("operation", ["purgeQueue", f"{ID}/cancel", f"{ID}/delete"])
def test_administrators_only(start: Start, operation: str) -> None:
    client = start(one(status="executing"), api="server", username="publisher")
    assert client.post(f"admin/services/{PUBLISHING}/jobs/{operation}")["code"] == 403
    assert client.found() == {ID}


# -- the REST side -----------------------------------------------------------------------------------------------

REST = "rest/services/System/PublishingTools/GPServer"


def rest_scenario(**service: Any) -> dict[str, object]:
    scenario = one(status="failed", task="Publish", messages=["Executing...", "WARNING 000117: x", "ERROR 000732: y"])
    scenario["services"]["System/PublishingTools"].update(tasks=["Publish", "Delete"], **service)  # type: ignore[index]
    return scenario


def test_rest_service_and_messages(start: Start, api: str) -> None:
    client = start(rest_scenario(), api=api)
    service = client.get(REST)
    assert service["tasks"] == ["Publish", "Delete"]
    assert service["executionType"] == "esriExecutionTypeAsynchronous"
    job = client.get(f"{REST}/Publish/jobs/{ID}")
    assert job["jobStatus"] == "esriJobFailed"
    assert [message["type"].removeprefix("esriJobMessageType") for message in job["messages"]] == [
        "Informative", "Warning", "Error",
    ]  # fmt: skip
    assert client.get(f"{REST}/Publish/jobs/{ID}", params={"f": "json", "returnMessages": "false"})["messages"] == []
    assert client.get(f"{REST}/Delete/jobs/{ID}")["error"]["message"] == "Job not found on server"
    assert client.get(f"{REST}/Nothing/jobs/{ID}")["error"]["code"] == 400


def test_the_url_of_enterprise_details_leads_to_the_messages(start: Start) -> None:
    client = start(rest_scenario())
    assert client.get(client.get(PATH)["url"])["jobId"] == ID


def test_submit_and_cancel(start: Start, api: str) -> None:
    client = start(rest_scenario(life=LIFE), api=api)
    submitted = client.post(f"{REST}/Publish/submitJob", Input="x")
    assert submitted["jobStatus"] == "esriJobSubmitted"
    job_id = submitted["jobId"]
    client.site.clock.advance(10_000)
    job = client.get(f"{REST}/Publish/jobs/{job_id}")
    assert job["jobStatus"] == "esriJobExecuting"
    assert job["progress"]["type"] == "default"
    assert client.get(f"{REST}/Publish/jobs/{job_id}/cancel")["jobStatus"] == "esriJobCancelling"
    (truth,) = client.site.truth({"job_id": job_id})
    assert (truth["user"], truth["status"]) == ("siteadmin", "cancelling")
    redirect = client.response(f"{REST}/Publish/submitJob", "POST", data={}, allow_redirects=False)
    assert redirect.status_code == 302


def test_nobody_may_use_a_public_service(start: Start, api: str) -> None:
    client = start("truth_table", api=api, username="")
    job_id = client.post("rest/services/Buffer/GPServer/Buffer/submitJob")["jobId"]
    (truth,) = client.site.truth({"job_id": job_id})
    assert truth["user"] is None
    assert client.get("rest/services")["services"] == [{"name": "Buffer", "type": "GPServer"}]
    assert client.get("rest/services/Analysis/QuickLook/GPServer")["error"]["code"] == 499


def test_sync_service(start: Start) -> None:
    client = start("truth_table")
    assert client.get("rest/services/Analysis/QuickLook/GPServer")["executionType"] == "esriExecutionTypeSynchronous"
    assert "error" in client.post("rest/services/Analysis/QuickLook/GPServer/QuickLook/submitJob")
