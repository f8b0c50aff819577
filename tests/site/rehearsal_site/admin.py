# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The admin side: /admin of both dialects."""

from __future__ import annotations

import json
from collections.abc import Callable

from . import jobs_query
from .accounts import Account
from .errors import SiteError, forbidden, not_found
from .site import CURRENT_VERSION, FULL_VERSION, Site
from .statuses import QUEUED, Status
from .store import Service
from .wire import Request

Body = dict[str, object]


def handle(site: Site, request: Request, path: list[str]) -> Body:
    """Answer what is asked below /admin."""
    if path == ["generateToken"]:
        request.kind = "token"
        return _generate_token(site, request)
    account = site.desk.check(request, "admin")
    if not account.may_read_jobs(site.api):
        raise forbidden("admin")
    if not path:
        request.kind = "root"
        return _root(site)
    if path[0] == "services":
        return _Services(site, request, account).handle(path[1:])
    request.kind = "admin_other"
    if site.api == "server":
        return _server_resource(site, account, request, path)
    return _kubernetes_resource(site, account, request, path)


def _generate_token(site: Site, request: Request) -> Body:
    """ArcGIS Server's own login; once federated, the primary site administrator's alone."""
    if site.api != "server":
        raise not_found("generateToken")
    try:
        token = site.desk.log_in(request, "server", psa_only=site.layout.federated)
    except SiteError as error:
        error.shape = str(site.switches["login_error_shape"])
        raise
    return site.desk.answer(token, text=True, ssl=False)


def _root(site: Site) -> Body:
    if site.api == "kubernetes":
        return {
            "fullVersion": FULL_VERSION,
            "resources": ["orgs", "logs", "system", "datastores", "uploads", "services", "mode"],
            "currentVersion": CURRENT_VERSION,
            "status": {"stages": []},
        }
    return {
        "resources": ["machines", "clusters", "services", "security", "system", "data", "uploads", "logs", "mode",
                      "usagereports", "info"],
        "currentVersion": CURRENT_VERSION,
        "fullVersion": FULL_VERSION,
        "acceptLanguage": None,
    }  # fmt: skip


def _post_only(request: Request, name: str) -> None:
    # The documents say that these are POST only; what a GET gets is not said: the operation is not there for it.
    if request.method != "POST":
        raise SiteError(405, f"Method not allowed: '{name}' is a POST operation.")


def _administrator(account: Account) -> None:
    if not account.administrator:
        raise forbidden("admin")


def _mode(site: Site, account: Account, request: Request, path: list[str]) -> Body:
    read_only = site.switches["site_mode"] == "READ_ONLY"
    if path == ["mode"]:
        if site.api == "kubernetes":
            return {"isReadOnly": read_only, "lastModified": site.clock.now()}
        return {"siteMode": site.switches["site_mode"], "copyConfigLocal": True, "lastModified": site.clock.now()}
    _post_only(request, "update")
    _administrator(account)
    if site.api == "kubernetes":
        site.switches["site_mode"] = "READ_ONLY" if request.flag("isReadOnly") else "EDITABLE"
        return {"success": True}
    mode = request.params.get("siteMode", "")
    if mode not in ("EDITABLE", "READ_ONLY"):
        raise SiteError(400, f"Invalid value for parameter 'siteMode': {mode}.")
    site.switches["site_mode"] = mode
    return {"status": "success"}


def _server_resource(site: Site, account: Account, request: Request, path: list[str]) -> Body:
    if path in (["mode"], ["mode", "update"]):
        return _mode(site, account, request, path)
    if path == ["info"]:
        return {
            "currentversion": CURRENT_VERSION,
            "fullVersion": FULL_VERSION,
            "currentbuild": "50000",
            "timezone": {"displayname": "Coordinated Universal Time", "windowsid": "UTC", "olsonid": "UTC",
                         "daylightsavings": ""},
            "loggedInUser": account.name,
            "loggedInUserPrivilege": "ADMINISTER" if account.administrator else "PUBLISH",
        }  # fmt: skip
    if path == ["about"]:
        return {
            "currentVersion": CURRENT_VERSION,
            "currentBuild": "50000",
            "serverRole": "GENERAL_SERVER",
            "machines": [],
        }
    if path[:2] == ["system", "directories"]:
        return _directories(site, path[2:])
    raise not_found(path[-1])


