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
      - How many active jobs (every status that is not finished, however old) each service may have.
      - A whole number, or V(unlimited). Without it V(0), unless O(max_executing) or O(max_queued) is given.
    type: str
  total_max_active:
    description:
      - How many active jobs all services together may have. A whole number, or V(unlimited), which it is without it.
    type: str
  max_executing:
    description:
      - How many jobs of each service may be executing, cancelling, deleting, or in a status that nobody knows.
    type: str
  max_queued:
    description:
      - How many jobs of each service may be new, submitted or waiting.
    type: str
  max_failed:
    description:
      - How many jobs of each service may have failed or timed out in the O(window), or since the mark O(since), by
        when they ended.
      - A whole number, or V(unlimited). Without it V(0), unless O(max_failed_percent) is given.
    type: str
  max_failed_percent:
    description:
      - The share of failed and timed-out jobs among those that succeeded, failed or timed out in the O(window), in
        percent.
    type: str
  min_finished:
    description:
      - With fewer finished jobs than this a share says little. Then O(max_failed_percent) is exceeded only where
        nothing succeeded and at least 3 jobs failed.
    type: int
    default: 10
  window:
    description:
      - How far back failures count, as seconds or as parts such as V(90m), V(1h30m) or V(2d). Without it V(1h), unless
        O(since) is given. It is fixed at the first poll.
      - A window longer than the site's memory (6 hours on ArcGIS Server, unless changed) makes the verdict
        inconclusive.
    type: str
  since:
    description:
      - From when on failures count, in place of O(window). A mark that the role P(gisops.arcgis.gp_jobs_mark#role) has
        published, or a time of the site's clock.
      - A mark also knows the failures that were there when it was taken, which do not count, and the services that were
        started, which have to be started still.
    type: raw
  clock_slack:
    description:
      - How far the clocks of a site and of its machines may differ. O(window) and O(since) reach back further by this.
    type: str
    default: 60s
  max_age:
    description:
      - An active job that is older than this is stuck, and fails the gate at once. A duration, or V(unlimited).
    type: str
  exempt:
    description:
      - Jobs or services that do not count. Each entry is a dictionary, of which all that is given must apply, and at
        least one of C(service), C(job), C(user), C(status) and C(older_than) is.
      - C(service) is a name or a pattern as in O(services), or C(Folder/*) for a folder that the account may not see.
        Without any of the following keys, nothing about the service counts.
      - C(job) is a job's id. C(user) is who submitted it, C(anonymous) for nobody. C(status) is one or several words of
        C(job_status) in M(gisops.arcgis.gp_jobs_query). C(older_than) is a duration, counted since the job ended, or
        began to run, or was submitted.
      - C(reason) says why, and is required. C(until) is a time at which the exemption ends; it is reported from then
        on.
      - A C(service) that is not a pattern has to exist, unless C(missing=ignore) is said.
    type: list
    elements: dict
  overrides:
    description:
      - Limits of their own for some services. Each entry is a dictionary of C(service), a name or a pattern, and any of
        C(max_active), C(max_executing), C(max_queued), C(max_failed), C(max_failed_percent), C(min_finished) and
        C(max_age).
      - The first entry that means a service counts; what it does not name is taken from the options of the same name.
      - A C(service) that is not a pattern has to exist, unless C(missing=ignore) is said.
    type: list
    elements: dict
  allow_empty:
    description:
      - Whether a site (or a choice of services) without any geoprocessing service may pass.
    type: bool
    default: false
  must_answer:
    description:
      - Whether each service has to tell its state and to answer on the REST side too. For checks after a deployment.
    type: bool
    default: false
  steady:
    description:
      - How many polls in a row have to be clean.
    type: int
    default: 1
  poll_interval:
    description:
      - The shortest pause between polls, a second or more. It is used where the jobs at work are about to end, after a
        clean poll, and where the site could not be seen.
    type: str
    default: 10s
  poll_interval_max:
    description:
      - The longest pause between polls, used where jobs are far from their usual end.
      - The pause is a third of the time that the last job at work is away from what jobs of its service usually take,
        or a tenth of its age where nothing tells that, and keeps within O(poll_interval) and this.
      - If not given, it is six times O(poll_interval).
    type: str
  wait:
    description:
      - How long to wait for a verdict that may still get better. Active jobs may end, services may start, errors may
        pass. Failures that count do not go away, so they end the wait at once.
      - C(0) measures once. The last of several O(steady) polls may come a little later than this.
    type: str
    default: "0"
  initial_delay:
    description:
      - The pause before the first poll.
    type: str
    default: "0"
  error_limit:
    description:
      - After so many polls in a row that did not see everything, the wait ends.
    type: int
    default: 3
  startup_wait:
    description:
      - How long the site may take until it answers for the first time. Until then errors do not count, and O(wait) has
        not begun. A refused password counts at once, and so does a login without an answer to it, for nobody knows
        whether the password was tried.
    type: str
    default: "0"
  on_inconclusive:
    description:
      - Whether the task fails for an inconclusive verdict, or warns and goes on. A failed verdict fails all the same.
    type: str
    choices: [fail, warn]
    default: fail
  mode:
    description:
      - With V(observe) the task says what it would have done, and does not fail for any verdict.
    type: str
    choices: [enforce, observe]
    default: enforce
  override:
    description:
      - Break-glass. With a dictionary of C(reason) and C(by) (both recorded in all results) and, if you like,
        C(until), the task measures once and does not fail, whatever the verdict, which stays as it is.
    type: dict
  progress:
    description:
      - Whether a short line that begins with the host's name is printed for each poll.
      - Nothing is printed for a task with C(no_log).
    type: bool
    default: true
"""
