# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Where the lookup's options come from: arguments, variables, environment and ini, read alike."""

from __future__ import annotations

import difflib
import os
import typing as t

from ansible.plugins.lookup import LookupBase

from ..module_utils import _options
from ..module_utils._errors import BadOption

VARIABLES = tuple(_options.var_name(option) for option in _options.CONNECTION)


_SPEC = {**_options.argument_spec(_options.CONNECTION, _options.QUERY), "cache_seconds": {"type": "float"}}


def set_options(lookup: LookupBase, terms: list[t.Any], variables: dict[str, t.Any], kwargs: dict[str, t.Any]) -> None:
    """Sets the lookup's options from all their sources, and refuses what nobody can mean; raises BadOption."""
    _forget_empty_variables()
    direct = _checked(kwargs)
    if terms:
        if direct.keys() & {"services", "service"}:
            raise BadOption(
                "The services are given twice", where="option services", cure="Give them as terms or as the option."
            )
        direct["services"] = list(terms)
    # Core hands variables over unrendered: "{{ true }}" would be read as a text.
    own = {name: t.cast(t.Any, lookup._templar).template(variables[name]) for name in VARIABLES if name in variables}
    _checked({name.removeprefix(_options.var_name("")): value for name, value in own.items()})
    lookup.set_options(var_options=_options.without_empty(own), direct=direct)


def _checked(options: dict[str, t.Any]) -> dict[str, t.Any]:
    """The options that are given, which core's own reading would neither miss nor look at."""
    known = [name for option, spec in _SPEC.items() for name in (option, *spec.get("aliases", ()))]
    for name in options:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"Did you mean {near[0]}?" if near else "Look at the documentation of the lookup."
            raise BadOption(f"There is no such option as {name}", where=f"option {name}", cure=hint)
    given, error = _options.sane(options, _SPEC)
    if error is not None:
        raise error
    return given


def values(get: _options.Read) -> dict[str, t.Any]:
    """All options that make a difference to the facts."""
    return {name: get(name) for name in (*_options.CONNECTION, *_options.QUERY)}


def _forget_empty_variables() -> None:
    """Takes our empty variables out of the environment, for the reading of options would take them as given."""
    for option in _options.CONNECTION:
        if not os.environ.get(_options.env_name(option), "unset").strip():
            del os.environ[_options.env_name(option)]
