# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action gp_token: takes the token out of its armour, and censors the result."""

from __future__ import annotations

import typing as t

import pytest
from ansible.plugins.action import ActionBase

from ansible_collections.gisops.arcgis.plugins.module_utils import _opaque

from ...actions import run_action


def run(monkeypatch: pytest.MonkeyPatch, measured: dict[str, t.Any]) -> dict[str, t.Any]:
    monkeypatch.setattr(ActionBase, "_execute_module", lambda action, **call: dict(measured))
    return run_action("gisops.arcgis.gp_token", {})


def test_the_token_can_be_registered_and_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    result = run(
        monkeypatch, {"changed": False, "armoured_token": _opaque.put_on(b"T0ken"), "expires": None, "api": "server"}
    )
    assert result["token"] == "T0ken"
    assert result["_ansible_no_log"] is True
    assert "armoured_token" not in result
    assert (result["expires"], result["api"], result["changed"]) == (None, "server", False)


def test_a_failure_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    result = run(
        monkeypatch, {"failed": True, "msg": "The site refuses the login.", "failure": {"kind": "LoginRefused"}}
    )
    assert (result["failed"], result["msg"]) == (True, "The site refuses the login.")
    assert "token" not in result
    assert not result.get("_ansible_no_log")
