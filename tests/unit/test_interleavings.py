# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs that move forward while a gate polls: no gate passes unless each service was idle at some moment.

The real query and the real gate ask a small model of a site, in which anything may happen before each answer: jobs move
on along their life, others arrive, finished ones are swept away. No sockets and no threads: what matters is what comes
between two answers, and so thousands of orders of events take seconds. Each order is a number, which a failure tells.
"""

from __future__ import annotations

import itertools
import random
import typing as t
from collections import Counter
from dataclasses import dataclass
from types import SimpleNamespace
from urllib.parse import unquote

import pytest

from ansible_collections.gisops.arcgis.plugins.module_utils import _options, _statuses
from ansible_collections.gisops.arcgis.plugins.module_utils._errors import GpError, NotFound, SiteError
from ansible_collections.gisops.arcgis.plugins.module_utils._jobs import counting, poll_state, query
from ansible_collections.gisops.arcgis.plugins.module_utils._wire import dialects
from ansible_collections.gisops.arcgis.plugins.plugin_utils._gate.facts import read
from ansible_collections.gisops.arcgis.plugins.plugin_utils._gate.judge import judge
from ansible_collections.gisops.arcgis.plugins.plugin_utils._gate.measure import wanted
from ansible_collections.gisops.arcgis.plugins.plugin_utils._gate.policy import Limits, Policy

from .sizes import sized

INTERLEAVINGS = sized(1_000, 5_000)
"""Measurements, in each of both dialects."""
NOW = 1_795_510_800.0
LONG_AGO, JUST_NOW = NOW - 7200.0, NOW - 1.0
URL = "https://gis.example.com/arcgis"
PAGE_SIZE = 5
"""Small, so that half a dozen jobs are a long record already, which is asked for status by status."""

STRICT = Policy()
DRAIN = Policy(limits=Limits(max_failed=None))
"""In which a job that fails at last does not keep the gate from passing, so that nothing hides one that is missed."""

# A job's life as far as a site can be asked for it. What is being deleted shows in short records only.
LIFE = ("new", "submitted", "waiting", "executing", "cancelling")
ENDS = ("succeeded", "succeeded", "succeeded", "cancelled", "timed_out", "failed")

pytestmark = pytest.mark.timeout(900)  # a busy machine is no failure
Body = dict[str, t.Any]


# --- the model -----------------------------------------------------------------------------------------------------


@dataclass
class Job:
    job_id: str
    status: str
    lasts: bool = False
    """Whether it does not end: it moves forward, and is active throughout."""
    ended: float | None = None

    @property
    def is_active(self) -> bool:
        return self.status in LIFE


@dataclass
class Habits:
    """What sites differ in."""

    sort: str = "newest"
    page_cap: int = PAGE_SIZE
    form: str = "words"
    echoes: bool = True
    echoes_as_sent: bool = False
    """Whether its echo is what it was sent, whatever it made of that."""
    filters: bool = True
    without_status: str = "fine"
    without_start_time: str = "fine"
    hides_unended: bool = False
    """Whether a start time leaves out what has not ended, since it is the end that it tests."""


class Model:
    """A site whose jobs move on before each answer, the more often the more restless it is."""

    def __init__(self, seed: str, api: str) -> None:
        self.chance = random.Random(seed)
        self.api = api
        self.habits = Habits()
        self.restless = self.arrivals = self.sweeps = 0.0
        self.to_come = 0
        """So many jobs arrive at most: where more come than pages are read, nobody ever has read them all."""
        self.services: dict[str, list[Job]] = {}
        """Each with its jobs, in the order of their submission."""
        self.relay = False
        """Whether the next job arrives just before the last active one ends, so that no service is ever idle."""
        self.never_idle: set[str] = set()
        """The services that have had an active job at each moment since the measurement began."""
        self.log: list[t.Any] = []
        self.warnings: list[str] = []

    def new_job(self, status: str, *, lasts: bool = False) -> Job:
        job_id = f"j{self.chance.getrandbits(48):012x}"
        return Job(job_id, status, lasts, None if status in LIFE else LONG_AGO)

    def begin(self) -> None:
        self.log.clear()
        self.never_idle = {*self.services}
        self._look()

    def move(self) -> None:
        """What happens before an answer."""
        chance = self.chance.random
        for jobs in self.services.values():
            for job in list(jobs):
                while job.is_active and chance() < self.restless:
                    if self.relay and job.status in LIFE[3:] and sum(one.is_active for one in jobs) == 1:
                        jobs.append(self.new_job(self.chance.choice(LIFE[:4])))
                    if not self._forward(job):
                        break
                    self._look()
            if self.to_come and chance() < self.arrivals:
                self.to_come -= 1
                jobs.append(self.new_job("new"))
            if chance() < self.sweeps:
                gone = next((job for job in jobs if not job.is_active), None)
                if gone is not None:
                    jobs.remove(gone)
            self._look()

    def _look(self) -> None:
        self.never_idle = {name for name in self.never_idle if any(job.is_active for job in self.services[name])}

    def _forward(self, job: Job) -> bool:
        """One step along a job's life, if there is one left. Any job may be cancelled instead."""
        place = LIFE.index(job.status)
        if place < 4 and self.chance.random() < 0.1:
            job.status = "cancelling"
        elif place < 3:
            job.status = LIFE[place + 1]
        elif job.lasts:
            return False
        else:
            job.status, job.ended = self.chance.choice(ENDS), JUST_NOW
        return True


