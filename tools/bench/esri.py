# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Esri's own client: lists the jobs of a service of an ArcGIS Server. Runs in an environment of its own."""

from __future__ import annotations

import json
import sys

from arcgis.gis.server import Server
from arcgis.gis.server.admin._services import JobManager

from . import memory


def main() -> None:
    given = json.load(sys.stdin)
    server = Server(given["url"], username=given["username"], password=given["password"], verify_cert=False)
    url = f"{given['url']}/admin/services/{given['service']}.GPServer/jobs"
    found = {job.url.rsplit("/", 1)[1] for job in JobManager(url, server._con).search()}
    print(json.dumps({"answer": {"jobs": len(found)}, "memory": memory.peak()}))


if __name__ == "__main__":
    main()
