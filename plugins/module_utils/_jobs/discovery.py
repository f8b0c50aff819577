# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which services are meant: names as they stand, patterns by what the site lists."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .. import _services
from .._errors import GpError, NotAllowed, NotFound, SiteError, UnknownService
from .._services import ROOT, Entry, Service
from .._wire import dialects as _api
from .._wire import responses as _responses
from .._wire.site import Site
from .filters import Question

Map = t.Callable[..., t.Iterable[t.Any]]
"""The built-in map, or a pool's, which asks side by side. A worker of the pool takes the built-in one."""

JOBS_SINCE = "Jobs can be asked for from ArcGIS Server 10.6.1 and ArcGIS Enterprise on Kubernetes 10.9.1 on."

# Every site has it, and publishing runs in it: a listing without it is one that this account sees in part.
_ALWAYS_THERE = Service("System", "PublishingTools")


@dataclass
class Discovery:
    """The services to ask. ``unseen`` maps what this account could not look into to the reason."""

    named: list[Service] = field(default_factory=list)
    found: list[Service] = field(default_factory=list)
    may_be_missing: set[Service] = field(default_factory=set)
    state: str = "none"
    unseen: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    synchronous: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)


def discover(site: Site, question: Question, each: Map = map) -> Discovery:
    """The services that a question means; raises UnknownService for a pattern that matches nothing."""
    found = Discovery()
    patterns = [entry for entry in question.services if entry.is_pattern]
    for entry in question.services:
        if not entry.is_pattern and not question.excludes(entry.service) and entry.service not in found.named:
            found.named.append(entry.service)
            if entry.may_be_missing:
                found.may_be_missing.add(entry.service)
    if question.services and not patterns:
        return found
    patterns = patterns or [Entry("*")]
    listed, found.unseen = list_services(site, _folders(patterns), each)
    _match(question, patterns, [one for one in listed if one.type == _services.GP], listed, found)
    if (
        any(pattern.matches(_ALWAYS_THERE) for pattern in patterns)
        and _ALWAYS_THERE not in [*listed, *found.named]
        and not question.excludes(_ALWAYS_THERE)
    ):
        found.unseen.setdefault(
            str(_ALWAYS_THERE),
            "The site does not list it for this account, and no site is without it: the account sees only a part. "
            f"Use one with {site.dialect.privileges}, or exclude it if this site really has none.",
        )
    found.state = "partial" if found.unseen else "complete"
    return found


def _match(
    question: Question, patterns: list[Entry], services: list[Service], listed: list[Service], found: Discovery
) -> None:
    """Adds the services that the patterns match; a pattern that matches nothing is a misspelling."""
    for pattern in patterns:
        matched = [one for one in services if pattern.matches(one)]
        if not matched and question.services and not found.unseen:
            if pattern.may_be_missing:
                found.missing.append(pattern.text)
                continue
            raise UnknownService(
                f"No geoprocessing service matches '{pattern.text}'",
                where="option services",
                cure=_suggestion(pattern.text, listed)
                or "Look at the folder's name, or set missing: ignore for this entry.",
            )
        for one in matched:
            if one not in found.found and one not in found.named and not question.excludes(one):
                found.found.append(one)
    found.found.sort()


def _folders(patterns: list[Entry]) -> set[str] | None:
    """The folders to look into; None for all of them."""
    folders = [pattern.folder for pattern in patterns]
    return None if None in folders else {t.cast(str, folder) for folder in folders}


def list_services(site: Site, only: set[str] | None = None, each: Map = map) -> tuple[list[Service], dict[str, str]]:
    """All services of the site (or of some folders) of every type, and the folders that could not be seen."""
    services: list[Service] = []
    unseen: dict[str, str] = {}
    if only is None:
        services, folders = _folder(site, ROOT)
    else:
        folders = sorted(only)

    def one_folder(folder: str) -> list[Service] | GpError:
        try:
            return in_folder(site, folder)
        except (NotAllowed, NotFound) as error:
            return error

    for folder, result in zip(folders, each(one_folder, folders)):
        if isinstance(result, GpError):
            unseen[f"{folder}/*"] = str(result)
        else:
            services += result
    return services, unseen


def in_folder(site: Site, folder: str) -> list[Service]:
    """The services of one folder; none where the site no longer has it."""
    try:
        return _folder(site, folder)[0]
    except NotFound as error:
        # What the site lists and does not find is not gone: something on the way answers in its place.
        if folder != ROOT and folder.lower() not in (name.lower() for name in _folder(site, ROOT)[1]):
            return []
        raise NotFound(
            f"The site lists the folder '{folder or ROOT}', and says that it does not have it "
            f"({error.failure['words'] or error.failure['what']})",
            where=error.failure["where"],
            cure="Ask again; if it stays, look at what stands in front of the site.",
        ) from None


def _folder(site: Site, folder: str) -> tuple[list[Service], list[str]]:
    url = _api.folder_url(site.roots, folder)
    return site.ask(url, lambda body: _responses.parse_folder(body, folder, f"GET {url}"))


def explain_missing(site: Site, service: Service) -> UnknownService:
    """The error for a named service whose jobs the site does not find, with what is there instead."""
    try:
        listed, unseen = list_services(site)
        is_certain = f"{service.folder}/*" not in unseen
    except SiteError:
        listed, is_certain = [], False
    if service in listed:
        if runs_synchronously(site, service):
            return synchronous(service)
        return UnknownService(
            f"{service} is there, but the site has no jobs resource for it",
            where="option services",
            cure=JOBS_SINCE,
            service=str(service),
        )
    same_name = [one for one in listed if (one.folder, one.name) == (service.folder, service.name)]
    if same_name:
        return UnknownService(
            f"{service} does not exist, and {same_name[0]} is not a geoprocessing service",
            where="option services",
            cure=f"If its jobs are meant, name it with its type: {same_name[0]}.",
            service=str(service),
        )
    return UnknownService(
        f"There is no service {service}",
        where="option services",
        cure=_suggestion(str(service), listed)
        or "Look at the folder and the name, or set missing: ignore for this entry.",
        service=str(service),
        # Only what the site lists without it is missing for sure.
        **({"nearest": _services.nearest(str(service), listed)} if is_certain else {}),
    )


def _suggestion(text: str, listed: list[Service]) -> str:
    names = _services.nearest(text, listed)
    return f"Did you mean {' or '.join(names)}?" if names else ""


def synchronous(service: Service) -> UnknownService:
    """The error for a named service that never has jobs."""
    return UnknownService(
        f"{service} runs synchronously, so it has no jobs to ask for",
        where="option services",
        cure="Leave it out, or publish it as asynchronous.",
        service=str(service),
    )


def runs_synchronously(site: Site, service: Service) -> bool | None:
    """Whether a service runs synchronously, by its admin description or else its REST one; None where neither says.

    Raises NotFound where the site does not have the service.
    """
    says = site.ask(_api.service_url(site.roots, service), _responses.is_synchronous)
    if says is None and service.type == _services.GP:
        try:
            says = site.ask(_api.rest_service_url(site.roots, service), _responses.is_synchronous)
        except GpError:
            return None
    return says
