# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the project promises about itself: in its Makefile, its README, and to those who would take it in."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = re.findall(r"^([a-z][a-z-]*):(?!=)", MAKEFILE, re.M)
REQUIREMENTS = sorted((ROOT / "tests" / "requirements").glob("*.txt"))


def test_make_help_explains_every_target() -> None:
    make = shutil.which("make")
    if make is None:
        pytest.skip("there is no make here")
    done = subprocess.run([make, "-s", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    explained = dict(re.findall(r"^  ([a-z-]+) +(\S.*)$", done.stdout, re.M))
    assert sorted(explained) == sorted(TARGETS)
    assert len(TARGETS) == len(set(TARGETS))


def test_every_target_is_phony() -> None:
    (line,) = re.findall(r"^\.PHONY: ((?:.*\\\n)*.*)$", MAKEFILE, re.M)
    (parts,) = re.findall(r"^PARTS := (.*)$", MAKEFILE, re.M)
    assert sorted(line.replace("$(PARTS)", parts).replace("\\\n", " ").split()) == sorted(TARGETS)


def test_what_is_said_to_run_can_be_run() -> None:
    """A page that names a target, and the hooks before a commit."""
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"][0]["hooks"]
    said = [("pre-commit", hook["entry"]) for hook in hooks]
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / ".github").glob("*.md")]
    for page in pages:
        said += [(page.name, text) for text in re.findall(r"`(make [^`]*)`", page.read_text(encoding="utf-8"))]
    named = [(page, word) for page, text in said for word in text.split()[1:2] if re.fullmatch(r"[a-z-]+", word)]
    assert len(named) > 20
    assert [one for one in named if one[1] not in TARGETS] == []


def test_hooks_need_no_network() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    assert [repo["repo"] for repo in config["repos"]] == ["local"]
    assert {hook["language"] for hook in config["repos"][0]["hooks"]} == {"system"}


@pytest.mark.parametrize("path", REQUIREMENTS, ids=[path.name for path in REQUIREMENTS])
def test_each_dependency_has_its_reason(path: Path) -> None:
    """In the table of CONTRIBUTING.md, but for what Esri's client loads, which is said in one sentence there."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = re.findall(r"^\| ([\w, -]+) \| ", text.split("## Dependencies")[1], re.M)
    reasons = {name.strip().lower() for cell in table for name in cell.split(",")}
    lines = path.read_text(encoding="utf-8").split("# what arcgis 2.4.4 loads")[0].splitlines()
    needed = {re.split(r"[<>=! ]", line)[0].lower() for line in lines if line and not line.startswith("#")}
    assert needed
    assert needed - reasons == set()


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
    assert not re.search(r"pip3? install[^\n]*\bansible(-core)?\b", text)


def test_execution_environments_get_what_the_readme_says() -> None:
    text = (ROOT / "meta" / "ee-requirements.txt").read_text(encoding="utf-8")
    needed = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert needed == ["requests>=2.31"]
    assert f"pip install '{needed[0]}'" in (ROOT / "README.md").read_text(encoding="utf-8")
