# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What happens when a site misbehaves: every fault, the step at which it strikes, and what has to come of it.

Tests play each cell (test_fault_matrix), and docs/faults.md shows the same table. What is expected is what is promised:
right facts, or an error, or facts that say what is missing; and a single fault that passes is survived.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

# --- steps -----------------------------------------------------------------------------------------------------------

PRODUCT, LOGIN, SERVICES, FIRST, LATER, JOB, POLL = "product", "login", "services", "first", "later", "job", "poll"

STEPS = {
    PRODUCT: "which product",
    LOGIN: "login",
    SERVICES: "list of services",
    FIRST: "first page",
    LATER: "later page",
    JOB: "one job",
    POLL: "later poll",
}
"""In the order in which a site is asked, with the heading of each in the table."""

EVERYWHERE = tuple(STEPS)
PAGES = (FIRST, LATER, POLL)
SOME = (LOGIN, FIRST)
"""Where a row differs little from the one above it."""

# --- outcomes --------------------------------------------------------------------------------------------------------

RIGHT = "right"
"""The facts, or the verdict, are those of a site without the fault."""
ERROR = "error"
"""The task fails; a gate's verdict is inconclusive."""
INCOMPLETE = "incomplete"
"""The facts say what is missing, and have no number in its place; a gate's verdict is inconclusive."""
ACTIVE = "active"
"""Jobs whose status nobody understands count as active ones."""
GONE = "left out"
"""The service is left out, with a warning."""

ONCE, LASTING = "once", "lasting"
Outcomes = t.Mapping[t.Any, str]
"""By step, or by api and step; None is for all other steps."""
Rule = dict[str, t.Any]


@dataclass(frozen=True)
class Fault:
    """One row."""

    name: str
    rule: Rule
    """The rehearsal site's fault, without what it matches."""
    once: Outcomes | None = None
    """None where a fault of its kind does not come once. The same as ``lasting`` where a single one is no different."""
    lasting: Outcomes | None = None
    steps: tuple[str, ...] = EVERYWHERE
    single: Rule = field(default_factory=dict)
    """What makes a fault of the door a single one."""
    options: Rule = field(default_factory=dict)
    """Options of the query that differ."""
    stalls: bool = False
    """Whether the client has to wait for its timeout."""
    at_the_door: bool = False
    """Whether new connections meet it, so that it is set off by the request before."""
    also: tuple[Rule, ...] = ()
    """Rules besides, with what they match."""
    says: str = ""
    """Words of the error that it ends with where it lasts."""
    note: str = ""
    """A sentence for the docs."""

    def strengths(self) -> list[str]:
        return [strength for strength in (ONCE, LASTING) if self._of(strength) is not None]

    def played(self, step: str) -> list[str]:
        """The strengths that tests play. What is right, or believed, at its first stroke is not stricken twice."""
        return [LASTING] if self.once is self.lasting and step != POLL else self.strengths()

    def outcome(self, api: str, step: str, strength: str) -> str:
        outcomes = self._of(strength)
        assert outcomes is not None
        if step == POLL and strength == ONCE:
            return outcomes.get(POLL, RIGHT)  # the next poll sees well again
        return next(outcomes[key] for key in ((api, step), step, None) if key in outcomes)

    def _of(self, strength: str) -> Outcomes | None:
        return self.once if strength == ONCE else self.lasting


