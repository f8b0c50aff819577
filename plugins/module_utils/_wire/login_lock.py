# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Keeps the many processes of a run from sending the same wrong password one after the other.

Each host of a fleet logs in by a process of its own, and five wrong passwords within a quarter of an hour lock even
the site's administrator out. So logins of one account at one token service take turns on one machine, and a refusal is
noted for some minutes: whoever comes with the same password is refused here. Another password may be tried.

The note holds no password, only a salted scrypt digest of it, in a folder that nobody else may read. Where there is no
such folder, or no way to lock a file, each process is on its own.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import stat
import tempfile
import time
import typing as t
from dataclasses import dataclass
from pathlib import Path

try:
    import fcntl
except ImportError:
    fcntl = None  # type: ignore[assignment]

LASTS = 300.0
"""Seconds. Three tries in a quarter of an hour are below what locks an account."""
_PAUSE = 0.05
_WORK = {"n": 2**14, "r": 8, "p": 1}


@dataclass(frozen=True)
class Account:
    """Who wants to log in where."""

    service: str
    username: str
    password: str

    @property
    def key(self) -> str:
        """A name for the note, of nothing that is secret."""
        return hashlib.sha256(f"{self.service}\n{self.username.lower()}".encode()).hexdigest()[:32]


class Turn:
    """The time in which no other process of this machine sends a password for this account."""

    def __init__(self, note: Path | None, password: str) -> None:
        self._note = note
        self._password = password

    @property
    def refusal(self) -> dict[str, t.Any] | None:
        """What the site said of this very password lately."""
        noted = self._read()
        if noted is None or not 0 <= time.time() - noted["at"] < LASTS:
            return None
        digest = _digest(self._password, bytes.fromhex(noted["salt"]))
        return noted if hmac.compare_digest(digest, noted["digest"]) else None

    def note(self, said: t.Mapping[str, t.Any]) -> None:
        """Notes that the site refused this password, and what it said."""
        salt = os.urandom(16)
        noted = {"at": time.time(), "salt": salt.hex(), "digest": _digest(self._password, salt), **said}
        if self._note is not None:
            with contextlib.suppress(OSError):
                self._note.write_text(json.dumps(noted), encoding="utf-8")

    def _read(self) -> dict[str, t.Any] | None:
        try:
            noted = json.loads(self._note.read_text(encoding="utf-8")) if self._note is not None else None
            return noted if noted and {"at", "salt", "digest"} <= noted.keys() else None
        except (OSError, ValueError, AttributeError):
            return None


@contextlib.contextmanager
def turn(account: Account, seconds: float) -> t.Iterator[Turn]:
    """Waits for the turn of this account, but no longer than so many seconds; then it goes on without."""
    folder = _folder()
    if folder is None or fcntl is None:
        yield Turn(None, account.password)
        return
    try:
        lock = open(folder / f"{account.key}.lock", "a", encoding="utf-8")  # noqa: SIM115 - closed below
    except OSError:  # a full disk is no reason not to log in
        yield Turn(None, account.password)
        return
    with lock:
        _wait_for(lock, seconds)
        yield Turn(folder / f"{account.key}.json", account.password)  # closing the file gives the turn away


def _wait_for(lock: t.IO[str], seconds: float) -> None:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except OSError:
            time.sleep(_PAUSE)


def _folder() -> Path | None:
    """A folder of this user's own; None where somebody else could read or has made it."""
    try:
        folder = Path(tempfile.gettempdir(), f"gisops-arcgis-{os.getuid()}")
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
    except (OSError, AttributeError):
        return None
    own = stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and not status.st_mode & 0o077
    return folder if own else None


def _digest(password: str, salt: bytes) -> str:
    return hashlib.scrypt(password.encode(), salt=salt, dklen=32, **_WORK).hex()
