# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many processes with one wrong password: it is sent once, and nobody can read it from what is noted."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.gisops.arcgis.plugins.module_utils._errors import LoginRefused
from ansible_collections.gisops.arcgis.plugins.module_utils._wire import login_lock as _login_guard
from ansible_collections.gisops.arcgis.plugins.module_utils._wire.login_lock import Account

from ....ansible_run import COLLECTIONS

ADA = Account("https://gis.example.com/portal/sharing/rest/generateToken", "ada", "wrong-Passw0rd")
SAID = {"status": 400, "words": "Invalid username or password."}


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, no_memory_of_logins: None) -> Path:
    """A folder of the test's own, in place of the user's."""
    monkeypatch.setattr(_login_guard, "_folder", lambda: tmp_path)
    return tmp_path


def refuse(account: Account = ADA) -> None:
    with _login_guard.turn(account, 5) as turn:
        assert turn.refusal is None
        turn.note(SAID)


def refusal(account: Account = ADA) -> t.Any:
    with _login_guard.turn(account, 5) as turn:
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
        Account("https://other.example.com/generateToken", "ada", ADA.password),
    ],
)
def test_others_may_try(other: Account) -> None:
    refuse()
    assert refusal(other) is None


def test_a_refusal_is_forgotten_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse()
    later = time.time() + _login_guard.LASTS + 1
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: later)
        assert refusal() is None
    assert refusal() is not None


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"at": 1}', "\x00"])
def test_a_note_that_cannot_be_read_is_none(folder: Path, content: str) -> None:
    (folder / f"{ADA.key}.json").write_text(content, encoding="utf-8")
    assert refusal() is None


def test_no_secret_is_noted(folder: Path) -> None:
    refuse()
    for path in folder.iterdir():
        assert ADA.password not in path.read_text(encoding="utf-8")
        assert "ada" not in path.name


def test_turns_are_taken_one_after_the_other_and_not_for_ever() -> None:
    with _login_guard.turn(ADA, 5):
        began = time.monotonic()
        with _login_guard.turn(ADA, 0.3):
            assert 0.2 < time.monotonic() - began < 5
        with _login_guard.turn(Account(ADA.service, "bob", "x"), 5):
            pass
        assert time.monotonic() - began < 4


def test_a_folder_that_others_may_read_is_not_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folder = _login_guard._folder()
    assert folder is not None
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    folder.chmod(0o755)
    assert _login_guard._folder() is None
    folder.chmod(0o700)
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    assert _login_guard._folder() is None


def test_without_a_folder_each_is_on_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_login_guard, "_folder", lambda: None)
    refuse()
    assert refusal() is None


def test_a_folder_that_takes_no_file_keeps_nobody_from_logging_in(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(_login_guard, "_folder", lambda: tmp_path / "not-there")
    refuse()
    assert refusal() is None


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
from ansible_collections.gisops.arcgis.plugins.module_utils._wire import login_lock as _login_guard
_login_guard.tempfile.tempdir = sys.argv[1]
with _login_guard.turn(_login_guard.Account("https://h", "ada", "pw"), 30) as turn:
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
