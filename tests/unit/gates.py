# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A gate in front of a rehearsal site, in process: the real action, the real modules, real HTTPS, and no real waiting.

The site's clock stands still while a gate measures, and is moved on where it pauses. So what a test says of times is
exact, and a wait of half an hour takes as long as its measurements.
"""

from __future__ import annotations

import contextlib
import io
import json
import time
import typing as t
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
from ansible.module_utils import basic
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.gisops.arcgis.plugins.action import gp_jobs_gate as action
from ansible_collections.gisops.arcgis.plugins.module_utils._wire import client
from ansible_collections.gisops.arcgis.plugins.modules import gp_jobs_query, gp_token
from rehearsal_site.running import RunningSite
from rehearsal_site.scenario import add_service

from .actions import run_action

Result = dict[str, t.Any]
Scenario = dict[str, t.Any]
Event = t.Callable[["Rehearsal"], t.Any]

QUERY = "gisops.arcgis.gp_jobs_query"
TOKEN = "gisops.arcgis.gp_token"
_MAINS: dict[str, t.Callable[[], None]] = {QUERY: gp_jobs_query.main, TOKEN: gp_token.main}

NOW = "2026-11-24T09:00:00Z"
"""What the site's clock shows when a gate begins: a whole second, for that is what a Date header tells."""

# No site is without it, so a site that does not list it is one that is seen in part. Its one job shows how the site
# answers, which spares each measurement nine queries of every kind before it believes that there is none.
_ALWAYS_THERE: Scenario = {"System/PublishingTools": {"jobs": [{"status": "succeeded", "ended": "5h ago"}]}}


@dataclass(frozen=True)
class Run:
    """One run of a module: little, for a long wait has many."""

    name: str
    failed: bool
    poll_state: int
    """Letters of the poll state that the module was handed."""
    requests: int
    """Requests that it sent."""


