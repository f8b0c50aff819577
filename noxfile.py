# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks of the project: `make help` lists the lanes, `nox --list` all sessions.

Most sessions use the tools in .venv; those that need another Python or packages of their own get an environment from
uv. Every tool runs in a home of its own, .cache/home, without the ANSIBLE_*, MOLECULE_* and ARCGIS_* variables of the
user: the result depends on the checkout alone.
"""

from __future__ import annotations

import atexit
import configparser
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import antsibull_nox
import nox

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT / "tools"))
import bootstrap  # noqa: E402 - found by the line above

BIN, CACHE, HOME = ROOT / ".venv" / "bin", ROOT / ".cache", ROOT / ".cache" / "home"
COLLECTION = Path("ansible_collections", "gisops", "arcgis")
TEST_PASSWORD = "rehearsal-Passw0rd-siteadmin"
COVERAGE_FLOOR = 90
# No random letters: ansible-core reads its paths as Python literals, and Python warns of one like /tmp/539ifqpz, which
# ansible-test takes for an error. Not in the clone: what git ignores does not exist for ansible-test.
SCRATCH = Path(tempfile.gettempdir(), f"gisops-arcgis-{os.getpid()}").resolve()
NUMBERS = itertools.count(1)

nox.needs_version = ">=2026.8"
nox.options.default_venv_backend = "uv"
nox.options.error_on_missing_interpreters = False
nox.options.sessions = ["lint", "types", "units"]


# --- where tools run -------------------------------------------------------------------------------------------------


def settle() -> None:
    """Prepare home, PATH and environment for all that is started from here."""
    settings = bootstrap.pip_settings()
    os.environ.update(bootstrap.uv_settings(settings))
    os.environ.setdefault("UV_CACHE_DIR", os.path.expanduser("~/.cache/uv"))
    os.environ.setdefault("PIP_CACHE_DIR", os.path.expanduser("~/.cache/pip"))
    hidden = ("ANSIBLE_", "MOLECULE_", "ARCGIS_", "PYTEST_", "COVERAGE_", "MAKE", "MFLAGS", "GIT_DIR", "PYTHONPATH")
    hidden += ("PYTHONHOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "VIRTUAL_ENV")
    for name in [name for name in os.environ if name.startswith(hidden)]:
        del os.environ[name]
    # Real Pythons under their names: a version manager's shims answer to names that they cannot serve.
    links = SCRATCH / "pythons"
    links.mkdir(parents=True, mode=0o700)
    atexit.register(shutil.rmtree, SCRATCH, ignore_errors=True)
    for version, path in bootstrap.pythons((3, 9)):
        link = links / f"python{version[0]}.{version[1]}"
        if not link.exists():
            link.symlink_to(path)
    others = [part for part in os.environ.get("PATH", os.defpath).split(os.pathsep) if Path(part).name != "shims"]
    (SCRATCH / "linked" / COLLECTION.parent).mkdir(parents=True)
    (SCRATCH / "linked" / COLLECTION).symlink_to(ROOT)
    HOME.mkdir(parents=True, exist_ok=True)
    (HOME / "ansible.cfg").touch()
    os.environ |= {
        "PATH": os.pathsep.join(dict.fromkeys([str(BIN), str(links), *others])),
        "HOME": str(HOME),
        "TMPDIR": str(SCRATCH),  # what tools leave there goes with it
        "LC_ALL": "C.UTF-8",
        "NO_COLOR": "1",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_HOME": str(HOME / ".ansible"),
        "ANSIBLE_CONFIG": str(HOME / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": str(SCRATCH / "linked"),
        "ANTSIBULL_NOX_IGNORE_INSTALLED_COLLECTIONS": "true",
    }
    feed_ansible_test(settings)
    # A shell makes what it starts in the background deaf to Ctrl-C, and so all that this starts; a test presses it.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def feed_ansible_test(settings: dict[str, str]) -> None:
    """Put into its home what ansible-test would fetch from a host of its own, and the settings that pip shall have."""
    config = configparser.RawConfigParser()
    config["global"] = settings
    (HOME / ".config" / "pip").mkdir(parents=True, exist_ok=True)
    with (HOME / ".config" / "pip" / "pip.conf").open("w", encoding="utf-8") as file:
        config.write(file)
    script = f'''\
"""Installs pip into the environment that ansible-test has made, from the package index that pip is set to use."""
import subprocess, sys
packages = [argument for argument in sys.argv[1:] if not argument.startswith("--no-")]
sys.exit(subprocess.call([{str(BIN / "python")!r}, "-m", "pip", "--python", sys.executable, "install"] + packages))
'''
    cache = HOME / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in ("21_3_1", "24_2", "25_2", "25_3", "26_0"):  # ansible_test/_internal/python_requirements.py
        (cache / f"get_pip_{version}.py").write_text(script, encoding="utf-8")


def copy() -> tuple[Path, Path]:
    """Return a root of collections, and in it a pristine copy: what git has or would take, nothing else."""
    root = SCRATCH / f"tree-{next(NUMBERS)}"
    git = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(git, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    for name in sorted({name for name in names if (ROOT / name).is_file()}):
        (root / COLLECTION / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, root / COLLECTION / name, follow_symlinks=False)
    return root, root / COLLECTION


def told(session: nox.Session, *command: str, **env: str) -> str:
    """Run a tool, show what it prints, and return that."""
    text = session.run(*command, silent=True, stderr=subprocess.STDOUT, external=True, env=env)
    print(text, flush=True)
    return str(text)


def pytest(session: nox.Session, *arguments: str, **env: str) -> None:
    """Run tests on the collection in its place, on all cores unless arguments were given to nox."""
    path = os.pathsep.join([str(SCRATCH / "linked"), str(ROOT / "tests" / "site")])
    chosen = session.posargs or [*arguments, "-n", str(max(2, os.cpu_count() or 2)), "--dist", "worksteal"]
    command = ["python", "-m", "pytest", "-q", "--durations=5", *chosen]
    session.run(*command, env={"PYTHONPATH": path, **env}, external=True)


settle()
antsibull_nox.load_antsibull_nox_toml()


# --- what `make test` runs -------------------------------------------------------------------------------------------


@nox.session(venv_backend="none")
def lint(session: nox.Session) -> None:
    """Style, plugin documentation, licences and changelog: ruff, yamllint, antsibull, reuse, ansible-lint."""
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    root, tree = copy()
    with session.chdir(tree):
        session.run("yamllint", "--strict", ".")
        session.run("antsibull-changelog", "lint")
        session.run("reuse", "lint", "--lines")
        docs = ["antsibull-docs", "lint-collection-docs", "--plugin-docs", "--validate-collection-refs", "self", "."]
        session.run(*docs, "--disallow-unknown-collection-refs", env={"ANSIBLE_COLLECTIONS_PATH": str(root)})
        command = ["ansible-lint", "--offline", "--nocolor", "--profile", "production", "--strict"]
        if "Passed" not in told(session, *command, ANSIBLE_COLLECTIONS_PATH=str(root)):
            session.error("ansible-lint did not say that it passed")


@nox.session(venv_backend="none")
def types(session: nox.Session) -> None:
    """Types, strict: plugins, tests, tools and the rehearsal site."""
    linked = SCRATCH / "linked"
    folders = ("plugins", "tests/unit", "tests/playbooks", "tests/esri", "tools")
    mypy = ["mypy", "--config-file", str(ROOT / "pyproject.toml"), "--cache-dir", str(CACHE / "mypy")]
    env = {"MYPYPATH": os.pathsep.join(str(linked / COLLECTION / folder) for folder in ("tests/site", "tools"))}
    with session.chdir(linked):
        session.run(*mypy, *(str(COLLECTION / folder) for folder in folders), env=env)
        session.run(*mypy, "-p", "rehearsal_site", env=env)


@nox.session(venv_backend="none")
def units(session: nox.Session) -> None:
    """The fast unit tests, in random order, with coverage. Arguments after -- are pytest's."""
    floor = ["--cov=plugins", "--cov-report=term", f"--cov-fail-under={COVERAGE_FLOOR}"]
    sysmon = {"COVERAGE_CORE": "sysmon"} if sys.version_info >= (3, 12) else {}
    pytest(session, "tests/unit", "tests/site/tests", *floor, **sysmon)


