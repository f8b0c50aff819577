# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many processes with one wrong password: it is sent once, and nobody can read it from what is noted."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
import sys
import tempfile
import time
import typing as t
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.gisops.arcgis.plugins.module_utils._errors import LoginRefused
from ansible_collections.gisops.arcgis.plugins.module_utils._wire import login_lock
from ansible_collections.gisops.arcgis.plugins.module_utils._wire.login_lock import Account

from ....ansible_run import COLLECTIONS

ADA = Account("https://gis.example.com/portal/sharing/rest/generateToken", "ada", "wrong-Passw0rd")
SAID = {"status": 400, "words": "Invalid username or password."}


OWN_FOLDER = login_lock._own_folder  # the fixtures of all tests replace it
Warnings = list[str]


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, no_memory_of_logins: None) -> Path:
    """A folder of the test's own, in place of the user's."""
    monkeypatch.setattr(login_lock, "_own_folder", OWN_FOLDER)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("tmp", "run", "home/.ansible"):
        (tmp_path / name).mkdir(parents=True)
    return Path(next(login_lock._folders()))


@pytest.fixture(name="warnings")
def warnings_fixture() -> Iterator[Warnings]:
    """What was warned of."""
    WARNED.clear()
    yield WARNED
    WARNED.clear()


WARNED: Warnings = []


def refuse(account: Account = ADA) -> None:
    with login_lock.turn(account, 5, WARNED.append) as turn:
        assert turn.refusal is None
        turn.note(SAID)


def refusal(account: Account = ADA) -> t.Any:
    with login_lock.turn(account, 5, WARNED.append) as turn:
        return turn.refusal


def test_the_same_password_is_refused_with_the_sites_own_words() -> None:
    refuse()
    noted = refusal()
    assert {key: noted[key] for key in SAID} == SAID


@pytest.mark.parametrize(
    "other",
    [
        Account(ADA.service, "ada", "another-Passw0rd"),
        Account(ADA.service, "bob", ADA.password),
        Account(ADA.service, "Ada", ADA.password),  # names of accounts are case-sensitive
        Account("https://other.example.com/generateToken", "ada", ADA.password),
    ],
)
def test_others_may_try(other: Account) -> None:
    refuse()
    assert refusal(other) is None


def test_a_refusal_is_forgotten_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse()
    later = time.time() + login_lock.LASTS + 1
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: later)
        assert refusal() is None
    assert refusal() is not None


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        '{"at": 1}',
        "\x00",
        '{"at": "x", "salt": "00", "digest": "é", "hash": "scrypt"}',
        '{"at": [], "salt": 5, "digest": {}, "hash": []}',
        '{"at": 1, "salt": "0g", "digest": "", "hash": "md5"}',
    ],
)
def test_a_note_that_cannot_be_read_is_none(folder: Path, content: str) -> None:
    refuse()
    (folder / f"{ADA.key}.json").write_text(content, encoding="utf-8")
    assert refusal() is None
    refuse()
    assert refusal() is not None, "and a new one takes its place"


def test_no_secret_is_noted(folder: Path) -> None:
    refuse()
    for path in folder.iterdir():
        assert ADA.password not in path.read_text(encoding="utf-8")
        assert "ada" not in path.name


def test_turns_are_taken_one_after_the_other_and_not_for_ever() -> None:
    with login_lock.turn(ADA, 5, WARNED.append):
        began = time.monotonic()
        with login_lock.turn(ADA, 0.3, WARNED.append):
            assert 0.2 < time.monotonic() - began < 5
        with login_lock.turn(Account(ADA.service, "bob", "x"), 5, WARNED.append):
            pass
        assert time.monotonic() - began < 4


def make_wide(folder: Path) -> None:
    folder.mkdir(mode=0o755)


def make_link(folder: Path) -> None:
    (folder.parent / "elsewhere").mkdir(mode=0o700)
    folder.symlink_to(folder.parent / "elsewhere")


def make_file(folder: Path) -> None:
    folder.write_text("")


