# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What one measurement hands to the next, as one text that ``no_log`` cannot cut.

A module forgets everything when it ends. A gate that polls gives each measurement the state of the one before, so that
a finished job is looked at once, and what a site is like is found out once, however often it is asked.
"""

from __future__ import annotations

import typing as t

from .. import _opaque, _services
from .._errors import BadOption
from .._wire.responses import JobDetails
from .counting import Capabilities
from .details import JobKey, Messages

NEW = "new"
"""Stands for the state before the first measurement."""


class PollState(t.NamedTuple):
    """What is known of single jobs, and of the site."""

    jobs: t.Mapping[JobKey, JobDetails] = {}
    messages: t.Mapping[JobKey, Messages] = {}
    capabilities: Capabilities = Capabilities()
    retention: float | None = None
    """Seconds, as the site says."""


def pack(facts: t.Mapping[str, t.Any], state: PollState) -> str:
    """Write the facts and the state as one opaque text."""
    jobs = [
        [str(service), job_id, details, state.messages.get((service, job_id))]
        for (service, job_id), details in state.jobs.items()
    ]
    packed = {
        "facts": facts,
        "jobs": jobs,
        "capabilities": state.capabilities,
        "retention": state.retention,
    }
    return _opaque.pack(packed)


def read(text: str) -> PollState:
    """Read the state at the beginning of a measurement.

    :raises BadOption: for a text that no measurement has written.
    """
    if text == NEW:
        return PollState()
    try:
        packed = _opaque.unpack(text)
        jobs: dict[JobKey, JobDetails] = {}
        messages: dict[JobKey, Messages] = {}
        for name, job_id, details, told in packed["jobs"]:
            key = (_services.parse(name), job_id)
            jobs[key] = JobDetails(*details)
            if told is not None:
                messages[key] = told
        return PollState(jobs, messages, Capabilities(*packed["capabilities"]), packed["retention"])
    except (ValueError, TypeError, KeyError, AttributeError):
        raise BadOption(
            "This is not what an earlier answer returned",
            where="option poll_state",
            cure=f"Give the whole text of 'poll_state' from that result, or '{NEW}'.",
        ) from None
