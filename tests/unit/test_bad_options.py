# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Odd values of connection options: core's own sentence, one of ours, or what was meant, and no check switched off."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.gisops.arcgis.plugins.module_utils import _options
from ansible_collections.gisops.arcgis.plugins.module_utils._connection import Connection
from ansible_collections.gisops.arcgis.plugins.module_utils._errors import BadOption
from ansible_collections.gisops.arcgis.plugins.module_utils._options import CONNECTION
from ansible_collections.gisops.arcgis.plugins.module_utils._wire import dialects
from ansible_collections.gisops.arcgis.plugins.modules import gp_token

from .ansible_run import play, run_playbook

Options = dict[str, t.Any]
GIVEN: Options = {"url": "https://gis.example.com/arcgis", "username": "me", "password": "S3cret-of-me"}
LONGEST = 700
"""Letters of a sentence about a value, however long that is."""
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)
FUZZED = settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FUZZED
@given(value=JSON, name=st.sampled_from(sorted(set(CONNECTION) - set(GIVEN))))
def test_anything_is_read_or_refused(value: t.Any, name: str) -> None:
    """Nothing but BadOption comes out of reading options that core has let through."""
    options = _options.without_empty({**GIVEN, name: value})
    try:
        read_by_core = ArgumentSpecValidator(_options.argument_spec(CONNECTION)).validate(options)
    except OverflowError:  # core's own way of refusing an infinite number
        return
    if read_by_core.error_messages:
        return
    try:
        connection = Connection.read(read_by_core.validated_parameters.get)
        dialects.roots(connection.url)
    except BadOption as refusal:
        assert name in str(refusal)
        assert len(str(refusal)) <= LONGEST


@FUZZED
@given(value=JSON | st.sampled_from(["FALSE", " off ", "N", "f", "0", "falsch", "disable", "0.0"]))
def test_a_check_is_switched_off_by_nothing_but_an_explicit_false(value: t.Any) -> None:
    try:
        verified = Connection.read({**GIVEN, "validate_certs": value}.get).validate_certs
    except BadOption:
        return
    says_no = isinstance(value, (bool, int)) and value == 0
    says_no = says_no or (isinstance(value, str) and value.lower().strip() in ("false", "no", "off", "0", "n", "f"))
    assert verified is not says_no


@pytest.mark.parametrize("value", ["1e400", "true", "1.5", "-", "9" * 400, "\udce4", "[]"])
@pytest.mark.parametrize("option", ["timeout", "max_requests"])
def test_numbers_of_the_environment(
    run_module: t.Any, monkeypatch: pytest.MonkeyPatch, option: str, value: str
) -> None:
    monkeypatch.setenv(_options.env_name(option), value)
    result = run_module(gp_token.main, **GIVEN)
    assert result["failed"] is True
    assert option in result["msg"]
    assert "Traceback" not in json.dumps(result)


@pytest.mark.parametrize("option", ["password", "token", "proxy"])
def test_texts_of_the_environment_in_another_encoding(
    run_module: t.Any, monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    """A password in Latin-1, as Python reads the environment."""
    monkeypatch.setenv(_options.env_name(option), "pa\udce4s")
    result = run_module(gp_token.main, **{name: value for name, value in GIVEN.items() if name != option})
    assert result["failure"]["kind"] == "BadOption"
    assert f"option {option}" in result["msg"]
    assert "pa\udce4s" not in json.dumps(result, ensure_ascii=False)


LOOKUP = "gisops.arcgis.gp_jobs"
PLAYED: list[tuple[str, t.Any, str]] = [
    # What a template may turn into nothing, or into a text that is none.
    ("gp_token", {"validate_certs": "{{ maybe }}"}, "validate_certs"),
    ("gp_token", {"timeout": "soon"}, "timeout"),
    ("gp_token", {"ca_path": "/not/there\t"}, "option ca_path"),
    ("gp_token", {"connections": 10**30}, "option connections"),
    ("gp_token", {"token_url": "http://gis.example.com/token"}, "option token_url"),
    ("gp_token", {"password": "{{ nothing }}"}, "password not given"),
    (LOOKUP, "validate_certs=maybe", "option validate_certs"),
    (LOOKUP, "validate_certs=0.0", "option validate_certs"),
    (LOOKUP, "job_state='active'", "Did you mean job_status"),
    (LOOKUP, "cache_seconds='inf'", "option cache_seconds"),
]


def test_through_ansible(tmp_path: Path) -> None:
    """What core's own layers do to options on their way, with nobody there to ask."""
    connection = {**GIVEN, "url": "https://localhost:1/arcgis", "retries": 0}
    tasks: list[Options] = []
    for plugin, options, _words in PLAYED:
        if plugin == LOOKUP:
            told = ", ".join(f"{name}={value!r}" for name, value in connection.items())
            tasks.append({"ansible.builtin.debug": {"msg": f"{{{{ lookup('{LOOKUP}', {options}, {told}) }}}}"}})
        else:
            tasks.append({f"gisops.arcgis.{plugin}": {**connection, **options}})
    listed = [{**task, "register": f"result_{n}", "ignore_errors": True} for n, task in enumerate(tasks)]
    results = {"ansible.builtin.copy": {"dest": str(tmp_path / "results.json"), "content": "{{ all | to_json }}"}}
    variables: Options = {
        "maybe": "maybe",
        "nothing": "",
        "all": "{{ [" + ", ".join(f"result_{n}" for n in range(len(listed))) + "] }}",
    }
    done = run_playbook(tmp_path, [play([*listed, results], vars=variables)])
    assert done.returncode == 0, done.stdout[-3000:]
    seen = json.loads((tmp_path / "results.json").read_text())
    for (plugin, options, words), result in zip(PLAYED, seen, strict=True):
        assert result["failed"] is True, (plugin, options, result)
        assert words in result["msg"], (plugin, options, result["msg"])
        assert not any(word in result["msg"] for word in ("MODULE FAILURE", "Traceback", "should not happen"))
