# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the body of an answer tells of jobs and services. Pure: nothing is read in the site's favour."""

from __future__ import annotations

import re
import sys
import typing as t

from .. import _services, _times
from .._errors import NotUnderstood
from .._services import Service
from .._statuses import normalise

Body = dict[str, t.Any]
MOST_SAID = 8
"""Values of one key that are told apart. Two that differ are one too many already."""
_NOT_JOBS = "This is not read as 'no jobs'."


class Page(t.NamedTuple):
    """One page of jobs."""

    total: int
    next_start: int | None
    jobs: dict[str, t.Any]
    """Each id with the site's word for its status; None if it gives none."""
    echo: Body
    """What the site repeats of the query."""
    start: int | None = None
    num: int | None = None


class JobDetails(t.NamedTuple):
    """What a site tells of one job; times are epoch seconds."""

    job_id: str
    word: t.Any
    user_name: str | None
    machine_name: str | None
    submitted: float | None
    started: float | None
    ended: float | None
    url: str | None
    anonymous: bool = False
    """Whether the site says that nobody was logged in; false also if it says nothing of who it was."""


def fold(mapping: t.Mapping[t.Any, t.Any]) -> Body:
    """Return a mapping by its keys' letters alone: ``jobId``, ``jobID`` and ``job_id`` are one key on the wire."""
    return {bare(key): value for key, value in mapping.items()}


def said_of(body: Body, name: str) -> list[t.Any]:
    """Return all that a body says under a name, however that is written: of a list, its entries."""
    found = [value for key, value in body.items() if value is not None and key.lower() == name]
    return [one for value in found for one in (value if isinstance(value, list) else [value])]


def bare(key: t.Any) -> str:
    return re.sub(r"[^a-z]", "", str(key).lower())


def text_of(value: t.Any) -> str:
    """Return a text or a number as a text; nothing for what is neither, which may be nested without end."""
    return str(value) if isinstance(value, (str, int, float)) else ""


def parse_page(body: t.Mapping[str, t.Any], where: str) -> Page:
    """Read one page of jobs from the body of a jobs/query; raise NotUnderstood for what cannot be counted on."""

    def refuse(what: str) -> NotUnderstood:
        return NotUnderstood(what, where=where, cure=_NOT_JOBS, transient=True)

    total, results, echo = _integer(body.get("total")), body.get("results"), body.get("query")
    if total is None or total < 0:
        raise refuse("The answer has no usable 'total'")
    if results is None:
        raise refuse("The answer has no 'results'")
    if any(text_of(one).lower() not in ("success", "ok") for one in said_of(dict(body), "status")):
        raise refuse("The answer has a status that is no success")
    jobs: dict[str, t.Any] = {}
    if isinstance(results, t.Mapping):
        jobs = {str(job_id): _word(value) for job_id, value in results.items()}
    elif isinstance(results, list):
        for entry in results:
            members = fold(entry) if isinstance(entry, t.Mapping) else {"jobid": entry}
            job_id = members.get("jobid", members.get("id"))
            if not isinstance(job_id, str) or not job_id:
                raise refuse("'results' has an entry without a job id")
            word = _word(entry) if isinstance(entry, t.Mapping) else None
            jobs[job_id] = _agreed([jobs[job_id], word]) if job_id in jobs else word
    else:
        raise refuse("'results' is neither an object nor a list")
    return Page(
        total=total,
        next_start=_integer(body.get("nextStart")),
        jobs=jobs,
        echo=_flat(echo) if isinstance(echo, t.Mapping) else {},
        start=_integer(body.get("start")),
        num=_integer(body.get("num")),
    )


_NO_ECHO = ("token", "password")
"""What a site would better not repeat, whatever it was sent."""
_STATUS_KEYS = ("jobstatus", "status", "statuscode")
_USER_KEYS = ("username", "user")


def _flat(echo: t.Mapping[str, t.Any]) -> Body:
    """Return an echo less secrets. What is nested in it is told as such, for it may be nested without end."""

    def flat(value: t.Any) -> t.Any:
        return value if value is None or isinstance(value, (str, int, float)) else "(nested)"

    return {
        key: [flat(one) for one in value] if isinstance(value, list) else flat(value)
        for key, value in echo.items()
        if bare(key) not in _NO_ECHO
    }


def _integer(value: t.Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,18}", value.strip()):
        return int(value)
    return value if isinstance(value, int) else None


def _word(value: t.Any) -> t.Any:
    """Return the status in one entry of ``results``: the word itself, or what the members of an object agree on."""
    if isinstance(value, t.Mapping):
        said = sorted((bare(key), at) for at, key in enumerate(value) if bare(key) in _STATUS_KEYS)
        words = [list(value.values())[at] for _key, at in said]
        return _agreed([word for word in words if word is not None])
    if isinstance(value, str):
        return sys.intern(value)  # a million jobs share a few words
    return value if value is None or isinstance(value, int) else _not_one(value if isinstance(value, list) else [value])


def _agreed(words: t.Sequence[t.Any]) -> t.Any:
    """Return the word for a status that is told several times; one that nobody understands, if they do not agree."""
    is_one = len({normalise(word) for word in words}) == 1 and not any(isinstance(one, (dict, list)) for one in words)
    return _word(words[0]) if is_one else _not_one(words) if words else None


