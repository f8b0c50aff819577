# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Decide when to measure again, and note what changed in between. Pure: it is told the time, and waits for nobody."""

from __future__ import annotations

import typing as t
from dataclasses import asdict, dataclass

from ...module_utils import _times
from ...module_utils._errors import BadOption
from ...module_utils._options import Read, check_range, check_waiting, default_of
from . import wording
from .facts import SiteFacts
from .verdict import Verdict

_LEAST_PAUSE = 1.0
_WATCHED = ("active", "executing", "queued", "stopped", "silent")
"""The rules that a service breaks by itself, so that it can be watched without the others."""


@dataclass(frozen=True)
class Waiting:
    """How long to wait for a verdict that may still get better, in seconds."""

    wait: float = 0.0
    poll_interval: float = 10.0
    steady: int = 1
    """So many polls in a row have to be passed."""

    @classmethod
    def read(cls, get: Read) -> Waiting:
        """Read the options; raises BadOption."""
        steady = default_of("steady") if get("steady") is None else int(get("steady"))
        check_range("steady", steady, 1)
        waiting = cls(
            wait=check_waiting("wait", get("wait")),
            poll_interval=check_waiting("poll_interval", get("poll_interval"), _LEAST_PAUSE),
            steady=steady,
        )
        needed = (steady - 1) * waiting.poll_interval
        if needed > waiting.wait:
            raise BadOption(
                f"{steady} clean polls in a row take {_times.spell(needed)}, which is longer than "
                f"{_times.spell(waiting.wait)}",
                where="option wait",
                cure=f"Use {_times.spell(needed)} or more, or lower steady or poll_interval.",
            )
        return waiting

    def to_result(self) -> dict[str, t.Any]:
        return asdict(self)


class Polls:
    """Decides after each measurement whether there is another one.

    There are at most ``wait / poll_interval + steady`` polls, of two measurements each.
    """

    def __init__(self, waiting: Waiting) -> None:
        self._waiting = waiting
        self._clean = 0
        self.number = 0

    def pause(self, verdict: Verdict, seconds: float, *, is_part: bool = False) -> float | None:
        """Return the seconds until the next measurement; None if this one decides.

        :param seconds: since the first measurement was begun.
        :param is_part: whether only some services were measured. That decides nothing: if they do not have to be
            waited for any longer, the pause is 0, and the whole site is to be measured.
        """
        left = self.left(seconds)
        goes_on = not verdict.passed and verdict.may_heal and left >= _LEAST_PAUSE
        if is_part and not goes_on:
            return 0.0
        self.number += 1
        self._clean = self._clean + 1 if verdict.passed else 0
        if 0 < self._clean < self._waiting.steady:
            return self._waiting.poll_interval
        return min(self._waiting.poll_interval, left) if goes_on else None

    def left(self, seconds: float) -> float:
        """Return the seconds of the wait that are left."""
        return max(0.0, self._waiting.wait - seconds)


def to_watch(verdict: Verdict, facts: SiteFacts, *, is_part: bool = False) -> tuple[str, ...]:
    """Return the services that alone keep a verdict from being passed; none if the whole site has to be measured.

    :param is_part: whether the facts are of some services only.
    """
    if any(reason.service is None or reason.rule not in _WATCHED for reason in verdict.reasons):
        return ()
    names = {str(reason.service) for reason in verdict.reasons}
    return tuple(sorted(names)) if is_part or len(names) < len(facts.services) else ()


class Changes:
    """Which active jobs came and went since the first measurement, and since the last."""

    def __init__(self) -> None:
        self._seen: set[tuple[str, str]] | None = None
        self._last: set[tuple[str, str]] = set()
        self.arrived = 0
        self.ended = 0
        self.lately = (0, 0)
        """Those that arrived and that ended since the measurement before."""

    def note(self, facts: SiteFacts, watched: t.Collection[str] = ()) -> None:
        """Take note of active jobs. Those of a service that was not seen, or not watched, are taken to be there."""
        active = {(job.service, job.job_id) for service in facts.services for job in service.jobs if job.is_active}
        dark = {service.name for service in facts.services if not service.is_complete} | facts.unseen.keys()
        active |= {one for one in self._last if one[0] in dark or (watched and one[0] not in watched)}
        if self._seen is None:
            self._seen = set()
        else:
            came, went = active - self._last, self._last - active
            self.lately = len(came), len(went)
            self.arrived += len(came - self._seen)
            self.ended += len(went)
        self._seen |= active
        self._last = active

    def __str__(self) -> str:
        """What came of the wait, for a message."""
        ended, arrived = wording.count(self.ended, "job"), wording.count(self.arrived, "job")
        return f"{ended} ended and {arrived} arrived meanwhile"