def make_fifo(folder: Path) -> None:
    os.mkfifo(folder)


SPOILERS = [make_wide, make_link, make_file, make_fifo]


@pytest.mark.parametrize("spoil", SPOILERS)
def test_a_folder_that_somebody_else_has_spoilt_is_not_used(
    folder: Path, warnings: Warnings, spoil: t.Callable[[Path], None]
) -> None:
    """The next place is tried, and each process of a run finds the same one."""
    spoil(folder)
    refuse()
    assert refusal() is not None
    used = [Path(one) for one in login_lock._folders()][1]
    assert stat.S_IMODE(used.stat().st_mode) == 0o700
    assert sorted(path.suffix for path in used.iterdir()) == [".json", ".lock"]
    assert warnings == []


@pytest.mark.parametrize("spoil", SPOILERS)
def test_without_any_folder_each_is_on_its_own_and_a_warning_says_so(
    warnings: Warnings, spoil: t.Callable[[Path], None]
) -> None:
    for one in login_lock._folders():
        spoil(Path(one))
    refuse()
    assert refusal() is None
    assert len(warnings) == 2
    assert all(one in warnings[0] for one in login_lock._folders())


@pytest.mark.parametrize("suffix", ["json", "lock"])
def test_files_that_are_none(folder: Path, suffix: str) -> None:
    """Neither a link is followed, nor is a pipe waited for."""
    folder.mkdir(mode=0o700)
    for make in (make_fifo, make_link):
        path = folder / f"{ADA.key}.{suffix}"
        make(path)
        begin = time.monotonic()
        refuse()
        assert time.monotonic() - begin < 5
        path.unlink()
        (folder / f"{ADA.key}.json").unlink(missing_ok=True)


@pytest.mark.parametrize("error", [AttributeError, ValueError, OSError])
def test_a_python_without_scrypt(monkeypatch: pytest.MonkeyPatch, error: type[Exception]) -> None:
    """LibreSSL has none, and FIPS may refuse it."""

    def no(*_args: t.Any, **_more: t.Any) -> bytes:
        raise error("no such hash")

    monkeypatch.setattr(hashlib, "scrypt", no)
    refuse()
    assert refusal() is not None
    assert refusal(Account(ADA.service, ADA.username, "another")) is None
    monkeypatch.setattr(hashlib, "pbkdf2_hmac", no)
    assert refusal() is None
    refuse()


def test_a_query_does_not_send_what_was_refused(asked_site: t.Any, api: str) -> None:
    with asked_site("first_gate", api=api) as asked:
        messages = []
        for _host in range(3):
            with pytest.raises(LoginRefused) as caught:
                asked.query(services=["System/PublishingTools"], password="wrong-Passw0rd")
            messages.append(str(caught.value))
        assert asked.site.counts()["wrong_passwords"] == 1
        assert len(set(messages)) == 1
        assert asked.query(services=["System/PublishingTools"])["complete"] is True
        with pytest.raises(LoginRefused):
            asked.query(services=["System/PublishingTools"], password="wrong-Passw0rd")
        assert asked.site.counts()["wrong_passwords"] == 1, "the right one does not make it right"


LOG_IN = """
import sys, time
from ansible_collections.gisops.arcgis.plugins.module_utils._wire import login_lock
login_lock.tempfile.tempdir = sys.argv[1]
with login_lock.turn(login_lock.Account("https://h", "ada", "pw"), 30, print) as turn:
    if turn.refusal is None:
        print("sent", flush=True)
        time.sleep(0.2)
        turn.note({"words": "no"})
"""


def test_processes_take_turns(tmp_path: Path) -> None:
    env = {**os.environ, "PYTHONPATH": str(COLLECTIONS)}
    command = [sys.executable, "-c", LOG_IN, str(tmp_path)]
    running = [subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) for _host in range(6)]
    said = [process.communicate(timeout=60)[0] for process in running]
    assert sorted(said) == [""] * 5 + ["sent\n"]