class ModelSite:
    """The model in the place of a site that is logged in."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.dialect = dialects.DIALECTS[model.api]
        self.roots = dialects.roots(URL)
        clock = SimpleNamespace(is_known=True, now=lambda: NOW, difference=0.0)
        self.client = SimpleNamespace(clock=clock, counters=SimpleNamespace(sent=0, retried=0), seconds=0.0)
        self.tokens = SimpleNamespace(logins=0)
        self.connection = SimpleNamespace(username="clerk")

    def __enter__(self) -> ModelSite:
        return self

    def __exit__(self, *_exc: object) -> None:
        pass

    def ask(
        self, url: str, understand: t.Callable[[Body], t.Any], params: t.Mapping[str, t.Any] | None = None
    ) -> t.Any:
        self.model.move()
        body = self._answer(url.removeprefix(URL).strip("/").split("/"), params or {})
        self.model.log.append((url, params, body))
        return understand(body)

    def ask_by_post(self, url: str, understand: t.Callable[[Body], t.Any]) -> t.Any:
        return self.ask(url, understand)

    def _answer(self, path: list[str], params: t.Mapping[str, t.Any]) -> Body:
        if path[0] == "rest":
            return {"messages": [], "tasks": ["Task"]}
        if path == ["admin", "services"]:
            return {"folders": ["A", "System"], "services": []}
        if len(path) == 3:
            names = ["PublishingTools"] if path[2] == "System" else sorted(self.model.services)
            return {"services": [{"serviceName": name, "type": "GPServer"} for name in names]}
        jobs = self.model.services.get(path[3].removesuffix(".GPServer"), [])
        if len(path) == 4:
            return {"properties": {"executionType": "Asynchronous"}}
        if path[4] == "status":
            return {"configuredState": "STARTED", "realTimeState": "STARTED"}
        if path[5] == "query":
            return self._query(jobs, params)
        if path[5] == "statistics":
            ended = Counter(job.status for job in jobs)
            return {"total": len(jobs), **{word: ended[word] for word in ("cancelled", "failed", "succeeded")}}
        return self._details(jobs, unquote(path[5]))

    def _query(self, jobs: list[Job], params: t.Mapping[str, t.Any]) -> Body:
        habits = self.model.habits
        words = [params["jobStatus"]] if params.get("jobStatus") else []
        lacks = [habits.without_status] if not words else []
        lacks += [habits.without_start_time] if not params.get("startTime") else []
        if "error" in lacks:
            raise SiteError("A parameter is required", where="GET jobs/query")
        is_filtered = bool(words) and habits.filters
        if is_filtered:
            jobs = [job for job in jobs if _statuses.FILTER_WORDS.get(job.status) in words]
        if "nothing" in lacks:
            jobs = []
        if params.get("startTime") and habits.hides_unended:
            jobs = [job for job in jobs if not job.is_active]
        if habits.sort == "newest":
            jobs = jobs[::-1]
        elif habits.sort == "random":
            jobs = sorted(jobs, key=lambda job: job.job_id)
        start = int(params["start"])
        shown = jobs[start - 1 : start - 1 + min(int(params["number"]), habits.page_cap)]
        behind = start + len(shown)
        echoed = words if is_filtered else []
        return {
            "total": len(jobs),
            "nextStart": behind if shown and behind <= len(jobs) else -1,
            "query": {"status": words if habits.echoes_as_sent else echoed} if habits.echoes else None,
            "results": self._results(shown),
        }

    def _results(self, jobs: list[Job]) -> t.Any:
        if self.model.habits.form == "ids":
            return [job.job_id for job in jobs]
        if self.model.habits.form == "nulls":
            return dict.fromkeys(job.job_id for job in jobs)
        return {job.job_id: job.status for job in jobs}

    def _details(self, jobs: list[Job], job_id: str) -> Body:
        job = next((job for job in jobs if job.job_id == job_id), None)
        if job is None:
            raise NotFound("No such job", where="GET jobs")
        ended = {"endTime": int(job.ended * 1000)} if job.ended is not None else {}
        return {"jobId": job_id, "status": job.status, "submittedTime": int((NOW - 9000) * 1000), **ended}


class Serial:
    """In the place of a pool of threads: one thing at a time, in an order of its own."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    def __enter__(self) -> Serial:
        return self

    def __exit__(self, *_exc: object) -> None:
        pass

    def map(self, do: t.Callable[[t.Any], t.Any], items: t.Iterable[t.Any]) -> list[t.Any]:
        given = list(items)
        order = list(range(len(given)))
        self._chance.shuffle(order)
        done = {place: do(given[place]) for place in order}
        return [done[place] for place in range(len(given))]


