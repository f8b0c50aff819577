# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The REST side: /rest of both products."""

from __future__ import annotations

from .accounts import Account
from .errors import SiteError, forbidden, no_token
from .portal import portal_base
from .site import CURRENT_VERSION, FULL_VERSION, Site
from .statuses import QUEUED, Status
from .store import Service
from .wire import Reply, Request

Body = dict[str, object]


def handle(site: Site, request: Request, path: list[str]) -> Body | Reply:
    """Answer what is asked below /rest."""
    request.kind = "rest"
    if path == ["info"]:
        request.kind = "rest_info"
        return _info(site, request)
    if len(path) == 2 and path[0] == "info" and path[1].lower() == "healthcheck":
        request.kind = "healthcheck"
        healthy = bool(site.switches["healthy"])
        return Reply({"success": healthy}, status=200 if healthy else 500, side="rest")
    if path[:1] != ["services"]:
        raise SiteError(404, "Not Found")
    return _services(site, request, path[1:])


def _info(site: Site, request: Request) -> Body:
    body: Body = {"currentVersion": CURRENT_VERSION, "fullVersion": FULL_VERSION}
    auth: Body = {"isTokenBasedSecurity": True}
    if site.api == "kubernetes" or site.layout.federated:
        portal = portal_base(site, request)
        body["owningSystemUrl"] = portal
        body["owningTenant"] = "0123456789ABCDEF"
        auth["tokenServicesUrl"] = f"{portal}/sharing/rest/generateToken"
    else:
        auth["tokenServicesUrl"] = f"{request.base}/tokens/"
        auth["shortLivedTokenValidity"] = 60
    return {**body, "authInfo": auth}


def _who(site: Site, request: Request) -> Account | None:
    return site.desk.check(request, "rest") if site.desk.presented(request) is not None else None


def _may_see(site: Site, account: Account | None, service: Service) -> bool:
    return service.public or (account is not None and account.may_see(service.folder, service.key))


def _services(site: Site, request: Request, path: list[str]) -> Body | Reply:
    account = _who(site, request)
    store = site.store
    if not path or (len(path) == 1 and path[0] in store.folders):
        folder = path[0] if path else ""
        services = [
            {"name": f"{service.folder}/{service.name}" if service.folder else service.name, "type": service.type}
            for service in store.in_folder(folder)
            if _may_see(site, account, service) and service.realtime == "STARTED"
        ]
        return {"currentVersion": CURRENT_VERSION, "folders": [] if path else list(store.folders), "services": services}
    in_folder = path[0] in store.folders
    folder = path[0] if in_folder else ""
    names = path[1:] if in_folder else path
    if len(names) < 2:
        raise SiteError(404, "Folder not found.")
    key = f"{folder}/{names[0]}.{names[1]}" if folder else f"{names[0]}.{names[1]}"
    service = store.services.get(key)
    if service is None:
        raise SiteError(404, f"Service {key.rpartition('.')[0]}/{names[1]} not found")
    if not _may_see(site, account, service):
        if account is None:
            raise no_token("rest")
        raise forbidden("rest", service.key)
    if service.realtime != "STARTED":
        raise SiteError(500, f"Service {key.rpartition('.')[0]}/{names[1]} not started")
    rest = names[2:]
    if not rest:
        return _service(service)
    if service.type != "GPServer" or rest[0] not in service.tasks:
        raise SiteError(400, "Invalid URL", details=[f"Could not find task '{rest[0]}'"])
    return _task(site, request, service, account, rest)


def _service(service: Service) -> Body:
    body: Body = {"currentVersion": CURRENT_VERSION, "serviceDescription": service.description}
    if service.type != "GPServer":
        return body
    return {
        **body,
        "tasks": list(service.tasks),
        "executionType": f"esriExecutionType{'Synchronous' if service.sync else 'Asynchronous'}",
        "resultMapServerName": "",
        "maximumRecords": 1000,
        "capabilities": "Uploads",
    }


def _task(site: Site, request: Request, service: Service, account: Account | None, rest: list[str]) -> Body | Reply:
    task = rest[0]
    if len(rest) == 1:
        return {
            "name": task,
            "displayName": task,
            "executionType": _service(service)["executionType"],
            "parameters": [],
        }
    if rest[1] == "submitJob" and len(rest) == 2 and not service.sync:
        request.kind = "rest_submit"
        return _submit(site, request, service, account, task)
    if rest[1] == "jobs" and len(rest) in (3, 4) and not service.sync:
        request.kind = "rest_job"
        site.sweep()
        return _job(site, request, service, task, rest[2], rest[3] if len(rest) == 4 else None)
    if len(rest) == 5 and rest[1] == "jobs" and rest[3] == "results":
        return {"paramName": rest[4], "dataType": "GPString", "value": ""}
    raise SiteError(400, "Invalid URL")


DEFAULT_LIFE = {"submitted": "0s", "waiting": "1s", "executing": "2s", "ends": "succeeded after 10s"}


def _submit(site: Site, request: Request, service: Service, account: Account | None, task: str) -> Body | Reply:
    now = site.clock.now()
    data: dict[str, object] = {"task": task, "user": account.name if account else None}
    data["life"] = service.life or DEFAULT_LIFE
    job = site.store.add_job(service.key, data, now)
    job.inputs = {name: value for name, value in request.params.items() if name not in ("f", "token")}
    if not request.wants_json:
        folder = f"{service.folder}/" if service.folder else ""
        page = f"{request.base}/rest/services/{folder}{service.name}/{service.type}/{task}/jobs/{job.job_id}"
        return Reply({"jobId": job.job_id}, status=302, headers={"Location": page}, side="rest")
    return {"jobId": job.job_id, "jobStatus": Status.SUBMITTED.esri}


def _job(site: Site, request: Request, service: Service, task: str, job_id: str, operation: str | None) -> Body:
    now = site.clock.now()
    job = site.store.find(service.key, job_id)
    if job is None or not job.exists(now) or job.task != task:
        raise SiteError(400, "Job not found on server", details=[job_id])
    if operation == "cancel":
        job = site.store.thaw(service.key, job_id)
        assert job is not None
        job.cancel(now, site.switches.number("cancel_takes"))
        return {"jobId": job_id, "jobStatus": job.word or job.status(now).esri}
    if operation is not None:
        raise SiteError(400, "Invalid URL")
    status = job.status(now)
    body: Body = {"jobId": job_id, "jobStatus": job.word or status.esri}
    if status is Status.EXECUTING:
        body["progress"] = {"type": "default", "message": "Executing...", "percent": 0}
    if status is Status.SUCCEEDED:
        body["results"] = {"result": {"paramUrl": "results/result"}}
    body["inputs"] = {name: {"paramUrl": f"inputs/{name}"} for name in job.inputs}
    body["messages"] = list(job.messages) if status not in QUEUED and request.flag("returnMessages", True) else []
    return body
