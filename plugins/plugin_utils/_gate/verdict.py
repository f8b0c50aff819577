# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The verdict and its reasons, as data."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .facts import Job

PASSED = "passed"
FAILED = "failed"
INCONCLUSIVE = "inconclusive"

USUAL, SLOW, STUCK = "usual", "slow", "stuck"

_LASTING = ("failed", "failed_percent", "age")
"""The rules whose breach does not go away: a failure stays one, and a job only gets older."""


@dataclass(frozen=True)
class AgedJob:
    """A job as it was when it was judged."""

    job: Job
    age: float | None
    """Seconds; None if unknown."""
    pace: str | None
    """How that compares to other jobs of its service: USUAL, SLOW or STUCK; None if unknown."""


@dataclass(frozen=True)
class Allowance:
    """An entry of an option with which a reason would not count."""

    option: str
    entry: t.Mapping[str, t.Any]


@dataclass(frozen=True)
class Reason:
    """One thing that keeps a verdict from being passed."""

    verdict: str
    rule: str
    text: str
    """What was found, as a sentence that does not name the service."""
    service: str | None = None
    limit: float | None = None
    found: float | None = None
    jobs: tuple[AgedJob, ...] = ()
    """The jobs that it is about, the worst first; not all have to be known."""
    allowances: tuple[Allowance, ...] = ()
    is_final: bool = False
    """Whether asking again is of no use, or would do harm."""

    @property
    def may_heal(self) -> bool:
        """Whether waiting may make it go away. A window that reaches too far back never gets shorter."""
        is_lasting = self.rule == "window" or (self.verdict == FAILED and self.rule in _LASTING)
        return not (is_lasting or self.is_final)

    @property
    def weight(self) -> tuple[t.Any, ...]:
        """Sorts reasons, the worst first."""
        return self.verdict != FAILED, self.rule not in _LASTING, -(self.found or 0), self.service or "", self.rule


@dataclass(frozen=True)
class Verdict:
    """What a gate says."""

    reasons: tuple[Reason, ...] = ()
    notices: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """Failed beats inconclusive beats passed."""
        found = {reason.verdict for reason in self.reasons}
        return FAILED if FAILED in found else INCONCLUSIVE if found else PASSED

    @property
    def passed(self) -> bool:
        return self.verdict == PASSED

    @property
    def may_heal(self) -> bool:
        return all(reason.may_heal for reason in self.reasons)


@dataclass
class Findings:
    """What a judge writes down: reasons and notices, about one service or about the site."""

    service: str | None = None
    reasons: list[Reason] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def fail(self, rule: str, text: str, **more: t.Any) -> None:
        self.reasons.append(Reason(FAILED, rule, text, **{"service": self.service, **more}))

    def doubt(self, rule: str, text: str, **more: t.Any) -> None:
        self.reasons.append(Reason(INCONCLUSIVE, rule, text, **{"service": self.service, **more}))

    def note(self, text: str) -> None:
        self.notices.append(text)
