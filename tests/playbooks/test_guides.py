# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guides are followed as they stand: files are written, commands are run, and what they print has to be shown so.

A guide is a story that begins with an empty folder. A block with a file's name in its first line is written to that
file; a block of tasks or plays without one is run. In a block of commands each `$ ` begins one, and what follows is its
output: `...` stands for anything, blanks and ends of lines for one another, and times, ages and ports may differ. A
command may end badly only where its output is shown to.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible.release import __version__ as ansible_version

from ..unit.ansible_run import COLLECTION, COLLECTIONS

# These have their tests elsewhere: test_examples, test_fleet, test_awx_assets, test_fault_matrix, test_api_snapshot,
# test_project.
ELSEWHERE = {
    "awx.md",
    "benchmarks.md",
    "checklists.md",
    "faults.md",
    "fleets.md",
    "gate.md",
    "how_it_works.md",
    "index.md",
    "security.md",
    "upgrades.md",
}
GUIDES = sorted(path.name for path in (COLLECTION / "docs").glob("*.md") if path.name not in ELSEWHERE)
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
NAME = re.compile(r"# ([\w./-]+\.(?:ya?ml|cfg|ini|json|j2))$")
PORTS = ("6443", "6444")
CORE = tuple(int(part) for part in ansible_version.split(".")[:2])
LIMIT = 200.0  # seconds for one command
# What a guide may ask for that a test does not fetch or install. Each looks at what it was asked for.
STANDS_FOR = r"""
git() {
    [ "$*" = "clone $REPOSITORY" ] && mkdir -p arcgis/.cache arcgis/.venv
}
make() {
    [ "$*" = install ] && ln -s "$COLLECTIONS" .cache/collections && ln -s "$TOOLS" .venv/bin
}
"""
ENDS_BADLY = ("[ERROR]", "failed=1")
SAME: list[tuple[str, str]] = [
    (r"\s+", " "),
    (r"\b20\d\d-\d\d-\d\d (?=\d\d:\d\d UTC)", ""),  # told of times that are not today's
    (r"\b20\d\d-\d\d-\d\d\b", "DATE"),
    (r"\b\d\d?:\d\d(:\d\d)?\b", "TIME"),
    (r"\b\d+(\.\d+)? (s|min|h)\b( \d+ min\b)?", "AGE"),
    (r"\b\d+ polls\b", "POLLS"),
    (r"\bkill \d+", "kill PID"),
]


