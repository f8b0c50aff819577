# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Options that say which site is asked and how: the same for modules, lookup and action."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  url:
    description:
      - The address of the site, either its context (V(https://gis.example.com/arcgis)), its admin root
        (V(https://gis.example.com:6443/arcgis/admin)) or its REST root; the right roots are worked out.
      - Only C(https) is taken. A portal's address is refused with the addresses of its servers.
      - Required, here or as environment variable E(ARCGIS_URL).
    type: str
  api:
    description:
      - Which admin API the site speaks.
      - V(kubernetes) is ArcGIS Enterprise on Kubernetes, V(server) is ArcGIS Server, alone or federated.
      - V(auto) finds out from what the site tells without a login, which costs up to two requests.
      - If not given, the environment variable E(ARCGIS_API) is used.
    type: str
    choices: [auto, kubernetes, server]
    default: auto
  username:
    description:
      - The account to log in with. It must be a built-in one, for SAML accounts cannot get a token by password.
      - If not given, the environment variable E(ARCGIS_USERNAME) is used.
    type: str
  password:
    description:
      - The password of O(username). It is sent once to one token service, in the body of a POST. If it is refused it is
        not sent again, for five wrong ones lock an account.
      - If not given, the environment variable E(ARCGIS_PASSWORD) is used.
    type: str
  token:
    description:
      - A token to use instead of a login, for example one from M(gisops.arcgis.gp_token).
      - It must have been issued for the same O(referer). Once the site refuses it, it is only replaced where
        O(username) and O(password) are given too.
      - If not given, the environment variable E(ARCGIS_TOKEN) is used.
    type: str
  token_url:
    description:
      - The address of the token service, where it is not the one that is worked out. That is the portal of
        ArcGIS Enterprise on Kubernetes, the portal that an ArcGIS Server is federated with, or the server's own
        C(admin/generateToken).
      - For the primary site administrator of a federated server, give the server's own C(admin/generateToken).
      - If not given, the environment variable E(ARCGIS_TOKEN_URL) is used.
    type: str
  referer:
    description:
      - The C(Referer) that is sent with every request, and that a token is bound to.
      - If not given, the environment variable E(ARCGIS_REFERER) is used.
    type: str
    default: https://gisops.arcgis
  validate_certs:
    description:
      - Whether the site must show a certificate that is trusted. Only an explicit V(false) switches this off.
      - If not given, the environment variable E(ARCGIS_VALIDATE_CERTS) is used.
    type: bool
    default: true
  ca_path:
    description:
      - A PEM file with the CA certificates to trust, on the machine where the task runs.
      - Without it, the file named by the environment variables C(REQUESTS_CA_BUNDLE) or C(CURL_CA_BUNDLE) is
        used, or else the certificates that come with C(requests).
      - If not given, the environment variable E(ARCGIS_CA_PATH) is used.
    type: path
  client_cert:
    description:
      - A PEM file with a client certificate (and its key, where O(client_key) is not given).
      - If not given, the environment variable E(ARCGIS_CLIENT_CERT) is used.
    type: path
  client_key:
    description:
      - A PEM file with the key of O(client_cert), without a passphrase.
      - If not given, the environment variable E(ARCGIS_CLIENT_KEY) is used.
    type: path
  proxy:
    description:
      - The proxy to use, such as V(http://proxy.example.com:3128). It may hold a user name and a password, and is
        treated as a secret.
      - Without it, the proxy variables of the environment are used.
      - If not given, the environment variable E(ARCGIS_PROXY) is used.
    type: str
  no_proxy:
    description:
      - Hosts that are asked without a proxy.
      - If not given, the environment variable E(ARCGIS_NO_PROXY) is used, separated by commas.
    type: list
    elements: str
  timeout:
    description:
      - The longest time in seconds for making a connection, and for one whole answer.
      - If not given, the environment variable E(ARCGIS_TIMEOUT) is used.
    type: int
    default: 30
  total_timeout:
    description:
      - The longest time in seconds for everything that the task asks, retries included; for each measurement, where it
        measures several times. V(0) sets no limit.
      - If not given, the environment variable E(ARCGIS_TOTAL_TIMEOUT) is used.
    type: int
    default: 300
  retries:
    description:
      - How often one request is sent again where that can help, with growing pauses, or as long as the site asks.
      - A login is only sent again where the site cannot have seen it, or said that it is busy.
      - If not given, the environment variable E(ARCGIS_RETRIES) is used.
    type: int
    default: 3
  connections:
    description:
      - How many connections are used side by side, at most.
      - If not given, the environment variable E(ARCGIS_CONNECTIONS) is used.
    type: int
    default: 8
  max_answer_size:
    description:
      - The largest answer that is read, in MiB after decompression. A larger one is an error.
      - A page of 1,000 jobs takes less than half a MiB; a folder of 10,000 services takes up to 20 MiB.
      - If not given, the environment variable E(ARCGIS_MAX_ANSWER_SIZE) is used.
    type: int
    default: 16
  max_requests:
    description:
      - The most requests that one measurement may send, logins and retries included. What would take more of them is
        not complete.
      - If not given, the environment variable E(ARCGIS_MAX_REQUESTS) is used.
    type: int
    default: 5000
"""

    # Only what a lookup adds: where else its options come from. Kept in step with _options.CONNECTION by a test.
    PLUGINS = r"""
options:
  url:
    env: [{name: ARCGIS_URL}]
    ini: [{section: gisops_arcgis, key: url}]
    vars: [{name: gisops_arcgis_url}]
  api:
    env: [{name: ARCGIS_API}]
    ini: [{section: gisops_arcgis, key: api}]
    vars: [{name: gisops_arcgis_api}]
  username:
    env: [{name: ARCGIS_USERNAME}]
    ini: [{section: gisops_arcgis, key: username}]
    vars: [{name: gisops_arcgis_username}]
  password:
    env: [{name: ARCGIS_PASSWORD}]
    ini: [{section: gisops_arcgis, key: password}]
    vars: [{name: gisops_arcgis_password}]
  token:
    env: [{name: ARCGIS_TOKEN}]
    ini: [{section: gisops_arcgis, key: token}]
    vars: [{name: gisops_arcgis_token}]
  token_url:
    env: [{name: ARCGIS_TOKEN_URL}]
    ini: [{section: gisops_arcgis, key: token_url}]
    vars: [{name: gisops_arcgis_token_url}]
  referer:
    env: [{name: ARCGIS_REFERER}]
    ini: [{section: gisops_arcgis, key: referer}]
    vars: [{name: gisops_arcgis_referer}]
  validate_certs:
    env: [{name: ARCGIS_VALIDATE_CERTS}]
    ini: [{section: gisops_arcgis, key: validate_certs}]
    vars: [{name: gisops_arcgis_validate_certs}]
  ca_path:
    env: [{name: ARCGIS_CA_PATH}]
    ini: [{section: gisops_arcgis, key: ca_path}]
    vars: [{name: gisops_arcgis_ca_path}]
  client_cert:
    env: [{name: ARCGIS_CLIENT_CERT}]
    ini: [{section: gisops_arcgis, key: client_cert}]
    vars: [{name: gisops_arcgis_client_cert}]
  client_key:
    env: [{name: ARCGIS_CLIENT_KEY}]
    ini: [{section: gisops_arcgis, key: client_key}]
    vars: [{name: gisops_arcgis_client_key}]
  proxy:
    env: [{name: ARCGIS_PROXY}]
    ini: [{section: gisops_arcgis, key: proxy}]
    vars: [{name: gisops_arcgis_proxy}]
  no_proxy:
    env: [{name: ARCGIS_NO_PROXY}]
    ini: [{section: gisops_arcgis, key: no_proxy}]
    vars: [{name: gisops_arcgis_no_proxy}]
  timeout:
    env: [{name: ARCGIS_TIMEOUT}]
    ini: [{section: gisops_arcgis, key: timeout}]
    vars: [{name: gisops_arcgis_timeout}]
  total_timeout:
    env: [{name: ARCGIS_TOTAL_TIMEOUT}]
    ini: [{section: gisops_arcgis, key: total_timeout}]
    vars: [{name: gisops_arcgis_total_timeout}]
  retries:
    env: [{name: ARCGIS_RETRIES}]
    ini: [{section: gisops_arcgis, key: retries}]
    vars: [{name: gisops_arcgis_retries}]
  connections:
    env: [{name: ARCGIS_CONNECTIONS}]
    ini: [{section: gisops_arcgis, key: connections}]
    vars: [{name: gisops_arcgis_connections}]
  max_answer_size:
    env: [{name: ARCGIS_MAX_ANSWER_SIZE}]
    ini: [{section: gisops_arcgis, key: max_answer_size}]
    vars: [{name: gisops_arcgis_max_answer_size}]
  max_requests:
    env: [{name: ARCGIS_MAX_REQUESTS}]
    ini: [{section: gisops_arcgis, key: max_requests}]
    vars: [{name: gisops_arcgis_max_requests}]
"""
