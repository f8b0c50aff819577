# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests share: a client of their own, with the few habits of a careful one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import requests

from rehearsal_site.running import RunningSite, running_site

PUBLISHING = "System/PublishingTools.GPServer"
NOON = 1_700_000_000_000  # a moment of the frozen clock


class Client:
    """Asks a running site, logged in as the administrator unless told otherwise."""

    def __init__(self, running: RunningSite, username: str | None = None) -> None:
        self.running, self.site = running, running.site
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = str(running.ca_path)
        self.session.headers["Referer"] = "http"
        if username is None:
            username = running.username
        self.token = ""
        if username:
            self.token = self.log_in(username).json()["token"]
            self.session.headers["X-Esri-Authorization"] = f"Bearer {self.token}"

    @property
    def token_url(self) -> str:
        if self.running.portal_url:
            return f"{self.running.portal_url}/sharing/rest/generateToken"
        return f"{self.running.admin_url}/generateToken"

    def log_in(
        self, username: str, password: str | None = None, url: str | None = None, **more: Any
    ) -> requests.Response:
        form = {"username": username, "password": password or f"rehearsal-Passw0rd-{username}", "f": "json"}
        return self.session.post(url or self.token_url, data={"client": "referer", "referer": "http", **form, **more})

    def response(self, path: str, method: str = "GET", **more: Any) -> requests.Response:
        url = path if path.startswith("https:") else f"{self.running.url}/{path}"
        options = {"timeout": 10, **more}
        if method == "POST":
            options.setdefault("data", {"f": "json"})
        elif "?" not in url:
            options.setdefault("params", {"f": "json"})
        return self.session.request(method, url, **options)

    def get(self, path: str, **more: Any) -> Any:
        return self.response(path, **more).json()

    def post(self, path: str, **form: Any) -> Any:
        return self.response(path, "POST", data={"f": "json", **form}).json()

    def query(self, service: str = PUBLISHING, **params: Any) -> Any:
        return self.get(f"admin/services/{service}/jobs/query", params={"f": "json", **params})

    def found(self, service: str = PUBLISHING, **params: Any) -> set[str]:
        """Ids of a whole listing, in one page."""
        return set(self.query(service, number=100_000, **params)["results"])

    def truth(self, service: str = PUBLISHING, **wanted: str) -> set[str]:
        return {str(job["job_id"]) for job in self.site.truth({"service": service, **wanted})}

    def control(self, method: str, path: str, body: Any = None) -> Any:
        response = requests.request(
            method, self.running.control_url + path, json=body, timeout=10, proxies={"http": ""}
        )
        return response.json()


Start = Callable[..., Client]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a site and log in; everything is ended with the test."""
    with ExitStack() as stack:

        def begin(scenario: Any = None, *, username: str | None = None, **options: Any) -> Client:
            client = Client(stack.enter_context(running_site(scenario, **options)), username)
            stack.callback(client.session.close)
            stack.callback(lambda: _no_failures(client))
            return client

        yield begin


def _no_failures(client: Client) -> None:
    assert client.site.failures == []


def jobs(*entries: dict[str, object], clock: bool = True) -> dict[str, object]:
    """A scenario with one service, on a clock that stands still."""
    scenario: dict[str, object] = {"services": {"System/PublishingTools": {"jobs": list(entries)}}}
    if clock:
        scenario["clock"] = {"at": NOON, "frozen": True}
    return scenario


@pytest.fixture(params=["kubernetes", "server"])
def api(request: pytest.FixtureRequest) -> str:
    return str(request.param)
