# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that no document decides about a site, as switches: one table, from which the help is made too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .times import parse_duration

Value = str | int | bool | None


@dataclass(frozen=True)
class Switch:
    """One question that a site may answer in several ways."""

    name: str
    kind: str  # choice | bool | int | duration
    default: Value
    text: str
    choices: tuple[str, ...] = ()
    group: str = "jobs/query: the question"

    def parse(self, value: object) -> Value:
        """The value as the site uses it; ``ValueError`` says what would have been right."""
        if self.kind == "choice":
            word = _word(value)
            word = _ALIASES.get((self.name, word), word)
            if word in self.choices:
                return word
            raise ValueError(f"switch {self.name}: {value!r} is none of {', '.join(self.choices)}")
        if self.kind == "bool":
            if isinstance(value, bool):
                return value
            if str(value).lower() in ("true", "yes", "on", "1"):
                return True
            if str(value).lower() in ("false", "no", "off", "0"):
                return False
            raise ValueError(f"switch {self.name}: {value!r} is neither true nor false")
        if value is None or str(value).lower() in ("null", "none", "off", "false", ""):
            if self.default is None:
                return None
            raise ValueError(f"switch {self.name} needs a value")
        if self.kind == "duration":
            return parse_duration(value)
        try:
            return int(str(value))
        except ValueError:
            raise ValueError(f"switch {self.name}: {value!r} is not a whole number") from None

    @property
    def values(self) -> str:
        if self.kind == "choice":
            return " | ".join(self.choices)
        names = {"bool": "true | false", "int": "a number", "duration": "a duration"}
        return names[self.kind] + (" | null" if self.default is None else "")


def _word(value: object) -> str:
    """A value as YAML writes it: Python's True is true, and None is null."""
    if isinstance(value, bool):
        return str(value).lower()
    return "null" if value is None else str(value)


_ALIASES = {
    ("job_status_required", "true"): "error",
    ("job_status_required", "false"): "no",
    ("start_time_required", "true"): "error",
    ("start_time_required", "false"): "no",
    ("jobs_step_back", "true"): "once",
    ("jobs_step_back", "false"): "no",
    ("vanishing_details", "true"): "always",
    ("vanishing_details", "false"): "no",
    ("total", "1"): "true",
    ("echo", "true"): "full",
    ("echo", "false"): "none",
}

QUESTION = "jobs/query: the question"
ANSWER = "jobs/query: the answer"
DETAILS = "jobs: details and life"
TOKENS = "tokens and accounts"
SITE = "the site"


def _choice(group: str, name: str, default: str, choices: str, text: str) -> Switch:
    return Switch(name, "choice", default, text, tuple(choices.split()), group)


def _bool(group: str, name: str, default: bool, text: str) -> Switch:
    return Switch(name, "bool", default, text, (), group)


