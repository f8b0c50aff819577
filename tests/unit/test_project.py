# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the project promises about itself: in its pages, its README, and to those who would take it in."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = (
    re.findall(r"^([a-z][a-z-]*):(?!=)", MAKEFILE, re.M) + re.findall(r"^SESSIONS := (.*)$", MAKEFILE, re.M)[0].split()
)


def test_what_is_said_to_run_can_be_run() -> None:
    said = []
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / ".github").glob("*.md")]
    for page in pages:
        said += [(page.name, text) for text in re.findall(r"`(make [^`]*)`", page.read_text(encoding="utf-8"))]
    named = [(page, word) for page, text in said for word in text.split()[1:2] if re.fullmatch(r"[a-z-]+", word)]
    assert len(named) > 20
    assert [one for one in named if one[1] not in TARGETS] == []


def test_nothing_is_skipped_or_ignored() -> None:
    lint = yaml.safe_load((ROOT / ".ansible-lint").read_text(encoding="utf-8"))
    assert lint["profile"] == "production"
    assert {"skip_list", "warn_list", "enable_list"} & set(lint) == set()
    assert not (ROOT / ".ansible-lint-ignore").exists()
    assert list((ROOT / "tests" / "sanity").glob("ignore-*.txt")) == []


def test_readme_can_be_read_anywhere() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert links
    assert [link for link in links if not link.startswith("https://")] == []
    files = [link.partition("/arcgis/blob/main/")[2].partition("#")[0] for link in links]
    assert [file for file in files if not (ROOT / file).exists()] == []
    assert not re.search(r"pip3? install[^\n]*\bansible(-core)?\b", text)


def test_execution_environments_get_what_the_readme_says() -> None:
    text = (ROOT / "meta" / "ee-requirements.txt").read_text(encoding="utf-8")
    needed = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert needed == ["requests>=2.31"]
    assert f"pip install '{needed[0]}'" in (ROOT / "README.md").read_text(encoding="utf-8")
