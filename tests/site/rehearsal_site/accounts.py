# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts, their rights, and the lockout after wrong passwords."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from .switches import Switches

# Privileges of custom roles with which jobs may be asked for and read: any one is enough.
READ_PRIVILEGES = {
    "kubernetes": frozenset({"Feature layer", "Geoprocessing"}),
    "server": frozenset({"Update", "Delete", "Security and Infrastructure", "Servers"}),
}


@dataclass
class Account:
    """Somebody who can log in. ``psa`` is the primary site administrator, kept by the server itself."""

    name: str
    password: str
    role: str = "viewer"  # administrator | publisher | viewer | custom
    psa: bool = False
    privileges: frozenset[str] = frozenset()
    forbidden: frozenset[str] = frozenset()
    disabled: bool = False

    @property
    def administrator(self) -> bool:
        return self.role == "administrator"

    def may_read_jobs(self, api: str) -> bool:
        return self.role in ("administrator", "publisher") or bool(self.privileges & READ_PRIVILEGES[api])

    def may_see(self, folder: str, service: str | None = None) -> bool:
        names = {folder} if folder else set()
        if service is not None:
            names |= {service, service.removesuffix(".GPServer")}
        return not names & self.forbidden


def default_accounts() -> list[Account]:
    """Test accounts: their passwords are no secrets, and the README prints them."""
    return [
        Account("siteadmin", "rehearsal-Passw0rd-siteadmin", "administrator", psa=True),
        Account("publisher", "rehearsal-Passw0rd-publisher", "publisher"),
        Account("viewer", "rehearsal-Passw0rd-viewer", "viewer"),
    ]


def parse_account(data: Mapping[str, object]) -> Account:
    unknown = set(data) - {"name", "password", "role", "psa", "privileges", "forbidden", "disabled"}
    if unknown:
        raise ValueError(f"an account has no {', '.join(sorted(unknown))}")
    role = str(data.get("role", "viewer"))
    if role not in ("administrator", "publisher", "viewer", "custom"):
        raise ValueError(
            f"account {data.get('name')}: role {role!r} is none of administrator, publisher, viewer, custom"
        )
    return Account(
        name=str(data["name"]),
        password=str(data.get("password", f"rehearsal-Passw0rd-{data['name']}")),
        role=role,
        psa=bool(data.get("psa", False)),
        privileges=_names(data.get("privileges")),
        forbidden=_names(data.get("forbidden")),
        disabled=bool(data.get("disabled", False)),
    )


def _names(value: object) -> frozenset[str]:
    return frozenset(str(item) for item in value) if isinstance(value, list) else frozenset()


@dataclass
class Lockouts:
    """Wrong passwords by store and name, on the site's clock."""

    wrong: dict[tuple[str, str], deque[int]] = field(default_factory=dict)
    locked_until: dict[tuple[str, str], int] = field(default_factory=dict)

    def locked(self, store: str, name: str, now: int) -> bool:
        return self.locked_until.get((store, name), 0) > now

    def note_wrong(self, store: str, name: str, now: int, switches: Switches) -> None:
        if not switches["lockout"]:
            return
        minutes = switches.number("lockout_minutes") * 60_000
        tries = self.wrong.setdefault((store, name), deque())
        tries.append(now)
        while tries and tries[0] <= now - minutes:
            tries.popleft()
        if len(tries) >= switches.number("lockout_attempts"):
            self.locked_until[(store, name)] = now + minutes
            tries.clear()

    def note_right(self, store: str, name: str) -> None:
        self.wrong.pop((store, name), None)
