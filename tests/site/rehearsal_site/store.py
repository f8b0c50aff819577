# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a site holds: folders, services, and their jobs."""

from __future__ import annotations

import hashlib
import random
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from .jobs import Filter, History, Job, make_job
from .statuses import Status
from .times import parse_duration, parse_moment

DEFAULT_MACHINE = "GISSERVER01.EXAMPLE.COM"


@dataclass
class Service:
    """A service as the admin side and the REST side show it."""

    folder: str
    name: str
    type: str = "GPServer"
    sync: bool = False
    configured: str = "STARTED"
    realtime: str = "STARTED"
    tasks: tuple[str, ...] = ()
    public: bool = False
    description: str = ""
    life: Mapping[str, object] | None = None

    @property
    def key(self) -> str:
        full = f"{self.name}.{self.type}"
        return f"{self.folder}/{full}" if self.folder else full

    @property
    def service_id(self) -> str:
        number = int(hashlib.sha256(self.key.encode()).hexdigest()[:26], 16)
        letters = ""
        while number:
            number, digit = divmod(number, 36)
            letters += "0123456789abcdefghijklmnopqrstuvwxyz"[digit]
        return f"s{letters[:20]}"

    @property
    def asynchronous(self) -> bool:
        """Whether the service can have jobs; services other than GPServer have them too (tile exports and so on)."""
        return not self.sync


SERVICE_KEYS = frozenset("sync configured realtime tasks public description life jobs history folder name type".split())


def parse_service(name: str, data: Mapping[str, object]) -> Service:
    """A service from ``Folder/Name.Type`` and its properties; without a type it is a GPServer."""
    unknown = set(data) - SERVICE_KEYS
    if unknown:
        raise ValueError(f"service {name}: no such property: {', '.join(sorted(unknown))}")
    folder, _, full = name.rpartition("/")
    base, dot, kind = full.rpartition(".")
    if not dot:
        base, kind = full, "GPServer"
    tasks = data.get("tasks")
    life = data.get("life")
    configured = str(data.get("configured", "STARTED")).upper()
    return Service(
        folder=folder,
        name=base,
        type=kind,
        sync=bool(data.get("sync", False)),
        configured=configured,
        realtime=str(data.get("realtime", configured)).upper(),
        tasks=tuple(str(task) for task in tasks) if isinstance(tasks, list) and tasks else (base,),
        public=bool(data.get("public", False)),
        description=str(data.get("description", "")),
        life=life if isinstance(life, Mapping) else None,
    )


@dataclass
class Row:
    """One line of a listing."""

    job_id: str
    status: Status
    word: str | None
    submitted: int
    job: Job | None = field(default=None, repr=False)


class JobBook:
    """The jobs of one service."""

    def __init__(self) -> None:
        self.live: dict[str, Job] = {}
        self.history: History | None = None


class Listing:
    """The jobs that match a query, in order, without making a list of a long history."""

    def __init__(self, live: list[Job], numbers: Sequence[int], history: History | None, order: str, now: int) -> None:
        self._numbers, self._history, self._now, self._order = numbers, history, now, order
        live = sorted(live, key=lambda job: (job.submitted, job.job_id))
        if order == "random":
            self._numbers = list(numbers)
            random.Random("order").shuffle(self._numbers)
            # A job keeps its place from page to page whatever comes and goes behind it: new ones are put at the end.
            live.sort(key=lambda job: hashlib.sha256(job.job_id.encode()).digest())
            self._places = [len(numbers) + place for place in range(len(live))]
        elif history is None:
            self._places = list(range(len(live)))
        else:
            self._places = [
                bisect_left(numbers, job.submitted, key=history.submitted) + place for place, job in enumerate(live)
            ]
        self._live = live
        self.total = len(numbers) + len(live)

    def page(self, start: int, count: int) -> list[Row]:
        """``count`` rows from the 0-based ``start`` on."""
        places = range(start, min(start + count, self.total))
        if self._order == "newest":
            return [self._row(self.total - 1 - place) for place in places]
        return [self._row(place) for place in places]

    def _row(self, place: int) -> Row:
        before = bisect_left(self._places, place)
        if before < len(self._places) and self._places[before] == place:
            job = self._live[before]
            return Row(job.job_id, job.status(self._now), job.word, job.submitted, job)
        assert self._history is not None
        number = self._numbers[place - before]
        return Row(self._history.job_id(number), self._history.status(number), None, self._history.submitted(number))

    def job(self, row: Row) -> Job:
        if row.job is not None:
            return row.job
        assert self._history is not None
        number = self._history.find(row.job_id)
        assert number is not None
        return self._history.job(number)


