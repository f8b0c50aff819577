# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The words of the gate: a message that is read in ten seconds, and a short line for each poll."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.gisops.arcgis.plugins.plugin_utils._gate import wording
from ansible_collections.gisops.arcgis.plugins.plugin_utils._gate.judge import judge, unmeasured
from ansible_collections.gisops.arcgis.plugins.plugin_utils._gate.policy import Policy
from ansible_collections.gisops.arcgis.plugins.plugin_utils._gate.verdict import Allowance, Verdict

from .given import NOW, STRICT, Given, facts, failed, job, policy, running, service

LINK = "https://gis.example.com/arcgis/admin/services/Analysis/Buffer.GPServer/jobs/j290c2d4e60364aa2a0c735fb9b68428a"


def told(*services: Given, by: Policy = STRICT, **more: t.Any) -> list[str]:
    """The lines of a message."""
    found = facts(*services, **more)
    return wording.message(judge(found, by), found).splitlines()


def test_a_message_is_one_block_a_service_with_ids_and_links_on_lines_of_their_own() -> None:
    busy = {
        **running(service="Analysis/Buffer.GPServer")[0],
        "job_id": "j290c2d4e60364aa2a0c735fb9b68428a",
        "url": LINK,
    }
    usual = {"jobs": 20, "median": 2400, "p95": 3600}
    lines = told(
        service("Analysis/Buffer.GPServer", active=1, durations=usual),
        service(failed=1),
        service("C.GPServer"),
        jobs=[busy, *failed(1)],
        unseen=[{"name": "Secret/*", "why": "The account may not read this ('HTTP 403')."}],
        stopped=["D.GPServer"],
    )
    assert lines == [
        "FAILED  https://gis.example.com/arcgis at 09:00 UTC (as siteadmin): 2 of 3 services",
        "  A/B: 1 failed job since 08:00 UTC, 0 allowed; the oldest drops out of the 1 h window at 09:49 UTC.",
        "    f0  failed  user1  08:48 UTC (12 min ago)",
        "    ERROR 000732: Input Features",
        "  Analysis/Buffer: 1 active job, 0 allowed. Wait until it ends.",
        "    j290c2d4e60364aa2a0c735fb9b68428a  executing  user1  since 08:30 UTC (30 min; usually 40 min)",
        f"    {LINK}",
        "  Secret/*: It cannot be seen. The account may not read this ('HTTP 403').",
        "  note: D.GPServer is stopped, and does not count.",
        "To go on anyway:",
        "  service_limits:",
        "    - {service: A/B, max_failed: 1}",
        "  exempt:",
        "    - {job: j290c2d4e60364aa2a0c735fb9b68428a, reason: ...}",
        "    - {service: Secret/*, reason: ...}",
    ]


def test_a_service_and_its_jobs_are_told_once() -> None:
    lines = told(service(active=2, failed=1), jobs=[*running(2), *failed()], by=policy(max_age="5m"))
    assert [line for line in lines if "active job" in line or "failed job" in line] == [
        "  A/B: 2 active jobs older than 5 min. They may never end: cancel it, or exempt it.",
        "    1 failed job since 08:00 UTC, 0 allowed; the oldest drops out of the 1 h window at 09:49 UTC.",
        "    2 active jobs, 0 allowed. What looks stuck may never end: cancel it, or exempt it.",
    ]
    assert sum("j0  executing" in line for line in lines) == 1


def test_only_the_first_jobs_are_told() -> None:
    lines = told(service(active=7), jobs=running(6))
    assert [line.split()[0] for line in lines[2:6]] == ["j0", "j1", "j2", "and"]
    assert lines[5] == "    and 4 more"
    assert "    - {service: A/B, max_active: 7}" in lines
    assert "more" not in "\n".join(told(service(active=3), jobs=running(3)))
    old = told(service(active=5), jobs=running(5), by=policy(max_age="5m", max_active=9))
    assert "    and 2 more" in old
    share = {"found": 1, "exact": True}
    bad = service(failed=9, succeeded_since=share)
    assert "    and 6 more" in told(bad, jobs=failed(9), by=policy(max_failed_percent=5))


def test_limits_of_one_service_are_pasted_as_one_entry() -> None:
    lines = told(service(active=4, failed=2), jobs=failed(2))
    assert lines[-2:] == ["  service_limits:", "    - {service: A/B, max_failed: 2, max_active: 4}"]


