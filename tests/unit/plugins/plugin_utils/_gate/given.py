# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Facts as gp_jobs_query returns them, and policies as a task gives them."""

from __future__ import annotations

import typing as t

from ansible_collections.gisops.arcgis.plugins.module_utils import _statuses, _times
from ansible_collections.gisops.arcgis.plugins.plugin_utils._gate.facts import SiteFacts, read
from ansible_collections.gisops.arcgis.plugins.plugin_utils._gate.judge import judge
from ansible_collections.gisops.arcgis.plugins.plugin_utils._gate.policy import Policy
from ansible_collections.gisops.arcgis.plugins.plugin_utils._gate.verdict import Verdict

NOW = 1_795_510_800.0  # 2026-11-24T09:00:00Z
AS_OF = "2026-11-24T09:00:00Z"
NAME = "A/B.GPServer"
Given = dict[str, t.Any]

STARTED = {"configured": "STARTED", "realtime": "STARTED"}
STOPPED = {"configured": "STOPPED", "realtime": "STOPPED"}
DOWN = {"configured": "STARTED", "realtime": "STOPPED"}


def policy(**options: t.Any) -> Policy:
    """A policy of these options, as a task gives them."""
    return Policy.read(options.get)


STRICT = policy()
UNLIMITED = policy(max_active="unlimited", max_failed="unlimited")


def counts(**numbers: t.Any) -> Given:
    base: Given = dict.fromkeys(_statuses.STATUSES, 0)
    return {**base, "active": 0, "queued": 0, **numbers}


_OWN: Given = {
    "complete": True,
    "warnings": [],
    "error": None,
    "at_least": False,
    "state": None,
    "answers": None,
    "durations": None,
    "succeeded_since": None,
}


def service(name: str = NAME, **more: t.Any) -> Given:
    """The facts of a service. What is no fact of its own is a count; ``succeeded_since`` is the fact ``succeeded``."""
    own = {key: more.pop(key, value) for key, value in _OWN.items()}
    return {"service": name, **own, "succeeded": own.pop("succeeded_since"), "counts": counts(**more)}


def site(*services: Given, **more: t.Any) -> Given:
    return {
        "api": "kubernetes",
        "site": "https://gis.example.com/arcgis",
        "account": "siteadmin",
        "as_of": AS_OF,
        "clock_difference": 0,
        "complete": all(one["complete"] is True for one in services),
        "discovery": "complete",
        "unseen": [],
        "missing": [],
        "synchronous": [],
        "stopped": [],
        "retention": 86400 * 30,
        "services": list(services),
        "jobs": [],
        **more,
    }


def facts(*services: Given, **more: t.Any) -> SiteFacts:
    """The same, read; the jobs of services that are not there are left out."""
    names = {one["service"] for one in services}
    given = site(*services, **more)
    return read({**given, "jobs": [one for one in given["jobs"] or () if one["service"] in names]})


def judged(*services: Given, by: Policy = STRICT, **more: t.Any) -> Verdict:
    """The verdict on these facts by a policy."""
    return judge(facts(*services, **more), by)


def job(**more: t.Any) -> Given:
    return {
        "service": NAME,
        "job_id": "j0550",
        "status": "failed",
        "job_status": "esriJobFailed",
        "user_name": "user1",
        "anonymous": False,
        "machine_name": None,
        "submitted_time": "2026-11-24T08:40:00Z",
        "start_time": "2026-11-24T08:41:00Z",
        "end_time": "2026-11-24T08:48:00Z",
        "url": None,
        "messages": [
            {"type": "error", "text": "ERROR 000732: Input\nFeatures"},
            {"type": "informative", "text": "Bye."},
        ],
        **more,
    }


def running(number: int = 1, **more: t.Any) -> list[Given]:
    """Executing jobs, the first one the longest: 30 minutes, and each other a minute less."""
    return [
        job(
            job_id=f"j{one}",
            status="executing",
            **{
                "submitted_time": "2026-11-24T08:29:00Z",
                "start_time": f"2026-11-24T08:{30 + one}:00Z",
                "end_time": None,
                "messages": [],
                **more,
            },
        )
        for one in range(number)
    ]


def failed(number: int = 1, **more: t.Any) -> list[Given]:
    """Failed jobs, the first one the latest: 12 minutes ago, and each other a minute before."""
    began = {"submitted_time": "2026-11-24T05:00:00Z", "start_time": "2026-11-24T05:00:00Z"}
    return [
        job(job_id=f"f{one}", **{**began, "end_time": _times.iso(NOW - 720 - 60 * one), **more})
        for one in range(number)
    ]