ALWAYS_RIGHT: Outcomes = {None: RIGHT}
ALWAYS_ERROR: Outcomes = {None: ERROR}
BUT_AT_LOGIN: Outcomes = {None: RIGHT, LOGIN: ERROR}
"""A login is not sent again where the site may have seen it: wrong passwords lock accounts."""
TWO_TRIES: t.Any = {"once": BUT_AT_LOGIN, "lasting": ALWAYS_ERROR}
EVEN_AT_LOGIN: t.Any = {"once": ALWAYS_RIGHT, "lasting": ALWAYS_ERROR}
BELIEVED: t.Any = {"once": ALWAYS_ERROR, "lasting": ALWAYS_ERROR}
"""What is no accident is not asked about again."""
HARMLESS: t.Any = {"once": ALWAYS_RIGHT, "lasting": ALWAYS_RIGHT}
UNSEEN: Outcomes = {None: ERROR, SERVICES: INCOMPLETE, FIRST: INCOMPLETE, LATER: INCOMPLETE}
"""What an account may not see of a site is told as unseen."""
SEEN_LATER: Outcomes = {**UNSEEN, SERVICES: RIGHT}
"""Before no job is believed to be active, the site is asked for its services once more."""
FORBIDDEN: t.Any = {"once": SEEN_LATER, "lasting": UNSEEN}
# A portal that tells what it is to its members only is asked again after the login.
FORBIDDEN_BY_THE_SITE: t.Any = {"once": {**SEEN_LATER, ("kubernetes", PRODUCT): RIGHT}, "lasting": UNSEEN}
NOT_FOUND: t.Any = {
    "once": {None: ERROR, SERVICES: RIGHT, JOB: RIGHT},
    "lasting": {None: ERROR, SERVICES: INCOMPLETE, JOB: INCOMPLETE},
}
"""A job may be gone since it was listed; then its service is read again."""
TOKEN: t.Any = {"once": {**BUT_AT_LOGIN, ("server", PRODUCT): ERROR}, "lasting": ALWAYS_ERROR}
"""ArcGIS Server tells everybody what it is, so that nothing that wants a token there is one."""

# --- connections -----------------------------------------------------------------------------------------------------

DOOR: t.Any = {"at_the_door": True}
STALL: t.Any = {"stalls": True}

CONNECTIONS = [
    Fault(
        "The connection is refused",
        {"fault": "closed_port"},
        **EVEN_AT_LOGIN,
        **DOOR,
        single={"delay": "60ms"},
        says="No connection to localhost port",
        note="A login that never left this machine is tried again too.",
    ),
    Fault(
        "Nobody takes the connection",
        {"fault": "full_backlog"},
        **EVEN_AT_LOGIN,
        **DOOR,
        **STALL,
        single={"delay": "100ms"},
        says="within",
    ),
    Fault(
        "The TLS handshake is not answered",
        {"fault": "silent_port"},
        **TWO_TRIES,
        **DOOR,
        **STALL,
        single={"connections": 1},
        says="within",
    ),
    Fault(
        "The certificate is another host's",
        {"fault": "other_certificate"},
        **BELIEVED,
        **DOOR,
        single={"connections": 1},
        says="certificate is not trusted",
        note="A certificate is never tried a second time, nor is anything sent before it is trusted.",
    ),
    Fault(
        "The certificate has run out",
        {"fault": "expired_certificate"},
        **BELIEVED,
        **DOOR,
        single={"connections": 1},
        says="certificate has expired",
    ),
    Fault(
        "Reset before the answer",
        {"fault": "reset_before"},
        **TWO_TRIES,
        says="The connection broke",
        note="The site may have seen the password, and a wrong one counts towards a lockout: a login is tried once.",
    ),
    Fault("Reset within the answer", {"fault": "reset_in_body"}, **TWO_TRIES, says="The connection broke"),
    Fault("No answer", {"fault": "stall_headers"}, **TWO_TRIES, **STALL, says="within"),
    Fault("Half an answer, and then nothing", {"fault": "stall_body"}, **TWO_TRIES, **STALL, says="within"),
    Fault("A byte now and then", {"fault": "trickle", "delay": "20ms"}, **TWO_TRIES, **STALL, says="within"),
    Fault("Cut short, with a length", {"fault": "truncated_body"}, **TWO_TRIES, says="The connection broke"),
    Fault("Cut short, in chunks", {"fault": "truncated_chunks"}, **TWO_TRIES, says="The connection broke"),
    Fault("Cut short, without a length", {"fault": "truncated_open"}, **TWO_TRIES, says="not a whole JSON object"),
]

# --- answers ---------------------------------------------------------------------------------------------------------

BIG: t.Any = {"options": {"max_answer_size": 1}}

