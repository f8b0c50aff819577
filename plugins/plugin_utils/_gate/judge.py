# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The gate: facts and a policy in, a verdict with reasons out. Pure: no I/O, and no clock but the facts' own.

What the facts do not show is never taken for good: a number that is not a whole number makes the verdict inconclusive,
whatever the others say. What is about one service is in _rules; here is what is about the site.
"""

from __future__ import annotations

import typing as t

from ...module_utils import _times
from ...module_utils._statuses import FAILURES
from . import wording as _telling
from .policy import Policy
from .rules import Facts, ServiceRules, stopped, whole
from .verdict import FAILED, INCONCLUSIVE, MOST_JOBS, Reason, Verdict
from .wording import Job, clock, count

_MOST_NAMED = 3


def judge(facts: Facts, policy: Policy) -> Verdict:
    """The verdict on these facts under this policy."""
    now = _times.from_wire(facts.get("as_of"))
    if now is None:
        return unmeasured("The facts do not tell when they were measured.")
    services = facts.get("services") or []
    unseen = {str(one["name"]): str(one["why"]) for one in facts.get("unseen") or []}
    jobs_of: dict[str, list[Job]] = {}
    for job in facts.get("jobs") or []:
        jobs_of.setdefault(str(job.get("service")), []).append(job)
    rules = ServiceRules(policy, facts.get("api"), now, whole(facts.get("clock_doubt")))
    found = [
        rules.judge(service, jobs_of.get(str(service["service"]), []))
        for service in services
        if service["service"] not in unseen
    ]
    verdict = Verdict([*_empty(facts, policy)], _expired(policy, now))
    for name, why in unseen.items():
        _unseen(verdict, name, why, policy, now)
    for one in found:
        verdict.reasons += one.reasons
        verdict.notices += one.notices
    verdict.notices += _unsure([one.name for one in found if one.is_unsure], policy, now)
    verdict.reasons += _total(policy, [one.active for one in found])
    verdict.reasons += _gone(facts, policy, set(unseen), now)
    _out_of_count(verdict, facts, policy, now)
    told = bool(unseen) or any(service.get("complete") is not True for service in services)
    if facts.get("complete") is not True and not told:
        verdict.reasons.append(Reason(INCONCLUSIVE, "incomplete", "The facts are not complete, and do not say why."))
    verdict.reasons.sort(key=lambda reason: reason.weight)
    return verdict


def unmeasured(error: str) -> Verdict:
    """The verdict where the site could not be asked."""
    return Verdict([Reason(INCONCLUSIVE, "error", error)])


def asked(facts: t.Mapping[str, t.Any]) -> str:
    """What was asked, for the first line of a message."""
    services = count(len(facts.get("services") or []), "service")
    account = f" as {facts['account']}" if facts.get("account") else ""
    now = _times.from_wire(facts.get("as_of")) or 0.0
    return f"{facts.get('site')} at {clock(facts.get('as_of'), now)} ({services}{account})"


def wanted(policy: Policy) -> dict[str, t.Any]:
    """The query options that bring the facts which a policy needs; the window is the caller's."""
    statuses = (["active"] if policy.looks_at_active else []) + (list(FAILURES) if policy.looks_at_failed else [])
    include = ["states"]
    if policy.looks_at_active:
        include.append("durations")
    if policy.must_answer:
        include.append("answers")
    if any(limits.max_failed_percent is not None for limits in policy.all_limits):
        include.append("succeeded")
    options: dict[str, t.Any] = {
        "job_status": statuses or ["active"],
        "detail": "full",
        "include": include,
        "message_limit": MOST_JOBS,
    }
    enough = _enough(policy)
    return options if enough is None else {**options, "enough": enough}


def _enough(policy: Policy) -> int | None:
    """So many failures of a service settle its verdict; None where each of them may have to be looked at."""
    shares = any(limits.max_failed_percent is not None for limits in policy.all_limits)
    if not policy.looks_at_failed or shares or any(one.is_of_jobs for one in policy.exempt):
        return None
    known = max((len(ids) for ids in policy.since.failed.values()), default=0) if policy.since else 0
    return max(limits.max_failed or 0 for limits in policy.all_limits) + 1 + known


