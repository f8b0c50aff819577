# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Where the lookup's options come from: arguments, variables, environment and ini, read alike."""

from __future__ import annotations

import os
import typing as t

from ansible.plugins.lookup import LookupBase

from ..module_utils import _options

VARIABLES = tuple(_options.var_name(option) for option in _options.CONNECTION)


def set_options(lookup: LookupBase, terms: list[t.Any], variables: dict[str, t.Any], kwargs: dict[str, t.Any]) -> None:
    """Sets the lookup's options from all their sources; empty ones count as not given."""
    _forget_empty_variables()
    direct = _options.without_empty({**kwargs, **({"services": list(terms)} if terms else {})})
    # Core hands variables over unrendered: "{{ true }}" would be read as a text.
    own = {name: t.cast(t.Any, lookup._templar).template(variables[name]) for name in VARIABLES if name in variables}
    lookup.set_options(var_options=_options.without_empty(own), direct=direct)


def values(get: _options.Read) -> dict[str, t.Any]:
    """All options that make a difference to the facts."""
    return {name: get(name) for name in (*_options.CONNECTION, *_options.QUERY)}


def _forget_empty_variables() -> None:
    """Takes our empty variables out of the environment, for the reading of options would take them as given."""
    for option in _options.CONNECTION:
        if not os.environ.get(_options.env_name(option), "unset").strip():
            del os.environ[_options.env_name(option)]
