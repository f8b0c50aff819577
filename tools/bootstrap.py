#!/usr/bin/env python3
# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make .venv on a machine that has nothing but a Python: the newest fit one found, uv, and what dev.txt asks for.

Where ensurepip is missing (Debian without python3-venv), pip comes as a wheel from the package index. Nothing is done
if .venv is already what was asked for. noxfile.py takes the Pythons and the settings of the package index from here.
"""

from __future__ import annotations

import ast
import configparser
import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path
from urllib.parse import urljoin

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
REQUIREMENTS = ROOT / "tests" / "requirements" / "dev.txt"
OLDEST, NEWEST = (3, 11), (3, 14)  # a newer Python only if there is no other: many packages have no wheels for it yet
PROBE = "import ctypes, json, sqlite3, ssl, sys, venv; print(json.dumps([*sys.version_info[:3], sys.executable]))"
PYPI = "https://pypi.org/simple"
UV_NAMES = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "constraint": "UV_CONSTRAINT",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
    "proxy": "ALL_PROXY",
}


def pythons(oldest: tuple[int, ...] = OLDEST) -> list[tuple[tuple[int, ...], str]]:
    """Find all Pythons on PATH and in pyenv that work, which its shims may not; return version and path, best first."""
    names = (os.environ.get("PYTHON", ""), "python3", "python", *(f"python3.{minor}" for minor in range(9, 16)))
    paths = [shutil.which(name) for name in names]
    for root in {os.environ.get("PYENV_ROOT", ""), os.path.expanduser("~/.pyenv")} - {""}:
        paths += [str(path) for path in Path(root).glob("versions/3.*/bin/python3")]
    found = {}
    for path in [*filter(None, paths), sys.executable]:
        with contextlib.suppress(OSError, ValueError, subprocess.SubprocessError):
            done = subprocess.run([path, "-c", PROBE], capture_output=True, text=True, timeout=30, check=True)
            *version, real = json.loads(done.stdout)
            if tuple(version) >= oldest and "/.venv" not in real and "/.nox/" not in real:
                found[os.path.realpath(real)] = (tuple(version), real)
    return sorted(found.values(), key=lambda one: (one[0][:2] <= NEWEST, one[0]), reverse=True)


def pip_settings(python: str | Path = VENV / "bin" / "python") -> dict[str, str]:
    """Read what the user's pip is told by its files and the environment, for tools that look at neither."""
    command = [str(python), "-m", "pip", "config", "list"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd="/")
    settings = {}
    for line in done.stdout.splitlines():
        name, _, value = line.partition("=")
        section, _, option = name.rpartition(".")
        if section in ("global", "install", ":env:") and option not in ("config-file", "target", "prefix", "user"):
            with contextlib.suppress(ValueError, SyntaxError):
                settings[option] = " ".join(str(ast.literal_eval(value)).split())
    return settings


def uv_settings(settings: dict[str, str]) -> dict[str, str]:
    """Say the same to uv by its environment variables; what the user has set there for uv itself stays."""
    told = {UV_NAMES[option]: value for option, value in settings.items() if option in UV_NAMES}
    told |= {"UV_INDEX_STRATEGY": "unsafe-best-match"}  # all indexes count alike, as they do for pip
    told |= {"UV_PYTHON_DOWNLOADS": "never", "UV_COMPILE_BYTECODE": "1", "UV_NO_PROGRESS": "1"}
    return {**told, **{name: value for name, value in os.environ.items() if name in told}}


def pip_wheel(folder: Path) -> Path:
    """Fetch the newest pip from the index, and check it against the sha256 that the index announces."""
    config = configparser.RawConfigParser()
    with contextlib.suppress(configparser.Error):
        files = ("/etc/pip.conf", "~/.pip/pip.conf", "~/.config/pip/pip.conf", os.environ.get("PIP_CONFIG_FILE", ""))
        config.read([os.path.expanduser(name) for name in files])
    index = os.environ.get("PIP_INDEX_URL") or str(config.get("global", "index-url", fallback=PYPI))
    if authority := os.environ.get("PIP_CERT") or os.environ.get("REQUESTS_CA_BUNDLE"):
        os.environ.setdefault("SSL_CERT_FILE", authority)
    page = urljoin(index.rstrip("/") + "/", "pip/")
    headers = {"Accept": "application/vnd.pypi.simple.v1+json"}
    with urllib.request.urlopen(urllib.request.Request(page, headers=headers), timeout=60) as answer:  # noqa: S310
        offered = [one for one in json.load(answer)["files"] if not one.get("yanked")]
    wheels = {re.match(r"pip-(\d+)\.(\d+)(?:\.(\d+))?-py3-none-any\.whl$", one["filename"]): one for one in offered}
    newest = max(filter(None, wheels), key=lambda match: [int(part or 0) for part in match.groups()])
    with urllib.request.urlopen(urljoin(page, wheels[newest]["url"]), timeout=60) as answer:  # noqa: S310
        body = answer.read()
    if hashlib.sha256(body).hexdigest() != wheels[newest]["hashes"]["sha256"]:
        raise SystemExit(f"{newest[0]} does not have the sha256 that its index announces.")
    (folder / newest[0]).write_bytes(body)
    return folder / newest[0]


def make(python: str) -> None:
    shutil.rmtree(VENV, ignore_errors=True)
    inside = str(VENV / "bin" / "python")
    if subprocess.run([python, "-m", "venv", str(VENV)], capture_output=True, check=False).returncode:
        print("This Python comes without ensurepip: fetching pip from the package index.", flush=True)
        subprocess.run([python, "-m", "venv", "--clear", "--without-pip", str(VENV)], check=True)
        wheel = pip_wheel(VENV)
        subprocess.run([inside, f"{wheel}/pip", "install", "-qq", "--no-index", str(wheel)], check=True)
    subprocess.run([inside, "-m", "pip", "install", "-qq", "--disable-pip-version-check", "uv"], check=True)
    env = {**os.environ, **uv_settings(pip_settings(inside))}
    uv = [str(VENV / "bin" / "uv"), "pip", "install", "-q", "--python", inside, "-r", str(REQUIREMENTS)]
    subprocess.run(uv, env=env, check=True)


def main() -> None:
    wanted = os.path.realpath(shutil.which(os.environ.get("PYTHON", "")) or "")
    fit = [one for one in pythons() if not os.environ.get("PYTHON") or os.path.realpath(one[1]) == wanted]
    if not fit:
        raise SystemExit("No Python 3.11 or newer with ssl and sqlite3 found: make PYTHON=/path/to/python3 names one.")
    version, python = fit[0]
    state = hashlib.sha256(f"{VENV}\0{python}\0{REQUIREMENTS.read_text(encoding='utf-8')}".encode()).hexdigest()
    stamp = VENV / ".made-from"
    with (ROOT / ".venv.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.is_file() or stamp.read_text(encoding="utf-8") != state:
            print(f"Making .venv with Python {'.'.join(map(str, version))} ({python}): a minute or two.", flush=True)
            try:
                make(python)
            except (OSError, subprocess.CalledProcessError) as error:
                raise SystemExit(f".venv could not be made: {error}. Without pip: install python3-venv.") from None
            stamp.write_text(state, encoding="utf-8")


if __name__ == "__main__":
    main()
