# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The tables of options, from which come argument specs, environment variables and the names of variables.

The documentation fragments say the same in words; a test compares the two.
"""

from __future__ import annotations

import os
import re
import typing as t
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from ansible.module_utils.errors import AnsibleFallbackNotFound
from ansible.module_utils.parsing.convert_bool import boolean

from . import _times
from ._errors import BadOption

Table = dict[str, dict[str, t.Any]]
Read = t.Callable[[str], t.Any]

CONNECTION: Table = {
    "url": {"type": "str"},
    "api": {"type": "str", "choices": ["auto", "kubernetes", "server"], "default": "auto"},
    "username": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "token": {"type": "str", "no_log": True},
    "token_url": {"type": "str", "no_log": False},
    "token_client": {"type": "str", "choices": ["referer", "requestip"], "default": "referer", "no_log": False},
    "referer": {"type": "str", "default": "https://gisops.arcgis"},
    "token_expiration": {"type": "int", "default": 60, "no_log": False},
    "validate_certs": {"type": "bool", "default": True},
    "ca_path": {"type": "path"},
    "client_cert": {"type": "path"},
    "client_key": {"type": "path"},
    "proxy": {"type": "str", "no_log": True},
    "no_proxy": {"type": "list", "elements": "str"},
    "timeout": {"type": "int", "default": 30},
    "total_timeout": {"type": "int", "default": 300},
    "retries": {"type": "int", "default": 3},
    "connections": {"type": "int", "default": 8},
    "max_answer_size": {"type": "int", "default": 64},
}

# What query and gate both take.
SERVICES: Table = {
    "services": {"type": "list", "elements": "raw", "aliases": ["service"]},
    "retention": {"type": "str"},
}

QUERY: Table = {
    **SERVICES,
    "exclude_services": {"type": "list", "elements": "str"},
    "start_time": {"type": "str"},
    "end_time": {"type": "str"},
    "ended_after": {"type": "str"},
    "job_status": {"type": "list", "elements": "str"},
    "user_name": {"type": "str"},
    "machine_name": {"type": "str"},
    "page_size": {"type": "int", "default": 1000, "aliases": ["number"]},
    "start": {"type": "int"},
    "limit": {"type": "int"},
    "detail": {"type": "str", "choices": ["counts", "jobs", "full"], "default": "counts"},
    "include": {"type": "list", "elements": "str", "choices": ["states", "answers", "durations", "succeeded"]},
    "enough": {"type": "int"},
    "message_limit": {"type": "int"},
}

# What only the module takes: a lookup has no next poll.
POLLING: Table = {
    "poll_state": {"type": "str"},
}

LOGIN: Table = {
    "renew": {"type": "bool", "default": False},
}

GATE: Table = {
    "max_active": {"type": "str"},
    "total_max_active": {"type": "str"},
    "max_executing": {"type": "str"},
    "max_queued": {"type": "str"},
    "max_failed": {"type": "str"},
    "max_failed_percent": {"type": "str"},
    "min_finished": {"type": "int", "default": 10},
    "window": {"type": "str"},
    "since": {"type": "raw"},
    "clock_slack": {"type": "str", "default": "60s"},
    "max_age": {"type": "str"},
    "exempt": {"type": "list", "elements": "dict"},
    "service_limits": {"type": "list", "elements": "dict"},
    "must_answer": {"type": "bool", "default": False},
    "steady": {"type": "int", "default": 1},
    "poll_interval": {"type": "str", "default": "10s"},
    "wait": {"type": "str", "default": "0"},
    "on_inconclusive": {"type": "str", "choices": ["fail", "warn"], "default": "fail"},
    "mode": {"type": "str", "choices": ["enforce", "observe"], "default": "enforce"},
    "override": {"type": "dict"},
    "progress": {"type": "bool", "default": True},
}


def env_name(option: str) -> str:
    """The environment variable of a connection option."""
    return f"ARCGIS_{option.upper()}"


def var_name(option: str) -> str:
    """The variable of a connection option, for lookup and roles."""
    return f"gisops_arcgis_{option}"


def env_unless_empty(name: str) -> str:
    """Fallback of an option: its environment variable, where an empty one counts as not given."""
    value = os.environ.get(name)
    if not value:
        raise AnsibleFallbackNotFound
    return value


def argument_spec(*tables: Table) -> dict[str, dict[str, t.Any]]:
    """The argument spec of tables; connection options fall back to their environment variables."""
    spec = {name: dict(option) for table in tables for name, option in table.items()}
    for name in spec.keys() & CONNECTION.keys():
        spec[name]["fallback"] = (env_unless_empty, [env_name(name)])
    return spec


def is_blank(value: t.Any) -> bool:
    """Whether a text is what a template rendered to nothing, or what stands for ``omit`` before ansible-core 2.19."""
    return isinstance(value, str) and (not value.strip() or value.startswith("__omit_place_holder__"))


def is_given(value: t.Any) -> bool:
    """Whether a value says something: neither null, nor empty, nor blank."""
    return value is not None and value != [] and value != {} and not is_blank(value)


def without_empty(options: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Options less the empty ones: what a template rendered to nothing counts as not given."""
    return {name: value for name, value in options.items() if not is_blank(value)}


