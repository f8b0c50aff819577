# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Measure a site for a gate, as often as it asks: with one login, one poll state and one window for all measurements.

The modules run where the task is delegated to. What comes back is either facts or the result of a module that failed.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from ...module_utils import _opaque
from ...module_utils._errors import BadOption
from ...module_utils._statuses import FAILURES
from . import facts
from .facts import SiteFacts, UnreadableFacts
from .policy import FUTURE_MARK, Policy

QUERY = "gisops.arcgis.gp_jobs_query"
TOKEN = "gisops.arcgis.gp_token"

_FIRST = "new"
"""The poll state before the first measurement."""
_MOST_DETAILS = 500
"""So many active jobs of a service are looked at. Those beyond count too, of an unknown age, exempted by nothing."""
_MOST_MESSAGES = 5
_MOST_RENEWALS = 3
"""So many times a token that the site refuses is renewed."""

Result = dict[str, t.Any]
RunModule = t.Callable[[str, Result], Result]


@dataclass(frozen=True)
class Measured:
    """Facts, or why there are none."""

    facts: SiteFacts | None = None
    error: str = ""
    failure: Result | None = None
    is_final: bool = False
    """Whether measuring again is of no use, or might send a wrong password a second time."""
    warnings: tuple[str, ...] = ()

    @property
    def kind(self) -> str | None:
        return None if self.failure is None else self.failure.get("kind")


class Meter:
    """Measures as a policy wants it."""

    def __init__(self, run: RunModule, connection: Result, asked: Result, policy: Policy, *, often: bool) -> None:
        """Prepare to measure; nothing is sent yet.

        :param run: runs a module by its name and options, and returns its result.
        :param connection: the connection options that the task gives.
        :param asked: the options of the query that the task gives, such as services.
        :param often: whether there may be several queries, which then share one login.
        """
        self._run = run
        self._connection = connection
        self._asked = asked
        self._often = often
        self._token: str | None = None
        self._renewals = 0
        self._poll_state = _FIRST
        self.policy = policy

    def measure(self, services: t.Collection[str] = ()) -> Measured:
        """Measure once. The first facts fix the policy's window, and show whether the services that it names exist.

        :param services: the only services to ask; all that the task means if empty.
        :raises BadOption: for an option that only the site can tell to be wrong.
        """
        measured = self._measure(services)
        if measured.facts is None:
            self._refuse_wrong_option(measured)
        elif self.policy.began is None:
            fixed = self.policy.fixed(measured.facts)
            self._check_names(measured.facts)
            self.policy = fixed
        return measured

    def _measure(self, services: t.Collection[str]) -> Measured:
        """Measure once, with a token that is got before and renewed if the site refuses it."""
        if self._often and self._token is None:
            failed = self._log_in(self._connection)
            if failed is not None:
                return failed
        measured = self._query(services)
        if measured.kind != "TokenRefused":
            return measured
        # Without a password nobody can log in again: then the refused token is what is wrong.
        refused = replace(measured, is_final=True)
        if self._renewals >= _MOST_RENEWALS:
            return refused
        self._renewals += 1
        failed = self._log_in({**self._connection, "renew": True})
        if failed is not None:
            return refused if failed.kind == "BadOption" else failed
        return self._query(services)

    def _log_in(self, connection: Result) -> Measured | None:
        """Get the token for all measurements; return what went wrong, if anything did."""
        result = self._run(TOKEN, connection)
        if "armoured_token" not in result:
            failed = _failed(result)
            return replace(failed, is_final=failed.is_final or _may_have_been_tried(failed))
        self._token = _opaque.take_off(result["armoured_token"]).decode()
        self._connection = {**self._connection, "api": result.get("api", "auto")}
        return None

    def _query(self, services: t.Collection[str]) -> Measured:
        options = {**self._asked, **wanted(self.policy), **self._to_site, "poll_state": self._poll_state}
        if services:
            options.pop("service", None)
            options["services"] = [{"name": name, "missing": "ignore"} for name in services]
        elif self._exempted:
            options["exclude_services"] = self._exempted
        if self.policy.looks_at_failed:
            options["ended_after"] = self._ended_after
        result = self._run(QUERY, options)
        poll_state = result.get("poll_state")
        if result.get("failed") or poll_state is None:
            return _failed(result)
        warnings = tuple(result.get("warnings", ()))
        try:
            found = facts.unpack(poll_state)
        except UnreadableFacts as error:
            return Measured(error=str(error), failure=error.failure, warnings=warnings)
        self._poll_state = poll_state
        return Measured(found, warnings=warnings)

    @property
    def _to_site(self) -> Result:
        return self._connection if self._token is None else {**self._connection, "token": self._token}

    @property
    def _exempted(self) -> list[str]:
        """The services that need not be asked. A name that may be misspelt is asked for once."""
        entries = [one.service for one in self.policy.exempt_for_good if one.service is not None]
        return [one.text for one in entries if one.is_pattern or self.policy.began is not None]

    @property
    def _ended_after(self) -> str:
        """From when on failures are looked at: a time before the site's now until the window is fixed."""
        policy = self.policy
        if policy.since is not None:
            return f"{max(policy.since.at - policy.clock_slack, 1.0):.3f}"
        window = t.cast(float, policy.window) + policy.clock_slack
        return f"{window:.0f}s" if policy.began is None else f"{max(policy.began - window, 1.0):.3f}"

    # --- wrong options -----------------------------------------------------------------------------------------------

    def _refuse_wrong_option(self, measured: Measured) -> None:
        """Raise BadOption if an option is wrong. A service that was there at the first poll is not misspelt."""
        failure = measured.failure
        if failure is None:
            return
        if self.policy.since is not None and failure.get("where") == "option ended_after":
            raise BadOption(str(failure["what"]), where="option since", cure=FUTURE_MARK)
        if measured.kind in ("BadOption", "UnknownService") and self.policy.began is None:
            raise BadOption(**failure)

    def _check_names(self, found: SiteFacts) -> None:
        """Raise BadOption if ``exempt`` or ``service_limits`` names a service that the site does not have."""
        over = [one for one in self.policy.exempt if one.is_over(found)]
        for entry, service in self.policy.named:
            if str(service) in found.names or entry in over:
                continue
            failure = self._run(QUERY, {**self._to_site, "services": [str(service)]}).get("failure") or {}
            if failure.get("kind") == "UnknownService" and "nearest" in failure:
                look = str(failure["cure"]).partition(", or set missing")[0].rstrip(".")
                end = "" if look.endswith("?") else "."
                raise BadOption(
                    str(failure["what"]),
                    where=f"option {entry.option}",
                    cure=f"{look}{end} Or say missing: ignore there, if it may be missing.",
                )