def _empty(facts: Facts, policy: Policy) -> list[Reason]:
    if facts.get("services") or policy.allow_empty:
        return []
    text = (
        "No geoprocessing service was found that counts, so there is nothing to judge by. If that is right: "
        "allow_empty: true"
    )
    return [Reason(INCONCLUSIVE, "empty", text)]


def _expired(policy: Policy, now: float) -> list[str]:
    """The exemptions that are over, in words."""
    return [
        f"{one.option} ({one.reason}) ended at {clock(_times.iso(one.until.at(now)), now)}, and no longer counts."
        for one in policy.exempt
        if one.until is not None and one.is_over(now)
    ]


def _unseen(verdict: Verdict, name: str, why: str, policy: Policy, now: float) -> None:
    """What this account may not see: a reason, unless it is exempted."""
    exemption = policy.exempts(name, now)
    if exemption is not None:
        verdict.notices.append(f"{name} cannot be seen, and is exempted by {exemption.option} ({exemption.reason}).")
        return
    text = (
        f"{name} cannot be seen. {why} If it need not be seen: "
        f"exempt: [{{service: '{_telling.bare(name)}', reason: ...}}]"
    )
    verdict.reasons.append(Reason(INCONCLUSIVE, "unseen", text, name))


def _unsure(names: list[str], policy: Policy, now: float) -> list[str]:
    """That the site may have forgotten failures, said once for all services that it may be so of."""
    if not names:
        return []
    others = f" and {count(len(names) - _MOST_NAMED, 'more service')}" if len(names) > _MOST_NAMED else ""
    since = clock(_times.iso(policy.begins(now)), now)
    return [
        f"Nothing tells whether the site remembers failures as far back as {since}: {', '.join(names[:_MOST_NAMED])}"
        f"{others} showed no job that ended before."
    ]


def _total(policy: Policy, active: t.Sequence[int | None]) -> list[Reason]:
    """The active jobs of all services together."""
    limit = policy.total_max_active
    if limit is None:
        return []
    known = [number for number in active if number is not None]
    found = sum(known)
    if found > limit:
        text = f"All services together: {count(found, 'active job')}, {limit} allowed. Wait until they end."
        return [Reason(FAILED, "total_active", text, limit=limit, found=found)]
    if len(known) < len(active):
        text = "The number of active jobs of all services is not known."
        return [Reason(INCONCLUSIVE, "total_active", text, limit=limit)]
    return []


def _gone(facts: Facts, policy: Policy, unseen: set[str], now: float) -> list[Reason]:
    """Services that were started at the mark and are not there any more."""
    listed = [str(name) for key in ("stopped", "synchronous") for name in facts.get(key) or []]
    there = {*listed, *unseen, *(str(one["service"]) for one in facts.get("services") or [])}
    reasons = []
    for name in policy.since.started if policy.since else ():
        is_hidden = f"{name.rpartition('/')[0]}/*" in unseen
        if name in there or is_hidden or not policy.is_judged(name) or policy.exempts(name, now) is not None:
            continue
        text = (
            f"{name}: it was started at the mark, and the site does not have it any more. If it should be gone: "
            f"exempt: [{{service: '{_telling.bare(name)}', missing: ignore, reason: ...}}]"
        )
        reasons.append(Reason(FAILED, "gone", text, name))
    return reasons


def _out_of_count(verdict: Verdict, facts: Facts, policy: Policy, now: float) -> None:
    """Names the services that have no jobs to judge, and blames those that should have."""
    for name in map(str, facts.get("synchronous") or []):
        verdict.notices.append(f"{name} runs synchronously, has no jobs, and does not count.")
    for name in map(str, facts.get("stopped") or []):
        if policy.was_started(name) and policy.exempts(name, now) is None:
            verdict.reasons.append(stopped(name, "stopped", policy))
        else:
            verdict.notices.append(f"{name} is stopped, and does not count.")