def sane(options: t.Mapping[str, t.Any], spec: Table) -> tuple[dict[str, t.Any], BadOption | None]:
    """Options less the empty ones and those that nobody can mean, and the error of one of these.

    Core would make something of them all the same (a number of true, a text of a list), or end in a traceback. What
    it would take from the environment is looked at too. Options that are not in the spec are core's own matter.
    """
    given = without_empty(options)
    error = None
    for name, option in spec.items():
        spellings = [one for one in (name, *option.get("aliases", ())) if given.get(one) is not None]
        looked_at = {one: given[one] for one in spellings}
        if not spellings and "fallback" in option:
            looked_at = without_empty({name: os.environ.get(env_name(name))})
        try:
            if len(spellings) > 1:
                raise BadOption(
                    f"{' and '.join(spellings)} are two names of one option",
                    where=f"option {name}",
                    cure="Leave one of them out.",
                )
            for value in looked_at.values():
                check_value(name, option, value)
        except BadOption as bad:
            error = error or bad
            for spelling in spellings or [name]:
                given[spelling] = option.get("default")
    return given, error


def secrets_in(options: t.Mapping[str, t.Any], spec: Table) -> set[str]:
    """What must not be shown: secret options, and the passwords in addresses, as given and as they are meant."""
    secrets = {str(options[name]) for name, option in spec.items() if option.get("no_log") and options.get(name)}
    for name in spec.keys() & {"url", "token_url", "proxy"}:
        # Found by its sign, for with a slash in its password an address is none.
        password = str(options.get(name) or "").partition("://")[2].rpartition("@")[0].partition(":")[2]
        secrets |= {password, unquote(password)} if password else set()
    return secrets


def default_of(option: str) -> t.Any:
    """The default of an option, from whichever table has it."""
    return {**GATE, **QUERY, **CONNECTION}[option].get("default")


def strict_bool(value: t.Any, option: str) -> bool:
    """A boolean that is false only where it was said so."""
    try:
        if isinstance(value, float):
            raise TypeError
        return bool(boolean(value, strict=True))
    except TypeError:
        raise BadOption(f"'{value}' is not a boolean", where=f"option {option}", cure="Use true or false.") from None


def check_text(option: str, value: t.Any) -> str:
    """Return the text that an option inside another one holds; raise BadOption for what is no text nor number."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise BadOption("This is not a text", where=f"option {option}", cure="If it is meant as a text, quote it.")
    return str(value)


def check_value(name: str, option: t.Mapping[str, t.Any], value: t.Any) -> None:
    """Refuses a value of a kind that an option cannot have; a secret is not shown."""
    where, kind = f"option {name}", option["type"]
    if value is None:
        return
    if kind == "bool":
        strict_bool(value, name)
    elif kind == "int":
        if not _is_whole(value):
            raise BadOption(f"'{value}' is not a whole number", where=where, cure="Write it in digits.")
    elif kind == "float" and isinstance(value, bool):
        raise BadOption("This is a boolean, and not a number", where=where, cure="Write it in digits.")
    elif kind in ("str", "path"):
        _check_text(value, where)
    elif kind == "list":
        if isinstance(value, (bool, t.Mapping)):
            raise BadOption(f"This is {_kind_of(value)}, and not a list", where=where, cure="Write a list.")
        for one in value if isinstance(value, (list, tuple)) else [value]:
            if option.get("elements") == "str" and one is not None:
                _check_text(one, where)
    elif kind == "dict" and not isinstance(value, (str, t.Mapping)):
        raise BadOption(f"This is {_kind_of(value)}, and not a dictionary", where=where, cure="Write a dictionary.")


def _is_whole(value: t.Any) -> bool:
    if isinstance(value, str):
        return re.fullmatch(r"\s*[+-]?[0-9]{1,30}\s*", value) is not None
    return value.is_integer() if isinstance(value, float) else isinstance(value, int) and not isinstance(value, bool)


def _check_text(value: t.Any, where: str) -> None:
    """Refuses what is no text, nor a number, which is the text of its digits."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise BadOption(
            f"This is {_kind_of(value)}, and not a text", where=where, cure="If it is meant as a text, quote it."
        )
    text = str(value)
    if "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise BadOption(
            "It has bytes that are no text in UTF-8", where=where, cure="Look at the encoding of where it comes from."
        )


def _kind_of(value: t.Any) -> str:
    for kind, word in ((bool, "a boolean"), (t.Mapping, "a dictionary"), ((list, tuple), "a list")):
        if isinstance(value, t.cast(t.Any, kind)):
            return word
    return "nothing" if value is None else f"of the type {type(value).__name__}"


