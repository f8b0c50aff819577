# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Runs the module gp_token and censors its result, so that a token is never shown and can be registered."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase

from ..module_utils import _opaque


class ActionModule(ActionBase):
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        result.update(self._execute_module(module_name="gisops.arcgis.gp_token", task_vars=task_vars))
        armoured = result.pop("armoured_token", None)
        if armoured is not None:
            result["token"] = _opaque.take_off(armoured).decode()
            result["_ansible_no_log"] = True
        return result