@nox.session(venv_backend="none")
def build(session: nox.Session) -> None:
    """Build, install as a user would into .cache/collections, and load everything from there."""
    into = CACHE / "collections"
    tree = install_into(session, into)
    env = {"ANSIBLE_COLLECTIONS_PATH": str(into), "PYTHONPATH": str(into)}
    names = [entry["name"] for entry in json.loads((tree / "FILES.json").read_text(encoding="utf-8"))["files"]]
    odd = [
        name for name in names if re.search(r"(^|/)(\.(venv|nox|cache|git|ci)|__pycache__)|\.(pyc|gz|pem|key)$", name)
    ]
    if odd:
        session.error(f"the archive holds what users do not need: {', '.join(odd[:5])}")
    for kind, pattern in (("module", "modules/*.py"), ("lookup", "lookup/*.py"), ("filter", "filter/*.py")):
        found = [f"gisops.arcgis.{path.stem}" for path in sorted(tree.glob(f"plugins/{pattern}"))]
        if kind != "filter":
            session.run("ansible-doc", "-t", kind, "--json", *found, silent=True, env=env)
    for path in sorted(tree.glob("roles/*/meta/argument_specs.yml")):
        session.run("ansible-doc", "-t", "role", f"gisops.arcgis.{path.parts[-3]}", silent=True, env=env)
    playbooks = [f"gisops.arcgis.{path.stem}" for path in sorted(tree.glob("playbooks/*.yml"))]
    session.run("ansible-playbook", "-i", "localhost,", "--syntax-check", *playbooks, silent=True, env=env)
    files = sorted(path for path in tree.glob("plugins/**/*.py") if path.stem != "__init__")
    modules = [".".join(path.relative_to(into).with_suffix("").parts) for path in files]
    session.run("python", "-c", "; ".join(f"import {name}" for name in modules), silent=True, env=env)
    session.log(f"{len(names)} entries in the archive; {len(modules)} files of Python load")


