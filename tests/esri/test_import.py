# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The classes of Esri's client that the other tests here drive are where they are expected, as they are expected."""

from __future__ import annotations

import inspect

from arcgis.gis.kubernetes._admin._services import GPJobManager
from arcgis.gis.server.admin._services import JobManager


def test_server_job_manager() -> None:
    assert list(inspect.signature(JobManager.__init__).parameters) == ["self", "url", "con"]
    assert list(inspect.signature(JobManager.search).parameters) == [
        "self",
        "start_time",
        "end_time",
        "status",
        "username",
        "machine",
    ]


def test_enterprise_job_manager() -> None:
    assert list(inspect.signature(GPJobManager.__init__).parameters) == ["self", "url", "gis"]
    assert list(inspect.signature(GPJobManager.query).parameters) == [
        "self",
        "status",
        "start_time",
        "end_time",
        "username",
        "number",
    ]
