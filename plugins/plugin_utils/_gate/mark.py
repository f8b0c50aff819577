# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Read a mark: a moment of the site's clock, taken before a deployment, so that "new failures since" has a meaning.

Clocks differ by up to a minute or so without anybody being wrong. Therefore a mark keeps the failures that were there
within that slack, which are not new however they are counted. It also keeps the state of each service, so that
afterwards only what was started is missed.
"""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass, field

from ...module_utils import _times
from ...module_utils._errors import BadOption
from ...module_utils._options import is_blank
from ...module_utils._services import STARTED

# What the role gp_jobs_mark publishes; site and complete are for people.
_KEYS = ("at", "failed", "states", "site", "complete")


@dataclass(frozen=True)
class Mark:
    """A moment, and what the site was like then."""

    at: float
    """Epoch seconds, by the earlier of the site's clocks."""
    failed: t.Mapping[str, t.Sequence[str]] = field(default_factory=dict)
    """Ids of jobs that had failed shortly before, by service."""
    states: t.Mapping[str, str] = field(default_factory=dict)
    """The real state of each service, in the site's word."""

    def failed_of(self, service: str) -> t.Sequence[str]:
        """Return the ids of a service's jobs that had failed before."""
        return self.failed.get(service, ())

    @property
    def started(self) -> list[str]:
        """The services that were started."""
        return [name for name, state in self.states.items() if state.upper() == STARTED]

    @classmethod
    def read(cls, value: t.Any) -> Mark:
        """Read what the role gp_jobs_mark publishes, also as JSON, or a mere time; raises BadOption."""
        if isinstance(value, str) and value.strip().startswith("{"):
            value = _from_json(value)
        if isinstance(value, t.Mapping):
            odd = sorted(set(map(str, value)) - set(_KEYS))
            if odd:
                raise BadOption(f"'{odd[0]}' is no part of a mark", where="option since", cure=_HOW)
            failed, states = value.get("failed", {}), value.get("states", {})
            if "at" not in value or not _is_map_of((list, tuple), failed) or not _is_map_of(str, states):
                raise BadOption("This is not a mark", where="option since", cure=_HOW)
            return cls(
                at=_fixed(value["at"]),
                failed={str(name): tuple(str(one) for one in ids) for name, ids in failed.items()},
                states={str(name): str(state) for name, state in states.items()},
            )
        return cls(_fixed(value))

    def to_result(self) -> dict[str, t.Any]:
        return {
            "at": _times.iso(self.at),
            "failed": {name: list(ids) for name, ids in self.failed.items()},
            "states": dict(self.states),
        }


_HOW = "Give the mark that the role gp_jobs_mark published, or a time such as 2026-11-24T09:00:00Z."


def _is_map_of(kind: t.Any, value: t.Any) -> bool:
    """Whether it maps to such values. No text is empty: a state that is not known is not that of a stopped service."""
    return isinstance(value, t.Mapping) and all(isinstance(one, kind) and not is_blank(one) for one in value.values())


def _from_json(text: str) -> t.Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise BadOption("This is not a mark", where="option since", cure=_HOW) from None


def _fixed(value: t.Any) -> float:
    moment = _times.parse_moment(value, "since")
    if moment.fixed is None:
        raise BadOption(f"'{value}' is not a moment", where="option since", cure=f"{_HOW} For a time ago use window.")
    return moment.fixed
