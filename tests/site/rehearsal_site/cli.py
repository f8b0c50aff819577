# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: run a site, and say what it serves."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from . import __version__
from . import scenario as scenarios
from .certificates import client_certificate, write_ca
from .faults import FAULTS
from .listeners import Listeners, Options
from .running import ADMINISTRATOR
from .site import LogEntry, Site
from .switches import table
from .times import parse_duration

EPILOG = """\
examples:
  python -m rehearsal_site --scenario first_gate
  python -m rehearsal_site --scenario my_site.yml --api server --port 6443 --control-port 6444
  python -m rehearsal_site --scenario truth_table --switch page_cap=7 --switch sort=oldest --delay 20ms
  python -m rehearsal_site --list-switches

The site listens on loopback only, with a certificate of a private CA that is made at each start. Its accounts are
test accounts; their passwords are printed. It ends by Ctrl-C, SIGTERM, POST /stop on the control side, or
--time-limit.
"""


def parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(
        prog="rehearsal-site",
        description="Run a simulated ArcGIS site: its geoprocessing jobs, tokens and faults are what you say.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    what = result.add_argument_group("what the site is")
    what.add_argument("--scenario", metavar="FILE|NAME", help="state of the site (default: an empty site)")
    what.add_argument(
        "--api", choices=("kubernetes", "server"), help="dialect (default: the scenario's, else kubernetes)"
    )
    what.add_argument("--context", help="context path (default: /context for kubernetes, /arcgis for server)")
    what.add_argument(
        "--federated", action="store_true", default=None, help="a server federated with a portal of its own context"
    )
    what.add_argument("--portal-own-port", action="store_true", default=None, help="... which has a port of its own")
    what.add_argument(
        "--switch", action="append", default=[], metavar="NAME=VALUE", help="set a switch; may be repeated"
    )
    what.add_argument("--delay", metavar="TIME", help="added to every answer, such as 20ms")
    where = result.add_argument_group("where it listens")
    where.add_argument("--host", default="127.0.0.1", help="address of the site (default: %(default)s)")
    where.add_argument("--port", type=int, default=0, help="port of the site (default: a free one)")
    where.add_argument("--portal-port", type=int, default=0, help="with --portal-own-port (default: a free one)")
    where.add_argument(
        "--control-port", type=int, default=0, help="control side, plain HTTP on loopback (default: a free one)"
    )
    where.add_argument(
        "--client-certificates", action="store_true", help="ask for a client certificate of the private CA"
    )
    around = result.add_argument_group("around it")
    around.add_argument("--ca-dir", type=Path, metavar="DIR", help="where ca.pem is written (default: a temporary one)")
    around.add_argument(
        "--ready-file", type=Path, metavar="FILE", help="JSON with URLs and accounts, written once it listens"
    )
    around.add_argument("--log-file", type=Path, metavar="FILE", help="access log (no bodies)")
    around.add_argument("--time-limit", metavar="TIME", help="end after so long, such as 600 or 10m")
    around.add_argument("--quiet", action="store_true", help="print nothing")
    about = result.add_argument_group("about")
    about.add_argument("--list-switches", action="store_true", help="print the switches as a table, and end")
    about.add_argument("--list-faults", action="store_true", help="print the faults, and end")
    about.add_argument(
        "--list-scenarios", action="store_true", help="print the scenarios that come with the site, and end"
    )
    about.add_argument("--version", action="version", version=__version__)
    return result


def main(argv: Sequence[str] | None = None) -> int:
    options = parser().parse_args(argv)
    if options.list_switches:
        sys.stdout.write(table())
        return 0
    if options.list_faults:
        sys.stdout.writelines(f"{name:18} {text}\n" for name, text in FAULTS.items())
        return 0
    if options.list_scenarios:
        sys.stdout.writelines(f"{path.stem:18} {path}\n" for path in sorted(scenarios.SCENARIOS.glob("*.yml")))
        return 0
    try:
        site = _site(options)
        limit = parse_duration(options.time_limit) / 1000 if options.time_limit else None
        with ExitStack() as stack:
            log = stack.enter_context(options.log_file.open("a", encoding="utf-8")) if options.log_file else None
            return asyncio.run(_serve(site, options, limit, log))
    except (ValueError, OSError) as error:
        sys.stderr.write(f"rehearsal-site: {error}\n")
        return 2


def _site(options: argparse.Namespace) -> Site:
    site = scenarios.build(
        scenarios.read(options.scenario),
        api=options.api,
        context=options.context,
        federated=options.federated,
        portal_own_port=options.portal_own_port,
    )
    for setting in options.switch:
        name, equals, value = setting.partition("=")
        if not equals:
            raise ValueError(f"--switch {setting}: write NAME=VALUE")
        site.switches[name] = value
    if options.delay:
        site.delay = parse_duration(options.delay) / 1000
    return site


async def _serve(site: Site, options: argparse.Namespace, limit: float | None, log: IO[str] | None) -> int:
    def write(entry: LogEntry) -> None:
        if log is not None:
            log.write(entry.line() + "\n")
            log.flush()

    where = Options(options.host, options.port, options.portal_port, options.control_port, options.client_certificates)
    listeners = Listeners(site, where, log=write)
    # Before the first moment at which somebody could want to end it.
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, listeners.control.stop_wanted.set)
    if options.ready_file:
        options.ready_file.unlink(missing_ok=True)  # that of a site that was killed
    await listeners.start()
    try:
        ca_path = write_ca(options.ca_dir)
        ready = _ready(site, listeners, ca_path, options.client_certificates)
        if not options.quiet:
            sys.stdout.write(_welcome(site, listeners, ca_path, ready))
            sys.stdout.flush()
        if options.ready_file:
            _write_atomically(options.ready_file, json.dumps(ready, indent=2) + "\n")
        try:
            await asyncio.wait_for(listeners.control.stop_wanted.wait(), limit)
        except asyncio.TimeoutError:
            if not options.quiet:
                sys.stdout.write("The time limit is reached.\n")
    finally:
        await listeners.stop()
        if options.ready_file:
            options.ready_file.unlink(missing_ok=True)
    return 0


