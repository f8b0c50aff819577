# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Options that say what a gate allows."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  max_active:
    description:
      - "Policy: how many active jobs each service may have. A job is active until it has finished, however old it is."
      - A whole number, or V(unlimited). The default is V(0), or V(unlimited) if O(max_executing) or O(max_queued) is
        given.
    type: str
  total_max_active:
    description:
      - "Policy: how many active jobs all services together may have. A whole number, or V(unlimited), which is the
        default."
    type: str
  max_executing:
    description:
      - "Policy: how many jobs of each service may be executing, cancelling, deleting, or in an unknown status."
      - A whole number, or V(unlimited), which is the default.
    type: str
  max_queued:
    description:
      - "Policy: how many jobs of each service may be new, submitted or waiting."
      - A whole number, or V(unlimited), which is the default.
    type: str
  max_failed:
    description:
      - "Policy: how many jobs of each service may have failed or timed out since the O(window) began, or since the mark
        O(since). A failure counts by when it ended; one without a plausible end counts as recent."
      - A whole number, or V(unlimited). The default is V(0), or V(unlimited) if O(max_failed_percent) is given.
    type: str
  max_failed_percent:
    description:
      - "Policy: the share of failed and timed-out jobs among those that succeeded, failed or timed out in the
        O(window), in percent."
      - A number from 0 to 100, or V(unlimited), which is the default.
    type: str
  min_finished:
    description:
      - "Policy: with fewer finished jobs than this, O(max_failed_percent) is exceeded only if nothing succeeded and at
        least 3 jobs failed."
    type: int
    default: 10
  window:
    description:
      - "Policy: how far back failures count, as seconds or as parts such as V(90m), V(1h30m) or V(2d). The default is
        V(1h), unless O(since) is given. The window is fixed at the first poll."
      - If the site keeps finished jobs for a shorter time, the verdict is inconclusive. ArcGIS Server says how long
        that is. For other sites, set O(retention).
      - If the clocks of the site and of the machine that asks are more than five minutes apart, the window begins by
        the earlier one.
    type: str
  since:
    description:
      - "Policy: from when on failures count, instead of O(window). Give the mark that the role
        P(gisops.arcgis.gp_jobs_mark#role) has published, or a time of the site's clock."
      - A mark also holds the failures that were there when it was taken, which do not count, and the services that
        were started, which have to be started still.
    type: raw
  clock_slack:
    description:
      - "Policy: how far the clocks of a site and of its machines may differ. O(window) and O(since) reach back further
        by this."
    type: str
    default: 60s
  max_age:
    description:
      - "Policy: an active job that is older than this is stuck, and fails the gate at once. A duration, or
        V(unlimited), which is the default."
    type: str
  exempt:
    description:
      - "Policy: jobs or services that do not count. Each entry needs at least one of C(service), C(job), C(user),
        C(status) and C(older_than). If several are given, all must match."
      - An entry with C(service) alone exempts all of the service, also from being started and from being seen.
    type: list
    elements: dict
    suboptions:
      service:
        description:
          - A name or a pattern as in O(services), or C(Folder/*) for a folder that the account may not see.
          - A name that is not a pattern has to exist, unless O(exempt[].missing=ignore).
        type: str
      missing:
        description: Whether the service may be missing.
        type: str
        choices: [fail, ignore]
        default: fail
      job:
        description: The id of a job.
        type: str
      user:
        description: Who submitted the job, V(anonymous) for nobody.
        type: str
      status:
        description: Words of C(job_status) in M(gisops.arcgis.gp_jobs_query).
        type: list
        elements: str
      older_than:
        description:
          - A duration, counted since the job ended, or if it is active, since it began to run or was submitted.
          - A job whose age is not known is not exempted.
        type: str
      until:
        description: When the exemption ends, as a timestamp. It is reported from then on.
        type: str
      reason:
        description: Why. It is shown with the verdict.
        type: str
        required: true
  service_limits:
    description:
      - "Policy: limits of their own for some services. The first entry that means a service counts. What it does not
        name is taken from the options of the same name."
    type: list
    elements: dict
    suboptions:
      service:
        description:
          - A name or a pattern as in O(services).
          - A name that is not a pattern has to exist, unless O(service_limits[].missing=ignore).
        type: str
        required: true
      missing:
        description: Whether the service may be missing.
        type: str
        choices: [fail, ignore]
        default: fail
      max_active:
        description: As O(max_active).
        type: str
      max_executing:
        description: As O(max_executing).
        type: str
      max_queued:
        description: As O(max_queued).
        type: str
      max_age:
        description: As O(max_age).
        type: str
      max_failed:
        description: As O(max_failed).
        type: str
      max_failed_percent:
        description: As O(max_failed_percent).
        type: str
      min_finished:
        description: As O(min_finished).
        type: int
  must_answer:
    description:
      - "Policy: whether each service has to show that it is started, and to answer on the REST side. For checks after a
        deployment."
    type: bool
    default: false
  steady:
    description:
      - "Waiting: how many polls in a row have to be clean."
    type: int
    default: 1
  poll_interval:
    description:
      - "Waiting: the pause between polls, one second or more."
    type: str
    default: 10s
  wait:
    description:
      - "Waiting: how long to wait for a verdict that may still get better. V(0) measures once."
      - Active jobs may end, services may start, and a site that is down or starting may come up. A failure that counts,
        a job older than O(max_age), a wrong option and a refused password end the wait at once.
      - Meanwhile only the services that block are asked. When they are clear, the whole site is measured, and only that
        can pass.
      - The last of several O(steady) polls may come a little later than this.
    type: str
    default: "0"
  on_inconclusive:
    description:
      - "Consequence: whether the task fails if the verdict is inconclusive, or warns and goes on. A failed verdict
        always fails."
    type: str
    choices: [fail, warn]
    default: fail
  mode:
    description:
      - "Consequence: with V(observe) the task says in full what it would have done, and fails for no verdict."
    type: str
    choices: [enforce, observe]
    default: enforce
  override:
    description:
      - "Consequence: break-glass, for one run. The task measures once and does not fail, whatever the verdict, which
        stays as it is."
    type: dict
    suboptions:
      reason:
        description: Why. It is recorded in all results.
        type: str
        required: true
      by:
        description: Who answers for it. It is recorded in all results.
        type: str
        required: true
      until:
        description: When the override ends, as a timestamp.
        type: str
  progress:
    description:
      - "Consequence: whether a short line that begins with the host's name is printed for each poll."
      - Nothing is printed for a task with C(no_log).
    type: bool
    default: true
"""
