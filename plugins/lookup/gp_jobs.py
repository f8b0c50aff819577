# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The query of gp_jobs_query inside an expression."""

from __future__ import annotations

DOCUMENTATION = r"""
name: gp_jobs
short_description: Ask an ArcGIS site about its geoprocessing jobs, inside an expression
version_added: 1.0.0
author:
  - The gisops.arcgis contributors (@gisops)
description:
  - Returns the same facts as M(gisops.arcgis.gp_jobs_query), with the same options, as a list of one, so that
    C(lookup) gives the facts themselves, and C(query) that list.
  - It runs on the controller, once for every host that evaluates it, and in check mode too. The C(environment)
    of a task does not reach it.
requirements:
  - requests >= 2.31 on the controller
extends_documentation_fragment:
  - gisops.arcgis._connection
  - gisops.arcgis._connection.plugins
  - gisops.arcgis._query
options:
  _terms:
    description:
      - The services to ask, as in O(services), which is another way to give them. None at all means every geoprocessing
        service of the site.
    type: list
    elements: raw
  validate_certs:
    # Read as it stands, for a lookup's own reading of a boolean takes what it cannot understand for false.
    type: raw
  cache_seconds:
    description:
      - The same lookup evaluated again within this many seconds in one process is not asked again, for an
        expression may be evaluated several times for one task. V(0) asks every time.
    type: float
    default: 5
seealso:
  - module: gisops.arcgis.gp_jobs_query
  - module: gisops.arcgis.gp_token
"""

EXAMPLES = r"""
- name: How many are executing
  ansible.builtin.debug:
    msg: "{{ lookup('gisops.arcgis.gp_jobs', 'Analysis/Buffer', job_status='active').counts.executing }} executing"

- name: Ask once and keep the answer
  ansible.builtin.set_fact:
    analysis: "{{ lookup('gisops.arcgis.gp_jobs', 'Analysis/*', job_status='active', detail='jobs') }}"

- name: Show the jobs
  ansible.builtin.debug:
    msg: "{{ analysis.jobs | map(attribute='job_id') }}"

- name: Every service of a site, with the connection in variables
  ansible.builtin.debug:
    msg: "{{ lookup('gisops.arcgis.gp_jobs').counts }}"
  vars:
    gisops_arcgis_url: "{{ arcgis_url }}"
    gisops_arcgis_username: "{{ arcgis_username }}"
    gisops_arcgis_password: "{{ arcgis_password }}"
    gisops_arcgis_ca_path: "{{ arcgis_ca_path }}"
"""

RETURN = r"""
_raw:
  description: A list of one, the facts as M(gisops.arcgis.gp_jobs_query) returns them.
  type: list
  elements: dict
"""

import typing as t

from ansible.errors import AnsibleError, AnsibleLookupError
from ansible.module_utils.basic import missing_required_lib
from ansible.plugins.lookup import LookupBase
from ansible.utils.display import Display

from ..module_utils._errors import GpError, unforeseen
from ..module_utils._jobs import query
from ..module_utils._wire import transport
from ..plugin_utils import _lookup

display = Display()


class LookupModule(LookupBase):
    def run(
        self, terms: list[t.Any], variables: dict[str, t.Any] | None = None, **kwargs: t.Any
    ) -> list[dict[str, t.Any]]:
        """Return the facts, as a list of one."""
        if transport.REQUESTS_IMPORT_ERROR is not None:
            raise AnsibleLookupError(missing_required_lib("requests"))
        try:
            get = _lookup.read_options(self, terms, variables or {}, kwargs)
            return [_lookup.remembered(get, lambda: query.query(get, display.warning))]
        except GpError as error:
            raise AnsibleLookupError(str(error)) from error
        except AnsibleError:
            raise
        except Exception as error:
            told = unforeseen(error)
            display.vvv(told["exception"])
            raise AnsibleLookupError(told["msg"]) from None
