# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What our modules share: empty options, the check for requests, and errors as results."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t

import pytest

from ansible_collections.gisops.arcgis.plugins.module_utils._errors import GpError
from ansible_collections.gisops.arcgis.plugins.module_utils._module import GpModule
from ansible_collections.gisops.arcgis.plugins.module_utils._options import CONNECTION, QUERY
from ansible_collections.gisops.arcgis.plugins.module_utils._wire import transport

from ...ansible_run import COLLECTIONS


def tell() -> None:
    """A module that tells the options that it understood."""
    module = GpModule(CONNECTION, QUERY)
    module.exit_json(options={name: module.params.get(name) for name in (*CONNECTION, *QUERY)})


def test_empty_options_are_not_given(run_module: t.Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARCGIS_USERNAME", "from-the-environment")
    monkeypatch.setenv("ARCGIS_TIMEOUT", "")
    given = {"username": " ", "timeout": "", "job_status": "", "start_time": "", "validate_certs": "", "number": "7"}
    options = run_module(tell, **given)["options"]
    assert options["username"] == "from-the-environment"
    assert (options["timeout"], options["number"], options["validate_certs"]) == (30, 7, True)
    assert options["job_status"] is options["start_time"] is None


@pytest.mark.parametrize(
    ("option", "text", "value"),
    [
        ("url", "https://h", "https://h"),
        ("timeout", "7", 7),
        ("validate_certs", "false", False),
        ("no_proxy", "a,b", ["a", "b"]),
        ("api", "server", "server"),
    ],
)
def test_the_environment(
    run_module: t.Any, monkeypatch: pytest.MonkeyPatch, option: str, text: str, value: t.Any
) -> None:
    monkeypatch.setenv(f"ARCGIS_{option.upper()}", text)
    assert run_module(tell)["options"][option] == value


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"timeout": "soon"}, "timeout"),
        ({"api": "portal"}, "value of api must be one of: auto, kubernetes, server, got: portal"),
        ({"validate_certs": "nope"}, "validate_certs"),
        ({"servcies": "x"}, "Unsupported parameters"),
        ({"detail": "all"}, "value of detail must be one of: counts, jobs, full"),
    ],
)
def test_options_that_core_refuses(run_module: t.Any, options: dict[str, t.Any], words: str) -> None:
    result = run_module(tell, **options)
    assert result["failed"] is True
    assert words in result["msg"]


def test_errors_become_results(run_module: t.Any) -> None:
    def main() -> None:
        with GpModule(CONNECTION).reporting_errors():
            raise GpError("It is bad", where="option url", cure="Mend it.")

    result = run_module(main)
    assert (result["failed"], result["msg"]) == (True, "It is bad (option url). Mend it.")
    assert result["failure"] == {"kind": "GpError", "what": "It is bad", "where": "option url", "cure": "Mend it."}


def test_a_failed_result_has_the_keys_of_a_good_one(run_module: t.Any) -> None:
    def main() -> None:
        with GpModule(CONNECTION, on_failure={"complete": False, "jobs": []}).reporting_errors():
            raise GpError("It is bad", cure="Mend it.")

    for options in ({}, {"timeout": "soon"}, {"no_such": 1}):
        result = run_module(main, **options)
        assert (result["failed"], result["complete"], result["jobs"]) == (True, False, [])


def test_a_fault_of_ours_says_where_and_nothing_that_it_holds(run_module: t.Any) -> None:
    def main() -> None:
        with GpModule(CONNECTION).reporting_errors():
            raise KeyError("".join(["S3", "cret"]))

    result = run_module(main)
    assert result["failed"] is True
    assert result["msg"].startswith("An error that should not happen: KeyError (test_module.py, line ")
    assert (result["failure"]["kind"], result["failure"]["what"]) == ("Unforeseen", "KeyError")
    assert "S3cret" not in str(result)


def test_requests_is_missed_by_name(run_module: t.Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "REQUESTS_IMPORT_ERROR", "Traceback: no requests")
    result = run_module(tell)
    assert result["failed"] is True
    assert "requests" in result["msg"]


WAIT = """
import sys, time
from ansible.module_utils import basic
from ansible_collections.gisops.arcgis.plugins.module_utils._module import GpModule
from ansible_collections.gisops.arcgis.plugins.module_utils._options import CONNECTION
basic._ANSIBLE_ARGS, basic._ANSIBLE_PROFILE = sys.argv[1].encode(), "legacy"
GpModule(CONNECTION)
print("begun", flush=True)
time.sleep(50)
"""


def test_a_run_that_was_broken_off_asks_nothing_more() -> None:
    """On Ctrl-C core ends without its modules; what they would tell is read by nobody."""
    arguments = json.dumps({"ANSIBLE_MODULE_ARGS": {}})
    command = [sys.executable, "-c", WAIT, arguments]
    running = subprocess.Popen(
        command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(COLLECTIONS)}, stderr=subprocess.DEVNULL
    )
    assert running.stdout is not None
    assert running.stdout.readline() == b"begun\n"
    assert running.poll() is None
    running.stdout.close()
    assert running.wait(timeout=20) == 1