class Rehearsal:
    """A running site with the gate at hand."""

    def __init__(self, running: RunningSite, monkeypatch: pytest.MonkeyPatch) -> None:
        self.running = running
        self.site = running.site
        self.connection: Result = {
            "url": running.url,
            "username": running.username,
            "password": running.password,
            "ca_path": str(running.ca_path),
        }
        self.runs: list[Run] = []
        self.printed: list[str] = []
        self.warned: list[str] = []
        self.pauses: list[float] = []
        self.events: dict[int, Event] = {}
        self._began = self.site.clock.now()
        self._module_warnings: list[str] = []
        self._patch(monkeypatch)

    def load(self, scenario: Scenario) -> None:
        """Another state of the site, with its clock standing still."""
        with_always = {**scenario, "services": {**_ALWAYS_THERE, **scenario.get("services", {})}}
        self.load_as_it_is(with_always)

    def load_as_it_is(self, scenario: Scenario) -> None:
        """The same for a site that may lack what every real one has."""
        self.running.load({**scenario, "clock": {"at": NOW, "frozen": True}})
        self._began = self.site.clock.now()

    def gate(self, *, events: t.Mapping[int, Event] | None = None, check: bool = False, **options: t.Any) -> Result:
        """The result of the task with these options; None takes a connection option away.

        :param events: what happens at the beginning of the pause after so many polls; 0 is before the first one.
        """
        self.events = dict(events or {})
        if 0 in self.events:
            self.events[0](self)
        given = {name: value for name, value in {**self.connection, **options}.items() if value is not None}
        return run_action("gisops.arcgis.gp_jobs_gate", given, check=check, host="gis1")

    # --- what a test looks at ------------------------------------------------------------------------------------

    @property
    def measurements(self) -> int:
        """How often the site was measured, well or not."""
        return sum(1 for run in self.runs if run.name == QUERY)

    def paths(self, part: str = "") -> list[str]:
        """The requests that the site has seen."""
        return [f"{entry.method} {entry.path}" for entry in self.site.log if part in entry.path]

    @property
    def logins(self) -> int:
        return self.site.desk.logins

    @property
    def tries(self) -> int:
        """Passwords that were sent, right or wrong."""
        return sum(1 for path in self.paths("generateToken") if path.startswith("POST"))

    # --- what happens to the site --------------------------------------------------------------------------------

    def add_job(self, service: str, **job: t.Any) -> str:
        """A job more, and its id."""
        with self.site.lock:
            return self.site.store.add_job(service, job, self.site.clock.now()).job_id

    def remove_job(self, service: str, job_id: str) -> None:
        with self.site.lock:
            self.site.store.remove_job(self.site.store.service(service).key, job_id)

    def add_service(self, name: str, **properties: t.Any) -> None:
        with self.site.lock:
            add_service(self.site.store, name, properties, self.site.clock.now())

    def remove_service(self, name: str) -> None:
        with self.site.lock:
            self.site.store.remove_service(self.site.store.service(name).key)

    def set_state(self, name: str, configured: str, realtime: str | None = None) -> None:
        with self.site.lock:
            service = self.site.store.service(name)
            service.configured, service.realtime = configured, realtime or configured

    def break_down(self, fault: str = "http_status", path: str = "", **more: t.Any) -> None:
        """From now on this fault, for all that the site is asked or for some of it."""
        self.site.faults.add({"fault": fault, "match": {"path": path} if path else {}, **more})

    def recover(self) -> None:
        self.site.faults.clear()

    def revoke_tokens(self) -> None:
        with self.site.lock:
            self.site.desk.revoke()

    def change_password(self) -> None:
        self.site.desk.accounts[self.running.username].password = "another-Passw0rd"

    # --- the gate's surroundings ---------------------------------------------------------------------------------

    def _patch(self, patch: pytest.MonkeyPatch) -> None:
        # Only the name in the action's module: the clients' timeouts and the site's thread keep real time.
        clock = SimpleNamespace(sleep=self._sleep, monotonic=self._seconds, time=self._seconds)
        patch.setattr(action, "time", clock)
        # The machine's clock shows the site's time: what differing clocks do is a matter of test_clocks.
        patch.setattr(client, "time", SimpleNamespace(**vars(time) | {"time": self._seconds}))
        patch.setattr(ActionBase, "_execute_module", lambda _action, **call: self._execute(**call))
        patch.setattr(Display, "display", self._print)
        patch.setattr(Display, "warning", lambda _display, msg, *_args, **_more: self.warned.append(msg))
        # In a process of its own a module hands its warnings to core; in this one core would show them itself.
        patch.setattr(basic.AnsibleModule, "warn", lambda _module, text, **_more: self._module_warnings.append(text))
        patch.setattr(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)
        patch.setattr(basic, "_ANSIBLE_ARGS", None)  # set by each run, and put back at the end

    def _print(self, text: str, *_args: t.Any, stderr: bool = False, **_more: t.Any) -> None:
        """Takes note of a line; what core tells of itself goes to the other stream."""
        if not stderr:
            self.printed.append(text)

    def _seconds(self) -> float:
        return self.site.clock.now() / 1000

    def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        if len(self.pauses) in self.events:
            self.events[len(self.pauses)](self)
        self.site.clock.advance(round(seconds * 1000))

    def _execute(self, module_name: str, module_args: Result, task_vars: Result) -> Result:
        """Runs a module as core does: options and result are JSON, and an error is a failed result."""
        before = len(self.site.log)
        result = self._main(module_name, module_args)
        poll_state = len(module_args.get("poll_state") or "")
        sent = len(self.site.log) - before
        self.runs.append(Run(module_name, bool(result.get("failed")), poll_state, sent))
        return result

    def _main(self, name: str, options: Result) -> Result:
        self._module_warnings.clear()
        basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": options}).encode()
        with contextlib.redirect_stdout(io.StringIO()) as printed, contextlib.suppress(SystemExit):
            _MAINS[name]()
        result = json.loads(printed.getvalue())
        assert isinstance(result, dict)
        result.pop("_ansible_new_secrets", None)  # what ansible-core 2.22 tells the controller to mask from now on
        return {**result, "warnings": list(self._module_warnings)} if self._module_warnings else result
