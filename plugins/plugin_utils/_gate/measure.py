# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Measures a site for a gate, as often as it asks: one login, one memory and one window for all measurements.

The modules run where the task is delegated to. What comes back is either facts or the result of a module that failed.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from ...module_utils import _opaque as _armour
from ...module_utils import _times
from ...module_utils._errors import BadOption
from ...module_utils._jobs import poll_state as _memory
from . import judge as _gate
from .policy import FUTURE_MARK, Policy

QUERY = "gisops.arcgis.gp_jobs_query"
TOKEN = "gisops.arcgis.gp_token"

Result = dict[str, t.Any]
RunModule = t.Callable[[str, Result], Result]


@dataclass(frozen=True)
class Measured:
    """Facts, or why there are none."""

    facts: Result | None = None
    error: str = ""
    failure: Result | None = None
    is_final: bool = False
    """Whether measuring again would be of no use, or would send a password a second time."""
    is_wrong_input: bool = False
    """Whether an option is wrong, which is no verdict on the site."""
    warnings: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        return str((self.failure or {}).get("kind", ""))


class Meter:
    """Measures as a policy wants it."""

    def __init__(self, run: RunModule, connection: Result, services: Result, policy: Policy, *, often: bool) -> None:
        """:param often: whether there may be several queries, which share one login then."""
        self._run = run
        self._connection = connection
        self._services = services
        self._often = often
        self._token: str | None = None
        self._memory = _memory.NEW
        self._given = policy
        self._is_window_fixed = False
        self.policy = policy

    def measure(self) -> Measured:
        """One measurement; fixes the policy's window at the first good one, and checks there what it names.

        A time that may be hours off fixes nothing: then the window moves until clocks agree.
        """
        if self._often and self._token is None:
            refused = self._log_in(self._connection)
            if refused is not None:
                return refused
        measured = self._query()
        if measured.kind == "TokenRefused":
            refused = self._log_in({**self._connection, "renew": True})
            if refused is not None:
                # Without a password nobody can log in anew: then the refused token is what is wrong.
                return measured if refused.kind == "BadOption" else refused
            measured = self._query()
        if measured.facts is not None and not self._is_window_fixed:
            now = _times.from_wire(measured.facts.get("as_of"))
            if now is not None:
                if self.policy.began is None:
                    self._check_names(measured.facts, now)
                self.policy = self._given.fixed(now)
                self._is_window_fixed = measured.facts.get("clock_doubt") == 0
        return measured

    def _log_in(self, connection: Result) -> Measured | None:
        """Gets the token for all measurements; gives what went wrong, where it did."""
        result = self._run(TOKEN, connection)
        armoured = result.get("armoured_token")
        if armoured is None:
            # Once the password has been sent, nobody knows what a second try would count for.
            failed = self._failed(result)
            failure = failed.failure or {}
            broke_off = not failure or failed.kind == "Unforeseen"  # and cannot say how far it got
            was_sent = broke_off or str(failure.get("where", "")).startswith("POST")
            is_lost = was_sent and not failure.get("unsent")
            return replace(failed, is_final=failed.is_final or is_lost)
        self._token = _armour.take_off(armoured).decode()
        self._connection = {**self._connection, "api": result.get("api", "auto")}
        return None

    def _query(self) -> Measured:
        options = {**self._connection, **self._services, **_gate.wanted(self.policy), "poll_state": self._memory}
        if self._token is not None:
            options["token"] = self._token
        if self.policy.looks_at_failed:
            options["ended_after"] = self._ended_after()
        result = self._run(QUERY, options)
        memory = result.get("poll_state")
        if result.get("failed") or memory is None:
            return self._failed(result)
        self._memory = memory
        return Measured(facts=_memory.unpack(memory)[0], warnings=tuple(result.get("warnings") or ()))

    def _failed(self, result: Result) -> Measured:
        """The result of a module that gave no facts. A service that was there at the first poll is not misspelt."""
        failure = result.get("failure")
        if self.policy.since is not None and failure and failure.get("where") == "option ended_after":
            raise BadOption(str(failure["what"]), where="option since", cure=FUTURE_MARK)
        kind = str((failure or {}).get("kind", ""))
        is_wrong_input = kind in ("BadOption", "UnknownService") and self.policy.began is None
        return Measured(
            error=str(result.get("msg") or "The module gave no facts."),
            failure=failure,
            is_final=is_wrong_input or kind in ("LoginRefused", "TokenRefused"),
            is_wrong_input=is_wrong_input,
            warnings=tuple(result.get("warnings") or ()),
        )

    def _ended_after(self) -> str:
        """From when on failures are looked at: a time before the site's now until that is known."""
        policy = self.policy
        if policy.since is None and not self._is_window_fixed:
            return f"{(policy.window or 0.0) + policy.clock_slack:.0f}s"
        return f"{max(policy.looks_back_to(0.0), 1.0):.3f}"

    def _check_names(self, facts: Result, now: float) -> None:
        """Refuses exemptions and overrides of services that the site does not have; raises BadOption."""
        known = {str(one["service"]) for one in facts.get("services") or ()}
        known.update(str(name) for key in ("synchronous", "stopped", "missing") for name in facts.get(key) or ())
        known.update(str(one["name"]) for one in facts.get("unseen") or ())
        over = {one.option for one in self.policy.exempt if one.is_over(now)}
        for option, service in self.policy.named:
            if str(service) in known or option in over:
                continue
            asked = {**self._connection, "services": [str(service)], "poll_state": _memory.NEW}
            if self._token is not None:
                asked["token"] = self._token
            failure = self._run(QUERY, asked).get("failure") or {}
            if failure.get("kind") == "UnknownService" and "nearest" in failure:
                look = failure["cure"].split(", or set missing")[0]
                end = "" if look.endswith("?") else "."
                raise BadOption(
                    str(failure["what"]),
                    where=f"option {option}",
                    cure=f"{look}{end} Or say missing: ignore there, if it may be missing.",
                )
