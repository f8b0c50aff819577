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
seealso:
  - module: gisops.arcgis.gp_jobs_query
  - module: gisops.arcgis.gp_token
"""

EXAMPLES = r"""
- name: Stop here if jobs run, or failed in the last hour
  gisops.arcgis.gp_jobs_gate:
    services: [System/PublishingTools, "Analysis/*"]

- name: Only look at what runs, and let two jobs be
  gisops.arcgis.gp_jobs_gate:
    max_active: 2
    max_failed: unlimited

- name: Judge by a longer window, and go on whatever the verdict
  gisops.arcgis.gp_jobs_gate:
    window: 90m
  register: gate
  ignore_errors: true

- name: Show why
  ansible.builtin.debug:
    msg: "{{ gate.reasons | map(attribute='text') }}"
"""

RETURN = r"""
verdict:
  description: V(passed), V(failed) or V(inconclusive).
  returned: always
  type: str
  sample: failed
passed:
  description: True for the verdict V(passed) alone.
  returned: always
  type: bool
  sample: false
reasons:
  description: What keeps the verdict from being passed, worst first.
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
        - The rule that found it. V(active) and V(failed) are the limits; V(window), V(incomplete), V(unseen),
          V(empty) and V(error) are what makes a verdict inconclusive.
      type: str
      returned: always
      sample: failed
    service:
      description: The service, or null where it is about the site.
      type: str
      returned: always
      sample: System/PublishingTools.GPServer
    limit:
      description: The limit; null where there is none.
      type: int
      returned: always
      sample: 0
    found:
      description: The number found; null where there is none.
      type: int
      returned: always
      sample: 1
    jobs:
      description: The worst jobs, five at most, as in M(gisops.arcgis.gp_jobs_query) with C(detail=full).
      type: list
      elements: dict
      returned: always
      sample: []
    text:
      description: All of it in one sentence for people, with the cure.
      type: str
      returned: always
      sample: "System/PublishingTools.GPServer: 1 failed job since 08:00 UTC, 0 allowed: j0550714f334 (user1, ended
        08:48 UTC, 12 min ago)."
notices:
  description: What to know although it decides nothing.
  returned: always
  type: list
  elements: str
  sample: []
policy:
  description: The policy as it was understood.
  returned: always
  type: dict
  sample: {max_active: 0, max_failed: 0, window: 3600}
facts:
  description:
    - The facts that were judged, as M(gisops.arcgis.gp_jobs_query) returns them. Null where the site was not asked.
  returned: always
  type: dict
  sample: {complete: true, counts: {active: 0, failed: 1}}
failure:
  description: Why the site could not be asked, as data (see M(gisops.arcgis.gp_jobs_query)).
  returned: when the site could not be asked
  type: dict
  sample: {kind: Unreachable, what: No connection within 30 s, where: "GET https://...", cure: "..."}
"""
