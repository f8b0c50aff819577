# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the collection costs, beside what people use today and beside the least that any client could do.

``make bench`` runs it; docs/benchmarks.md is what comes out.
"""
