# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the links of the documentation lead, in the repository and on the site, which `make docs` builds."""

from __future__ import annotations

import importlib
import os
import re
import typing as t
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> t.Any:
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    return importlib.import_module("docs_site.pages")


@pytest.fixture
def links(monkeypatch: pytest.MonkeyPatch) -> t.Any:
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    return importlib.import_module("docs_site.links")


@pytest.mark.parametrize(
    ("source", "page", "link", "leads_to"),
    [
        ("docs/gate.md", "gate.md", "awx.md#tests", "awx.md#tests"),
        ("docs/gate.md", "gate.md", "#waiting", "#waiting"),
        ("docs/gate.md", "gate.md", "https://example.com/x.md", "https://example.com/x.md"),
        ("docs/gate.md", "gate.md", "images/layers.svg", "images/layers.svg"),
        ("docs/gate.md", "gate.md", "../plugins/modules/gp_token.py", "reference/gp_token_module.rst"),
        ("docs/gate.md", "gate.md", "../plugins/lookup/gp_jobs.py", "reference/gp_jobs_lookup.rst"),
        ("docs/gate.md", "gate.md", "../roles/gp_jobs_gate/README.md#inputs", "roles/gp_jobs_gate.md#inputs"),
        ("docs/gate.md", "gate.md", "../galaxy.yml", "https://github.com/gisops/arcgis/blob/main/galaxy.yml"),
        ("docs/gate.md", "gate.md", "examples", "https://github.com/gisops/arcgis/tree/main/docs/examples"),
        ("roles/gp_jobs_gate/README.md", "roles/gp_jobs_gate.md", "../../docs/awx.md", "../awx.md"),
        ("CONTRIBUTING.md", "contributing.md", "docs/gate.md", "gate.md"),
        ("CONTRIBUTING.md", "contributing.md", "https://github.com/gisops/arcgis/blob/main/docs/gate.md", "gate.md"),
    ],
)
def test_a_link_leads_to_a_page_of_the_site(pages: t.Any, source: str, page: str, link: str, leads_to: str) -> None:
    assert pages.rewritten(f"See [x]({link}).", source, page) == f"See [x]({leads_to})."
    assert pages.rewritten(f"```text\n[x]({link})\n```\n", source, page) == f"```text\n[x]({link})\n```\n"


def test_a_link_to_a_file_that_is_not_there_is_an_error(pages: t.Any) -> None:
    with pytest.raises(SystemExit, match=r"docs/gate\.md links to nothing\.md"):
        pages.rewritten("See [x](nothing.md).", "docs/gate.md", "gate.md")


def test_every_link_within_the_repository_leads_to_a_file(pages: t.Any) -> None:
    seen = 0
    for source in ["README.md", *pages.guides()]:
        text = pages.FENCE.sub("", (ROOT / source).read_text(encoding="utf-8"))
        for link in pages.LINK.findall(text):
            path = link.partition("#")[0]
            if match := re.match(rf"{pages.REPOSITORY}/(?:blob|tree)/main/(.*)", path):
                target = match[1]
            elif re.match(r"[a-z]+:|#", link):
                continue
            else:
                target = os.path.normpath(PurePosixPath(source).parent / path)
            seen += 1
            assert (ROOT / target).exists(), f"{source}: {link}"
    assert seen > 70


def test_every_page_is_in_the_contents(pages: t.Any) -> None:
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    listed = re.findall(r"^[\w/]+$", pages.contents(pages.rewritten(index, "docs/index.md", "index.md")), re.M)
    there = {page.removesuffix(".md") for page in pages.guides().values()} | {"reference/index"}
    assert sorted(listed) == sorted(there - {"index"}), "each once"


def test_a_link_on_the_site_that_leads_nowhere_is_found(tmp_path: Path, links: t.Any) -> None:
    (tmp_path / "one.html").write_text(
        '<p id="here"><a href="#here">1</a><a href="two.html#there">2</a><a href="two.html#nowhere">3</a>'
        '<a href="three.html">4</a><a href="https://example.com/">5</a><link href="https://example.com/a.css">',
        encoding="utf-8",
    )
    (tmp_path / "two.html").write_text('<p id="there">', encoding="utf-8")
    count, checked, broken = links.check(tmp_path)
    assert (count, checked) == (2, 4)
    assert broken == [
        "one.html links to two.html#nowhere: no such place on that page",
        "one.html links to three.html: no such page",
        "one.html loads https://example.com/a.css from elsewhere",
    ]