SWITCHES: tuple[Switch, ...] = (
    _choice(QUESTION, "time_window", "submitted", "submitted started ended overlaps",
            "what startTime and endTime test; a job that has not come so far matches none"),
    _choice(QUESTION, "time_filter", "honoured", "honoured ignored", "whether startTime and endTime do anything"),
    _choice(QUESTION, "time_unit", "auto", "auto s ms",
            "unit of numbers in startTime and endTime; auto: seconds (kubernetes), milliseconds (server)"),
    _choice(QUESTION, "start_time_required", "no", "no error empty",
            "a missing or empty startTime is fine, refused (code 400), or finds nothing"),
    _bool(QUESTION, "end_needs_start", False, "endTime without startTime is refused (code 400)"),
    _choice(QUESTION, "status_filter", "honoured", "honoured ignored", "whether jobStatus does anything"),
    _choice(QUESTION, "status_parameter", "jobStatus", "jobStatus both",
            "the documented name alone, or also `status`, which Esri's Python client sends to ArcGIS Server"),
    _choice(QUESTION, "several_statuses", "honoured", "honoured first_only last_only",
            "which of several jobStatus parameters count"),
    _choice(QUESTION, "job_status_required", "no", "no error empty",
            "a query without jobStatus is fine, refused (code 400), or finds nothing"),
    _choice(QUESTION, "empty_job_status", "ignored", "ignored error nothing",
            "jobStatus with an empty value counts as not given, is refused (code 400), or matches nothing"),
    _choice(QUESTION, "unknown_filter_word", "error", "error ignore nothing",
            "a jobStatus outside the eight words is refused (code 400), ignored, or matches nothing"),
    _choice(QUESTION, "user_filter", "honoured", "honoured ignored", "whether userName does anything"),
    _choice(QUESTION, "anonymous_filter", "nothing", "nothing null_word",
            "whether userName=null finds the jobs of nobody"),
    _choice(QUESTION, "machine_filter", "honoured", "honoured ignored", "whether machineName does anything (server)"),
    Switch("default_number", "int", 10, "page size where number is not given", (), QUESTION),
    Switch("page_cap", "int", None, "the largest page that the site gives, whatever number says", (), QUESTION),
    _choice(QUESTION, "unknown_service", "error", "error empty",
            "jobs of a service that does not exist: refused (code 404), or an empty answer"),
    _choice(QUESTION, "sync_service_jobs", "error", "error empty",
            "jobs of a synchronous service: refused (code 404), or an empty answer"),
    _choice(QUESTION, "stopped_service_jobs", "normal", "normal error missing empty",
            "jobs of a service that is not running: as ever, refused (code 500 or 404), or an empty answer"),
    _choice(ANSWER, "sort", "newest", "newest oldest random", "order of the jobs (random: one order, kept over pages)"),
    _choice(ANSWER, "status_spelling", "auto", "auto stripped esri upper number",
            "status words in results; auto: Succeeded (kubernetes), esriJobSucceeded (server)"),
    _choice(ANSWER, "results_form", "words", "words objects list_of_ids list_of_objects nulls", "what results holds"),
    _choice(ANSWER, "total", "true", "true too_high too_low negative string missing", "how true total is"),
    _choice(ANSWER, "num", "asked", "asked applied missing", "num says what was asked for, or the page size in force"),
    _choice(ANSWER, "start_past_end", "empty", "empty error last_page", "a start behind the last job"),
    _choice(ANSWER, "next_start", "honest", "honest stuck missing too_far",
            "nextStart where more jobs follow: right, the same start again, left out, or one job too far"),
    _choice(ANSWER, "next_start_at_end", "-1", "-1 missing 0 equal", "nextStart where no more jobs follow"),
    _choice(ANSWER, "echo", "full", "full as_sent none",
            "query in the answer: what the site honoured, what was sent whether honoured or not, or left out"),
    _choice(DETAILS, "detail_spelling", "esri", "stripped esri upper number", "status word in a job's own page"),
    _choice(DETAILS, "running_end_time", "absent", "absent null 0 -1", "times that have not come yet, in a job's page"),
    _choice(DETAILS, "detail_times", "full", "full no_end none", "which times a job's page has"),
    _choice(DETAILS, "vanishing_details", "no", "no once always",
            "a listed job's page answers 404: never, at its first reading, always"),
    _choice(DETAILS, "jobs_step_back", "no", "no once always",
            "a query for executing jobs finds that they went back to waiting: never, once a job, whenever one asks"),
    Switch("cancel_takes", "duration", 5000, "time from a cancel to cancelled", (), DETAILS),
    Switch("retention", "duration", None, "how long finished jobs stay (real: 6h on ArcGIS Server); null keeps them",
           (), DETAILS),
    _choice(DETAILS, "directories", "full", "full names forbidden missing",
            "system/directories (server), where the jobs directory tells the retention: whole, by name alone, refused"),
    Switch("sweep_every", "duration", 0, "pause between sweeps of finished jobs (real: 1h on Kubernetes)", (), DETAILS),
    Switch("token_max_minutes", "int", 20160, "longest life of a token; a longer wish is clamped", (), TOKENS),
    Switch("token_default_minutes", "int", 120, "life of a token where expiration is not given", (), TOKENS),
    _choice(TOKENS, "expires_form", "auto", "auto number string seconds missing past far",
            "expires in the answer; auto: number (portal), string (admin/generateToken); past and far are lies"),
    _choice(TOKENS, "login_error_shape", "rest", "rest admin", "shape of a refused login at admin/generateToken"),
    _choice(TOKENS, "locked_body", "same", "same named", "a locked account looks like a wrong password, or says so"),
    _bool(TOKENS, "lockout", True, "wrong passwords lock an account, the primary site administrator's too"),
    Switch("lockout_attempts", "int", 5, "wrong passwords that lock", (), TOKENS),
    Switch("lockout_minutes", "int", 15, "in how many minutes, and for how many", (), TOKENS),
    _bool(TOKENS, "require_body_token_on_post", False, "a POST's token counts in its body only (else 499)"),
    _bool(TOKENS, "refuse_x_esri_header", False, "X-Esri-Authorization is not looked at (else 499)"),
    _bool(TOKENS, "refuse_authorization_header", False, "Authorization is not looked at (else 499)"),
    _bool(TOKENS, "refuse_body_token", False, "a token in a POST's body is not looked at (else 499)"),
    _bool(TOKENS, "refuse_query_token", False, "a token in the query string is not looked at (else 499)"),
    _bool(TOKENS, "lax_referer_on_admin", False, "the admin side takes a referer-bound token without its Referer"),
    _bool(TOKENS, "federated_portal_tokens", True, "a federated server's admin side takes the portal's tokens"),
    _bool(TOKENS, "federated_ip_tokens", True, "... and those bound by ip or requestip too"),
    _choice(TOKENS, "forbidden_listing", "shown", "shown hidden",
            "folders and services that an account may not see are listed, or left out"),
    _bool(SITE, "admin_disabled", False, "a web adaptor with administration off: 403 with a page for all of /admin"),
    _bool(SITE, "healthy", True, "the health check answers 200"),
    _choice(SITE, "site_mode", "EDITABLE", "EDITABLE READ_ONLY", "site mode"),
    _choice(SITE, "date_header", "site", "site absent", "the Date header tells the site's clock, or is left out"),
    _choice(SITE, "error_word", "error", "error failed failure", "status of an error in the admin shape"),
    _choice(SITE, "error_code", "present", "present missing", "whether error bodies hold a code"),
    _choice(SITE, "admin_error_shape", "admin", "admin rest", "shape of the admin side's errors"),
)  # fmt: skip

