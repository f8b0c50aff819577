# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is measured: one function a row, with the figure that it has to reach."""

from __future__ import annotations

import json
import ssl
import statistics
import typing as t
import urllib.parse
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from checks import ROOT, Workshop

from .runs import BenchFailed, Contender, Programs, Run, Runs, interleaved, ratios
from .site import Scenario, Site, running

ALWAYS_THERE = "System/PublishingTools"
DELAY = "20ms"
CONNECTIONS = 8
"""The default of the collection's option."""
PAGE_SIZE = 1000
ESRI_PYTHON = ROOT / ".venv-esri" / "bin" / "python"


@dataclass(frozen=True)
class Goal:
    """A figure to reach."""

    text: str
    found: str
    reached: bool


@dataclass(frozen=True)
class Line:
    """One contender in the table of a row."""

    name: str
    seconds: Sequence[float]
    requests: int
    connections: int
    ratio: Sequence[float] = ()
    """Times as long as what it is compared with, round by round."""
    memory: int | None = None
    size: int | None = None
    site_share: float | None = None
    """The part of the time for which the site itself was computing."""


@dataclass(frozen=True)
class Row:
    number: int
    title: str
    clock: str
    """What the seconds are: of the whole run, or from first request to last."""
    goals: Sequence[Goal]
    lines: Sequence[Line]
    notes: Sequence[str] = ()
    measured: str = ""
    """When, and what else the machine did."""


@dataclass
class Bench:
    """Where the rows are measured, and how thoroughly."""

    shop: Workshop
    quick: bool = False
    rounds: int | None = None
    programs: Programs = field(init=False)

    def __post_init__(self) -> None:
        self.programs = Programs(self.shop)

    def size(self, full: int, quick: int) -> int:
        return quick if self.quick else full

    def rounds_of(self, full: int, quick: int = 1) -> int:
        return self.rounds or self.size(full, quick)

    # --- contenders ------------------------------------------------------------------------------------------------

    def gate(self, site: Site) -> Contender:
        """The role gp_jobs_gate in a playbook. It observes, for jobs run and fail on purpose."""
        connection = {f"gisops_arcgis_{name}": value for name, value in site.login.items()}
        given = {**connection, "gp_jobs_gate_mode": "observe"}
        return lambda: self.programs.playbook("gate", given)

    def module(self, site: Site, *, as_a_gate: bool, **options: t.Any) -> Contender:
        """The module gp_jobs_query in a process of its own."""
        given = {"options": {**site.login, **options}, "as_a_gate": as_a_gate}
        given["out"] = str(self.shop.scratch / "facts.json")
        return lambda: self.programs.program("module", given)

    def limit(self, site: Site, what: str, **more: t.Any) -> Contender:
        given = {**site.login, "what": what, "connections": CONNECTIONS, **more}
        return lambda: self.programs.program("limit", given)

    def same_requests(self, site: Site, contender: Contender) -> Contender:
        """The limit for the very requests that a contender sends."""
        site.forget()
        contender()
        return self.limit(site, "same", requests=site.seen().requests)


# --- sites -----------------------------------------------------------------------------------------------------------


def many_services(number: int) -> tuple[Scenario, list[str]]:
    """Services with 300 jobs each, in folders of ten or more; some jobs run, and some have failed lately."""
    names = [ALWAYS_THERE, *(f"Folder{place % 10}/Service{place:04}" for place in range(1, number))]
    services: dict[str, t.Any] = {}
    for place, name in enumerate(names):
        jobs: list[dict[str, t.Any]] = []
        if place % 50 == 7:
            jobs.append({"status": "executing", "started": "5m ago"})
        if place == 3:
            jobs.append({"status": "failed", "ended": "10m ago", "messages": ["ERROR 000732: no such dataset"]})
        services[name] = {"jobs": jobs, "history": history(300 - len(jobs))}
    return {"services": services}, names


def one_service(number: int, *jobs: dict[str, t.Any]) -> Scenario:
    return {"services": {ALWAYS_THERE: {"jobs": list(jobs), "history": history(number)}}}


def history(number: int) -> dict[str, t.Any]:
    return {"count": number, "statuses": {"succeeded": 1.0}, "span": "4h", "until": "1h ago"}


