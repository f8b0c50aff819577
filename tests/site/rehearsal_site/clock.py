# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The site's own clock, which tests may shift, speed up, freeze and advance."""

from __future__ import annotations

import time
from email.utils import formatdate


class SiteClock:
    """Site time is a straight line through an anchor: ``anchor + speed * (real time since the anchor)``."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Back to real time."""
        self._site_anchor = float(time.time_ns() // 1_000_000)
        self._real_anchor = time.monotonic()
        self._speed = 1.0

    @property
    def speed(self) -> float:
        return self._speed

    @property
    def frozen(self) -> bool:
        return self._speed == 0.0

    def now(self) -> int:
        """Epoch milliseconds on the site's clock."""
        return int(self._site_anchor + (time.monotonic() - self._real_anchor) * 1000.0 * self._speed)

    def set(self, moment: int) -> None:
        self._site_anchor, self._real_anchor = float(moment), time.monotonic()

    def advance(self, milliseconds: int) -> None:
        self._site_anchor += milliseconds

    def set_speed(self, speed: float) -> None:
        if speed < 0:
            raise ValueError("a clock does not run backwards: speed must be 0 or more")
        self.set(self.now())
        self._speed = float(speed)

    def freeze(self, moment: int | None = None) -> None:
        self.set_speed(0.0)
        if moment is not None:
            self.set(moment)

    def run(self) -> None:
        self.set_speed(1.0)

    def state(self) -> tuple[float, float, float]:
        return self._site_anchor, self._real_anchor, self._speed

    def restore(self, state: tuple[float, float, float]) -> None:
        self._site_anchor, self._real_anchor, self._speed = state

    def http_date(self) -> str:
        return formatdate(self.now() / 1000, usegmt=True)

    def describe(self) -> dict[str, object]:
        return {"now": self.now(), "speed": self._speed, "frozen": self.frozen}
