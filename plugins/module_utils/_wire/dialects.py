# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The two dialects of the admin API: addresses and parameters. Pure: nothing is sent here."""

from __future__ import annotations

import re
import typing as t
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from .._errors import BadOption
from .._services import GP, Service
from .._statuses import FILTER_WORDS

KUBERNETES = "kubernetes"
SERVER = "server"

# Where people copy addresses from: everything from here on is not part of the site's context.
_BELOW_CONTEXT = re.compile(r"/(admin|rest|manager|sharing|home|portaladmin|tokens|services)(/.*)?$", re.IGNORECASE)


class Dialect(t.NamedTuple):
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


class Roots(t.NamedTuple):
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


def rest_job_url(site: Roots, service: Service, task: str, job_id: str) -> str:
    """Return a job's page on the REST side, always under this site's own root: a token goes nowhere else."""
    return f"{rest_service_url(site, service)}/{quote(task, safe='')}/jobs/{quote(job_id, safe='')}"


def task_of(url: str | None, service: Service) -> str | None:
    """Return the task's name in a job's own address; None if that is not one of the REST side."""
    found = re.search(rf"/{GP}/([^/?]+)/jobs/", url or "")
    return unquote(found.group(1)) if found and service.type == GP else None


# --- what is asked -----------------------------------------------------------------------------------------------


class JobFilter(t.NamedTuple):
    """The filters of one jobs/query, in our own words (times in epoch seconds); None means any."""

    status: str | None = None
    start_time: float | None = None
    end_time: float | None = None
    user_name: str | None = None
    machine_name: str | None = None


def parameters(dialect: Dialect, job_filter: JobFilter, *, start: int, number: int, floor: bool) -> dict[str, str]:
    """Return the query of one page.

    :param start: the place of its first job, from 1.
    :param number: the most jobs that it may hold.
    :param floor: whether to send the earliest startTime that means "all", if no other is asked for.
    """

    def wire(moment: float) -> str:
        return str(int(moment * 1000) if dialect.milliseconds else int(moment))

    query = {"f": "json", "start": str(start), "number": str(number)}
    if job_filter.status is not None:
        query["jobStatus"] = FILTER_WORDS[job_filter.status]
    if job_filter.start_time is not None:
        query["startTime"] = wire(job_filter.start_time)
    elif job_filter.end_time is not None or floor:
        query["startTime"] = "1"  # an endTime is only allowed together with a startTime
    elif dialect.always_sends_start_time:
        query["startTime"] = ""
    if job_filter.end_time is not None:
        query["endTime"] = wire(job_filter.end_time)
    if job_filter.user_name:
        query["userName"] = job_filter.user_name
    if job_filter.machine_name:
        query["machineName"] = job_filter.machine_name
    return query