def token_of(site: Site) -> str:
    form = {
        "username": site.username,
        "password": site.password,
        "client": "requestip",
        "expiration": "60",
        "f": "json",
    }
    handlers = [
        urllib.request.ProxyHandler({}),
        urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=site.ca_path)),
    ]
    body = urllib.parse.urlencode(form).encode()
    with urllib.request.build_opener(*handlers).open(f"{site.url}/admin/generateToken", body, timeout=30) as answer:
        return str(json.load(answer)["token"])


# --- figures ---------------------------------------------------------------------------------------------------------


def walls(runs: Sequence[Run]) -> list[float]:
    return [run.wall for run in runs]


def spans(runs: Sequence[Run]) -> list[float]:
    return [run.span for run in runs]


def line(name: str, runs: Runs, clock: Callable[[Sequence[Run]], list[float]], against: str = "") -> Line:
    """The line of a contender.

    :param against: the contender that it is compared with.
    """
    own = runs[name]
    last = own[-1]
    shares = [run.site_cpu / seconds for run, seconds in zip(own, clock(own), strict=True) if run.site_cpu and seconds]
    peaks = [run.told.memory for run in own if run.told.memory]
    return Line(
        name=name,
        seconds=clock(own),
        requests=len(last.requests),
        connections=last.connections,
        ratio=ratios(clock(own), clock(runs[against])) if against else (),
        memory=max(peaks) if peaks else None,
        size=last.told.size,
        site_share=statistics.median(shares) if shares else None,
    )


def at_most(limit: float, ratio: Sequence[float], of: str) -> Goal:
    found = statistics.median(ratio)
    return Goal(f"at most {limit:g} times {of}", f"{found:.2f} times", found <= limit)


def times_faster(least: float, ours: Line, theirs: Line) -> Goal:
    found = statistics.median(theirs.seconds) / statistics.median(ours.seconds)
    return Goal(f"at least {least:g} times faster than {theirs.name}", f"{found:.1f} times", found >= least)


def busy_site(lines: Sequence[Line], *names: str) -> list[str]:
    """A note where the simulated site was the brake, so that a better client would not have shown as one."""
    busy = [one for one in lines if one.name in names and (one.site_share or 0) > 0.7]
    if not busy:
        return []
    shares = ", ".join(f"{one.name} {(one.site_share or 0):.0%}" for one in busy)
    return [
        f"The rehearsal site was computing for most of the time ({shares}): what is compared here is bounded by the "
        "site, which is a program in Python on the same machine."
    ]


# --- the rows --------------------------------------------------------------------------------------------------------

OURS, URI, ESRI = "gp_jobs_gate", "loop of ansible.builtin.uri", "Esri's arcgis 2.4.4"
SAME, FEWEST = "limit: the same requests", "limit: the fewest requests"


def gate_against_uri(bench: Bench) -> Row:
    scenario, names = many_services(bench.size(100, 10))
    with running(bench.shop, scenario, DELAY) as site:
        loop: Contender = lambda: bench.programs.playbook("uri_loop", {"site": site.login, "services": names})  # noqa: E731
        bench.gate(site)()  # warm
        contenders = {OURS: bench.gate(site), URI: loop}
        runs = interleaved(site, contenders, bench.rounds_of(2), warm_up=False)
    ours, theirs = line(OURS, runs, walls), line(URI, runs, walls)
    return Row(
        1,
        f"Gate over {len(names)} services of 300 jobs, {DELAY}: the whole playbook",
        "the whole run of ansible-playbook",
        [times_faster(30, ours, theirs)],
        [ours, theirs],
        [f"The loop gets the names of the services for nothing, logs in, and runs {2 * len(names)} counting queries."],
    )


def gate_against_limit(bench: Bench) -> Row:
    scenario, names = many_services(bench.size(100, 20))
    with running(bench.shop, scenario, DELAY) as site:
        gate = bench.gate(site)
        contenders = {OURS: gate, SAME: bench.same_requests(site, gate), FEWEST: bench.limit(site, "fewest")}
        runs = interleaved(site, contenders, bench.rounds_of(7), warm_up=False)
    return _against_limit(2, OURS, f"Gate over {len(names)} services of 300 jobs, {DELAY}: on the wire", runs)


