# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control side: plain HTTP on loopback, JSON, for whoever directs a rehearsal. It is no part of ArcGIS."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from .accounts import parse_account
from .arrivals import parse_arrival
from .faults import parse_fault
from .jobs import Job, parse_messages
from .scenario import add_service, load, set_clock
from .site import Site
from .statuses import parse_status
from .times import parse_moment

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Control:
    """Routes of the control side."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.stop_wanted = asyncio.Event()

    def app(self) -> web.Application:
        app = web.Application(client_max_size=64 * 1024 * 1024, middlewares=[_errors])
        app.add_routes(
            [
                web.get("/state", self._state),
                web.get("/log", self._log),
                web.delete("/log", self._clear_log),
                web.get("/counters", self._counters),
                web.get("/switches", self._switches),
                web.post("/reset", self._reset),
                web.post("/jobs", self._add_jobs),
                web.patch("/jobs/{id}", self._change_job),
                web.delete("/jobs/{id}", self._remove_job),
                web.get("/clock", self._clock),
                web.post("/clock", self._set_clock),
                web.post("/switches", self._set_switches),
                web.post("/faults", self._add_faults),
                web.delete("/faults", self._clear_faults),
                web.post("/accounts", self._add_accounts),
                web.post("/tokens/revoke", self._revoke),
                web.post("/services", self._add_services),
                web.delete("/services", self._remove_service),
                web.post("/arrivals", self._add_arrivals),
                web.delete("/arrivals", self._clear_arrivals),
                web.post("/stop", self._stop),
            ]
        )
        return app

    async def _state(self, request: web.Request) -> web.Response:
        jobs = self._site.truth(dict(request.query))
        services = [
            {"service": service.key, "sync": service.sync, "configured": service.configured,
             "realtime": service.realtime, "tasks": list(service.tasks)}
            for service in self._site.store.services.values()
        ]  # fmt: skip
        return _json({"now": self._site.clock.now(), "total": len(jobs), "jobs": jobs, "services": services})

    async def _log(self, _request: web.Request) -> web.Response:
        return _json({"log": [entry.as_dict() for entry in self._site.log]})

    async def _clear_log(self, _request: web.Request) -> web.Response:
        self._site.clear_log()
        return _json({"cleared": True})

    async def _counters(self, _request: web.Request) -> web.Response:
        return _json(self._site.counts())

    async def _switches(self, _request: web.Request) -> web.Response:
        return _json(self._site.switches.as_dict())

    async def _reset(self, request: web.Request) -> web.Response:
        load(self._site, await _object(request))
        return _json({"reset": True, "services": list(self._site.store.services)})

    async def _add_jobs(self, request: web.Request) -> web.Response:
        site = self._site
        with site.lock:
            now = site.clock.now()
            added = [
                job for item in await _list(request) for job in site.store.add_jobs(str(item["service"]), item, now)
            ]
        return _json({"jobs": [job.describe(now) for job in added]})

    async def _change_job(self, request: web.Request) -> web.Response:
        """A new status from now on, or another user, machine, messages, word, or time."""
        job_id, data, site = request.match_info["id"], await _object(request), self._site
        with site.lock:
            service = site.store.owner(job_id)
            if service is None:
                raise KeyError(f"no job {job_id}")
            job, now = site.store.thaw(service, job_id), site.clock.now()
            assert job is not None
            change_job(job, data, now)
        return _json(job.describe(now))

    async def _remove_job(self, request: web.Request) -> web.Response:
        job_id, site = request.match_info["id"], self._site
        with site.lock:
            service = site.store.owner(job_id)
            if service is None:
                raise KeyError(f"no job {job_id}")
            site.store.remove_job(service, job_id)
        return _json({"removed": job_id})

    async def _clock(self, _request: web.Request) -> web.Response:
        return _json(self._site.clock.describe())

    async def _set_clock(self, request: web.Request) -> web.Response:
        set_clock(self._site, await _object(request))
        return _json(self._site.clock.describe())

    async def _set_switches(self, request: web.Request) -> web.Response:
        self._site.switches.update(await _object(request))
        return _json(self._site.switches.as_dict())

    async def _add_faults(self, request: web.Request) -> web.Response:
        rules = [parse_fault(item) for item in await _list(request)]
        self._site.faults.rules.extend(rules)
        return _json({"faults": [rule.fault for rule in self._site.faults.rules]})

    async def _clear_faults(self, _request: web.Request) -> web.Response:
        self._site.faults.clear()
        return _json({"faults": []})

    async def _add_accounts(self, request: web.Request) -> web.Response:
        accounts = [parse_account(item) for item in await _list(request)]
        self._site.desk.accounts.update({account.name: account for account in accounts})
        return _json({"accounts": list(self._site.desk.accounts)})

    async def _revoke(self, request: web.Request) -> web.Response:
        data = await _object(request)
        account, value = data.get("account"), data.get("token")
        return _json({"revoked": self._site.desk.revoke(account=account, value=value)})

    async def _add_services(self, request: web.Request) -> web.Response:
        data, site = await _object(request), self._site
        with site.lock:
            added = [add_service(site.store, name, item or {}, site.clock.now()) for name, item in data.items()]
        return _json({"services": added})

    async def _remove_service(self, request: web.Request) -> web.Response:
        with self._site.lock:
            key = self._site.store.service(request.query["service"]).key
            self._site.store.remove_service(key)
        return _json({"removed": key})

    async def _add_arrivals(self, request: web.Request) -> web.Response:
        with self._site.lock:
            rules = [parse_arrival(item, self._site.store) for item in await _list(request)]
            self._site.arrivals.extend(rules)
        return _json({"arrivals": len(self._site.arrivals)})

    async def _clear_arrivals(self, _request: web.Request) -> web.Response:
        self._site.arrivals.clear()
        return _json({"arrivals": 0})

    async def _stop(self, _request: web.Request) -> web.Response:
        # The answer goes out first; the site ends a moment later.
        asyncio.get_running_loop().call_later(0.05, self.stop_wanted.set)
        return _json({"stopping": True})


def change_job(job: Job, data: dict[str, Any], now: int) -> None:
    """Change a job as ``PATCH /jobs/<id>`` says."""
    unknown = set(data) - {"status", "user", "machine", "messages", "word", "submitted", "started", "ended",
                           "ignores_cancel"}  # fmt: skip
    if unknown:
        raise ValueError(f"a job has no {', '.join(sorted(unknown))} to change")
    if "status" in data:
        job.become(parse_status(data["status"]), now)
    for key in ("submitted", "started", "ended"):
        if key in data:
            setattr(job, key, None if data[key] is None else parse_moment(data[key], now))
    for key in ("user", "machine", "word", "ignores_cancel"):
        if key in data:
            setattr(job, key, data[key])
    if "messages" in data:
        job.messages = parse_messages(data["messages"])


@web.middleware
async def _errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except (ValueError, TypeError) as error:
        return _json({"error": str(error)}, 400)
    except KeyError as error:
        return _json({"error": str(error.args[0])}, 404)


async def _body(request: web.Request) -> Any:
    text = await request.text()
    return json.loads(text) if text.strip() else {}


async def _object(request: web.Request) -> dict[str, Any]:
    data = await _body(request)
    if not isinstance(data, dict):
        raise ValueError("the body is a JSON object")
    return data


async def _list(request: web.Request) -> list[dict[str, Any]]:
    data = await _body(request)
    items = data if isinstance(data, list) else [data]
    if not all(isinstance(item, dict) for item in items):
        raise ValueError("the body is a JSON object or a list of them")
    return items


def _json(data: object, status: int = 200) -> web.Response:
    return web.json_response(data, status=status)