def install_into(session: nox.Session, into: Path) -> Path:
    """Build the collection from a pristine copy and install the archive; return where it lies."""
    with session.chdir(copy()[1]):
        session.run("ansible-galaxy", "collection", "build", silent=True)
        shutil.rmtree(into / COLLECTION, ignore_errors=True)
        (archive,) = Path.cwd().glob("*.tar.gz")
        command = ["ansible-galaxy", "collection", "install", str(archive), "--offline", "--force", "-p", str(into)]
        session.run(*command, silent=True, env={"ANSIBLE_COLLECTIONS_PATH": str(into)})
    return into / COLLECTION


@nox.session(venv_backend="none")
def install(session: nox.Session) -> None:
    """Put the collection into .cache/collections, for `make gate` and the guides."""
    install_into(session, CACHE / "collections")


@nox.session(venv_backend="none")
def integration(session: nox.Session) -> None:
    """ansible-test integration: plugins against the rehearsal site, looking for secrets in what is said at -vvvvv."""
    integrate(session, "--venv", "--python", f"{sys.version_info[0]}.{sys.version_info[1]}", *session.posargs)


def integrate(session: nox.Session, *arguments: str) -> None:
    with session.chdir(copy()[1]):
        command = ["ansible-test", "integration", "--color", "no", "--requirements", "-vvvvv", *arguments]
        text = str(session.run(*command, silent=True, stderr=subprocess.STDOUT, external=True))
    targets = re.findall(r"^Running (\S+) integration test role", text, re.M)
    session.log(f"Targets: {', '.join(targets)}")
    if not targets:
        session.error("ansible-test ran no integration target")
    if shown := [line for line in text.splitlines() if TEST_PASSWORD in line]:
        session.error(f"a password shows in the output: {shown[0][:300]}")


