# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes that happen while somebody asks: jobs that arrive, leave or move with every n-th jobs/query."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .statuses import Status, parse_status
from .store import Store
from .times import SECONDS_BELOW

KEYS = frozenset("service every_requests count before action from to where".split())


@dataclass
class ArrivalRule:
    """With every n-th jobs/query of a service one job arrives, leaves or moves, ``count`` times."""

    service: str
    every_requests: int = 1
    count: int = 1
    before: bool = False  # before the answer is made, and not after it
    action: str = "arrive"  # arrive | leave | move
    job: dict[str, object] = field(default_factory=dict)
    from_status: Status | None = None
    to_status: Status | None = None
    where: str = "newest"  # which one leaves or moves: newest | oldest
    seen: int = 0
    done: int = 0

    def asked(self, service: str, store: Store, now: int, *, before: bool) -> None:
        if service != self.service or before is not self.before or self.done >= self.count:
            return
        self.seen += 1
        if self.seen % self.every_requests:
            return
        if self.action == "arrive":
            self.done += 1
            store.add_job(service, self.job, now)
            return
        chosen = self._choose(store, now)
        if chosen is None:
            return
        self.done += 1
        if self.action == "leave":
            store.remove_job(service, chosen)
        else:
            job = store.thaw(service, chosen)
            assert job is not None
            assert self.to_status is not None
            job.become(self.to_status, now)

    def _choose(self, store: Store, now: int) -> str | None:
        jobs = [
            (job.submitted, job.job_id)
            for job in store.all_jobs(self.service, now)
            if self.from_status is None or job.status(now) is self.from_status
        ]
        return (max(jobs) if self.where == "newest" else min(jobs))[1] if jobs else None


def parse_arrival(data: Mapping[str, object], store: Store) -> ArrivalRule:
    """A rule from a scenario; what is no key of the rule describes the arriving job."""
    service = store.service(str(data["service"])).key
    action = str(data.get("action", "arrive"))
    if action not in ("arrive", "leave", "move"):
        raise ValueError(f"arrivals: action {action!r} is none of arrive, leave, move")
    job = {key: value for key, value in data.items() if key not in KEYS}
    if action != "arrive" and job:
        raise ValueError(f"arrivals: {', '.join(sorted(job))} describe an arriving job, and this one is to {action}")
    if action == "move" and "to" not in data:
        raise ValueError("arrivals: a move needs the status it goes to, such as 'to: succeeded'")
    where = str(data.get("where", "newest"))
    if where not in ("newest", "oldest"):
        raise ValueError(f"arrivals: where {where!r} is neither newest nor oldest")
    rule = ArrivalRule(
        service=service,
        every_requests=max(1, int(str(data.get("every_requests", 1)))),
        count=int(str(data.get("count", 1))),
        before=bool(data.get("before", False)),
        action=action,
        job=job,
        from_status=parse_status(data["from"]) if "from" in data else None,
        to_status=parse_status(data["to"]) if "to" in data else None,
        where=where,
    )
    if action == "arrive":
        # A wrong description shows now and not in the middle of somebody's paging.
        Store.add_job(_scratch(store, service), service, job, SECONDS_BELOW)
    return rule


def _scratch(store: Store, service: str) -> Store:
    scratch = Store()
    scratch.add_service(store.services[service])
    return scratch
