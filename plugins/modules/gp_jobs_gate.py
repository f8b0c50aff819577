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
  - The verdict is C(failed) if a limit is exceeded, C(inconclusive) if the site could not be seen well enough to tell,
    and C(passed) only if it was seen in full and no limit is exceeded.
  - The task fails if the verdict is C(failed) or C(inconclusive), and its message says why.
  - With O(wait) it polls until the verdict is passed, or cannot become better by waiting. All polls share one login.
    Each prints a line, unless O(progress=false).
  - If services are found by patterns, they are looked for whenever the whole site is measured. Services that run
    synchronously, and services that are stopped and have no active job, are named and do not count. A service that is
    configured to be started and is not started fails the gate.
  - If no service is left to judge, the verdict is inconclusive, unless each entry of O(services) says C(missing=ignore)
    or O(exempt) covers all of them.
requirements:
  - requests >= 2.31 where the task runs
extends_documentation_fragment:
  - gisops.arcgis._gate
  - gisops.arcgis._connection
  - gisops.arcgis._attributes
  - gisops.arcgis._attributes.info_module
  - gisops.arcgis._attributes.action_group
options:
  services:
    description:
      - "What to ask: the services to judge, as in M(gisops.arcgis.gp_jobs_query). The default is all of the site."
    type: list
    elements: raw
    aliases: [service]
  retention:
    description:
      - "What to ask: how long the site keeps finished jobs, if it cannot be asked for that. A duration such as V(6h)."
      - ArcGIS Server can be asked; ArcGIS Enterprise on Kubernetes cannot.
    type: str
notes:
  - An action cannot run with C(async); use O(wait).
  - In check mode, and with O(override), it measures once.
  - A wait of C(wait) seconds has at most C(wait / poll_interval + steady + 1) polls. Each poll measures at most twice,
    and a token that the site refuses is renewed three times at most.
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
    service_limits:
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
msg:
  description:
    - The verdict for people. A headline, one block for each service that keeps it from being passed, notices, and what
      to paste into the task to go on anyway. Or what is wrong with an option.
  returned: always
  type: str
  sample: |-
    FAILED  https://gis.example.com/arcgis at 09:00 UTC (as siteadmin): 1 of 2 services
      System/PublishingTools: 1 failed job since 08:00 UTC, 0 allowed; the oldest drops out of the 1 h
          window at 09:49 UTC.
        j0550714f334d4114af9f7a5d05cb145e  failed  user1  08:48 UTC (12 min ago)
        ERROR 000732: Input Features: Dataset does not exist or is not supported
    To go on anyway:
      service_limits:
        - {service: System/PublishingTools, max_failed: 1}
verdict:
  description: V(passed), V(failed) or V(inconclusive). V(inconclusive) also if an option is wrong.
  returned: always
  type: str
  sample: failed
passed:
  description: True for the verdict V(passed) alone, whatever O(mode), O(on_inconclusive) and O(override).
  returned: always
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
  description: What keeps the verdict from being passed, the worst first. Empty if an option is wrong.
  returned: always
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
          V(unseen), V(empty) and V(error) make a verdict inconclusive.
      type: str
      returned: always
      sample: failed
    service:
      description: The service; null if it is about the site.
      type: str
      returned: always
      sample: System/PublishingTools.GPServer
    limit:
      description: The limit; null if there is none. Seconds for V(age), percent for V(failed_percent).
      type: float
      returned: always
      sample: 0
    found:
      description: What was found, in the terms of RV(reasons[].limit); null if there is no number.
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
          description: Seconds since the job ended, or if it is active, began to run or was submitted; null if unknown.
          type: int
          returned: always
          sample: 720
        pace:
          description:
            - How that compares to the jobs of the service that succeeded. V(usual) is within the 95th percentile,
              V(slow) beyond. V(stuck) is more than ten times that, and more than 10 minutes. Null if that is not
              known, if fewer than 5 jobs succeeded, and for failed jobs.
          type: str
          returned: always
          sample: usual
    text:
      description: What was found and what to do, in a sentence or two.
      type: str
      returned: always
      sample: "System/PublishingTools: 1 failed job since 08:00 UTC, 0 allowed; the oldest drops out of the 1 h window
        at 09:49 UTC."
    cure:
      description: The option, in YAML on one line, with which this reason would not count; empty if there is none.
      type: str
      returned: always
      sample: "service_limits: [{service: System/PublishingTools, max_failed: 1}]"
notices:
  description: What to know although it decides nothing.
  returned: always
  type: list
  elements: str
  sample: []
mode:
  description: The O(mode).
  returned: always
  type: str
  sample: enforce
overridden:
  description: Whether an O(override) was in force.
  returned: always
  type: bool
  sample: false
override:
  description: The O(override), whether it was in force or over; null without one.
  returned: always
  type: dict
  sample: null
policy:
  description: The policy as it was understood. Times are in UTC, durations in seconds. Empty if an option is wrong.
  returned: always
  type: dict
  sample: {max_active: 0, max_failed: 0, window: 3600}
facts:
  description:
    - The facts that were judged at the last poll, as M(gisops.arcgis.gp_jobs_query) returns them, but with the first
      100 jobs only; C(truncated) says so. Null if there are none.
  returned: always
  type: dict
  sample: {complete: true, counts: {active: 0, failed: 1}}
polls:
  description: How often the gate looked at the site.
  returned: always
  type: int
  sample: 1
waited:
  description: Seconds from the first poll to the end of the last.
  returned: always
  type: int
  sample: 0
ended:
  description: How many active jobs of the services that were watched were not active any more at a later poll.
  returned: always
  type: int
  sample: 0
arrived:
  description: How many jobs of the services that were watched became active after the first poll.
  returned: always
  type: int
  sample: 0
failure:
  description:
    - Why the site could not be asked, or which option is wrong, as data (see M(gisops.arcgis.gp_jobs_query)). Null if
      nothing went wrong.
  returned: always
  type: dict
  sample: {kind: Unreachable, what: No connection within 30 s, where: "GET https://...", cure: "..."}
"""
