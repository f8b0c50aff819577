#!/usr/bin/env python3
# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the checks of the project, one after the other, and say what ran and how long each part took.

Started by make with the Python of .venv. Every tool runs without a terminal, in a home folder of its own, without the
ANSIBLE_*, MOLECULE_* and ARCGIS_* variables of the user: the result depends on the checkout alone.
"""

from __future__ import annotations

import argparse
import ast
import configparser
import contextlib
import itertools
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import make_venv

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache"
COLLECTION = Path("ansible_collections", "gisops", "arcgis")
COVERAGE_FLOOR = 90
STEP_LIMIT = int(os.environ.get("STEP_LIMIT", "1500"))  # seconds: a tool that hangs must not hang the whole run
QUIET_TAIL = 300  # lines of a tool that was run quietly and failed
TEST_PASSWORD = "rehearsal-Passw0rd-siteadmin"
OLDEST_MODULE_PYTHON = (3, 9)
Args = list[str]


class CheckFailed(Exception):
    """A check found something, or could not do its work."""


# --- the place where tools run ---------------------------------------------------------------------------------------


def pip_settings() -> dict[str, str]:
    """What the user's pip is told by files and environment: ansible-test hides both from the pips that it starts."""
    done = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True, cwd="/"
    )
    settings: dict[str, str] = {"quiet": "2"}
    unfit = ("config-file", "target", "prefix", "require-virtualenv")
    for line in done.stdout.splitlines():
        key, _, value = line.partition("=")
        section, _, option = key.rpartition(".")
        if section in ("global", "install", ":env:") and option not in unfit:
            with contextlib.suppress(ValueError, SyntaxError):
                settings[option] = " ".join(str(ast.literal_eval(value)).split())
    authorities = [os.environ.get(name, "") for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE")]
    if bundle := next((path for path in authorities if os.path.isfile(path)), ""):
        settings.setdefault("cert", bundle)
    if proxy := os.environ.get("HTTPS_PROXY") or os.environ.get("https_proxy"):
        settings.setdefault("proxy", proxy)
    return settings


PIP_BOOTSTRAP = '''\
"""Installs pip into the environment that ansible-test has made, from the package index that pip is set to use."""
import subprocess
import sys

packages = [argument for argument in sys.argv[1:] if not argument.startswith("--no-")]
sys.exit(subprocess.call([{pip_python!r}, "-m", "pip", "--python", sys.executable, "install"] + packages))
'''


def write_pip_bootstrap(home: Path) -> None:
    """Put a script of ours where ansible-test looks for the one that it would download from a host of its own."""
    import ansible_test

    source = Path(ansible_test.__path__[0], "_internal", "python_requirements.py").read_text(encoding="utf-8")
    versions = set(re.findall(r"""pip(?:_version)?['"]?\s*[=:]\s*['"](\d+(?:\.\d+)+)['"]""", source))
    if not versions:
        raise CheckFailed("This ansible-test does not say which pip it wants: see write_pip_bootstrap().")
    folder = home / ".ansible" / "test" / "cache"
    folder.mkdir(parents=True)
    for version in versions:
        name = f"get_pip_{version.replace('.', '_')}.py"
        (folder / name).write_text(PIP_BOOTSTRAP.format(pip_python=sys.executable), encoding="utf-8")


class Workshop:
    """A scratch folder with a home, a PATH of real Pythons, and the collection in its place, as a link or as copies."""

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        self.folders = itertools.count(1)
        self.home = scratch / "home"
        self.linked = scratch / "linked"
        (self.linked / COLLECTION.parent).mkdir(parents=True)
        (self.linked / COLLECTION).symlink_to(ROOT)
        pip_conf = self.home / ".config" / "pip" / "pip.conf"
        pip_conf.parent.mkdir(parents=True)
        config = configparser.RawConfigParser()
        config["global"] = pip_settings()
        with pip_conf.open("w", encoding="utf-8") as file:
            config.write(file)
        (self.home / "ansible.cfg").touch()
        write_pip_bootstrap(self.home)
        self.env = self._environment()

    def _environment(self) -> dict[str, str]:
        hidden = ("ANSIBLE_", "MOLECULE_", "ARCGIS_", "PYTEST_", "COVERAGE_", "MAKE", "MFLAGS", "GIT_DIR")
        env = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
        for name in ("PYTHONPATH", "PYTHONHOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "VIRTUAL_ENV"):
            env.pop(name, None)
        # ansible-test wants real Pythons: a version manager's shims answer to names that they cannot serve
        pythons = self.scratch / "pythons"
        pythons.mkdir()
        for version, path in make_venv.pythons(OLDEST_MODULE_PYTHON):
            link = pythons / f"python{version[0]}.{version[1]}"
            if not link.exists() and version[:2] != sys.version_info[:2]:
                link.symlink_to(path)
        old = [part for part in env.get("PATH", os.defpath).split(os.pathsep) if Path(part).name != "shims"]
        env["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), str(pythons), *old])
        env |= {
            "HOME": str(self.home),
            "TMPDIR": str(self.scratch),
            "LC_ALL": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            "ANSIBLE_HOME": str(self.home / ".ansible"),
            "ANSIBLE_COLLECTIONS_PATH": str(self.linked),
            "ANSIBLE_CONFIG": str(self.home / "ansible.cfg"),
            "ANSIBLE_NOCOLOR": "1",
            "NO_COLOR": "1",
            "MYPY_CACHE_DIR": str(CACHE / "mypy"),
        }
        return env

    def folder(self, name: str) -> Path:
        path = self.scratch / f"{name}-{next(self.folders)}"
        path.mkdir()
        return path

    def copy(self) -> tuple[Path, Path]:
        """A pristine copy in a collections layout: what git has or would take, nothing else."""
        root = self.folder("tree")
        done = subprocess.run(
            ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise CheckFailed(f"git ls-files failed: {done.stderr.strip()}")
        target = root / COLLECTION
        for name in sorted(set(done.stdout.split("\0")) - {""}):
            source = ROOT / name
            if not source.is_file():  # deleted in the work tree
                continue
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name, follow_symlinks=False)
        return root, target

    def run(self, *command: str, cwd: Path = ROOT, quiet: bool = False, env: dict[str, str] | None = None) -> str:
        """Run a tool, show what it prints while it prints it (or, quietly, if it fails), and return that."""
        print(f"$ {shlex.join(command)}", flush=True)
        child = subprocess.Popen(
            command,
            cwd=cwd,
            env=self.env | (env or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        late = threading.Event()

        def stop() -> None:
            late.set()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGTERM)

        timer = threading.Timer(STEP_LIMIT, stop)
        timer.start()
        lines: list[str] = []
        try:
            assert child.stdout  # noqa: S101
            for line in child.stdout:
                lines.append(line)
                if not quiet:
                    print(line, end="", flush=True)
            code = child.wait()
        except BaseException:
            stop()
            raise
        finally:
            timer.cancel()
        if late.is_set():
            raise CheckFailed(f"{command[0]} did not end within {STEP_LIMIT} seconds")
        if code:
            print("".join(lines[-QUIET_TAIL:]) if quiet else "", end="", flush=True)
            raise CheckFailed(f"{Path(command[0]).name} ended with {code}")
        return "".join(lines)

    def run_each(self, *commands: tuple[str, ...], cwd: Path = ROOT, env: dict[str, str] | None = None) -> None:
        """Run all of them, and fail afterwards where one did."""
        failures = []
        for command in commands:
            try:
                self.run(*command, cwd=cwd, env=env)
            except CheckFailed as exc:
                failures.append(str(exc))
        if failures:
            raise CheckFailed(", ".join(failures))


@contextlib.contextmanager
def workshop() -> Iterator[Workshop]:
    # No random letters: ansible-core looks at its paths as Python literals, and Python warns of one like /tmp/539ifqpz
    # ("539 if"), which ansible-test takes for an error.
    for number in itertools.count(os.getpid()):
        scratch = Path(tempfile.gettempdir(), f"gisops-arcgis-{number}").resolve()
        with contextlib.suppress(FileExistsError):
            scratch.mkdir(mode=0o700)
            break
    try:
        yield Workshop(scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def python_files(*folders: str) -> list[str]:
    return [folder for folder in folders if any((ROOT / folder).rglob("*.py"))]


# --- the parts -------------------------------------------------------------------------------------------------------


def ruff(shop: Workshop, args: Args) -> None:
    shop.run_each(("ruff", "check", "."), ("ruff", "format", "--check", "."))


def mypy(shop: Workshop, args: Args) -> None:
    wanted = ("plugins", "tests/unit", "tests/playbooks", "tests/esri", "tests/integration", "tools")
    folders = python_files(*wanted)
    site = shop.linked / COLLECTION / "tests" / "site"
    base = ("mypy", "--config-file", str(ROOT / "pyproject.toml"))
    shop.run_each(
        (*base, *(str(COLLECTION / folder) for folder in folders)),
        (*base, "-p", "rehearsal_site"),
        cwd=shop.linked,
        env={"MYPYPATH": os.pathsep.join([str(site), str(shop.linked / COLLECTION / "tools")])},
    )


def yamllint(shop: Workshop, args: Args) -> None:
    shop.run("yamllint", "--strict", ".", cwd=shop.copy()[1])


def ansible_lint(shop: Workshop, args: Args) -> None:
    root, tree = shop.copy()
    text = shop.run(
        "ansible-lint",
        "--offline",
        "--nocolor",
        "--profile",
        "production",
        "--strict",
        cwd=tree,
        env={"ANSIBLE_COLLECTIONS_PATH": str(root)},
    )
    if "Passed" not in text:
        raise CheckFailed("ansible-lint did not say that it passed")


def units(shop: Workshop, args: Args) -> None:
    import ansible

    CACHE.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", "--durations=5"]
    if not args:
        folders = python_files("tests/unit", "tests/playbooks", "tests/site/tests")
        if not folders:
            raise CheckFailed("there are no unit tests")
        # Most tests wait for a site now and then, so that there is work for several even on one core.
        side_by_side = ["-n", str(max(2, os.cpu_count() or 2)), "--dist", "worksteal"]
        args = [*folders, *side_by_side, "--cov=plugins", "--cov-report=term", f"--cov-fail-under={COVERAGE_FLOOR}"]
    path = os.pathsep.join([str(shop.linked), str(ROOT / "tests" / "site")])
    print(f"ansible-core is {Path(ansible.__file__).parent}", flush=True)
    fast = {"COVERAGE_CORE": "sysmon"} if sys.version_info >= (3, 12) else {}
    shop.run(*command, *args, env={"PYTHONPATH": path} | fast)


def sanity(shop: Workshop, args: Args) -> None:
    """ansible-test sanity on what the archive holds: the site and the tools are programs of their own, not in it.

    Without --python, "compile" and "import" run on every Python found that ansible-core supports, from 3.9 on.
    """
    into = shop.scratch / "installed"
    build_and_install(shop, into)
    text = shop.run("ansible-test", "sanity", "--color", "no", "--venv", *args, cwd=into / COLLECTION)
    ran = len(re.findall(r"^Running sanity test", text, re.M))
    if not ran:
        raise CheckFailed("ansible-test ran no sanity test")
    print(f"{ran} sanity tests ran")


def integration(shop: Workshop, args: Args, target: str = "") -> None:
    if not [path for path in (ROOT / "tests/integration/targets").glob("*") if path.is_dir()]:
        raise CheckFailed("there are no integration targets")
    tree = shop.copy()[1]
    control = f"{sys.version_info[0]}.{sys.version_info[1]}"
    place = ["--venv", "--python", control]
    if target:
        place = ["--controller", f"origin:python=venv/{control}", "--target", f"controller:python=venv/{target}"]
    command = ["ansible-test", "integration", "--color", "no", *place, "--requirements"]
    # Without arguments as verbose as can be, and quietly: what is looked at is whether a secret shows.
    text = shop.run(*command, *(args or ["-vvvvv"]), cwd=tree, quiet=not args)
    ran = re.findall(r"^Running (\S+) integration test role", text, re.M)
    if not ran:
        raise CheckFailed("ansible-test ran no integration target")
    print(f"Targets: {', '.join(ran)}")
    for line in text.splitlines():
        if TEST_PASSWORD in line:
            raise CheckFailed(f"a password shows in the output: {line[:300]}")


def integration_on(shop: Workshop, args: Args) -> None:
    """The integration tests with modules on another Python, which the first argument names: what a target may have."""
    if not args:
        raise CheckFailed('say which Python: --args="3.9"')
    integration(shop, args[1:], target=args[0])


def molecule(shop: Workshop, args: Args) -> None:
    names = sorted(path.parent.name for path in (ROOT / "extensions/molecule").glob("*/molecule.yml"))
    if not names:
        raise CheckFailed("there are no molecule scenarios")
    root, tree = shop.copy()
    for name in args or names:
        shop.run(
            "molecule",
            "--base-config",
            str(tree / "extensions/molecule/config.yml"),
            "test",
            "--scenario-name",
            name,
            cwd=tree,
            env={
                "ANSIBLE_COLLECTIONS_PATH": str(root),
                "ANSIBLE_HOME": str(shop.folder("ansible-home")),
                "PYTHONPATH": str(tree / "tests" / "site"),
            },
        )


def docs_check(shop: Workshop, args: Args) -> None:
    root, tree = shop.copy()
    shop.run(
        "antsibull-docs",
        "lint-collection-docs",
        "--plugin-docs",
        "--validate-collection-refs",
        "self",
        "--disallow-unknown-collection-refs",
        ".",
        cwd=tree,
        env={"ANSIBLE_COLLECTIONS_PATH": str(root)},
    )


def licenses(shop: Workshop, args: Args) -> None:
    shop.run("reuse", "lint", "--lines", cwd=shop.copy()[1])


def changelog(shop: Workshop, args: Args) -> None:
    tree = shop.copy()[1]
    shop.run("antsibull-changelog", "lint", cwd=tree)
    if (tree / "changelogs" / "changelog.yaml").is_file():
        shop.run("antsibull-changelog", "lint-changelog-yaml", "changelogs/changelog.yaml", cwd=tree)


def build_archive(shop: Workshop) -> Path:
    out = shop.folder("build")
    shop.run("ansible-galaxy", "collection", "build", "--output-path", str(out), cwd=shop.copy()[1])
    (archive,) = out.glob("*.tar.gz")
    return archive


def build_and_install(shop: Workshop, into: Path) -> None:
    archive = build_archive(shop)
    shutil.rmtree(into / COLLECTION, ignore_errors=True)
    shop.run(
        "ansible-galaxy",
        "collection",
        "install",
        str(archive),
        "--offline",
        "--force",
        "-p",
        str(into),
        cwd=shop.scratch,
        env={"ANSIBLE_COLLECTIONS_PATH": str(into)},
    )


def build(shop: Workshop, args: Args) -> None:
    """Build, install, and see that each plugin and playbook is found where it was installed."""
    into = shop.scratch / "installed"
    build_and_install(shop, into)
    tree = into / COLLECTION
    manifest = json.loads((tree / "FILES.json").read_text(encoding="utf-8"))
    odd = [
        entry["name"]
        for entry in manifest["files"]
        if re.search(r"(^|/)(\.(venv|cache|git|ci)|__pycache__|output)(/|$)|\.(pyc|tar\.gz|pem|key)$", entry["name"])
    ]
    if odd:
        raise CheckFailed(f"the archive holds what users do not need: {', '.join(odd[:5])}")
    where = {"ANSIBLE_COLLECTIONS_PATH": str(into)}
    seen = 0
    for kind, folder in (("module", "modules"), ("lookup", "lookup")):
        names = [f"gisops.arcgis.{path.stem}" for path in sorted((tree / "plugins" / folder).glob("[!_]*.py"))]
        if names:
            seen += len(
                json.loads(shop.run("ansible-doc", "-t", kind, "--json", *names, cwd=into, quiet=True, env=where))
            )
    for path in sorted((tree / "roles").glob("*/meta/argument_specs.yml")):
        seen += 1
        shop.run("ansible-doc", "-t", "role", f"gisops.arcgis.{path.parts[-3]}", cwd=into, quiet=True, env=where)
    syntax = ("ansible-playbook", "-i", "localhost,", "--syntax-check")
    for path in sorted((tree / "playbooks").glob("*.yml")):
        seen += 1
        shop.run(*syntax, f"gisops.arcgis.{path.stem}", cwd=into, env=where)
    modules = [
        ".".join(path.relative_to(into).with_suffix("").parts)
        for path in sorted((tree / "plugins").rglob("*.py"))
        if path.stem != "__init__"
    ]
    if modules:
        lines = "; ".join(f"import {name}" for name in modules)
        shop.run(sys.executable, "-c", lines, cwd=into, env=where | {"PYTHONPATH": str(into)})
    if not seen:
        raise CheckFailed("the archive holds no plugin, role or playbook")
    print(f"{len(manifest['files'])} entries; {seen} plugins, roles and playbooks found; {len(modules)} files imported")


def install(shop: Workshop, args: Args) -> None:
    """Put the collection, built and installed as a user would, into a folder of this clone."""
    build_and_install(shop, CACHE / "collections")


def importers(shop: Workshop, args: Args) -> None:
    """What Galaxy, Automation Hub and the community package look at, without containers: each without a warning."""
    environment = ROOT / ".venv-importers"
    archive = build_archive(shop)
    text = shop.run(
        *(str(environment / "bin" / "python"), "-m", "galaxy_importer.main", str(archive)),
        cwd=archive.parent,
        env={
            "GALAXY_IMPORTER_CONFIG": str(ROOT / "tests" / "galaxy-importer.cfg"),
            "PATH": os.pathsep.join([str(environment / "bin"), shop.env["PATH"]]),
        },
    )
    # It ends with 0 whatever it found, and also where a tool was missing.
    bad = [line for line in text.splitlines() if re.match(r"(WARNING|ERROR|CRITICAL)", line) or "not found" in line]
    ends = ("Linting collection via ansible-lint", "ansible-lint run complete", "processing completed successfully")
    missing = [words for words in ends if words not in text]
    if bad or missing:
        raise CheckFailed(f"galaxy-importer: {'; '.join([*bad, *(f'it did not say: {words}' for words in missing)])}")

    into = shop.scratch / "installed"
    build_and_install(shop, into)
    found = shop.run("ansible-builder", "introspect", str(into), cwd=shop.scratch)
    if "requests>=2.31" not in found or "gisops.arcgis" not in found:
        raise CheckFailed("ansible-builder does not find what the collection needs")

    tree = shop.copy()[1]
    nox = ROOT / ".venv-nox" / "bin"
    shop.run(
        *(str(nox / "python"), "-m", "nox", "--non-interactive", "--envdir", str(shop.folder("nox")), *args),
        cwd=tree,
        env={
            "PATH": os.pathsep.join([str(nox), shop.env["PATH"]]),
            "CI": "true",  # look, and rewrite nothing
            "ANTSIBULL_NOX_IGNORE_INSTALLED_COLLECTIONS": "true",
            "PIP_CONFIG_FILE": str(shop.home / ".config" / "pip" / "pip.conf"),
        },
    )


def esri(shop: Workshop, args: Args) -> None:
    python = ROOT / ".venv-esri" / "bin" / "python"
    path = os.pathsep.join([str(shop.linked), str(ROOT / "tests" / "site")])
    shop.run(
        str(python),
        "-m",
        "pytest",
        "-q",
        *(args or ["tests/esri"]),
        env={"PYTHONPATH": path, "PATH": f"{python.parent}{os.pathsep}{shop.env['PATH']}"},
    )


def awx(shop: Workshop, args: Args) -> None:
    """Fetch the collection awx.awx, which comes in the package ansible up to version 13, and run awx_setup with it."""
    fetched = CACHE / "awx"
    if not (fetched / "ansible_collections" / "awx" / "awx" / "MANIFEST.json").is_file():
        folder = shop.folder("package")
        shop.run(
            *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"),
            *("--dest", str(folder), "ansible>=13,<14"),
        )
        (package,) = folder.glob("*.whl")
        with zipfile.ZipFile(package) as archive:
            wanted = [name for name in archive.namelist() if name.startswith("ansible_collections/awx/awx/")]
            archive.extractall(fetched, wanted)
    path = os.pathsep.join([str(shop.linked), str(ROOT / "tests" / "site")])
    command = [sys.executable, "-m", "pytest", "-q", *(args or ["tests/playbooks/test_awx_setup.py"])]
    shop.run(*command, env={"PYTHONPATH": path, "GISOPS_AWX_COLLECTION": str(fetched)})


PARTS: dict[str, Callable[[Workshop, Args], None]] = {
    "ruff": ruff,
    "mypy": mypy,
    "yamllint": yamllint,
    "ansible-lint": ansible_lint,
    "licenses": licenses,
    "changelog": changelog,
    "docs-check": docs_check,
    "units": units,
    "build": build,
    "sanity": sanity,
    "integration": integration,
    "molecule": molecule,
}
GROUPS = {"all": list(PARTS), "lint": ["ruff", "mypy", "yamllint", "ansible-lint"]}
EXTRAS: dict[str, Callable[[Workshop, Args], None]] = {
    "install": install,
    "esri": esri,
    "awx": awx,
    "integration-on": integration_on,
    "importers": importers,
}


def main() -> int:
    parser = argparse.ArgumentParser(description="Run the checks of the project.")
    known = [*GROUPS, *PARTS, *EXTRAS]
    parser.add_argument("part", nargs="+", choices=known, metavar="part", help=", ".join(known))
    parser.add_argument("--args", default="", help="arguments for the tool of the one part that is run")
    options = parser.parse_args()

    # A shell makes what it starts in the background deaf to Ctrl-C, and so all that this starts; a test presses it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    names = [name for part in options.part for name in GROUPS.get(part, [part])]
    extra = shlex.split(options.args)
    if extra and len(names) > 1:
        parser.error("--args goes with one part")
    rows: list[tuple[str, float, str]] = []
    for name in names:
        print(f"\n==> {name}", flush=True)
        begin, failure = time.monotonic(), ""
        try:
            with workshop() as shop:
                (PARTS | EXTRAS)[name](shop, extra)
        except CheckFailed as exc:
            failure = str(exc)
            print(f"{name}: {failure}", flush=True)
        except OSError as exc:
            failure = f"{exc.strerror}: {exc.filename}"
            print(f"{name}: {failure}", flush=True)
        rows.append((name, time.monotonic() - begin, failure))

    print("\n==> summary")
    for name, seconds, failure in rows:
        print(f"{name:14} {seconds:7.1f} s  {'failed: ' + failure if failure else 'passed'}")
    failed = sum(bool(row[2]) for row in rows)
    print(f"{'together':14} {sum(row[1] for row in rows):7.1f} s")
    print(f"{len(rows) - failed} passed, {failed} failed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
