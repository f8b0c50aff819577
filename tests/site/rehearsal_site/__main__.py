# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m rehearsal_site``."""

from __future__ import annotations

import sys

from .cli import main

sys.exit(main())
