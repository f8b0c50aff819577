# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Random sites on which things go wrong, and the truth about them, by which a gate that passes is judged.

Everything of a schedule comes from its seed: the site and its odd habits, its jobs and how they move with each request,
the faults and the requests that they hit, and the policy of the gate.
"""

from __future__ import annotations

import json
import random
import time
import typing as t
from dataclasses import dataclass, field

from ansible.errors import AnsibleError

from rehearsal_site.faults import FaultBook, FaultRule
from rehearsal_site.site import Site
from rehearsal_site.statuses import Status

from .gates import QUERY, Rehearsal, Result, Scenario

ACTIVE = frozenset({Status.NEW, Status.SUBMITTED, Status.WAITING, Status.EXECUTING, Status.CANCELLING})
"""What a site can be asked for. That a job is being deleted shows in short records only."""
LIFE = (Status.NEW, Status.SUBMITTED, Status.WAITING, Status.EXECUTING, Status.CANCELLING)
ENDS = (Status.SUCCEEDED, Status.SUCCEEDED, Status.FAILED, Status.CANCELLED)

HABITS: dict[str, tuple[str, ...]] = {
    "sort": ("newest", "oldest", "random"),
    "page_cap": ("1", "2", "3", "7"),
    "status_spelling": ("auto", "stripped", "esri", "upper", "number"),
    "detail_times": ("full", "no_end", "none"),
    "detail_spelling": ("esri", "stripped", "upper", "number"),
    "results_form": ("words", "objects", "list_of_ids", "list_of_objects", "nulls"),
    "total": ("true", "too_high", "too_low", "negative", "string", "missing"),
    "num": ("asked", "applied", "missing"),
    "start_past_end": ("empty", "error", "last_page"),
    "next_start": ("honest", "stuck", "missing", "too_far"),
    "next_start_at_end": ("-1", "missing", "0", "equal"),
    "echo": ("full", "as_sent", "none"),
    "status_filter": ("honoured", "ignored"),
    "status_parameter": ("jobStatus", "both"),
    "job_status_required": ("no", "error", "empty"),
    "time_filter": ("honoured", "ignored"),
    "time_window": ("submitted", "started", "ended", "overlaps"),
    "unknown_service": ("error", "empty"),
    "running_end_time": ("absent", "null", "0", "-1"),
    "vanishing_details": ("no", "once", "always"),
    "expires_form": ("auto", "number", "string", "seconds", "missing", "past", "far"),
    "date_header": ("site", "absent"),
    "error_word": ("error", "failed", "failure"),
    "error_code": ("present", "missing"),
    "admin_error_shape": ("admin", "rest"),
    "refuse_x_esri_header": ("false", "true"),
}
# Only ArcGIS Server's documents call a start time required, and only its statistics tell what one hides.
HABITS_OF_SERVER = {"start_time_required": ("no", "error", "empty")}

FAULTS: tuple[Result, ...] = (
    *({"fault": name} for name in ("html_login", "redirect_login", "redirect", "redirect_loop", "xml", "bom")),
    *({"fault": name} for name in ("truncated_json", "truncated_body", "empty_body", "bad_utf8", "deeply_nested")),
    *({"fault": name} for name in ("truncated_chunks", "truncated_open", "unfiltered")),
    *({"fault": name} for name in ("reset_before", "reset_in_body", "results_missing", "results_null")),
    *({"fault": name} for name in ("no_machines_json", "no_machines_html")),
    *({"fault": f"error{code}", "shape": shape} for code in (403, 404, 498, 499, 500) for shape in ("admin", "rest")),
    *({"fault": "http_status", "status": status} for status in (401, 403, 404, 429, 500, 502, 503)),
    *({"fault": "http_status", "status": status, "body": "json"} for status in (403, 404, 429, 503)),
    {"fault": "http_status", "status": 503, "retry_after": 0},
    {"fault": "http_status", "status": 503, "retry_after": "Wed, 21 Oct 2015 07:28:00 GMT"},
    {"fault": "redirect", "status": 303},
    {"fault": "redirect_login", "location": "http://localhost/"},
    *({"fault": "date", "by": by} for by in ("3h", "-3h", "20m")),
    *({"fault": "other_page", "by": by} for by in (-2, 1, 3)),
)
SLOW: tuple[Result, ...] = (
    *({"fault": name} for name in ("stall_headers", "stall_body", "trickle")),
    {"fault": "gzip_bomb", "size": 4 << 20},
    {"fault": "endless_body", "size": 4 << 20},
)
"""Those that cost a second or more."""

PLACES = (
    "",
    "jobs/query",
    "jobs/query",
    "jobs/j",
    "generateToken",
    r"/services\?",
    "/services/",
    "portals/self|rest/info",
    "Buffer",
    "/statistics",
)
WINDOW_MINUTES = 60
POLL = "20s"
WRONG_PASSWORD = "wrong-Passw0rd"


@dataclass
class Schedule:
    """What happens to one gate."""

    seed: str
    api: str
    scenario: Scenario
    options: Result
    relay: bool
    """Whether the next job comes just before the last active one of its service ends."""
    restless: float
    """How likely something happens to the jobs with each request."""
    chance: random.Random
    told: list[str] = field(default_factory=list)
    """What happened, for whoever looks into a failure."""


def schedule(seed: str, api: str) -> Schedule:
    """The schedule of a seed."""
    chance = random.Random(f"{api} {seed}")
    services = {name: {"jobs": _some_jobs(chance)} for name in _some_names(chance)}
    faults = [_fault(chance) for _number in range(chance.choice((0, 0, 1, 1, 2, 4)))]
    habits = _some_habits(chance, api)
    if habits.get("job_status_required") == "empty":
        # Together they are a site that shows no job to any question, and nobody could tell that from an idle one.
        faults = [fault for fault in faults if fault["fault"] != "unfiltered"]
    scenario: Scenario = {"services": services, "switches": habits, "faults": faults}
    policy = _policy(chance, list(services))
    return Schedule(seed, api, scenario, policy, chance.random() < 0.4, _restless(chance), chance)


def _restless(chance: random.Random) -> float:
    return chance.choice((0.0, 0.0, 0.05, 0.2, 0.5))


def _some_names(chance: random.Random) -> list[str]:
    return ["Analysis/Buffer", "Analysis/Clip", "Routes"][: chance.choice((1, 1, 2, 3))]


def _some_jobs(chance: random.Random) -> list[Scenario]:
    jobs: list[Scenario] = []
    for _number in range(chance.choice((0, 1, 3, 12))):
        status = chance.choice(ENDS).canonical
        jobs.append({"status": status, "ended": f"{chance.choice((5, 30, 55, 58, 62, 70, 200, 330))}m ago"})
    for _number in range(chance.choice((0, 0, 0, 1, 2))):
        jobs.append({"status": chance.choice(LIFE).canonical, "submitted": f"{chance.choice((1, 30, 600))}m ago"})
    chance.shuffle(jobs)
    return jobs


def _some_habits(chance: random.Random, api: str) -> Result:
    """A few odd ones at a time: a site that is odd in all is of no use, and passes nothing."""
    habits = {**HABITS, **(HABITS_OF_SERVER if api == "server" else {})}
    odd = chance.sample(sorted(habits), chance.choice((0, 1, 2, 4)))
    return {name: chance.choice(habits[name]) for name in odd}


def _fault(chance: random.Random) -> Result:
    match: Result = {"path": chance.choice(PLACES)}
    if chance.random() < 0.7:
        match["nth"] = sorted({chance.randrange(1, 12) for _number in range(chance.choice((1, 1, 2, 3)))})
    elif chance.random() < 0.5:
        match["after"] = chance.randrange(8)
    if chance.random() < 0.03:
        return {**chance.choice(SLOW), "match": {**match, "times": 1}}
    return {**chance.choice(FAULTS), "match": match}


def _policy(chance: random.Random, names: list[str]) -> Result:
    options: Result = {"timeout": 1, "total_timeout": 4, "retries": chance.choice((0, 1, 3)), "max_answer_size": 1}
    options["window"] = f"{WINDOW_MINUTES}m"
    if chance.random() < 0.5:
        options["services"] = names
    if chance.random() < 0.3:
        options["max_failed"] = chance.choice((1, 2, "unlimited"))
    if chance.random() < 0.2:
        options["max_active"] = 1
    if chance.random() < 0.05:
        options["password"] = WRONG_PASSWORD
    if chance.random() < 0.4:
        options.update(wait=POLL, poll_interval="10s", steady=chance.choice((1, 2)))
    return options


class World(FaultBook):
    """In the place of the site's faults: sees each request before it is answered, moves jobs, and keeps the truth."""

    def __init__(self, site: Site, schedule: Schedule) -> None:
        super().__init__()
        self.rules = site.faults.rules
        self._site = site
        self._schedule = schedule
        self._max_active = int(schedule.options.get("max_active", 0))
        failed = schedule.options.get("max_failed", 0)
        self._max_failed = float("inf") if failed == "unlimited" else int(failed)
        self._clean: dict[str, bool] = {}
        """By service: whether it was idle and clean at some moment of the poll."""

    def begin_poll(self) -> None:
        with self._site.lock:
            self._clean = dict.fromkeys(self._site.store.services, False)
            self._look()

    def pick(self, method: str, path: str) -> FaultRule | None:
        chance = self._schedule.chance
        while chance.random() < self._schedule.restless:
            self._move()
            self._look()
        rule = super().pick(method, path)
        self._schedule.told.append(f"{method} {path} {rule.fault if rule else ''}")
        return rule

    def never_clean(self, services: t.Iterable[str]) -> list[str]:
        """The services that were never idle and clean in the last poll. One that came later was, before it came."""
        keys = {f"{name}.GPServer" for name in services}
        return [key for key, was_clean in self._clean.items() if not was_clean and (not keys or key in keys)]

    def _look(self) -> None:
        for key in self._clean:
            self._clean[key] = self._clean[key] or self._is_clean(key)

    def _is_clean(self, key: str) -> bool:
        """By the policy at its most lenient: without slack, and with the window of the last poll."""
        now = self._site.clock.now()
        if key not in self._site.store.services:
            return True
        jobs = [(job.status(now), job) for job in self._site.store.all_jobs(key, now)]
        active = sum(status in ACTIVE for status, _job in jobs)
        begins = now - WINDOW_MINUTES * 60_000
        failed = sum(status is Status.FAILED and (job.ended or 0) >= begins for status, job in jobs)
        return active <= self._max_active and failed <= self._max_failed

    def _move(self) -> None:
        """Something happens: a job moves on, comes or goes, or, rarely, a service does."""
        chance, store, now = self._schedule.chance, self._site.store, self._site.clock.now()
        services = [key for key in store.services if not key.startswith("System/")]
        if not services:
            return
        key = chance.choice(services)
        jobs = list(store.all_jobs(key, now))
        active = [job for job in jobs if job.status(now) in ACTIVE]
        what = chance.random()
        if what < 0.5 and active:
            job = chance.choice(active)
            place = LIFE.index(job.status(now))
            onward = LIFE[place + 1] if place < 3 and chance.random() < 0.7 else chance.choice(ENDS)
            if self._schedule.relay and onward not in LIFE and len(active) == 1:
                store.add_job(key, {"status": chance.choice(LIFE[:4]).canonical}, now)
                self._look()
            job.become(onward, now)
            self._schedule.told.append(f"-- {key}: {job.job_id} is {onward.canonical}")
        elif what < 0.75:
            job_id = store.add_job(key, {"status": "new"}, now).job_id
            self._schedule.told.append(f"-- {key}: {job_id} comes")
        elif what < 0.9 and jobs:
            job = chance.choice(jobs)
            if job.status(now) not in ACTIVE:
                store.remove_job(key, job.job_id)
                self._schedule.told.append(f"-- {key}: {job.job_id} is swept")
        elif what < 0.92:
            store.remove_service(key)
            self._schedule.told.append(f"-- {key} goes")


