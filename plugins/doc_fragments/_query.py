# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Options that say which jobs are asked for: the same for module and lookup."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  services:
    description:
      - The services to ask. If it is not given, every geoprocessing service that the site lists is asked.
      - Write V(Folder/Name), or V(Name) for a service of the root folder. C(.GPServer) may be left out. A name with
        another type (V(Maps/Tiles.MapServer)) is asked as it is written, because such services can have jobs too.
      - An entry with V(*), V(?) or V([]) is a pattern over the geoprocessing services by their names with the folder.
        V(*) also matches slashes, and case matters.
      - An entry may be a dictionary of C(name) and C(missing). With C(missing=ignore) it is no error if there is no
        such service.
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
  job_status:
    description:
      - The statuses to ask for. If it is not given, all of them.
      - Any of V(new), V(submitted), V(waiting), V(executing), V(succeeded), V(failed), V(timed_out), V(cancelling),
        V(cancelled), V(deleting), V(deleted) and V(unknown), in any spelling (V(esriJobFailed), V(Failed)).
      - Or a group. V(active) is every status that is not finished, unknown ones included. V(queued) is new, submitted
        and waiting. V(finished) is succeeded, failed, timed out, cancelled and deleted.
    type: list
    elements: str
  ended_after:
    description:
      - Leaves out finished jobs that ended before this time, in the forms of O(start_time). Jobs that have not ended
        stay.
      - The end time in each job's details decides, for at most 500 finished jobs of a service. If there are more, the
        facts are not complete.
    type: str
  start_time:
    description:
      - The site's own filter for the earliest time. Esri does not document whether it compares the time when a job was
        submitted, started or ended. Use O(ended_after) if that matters.
      - A timestamp (without a zone it is UTC), epoch seconds (with 13 digits, milliseconds), or a time before the
        site's now, such as V(90m), V(2h) or V(1d).
      - If the site ignores this filter, that is an error.
    type: str
  end_time:
    description:
      - The site's own filter for the latest time, in the forms of O(start_time).
    type: str
  user_name:
    description:
      - Asks only for jobs that this user submitted.
    type: str
  machine_name:
    description:
      - Asks only for jobs of this one machine. ArcGIS Server only.
    type: str
  detail:
    description:
      - V(counts) returns counts only. V(jobs) also returns every job with its status. V(full) also returns what the
        site tells about each job, at the cost of up to two requests a job.
    type: str
    choices: [counts, jobs, full]
    default: counts
  number:
    description:
      - The page size, which is the most jobs to ask for in one request. The site may give fewer.
      - To say how many jobs you want, use O(limit).
    type: int
    default: 1000
  start:
    description:
      - The place in the site's listing to begin at, counted from 1. It needs one named service, and one status or all.
    type: int
  limit:
    description:
      - The most jobs to return. If it cuts, C(truncated) is true, and C(next_start) says where to go on.
    type: int
  include:
    description:
      - What else to find out about each service, at the cost of one request a service or more.
      - V(states) tells whether it should run and does (C(state)). V(answers) tells whether it answers on the REST side
        (C(answers)).
      - V(durations) tells how long its jobs take (C(durations)), by up to 20 succeeded jobs of a service that has
        active ones.
      - V(succeeded) tells how many jobs succeeded since O(ended_after) (C(succeeded)), for services with failed ones.
        It looks at up to 500 jobs of a service. If there are more, it is null.
    type: list
    elements: str
    choices: [states, answers, durations, succeeded]
  enough:
    description:
      - With O(ended_after), stops looking at the finished jobs of a service as soon as this many are known to have
        ended after it. Then C(at_least) is true for that service.
    type: int
  detail_limit:
    description:
      - With O(detail=full), the most jobs of each service whose details are read, besides those that O(ended_after)
        needs. If it is not given, all of them.
    type: int
  message_limit:
    description:
      - With O(detail=full), the most jobs of each service whose messages are read. The latest failed jobs come first,
        then the jobs that have waited longest. If it is not given, all of them.
    type: int
  retention:
    description:
      - How long the site keeps finished jobs, as a duration such as V(6h). Give it if the site cannot be asked, as on
        ArcGIS Enterprise on Kubernetes. What ArcGIS Server itself says comes first.
      - If O(ended_after) or O(start_time) looks further back than that, the counts of finished jobs are null and the
        facts are not complete.
    type: str
"""
