# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Make words for people: the message of a verdict, a line of progress, and the phrases in them. Pure."""

from __future__ import annotations

import json
import re
import textwrap
import typing as t

from ...module_utils import _services, _times
from .facts import Job, ServiceFacts, SiteFacts
from .verdict import SLOW, STUCK, USUAL, AgedJob, Allowance, Reason, Verdict

MOST_TOLD = 3
"""So many jobs of a reason are told."""
_WIDTH = 100
_MOST_BLOCKS = 12
_MOST_SERVICES = 4
"""So many services a line of progress names."""
_LONGEST_MESSAGE = 200
_LONGEST_ERROR = 160
_COUNTS_NO_JOBS = ("age", "failed_percent")
"""The rules that find a number of something else than jobs."""
_PACES = {None: "", USUAL: "", SLOW: ", taking long", STUCK: ", looks stuck"}
_SAYS_NOTHING = re.compile(r"failed( to execute( \(.*\))?)?\.?", re.IGNORECASE)
"""An error message that does not say what went wrong."""


# --- phrases ----------------------------------------------------------------------------------------------------------


def count(number: float, what: str) -> str:
    """Return a number of things: ``1 job``, ``2 jobs``."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def bare(name: str) -> str:
    """Return a service's name as people write it: without the type of a GP service."""
    return name.removesuffix(f".{_services.GP}")


def clock(moment: float | None, now: float) -> str:
    """Return a time: ``09:00 UTC``, with its day unless that is the day of ``now``."""
    text, today = _times.iso(moment), _times.iso(now)
    if text is None:
        return "an unknown time"
    return f"{text[11:16]} UTC" if today is not None and text[:10] == today[:10] else f"{text[:10]} {text[11:16]} UTC"


def cut(text: str, longest: int) -> str:
    """Return a text of so many letters at most, and show that it goes on."""
    return text if len(text) <= longest else f"{text[:longest]}…"


def last_message(job: Job) -> str:
    """Return the last error of a job that says what went wrong; of a failed job without one, its last message."""
    errors = [one.text for one in job.messages if one.type == "error" and one.text.strip()]
    telling = [text for text in errors if not _SAYS_NOTHING.fullmatch(text.strip())]
    others = [one.text for one in job.messages if one.text.strip()] if job.has_failed else []
    chosen = telling or errors or others
    return cut(" ".join(chosen[-1].split()), _LONGEST_MESSAGE) if chosen else ""


# --- the message ------------------------------------------------------------------------------------------------------


def message(verdict: Verdict, facts: SiteFacts | None, after: str = "") -> str:
    """Return the verdict for people: a headline, one block a service, notes, and what to paste to go on anyway.

    :param after: what came of a wait before it, as a sentence.
    """
    blocks: dict[str | None, list[Reason]] = {}
    for reason in verdict.reasons:
        blocks.setdefault(reason.service, []).append(reason)
    lines = [f"{verdict.verdict.upper()}  {_headline(blocks, facts)}", *(_wrapped(after, "  ") if after else [])]
    shown = dict(list(blocks.items())[:_MOST_BLOCKS])
    for service, reasons in shown.items():
        lines += _block(service, reasons, facts)
    if len(blocks) > len(shown):
        lines.append(f"  and {count(len(blocks) - len(shown), 'more service')}")
    for notice in verdict.notices[:_MOST_BLOCKS]:
        lines += _wrapped(notice, "  note: ")
    return "\n".join([*lines, *_to_paste([one for reasons in shown.values() for one in reasons])])


def _headline(blocks: t.Mapping[str | None, t.Any], facts: SiteFacts | None) -> str:
    """Say what was asked, when, as whom, and how many services it hangs on."""
    if facts is None:
        return "The site could not be asked"
    account = f" (as {facts.account})" if facts.account else ""
    number = count(len(facts.services), "service")
    blamed = sum(1 for service in facts.services if service.name in blocks)
    return (
        f"{facts.site} at {clock(facts.as_of, facts.as_of)}{account}: {f'{blamed} of {number}' if blamed else number}"
    )


def _block(service: str | None, reasons: t.Sequence[Reason], facts: SiteFacts | None) -> list[str]:
    """Tell all that is wrong with one service, each of its jobs once."""
    lines: list[str] = []
    told: set[str] = set()
    named = f"  {bare(service)}: " if service is not None else "  "
    for reason in reasons:
        lines += _wrapped(reason.text, "    " if lines else named)
        jobs = [one for one in reason.jobs[:MOST_TOLD] if one.job.job_id not in told]
        for one in jobs:
            lines += _job(one, facts)
        told.update(one.job.job_id for one in jobs)
        more = len(reason.jobs) if reason.rule in _COUNTS_NO_JOBS else int(reason.found or 0)
        if jobs and more > MOST_TOLD:
            lines.append(f"    and {more - MOST_TOLD} more")
    return lines


def _job(one: AgedJob, facts: SiteFacts | None) -> list[str]:
    """Tell one job: its id, status, user and times, its last error, and where to look."""
    job = one.job
    where = f" on {job.machine.partition('.')[0]}" if job.machine else ""
    user = f"{job.user or 'user unknown'}{where}"
    told = [job.job_id, job.status, user, _when(one, facts) if facts is not None else ""]
    words = last_message(job)
    return [
        *_wrapped("  ".join(part for part in told if part), "    "),
        *(_wrapped(words, "    ") if words else []),
        *([f"    {job.url}"] if job.url else []),
    ]


