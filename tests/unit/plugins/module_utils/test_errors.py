# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Errors: what, where and cure in one breath, as text and as data, and no secret in either."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.gisops.arcgis.plugins.module_utils import _errors
from ansible_collections.gisops.arcgis.plugins.module_utils._errors import (
    Busy,
    GpError,
    NotUnderstood,
    Unreachable,
    without_secrets,
)

KINDS = [one for one in vars(_errors).values() if isinstance(one, type) and issubclass(one, GpError)]


@pytest.mark.parametrize(
    ("where", "cure", "text"),
    [
        ("option url", "Give it.", "It is bad (option url). Give it."),
        ("", "Give it.", "It is bad. Give it."),
        ("option url", "", "It is bad (option url)."),
        ("", "", "It is bad."),
    ],
)
def test_the_text(where: str, cure: str, text: str) -> None:
    error = GpError("It is bad", where=where, cure=cure, status=5)
    assert str(error) == text
    assert error.to_result() == {
        "msg": text,
        "failure": {"kind": "GpError", "what": "It is bad", "where": where, "cure": cure, "status": 5},
    }


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_names_itself_and_can_be_given_data(kind: t.Any) -> None:
    error = kind("What", where="w", cure="c", words="said")
    assert error.failure["kind"] == kind.__name__
    assert error.failure["words"] == "said"
    assert isinstance(error, GpError)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_only_what_a_second_try_can_heal_is_transient(kind: t.Any) -> None:
    assert kind("What").transient is (kind in (Busy, Unreachable))
    assert kind("What").unsent is False


def test_transience_and_delivery_are_said_case_by_case() -> None:
    assert Unreachable("x", transient=False).transient is False
    assert Unreachable("x", unsent=True).unsent is True
    assert NotUnderstood("x", transient=True).transient is True
    assert (Busy("x", retry_after=5.0, unsent=True).retry_after, Busy("x", unsent=True).unsent) == (5.0, True)


def test_secrets_are_taken_out_of_a_text_plain_and_as_in_an_address() -> None:
    secret = "p/w ü"
    assert without_secrets(f"Bad {secret} or p%2Fw%20%C3%BC", {secret, "other"}) == "Bad ******** or ********"


def test_the_longer_of_two_secrets_is_taken_out_first() -> None:
    assert "rest" not in without_secrets("token abcdefgh-rest", ["abcdefgh", "abcdefgh-rest"])
