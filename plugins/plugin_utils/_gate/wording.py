# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Words for people: jobs, times and numbers in the sentences of the gate. Pure."""

from __future__ import annotations

import typing as t

from ...module_utils import _services, _times
from ...module_utils import _statuses as _status

MOST_TOLD = 3
"""So many jobs a sentence tells of."""
_LONGEST_MESSAGE = 120
_STUCK_AFTER, _STUCK_AT_LEAST = 10, 600.0
"""So many times the 95th percentile of its service's jobs, and so many seconds (a service's usual limit for one use):
then a job does not look as if it would end."""
_FEWEST_JOBS = 5
"""By fewer jobs nobody knows what is usual."""

Job = t.Mapping[str, t.Any]

USUAL, SLOW, STUCK = "usual", "slow", "stuck"
_PACES = {USUAL: "", SLOW: "taking long", STUCK: "looks stuck"}


def tell(jobs: t.Sequence[Job], found: int, now: float) -> str:
    """The first jobs in words, "and N more"."""
    told = [tell_one(job, now) for job in jobs[:MOST_TOLD]]
    more = found - len(told)
    if more > 0:
        told.append(f"and {more} more" if told else f"{more} of them")
    return "; ".join(told)


def tell_one(job: Job, now: float) -> str:
    """One job: who, where, since when, in which state, its last message, and where to look."""
    who = job.get("user_name") or ("anonymous" if job.get("anonymous") is True else "user unknown")
    machine = f" on {job['machine_name']}" if job.get("machine_name") else ""
    told = [f"{who}{machine}"]
    for key, verb in (("end_time", "ended"), ("start_time", "started"), ("submitted_time", "submitted")):
        moment = _times.from_wire(job.get(key))
        if moment is not None:
            told.append(f"{verb} {clock(job[key], now)}, {_times.spell(now - moment)} ago")
            break
    if job.get("status") != "failed":
        told.append(str(job.get("status")))
    told.append(_PACES.get(str(job.get("pace")), ""))
    message = last_message(job)
    told.append(f"'{message}'" if message else "")
    told.append(str(job.get("url") or ""))
    return f"{job.get('job_id')} ({', '.join(part for part in told if part)})"


def last_message(job: Job) -> str:
    """The last error that a job tells of, or its last message where it failed without one."""
    messages = [one for one in job.get("messages") or [] if one.get("text")]
    errors = [one for one in messages if one.get("type") == "error"]
    chosen = errors or (messages if job.get("status") in _status.FAILURES else [])
    text = " ".join(str(chosen[-1]["text"]).split()) if chosen else ""
    return cut(text, _LONGEST_MESSAGE)


def cut(text: str, longest: int) -> str:
    """A text of so many letters at most; that it goes on is shown."""
    return text if len(text) <= longest else f"{text[:longest]}…"


def pace(age: float | None, durations: t.Mapping[str, t.Any] | None) -> str | None:
    """How long a job takes against what its service's jobs usually take; None where nothing tells."""
    if age is None or durations is None or durations["jobs"] < _FEWEST_JOBS:
        return None
    late = float(durations["p95"])
    return USUAL if age <= late else SLOW if age <= max(_STUCK_AFTER * late, _STUCK_AT_LEAST) else STUCK


def usual(durations: t.Mapping[str, t.Any] | None) -> str:
    """What a service's jobs usually take, as a sentence."""
    if durations is None or durations["jobs"] < _FEWEST_JOBS:
        return ""
    median, late = _times.spell(durations["median"]), _times.spell(durations["p95"])
    return f"Its jobs take {median}, 19 of 20 at most {late}. "


def clock(moment: t.Any, now: float) -> str:
    """A time of the facts for people: ``09:00 UTC``, with the day where that is not today's."""
    text = str(moment or "")
    if len(text) != 20:
        return "an unknown time"
    today = str(_times.iso(now))[:10]
    return f"{text[11:16]} UTC" if text[:10] == today else f"{text[:10]} {text[11:16]} UTC"


def count(number: float, what: str) -> str:
    """A number of things: ``1 job``, ``2 jobs``."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def bare(name: str) -> str:
    """A service's name as people write it: without the type of a GP service."""
    return name.removesuffix(f".{_services.GP}")