def _when(one: AgedJob, facts: SiteFacts) -> str:
    """Tell since when a job is active or when it ended, how long ago that is, and what is usual."""
    job, now = one.job, facts.as_of
    if job.moment is None:
        return ""
    ago = _times.spell(now - job.moment)
    if not job.is_active:
        return f"{clock(job.moment, now)} ({ago} ago)"
    durations = next(service.durations for service in facts.services if service.name == job.service)
    usual = f"; usually {_times.spell(durations.median)}" if durations is not None and one.pace is not None else ""
    return f"since {clock(job.moment, now)} ({ago}{usual}{_PACES[one.pace]})"


def _wrapped(text: str, indent: str) -> list[str]:
    """Break a text into lines, the first with this before it. An address stays whole."""
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=indent,
        subsequent_indent="      ",
        break_long_words=False,
        break_on_hyphens=False,
    )


# --- what to paste ----------------------------------------------------------------------------------------------------


def pasted(allowances: t.Iterable[Allowance]) -> dict[str, list[str]]:
    """Return entries in YAML by option. A service's limits are one entry, because only the first one counts."""
    entries: dict[str, dict[str, dict[str, t.Any]]] = {}
    for one in allowances:
        key = str(one.entry["service"]) if one.option == "service_limits" else _flow(one.entry)
        entries.setdefault(one.option, {}).setdefault(key, {}).update(one.entry)
    return {option: [_flow(entry) for entry in found.values()] for option, found in entries.items()}


def _to_paste(reasons: t.Iterable[Reason]) -> list[str]:
    options = pasted(allowance for reason in reasons for allowance in reason.allowances)
    lines = [line for option, found in options.items() for line in (f"  {option}:", *(f"    - {one}" for one in found))]
    return ["To go on anyway:", *lines] if lines else []


def _flow(entry: t.Mapping[str, t.Any]) -> str:
    """Return an entry as a YAML mapping on one line."""
    return f"{{{', '.join(f'{name}: {_scalar(value)}' for name, value in entry.items())}}}"


def _scalar(value: t.Any) -> str:
    text = "..." if value is ... else str(value)
    is_plain = not isinstance(value, str) or re.fullmatch(r"[^\W\d][\w/.-]*(/\*)?", text)
    return text if is_plain else json.dumps(text, ensure_ascii=False)


# --- progress ---------------------------------------------------------------------------------------------------------


def progress(facts: SiteFacts | None, verdict: Verdict, left: float | None, lately: tuple[int, int]) -> str:
    """Return one short line for the log: when, what it waits for and how long, and what changed.

    :param left: seconds of the wait that are left; None if it is over.
    :param lately: jobs that arrived and that ended since the measurement before.
    """
    told = _busy(facts.services) if facts is not None else []
    odd = [reason for reason in verdict.reasons if reason.rule not in ("active", "executing", "queued", "failed")]
    found = [*told, *(_in_short(reason) for reason in odd)]
    if len(found) > _MOST_SERVICES:
        found = [*found[:_MOST_SERVICES], f"and {len(found) - _MOST_SERVICES} more"]
    when = f"{str(_times.iso(facts.as_of))[11:19]} UTC " if facts is not None else ""
    word = "waiting" if left is not None and not verdict.passed else verdict.verdict
    line = when + word + (f", {_countdown(left)} left" if left is not None else "")
    if found:
        line += f": {'; '.join(found)}"
    elif facts is not None:
        line += f": {_quiet(facts.services)}"
    return line + (f" (since the last poll {lately[0]} arrived, {lately[1]} ended)" if any(lately) else "")


def _quiet(services: t.Sequence[ServiceFacts]) -> str:
    """Name what is good of all services, as far as it was looked at."""
    seen = []
    if services and all(service.active == 0 for service in services):
        seen.append("idle")
    if services and all(service.failed == 0 for service in services):
        seen.append("clean")
    return " ".join([count(len(services), "service"), " and ".join(seen)]).strip()


def _countdown(seconds: float) -> str:
    """Return a time to wait as a clock shows it: ``9:50``, ``1:00:00``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _in_short(reason: Reason) -> str:
    """Say in few words where which rule is broken, or what an error says."""
    name = bare(reason.service) if reason.service is not None else ""
    if reason.rule == "error":
        return cut(f"{name}: {reason.text}" if name else reason.text, _LONGEST_ERROR)
    return f"{name or 'site'}: {reason.rule}"


def _busy(services: t.Sequence[ServiceFacts]) -> list[str]:
    """Name the services with active or failed jobs, the busiest first."""
    found = []
    for service in services:
        numbers = {"active": service.active or 0, "failed": service.failed or 0}
        told = [f"{number} {word}" for word, number in numbers.items() if number]
        if told:
            found.append((-sum(numbers.values()), f"{bare(service.name)} {', '.join(told)}"))
    return [text for _number, text in sorted(found)]
