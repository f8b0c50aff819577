# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Sums up the results of the gates of many sites."""

from __future__ import annotations

DOCUMENTATION = r"""
name: gp_jobs_fleet
short_description: Sum up the results of the gates of many sites
version_added: 1.0.0
author:
  - The gisops.arcgis contributors (@gisops)
description:
  - Sorts the sites by verdict, and says whether enough of them may go ahead. The role
    P(gisops.arcgis.gp_jobs_summary#role) uses it.
  - A site may go ahead only if its result has a verdict and RV(ignore:blocked) is false. A site without a result counts
    as not asked.
positional: results, min_passed, names
options:
  _input:
    description: The names of all sites that are expected. A text may hold several, separated by commas.
    type: list
    elements: str
    required: true
  results:
    description:
      - The result of each site, in the order of the sites, as the role P(gisops.arcgis.gp_jobs_gate#role) publishes it.
        C({}) for a site without one.
    type: list
    elements: raw
    default: []
  min_passed:
    description:
      - How many sites must be allowed to go ahead, as a number, or as a share of all sites, such as V(90%). A share is
        rounded up.
    type: str
    default: 100%
  names:
    description:
      - The name that each site has published its result by, in the order of the sites. A name that two sites share
        tells nothing of either.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Sum up two sites of which one is blocked
  ansible.builtin.debug:
    msg: "{{ ['north', 'south'] | gisops.arcgis.gp_jobs_fleet(results, '50%') }}"
  vars:
    results:
      - {verdict: passed, blocked: false, reasons: []}
      - {verdict: failed, blocked: true, reasons: ["Analysis/Buffer.GPServer: 1 active job, 0 allowed."]}
"""

RETURN = r"""
_value:
  description: The summary. Each site is in one of C(passed), C(failed), C(inconclusive) and C(not_asked).
  type: dict
  contains:
    enough: {description: Whether enough sites may go ahead., type: bool, returned: always, sample: true}
    needed: {description: How many sites must be allowed to go ahead., type: int, returned: always, sample: 1}
    total: {description: How many sites are expected., type: int, returned: always, sample: 2}
    going_ahead: {description: Sites that may go ahead., type: list, elements: str, returned: always, sample: [north]}
    stopped: {description: All other sites., type: list, elements: str, returned: always, sample: [south]}
    passed: {description: The sites that passed., type: list, elements: str, returned: always, sample: [north]}
    failed: {description: The sites that failed., type: list, elements: str, returned: always, sample: [south]}
    inconclusive: {description: All others with a verdict., type: list, elements: str, returned: always, sample: []}
    not_asked: {description: The sites without a verdict., type: list, elements: str, returned: always, sample: []}
    reasons:
      description: The first reason of each site that has not passed or may not go ahead, on one line.
      type: dict
      returned: always
      sample: {south: "Analysis/Buffer.GPServer: 1 active job, 0 allowed."}
    message: {description: All of it for people., type: str, returned: always, sample: "1 of 2 sites may go ahead ..."}
"""

import re
import textwrap
import typing as t

from ansible.errors import AnsibleFilterError

_VERDICTS = ("passed", "failed", "inconclusive")
_NOT_ASKED = "not_asked"
_LONGEST_REASON = 160
_WIDTH = 100
_Summary = dict[str, t.Any]


