# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a verdict leads to: a failed task, a warning, or a deployment that somebody answers for. The verdict stays."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ...module_utils import _times
from ...module_utils._errors import BadOption
from ...module_utils._options import Read, default_of
from ...module_utils._times import Moment
from .policy import read_fields, read_text, read_until
from .verdict import FAILED, Verdict

OBSERVE = "observe"
WARN = "warn"


@dataclass(frozen=True)
class BreakGlass:
    """Somebody's word that the deployment goes ahead, whatever the verdict: recorded wherever the verdict is."""

    reason: str
    by: str
    until: Moment | None

    @classmethod
    def read(cls, value: t.Any) -> BreakGlass:
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

    def is_over(self, now: float) -> bool:
        return _times.is_over(self.until, now)

    def to_result(self) -> dict[str, t.Any]:
        return {"reason": self.reason, "by": self.by, "until": _times.iso(self.until.fixed) if self.until else None}


@dataclass(frozen=True)
class Consequence:
    """Whether a task fails for its verdict."""

    mode: str
    on_inconclusive: str
    override: BreakGlass | None

    @classmethod
    def read(cls, get: Read) -> Consequence:
        """The consequence of these options; raises BadOption."""
        override = get("override")
        return cls(
            mode=get("mode") or default_of("mode"),
            on_inconclusive=get("on_inconclusive") or default_of("on_inconclusive"),
            override=BreakGlass.read(override) if override else None,
        )

    def is_overridden(self, now: float) -> bool:
        """Whether somebody has given their word, and it still holds."""
        return self.override is not None and not self.override.is_over(now)

    def fails(self, verdict: Verdict, now: float) -> bool:
        """Whether the task fails. A warning never softens a failed verdict."""
        if verdict.passed or self.mode == OBSERVE or self.is_overridden(now):
            return False
        return verdict.verdict == FAILED or self.on_inconclusive != WARN

    def says(self, verdict: Verdict, now: float) -> str:
        """Why a verdict that is not passed does not stop anything; empty where it does, or is passed."""
        if verdict.passed or self.fails(verdict, now):
            return ""
        if self.override is not None and self.is_overridden(now):
            return f"Overridden by {self.override.by} ({self.override.reason}): the deployment may go ahead."
        if self.mode == OBSERVE:
            return "Only observed (mode: observe): enforced, this would have stopped the deployment."
        return "Not known, and not stopped for that (on_inconclusive: warn)."

    def notices(self, now: float) -> list[str]:
        if self.override is None or not self.override.is_over(now):
            return []
        until = _times.iso(self.override.until.at(now)) if self.override.until else None
        return [f"The override by {self.override.by} ({self.override.reason}) ended at {until}, and no longer counts."]

    def to_result(self, now: float) -> dict[str, t.Any]:
        return {
            "mode": self.mode,
            "overridden": self.is_overridden(now),
            "override": self.override.to_result() if self.override else None,
        }
