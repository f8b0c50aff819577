# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Say what a verdict leads to: a failed task, a warning, or a deployment that somebody answers for."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ...module_utils import _times
from ...module_utils._errors import BadOption
from ...module_utils._options import Read, default_of
from ...module_utils._times import Moment
from .policy import read_fields, read_text, read_until
from .verdict import FAILED, AgedJob, Reason, Verdict
from .wording import bare, pasted

OBSERVE = "observe"
WARN = "warn"
_MOST_JOBS = 5
"""So many jobs a reason shows."""

# Each result has all of these keys, whatever happened, so that nobody needs a default for any.
NOTHING: t.Mapping[str, t.Any] = {
    "msg": "",
    "verdict": "inconclusive",
    "passed": False,
    "blocked": True,
    "failed": True,
    "reasons": [],
    "notices": [],
    "mode": "enforce",
    "overridden": False,
    "override": None,
    "policy": {},
    "facts": None,
    "polls": 0,
    "waited": 0,
    "arrived": 0,
    "ended": 0,
    "failure": None,
}


@dataclass(frozen=True)
class Override:
    """Somebody's word that the deployment goes ahead, whatever the verdict. It is recorded wherever the verdict is."""

    reason: str
    by: str
    until: Moment | None

    @classmethod
    def read(cls, value: t.Any) -> Override:
        fields = read_fields(value, ("reason", "by", "until"), "override")
        for name in ("reason", "by"):
            if name not in fields:
                raise BadOption(
                    f"An override needs its '{name}'",
                    where="option override",
                    cure="Give reason and by: they are recorded.",
                )
        reason, by = (read_text(fields, name, "override") for name in ("reason", "by"))
        return cls(reason, by, read_until(fields.get("until"), "override.until"))

    def to_result(self) -> dict[str, t.Any]:
        return {"reason": self.reason, "by": self.by, "until": _times.iso(self.until.fixed) if self.until else None}


@dataclass(frozen=True)
class Consequence:
    """Whether a task fails for its verdict. Each ``now`` is epoch seconds, by the later of the site's clocks."""

    mode: str
    on_inconclusive: str
    override: Override | None

    @classmethod
    def read(cls, get: Read) -> Consequence:
        """Read the options; raises BadOption."""
        override = get("override")
        return cls(
            mode=get("mode") or default_of("mode"),
            on_inconclusive=get("on_inconclusive") or default_of("on_inconclusive"),
            override=Override.read(override) if override else None,
        )

    def is_overridden(self, now: float) -> bool:
        """Whether somebody has given their word, and it still holds."""
        return self.override is not None and not _times.is_over(self.override.until, now)

    def fails(self, verdict: Verdict, now: float) -> bool:
        """Whether the task fails. A warning never softens a failed verdict."""
        if verdict.passed or self.mode == OBSERVE or self.is_overridden(now):
            return False
        return verdict.verdict == FAILED or self.on_inconclusive != WARN

    def says(self, verdict: Verdict, now: float) -> str:
        """Say why a verdict that is not passed stops nothing; empty if it does, or is passed."""
        if verdict.passed or self.fails(verdict, now):
            return ""
        if self.override is not None and self.is_overridden(now):
            return f"Overridden by {self.override.by} ({self.override.reason}): the deployment may go ahead."
        if self.mode == OBSERVE:
            return "Only observed (mode: observe): enforced, this would have stopped the deployment."
        return "Not known, and not stopped for that (on_inconclusive: warn)."

    def notices(self, now: float) -> tuple[str, ...]:
        """Say that an override is over."""
        if self.override is None or self.override.until is None or self.is_overridden(now):
            return ()
        by, ended = f"{self.override.by} ({self.override.reason})", _times.iso(self.override.until.fixed)
        return (f"The override by {by} ended at {ended}, and no longer counts.",)

    def to_result(self, verdict: Verdict, now: float) -> dict[str, t.Any]:
        """Return a verdict and its consequence as data."""
        fails = self.fails(verdict, now)
        return {
            "verdict": verdict.verdict,
            "passed": verdict.passed,
            "blocked": fails,
            "failed": fails,
            "reasons": [_reason(reason) for reason in verdict.reasons],
            "notices": list(verdict.notices),
            "mode": self.mode,
            "overridden": self.is_overridden(now),
            "override": self.override.to_result() if self.override else None,
        }


def refused(error: BadOption, mode: t.Any) -> dict[str, t.Any]:
    """Return the result for a wrong option: it blocks in every mode, because the site was not judged."""
    return {**NOTHING, **error.to_result(), "mode": mode if mode == OBSERVE else NOTHING["mode"]}


def _reason(reason: Reason) -> dict[str, t.Any]:
    name = f"{bare(reason.service)}: " if reason.service is not None else ""
    entries = pasted(reason.allowances)
    return {
        "verdict": reason.verdict,
        "rule": reason.rule,
        "service": reason.service,
        "limit": reason.limit,
        "found": reason.found,
        "jobs": [_job(one) for one in reason.jobs[:_MOST_JOBS]],
        "text": name + reason.text,
        "cure": "; ".join(f"{option}: [{', '.join(found)}]" for option, found in entries.items()),
    }


def _job(one: AgedJob) -> dict[str, t.Any]:
    return {**one.job.given, "age": None if one.age is None else int(one.age), "pace": one.pace}
