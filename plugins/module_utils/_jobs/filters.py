# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What is asked, from the query options: checked before anything is sent."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .. import _options, _services, _times
from .. import _statuses as _status
from .._errors import BadOption
from .._services import Entry, Service
from .._times import Moment
from .._wire.responses import fold

CLOCK_SLACK = 60.0
"""So many seconds two clocks may differ without anybody being wrong."""


@dataclass(frozen=True)
class Ask:
    """The filters of one jobs/query, in our own terms (times in epoch seconds)."""

    statuses: tuple[str, ...] = ()
    start_time: float | None = None
    end_time: float | None = None
    user_name: str | None = None
    machine_name: str | None = None


@dataclass(frozen=True)
class Question:
    """The query options, parsed. ``statuses`` is every status where none was asked for."""

    services: tuple[Entry, ...]
    exclude: tuple[Entry, ...]
    statuses: tuple[str, ...]
    asks_all_statuses: bool
    start_time: Moment | None
    end_time: Moment | None
    ended_after: Moment | None
    user_name: str | None
    machine_name: str | None
    page_size: int
    start: int
    limit: int | None
    detail: str
    include: tuple[str, ...] = ()
    enough: int | None = None
    message_limit: int | None = None

    @classmethod
    def read(cls, get: _options.Read) -> Question:
        """The question that these options ask; raises BadOption."""

        def text(name: str) -> str | None:
            value = get(name)
            return str(value).strip() or None if value is not None else None

        def number(name: str, otherwise: int | None, least: int = 1) -> int | None:
            value = get(name)
            if value is None or value == "":
                return otherwise
            _options.check_range(name, value, least)
            return int(value)

        def moment(name: str) -> Moment | None:
            value = text(name)
            return _times.parse_moment(value, name) if value is not None else None

        words = [word for word in get("job_status") or () if str(word).strip()]
        question = cls(
            services=_services.parse_entries(get("services") or (), "services"),
            exclude=_services.parse_entries(get("exclude_services") or (), "exclude_services"),
            statuses=_status.parse(words) if words else _status.STATUSES,
            asks_all_statuses=not words,
            start_time=moment("start_time"),
            end_time=moment("end_time"),
            ended_after=moment("ended_after"),
            user_name=text("user_name"),
            machine_name=text("machine_name"),
            page_size=t.cast(int, number("number", _options.default_of("number"))),
            start=t.cast(int, number("start", 1)),
            limit=number("limit", None),
            detail=text("detail") or _options.default_of("detail"),
            include=tuple(get("include") or ()),
            enough=number("enough", None),
            message_limit=number("message_limit", None, least=0),
        )
        question._check()
        return question

    def _check(self) -> None:
        if self.start_time and self.end_time and (self.start_time.fixed is None) == (self.end_time.fixed is None):
            self.check_order(0.0)
        if self.detail == "counts" and (self.limit is not None or self.start > 1):
            name = "limit" if self.limit is not None else "start"
            raise BadOption(
                "Counts are of all jobs, so there is nothing to cut",
                where=f"option {name}",
                cure="Add detail: jobs (or full), or leave it out.",
            )
        for option, is_given in (("enough", self.enough is not None), ("include", "succeeded" in self.include)):
            if is_given and self.ended_after is None:
                raise BadOption(
                    "It is about the jobs that ended after a time, and no time is given",
                    where=f"option {option}",
                    cure="Add ended_after, or leave it out.",
                )
        if self.start > 1 and (len(self.services) != 1 or self.services[0].is_pattern or not self.is_one_listing):
            raise BadOption(
                "A start is a place in one listing",
                where="option start",
                cure="Ask for one service by its name, and for one status or for all, without ended_after.",
            )

    def check_clock(self, now: float) -> None:
        """Refuses times that no job can meet yet, now that the site's clock is known."""
        self.check_order(now)
        for option, moment in (("start_time", self.start_time), ("ended_after", self.ended_after)):
            if moment is not None and moment.at(now) > now + CLOCK_SLACK:
                raise BadOption(
                    f"{_times.iso(moment.at(now))} lies in the future of the site's clock ({_times.iso(now)})",
                    where=f"option {option}",
                    cure="No job can have come so far; give a time that has passed.",
                )

    def check_order(self, now: float) -> None:
        """Refuses a window that ends before it starts."""
        if self.start_time and self.end_time and self.start_time.at(now) > self.end_time.at(now):
            raise BadOption(
                "start_time is after end_time",
                where="options start_time and end_time",
                cure="Swap them, or leave one out.",
            )

    @property
    def is_one_listing(self) -> bool:
        """Whether the jobs asked for are one listing of the site, in the order in which it pages."""
        filterable = len(self.statuses) == 1 and self.statuses[0] in _status.FILTER_WORDS
        return self.ended_after is None and (self.asks_all_statuses or filterable)

    @property
    def is_windowed(self) -> bool:
        """Whether the site's own time filter is used."""
        return self.start_time is not None or self.end_time is not None

    @property
    def is_timed(self) -> bool:
        """Whether what is asked for depends on what time it is."""
        return self.is_windowed or self.ended_after is not None

    @property
    def is_narrowed(self) -> bool:
        """Whether anything but the status narrows what is counted, so that zero active jobs would mean little."""
        return self.is_windowed or self.user_name is not None or self.machine_name is not None

    def ask(self, now: float) -> Ask:
        """The filters of this question, less the status, with its times fixed by the site's now."""
        return Ask(
            start_time=self.start_time.at(now) if self.start_time else None,
            end_time=self.end_time.at(now) if self.end_time else None,
            user_name=self.user_name,
            machine_name=self.machine_name,
        )

    def excludes(self, service: Service) -> bool:
        """Whether ``exclude_services`` means that service."""
        return any(entry.matches(service) for entry in self.exclude)


def echoed_statuses(echo: t.Mapping[str, t.Any]) -> list[str] | None:
    """The statuses that the site says it filtered by, in our words; None where its echo names none."""
    members = fold(echo)
    said = members.get("status", members.get("jobstatus"))
    if not said:
        return None
    return [_status.normalise(word) for word in (said if isinstance(said, list) else str(said).split(","))]