def alike(text: str) -> str:
    """A text in which only what has to be the same differs."""
    for pattern, word in SAME:
        text = re.sub(pattern, word, text)
    return text


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class Story:
    """One guide, followed from its beginning."""

    def __init__(self, folder: Path, short: str) -> None:
        self.folder = folder
        self.ports = {port: str(free_port()) for port in PORTS}
        self.site: subprocess.Popen[str] | None = None
        self.state = folder / "state"
        self.told = 0
        (folder / "work").mkdir()
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "ARCGIS_"))}
        self.env = {
            **kept,
            "HOME": str(folder),
            "TMPDIR": short,  # a socket in it may not have a long name
            "TOOLS": str(Path(sys.executable).parent),
            "COLLECTIONS": str(COLLECTIONS),
            "REPOSITORY": yaml.safe_load((COLLECTION / "galaxy.yml").read_text(encoding="utf-8"))["repository"],
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}",
            "PYTHONPATH": str(COLLECTION / "tests" / "site"),
            "ANSIBLE_HOME": str(folder / "ansible"),
            "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
            "ANSIBLE_NOCOLOR": "1",
        }
        self.where = folder / "where"
        self.where.write_text(str(folder / "work"), encoding="utf-8")

    def ours(self, text: str) -> str:
        for shown, real in self.ports.items():
            text = text.replace(shown, real)
        return text

    def shown(self, text: str) -> str:
        for shown, real in self.ports.items():
            text = text.replace(real, shown)
        return text

    def here(self) -> Path:
        return Path(self.where.read_text(encoding="utf-8").strip())

    def run(self, command: str) -> tuple[int, str]:
        if match := re.match(r"make site(?: ARGS=([\"'])(.*)\1)?$", command):
            return 0, self.start_site(match[2] or "")
        keep = f"{{ code=$?; export -p >'{self.state}'; pwd >'{self.where}'; exit $code; }}"
        known = f". '{self.state}'; " if self.state.exists() else ""
        done = subprocess.run(
            ["bash", "-c", f"set -a\n{known}{STANDS_FOR}\n{self.ours(command)}\n{keep}"],
            cwd=self.here(),
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LIMIT,
            check=False,
        )
        return done.returncode, self.shown(done.stdout)

    def start_site(self, arguments: str) -> str:
        """As `make site` does, in the background; it ends by itself, should we be killed."""
        self.end_site()
        log = self.folder / "site.log"
        with log.open("w", encoding="utf-8") as file:
            self.site = subprocess.Popen(
                ["bash", "-c", f"exec python -u -m rehearsal_site {self.ours(arguments)} --time-limit 20m"],
                cwd=self.here(),
                env=self.env,
                stdout=file,
                stderr=subprocess.STDOUT,
                text=True,
            )
        deadline = time.monotonic() + LIMIT
        while "It ends by" not in log.read_text(encoding="utf-8"):
            assert self.site.poll() is None, log.read_text(encoding="utf-8")
            assert time.monotonic() < deadline
            time.sleep(0.05)
        return self.shown(log.read_text(encoding="utf-8"))

    def end_site(self) -> None:
        if self.site is not None:
            self.site.send_signal(signal.SIGTERM)
            self.site.wait(timeout=LIMIT)
            self.site = None

    def follow(self, language: str, text: str) -> None:
        name = NAME.match(text.partition("\n")[0])
        if language == "console":
            self.follow_commands(text)
        elif name:
            (self.here() / name[1]).parent.mkdir(parents=True, exist_ok=True)
            (self.here() / name[1]).write_text(self.ours(text), encoding="utf-8")
        elif language == "yaml":
            self.play(yaml.safe_load(text))
        else:
            raise AssertionError(f"A block of {language} is not looked at by anything:\n{text}")

    def play(self, tasks: list[dict[str, t.Any]]) -> None:
        plays = tasks if "hosts" in tasks[0] else [{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]
        playbook = self.here() / "unnamed.yml"
        playbook.write_text(self.ours(yaml.safe_dump(plays, sort_keys=False)), encoding="utf-8")
        code, output = self.run(f"ansible-playbook {playbook}")
        playbook.unlink()
        self.tell("ansible-playbook", output)
        assert code == 0, output
        assert "[WARNING]" not in output, output

    def follow_commands(self, text: str) -> None:
        for part in re.split(r"^\$ ", text, flags=re.M)[1:]:
            lines = part.splitlines()
            ends = next(number for number, line in enumerate(lines) if not line.endswith("\\"))
            command, expected = "\n".join(lines[: ends + 1]), "\n".join(lines[ends + 1 :])
            code, output = self.run(command)
            self.tell(command, output)
            badly = any(word in expected for word in ENDS_BADLY)
            assert (code != 0) == badly, f"{command}\nended with {code}:\n{output}"
            place, real = 0, alike(output)
            for piece in alike(expected).split("..."):
                found = real.find(piece.strip(), place)
                assert found >= 0, f"{command}\ndoes not show\n{piece.strip()}\nat its place in\n{output}"
                place = found + len(piece.strip())

    def tell(self, command: str, output: str) -> None:
        """For who writes a guide: GUIDE_OUTPUT=1 make playbooks ARGS='tests/playbooks/test_guides.py -s -k name'."""
        if os.environ.get("GUIDE_OUTPUT"):
            print(f"\n=== {command}\n{output}", flush=True)


@pytest.fixture
def story(tmp_path: Path) -> t.Iterator[Story]:
    with tempfile.TemporaryDirectory(prefix="gis-") as short:
        one = Story(tmp_path, short)
        try:
            yield one
        finally:
            one.end_site()


@pytest.mark.skipif(CORE < (2, 19), reason="errors are shown as ansible-core 2.19 and newer print them")
@pytest.mark.timeout(900)
@pytest.mark.parametrize("guide", GUIDES)
def test_a_guide_can_be_followed(story: Story, guide: str) -> None:
    text = (COLLECTION / "docs" / guide).read_text(encoding="utf-8")
    blocks = BLOCK.findall(text)
    assert len(blocks) == text.count("\n```") / 2 > 0, "each block has a language, and there is one"
    if "$ curl " in text and not shutil.which("curl"):
        pytest.skip("curl is not installed")
    for language, text in blocks:
        story.follow(language, text)


def test_the_index_names_every_guide() -> None:
    index = (COLLECTION / "docs" / "index.md").read_text(encoding="utf-8")
    there = {path.name for path in (COLLECTION / "docs").glob("*.md")} - {"index.md"}
    assert set(re.findall(r"\]\((\w+\.md)\)", index)) == there


def test_what_stands_for_make_is_what_make_does() -> None:
    makefile = (COLLECTION / "Makefile").read_text(encoding="utf-8")
    assert re.search(
        r"^site: venv .*\n\t@PYTHONPATH=tests/site .venv/bin/python -m rehearsal_site \$\(ARGS\)$", makefile, re.M
    )
    assert re.search(r"^SESSIONS := .*\binstall\b", makefile, re.M)


def test_what_differs_is_noticed(story: Story) -> None:
    """A test of the test: another output, an end that is not shown, and a block that nothing looks at."""
    story.follow("console", "$ echo one two 08:15\none ... 23:59\n")
    for wrong in (
        "$ echo one\ntwo\n",
        "$ echo one two\ntwo\n...\none\n",
        "$ false\n",
        "$ true\n[ERROR]\n",
        "$ make sit\n",
    ):
        with pytest.raises(AssertionError):
            story.follow("console", wrong)
    with pytest.raises(AssertionError):
        story.follow("text", "something\n")
    assert shutil.which("bash")


def test_the_page_about_awx_sets_what_can_be_set() -> None:
    settings = (COLLECTION / "playbooks" / "vars" / "awx_setup.yml").read_text(encoding="utf-8")
    known = set(re.findall(r"^(awx_setup_\w+):", settings, re.M))
    page = (COLLECTION / "docs" / "awx.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^ *```yaml\n(.*?)^ *```$", page, re.M | re.S)
    assert len(blocks) == page.count("```yaml") == 3
    assert {name for text in blocks for name in yaml.safe_load(textwrap.dedent(text))} - known == set()
    assert set(re.findall(r"\bawx_setup_\w+", page)) - known == set()


def sentences() -> set[str]:
    """All texts of the plugins; what is put into them is a NUL."""
    found = set()
    for path in (COLLECTION / "plugins").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
            elif isinstance(node, ast.JoinedStr):
                parts = (one.value if isinstance(one, ast.Constant) else "\0" for one in node.values)
                found.add("".join(map(str, parts)))
    return found


def quoted(page: str) -> list[str]:
    return re.findall(r"^### `(.*)`$", (COLLECTION / "docs" / page).read_text(encoding="utf-8"), re.M)


def is_said(message: str, said: t.Iterable[str]) -> bool:
    """Whether a text of the plugins has the parts of this message, in their order, from its beginning."""
    parts = (re.escape(part.strip()) for part in message.split("…"))
    pattern = re.compile(r"[ \0]*.*?".join(parts), re.S)
    return any(pattern.match(one) for one in said)


def test_troubleshooting_quotes_what_the_plugins_say() -> None:
    said = sentences()
    messages = quoted("troubleshooting.md")
    assert len(messages) > 20
    assert [one for one in messages if not is_said(one, said)] == []
    assert not is_said("There is no server …", said)
    assert not is_said("is no service …", said), "a message is quoted from its beginning"
