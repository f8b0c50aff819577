# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Polling: when to measure again, and what changed in between. Pure: it is told the time, and waits for nobody."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ...module_utils import _statuses as _status
from ...module_utils import _times
from ...module_utils._errors import BadOption
from ...module_utils._options import Read, check_range, check_waiting, default_of, is_given
from . import wording as _telling
from .policy import age_of
from .rules import whole
from .verdict import INCONCLUSIVE, Reason, Verdict

_MOST_SERVICES = 4
"""So many services a progress line tells of."""
_LONGEST_ERROR = 160
_LEAST_PAUSE = 1.0
_SLOWEST = 6.0
"""The longest pause is so many times the shortest, unless it is given."""
_OF_DISTANCE = 1 / 3
_OF_AGE = 1 / 10

Key = tuple[str, str]


@dataclass(frozen=True)
class Patience:
    """How long to wait for a verdict that may still get better; all in seconds."""

    steady: int = 1
    poll_interval: float = 10.0
    wait: float = 0.0
    initial_delay: float = 0.0
    error_limit: int = 3
    startup_wait: float = 0.0
    poll_interval_max: float = 60.0

    @classmethod
    def read(cls, get: Read) -> Patience:
        """The patience of these options; raises BadOption."""

        def number(name: str) -> int:
            value = get(name)
            value = default_of(name) if value is None else value
            check_range(name, value, 1)
            return int(value)

        shortest = check_waiting("poll_interval", get("poll_interval"), _LEAST_PAUSE)
        longest = shortest * _SLOWEST
        if is_given(get("poll_interval_max")):
            longest = check_waiting("poll_interval_max", get("poll_interval_max"))
            if longest < shortest:
                raise BadOption(
                    f"{_times.spell(longest)} is shorter than poll_interval",
                    where="option poll_interval_max",
                    cure=f"Use {_times.spell(shortest)} or more, or leave it out.",
                )
        patience = cls(
            steady=number("steady"),
            poll_interval=shortest,
            poll_interval_max=longest,
            wait=check_waiting("wait", get("wait")),
            initial_delay=check_waiting("initial_delay", get("initial_delay")),
            error_limit=number("error_limit"),
            startup_wait=check_waiting("startup_wait", get("startup_wait")),
        )
        needed = (patience.steady - 1) * patience.poll_interval
        if needed > patience.wait:
            raise BadOption(
                f"{patience.steady} clean polls in a row take {_times.spell(needed)}, which is longer than "
                f"{_times.spell(patience.wait)}",
                where="option wait",
                cure=f"Use {_times.spell(needed)} or more, or lower steady or poll_interval.",
            )
        return patience

    def to_result(self) -> dict[str, t.Any]:
        return dict(self.__dict__)


