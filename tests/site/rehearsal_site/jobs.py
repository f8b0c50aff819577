# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs: single ones with a life of their own, and long histories kept compactly."""

from __future__ import annotations

import random
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress
from math import gcd

from .statuses import QUEUED, Status, parse_status
from .times import iso, parse_duration, parse_moment

MASK = (1 << 128) - 1


@dataclass
class Job:
    """A job and its life: a list of moments from which on it has a status."""

    job_id: str
    service: str
    submitted: int
    timeline: list[tuple[int, Status]]
    user: str | None = None
    machine: str = "GISSERVER01.EXAMPLE.COM"
    task: str = ""
    started: int | None = None
    ended: int | None = None
    messages: list[dict[str, str]] = field(default_factory=list)
    word: str | None = None
    ignores_cancel: bool = False
    inputs: dict[str, str] = field(default_factory=dict)
    stepped_back: bool = False
    read: bool = False

    def status(self, now: int) -> Status:
        status = self.timeline[0][1]
        for moment, word in self.timeline:
            if moment > now:
                break
            status = word
        return status

    def exists(self, now: int) -> bool:
        return self.submitted <= now

    def started_at(self, now: int) -> int | None:
        return self.started if self.started is not None and self.started <= now else None

    def ended_at(self, now: int) -> int | None:
        return self.ended if self.ended is not None and self.ended <= now and self.status(now).finished else None

    def become(self, status: Status, now: int) -> None:
        """From now on another status, whatever the job's life had in mind."""
        self.timeline = [*((moment, word) for moment, word in self.timeline if moment < now), (now, status)]
        if status is Status.EXECUTING and self.started_at(now) is None:
            self.started = now
        if status.finished:
            self.ended = now
        else:
            self.ended = None
            if status in QUEUED:
                self.started = None

    def cancel(self, now: int, takes: int) -> bool:
        """Ask the job to stop; false where a cancel makes no sense. A job may well not listen."""
        status = self.status(now)
        if status not in QUEUED and status is not Status.EXECUTING:
            return False
        rest = [entry for entry in self.timeline if entry[0] > now]
        self.timeline = [entry for entry in self.timeline if entry[0] <= now]
        if not self.ignores_cancel:
            self.timeline += [(now, Status.CANCELLING), (now + takes, Status.CANCELLED)]
            self.ended = now + takes
            if status in QUEUED:
                self.started = None
        else:
            self.timeline += [(now, Status.CANCELLING), *(entry for entry in rest if entry[1].finished)]
        return True

    def step_back(self, now: int, pause: int = 30_000) -> None:
        """From executing back to waiting, and on with its life after a pause."""
        rest = [(moment + pause, word) for moment, word in self.timeline if moment > now]
        past = [entry for entry in self.timeline if entry[0] <= now]
        self.timeline = [*past, (now, Status.WAITING), (now + pause, Status.EXECUTING), *rest]
        if self.ended is not None:
            self.ended += pause
        self.stepped_back = True

    def describe(self, now: int) -> dict[str, object]:
        """The truth about the job, for control and tests."""
        return {
            "job_id": self.job_id,
            "service": self.service,
            "status": self.status(now).canonical,
            "word": self.word,
            "user": self.user,
            "machine": self.machine,
            "task": self.task,
            "submitted": self.submitted,
            "started": self.started_at(now),
            "ended": self.ended_at(now),
            "submitted_iso": iso(self.submitted),
            "ended_iso": iso(self.ended_at(now)),
            "messages": self.messages,
        }


def parse_messages(value: object) -> list[dict[str, str]]:
    """Messages as texts or as REST objects; a text tells its type by its first word, as ArcGIS's own do."""
    messages = []
    for item in value if isinstance(value, list) else [value] if value else []:
        if isinstance(item, Mapping):
            messages.append({"type": str(item["type"]), "description": str(item["description"])})
            continue
        text = str(item)
        kind = "Error" if text.startswith("ERROR") else "Warning" if text.startswith("WARNING") else "Informative"
        messages.append({"type": f"esriJobMessageType{kind}", "description": text})
    return messages


JOB_KEYS = frozenset(
    "id service status life user machine task submitted started ended messages word ignores_cancel count every".split()
)


