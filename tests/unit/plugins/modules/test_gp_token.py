# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module gp_token: one login, and a token that comes through the result unharmed."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.gisops.arcgis.plugins.module_utils import _opaque
from ansible_collections.gisops.arcgis.plugins.modules import gp_token


@pytest.mark.parametrize("check", [False, True])
def test_a_token(asked_site: t.Any, run_module: t.Any, api: str, check: bool) -> None:
    with asked_site("first_gate", api=api) as asked:
        result = run_module(gp_token.main, check=check, token_expiration=30, **asked.connection)
        (token,) = asked.site.desk.tokens.values()
        expires = token.expires / 1000
        assert _opaque.take_off(result["armoured_token"]).decode() == token.value
        assert token.value not in json.dumps(result)
        assert (result["changed"], result["api"]) == (False, api)
        assert result["expires"].startswith("20")
        assert result["expires"].endswith("Z")
        assert abs(expires - asked.site.clock.now() / 1000 - 1800) < 60

        facts = asked.query(token=token.value, username=None, password=None)
        assert facts["requests"]["tokens"] == 0
        assert asked.site.counts()["logins"] == 1


def test_a_given_token_is_handed_on(asked_site: t.Any, run_module: t.Any) -> None:
    with asked_site("first_gate") as asked:
        result = run_module(gp_token.main, token="given-T0ken", **asked.connection)
        assert _opaque.take_off(result["armoured_token"]).decode() == "given-T0ken"
        assert result["expires"] is None
        assert asked.site.counts()["logins"] == 0


def test_a_short_password_makes_no_hole_in_the_token(asked_site: t.Any, run_module: t.Any) -> None:
    scenario = {"accounts": [{"name": "odd", "password": "a", "role": "publisher"}]}
    with asked_site(scenario) as asked:
        asked.connection.update(username="odd", password="a")
        result = run_module(gp_token.main, **asked.connection)
        assert _opaque.take_off(result["armoured_token"]).decode() in asked.site.desk.tokens


def test_a_refused_password(asked_site: t.Any, run_module: t.Any, api: str) -> None:
    with asked_site("first_gate", api=api) as asked:
        asked.connection["password"] = "wrong-Passw0rd"
        result = run_module(gp_token.main, **asked.connection)
        assert (result["failed"], result["failure"]["kind"]) == (True, "LoginRefused")
        assert "wrong-Passw0rd" not in json.dumps(result)
        assert asked.site.counts()["wrong_passwords"] == 1
