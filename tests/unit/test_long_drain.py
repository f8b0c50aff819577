# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A drain of ten minutes: what it costs the site, how often it logs in, and that it does not grow while it waits."""

from __future__ import annotations

import gc
import math
import tracemalloc
import typing as t
from collections.abc import Iterator

import pytest

from rehearsal_site.running import RunningSite, running_site

from .gates import QUERY, Rehearsal, Result, Scenario

SERVICES = 20
EXECUTE_FOR = 570
"""Seconds until the last job ends."""
POLL_INTERVAL = 10
POLLS = EXECUTE_FOR // POLL_INTERVAL + 2
"""One at the beginning, one at each interval until the last job has ended, and a second clean one."""
SETTLED = 20
"""After so many polls all that is learnt once has been learnt."""

# Each poll opens its connections anew, and eight of them would take longer than what is asked through them.
DRAIN: Result = {
    "max_failed": "unlimited",
    "steady": 2,
    "wait": "20m",
    "poll_interval": POLL_INTERVAL,
    "connections": 2,
}


def busy_site(**switches: t.Any) -> Scenario:
    """Every second service has finished jobs; every fourth one is at work, with a job in the queue behind it."""

    def jobs(number: int) -> list[Scenario]:
        done = [{"status": "succeeded", "count": 5, "ended": "2h ago"}] if number % 2 else []
        if number % 4 != 1:
            return done
        ends = EXECUTE_FOR if number > 8 else 300
        at_work = {"life": {"executing": "0s", "ends": f"succeeded after {ends}s"}, "user": "nightly"}
        queued = {"life": {"waiting": "0s", "executing": f"{number * 20}s", "ends": f"failed after {ends}s"}}
        return [*done, at_work, queued]

    services = {f"Work/Service{number:02}": {"jobs": jobs(number)} for number in range(SERVICES - 1)}
    return {"services": {"System/PublishingTools": {}, **services}, "switches": switches}


JOBS = 10
"""Those that are not finished when the drain begins."""
BUSY = 5
"""The services that have them."""
BUSY_TO_THE_END = 3
"""Those whose jobs end last."""


@pytest.fixture(scope="module", params=["kubernetes", "server"])
def running(request: pytest.FixtureRequest) -> Iterator[RunningSite]:
    with running_site(api=str(request.param)) as site:
        yield site


@pytest.fixture
def site(running: RunningSite, monkeypatch: pytest.MonkeyPatch) -> Rehearsal:
    return Rehearsal(running, monkeypatch)


def requests(site: Rehearsal) -> list[int]:
    """How many requests each measurement sent."""
    return [run.requests for run in site.runs if run.name == QUERY]


def sizes(site: Rehearsal) -> list[int]:
    """How long the poll state was that each measurement was handed."""
    return [run.poll_state for run in site.runs if run.name == QUERY]


def test_a_drain_of_ten_minutes(site: Rehearsal) -> None:
    site.load(busy_site())
    result = site.gate(**DRAIN)
    assert (result["verdict"], result["polls"], result["waited"]) == ("passed", POLLS, EXECUTE_FOR + POLL_INTERVAL)
    assert (result["ended"], result["arrived"]) == (JOBS, 0)
    assert (site.logins, site.tries) == (1, 1)
    assert len(result["facts"]["services"]) == SERVICES
    check_requests(site)
    check_lines(site)
    # Fewer jobs are at work in the end, and nobody remembers more of them than there are.
    assert max(sizes(site)[SETTLED:]) <= 1.1 * max(sizes(site)[1:SETTLED])
    assert sizes(site)[-1] <= sizes(site)[SETTLED]


def check_requests(site: Rehearsal) -> None:
    """While services are at work, only they are asked; the whole site is measured at the beginning and at the end."""
    # Its state, and one page of jobs, because all of them fit into it.
    of_a_service = 2
    # Its details, once in each status that it goes through; its messages; on ArcGIS Server also the name of its task.
    of_a_job = 3
    # What tells the dialect and the time.
    fixed = 2
    first, *watching, clear, last_but_one, last = requests(site)
    assert len(watching) == POLLS - 3
    assert max(watching) <= fixed + of_a_service * BUSY + of_a_job * JOBS
    assert watching[-1] <= fixed + of_a_service * BUSY_TO_THE_END + of_a_job * BUSY_TO_THE_END
    assert clear <= watching[-1]
    for whole in (last_but_one, last):
        assert of_a_service * SERVICES <= whole < 4 * SERVICES
    assert first >= last


def check_lines(site: Rehearsal) -> None:
    """One line a poll, short, and with nothing secret in it."""
    assert len(site.printed) == POLLS
    for line in site.printed:
        assert line.startswith("[gis1] ")
        assert len(line) < 250
        for secret in (site.running.password, *site.site.desk.tokens):
            assert secret not in line
    assert "Work/Service01" in site.printed[0]
    assert site.printed[-1].endswith("passed: 20 services idle")


def test_a_token_that_lives_shorter_than_the_drain_is_renewed_when_it_has_run_out(site: Rehearsal) -> None:
    site.load(busy_site(token_max_minutes=5))
    # Fewer polls, for the token's age counts and not how often it was used.
    result = site.gate(**{**DRAIN, "steady": 1, "poll_interval": EXECUTE_FOR / 6})
    assert (result["verdict"], result["waited"]) == ("passed", EXECUTE_FOR)
    assert site.logins == site.tries == math.ceil(EXECUTE_FOR / 300) == 2


# --- jobs that come and go -----------------------------------------------------------------------------------------

FLOW_POLLS = 61
OURS = [tracemalloc.Filter(True, pattern) for pattern in ("*/gisops/arcgis/plugins/*", "*/json/decoder.py")]


class Watch:
    """A job comes at each poll, and has gone two polls later; notes twice what the process holds of what is ours."""

    def __init__(self) -> None:
        self.held: list[int] = []

    def __call__(self, site: Rehearsal) -> None:
        site.add_job("Work/Service", life={"executing": "0s", "ends": "succeeded after 15s"})
        site.site.log.clear()  # it grows for itself
        if len(site.pauses) == SETTLED:
            tracemalloc.start()
        elif len(site.pauses) in (SETTLED + 10, FLOW_POLLS - 1):
            gc.collect()
            snapshot = tracemalloc.take_snapshot().filter_traces(OURS)
            self.held.append(sum(one.size for one in snapshot.statistics("filename")))


@pytest.fixture
def traced() -> Iterator[None]:
    yield
    tracemalloc.stop()


@pytest.mark.parametrize("running", ["server"], indirect=True)
def test_nothing_grows_with_the_number_of_polls(site: Rehearsal, traced: None) -> None:
    site.load({"services": {"Work/Service": {"jobs": [{"status": "executing"}]}}})
    watch = Watch()
    events = dict.fromkeys(range(1, FLOW_POLLS), watch)
    result = site.gate(service="Work/Service", wait="10m", max_failed="unlimited", events=events)
    assert (result["verdict"], result["polls"], result["arrived"]) == ("failed", FLOW_POLLS, FLOW_POLLS - 1)
    settled, last = sizes(site)[SETTLED], sizes(site)[-1]
    assert last <= 1.1 * settled, f"{settled} letters after {SETTLED} polls, and {last} in the end"
    early, late = watch.held
    # Thirty polls later: whoever kept their facts would hold several thousand bytes of each. The names of the jobs that
    # have come are kept, and the lines that were printed.
    assert late - early < 30 * 2_000, watch.held