class Polls:
    """Decides after each measurement whether there is another one."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._clean = 0
        self._blind = 0
        self._began: float | None = None
        """When the wait began: at the first good measurement, or when the time to start up was over."""
        self.number = 0

    def pause(self, verdict: Verdict, seconds: float, usual: float = 0.0) -> float | None:
        """Seconds until the next measurement; None where this one decides.

        :param seconds: since the first measurement was begun.
        :param usual: the pause that goes with the jobs at work, before the bounds of our patience.
        """
        patience = self._patience
        self.number += 1
        is_error = any(reason.rule == "error" for reason in verdict.reasons)
        if self._began is None:
            if is_error and seconds < patience.startup_wait:
                return min(patience.poll_interval, patience.startup_wait - seconds)
            self._began = 0.0 if patience.startup_wait == 0 else seconds
        if verdict.passed:
            self._clean += 1
            self._blind = 0
            return None if self._clean >= patience.steady else patience.poll_interval
        self._clean = 0
        self._blind = self._blind + 1 if any(one.verdict == INCONCLUSIVE for one in verdict.reasons) else 0
        if not all(reason.may_heal for reason in verdict.reasons) or self._blind >= patience.error_limit:
            return None
        left = self.left(seconds)
        pause = min(max(usual, patience.poll_interval), patience.poll_interval_max)
        return min(pause, left) if left >= _LEAST_PAUSE else None

    def left(self, seconds: float) -> float:
        """Seconds of the wait that are left."""
        began = self._began if self._began is not None else seconds
        return max(0.0, began + self._patience.wait - seconds)


def usual_pause(facts: t.Mapping[str, t.Any] | None) -> float:
    """Seconds until it is worth while to look again: few where the jobs at work are about to end, many where not.

    That is a third of the time between now and when the job that is farthest from its usual end has that; a tenth of
    its age where its service has no jobs that tell what is usual.
    """
    now = _times.from_wire((facts or {}).get("as_of"))
    if facts is None or now is None:
        return 0.0
    usual = {str(one.get("service")): (one.get("durations") or {}).get("median") for one in facts.get("services") or ()}
    pauses = [0.0]
    for job in facts.get("jobs") or ():
        if job.get("status") in _status.FINISHED:
            continue
        age, median = age_of(job, now) or 0.0, usual.get(str(job.get("service")))
        if median is None:
            pauses.append(age * _OF_AGE)
        else:
            begun = 0.0 if job.get("status") in _status.QUEUED else age
            pauses.append(abs(median - begun) * _OF_DISTANCE)
    return max(pauses)


class Changes:
    """Which active jobs came and went since the first measurement, and since the last."""

    def __init__(self) -> None:
        self._seen: set[Key] | None = None
        self._last: set[Key] = set()
        self.arrived: int = 0
        self.ended: int = 0
        self.lately = (0, 0)
        """Those that arrived and that ended since the measurement before."""

    def note(self, facts: t.Mapping[str, t.Any]) -> None:
        """Takes note of a measurement's active jobs. Those of a service that was not seen are taken to be there."""
        active = {
            (str(job["service"]), str(job["job_id"]))
            for job in facts.get("jobs") or ()
            if job.get("status") not in _status.FINISHED
        }
        dark = {str(one["service"]) for one in facts.get("services") or () if one.get("complete") is not True}
        dark.update(str(one["name"]) for one in facts.get("unseen") or ())
        active |= {key for key in self._last if key[0] in dark}
        if self._seen is None:
            self._seen = set(active)
        else:
            came, went = active - self._last, self._last - active
            self.lately = len(came), len(went)
            self.arrived += len(came - self._seen)
            self.ended += len(went)
            self._seen |= active
        self._last = active

    def __str__(self) -> str:
        """What came of the wait, for a message."""
        ended, arrived = _telling.count(self.ended, "job"), _telling.count(self.arrived, "job")
        return f"{ended} ended and {arrived} arrived meanwhile"


def progress(
    facts: t.Mapping[str, t.Any] | None, verdict: Verdict, left: float | None, lately: tuple[int, int] | None
) -> str:
    """One short line for the log: when, time left, the verdict, the services that it hangs on, and what changed."""
    told = _busy(facts) if facts is not None else []
    odd = [reason for reason in verdict.reasons if reason.rule not in ("active", "executing", "queued", "failed")]
    found = [*told, *(_in_short(reason) for reason in odd)]
    if len(found) > _MOST_SERVICES:
        found = [*found[:_MOST_SERVICES], f"and {len(found) - _MOST_SERVICES} more"]
    when = f"{str(facts.get('as_of') or '')[11:19]} " if facts is not None else ""
    word = verdict.verdict if left is None or verdict.passed else "waiting"
    line = when + word + (f", {_clock(left)} left" if left is not None else "")
    if found:
        line += f": {'; '.join(found)}"
    elif facts is not None:
        line += f": {_quiet(facts.get('services') or ())}"
    if lately is not None and any(lately):
        line += f" (since the last poll {lately[0]} arrived, {lately[1]} ended)"
    return line


def _quiet(services: t.Sequence[t.Mapping[str, t.Any]]) -> str:
    """Services of which nothing is to be told: idle and clean, as far as that was looked at."""
    seen = [
        word
        for key, word in (("active", "idle"), ("failed", "clean"))
        if services and all(whole((service.get("counts") or {}).get(key)) == 0 for service in services)
    ]
    return " ".join([_telling.count(len(services), "service"), " and ".join(seen)]).strip()


def _clock(seconds: float) -> str:
    """A time to wait as a clock shows it: ``9:50``, ``1:00:00``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _in_short(reason: Reason) -> str:
    """What is odd in few words: where and which rule, or the first of an error's own."""
    if reason.rule == "error":
        return _telling.cut(reason.text, _LONGEST_ERROR)
    return f"{_telling.bare(reason.service) if reason.service else 'site'}: {reason.rule}"


def _busy(facts: t.Mapping[str, t.Any]) -> list[str]:
    """The services with active or failed jobs, the busiest first."""
    found = []
    for service in facts.get("services") or ():
        counts = service.get("counts") or {}
        numbers = {
            "active": whole(counts.get("active")) or 0,
            "failed": sum(whole(counts.get(status)) or 0 for status in _status.FAILURES),
        }
        told = [f"{number} {word}" for word, number in numbers.items() if number]
        if told:
            found.append((-sum(numbers.values()), f"{_telling.bare(str(service.get('service')))} {', '.join(told)}"))
    return [text for _number, text in sorted(found)]
