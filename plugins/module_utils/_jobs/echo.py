# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Whether an answer is one to the question: what the site repeats of the query, and what it shows."""

from __future__ import annotations

import typing as t

from .. import _services, _statuses, _times
from .._errors import NotHonoured, NotUnderstood
from .._services import Service
from .._wire.dialects import JobFilter
from .._wire.responses import Page, fold

_ROUNDED = 1.0
"""Seconds: some sites keep whole ones."""
_LATE = 300.0
"""Seconds before now that an end time may be which nobody asked for: its documented default is now."""


def check_answer(page: Page, service: Service, asked: JobFilter, start: int, now: float, where: str) -> None:
    """Refuse a page that answers another question.

    A member that the echo leaves out says nothing. One that is there must be what was asked for, no more and no less.

    :param start: the place that the page was asked from.
    :param now: epoch seconds of the site's clock.
    :raises NotHonoured: if the filter by status was not honoured.
    :raises NotUnderstood: for any other difference; it may be another request's answer.
    """
    echo = fold(page.echo)
    if page.start is not None and page.start != start:
        raise _other("start", page.start, start, where)
    name = echo.get("servicename")
    if name and not _is_name_of(str(name), service):
        raise _other("serviceName", name, service, where)
    for key, wanted in (("username", asked.user_name), ("machinename", asked.machine_name)):
        said = echo.get(key)
        if key in echo and str(said or "").casefold() != (wanted or "").casefold():
            raise _other(key, said, wanted or "nobody in particular", where)
    _check_times(echo, asked, now, where)
    _check_status(page, echo, asked, where)


def _check_status(page: Page, echo: dict[str, t.Any], asked: JobFilter, where: str) -> None:
    said = echo.get("status", echo.get("jobstatus"))
    words = said if isinstance(said, list) else str(said).split(",") if said else []
    echoed = {_statuses.normalise(word) for word in words}
    if asked.status is None:
        if echoed:
            raise _other("status", said, "any status", where)
        return
    has_echo = "status" in echo or "jobstatus" in echo
    shown = {_statuses.normalise(word) for word in page.jobs.values() if word is not None}
    is_proven = has_echo or (shown and None not in page.jobs.values()) or not page.jobs
    if (has_echo and echoed != {asked.status}) or shown - {asked.status} or not is_proven:
        raise NotHonoured(
            f"The site does not honour the filter by status ({asked.status})",
            where=where,
            cure="Leave out job_status, start and limit: then every job is read and counted here.",
        )


def _check_times(echo: dict[str, t.Any], asked: JobFilter, now: float, where: str) -> None:
    for key, wanted in (("starttime", asked.start_time), ("endtime", asked.end_time)):
        said = _times.from_wire(echo.get(key))
        if said is None or said <= _ROUNDED:
            if said is None and key in echo and wanted is not None:
                raise _other(key, echo[key], _times.iso(wanted), where)
            continue  # nothing, or the earliest time there is
        is_default = key == "endtime" and wanted is None and said >= now - _LATE
        if not is_default and (wanted is None or abs(said - wanted) > _ROUNDED):
            raise _other(key, echo[key], _times.iso(wanted) or "no time", where)


def _is_name_of(name: str, service: Service) -> bool:
    said = _services.compared(name)
    spellings = [*_services.spellings(service), service.name, f"{service.name}.{service.type}"]
    return said in {_services.compared(one) for one in spellings}


def _other(key: str, said: t.Any, asked: t.Any, where: str) -> NotUnderstood:
    return NotUnderstood(
        f"The site answers another question: {key} is '{str(said)[:100]}', and '{asked}' was asked for",
        where=where,
        cure="Ask again; if it stays, look at what stands in front of the site, or report how it answers.",
        transient=True,
    )