def _ready(site: Site, listeners: Listeners, ca_path: Path, with_certificate: bool) -> dict[str, object]:
    account = site.desk.accounts[ADMINISTRATOR]
    ready: dict[str, object] = {
        "api": site.api,
        "url": listeners.url,
        "admin_url": listeners.admin_url,
        "rest_url": f"{listeners.url}/rest",
        "portal_url": listeners.portal_url,
        "ca_path": str(ca_path.resolve()),
        "control_url": listeners.control_url,
        "pid": os.getpid(),
        "username": account.name,
        "password": account.password,
    }
    if with_certificate:
        ready["client_cert_path"], ready["client_key_path"] = map(str, client_certificate())
    return ready


def _write_atomically(path: Path, text: str) -> None:
    """Whoever waits for the file never reads half of it."""
    descriptor, name = tempfile.mkstemp(dir=path.resolve().parent, prefix=f".{path.name}.")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(name, path)


def _welcome(site: Site, listeners: Listeners, ca_path: Path, ready: dict[str, object]) -> str:
    product = "ArcGIS Enterprise on Kubernetes" if site.api == "kubernetes" else "ArcGIS Server"
    if site.layout.federated:
        product += ", federated"
    lines = [f"A simulated {product} site (api: {site.api}) is ready.", ""]
    lines += [f"  site      {listeners.url}", f"  admin     {listeners.admin_url}"]
    if listeners.portal_url:
        lines.append(f"  portal    {listeners.portal_url}")
    lines += [f"  CA        {ca_path}", f"  control   {listeners.control_url}", ""]
    lines.append("  test accounts (their passwords are no secrets):")
    for account in site.desk.accounts.values():
        role = f"{account.role}, primary site administrator" if account.psa else account.role
        lines.append(f"    {account.name} / {account.password}  ({role})")
    now = site.clock.now()
    services = site.store.services.values()
    if services:
        lines += ["", "  services and their jobs:"]
    for service in services:
        counts = site.store.counts(service.key, now)
        words = ", ".join(f"{number} {status.canonical}" for status, number in sorted(counts.items())) or "no jobs"
        lines.append(f"    {service.key}: {'synchronous' if service.sync else words}")
    ends = "Ctrl-C" if sys.stdin is not None and sys.stdin.isatty() else f"kill {ready['pid']}"
    return "\n".join([*lines, "", f"It ends by {ends}.", ""])