def wanted(policy: Policy) -> Result:
    """Return the query options that bring the facts which a policy needs; the window is the caller's."""
    statuses = (["active"] if policy.looks_at_active else []) + (list(FAILURES) if policy.looks_at_failed else [])
    include = {
        "states": True,
        "durations": policy.looks_at_active,
        "answers": policy.must_answer,
        "succeeded": policy.looks_at_shares,
    }
    options: Result = {
        "job_status": statuses or ["active"],
        "detail": "full",
        "include": [name for name, is_wanted in include.items() if is_wanted],
        "detail_limit": _MOST_DETAILS,
        "message_limit": _MOST_MESSAGES,
    }
    enough = _enough(policy)
    return options if enough is None else {**options, "enough": enough}


def _enough(policy: Policy) -> int | None:
    """Return how many failures of a service settle its verdict; None if each of them may have to be looked at."""
    if not policy.looks_at_failed or policy.looks_at_shares or any(one.is_of_jobs for one in policy.exempt):
        return None
    known = max((len(ids) for ids in policy.since.failed.values()), default=0) if policy.since else 0
    return max(limits.max_failed or 0 for limits in policy.all_limits) + 1 + known


def _failed(result: Result) -> Measured:
    """Return why a module gave no facts."""
    failure = result.get("failure")
    return Measured(
        error=str(result.get("msg") or "The module gave no facts."),
        failure=failure,
        is_final=failure is not None and failure.get("kind") == "LoginRefused",
        warnings=tuple(result.get("warnings", ())),
    )


def _may_have_been_tried(failed: Measured) -> bool:
    """Whether a password was sent, and nothing says what became of it: a second try might be one too many."""
    failure = failed.failure
    if failure is None or failed.kind == "Unforeseen":
        return True  # it broke off, and cannot say how far it got
    was_sent = str(failure.get("where")).startswith("POST") and not failure.get("unsent")
    return failed.kind in ("Unreachable", "OutOfTime") and was_sent
