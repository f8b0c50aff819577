# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What our plugins have in common, in the form that Ansible's documentation shows as a table."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
  diff_mode:
    description: Will return details on what has changed or possibly needs changing in check mode, when in diff mode.
  idempotent:
    description:
      - When run twice in a row outside check mode, with the same arguments, the second invocation indicates no change.
"""

    # For what only reads: it behaves in check mode as in a real run.
    INFO_MODULE = r"""
options: {}
attributes:
  check_mode:
    support: full
    details:
      - This only reads, and does the same in check mode.
  diff_mode:
    support: N/A
    details:
      - This does not change anything.
  idempotent:
    support: full
    details:
      - This does not change anything.
"""

    ACTION_GROUP = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/gisops.arcgis.all) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - gisops.arcgis.all
"""
