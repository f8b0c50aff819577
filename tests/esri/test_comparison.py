# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Esri's own client and our query, side by side on the rehearsal site: they get the same jobs.

But for one thing: Esri's client names the status filter wrongly to ArcGIS Server, so that it gets jobs of every status.
"""

from __future__ import annotations

import typing as t
from types import SimpleNamespace

import pytest
from arcgis.gis._impl._con import Connection
from arcgis.gis.kubernetes._admin._services import GPJobManager
from arcgis.gis.server import Server
from arcgis.gis.server.admin._services import JobManager

from ansible_collections.gisops.arcgis.plugins.module_utils import _connection, _options, _statuses
from ansible_collections.gisops.arcgis.plugins.module_utils._jobs import query
from ansible_collections.gisops.arcgis.plugins.module_utils._wire import dialects
from ansible_collections.gisops.arcgis.plugins.module_utils._wire.site import Site
from rehearsal_site.running import RunningSite, running_site

SERVICE = "System/PublishingTools"
WORDS = sorted(_statuses.FILTER_WORDS.items())


def read(site: RunningSite, **options: t.Any) -> t.Callable[[str], t.Any]:
    spec = {**_options.CONNECTION, **_options.QUERY}
    given = {
        "url": site.url,
        "username": site.username,
        "password": site.password,
        "ca_path": str(site.ca_path),
        "services": [SERVICE],
        "detail": "jobs",
        **options,
    }
    return lambda name: given.get(name, spec[name].get("default"))


def ours(site: RunningSite, **options: t.Any) -> dict[str, str]:
    """Our jobs: ids and statuses."""
    facts = query.query(read(site, **options), print)
    assert facts["complete"] is True
    return {job["job_id"]: job["status"] for job in facts["jobs"]}


def jobs_url(site: RunningSite) -> str:
    return f"{site.admin_url}/services/{SERVICE}.GPServer/jobs"


def server_jobs(site: RunningSite, **options: t.Any) -> set[str]:
    """The ids that Esri's client for ArcGIS Server gives, after a login of its own."""
    server = Server(site.url, username=site.username, password=site.password, verify_cert=False)
    return {job.url.rsplit("/", 1)[1] for job in JobManager(jobs_url(site), server._con).search(**options)}


def kubernetes_jobs(site: RunningSite, statuses: list[str], **options: t.Any) -> dict[str, str]:
    """The jobs that Esri's client for Kubernetes gives, with a token that we got: its own login wants a browser."""
    with Site(_connection.Connection.read(read(site))) as talk:
        token = talk.tokens.current()
    connection = Connection(
        site.admin_url, token=token, referer="https://gisops.arcgis", verify_cert=False, trust_env=False
    )
    manager = GPJobManager(jobs_url(site), SimpleNamespace(_con=connection))
    return dict(manager.query(status=statuses, **options))


@pytest.fixture(name="server", scope="module")
def server_site() -> t.Iterator[RunningSite]:
    with running_site("truth_table", api="server") as site:
        site.site.clock.freeze()
        yield site


@pytest.fixture(name="kubernetes", scope="module")
def kubernetes_site() -> t.Iterator[RunningSite]:
    with running_site("truth_table", api="kubernetes") as site:
        site.site.clock.freeze()
        yield site


def test_all_jobs_of_a_server(server: RunningSite) -> None:
    found = server_jobs(server)
    assert len(found) == 38
    assert found == set(ours(server))


@pytest.mark.parametrize(("status", "word"), WORDS)
def test_a_status_of_a_server(server: RunningSite, status: str, word: str) -> None:
    """What it misnames: it gets every job, whatever status it asks for; ours are among them."""
    found = server_jobs(server, status=word)
    assert found == set(ours(server))
    assert set(ours(server, job_status=[status])) < found


def test_a_user_and_a_machine_of_a_server(server: RunningSite) -> None:
    assert server_jobs(server, username="user1") == set(ours(server, user_name="user1"))
    machine = "GISSERVER02.EXAMPLE.COM"
    assert server_jobs(server, machine=machine) == set(ours(server, machine_name=machine))


def test_the_documented_sample(server: RunningSite) -> None:
    with running_site("publishing_tools", api="server") as site:
        found = server_jobs(site)
        assert len(found) == 41
        assert found == set(ours(site))


@pytest.mark.parametrize(("status", "word"), WORDS)
def test_a_status_of_kubernetes(kubernetes: RunningSite, status: str, word: str) -> None:
    found = kubernetes_jobs(kubernetes, [word])
    assert found
    assert {job_id: _statuses.normalise(text) for job_id, text in found.items()} == ours(
        kubernetes, job_status=[status]
    )


def test_several_statuses_of_kubernetes(kubernetes: RunningSite) -> None:
    statuses = ["failed", "executing", "waiting"]
    found = kubernetes_jobs(kubernetes, [_statuses.FILTER_WORDS[status] for status in statuses])
    assert set(found) == set(ours(kubernetes, job_status=statuses))


def test_a_user_of_kubernetes(kubernetes: RunningSite) -> None:
    found = kubernetes_jobs(kubernetes, ["esriJobSucceeded"], username="user1")
    assert set(found) == set(ours(kubernetes, job_status=["succeeded"], user_name="user1"))


def test_both_dialects_are_the_ones_that_were_meant(server: RunningSite, kubernetes: RunningSite) -> None:
    assert query.query(read(server), print)["api"] == dialects.SERVER
    assert query.query(read(kubernetes), print)["api"] == dialects.KUBERNETES
