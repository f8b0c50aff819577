# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The gate: facts and a policy in, a verdict with reasons out. Pure: no I/O, and no clock but the facts' own.

Failed beats inconclusive beats passed. What the facts do not show is never taken for good: a number that is not a whole
number makes the verdict inconclusive, whatever the others say.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from . import _status, _times
from ._errors import BadOption
from ._options import Read, default_of

PASSED = "passed"
FAILED = "failed"
INCONCLUSIVE = "inconclusive"

UNLIMITED = "unlimited"
MOST_JOBS = 5
"""So many jobs a reason holds; its text tells of fewer."""
_MOST_TOLD = 3
_MOST_LINES = 20

Job = dict[str, t.Any]


@dataclass(frozen=True)
class Policy:
    """What a gate allows. A limit of None is unlimited."""

    max_active: int | None
    max_failed: int | None
    window: float
    """Seconds before the site's now in which finished jobs count."""

    @classmethod
    def read(cls, get: Read) -> Policy:
        """The policy of these options; raises BadOption."""
        window = get("window") or default_of("window")
        seconds = _times.parse_duration(window, "window")
        if seconds <= 0:
            raise BadOption(f"'{window}' is no time at all", where="option window", cure="Use a duration such as 1h.")
        return cls(_limit("max_active", get("max_active")), _limit("max_failed", get("max_failed")), seconds)

    def to_result(self) -> dict[str, t.Any]:
        """The policy as data, with ``unlimited`` spelt out."""
        return {
            "max_active": UNLIMITED if self.max_active is None else self.max_active,
            "max_failed": UNLIMITED if self.max_failed is None else self.max_failed,
            "window": int(self.window),
        }


@dataclass
class Reason:
    """One thing that keeps a verdict from being passed."""

    verdict: str
    rule: str
    text: str
    service: str | None = None
    limit: int | None = None
    found: int | None = None
    jobs: list[Job] = field(default_factory=list)

    def to_result(self) -> dict[str, t.Any]:
        return {
            "verdict": self.verdict,
            "rule": self.rule,
            "service": self.service,
            "limit": self.limit,
            "found": self.found,
            "jobs": self.jobs,
            "text": self.text,
        }


@dataclass
class Verdict:
    """What a gate says."""

    verdict: str
    reasons: list[Reason]
    notices: list[str]

    @property
    def passed(self) -> bool:
        return self.verdict == PASSED

    def message(self, asked: str) -> str:
        """The verdict for people, worst reason first, at most a screen long."""
        lines = [f"{asked}: {self.verdict}", *(f"- {reason.text}" for reason in self.reasons[:_MOST_LINES])]
        if len(self.reasons) > _MOST_LINES:
            lines.append(f"- and {len(self.reasons) - _MOST_LINES} more")
        return "\n".join([*lines, *(f"  note: {notice}" for notice in self.notices[:_MOST_LINES])])

    def to_result(self) -> dict[str, t.Any]:
        return {
            "verdict": self.verdict,
            "passed": self.passed,
            "reasons": [reason.to_result() for reason in self.reasons],
            "notices": self.notices,
        }


def wanted(policy: Policy) -> dict[str, t.Any]:
    """The query options that bring the facts which a policy needs."""
    return {
        "job_status": ["active", "failed", "timed_out"],
        "ended_after": f"{policy.window:.0f}s",
        "detail": "full",
    }


