# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Status words: every spelling that a site may use, and nothing that is garbage may look finished."""

from __future__ import annotations

import string
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.gisops.arcgis.plugins.module_utils import _statuses
from ansible_collections.gisops.arcgis.plugins.module_utils._errors import BadOption

# The words of the wire reference, section 6.1, in the order of their numbers.
WIRE = [
    ("esriJobNew", "New", "new", True),
    ("esriJobSubmitted", "Submitted", "submitted", True),
    ("esriJobWaiting", "Waiting", "waiting", True),
    ("esriJobExecuting", "Executing", "executing", True),
    ("esriJobSucceeded", "Succeeded", "succeeded", False),
    ("esriJobFailed", "Failed", "failed", False),
    ("esriJobTimedOut", "TimedOut", "timed_out", False),
    ("esriJobCancelling", "Cancelling", "cancelling", True),
    ("esriJobCancelled", "Cancelled", "cancelled", False),
    ("esriJobDeleting", "Deleting", "deleting", True),
    ("esriJobDeleted", "Deleted", "deleted", False),
]
ODD_WORDS: list[t.Any] = [
    None,
    True,
    False,
    1.5,
    4.0,
    [],
    {},
    ["esriJobFailed"],
    -1,
    11,
    10**30,
    "",
    "esriJob",
    "expectedFailure",
    "ok",
    "未Succeeded",
    "!Succeeded",
    "Succeeded!",
    "Completed 50",
    "Deleted?",
    "S u c c e e d e d",
    "Suc_ceeded",
    "esriJobesriJobFailed",
    "\u212aancelled",
    "0005",
    "Succeeded or Executing",
]


@pytest.mark.parametrize(("number", "row"), list(enumerate(WIRE)), ids=[row[2] for row in WIRE])
def test_every_spelling_of_the_wire_reference(number: int, row: tuple[str, str, str, bool]) -> None:
    esri, stripped, ours, active = row
    spellings: list[t.Any] = [esri, stripped, stripped.upper(), ours, f" {esri}\n", number, str(number)]
    assert {_statuses.normalise(word) for word in spellings} == {ours}
    assert (ours in _statuses.ACTIVE) is active
    assert (ours in _statuses.FINISHED) is not active


def test_active_and_finished_share_nothing_and_leave_nothing_out() -> None:
    assert {*_statuses.ACTIVE} | {*_statuses.FINISHED} == {*_statuses.STATUSES}
    assert not {*_statuses.ACTIVE} & {*_statuses.FINISHED}
    assert {*_statuses.QUEUED} < {*_statuses.ACTIVE}
    assert _statuses.UNKNOWN in _statuses.ACTIVE


def test_statuses_are_asked_for_in_the_order_of_a_jobs_life() -> None:
    """A job that moves on while it is asked for status by status must be met again further down."""
    order = list(_statuses.FILTER_WORDS)
    assert order[:5] == ["new", "submitted", "waiting", "executing", "cancelling"]
    assert all(order.index(status) < order.index("succeeded") for status in order if status in _statuses.ACTIVE)


@pytest.mark.parametrize(
    ("word", "ours"),
    [
        ("canceling", "cancelling"),
        ("esriJobCanceled", "cancelled"),
        ("Failure", "failed"),
        ("SUCCESS", "succeeded"),
        ("COMPLETED", "succeeded"),
        ("timed out", "timed_out"),
        ("TIMED-OUT", "timed_out"),
        ("ESRI_JOB_TIMED_OUT", "timed_out"),
        ("esri job failed", "failed"),
    ],
)
def test_other_spellings(word: str, ours: str) -> None:
    assert _statuses.normalise(word) == ours


@pytest.mark.parametrize("word", ODD_WORDS, ids=repr)
def test_what_is_no_status_is_unknown(word: t.Any) -> None:
    assert _statuses.normalise(word) == _statuses.UNKNOWN


def test_a_number_that_python_will_not_read_is_unknown() -> None:
    assert _statuses.normalise("9" * 5000) == _statuses.UNKNOWN


WORDS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40) | st.lists(st.text())


@given(WORDS)
def test_normalise_gives_one_of_our_words_and_is_idempotent(word: t.Any) -> None:
    ours = _statuses.normalise(word)
    assert ours in _statuses.STATUSES
    assert _statuses.normalise(ours) == ours


@given(st.text(alphabet=string.ascii_letters, min_size=1, max_size=30))
def test_garbage_is_never_finished(word: str) -> None:
    """A word that we do not know must count as a job that runs."""
    letters = word.lower().removeprefix("esrijob")
    known = {row[2].replace("_", "") for row in WIRE} | {"canceling", "canceled", "failure", "success", "completed"}
    if letters not in known:
        assert _statuses.normalise(word) in _statuses.ACTIVE


@pytest.mark.parametrize(
    ("words", "statuses"),
    [
        (["failed"], ("failed",)),
        (["Failed", "esriJobFailed", " FAILED "], ("failed",)),
        (["queued"], ("new", "submitted", "waiting")),
        (["active"], _statuses.ACTIVE),
        (["Finished"], _statuses.FINISHED),
        (["active", "finished"], _statuses.STATUSES),
        (["unknown"], ("unknown",)),
        (["5", "4"], ("succeeded", "failed")),
    ],
)
def test_parse(words: list[str], statuses: tuple[str, ...]) -> None:
    assert _statuses.parse(words) == statuses


@pytest.mark.parametrize("word", ["runing", "esriJob", "all", "11", "-1"])
def test_parse_refuses_what_is_no_status(word: str) -> None:
    with pytest.raises(BadOption) as caught:
        _statuses.parse(["failed", word])
    assert f"'{word}' is not a job status (option job_status)." in str(caught.value)
    assert "Use one of: new, submitted," in str(caught.value)


@given(st.lists(st.sampled_from([*_statuses.STATUSES, *_statuses.GROUPS]), max_size=6))
def test_parse_does_not_depend_on_order_or_repetition(words: list[str]) -> None:
    statuses = _statuses.parse(words)
    assert statuses == _statuses.parse([*reversed(words), *words])
    assert list(statuses) == sorted(statuses, key=_statuses.STATUSES.index)