def test_a_message_fits_a_screen() -> None:
    services = [service(f"S{number:02}.GPServer", failed=number + 1) for number in range(30)]
    lines = told(*services, retention=None)
    assert lines[0].endswith(": 30 of 30 services")
    assert lines[1].startswith("  S29: 30 failed jobs"), "the worst comes first"
    assert lines[13] == "  and 18 more services"
    assert lines[14].startswith("  note: ")
    assert len(lines) == 17 + 1 + 12
    notes = told(service(warnings=[f"w{number}" for number in range(20)]))
    assert notes[1:] == [f"  note: w{number}" for number in range(12)]


def test_lines_are_short_and_addresses_whole() -> None:
    why = f"{'It was not seen in full, because the page ends too early. ' * 3}{LINK}"
    lines = told(service(complete=False, warnings=[why]))
    assert all(len(line) <= 100 or line.strip() == LINK for line in lines)
    assert any(line.endswith(LINK) for line in lines)
    assert lines[2].startswith("      ")
    long = told(service(active=1), jobs=running(user_name="u" * 60))
    assert max(len(line) for line in long) <= 100


def test_a_passed_verdict() -> None:
    assert told(service(), account=None) == ["PASSED  https://gis.example.com/arcgis at 09:00 UTC: 1 service"]
    found = facts(service())
    assert wording.message(Verdict(), found, "After 3 polls.").splitlines()[1:] == ["  After 3 polls."]


def test_a_site_that_could_not_be_asked() -> None:
    assert wording.message(unmeasured("No connection (GET https://h). Look."), None).splitlines() == [
        "INCONCLUSIVE  The site could not be asked",
        "  No connection (GET https://h). Look.",
    ]


# --- jobs ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, "j0550  failed  user1  08:48 UTC (12 min ago)"),
        ({"machine_name": "M.EXAMPLE.COM"}, "j0550  failed  user1 on M  08:48 UTC (12 min ago)"),
        ({"user_name": None}, "j0550  failed  user unknown  08:48 UTC (12 min ago)"),
        ({"user_name": None, "anonymous": True}, "j0550  failed  anonymous  08:48 UTC (12 min ago)"),
        ({"end_time": None}, "j0550  failed  user1"),
        ({"end_time": "1970-01-01T00:01:00Z"}, "j0550  failed  user1"),
        ({"status": "timed_out"}, "j0550  timed_out  user1  08:48 UTC (12 min ago)"),
    ],
)
def test_a_failed_job(change: Given, words: str) -> None:
    assert f"    {words}" in told(service(failed=1), jobs=[job(**change)])


@pytest.mark.parametrize(
    ("durations", "words"),
    [
        (None, "since 08:30 UTC (30 min)"),
        ({"jobs": 20, "median": 600, "p95": 3600}, "since 08:30 UTC (30 min; usually 10 min)"),
        ({"jobs": 20, "median": 60, "p95": 600}, "since 08:30 UTC (30 min; usually 1 min, taking long)"),
        ({"jobs": 20, "median": 2, "p95": 5}, "since 08:30 UTC (30 min; usually 2 s, looks stuck)"),
        ({"jobs": 4, "median": 2, "p95": 5}, "since 08:30 UTC (30 min)"),
    ],
)
def test_an_active_job(durations: Given | None, words: str) -> None:
    assert f"    j0  executing  user1  {words}" in told(service(active=1, durations=durations), jobs=running())


def test_an_active_job_of_unknown_age() -> None:
    jobs = running(start_time=None, submitted_time=None)
    assert "    j0  executing  user1" in told(service(active=1), jobs=jobs)


def error(text: str) -> Given:
    return {"type": "error", "text": text}


INFORMATIVE = {"type": "informative", "text": "Bye."}


@pytest.mark.parametrize(
    ("status", "messages", "words"),
    [
        ("failed", None, ""),
        ("failed", [], ""),
        ("failed", [INFORMATIVE], "Bye."),
        ("executing", [INFORMATIVE], ""),
        ("executing", [error("A.")], "A."),
        ("failed", [error("A."), error("B."), INFORMATIVE], "B."),
        ("failed", [error("A."), error("  ")], "A."),
        ("failed", [error("ERROR 000732: no\n such  thing"), error("Failed.")], "ERROR 000732: no such thing"),
        ("failed", [error("A."), error("Failed to execute (Buffer)."), error("failed")], "A."),
        ("failed", [error("Failed.")], "Failed."),
        ("failed", [error("Failed to open roads.gdb.")], "Failed to open roads.gdb."),
        ("failed", [error("x" * 201)], f"{'x' * 200}…"),
        ("failed", [error("x" * 200)], "x" * 200),
    ],
)
def test_the_cause_of_a_failure_is_its_last_telling_error(status: str, messages: t.Any, words: str) -> None:
    (found,) = facts(service(), jobs=[job(status=status, messages=messages)]).services[0].jobs
    assert wording.last_message(found) == words


