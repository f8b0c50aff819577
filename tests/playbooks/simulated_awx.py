# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""As much of AWX's API, in memory, as the awx.awx modules need; what AWX refuses in the assets it refuses too."""

from __future__ import annotations

import itertools
import json
import re
import threading
import typing as t
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from jinja2 import StrictUndefined, sandbox

Mapping = dict[str, t.Any]

TOKEN = "simulated-awx-token"
TYPES = {
    "organizations": "organization",
    "credential_types": "credential_type",
    "credentials": "credential",
    "execution_environments": "execution_environment",
    "projects": "project",
    "inventories": "inventory",
    "hosts": "host",
    "job_templates": "job_template",
    "workflow_job_templates": "workflow_job_template",
    "workflow_job_template_nodes": "workflow_job_template_node",
    "workflow_approval_templates": "workflow_approval_template",
    "labels": "label",
}
UNIFIED = ("projects", "job_templates", "workflow_job_templates", "workflow_approval_templates")
EDGES = ("success_nodes", "failure_nodes", "always_nodes")
# What a field is where nobody has set it.
EMPTY: Mapping = {"kind": "", "host_filter": None, "enabled": True, "description": ""}
QUESTION_TYPES = {"text", "textarea", "password", "integer", "float", "multiplechoice", "multiselect"}


class Refused(Exception):
    """A 400 with these words."""


class SimulatedAwx:
    """The objects by endpoint and id, and every request that changed one."""

    def __init__(self, playbooks: set[str]) -> None:
        self.playbooks = playbooks
        self.ids = itertools.count(1)
        self.tables: dict[str, dict[int, Mapping]] = {name: {} for name in TYPES}
        self.surveys: dict[str, Mapping] = {}
        self.edges: dict[str, list[int]] = {}
        self.writes: list[str] = []

    def add(self, endpoint: str, **fields: t.Any) -> int:
        """Puts an object there that somebody else has made."""
        return int(self._create(endpoint, fields)["id"])

    def names(self, endpoint: str) -> list[str]:
        return sorted(str(one.get("name") or one.get("identifier")) for one in self.tables[endpoint].values())

    # --- requests -------------------------------------------------------------------------------------------------

    def answer(self, method: str, path: str, query: Mapping, data: Mapping) -> tuple[int, t.Any]:
        parts = path.removeprefix("/api/v2/").strip("/").split("/")
        if method != "GET":
            self.writes.append(f"{method} {path}")
        try:
            return self._route(method, parts, query, data)
        except Refused as exc:
            return 400, {"__all__": [str(exc)], "error": str(exc)}
        except KeyError as exc:
            return 404, {"detail": f"Not found: {exc}"}

    def _route(self, method: str, parts: list[str], query: Mapping, data: Mapping) -> tuple[int, t.Any]:
        if parts[0] in ("ping", "config"):
            return 200, {"version": "24.6.1"}
        if parts[0] == "unified_job_templates":
            return 200, self._list([one for name in UNIFIED for one in self.tables[name].values()], query)
        table = self.tables[parts[0]]
        if len(parts) == 1:
            if method == "GET":
                return 200, self._list(list(table.values()), query)
            return 201, self._create(parts[0], data)
        one = table[int(parts[1])]
        if len(parts) == 3:
            return self._related(method, one, parts, data)
        if method == "PATCH":
            merged = {**one, **{key: value if value is not None else EMPTY.get(key) for key, value in data.items()}}
            self._check(parts[0], merged)
            one.update(merged)
        elif method == "DELETE":
            self._delete(parts[0], int(parts[1]))
            return 204, None
        return 200, one

    def _related(self, method: str, one: Mapping, parts: list[str], data: Mapping) -> tuple[int, t.Any]:
        url = one["url"]
        if parts[2] == "survey_spec":
            if method == "POST":
                check_survey(data)
                self.surveys[url] = json.loads(json.dumps(data))
            return 200, self.surveys.get(url, {})
        if parts[2] == "create_approval_template":
            made = self._create("workflow_approval_templates", {"description": "", "timeout": 0, **data})
            one["unified_job_template"] = made["id"]
            one["related"]["unified_job_template"] = made["url"]
            return 201, made
        ids = self.edges.setdefault(f"{url}{parts[2]}", [])
        if method == "POST":
            if data.get("disassociate"):
                ids.remove(data["id"])
            else:
                ids.append(data["id"])
            return 204, None
        where = "workflow_job_template_nodes" if parts[2] in EDGES else parts[2]
        return 200, self._list([self.tables[where][one_id] for one_id in ids], {})

    # --- objects --------------------------------------------------------------------------------------------------

    def _list(self, objects: list[Mapping], query: Mapping) -> Mapping:
        found = [one for one in objects if self._matches(one, query)]
        return {"count": len(found), "next": None, "previous": None, "results": found}

    def _matches(self, one: Mapping, query: Mapping) -> bool:
        either: list[bool] = []
        for key, value in query.items():
            if key.startswith("or__"):
                either.append(str(one.get(key[4:])) == value)
                continue
            field, _sign, way = key.partition("__")
            has = one.get(field)
            if way == "name":
                has = self.tables[f"{field}s"].get(has, {}).get("name")  # type: ignore[arg-type]
            fits = {
                "endswith": lambda has=has, value=value: str(has or "").endswith(value),
                "in": lambda has=has, value=value: str(has) in value.split(","),
            }.get(way, lambda has=has, value=value: str(has) == value)
            if not fits():
                return False
        return any(either) if either else True

    def _create(self, endpoint: str, data: Mapping) -> Mapping:
        number = next(self.ids)
        url = f"/api/v2/{endpoint}/{number}/"
        fields = {key: value if value is not None else EMPTY.get(key) for key, value in data.items()}
        one = {
            **EMPTY,
            **fields,
            "id": number,
            "type": TYPES[endpoint],
            "url": url,
            "related": {},
            "summary_fields": {},
        }
        same = ("name", "organization", "inventory", "workflow_job_template", "identifier")
        for other in self.tables[endpoint].values():
            if endpoint != "workflow_approval_templates" and all(other.get(key) == one.get(key) for key in same):
                raise Refused(f"{endpoint} with this name already exists")
        self._check(endpoint, one)
        if endpoint == "projects":
            one["scm_revision"] = "0" * 40
        if endpoint in ("job_templates", "workflow_job_templates"):
            one["related"]["survey_spec"] = f"{url}survey_spec/"
        self.tables[endpoint][number] = one
        return one

    def _delete(self, endpoint: str, number: int) -> None:
        if endpoint == "credential_types" and self._list([*self.tables["credentials"].values()], {}):
            users = [one for one in self.tables["credentials"].values() if one["credential_type"] == number]
            if users:
                raise Refused("Credential types that are in use cannot be deleted")
        del self.tables[endpoint][number]
        if endpoint == "workflow_job_templates":
            nodes = self.tables["workflow_job_template_nodes"]
            for node_id in [key for key, node in nodes.items() if node["workflow_job_template"] == number]:
                self.tables["workflow_approval_templates"].pop(int(nodes.pop(node_id)["unified_job_template"]), None)

    def _check(self, endpoint: str, one: Mapping) -> None:
        if endpoint == "credential_types":
            check_credential_type(one["inputs"], one["injectors"])
        if endpoint == "job_templates" and "playbook" in one:
            if one["playbook"] not in self.playbooks:
                raise Refused("Playbook not found for project.")
            if not isinstance(json.loads(one["extra_vars"]), dict):
                raise Refused("extra_vars must be a dictionary")
        if endpoint == "execution_environments" and not one.get("image"):
            raise Refused("image: this field is required")


