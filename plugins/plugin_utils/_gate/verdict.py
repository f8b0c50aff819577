# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A verdict and its reasons: what a gate says, as data and for people."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

PASSED = "passed"
FAILED = "failed"
INCONCLUSIVE = "inconclusive"

MOST_JOBS = 5
"""So many jobs a reason holds; its text tells of fewer."""
_MOST_LINES = 12

HEALED_BY_WAITING = ("active", "executing", "queued", "total_active", "stopped", "gone", "silent")
"""The rules whose breach may pass by itself. A failure does not go away, and a job only gets older."""
_LASTING = ("failed", "failed_percent", "age")


@dataclass
class Reason:
    """One thing that keeps a verdict from being passed."""

    verdict: str
    rule: str
    text: str
    service: str | None = None
    limit: float | None = None
    found: float | None = None
    jobs: list[dict[str, t.Any]] = field(default_factory=list)

    @property
    def may_heal(self) -> bool:
        """Whether waiting may make it go away. A window that reaches too far back never gets shorter."""
        return self.rule in HEALED_BY_WAITING or (self.verdict == INCONCLUSIVE and self.rule != "window")

    @property
    def weight(self) -> tuple[t.Any, ...]:
        """Sorts reasons, the worst first."""
        is_passing = self.rule not in _LASTING
        return self.verdict != FAILED, is_passing, -(self.found or 0), self.service or "", self.rule

    def to_result(self) -> dict[str, t.Any]:
        return dict(self.__dict__)


@dataclass
class Verdict:
    """What a gate says."""

    reasons: list[Reason]
    notices: list[str] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        """Failed beats inconclusive beats passed."""
        found = {reason.verdict for reason in self.reasons}
        return FAILED if FAILED in found else INCONCLUSIVE if found else PASSED

    @property
    def passed(self) -> bool:
        return self.verdict == PASSED

    def message(self, asked: str) -> str:
        """The verdict for people, worst reason first, at most a screen long."""
        lines = [f"{asked}: {self.verdict}", *(f"- {reason.text}" for reason in self.reasons[:_MOST_LINES])]
        if len(self.reasons) > _MOST_LINES:
            lines.append(f"- and {len(self.reasons) - _MOST_LINES} more")
        return "\n".join([*lines, *(f"  note: {notice}" for notice in self.notices[:_MOST_LINES])])

    def to_result(self) -> dict[str, t.Any]:
        return {
            "verdict": self.verdict,
            "passed": self.passed,
            "reasons": [reason.to_result() for reason in self.reasons],
            "notices": self.notices,
        }