def _not_one(words: t.Sequence[t.Any]) -> str:
    """Return what is not one word in a form that people can read, and that is no status."""
    return f"({' or '.join(text_of(word)[:40] or '?' for word in words[:MOST_SAID])})"


def parse_job(body: t.Mapping[str, t.Any], where: str) -> JobDetails:
    """Read the details of one job, whatever the dialect: the keys do not collide."""
    members, word = fold(body), _word(body)
    job_id = members.get("jobid")
    if not isinstance(job_id, str) or word is None:
        raise NotUnderstood("The answer is not a job", where=where, transient=True)

    def text(*keys: str) -> str | None:
        return next((text_of(members[key]) for key in keys if members.get(key)), None) or None

    def moment(*keys: str) -> float | None:
        return next((when for when in (_times.from_wire(members.get(key)) for key in keys) if when is not None), None)

    user = text(*_USER_KEYS)
    return JobDetails(
        job_id=job_id,
        word=word,
        user_name=user,
        machine_name=text("machinename", "machine"),
        submitted=moment("submittedtime", "jobcreated"),
        started=moment("jobexecutionstart", "starttime"),
        ended=moment("jobexecutionend", "endtime"),
        url=text("url", "joburl"),
        anonymous=user is None and any(key in members and not members[key] for key in _USER_KEYS),
    )


def parse_folder(body: t.Mapping[str, t.Any], folder: str, where: str) -> tuple[list[Service], list[str]]:
    """Read the services and the sub-folders that a folder lists; Kubernetes gives whole service objects here."""

    def refuse(what: str) -> NotUnderstood:
        return NotUnderstood(what, where=where, transient=True)

    listed = body.get("services")
    if not isinstance(listed, list):
        raise refuse("The answer has no list of services")
    services = []
    for one in listed:
        members = fold(one) if isinstance(one, t.Mapping) else {}
        name, kind = members.get("servicename", members.get("name")), members.get("type", members.get("servicetype"))
        if not isinstance(name, str) or not isinstance(kind, str):
            raise refuse("The list of services has an entry without name or type")
        kind = kind.strip()
        services.append(Service(folder, name, _services.GP if kind.lower() == _services.GP.lower() else kind))
    folders = body.get("folders")
    if not isinstance(folders, list):
        if folder == _services.ROOT:
            raise refuse("The answer has no list of folders")
        folders = []
    if not all(isinstance(name, str) for name in folders):
        raise refuse("The list of folders has an entry that is no name")
    return services, [name for name in folders if name not in ("", "/")]


def is_synchronous(body: t.Mapping[str, t.Any]) -> bool | None:
    """Tell whether a service runs synchronously, so that it never has jobs; None if its description does not say."""
    properties = body.get("properties")
    for members in (body, properties if isinstance(properties, t.Mapping) else {}):
        word = fold(members).get("executiontype")
        if isinstance(word, str):
            return word.lower().endswith("synchronous") and not word.lower().endswith("asynchronous")
    return None


def parse_state(body: t.Mapping[str, t.Any]) -> tuple[str, str] | None:
    """Return the configured and the real state of a service, in capitals; None if the answer does not tell them."""
    members = fold(body)
    words = [members.get(key) for key in ("configuredstate", "realtimestate")]
    return (str(words[0]).upper(), str(words[1]).upper()) if all(isinstance(word, str) for word in words) else None


def parse_tasks(body: t.Mapping[str, t.Any]) -> list[str]:
    """Return the tasks of a service by its REST description."""
    tasks = body.get("tasks")
    return [task for task in tasks if isinstance(task, str)] if isinstance(tasks, list) else []


def parse_messages(body: t.Mapping[str, t.Any]) -> list[dict[str, str]]:
    """Return the messages of a job: type (``informative``, ``warning``, ``error`` ...) and text, oldest first."""
    messages = body.get("messages")
    return [
        {
            "type": text_of(one.get("type")).replace("esriJobMessageType", "").lower(),
            "text": text_of(one.get("description")),
        }
        for one in (messages if isinstance(messages, list) else [])
        if isinstance(one, t.Mapping)
    ]


def parse_directories(body: t.Mapping[str, t.Any]) -> dict[str, float | None]:
    """Read the jobs directories of ArcGIS Server, each with the minutes that finished jobs stay in it.

    A list, or the description of one directory. The minutes are infinite if nothing is cleaned, and None if the list
    names a directory only.
    """
    listed = body.get("directories", [body])
    found: dict[str, float | None] = {}
    for one in listed if isinstance(listed, list) else []:
        members = fold(one) if isinstance(one, t.Mapping) else {"name": one}
        name = str(members.get("name"))
        kind = members.get("directorytype")
        if kind is None and "jobs" in name.lower():
            found[name] = None
        elif str(kind).upper() == "JOBS":
            minutes = _integer(members.get("maxfileage"))
            is_kept = str(members.get("cleanupmode")).upper() == "NONE"
            found[name] = float("inf") if is_kept else float(minutes) if minutes and minutes > 0 else None
    return found
