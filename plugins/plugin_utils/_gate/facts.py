# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Read the facts of a query once, at the door of the gate, into frozen values.

Behind it a time is epoch seconds, a count is a whole number or None, and nothing has a default. Facts that do not have
the documented form raise UnreadableFacts: they are no base for a verdict.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ...module_utils import _opaque, _times
from ...module_utils._errors import GpError
from ...module_utils._services import STARTED, STOPPED
from ...module_utils._statuses import FAILURES, FINISHED, QUEUED, STATUSES

ANONYMOUS = "anonymous"
_MOST_JOBS_SHOWN = 100
_CURE = "See that nothing changes the results of modules on their way, and report it."

Given = t.Mapping[str, t.Any]


class UnreadableFacts(GpError):
    """The facts are not what gp_jobs_query documents."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a job."""

    type: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Job:
    """One job; its times are epoch seconds, None if unknown."""

    service: str
    job_id: str
    status: str
    user: str | None
    """Who submitted it, ANONYMOUS for nobody; None if unknown."""
    machine: str | None
    submitted: float | None
    started: float | None
    ended: float | None
    """None also if the site gives an end before the job's own beginning, which is no time."""
    url: str | None
    messages: tuple[Message, ...]
    given: Given = field(compare=False, repr=False)
    """The job as the facts show it."""

    @property
    def is_active(self) -> bool:
        return self.status not in FINISHED

    @property
    def is_queued(self) -> bool:
        return self.status in QUEUED

    @property
    def has_failed(self) -> bool:
        return self.status in FAILURES

    @property
    def moment(self) -> float | None:
        """The time from which the job's age counts: its end or, if it is active, its start or submission."""
        if not self.is_active:
            return self.ended
        return self.started if self.started is not None else self.submitted

    def age(self, now: float) -> float | None:
        """Return the seconds since the job's moment; None if unknown.

        A moment in the future is one of another clock: it says nothing about the age.
        """
        if self.moment is None or self.moment > now + _times.CLOCKS_AGREE:
            return None
        return max(0.0, now - self.moment)


@dataclass(frozen=True, slots=True)
class State:
    """Whether a service should run, and whether it does, in the site's words."""

    configured: str | None
    realtime: str | None

    @property
    def is_stopped_on_purpose(self) -> bool:
        return self.configured == self.realtime == STOPPED

    @property
    def is_down(self) -> bool:
        """Whether the service is known not to be started."""
        return self.realtime not in (None, STARTED)


@dataclass(frozen=True, slots=True)
class Durations:
    """How long the jobs of a service take, in seconds."""

    jobs: int
    """Number of succeeded jobs that the figures are based on."""
    median: float
    p95: float


@dataclass(frozen=True, slots=True)
class Succeeded:
    """How many jobs of a service succeeded in the window."""

    found: int | None
    is_exact: bool


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """What one service was found to have. A count is None if it is not known."""

    name: str
    is_complete: bool
    has_error: bool
    is_lower_bound: bool
    """Whether there may be more finished jobs than are counted."""
    warnings: tuple[str, ...]
    active: int | None
    queued: int | None
    failed: int | None
    """Failed and timed-out jobs together."""
    state: State
    answers: bool | None
    durations: Durations | None
    succeeded: Succeeded
    jobs: tuple[Job, ...]


@dataclass(frozen=True, slots=True)
class SiteFacts:
    """What a site was found to have."""

    api: str
    site: str
    account: str | None
    as_of: float
    clock_difference: float | None
    """Seconds by which the site's clock is ahead of the clock of the machine that asked; None if the site has none."""
    is_complete: bool
    unseen: t.Mapping[str, str]
    """What this account could not look into, with the reason."""
    missing: tuple[str, ...]
    synchronous: tuple[str, ...]
    stopped: tuple[str, ...]
    retention: float | None
    """Seconds that the site keeps finished jobs; None if unknown."""
    services: tuple[ServiceFacts, ...]
    given: Given = field(compare=False, repr=False)
    """The facts as the query returned them."""

    @property
    def earlier(self) -> float:
        """The site's now by the earlier of the two clocks."""
        return self.as_of - max(0.0, self.clock_difference or 0.0)

    @property
    def later(self) -> float:
        """The site's now by the later of the two clocks."""
        return self.as_of + max(0.0, -(self.clock_difference or 0.0))

    @property
    def names(self) -> set[str]:
        """The services and folders that the facts mention, whatever they say about them."""
        judged = (service.name for service in self.services)
        return {*judged, *self.unseen, *self.missing, *self.synchronous, *self.stopped}

    def to_result(self) -> dict[str, t.Any]:
        """Return the facts as data, with the first of the jobs only."""
        jobs = self.given["jobs"]
        if jobs is None or len(jobs) <= _MOST_JOBS_SHOWN:
            return dict(self.given)
        return {**self.given, "jobs": jobs[:_MOST_JOBS_SHOWN], "truncated": True}


