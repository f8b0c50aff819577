# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sites that repeat what they were sent, in whatever spelling: it goes no further."""

from __future__ import annotations

import html
import json
import logging
import typing as t
from urllib.parse import quote

import pytest
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import lookup_loader
from ansible.template import Templar

from ansible_collections.gisops.arcgis.plugins.modules import gp_jobs_query, gp_token
from rehearsal_site.faults import FaultBook, FaultRule, parse_fault
from rehearsal_site.tokens import TokenDesk

from .loopback import Reply, Seen
from .secrecy import shown, spellings

PASSWORD = "pa's\"s%41\\w&o+r<d> é {{ 6 * 7 }} "
SECRET = "T0ken+with/what=needs-a-spelling_0123456789"
"""A token, which has to be a word that a header can carry."""

Said = t.Callable[[str], t.Any]

# How a site may say that it does not like what it was sent.
ANSWERS: dict[str, Said] = {
    "an error in JSON": lambda text: {"error": {"code": 400, "message": f"Bad: {text}", "details": [text]}},
    "an error of the admin side": lambda text: {"status": "error", "code": 500, "messages": [text]},
    "a page": lambda text: Reply(f"<html><title>Bad</title><body>{text}</body></html>", 200),
    "a page that says 503": lambda text: Reply(f"<html><body>{text}</body></html>", 503),
    "a page that says 403": lambda text: Reply(f"<html><body>{text}</body></html>", 403),
    "JSON that says 401": lambda text: Reply({"message": text}, 401),
    "a way elsewhere": lambda text: Reply(
        "", 302, {"Location": f"https://login.example.com/{quote(text)}?{quote(text)}"}
    ),
    "a token refused": lambda text: {"error": {"code": 498, "message": f"Invalid token {text}."}},
    "no token": lambda text: {"error": {"code": 499, "message": f"Token required, not {text}."}},
}
WAYS = [name for name in spellings(PASSWORD) if not name.startswith("without")]


def site(answer: Said, secret: str, spelling: str) -> t.Callable[[Seen], t.Any]:
    """Answers whatever comes with what it should have kept to itself."""
    text = spellings(secret)[spelling]

    def script(seen: Seen) -> t.Any:
        reply = answer(text)
        if isinstance(reply, Reply) and spelling == "plain" and isinstance(reply.body, str):
            reply.body = reply.body.replace(text, html.escape(text))  # else there would be other tags in it
        return reply

    return script


def ask(run_module: t.Any, url: str, ca_path: str, **login: t.Any) -> list[str]:
    """All that module and lookup say, each as a text."""
    options = {"url": url, "ca_path": ca_path, "retries": 0, "api": "server", **login}
    options["token_url"] = f"{url}/admin/generateToken"
    results = [run_module(main, **options) for main in (gp_jobs_query.main, gp_token.main)]
    assert results[0]["failed"] is True
    told = [json.dumps(result, ensure_ascii=escaped) for result in results for escaped in (True, False)]
    loader = DataLoader()
    lookup = lookup_loader.get("gisops.arcgis.gp_jobs", loader=loader, templar=Templar(loader=loader))
    with pytest.raises(AnsibleError) as caught:
        lookup.run([], {}, **options)
    return [*told, results[0]["msg"], str(caught.value)]


@pytest.mark.parametrize(
    ("answer", "spelling"),
    [(answer, "plain") for answer in ANSWERS]
    + [(answer, spelling) for answer in ("an error in JSON", "a page") for spelling in WAYS if spelling != "plain"],
)
def test_what_a_site_repeats_of_a_secret_is_not_shown(
    scripted: t.Any, run_module: t.Any, caplog: pytest.LogCaptureFixture, answer: str, spelling: str
) -> None:
    caplog.set_level(logging.DEBUG)
    for secret, login in ((PASSWORD, {"username": "siteadmin", "password": PASSWORD}), (SECRET, {"token": SECRET})):
        with scripted(site(ANSWERS[answer], secret, spelling)) as server:
            told = ask(run_module, server.url, server.ca_path, **login)
            assert server.seen
        assert "********" in told[-1] or "the site" in told[-1].lower()
        assert not shown("\n".join([*told, caplog.text]), [secret])


def test_no_secret_is_in_an_address_or_a_referer(asked_site: t.Any, run_module: t.Any, api: str) -> None:
    with asked_site("first_gate", api=api) as asked:
        asked.site.desk.accounts["siteadmin"].password = PASSWORD
        options = {**asked.connection, "password": PASSWORD}
        assert run_module(gp_jobs_query.main, detail="full", **options)["complete"] is True
        tokens = [str(token) for token in asked.site.desk.tokens]
        seen = "\n".join(f"{entry.path} {entry.referer}" for entry in asked.site.log)
        assert tokens
        assert not shown(seen, [PASSWORD, *tokens])


class Chatty(FaultBook):
    """In the place of a site's faults: jobs and listings that tell the token with which they were asked for."""

    def __init__(self, desk: TokenDesk) -> None:
        super().__init__()
        self._desk = desk

    def pick(self, method: str, path: str) -> FaultRule | None:
        tokens = [str(token) for token in self._desk.tokens]
        if "/jobs/" not in path or not tokens:
            return None
        words = f"token={tokens[-1]}"
        told = {"query": {"form": words}, "userName": words, "username": words}
        messages = [{"type": "esriJobMessageTypeError", "description": words}]
        return parse_fault({"fault": "edited", "put": {**told, "messages": messages}})


@pytest.mark.parametrize("is_given", [False, True], ids=["a login", "a token of one's own"])
def test_a_token_is_not_shown_in_facts(asked_site: t.Any, run_module: t.Any, api: str, is_given: bool) -> None:
    """Not even by the lookup, whose result nobody looks through for secrets."""
    with asked_site("first_gate", api=api) as asked:
        desk = asked.site.desk
        asked.site.faults = Chatty(desk)
        options = dict(asked.connection)
        if is_given:
            issuer = "portal" if api == "kubernetes" else "server"
            token = desk.issue(desk.accounts["siteadmin"], issuer, "referer", "https://gisops.arcgis").value
            options = {**options, "username": None, "password": None, "token": token}
        facts = asked.query(detail="full", **options)
        result = run_module(gp_jobs_query.main, detail="full", **{k: v for k, v in options.items() if v is not None})
        assert desk.tokens
        assert facts["counts"] == result["counts"]
        assert "********" in json.dumps(facts["jobs"])
        assert not shown(json.dumps([facts, result]), [str(token) for token in desk.tokens])
