# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Sphinx is told. Nothing is fetched: no inventories of other sites, no fonts, no scripts."""

from __future__ import annotations

import importlib
import typing as t
from pathlib import Path

project = "gisops.arcgis"
author = "The gisops.arcgis contributors"
project_copyright = author
html_title = "gisops.arcgis"

extensions = ["myst_parser", "sphinx_antsibull_ext"]
source_suffix = {".rst": "restructuredtext", ".md": "markdown"}
root_doc = "index"

nitpicky = True
default_role = "any"
highlight_language = "text"
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
antsibull_ext_color_scheme = "none"  # static/site.css has one that follows the switch between light and dark

myst_heading_anchors = 4  # so that a guide can be linked to by heading, as on GitHub
myst_links_external_new_tab = False

html_theme = "furo"
html_static_path = [str(Path(__file__).parent / "static")]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_last_updated_fmt = None
html_theme_options = {
    "source_repository": "https://github.com/gisops/arcgis/",
    "source_branch": "main",
    "source_directory": "docs/",
    "top_of_page_buttons": [],
}

# Pages of Ansible's own documentation that the pages of plugins refer to, by their names there.
ANSIBLE = "https://docs.ansible.com/ansible/latest/"
ELSEWHERE = {
    "action_plugins": "plugins/action.html",
    "ansible_configuration_settings": "reference_appendices/config.html",
    "common_return_values": "reference_appendices/common_return_values.html",
}


def elsewhere(app: t.Any, env: t.Any, node: t.Any, text: t.Any) -> t.Any:
    """A reference that nothing here answers; None lets Sphinx warn of it."""
    page = ELSEWHERE.get(node.get("reftarget"))
    if page is None:
        return None
    nodes = importlib.import_module("docutils.nodes")  # has no types
    return nodes.reference("", text.astext(), refuri=ANSIBLE + page, internal=False)


def setup(app: t.Any) -> None:
    app.connect("missing-reference", elsewhere)
