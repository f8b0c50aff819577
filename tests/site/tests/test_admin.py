# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The admin side around the jobs, and the pages."""

from __future__ import annotations

import json

import pytest

from conftest import PUBLISHING, Start, jobs


def test_roots(start: Start) -> None:
    kubernetes = start("truth_table").get("admin")
    assert {"fullVersion", "resources", "currentVersion", "status"} <= set(kubernetes)
    assert "orgs" in kubernetes["resources"]
    server = start("truth_table", api="server")
    assert "machines" in server.get("admin")["resources"]
    assert server.get("admin/info")["loggedInUserPrivilege"] == "ADMINISTER"
    assert "serverRole" in server.get("admin/about")


def test_listings(start: Start) -> None:
    client = start("truth_table")
    root = client.get("admin/services")
    assert set(root["folders"]) == {"System", "Straßen und Wege", "Empty", "Maps", "Analysis"}
    assert root["services"] == [
        {"description": "In the root folder, and open to everybody", "id": root["services"][0]["id"], "folderName": "",
         "serviceName": "Buffer", "type": "GPServer"}
    ]  # fmt: skip
    folder = client.get("admin/services/Straßen und Wege")
    assert [service["serviceName"] for service in folder["services"]] == ["Route berechnen", "Leer"]
    assert "provider" in folder["services"][0]  # full objects here
    assert client.get("admin/services/Empty")["services"] == []


def test_listings_of_a_server(start: Start) -> None:
    client = start("truth_table", api="server")
    root = client.get("admin/services", params={"f": "json", "detail": "true"})
    assert root["foldersDetail"][0]["folderName"] == "System"
    assert root["services"][0]["folderName"] == "/"
    assert [entry["type"] for entry in client.get("admin/services/Maps")["services"]] == ["MapServer", "MapServer"]
    reports = client.get("admin/services/Analysis/report")["reports"]
    assert {report["serviceName"]: report["status"]["realTimeState"] for report in reports} == {
        "QuickLook": "STARTED", "Asleep": "STOPPED", "Stopped": "STOPPED",
    }  # fmt: skip
    wanted = json.dumps([{"folderName": "Analysis", "serviceName": "Asleep", "type": "GPServer"}])
    reports = client.get("admin/services/Analysis/report", params={"f": "json", "services": wanted})["reports"]
    assert [report["instances"]["busy"] for report in reports] == [1]
    assert len(client.get("admin/services/report")["reports"]) == 1
    assert client.get(f"admin/services/{PUBLISHING}/statistics")["summary"]["busy"] == 2


def test_find_services(start: Start) -> None:
    client = start("truth_table")
    found = client.post("admin/services/findServices", filterServiceType="MapServer")["filteredServices"]
    assert {service["serviceName"] for service in found} == {"Test", "City"}
    found = client.post("admin/services/findServiceIds", filterFolderName="System")["filteredServices"]
    assert [service["serviceName"] for service in found] == ["PublishingTools"]


def test_service_json(start: Start, api: str) -> None:
    client = start("truth_table", api=api)
    service = client.get(f"admin/services/{PUBLISHING}")
    assert (service["maxUsageTime"], service["maxWaitTime"]) == (600, 60)
    assert service["properties"]["executionType"] == "Asynchronous"
    assert client.get("admin/services/Analysis/QuickLook.GPServer")["properties"]["executionType"] == "Synchronous"


def test_stop_and_start(start: Start, api: str) -> None:
    client = start(jobs({"status": "executing"}), api=api)
    path = f"admin/services/{PUBLISHING}"
    assert client.get(f"{path}/stop")["status"] == "error"
    assert client.post(f"{path}/stop") == {"status": "success"}
    assert client.get(f"{path}/status")["realTimeState"] == "STOPPED"
    # On Kubernetes the pods go, and what runs in them.
    assert len(client.truth(status="executing")) == (0 if api == "kubernetes" else 1)
    assert "error" in client.get("rest/services/System/PublishingTools/GPServer")
    assert client.post(f"{path}/start") == {"status": "success"}
    assert client.get(f"{path}/status")["configuredState"] == "STARTED"