# --- what `make test-all` adds ---------------------------------------------------------------------------------------


@nox.session(venv_backend="none")
def playbooks(session: nox.Session) -> None:
    """Tests that start ansible-playbook: guides, examples, roles, fleets, secrets, AWX. The same arguments."""
    pytest(session, "tests/playbooks")


@nox.session(venv_backend="none")
def full(session: nox.Session) -> None:
    """The unit tests that have a size, in full: truth table, open questions, the promise."""
    files = [path for path in sorted(ROOT.glob("tests/unit/**/test_*.py")) if "sizes import" in path.read_text("utf-8")]
    pytest(session, *(str(path.relative_to(ROOT)) for path in files), TEST_SIZE="full")


@nox.session(venv_backend="none")
def sanity(session: nox.Session) -> None:
    """ansible-test sanity on what the archive holds; imports and compiles on each Python found, from 3.9 on."""
    check_sanity(session, *session.posargs)


def check_sanity(session: nox.Session, *arguments: str) -> None:
    with session.chdir(install_into(session, SCRATCH / f"installed-{next(NUMBERS)}")):
        if ignored := sorted(Path("tests/sanity").glob("ignore-*.txt")):
            session.error(f"sanity is to ignore nothing, and there is {ignored[0]}")
        text = told(session, "ansible-test", "sanity", "--color", "no", "--venv", *arguments)
    if not (ran := len(re.findall(r"^Running sanity test", text, re.M))):
        session.error("ansible-test ran no sanity test")
    session.log(f"{ran} sanity tests ran")


@nox.session(venv_backend="none")
def molecule(session: nox.Session) -> None:
    """Scenarios of the roles against the rehearsal site. Arguments after -- are names of scenarios."""
    root, tree = copy()
    env = {"ANSIBLE_COLLECTIONS_PATH": str(root), "PYTHONPATH": str(tree / "tests" / "site")}
    with session.chdir(tree):
        scenarios = sorted(path.parent.name for path in Path("extensions/molecule").glob("*/molecule.yml"))
        for name in session.posargs or scenarios:
            env["ANSIBLE_HOME"] = str(SCRATCH / f"ansible-{next(NUMBERS)}")
            command = ["molecule", "--base-config", "extensions/molecule/config.yml", "test", "--scenario-name", name]
            session.run(*command, env=env)


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation site, into .cache/docs; a warning of Sphinx and a link that leads nowhere are errors."""
    session.install("-r", "tests/requirements/docs.txt")
    root, tree = copy()
    shutil.rmtree(CACHE / "docs", ignore_errors=True)
    env = {"ANSIBLE_COLLECTIONS_PATH": str(root), "SOURCE_DATE_EPOCH": "0"}
    with session.chdir(tree):
        Path("reference").mkdir(mode=0o755)
        command = ["antsibull-docs", "--config-file", "docs/docsite/antsibull-docs.cfg", "collection", "--use-current"]
        command += ["--squash-hierarchy", "--fail-on-error", "--dest-dir", "reference", "gisops.arcgis"]
        session.run(*command, env=env)
        sphinx = ["sphinx-build", "-q", "-W", "--keep-going", "-c", "docs/docsite", "-b", "html", "."]
        session.run(*sphinx, str(CACHE / "docs"), env=env)


# --- lanes of their own ----------------------------------------------------------------------------------------------


ESRI = next((f"3.{minor}" for minor in (13, 12, 11) if shutil.which(f"python3.{minor}")), None)


@nox.session(python=ESRI)
def esri(session: nox.Session) -> None:
    """Compare with Esri's own client for Python (about 320 MB)."""
    esri_client(session)
    pytest(session, "tests/esri")


@nox.session(python=ESRI)
def bench(session: nox.Session) -> None:
    """Measure speed, requests and memory beside the alternatives; writes docs/benchmarks.md. Arguments: --quick."""
    esri_client(session)
    path = [ROOT / "tools", SCRATCH / "linked", ROOT / "tests" / "site"]
    env = {"PYTHONPATH": os.pathsep.join(map(str, path)), "ESRI_PYTHON": str(Path(session.bin, "python"))}
    env |= {"ANSIBLE_LOCALHOST_WARNING": "false", "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false"}
    session.run(str(BIN / "python"), "-m", "bench", *session.posargs, external=True, env=env)


