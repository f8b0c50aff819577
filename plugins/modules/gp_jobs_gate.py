#!/usr/bin/python
# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Documentation of the action plugin gp_jobs_gate, which does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gp_jobs_gate
short_description: Say whether the geoprocessing jobs of an ArcGIS site allow a deployment
version_added: 1.0.0
author:
  - The gisops.arcgis contributors (@gisops)
description:
  - Asks the site by M(gisops.arcgis.gp_jobs_query), judges the answer by a policy, and fails unless the verdict
    is passed.
  - The verdict is C(failed) where a limit is exceeded, C(inconclusive) where the site could not be seen well
    enough to tell, and C(passed) only where it was seen in full and no limit is exceeded.
  - The task fails for C(failed) and for C(inconclusive), with the reasons in its message.
  - With O(wait) it polls until the verdict is passed, or cannot become better by waiting. All polls share one login.
    Each prints a line, unless O(progress=false).
  - Where services are found by patterns, they are looked for at each poll. Those that run synchronously, and those
    that are stopped and have no active job, are named and do not count. One that is configured to be started and is
    not fails the gate.
requirements:
  - requests >= 2.31 where the task runs
extends_documentation_fragment:
  - gisops.arcgis._connection
  - gisops.arcgis._gate
  - gisops.arcgis._attributes
  - gisops.arcgis._attributes.info_module
  - gisops.arcgis._attributes.action_group
options:
  services:
    description: The services to judge, as in M(gisops.arcgis.gp_jobs_query). Without it, all of the site.
    type: list
    elements: raw
    aliases: [service]
  exclude_services:
    description: Names or patterns of services that are not judged.
    type: list
    elements: str
notes:
  - An action cannot run with C(async); use O(wait).
  - In check mode, and with O(override), it measures once.
seealso:
  - module: gisops.arcgis.gp_jobs_query
  - module: gisops.arcgis.gp_token
"""

EXAMPLES = r"""
- name: Stop here if jobs run, or failed in the last hour
  gisops.arcgis.gp_jobs_gate:
    services: [System/PublishingTools, "Analysis/*"]

- name: Wait up to half an hour until nothing runs, twice in a row, whatever failed before
  gisops.arcgis.gp_jobs_gate:
    max_failed: unlimited
    wait: 30m
    steady: 2
    poll_interval: 1s

- name: Allow two running jobs, and more for one service; leave out what is known
  gisops.arcgis.gp_jobs_gate:
    max_active: 2
    max_failed_percent: 5
    overrides:
      - service: Analysis/*
        max_active: 10
    exempt:
      - user: nightly
        status: executing
        reason: The nightly export can be killed.
        until: "2030-01-01T00:00:00Z"
      - service: Legacy/*
        reason: Not ours to judge, and not ours to see.

- name: Judge by a longer window, and go on whatever the verdict
  gisops.arcgis.gp_jobs_gate:
    window: 90m
    mode: observe
  register: gate

- name: Show why
  ansible.builtin.debug:
    msg: "{{ gate.reasons | map(attribute='text') }}"
"""

RETURN = r"""
verdict:
  description: V(passed), V(failed) or V(inconclusive).
  returned: always, unless an option is wrong
  type: str
  sample: failed
passed:
  description: True for the verdict V(passed) alone, whatever O(mode), O(on_inconclusive) and O(override).
  returned: always, unless an option is wrong
  type: bool
  sample: false
blocked:
  description:
    - Whether the task fails, so that nothing may go ahead. For those who keep it from failing the play, and decide
      themselves.
  returned: always
  type: bool
  sample: true
reasons:
  description: What keeps the verdict from being passed, worst first.
  returned: always, unless an option is wrong
  type: list
  elements: dict
  contains:
    verdict:
      description: The verdict that this reason leads to.
      type: str
      returned: always
      sample: failed
    rule:
      description:
        - The rule that found it. V(active), V(executing), V(queued), V(total_active), V(failed), V(failed_percent) and
          V(age) are the limits. V(stopped) is a service that should be started and is not, V(gone) one that was
          started at the mark and is not there, V(silent) one that does not answer. V(window), V(incomplete),
          V(unseen), V(empty) and V(error) are what makes a verdict inconclusive.
      type: str
      returned: always
      sample: failed
    service:
      description: The service, or null where it is about the site.
      type: str
      returned: always
      sample: System/PublishingTools.GPServer
    limit:
      description: The limit; null where there is none. Seconds for V(age), percent for V(failed_percent).
      type: float
      returned: always
      sample: 0
    found:
      description: What was found, in the terms of RV(reasons[].limit); null where there is no number.
      type: float
      returned: always
      sample: 1
    jobs:
      description: The worst jobs, five at most, as in M(gisops.arcgis.gp_jobs_query) with C(detail=full).
      type: list
      elements: dict
      returned: always
      sample: []
      contains:
        age:
          description: Seconds since the job began to run, or was submitted.
          type: int
          returned: for active jobs
          sample: 720
        pace:
          description:
            - How that compares to the jobs of the service that succeeded. V(usual) is within the 95th percentile,
              V(slow) beyond. V(stuck) is more than ten times that, and more than 10 minutes. Null where nothing tells,
              or fewer than 5 jobs do.
          type: str
          returned: for active jobs
          sample: usual
    text:
      description: All of it in one sentence for people, with the cure, or a line to paste.
      type: str
      returned: always
      sample: "System/PublishingTools.GPServer: 1 failed job since 08:00 UTC, 0 allowed: j0550714f334 (user1, ended
        08:48 UTC, 12 min ago)."
notices:
  description: What to know although it decides nothing.
  returned: always, unless an option is wrong
  type: list
  elements: str
  sample: []
mode:
  description: The O(mode).
  returned: when the site was measured
  type: str
  sample: enforce
overridden:
  description: Whether an O(override) was in force.
  returned: when the site was measured
  type: bool
  sample: false
override:
  description: The O(override), whether it was in force or over; null without one.
  returned: when the site was measured
  type: dict
  sample: null
policy:
  description: The policy as it was understood. Times are in UTC, durations in seconds.
  returned: when the site was measured
  type: dict
  sample: {max_active: 0, max_failed: 0, window: 3600}
facts:
  description:
    - The facts that were judged at the last poll, as M(gisops.arcgis.gp_jobs_query) returns them. Null where the site
      was not asked.
  returned: when the site was measured
  type: dict
  sample: {complete: true, counts: {active: 0, failed: 1}}
polls:
  description: How often the site was measured.
  returned: when the site was measured
  type: int
  sample: 1
waited:
  description: Seconds from the first poll to the end of the last.
  returned: when the site was measured
  type: int
  sample: 0
ended:
  description: How many jobs were active at one poll, and at a later one not any more.
  returned: when the site was measured
  type: int
  sample: 0
arrived:
  description: How many jobs became active after the first poll.
  returned: when the site was measured
  type: int
  sample: 0
failure:
  description: Why the site could not be asked, or which option is wrong, as data (see M(gisops.arcgis.gp_jobs_query)).
  returned: when the site could not be asked
  type: dict
  sample: {kind: Unreachable, what: No connection within 30 s, where: "GET https://...", cure: "..."}
"""