# --- interleavings -------------------------------------------------------------------------------------------------


@dataclass
class Outcome:
    verdict: str
    never_idle: bool
    """Whether a service had an active job at each moment from the first request to the last."""
    log: list[t.Any]

    def tell(self, which: str) -> str:
        """What was asked and answered, for a failure."""
        return "\n".join([which, *map(str, self.log)])


_DEFAULTS = {name: one.get("default") for table in (_options.CONNECTION, _options.QUERY) for name, one in table.items()}
_OPTIONS: dict[int, Body] = {
    id(policy): {**_DEFAULTS, "url": URL, "token": "x", "number": PAGE_SIZE, **wanted(policy), **more}
    for policy, more in ((STRICT, {"ended_after": "3660s"}), (DRAIN, {}))
}


def measure(model: Model, policy: Policy, state: poll_state.PollState) -> tuple[Outcome, query.Measurement | None]:
    """One measurement of the model with its verdict; an error is no verdict to pass with."""
    model.begin()
    services = [f"A/{name}" for name in model.services] if model.chance.random() < 0.8 else None
    options = {**_OPTIONS[id(policy)], "services": services}
    try:
        measured = query.measure(options.get, model.warnings.append, state)
    except GpError as error:
        return Outcome("inconclusive", bool(model.never_idle), [*model.log, error]), None
    verdict = judge(read(measured.facts), policy)
    return Outcome(verdict.verdict, bool(model.never_idle), [*model.log, verdict]), measured


def busy_site(seed: str, api: str) -> Model:
    """A site with jobs on the move, mostly with one that does not end."""
    model = Model(seed, api)
    chance = model.chance
    model.habits = any_habits(chance)
    model.restless = chance.choice((0.03, 0.1, 0.3, 0.6))
    model.relay = chance.random() < 0.5
    model.arrivals, model.to_come = chance.choice((0.1, 0.4)), chance.choice((0, 0, 2, 6))
    model.sweeps = chance.choice((0.0, 0.0, 0.1))
    for name in ("One", "Two")[: chance.choice((1, 1, 2))]:
        jobs = [model.new_job(chance.choice(ENDS)) for _job in range(chance.randrange(9))]
        jobs += [model.new_job(chance.choice(LIFE)) for _job in range(chance.choice((0, 0, 1, 3)))]
        chance.shuffle(jobs)
        model.services[name] = jobs
    if chance.random() < 0.8:
        jobs = chance.choice(list(model.services.values()))
        jobs.insert(chance.randrange(len(jobs) + 1), model.new_job(chance.choice(LIFE), lasts=True))
    return model