def check_survey(spec: Mapping) -> None:
    """Refuses what AWX refuses in a survey."""
    if not all(isinstance(spec.get(key), str) for key in ("name", "description")) or not spec.get("spec"):
        raise Refused("a survey has a name, a description and a list of questions")
    seen = set()
    for question in spec["spec"]:
        missing = {"type", "question_name", "variable", "required"} - question.keys()
        if missing or question["type"] not in QUESTION_TYPES or question["variable"] in seen:
            raise Refused(f"survey question {question}: {missing}")
        seen.add(question["variable"])
        if question["type"].startswith("multi") and not question.get("choices"):
            raise Refused(f"survey question {question['variable']} has no choices")
        for key in ("min", "max"):
            if question.get(key) is not None and not isinstance(question[key], int):
                raise Refused(f"survey question {question['variable']}: {key} is no number")


def check_credential_type(inputs: Mapping, injectors: Mapping) -> None:
    """Refuses what AWX refuses in a credential type; each injector is rendered as AWX tries it."""
    known = {
        "id",
        "label",
        "help_text",
        "type",
        "choices",
        "default",
        "secret",
        "multiline",
        "format",
        "ask_at_runtime",
    }
    namespace: Mapping = {}
    for one in inputs["fields"]:
        if one.keys() - known or one.get("type", "string") not in ("string", "boolean"):
            raise Refused(f"field {one} is not valid")
        if not re.fullmatch(r"[A-Za-z_]\w*", one["id"]) or one["id"] == "tower":
            raise Refused(f"field id {one['id']} is not valid")
        if one.get("type") == "boolean" and (one.get("secret") or one.get("multiline")):
            raise Refused(f"boolean {one['id']} cannot be secret")
        namespace[one["id"]] = "EXAMPLE"
    files = [name.partition(".")[2] for name in injectors.get("file", {})]
    namespace["tower"] = {"filename": dict.fromkeys(files, "EXAMPLE_FILENAME")}
    environment = sandbox.ImmutableSandboxedEnvironment(undefined=StrictUndefined)
    for kind, pairs in injectors.items():
        if kind not in ("env", "file", "extra_vars"):
            raise Refused(f"injectors of kind {kind}")
        for name, template in pairs.items():
            if kind == "env" and not re.fullmatch(r"[A-Za-z_]\w*", name):
                raise Refused(f"environment variable {name}")
            environment.from_string(template).render(**namespace)


@contextmanager
def simulated_awx(playbooks: set[str]) -> Iterator[tuple[SimulatedAwx, str]]:
    """Serves an AWX with the organizations Default and GIS on loopback; gives it and its address."""
    awx = SimulatedAwx(playbooks)
    for name in ("Default", "GIS"):
        awx.add("organizations", name=name)
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: t.Any) -> None:
            pass

        def _serve(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(size)
            url = urlsplit(self.path)
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                status, answer = 401, {"detail": "Authentication credentials were not provided."}
            else:
                with lock:
                    data = json.loads(body) if body else {}
                    status, answer = awx.answer(self.command, url.path, dict(parse_qsl(url.query)), data)
            payload = b"" if answer is None else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(payload)))
            self.send_header("X-API-Product-Name", "AWX")
            self.send_header("X-API-Product-Version", "24.6.1")
            self.end_headers()
            self.wfile.write(payload)

        do_GET = do_POST = do_PATCH = do_DELETE = _serve

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield awx, f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
