# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words a geoprocessing job can be in, and how each side of a site spells them."""

from __future__ import annotations

import re
from enum import IntEnum


class Status(IntEnum):
    """Canonical statuses; the values are the numbers of the job service."""

    NEW = 0
    SUBMITTED = 1
    WAITING = 2
    EXECUTING = 3
    SUCCEEDED = 4
    FAILED = 5
    TIMED_OUT = 6
    CANCELLING = 7
    CANCELLED = 8
    DELETING = 9
    DELETED = 10
    # Not a word of the documents: a site of a later version may have words that nobody knows today.
    UNKNOWN = 11

    @property
    def canonical(self) -> str:
        return self.name.lower()

    @property
    def stripped(self) -> str:
        return "".join(part.capitalize() for part in self.name.split("_"))

    @property
    def esri(self) -> str:
        return f"esriJob{self.stripped}"

    @property
    def finished(self) -> bool:
        return self in FINISHED


FINISHED = frozenset({Status.SUCCEEDED, Status.FAILED, Status.TIMED_OUT, Status.CANCELLED, Status.DELETED})
QUEUED = frozenset({Status.NEW, Status.SUBMITTED, Status.WAITING})

# The eight words that the documents allow in a filter; the other states can only be seen, never asked for.
FILTER_WORDS = {
    status.esri: status
    for status in (
        Status.NEW,
        Status.SUBMITTED,
        Status.EXECUTING,
        Status.SUCCEEDED,
        Status.FAILED,
        Status.CANCELLING,
        Status.CANCELLED,
        Status.WAITING,
    )
}

_BY_LETTERS = {re.sub("[^a-z]", "", status.name.lower()): status for status in Status}


def spell(status: Status, spelling: str, word: str | None = None) -> str | int:
    """The status as a site writes it; ``word`` is a job's own odd word, which goes before any spelling."""
    if word is not None:
        return word
    if spelling == "number":
        return int(status)
    if spelling == "upper":
        return status.name
    return status.stripped if spelling == "stripped" else status.esri


def parse_status(text: object) -> Status:
    """A status as a scenario writes it, in any spelling."""
    if isinstance(text, int) and not isinstance(text, bool):
        return Status(text)
    letters = re.sub("[^a-z]", "", str(text).lower()).removeprefix("esrijob")
    letters = letters.replace("canceling", "cancelling").replace("canceled", "cancelled")
    try:
        return _BY_LETTERS[letters]
    except KeyError:
        known = ", ".join(status.canonical for status in Status)
        raise ValueError(f"unknown status {text!r}; the statuses are: {known}") from None
