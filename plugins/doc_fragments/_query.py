# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Options that say which jobs are meant: the same for module, lookup and action."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  services:
    description:
      - The services to ask. Without it, every geoprocessing service that the site lists.
      - An entry is V(Folder/Name), or V(Name) for a service of the root folder; C(.GPServer) may be left out. A
        name with another type (V(Maps/Tiles.MapServer)) is asked as it stands, for such services can have jobs
        too.
      - An entry with V(*), V(?) or V([]) is a pattern over the geoprocessing services, by their names with the folder;
        V(*) stands for slashes as well, and case matters.
      - An entry may be a dictionary of C(name) and C(missing). With C(missing=ignore) it is no error if there
        is no such service.
      - A name that the site does not have, a pattern that matches nothing, and a named service that runs synchronously
        are errors, never zero jobs.
    type: list
    elements: raw
    aliases: [service]
  exclude_services:
    description:
      - Names or patterns, as in O(services), of services that are not asked.
    type: list
    elements: str
  start_time:
    description:
      - The site's own filter for the earliest time. The documentation of the sites does not say whether it
        looks at when a job was submitted, started or ended. Use O(ended_after) where that matters.
      - A timestamp (without zone, UTC), epoch seconds (with 13 digits, milliseconds), or a time before the
        site's now, such as V(90m), V(2h) or V(1d).
      - That the site honours this filter is proven on one of its jobs; if it does not, that is an error.
    type: str
  end_time:
    description:
      - The site's own filter for the latest time, in the forms of O(start_time).
    type: str
  ended_after:
    description:
      - Leaves out finished jobs that ended before this time, in the forms of O(start_time). Jobs that have not
        ended stay.
      - This is decided by the end time in each job's details, side by side, for at most 500 finished jobs a service,
        whatever O(detail). Beyond that the facts are not complete.
    type: str
  job_status:
    description:
      - The statuses to ask for. Without it, all of them.
      - Any of V(new), V(submitted), V(waiting), V(executing), V(succeeded), V(failed), V(timed_out), V(cancelling),
        V(cancelled), V(deleting), V(deleted), V(unknown), in any spelling (V(esriJobFailed), V(Failed)).
      - Or a group. V(active) is every status that is not finished, unknown ones included; V(queued) is new,
        submitted and waiting; V(finished) is succeeded, failed, timed out, cancelled and deleted.
    type: list
    elements: str
  user_name:
    description:
      - Only jobs that this user submitted.
    type: str
  machine_name:
    description:
      - Only jobs of this one machine. ArcGIS Server only.
    type: str
  number:
    description:
      - The most jobs to ask for in one request, which is one page. The site may give fewer.
    type: int
    default: 1000
  retention:
    description:
      - How long the site keeps finished jobs, such as V(6h), for a site that does not tell.
    type: str
  start:
    description:
      - The place in the site's listing to begin at, counted from 1, for one named service and one status or all.
    type: int
  limit:
    description:
      - The most jobs to return. Where it cuts, C(truncated) is true, and C(next_start) says where to go on.
    type: int
  detail:
    description:
      - V(counts) returns counts only, V(jobs) also every job with its status, and V(full) also what the site
        tells of each job, at the cost of up to two requests a job.
    type: str
    choices: [counts, jobs, full]
    default: counts
  include:
    description:
      - What else to find out about each service, at the cost of a request a service and more.
      - V(states) is whether it should run and does (C(state)). V(answers) is whether it answers on the REST side
        (C(answers)).
      - V(durations) is how long its jobs take (C(durations)), by up to 20 succeeded jobs of a service that has active
        ones.
      - V(succeeded) is how many jobs succeeded since O(ended_after) (C(succeeded)), for a service with failed ones. Up
        to 500 are looked at one by one; of more the site's own time filter tells, which may leave out long ones.
    type: list
    elements: str
    choices: [states, answers, durations, succeeded]
  enough:
    description:
      - With O(ended_after), stop looking at the finished jobs of a service when so many are known to have ended after
        it. Then C(at_least) is true for that service.
    type: int
  message_limit:
    description:
      - With O(detail=full), the most jobs of each service whose messages are read. Failed jobs come first, the latest
        before the others, then those that wait longest. Without it, all of them.
    type: int
"""
