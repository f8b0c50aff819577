# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Makes a mark out of facts: what a site was like at one moment."""

from __future__ import annotations

DOCUMENTATION = r"""
name: gp_jobs_mark
short_description: Make a mark out of facts
version_added: 1.0.0
author:
  - The gisops.arcgis contributors (@gisops)
description:
  - Makes the mark that O(gisops.arcgis.gp_jobs_gate#module:since) takes. The role P(gisops.arcgis.gp_jobs_mark#role)
    uses it.
options:
  _input:
    description:
      - Facts of M(gisops.arcgis.gp_jobs_query), asked with C(job_status=[failed, timed_out]), C(detail=jobs),
        C(include=[states]), and C(ended_after) as far back as clocks may differ.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Ask for what failed just now, and for the state of each service
  gisops.arcgis.gp_jobs_query:
    job_status: [failed, timed_out]
    ended_after: 60s
    detail: jobs
    include: [states]
  register: now

- name: Show the mark
  ansible.builtin.debug:
    msg: "{{ now | gisops.arcgis.gp_jobs_mark }}"
"""

RETURN = r"""
_value:
  description: The mark.
  type: dict
  contains:
    at:
      description:
        - The time, in UTC. If the clocks of the site and of the machine that asked differ by more than five minutes,
          the earlier of the two.
      type: str
      returned: always
      sample: "2026-11-24T09:00:00Z"
    site: {description: The address of the site., type: str, returned: always, sample: "https://gis.example.com/arcgis"}
    complete: {description: Whether everything was seen., type: bool, returned: always, sample: true}
    failed:
      description: The ids of the jobs that had just failed, by service.
      type: dict
      returned: always
      sample: {Analysis/Buffer.GPServer: [j290c2d4e60364aa2a0c735fb9b68428a]}
    states:
      description: The state of each service, in the site's own word.
      type: dict
      returned: always
      sample: {Analysis/Buffer.GPServer: STARTED}
"""

import typing as t

from ansible.errors import AnsibleFilterError

from ..module_utils import _times
from ..module_utils._services import STOPPED


def gp_jobs_mark(facts: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Returns the mark of these facts; raises AnsibleFilterError if they are none."""
    as_of = _times.from_wire(facts.get("as_of") if isinstance(facts, t.Mapping) else None)
    if as_of is None:
        raise AnsibleFilterError("gp_jobs_mark takes the facts of gisops.arcgis.gp_jobs_query, which have as_of.")
    failed: dict[str, list[str]] = {}
    for job in facts["jobs"] or ():
        failed.setdefault(job["service"], []).append(job["job_id"])
    states = dict.fromkeys(facts["stopped"], STOPPED)
    for service in facts["services"]:
        if service["state"] and service["state"]["realtime"]:
            states[service["service"]] = service["state"]["realtime"]
    return {
        "at": _times.iso(as_of - max(0, facts["clock_difference"] or 0)),
        "site": facts["site"],
        "complete": facts["complete"],
        "failed": failed,
        "states": states,
    }


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"gp_jobs_mark": gp_jobs_mark}
