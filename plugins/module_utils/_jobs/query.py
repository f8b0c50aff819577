# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The query: from options to facts. The module and the lookup call it alike, and the gate through the module.

It goes through the services in stages, each side by side: find them, count their jobs, look at single jobs, and then
make facts of what was seen. A stage makes new readings from those of the stage before.
"""

from __future__ import annotations

import typing as t
from concurrent.futures import Executor, ThreadPoolExecutor

from .. import _options, _times
from .._connection import Connection
from .._errors import (
    Busy,
    GpError,
    NotAllowed,
    NotFound,
    NotHonoured,
    NotUnderstood,
    OutOfRequests,
    OutOfTime,
    SiteError,
    Unreachable,
)
from .._services import Service
from .._wire import dialects
from .._wire.site import Site
from . import discovery, facts, health
from .counting import TRIES, Capabilities, Counter
from .details import Details
from .facts import Seen
from .filters import CLOCK_SLACK, Filters
from .health import Health
from .listing import Map
from .poll_state import PollState
from .reading import Reading, in_the_dark, without_finished
from .single_jobs import SingleJobs

Warn = t.Callable[[str], t.Any]
Result = t.Union[Reading, GpError]

_CAME_LATE = "It appeared while the others were read, again and again. Ask again when no service is published."
_OUT_OF = (OutOfTime, OutOfRequests)
_UNREADABLE = (SiteError, Busy, NotUnderstood, NotHonoured, Unreachable)


class Measurement(t.NamedTuple):
    """The facts, and what the next measurement may want to know."""

    facts: dict[str, t.Any]
    state: PollState


def query(get: _options.Read, warn: Warn) -> dict[str, t.Any]:
    """Ask a site, and give the facts.

    :param get: gives the value of an option by its name, None if it was not given.
    :param warn: is told what the user should know although the query succeeded.
    :raises GpError: for everything that keeps the facts from being known.
    """
    return measure(get, warn).facts


def measure(get: _options.Read, warn: Warn, state: PollState | None = None) -> Measurement:
    """Do the same as one of several measurements, each of which begins with the state of the one before.

    :param state: what is known so far; with it, a given token is not renewed here, because the next measurement would
        not know of the new one.
    """
    filters, connection = Filters.read(get), Connection.read(get)
    if state is not None and connection.token is not None:
        connection = connection._replace(password=None)
    with Site(connection) as site, ThreadPoolExecutor(max_workers=connection.connections) as pool:
        return _Query(site, filters, side_by_side_in(pool), warn, state or PollState()).measure()


def side_by_side_in(pool: Executor) -> Map:
    """Give the map of a pool that asks for a single thing right here.

    So the pages of a single service have the pool to themselves. A worker that waited for other workers of its own pool
    would wait for ever.
    """

    def side_by_side(do: t.Callable[[t.Any], t.Any], items: t.Iterable[t.Any]) -> t.Iterable[t.Any]:
        given = list(items)
        return map(do, given) if len(given) < 2 else pool.map(do, given)

    return side_by_side


class _Query:
    """One query under way."""

    def __init__(self, site: Site, filters: Filters, side_by_side: Map, warn: Warn, state: PollState) -> None:
        self._site = site
        self._filters = filters
        self._map = side_by_side
        self._warn = warn
        self._state = state
        self._details = Details(site, side_by_side, dict(state.jobs), dict(state.messages))
        self._listed: tuple[list[Service], dict[str, str]] | None = None

    def measure(self) -> Measurement:
        site, filters = self._site, self._filters
        as_of = self._find_time()
        filters.check_clock(as_of)
        clock = site.client.clock
        # If the clocks differ, a window begins by the earlier one.
        now = as_of - max(0.0, clock.difference or 0.0)
        capabilities = self._state.capabilities
        found = discovery.discover(site, filters, self._map)
        readings, seen, states, capabilities = self._read(found, now, capabilities)
        self._warn_of_clocks()
        if not filters.is_timed:
            as_of = clock.now()
        retention = self._retention()
        single = SingleJobs(site, filters, self._details, self._map, now)
        readings = self._settle(single, readings, now, capabilities)
        notes = single.health(readings, self._counter(now, capabilities, readings))
        readings = [single.leave_out_ended(reading) for reading in readings]
        readings = self._forget(readings, now, retention)
        single.fetch_messages(readings)
        for reading in readings:
            for warning in reading.warnings:
                self._warn(warning)
        told = {service: notes.get(service, Health())._replace(**said) for service, said in states.items()}
        jobs, messages = self._details.kept()
        return Measurement(
            facts.build(site, filters, seen, readings, self._details, told, as_of, retention),
            PollState(jobs, messages, capabilities, retention),
        )

    # --- time --------------------------------------------------------------------------------------------------------

    def _find_time(self) -> float:
        """Give the site's now. If nothing depends on it, no request is sent for it alone: later answers tell.

        A login does not tell, because a portal is another machine.
        """
        site = self._site
        site.dialect  # noqa: B018 - found out by a request, or given
        if not site.client.clock.is_known and self._filters.is_timed:
            site.ask(site.roots.admin, dict)
        return site.client.clock.now()

    def _warn_of_clocks(self) -> None:
        difference = self._site.client.clock.difference
        if difference is None:
            self._warn(
                "The site's answers carry no date, so times are those of the machine that ran the task. Let the "
                "header Date through."
            )
        elif difference:
            ahead = "ahead of" if difference > 0 else "behind"
            self._warn(
                f"The site's clock is {_times.spell(abs(difference))} {ahead} the clock of the machine that ran the "
                "task. Each time counts by the safer of the two. Set the clock that is wrong."
            )

    def _retention(self) -> float | None:
        """Give the seconds that finished jobs are kept, if that matters here and anybody says so."""
        filters = self._filters
        if not filters.is_timed or not filters.asks_for_finished:
            return None
        says = self._state.retention if self._state.retention is not None else health.retention(self._site)
        return says if says is not None else filters.retention

    def _forget(self, readings: list[Reading], now: float, retention: float | None) -> list[Reading]:
        """Take back counts of finished jobs if the site forgets them sooner than the query looks back."""
        begins = self._filters.looks_back_to(now)
        if retention is None or begins is None or begins >= now - retention - 2 * CLOCK_SLACK:
            return readings
        self._warn(
            f"The site keeps finished jobs for {_times.spell(retention)}, and was asked for the last "
            f"{_times.spell(now - begins)}: how many finished in that time is not known. Ask for less."
        )
        return [without_finished(reading) for reading in readings]

    # --- services ----------------------------------------------------------------------------------------------------

    def _counter(self, now: float, capabilities: Capabilities, services: t.Sized) -> Counter:
        # A single service has the pool to itself; of several, each is read by one worker, page after page.
        return Counter(self._site, self._filters, now, capabilities, self._map if len(services) == 1 else map)

    def _read(
        self, found: discovery.Discovery, now: float, capabilities: Capabilities
    ) -> tuple[list[Reading], Seen, dict[Service, dict[str, t.Any]], Capabilities]:
        """Read all services; again after another listing if a service may have moved between folders meanwhile."""
        results: dict[Service, Result] = {}
        states: dict[Service, dict[str, t.Any]] = {}
        for _try in range(TRIES):
            new = [service for service in (*found.named, *found.found) if service not in results]
            states.update(zip(new, self._map(self._state_of, new)))
            fresh, capabilities = self._read_each(new, found.named, now, capabilities)
            results.update(fresh)
            if found.state == "none" or not self._filters.asks_for_active or _any_active(results):
                break
            found = discovery.discover(self._site, self._filters, self._map)
            if set(found.found) <= results.keys():
                break
        return self._sorted_out(found, results, states, capabilities)

    def _state_of(self, service: Service) -> dict[str, t.Any]:
        include, site = self._filters.include, self._site
        return {
            **({"state": health.state_of(site, service)} if "states" in include else {}),
            **({"answers": health.answers(site, service)} if "answers" in include else {}),
        }

    def _read_each(
        self, services: list[Service], named: t.Container[Service], now: float, capabilities: Capabilities
    ) -> tuple[dict[Service, Result], Capabilities]:
        """Read services, in the way that the site wants: as it is known, or is learnt from its refusals."""

        def read(service: Service) -> Reading:
            reading = counter.read(service)
            # "None" of a name may mean that there is no such service, or none that has jobs.
            if service in named and reading.shows_nothing and discovery.runs_synchronously(self._site, service):
                raise discovery.synchronous(service)
            return reading

        results: dict[Service, Result] = {}
        for _try in range(TRIES):
            counter = self._counter(now, capabilities, services)
            again = [one for one in services if not isinstance(results.get(one), (NotFound, NotAllowed, *_OUT_OF))]
            results.update(zip(again, self._map(lambda service: _attempt(read, service), again)))
            learnt = self._learn(counter, results)
            if learnt is None:
                break
            capabilities = learnt
        shows = any(isinstance(one, Reading) and not one.shows_nothing for one in results.values())
        return results, capabilities._replace(shows_jobs=capabilities.shows_jobs or shows)

    def _learn(self, counter: Counter, results: dict[Service, t.Any]) -> Capabilities | None:
        """Find out how the site wants to be asked, if it refuses our way or shows no job at all."""
        if counter.capabilities.shows_jobs:
            return None
        for service, result in results.items():
            if isinstance(result, SiteError) and not isinstance(result, (NotAllowed, NotFound)):
                try:
                    return counter.way_that_is_answered(service, result)
                except SiteError:
                    return None
        empty = [service for service, one in results.items() if isinstance(one, Reading) and one.shows_nothing]
        if len(empty) < len(results):
            return None
        # Nothing anywhere: some sites might find nothing without a status or a start time, instead of refusing.
        answers = self._map(lambda service: _attempt(counter.is_empty, service), empty)
        hidden = [service for service, is_empty in zip(empty, answers) if is_empty is not True]
        way = _attempt(counter.way_that_shows_jobs, hidden[0]) if hidden else None
        if isinstance(way, Capabilities):
            return way
        for service in hidden:
            results[service] = results[service].doubted(f"{service}: it shows no job, and other queries disagree.")
        return None

    def _sorted_out(
        self,
        found: discovery.Discovery,
        results: t.Mapping[Service, Result],
        states: dict[Service, dict[str, t.Any]],
        capabilities: Capabilities,
    ) -> tuple[list[Reading], Seen, dict[Service, dict[str, t.Any]], Capabilities]:
        """Make of each error what it means for its service; raise those that are the user's or the whole site's."""
        unread = [service for service in found.found if service not in results]
        unseen = {**found.unseen, **{str(service): _CAME_LATE for service in unread}}
        missing, synchronous, stopped = list(found.missing), [], []
        readings: list[Reading] = []
        unreadable: list[GpError] = []
        absent = [service for service, one in results.items() if isinstance(one, NotFound)]
        kinds = dict(zip(absent, self._map(lambda service: self._why_absent(service, found), absent)))
        for service, result in results.items():
            state = states[service].get("state")
            is_down = state is not None and not state.is_started
            is_named = service in found.named
            if isinstance(result, Reading):
                readings.append(result)
            elif isinstance(result, NotAllowed):
                if is_named:
                    raise result
                unseen[str(service)] = str(result)
                readings.append(in_the_dark(service, result))
            elif isinstance(result, NotFound) and state is not None and state.is_stopped:
                stopped.append(str(service))
            elif isinstance(result, NotFound) and not is_down:
                kind = kinds[service]
                if isinstance(kind, GpError):
                    if service not in found.may_be_missing or "nearest" not in kind.failure:
                        raise kind
                    missing.append(str(service))
                elif kind == "synchronous":
                    synchronous.append(str(service))
                else:
                    self._warn(f"{service} is gone: it was there when the site was asked for its services.")
            elif isinstance(result, (*_UNREADABLE, *_OUT_OF)):
                if is_named and not is_down and not isinstance(result, _OUT_OF):
                    raise result
                unreadable += [] if is_down else [result]
                readings.append(in_the_dark(service, result))
            else:
                raise result
        if unreadable and len(unreadable) == len(readings):
            raise unreadable[0]  # it is the site
        seen = Seen("partial" if unread else found.state, unseen, missing, synchronous, stopped)
        return readings, seen, states, capabilities

    def _why_absent(self, service: Service, found: discovery.Discovery) -> str | GpError:
        """Tell why a service has no jobs: ``synchronous``, ``gone``, or the error for a name or for the site."""
        try:
            if service in found.named:
                listed, unseen = self._everything()
                return discovery.explain_missing(self._site, service, listed, unseen)
            if discovery.runs_synchronously(self._site, service):
                return "synchronous"
        except NotFound:
            if service not in discovery.in_folder(self._site, service.folder):
                return "gone"
        except GpError as error:
            return error
        return NotUnderstood(
            f"The site lists {service}, and says that it does not have its jobs",
            where=dialects.service_url(self._site.roots, service),
            cure=discovery.JOBS_SINCE,
            service=str(service),
        )

    def _everything(self) -> tuple[list[Service], dict[str, str]]:
        """List all services of the site, once a query."""
        if self._listed is None:
            try:
                self._listed = discovery.list_services(self._site)
            except SiteError:
                self._listed = [], {"*": "not listed"}
        return self._listed

    # --- single jobs -------------------------------------------------------------------------------------------------

    def _settle(
        self, single: SingleJobs, readings: list[Reading], now: float, capabilities: Capabilities
    ) -> list[Reading]:
        """Look at single jobs until nothing moves: a service is read again if one of its jobs vanished meanwhile,

        or if a status that only details tell may hide a job that has come since.
        """
        counter = self._counter(now, capabilities, readings)
        doubtful: set[Service] = set()
        for attempt in range(TRIES):
            readings, doubtful = single.look(readings, counter)
            if not doubtful or attempt == TRIES - 1:
                break
            again = [reading.service for reading in readings if reading.service in doubtful]
            results = dict(zip(again, self._map(lambda service: _attempt(counter.read, service), again)))
            readings = [_replaced(reading, results.get(reading.service)) for reading in readings]
        return [
            reading.doubted(
                f"{reading.service}: jobs come and go while they are looked at one by one. Ask again when fewer arrive."
            )
            if reading.service in doubtful and reading.complete
            else reading
            for reading in readings
        ]


Answered = t.TypeVar("Answered")


def _attempt(ask: t.Callable[[Service], Answered], service: Service) -> Answered | GpError:
    """Give what was asked for, or the error, which is a result as well for one of many services."""
    try:
        return ask(service)
    except GpError as error:
        return error


def _replaced(reading: Reading, result: Result | None) -> Reading:
    if result is None:
        return reading
    return in_the_dark(reading.service, result) if isinstance(result, GpError) else result


def _any_active(results: t.Mapping[Service, Result]) -> bool:
    return any(isinstance(one, GpError) or one.has_active or not one.complete for one in results.values())
