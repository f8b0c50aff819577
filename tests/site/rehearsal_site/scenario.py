# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenarios: a site's state as a YAML document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import yaml

from .accounts import Lockouts, default_accounts, parse_account
from .arrivals import parse_arrival
from .faults import FaultBook
from .site import Layout, Site
from .store import Store, parse_service
from .times import parse_duration, parse_moment

Source: TypeAlias = "Mapping[str, object] | str | Path | None"
SECTIONS = frozenset("site clock switches accounts folders services jobs history arrivals faults".split())
LAYOUT_KEYS = frozenset("api context federated portal_context portal_own_port".split())
_PACKAGE = Path(__file__).resolve().parent
# Inside the package once it is installed, beside it in a checkout.
SCENARIOS = next(path for path in (_PACKAGE / "scenarios", _PACKAGE.parent / "scenarios") if path.is_dir())


def read(source: Source) -> dict[str, object]:
    """A scenario from a mapping, a file, or the name of one that comes with the site; None is an empty site."""
    if source is None:
        return {}
    if isinstance(source, Mapping):
        return dict(source)
    path = Path(source)
    if not path.exists():
        named = SCENARIOS / (path.name if path.suffix else f"{path.name}.yml")
        if not named.exists():
            known = ", ".join(sorted(file.stem for file in SCENARIOS.glob("*.yml")))
            raise ValueError(f"there is no scenario {source}; those that come with the site: {known}")
        path = named
    document = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    if not isinstance(document, dict):
        raise ValueError(f"{path} is no mapping")
    return document


def build(document: Mapping[str, object], **layout: object) -> Site:
    """A site as the scenario says; keywords that are not None win over its ``site`` section."""
    section = _mapping(document.get("site"), "site")
    unknown = set(section) - LAYOUT_KEYS - {"seed", "delay"}
    if unknown:
        raise ValueError(f"site has no {', '.join(sorted(unknown))}")
    values = {key: value for key, value in section.items() if key in LAYOUT_KEYS}
    values.update({key: value for key, value in layout.items() if value is not None})
    values.setdefault("api", "kubernetes")
    values.setdefault("context", "context" if values["api"] == "kubernetes" else "arcgis")
    site = Site(Layout(**values))  # type: ignore[arg-type]
    load(site, document)
    return site


def load(site: Site, document: Mapping[str, object]) -> None:
    """Put a site into the state of a scenario. A wrong scenario changes nothing."""
    unknown = set(document) - SECTIONS
    if unknown:
        raise ValueError(f"a scenario has no {', '.join(sorted(unknown))}; it has {', '.join(sorted(SECTIONS))}")
    with site.lock:
        clock = site.clock.state()
        try:
            _load(site, document)
        except BaseException:
            site.clock.restore(clock)
            raise


def _load(site: Site, document: Mapping[str, object]) -> None:
    """The clock first, for all relative times are of it; then everything is made, and only then put in place."""
    section = _mapping(document.get("site"), "site")
    set_clock(site, _mapping(document.get("clock"), "clock"), fresh=True)
    now = site.clock.now()
    store = Store(int(str(section.get("seed", 1))))
    _fill(store, document, now)
    arrivals = [parse_arrival(item, store) for item in _items(document.get("arrivals"), "arrivals")]
    faults = FaultBook()
    for item in _items(document.get("faults"), "faults"):
        faults.add(item)
    accounts = {account.name: account for account in default_accounts()}
    accounts |= {account.name: account for account in map(parse_account, _items(document.get("accounts"), "accounts"))}
    switches = _mapping(document.get("switches"), "switches")
    type(site.switches)(switches)  # raises before anything is changed
    delay = parse_duration(section.get("delay", 0)) / 1000

    site.switches.reset()
    site.switches.update(switches)
    site.store, site.arrivals, site.faults, site.delay = store, arrivals, faults, delay
    site.desk.accounts = accounts
    site.desk.tokens.clear()
    site.desk.lockouts = Lockouts()
    site.clear_log()
    site.forget()


def set_clock(site: Site, data: Mapping[str, object], *, fresh: bool = False) -> None:
    """``{at, offset, advance, speed, frozen}``, in this order."""
    unknown = set(data) - {"at", "offset", "advance", "speed", "frozen"}
    if unknown:
        raise ValueError(f"clock has no {', '.join(sorted(unknown))}")
    clock = site.clock
    if fresh:
        clock.restart()
    if "at" in data:
        clock.set(parse_moment(data["at"], clock.now()))
    for key in ("offset", "advance"):
        if key in data:
            text = str(data[key])
            sign = -1 if text.startswith("-") else 1
            clock.advance(sign * parse_duration(text.lstrip("-+")))
    if "speed" in data:
        clock.set_speed(float(str(data["speed"])))
    if "frozen" in data:
        if data["frozen"]:
            clock.freeze()
        else:
            clock.run()


def _fill(store: Store, document: Mapping[str, object], now: int) -> None:
    folders = document.get("folders") or []
    if isinstance(folders, Mapping):
        for name, description in folders.items():
            store.add_folder(str(name), str(description or ""))
    elif isinstance(folders, Sequence):
        for name in folders:
            store.add_folder(str(name))
    for name, data in _mapping(document.get("services"), "services").items():
        properties = _mapping(data, f"service {name}")
        add_service(store, name, properties, now)
    for item in _items(document.get("jobs"), "jobs"):
        store.add_jobs(str(item["service"]), item, now)
    for item in _items(document.get("history"), "history"):
        store.add_history(str(item["service"]), {key: item[key] for key in item if key != "service"}, now)


def add_service(store: Store, name: str, properties: Mapping[str, object], now: int) -> str:
    """A service with the jobs and the history that its properties list; gives its full name."""
    service = store.add_service(parse_service(name, properties))
    for item in _items(properties.get("jobs"), f"jobs of {name}"):
        store.add_jobs(service.key, item, now)
    if properties.get("history") is not None:
        store.add_history(service.key, _mapping(properties["history"], f"history of {name}"), now)
    return service.key


def _mapping(value: object, name: str) -> dict[str, object]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ValueError(f"{name} is a mapping, not {value!r}")
    return {str(key): item for key, item in value.items()}


def _items(value: object, name: str) -> list[dict[str, object]]:
    if value is None:
        return []
    if isinstance(value, Mapping):
        value = [value]
    if not isinstance(value, list):
        raise ValueError(f"{name} is a list, not {value!r}")
    return [_mapping(item, f"an entry of {name}") for item in value]
