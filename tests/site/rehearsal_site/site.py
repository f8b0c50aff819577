# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A site: everything that a simulated ArcGIS site is, without the network in front of it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from .accounts import default_accounts
from .arrivals import ArrivalRule
from .clock import SiteClock
from .faults import FaultBook
from .store import Store
from .switches import Switches
from .tokens import TokenDesk

FULL_VERSION = "11.5.0"
CURRENT_VERSION = 11.5


@dataclass
class Layout:
    """Where the site's parts are. A portal of its own makes an ArcGIS Server a federated one."""

    api: str = "kubernetes"
    context: str = "context"
    federated: bool = False
    portal_context: str = "portal"
    portal_own_port: bool = False
    portal_base: str | None = None  # filled in by the listener where the portal has a port of its own

    def __post_init__(self) -> None:
        if self.api not in ("kubernetes", "server"):
            raise ValueError(f"api is kubernetes or server, not {self.api!r}")
        if self.federated and self.api != "server":
            raise ValueError("only an ArcGIS Server can be federated; an kubernetes site has its portal inside")
        self.context = self.context.strip("/")
        self.portal_context = self.portal_context.strip("/")
        if self.federated and self.context == self.portal_context and not self.portal_own_port:
            raise ValueError("server and portal need contexts of their own where they share a port")


@dataclass
class LogEntry:
    at: int
    method: str
    path: str
    status: int
    referer: str | None
    kind: str
    fault: str | None

    def as_dict(self) -> dict[str, object]:
        return dict(vars(self))

    def line(self) -> str:
        return f"{self.at} {self.method} {self.path} {self.status} referer={self.referer!r} fault={self.fault}"


@dataclass
class Counters:
    """What the site has seen so far."""

    requests: int = 0
    in_flight: int = 0
    max_in_flight: int = 0
    connections: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)


class Site:
    """Store, clock, switches, accounts, faults and books of one site; ``lock`` is held around each request."""

    def __init__(self, layout: Layout, *, seed: int = 1) -> None:
        self.layout = layout
        self.lock = threading.RLock()
        self.clock = SiteClock()
        self.switches = Switches()
        self.store = Store(seed)
        self.desk = TokenDesk(self.clock, self.switches, layout.federated)
        self.desk.accounts = {account.name: account for account in default_accounts()}
        self.faults = FaultBook()
        self.arrivals: list[ArrivalRule] = []
        self.delay = 0.0
        self.log: list[LogEntry] = []
        self.counters = Counters()
        self.failures: list[Exception] = []  # faults of the simulation itself; tests look here
        self.server_url: str | None = None  # filled in by the listener where the portal has a port of its own
        self._last_sweep = 0

    @property
    def api(self) -> str:
        return self.layout.api

    def sweep(self) -> int:
        """Let finished jobs go that are older than the retention, as often as the site looks."""
        retention = self.switches["retention"]
        if retention is None:
            return 0
        now = self.clock.now()
        if self._last_sweep and now - self._last_sweep < self.switches.number("sweep_every"):
            return 0
        self._last_sweep = now
        return self.store.sweep(now - int(retention), now)

    def counts(self) -> dict[str, object]:
        """The whole truth in numbers."""
        return {
            "requests": self.counters.requests,
            "kinds": dict(self.counters.kinds),
            "faults": dict(self.counters.faults),
            "logins": self.desk.logins,
            "wrong_passwords": self.desk.wrong_passwords,
            "locked_logins": self.desk.locked_logins,
            "connections": self.counters.connections,
            "max_in_flight": self.counters.max_in_flight,
        }

    def forget(self) -> None:
        """What is noted of one scenario says nothing of the next."""
        self.failures.clear()
        self._last_sweep = 0

    def clear_log(self) -> None:
        self.log.clear()
        in_flight = self.counters.in_flight
        self.counters = Counters(in_flight=in_flight)
        self.desk.logins = self.desk.wrong_passwords = self.desk.locked_logins = 0

    def truth(self, wanted: Mapping[str, str] | None = None) -> list[dict[str, object]]:
        """Every job with its status now, filtered by equality on what the jobs' descriptions hold."""
        with self.lock:
            self.sweep()
            now = self.clock.now()
            jobs = [job.describe(now) for key in self.store.books for job in self.store.all_jobs(key, now)]
        for name, value in (wanted or {}).items():
            jobs = [job for job in jobs if ("" if job.get(name) is None else str(job.get(name))) == value]
        return jobs
