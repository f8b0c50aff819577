#!/usr/bin/env python3
# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the documentation site: the guides, and a page of each plugin and role from its own documentation.

Every warning is an error, and every link within the site has to lead somewhere. Nothing is fetched.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from . import links, pages, widths

ROOT = pages.ROOT
HERE = Path(__file__).resolve().parent
COLLECTION = "gisops.arcgis"
REFERENCE = "Modules, lookups and roles"
ANTSIBULL = """\
breadcrumbs = false
indexes = true
use_html_blobs = false
add_antsibull_docs_version = false
"""


def run(work: Path, *command: str, **more: str) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "ARCGIS_", "PYTHON"))}
    tools = Path(sys.executable).parent
    env = {
        **kept,
        "PATH": f"{tools}{os.pathsep}{kept.get('PATH', os.defpath)}",
        "HOME": str(work / "home"),
        "ANSIBLE_HOME": str(work / "home"),
        "LC_ALL": "C.UTF-8",
        "SOURCE_DATE_EPOCH": "0",  # the same pages give the same site
        **more,
    }
    if subprocess.run([str(tools / command[0]), *command[1:]], cwd=work, env=env, check=False).returncode:
        raise SystemExit(f"{command[0]} found something: see above.")


def write_reference(work: Path, source: Path) -> None:
    """The pages of plugins and roles."""
    config = work / "antsibull-docs.cfg"
    config.write_text(ANTSIBULL, encoding="utf-8")
    into = source / "reference"
    into.mkdir(mode=0o755)
    # Not in ``work``: ansible-doc finds no roles by way of a link, nor in an ansible_collections within another one.
    with tempfile.TemporaryDirectory(prefix="docs-site-") as scratch:
        place = Path(scratch, "ansible_collections", "gisops", "arcgis")
        place.mkdir(parents=True)
        for folder in ("meta", "plugins", "roles", "docs/docsite"):
            shutil.copytree(ROOT / folder, place / folder, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "galaxy.yml", place)
        run(
            work,
            *("antsibull-docs", "--config-file", str(config), "collection", "--use-current", "--squash-hierarchy"),
            *("--fail-on-error", "--dest-dir", str(into), COLLECTION),
            ANSIBLE_COLLECTIONS_PATH=scratch,
        )
    for page in into.glob("*.rst"):  # the theme shows a table of contents beside each page
        text = re.sub(r"^\.\. contents::\n(?:   .*\n)*", "", page.read_text(encoding="utf-8"), flags=re.M)
        if page.name == "index.rst":
            text = re.sub(r"^Gisops\.Arcgis\n=+$", f"{REFERENCE}\n{'=' * len(REFERENCE)}", text, flags=re.M)
        page.write_text(text, encoding="utf-8")


def write_guides(source: Path) -> None:
    for path, page in pages.guides().items():
        text = pages.rewritten((ROOT / path).read_text(encoding="utf-8"), path, page)
        if page == "index.md":
            text += "\n" + pages.contents(text)
        elif page.startswith("roles/"):
            text += f"\n[Every variable in full](../reference/{Path(page).stem}_role.rst)\n"
        (source / page).parent.mkdir(exist_ok=True)
        (source / page).write_text(text, encoding="utf-8")
    shutil.copytree(ROOT / "docs" / "images", source / "images")


def main() -> None:
    parser = argparse.ArgumentParser(prog="docs_site", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--work", type=Path, default=ROOT / ".cache" / "docs", help="folder to build in; it is emptied")
    parser.add_argument("--widths", action="store_true", help="look with Chromium whether a page is wider than a phone")
    options = parser.parse_args()

    work: Path = options.work.resolve()
    shutil.rmtree(work, ignore_errors=True)
    source, site = work / "source", work / "html"
    source.mkdir(parents=True)
    (work / "home").mkdir()
    write_reference(work, source)
    write_guides(source)
    run(work, "sphinx-build", "-q", "-W", "--keep-going", "-c", str(HERE), "-b", "html", str(source), str(site))
    (site / ".buildinfo").unlink(missing_ok=True)
    count, checked, broken = links.check(site)
    print(f"{count} pages in {site}, without a warning; {checked} links within the site, {len(broken)} broken")
    for one in broken:
        print(f"  {one}")
    if broken:
        raise SystemExit(1)
    if options.widths:
        widths.check(site)


if __name__ == "__main__":
    main()