def judge(facts: t.Mapping[str, t.Any], policy: Policy) -> Verdict:
    """The verdict on these facts under this policy."""
    now = _times.from_wire(facts.get("as_of"))
    if now is None:
        return unmeasured("The facts do not tell when they were measured.")
    reasons: list[Reason] = []
    notices: list[str] = []
    services = facts.get("services") or []
    if not services:
        reasons.append(
            Reason(INCONCLUSIVE, "empty", "No geoprocessing service was found, so there is nothing to judge by.")
        )
    for unseen in facts.get("unseen") or []:
        reasons.append(
            Reason(INCONCLUSIVE, "unseen", f"{unseen['name']} cannot be seen. {unseen['why']}", unseen["name"])
        )
    jobs_of: dict[str, list[Job]] = {}
    for job in facts.get("jobs") or []:
        jobs_of.setdefault(str(job.get("service")), []).append(job)
    told = {unseen["name"] for unseen in facts.get("unseen") or []}
    for service in services:
        if service["service"] in told:
            continue
        reasons += _judge_service(service, jobs_of.get(service["service"], []), policy, now)
        if service.get("complete") is True:
            notices += [str(warning) for warning in service.get("warnings") or []]
    if facts.get("complete") is not True and not reasons:
        reasons.append(Reason(INCONCLUSIVE, "incomplete", "The facts are not complete, and do not say why."))
    reasons.sort(key=_worst_first)
    verdicts = {reason.verdict for reason in reasons}
    verdict = FAILED if FAILED in verdicts else INCONCLUSIVE if verdicts else PASSED
    return Verdict(verdict, reasons, notices)


def unmeasured(error: str) -> Verdict:
    """The verdict where the site could not be asked."""
    return Verdict(INCONCLUSIVE, [Reason(INCONCLUSIVE, "error", error)], [])


def asked(facts: t.Mapping[str, t.Any]) -> str:
    """What was asked, for the first line of a message."""
    services = _count(len(facts.get("services") or []), "service")
    account = f" as {facts['account']}" if facts.get("account") else ""
    return f"{facts.get('site')} at {_clock(facts.get('as_of'))} ({services}{account})"


def progress(facts: t.Mapping[str, t.Any] | None, verdict: Verdict) -> str:
    """One short line for the log: when, the verdict, and the services that it hangs on."""
    found = [
        f"{reason.service} {reason.found} {reason.rule}"
        if reason.found is not None
        else f"{reason.service or 'site'}: {reason.rule}"
        for reason in verdict.reasons
    ]
    told = found[:_MOST_TOLD] + ([f"and {len(found) - _MOST_TOLD} more"] if len(found) > _MOST_TOLD else [])
    if facts is None:
        return f"{verdict.verdict}: {', '.join(told)}"
    services = _count(len(facts.get("services") or []), "service")
    return f"{_clock(facts.get('as_of'))} {verdict.verdict}: {', '.join(told) or services}"


def _judge_service(service: t.Mapping[str, t.Any], jobs: list[Job], policy: Policy, now: float) -> list[Reason]:
    name = service["service"]
    counts = service.get("counts") or {}
    if service.get("complete") is not True:
        why = " ".join(service.get("warnings") or []) or f"{name} was not seen in full."
        return [Reason(INCONCLUSIVE, "incomplete", why, name)]
    return [
        *_judge_active(name, counts, jobs, policy, now),
        *_judge_failed(name, counts, jobs, policy, now, service.get("window_known")),
    ]


def _judge_active(
    name: str, counts: t.Mapping[str, t.Any], jobs: list[Job], policy: Policy, now: float
) -> list[Reason]:
    """Running and queued jobs count however old they are."""
    if policy.max_active is None:
        return []
    found = _whole(counts.get("active"))
    if found is None:
        return [Reason(INCONCLUSIVE, "active", f"{name}: the number of active jobs is not known.", name)]
    if found <= policy.max_active:
        return []
    active = [job for job in jobs if job.get("status") not in _status.FINISHED]
    active.sort(key=lambda job: (str(job.get("submitted_time") or "~"), str(job.get("job_id"))))
    text = (
        f"{name}: {_count(found, 'active job')}, {policy.max_active} allowed: {_tell(active, found, now)}. "
        f"Wait until {'it ends' if found == 1 else 'they end'}, or allow that: max_active: {found}"
    )
    return [Reason(FAILED, "active", text, name, policy.max_active, found, active[:MOST_JOBS])]


