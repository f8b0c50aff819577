# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""jobs/query in both dialects: the heart of the site, and the home of most open questions."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timezone

from .errors import SiteError, not_found
from .jobs import Filter, Job, Window
from .site import Site
from .statuses import FILTER_WORDS, Status, spell
from .store import Listing, Row, Service
from .switches import Switches
from .wire import Request

_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")


@dataclass
class Question:
    """A query as the site understood it."""

    wanted: Filter = field(default_factory=Filter)
    number: int = 10
    start: int = 1
    start_time: int | None = None  # as it was sent, for the echo
    end_time: int | None = None
    status_words: list[str] = field(default_factory=list)
    user: str = ""
    machine: str = ""
    nothing: bool = False  # something in it matches no job at all


def answer(site: Site, service: Service | None, name: str, request: Request) -> dict[str, object]:
    """The body of jobs/query; ``service`` is None where it does not exist and the site does not mind."""
    question = understand(site, request)
    now = site.clock.now()
    if service is None or question.nothing:
        return _body(site, question, name, None, [], 0, question.start)
    _step_back(site, service, question.wanted.statuses, now)
    listing = site.store.select(service.key, question.wanted, now, str(site.switches["sort"]))
    size = question.number
    cap = site.switches["page_cap"]
    if cap is not None:
        size = min(size, int(cap))
    start = question.start
    if start > max(1, listing.total):
        past = site.switches["start_past_end"]
        if past == "error":
            raise SiteError(400, f"Invalid value for parameter 'start': {start}.")
        if past == "last_page":
            start = max(1, (listing.total - 1) // size * size + 1)
    rows = listing.page(start - 1, size)
    return _body(site, question, name, listing, rows, size, start)


# -- the question ------------------------------------------------------------------------------------------------


def understand(site: Site, request: Request) -> Question:
    switches, question = site.switches, Question()
    question.number = _whole(request, "number", switches.number("default_number"))
    question.start = _whole(request, "start", 1)
    window = _window(site, request, question)
    statuses = _statuses(switches, request, question)
    user: tuple[str | None] | None = None
    question.user = request.params.get("userName", "")
    if question.user and switches["user_filter"] == "honoured":
        user = (question.user,)
        if question.user == "null" and switches["anonymous_filter"] == "null_word":
            user = (None,)
    machine = None
    # The machine filter is ArcGIS Server's alone; elsewhere it is an unknown parameter, and those are ignored.
    if site.api == "server":
        question.machine = request.params.get("machineName", "")
        if question.machine and switches["machine_filter"] == "honoured":
            machine = question.machine
    question.wanted = Filter(statuses, user, machine, window)
    return question


def _whole(request: Request, name: str, default: int) -> int:
    text = request.params.get(name, "").strip()
    if not text:
        return default
    try:
        number = int(text)
    except ValueError:
        raise SiteError(400, f"Invalid value for parameter '{name}': {text}.") from None
    return number if number >= 1 else default


def _window(site: Site, request: Request, question: Question) -> Window | None:
    switches = site.switches
    start, end = request.params.get("startTime", "").strip(), request.params.get("endTime", "").strip()
    if not start:
        if switches["start_time_required"] == "error":
            raise SiteError(400, "Parameter 'startTime' is required.")
        if switches["start_time_required"] == "empty":
            question.nothing = True
        if end and switches["end_needs_start"]:
            raise SiteError(400, "Parameter 'endTime' needs the parameter 'startTime'.")
    unit = 1000 if _unit(site) == "s" else 1
    low = _time(site, "startTime", start, unit) if start else None
    high = _time(site, "endTime", end, unit) if end else None
    question.start_time = None if low is None else low // unit
    question.end_time = None if high is None else high // unit
    if (low is None and high is None) or switches["time_filter"] == "ignored":
        return None
    # Whole seconds compare as seconds: a job of 12:00:00.4 is one of 12:00:00.
    return str(switches["time_window"]), low, None if high is None else high + unit - 1


def _unit(site: Site) -> str:
    unit = str(site.switches["time_unit"])
    return ("s" if site.api == "kubernetes" else "ms") if unit == "auto" else unit


def _time(site: Site, name: str, text: str, unit: int) -> int:
    if re.fullmatch(r"-?\d+", text):
        return int(text) * unit
    # Timestamps are of the kubernetes dialect, and mean UTC.
    if site.api == "kubernetes" and _TIMESTAMP.fullmatch(text):
        try:
            return int(datetime.fromisoformat(text).replace(tzinfo=timezone.utc).timestamp()) * 1000
        except ValueError:
            pass
    raise SiteError(400, f"Invalid value for parameter '{name}': {text}.")


def _statuses(switches: Switches, request: Request, question: Question) -> frozenset[Status] | None:
    names = ("jobStatus", "status") if switches["status_parameter"] == "both" else ("jobStatus",)
    given = [word for name in names for word in request.params.getall(name, [])]
    if given and not all(given):
        if switches["empty_job_status"] == "error":
            raise SiteError(400, "Invalid value for parameter 'jobStatus': .")
        if switches["empty_job_status"] == "nothing" and not any(given):
            question.nothing = True
    words = [word for word in given if word]
    if not words:
        if switches["job_status_required"] == "error":
            raise SiteError(400, "Parameter 'jobStatus' is required.")
        if switches["job_status_required"] == "empty":
            question.nothing = True
        return None
    if switches["several_statuses"] == "first_only":
        words = words[:1]
    elif switches["several_statuses"] == "last_only":
        words = words[-1:]
    known = [word for word in words if word in FILTER_WORDS]
    honoured = switches["status_filter"] == "honoured"
    if len(known) < len(words):
        unknown = next(word for word in words if word not in FILTER_WORDS)
        if switches["unknown_filter_word"] == "error":
            raise SiteError(400, f"Invalid value for parameter 'jobStatus': {unknown}.")
        if switches["unknown_filter_word"] == "nothing" and not known and honoured:
            question.nothing = True
    if switches["echo"] == "as_sent":
        question.status_words = [word for word in given if word]
    elif honoured:
        question.status_words = known
    if not honoured or not known:
        return None
    return frozenset(FILTER_WORDS[word] for word in known)


def _step_back(site: Site, service: Service, statuses: frozenset[Status] | None, now: int) -> None:
    """Jobs that go from executing back to waiting just when somebody asks for the executing ones."""
    if site.switches["jobs_step_back"] == "no" or statuses is None:
        return
    if Status.EXECUTING not in statuses or Status.WAITING in statuses:
        return
    for job in site.store.books[service.key].live.values():
        if job.exists(now) and job.status(now) is Status.EXECUTING:
            if job.stepped_back and site.switches["jobs_step_back"] == "once":
                continue
            job.step_back(now)


# -- the answer --------------------------------------------------------------------------------------------------


def _body(
    site: Site, question: Question, name: str, listing: Listing | None, rows: list[Row], size: int, start: int
) -> dict[str, object]:
    switches = site.switches
    total = listing.total if listing else 0
    body: dict[str, object] = {}
    if switches["total"] != "missing":
        body["total"] = {
            "true": total,
            "too_high": total + 3,
            "too_low": max(0, total - 3),
            "negative": -1,
            "string": str(total),
        }[str(switches["total"])]
    if switches["echo"] != "none":
        body["query"] = _echo(site, question, name)
    if switches["num"] != "missing":
        body["num"] = question.number if switches["num"] == "asked" else (size or question.number)
    body["start"] = start
    following = _next_start(switches, start, len(rows), total)
    if following is not None:
        body["nextStart"] = following
    body["results"] = _results(site, listing, rows)
    return body


def _next_start(switches: Switches, start: int, shown: int, total: int) -> int | None:
    following = start + shown
    if shown and following <= total:
        word = switches["next_start"]
        return {"honest": following, "stuck": start, "too_far": following + 1}.get(str(word))
    return {"-1": -1, "0": 0, "equal": start}.get(str(switches["next_start_at_end"]))


def _echo(site: Site, question: Question, name: str) -> dict[str, object]:
    # The service's name alone: no folder, no type.
    if site.api == "kubernetes":
        return {"serviceName": name, "userName": question.user, "status": question.status_words}
    words = question.status_words
    return {
        "serviceName": name,
        "startTime": "" if question.start_time is None else question.start_time,
        "endTime": "" if question.end_time is None else question.end_time,
        "status": "" if not words else words[0] if len(words) == 1 else words,
        "userName": question.user,
        "machineName": question.machine,
    }


def _spelling(site: Site) -> str:
    spelling = str(site.switches["status_spelling"])
    return ("stripped" if site.api == "kubernetes" else "esri") if spelling == "auto" else spelling


def _results(site: Site, listing: Listing | None, rows: list[Row]) -> object:
    form, spelling = site.switches["results_form"], _spelling(site)
    if form == "list_of_ids":
        return [row.job_id for row in rows]
    if form == "nulls":
        return {row.job_id: None for row in rows}
    if form == "words":
        return {row.job_id: spell(row.status, spelling, row.word) for row in rows}
    assert listing is not None or not rows
    objects = {row.job_id: _object(site, listing.job(row), spelling) for row in rows} if listing else {}
    if form == "objects":
        return objects
    return [{"jobId": job_id, **values} for job_id, values in objects.items()]


def _object(site: Site, job: Job, spelling: str) -> dict[str, object]:
    now = site.clock.now()
    divisor = 1000 if site.api == "kubernetes" else 1
    ended = job.ended_at(now)
    values: dict[str, object] = {
        "jobStatus": spell(job.status(now), spelling, job.word),
        "submittedTime": job.submitted // divisor,
        "userName": job.user,
    }
    if ended is not None:
        values["endTime"] = ended // divisor
    if site.api == "server":
        values["machineName"] = job.machine
    return values


# -- one job -----------------------------------------------------------------------------------------------------


def details(site: Site, service: Service, job_id: str, request: Request) -> dict[str, object]:
    """A job's own page."""
    now = site.clock.now()
    job = site.store.find(service.key, job_id)
    if job is None or not job.exists(now):
        raise not_found(job_id)
    vanishing = site.switches["vanishing_details"]
    if vanishing == "always" or (vanishing == "once" and not job.read):
        thawed = site.store.thaw(service.key, job_id) if vanishing == "once" else None
        if thawed is not None:
            thawed.read = True
        raise not_found(job_id)
    status = job.status(now)
    word = spell(status, str(site.switches["detail_spelling"]), job.word)
    folder = f"{service.folder}/" if service.folder else ""
    times = site.switches["detail_times"]
    body: dict[str, object]
    if site.api == "kubernetes":
        body = {"status_code": int(status), "job_id": job.job_id, "service_id": service.service_id}
        if times != "none":
            body["job_created"] = job.submitted // 1000
            _put_time(site, body, "job_execution_start", job.started_at(now), 1000)
            if times == "full":
                _put_time(site, body, "job_execution_end", job.ended_at(now), 1000)
        body["url"] = f"{request.base}/rest/services/{folder}{service.name}/{service.type}/{job.task}/jobs/{job.job_id}"
        return {**body, "status": word, "userName": job.user}
    body = {"jobId": job.job_id}
    if times != "none":
        body["submittedTime"] = job.submitted
        if times == "full":
            _put_time(site, body, "endTime", job.ended_at(now), 1)
    body |= {"status": word, "username": job.user, "machinename": job.machine}
    return {**body, "url": f"{request.base}/admin/services/{service.key}/jobs/{job.job_id}"}


def _put_time(site: Site, body: dict[str, object], name: str, moment: int | None, divisor: int) -> None:
    """A time, or what the site puts where there is none yet."""
    if moment is not None:
        body[name] = moment // divisor
        return
    form = site.switches["running_end_time"]
    if form != "absent":
        body[name] = None if form == "null" else int(str(form))


def statistics(site: Site, service: Service) -> dict[str, object]:
    counts = site.store.counts(service.key, site.clock.now())
    return {
        "total": sum(counts.values()),
        "cancelled": counts.get(Status.CANCELLED, 0),
        "failed": counts.get(Status.FAILED, 0),
        "succeeded": counts.get(Status.SUCCEEDED, 0),
    }
