# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Measures a site by gp_jobs_query where the task is delegated to, and asks the gate for a verdict."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase
from ansible.release import __version__
from ansible.utils.display import Display

from ..module_utils import _gate, _options
from ..module_utils._errors import BadOption
from ..module_utils._gate import Policy, Verdict

_SHOWS_MESSAGES_ON_ONE_LINE = tuple(int(part) for part in __version__.split(".")[:2]) < (2, 19)

# What a module result holds besides our facts.
_NOT_FACTS = ("changed", "invocation", "warnings", "deprecations", "exception", "ansible_facts")


class ActionModule(ActionBase):
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        self._task.args = _options.without_empty(self._task.args)
        spec = _options.argument_spec(_options.CONNECTION, _options.SERVICES, _options.GATE)
        options = self.validate_argument_spec(argument_spec=spec)[1]
        try:
            policy = Policy.read(options.get)
        except BadOption as error:
            return {**result, "failed": True, **error.to_result()}
        measured = self._measure(policy, task_vars)
        verdict, facts = self._judge(measured, policy)
        message = verdict.message(_gate.asked(facts) if facts else "The site could not be asked")
        if options["progress"]:
            self._tell(_gate.progress(facts, verdict), message, task_vars or {})
        result.update(verdict.to_result(), msg=message, policy=policy.to_result(), facts=facts)
        result.update({key: measured[key] for key in ("warnings", "failure") if measured.get(key)})
        return {**result, "changed": False, "failed": not verdict.passed}

    def _measure(self, policy: Policy, task_vars: dict[str, t.Any] | None) -> dict[str, t.Any]:
        """The module's own result. It gets the options as the task has them, so that its environment counts."""
        ours = {name: value for name, value in self._task.args.items() if name not in _options.GATE}
        return dict(
            self._execute_module(
                module_name="gisops.arcgis.gp_jobs_query",
                module_args={**ours, **_gate.wanted(policy)},
                task_vars=task_vars,
            )
        )

    @staticmethod
    def _judge(measured: dict[str, t.Any], policy: Policy) -> tuple[Verdict, dict[str, t.Any] | None]:
        if measured.get("failed") or "counts" not in measured:
            return _gate.unmeasured(str(measured.get("msg") or "The module gave no facts.")), None
        facts = {
            key: value for key, value in measured.items() if key not in _NOT_FACTS and not key.startswith("_ansible")
        }
        return _gate.judge(facts, policy), facts

    def _tell(self, progress: str, message: str, task_vars: dict[str, t.Any]) -> None:
        """Prints the progress line and, where core would show a failed task's message as one long line, the message."""
        if self._task.no_log:
            return
        lines = [progress, *(message.splitlines()[1:] if _SHOWS_MESSAGES_ON_ONE_LINE else [])]
        host = task_vars.get("inventory_hostname", "localhost")
        for line in lines:
            Display().display(f"[{host}] {line}")