def _directories(site: Site, path: list[str]) -> Body:
    """The server directories: the jobs directory says how long finished jobs stay, in minutes."""
    if site.switches["directories"] == "forbidden":
        raise forbidden("admin")
    if site.switches["directories"] == "missing":
        raise not_found("directories")
    kept = site.switches["retention"]
    directories: list[Body] = [
        {
            "name": f"arcgis{kind}",
            "physicalPath": f"/arcgisserver/directories/arcgis{kind}",
            "directoryType": kind.upper(),
            "cleanupMode": "NONE" if age is None else "TIME_ELAPSED_SINCE_LAST_MODIFIED",
            "maxFileAge": 0 if age is None else age,
            "description": "",
            "virtualPath": f"/rest/directories/arcgis{kind}",
        }
        for kind, age in (
            ("output", 10),
            ("jobs", None if kept is None else max(1, int(kept) // 60_000)),
            ("cache", None),
        )
    ]
    if not path:
        if site.switches["directories"] == "names":
            return {"directories": [str(one["name"]) for one in directories]}
        return {"directories": directories}
    found = next((one for one in directories if one["name"] == path[0] and len(path) == 1), None)
    if found is None:
        raise not_found(path[-1])
    return found


def _kubernetes_resource(site: Site, account: Account, request: Request, path: list[str]) -> Body:
    if path in (["mode"], ["mode", "update"]):
        return _mode(site, account, request, path)
    if path == ["system", "tasks"]:
        return {"tasks": [_cleaner()]}
    if path[:2] == ["system", "tasks"] and len(path) == 3 and path[2] == _cleaner()["id"]:
        return _cleaner()
    raise not_found(path[-1])


def _cleaner() -> Body:
    """The default task that cleans finished jobs away."""
    return {
        "id": "t7f3a0c2gpcleaner",
        "taskType": "CleanGPJobs",
        "type": "GP_JOBS_CLEANER_TASK_TYPE",
        "taskTitle": "gpCleanerTask",
        "cronExpression": "0 0 * * * ?",
        "runIntervalSeconds": 3600,
        "taskState": "active",
        "maxOccurrences": -1,
    }


class _Services:
    """/admin/services and everything below."""

    def __init__(self, site: Site, request: Request, account: Account) -> None:
        self.site, self.request, self.account = site, request, account

    def handle(self, path: list[str]) -> Body:
        self.request.kind = "services"
        if not path:
            return self._root()
        if len(path) == 1 and (operation := self._operations().get(path[0])) is not None:
            return operation("")
        store = self.site.store
        # A folder and a service cannot be told apart by their place alone: root services have no folder segment.
        in_folder = path[0] in store.folders
        if in_folder:
            self._may_see(path[0], None)
        elif len(path) > 1 and path[0] not in store.services and "." not in path[0]:
            in_folder = True  # one that does not exist
        if path[0] in store.folders:
            if len(path) == 1:
                self.request.kind = "folder"
                return self._folder(path[0])
            if len(path) == 2 and self.site.api == "server" and path[1] == "report":
                return self._report(path[0])
        key = f"{path[0]}/{path[1]}" if in_folder else path[0]
        rest = path[2:] if in_folder else path[1:]
        service = store.services.get(key)
        self._may_see(path[0] if in_folder else "", key)
        if service is None:
            if rest[:1] == ["jobs"] and self.site.switches["unknown_service"] == "empty":
                return self._no_jobs(key, rest)
            raise not_found(key)
        return self._service(service, rest)

    def _operations(self) -> dict[str, Callable[[str], Body]]:
        if self.site.api == "server":
            return {"report": self._report}
        return {"findServices": self._find, "findServiceIds": self._find}

    def _may_see(self, folder: str, key: str | None) -> None:
        if not self.account.may_see(folder, key):
            raise forbidden("admin")

    # -- listings ------------------------------------------------------------------------------------------------

    def _listed(self, services: list[Service]) -> list[Service]:
        if self.site.switches["forbidden_listing"] == "shown":
            return services
        return [service for service in services if self.account.may_see(service.folder, service.key)]

    def _root(self) -> Body:
        store = self.site.store
        folders = [name for name in store.folders if self._shown(name)]
        services = self._listed(store.in_folder(""))
        body: Body = {
            "isDefault": False,
            "folders": folders,
            "description": "Root folder",
            "folderName": "/",
            "webEncrypted": False,
        }
        if self.site.api == "kubernetes":
            return {**body, "id": "", "services": [self._short(service) for service in services]}
        details = [
            {"folderName": name, "description": store.folders[name], "webEncrypted": False,
             "isDefault": name in ("System", "Utilities", "Hosted")}
            for name in folders
        ]  # fmt: skip
        return {**body, "foldersDetail": details, "services": [self._short(service) for service in services]}

    def _shown(self, folder: str) -> bool:
        return self.site.switches["forbidden_listing"] == "shown" or self.account.may_see(folder)

    def _short(self, service: Service) -> Body:
        if self.site.api == "kubernetes":
            return {"description": service.description, "id": service.service_id, "folderName": service.folder,
                    "serviceName": service.name, "type": service.type}  # fmt: skip
        return {"folderName": service.folder or "/", "serviceName": service.name, "type": service.type,
                "description": service.description}  # fmt: skip

    def _folder(self, folder: str) -> Body:
        services = self._listed(self.site.store.in_folder(folder))
        body: Body = {
            "folderName": folder,
            "description": self.site.store.folders[folder],
            "webEncrypted": False,
            "isDefault": folder in ("System", "Utilities", "Hosted"),
        }
        if self.site.api == "kubernetes":
            # Full service objects in here, short ones in the root: so says the sample.
            return {**body, "services": [self._full(service) for service in services]}
        return {**body, "services": [self._short(service) for service in services]}

    def _full(self, service: Service) -> Body:
        return {
            "serviceName": service.name,
            "type": service.type,
            "id": service.service_id,
            "description": service.description,
            "folderName": service.folder,
            "provider": "DMaps" if service.type == "MapServer" else "ArcObjects11",
            "capabilities": "Uploads" if service.type == "GPServer" else "Map,Query,Data",
            "configuredState": service.configured,
            "minInstancesPerNode": 1,
            "maxInstancesPerNode": 2,
            "maxUsageTime": 600,
            "maxWaitTime": 60,
            "properties": {
                "executionType": "Synchronous" if service.sync else "Asynchronous",
                "cancellationCheckInterval": "5",
                "progressMessageUpdateInterval": "1",
            },
        }

    def _report(self, folder: str) -> Body:
        self.request.kind = "report"
        reports = [
            {
                "folderName": folder or "/",
                "serviceName": service.name,
                "type": service.type,
                "isDefault": folder in ("System", "Utilities"),
                "isPrivate": not service.public,
                "status": self._status(service),
                "instances": self._instances(service),
            }
            for service in self._listed(self.site.store.in_folder(folder))
        ]
        wanted = self._wanted()
        if wanted is not None:
            reports = [report for report in reports if (report["serviceName"], report["type"]) in wanted]
        return {"reports": reports}

    def _wanted(self) -> set[tuple[object, object]] | None:
        text = self.request.params.get("services", "")
        if not text:
            return None
        try:
            return {(item["serviceName"], item["type"]) for item in json.loads(text)}
        except (ValueError, TypeError, KeyError):
            raise SiteError(400, "Invalid value for parameter 'services'.") from None

    def _find(self, _folder: str) -> Body:
        _post_only(self.request, "findServices")
        params = self.request.params
        found = [
            self._short(service)
            for service in self._listed(list(self.site.store.services.values()))
            if params.get("filterFolderName", "").strip("/") in ("", service.folder)
            and params.get("filterServiceName", "") in ("", service.name)
            and params.get("filterServiceType", "") in ("", service.type)
            and params.get("filterServiceId", "") in ("", service.service_id)
        ]
        return {"filteredServices": found}

    # -- one service ---------------------------------------------------------------------------------------------

    def _service(self, service: Service, rest: list[str]) -> Body:
        self.request.kind = "service"
        if not rest:
            return self._full(service)
        if rest[0] == "jobs":
            return self._jobs(service, rest[1:])
        if len(rest) == 1:
            if rest[0] == "status":
                self.request.kind = "service_status"
                return self._status(service)
            if rest[0] == "statistics" and self.site.api == "server":
                return {"summary": self._instances(service), "perMachine": []}
            if rest[0] in ("start", "stop"):
                return self._switch_service(service, rest[0])
        raise not_found(rest[-1])

    def _status(self, service: Service) -> Body:
        return {"configuredState": service.configured, "realTimeState": service.realtime}

    def _instances(self, service: Service) -> Body:
        counts = self.site.store.counts(service.key, self.site.clock.now())
        busy = counts.get(Status.EXECUTING, 0)
        return {"folderName": service.folder or "/", "serviceName": service.name, "type": service.type,
                "max": 2, "busy": min(2, busy), "free": max(0, 2 - busy), "initializing": 0, "notCreated": 0,
                "transactions": sum(counts.values()), "totalBusyTime": 0, "isStatisticsAvailable": True}  # fmt: skip

    def _switch_service(self, service: Service, operation: str) -> Body:
        _post_only(self.request, operation)
        state = "STARTED" if operation == "start" else "STOPPED"
        service.configured = service.realtime = state
        if operation == "stop" and self.site.api == "kubernetes":
            # Stopping terminates the pods, and with them what runs in them.
            now = self.site.clock.now()
            for job in self.site.store.books[service.key].live.values():
                if job.exists(now) and job.status(now) is Status.EXECUTING:
                    job.become(Status.FAILED, now)
        return {"status": "success"}

    # -- jobs ----------------------------------------------------------------------------------------------------

    def _no_jobs(self, key: str, rest: list[str]) -> Body:
        if rest == ["jobs", "query"]:
            self.request.kind = "jobs_query"
            return jobs_query.answer(self.site, None, _bare_name(key), self.request)
        raise not_found(rest[-1])

    def _jobs(self, service: Service, rest: list[str]) -> Body:
        switches = self.site.switches
        if not service.asynchronous:
            if switches["sync_service_jobs"] == "error":
                raise not_found("jobs")
            return self._no_jobs(service.key, ["jobs", *rest])
        if service.realtime != "STARTED" and switches["stopped_service_jobs"] != "normal":
            if switches["stopped_service_jobs"] == "error":
                raise SiteError(500, f"Service '{service.key}' is not started.")
            if switches["stopped_service_jobs"] == "missing":
                raise SiteError(404, f"Service '{service.key}' is not started.")
            return self._no_jobs(service.key, ["jobs", *rest])
        if not rest:
            self.request.kind = "jobs"
            if self.site.api == "server":
                return {"resources": ["statistics"]}
            return {"operations": ["query"], "resources": ["job"]}
        self.site.sweep()
        if rest == ["query"]:
            return self._query(service)
        if self.site.api == "server":
            if rest == ["statistics"]:
                self.request.kind = "jobs_statistics"
                _post_only(self.request, "statistics")
                return jobs_query.statistics(self.site, service)
            if rest == ["purgeQueue"]:
                return self._purge(service)
            if len(rest) == 2 and rest[1] in ("cancel", "delete"):
                return self._end(service, rest[0], rest[1])
        if len(rest) == 1:
            self.request.kind = "job"
            return jobs_query.details(self.site, service, rest[0], self.request)
        raise not_found(rest[-1])

    def _query(self, service: Service) -> Body:
        self.request.kind = "jobs_query"
        now = self.site.clock.now()
        for rule in self.site.arrivals:
            rule.asked(service.key, self.site.store, now, before=True)
        body = jobs_query.answer(self.site, service, service.name, self.request)
        for rule in self.site.arrivals:
            rule.asked(service.key, self.site.store, now, before=False)
        return body

    def _purge(self, service: Service) -> Body:
        self.request.kind = "jobs_purge"
        _post_only(self.request, "purgeQueue")
        _administrator(self.account)
        now = self.site.clock.now()
        for job in self.site.store.books[service.key].live.values():
            if job.exists(now) and job.status(now) in QUEUED:
                job.become(Status.CANCELLED, now)
        return {"status": "success"}

    def _end(self, service: Service, job_id: str, operation: str) -> Body:
        self.request.kind = f"job_{operation}"
        _post_only(self.request, operation)
        _administrator(self.account)
        store, now = self.site.store, self.site.clock.now()
        job = store.find(service.key, job_id)
        if operation == "cancel":
            # The documents allow it in two states only: not in New and Waiting.
            if job is None or job.status(now) not in (Status.SUBMITTED, Status.EXECUTING):
                raise SiteError(500, f"Unable to cancel job :[{job_id}]")
            job.cancel(now, self.site.switches.number("cancel_takes"))
            return {"status": "success"}
        if job is None or not store.remove_job(service.key, job_id):
            raise SiteError(400, f"Unable to delete job :[{job_id}]")
        return {"status": "success"}


def _bare_name(key: str) -> str:
    return key.rpartition("/")[2].rpartition(".")[0] or key
