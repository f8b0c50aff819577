#!/usr/bin/python
# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Asks an ArcGIS site about its geoprocessing jobs."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gp_jobs_query
short_description: Ask an ArcGIS site about its geoprocessing jobs
version_added: 1.0.0
author:
  - The gisops.arcgis contributors (@gisops)
description:
  - Returns how many asynchronous geoprocessing (GP) jobs the services of a site have in each status, and the jobs
    themselves if you ask for them.
  - Works with ArcGIS Enterprise on Kubernetes (10.9.1 or later) and ArcGIS Server (10.6.1 or later, stand-alone or
    federated). Logs in, reads all pages and verifies the result. What the site did not answer in full is an error, or
    a fact that says so, and never zero jobs.
  - It is an info module in all but its name. It changes nothing, and does the same in check mode.
requirements:
  - requests >= 2.31
extends_documentation_fragment:
  - gisops.arcgis._connection
  - gisops.arcgis._query
  - gisops.arcgis._attributes
  - gisops.arcgis._attributes.info_module
  - gisops.arcgis._attributes.action_group
options:
  poll_state:
    description:
      - For tasks that ask again and again. Give what an earlier result returned as RV(poll_state), or V(new) the first
        time. Then what is known about single jobs is not asked for again.
      - With it, O(token) is not renewed by a login here, because the next task would not know the new one.
    type: str
notes:
  - The account needs the right to read jobs. On ArcGIS Enterprise on Kubernetes that is the privilege C(Feature
    layer) or C(Geoprocessing), or the Publisher role. On ArcGIS Server it is one of C(Update), C(Delete),
    C(Security and Infrastructure) and C(Servers), and an administrator with a custom role also needs C(View all
    content).
  - C(no_log) values are cut out of results wherever they appear. With a very short password a word or a number in the
    results may be cut, so that a condition on it fails; use passwords of some length.
seealso:
  - plugin: gisops.arcgis.gp_jobs
    plugin_type: lookup
  - module: gisops.arcgis.gp_token
  - module: gisops.arcgis.gp_jobs_gate
"""

EXAMPLES = r"""
- name: What is running, whatever its age
  gisops.arcgis.gp_jobs_query:
    services: [System/PublishingTools, "Analysis/*"]
    job_status: active
    detail: jobs
  register: running

- name: What failed lately
  gisops.arcgis.gp_jobs_query:
    services: [System/PublishingTools, "Analysis/*"]
    job_status: failed
    ended_after: 2h
  register: recent

- name: Stop here if either is true
  ansible.builtin.assert:
    that:
      - running.counts.active == 0
      - recent.counts.failed == 0

- name: Count the jobs of every geoprocessing service of the site
  gisops.arcgis.gp_jobs_query:
    url: "{{ arcgis_url }}"
    username: "{{ arcgis_username }}"
    password: "{{ arcgis_password }}"
    ca_path: "{{ arcgis_ca_path }}"
  register: site

- name: Show the services that have jobs
  ansible.builtin.debug:
    msg: "{{ site.services | selectattr('total') | items2dict(key_name='service', value_name='total') }}"

- name: What failed, and which services do not run as they should
  gisops.arcgis.gp_jobs_query:
    job_status: failed
    ended_after: 1h
    enough: 20
    include: states
  register: health

- name: Show those
  ansible.builtin.debug:
    msg: "{{ item.service }} is {{ item.state.realtime }}, and {{ item.counts.failed }} jobs failed"
  loop: "{{ health.services }}"
  loop_control:
    label: "{{ item.service }}"

- name: Who waits for what, with times, machines and messages
  gisops.arcgis.gp_jobs_query:
    services: Analysis/Buffer
    job_status: [queued, executing]
    detail: full
    limit: 20
  register: waiting

- name: Show it
  ansible.builtin.debug:
    msg: "{{ item.job_id }} of {{ item.user_name }} since {{ item.submitted_time }}"
  loop: "{{ waiting.jobs }}"
  loop_control:
    label: "{{ item.job_id }}"
"""

RETURN = r"""
api:
  description: The admin API that the site speaks, C(kubernetes) or C(server).
  returned: success
  type: str
  sample: kubernetes
site:
  description: The context of the site.
  returned: success
  type: str
  sample: https://gis.example.com/arcgis
account:
  description: The account that was logged in with; null where only a token was given.
  returned: success
  type: str
  sample: siteadmin
as_of:
  description: When the site was asked, on the site's own clock, in UTC.
  returned: success
  type: str
  sample: "2026-11-24T09:00:00Z"
clock_difference:
  description:
    - Seconds by which the site's clock is ahead of the clock of the machine that asked, or behind it if negative. Up to
      five minutes count as 0.
    - Null if the site's answers carry no date. Then RV(as_of) is a time of the machine that asked.
    - If the clocks differ, O(ended_after) begins by the earlier of the two.
  returned: success
  type: int
  sample: 0