def _judge_failed(
    name: str, counts: t.Mapping[str, t.Any], jobs: list[Job], policy: Policy, now: float, window_known: t.Any
) -> list[Reason]:
    """Failed and timed-out jobs count by when they ended."""
    if policy.max_failed is None:
        return []
    failed = _whole(counts.get("failed"))
    timed_out = counts.get("timed_out")
    if failed is None or (timed_out is not None and _whole(timed_out) is None):
        return [Reason(INCONCLUSIVE, "failed", f"{name}: the number of failed jobs is not known.", name)]
    found = failed + (_whole(timed_out) or 0)
    since = _clock(_times.iso(now - policy.window))
    if found > policy.max_failed:
        ended = [job for job in jobs if job.get("status") in ("failed", "timed_out")]
        ended.sort(key=lambda job: (str(job.get("end_time") or "~"), str(job.get("job_id"))), reverse=True)
        text = (
            f"{name}: {_count(found, 'failed job')} since {since}, {policy.max_failed} allowed: "
            f"{_tell(ended, found, now)}. {_leaves(ended, policy, now)}Look into it, or allow it: max_failed: {found}"
        )
        return [Reason(FAILED, "failed", text, name, policy.max_failed, found, ended[:MOST_JOBS])]
    if window_known is not True and window_known is not None:
        text = (
            f"{name}: the site may not remember failures as far back as {since}: ArcGIS Server keeps finished jobs "
            "for 6 h unless told otherwise. Use a shorter window."
        )
        return [Reason(INCONCLUSIVE, "window", text, name)]
    return []


def _leaves(ended: list[Job], policy: Policy, now: float) -> str:
    """When the oldest failure leaves the window, as far as it is known."""
    moments = [_times.from_wire(job.get("end_time")) for job in ended]
    known = [moment for moment in moments if moment is not None]
    if not known:
        return ""
    leaves = min(known) + policy.window
    return f"The oldest leaves the window at {_clock(_times.iso(leaves))} (in {_times.spell(leaves - now)}). "


def _tell(jobs: list[Job], found: int, now: float) -> str:
    """The first jobs in words, "and N more"."""
    told = [_tell_one(job, now) for job in jobs[:_MOST_TOLD]]
    more = found - len(told)
    if more > 0:
        told.append(f"and {more} more" if told else f"{more} of them")
    return "; ".join(told)


def _tell_one(job: Job, now: float) -> str:
    who = job.get("user_name") or "anonymous"
    machine = f" on {job['machine_name']}" if job.get("machine_name") else ""
    told = [f"{who}{machine}"]
    for key, verb in (("end_time", "ended"), ("start_time", "started"), ("submitted_time", "submitted")):
        moment = _times.from_wire(job.get(key))
        if moment is not None:
            told.append(f"{verb} {_clock(job[key])}, {_times.spell(now - moment)} ago")
            break
    if job.get("status") != "failed":
        told.append(str(job.get("status")))
    message = _last_message(job)
    if message:
        told.append(f"'{message}'")
    return f"{job.get('job_id')} ({', '.join(told)})"


def _last_message(job: Job) -> str:
    """The last error that a job tells of, or its last message where it failed without one."""
    messages = [one for one in job.get("messages") or [] if one.get("text")]
    errors = [one for one in messages if one.get("type") == "error"]
    chosen = errors or (messages if job.get("status") in ("failed", "timed_out") else [])
    text = " ".join(str(chosen[-1]["text"]).split()) if chosen else ""
    return text if len(text) <= 120 else text[:120] + "…"


def _worst_first(reason: Reason) -> tuple[bool, bool, int, str]:
    return reason.verdict != FAILED, reason.rule != "failed", -(reason.found or 0), reason.service or ""


def _limit(option: str, value: t.Any) -> int | None:
    text = str(value if value is not None else default_of(option)).strip().lower()
    if text == UNLIMITED:
        return None
    if not text.isdecimal():
        raise BadOption(f"'{value}' is not a limit", where=f"option {option}", cure="Use 0 or more, or unlimited.")
    return int(text)


def _whole(value: t.Any) -> int | None:
    """A count that may be counted on: not a bool, and not a number that became a text on its way."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _clock(moment: t.Any) -> str:
    """A time of the facts for people: ``09:00 UTC``, with the day where it stands in the facts."""
    text = str(moment or "")
    return f"{text[11:16]} UTC" if len(text) == 20 else "an unknown time"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
