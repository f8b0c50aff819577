# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Errors: what, where and cure in one breath, as text and as data, and no secret in either."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.gisops.arcgis.plugins.module_utils import _errors
from ansible_collections.gisops.arcgis.plugins.module_utils._errors import Busy, GpError, NotUnderstood, Unreachable

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


def test_scrub_takes_secrets_out_of_text_and_data() -> None:
    secret = "p/w ü"
    error = GpError(
        f"Bad {secret}", where=f"x?password={secret}", cure="p%2Fw%20%C3%BC", words=secret, number=5, none=None
    )
    error.scrub({secret, "other"})
    for text in (str(error), repr(error.to_result())):
        assert secret not in text
        assert "p%2Fw%20%C3%BC" not in text
    assert "********" in str(error)
    assert (error.failure["number"], error.failure["none"]) == (5, None)


def test_scrub_looks_into_lists() -> None:
    error = GpError("x", servers=["https://h/S3cret"])
    error.scrub(["S3cret"])
    assert "S3cret" not in repr(error.failure)


def test_scrub_takes_the_longer_of_two_secrets_first() -> None:
    error = GpError("token abcdefgh-rest")
    error.scrub(["abcdefgh", "abcdefgh-rest"])
    assert "rest" not in str(error)