def test_mode(start: Start) -> None:
    server = start(jobs(), api="server", site_mode="READ_ONLY")
    assert server.get("admin/mode")["siteMode"] == "READ_ONLY"
    assert server.post("admin/mode/update", siteMode="EDITABLE") == {"status": "success"}
    assert server.site.switches.site_mode == "EDITABLE"
    assert server.post("admin/mode/update", siteMode="CLOSED")["code"] == 400
    kubernetes = start(jobs())
    assert kubernetes.post("admin/mode/update", isReadOnly="true") == {"success": True}
    assert kubernetes.get("admin/mode")["isReadOnly"] is True


def test_cleaner_task(start: Start) -> None:
    client = start(jobs())
    (task,) = client.get("admin/system/tasks")["tasks"]
    assert task["taskType"] == "CleanGPJobs"
    assert client.get(f"admin/system/tasks/{task['id']}") == task


def test_health(start: Start, api: str) -> None:
    client = start(jobs(), api=api, username="")
    for path in ("rest/info/healthcheck", "rest/info/healthCheck"):
        assert client.get(path) == {"success": True}
    client.site.switches.healthy = False
    assert client.response("rest/info/healthcheck").status_code == 500


@pytest.mark.parametrize("path", ["admin", "admin/services", f"admin/services/{PUBLISHING}/jobs/query", "rest/info"])
def test_pages_where_nobody_asked_for_json(start: Start, api: str, path: str) -> None:
    client = start("truth_table", api=api)
    for params in ({"g": "json"}, {"f": "html"}, {"f": "xml"}):
        response = client.response(path, params=params)
        assert response.headers["Content-Type"].startswith("text/html")
        assert response.text.startswith("<!DOCTYPE html>")
    assert client.response(path, params={"f": "pjson"}).text.startswith("{\n")


def test_errors_are_pages_too(start: Start) -> None:
    client = start(jobs(), username="")
    response = client.response("admin/services", params={"g": "json"})
    assert response.status_code == 200
    assert "Token not found" in response.text
    assert response.text.startswith("<!DOCTYPE html>")


def test_a_web_adaptor_without_administration(start: Start, api: str) -> None:
    client = start(jobs(), api=api)
    client.site.switches.admin_disabled = True
    response = client.response("admin/services")
    assert (response.status_code, response.headers["Content-Type"].split(";")[0]) == (403, "text/html")
    assert client.get("rest/info")["currentVersion"]


def test_shapes_of_errors(start: Start) -> None:
    client = start(jobs(), error_word="failed", error_code="missing")
    assert client.get("admin/nothing") == {
        "status": "failed", "messages": ["Could not find resource or operation 'nothing' on the system."],
    }  # fmt: skip
    assert "code" not in client.get("rest/services/Nothing/GPServer")["error"]
    client.site.switches.update({"admin_error_shape": "rest", "error_code": "present"})
    assert client.get("admin/nothing")["error"]["code"] == 404


def test_the_clock_in_the_date_header(start: Start) -> None:
    client = start(jobs())
    assert client.response("rest/info").headers["Date"] == "Tue, 14 Nov 2023 22:13:20 GMT"
    client.site.switches.date_header = "absent"
    assert "Date" not in client.response("rest/info").headers


def test_other_contexts_are_not_there(start: Start) -> None:
    client = start(jobs(), api="server", context="gis")
    assert client.running.url.endswith("/gis")
    assert client.get("rest/info")["currentVersion"]
    assert client.response(client.running.url.replace("/gis", "/arcgis") + "/rest/info").status_code == 404


@pytest.mark.parametrize(
    ("retention", "mode", "minutes"), [("6h", "TIME_ELAPSED_SINCE_LAST_MODIFIED", 360), (None, "NONE", 0)]
)
def test_the_jobs_directory_tells_the_retention(start: Start, retention: str | None, mode: str, minutes: int) -> None:
    client = start("publishing_tools", api="server", retention=retention)
    listed = client.get("admin/system/directories")["directories"]
    jobs = next(one for one in listed if one["directoryType"] == "JOBS")
    assert (jobs["cleanupMode"], jobs["maxFileAge"]) == (mode, minutes)
    assert client.get("admin/system/directories/arcgisjobs") == jobs


def test_directories_may_be_refused_or_be_names_alone(start: Start) -> None:
    assert (
        start("publishing_tools", api="server", directories="names").get("admin/system/directories")["directories"][1]
        == "arcgisjobs"
    )
    for habit, code in (("forbidden", 403), ("missing", 404)):
        client = start("publishing_tools", api="server", directories=habit)
        assert client.get("admin/system/directories")["code"] == code
