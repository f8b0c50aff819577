# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulated ArcGIS site: both admin dialects, tokens, jobs on a clock, and faults on demand."""

from __future__ import annotations

__version__ = "0.1.0"
