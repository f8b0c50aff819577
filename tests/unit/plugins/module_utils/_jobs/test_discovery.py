# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which services are asked: names as they stand, patterns by the listing, and a misspelling is never zero jobs."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.gisops.arcgis.plugins.module_utils._errors import (
    GpError,
    NotAllowed,
    NotUnderstood,
    UnknownService,
)

PUBLISHING = "System/PublishingTools.GPServer"


def names(facts: dict[str, t.Any]) -> list[str]:
    return [one["service"] for one in facts["services"]]


@pytest.mark.parametrize(
    ("services", "exclude", "found", "discovery"),
    [
        (["System/PublishingTools"], [], [PUBLISHING], "none"),
        (["Buffer", "System/PublishingTools", "Buffer.GPServer"], [], ["Buffer.GPServer", PUBLISHING], "none"),
        (["Maps/Test.MapServer"], [], ["Maps/Test.MapServer"], "none"),
        (["System/*"], [], [PUBLISHING], "complete"),
        (["Maps/*", "Buffer"], [], None, None),
        (["*/Publishing*", "Buffer"], [], ["Buffer.GPServer", PUBLISHING], "complete"),
        (["System/*", "System/PublishingTools"], [], [PUBLISHING], "complete"),
        (["System/PublishingTools", "Buffer"], ["Buf*"], [PUBLISHING], "none"),
    ],
)
def test_names_and_patterns(
    asked_site: t.Any, api: str, services: list[str], exclude: list[str], found: list[str] | None, discovery: str | None
) -> None:
    with asked_site("truth_table", api=api) as asked:
        if found is None:
            with pytest.raises(UnknownService, match=r"No geoprocessing service matches 'Maps/\*'"):
                asked.query(services=services, exclude_services=exclude)
            return
        facts = asked.query(services=services, exclude_services=exclude)
    assert (names(facts), facts["discovery"], facts["complete"]) == (found, discovery, True)


def test_without_services_all_of_the_site_is_asked(asked_site: t.Any, api: str) -> None:
    with asked_site("truth_table", api=api) as asked:
        facts = asked.query(exclude_services=["Analysis/Stopped"])
    assert names(facts) == [
        "Buffer.GPServer",
        "Analysis/Asleep.GPServer",
        "Straßen und Wege/Leer.GPServer",
        "Straßen und Wege/Route berechnen.GPServer",
        PUBLISHING,
    ]
    assert facts["synchronous"] == ["Analysis/QuickLook.GPServer"]
    assert facts["complete"] is True


def test_only_the_folders_of_the_patterns_are_listed(asked_site: t.Any) -> None:
    with asked_site("truth_table", api="server") as asked:
        asked.query(services=["System/*"], api="server")
        listings = [one.path.partition("?")[0] for one in asked.requests("/admin/services/") if one.kind == "folder"]
        assert listings == ["/arcgis/admin/services/System"]


@pytest.mark.parametrize(
    ("service", "what", "cure"),
    [
        ("System/PublishingTool", "There is no service System/PublishingTool.GPServer", f"Did you mean {PUBLISHING}?"),
        ("PublishingTools", "There is no service PublishingTools.GPServer", f"Did you mean {PUBLISHING}?"),
        ("Xyzzy/Plugh", "There is no service Xyzzy/Plugh.GPServer", "Look at the folder and the name, or set missing"),
        (
            "Maps/City",
            "Maps/City.GPServer does not exist, and Maps/City.MapServer is not a geo",
            "name it with its type",
        ),
        ("Analysis/QuickLook", "Analysis/QuickLook.GPServer runs synchronously, so it has no jobs", "Leave it out"),
        ("Maps/City.MapServer", "Maps/City.MapServer", ""),
    ],
)
def test_a_name_that_has_no_jobs_to_ask_for(asked_site: t.Any, api: str, service: str, what: str, cure: str) -> None:
    with asked_site("truth_table", api=api) as asked:
        if service == "Maps/City.MapServer":
            assert asked.query(services=[service])["total"] == 0, "map services have jobs too"
            return
        with pytest.raises(UnknownService) as caught:
            asked.query(services=["Buffer", service])
    message = str(caught.value)
    assert what in message
    assert "(option services)" in message
    assert cure in message
    assert caught.value.failure["service"] == f"{service}.GPServer"


