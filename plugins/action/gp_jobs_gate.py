# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Measures a site by gp_jobs_query where the task is delegated to, until the gate has a verdict that stands."""

from __future__ import annotations

import time
import typing as t

from ansible.plugins.action import ActionBase
from ansible.release import __version__
from ansible.utils.display import Display

from ..module_utils import _options, _times
from ..module_utils._errors import BadOption, without_secrets
from ..module_utils._options import CONNECTION, GATE, SERVICES
from ..plugin_utils._gate import judge as _gate
from ..plugin_utils._gate import polling as _polls
from ..plugin_utils._gate.measure import Measured, Meter
from ..plugin_utils._gate.outcome import Consequence
from ..plugin_utils._gate.policy import Policy
from ..plugin_utils._gate.polling import Changes, Patience, Polls
from ..plugin_utils._gate.verdict import Verdict

_SHOWS_MESSAGES_ON_ONE_LINE = tuple(int(part) for part in __version__.split(".")[:2]) < (2, 19)

# What no secret may cut a hole into.
_DECIDED = ("verdict", "passed", "blocked", "failed", "overridden")

Result = dict[str, t.Any]


class ActionModule(ActionBase):
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: Result | None = None) -> Result:
        result: Result = super().run(tmp, task_vars)
        spec = _options.argument_spec(CONNECTION, SERVICES, GATE)
        self._secrets = _options.secrets_in(self._task.args, spec)
        self._task.args = _options.without_empty(self._task.args)
        options = self.validate_argument_spec(argument_spec=spec)[1]
        self._task_vars = task_vars or {}
        self._secrets |= _options.secrets_in(options, spec)
        try:
            outcome = self._gate(options)
        except BadOption as error:
            outcome = {"failed": True, "blocked": True, **error.to_result()}
        # The verdict has been reached by what was measured. What is shown holds no secret, whatever that leaves of it.
        decided = {key: outcome[key] for key in _DECIDED if key in outcome}
        return {**result, **_without(outcome, self._secrets), **decided, "changed": False}

    def _gate(self, options: Result) -> Result:
        """Polls until the verdict stands, and says what it leads to; raises BadOption."""
        policy, patience = Policy.read(options.get), Patience.read(options.get)
        consequence = Consequence.read(options.get)
        if self._task.check_mode or consequence.is_overridden(time.time()):
            patience = Patience()
        self._progress = bool(options["progress"]) and not self._task.no_log
        often = bool(patience.wait or patience.startup_wait or policy.named)
        meter = Meter(self._run_module, self._given(CONNECTION), self._given(SERVICES), policy, often=often)
        polls, changes = Polls(patience), Changes()
        time.sleep(patience.initial_delay)
        began = time.monotonic()
        while True:
            measured = meter.measure()
            verdict = self._judge(measured, meter.policy)
            if measured.facts is not None:
                changes.note(measured.facts)
            elapsed = time.monotonic() - began
            pause = polls.pause(verdict, elapsed, _polls.usual_pause(measured.facts))
            if measured.is_final:
                pause = None
            left = polls.left(elapsed) if pause is not None and measured.facts is not None else None
            self._tell(_polls.progress(measured.facts, verdict, left, changes.lately))
            if pause is None:
                break
            time.sleep(pause)
        if measured.is_wrong_input:
            # An error in every mode: the site was not judged.
            wrong = {"failed": True, "blocked": True, "msg": measured.error, "failure": measured.failure}
            return {**wrong, **verdict.to_result()}
        waited = round(time.monotonic() - began)
        course = {
            "polls": polls.number,
            "waited": waited,
            "arrived": changes.arrived,
            "ended": changes.ended,
            "policy": {
                **meter.policy.to_result(),
                **patience.to_result(),
                "on_inconclusive": consequence.on_inconclusive,
            },
        }
        asked = _gate.asked(measured.facts) if measured.facts else "The site could not be asked"
        if polls.number > 1:
            asked += f", after {polls.number} polls in {_times.spell(waited)} ({changes})"
        return {**self._outcome(measured, verdict, consequence, asked), **course}

    @staticmethod
    def _judge(measured: Measured, policy: Policy) -> Verdict:
        return _gate.unmeasured(measured.error) if measured.facts is None else _gate.judge(measured.facts, policy)

    def _outcome(self, measured: Measured, verdict: Verdict, consequence: Consequence, asked: str) -> Result:
        """What the last measurement leads to.

        :param asked: who was asked for what, and how long: the beginning of the message.
        """
        facts = measured.facts
        now = _times.from_wire((facts or {}).get("as_of")) or time.time()
        verdict.notices += consequence.notices(now)
        said = consequence.says(verdict, now)
        message = "\n".join([verdict.message(asked), *([said] if said else [])])
        fails = consequence.fails(verdict, now)
        if fails and _SHOWS_MESSAGES_ON_ONE_LINE:
            self._tell(*message.splitlines()[1:])
        if said:
            Display().warning(without_secrets(f"{said} {asked}: {verdict.verdict}", self._secrets))
        outcome = {
            "msg": message,
            **verdict.to_result(),
            **consequence.to_result(now),
            "failed": fails,
            "blocked": fails,
            "facts": facts,
        }
        if measured.failure:
            outcome["failure"] = measured.failure
        if measured.warnings:
            outcome["warnings"] = list(measured.warnings)
        return outcome

    def _given(self, table: _options.Table) -> Result:
        """The options of a table as the task has them: for the rest, the environment of the module counts."""
        names = {name for option, one in table.items() for name in (option, *one.get("aliases", ()))}
        return {name: value for name, value in self._task.args.items() if name in names}

    def _run_module(self, name: str, options: Result) -> Result:
        return dict(self._execute_module(module_name=name, module_args=options, task_vars=self._task_vars))

    def _tell(self, *lines: str) -> None:
        """Prints lines at once, each with the host that it is about."""
        if not self._progress:
            return
        host = self._task_vars.get("inventory_hostname", "localhost")
        for line in lines:
            Display().display(f"[{host}] {without_secrets(line, self._secrets)}")


def _without(value: t.Any, secrets: set[str]) -> t.Any:
    """Data less the secrets in its texts. A number is not a text, and tells nobody anything."""
    if isinstance(value, dict):
        return {key: _without(one, secrets) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without(one, secrets) for one in value]
    return without_secrets(value, secrets) if isinstance(value, str) else value
