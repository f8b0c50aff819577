# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What tests that start ansible-playbook share with the unit tests: a clean environment, and a site."""

from __future__ import annotations

from ..unit.conftest import api, asked_site_fixture, no_environment, no_memory_of_logins

__all__ = ["api", "asked_site_fixture", "no_environment", "no_memory_of_logins"]
