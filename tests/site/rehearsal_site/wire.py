# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A request as the handlers see it, and a reply as they give it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from multidict import CIMultiDictProxy, MultiDict, MultiMapping


@dataclass
class Request:
    """Method, path segments below the context, and the parameters of query string and form together."""

    method: str
    segments: list[str]
    query: MultiMapping[str]
    form: MultiMapping[str]
    headers: CIMultiDictProxy[str]
    remote: str
    base: str  # https://host:port/context, as the client named it
    origin: str  # https://host:port
    port: int = 0
    params: MultiDict[str] = field(default_factory=MultiDict)
    kind: str = "other"  # for the counters

    def __post_init__(self) -> None:
        self.params = MultiDict(self.query)
        self.params.extend(self.form)

    @property
    def wants_json(self) -> bool:
        return self.params.get("f", "html") in ("json", "pjson")

    @property
    def pretty(self) -> bool:
        return self.params.get("f") == "pjson"

    def flag(self, name: str, default: bool = False) -> bool:
        value = self.params.get(name, "").lower()
        return value == "true" if value else default


@dataclass
class Reply:
    """What a handler gives: data that becomes JSON or a page, or ready bytes with a type of their own."""

    data: object = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    content_type: str = "application/json"
    side: str = "admin"
    error: bool = False