def unpack(poll_state: t.Any) -> SiteFacts:
    """Read the facts in the opaque text that a query returned as ``poll_state``; raises UnreadableFacts."""
    try:
        given = _opaque.unpack(poll_state)["facts"]
    except (KeyError, TypeError, ValueError) as error:
        raise UnreadableFacts("The query returned no facts", where="gp_jobs_query", cure=_CURE) from error
    return read(given)


def read(given: t.Any) -> SiteFacts:
    """Read facts as a query returns them; raises UnreadableFacts."""
    try:
        return _site(given)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UnreadableFacts(
            f"The facts cannot be read ({type(error).__name__}: {error})",
            where="gp_jobs_query",
            cure=_CURE,
        ) from error


def _site(given: Given) -> SiteFacts:
    jobs_of: dict[str, list[Job]] = {_text(one["service"]): [] for one in given["services"]}
    for one in given["jobs"] or ():
        jobs_of[one["service"]].append(_job(one))
    as_of = _times.from_wire(_text(given["as_of"]))
    if as_of is None:
        raise ValueError("as_of is no time")
    return SiteFacts(
        api=_text(given["api"]),
        site=_text(given["site"]),
        account=_text_or_none(given["account"]),
        as_of=as_of,
        clock_difference=_number_or_none(given["clock_difference"]),
        is_complete=given["complete"] is True,
        unseen={_text(one["name"]): _text(one["why"]) for one in given["unseen"]},
        missing=_texts(given["missing"]),
        synchronous=_texts(given["synchronous"]),
        stopped=_texts(given["stopped"]),
        retention=_number_or_none(given["retention"]),
        services=tuple(_service(one, tuple(jobs_of[one["service"]])) for one in given["services"]),
        given=given,
    )


def _service(given: Given, jobs: tuple[Job, ...]) -> ServiceFacts:
    counts = given["counts"]
    failures = [_count(counts[status]) for status in FAILURES]
    state, durations, succeeded = given["state"], given["durations"], given["succeeded"]
    return ServiceFacts(
        name=given["service"],
        is_complete=given["complete"] is True,
        has_error=given["error"] is not None,
        is_lower_bound=given["at_least"] is not False,
        warnings=_texts(given["warnings"]),
        active=_count(counts["active"]),
        queued=_count(counts["queued"]),
        failed=None if None in failures else sum(number for number in failures if number is not None),
        state=State(None, None)
        if state is None
        else State(_text_or_none(state["configured"]), _text_or_none(state["realtime"])),
        answers=given["answers"] if isinstance(given["answers"], bool) else None,
        durations=None
        if durations is None
        else Durations(int(durations["jobs"]), float(durations["median"]), float(durations["p95"])),
        succeeded=Succeeded(None, False)
        if succeeded is None
        else Succeeded(_count(succeeded["found"]), succeeded["exact"] is True),
        jobs=jobs,
    )


def _job(given: Given) -> Job:
    if given["status"] not in STATUSES:
        raise ValueError(f"{given['status']} is no status")
    user = _text_or_none(given["user_name"])
    submitted, started, ended = (_times.from_wire(given[f"{name}_time"]) for name in ("submitted", "start", "end"))
    if ended is not None and any(began is not None and ended < began for began in (submitted, started)):
        ended = None
    return Job(
        service=given["service"],
        job_id=_text(given["job_id"]),
        status=given["status"],
        user=user or (ANONYMOUS if given["anonymous"] is True else None),
        machine=_text_or_none(given["machine_name"]),
        submitted=submitted,
        started=started,
        ended=ended,
        url=_text_or_none(given["url"]),
        messages=tuple(Message(_text_or_none(one["type"]), _text(one["text"])) for one in given["messages"] or ()),
        given=given,
    )


def _count(value: t.Any) -> int | None:
    """Return a count; None for what is no whole number, also for one that became a text on its way."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _text(value: t.Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _text_or_none(value: t.Any) -> str | None:
    return None if value is None else _text(value)


def _texts(values: t.Any) -> tuple[str, ...]:
    if not isinstance(values, (list, tuple)):
        raise TypeError(f"{values!r} is no list")
    return tuple(_text(value) for value in values)


def _number_or_none(value: t.Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{value!r} is no number")
    return float(value)
