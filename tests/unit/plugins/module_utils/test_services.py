# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names of services, patterns over them, and the nearest names of a misspelt one."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.gisops.arcgis.plugins.module_utils import _services
from ansible_collections.gisops.arcgis.plugins.module_utils._errors import BadOption
from ansible_collections.gisops.arcgis.plugins.module_utils._services import Entry, Service


@pytest.mark.parametrize(
    ("text", "service"),
    [
        ("System/PublishingTools", Service("System", "PublishingTools")),
        ("System/PublishingTools.GPServer", Service("System", "PublishingTools")),
        ("Buffer", Service("", "Buffer")),
        ("/Buffer.GPServer/", Service("", "Buffer")),
        (" Maps/Test.MapServer ", Service("Maps", "Test", "MapServer")),
        ("Straßen und Wege/Route berechnen", Service("Straßen und Wege", "Route berechnen")),
        ("Maps/v1.2", Service("Maps", "v1.2")),
        ("Maps/v1.2.MapServer.GPServer", Service("Maps", "v1.2.MapServer")),
    ],
)
def test_names(text: str, service: Service) -> None:
    assert _services.parse(text) == service


@pytest.mark.parametrize("text", ["", "/", "a/b/c", "a//b", "  "])
def test_what_is_no_name(text: str) -> None:
    with pytest.raises(BadOption, match=r"is not a service name \(option services\)\. Write Folder/Name"):
        _services.parse(text)


PARTS = st.text(
    st.characters(exclude_characters="/", exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"]), min_size=1
).filter(lambda part: part not in (".", ".."))


@given(st.just("") | PARTS, PARTS, st.sampled_from(["GPServer", "MapServer", "ImageServer"]))
def test_the_full_name_of_a_service_means_that_service(folder: str, name: str, kind: str) -> None:
    service = Service(folder, name, kind)
    assert _services.parse(str(service)) == service


@pytest.mark.parametrize(
    ("pattern", "matches", "others"),
    [
        ("*", ["Buffer", "System/PublishingTools", "Maps/Test.MapServer"], []),
        ("System/*", ["System/PublishingTools"], ["Systems/X", "Buffer"]),
        ("*Tools", ["System/PublishingTools"], ["System/ToolsX"]),
        ("*Tools.GPServer", ["System/PublishingTools"], ["System/Tools.MapServer"]),
        ("B?ffer", ["Buffer"], ["Bffer", "buffer"]),
        ("[AB]*", ["Buffer", "Analysis/X"], ["Clip"]),
        ("system/*", [], ["System/PublishingTools"]),
    ],
)
def test_patterns(pattern: str, matches: list[str], others: list[str]) -> None:
    entry = Entry(pattern)
    assert entry.is_pattern
    assert [name for name in [*matches, *others] if entry.matches(_services.parse(name))] == matches


@pytest.mark.parametrize(
    ("pattern", "folder"),
    [("System/*", "System"), ("*", None), ("Sys*/X", None), ("*Tools", None), ("[A]/X*", None), ("Maps/[A/B]", "Maps")],
)
def test_the_one_folder_of_a_pattern(pattern: str, folder: str | None) -> None:
    assert Entry(pattern).folder == folder


@given(st.sampled_from(["*", "A*", "A/*", "?/b", "[AB]/b*", "*/b", "A/b*.GPServer"]), PARTS, PARTS)
def test_a_pattern_matches_nothing_outside_its_folder(pattern: str, folder: str, name: str) -> None:
    """Only that folder is listed, so a match elsewhere would never be found."""
    entry = Entry(pattern)
    if entry.matches(Service(folder, name)) and entry.folder is not None:
        assert entry.folder == folder


def test_entries() -> None:
    entries = _services.parse_entries(
        ["System/PublishingTools", {"name": "Buffer", "missing": "ignore"}, {"name": "A/*"}, " /Clip/ "]
    )
    assert entries == (Entry("System/PublishingTools"), Entry("Buffer", True), Entry("A/*"), Entry("Clip"))
    assert [entry.is_pattern for entry in entries] == [False, False, True, False]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("", "An entry is empty (option services)."),
        (None, "An entry is empty (option services)."),
        ({}, "An entry is empty (option services)."),
        ({"name": " / "}, "An entry is empty (option services)."),
        ({"name": "A", "mising": "ignore"}, "An entry has mising, which means nothing (option services)."),
        ({"name": "A", "missing": "no"}, "An entry has missing: no, which means nothing (option services)."),
        ({"name": "A", 5: 1}, "An entry has 5, which means nothing (option services)."),
        ("..", "'..' is not a service name (option services)."),
        ("../System", "'../System' is not a service name (option services)."),
        ("a/b/c", "'a/b/c' is not a service name (option services)."),
        (["Buffer"], "This is not a text (option services)."),
    ],
)
def test_entries_that_mean_nothing(entry: t.Any, message: str) -> None:
    with pytest.raises(BadOption) as caught:
        _services.parse_entries(["Buffer", entry])
    assert message in str(caught.value)
    assert caught.value.failure["cure"]


KNOWN = [
    Service("System", "PublishingTools"),
    Service("System", "CachingTools"),
    Service("", "Buffer"),
    Service("Maps", "City", "MapServer"),
]


@pytest.mark.parametrize(
    ("wanted", "first"),
    [
        ("System/PublishingTool", "System/PublishingTools.GPServer"),
        ("system/publishingtools.gpserver", "System/PublishingTools.GPServer"),
        ("Systm/PublishingTools", "System/PublishingTools.GPServer"),
        ("PublishingTools", "System/PublishingTools.GPServer"),
        ("Utilities/Buffer", "Buffer.GPServer"),
        ("Maps/Citty", "Maps/City.MapServer"),
    ],
)
def test_nearest(wanted: str, first: str) -> None:
    assert _services.nearest(wanted, KNOWN)[0] == first


def test_nothing_is_near_to_what_is_quite_different() -> None:
    assert _services.nearest("Xyzzy", KNOWN) == []
    assert _services.nearest("Buffer", []) == []


@given(st.text(max_size=20), st.lists(PARTS, max_size=8))
def test_nearest_gives_at_most_three_that_exist(wanted: str, names: list[str]) -> None:
    known = [Service("", name) for name in names]
    found = _services.nearest(wanted, known)
    assert len(found) <= 3
    assert {*found} <= {str(service) for service in known}
