#!/usr/bin/env python3
# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make or refresh a virtual environment: the newest fit Python found, and what the requirement files ask for.

Needs nothing but a Python; where ensurepip is missing (Debian without python3-venv), pip comes as a wheel from the
package index. Nothing is done where the environment already is what was asked for.
"""

from __future__ import annotations

import argparse
import configparser
import fcntl
import hashlib
import json
import os
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST = (3, 11)
NEWEST = (3, 14)  # a newer Python is taken only where there is no other: many packages have no wheels for it yet
PROBE = "import ctypes, json, sqlite3, ssl, sys, venv, zlib; print(json.dumps([*sys.version_info[:3], sys.executable]))"


def probe(path: str) -> tuple[tuple[int, ...], str] | None:
    """Run a Python, for a version manager's shim may exist and not work; return its version and its real path."""
    env = {name: value for name, value in os.environ.items() if name not in ("PYTHONHOME", "PYTHONPATH")}
    try:
        done = subprocess.run([path, "-c", PROBE], capture_output=True, text=True, timeout=30, check=True, env=env)
        *version, executable = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return tuple(version), executable


def pythons(oldest: tuple[int, ...] = OLDEST) -> list[tuple[tuple[int, ...], str]]:
    """All Pythons found that work, the best one first."""
    names = [f"python3.{minor}" for minor in range(NEWEST[1], oldest[1] - 1, -1)] + ["python3", "python"]
    paths = [found for name in names if (found := shutil.which(name))]
    for root in (os.environ.get("PYENV_ROOT") or "~/.pyenv", "~/.pyenv"):
        paths += [str(path) for path in Path(root).expanduser().glob("versions/*/bin/python3")]
    working: dict[str, tuple[tuple[int, ...], str]] = {}
    for path in [*paths, sys.executable]:
        known = probe(path)
        if known and known[0] >= oldest and "/.venv" not in known[1]:
            working[os.path.realpath(known[1])] = known
    return sorted(working.values(), key=lambda known: (known[0][:2] <= NEWEST, known[0]), reverse=True)


def choose(wanted: str, limit: tuple[int, ...], oldest: tuple[int, ...]) -> tuple[tuple[int, ...], str]:
    if wanted:
        known = probe(shutil.which(wanted) or wanted)
        if not known or known[0] < oldest:
            raise SystemExit(f"PYTHON={wanted} does not run, lacks ssl or sqlite3, or is older than 3.{oldest[1]}.")
        return known
    fit = [known for known in pythons() if known[0][:2] <= limit] or pythons()
    if not fit:
        raise SystemExit(
            f"No Python 3.{OLDEST[1]} or newer found on PATH or in pyenv; name one: make venv PYTHON=/path/to/python3"
        )
    return fit[0]


def index_url() -> str:
    """The index that the user's pip would ask, as far as a look at the environment and pip's files tells."""
    if url := os.environ.get("PIP_INDEX_URL"):
        return url
    files = ["/etc/pip.conf", "~/.pip/pip.conf", "~/.config/pip/pip.conf", os.environ.get("PIP_CONFIG_FILE", "")]
    config = configparser.RawConfigParser()
    try:
        config.read([os.path.expanduser(name) for name in files if name], encoding="utf-8")
        return config.get("global", "index-url", fallback="") or "https://pypi.org/simple"
    except configparser.Error:
        return "https://pypi.org/simple"


