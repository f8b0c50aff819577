# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Sphinx is told by `make docs`: it builds the repository as it lies, and nothing is fetched.

The links of a guide lead to files, so that it can be read in the repository too. Sphinx follows those between pages,
and says if a page or a heading is not there. The others are turned here: to the page of a plugin, or to the file on
GitHub.
"""

from __future__ import annotations

import os
import re
import typing as t
from pathlib import Path, PurePosixPath

from docutils import nodes

REPOSITORY = "https://github.com/gisops/arcgis"
FENCED = re.compile(r"(^```.*?^```[ ]*$)", re.M | re.S)
LINK = re.compile(r"(?<=\]\()([^()\s#]+)(?=[)#])")

project = html_title = "gisops.arcgis"
author = project_copyright = "The gisops.arcgis contributors"
extensions = ["myst_parser", "sphinx_antsibull_ext"]
source_suffix = {".rst": "restructuredtext", ".md": "markdown"}
root_doc = "docs/index"
include_patterns = ["docs/*.md", "roles/*/README.md", "tests/site/README.md", "CONTRIBUTING.md", "reference/*.rst"]
nitpicky = True
default_role = "any"
highlight_language = "text"
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
antsibull_ext_color_scheme = "none"  # site.css has one that follows the switch between light and dark
myst_heading_anchors = 4  # so that a guide can be linked to by heading, as on GitHub
html_theme = "furo"
html_static_path = ["site.css"]
html_css_files = ["site.css"]
html_copy_source = html_show_sourcelink = html_show_sphinx = False
html_theme_options = {"top_of_page_buttons": []}

# Pages of Ansible's own documentation that the pages of plugins refer to, by their names there.
ANSIBLE = "https://docs.ansible.com/ansible/latest/"
ELSEWHERE = {
    "action_plugins": "plugins/action.html",
    "ansible_configuration_settings": "reference_appendices/config.html",
    "common_return_values": "reference_appendices/common_return_values.html",
}


def elsewhere(app: t.Any, env: t.Any, node: t.Any, text: t.Any) -> t.Any:
    """Answer a reference to Ansible's own pages; None lets Sphinx warn of it."""
    page = ELSEWHERE.get(node.get("reftarget"))
    return page and nodes.reference("", text.astext(), refuri=ANSIBLE + page, internal=False)


def turn_links(app: t.Any, name: str, source: list[str]) -> None:
    """Turn the links of a guide that lead to no page, and give the index the tables of contents that Sphinx wants."""
    root, here = Path(app.srcdir), PurePosixPath(name).parent
    if not (root / f"{name}.md").is_file():
        return

    def link(match: re.Match[str]) -> str:
        target = os.path.normpath(here / match[1])
        shown = any(PurePosixPath(target).match(pattern) for pattern in [*include_patterns, "*.svg"])
        if ":" in match[1] or shown or not (root / target).exists():
            return match[1]
        if plugin := re.fullmatch(r"plugins/(module|lookup)s?/(\w+)\.py", target):
            return f"/reference/{plugin[2]}_{plugin[1]}.rst"
        if target == "plugins":
            return "/reference/index.rst"
        return f"{REPOSITORY}/{'tree' if (root / target).is_dir() else 'blob'}/main/{target}"

    parts = FENCED.split(source[0])
    source[0] = "".join(part if part.startswith("```") else LINK.sub(link, part) for part in parts)
    if name == root_doc:
        for section in re.split(r"^## ", source[0], flags=re.M)[1:]:
            pages = "\n".join(dict.fromkeys(one for one in LINK.findall(section) if ":" not in one))
            caption = section.partition("\n")[0]
            source[0] += f"\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{pages}\n```\n"


def setup(app: t.Any) -> None:
    app.connect("missing-reference", elsewhere)
    app.connect("source-read", turn_links)
