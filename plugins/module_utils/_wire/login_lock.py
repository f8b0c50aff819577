# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Keeps the many processes of a run from sending the same wrong password one after the other.

Each host of a fleet logs in by a process of its own, and five wrong passwords within a quarter of an hour lock even
the site's administrator out. So logins of one account at one token service take turns on one machine, and a refusal is
noted for some minutes: whoever comes with the same password is refused here. Another password may be tried.

The note holds no password, only a salted digest of it, in a folder that is this user's own and that nobody else may
read. If there is no such folder, or no way to lock a file, each process is on its own, and a warning says so.
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

try:
    import fcntl
except ImportError:
    fcntl = None  # type: ignore[assignment]

LASTS = 300.0
"""Seconds. Three tries in a quarter of an hour are below what locks an account."""
_PAUSE = 0.05
_ALONE = (
    "No folder of this user's own was found in which logins could take turns (tried: {}), so that each host of a run "
    "may try the same wrong password, and lock the account."
)
_LARGEST_NOTE = 10000


class Account(t.NamedTuple):
    """Who wants to log in where."""

    service: str
    username: str
    password: str

    @property
    def key(self) -> str:
        """A name for the note, of nothing that is secret."""
        return hashlib.sha256(f"{self.service}\n{self.username}".encode("utf-8", "replace")).hexdigest()[:32]


class Turn:
    """The time in which no other process of this machine sends a password for this account."""

    def __init__(self, account: Account, folder: int | None) -> None:
        """:param folder: an open folder; None if there is none."""
        self._password = account.password
        self._name = f"{account.key}.json"
        self._folder = folder

    @property
    def refusal(self) -> dict[str, t.Any] | None:
        """What the site said of this very password lately."""
        if self._folder is None:
            return None
        try:
            with open(_open(self._name, self._folder, os.O_RDONLY), encoding="utf-8") as file:
                noted = json.loads(file.read(_LARGEST_NOTE))
            digest = _digest(self._password, bytes.fromhex(noted["salt"]), noted["hash"])
            is_same = digest is not None and hmac.compare_digest(digest, noted["digest"])
            return dict(noted) if is_same and 0 <= time.time() - noted["at"] < LASTS else None
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return None  # there is no note, or none of ours

    def note(self, said: t.Mapping[str, t.Any]) -> None:
        """Note that the site refused this password, and what it said."""
        salt = os.urandom(16)
        for name in _HASHES:
            digest = _digest(self._password, salt, name)
            if digest is not None and self._folder is not None:
                noted = {"at": time.time(), "salt": salt.hex(), "hash": name, "digest": digest, **said}
                with contextlib.suppress(OSError, ValueError):
                    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
                    with open(_open(self._name, self._folder, flags), "w", encoding="utf-8") as file:
                        file.write(json.dumps(noted))
                return


@contextlib.contextmanager
def turn(account: Account, seconds: float, warn: t.Callable[[str], None]) -> t.Iterator[Turn]:
    """Wait for the turn of this account, but no longer than so many seconds; then go on without."""
    folders = list(_folders())
    with contextlib.ExitStack() as opened:
        folder = next((one for one in map(_own_folder, folders) if one is not None), None)
        if folder is not None:
            opened.callback(os.close, folder)
            with contextlib.suppress(OSError):  # a full disk is no reason not to log in
                lock = opened.enter_context(open(_open(f"{account.key}.lock", folder, os.O_RDWR | os.O_CREAT), "rb"))
                _wait_for(lock, seconds)
        else:
            warn(_ALONE.format(", ".join(folders)))
        yield Turn(account, folder)  # to close the file gives the turn away


def _wait_for(lock: t.IO[bytes], seconds: float) -> None:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except OSError:
            time.sleep(_PAUSE)


def _folders() -> t.Iterator[str]:
    """Give the places for a folder of this user's own, the one that all share first."""
    yield os.path.join(tempfile.gettempdir(), f"gisops-arcgis-{os.getuid() if hasattr(os, 'getuid') else ''}")
    if os.environ.get("XDG_RUNTIME_DIR"):
        yield os.path.join(os.environ["XDG_RUNTIME_DIR"], "gisops-arcgis")
    yield os.path.join(os.path.expanduser("~"), ".ansible", "gisops-arcgis")


def _own_folder(path: str) -> int | None:
    """Open a folder, made if need be; None if it is not this user's own, or if somebody else may look into it."""
    if fcntl is None:
        return None
    try:
        with contextlib.suppress(FileExistsError):
            os.mkdir(path, mode=0o700)
        folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    status = os.fstat(folder)
    if status.st_uid == os.getuid() and not status.st_mode & 0o077:
        return folder
    os.close(folder)
    return None


def _open(name: str, folder: int, flags: int) -> int:
    """Open a file in a folder; raise OSError if it is a link, or no file."""
    file = os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600, dir_fd=folder)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise OSError(f"{name} is no file")
    return file


_HASHES: dict[str, t.Callable[[bytes, bytes], bytes]] = {
    "scrypt": lambda password, salt: hashlib.scrypt(password, salt=salt, n=2**14, r=8, p=1, dklen=32),
    "pbkdf2": lambda password, salt: hashlib.pbkdf2_hmac("sha256", password, salt, 300_000),
}


def _digest(password: str, salt: bytes, name: str) -> str | None:
    """Return a digest of a password; None if this Python lacks the hash, or refuses it (LibreSSL, FIPS)."""
    try:
        return _HASHES[name](password.encode("utf-8", "replace"), salt).hex()
    except (AttributeError, ValueError, OSError, KeyError):
        return None
