#!/usr/bin/python
# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Gets one token that a play hands to its other tasks."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gp_token
short_description: Log in to an ArcGIS site once, for all tasks of a play
version_added: 1.0.0
author:
  - The gisops.arcgis contributors (@gisops)
description:
  - Gets a token that other tasks of the play take as their option C(token), so that the play logs in once.
  - The result is censored in all output, and can be registered all the same.
  - A password that the site refuses is not sent a second time.
requirements:
  - requests >= 2.31
options:
  token_expiration:
    description:
      - The life to ask for, in minutes. A site may give less, which is no error. Other tasks ask for V(60), and renew
        their token by what the site's answer says.
    type: int
    default: 60
  renew:
    description:
      - Log in even if O(token) is given, also by its environment variable, such as after the site has refused that
        token. It takes O(username) and O(password).
    type: bool
    default: false
extends_documentation_fragment:
  - gisops.arcgis._connection
  - gisops.arcgis._attributes
  - gisops.arcgis._attributes.info_module
  - gisops.arcgis._attributes.action_group
notes:
  - The token is bound to O(referer); the tasks that use it must send the same one, which they do by default.
  - Only the task's own output is censored. Whoever shows the registered variable shows the token.
  - If O(token) is given, it is handed on as it is, and no login takes place unless O(renew) says so.
seealso:
  - module: gisops.arcgis.gp_jobs_query
  - plugin: gisops.arcgis.gp_jobs
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: Log in once
  gisops.arcgis.gp_token:
    token_expiration: 30
  register: login

- name: Ask with that token
  gisops.arcgis.gp_jobs_query:
    services: System/PublishingTools
    token: "{{ login.token }}"
  register: publishing

- name: No further login took place
  ansible.builtin.assert:
    that: publishing.requests.tokens == 0
"""

RETURN = r"""
token:
  description: The token.
  returned: success
  type: str
  sample: 8Kd0lW8hZQ...
expires:
  description: When it expires, in UTC on the site's clock; null if the site did not say so plausibly.
  returned: success
  type: str
  sample: "2026-11-24T10:00:00Z"
api:
  description: The admin API that the site speaks, C(kubernetes) or C(server).
  returned: success
  type: str
  sample: kubernetes
failure:
  description: What went wrong, as data (see M(gisops.arcgis.gp_jobs_query)).
  returned: failure
  type: dict
  sample: {kind: LoginRefused, what: "The site refuses the login of 'user1'", where: "POST https://...", cure: "..."}
"""

from ..module_utils import _opaque, _times
from ..module_utils._connection import Connection
from ..module_utils._module import GpModule
from ..module_utils._options import CONNECTION, LOGIN
from ..module_utils._wire.site import Site


def main() -> None:
    """Run the module."""
    module = GpModule(CONNECTION, LOGIN)
    given = {**module.params, "token": None} if module.params["renew"] else module.params
    with module.reporting_errors(), Site(Connection.read(given.get, module.params["token_expiration"])) as site:
        api = site.dialect.api
        token = site.tokens.current()
        for warning in site.tokens.warnings:
            module.warn(warning)
    # The action plugin of this name takes the token out of its armour; see _opaque.
    module.exit_json(
        changed=False, api=api, armoured_token=_opaque.put_on(token.encode()), expires=_times.iso(site.tokens.expires)
    )


if __name__ == "__main__":
    main()