def many_services_against_limit(bench: Bench) -> Row:
    scenario, names = many_services(bench.size(1000, 100))
    name = "gp_jobs_query as a gate runs it"
    with running(bench.shop, scenario, DELAY) as site:
        module = bench.module(site, as_a_gate=True)
        contenders = {name: module, SAME: bench.same_requests(site, module), FEWEST: bench.limit(site, "fewest")}
        runs = interleaved(site, contenders, bench.rounds_of(5), warm_up=False)
    row = _against_limit(3, name, f"The gate's query over {len(names)} services of 300 jobs, {DELAY}", runs)
    peak = row.lines[0].memory or 0
    goal = Goal("the module's process under 150 MB", f"{peak / 1e6:.0f} MB", peak < 150e6)
    return Row(row.number, row.title, row.clock, [*row.goals, goal], row.lines, row.notes)


def _against_limit(number: int, name: str, title: str, runs: Runs) -> Row:
    lines = [line(name, runs, spans, against=SAME), line(SAME, runs, spans), line(FEWEST, runs, spans, against=SAME)]
    notes = [
        f"Over {CONNECTIONS} connections. The limit is a bare asyncio client: once with the very requests of the gate, "
        "in no order, and once with the fewest that count running and failed jobs: one page a service."
    ]
    goals = [at_most(1.3, lines[0].ratio, "the limit (the same requests)")]
    return Row(number, title, "from first request to last", goals, lines, notes + busy_site(lines, name, SAME))


def long_history(bench: Bench) -> Row:
    few, many = 2_000, bench.size(1_000_000, 100_000)
    jobs = ({"status": "executing", "started": "5m ago"}, {"status": "failed", "ended": "3h ago"})
    names = [f"{number:,} finished jobs" for number in (few, many)]
    found: Runs = {}
    sizes: dict[str, int] = {}
    with (
        running(bench.shop, one_service(few, *jobs), DELAY) as small,
        running(bench.shop, one_service(many, *jobs), DELAY) as large,
    ):
        rounds = bench.rounds_of(9, 3)
        sites = dict(zip(names, (small, large), strict=True))
        for name, site in sites.items():
            told = bench.same_requests(site, bench.module(site, as_a_gate=True))()
            sizes[name] = told.size or 0
            found[name] = []
        for _ in range(rounds):
            for name, site in sites.items():
                runs = interleaved(site, {name: bench.module(site, as_a_gate=True)}, 1, warm_up=False)
                found[name] += runs[name]
    lines = [line(names[1], found, spans, against=names[0]), line(names[0], found, spans)]
    lines = [Line(**{**vars(one), "size": sizes[one.name]}) for one in lines]
    said = [found[name][0].told.answer for name in names]
    if said[0] != said[1]:
        raise BenchFailed(f"with a short history the gate says {said[0]}, with a long one {said[1]}")
    return Row(
        4,
        f"Gate on one service with {many:,} finished jobs, {DELAY}, against the same with {few:,}",
        "from first request to last",
        [at_most(1.1, lines[0].ratio, f"the same with {few:,}")],
        lines,
        ["Bytes are those of all answers."],
    )


def listing_against_esri(bench: Bench) -> Row:
    number = bench.size(20_000, 1_000)
    ours = "gp_jobs_query, detail: jobs"
    with running(bench.shop, one_service(number), DELAY) as site:
        module = bench.module(site, as_a_gate=False, services=[ALWAYS_THERE], detail="jobs")
        given = {**site.login, "service": ALWAYS_THERE}
        esri: Contender = lambda: bench.programs.program("esri", given, str(ESRI_PYTHON))  # noqa: E731
        limit = bench.limit(site, "listing", service=ALWAYS_THERE, page_size=PAGE_SIZE)
        contenders = {ours: module, ESRI: esri, "limit": limit}
        runs = interleaved(site, contenders, bench.rounds_of(3), warm_up=False, once=(ESRI,))
    lines = [line(ours, runs, spans, against="limit"), line(ESRI, runs, spans), line("limit", runs, spans)]
    return Row(
        5,
        f"Listing {number:,} jobs of one service, {DELAY}",
        "from first request to last",
        [times_faster(50, lines[0], lines[1])],
        lines,
        ["Esri's client asks for ten jobs a request, one after the other; ours and the limit for a thousand."],
    )


