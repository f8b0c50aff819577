# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The two dialects of the admin API: addresses, parameters, and the shapes of answers. Pure: nothing is sent here."""

from __future__ import annotations

import re
import sys
import typing as t
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from .. import _services, _times
from .. import _statuses as _status
from .._errors import BadOption, NotUnderstood
from .._services import Service

KUBERNETES = "kubernetes"
SERVER = "server"

SERVER_MEMORY = 6 * 3600.0
"""Seconds that ArcGIS Server keeps finished jobs for, unless its administrators changed it."""

# Where people copy addresses from: everything from here on is not part of the site's context.
_BELOW_CONTEXT = re.compile(r"/(admin|rest|manager|sharing|home|portaladmin|tokens|services)(/.*)?$", re.IGNORECASE)


@dataclass(frozen=True)
class Dialect:
    """What differs between the two products."""

    api: str
    product: str
    milliseconds: bool
    """Whether times travel as milliseconds; else as seconds."""
    filters_machines: bool
    always_sends_start_time: bool
    """The documentation calls startTime required; Esri's own client sends it empty."""
    privileges: str
    """Any one of these lets an account read the jobs."""


DIALECTS = {
    KUBERNETES: Dialect(
        api=KUBERNETES,
        product="ArcGIS Enterprise on Kubernetes",
        milliseconds=False,
        filters_machines=False,
        always_sends_start_time=False,
        privileges="the privilege 'Feature layer' or 'Geoprocessing', or the Publisher role",
    ),
    SERVER: Dialect(
        api=SERVER,
        product="ArcGIS Server",
        milliseconds=True,
        filters_machines=True,
        always_sends_start_time=True,
        privileges="one of the privileges 'Update', 'Delete', 'Security and Infrastructure' or 'Servers' "
        "(an administrator with a custom role also needs 'View all content')",
    ),
}


@dataclass(frozen=True)
class Roots:
    """The addresses of one site, all without a slash at the end."""

    context: str

    @property
    def admin(self) -> str:
        return f"{self.context}/admin"

    @property
    def rest(self) -> str:
        return f"{self.context}/rest"

    @property
    def sharing(self) -> str:
        return f"{self.context}/sharing/rest"


