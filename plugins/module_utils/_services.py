# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Service names: ``Folder/Name.GPServer``, patterns over them, and the entries of the option ``services``."""

from __future__ import annotations

import fnmatch
import re
import typing as t
import unicodedata

from ._errors import BadOption
from ._options import check_text, is_blank

GP = "GPServer"
ROOT = ""
STARTED, STOPPED = "STARTED", "STOPPED"
"""The states of a service, in the sites' words."""


class Service(t.NamedTuple):
    """One service of a site; ``folder`` is empty for the root folder."""

    folder: str
    name: str
    type: str = GP

    def __str__(self) -> str:
        return f"{self.folder}/{self.name}.{self.type}" if self.folder else f"{self.name}.{self.type}"


class Entry(t.NamedTuple):
    """One entry of ``services``: a name or a pattern, and whether it may be missing."""

    text: str
    may_be_missing: bool = False

    @property
    def is_pattern(self) -> bool:
        return any(sign in self.text for sign in "*?[")

    @property
    def service(self) -> Service:
        return parse(self.text)

    @property
    def folder(self) -> str | None:
        """The one folder that a pattern can match in; None where it can be any."""
        if "/" not in self.text:
            return None
        folder = self.text.split("/")[0]
        return None if any(sign in folder for sign in "*?[") else folder

    def means(self, service: Service) -> bool:
        """Tell whether this entry, a pattern or not, is about that service."""
        return self.matches(service) if self.is_pattern else compared(str(self.service)) == compared(str(service))

    def matches(self, service: Service) -> bool:
        """Tell whether this pattern means that service: by its full name, or by its name without ``.GPServer``."""
        return any(fnmatch.fnmatchcase(compared(name), compared(self.text)) for name in spellings(service))


def compared(name: str) -> str:
    """Return a name as it is compared: letters with marks have two forms (NFC and NFD) that look the same."""
    return unicodedata.normalize("NFC", name)


def spellings(service: Service) -> tuple[str, ...]:
    """Return the names that mean a service: the full one, and for a GP service the one without its type."""
    full = str(service)
    return (full, full[: -len(GP) - 1]) if service.type == GP else (full,)


def parse(text: str, option: str = "services") -> Service:
    """Return a service from ``Folder/Name``, ``Name`` or either with its type."""
    folder, slash, rest = text.strip().strip("/").rpartition("/")
    typed = re.fullmatch(r"(.+)\.([A-Za-z]+Server)", rest)
    name, kind = (typed.group(1), typed.group(2)) if typed else (rest, GP)
    if not name or "/" in folder or (slash and not folder) or {folder, name} & {".", ".."}:
        raise BadOption(
            f"'{text}' is not a service name", where=f"option {option}", cure="Write Folder/Name, or Name alone."
        )
    return Service(folder, name, kind)


def parse_entries(values: t.Sequence[t.Any], option: str = "services") -> tuple[Entry, ...]:
    """Return the entries of an option: texts, or dicts with ``name`` and ``missing`` (``fail`` or ``ignore``)."""
    entries = []
    for value in values:
        missing = "fail"
        if isinstance(value, t.Mapping):
            odd = sorted(set(map(str, value)) - {"name", "missing"})
            missing = str(value.get("missing", "fail"))
            if odd or missing not in ("fail", "ignore"):
                raise BadOption(
                    f"An entry has {odd[0] if odd else 'missing: ' + missing}, which means nothing",
                    where=f"option {option}",
                    cure="An entry is a name, or a dict of name and missing (fail or ignore).",
                )
            value = value.get("name")
        text = "" if value is None else check_text(option, value).strip().strip("/")
        if not text or is_blank(text):
            raise BadOption(
                "An entry is empty", where=f"option {option}", cure="Name a service, or leave the entry out."
            )
        entry = Entry(text, missing == "ignore")
        if not entry.is_pattern:
            parse(text, option)
        entries.append(entry)
    return tuple(entries)


def nearest(wanted: str, known: t.Iterable[Service]) -> list[str]:
    """Return up to three names most like the wanted one; letters' case and the folder weigh little."""
    import difflib

    names = {str(service): service for service in known}
    bare = wanted.lower().removesuffix("." + GP.lower())
    scored = sorted(
        (
            (
                max(
                    difflib.SequenceMatcher(None, bare, str(one).lower().rsplit(".", 1)[0]).ratio(),
                    difflib.SequenceMatcher(None, bare.rsplit("/", 1)[-1], one.name.lower()).ratio() - 0.01,
                ),
                name,
            )
            for name, one in names.items()
        ),
        key=lambda pair: (-pair[0], pair[1]),
    )
    return [name for score, name in scored[:3] if score >= 0.6]
