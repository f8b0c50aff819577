# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Judge a site: facts and a policy in, a verdict with reasons out. Pure: no I/O, and no clock but the facts' own.

What the facts do not show is never taken for good. What is about one service is in rules; here is what is about the
site.
"""

from __future__ import annotations

import typing as t

from ...module_utils import _times
from .facts import SiteFacts
from .policy import Policy
from .rules import ServiceRules, blame_stopped, exempt_service
from .verdict import INCONCLUSIVE, Findings, Reason, Verdict
from .wording import clock, count


def judge(facts: SiteFacts, policy: Policy, *, is_part: bool = False) -> Verdict:
    """Return the verdict on these facts.

    :param is_part: whether only some of the services were asked, so that nothing can be said of the site.
    """
    rules = [ServiceRules(service, facts, policy) for service in facts.services if service.name not in facts.unseen]
    for one in rules:
        one.judge()
    site = Findings()
    _judge_history(site, facts, policy)
    if not is_part:
        _judge_choice(site, facts, policy)
        _judge_total(site, policy, [one.active for one in rules])
        _judge_gone(site, facts, policy)
    _note_expired(site, facts, policy)
    _judge_unseen(site, facts, policy)
    _judge_uncounted(site, facts, policy)
    is_told = bool(facts.unseen) or not all(service.is_complete for service in facts.services)
    if not facts.is_complete and not is_told:
        site.doubt("incomplete", "The facts are not complete, and do not say why.")
    findings = [site, *(one.findings for one in rules)]
    reasons = sorted((reason for one in findings for reason in one.reasons), key=lambda reason: reason.weight)
    return Verdict(tuple(reasons), tuple(notice for one in findings for notice in one.notices))


def unmeasured(error: str, *, is_final: bool = False) -> Verdict:
    """Return the verdict on a site that could not be asked.

    :param is_final: whether asking again is of no use, or would do harm.
    """
    return Verdict((Reason(INCONCLUSIVE, "error", error, is_final=is_final),))


def _judge_history(site: Findings, facts: SiteFacts, policy: Policy) -> None:
    """Check that the site tells the time, and keeps finished jobs for as long as failures count."""
    if not policy.looks_at_failed:
        return
    if facts.clock_difference is None:
        # Of one clock alone nobody knows whether it is right, and a window by a wrong one hides failures.
        text = "The site's answers carry no date, so it is not known which failures are recent."
        site.doubt("window", f"{text} Let the header Date through, or set max_failed: unlimited.")
    begins = clock(policy.begins(facts), facts.as_of)
    if facts.retention is None:
        site.note(f"It is not known whether the site keeps finished jobs since {begins}. If you know, set retention.")
    elif policy.outlasts(facts):
        kept = _times.spell(facts.retention)
        text = f"Failures count since {begins}, and the site keeps finished jobs for {kept}. Use a shorter window"
        site.doubt("window", f"{text}, or a later mark.")


def _judge_choice(site: Findings, facts: SiteFacts, policy: Policy) -> None:
    """Check that there is something to judge, and name what was left out."""
    for one in policy.exempt_for_good:
        if one.service is not None and one.service.is_pattern:
            site.note(f"{one.service.text} is exempted by {one.option} ({one.reason}).")
    if not facts.services and not policy.may_be_empty:
        text = "No geoprocessing service was found that counts, so there is nothing to judge."
        site.doubt("empty", f"{text} If that is right, list services with missing: ignore.")


def _judge_total(site: Findings, policy: Policy, active: t.Sequence[int | None]) -> None:
    """Check the active jobs of all services together."""
    limit = policy.total_max_active
    if limit is None:
        return
    found = sum(number for number in active if number is not None)
    if found > limit:
        text = f"All services together: {count(found, 'active job')}, {limit} allowed. Wait until they end."
        site.fail("total_active", text, limit=limit, found=found)
    elif None in active:
        site.doubt("total_active", "The number of active jobs of all services is not known.", limit=limit)


def _judge_gone(site: Findings, facts: SiteFacts, policy: Policy) -> None:
    """Blame services that were started at the mark and are not there any more."""
    there = facts.names - set(facts.missing)
    for name in policy.since.started if policy.since else ():
        is_there = name in there or f"{name.rpartition('/')[0]}/*" in facts.unseen
        if is_there or not policy.is_judged(name) or policy.exempts(name, facts) is not None:
            continue
        text = "It was started at the mark, and the site does not have it any more. Bring it back, or exempt it."
        site.fail("gone", text, service=name, allowances=(exempt_service(name, missing="ignore"),))


def _note_expired(site: Findings, facts: SiteFacts, policy: Policy) -> None:
    for one in policy.exempt:
        if one.until is not None and one.is_over(facts):
            ended = clock(one.until.fixed, facts.as_of)
            site.note(f"{one.option} ({one.reason}) ended at {ended}, and no longer counts.")


def _judge_unseen(site: Findings, facts: SiteFacts, policy: Policy) -> None:
    """Blame what this account may not see, unless it is exempted."""
    for name, why in facts.unseen.items():
        exemption = policy.exempts(name, facts)
        if exemption is not None:
            site.note(f"{name} cannot be seen, and is exempted by {exemption.option} ({exemption.reason}).")
        else:
            site.doubt("unseen", f"It cannot be seen. {why}", service=name, allowances=(exempt_service(name),))


def _judge_uncounted(site: Findings, facts: SiteFacts, policy: Policy) -> None:
    """Name the services that have no jobs to judge, and blame those that should have."""
    for name in facts.synchronous:
        site.note(f"{name} runs synchronously, has no jobs, and does not count.")
    for name in facts.stopped:
        if policy.was_started(name) and policy.exempts(name, facts) is None:
            blame_stopped(site, name, "stopped", policy)
        else:
            site.note(f"{name} is stopped, and does not count.")