ANSWERS = [
    Fault("Half the JSON", {"fault": "truncated_json"}, **TWO_TRIES, says="not a whole JSON object"),
    Fault("No UTF-8", {"fault": "bad_utf8"}, **TWO_TRIES, says="not UTF-8"),
    Fault("A byte order mark and blanks first", {"fault": "bom"}, **HARMLESS),
    Fault("An empty answer", {"fault": "empty_body"}, **TWO_TRIES, says="The answer is empty"),
    Fault("JSON nested 100,000 deep", {"fault": "deeply_nested"}, **TWO_TRIES, says="not a whole JSON object"),
    Fault(
        "A small answer that unpacks to a huge one",
        {"fault": "gzip_bomb", "size": 8 << 20},
        **BELIEVED,
        **BIG,
        says="larger than 1 MiB",
        note="Reading ends at `max_answer_size`, unpacked.",
    ),
    Fault("An answer without an end", {"fault": "endless_body"}, **BELIEVED, **BIG, says="larger than 1 MiB"),
    Fault("XML", {"fault": "xml"}, **BELIEVED, says="A page came where JSON was asked for"),
    Fault(
        "A sign-in page with HTTP 200",
        {"fault": "html_login"},
        **BELIEVED,
        says="A page came where JSON was asked for",
        note="A page is somebody else's answer, and asking again would bring it again: the error says how to get "
        "past it.",
    ),
    Fault(
        "'Could not access any server machines' in JSON",
        {"fault": "no_machines_json"},
        **TWO_TRIES,
        says="Could not access any server machines",
    ),
    Fault(
        "The same as a page",
        {"fault": "no_machines_html"},
        **TWO_TRIES,
        says="Could not access any server machines",
    ),
]

# --- HTTP and errors -------------------------------------------------------------------------------------------------


def http(status: int, **more: t.Any) -> Rule:
    return {"fault": "http_status", "status": status, **more}


SHAPES = {"admin": "as the admin API says it", "rest": "as portal and REST say it", "http": "with the HTTP status"}

TURNED_AWAY: dict[str, Rule] = {
    "with a page": {},
    "with `Retry-After: 2`": {"retry_after": 2},
    "with a date as `Retry-After`": {"retry_after": "Tue, 24 Nov 2026 09:00:20 GMT"},
    "with an absurd `Retry-After`": {"retry_after": "99999999999"},
    "with a `Retry-After` that is none": {"retry_after": "soon"},
    "with an error in JSON": {"body": "json"},
}

STATUSES = [
    Fault("HTTP 502 with a page", http(502), **TWO_TRIES, says="HTTP 502"),
    Fault("HTTP 502 with nothing", http(502, body="empty"), **TWO_TRIES, steps=SOME, says="HTTP 502"),
    Fault("HTTP 500 with a page", http(500), **TWO_TRIES, steps=SOME, says="HTTP 500"),
    Fault("HTTP 504 with a page", http(504), **TWO_TRIES, steps=SOME, says="HTTP 504"),
    *(
        Fault(
            f"HTTP {status} {how}",
            http(status, **more),
            **EVEN_AT_LOGIN,
            steps=EVERYWHERE if not more else SOME,
            says=f"HTTP {status}",
        )
        for status in (429, 503)
        for how, more in TURNED_AWAY.items()
    ),
    Fault(
        "HTTP 401",
        http(401),
        **FORBIDDEN,
        note="A web server in front of the site wants a login of its own. What lies behind it is told as unseen.",
    ),
    *(
        Fault(f"Forbidden (403) {words}", {"fault": "error403", "shape": shape}, **FORBIDDEN_BY_THE_SITE)
        for shape, words in SHAPES.items()
    ),
    Fault("Forbidden (403) with a page", http(403), **FORBIDDEN),
    *(
        Fault(f"Not found (404) {words}", {"fault": "error404", "shape": shape}, **NOT_FOUND)
        for shape, words in SHAPES.items()
    ),
    Fault("Not found (404) with a page", http(404), **NOT_FOUND),
    *(
        Fault(f"Token refused (498) {words}", {"fault": "error498", "shape": shape}, **TOKEN)
        for shape, words in SHAPES.items()
    ),
    *(
        Fault(f"No token seen (499) {words}", {"fault": "error499", "shape": shape}, **TOKEN)
        for shape, words in SHAPES.items()
    ),
    *(
        Fault(f"Internal error (500) {words}", {"fault": "error500", "shape": shape}, **TWO_TRIES)
        for shape, words in SHAPES.items()
    ),
]

