# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rehearsal site in a process of its own, and what it says of those who asked it."""

from __future__ import annotations

import contextlib
import json
import os
import typing as t
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from checks import Workshop
from site_process import started

ANSWER_LIMIT = 60.0  # seconds
SITE_LIMIT = "60m"  # the site ends by itself, should we be killed
_PLAIN = urllib.request.build_opener(urllib.request.ProxyHandler({}))

Scenario = dict[str, t.Any]


@dataclass(frozen=True)
class Seen:
    """What the site has seen since it was last told to forget."""

    requests: list[tuple[str, str]]
    """Method and path with query, in the order of their arrival."""
    seconds: float
    """From the arrival of the first request to that of the last."""
    connections: int
    most_at_once: int
    logins: int


class Site:
    """A running site."""

    def __init__(self, ready: dict[str, t.Any]) -> None:
        self.url = str(ready["url"])
        self.ca_path = str(ready["ca_path"])
        self.username = str(ready["username"])
        self.password = str(ready["password"])
        self._control_url = str(ready["control_url"])
        self._pid = int(ready["pid"])

    @property
    def login(self) -> dict[str, str]:
        """How to log in, for programs that take it as JSON."""
        return {"url": self.url, "ca_path": self.ca_path, "username": self.username, "password": self.password}

    def forget(self) -> None:
        self._control("DELETE", "/log")

    def seen(self) -> Seen:
        log = self._control("GET", "/log")["log"]
        counters = self._control("GET", "/counters")
        times = [entry["at"] for entry in log] or [0]
        return Seen(
            requests=[(entry["method"], entry["path"]) for entry in log],
            seconds=(max(times) - min(times)) / 1000,
            connections=int(counters["connections"]),
            most_at_once=int(counters["max_in_flight"]),
            logins=int(counters["logins"]),
        )

    def cpu_seconds(self) -> float | None:
        """Processor time that the site has used so far; None where the system does not tell it by /proc."""
        try:
            fields = Path(f"/proc/{self._pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        except OSError:
            return None
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _control(self, method: str, path: str) -> dict[str, t.Any]:
        request = urllib.request.Request(self._control_url + path, method=method)  # noqa: S310 - on loopback
        with _PLAIN.open(request, timeout=ANSWER_LIMIT) as answer:
            return dict(json.load(answer))


@contextlib.contextmanager
def running(shop: Workshop, scenario: Scenario, delay: str) -> Iterator[Site]:
    """Runs a site with this round trip; it is gone after the block, whatever happens in it."""
    folder = shop.folder("site")
    # JSON is YAML too.
    (folder / "scenario.yml").write_text(json.dumps(scenario), encoding="utf-8")
    arguments = ["--scenario", str(folder / "scenario.yml"), "--api", "server", "--delay", delay]
    with started([*arguments, "--time-limit", SITE_LIMIT], folder, shop.env) as ready:
        yield Site(ready)