def download(url: str, accept: str = "*/*") -> bytes:
    context = ssl.create_default_context()
    for name in ("PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        if os.path.isfile(os.environ.get(name, "")):
            context.load_verify_locations(os.environ[name])
            break
    if not url.startswith("https://"):
        raise SystemExit(f"Will not fetch pip from {urllib.parse.urlsplit(url).hostname}: not an https address.")
    request = urllib.request.Request(url, headers={"Accept": accept})  # noqa: S310 - https, see above
    with urllib.request.urlopen(request, timeout=60, context=context) as answer:  # noqa: S310
        return bytes(answer.read())


def pip_wheel(folder: Path, python: tuple[int, ...]) -> Path:
    """Fetch the newest pip that this Python takes, and check it against the index's sha256."""
    page = urllib.parse.urljoin(index_url().rstrip("/") + "/", "pip/")
    listing = json.loads(download(page, "application/vnd.pypi.simple.v1+json"))
    best: tuple[tuple[int, ...], dict[str, object]] | None = None
    for entry in listing["files"]:
        match = re.fullmatch(r"pip-(\d+(?:\.\d+)*)-py3-none-any\.whl", entry["filename"])
        needs = re.search(r">=\s*3\.(\d+)", entry.get("requires-python") or "")
        if not match or entry.get("yanked") or (needs and python < (3, int(needs[1]))):
            continue
        version = tuple(int(part) for part in match[1].split("."))
        if best is None or version > best[0]:
            best = (version, entry)
    if best is None:
        raise SystemExit(f"No wheel of pip found at {urllib.parse.urlsplit(page).hostname}")
    entry = best[1]
    data = download(urllib.parse.urljoin(page, str(entry["url"])))
    if hashlib.sha256(data).hexdigest() != entry["hashes"]["sha256"]:  # type: ignore[index]
        raise SystemExit(f"{entry['filename']} does not have the sha256 that its index announces.")
    target = folder / str(entry["filename"])
    target.write_bytes(data)
    return target


def create(venv: Path, version: tuple[int, ...], python: str) -> None:
    env = {name: value for name, value in os.environ.items() if name not in ("PYTHONHOME", "PYTHONPATH")}
    shutil.rmtree(venv, ignore_errors=True)
    done = subprocess.run([python, "-m", "venv", str(venv)], capture_output=True, text=True, env=env, check=False)
    inside = str(venv / "bin" / "python")
    if done.returncode == 0 and probe(inside) and (venv / "bin" / "pip").exists():
        return
    print("This Python comes without ensurepip: fetching pip from the package index.", flush=True)
    shutil.rmtree(venv, ignore_errors=True)
    subprocess.run([python, "-m", "venv", "--without-pip", str(venv)], env=env, check=True)
    with tempfile.TemporaryDirectory() as folder:
        try:
            wheel = pip_wheel(Path(folder), version)
        except (OSError, ValueError, KeyError) as exc:
            host = urllib.parse.urlsplit(index_url()).hostname  # the address may hold a password
            raise SystemExit(f"Could not fetch pip from {host} ({exc}): install python3-venv instead.") from exc
        subprocess.run([inside, f"{wheel}/pip", "install", "-qq", "--no-index", str(wheel)], env=env, check=True)


def wanted_state(args: argparse.Namespace, python: str) -> str:
    parts = [str(args.venv.resolve()), python, *args.no_deps, *args.package]
    parts += [path.read_text(encoding="utf-8") for path in args.requirement]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("venv", type=Path, help="folder of the environment")
    parser.add_argument("-r", "--requirement", type=Path, action="append", default=[], help="a requirements file")
    parser.add_argument("--package", action="append", default=[], help="a requirement beside those files")
    parser.add_argument("--no-deps", action="append", default=[], help="a requirement to install without what it needs")
    parser.add_argument("--python", default="", help="the Python to use; default: the newest fit one found")
    parser.add_argument("--limit", default=f"3.{NEWEST[1]}", help="the newest minor version to take by itself")
    parser.add_argument("--oldest", default=f"3.{OLDEST[1]}", help="the oldest minor version that --python may name")
    parser.add_argument("--show", action="append", default=[], help="a package whose version is printed")
    args = parser.parse_args()

    limit, oldest = (tuple(int(part) for part in text.split(".")) for text in (args.limit, args.oldest))
    version, python = choose(args.python, limit, oldest)
    stamp, state, inside = args.venv / ".made-from", wanted_state(args, python), str(args.venv / "bin" / "python")
    args.venv.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{args.venv}.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        current = stamp.read_text(encoding="utf-8") if stamp.is_file() else ""
        if current != state or not probe(inside):
            print(f"Making {args.venv} with {python}; this takes a minute or two.", flush=True)
            create(args.venv, version, python)
            pip = [inside, "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--no-input"]
            env = os.environ | {"PIP_ROOT_USER_ACTION": "ignore"}
            files = [part for path in args.requirement for part in ("-r", str(path))]
            if subprocess.run([*pip, *files, *args.package], env=env, check=False).returncode:
                raise SystemExit(f"pip could not install {', '.join(map(str, args.requirement))}: see above.")
            if args.no_deps and subprocess.run([*pip, "--no-deps", *args.no_deps], env=env, check=False).returncode:
                raise SystemExit(f"pip could not install {', '.join(args.no_deps)}: see above.")
            stamp.write_text(state, encoding="utf-8")
    shown = f"import importlib.metadata as m; print(*(f'{{n}} {{m.version(n)}}' for n in {args.show!r}), sep=', ')"
    done = subprocess.run([inside, "-c", shown], capture_output=True, text=True, check=True)
    print(f"{args.venv}: Python {'.'.join(map(str, version))} ({python}), {done.stdout.strip()}", flush=True)


if __name__ == "__main__":
    main()