def any_habits(chance: random.Random) -> Habits:
    """Mostly as the documents have it, for what they leave open hides nothing then."""
    return Habits(
        sort=chance.choice(("newest", "oldest", "random")),
        page_cap=chance.choice((PAGE_SIZE, PAGE_SIZE, 3, 2, 1)),
        form=chance.choice(("words", "words", "words", "nulls", "ids")),
        echoes=chance.random() < 0.8,
        echoes_as_sent=chance.random() < 0.3,
        filters=chance.random() < 0.9,
        without_status=chance.choice(("fine",) * 6 + ("error", "nothing")),
        without_start_time=chance.choice(("fine",) * 6 + ("error", "nothing")),
    )


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch, api: str) -> t.Callable[[Model, Policy], list[Outcome]]:
    """Measures a model, sometimes several times in a row, with what each measurement hands to the next."""

    def polls(model: Model, policy: Policy) -> list[Outcome]:
        monkeypatch.setattr(query, "Site", lambda _connection: ModelSite(model))
        monkeypatch.setattr(query, "ThreadPoolExecutor", lambda max_workers: Serial(model.chance))
        outcome, measured = measure(model, policy, poll_state.PollState())
        outcomes = [outcome]
        while model.chance.random() < 0.2:
            outcome, measured = measure(model, policy, measured.state if measured else poll_state.PollState())
            outcomes.append(outcome)
        return outcomes

    return polls


def test_no_gate_passes_while_a_service_is_never_idle(play: t.Any, api: str) -> None:
    seen: Counter[tuple[str, bool]] = Counter()
    for number in itertools.count():
        for outcome in play(busy_site(f"{api} {number}", api), DRAIN if number % 2 else STRICT):
            seen[outcome.verdict, outcome.never_idle] += 1
            slipped_through = outcome.verdict == "passed" and outcome.never_idle
            assert not slipped_through, outcome.tell(f"interleaving {number} of {api}")
        if seen.total() >= INTERLEAVINGS:
            break
    assert seen["failed", True] > INTERLEAVINGS / 2, "most of them have a job to miss, and see it"
    assert seen["passed", False] > INTERLEAVINGS / 100, "it is no gate that never opens"


@pytest.mark.parametrize("api", ["server"])
def test_no_gate_passes_where_a_start_time_is_wanted_and_hides_what_has_not_ended(play: t.Any, api: str) -> None:
    """Only ArcGIS Server's documents call a start time required, and only its statistics tell what one hides."""
    for number in range(INTERLEAVINGS // 10):
        model = busy_site(f"hidden {number}", api)
        model.habits.hides_unended = True
        model.habits.without_start_time = model.chance.choice(("error", "nothing"))
        for outcome in play(model, DRAIN):
            slipped_through = outcome.verdict == "passed" and outcome.never_idle
            assert not slipped_through, outcome.tell(f"interleaving {number} of {api}")


def test_a_gate_passes_where_nothing_happens(play: t.Any, api: str) -> None:
    for number in range(INTERLEAVINGS // 10):
        model = Model(f"idle {api} {number}", api)
        chance = model.chance
        model.habits = Habits(chance.choice(("newest", "oldest", "random")), chance.choice((PAGE_SIZE, 3, 2, 1)))
        model.services = {
            name: [model.new_job(chance.choice(ENDS)) for _job in range(chance.randrange(15))]
            for name in ("One", "Two")
        }
        for outcome in play(model, DRAIN if number % 2 else STRICT):
            assert outcome.verdict == "passed", outcome.tell(f"site {number} of {api}")


def one_pass_against_the_order(self: t.Any, service: t.Any, first: t.Any, by_id: bool) -> t.Any:
    """Count by filters as somebody might who trusts them: the executing jobs first, and no total afterwards."""
    found = {status: self._filtered(service, status, by_id) for status in reversed(_statuses.FILTER_WORDS)}
    return self._from_filters(service, found, first, 0)


def test_a_reading_against_the_order_of_life_would_be_found_out(
    play: t.Any, api: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asks for the executing jobs first misses one that begins to execute: these interleavings show it."""
    monkeypatch.setattr(counting.Counter, "_by_filters", one_pass_against_the_order)
    outcomes = (outcome for number in range(INTERLEAVINGS) for outcome in play(busy_site(f"{number}", api), DRAIN))
    assert any(outcome.verdict == "passed" and outcome.never_idle for outcome in outcomes)