def listing_a_million(bench: Bench) -> Row:
    number = bench.size(1_000_000, 50_000)
    ours = "gp_jobs_query, detail: jobs"
    with running(bench.shop, one_service(number), DELAY) as site:
        more = {"services": [ALWAYS_THERE], "detail": "jobs", "total_timeout": 3600}
        module = bench.module(site, as_a_gate=False, **more)
        limit = bench.limit(site, "listing", service=ALWAYS_THERE, page_size=PAGE_SIZE)
        runs = interleaved(site, {ours: module, "limit": limit}, bench.rounds_of(2), warm_up=False)
    lines = [line(ours, runs, spans, against="limit"), line("limit", runs, spans)]
    returned, peak = lines[0].size or 1, lines[0].memory or 0
    memory = Goal("memory at most 2 times the data returned", f"{peak / returned:.2f} times", peak <= 2 * returned)
    return Row(
        6,
        f"Listing {number:,} jobs of one service, {DELAY}",
        "from first request to last",
        [memory, at_most(1.3, lines[0].ratio, "the limit")],
        lines,
        [
            "The data returned are the module's result as JSON. The limit keeps the ids alone.",
            *busy_site(lines, ours, "limit"),
        ],
    )


def one_task(bench: Bench) -> Row:
    names = "gp_jobs_query", "ansible.builtin.uri"
    with running(bench.shop, one_service(300), "0") as site:
        given = {"site": site.login, "token": token_of(site), "service": ALWAYS_THERE}
        contenders: dict[str, Contender] = {
            names[0]: lambda: bench.programs.playbook("query", given),
            names[1]: lambda: bench.programs.playbook("uri_get", given),
        }
        runs = interleaved(site, contenders, bench.rounds_of(15, 3))
    lines = [line(names[0], runs, walls, against=names[1]), line(names[1], runs, walls)]
    return Row(
        7,
        "A playbook of one task: gp_jobs_query against a GET by ansible.builtin.uri, no delay",
        "the whole run of ansible-playbook",
        [at_most(1.15, lines[0].ratio, names[1])],
        lines,
    )


def drain(bench: Bench) -> Row:
    told = bench.programs.program("drain", {})
    answer = told.answer
    if answer["verdict"] != "passed":
        raise BenchFailed(f"the drain ended otherwise than it should: {answer}")
    logins = int(answer["logins"])
    text = f"{answer['polls']} polls in {answer['waited']} s of the site's clock"
    return Row(
        8,
        f"A drain of ten minutes over {answer['services']} services: {text}",
        "",
        [Goal("one login", f"{logins}, {answer['requests']} requests", logins == answer["passwords_sent"] == 1)],
        [],
        ["Counted, not timed: the site's clock is moved on where the drain would wait."],
    )


def by_connections(bench: Bench) -> Row:
    """What the default of the option goes by."""
    scenario, names = many_services(bench.size(100, 20))
    named = {number: f"{number} connection{'s' * (number > 1)}" for number in (1, 2, 4, 8, 12, 16, 32)}
    with running(bench.shop, scenario, DELAY) as site:
        contenders = {name: bench.module(site, as_a_gate=True, connections=number) for number, name in named.items()}
        runs = interleaved(site, contenders, bench.rounds_of(5), warm_up=False)
    lines = [line(name, runs, spans, against=named[CONNECTIONS]) for name in named.values()]
    title = f"The gate's query over {len(names)} services of 300 jobs, {DELAY}, by the number of connections"
    return Row(9, title, "from first request to last", [], lines, busy_site(lines, *named.values()))


ROWS: dict[int, Callable[[Bench], Row]] = {
    1: gate_against_uri,
    2: gate_against_limit,
    3: many_services_against_limit,
    4: long_history,
    5: listing_against_esri,
    6: listing_a_million,
    7: one_task,
    8: drain,
    9: by_connections,
}
