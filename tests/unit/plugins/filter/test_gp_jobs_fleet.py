# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.gisops.arcgis.plugins.filter.gp_jobs_fleet import gp_jobs_fleet

Mapping = dict[str, t.Any]


def result(verdict: str, *, blocked: t.Any = None, **more: t.Any) -> Mapping:
    return {"verdict": verdict, "blocked": verdict != "passed" if blocked is None else blocked, **more}


def summary(results: Mapping, min_passed: t.Any = "100%", **more: t.Any) -> Mapping:
    return gp_jobs_fleet(list(results), list(results.values()), min_passed, **more)


def test_each_site_is_listed_by_its_verdict() -> None:
    told = summary(
        {
            "north": result("passed"),
            "busy": result("failed", reasons=[{"text": "Buffer: 1 active\njob."}], message="All of it."),
            "seen": result("failed", blocked=False, reasons=["Buffer: 1 active job."]),
            "dark": result("inconclusive", reasons=[], message="No connection."),
            "odd": result("passed", blocked=True),
            "lost": {},
        },
        "50%",
    )
    message = told.pop("message")
    assert told == {
        "enough": False,
        "needed": 3,
        "total": 6,
        "going_ahead": ["north", "seen"],
        "stopped": ["busy", "dark", "odd", "lost"],
        "passed": ["north", "odd"],
        "failed": ["busy", "seen"],
        "inconclusive": ["dark"],
        "not_asked": ["lost"],
        "reasons": {
            "busy": "Buffer: 1 active job.",
            "seen": "Buffer: 1 active job.",
            "dark": "No connection.",
            "odd": "no reason is given",
            "lost": "no verdict: it was not asked, or not reached",
        },
    }
    assert message.splitlines() == [
        "2 of 6 sites may go ahead, 3 needed (50%): not enough",
        "passed: 2",
        "  odd    stopped     no reason is given",
        "  north",
        "failed: 2",
        "  busy   stopped     Buffer: 1 active job.",
        "  seen   goes ahead  Buffer: 1 active job.",
        "inconclusive: 1",
        "  dark   stopped     No connection.",
        "not asked: 1",
        "  lost   stopped     no verdict: it was not asked, or not reached",
    ]


@pytest.mark.parametrize(
    "odd",
    [
        *({"verdict": "passed", "blocked": blocked} for blocked in ("False", 0, None, "")),
        {"verdict": "passed"},
        {"verdict": "fine", "blocked": False},
        {"blocked": False},
        "passed",
        None,
    ],
)
def test_only_a_verdict_and_a_boolean_let_a_site_go_ahead(odd: t.Any) -> None:
    assert summary({"gis": odd})["going_ahead"] == []


def test_a_name_that_two_sites_share_tells_nothing_of_either() -> None:
    results = {"gis-1": result("passed"), "gis.1": result("passed"), "gis-2": result("passed")}
    told = summary(results, names=["gis_1", "gis_1", "gis_2"])
    assert (told["going_ahead"], told["not_asked"]) == (["gis-2"], ["gis-1", "gis.1"])
    assert told["reasons"]["gis.1"] == "no verdict: another site publishes by the same name"


@pytest.mark.parametrize(
    ("min_passed", "needed"),
    [("100%", 7), ("", 7), ("90%", 7), ("50 %", 4), ("14%", 1), ("0%", 0), ("0", 0), (3, 3), ("8", 8)],
)
def test_a_share_is_rounded_up(min_passed: t.Any, needed: int) -> None:
    told = summary({f"gis{number}": result("passed") for number in range(7)}, min_passed)
    assert (told["needed"], told["enough"]) == (needed, needed <= 7)


@pytest.mark.parametrize("min_passed", ["110%", "half", "-1", "1.5", "%", True])
def test_a_wrong_share_is_an_error(min_passed: t.Any) -> None:
    with pytest.raises(AnsibleFilterError, match="gp_jobs_summary_min_passed is"):
        gp_jobs_fleet(["gis"], [], min_passed)


def test_sites_may_be_a_text() -> None:
    told = gp_jobs_fleet("north, south,north,")
    assert told["not_asked"] == ["north", "south"]
    assert not told["enough"]


@pytest.mark.parametrize("sites", [[], "", " , "])
def test_no_site_is_an_error(sites: t.Any) -> None:
    with pytest.raises(AnsibleFilterError, match="gp_jobs_summary_sites is empty"):
        gp_jobs_fleet(sites, [], 0)


def test_long_lists_and_reasons_are_cut_to_lines() -> None:
    names = [f"gis-{number:03}.example.com" for number in range(20)]
    told = summary({**{name: result("passed") for name in names}, "busy": result("failed", reasons=["x" * 300])}, 20)
    lines = told["message"].splitlines()
    assert told["reasons"]["busy"] == "x" * 157 + "..."
    listed = lines[2 : lines.index("failed: 1")]
    assert ", ".join(names) == " ".join(line.strip() for line in listed)
    assert all(len(line) <= 100 for line in listed)
    assert lines[-1] == "What comes next has to leave out: busy"