def esri_client(session: nox.Session) -> None:
    session.install("-r", "tests/requirements/esri.txt")
    session.install("--no-deps", "arcgis==2.4.4")


@nox.session
def mutation(session: nox.Session) -> None:
    """Change the pure files of the gate and of the counting, line by line: how many changes do their tests notice?"""
    session.install("mutmut>=3.3", "-r", "tests/requirements/dev.txt")
    root, tree = copy()
    shutil.copy(tree / "pyproject.toml", root)
    shutil.move(tree / "tests", root)  # or pytest would import them past ansible-core's loader of collections
    env = {"PYTHONPATH": str(root / "mutants"), "ANSIBLE_COLLECTIONS_PATH": str(root / "mutants")}
    with session.chdir(root):
        session.run("mutmut", "run", *session.posargs, env=env)
        session.run("mutmut", "results", env=env)


# ansible-core: the oldest and the newest Python 3.N of the controller that it takes.
CORES = {"2.16": (10, 12), "2.18": (11, 13), "2.19": (11, 13), "2.20": (12, 14), "2.21": (12, 14), "2.22": (13, 15)}
FOUND = {core: [one for one in range(a, b + 1) if shutil.which(f"python3.{one}")] for core, (a, b) in CORES.items()}
PAIRS = [(f"3.{minor}", core) for core, found in FOUND.items() for minor in sorted({*found[:1], *found[-1:]})]


@nox.session
@nox.parametrize("python,core", PAIRS, ids=[f"{core}-py{python}" for python, core in PAIRS])
def matrix(session: nox.Session, core: str) -> None:
    """Sanity, integration and the unit tests that go through ansible; on the oldest and the newest Python found."""
    bound = f"{core}.0rc1" if core == "2.22" else core  # with rc in it, release candidates count as well
    session.install("-r", "tests/requirements/matrix.txt", f"ansible-core>={bound},=={core}.*")
    control, oldest = str(session.python), f"3.{FOUND[core][0]}"
    again = [part for name in ("ansible-doc", "compile", "import", "validate-modules") for part in ("--test", name)]
    # The pylint of 2.22 wants a package that is on GitHub alone.
    check_sanity(session, *(["--skip-test", "pylint"] if core == "2.22" else [] if control == oldest else again))
    folders = ("action", "lookup", "modules", "module_utils/test_options.py")
    tests = ["tests/unit/test_docs.py", *(f"tests/unit/plugins/{folder}" for folder in folders)]
    pytest(session, *tests, *(["tests/playbooks/test_examples.py"] if control == oldest else []))
    integrate(session, "--venv", "--python", control)
    if control == oldest and shutil.which("python3.9") and core != "2.16" and core < "2.22":  # 3.9 on a target
        place = ["--controller", f"origin:python=venv/{control}", "--target", "controller:python=venv/3.9"]
        integrate(session, *place)


@nox.session(venv_backend="none")
def awx(session: nox.Session) -> None:
    """Run awx_setup with the modules of awx.awx on a simulated AWX (downloads 56 MB once)."""
    fetched = CACHE / "awx"
    if not (fetched / "ansible_collections/awx/awx/MANIFEST.json").is_file():
        pip = ["python", "-m", "pip", "download", "-q", "--no-deps", "--only-binary", ":all:", "ansible>=13,<14"]
        session.run(*pip, "--dest", str(SCRATCH))  # the collection comes in the package ansible up to version 13
        with zipfile.ZipFile(next(SCRATCH.glob("ansible-*.whl"))) as archive:
            wanted = [name for name in archive.namelist() if name.startswith("ansible_collections/awx/awx/")]
            archive.extractall(fetched, wanted)
    pytest(session, "tests/playbooks/test_awx_setup.py", GISOPS_AWX_COLLECTION=str(fetched))