BY_NAME = {switch.name: switch for switch in SWITCHES}


class Switches:
    """The switches of one site, by attribute (``switches.sort``) or item; setting checks name and value."""

    def __init__(self, values: Mapping[str, object] | None = None) -> None:
        self._values: dict[str, Value] = {}
        self.reset()
        self.update(values or {})

    def reset(self) -> None:
        self._values.update({switch.name: switch.default for switch in SWITCHES})

    def update(self, values: Mapping[str, object]) -> None:
        parsed = {name: lookup(name).parse(value) for name, value in values.items()}
        self._values.update(parsed)

    def __getitem__(self, name: str) -> Value:
        lookup(name)
        return self._values[name]

    def __setitem__(self, name: str, value: object) -> None:
        self.update({name: value})

    def __getattr__(self, name: str) -> Value:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self[name]
        except ValueError as error:
            raise AttributeError(str(error)) from None

    def __setattr__(self, name: str, value: object) -> None:
        if name.startswith("_"):
            super().__setattr__(name, value)
        else:
            self.update({name: value})

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def number(self, name: str) -> int:
        value = self[name]
        assert isinstance(value, int)
        return value

    def as_dict(self) -> dict[str, Value]:
        return dict(self._values)


def lookup(name: str) -> Switch:
    try:
        return BY_NAME[name]
    except KeyError:
        raise ValueError(f"there is no switch {name!r}; --list-switches shows them all") from None


def table() -> str:
    """The switches as a Markdown table: the text of ``--list-switches`` and of the README."""
    lines: list[str] = []
    group = ""
    for switch in SWITCHES:
        if switch.group != group:
            group = switch.group
            lines += ["", f"### {group[0].upper()}{group[1:]}", "", "| switch | values | default | meaning |"]
            lines.append("| --- | --- | --- | --- |")
        values = switch.values.replace("|", "\\|")
        default = _word(switch.default)
        if switch.kind == "duration" and isinstance(switch.default, int) and switch.default:
            default = f"{switch.default // 1000}s"
        lines.append(f"| `{switch.name}` | {values} | {default} | {switch.text.replace('|', chr(92) + '|')} |")
    return "\n".join(lines[1:]) + "\n"