def make_job(data: Mapping[str, object], *, job_id: str, service: str, now: int, task: str, machine: str) -> Job:
    """A job from a scenario's mapping; times that are not given are filled in plausibly."""
    unknown = set(data) - JOB_KEYS
    if unknown:
        raise ValueError(f"a job has no {', '.join(sorted(unknown))}; it has {', '.join(sorted(JOB_KEYS))}")
    user = data.get("user")
    job = Job(
        job_id=job_id,
        service=service,
        submitted=now,
        timeline=[],
        user=None if user is None else str(user),
        machine=str(data.get("machine") or machine),
        task=str(data.get("task") or task),
        messages=parse_messages(data.get("messages")),
        word=None if data.get("word") is None else str(data["word"]),
        ignores_cancel=bool(data.get("ignores_cancel", False)),
    )
    if data.get("life") is not None:
        if "status" in data:
            raise ValueError("a job has a status or a life, not both")
        _live(job, data, now)
    else:
        _stand_still(job, data, now)
    return job


def _live(job: Job, data: Mapping[str, object], now: int) -> None:
    life = data["life"]
    if not isinstance(life, Mapping) or not life:
        raise ValueError("life is a mapping such as {submitted: 0s, executing: 10s, ends: succeeded after 60s}")
    job.submitted = parse_moment(data.get("submitted", "now"), now)
    for key, value in life.items():
        if key == "ends":
            word, _, after = str(value).partition(" after ")
            status, offset = parse_status(word), parse_duration(after)
        else:
            status, offset = parse_status(key), parse_duration(value)
        job.timeline.append((job.submitted + offset, status))
    job.timeline.sort(key=lambda entry: entry[0])
    for moment, status in job.timeline:
        if status is Status.EXECUTING and job.started is None:
            job.started = moment
        if status.finished:
            job.ended = moment


def _stand_still(job: Job, data: Mapping[str, object], now: int) -> None:
    status = parse_status(data.get("status", "executing"))
    job.timeline = [(0, status)]
    given = {
        key: parse_moment(data[key], now) for key in ("submitted", "started", "ended") if data.get(key) is not None
    }
    if status.finished:
        job.ended = given.get("ended", now if "submitted" not in given else min(now, given["submitted"] + 15_000))
        job.started = given.get("started", job.ended - 10_000)
        job.submitted = given.get("submitted", job.started - 5_000)
        job.started = max(job.started, job.submitted)
    elif status in QUEUED:
        job.submitted = given.get("submitted", now)
    else:
        job.submitted = given.get("submitted", given.get("started", now))
        job.started = given.get("started", job.submitted)


class JobIds:
    """Ids of a history: ``j`` and 32 hex digits from a number and back, so that none has to be kept."""

    def __init__(self, rng: random.Random) -> None:
        self._factors = (rng.getrandbits(128) | 1, rng.getrandbits(128) | 1)
        self._inverse = tuple(pow(factor, -1, 1 << 128) for factor in self._factors)
        self._shift = rng.getrandbits(128)

    def encode(self, index: int) -> str:
        value = ((index + self._shift) * self._factors[0]) & MASK
        value ^= value >> 64  # its own inverse
        return f"j{(value * self._factors[1]) & MASK:032x}"

    def decode(self, job_id: str) -> int | None:
        if len(job_id) != 33 or job_id[0] != "j":
            return None
        try:
            value = int(job_id[1:], 16)
        except ValueError:
            return None
        value = (value * self._inverse[1]) & MASK
        value ^= value >> 64
        return ((value * self._inverse[0]) - self._shift) & MASK


Window = tuple[str, int | None, int | None]


@dataclass(frozen=True)
class Filter:
    """What a query asks for; ``None`` is no filter. ``user`` is a tuple, for ``(None,)`` asks for nobody's jobs."""

    statuses: frozenset[Status] | None = None
    user: tuple[str | None] | None = None
    machine: str | None = None
    window: Window | None = None

    def matches(self, job: Job, now: int, status: Status) -> bool:
        return (
            (self.statuses is None or status in self.statuses)
            and (self.user is None or job.user == self.user[0])
            and (self.machine is None or job.machine == self.machine)
            and (self.window is None or in_window(self.window, job.submitted, job.started_at(now), job.ended_at(now)))
        )


