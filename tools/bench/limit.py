# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The limit: a bare asyncio client that does nothing but send requests and count, over so many connections.

It believes all that the site says, repeats nothing, and knows beforehand what to ask. No client that has to find out
and to look twice can be quicker over the same connections.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
import typing as t
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from . import memory

Json = dict[str, t.Any]
STATUS_WORD = "esriJob"


class Limit:
    """Asks one site over a fixed number of connections, all that can be asked at once at once."""

    def __init__(self, session: aiohttp.ClientSession, given: Json) -> None:
        self._session = session
        self._given = given
        self._admin = f"{given['url']}/admin"
        self._headers: dict[str, str] = {}
        self._token = ""
        self.size = 0

    async def log_in(self) -> None:
        form = {"username": self._given["username"], "password": self._given["password"]}
        form |= {"client": "requestip", "expiration": "60", "f": "json"}
        async with self._session.post(f"{self._admin}/generateToken", data=form) as response:
            self._token = (await response.json(content_type=None))["token"]
        self._headers = {"X-Esri-Authorization": f"Bearer {self._token}"}

    async def get(self, url: str, **params: str) -> Json:
        return dict(json.loads(await self.send("GET", url, params=params, headers=self._headers)))

    async def send(self, method: str, url: str | URL, **more: t.Any) -> bytes:
        async with self._session.request(method, url, **more) as response:
            body = await response.read()
        self.size += len(body)
        return body

    async def fewest(self) -> Json:
        """Counts the jobs of the whole site with the fewest requests: one a service, where its record fits a page."""
        root = await self.get(f"{self._admin}/services", f="json")
        folders = await asyncio.gather(
            *(self.get(f"{self._admin}/services/{name}", f="json") for name in root["folders"])
        )
        services = [one for folder in (root, *folders) for one in folder["services"] if one["type"] == "GPServer"]
        urls = [
            f"{self._admin}/services/{one['folderName'].strip('/')}/{one['serviceName']}.GPServer/jobs/query"
            for one in services
        ]
        pages = await asyncio.gather(*(self.get(url, f="json", number="1000") for url in urls))
        return counted([word for page in pages for word in page["results"].values()])

    async def same(self) -> Json:
        """Sends the very requests that another client has sent, in no order, and counts what comes."""
        scheme_and_host = "{0.scheme}://{0.netloc}".format(urlsplit(self._given["url"]))

        async def one(method: str, path: str) -> bytes:
            # The path as it was sent, encoded as it was.
            url = URL(scheme_and_host + path, encoded=True)
            form = None if method == "GET" else {"f": "json", "token": self._token}
            return await self.send(method, url, data=form, headers=self._headers)

        asked = [(method, path) for method, path in self._given["requests"] if not path.endswith("/generateToken")]
        answers = await asyncio.gather(*(one(method, path) for method, path in asked))
        jobs: dict[str, str] = {}
        for (_method, path), answer in zip(asked, answers, strict=True):
            if "/jobs/query" in path:
                results = json.loads(answer)["results"]
                jobs.update({f"{path.partition('/jobs/')[0]} {name}": word for name, word in results.items()})
        return counted(list(jobs.values()))

    async def listing(self) -> Json:
        """Reads every page of one service: the first to learn how many there are, then all others at once."""
        url = f"{self._admin}/services/{self._given['service']}.GPServer/jobs/query"
        number = int(self._given["page_size"])
        first = await self.get(url, f="json", number=str(number))
        found = dict(first["results"])

        async def page(start: int) -> None:
            found.update((await self.get(url, f="json", number=str(number), start=str(start)))["results"])

        await asyncio.gather(*(page(start) for start in range(1 + number, int(first["total"]) + 1, number)))
        return {"jobs": len(found)}


def counted(words: list[str]) -> Json:
    """How many of these words of the site mean executing and failed."""
    return {name.lower(): words.count(STATUS_WORD + name) for name in ("Executing", "Failed")}


async def main() -> None:
    given = json.load(sys.stdin)
    context = ssl.create_default_context(cafile=given["ca_path"])
    connector = aiohttp.TCPConnector(limit=int(given["connections"]), ssl=context)
    async with aiohttp.ClientSession(connector=connector) as session:
        limit = Limit(session, given)
        await limit.log_in()
        answer = await {"fewest": limit.fewest, "same": limit.same, "listing": limit.listing}[given["what"]]()
    print(json.dumps({"answer": answer, "memory": memory.peak(), "size": limit.size}))


if __name__ == "__main__":
    asyncio.run(main())