# --- phrases ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        (NOW, "09:00 UTC"),
        (NOW - 9 * 3600, "00:00 UTC"),
        (NOW - 9 * 3600 - 1, "2026-11-23 23:59 UTC"),
        (NOW + 86400, "2026-11-25 09:00 UTC"),
        (None, "an unknown time"),
        (1e20, "an unknown time"),
    ],
)
def test_a_time_has_its_zone_and_a_day_that_is_not_todays(moment: float | None, words: str) -> None:
    assert wording.clock(moment, NOW) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("A/B", "A/B"),
        ("Straße/Ä1", "Straße/Ä1"),
        ("Secret/*", "Secret/*"),
        ("*", '"*"'),
        ("a b", '"a b"'),
        ("a: b", '"a: b"'),
        ("12", '"12"'),
        ("-a", '"-a"'),
        (12, "12"),
        (..., "..."),
    ],
)
def test_what_is_pasted_is_yaml(value: t.Any, words: str) -> None:
    allowance = Allowance("exempt", {"job": value})
    assert wording.pasted([allowance]) == {"exempt": [f"{{job: {words}}}"]}


# --- progress ------------------------------------------------------------------------------------------------------


def line(*services: Given, left: float | None = None, lately: tuple[int, int] = (0, 0), **more: t.Any) -> str:
    found = facts(*services, as_of="2026-11-24T09:00:12Z", **more)
    return wording.progress(found, judge(found, STRICT), left, lately)


@pytest.mark.parametrize(
    ("services", "more", "words"),
    [
        ([service("A.GPServer", active=2)], {"left": 590.0}, "09:00:12 UTC waiting, 9:50 left: A 2 active"),
        ([service("A.GPServer", active=2)], {"left": 3600.0}, "09:00:12 UTC waiting, 1:00:00 left: A 2 active"),
        ([service("A.GPServer", active=2)], {"left": 7.6}, "09:00:12 UTC waiting, 0:08 left: A 2 active"),
        ([service("A.GPServer", active=2)], {}, "09:00:12 UTC failed: A 2 active"),
        ([service("A.GPServer"), service("B.GPServer")], {}, "09:00:12 UTC passed: 2 services idle and clean"),
        ([service("A.GPServer")], {"left": 5.0}, "09:00:12 UTC passed, 0:05 left: 1 service idle and clean"),
        (
            [service("A.GPServer", active=1), service("B.GPServer", failed=1, timed_out=2)],
            {"lately": (3, 1)},
            "09:00:12 UTC failed: B 3 failed; A 1 active (since the last poll 3 arrived, 1 ended)",
        ),
        ([service("A.GPServer", active=1, failed=1)], {"lately": (0, 1)}, (
            "09:00:12 UTC failed: A 1 active, 1 failed (since the last poll 0 arrived, 1 ended)"
        )),
        (
            [service("A.GPServer")],
            {"left": 8.0, "unseen": [{"name": "S/*", "why": "403."}]},
            "09:00:12 UTC waiting, 0:08 left: S/*: unseen",
        ),
        ([], {}, "09:00:12 UTC inconclusive: site: empty"),
        (
            [service(f"{name}.GPServer", active=1) for name in "ABCDEF"],
            {},
            "09:00:12 UTC failed: A 1 active; B 1 active; C 1 active; D 1 active; and 2 more",
        ),
        (
            [service("A.GPServer", complete=False, error={}, warnings=["x" * 161])],
            {},
            f"09:00:12 UTC inconclusive: A: {'x' * 157}…",
        ),
    ],
)  # fmt: skip
def test_a_line_of_progress(services: list[Given], more: Given, words: str) -> None:
    assert line(*services, **more) == words


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ({}, "1 service idle and clean"),
        ({"failed": None}, "1 service idle"),
        ({"active": None}, "1 service clean"),
        ({"active": None, "failed": None}, "1 service"),
    ],
)
def test_what_nobody_looked_at_is_not_said_to_be_good(numbers: Given, words: str) -> None:
    found = facts(service(**numbers))
    assert wording.progress(found, Verdict(), None, (0, 0)).endswith(f"passed: {words}")
    assert wording.progress(facts(), Verdict(), None, (0, 0)).endswith("passed: 0 services")


def test_a_site_that_is_down_is_waited_for() -> None:
    down = unmeasured("No connection.")
    assert wording.progress(None, down, 70.0, (0, 0)) == "waiting, 1:10 left: No connection."
    assert wording.progress(None, down, None, (0, 0)) == "inconclusive: No connection."
