# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files are pages of the site, and where their links lead there.

In the repository the links of a guide lead to files, so that it can be read there too. A link to a file that is a page
of the site leads to that page; one to any other file of the repository leads to that file on GitHub.
"""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parent.parent.parent
REPOSITORY = "https://github.com/gisops/arcgis"
FENCE = re.compile(r"^(?:```|~~~).*?^(?:```|~~~)[ ]*$", re.M | re.S)
LINK = re.compile(r"(?<=\]\()([^()\s]+)(?=\))")
PLUGIN = re.compile(r"plugins/(module|lookup)s?/(\w+)\.py")


def guides(root: Path = ROOT) -> dict[str, str]:
    """Files that are shown as they are, by their path in the repository: the page of the site."""
    found = {f"docs/{path.name}": path.name for path in sorted((root / "docs").glob("*.md"))}
    found |= {f"roles/{path.parent.name}/README.md": f"roles/{path.parent.name}.md" for path in role_texts(root)}
    return found | {"tests/site/README.md": "rehearsal_site.md", "CONTRIBUTING.md": "contributing.md"}


def role_texts(root: Path = ROOT) -> list[Path]:
    return sorted((root / "roles").glob("*/README.md"))


def page_of(target: str) -> str | None:
    """The page of the site that shows this file, as its source is named; None where there is none."""
    if match := PLUGIN.fullmatch(target):
        return f"reference/{match[2]}_{match[1]}.rst"
    if target == "plugins":
        return "reference/index.rst"
    return guides().get(target)


def rewritten(text: str, source: str, page: str) -> str:
    """A guide whose links lead to pages of the site. ``source`` is its path in the repository, ``page`` on the site."""

    def link(match: re.Match[str]) -> str:
        address, mark, anchor = match[1].partition("#")
        blob = f"{REPOSITORY}/blob/main/"
        if address.startswith(blob):
            target = address.removeprefix(blob)
        elif not address or re.match(r"[a-z]+:", address):
            return match[1]
        else:
            target = os.path.normpath(os.path.join(PurePosixPath(source).parent, address))
        if target.startswith("docs/images/"):
            return "/".join([*[".."] * page.count("/"), "images", target.removeprefix("docs/images/")])
        shown = page_of(target)
        if shown is None:
            if not (ROOT / target).exists():
                raise SystemExit(f"{source} links to {match[1]}, and there is no {target}.")
            kind = "tree" if (ROOT / target).is_dir() else "blob"
            return f"{REPOSITORY}/{kind}/main/{target}{mark}{anchor}"
        return os.path.relpath(shown, PurePosixPath(page).parent) + mark + anchor

    parts: list[str] = []
    end = 0
    for fence in FENCE.finditer(text):
        parts += [LINK.sub(link, text[end : fence.start()]), fence[0]]
        end = fence.end()
    return "".join([*parts, LINK.sub(link, text[end:])])


def contents(index: str) -> str:
    """The hidden tables of contents that Sphinx wants, made from the headings and links of the index page."""
    tables = []
    for section in re.split(r"^## ", index, flags=re.M)[1:]:
        caption = section.partition("\n")[0].strip()
        pages = [re.sub(r"\.(md|rst)(#.*)?$", "", link) for link in LINK.findall(section) if ":" not in link]
        if pages:
            listed = "\n".join(dict.fromkeys(pages))
            tables.append(f"```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{listed}\n```\n")
    return "\n".join(tables)