# --- redirects -------------------------------------------------------------------------------------------------------

REDIRECTS = [
    *(
        Fault(
            f"Sent on within the site ({status})",
            {"fault": "redirect", "status": status},
            **HARMLESS,
            steps=EVERYWHERE if status == 302 else SOME,
        )
        for status in (302, 301, 303, 307, 308)
    ),
    Fault("Sent to a login", {"fault": "redirect_login"}, **BELIEVED, says="sends us on to https://login.example"),
    Fault(
        "Sent to another host",
        {"fault": "redirect", "status": 307, "location": "https://other.example.com/arcgis/admin"},
        **BELIEVED,
        says="sends us on to https://other.example.com",
    ),
    Fault(
        "Sent to http",
        {"fault": "redirect", "status": 301, "location": "http://localhost/arcgis/admin"},
        **BELIEVED,
        says="sends us on to http://localhost",
    ),
    Fault(
        "Sent in a loop", {"fault": "redirect_loop"}, **HARMLESS | {"lasting": ALWAYS_ERROR}, says="redirects from one"
    ),
    Fault("Sent nowhere", {"fault": "custom", "status": 302, "body": ""}, **BELIEVED, says="without saying where"),
]

# --- pages of jobs ---------------------------------------------------------------------------------------------------


def edited(**more: t.Any) -> Rule:
    return {"fault": "edited", **more}


def put(**members: t.Any) -> Rule:
    return edited(put=members)


DOUBTED: t.Any = {"once": ALWAYS_RIGHT, "lasting": {None: INCOMPLETE}}
JOBS: t.Any = {"steps": PAGES}

