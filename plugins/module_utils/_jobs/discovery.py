# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which services are meant: names as they are given, patterns by what the site lists."""

from __future__ import annotations

import typing as t

from .. import _services
from .._errors import GpError, NotAllowed, NotFound, UnknownService
from .._services import ROOT, Entry, Service
from .._wire import dialects, responses
from .._wire.site import Site
from .filters import Filters
from .listing import Map

JOBS_SINCE = "Jobs can be asked for since ArcGIS Server 10.6.1 and ArcGIS Enterprise on Kubernetes 10.9.1."

# Every site has it, and publishing runs in it. If it is not listed, this account sees only a part of the site.
_ALWAYS_THERE = Service("System", "PublishingTools")


class Discovery(t.NamedTuple):
    """The services to ask."""

    named: tuple[Service, ...] = ()
    found: tuple[Service, ...] = ()
    may_be_missing: frozenset[Service] = frozenset()
    state: str = "none"
    unseen: t.Mapping[str, str] = {}
    """What this account could not look into, with the reason."""
    missing: tuple[str, ...] = ()


def discover(site: Site, filters: Filters, side_by_side: Map = map) -> Discovery:
    """Find the services that the filters mean.

    :raises UnknownService: for a pattern that matches nothing.
    """
    named: dict[Service, None] = {}
    may_be_missing: set[Service] = set()
    for entry in filters.services:
        if not entry.is_pattern and not filters.excludes(entry.service):
            named[entry.service] = None
            if entry.may_be_missing:
                may_be_missing.add(entry.service)
    patterns = [entry for entry in filters.services if entry.is_pattern]
    if filters.services and not patterns:
        return Discovery(tuple(named), may_be_missing=frozenset(may_be_missing))
    patterns = patterns or [Entry("*")]
    listed, unseen = list_services(site, _folders(patterns), side_by_side)
    found, missing = _match(filters, patterns, listed, is_partial=bool(unseen))
    if (
        any(pattern.matches(_ALWAYS_THERE) for pattern in patterns)
        and _ALWAYS_THERE not in [*listed, *named]
        and not filters.excludes(_ALWAYS_THERE)
    ):
        unseen.setdefault(
            str(_ALWAYS_THERE),
            "The site does not list it for this account, and every site has it, so the account sees only a part. "
            f"Use one with {site.dialect.privileges}, or exclude it if this site really has none.",
        )
    return Discovery(
        tuple(named),
        tuple(sorted(found - named.keys())),
        frozenset(may_be_missing),
        "partial" if unseen else "complete",
        unseen,
        missing,
    )


def _match(
    filters: Filters, patterns: list[Entry], listed: list[Service], is_partial: bool
) -> tuple[set[Service], tuple[str, ...]]:
    """Give the services that patterns match, and the patterns that match nothing and may."""
    services = [one for one in listed if one.type == _services.GP]
    found: set[Service] = set()
    missing = []
    for pattern in patterns:
        matched = [one for one in services if pattern.matches(one)]
        if not matched and filters.services and not is_partial:
            if not pattern.may_be_missing:
                raise UnknownService(
                    f"No geoprocessing service matches '{pattern.text}'",
                    where="option services",
                    cure=_suggestion(pattern.text, listed)
                    or "Look at the folder's name, or set missing: ignore for this entry.",
                )
            missing.append(pattern.text)
        found.update(one for one in matched if not filters.excludes(one))
    return found, tuple(missing)


def _folders(patterns: list[Entry]) -> set[str] | None:
    """Give the folders to look into; None for all of them."""
    folders = [pattern.folder for pattern in patterns]
    return None if None in folders else {t.cast(str, folder) for folder in folders}


def list_services(
    site: Site, only: set[str] | None = None, side_by_side: Map = map
) -> tuple[list[Service], dict[str, str]]:
    """List all services of the site (or of some folders) of every type, and the folders that could not be seen."""
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

    for folder, result in zip(folders, side_by_side(one_folder, folders)):
        if isinstance(result, GpError):
            unseen[f"{folder}/*"] = str(result)
        else:
            services += result
    return services, unseen


def in_folder(site: Site, folder: str) -> list[Service]:
    """List the services of one folder; none if the site no longer has it."""
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
    url = dialects.folder_url(site.roots, folder)
    return site.ask(url, lambda body: responses.parse_folder(body, folder, f"GET {url}"))


def explain_missing(site: Site, service: Service, listed: list[Service], unseen: t.Mapping[str, str]) -> UnknownService:
    """Make the error for a named service whose jobs the site does not find, with what is there instead.

    :param listed: all services that the site lists.
    :param unseen: the folders (``Folder/*``, or ``*`` for all) that could not be seen.
    """
    is_certain = not {"*", f"{service.folder}/*"} & unseen.keys()
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
    """Make the error for a named service that never has jobs."""
    return UnknownService(
        f"{service} runs synchronously, so it has no jobs to ask for",
        where="option services",
        cure="Leave it out, or publish it as asynchronous.",
        service=str(service),
    )


def runs_synchronously(site: Site, service: Service) -> bool | None:
    """Ask whether a service runs synchronously, by its admin or else its REST description; None if neither says.

    :raises NotFound: if the site does not have the service.
    """
    says = site.ask(dialects.service_url(site.roots, service), responses.is_synchronous)
    if says is None and service.type == _services.GP:
        try:
            says = site.ask(dialects.rest_service_url(site.roots, service), responses.is_synchronous)
        except GpError:
            return None
    return says