def roots(url: str) -> Roots:
    """The roots of a site from the address that a user has at hand: its context, admin root or REST root."""
    text = url.strip()
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise BadOption(f"{_told(text)} is not an address", where="option url", cure=_LIKE) from None
    if parts.scheme == "http":
        raise BadOption(
            "The address begins with http://, which would send the password in clear",
            where="option url",
            cure=f"Use https:// (ArcGIS Server itself answers on port 6443, not {port or 80}).",
        )
    if parts.scheme != "https" or not parts.hostname:
        raise BadOption(f"{_told(text)} is not an https address", where="option url", cure=_LIKE)
    if parts.username is not None or parts.password is not None:
        raise BadOption(
            "The address holds a user name or password",
            where="option url",
            cure="Give them in the options username and password.",
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    path = _BELOW_CONTEXT.sub("", re.sub(r"/+", "/", parts.path).rstrip("/"))
    return Roots(f"https://{host}{f':{port}' if port and port != 443 else ''}{path}")


_UNREADABLE = "(an address that cannot be read)"
_LIKE = "Write it like https://gis.example.com/arcgis or https://gis.example.com:6443/arcgis."


def _told(text: str) -> str:
    """What is no address; with the sign in it any part may be of a password."""
    return "This" if "@" in text else f"'{safe_url(text)}'"


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port: what a token or a password must never leave."""
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname or "", parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    except ValueError:
        return "", "", None  # no address, and the origin of nothing


def origin_and_path(url: str) -> tuple[tuple[str, str, int | None], str]:
    """What makes two addresses of a context the same."""
    return origin(url.lower()), urlsplit(safe_url(url)).path.rstrip("/").lower()


def resource(url: str) -> str:
    """What an address names, wherever its site is: the path from admin, rest or sharing on, or else all of it."""
    path = unquote(urlsplit(safe_url(url)).path).rstrip("/").lower()
    below = _BELOW_CONTEXT.search(path)
    return below.group(0) if below else path


def safe_url(url: str) -> str:
    """An address that may be shown: without query, fragment, user name and password."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return _UNREADABLE
    if not parts.netloc and "@" in url:
        return _UNREADABLE  # what stands before the sign may be a password
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def service_url(site: Roots, service: Service) -> str:
    """The admin resource of one service."""
    path = "/".join(quote(part, safe="") for part in (service.folder, f"{service.name}.{service.type}") if part)
    return f"{site.admin}/services/{path}"


def folder_url(site: Roots, folder: str) -> str:
    """The admin resource that lists the services of one folder."""
    return f"{site.admin}/services/{quote(folder, safe='')}".rstrip("/")


def rest_service_url(site: Roots, service: Service) -> str:
    """The REST resource of one service: there the type is a segment of its own."""
    path = "/".join(quote(part, safe="") for part in (service.folder, service.name, service.type) if part)
    return f"{site.rest}/services/{path}"


# --- what is asked -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ask:
    """The filters of one jobs/query, in our own terms (times in epoch seconds)."""

    statuses: tuple[str, ...] = ()
    """None means any."""
    start_time: float | None = None
    end_time: float | None = None
    user_name: str | None = None
    machine_name: str | None = None


def parameters(
    dialect: Dialect, ask: Ask, *, start: int, number: int, milliseconds: bool, floor: bool
) -> dict[str, str | list[str]]:
    """The query of one page. ``floor`` sends the earliest startTime that means "all" where a site insists on one."""

    def wire(moment: float) -> str:
        return str(int(moment * 1000) if milliseconds else int(moment))

    query: dict[str, str | list[str]] = {"f": "json", "start": str(start), "number": str(number)}
    if ask.statuses:
        query["jobStatus"] = [_status.FILTER_WORDS[status] for status in ask.statuses]
    if ask.start_time is not None:
        query["startTime"] = wire(ask.start_time)
    elif ask.end_time is not None or floor:
        query["startTime"] = "1"  # an endTime is only allowed together with a startTime
    elif dialect.always_sends_start_time:
        query["startTime"] = ""
    if ask.end_time is not None:
        query["endTime"] = wire(ask.end_time)
    if ask.user_name:
        query["userName"] = ask.user_name
    if ask.machine_name:
        query["machineName"] = ask.machine_name
    return query


# --- what is answered --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Page:
    """One page of jobs. ``jobs`` maps each id to the site's word for its status, None where it gives none."""

    total: int
    next_start: int | None
    jobs: dict[str, t.Any]
    echo: dict[str, t.Any]

    @property
    def is_followed(self) -> bool:
        """Whether the site says of a first page that another one follows, whatever its total says."""
        return self.next_start is not None and self.next_start > 1


@dataclass(frozen=True)
class JobDetails:
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
    """Whether the site says that nobody was logged in; false also where it says nothing of who it was."""


def fold(mapping: t.Mapping[t.Any, t.Any]) -> dict[str, t.Any]:
    """A mapping by its keys' letters alone: ``jobId``, ``jobID`` and ``job_id`` are one key on the wire."""
    return {re.sub(r"[^a-z]", "", str(key).lower()): value for key, value in mapping.items()}


def parse_page(body: t.Mapping[str, t.Any], where: str) -> Page:
    """One page of jobs from the body of a jobs/query; anything that cannot be counted on is an error."""
    total = _integer(body.get("total"))
    if total is None or total < 0:
        raise NotUnderstood("The answer has no usable 'total'", where=where, cure=_NOT_JOBS, transient=True)
    if body.get("results") is None:
        raise NotUnderstood("The answer has no 'results'", where=where, cure=_NOT_JOBS, transient=True)
    echo = body.get("query")
    return Page(
        total=total,
        next_start=_integer(body.get("nextStart")),
        jobs=_jobs(body["results"], where),
        echo={key: value for key, value in echo.items() if key not in _NO_ECHO} if isinstance(echo, t.Mapping) else {},
    )


_NO_ECHO = ("token", "password")
"""What a site would better not repeat, whatever it was sent."""
_NOT_JOBS = "This is not read as 'no jobs'."


def _integer(value: t.Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,18}", value.strip()):
        return int(value)
    return value if isinstance(value, int) else None


def _jobs(results: t.Any, where: str) -> dict[str, t.Any]:
    """Ids and words from every form of ``results`` that is known."""
    if isinstance(results, t.Mapping):
        return {str(job_id): _word(value) for job_id, value in results.items()}
    if isinstance(results, list):
        jobs: dict[str, t.Any] = {}
        for entry in results:
            job_id = fold(entry).get("jobid", fold(entry).get("id")) if isinstance(entry, t.Mapping) else entry
            if not isinstance(job_id, str) or not job_id:
                raise NotUnderstood(
                    "'results' has an entry without a job id", where=where, cure=_NOT_JOBS, transient=True
                )
            jobs[job_id] = _word(entry) if isinstance(entry, t.Mapping) else None
        return jobs
    raise NotUnderstood("'results' is neither an object nor a list", where=where, cure=_NOT_JOBS, transient=True)


def _word(value: t.Any) -> t.Any:
    """The status in one entry of ``results``: the word itself, or a member of an object."""
    if isinstance(value, t.Mapping):
        members = fold(value)
        return _word(next((members[key] for key in _STATUS_KEYS if members.get(key) is not None), None))
    # Interned, for a million jobs share a few words.
    return value if value is None or isinstance(value, int) else sys.intern(str(value))


_STATUS_KEYS = ("jobstatus", "status", "statuscode")


def echoed_statuses(echo: t.Mapping[str, t.Any]) -> list[str] | None:
    """The statuses that the site says it filtered by, in our words; None where its echo names none."""
    members = fold(echo)
    said = members.get("status", members.get("jobstatus"))
    if not said:
        return None
    return [_status.normalise(word) for word in (said if isinstance(said, list) else str(said).split(","))]


def parse_job(body: t.Mapping[str, t.Any], where: str) -> JobDetails:
    """The details of one job, whatever the dialect: the keys do not collide."""
    members = fold(body)
    job_id = members.get("jobid")
    word = members.get("status", members.get("jobstatus"))
    if word is None:
        word = members.get("statuscode")
    if not isinstance(job_id, str) or word is None:
        raise NotUnderstood("The answer is not a job", where=where, transient=True)

    def text(*keys: str) -> str | None:
        return next((str(members[key]) for key in keys if members.get(key)), None)

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
        anonymous=user is None and any(key in members for key in _USER_KEYS),
    )