class Store:
    """Services and jobs of a site. Not locked by itself: the site's lock is held around each request."""

    def __init__(self, seed: int = 1) -> None:
        self.seed = seed
        self.rng = random.Random(seed)
        self.folders: dict[str, str] = {}
        self.services: dict[str, Service] = {}
        self.books: dict[str, JobBook] = {}

    # -- services ------------------------------------------------------------------------------------------------

    def add_folder(self, name: str, description: str = "") -> None:
        self.folders[name] = description or self.folders.get(name, "")

    def add_service(self, service: Service) -> Service:
        if service.folder:
            self.add_folder(service.folder)
        self.services[service.key] = service
        self.books.setdefault(service.key, JobBook())
        return service

    def remove_service(self, key: str) -> None:
        del self.services[key]
        del self.books[key]

    def service(self, key: str) -> Service:
        """A service by its full name; ``.GPServer`` may be left out."""
        for name in (key, f"{key}.GPServer"):
            if name in self.services:
                return self.services[name]
        raise KeyError(f"no service {key}")

    def in_folder(self, folder: str) -> list[Service]:
        return [service for service in self.services.values() if service.folder == folder]

    # -- jobs ----------------------------------------------------------------------------------------------------

    def new_id(self) -> str:
        return f"j{self.rng.getrandbits(128):032x}"

    def add_job(self, service: str, data: Mapping[str, object], now: int) -> Job:
        found = self.service(service)
        data = dict(data)
        if "life" not in data and "status" not in data and found.life is not None:
            data["life"] = found.life
        job_id = str(data.get("id") or self.new_id())
        job = make_job(data, job_id=job_id, service=found.key, now=now, task=found.tasks[0], machine=DEFAULT_MACHINE)
        self.books[found.key].live[job_id] = job
        return job

    def add_jobs(self, service: str, data: Mapping[str, object], now: int) -> list[Job]:
        """One entry of a scenario: a job, or ``count`` of them, ``every`` so long after one another."""
        count = int(str(data.get("count", 1)))
        every = parse_duration(data["every"]) if data.get("every") is not None else 0
        one = {key: value for key, value in data.items() if key not in ("count", "every", "service")}
        if count > 1 and "id" in one:
            raise ValueError("several jobs cannot share one id")
        jobs = []
        for position in range(count):
            shifted = dict(one)
            for key in ("submitted", "started", "ended"):
                if one.get(key) is not None and every:
                    shifted[key] = parse_moment(one[key], now) + position * every
            if every and not any(one.get(key) is not None for key in ("submitted", "started", "ended")):
                shifted["submitted"] = now + position * every
            jobs.append(self.add_job(service, shifted, now))
        return jobs

    def add_history(self, service: str, data: Mapping[str, object], now: int) -> History:
        found = self.service(service)
        book = self.books[found.key]
        if book.history is not None:
            raise ValueError(f"{found.key} has a history already: one a service")
        book.history = History(found.key, data, now=now, seed=self.seed, task=found.tasks[0])
        return book.history

    def find(self, service: str, job_id: str) -> Job | None:
        book = self.books.get(service)
        if book is None:
            return None
        if job_id in book.live:
            return book.live[job_id]
        number = book.history.find(job_id) if book.history else None
        return book.history.job(number) if book.history and number is not None else None

    def owner(self, job_id: str) -> str | None:
        """The service that has a job."""
        return next((key for key in self.books if self.find(key, job_id) is not None), None)

    def thaw(self, service: str, job_id: str) -> Job | None:
        """The job as one that can be changed; one of a history is taken out of it."""
        job = self.find(service, job_id)
        book = self.books.get(service)
        if job is None or book is None or job_id in book.live:
            return job
        self.remove_job(service, job_id)
        book.live[job_id] = job
        return job

    def remove_job(self, service: str, job_id: str) -> bool:
        book = self.books[service]
        if book.live.pop(job_id, None) is not None:
            return True
        number = book.history.find(job_id) if book.history else None
        if book.history is None or number is None:
            return False
        book.history.remove(number)
        return True

    def select(self, service: str, wanted: Filter, now: int, order: str = "newest") -> Listing:
        book = self.books[service]
        live = [job for job in book.live.values() if job.exists(now) and wanted.matches(job, now, job.status(now))]
        numbers: Sequence[int] = book.history.select(wanted) if book.history else ()
        return Listing(live, numbers, book.history, order, now)

    def counts(self, service: str, now: int) -> dict[Status, int]:
        counts: dict[Status, int] = {}
        book = self.books[service]
        for job in book.live.values():
            if job.exists(now):
                counts[job.status(now)] = counts.get(job.status(now), 0) + 1
        if book.history:
            for status in Status:
                number = len(book.history.select(Filter(frozenset({status}))))
                if number:
                    counts[status] = counts.get(status, 0) + number
        return counts

    def all_jobs(self, service: str, now: int) -> Iterator[Job]:
        book = self.books[service]
        yield from (job for job in book.live.values() if job.exists(now))
        if book.history:
            yield from (book.history.job(number) for number in book.history.select(Filter()))

    def sweep(self, cutoff: int, now: int) -> int:
        """Forget finished jobs that ended before the cutoff."""
        swept = 0
        for book in self.books.values():
            old = [
                job.job_id for job in book.live.values() if (ended := job.ended_at(now)) is not None and ended < cutoff
            ]
            for job_id in old:
                del book.live[job_id]
            swept += len(old) + (book.history.sweep(cutoff) if book.history else 0)
        return swept
