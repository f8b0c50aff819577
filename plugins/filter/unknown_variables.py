# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Finds misspelt variables of a role, which Ansible itself would ignore."""

from __future__ import annotations

DOCUMENTATION = r"""
name: unknown_variables
short_description: Find misspelt variables of a role
version_added: 1.0.0
author:
  - The gisops.arcgis contributors (@gisops)
description:
  - Returns one sentence for each variable whose name begins like those of a role, or like those of the connection, but
    which nobody reads. The roles of this collection use it, because Ansible ignores such a variable.
positional: role, known, options
options:
  _input:
    description: The names of all variables that are defined.
    type: list
    elements: str
    required: true
  role:
    description: The name of the role, which its variables begin with.
    type: str
    required: true
  known:
    description: The names of the variables of the role.
    type: list
    elements: str
    required: true
  options:
    description: The value of C(<role>_options). What has a variable of its own must not be given there.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Find misspelt variables
  ansible.builtin.debug:
    msg: "{{ names | gisops.arcgis.unknown_variables('gp_jobs_gate', ['gp_jobs_gate_window']) }}"
  vars:
    names: [gp_jobs_gate_windw, gisops_arcgis_url, something_else]
"""

RETURN = r"""
_value:
  description: One sentence for each variable that nobody reads, with the nearest name.
  type: list
  elements: str
  sample: ["The role gp_jobs_gate has no variable gp_jobs_gate_windw. Did you mean gp_jobs_gate_window?"]
"""

import difflib
import typing as t

from ..module_utils._options import CONNECTION, GATE, QUERY, var_name

_CONNECTION = [var_name(option) for option in CONNECTION]


def unknown_variables(
    names: t.Iterable[str], role: str, known: t.Collection[str], options: t.Mapping[str, t.Any] | None = None
) -> list[str]:
    """Returns one sentence for each variable that nobody reads; see DOCUMENTATION."""
    found = []
    for name in sorted(names):
        if name.startswith(var_name("")) and name not in _CONNECTION:
            found.append(f"The collection has no variable {name}. {_cure(name, _CONNECTION)}")
        elif name.startswith(f"{role}_") and name not in known and not _is_ours(name, role):
            found.append(f"The role {role} has no variable {name}. {_cure_in_role(name, role, known)}")
    for option in options or {}:
        if f"{role}_{option}" in known:
            found.append(f"{role}_options must not have {option}. Set the variable {role}_{option}.")
        elif option in CONNECTION:
            found.append(f"{role}_options must not have {option}. Set the variable {var_name(option)}.")
    return found


def _is_ours(name: str, role: str) -> bool:
    """Tells whether the collection itself sets or reads this variable: the playbooks' hosts, and the results."""
    return name in (f"{role}_hosts", f"{role}_result") or name.startswith(f"{role}_result_")


def _cure_in_role(name: str, role: str, known: t.Collection[str]) -> str:
    option = name[len(role) + 1 :]
    if option in CONNECTION:
        return f"Set {var_name(option)}, which all roles read."
    if option in GATE or option in QUERY:
        return f"Set {role}_options: {{{option}: ...}}."
    return _cure(name, known)


def _cure(name: str, known: t.Collection[str]) -> str:
    near = difflib.get_close_matches(name, known, 1, 0.8)
    return f"Did you mean {near[0]}?" if near else f"It has {', '.join(sorted(known))}."


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"unknown_variables": unknown_variables}
