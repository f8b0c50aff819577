# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tables of options: what they become, and what is refused before anything is sent."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible.module_utils.errors import AnsibleFallbackNotFound

from ansible_collections.gisops.arcgis.plugins.module_utils import _options
from ansible_collections.gisops.arcgis.plugins.module_utils._connection import Connection
from ansible_collections.gisops.arcgis.plugins.module_utils._errors import BadOption

GIVEN: dict[str, t.Any] = {"url": "https://h/arcgis", "username": "me", "password": "S3cret"}
EVERY_TABLE = [_options.CONNECTION, _options.SERVICES, _options.QUERY, _options.GATE, _options.LOGIN, _options.POLLING]


def read(**options: t.Any) -> Connection:
    return Connection.read({**GIVEN, **options}.get)


def test_names_of_variables() -> None:
    assert _options.env_name("ca_path") == "ARCGIS_CA_PATH"
    assert _options.var_name("ca_path") == "gisops_arcgis_ca_path"


def test_what_could_be_a_secret_says_whether_it_is_one() -> None:
    """Core warns of options whose names sound secret and that say nothing."""
    for table in EVERY_TABLE:
        for name, option in table.items():
            if any(word in name for word in ("pass", "token", "secret", "key")) and name != "client_key":
                assert "no_log" in option, name
    assert {name for name, option in _options.CONNECTION.items() if option.get("no_log")} == {
        "password",
        "token",
        "proxy",
    }


def test_an_argument_spec_falls_back_to_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = _options.argument_spec(_options.CONNECTION, _options.QUERY)
    assert spec.keys() == _options.CONNECTION.keys() | _options.QUERY.keys()
    assert {name for name, option in spec.items() if "fallback" in option} == {*_options.CONNECTION}
    function, arguments = spec["ca_path"]["fallback"]
    assert arguments == ["ARCGIS_CA_PATH"]
    for value in (None, "", " "):
        if value is not None:
            monkeypatch.setenv("ARCGIS_CA_PATH", value)
        with pytest.raises(AnsibleFallbackNotFound):
            function(*arguments)
    monkeypatch.setenv("ARCGIS_CA_PATH", "/x")
    assert function(*arguments) == "/x"


def test_making_a_spec_leaves_the_tables_alone() -> None:
    _options.argument_spec(_options.CONNECTION)["url"]["type"] = "int"
    assert _options.CONNECTION["url"] == {"type": "str"}


def test_empty_options_are_not_given() -> None:
    options: dict[str, t.Any] = {"a": "", "b": " \n", "c": None, "d": 0, "e": False, "f": [], "g": "x"}
    assert _options.without_empty(options) == {"c": None, "d": 0, "e": False, "f": [], "g": "x"}


@pytest.mark.parametrize("option", ["username", "token_expiration", "timeout", "max_active", "number", "url"])
def test_defaults_come_from_the_tables(option: str) -> None:
    table = next(table for table in EVERY_TABLE if option in table)
    assert _options.default_of(option) == table[option].get("default")


@pytest.mark.parametrize(
    ("value", "means"),
    [
        (True, True),
        ("yes", True),
        ("True", True),
        (1, True),
        (False, False),
        ("no", False),
        ("off", False),
        ("0", False),
    ],
)
def test_booleans(value: t.Any, means: bool) -> None:
    assert _options.strict_bool(value, "validate_certs") is means
    assert read(validate_certs=value).validate_certs is means


@pytest.mark.parametrize("value", ["nope", "fasle", "{{ false }}", 2, [], "disabled"])
def test_a_check_is_not_switched_off_by_what_is_no_boolean(value: t.Any) -> None:
    with pytest.raises(BadOption, match=r"is not a boolean \(option validate_certs\)\. Use true or false\."):
        read(validate_certs=value)


@pytest.mark.parametrize("value", [None, "", "  "])
def test_an_empty_switch_keeps_the_check_on(value: t.Any) -> None:
    assert read(validate_certs=value).validate_certs is True


def test_defaults() -> None:
    connection = read()
    for name, option in _options.CONNECTION.items():
        if name not in (*GIVEN, "no_proxy"):
            assert getattr(connection, name) == option.get("default"), name
    assert connection.no_proxy == ()


class Tagged(str):
    """What ansible-core's data tagging makes of a text."""


