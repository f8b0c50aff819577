# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A drain of ten minutes, on a site whose clock is moved on where the drain would wait: how often it logs in."""

from __future__ import annotations

import json

import pytest
from ansible.plugins.loader import init_plugin_loader
from ansible.utils.collection_loader._collection_config import AnsibleCollectionConfig

# Plugins are found by their full names in here too; that must be settled before the collection is first imported.
if AnsibleCollectionConfig.collection_finder is None:
    init_plugin_loader()  # type: ignore[no-untyped-call,unused-ignore]

from ansible_collections.gisops.arcgis.tests.unit.gates import Rehearsal
from ansible_collections.gisops.arcgis.tests.unit.test_long_drain import DRAIN, SERVICES, busy_site
from rehearsal_site.running import running_site

from . import memory

STEADY = 3
"""The last job ends at the 58th poll; a third clean one in a row is the 60th, and makes the ten minutes full."""


def main() -> None:
    with running_site(api="server") as running, pytest.MonkeyPatch.context() as patch:
        site = Rehearsal(running, patch)
        site.load(busy_site())
        result = site.gate(**{**DRAIN, "steady": STEADY})
    sent = len(site.paths())
    answer = {"verdict": result["verdict"], "polls": result["polls"], "waited": result["waited"], "services": SERVICES}
    answer |= {"logins": site.logins, "passwords_sent": site.tries, "requests": sent}
    print(json.dumps({"answer": answer, "memory": memory.peak()}))


if __name__ == "__main__":
    main()
