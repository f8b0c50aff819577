# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A site inside a test: in a thread with an event loop of its own, up in some milliseconds, always cleaned up."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from . import scenario as scenarios
from .certificates import client_certificate, write_ca
from .listeners import Listeners, Options
from .site import Site
from .times import parse_duration

ADMINISTRATOR = "siteadmin"


@dataclass
class RunningSite:
    """What a test needs to know about a site that runs."""

    site: Site
    url: str
    admin_url: str
    rest_url: str
    portal_url: str | None
    control_url: str
    ca_path: Path
    username: str
    password: str = field(repr=False)
    client_cert_path: Path | None = None
    client_key_path: Path | None = None

    def load(self, source: scenarios.Source) -> None:
        """Another scenario on the same ports."""
        scenarios.load(self.site, scenarios.read(source))


@contextmanager
def running_site(
    scenario: scenarios.Source = None,
    *,
    api: str | None = None,
    context: str | None = None,
    federated: bool | None = None,
    portal_own_port: bool | None = None,
    delay: str | float | None = None,
    client_certificates: bool = False,
    **switches: object,
) -> Iterator[RunningSite]:
    """Run a site. ``api`` defaults to what the scenario says, else kubernetes; other keywords are switches."""
    document = scenarios.read(scenario)
    site = scenarios.build(document, api=api, context=context, federated=federated, portal_own_port=portal_own_port)
    site.switches.update(switches)
    if delay is not None:
        site.delay = parse_duration(delay) / 1000
    with _Thread(site, Options(client_certificates=client_certificates)) as listeners:
        account = site.desk.accounts[ADMINISTRATOR]
        certificate, key = client_certificate() if client_certificates else (None, None)
        yield RunningSite(
            site=site,
            url=listeners.url,
            admin_url=listeners.admin_url,
            rest_url=f"{listeners.url}/rest",
            portal_url=listeners.portal_url,
            control_url=listeners.control_url,
            ca_path=write_ca(),
            username=account.name,
            password=account.password,
            client_cert_path=certificate,
            client_key_path=key,
        )


class _Thread:
    """The thread that runs a site's listeners."""

    def __init__(self, site: Site, options: Options) -> None:
        self._site, self._options = site, options
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._leave: asyncio.Event | None = None
        self._listeners: Listeners | None = None
        self._thread = threading.Thread(target=self._run, name="rehearsal-site", daemon=True)

    def __enter__(self) -> Listeners:
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            self._thread.join()
            raise self._failure
        assert self._listeners is not None
        return self._listeners

    def __exit__(self, kind: object, *_exc: object) -> None:
        if self._loop is not None and self._leave is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._leave.set)
        self._thread.join()
        if self._failure is not None and kind is None:
            raise self._failure

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as error:
            self._failure = error
        finally:
            self._ready.set()

    async def _main(self) -> None:
        self._loop, self._leave = asyncio.get_running_loop(), asyncio.Event()
        listeners = Listeners(self._site, self._options)
        await listeners.start()
        self._listeners = listeners
        self._ready.set()
        stopping = asyncio.create_task(listeners.control.stop_wanted.wait())
        leaving = asyncio.create_task(self._leave.wait())
        await asyncio.wait({stopping, leaving}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        leaving.cancel()
        await listeners.stop()
