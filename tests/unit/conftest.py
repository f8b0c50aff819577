# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What unit tests share: a rehearsal site in a thread, and the query as modules and lookup call it."""

from __future__ import annotations

import json
import random
import typing as t
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ansible.module_utils import basic
from ansible.plugins.loader import init_plugin_loader
from ansible.utils.collection_loader._collection_config import AnsibleCollectionConfig
from hypothesis import HealthCheck, settings

# Plugins are found by their full names in here too; that must be settled before the collection is first imported.
if AnsibleCollectionConfig.collection_finder is None:
    init_plugin_loader()

from ansible_collections.gisops.arcgis.plugins.module_utils import _options
from ansible_collections.gisops.arcgis.plugins.module_utils._connection import Connection
from ansible_collections.gisops.arcgis.plugins.module_utils._jobs import query as jobs_query
from ansible_collections.gisops.arcgis.plugins.module_utils._wire import login_lock
from rehearsal_site.running import RunningSite, running_site

from .loopback import connect_proxy, scripted_server

# Examples are not kept between runs, and a busy machine is no failure.
settings.register_profile("unit", deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unit")

Facts = dict[str, t.Any]


class Asked:
    """A running site with the query at hand."""

    def __init__(self, site: RunningSite) -> None:
        self.running = site
        self.site = site.site
        self.warnings: list[str] = []
        self.connection: dict[str, t.Any] = {
            "url": site.url,
            "username": site.username,
            "password": site.password,
            "ca_path": str(site.ca_path),
        }

    def query(self, **options: t.Any) -> Facts:
        """The facts that the query gives for these options; None takes a connection option away."""
        given = {**self.connection, **options}
        spec = {**_options.CONNECTION, **_options.QUERY}
        assert not given.keys() - spec.keys()
        return jobs_query.query(lambda name: given.get(name, spec[name].get("default")), self.warnings.append)

    def requests(self, part: str = "") -> list[t.Any]:
        """The requests in the site's log whose path contains this."""
        return [entry for entry in self.site.log if part in entry.path]


AskedSite = t.Callable[..., t.ContextManager[Asked]]


@contextmanager
def asked_site(scenario: t.Any = None, **switches: t.Any) -> Iterator[Asked]:
    with running_site(scenario, **switches) as site:
        yield Asked(site)
        assert site.site.failures == [], "the rehearsal site itself has failed"


@pytest.fixture(name="asked_site")
def asked_site_fixture() -> AskedSite:
    """Runs a rehearsal site for a scenario and switches, and gives the query on it."""
    return asked_site


@pytest.fixture(params=["kubernetes", "server"])
def api(request: pytest.FixtureRequest) -> str:
    """Both dialects, one after the other."""
    return str(request.param)


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test depends on the connection variables of whoever runs it."""
    for option in _options.CONNECTION:
        monkeypatch.delenv(_options.env_name(option), raising=False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def no_memory_of_logins(monkeypatch: pytest.MonkeyPatch) -> None:
    """A password that one test has refused is no matter of the next."""
    monkeypatch.setattr(login_lock, "_own_folder", lambda path: None)


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries follow at once: the jitter that a pause is made of is nothing."""
    monkeypatch.setattr(random, "uniform", lambda low, high: 0.0)


@pytest.fixture
def scripted() -> t.Callable[..., t.ContextManager[t.Any]]:
    """An HTTPS server whose answers are a test's own."""
    return scripted_server


@pytest.fixture
def proxied() -> t.Callable[..., t.ContextManager[t.Any]]:
    """A proxy that takes CONNECT."""
    return connect_proxy


def read_connection(token_expiration: int = 60, **options: t.Any) -> Connection:
    """The connection options of a client; what is left out has its default."""
    assert not options.keys() - _options.CONNECTION.keys()
    return Connection.read(options.get, token_expiration)


@pytest.fixture(name="read_connection")
def read_connection_fixture() -> t.Callable[..., Connection]:
    """Reads connection options as modules do."""
    return read_connection


RunModule = t.Callable[..., dict[str, t.Any]]


@pytest.fixture
def run_module(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> RunModule:
    """Runs a module's main with these options, as core does it, and gives its result."""

    def run(main: t.Callable[[], None], *, check: bool = False, **options: t.Any) -> dict[str, t.Any]:
        internal = {"_ansible_check_mode": check, "_ansible_remote_tmp": str(tmp_path)}
        arguments = json.dumps({"ANSIBLE_MODULE_ARGS": {**options, **internal}})
        monkeypatch.setattr(basic, "_ANSIBLE_ARGS", arguments.encode())
        monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)
        capfd.readouterr()
        with pytest.raises(SystemExit):
            main()
        result = json.loads(capfd.readouterr().out)
        assert isinstance(result, dict)
        result.pop("_ansible_new_secrets", None)  # what ansible-core 2.22 tells the controller to mask from now on
        return result

    return run