class Witness(Rehearsal):
    """A rehearsal whose polls are watched."""

    world: World
    longest: float
    """Seconds that the longest measurement of a run took."""

    def run(self, schedule: Schedule) -> tuple[Result, float]:
        """The gate's result under a schedule, and how many seconds each of its measurements took at most."""
        self.load(schedule.scenario)
        self.world = World(self.site, schedule)
        self.site.faults = self.world
        self.runs.clear()
        self.longest = 0.0
        try:
            result = self.gate(**schedule.options)
        except AnsibleError as error:  # an option that is refused asks nobody
            result = {"verdict": "refused", "msg": str(error)}
        finally:
            self.site.faults = FaultBook()
        return result, self.longest

    def _execute(self, module_name: str, module_args: Result, task_vars: Result) -> Result:
        if module_name == QUERY:
            self.world.begin_poll()
        begin = time.monotonic()
        try:
            return super()._execute(module_name, module_args, task_vars)
        finally:
            self.longest = max(self.longest, time.monotonic() - begin)


def tell(schedule: Schedule, result: Result) -> str:
    """A failed schedule, for whoever wants to know."""
    parts = [f"seed {schedule.seed} of {schedule.api}", json.dumps(schedule.options), json.dumps(schedule.scenario)]
    return "\n".join([*parts, *schedule.told, str(result.get("msg"))])
