# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The job templates and the workflow, run by AWX's own engine with what AWX injects, against the rehearsal site."""

from __future__ import annotations

import json
import time
import typing as t
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from rehearsal_site.running import RunningSite, running_site

from . import runner
from .runner import Engine, Job, Mapping, Walk

QUIET: Mapping = {"services": {"System/PublishingTools": {}, "Analysis/Buffer": {}}}
BUSY: Mapping = {
    "services": {
        "System/PublishingTools": {
            "jobs": [{"status": "failed", "ended": "12m ago", "messages": ["ERROR: {{ 1 // 0 }}"]}]
        },
        "Analysis/Buffer": {"jobs": [{"status": "executing", "submitted": "1m ago"}]},
    }
}
BLIND: Mapping = {
    **QUIET,
    "accounts": [
        {"name": "clerk", "password": "rehearsal-Passw0rd-clerk", "role": "publisher", "forbidden": ["System"]}
    ],
}


def made() -> Mapping:
    return runner.assets(awx_setup_deploy_template="Deploy")


@pytest.fixture
def folder() -> Iterator[Path]:
    with runner.private_folder() as path:
        yield path


def engine(folder: Path, site: RunningSite, variables: Mapping | None = None, **inputs: t.Any) -> Engine:
    """What AWX has after awx_setup, with a credential for this site."""
    credential = {
        "url": site.url,
        "api": "auto",
        "username": site.username,
        "password": site.password,
        "ca_bundle": site.ca_path.read_text(encoding="utf-8"),
        **inputs,
    }
    return Engine(folder, made(), credential, [{"name": "arcgis", "variables": variables or {}}])


def has_no_secret(job: Job) -> None:
    for text in (job.stdout, json.dumps(job.events), json.dumps(job.artifacts)):
        assert "Passw0rd" not in text


# --- job templates as a person launches them --------------------------------------------------------------------------


def test_a_gate_with_every_kind_of_answer(folder: Path) -> None:
    with running_site(BUSY, api="server") as site:
        job = engine(folder, site).launch(
            "gate",
            gp_jobs_services="Analysis/*\n\n  System/PublishingTools \n",
            gp_jobs_gate_window="2h",
            gp_jobs_gate_max_active=1,
            gp_jobs_gate_max_failed=1,
            gp_jobs_gate_max_age="1d",
            gp_jobs_gate_mode="enforce",
            gp_jobs_gate_override_reason="",
        )
    assert job.status == "successful", job.stdout
    (verdict,) = job.artifacts.values()
    assert list(job.artifacts) == ["gp_jobs_gate_result_arcgis"]
    assert (verdict["verdict"], verdict["passed"], verdict["overridden"]) == ("passed", True, False)
    assert verdict["counts"]["active"] == 1
    assert any(line.startswith("[arcgis] ") and "passed" in line for line in job.lines), job.lines
    has_no_secret(job)


def test_empty_answers_are_none(folder: Path) -> None:
    """Neither are they a limit that is off, nor an exemption, nor services of no name."""
    with running_site(BUSY, api="kubernetes") as site:
        awx = engine(folder, site, token="", ca_bundle=site.ca_path.read_text(encoding="utf-8"))
        texts = ("services", "gate_window", "gate_max_age", "gate_wait", "gate_override_reason")
        job = awx.launch("gate", **{f"gp_jobs_{name}": "" for name in texts})
    assert job.status == "failed"
    verdict = job.artifacts["gp_jobs_gate_result_arcgis"]
    assert verdict["verdict"] == "failed"
    assert len(verdict["reasons"]) == 2


def test_an_override_is_that_of_the_user_who_launched_the_job(folder: Path) -> None:
    with running_site(BUSY, api="server") as site:
        job = engine(folder, site).launch("gate", gp_jobs_gate_override_reason="Ticket {{ 4711 }}")
    assert job.status == "successful", job.stdout
    verdict = job.artifacts["gp_jobs_gate_result_arcgis"]
    assert (verdict["verdict"], verdict["overridden"]) == ("failed", True)
    assert (verdict["override"]["reason"], verdict["override"]["by"]) == ("Ticket {{ 4711 }}", runner.USER)


def test_a_drain_that_goes_on(folder: Path) -> None:
    with running_site(BUSY, api="server") as site:
        job = engine(folder, site, {"gp_jobs_drain_options": {"poll_interval": "1s"}}).launch(
            "drain",
            gp_jobs_drain_wait="1s",
            gp_jobs_drain_continue_reason="The night is short.",
        )
    assert job.status == "successful", job.stdout
    verdict = job.artifacts["gp_jobs_drain_result_arcgis"]
    assert (verdict["passed"], verdict["continued"], verdict["ended"]) == (False, True, 0)
    has_no_secret(job)


def test_a_token_and_no_verification(folder: Path) -> None:
    """The boolean of a credential, said and not said."""
    with running_site(QUIET, api="server") as site:
        job = engine(folder, site, ca_bundle="").launch("mark")
        assert job.status == "failed"
        assert "certificate" in job.stdout.lower()
        job = engine(folder, site, ca_bundle="", skip_tls_verification=True).launch("mark")
        assert job.status == "successful", job.stdout
        assert job.artifacts["gp_jobs_mark_result_arcgis"]["complete"] is True


