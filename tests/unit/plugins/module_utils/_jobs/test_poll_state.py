# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one measurement hands to the next: it comes through whole, and nothing is asked for twice."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.gisops.arcgis.plugins.module_utils import _opaque, _options
from ansible_collections.gisops.arcgis.plugins.module_utils._errors import BadOption, TokenRefused
from ansible_collections.gisops.arcgis.plugins.module_utils._jobs import poll_state, query
from ansible_collections.gisops.arcgis.plugins.module_utils._jobs.counting import Capabilities
from ansible_collections.gisops.arcgis.plugins.module_utils._jobs.poll_state import PollState
from ansible_collections.gisops.arcgis.plugins.module_utils._services import Service
from ansible_collections.gisops.arcgis.plugins.module_utils._wire.responses import JobDetails
from rehearsal_site.scenario import add_service

BUFFER = Service("Analysis", "Buffer")
JOB = JobDetails("j1", "esriJobFailed", "user1", None, 10.0, None, 20.5, "https://h/x")


def test_what_was_packed_comes_out_again() -> None:
    messages = {(BUFFER, "j1"): [{"type": "error", "text": "ä"}]}
    state = PollState({(BUFFER, "j1"): JOB}, messages, Capabilities(needs_status=True, shows_jobs=True), 21600.0)
    facts = {"counts": {"active": 0}, "as_of": "2026-11-24T09:00:00Z"}
    packed = poll_state.pack(facts, state)
    assert not any(letter.isascii() for letter in packed), "no secret that anybody types is a part of it"
    assert _opaque.unpack(packed)["facts"] == facts
    assert poll_state.read(packed) == state
    assert poll_state.read(poll_state.NEW) == PollState()


@pytest.mark.parametrize("text", ["", "old", "nonsense", "\ue000\ue001", "{}", poll_state.pack({}, PollState())[:-3]])
def test_a_text_that_no_measurement_has_written(text: str) -> None:
    with pytest.raises(BadOption, match="option poll_state"):
        poll_state.read(text)


class Polled:
    """The query as a module that polls runs it."""

    def __init__(self, asked: t.Any) -> None:
        self.asked = asked
        self.state = PollState()

    def measure(self, **options: t.Any) -> tuple[dict[str, t.Any], list[str]]:
        """Facts, and the paths of the requests that they took."""
        given = {**self.asked.connection, "detail": "full", "ended_after": "1h", **options}
        spec = {**_options.CONNECTION, **_options.QUERY}
        before = len(self.asked.site.log)
        measured = query.measure(
            lambda name: given.get(name, spec[name].get("default")),
            self.asked.warnings.append,
            self.state,
        )
        self.state = measured.state
        return measured.facts, [entry.path for entry in self.asked.site.log[before:]]


@pytest.fixture
def polled(asked_site: t.Any, api: str) -> t.Iterator[Polled]:
    jobs = [
        {"id": "jbad", "status": "failed", "ended": "10m ago", "messages": ["ERROR 1"]},
        {"id": "jold", "status": "failed", "ended": "3h ago"},
        {"id": "jrun", "life": {"waiting": "0s", "executing": "60s"}},
        {"id": "jgood", "status": "succeeded", "ended": "5m ago"},
    ]
    with asked_site({"services": {"Analysis/Buffer": {"jobs": jobs}}}, api=api) as asked:
        asked.site.clock.freeze()
        yield Polled(asked)


def details(paths: list[str]) -> list[str]:
    return sorted(path.rsplit("/", 1)[1].split("?")[0] for path in paths if "/jobs/j" in path and "/admin/" in path)


def test_a_job_is_looked_at_again_only_where_it_has_moved_on(polled: Polled) -> None:
    options = {"services": ["Analysis/Buffer"], "job_status": ["active", "failed"]}
    first, paths = polled.measure(**options)
    assert details(paths) == ["jbad", "jold", "jrun"]
    second, paths = polled.measure(**options)
    assert details(paths) == []
    assert second["jobs"] == first["jobs"]
    polled.asked.site.clock.advance(61_000)
    third, paths = polled.measure(**options)
    assert details(paths) == ["jrun"]
    assert sorted(job["status"] for job in third["jobs"]) == ["executing", "failed"]


def test_jobs_that_are_gone_are_forgotten(polled: Polled) -> None:
    options = {"services": ["Analysis/Buffer"], "job_status": ["active", "failed"]}
    polled.measure(**options)
    with polled.asked.site.lock:
        store = polled.asked.site.store
        store.remove_job(store.service("Analysis/Buffer").key, "jbad")
    polled.measure(**options)
    assert {job_id for _service, job_id in polled.state.jobs} == {"jold", "jrun"}


def test_messages_of_jobs_that_have_ended_are_read_once(polled: Polled) -> None:
    polled.measure(services=["Analysis/Buffer"], job_status=["failed"])
    _facts, paths = polled.measure(services=["Analysis/Buffer"], job_status=["failed"])
    assert [path for path in paths if "returnMessages" in path] == []


def test_what_a_site_honours_is_proven_once(polled: Polled) -> None:
    """An empty service is believed to be empty because another one showed jobs in the same way of asking."""
    options = {"services": ["Analysis/Buffer", "Analysis/Empty"], "connections": 1}
    with polled.asked.site.lock:
        add_service(polled.asked.site.store, "Analysis/Empty", {}, polled.asked.site.clock.now())
    polled.measure(**options)
    _facts, paths = polled.measure(**options)
    assert len([path for path in paths if "Empty.GPServer/jobs/query" in path]) == 1


def test_a_token_that_is_handed_over_is_not_renewed_here(polled: Polled) -> None:
    """The next measurement would not know of the new one, and log in as well."""
    with pytest.raises(TokenRefused):
        polled.measure(services=["Analysis/Buffer"], token="old-T0ken-of-another-time")
    assert polled.asked.site.counts()["logins"] == 0
