# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the lookup adds to the query: where its options come from, read alike, and a short memory.

The memory lives as long as the process. Names of tasks and includes are evaluated in the main one, which lives for the
whole run: therefore its answers have an age, for whoever waits for a change must see it.
"""

from __future__ import annotations

import configparser
import copy
import json
import os
import time
import typing as t

from ansible import constants as C
from ansible.plugins.lookup import LookupBase

from ..module_utils import _options
from ..module_utils._errors import BadOption

VARIABLES = tuple(_options.var_name(option) for option in _options.CONNECTION)

Facts = dict[str, t.Any]
_TABLES = {**_options.CONNECTION, **_options.QUERY}
_LONGEST = 86400
_remembered: dict[str, tuple[float, Facts]] = {}


def read_options(
    lookup: LookupBase, terms: list[t.Any], variables: dict[str, t.Any], kwargs: dict[str, t.Any]
) -> _options.Read:
    """Set the lookup's options from all their sources, and return what reads them; raise BadOption."""
    direct = _options.without_empty(kwargs)
    _check_names(direct)
    if terms:
        if direct.keys() & {"services", "service"}:
            raise BadOption(
                "The services are given twice", where="option services", cure="Give them as terms or as the option."
            )
        direct["services"] = list(terms)
    # Core hands variables over unrendered: "{{ true }}" would be read as a text.
    own = {name: t.cast(t.Any, lookup._templar).template(variables[name]) for name in VARIABLES if name in variables}
    own = _options.without_empty(own)
    # Core takes an empty variable of the environment for a value, and looks no further.
    given = {*direct, *(name.removeprefix(_options.var_name("")) for name in own)}
    empty = [one for one in _options.CONNECTION if _options.is_blank(os.environ.get(_options.env_name(one)))]
    instead = {option: _from_ini(option) for option in empty if option not in given}
    direct.update({option: value for option, value in instead.items() if value is not None})
    lookup.set_options(var_options=own, direct=direct)
    nothing = {option for option, value in instead.items() if value is None}
    return lambda option: None if option in nothing else lookup.get_option(option)


def _check_names(options: t.Mapping[str, t.Any]) -> None:
    """Raise BadOption for an option that there is not, of which core says nothing."""
    known = [name for option, one in _TABLES.items() for name in (option, *one.get("aliases", ()))]
    for name in options:
        if name not in (*known, "cache_seconds"):
            import difflib

            near = difflib.get_close_matches(name, known, 1)
            hint = f"Did you mean {near[0]}?" if near else "Look at the documentation of the lookup."
            raise BadOption(f"There is no such option as {name}", where=f"option {name}", cure=hint)


def _from_ini(option: str) -> t.Any:
    """Return what ansible.cfg says of an option, or its default."""
    ini = configparser.ConfigParser(interpolation=None, inline_comment_prefixes=(";",))
    ini.read(t.cast(t.Any, C).CONFIG_FILE or ())
    value = ini.get("gisops_arcgis", option, fallback=None)
    return _options.CONNECTION[option].get("default") if _options.is_blank(value) or value is None else value


def remembered(get: _options.Read, ask: t.Callable[[], Facts]) -> Facts:
    """Return the facts for a lookup's options: those remembered, if they are not too old, else new ones.

    :param get: reads the lookup's options. ``cache_seconds`` says how old an answer may be.
    """
    seconds = float(get("cache_seconds"))
    if not 0 <= seconds <= _LONGEST:
        raise BadOption(
            f"'{seconds}' is no time to remember an answer for",
            where="option cache_seconds",
            cure=f"Use 0 to {_LONGEST} seconds.",
        )
    key = json.dumps({name: get(name) for name in _TABLES}, sort_keys=True, default=str)
    now = time.monotonic()
    for old in [other for other, (at, _facts) in _remembered.items() if now - at > seconds]:
        del _remembered[old]
    if seconds <= 0 or key not in _remembered:
        _remembered[key] = now, ask()
    return copy.deepcopy(_remembered[key][1])