RESULTS = [
    Fault("`results` missing", {"fault": "results_missing"}, **TWO_TRIES, **JOBS, says="has no 'results'"),
    Fault("`results` null", {"fault": "results_null"}, **TWO_TRIES, **JOBS, says="has no 'results'"),
    Fault("`results` a text", put(results="none"), **TWO_TRIES, **JOBS, says="neither an object nor a list"),
    Fault("`results` a list of ids", edited(form="ids"), **HARMLESS, **JOBS),
    Fault("`results` a list of objects", edited(form="id_objects"), **HARMLESS, **JOBS),
    Fault("`results` with objects for words", edited(form="objects"), **HARMLESS, **JOBS),
    Fault("`results` with null for words", edited(form="nulls"), **HARMLESS, **JOBS),
    *(
        Fault(f"Statuses spelt {words}", edited(spelling=spelling), **HARMLESS, **JOBS)
        for words, spelling in (
            ("`esriJobSucceeded`", "esri"),
            ("`Succeeded`", "stripped"),
            ("`SUCCEEDED`", "upper"),
            ("as numbers", "number"),
        )
    ),
    Fault(
        "A status that nobody knows",
        edited(word="esriJobPondering"),
        once={None: ACTIVE},
        lasting={None: ACTIVE},
        **JOBS,
        note="Such jobs count as active, and as executing where that has a limit of its own.",
    ),
    Fault(
        "`total` too high on this page",
        edited(add={"total": 3}),
        once=ALWAYS_RIGHT,
        lasting={None: INCOMPLETE, LATER: RIGHT},
        **JOBS,
    ),
    Fault(
        "`total` too low on this page",
        edited(add={"total": -3}),
        once=ALWAYS_RIGHT,
        lasting={None: RIGHT, FIRST: INCOMPLETE, POLL: INCOMPLETE},
        **JOBS,
        note="Jobs are merged by id. Where all pages agree on a `total` below the number of jobs that they show, "
        "nothing is known for sure.",
    ),
    Fault("`total` negative", put(total=-1), **TWO_TRIES, **JOBS, says="no usable 'total'"),
    Fault("`total` missing", edited(drop=["total"]), **TWO_TRIES, **JOBS, says="no usable 'total'"),
    Fault("`total` a number in quotes", put(total="5"), **HARMLESS, **JOBS),
    Fault("`nextStart` missing", edited(drop=["nextStart"]), **HARMLESS, **JOBS),
    Fault("`nextStart` 0", put(nextStart=0), **HARMLESS, **JOBS),
    Fault("`nextStart` -1 too early", put(nextStart=-1), **HARMLESS, **JOBS),
    Fault("`nextStart` not ahead", put(nextStart=1), **HARMLESS, **JOBS),
    Fault(
        "`nextStart` beyond the end",
        put(nextStart=9999),
        once=ALWAYS_RIGHT,
        lasting={None: INCOMPLETE, FIRST: RIGHT},
        **JOBS,
        note="A site that says of its last page that more follows contradicts its own `total`.",
    ),
    Fault("`num` not as asked", put(num=3), **HARMLESS, **JOBS),
    Fault("`start` not as asked", put(start=77), **TWO_TRIES, **JOBS, says="answers another question"),
    Fault(
        "The page skips jobs",
        {"fault": "other_page", "by": 2},
        **DOUBTED,
        **JOBS,
        note="Pages overlap by one job, and the jobs have to add up to `total`: what slips between pages shows.",
    ),
    Fault("The page repeats jobs", {"fault": "other_page", "by": -2}, **DOUBTED, steps=(LATER,)),
    Fault(
        "The filter by status is ignored",
        {"fault": "unfiltered"},
        **HARMLESS,
        steps=(FIRST,),
        options={"job_status": ["active"], "detail": "jobs"},
        note="Then every page is read, and the jobs are counted here.",
    ),
    Fault(
        "A service is gone when its jobs are asked for",
        {"fault": "error404"},
        lasting={None: GONE},
        steps=(FIRST,),
        also=(
            {"fault": "error404", "match": {"path": "Buffer"}},
            {**put(services=[]), "match": {"path": r"admin/services/Analysis\?", "after": 1}},
        ),
        note="That goes for services that were found. One that was named is an error.",
    ),
    Fault(
        "The Date header is 5 hours ahead",
        {"fault": "date", "by": "5h"},
        **HARMLESS,
        note="Where failures ended at a time that is within the window by one clock and before it by the other, a "
        "verdict is inconclusive.",
    ),
    Fault("The Date header is 5 hours behind", {"fault": "date", "by": "-5h"}, **HARMLESS),
]

GROUPS = {
    "Connections": CONNECTIONS,
    "Answers that are none": ANSWERS,
    "HTTP statuses and errors of the site": STATUSES,
    "Redirects": REDIRECTS,
    "Answers that are wrong": RESULTS,
}


# --- the table in the docs -------------------------------------------------------------------------------------------


def as_markdown() -> str:
    """What docs/faults.md shows: a table for each group, and below it a sentence for each unusual row."""
    parts = []
    for title, faults in GROUPS.items():
        lines = [f"## {title}", "", f"| fault | {' | '.join(STEPS.values())} |", f"|{' --- |' * (len(STEPS) + 1)}"]
        lines += [f"| {fault.name} | {' | '.join(_cell(fault, step) for step in STEPS)} |" for fault in faults]
        notes = [f"* {fault.name}: {fault.note}" for fault in faults if fault.note]
        parts.append("\n".join([*lines, *(["", *notes] if notes else [])]))
    return "\n\n".join(parts) + "\n"


def _cell(fault: Fault, step: str) -> str:
    if step not in fault.steps:
        return "`-`"
    kubernetes, server = (_said(fault, api, step) for api in ("kubernetes", "server"))
    return kubernetes if kubernetes == server else f"{kubernetes} (`server`: {server})"


def _said(fault: Fault, api: str, step: str) -> str:
    outcomes = [fault.outcome(api, step, strength) for strength in fault.strengths()]
    if step == POLL:
        outcomes = ["inconclusive" if outcome in (ERROR, INCOMPLETE) else outcome for outcome in outcomes]
    return " / ".join(dict.fromkeys(outcomes))
