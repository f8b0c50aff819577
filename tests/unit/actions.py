# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs an action plugin in process, as core loads it."""

from __future__ import annotations

import typing as t

from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.plugins.loader import action_loader, connection_loader
from ansible.template import Templar


def run_action(
    name: str, options: dict[str, t.Any], *, check: bool = False, no_log: bool = False, host: str = "localhost"
) -> dict[str, t.Any]:
    """The result of an action for a task with these options; what it runs as a module is the test's own matter."""
    loader, context, task = DataLoader(), PlayContext(), Task()
    task.action, task.args, task.check_mode, task.no_log = name, options, check, no_log
    task._role = None
    action = action_loader.get(
        name,
        task=task,
        connection=connection_loader.get("ansible.builtin.local", context, None),
        play_context=context,
        loader=loader,
        templar=Templar(loader=loader),
        shared_loader_obj=None,
    )
    return dict(action.run(task_vars={"inventory_hostname": host}))