@pytest.mark.parametrize("switch", ["unknown_service", "sync_service_jobs"])
@pytest.mark.parametrize("value", ["error", "empty"])
def test_whatever_the_site_says_to_a_misspelling_it_is_an_error(
    asked_site: t.Any, api: str, switch: str, value: str
) -> None:
    service = "System/PublishingTool" if switch == "unknown_service" else "Analysis/QuickLook"
    with asked_site("truth_table", api=api, **{switch: value}) as asked, pytest.raises(UnknownService):
        asked.query(services=[service])


def test_a_pattern_that_matches_nothing(asked_site: t.Any, api: str) -> None:
    with asked_site("truth_table", api=api) as asked:
        with pytest.raises(UnknownService, match=r"matches 'Sytem/\*' \(option services\)"):
            asked.query(services=["Sytem/*"])
        with pytest.raises(UnknownService, match="Did you mean System/PublishingTools"):
            asked.query(services=["System/PublishingTol*"])


def test_what_may_be_missing(asked_site: t.Any, api: str) -> None:
    ignore = [{"name": "System/Gone", "missing": "ignore"}, {"name": "Gone/*", "missing": "ignore"}]
    with asked_site("truth_table", api=api) as asked:
        facts = asked.query(services=[*ignore, "Buffer"])
        assert names(facts) == ["Buffer.GPServer"]
        assert facts["missing"] == ["Gone/*", "System/Gone.GPServer"]
        with pytest.raises(UnknownService, match="runs synchronously"):
            asked.query(services=[{"name": "Analysis/QuickLook", "missing": "ignore"}])


# --- what an account may not see ---------------------------------------------------------------------------------


def login(asked: t.Any, name: str) -> None:
    asked.connection.update(username=name, password=f"rehearsal-Passw0rd-{name}")


@pytest.mark.parametrize("listing", ["shown", "hidden"])
def test_a_site_that_hides_its_system_folder_was_not_seen(asked_site: t.Any, api: str, listing: str) -> None:
    with asked_site("forbidden", api=api, forbidden_listing=listing) as asked:
        login(asked, "nosystem")
        facts = asked.query()
        assert (facts["discovery"], facts["complete"]) == ("partial", False)
        assert facts["counts"]["active"] is None
        assert any("System" in one["name"] for one in facts["unseen"])
        facts = asked.query(exclude_services=["System/*"])
        if listing == "hidden":
            assert facts["complete"] is True


def test_a_service_that_may_not_be_read(asked_site: t.Any, api: str) -> None:
    with asked_site("forbidden", api=api) as asked:
        login(asked, "nobuffer")
        facts = asked.query()
        assert facts["complete"] is False
        assert [one["name"] for one in facts["unseen"]] == ["Analysis/Buffer.GPServer"]
        buffer = next(one for one in facts["services"] if one["service"] == "Analysis/Buffer.GPServer")
        assert (buffer["complete"], buffer["total"], buffer["error"]["kind"]) == (False, None, "NotAllowed")
        assert {*buffer["counts"].values()} == {None}
        with pytest.raises(NotAllowed, match="may not read this"):
            asked.query(services=["Analysis/Buffer"])
        assert asked.query(services=["Analysis/Clip"])["complete"] is True


def test_a_listing_without_the_service_that_every_site_has(asked_site: t.Any, api: str) -> None:
    scenario: dict[str, t.Any] = {"services": {"Analysis/Buffer": {}}}
    with asked_site(scenario, api=api) as asked:
        facts = asked.query()
        assert (facts["discovery"], facts["complete"], facts["unseen"][0]["name"]) == ("partial", False, PUBLISHING)
        assert "exclude it if this site really has none" in facts["unseen"][0]["why"]
        facts = asked.query(exclude_services=["System/PublishingTools"])
        assert (facts["discovery"], facts["complete"]) == ("complete", True)


@pytest.mark.parametrize("body", [{}, {"services": None}, {"services": [{"serviceName": "x"}]}, {"services": "all"}])
def test_a_listing_that_cannot_be_read_is_no_empty_one(asked_site: t.Any, api: str, body: t.Any) -> None:
    with asked_site("truth_table", api=api) as asked:
        asked.site.faults.add({"fault": "custom", "body": body, "match": {"path": "/services/System"}})
        with pytest.raises(NotUnderstood, match="list of services"):
            asked.query(retries=0)


