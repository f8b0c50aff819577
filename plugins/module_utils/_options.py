# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The tables of options, from which come argument specs, environment variables and the names of variables.

The documentation fragments say the same in words; a test compares the two. Types are checked by ansible-core. What it
leaves to us is here: blank counts as not given, a boolean is never guessed, and a number has its range.
"""

from __future__ import annotations

import os
import typing as t
from urllib.parse import unquote

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
    "referer": {"type": "str", "default": "https://gisops.arcgis"},
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
    "max_answer_size": {"type": "int", "default": 16},
    "max_requests": {"type": "int", "default": 5000},
}

LOGIN: Table = {
    "token_expiration": {"type": "int", "default": 60, "no_log": False},
    "renew": {"type": "bool", "default": False},
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
    "number": {"type": "int", "default": 1000},
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
    """Return the environment variable of a connection option."""
    return f"ARCGIS_{option.upper()}"


def var_name(option: str) -> str:
    """Return the variable of a connection option, for the lookup and the roles."""
    return f"gisops_arcgis_{option}"


def env_unless_empty(name: str) -> str:
    """Return what an environment variable holds; an empty one counts as not given."""
    value = os.environ.get(name)
    if is_blank(value) or value is None:
        raise AnsibleFallbackNotFound
    return value


def argument_spec(*tables: Table) -> dict[str, dict[str, t.Any]]:
    """Return the argument spec of tables; connection options fall back to their environment variables."""
    spec = {name: dict(option) for table in tables for name, option in table.items()}
    for name in spec.keys() & CONNECTION.keys():
        spec[name]["fallback"] = (env_unless_empty, [env_name(name)])
    return spec


def is_blank(value: t.Any) -> bool:
    """Tell whether a text is what a template rendered to nothing, or what stands for ``omit`` before core 2.19."""
    return isinstance(value, str) and (not value.strip() or value.startswith("__omit_place_holder__"))


def is_given(value: t.Any) -> bool:
    """Tell whether a value says something: neither null, nor empty, nor blank."""
    return value is not None and value != [] and value != {} and not is_blank(value)


def without_empty(options: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return options less the blank ones, which count as not given."""
    return {name: value for name, value in options.items() if not is_blank(value)}


def secrets_in(options: t.Mapping[str, t.Any], spec: Table) -> set[str]:
    """Return what must not be shown: secret options, and passwords in addresses, as given and as they are meant."""
    secrets = {str(options[name]) for name, option in spec.items() if option.get("no_log") and options.get(name)}
    for name in spec.keys() & {"url", "token_url", "proxy"}:
        # Found by its sign, because an address with a slash in its password cannot be parsed.
        password = str(options.get(name) or "").partition("://")[2].rpartition("@")[0].partition(":")[2]
        secrets |= {password, unquote(password)} if password else set()
    return secrets


def default_of(option: str) -> t.Any:
    """Return the default of an option, from whichever table has it."""
    return {**GATE, **LOGIN, **QUERY, **CONNECTION}[option].get("default")


def strict_bool(value: t.Any, option: str) -> bool:
    """Return a boolean that is false only if it was said so; raise BadOption for anything else."""
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


# Beyond these a number is a slip of the finger, which the libraries below take literally.
_MOST = {"timeout": 86400, "total_timeout": 604800, "retries": 100, "connections": 100, "max_answer_size": 65536}
_MOST_OF_ANYTHING = 10**9
LONGEST_WAIT = 3650 * 86400.0
"""Seconds that nobody means, to wait or to look back."""


def check_range(option: str, value: int, least: int) -> None:
    """Raise BadOption for a number below or beyond what an option can mean."""
    if value < least:
        raise BadOption(f"{value} is too small", where=f"option {option}", cure=f"Use {least} or more.")
    most = _MOST.get(option, _MOST_OF_ANYTHING)
    if value > most:
        raise BadOption(f"{value} is too large", where=f"option {option}", cure=f"Use {most} or less.")


def check_waiting(option: str, value: t.Any, least: float = 0.0) -> float:
    """Return the seconds of an option that says how long to wait; raise BadOption if that makes no sense."""
    seconds = _times.parse_duration(value if is_given(value) else default_of(option), option)
    if seconds < least:
        raise BadOption(f"'{value}' is too short", where=f"option {option}", cure=f"Use {least:.0f} s or more.")
    if seconds > LONGEST_WAIT:
        raise BadOption(f"'{value}' is too long", where=f"option {option}", cure="Nobody waits for ten years.")
    return seconds
