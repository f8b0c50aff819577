# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Errors: what, where and cure in one breath, as text and as data, and no secret in either."""

from __future__ import annotations

import base64
import html
import json
import re
import typing as t
from urllib.parse import quote, quote_plus

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


SECRET = "p'a\"s\\s%w+o/r&d=<ü😀> {{ x }}"
SPELLINGS = {
    "plain": SECRET,
    "in an address": quote(SECRET, safe=""),
    "in a path": quote(SECRET),
    "in a form": quote_plus(SECRET),
    "in an address in small letters": re.sub("%..", lambda match: match[0].lower(), quote(SECRET, safe="")),
    "in a page": html.escape(SECRET),
    "in a page of other entities": html.escape(SECRET).replace("&#x27;", "&#39;"),
    "in JSON": json.dumps(SECRET),
    "in JSON with all letters": json.dumps(SECRET, ensure_ascii=False),
    **{
        f"in base64 after {user!r}": base64.b64encode(f"{user}{SECRET}".encode()).decode() for user in ("", "u:", "us:")
    },
    "in the base64 of addresses": base64.urlsafe_b64encode(f"u?>:{SECRET}".encode()).decode(),
}


@pytest.mark.parametrize("spelt", SPELLINGS.values(), ids=SPELLINGS)
@pytest.mark.parametrize("around", ["{}", "Bad '{}'.", "x{}y"])
def test_a_secret_is_taken_out_however_it_is_spelt(spelt: str, around: str) -> None:
    """A letter or two of base64 at the ends belong to the neighbours as well, and stay."""
    left = without_secrets(around.format(spelt), [SECRET])
    assert "********" in left
    assert len(left.replace("********", "").replace("'", "")) < len(around) + 10, left


def test_what_quotes_a_secret_may_take_the_blanks_off_its_ends() -> None:
    assert without_secrets("Bad 'abc  def'.", [" abc  def  "]) == "Bad '********'."
    assert without_secrets("a b", ["  "]) == "a b"


def test_short_secrets_are_not_looked_for_in_codes() -> None:
    assert without_secrets("61 YQ== 6161", ["a"]) == "61 YQ== 6161"
    assert without_secrets("esriJobFailed", ["a"]) == "esriJobF********iled"


def test_the_tree_of_errors_is_drawn_as_it_is() -> None:
    """In the docstring of the module, where whoever wants to catch one looks."""
    drawn = re.findall(r"^([ │├└─]*)(\w+)  ", str(_errors.__doc__), re.M)
    depth = {name: len(lines) // 4 for lines, name in drawn}
    assert depth == {kind.__name__: len(kind.__mro__) - len(GpError.__mro__) + 1 for kind in KINDS}


def test_an_error_that_nobody_foresaw_tells_where_and_not_what() -> None:
    with pytest.raises(KeyError) as caught:
        raise KeyError("".join(["S3", "cret"]))
    told = _errors.unforeseen(caught.value)
    assert told["msg"].startswith("An error that should not happen: KeyError (test_errors.py, line ")
    assert "test_errors.py" in told["exception"]
    assert told["failure"]["kind"] == "Unforeseen"
    assert "S3cret" not in str(told)


def test_a_bad_option_is_told_on_one_line_that_has_an_end() -> None:
    told = str(_errors.BadOption(f"'{'x' * 10**6}\n\0' is not a number", where="option y", cure="Use one."))
    assert told.startswith("'xxx")
    assert told.endswith("??' is not a number (option y). Use one.")
    assert len(told) < 400


def test_the_longer_of_two_secrets_is_taken_out_first() -> None:
    assert "rest" not in without_secrets("token abcdefgh-rest", ["abcdefgh", "abcdefgh-rest"])
