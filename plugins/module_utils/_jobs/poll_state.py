# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What one measurement hands to the next, in armour: the facts unharmed, and what was learnt of single jobs.

A module forgets everything when it ends. A gate that polls gives each measurement the memory of the one before, so that
a failure is looked at once, and what the site honours is proven once, however often it is asked.
"""

from __future__ import annotations

import json
import typing as t
import zlib
from dataclasses import asdict, replace

from .. import _opaque as _armour
from .. import _services
from .._errors import BadOption
from .._wire.responses import JobDetails
from .capabilities import Proven, Way
from .details import Key, Known

NEW = "new"
"""What stands in the place of a memory before the first measurement."""


def pack(facts: t.Mapping[str, t.Any], known: Known) -> str:
    """The facts and what is known of jobs, as one text that nothing cuts."""
    jobs = [
        [str(service), job_id, details.__dict__, known.messages.get((service, job_id))]
        for (service, job_id), details in known.details.items()
        if details is not None
    ]
    proven = asdict(replace(known.proven, ways=set()))
    proven |= {"ways": [asdict(way) for way in known.proven.ways], "without_sums": sorted(known.proven.without_sums)}
    packed = {"facts": facts, "jobs": jobs, "proven": proven, "clock_ahead": known.clock_ahead}
    return _armour.put_on(zlib.compress(json.dumps(packed).encode()))


def known_in(memory: str) -> Known:
    """What is known of jobs at the beginning of a measurement; raises BadOption for a text that is no memory."""
    return Known() if memory == NEW else unpack(memory)[1]


def unpack(memory: str) -> tuple[dict[str, t.Any], Known]:
    """What was packed; raises BadOption for any other text."""
    try:
        packed = json.loads(zlib.decompress(_armour.take_off(memory)))
        proven = packed["proven"]
        proven["way"] = Way(**proven["way"])
        proven["ways"] = {Way(**way) for way in proven["ways"]}
        proven["without_sums"] = set(proven["without_sums"])
        known = Known(proven=Proven(**proven), clock_ahead=packed["clock_ahead"])
        for name, job_id, details, messages in packed["jobs"]:
            key: Key = (_services.parse(name), job_id)
            known.details[key] = JobDetails(**details)
            if messages is not None:
                known.messages[key] = messages
        return packed["facts"], known
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, zlib.error):
        raise BadOption(
            "This is not what an earlier answer returned",
            where="option memory",
            cure=f"Give the whole text of 'memory' from that result, or '{NEW}'.",
        ) from None