@dataclass(frozen=True)
class Connection:
    """The connection options, checked; no value is empty, and times are seconds unless said otherwise."""

    url: str
    api: str
    username: str | None
    password: str | None
    token: str | None
    token_url: str | None
    token_client: str
    referer: str
    token_expiration: int
    """Minutes."""
    validate_certs: bool
    ca_path: str | None
    client_cert: str | None
    client_key: str | None
    proxy: str | None
    no_proxy: tuple[str, ...]
    timeout: int
    total_timeout: int
    retries: int
    connections: int
    max_answer_size: int
    """Mebibytes."""

    @classmethod
    def read(cls, get: Read) -> Connection:
        """The connection that these options describe; raises BadOption before anything is sent."""
        values: dict[str, t.Any] = {name: _plain(name, get(name)) for name in CONNECTION}
        if values["url"] is None:
            raise BadOption("No site is named", where="option url", cure="Give url, or set ARCGIS_URL.")
        if values["token"] is None and (values["username"] is None or values["password"] is None):
            lacking = " and ".join(name for name in ("username", "password") if values[name] is None)
            raise BadOption(
                f"Nothing to log in with: {lacking} not given",
                where="options username, password, token",
                cure="Give username and password, or a token (ARCGIS_USERNAME, ARCGIS_PASSWORD, ARCGIS_TOKEN).",
            )
        for name in ("token", "referer"):
            values[name] = _for_header(name, values[name])
        if values["token_url"] is not None and not _is_address(values["token_url"], "https"):
            raise BadOption(
                "The token service has no https address",
                where="option token_url",
                cure="Give token_url with https, like https://gis.example.com/portal/sharing/rest/generateToken.",
            )
        if values["proxy"] is not None and not _is_address(values["proxy"], "http", "https"):
            raise BadOption(
                "This is not the address of a proxy",
                where="option proxy",
                cure="Write it like http://proxy.example.com:3128.",
            )
        for name, least in _LEAST.items():
            check_range(name, values[name], least)
        if values["client_key"] is not None and values["client_cert"] is None:
            raise BadOption(
                "A key is given without its certificate", where="option client_key", cure="Give client_cert."
            )
        for name in ("ca_path", "client_cert", "client_key"):
            if values[name] is not None and not os.access(values[name], os.R_OK):
                raise BadOption(
                    f"{values[name]} is not there or cannot be read",
                    where=f"option {name}",
                    cure="Name a PEM file on the machine where the task runs.",
                )
        return cls(**values)


_LEAST = {"token_expiration": 1, "timeout": 1, "total_timeout": 0, "retries": 0, "connections": 1, "max_answer_size": 1}


# Beyond these a number is a slip of the finger, which the libraries below take literally.
_MOST = {"timeout": 86400, "total_timeout": 604800, "retries": 100, "connections": 100, "max_answer_size": 65536}
_MOST_OF_ANYTHING = 10**9


def check_range(option: str, value: int, least: int) -> None:
    """Refuses a number below or beyond what an option can mean."""
    if value < least:
        raise BadOption(f"{value} is too small", where=f"option {option}", cure=f"Use {least} or more.")
    most = _MOST.get(option, _MOST_OF_ANYTHING)
    if value > most:
        raise BadOption(f"{value} is too large", where=f"option {option}", cure=f"Use {most} or less.")


LONGEST_WAIT = 3650 * 86400.0
"""Seconds that nobody means, to wait or to look back."""


def check_waiting(option: str, value: t.Any, least: float = 0.0) -> float:
    """Seconds of an option that says how long to wait; raises BadOption for less than makes sense."""
    seconds = _times.parse_duration(value if is_given(value) else default_of(option), option)
    if seconds < least:
        raise BadOption(f"'{value}' is too short", where=f"option {option}", cure=f"Use {least:.0f} s or more.")
    if seconds > LONGEST_WAIT:
        raise BadOption(f"'{value}' is too long", where=f"option {option}", cure="Nobody waits for ten years.")
    return seconds


def _for_header(option: str, value: str | None) -> str | None:
    """A text that a header can carry; one that was read from a file may end with a line break."""
    if value is None:
        return None
    if not value.strip().isascii() or not value.strip().isprintable():
        raise BadOption(
            "It has letters that no header can carry", where=f"option {option}", cure="Look for line breaks in it."
        )
    return value.strip()


def _is_address(address: str, *schemes: str) -> bool:
    try:
        parts = urlsplit(address.strip())
        return parts.scheme in schemes and bool(parts.hostname) and parts.port != 0 and address.strip().isprintable()
    except ValueError:
        return False


def _plain(name: str, value: t.Any) -> t.Any:
    """An option's value without surprises: empty is the default, and texts are plain ones."""
    option = CONNECTION[name]
    if is_blank(value):
        value = None
    if value is None:
        value = option.get("default")
    check_value(name, option, value)
    if name == "no_proxy":
        return tuple(str(host).strip() for host in value or () if str(host).strip())
    if name == "validate_certs":
        return strict_bool(value, name)
    # Data tagging makes texts a subclass of str, which older releases of requests refuse in a header.
    return str(value) if isinstance(value, str) else value
