# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.gisops.arcgis.plugins.filter.unknown_variables import unknown_variables

ROLE = "gp_jobs_gate"
KNOWN = ["gp_jobs_gate_window", "gp_jobs_gate_max_active", "gp_jobs_gate_options"]


def test_what_is_known_or_not_ours_is_let_pass() -> None:
    names = [
        *KNOWN,
        "gisops_arcgis_url",
        "gp_jobs_gate_hosts",
        "gp_jobs_gate_result",
        "gp_jobs_gate_result_gis_1",
        "__gp_jobs_gate_measured",
        "gp_jobs_gates",
        "gp_jobs_verify_windw",
        "windw",
    ]
    assert unknown_variables(names, ROLE, KNOWN, {"poll_interval": "5s"}) == []


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("gp_jobs_gate_windw", "no variable gp_jobs_gate_windw. Did you mean gp_jobs_gate_window?"),
        ("gp_jobs_gate_poll_interval", "Set gp_jobs_gate_options: {poll_interval: ...}."),
        ("gp_jobs_gate_url", "Set gisops_arcgis_url, which all roles read."),
        ("gp_jobs_gate_zzz", "It has gp_jobs_gate_max_active, gp_jobs_gate_options, gp_jobs_gate_window."),
        ("gisops_arcgis_usernmae", "Did you mean gisops_arcgis_username?"),
    ],
)
def test_each_unknown_variable_is_told_with_its_cure(name: str, says: str) -> None:
    (sentence,) = unknown_variables([name, *KNOWN], ROLE, KNOWN)
    assert sentence.endswith(says)


@pytest.mark.parametrize(
    ("option", "variable"), [("window", "gp_jobs_gate_window"), ("password", "gisops_arcgis_password")]
)
def test_what_has_a_variable_of_its_own_is_none_of_the_options(option: str, variable: str) -> None:
    (sentence,) = unknown_variables([], ROLE, KNOWN, {option: "x"})
    assert sentence.endswith(f"Set the variable {variable}.")
