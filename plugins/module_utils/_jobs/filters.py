# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The query options, read and checked before anything is sent."""

from __future__ import annotations

import typing as t

from .. import _options, _services, _statuses, _times
from .._errors import BadOption
from .._services import Entry, Service
from .._times import Moment
from .._wire.dialects import JobFilter

CLOCK_SLACK = 60.0
"""Seconds by which two clocks may differ although both are right."""


class Filters(t.NamedTuple):
    """What is asked for. ``statuses`` is every status unless some were asked for."""

    services: tuple[Entry, ...]
    exclude: tuple[Entry, ...]
    statuses: tuple[str, ...]
    asks_all_statuses: bool
    start_time: Moment | None
    end_time: Moment | None
    ended_after: Moment | None
    user_name: str | None
    machine_name: str | None
    number: int
    start: int
    limit: int | None
    detail: str
    include: tuple[str, ...] = ()
    enough: int | None = None
    detail_limit: int | None = None
    message_limit: int | None = None
    retention: float | None = None
    """Seconds that the site keeps finished jobs, as the user says."""

    @classmethod
    def read(cls, get: _options.Read) -> Filters:
        """Read the options.

        :param get: gives the value of an option by its name, None if it was not given.
        :raises BadOption: for a value that no query can have.
        """

        def text(name: str) -> str | None:
            value = get(name)
            return str(value).strip() or None if value is not None else None

        def number(name: str, least: int = 1) -> int | None:
            value = get(name)
            if value is None or value == "":
                return None
            _options.check_range(name, value, least)
            return int(value)

        def moment(name: str) -> Moment | None:
            value = text(name)
            return _times.parse_moment(value, name) if value is not None else None

        words = [word for word in get("job_status") or () if str(word).strip()]
        retention = text("retention")
        filters = cls(
            services=_services.parse_entries(get("services") or (), "services"),
            exclude=_services.parse_entries(get("exclude_services") or (), "exclude_services"),
            statuses=_statuses.parse(words) if words else _statuses.STATUSES,
            asks_all_statuses=not words,
            start_time=moment("start_time"),
            end_time=moment("end_time"),
            ended_after=moment("ended_after"),
            user_name=text("user_name"),
            machine_name=text("machine_name"),
            number=number("number") or _options.default_of("number"),
            start=number("start") or 1,
            limit=number("limit"),
            detail=text("detail") or _options.default_of("detail"),
            include=tuple(get("include") or ()),
            enough=number("enough"),
            detail_limit=number("detail_limit", least=0),
            message_limit=number("message_limit", least=0),
            retention=_times.parse_duration(retention, "retention") if retention is not None else None,
        )
        filters._check()
        return filters

    def _check(self) -> None:
        if self.start_time and self.end_time and (self.start_time.fixed is None) == (self.end_time.fixed is None):
            self._check_order(0.0)
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
        """Refuse times that no job can meet yet, as soon as the site's clock is known.

        :param now: epoch seconds of the site's clock.
        :raises BadOption: for a window that lies in the future or ends before it begins.
        """
        self._check_order(now)
        for option, moment in (("start_time", self.start_time), ("ended_after", self.ended_after)):
            if moment is not None and moment.at(now) > now + CLOCK_SLACK:
                raise BadOption(
                    f"{_times.iso(moment.at(now))} lies in the future of the site's clock ({_times.iso(now)})",
                    where=f"option {option}",
                    cure="No job can have come so far; give a time that has passed.",
                )

    def _check_order(self, now: float) -> None:
        if self.start_time and self.end_time and self.start_time.at(now) > self.end_time.at(now):
            raise BadOption(
                "start_time is after end_time",
                where="options start_time and end_time",
                cure="Swap them, or leave one out.",
            )

    @property
    def is_one_listing(self) -> bool:
        """Whether the jobs asked for are one listing of the site, in the order in which it pages."""
        is_one_filter = len(self.statuses) == 1 and self.statuses[0] in _statuses.FILTER_WORDS
        return self.ended_after is None and (self.asks_all_statuses or is_one_filter)

    @property
    def is_slice(self) -> bool:
        """Whether only a part of each listing is asked for."""
        return (self.limit is not None or self.start > 1) and self.is_one_listing

    @property
    def asks_for_active(self) -> bool:
        return any(status in _statuses.ACTIVE for status in self.statuses)

    @property
    def asks_for_finished(self) -> bool:
        return any(status in _statuses.FINISHED for status in self.statuses)

    @property
    def needs_ids(self) -> bool:
        """Whether finished jobs have to be known one by one, and not only counted."""
        return self.detail != "counts" or self.ended_after is not None

    @property
    def is_windowed(self) -> bool:
        """Whether the site's own time filter is used."""
        return self.start_time is not None or self.end_time is not None

    @property
    def is_timed(self) -> bool:
        """Whether the answer depends on what time it is."""
        return self.is_windowed or self.ended_after is not None

    @property
    def is_narrowed(self) -> bool:
        """Whether the site filters by more than the status, so that no active job among these proves little."""
        return self.is_windowed or self.user_name is not None or self.machine_name is not None

    def looks_back_to(self, now: float) -> float | None:
        """Tell from when on finished jobs are asked for, in epoch seconds; None if no time is given."""
        moment = self.ended_after or self.start_time
        return moment.at(now) if moment is not None else None

    def job_filter(self, now: float) -> JobFilter:
        """Give the site's filters but the status, with times fixed by ``now`` (epoch seconds)."""
        return JobFilter(
            start_time=self.start_time.at(now) if self.start_time else None,
            end_time=self.end_time.at(now) if self.end_time else None,
            user_name=self.user_name,
            machine_name=self.machine_name,
        )

    def excludes(self, service: Service) -> bool:
        return any(entry.matches(service) for entry in self.exclude)