complete:
  description:
    - Whether everything that was asked for was seen. Never read V(false) as none. Always V(false) if the task failed.
  returned: always
  type: bool
  sample: true
discovery:
  description:
    - How the services were found. V(none) where all were named, V(complete) where the site listed them,
      V(partial) where it hid some from this account (see RV(unseen)).
  returned: success
  type: str
  sample: complete
unseen:
  description: What this account could not look into.
  returned: success
  type: list
  elements: dict
  sample: []
  contains:
    name:
      description: The service, or V(Folder/*) for a folder.
      type: str
      returned: always
      sample: Secret/*
    why:
      description: What the site answered, and which right would do.
      type: str
      returned: always
      sample: The account 'viewer' may not read this ('HTTP 403').
missing:
  description: Entries of O(services) with C(missing=ignore) that the site does not have.
  returned: success
  type: list
  elements: str
  sample: []
synchronous:
  description: Services found by a pattern that run synchronously, and so have no jobs.
  returned: success
  type: list
  elements: str
  sample: []
stopped:
  description: Services that are stopped, and whose jobs the site does not tell.
  returned: success
  type: list
  elements: str
  sample: []
retention:
  description:
    - Seconds that the site keeps finished jobs, as ArcGIS Server or O(retention) says. Null if nobody says so, and if
      nothing that was asked for depends on it.
  returned: success
  type: int
  sample: 21600
total:
  description: The number of jobs that were asked for; null where it is not known.
  returned: success
  type: int
  sample: 41
counts:
  description:
    - The number of jobs of all services together, by status. One that was not asked for, or is not known, is null.
    - Besides the statuses there are RV(counts.active) and RV(counts.queued).
  returned: success
  type: dict
  sample: {new: 0, submitted: 0, waiting: 0, executing: 2, succeeded: 36, failed: 3, timed_out: 0, cancelling: 0,
           cancelled: 0, deleting: 0, deleted: 0, unknown: 0, active: 2, queued: 0}
  contains:
    active:
      description:
        - All jobs that are not finished. Null unless every such status was asked for, with no time, user or
          machine filter.
      type: int
      returned: always
      sample: 2
    queued:
      description: All jobs that are new, submitted or waiting; null under the same conditions.
      type: int
      returned: always
      sample: 0
services:
  description: The same for each service.
  returned: success
  type: list
  elements: dict
  contains:
    service:
      description: The full name.
      type: str
      returned: always
      sample: System/PublishingTools.GPServer
    total:
      description: The number of jobs that were asked for; null where it is not known.
      type: int
      returned: always
      sample: 41
    counts:
      description: The number of jobs by status, as in RV(counts).
      type: dict
      returned: always
      sample: {executing: 2, succeeded: 36, failed: 3, active: 2, queued: 0}
    at_least:
      description: Whether O(enough) ended the search, so that there may be more finished jobs than are counted.
      type: bool
      returned: always
      sample: false
    complete:
      description: Whether everything that was asked of this service was seen.
      type: bool
      returned: always
      sample: true
    pages:
      description: How many pages of jobs were read.
      type: int
      returned: always
      sample: 1
    num:
      description: The page size, as the site says; null if it does not.
      type: int
      returned: always
      sample: 1000
    start:
      description: The place in the site's listing that was asked from, counted from 1.
      type: int
      returned: always
      sample: 1
    next_start:
      description: The place where the listing goes on after O(limit) cut it, or -1 if nothing is left.
      type: int
      returned: always
      sample: -1
    query:
      description: How the site understood the query, in its own words.
      type: dict
      returned: always
      sample: {serviceName: PublishingTools, userName: "", status: [esriJobFailed]}
    warnings:
      description: What to know about these numbers.
      type: list
      elements: str
      returned: always
      sample: []
    error:
      description: Why a service found by a pattern could not be read, as data; else null.
      type: dict
      returned: always
      sample: null
    state:
      description: Whether the service should run, and whether it does; null unless asked for by O(include), and told.
      type: dict
      returned: always
      sample: {configured: STARTED, realtime: STARTED}
      contains:
        configured:
          description: The state that is wanted, in the site's word.
          type: str
          returned: always
          sample: STARTED
        realtime:
          description: The actual state.
          type: str
          returned: always
          sample: STARTED
    answers:
      description:
        - Whether it answers on the REST side; null unless asked for by O(include), and where the account may not.
      type: bool
      returned: always
      sample: null
    durations:
      description: How long its jobs take, in seconds; null unless asked for by O(include), and where nothing tells.
      type: dict
      returned: always
      sample: {jobs: 20, median: 45, p95: 120}
      contains:
        jobs:
          description: Number of succeeded jobs that the figures are based on.
          type: int
          returned: always
          sample: 20
        median:
          description: Half of them took no longer.
          type: int
          returned: always
          sample: 45
        p95:
          description: 19 of 20 took no longer.
          type: int
          returned: always
          sample: 120
    succeeded:
      description: How many jobs succeeded since O(ended_after); null unless asked for by O(include), and known.
      type: dict
      returned: always
      sample: {found: 31, exact: true}
      contains:
        found:
          description: The number.
          type: int
          returned: always
          sample: 31
        exact:
          description: Whether that is the number, or a lower bound.
          type: bool
          returned: always
          sample: true
jobs:
  description: The jobs that were asked for; null with O(detail=counts).
  returned: success
  type: list
  elements: dict
  contains:
    service:
      description: The full name of the service.
      type: str
      returned: always
      sample: System/PublishingTools.GPServer
    job_id:
      description: The job's id.
      type: str
      returned: always
      sample: j0550714f334d4114af9f7a5d05cb145e
    status:
      description: The status in the words of O(job_status).
      type: str
      returned: always
      sample: failed
    job_status:
      description: The status in the site's own word.
      type: str
      returned: always
      sample: esriJobFailed
    user_name:
      description: Who submitted the job; null for anonymous, and where the site does not tell.
      type: str
      returned: with O(detail=full)
      sample: user1
    anonymous:
      description: Whether the site says that nobody was logged in who submitted the job.
      type: bool
      returned: with O(detail=full)
      sample: false
    machine_name:
      description: The machine that runs the job, where the site tells it.
      type: str
      returned: with O(detail=full)
      sample: server.domain.com
    submitted_time:
      description: When the job was submitted, in UTC.
      type: str
      returned: with O(detail=full)
      sample: "2026-11-24T08:40:00Z"
    start_time:
      description: When the job began to run, in UTC, where the site tells it.
      type: str
      returned: with O(detail=full)
      sample: "2026-11-24T08:40:05Z"
    end_time:
      description: When the job ended, in UTC; null while it runs.
      type: str
      returned: with O(detail=full)
      sample: "2026-11-24T08:48:00Z"
    url:
      description: The address of the job, as the site gives it.
      type: str
      returned: with O(detail=full)
      sample: https://gis.example.com/arcgis/admin/services/System/PublishingTools.GPServer/jobs/j0550714f33
    messages:
      description: The job's own messages, oldest first; null where they cannot be read.
      type: list
      elements: dict
      returned: with O(detail=full)
      contains:
        type:
          description: The kind of message, such as V(informative), V(warning) or V(error).
          type: str
          returned: always
          sample: error
        text:
          description: The message.
          type: str
          returned: always
          sample: "ERROR 000732: Input Features: Dataset does not exist or is not supported"
start:
  description: The place in the site's listing that RV(jobs) begin at, counted from 1.
  returned: success
  type: int
  sample: 1
truncated:
  description: Whether O(limit) cut the jobs.
  returned: success
  type: bool
  sample: false
next_start:
  description: Where the listing goes on after O(limit) cut it, for one service; else null.
  returned: success
  type: int
  sample: null
requests:
  description: What the query cost.
  returned: success
  type: dict
  sample: {sent: 4, tokens: 1, retried: 0, seconds: 0.21}
  contains:
    sent:
      description: Requests sent.
      type: int
      returned: always
      sample: 4
    tokens:
      description: Logins.
      type: int
      returned: always
      sample: 1
    retried:
      description: Requests that were sent again.
      type: int
      returned: always
      sample: 0
    seconds:
      description: From the first request to the last.
      type: float
      returned: always
      sample: 0.21
poll_state:
  description: What to give as O(poll_state) to the next task that asks the same. A text that nobody needs to read.
  returned: when O(poll_state) is given
  type: str
  sample: "..."
failure:
  description: What went wrong, as data.
  returned: failure
  type: dict
  sample: {kind: UnknownService, what: "There is no service System/PublishingTool.GPServer", where: option services,
           cure: "Did you mean System/PublishingTools.GPServer?"}
  contains:
    kind:
      description: The kind of failure, such as V(UnknownService), V(LoginRefused), V(NotAllowed), V(Unreachable).
      type: str
      returned: always
      sample: UnknownService
    what:
      description: What happened.
      type: str
      returned: always
      sample: There is no service System/PublishingTool.GPServer
    where:
      description: The request, the option or the service.
      type: str
      returned: always
      sample: option services
    cure:
      description: What to do about it.
      type: str
      returned: always
      sample: Did you mean System/PublishingTools.GPServer?
"""

from ..module_utils._jobs import facts, poll_state, query
from ..module_utils._module import GpModule
from ..module_utils._options import CONNECTION, POLLING, QUERY


def main() -> None:
    """Run the module."""
    module = GpModule(CONNECTION, QUERY, POLLING, on_failure=facts.nothing_seen())
    given = module.params["poll_state"]
    with module.reporting_errors():
        state = None if given is None else poll_state.read(given)
        measured = query.measure(module.params.get, module.warn, state)
    kept = {} if given is None else {"poll_state": poll_state.pack(measured.facts, measured.state)}
    module.exit_json(changed=False, **measured.facts, **kept)


if __name__ == "__main__":
    main()