class FromVault:
    """What a playbook's inline vault is, until somebody wants its text."""

    def __str__(self) -> str:
        return "S3cret"


def test_a_password_from_a_vault_is_its_text() -> None:
    assert read(password=FromVault()).password == "S3cret"
    assert _options.secrets_in({"password": FromVault()}, _options.CONNECTION) == {"S3cret"}


def test_the_life_of_a_token_is_not_an_option_of_the_connection() -> None:
    assert read().token_expiration == 60
    assert Connection.read(GIVEN.get, 7).token_expiration == 7
    with pytest.raises(BadOption, match="token_expiration"):
        Connection.read(GIVEN.get, 0)


def test_texts_are_plain_ones() -> None:
    """Older releases of requests refuse a subclass of str in a header."""
    connection = read(
        url=Tagged("https://h"), token=Tagged("t"), referer=Tagged("r"), no_proxy=[Tagged("a"), " ", "b "]
    )
    assert {type(connection.url), type(connection.token), type(connection.referer)} == {str}
    assert connection.no_proxy == ("a", "b")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"url": None}, "No site is named (option url). Give url, or set ARCGIS_URL."),
        ({"url": " "}, "No site is named (option url)."),
        ({"username": None, "password": None}, "Nothing to log in with: username and password not given"),
        ({"username": None}, "Nothing to log in with: username not given"),
        ({"password": ""}, "Nothing to log in with: password not given"),
        ({"timeout": 0}, "0 is too small (option timeout). Use 1 or more."),
        ({"total_timeout": -1}, "-1 is too small (option total_timeout). Use 0 or more."),
        ({"retries": -1}, "-1 is too small (option retries). Use 0 or more."),
        ({"connections": 0}, "0 is too small (option connections). Use 1 or more."),
        ({"max_answer_size": 0}, "0 is too small (option max_answer_size). Use 1 or more."),
        ({"max_requests": 0}, "0 is too small (option max_requests). Use 1 or more."),
        ({"connections": 10**30}, "is too large (option connections). Use 100 or less."),
        ({"password": "pa\udce4s"}, "It is no text in UTF-8 (option password)."),
        ({"client_key": "/k"}, "A key is given without its certificate (option client_key). Give client_cert."),
        ({"ca_path": "/no/such"}, "/no/such is not there or cannot be read (option ca_path). Name a PEM file"),
        ({"client_cert": "/no/such"}, "/no/such is not there or cannot be read (option client_cert)."),
    ],
)
def test_what_is_refused(options: dict[str, t.Any], message: str) -> None:
    with pytest.raises(BadOption) as caught:
        read(**options)
    assert message in str(caught.value)
    assert "S3cret" not in str(caught.value)
    assert caught.value.failure["cure"]


def test_a_key_that_is_not_there(tmp_path: Path) -> None:
    certificate = tmp_path / "client.pem"
    certificate.write_text("")
    with pytest.raises(BadOption, match="option client_key"):
        read(client_cert=str(certificate), client_key=str(tmp_path / "client.key"))


@pytest.mark.parametrize("proxy", ["http://", "nonsense://localhost:1", "proxy.example.com:3128", "http://me:S3cret@"])
def test_a_proxy_that_is_none(proxy: str) -> None:
    with pytest.raises(BadOption, match=r"\(option proxy\)") as caught:
        read(proxy=proxy)
    assert "S3cret" not in str(caught.value)


@pytest.mark.parametrize("proxy", ["http://proxy:3128", "https://me:pw@proxy"])
def test_addresses_of_proxies(proxy: str) -> None:
    assert "proxy" in str(read(proxy=proxy).proxy)


def test_a_token_alone_is_enough() -> None:
    connection = read(token="t", username=None, password=None)
    assert (connection.token, connection.username, connection.password) == ("t", None, None)


@pytest.mark.parametrize("option", ["token", "referer"])
@pytest.mark.parametrize("value", ["abc\n", "abc\r\nX-Evil: 1", "токен"])
def test_what_no_header_can_carry_is_refused(option: str, value: str) -> None:
    """A token read from a file often ends with a line break."""
    try:
        connection = read(**{option: value})
    except BadOption as error:
        assert f"option {option}" in str(error)
        return
    assert getattr(connection, option) == value.strip() == "abc"