# --- the workflow ----------------------------------------------------------------------------------------------------

DONE = Job("successful", {}, "")


def workflow(engine: Engine, deploy: t.Callable[[Mapping], Job] = lambda told: DONE, *, approve: bool = True) -> Walk:
    return Walk(engine, deploy, lambda name: approve)


def judged(as_of: str, verdict: str = "passed", **more: t.Any) -> Job:
    """A gate's job that has ended."""
    told = {"verdict": verdict, "passed": verdict == "passed", "blocked": verdict != "passed", "as_of": as_of, **more}
    return Job("successful" if told["passed"] else "failed", {"gp_jobs_gate_result_arcgis": told}, "")


def said(walk: Walk, name: str) -> str:
    """What a node's job printed, on one line."""
    return " ".join(walk.jobs[name].stdout.split())


def test_blocked(folder: Path) -> None:
    with running_site(BUSY, api="server") as site:
        walked = workflow(engine(folder, site)).pretend(mark=DONE).start()
    assert walked.path == [("mark", "successful"), ("gate", "failed"), ("decision", "failed")]
    assert walked.status == "failed"
    assert "The gate has failed: " in said(walked, "decision")


def test_passed_and_verified(folder: Path) -> None:
    with running_site(QUIET, api="kubernetes") as site:
        walked = workflow(engine(folder, site)).start(gp_jobs_services="Analysis/Buffer", gp_jobs_gate_window="")
    assert [name for name, _how in walked.path] == ["mark", "gate", "freshness", "deploy", "verify"]
    assert walked.status == "successful"
    assert (
        walked.before["verify"]["gp_jobs_mark_result_arcgis"]
        == walked.jobs["mark"].artifacts["gp_jobs_mark_result_arcgis"]
    )
    verdict = walked.jobs["verify"].artifacts["gp_jobs_verify_result_arcgis"]
    assert (verdict["verdict"], verdict["overridden"]) == ("passed", False)
    for job in walked.jobs.values():
        has_no_secret(job)
        assert len(json.dumps(job.artifacts)) < 2000


def test_inconclusive_with_approval(folder: Path) -> None:
    with running_site(BLIND, api="server") as site:
        awx = engine(folder, site, username="clerk", password="rehearsal-Passw0rd-clerk")
        walked = workflow(awx).pretend(mark=DONE).start(until="deploy")
    ran = ["mark", "gate", "decision", "approval", "freshness", "deploy"]
    assert [name for name, _how in walked.path] == ran
    assert walked.jobs["gate"].artifacts["gp_jobs_gate_result_arcgis"]["verdict"] == "inconclusive"
    assert "A person may decide about: arcgis" in said(walked, "decision")
    for name in ran:
        has_no_secret(walked.jobs[name])


@pytest.mark.parametrize("failure", ["BadOption", "UnknownService"])
def test_a_gate_that_was_asked_the_wrong_way_is_nothing_to_decide(folder: Path, failure: str) -> None:
    gate = judged("", "inconclusive", reasons=["'soon' is not a duration (option window)."], failure=failure)
    walked = workflow(Engine(folder, made(), {})).pretend(mark=DONE, gate=gate).start()
    assert walked.path[2:] == [("decision", "failed")]
    assert "wrong option: 'soon' is not a duration" in said(walked, "decision")


def test_a_site_that_cannot_be_asked_and_a_person_who_denies(folder: Path) -> None:
    gate = judged("", "inconclusive", reasons=["The site does not answer."])
    walked = workflow(Engine(folder, made(), {}), approve=False).pretend(mark=DONE, gate=gate).start()
    assert walked.path[2:] == [("decision", "successful"), ("approval", "failed")]
    assert walked.status == "failed"


def test_a_stale_verdict_is_measured_again(folder: Path) -> None:
    old = judged(time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 45 * 60)))
    with running_site(QUIET, api="server") as site:
        walked = workflow(engine(folder, site)).pretend(mark=DONE, gate=old).start(until="deploy")
    assert walked.path[2:] == [("freshness", "failed"), ("gate-again", "successful"), ("deploy", "successful")]
    assert "It counts for 30 minutes, so the site is measured again." in said(walked, "freshness")


def test_a_failure_after_the_deployment(folder: Path) -> None:
    with running_site(QUIET, api="server") as site:

        def break_it(told: Mapping) -> Job:
            job = {"service": "Analysis/Buffer", "status": "failed", "ended": "now", "messages": ["ERROR 1: broken"]}
            requests.post(f"{site.control_url}/jobs", json=job, timeout=10).raise_for_status()
            return DONE

        mark = engine(folder, site).launch("mark")
        now = judged(time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
        walked = workflow(engine(folder, site), break_it).pretend(mark=mark, gate=now, freshness=DONE).start()
    assert walked.path[-1] == ("verify", "failed")
    assert walked.status == "failed"
    (reason,) = walked.jobs["verify"].artifacts["gp_jobs_verify_result_arcgis"]["reasons"]
    assert "Analysis/Buffer: 1 failed job" in reason
    assert "ERROR 1: broken" in walked.jobs["verify"].stdout
