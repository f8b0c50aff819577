# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Armour: a token comes through a result unharmed, whatever is cut out of that result."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.gisops.arcgis.plugins.module_utils import _opaque

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@given(TEXTS)
def test_what_is_put_on_comes_off(text: str) -> None:
    assert _opaque.take_off(_opaque.put_on(text.encode())).decode() == text


@given(TEXTS, st.text(st.characters(exclude_categories=["Cs", "Co"]), min_size=1))
def test_no_secret_is_part_of_an_armoured_text(text: str, secret: str) -> None:
    """Core cuts secrets out as substrings; what a user types has no letter of the private use area."""
    assert secret not in _opaque.put_on(text.encode())
