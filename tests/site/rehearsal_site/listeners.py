# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The listeners of a site: HTTPS for the site, perhaps one more for its portal, and plain HTTP for control."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from aiohttp import web

from .certificates import server_context
from .control import Control
from .door import Door
from .site import LogEntry, Site
from .web import Front


@dataclass
class Options:
    """Where to listen. Loopback only, unless somebody says otherwise; port 0 is any free one."""

    host: str = "127.0.0.1"
    port: int = 0
    portal_port: int = 0
    control_port: int = 0
    client_certificates: bool = False


class Listeners:
    """Starts and stops everything that a site listens on, in one event loop."""

    def __init__(self, site: Site, options: Options, *, log: Callable[[LogEntry], None] | None = None) -> None:
        self.site, self.options, self._log = site, options, log
        self.control = Control(site)
        self._fronts: list[Front] = []
        self._doors: list[Door] = []
        self._runners: list[web.AppRunner] = []
        self.url = self.control_url = ""
        self.portal_url: str | None = None

    @property
    def admin_url(self) -> str:
        return f"{self.url}/admin"

    async def start(self) -> None:
        layout, options = self.site.layout, self.options
        try:
            own_port = layout.federated and layout.portal_own_port
            contexts = {layout.context: False}
            if layout.federated and not own_port:
                contexts[layout.portal_context] = True
            origin = await self._front(contexts, options.port)
            self.url = f"{origin}/{layout.context}"
            if layout.api == "kubernetes":
                self.portal_url = self.url
            elif own_port:
                portal_origin = await self._front({layout.portal_context: True}, options.portal_port)
                self.portal_url = layout.portal_base = f"{portal_origin}/{layout.portal_context}"
                self.site.server_url = self.url
            elif layout.federated:
                self.portal_url = f"{origin}/{layout.portal_context}"
            port = await self._listen(self.control.app(), "127.0.0.1", options.control_port)
            self.control_url = f"http://127.0.0.1:{port}"
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        for front in self._fronts:
            front.closing.set()
        for door in self._doors:
            await door.close()
        self._doors.clear()
        for runner in reversed(self._runners):
            await runner.cleanup()
        self._runners.clear()

    async def _front(self, contexts: dict[str, bool], port: int) -> str:
        front = Front(self.site, contexts=contexts, log=self._log)
        self._fronts.append(front)
        options = self.options
        runner = await self._runner(front.app())
        context = server_context(options.host, client_certificates=options.client_certificates)
        door = Door(self.site, cast(web.Server, runner.server), context)
        self._doors.append(door)
        port = door.open(options.host, port)
        front.disturb = door.disturb
        name = "localhost" if options.host in ("127.0.0.1", "::1", "0.0.0.0", "::") else options.host
        return f"https://{name}:{port}"

    async def _listen(self, app: web.Application, host: str, port: int) -> int:
        runner = await self._runner(app)
        await web.TCPSite(runner, host, port).start()
        return int(runner.addresses[0][1])

    async def _runner(self, app: web.Application) -> web.AppRunner:
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        self._runners.append(runner)
        return runner