_USER_KEYS = ("username", "user")


def parse_folder(body: t.Mapping[str, t.Any], folder: str, where: str) -> tuple[list[Service], list[str]]:
    """The services and the sub-folders that a folder lists; the kubernetes api gives whole service objects here."""
    listed = body.get("services")
    if not isinstance(listed, list):
        raise NotUnderstood("The answer has no list of services", where=where, cure="", transient=True)
    services = []
    for one in listed:
        members = fold(one) if isinstance(one, t.Mapping) else {}
        name, kind = members.get("servicename", members.get("name")), members.get("type", members.get("servicetype"))
        if not isinstance(name, str) or not isinstance(kind, str):
            raise NotUnderstood("The list of services has an entry without name or type", where=where, transient=True)
        services.append(Service(folder, name, kind))
    folders = body.get("folders")
    if not isinstance(folders, list):
        if folder == _services.ROOT:
            raise NotUnderstood("The answer has no list of folders", where=where, cure="", transient=True)
        folders = []
    return services, [str(name) for name in folders if name not in ("", "/")]


def is_synchronous(body: t.Mapping[str, t.Any]) -> bool | None:
    """Whether a service runs synchronously, so that it never has jobs; None where its description does not say."""
    properties = body.get("properties")
    for members in (body, properties if isinstance(properties, t.Mapping) else {}):
        word = fold(members).get("executiontype")
        if isinstance(word, str):
            return word.lower().endswith("synchronous") and not word.lower().endswith("asynchronous")
    return None


def parse_state(body: t.Mapping[str, t.Any]) -> tuple[str, str] | None:
    """The configured and the real state of a service, in capitals; None where the answer does not tell them."""
    members = fold(body)
    words = [members.get(key) for key in ("configuredstate", "realtimestate")]
    return (str(words[0]).upper(), str(words[1]).upper()) if all(isinstance(word, str) for word in words) else None


def task_of(url: str | None, service: Service) -> str | None:
    """The task's name in a job's own address; None where that is not one of the REST side."""
    found = re.search(rf"/{_services.GP}/([^/?]+)/jobs/", url or "")
    return unquote(found.group(1)) if found and service.type == _services.GP else None


def parse_tasks(body: t.Mapping[str, t.Any]) -> list[str]:
    """The tasks of a service by its REST description."""
    tasks = body.get("tasks")
    return [str(task) for task in tasks] if isinstance(tasks, list) else []


def rest_job_url(site: Roots, service: Service, task: str, job_id: str) -> str:
    """A job's page on the REST side, always under this site's own root: a token goes nowhere else."""
    return f"{rest_service_url(site, service)}/{quote(task, safe='')}/jobs/{quote(job_id, safe='')}"


def parse_messages(body: t.Mapping[str, t.Any]) -> list[dict[str, str]]:
    """The messages of a job: type (``informative``, ``warning``, ``error`` ...) and text, oldest first."""
    messages = body.get("messages")
    return [
        {
            "type": str(one.get("type", "")).replace("esriJobMessageType", "").lower(),
            "text": str(one.get("description", "")),
        }
        for one in (messages if isinstance(messages, list) else [])
        if isinstance(one, t.Mapping)
    ]
