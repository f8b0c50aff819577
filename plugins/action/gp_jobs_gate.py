# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Measure a site by gp_jobs_query where the task is delegated to, until the gate has a verdict that stands."""

from __future__ import annotations

import time
import typing as t
from dataclasses import replace

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible.release import __version__
from ansible.utils.display import Display

from ..module_utils import _options, _times
from ..module_utils._errors import BadOption, without_secrets
from ..module_utils._options import CONNECTION, GATE, SERVICES
from ..plugin_utils._gate import outcome, polling, wording
from ..plugin_utils._gate.judge import judge, unmeasured
from ..plugin_utils._gate.measure import Measured, Meter
from ..plugin_utils._gate.outcome import Consequence
from ..plugin_utils._gate.policy import Policy
from ..plugin_utils._gate.polling import Changes, Polls, Waiting
from ..plugin_utils._gate.verdict import Verdict

_SHOWS_MESSAGES_ON_ONE_LINE = tuple(int(part) for part in __version__.split(".")[:2]) < (2, 19)

# What no secret may cut a hole into.
_DECIDED = ("verdict", "passed", "blocked", "failed", "overridden")

Result = dict[str, t.Any]
Tell = t.Callable[[str], None]


class ActionModule(ActionBase):
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: Result | None = None) -> Result:
        result: Result = super().run(tmp, task_vars)
        spec = _options.argument_spec(CONNECTION, SERVICES, GATE)
        secrets = _options.secrets_in(self._task.args, spec)
        try:
            options = self._read_options(spec)
            secrets |= _options.secrets_in(options, spec)
            found = self._gate(options, task_vars or {}, secrets)
        except BadOption as error:
            found = outcome.refused(error, self._task.args.get("mode"))
        # The verdict has been reached by what was measured. What is shown holds no secret, whatever that leaves of it.
        decided = {key: found[key] for key in _DECIDED}
        return {**result, **_without(found, secrets), **decided, "changed": False}

    def _read_options(self, spec: _options.Table) -> Result:
        """Return the task's options as core reads them; raises BadOption for those that it refuses."""
        self._task.args = _options.without_empty(self._task.args)
        try:
            return dict(self.validate_argument_spec(argument_spec=spec)[1])
        except AnsibleError as error:
            raise BadOption(str(error)) from error

    def _gate(self, options: Result, task_vars: Result, secrets: set[str]) -> Result:
        """Measure until the verdict stands, and return what it leads to; raises BadOption."""
        policy, waiting = Policy.read(options.get), Waiting.read(options.get)
        consequence = Consequence.read(options.get)
        if self._task.check_mode or consequence.is_overridden(time.time()):
            waiting = Waiting()

        def run_module(name: str, given: Result) -> Result:
            return dict(self._execute_module(module_name=name, module_args=given, task_vars=task_vars))

        def tell(line: str) -> None:
            if options["progress"] and not self._task.no_log:
                host = task_vars.get("inventory_hostname", "localhost")
                Display().display(f"[{host}] {without_secrets(line, secrets)}")

        often = bool(waiting.wait or policy.named)
        meter = Meter(run_module, self._given(CONNECTION), self._given(SERVICES), policy, often=often)
        measured, verdict, course = _wait(meter, Polls(waiting), tell)

        facts = measured.facts
        now = facts.later if facts is not None else time.time()
        verdict = replace(verdict, notices=(*verdict.notices, *consequence.notices(now)))
        said = consequence.says(verdict, now)
        message = "\n".join(part for part in (wording.message(verdict, facts, course.pop("after")), said) if part)
        if said:
            Display().warning(without_secrets(said, secrets))
        if said or (consequence.fails(verdict, now) and _SHOWS_MESSAGES_ON_ONE_LINE):
            for line in message.splitlines():
                tell(line)
        return {
            **outcome.NOTHING,
            **course,
            **consequence.to_result(verdict, now),
            "msg": message,
            "policy": {
                **meter.policy.to_result(),
                **waiting.to_result(),
                "on_inconclusive": consequence.on_inconclusive,
            },
            "facts": facts.to_result() if facts is not None else None,
            "failure": measured.failure,
            **({"warnings": list(measured.warnings)} if measured.warnings else {}),
        }

    def _given(self, table: _options.Table) -> Result:
        """Return the options of a table as the task has them: for the rest, the environment of the module counts."""
        names = {name for option, one in table.items() for name in (option, *one.get("aliases", ()))}
        return {name: value for name, value in self._task.args.items() if name in names}


def _wait(meter: Meter, polls: Polls, tell: Tell) -> tuple[Measured, Verdict, Result]:
    """Measure until the verdict stands. While services block, only they are asked; what decides is the whole site."""
    changes = Changes()
    watched: tuple[str, ...] = ()
    began = time.monotonic()
    while True:
        measured = meter.measure(watched)
        facts = measured.facts
        is_part = bool(watched) and facts is not None
        if facts is None:
            verdict = unmeasured(measured.error, is_final=measured.is_final)
        else:
            verdict = judge(facts, meter.policy, is_part=is_part)
        seconds = time.monotonic() - began
        pause = polls.pause(verdict, seconds, is_part=is_part)
        if pause == 0:
            watched = ()
            continue
        if facts is not None:
            changes.note(facts, watched)
        watched = () if facts is None or verdict.passed else polling.to_watch(verdict, facts, is_part=is_part)
        tell(wording.progress(facts, verdict, None if pause is None else polls.left(seconds), changes.lately))
        if pause is None:
            break
        time.sleep(pause)
    course = {
        "polls": polls.number,
        "waited": round(seconds),
        "arrived": changes.arrived,
        "ended": changes.ended,
        "after": f"After {polls.number} polls in {_times.spell(seconds)}: {changes}." if polls.number > 1 else "",
    }
    return measured, verdict, course


def _without(value: t.Any, secrets: set[str]) -> t.Any:
    """Return data less the secrets in its texts. A number is not a text, and tells nobody anything."""
    if isinstance(value, dict):
        return {key: _without(one, secrets) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without(one, secrets) for one in value]
    return without_secrets(value, secrets) if isinstance(value, str) else value