def gp_jobs_fleet(
    sites: t.Iterable[t.Any] | str,
    results: t.Sequence[t.Any] = (),
    min_passed: t.Any = "100%",
    names: t.Sequence[str] = (),
) -> _Summary:
    """Returns the summary; raises AnsibleFilterError for a wrong `min_passed` and if no site is expected."""
    expected = _read_sites(sites)
    share = str(min_passed).replace(" ", "") or "100%"
    needed = _read_needed(share, len(expected))
    shared_names = {name for name in names if list(names).count(name) > 1}
    groups: dict[str, list[str]] = {group: [] for group in (*_VERDICTS, _NOT_ASKED)}
    going_ahead: list[str] = []
    reasons: dict[str, str] = {}
    for number, site in enumerate(expected):
        result = results[number] if number < len(results) else {}
        verdict = str(result.get("verdict")) if isinstance(result, t.Mapping) else ""
        if number < len(names) and names[number] in shared_names:
            groups[_NOT_ASKED].append(site)
            reasons[site] = "no verdict: another site publishes by the same name"
            continue
        if verdict not in _VERDICTS:
            groups[_NOT_ASKED].append(site)
            reasons[site] = "no verdict: it was not asked, or not reached"
            continue
        groups[verdict].append(site)
        goes_ahead = result.get("blocked") is False  # nothing but a boolean lets a site go ahead
        if goes_ahead:
            going_ahead.append(site)
        if verdict != "passed" or not goes_ahead:
            reasons[site] = _reason(result)
    summary: _Summary = {
        "enough": len(going_ahead) >= needed,
        "needed": needed,
        "total": len(expected),
        "going_ahead": going_ahead,
        "stopped": [site for site in expected if site not in going_ahead],
        **groups,
        "reasons": reasons,
    }
    return {**summary, "message": _message(summary, share)}


def _read_sites(sites: t.Iterable[t.Any] | str) -> list[str]:
    listed = sites.split(",") if isinstance(sites, str) else sites
    expected = list(dict.fromkeys(name for name in (str(site).strip() for site in listed) if name))
    if not expected:
        raise AnsibleFilterError(
            "gp_jobs_summary_sites is empty. Name there the sites that are expected, such as the hosts of a group."
        )
    return expected


def _read_needed(share: str, total: int) -> int:
    """Returns how many sites a number or a share asks for."""
    found = re.fullmatch(r"(\d+)(%?)", share)
    number = int(found[1]) if found else -1
    if found is None or (found[2] and number > 100):
        raise AnsibleFilterError(
            f"gp_jobs_summary_min_passed is '{share}'. Use a number of sites, such as 3, or a share from 0% to 100%, "
            'such as "90%".'
        )
    return (number * total + 99) // 100 if found[2] else number


def _reason(result: t.Mapping[str, t.Any]) -> str:
    """Returns the first reason of a result on one line, from a fact or from what was published for later nodes."""
    first = next(iter(result.get("reasons") or ()), "")
    text = str(first.get("text", "") if isinstance(first, t.Mapping) else first) or str(result.get("message") or "")
    text = " ".join(text.split()) or "no reason is given"
    return text if len(text) <= _LONGEST_REASON else f"{text[: _LONGEST_REASON - 3]}..."


def _message(summary: _Summary, share: str) -> str:
    going_ahead, reasons = summary["going_ahead"], summary["reasons"]
    enough = "enough" if summary["enough"] else "not enough"
    lines = [
        f"{len(going_ahead)} of {summary['total']} sites may go ahead, {summary['needed']} needed ({share}): {enough}"
    ]
    width = min(40, max(map(len, (*going_ahead, *summary["stopped"]))))
    for verdict in (*_VERDICTS, _NOT_ASKED):
        sites = summary[verdict]
        lines.append(f"{verdict.replace('_', ' ')}: {len(sites)}")
        for site in sites:
            if site in reasons:
                what = "goes ahead" if site in going_ahead else "stopped   "
                lines.append(f"  {site.ljust(width)}  {what}  {reasons[site]}")
        if clean := [site for site in sites if site not in reasons]:
            listed = textwrap.wrap(", ".join(clean), _WIDTH - 2, break_long_words=False, break_on_hyphens=False)
            lines += [f"  {line}" for line in listed]
    if summary["enough"] and summary["stopped"]:
        lines.append(f"What comes next has to leave out: {', '.join(summary['stopped'])}")
    return "\n".join(lines)


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"gp_jobs_fleet": gp_jobs_fleet}