@pytest.mark.parametrize("path", ["/services", "/services/Analysis"])
def test_what_may_be_missing_is_only_missing_where_the_site_lists_no_such(
    asked_site: t.Any, api: str, path: str
) -> None:
    """Something on the way says of all that it is not there."""
    with asked_site("truth_table", api=api) as asked:
        asked.site.faults.add({"fault": "error404", "match": {"path": path}})
        with pytest.raises(GpError):
            asked.query(services=[{"name": "Analysis/Buffer", "missing": "ignore"}])


@pytest.mark.parametrize("fault", ["error500", "html_login"])
def test_a_folder_that_fails(asked_site: t.Any, api: str, fault: str) -> None:
    with asked_site("truth_table", api=api) as asked:
        asked.site.faults.add({"fault": fault, "match": {"path": r"/services/Empty\?"}})
        with pytest.raises(GpError):
            asked.query(retries=0)


def test_a_folder_that_is_listed_and_not_found_is_not_seen(asked_site: t.Any, api: str) -> None:
    with asked_site("truth_table", api=api) as asked:
        asked.site.faults.add({"fault": "error404", "match": {"path": r"/services/Empty\?"}})
        facts = asked.query()
        assert (facts["complete"], facts["discovery"]) == (False, "partial")
        assert "lists the folder 'Empty'" in facts["unseen"][0]["why"]


def ghosts(asked: t.Any, *, folder: str | None = None, service: str | None = None) -> None:
    """Lets the site list at first what it does not have any more."""
    listing: dict[str, t.Any] = {"fault": "edited", "match": {"path": r"/services\?", "times": 1}}
    put: dict[str, t.Any] = {}
    if folder is not None:
        put["folders"] = ["System", "Analysis", "Empty", folder]
    if service is not None:
        put["services"] = [{"serviceName": service, "type": "GPServer"}]
    asked.site.faults.add({**listing, "put": put})


def test_a_folder_that_is_gone_since_it_was_listed(asked_site: t.Any, api: str) -> None:
    with asked_site("truth_table", api=api) as asked:
        ghosts(asked, folder="Ghosts")
        assert asked.query()["complete"] is True


def test_a_service_that_is_gone_since_it_was_listed(asked_site: t.Any, api: str) -> None:
    with asked_site("truth_table", api=api) as asked:
        ghosts(asked, service="Ghost")
        facts = asked.query()
        assert facts["complete"] is True
        assert "Ghost.GPServer" not in names(facts)
        assert any("Ghost.GPServer is gone" in text for text in asked.warnings)


def test_a_site_that_lists_new_services_each_time_was_not_seen(asked_site: t.Any, api: str) -> None:
    names_of_all = ["A", "B", "C", "D"]
    scenario: dict[str, t.Any] = {"services": {"System/PublishingTools": {}, **{name: {} for name in names_of_all}}}
    with asked_site(scenario, api=api) as asked:
        for number in (1, 2, 3):
            shown = [{"serviceName": name, "type": "GPServer"} for name in names_of_all[:number]]
            rule = {"fault": "edited", "match": {"path": r"/services\?", "times": 1}, "put": {"services": shown}}
            asked.site.faults.add(rule)
        facts = asked.query()
        assert (facts["complete"], facts["discovery"], facts["counts"]["active"]) == (False, "partial", None)
        assert [one["name"] for one in facts["unseen"]] == ["D.GPServer"]


def test_a_service_that_is_listed_and_not_found_is_not_gone(asked_site: t.Any, api: str) -> None:
    """Something on the way says so, and its jobs go on."""
    with asked_site("truth_table", api=api) as asked:
        asked.site.faults.add({"fault": "error404", "match": {"path": "/Buffer.GPServer"}})
        with pytest.raises(NotUnderstood, match=r"lists Buffer\.GPServer, and says that it does not have its jobs"):
            asked.query()


def test_a_release_without_jobs(asked_site: t.Any, api: str) -> None:
    with asked_site("truth_table", api=api) as asked:
        asked.site.faults.add({"fault": "error404", "match": {"path": r"/jobs/query"}})
        with pytest.raises(UnknownService, match="but the site has no jobs resource for it") as caught:
            asked.query(services=["Buffer"])
        assert "10.6.1" in str(caught.value)
        with pytest.raises(NotUnderstood, match="says that it does not have its jobs"):
            asked.query(services=["*"])
