# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where connections come in, and what some of them meet in place of the site: nobody, silence, a wrong certificate."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress

from .certificates import expired_context, other_context
from .faults import FaultRule
from .site import Site

_LOOK_AGAIN = 0.002
_IS_FULL = 0.02
"""Seconds after which a connection on this machine is one that found no room."""
_MOST_FILLERS = 64
"""Kernels hold more than they are told to, each in its own way."""


class Door:
    """A listening socket that a fault may disturb, until its time is over or the faults are cleared."""

    def __init__(self, site: Site, factory: Callable[[], asyncio.BaseProtocol], context: ssl.SSLContext | None) -> None:
        self._site, self._factory, self._context = site, factory, context
        self._rule: FaultRule | None = None
        self._met = 0
        self._held: list[socket.socket] = []
        self._handshakes: set[asyncio.Task[None]] = set()
        self._accepting: asyncio.Future[tuple[socket.socket, object]] | None = None
        self._serving: asyncio.Task[None] | None = None
        self._settled = asyncio.Event()
        self._is_over = False

    def open(self, host: str, port: int) -> int:
        """Listens, and gives the port."""
        self._listen(host, port)
        self._serving = asyncio.get_running_loop().create_task(self._serve())
        return int(self._socket.getsockname()[1])

    async def close(self) -> None:
        self._is_over = True
        if self._serving is not None:
            self._serving.cancel()
            with suppress(asyncio.CancelledError):
                await self._serving
        for handshake in self._handshakes:
            handshake.cancel()
        self._let_go()
        self._socket.close()

    async def disturb(self, rule: FaultRule) -> None:
        """Has connections meet this fault, from the moment on that this returns."""
        self._rule, self._met = rule, 0
        self._settled.clear()
        if self._accepting is not None:
            self._accepting.cancel()
        await self._settled.wait()

    # -- listening -----------------------------------------------------------------------------------------------

    def _listen(self, host: str, port: int) -> None:
        self._bind(host, port)
        self._socket.listen(128)

    def _bind(self, host: str, port: int) -> None:
        """Takes the port. Until it listens, the kernel refuses who comes, and gives the port to nobody else."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        self._socket.bind((host, port))
        self._socket.setblocking(False)

    async def _serve(self) -> None:
        while True:
            rule = self._disturbance()
            if rule is None or rule.fault not in ("closed_port", "full_backlog"):
                await self._next()
            elif rule.fault == "closed_port":
                host, port = self._socket.getsockname()[:2]
                self._socket.close()
                self._bind(host, port)
                self._settled.set()
                await self._until_over(rule)
                self._socket.listen(128)
            else:
                await self._fill()
                self._settled.set()
                await self._until_over(rule)
                self._socket.listen(128)
                self._let_go()

    async def _fill(self) -> None:
        """Leaves no room in the kernel's queue: who comes now is neither taken nor refused."""
        self._socket.listen(0)
        loop = asyncio.get_running_loop()
        for _ in range(_MOST_FILLERS):
            filler = socket.socket(self._socket.family)
            filler.setblocking(False)
            self._held.append(filler)
            try:
                await asyncio.wait_for(loop.sock_connect(filler, self._socket.getsockname()), _IS_FULL)
            except (asyncio.TimeoutError, OSError):
                return

    async def _next(self) -> None:
        """Takes the next connection, if no fault comes first."""
        self._accepting = asyncio.ensure_future(asyncio.get_running_loop().sock_accept(self._socket))
        self._settled.set()
        try:
            connection, _address = await self._accepting
        except asyncio.CancelledError:
            if self._is_over:
                raise
            return
        except OSError:  # one that was gone before it was taken
            return
        self._take(connection)

    def _take(self, connection: socket.socket) -> None:
        rule = self._disturbance()
        context = self._context
        if rule is not None:
            self._met += 1
            if rule.fault == "silent_port":
                self._held.append(connection)
                return
            context = other_context() if rule.fault == "other_certificate" else expired_context()
        elif self._held:
            self._let_go()
        handshake = asyncio.get_running_loop().create_task(self._shake_hands(connection, context))
        self._handshakes.add(handshake)
        handshake.add_done_callback(self._handshakes.discard)

    async def _shake_hands(self, connection: socket.socket, context: ssl.SSLContext | None) -> None:
        with suppress(OSError):  # clients that break off are no matter of ours
            await asyncio.get_running_loop().connect_accepted_socket(self._factory, connection, ssl=context)

    # -- faults --------------------------------------------------------------------------------------------------

    def _disturbance(self) -> FaultRule | None:
        """The fault that the next connection meets."""
        rule = self._rule
        if rule is None or not any(one is rule for one in self._site.faults.rules):
            return None
        return rule if self._met < rule.integer("connections", 1 << 62) else None

    async def _until_over(self, rule: FaultRule) -> None:
        loop = asyncio.get_running_loop()
        ends = loop.time() + rule.delay("1h")
        while self._disturbance() is rule and loop.time() < ends:
            await asyncio.sleep(_LOOK_AGAIN)
        if self._rule is rule:
            self._rule = None

    def _let_go(self) -> None:
        for one in self._held:
            one.close()
        self._held.clear()
