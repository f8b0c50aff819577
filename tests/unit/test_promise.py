# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The promise: whatever happens to a site and to the network, a gate that passes does so at a moment that was good.

``make soak`` runs many thousands of schedules; ``PROMISE_SEED=... make units ARGS=tests/unit/test_promise.py`` replays
the one that a failure names.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from ansible_collections.gisops.arcgis.plugins.module_utils._jobs import counting, listing
from ansible_collections.gisops.arcgis.plugins.module_utils._wire import client as _client
from rehearsal_site.running import RunningSite, running_site

from .promise import WRONG_PASSWORD, Witness, schedule, tell
from .sizes import sized

SCHEDULES = int(os.environ.get("PROMISE_SCHEDULES", sized("40", "200")))
FIRST = int(os.environ.get("PROMISE_FIRST", "0"))
SEED = os.environ.get("PROMISE_SEED")


@pytest.fixture(scope="module", params=["kubernetes", "server"])
def running(request: pytest.FixtureRequest) -> Iterator[RunningSite]:
    with running_site("empty", api=request.param) as site:
        yield site


@pytest.fixture
def witness(running: RunningSite, monkeypatch: pytest.MonkeyPatch, no_pauses: None) -> Witness:
    """By a machine that knows the time, as the jobs do: what may be wrong is the date of the site's answers."""
    clock = SimpleNamespace(time=lambda: running.site.clock.now() / 1000, monotonic=time.monotonic, sleep=time.sleep)
    monkeypatch.setattr(_client, "time", clock)
    return Witness(running, monkeypatch)


def seeds() -> Iterator[str]:
    yield from [SEED] if SEED else map(str, range(FIRST, FIRST + SCHEDULES))


@pytest.mark.timeout(0)
def test_a_gate_that_passes_has_seen_a_good_moment(witness: Witness) -> None:
    verdicts: Counter[str] = Counter()
    print(f"{witness.site.api}: seeds {SEED or f'{FIRST} to {FIRST + SCHEDULES - 1}'}")
    for seed in seeds():
        one = schedule(seed, witness.site.api)
        result, seconds = witness.run(one)
        verdicts[result["verdict"]] += 1
        if result["verdict"] == "passed":
            never = witness.world.never_clean(one.options.get("services", ()))
            assert not never, f"{never} never was idle and clean\n{tell(one, result)}"
        assert seconds <= one.options["total_timeout"] + 2, f"{seconds:.1f} s\n{tell(one, result)}"
        shown = json.dumps([result, witness.printed, witness.warned])
        assert "Traceback" not in shown, tell(one, result)
        assert "Unforeseen" not in shown, tell(one, result)
        for secret in (witness.running.password, WRONG_PASSWORD, *witness.site.desk.tokens):
            assert secret not in shown, tell(one, result)
        assert witness.site.desk.wrong_passwords <= 1, tell(one, result)
        witness.printed.clear()
        witness.warned.clear()
    print(f"{witness.site.api}: {dict(verdicts)}")
    if not SEED:
        assert all(verdicts[one] > SCHEDULES / 20 for one in ("passed", "failed", "inconclusive")), verdicts


def test_a_gate_that_doubts_nothing_would_be_found_out(witness: Witness, monkeypatch: pytest.MonkeyPatch) -> None:
    """The schedules have wrong passes in them, for whoever takes what he has not seen for nothing."""
    read_all = listing.read_all
    monkeypatch.setattr(listing, "read_all", lambda *given: read_all(*given)._replace(is_whole=True))
    monkeypatch.setattr(counting, "check_answer", lambda *_any: None)
    monkeypatch.setattr(counting.Counter, "confirms", lambda *_any: True)
    monkeypatch.setattr(counting.Counter, "is_empty", lambda *_any: True)
    for number in range(1000):
        one = schedule(str(number), witness.site.api)
        result, _seconds = witness.run(one)
        if result["verdict"] == "passed" and witness.world.never_clean(one.options.get("services", ())):
            return
    pytest.fail("No schedule has told a gate that doubts nothing from one that does.")
