# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The words for a job's status: many spellings on the wire, one word each here."""

from __future__ import annotations

import functools
import typing as t

from ._errors import BadOption

# In the order of the numbers that the wire uses for them (0 to 10), then what cannot be understood.
STATUSES = (
    "new",
    "submitted",
    "waiting",
    "executing",
    "succeeded",
    "failed",
    "timed_out",
    "cancelling",
    "cancelled",
    "deleting",
    "deleted",
    "unknown",
)
UNKNOWN = "unknown"
QUEUED = ("new", "submitted", "waiting")
FINISHED = ("succeeded", "failed", "timed_out", "cancelled", "deleted")
ACTIVE = tuple(status for status in STATUSES if status not in FINISHED)
FAILURES = ("failed", "timed_out")
"""What a policy calls failed."""
GROUPS = {"active": ACTIVE, "queued": QUEUED, "finished": FINISHED}

# The statuses that a site can filter by, in the order of a job's life: a job that moves on while it is asked for
# status by status is met again further down, never missed.
FILTER_WORDS = {
    "new": "esriJobNew",
    "submitted": "esriJobSubmitted",
    "waiting": "esriJobWaiting",
    "executing": "esriJobExecuting",
    "cancelling": "esriJobCancelling",
    "succeeded": "esriJobSucceeded",
    "failed": "esriJobFailed",
    "cancelled": "esriJobCancelled",
}

_WORDS = {
    **{status: status for status in STATUSES},
    "timedout": "timed_out",
    "canceling": "cancelling",
    "canceled": "cancelled",
    "failure": "failed",
    "success": "succeeded",
    "completed": "succeeded",
}
_PREFIXES = ("esrijob", "esri_job")


def normalise(word: t.Any) -> str:
    """Return our word for a site's (``esriJobFailed``, ``Failed``, ``Timed Out``, 5); ``unknown`` for anything else.

    What may differ is case, the prefix, and the sign between words: a word with anything more in it is not understood.
    """
    if isinstance(word, str):
        return _normalise(word)
    if isinstance(word, bool) or not isinstance(word, int):
        return UNKNOWN
    return STATUSES[word] if 0 <= word < len(STATUSES) - 1 else UNKNOWN


@functools.lru_cache(maxsize=256)
def _normalise(word: str) -> str:
    """Remember the answer, for a site has a few words for a million jobs."""
    text = word.strip().lower().replace(" ", "_").replace("-", "_")
    if not word.isascii():
        return UNKNOWN  # the Kelvin sign in lower case is a k
    if text.isdigit():
        return normalise(int(text)) if len(text) <= 3 else UNKNOWN
    prefix = next((one for one in _PREFIXES if text.startswith(one)), "")
    if prefix:
        text = text[len(prefix) :].removeprefix("_")
    return _WORDS.get(text, UNKNOWN)


def parse(words: t.Sequence[str], option: str = "job_status") -> tuple[str, ...]:
    """Return the statuses that an option names, groups spelt out, in the order of STATUSES; raise BadOption."""
    wanted: set[str] = set()
    for word in words:
        text = str(word).strip()
        if text.lower() in GROUPS:
            wanted.update(GROUPS[text.lower()])
            continue
        status = normalise(text)
        if status == UNKNOWN and text.lower() != UNKNOWN:
            known = ", ".join((*STATUSES, *GROUPS))
            raise BadOption(f"'{text}' is not a job status", where=f"option {option}", cure=f"Use one of: {known}.")
        wanted.add(status)
    return tuple(status for status in STATUSES if status in wanted)
