# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Options that say what a gate allows."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  max_active:
    description:
      - How many active jobs (every status that is not finished, however old) each service may have.
      - A whole number, or V(unlimited).
    type: str
    default: "0"
  max_failed:
    description:
      - How many jobs of each service may have failed or timed out in the O(window), by when they ended.
      - A whole number, or V(unlimited).
    type: str
    default: "0"
  window:
    description:
      - How far back failures count, as seconds or as parts such as V(90m), V(1h30m) or V(2d).
      - A window longer than the site's memory (6 hours on ArcGIS Server, unless changed) makes the verdict
        inconclusive.
    type: str
    default: 1h
  progress:
    description:
      - Whether a short line that begins with the host's name is printed for each poll.
      - Nothing is printed for a task with C(no_log).
    type: bool
    default: true
"""