def in_window(window: Window, submitted: int, started: int | None, ended: int | None) -> bool:
    kind, low, high = window
    if kind == "overlaps":
        return (high is None or submitted <= high) and (low is None or ended is None or ended >= low)
    moment = {"submitted": submitted, "started": started, "ended": ended}[kind]
    return moment is not None and (low is None or moment >= low) and (high is None or moment <= high)


class History:
    """Many finished jobs of one service: four bytes and a line of arithmetic each, with an index per status.

    Jobs are in order of submission. Indexes are arrays of job numbers in that order, made once per combination of
    filters, so a count is a length and a page is a slice.
    """

    def __init__(self, service: str, data: Mapping[str, object], *, now: int, seed: int, task: str) -> None:
        unknown = set(data) - {"count", "statuses", "span", "until", "users", "machines", "seed", "messages"}
        if unknown:
            raise ValueError(f"a history has no {', '.join(sorted(unknown))}")
        self.service, self.task = service, task
        self.count = int(str(data["count"]))
        rng = random.Random(f"{data.get('seed', seed)}/{service}")
        self._ids = JobIds(rng)
        span = parse_duration(data.get("span", "30d"))
        self.users: list[str | None] = [
            None if user is None else str(user) for user in _listed(data.get("users"), "publisher")
        ]
        self.machines = [str(machine) for machine in _listed(data.get("machines"), "GISSERVER01.EXAMPLE.COM")]
        self.messages = parse_messages(data.get("messages"))
        # 256 pairs of waiting and running times; the longest bounds how far a job's end is from its submission.
        self._waits = [rng.randrange(200, 20_000) for _ in range(256)]
        self._runs = [rng.randrange(500, 240_000) for _ in range(256)]
        self._longest = max(a + b for a, b in zip(self._waits, self._runs, strict=True))
        self._noise = rng.randbytes(self.count)
        until = parse_moment(data.get("until", "10m ago"), now)
        self._step = max(1, span // max(1, self.count))
        self._first = until - self._longest - self._step * self.count
        self._statuses = self._deal(data.get("statuses", {"succeeded": 1}), rng)
        self._user = rng.randbytes(self.count).translate(_spread(len(self.users)))
        self._machine = rng.randbytes(self.count).translate(_spread(len(self.machines)))
        self._gone: set[int] = set()
        self._swept = 0
        self._cache: dict[tuple[object, ...], array[int]] = {}

    def _deal(self, weights: object, rng: random.Random) -> bytes:
        """Exact shares, mixed: whoever writes a scenario can foretell every count."""
        if not isinstance(weights, Mapping):
            raise ValueError("statuses of a history is a mapping of status to share or count")
        shares = {parse_status(word): float(str(weight)) for word, weight in weights.items()}
        if any(not status.finished for status in shares):
            raise ValueError("a history holds finished jobs only; list running ones under jobs")
        whole = sum(shares.values())
        dealt = bytearray()
        passed = 0.0
        for status, share in shares.items():
            passed += share
            dealt += bytes([status]) * (round(self.count * passed / whole) - len(dealt))
        # A stride without a common factor visits every place once: mixed enough, and far quicker than a shuffle.
        stride = max(1, int(self.count * 0.618)) + rng.randrange(1000)
        while gcd(stride, self.count) != 1:
            stride += 1
        return bytes([dealt[place * stride % self.count] for place in range(self.count)])

    def __len__(self) -> int:
        return self.count - self._swept - len(self._gone)

    def submitted(self, number: int) -> int:
        return self._first + number * self._step + self._noise[number] * self._step // 512

    def times(self, number: int) -> tuple[int, int, int]:
        noise = self._noise[number]
        submitted = self.submitted(number)
        started = submitted + self._waits[noise]
        return submitted, started, started + self._runs[noise]

    def status(self, number: int) -> Status:
        return Status(self._statuses[number])

    def job_id(self, number: int) -> str:
        return self._ids.encode(number)

    def job(self, number: int) -> Job:
        submitted, started, ended = self.times(number)
        return Job(
            job_id=self.job_id(number),
            service=self.service,
            submitted=submitted,
            timeline=[(0, self.status(number))],
            user=self.users[self._user[number]],
            machine=self.machines[self._machine[number]],
            task=self.task,
            started=started,
            ended=ended,
            messages=list(self.messages),
        )

    def find(self, job_id: str) -> int | None:
        number = self._ids.decode(job_id)
        if number is None or not self._swept <= number < self.count or number in self._gone:
            return None
        return number

    def remove(self, number: int) -> None:
        self._gone.add(number)
        self._cache.clear()

    def sweep(self, cutoff: int) -> int:
        """Forget what ended before the cutoff; what lies before ``_swept`` is gone without being listed."""
        reach = bisect_left(range(self.count), cutoff, key=self.submitted)
        safe = bisect_left(range(self.count), cutoff - self._longest, key=self.submitted)
        expired = {
            number
            for number in range(max(safe, self._swept), reach)
            if number not in self._gone and self.times(number)[2] < cutoff
        }
        swept = len([n for n in range(self._swept, safe) if n not in self._gone]) + len(expired)
        if not swept:
            return 0
        self._swept = max(self._swept, safe)
        self._gone = {number for number in self._gone | expired if number >= self._swept}
        self._cache.clear()
        return swept

    def select(self, wanted: Filter) -> Sequence[int]:
        """Numbers of the matching jobs, in order of submission."""
        if wanted.window is None:
            return self._matching(wanted)
        everything = self._matching(Filter(wanted.statuses, wanted.user, wanted.machine))
        _, low, high = wanted.window
        first = 0 if low is None else bisect_left(everything, low - self._longest, key=self.submitted)
        last = len(everything) if high is None else bisect_right(everything, high, key=self.submitted)
        # Between the edges a job lies in the window whatever the window tests.
        inner_first = first if low is None else bisect_left(everything, low, key=self.submitted)
        inner_last = last if high is None else bisect_right(everything, high - self._longest, key=self.submitted)
        inner_last = max(inner_first, inner_last)
        window = wanted.window

        def inside(number: int) -> bool:
            return in_window(window, *self.times(number))

        chosen = array("I", filter(inside, everything[first : min(inner_first, last)]))
        chosen.extend(everything[inner_first : min(inner_last, last)])
        chosen.extend(filter(inside, everything[min(inner_last, last) : last]))
        return chosen

    def _matching(self, wanted: Filter) -> array[int]:
        key = (wanted.statuses, wanted.user, wanted.machine)
        found = self._cache.get(key)
        if found is None:
            flags: list[bytes] = []
            if wanted.statuses is not None:
                flags.append(_flags(self._statuses, {int(status) for status in wanted.statuses}))
            if wanted.user is not None:
                flags.append(_flags(self._user, _positions(self.users, wanted.user[0])))
            if wanted.machine is not None:
                flags.append(_flags(self._machine, _positions(self.machines, wanted.machine)))
            numbers: Iterable[int] = range(self.count)
            if flags:
                numbers = compress(numbers, _all_of(flags))
            if self._swept:
                numbers = filter(lambda number: number >= self._swept, numbers)
            if self._gone:
                numbers = filter(lambda number: number not in self._gone, numbers)
            found = array("I", numbers)
            if len(self._cache) >= 64:
                self._cache.pop(next(iter(self._cache)))
            self._cache[key] = found
        return found


def _flags(column: bytes, wanted: set[int]) -> bytes:
    """A one for every job whose value is wanted."""
    return column.translate(bytes(value in wanted for value in range(256)))


def _all_of(flags: Sequence[bytes]) -> bytes:
    """Ones where all columns have ones. As one long number each: a million jobs in a millisecond, not in a second."""
    together = int.from_bytes(flags[0], "big")
    for column in flags[1:]:
        together &= int.from_bytes(column, "big")
    return together.to_bytes(len(flags[0]), "big")


def _spread(values: int) -> bytes:
    """A table that maps random bytes to that many values."""
    return bytes(value % values for value in range(256))


def _positions(names: Sequence[str | None], name: str | None) -> set[int]:
    return {position for position, known in enumerate(names) if known == name}


def _listed(value: object, default: str) -> list[object]:
    if value is None:
        return [default]
    return list(value) if isinstance(value, list) and value else [value]
