# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Odd values for every option of every plugin: one clear sentence, or what was meant, and no check switched off.

Each value of ODD is given to each option. It is either refused in a sentence that names the option, or counts as not
given, so that all is as if it were not there. What is neither has to be listed in MEANT: there a person has looked at
what the plugin made of it. A new option is met by all values, and what it makes of them has to be listed too.
"""

from __future__ import annotations

import json
import typing as t
from functools import partial
from pathlib import Path

import pytest
from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import fragment_loader, lookup_loader
from ansible.template import Templar
from ansible.utils import plugin_docs
from ansible.utils.display import Display
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.gisops.arcgis.plugins.module_utils import _options
from ansible_collections.gisops.arcgis.plugins.module_utils._errors import BadOption, Unreachable
from ansible_collections.gisops.arcgis.plugins.module_utils._jobs import query as _gp_jobs
from ansible_collections.gisops.arcgis.plugins.module_utils._jobs.filters import Question
from ansible_collections.gisops.arcgis.plugins.module_utils._options import (
    CONNECTION,
    GATE,
    LOGIN,
    POLLING,
    QUERY,
    SERVICES,
    Connection,
)
from ansible_collections.gisops.arcgis.plugins.module_utils._wire import dialects as _api
from ansible_collections.gisops.arcgis.plugins.modules import gp_jobs_query, gp_token
from ansible_collections.gisops.arcgis.plugins.plugin_utils import _lookup_cache
from ansible_collections.gisops.arcgis.plugins.plugin_utils._gate.mark import Mark
from ansible_collections.gisops.arcgis.plugins.plugin_utils._gate.policy import LIMITS, Limits

from .actions import run_action
from .ansible_run import COLLECTION, play, run_playbook

Options = dict[str, t.Any]

EPOCH = "1970-01-01T00:00:00Z"
LONGEST = 700
"""Letters of a sentence about a value, however long that is; core's own sentences hold all of it."""
FILLER = "x" * 1_000_000

ODD: Options = {
    "an empty text": "",
    "blanks": " \t\n",
    "what stands for omit": "__omit_place_holder__1f8c2b",
    "the word None": "None",
    "the word null": "null",
    "the word undefined": "undefined",
    "the word nan": "nan",
    "the word inf": "inf",
    "1e400 in letters": "1e400",
    "a template": "{{ x }}",
    "true": True,
    "false": False,
    "less than nothing": -1,
    "half": 0.5,
    "one as a float": 1.0,
    "nothing as a float": 0.0,
    "not a number": float("nan"),
    "infinite": float("inf"),
    "ten to the thirty": 10**30,
    "four hundred digits": "9" * 400,
    "a negative text": "-1",
    "an empty list": [],
    "a list of nothing": [None],
    "a list of an empty text": [""],
    "a list of booleans": [True, False],
    "a list of lists": [[], ["*"]],
    "a list of a dictionary": [{}],
    "a list of a dictionary of oddities": [{"name": ["*"], "service": True, "reason": {}}],
    "ten thousand entries": ["x y"] * 10_000,
    "an empty dictionary": {},
    "a dictionary": {"a": "b"},
    "a deep one": {"a": [{"b": [None, {"c": -1}]}]},
    "bytes in letters": "b'x'",
    "other letters": "тест ٣ ü 😀",
    "control letters": "a\x01\x1b[2Jb",
    "NUL": "a\0b",
    "half a letter": "a\ud800b",
    "a byte from another encoding": "a\udce4b",
    "a megabyte": FILLER,
    "two lines": "a\nb",
    "maybe": "maybe",
    "brackets": "[]",
    "braces": "{}",
}

# Options that take any text as it stands. A name that nobody has is asked for, and is not found.
TEXTS = {"username", "password", "token", "referer", "user_name", "machine_name"}
NAMES = {"services", "exclude_services", "no_proxy"}

HALF, ONE, ZERO = "half", "one as a float", "nothing as a float"
MEANT: dict[str, dict[str, Options]] = {
    **{
        name: {ONE: {name: 1}}
        for name in ("timeout", "connections", "page_size", "token_expiration", "max_answer_size", "error_limit")
    },
    "retries": {ONE: {"retries": 1}, ZERO: {"retries": 0}},
    "total_timeout": {ONE: {"total_timeout": 1}, ZERO: {"total_timeout": 0}},
    "message_limit": {ONE: {"message_limit": 1}, ZERO: {"message_limit": 0}},
    **{
        name: {
            HALF: {name: {"fixed": 0.5, "ago": None}},
            ONE: {name: {"fixed": 1.0, "ago": None}},
        }
        for name in ("start_time", "end_time", "ended_after")
    },
    "validate_certs": {"false": {"validate_certs": False}},
    "cache_seconds": {HALF: {"cache_seconds": 0.5}, ONE: {"cache_seconds": 1.0}, ZERO: {"cache_seconds": 0.0}},
    "max_failed_percent": {
        one: {"max_failed_percent": share, "max_failed": "unlimited"}
        for one, share in ((HALF, 0.5), (ONE, 1.0), (ZERO, 0.0))
    },
    "min_finished": {ONE: {"min_finished": 1}, ZERO: {"min_finished": 0}},
    "window": {HALF: {"window": 0}, ONE: {"window": 1}},
    "since": {one: {"since": when, "window": None} for one, when in ((HALF, EPOCH), (ONE, "1970-01-01T00:00:01Z"))},
    "clock_slack": {HALF: {"clock_slack": 0}, ONE: {"clock_slack": 1}, ZERO: {"clock_slack": 0}},
    "max_age": {HALF: {"max_age": 0.5}, ONE: {"max_age": 1.0}, ZERO: {"max_age": 0.0}},
    "allow_empty": {"true": {"allow_empty": True}},
    "must_answer": {"true": {"must_answer": True}},
    "poll_interval": {ONE: {"poll_interval": 1.0, "poll_interval_max": 6.0}},
    **{name: {HALF: {name: 0.5}, ONE: {name: 1.0}} for name in ("wait", "initial_delay", "startup_wait")},
}


class Refused(Exception):
    """A value was refused, in these words."""


def is_clear(option: str, words: str) -> bool:
    """Whether a sentence names the option, says no more than it needs, and is none of a program's own."""
    mine = f"(option {option}" in words or f"options {option}" in words or f" and {option})" in words
    core = option in words and "Traceback" not in words and "unhandled" not in words.lower()
    return (mine and len(words) <= LONGEST) or (core and not mine)


# --- each plugin, without a site --------------------------------------------------------------------------------------

GIVEN: Options = {"url": "https://gis.example.com/arcgis", "username": "me", "password": "S3cret-of-me"}


@pytest.fixture(name="read_by_module")
def read_by_module_fixture(run_module: t.Any, monkeypatch: pytest.MonkeyPatch) -> t.Callable[..., Options]:
    """What a module makes of its options, as data; raises Refused."""

    def measure(get: t.Any, _warn: t.Any, _known: t.Any = None) -> t.Any:
        understood.append(what_is_asked(get))
        raise Unreachable("Nobody is there")

    understood: list[Options] = []
    monkeypatch.setattr(_gp_jobs, "measure", measure)
    monkeypatch.setattr(
        gp_token, "Site", lambda connection: measure(lambda name: getattr(connection, name, None), None)
    )

    def read(main: t.Callable[[], None], **options: t.Any) -> Options:
        understood.clear()
        result = run_module(main, **{**GIVEN, **options})
        assert result["failed"] is True
        assert "exception" not in result
        if not understood:
            raise Refused(result["msg"])
        assert result["failure"]["kind"] == "Unreachable", result
        return understood[0]

    return read


def what_is_asked(get: _options.Read) -> Options:
    asked = {**vars(Question.read(get)), **vars(Connection.read(get))}
    _api.roots(asked["url"])
    return {name: json.loads(json.dumps(value, default=lambda one: one.__dict__)) for name, value in asked.items()}


@pytest.fixture(name="read_by_gate")
def read_by_gate_fixture(monkeypatch: pytest.MonkeyPatch) -> t.Callable[..., Options]:
    """What a gate makes of its options: its policy, and what it hands to the module; raises Refused."""
    handed: list[Options] = []

    def execute(_action: ActionBase, module_name: str, module_args: Options, task_vars: Options) -> Options:
        handed.append(module_args)
        return {"failed": True, "msg": "Nobody is there.", "failure": {"kind": "Unreachable"}}

    monkeypatch.setattr(ActionBase, "_execute_module", execute)
    monkeypatch.setattr("ansible_collections.gisops.arcgis.plugins.action.gp_jobs_gate.time.sleep", lambda _s: None)
    monkeypatch.setattr(Display, "display", lambda *_args, **_more: None)
    monkeypatch.setattr(Display, "warning", lambda *_args, **_more: None)

    def read(**options: t.Any) -> Options:
        handed.clear()
        try:
            result = run_action("gisops.arcgis.gp_jobs_gate", {**GIVEN, **options})
        except AnsibleError as error:
            raise Refused(str(error)) from None
        assert result.get("passed", False) is False
        if not handed:
            assert (result["failed"], result["blocked"]) == (True, True)
            raise Refused(result["msg"])
        told = {name: result[name] for name in ("mode", "overridden", "override", "failed")}
        services = {name: handed[0].get(name) for name in SERVICES}
        return {**result["policy"], **told, **services}

    return read


@pytest.fixture(name="read_by_lookup")
def read_by_lookup_fixture(monkeypatch: pytest.MonkeyPatch) -> t.Callable[..., Options]:
    """What the lookup makes of its options; raises Refused."""

    def query(get: _options.Read, _warn: t.Any) -> t.Any:
        understood.append(what_is_asked(get) | {"cache_seconds": get("cache_seconds")})
        return {}

    understood: list[Options] = []
    monkeypatch.setattr(_gp_jobs, "query", query)
    monkeypatch.setattr(_lookup_cache, "remember", lambda _options, _seconds, ask: ask())

    def read(**options: t.Any) -> Options:
        understood.clear()
        loader = DataLoader()
        lookup = lookup_loader.get("gisops.arcgis.gp_jobs", loader=loader, templar=Templar(loader=loader))
        try:
            lookup.run([], {}, **{**GIVEN, **options})
        except AnsibleError as error:
            raise Refused(str(error)) from None
        return understood[0]

    return read


READERS: dict[str, tuple[str, list[str]]] = {
    "gp_jobs_query": ("read_by_module", [*CONNECTION, *QUERY, *POLLING]),
    "gp_token": ("read_by_module", [*CONNECTION, *LOGIN]),
    "gp_jobs_gate": ("read_by_gate", [*SERVICES, *GATE]),
    "gp_jobs": ("read_by_lookup", [*CONNECTION, *QUERY, "cache_seconds"]),
}
CASES = [(plugin, option) for plugin, (_reader, options) in READERS.items() for option in options]


@pytest.fixture(name="read")
def read_fixture(request: pytest.FixtureRequest) -> t.Callable[..., t.Callable[..., Options]]:
    """The way into a plugin."""

    def reader(plugin: str) -> t.Callable[..., Options]:
        read = request.getfixturevalue(READERS[plugin][0])
        main = {"gp_jobs_query": gp_jobs_query.main, "gp_token": gp_token.main}.get(plugin)
        return t.cast(t.Callable[..., Options], partial(read, main) if main else read)

    return reader


@pytest.mark.parametrize("plugin", READERS)
def test_every_documented_option_is_met(plugin: str) -> None:
    """The gate hands its connection to the modules as it is, so these are met there."""
    kind = "lookup" if plugin == "gp_jobs" else "modules"
    path = COLLECTION / "plugins" / kind / f"{plugin}.py"
    documented = plugin_docs.get_docstring(str(path), fragment_loader, is_module=kind == "modules")[0]["options"]
    met = {*READERS[plugin][1], *(CONNECTION if plugin == "gp_jobs_gate" else ()), "_terms"}
    assert documented.keys() | {"_terms"} == met


@pytest.mark.parametrize(("plugin", "option"), CASES)
def test_an_odd_value_is_refused_or_meant(
    read: t.Callable[..., t.Callable[..., Options]], plugin: str, option: str
) -> None:
    read_it = read(plugin)
    plain = read_it()
    refused = 0
    for name, value in ODD.items():
        if plugin.startswith("gp_") and plugin not in ("gp_jobs_gate", "gp_jobs") and not is_unicode(value):
            continue  # core does not hand such a text to a module
        try:
            understood = read_it(**{option: value})
        except Refused as refusal:
            assert is_clear(option, str(refusal)), (name, str(refusal)[:300])
            refused += 1
            continue
        changed = {key: now for key, now in understood.items() if now != plain[key]}
        if option in TEXTS and isinstance(value, (str, int, float)) and changed:
            assert changed == {option: str(value)}, name
        elif option in NAMES and changed:
            wanted = [str(one) for one in (value if isinstance(value, list) else [value])]
            assert names_in(next(iter(changed.values()))) == wanted, name
            assert len(changed) == 1
        else:
            assert changed == MEANT.get(option, {}).get(name, {}), name
    assert refused >= 8 or option in ("progress",), "hardly anything is refused"


def is_unicode(value: t.Any) -> bool:
    try:
        str(value).encode()
    except UnicodeEncodeError:
        return False
    return True


def names_in(understood: t.Any) -> list[str]:
    listed = understood if isinstance(understood, list) else [understood]
    return [str(one["text"]) if isinstance(one, dict) and "text" in one else str(one) for one in listed]


# --- inside of lists and dictionaries ---------------------------------------------------------------------------------

EXEMPTION = {"service": "Analysis/Buffer", "reason": "known"}
LIMITS_OF_ONE = {"service": "Analysis/Buffer", "max_active": 1}
GLASS = {"reason": "outage", "by": "Ada", "until": "2020-01-01"}
MARK = {"at": "2026-11-24T09:00:00Z", "failed": {"A.GPServer": ["j1"]}, "states": {"A.GPServer": "STARTED"}}

FIELDS: list[tuple[str, str, t.Callable[[t.Any], Options]]] = [
    *(
        ("exempt", name, partial(lambda name, value: {"exempt": [{**EXEMPTION, name: value}]}, name))
        for name in ("service", "job", "user", "status", "older_than", "until", "reason", "missing")
    ),
    *(
        ("overrides", name, partial(lambda name, value: {"overrides": [{**LIMITS_OF_ONE, name: value}]}, name))
        for name in ("service", "missing", *LIMITS)
    ),
    *(
        ("override", name, partial(lambda name, value: {"override": {**GLASS, name: value}}, name))
        for name in ("reason", "by", "until")
    ),
    *(
        ("since", name, partial(lambda name, value: {"since": {**MARK, name: value}}, name))
        for name in ("at", "failed", "states")
    ),
    ("since", "states of one", lambda value: {"since": {**MARK, "states": {"A.GPServer": value}}}),
    ("since", "failed of one", lambda value: {"since": {**MARK, "failed": {"A.GPServer": value}}}),
    ("services", "name", lambda value: {"services": [{"name": value, "missing": "ignore"}]}),
    ("services", "missing", lambda value: {"services": [{"name": "A", "missing": value}]}),
]
NUMBERS_ARE_MEANT = {
    ("exempt", "older_than"): {HALF, ONE, ZERO},
    ("exempt", "until"): {HALF, ONE},
    ("overrides", "max_failed_percent"): {HALF, ONE, ZERO},
    ("overrides", "max_age"): {HALF, ONE, ZERO},
    ("since", "at"): {HALF, ONE},
    ("override", "until"): {HALF, ONE},
    ("since", "failed"): {"an empty dictionary", "a deep one"},
    ("since", "states"): {"an empty dictionary", "a dictionary"},
    ("since", "failed of one"): {name for name, value in ODD.items() if isinstance(value, list)},
}
"""Fields whose odd values mean a time, a share or an age; and an empty mark, which knows of nothing."""
TEXT_FIELDS = {("exempt", "job"), ("exempt", "user"), ("exempt", "reason"), ("exempt", "service")}
TEXT_FIELDS |= {("override", "reason"), ("override", "by"), ("overrides", "service"), ("since", "states of one")}
TEXT_FIELDS |= {("services", "name")}


@pytest.mark.parametrize(("option", "name", "around"), FIELDS, ids=[".".join(field[:2]) for field in FIELDS])
def test_an_odd_field_is_refused_or_meant(
    read_by_gate: t.Callable[..., Options], option: str, name: str, around: t.Callable[[t.Any], Options]
) -> None:
    """Above all it is no exemption, no break-glass and no mark of more than it says."""
    refused = 0
    for odd_name, value in ODD.items():
        try:
            understood = read_by_gate(**around(value))
        except Refused as refusal:
            assert is_clear(option, str(refusal)), (odd_name, str(refusal)[:300])
            refused += 1
            continue
        if (option, name) in TEXT_FIELDS:
            assert isinstance(value, (str, int, float)), odd_name
            assert not isinstance(value, bool), odd_name
        else:
            assert odd_name in NUMBERS_ARE_MEANT.get((option, name), set()), (odd_name, understood)
    assert refused >= 15


def test_fields_that_are_not_there_are_the_known_ones(read_by_gate: t.Callable[..., Options]) -> None:
    """The list of fields above is whole: what a sentence says that an entry takes has been met."""
    for option, entry in (("exempt", [{**EXEMPTION, "x": 1}]), ("overrides", [{**LIMITS_OF_ONE, "x": 1}])):
        with pytest.raises(Refused) as refusal:
            read_by_gate(**{option: entry})
        takes = str(refusal.value).split("It takes ")[1].rstrip(".").split(", ")
        assert set(takes) == {name for of, name, _around in FIELDS if of == option}


# --- what no list of values can hold ----------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)
FUZZED = settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FUZZED
@given(value=JSON, name=st.sampled_from(sorted({*CONNECTION, *QUERY} - set(GIVEN))))
def test_anything_is_read_or_refused(value: t.Any, name: str) -> None:
    """Nothing but BadOption comes out of reading options, whatever is in them."""
    spec = _options.argument_spec(CONNECTION, QUERY)
    options, error = _options.sane({**GIVEN, name: value}, spec)
    if error is not None:
        assert is_clear(name, str(error)), str(error)
        return
    read_by_core = ArgumentSpecValidator(spec).validate(options)
    if read_by_core.error_messages:
        return
    try:
        what_is_asked(read_by_core.validated_parameters.get)
    except BadOption as refusal:
        assert len(str(refusal)) <= LONGEST


@FUZZED
@given(value=JSON | st.text(alphabet="0123456789.-+ eEinfatulmd%", max_size=12))
def test_no_limit_is_lifted_by_anything_but_its_word(value: t.Any) -> None:
    """A number allows so many; only ``unlimited`` allows all."""
    for name in ("max_active", "max_executing", "max_queued", "max_failed", "max_failed_percent", "max_age"):
        try:
            told = Limits.read({name: value}.get).to_result()[name]
        except BadOption:
            continue
        if value is None:
            assert told == Limits().to_result()[name]
        elif told == "unlimited":
            assert str(value).strip().lower() == "unlimited"
        elif name in ("max_active", "max_executing", "max_queued", "max_failed"):
            assert told == int(str(value))
        elif name == "max_failed_percent":
            assert told == float(str(value).strip().removesuffix("%"))


@FUZZED
@given(value=JSON | st.sampled_from(["FALSE", " off ", "N", "f", "0", "falsch", "disable", "0.0"]))
def test_a_check_is_switched_off_by_nothing_but_an_explicit_false(value: t.Any) -> None:
    try:
        verified = Connection.read({**GIVEN, "validate_certs": value}.get).validate_certs
    except BadOption:
        return
    says_no = isinstance(value, (bool, int)) and value == 0
    says_no = says_no or (isinstance(value, str) and value.lower().strip() in ("false", "no", "off", "0", "n", "f"))
    assert verified is not says_no


@FUZZED
@given(value=JSON | st.dictionaries(st.sampled_from(["at", "failed", "states", "site"]), JSON, max_size=4))
def test_any_mark_is_read_or_refused(value: t.Any) -> None:
    try:
        mark = Mark.read(value)
    except BadOption as refusal:
        assert is_clear("since", str(refusal))
        return
    assert all(state.strip() for state in mark.states.values())


@pytest.mark.parametrize("text", ["{" * 100_000, '{"a":' * 100_000, '{"at": NaN}', '{"at": 1e400}', "{"])
def test_marks_of_odd_json_are_refused(text: str) -> None:
    with pytest.raises(BadOption, match="option since"):
        Mark.read(text)


# --- from where else options come -------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["inf", "1e400", "true", "1.5", "-", "9" * 400, "\udce4", "[]"])
@pytest.mark.parametrize("option", sorted(name for name, one in CONNECTION.items() if one["type"] == "int"))
def test_numbers_of_the_environment(
    run_module: t.Any, monkeypatch: pytest.MonkeyPatch, read_by_lookup: t.Any, option: str, value: str
) -> None:
    monkeypatch.setenv(_options.env_name(option), value)
    result = run_module(gp_token.main, **GIVEN)
    assert (result["failed"], result["failure"]["kind"]) == (True, "BadOption"), result
    assert f"option {option}" in result["msg"]
    with pytest.raises(Refused) as refusal:
        read_by_lookup()
    assert option in str(refusal.value)


@pytest.mark.parametrize("option", ["username", "password", "token", "ca_path", "proxy", "url"])
def test_texts_of_the_environment_in_another_encoding(
    run_module: t.Any, monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    """A password in Latin-1, as Python reads the environment."""
    monkeypatch.setenv(_options.env_name(option), "pa\udce4s")
    result = run_module(gp_token.main, **{name: value for name, value in GIVEN.items() if name != option})
    assert f"It has bytes that are no text in UTF-8 (option {option})." in result["msg"]
    assert "pa\udce4s" not in json.dumps(result, ensure_ascii=False).replace('"url": "pa\udce4s"', "")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"service": ["A"], "services": ["B"]}, "services and service are two names of one option"),
        ({"page_size": 5, "number": 6}, "page_size and number are two names of one option"),
    ],
)
def test_an_option_that_is_given_by_both_its_names(
    run_module: t.Any, read_by_lookup: t.Any, options: Options, words: str
) -> None:
    """Else a gate would judge the services of one of them."""
    assert words in run_module(gp_jobs_query.main, **GIVEN, **options)["msg"]
    with pytest.raises(Refused, match=words):
        read_by_lookup(**options)


def test_a_lookup_with_services_twice_or_an_option_that_it_does_not_have(read_by_lookup: t.Any) -> None:
    lookup = lookup_loader.get("gisops.arcgis.gp_jobs", loader=DataLoader(), templar=Templar(loader=DataLoader()))
    with pytest.raises(AnsibleError, match="The services are given twice"):
        lookup.run(["A"], {}, services=["B"], **GIVEN)
    with pytest.raises(Refused, match=r"no such option as job_state \(option job_state\)\. Did you mean job_status"):
        read_by_lookup(job_state="active")


@pytest.mark.parametrize("value", ["inf", "nan", float("inf"), float("nan"), -1, "-0.5", 1e30, "soon", True])
def test_no_answer_of_a_lookup_is_remembered_for_ever(read_by_lookup: t.Any, value: t.Any) -> None:
    with pytest.raises(Refused, match="cache_seconds"):
        read_by_lookup(cache_seconds=value)


# --- through ansible-playbook -----------------------------------------------------------------------------------------

LOOKUP = "gisops.arcgis.gp_jobs"
PLAYED: list[tuple[str, t.Any, str]] = [
    # What a template may turn into nothing, into None, or into a text that is none.
    ("gp_jobs_query", {"validate_certs": "{{ maybe }}"}, "validate_certs"),
    ("gp_jobs_query", {"validate_certs": 0.0}, "validate_certs"),
    ("gp_jobs_query", {"timeout": "inf"}, "option timeout"),
    ("gp_jobs_query", {"timeout": True}, "option timeout"),
    ("gp_jobs_query", {"username": ["me"]}, "option username"),
    ("gp_jobs_query", {"password": {"a": "b"}}, "option password"),
    ("gp_jobs_query", {"user_name": False}, "option user_name"),
    ("gp_jobs_query", {"ca_path": "/not/there\t"}, "option ca_path"),
    ("gp_jobs_query", {"start_time": "9" * 18}, "option start_time"),
    ("gp_token", {"connections": 10**30}, "option connections"),
    ("gp_token", {"token_url": "http://gis.example.com/token"}, "option token_url"),
    ("gp_jobs_gate", {"max_failed": "{{ none_of_them }}x"}, "option max_failed"),
    ("gp_jobs_gate", {"max_active": float("inf")}, "option max_active"),
    ("gp_jobs_gate", {"steady": True, "wait": "1h"}, "option steady"),
    ("gp_jobs_gate", {"steady": "inf"}, "option steady"),
    ("gp_jobs_gate", {"wait": "9" * 12}, "option wait"),
    ("gp_jobs_gate", {"since": {"at": "2026-11-24", "states": {"A": "{{ nothing }}"}}}, "option since"),
    ("gp_jobs_gate", {"exempt": [{"service": "*", "reason": "{{ nothing }}"}]}, "option exempt[1]"),
    ("gp_jobs_gate", {"exempt": [{"service": "*", "reason": "{{ none_of_them }}"}]}, "option exempt[1]"),
    ("gp_jobs_gate", {"exempt": [{"service": "A", "reason": "x", "user": "{{ nothing | default(omit, true) }}"}]}, ""),
    ("gp_jobs_gate", {"override": {"by": "{{ nothing }}", "reason": "x"}}, "option override"),
    ("gp_jobs_gate", {"override": {"by": False, "reason": "x"}}, "option override.by"),
    (LOOKUP, "validate_certs=maybe", "option validate_certs"),
    (LOOKUP, "validate_certs=0.0", "option validate_certs"),
    (LOOKUP, "timeout=true", "option timeout"),
    (LOOKUP, "timeout='inf'", "option timeout"),
    (LOOKUP, "job_state='active'", "Did you mean job_status"),
    (LOOKUP, "cache_seconds='inf'", "option cache_seconds"),
    (LOOKUP, "include=['stats']", "include"),
    (LOOKUP, "password=[]", "option password"),
]


def test_through_ansible(tmp_path: Path) -> None:
    """What core's own layers do to options on their way, with nobody there to ask."""
    connection = {**GIVEN, "url": "https://localhost:1/arcgis", "retries": 0}
    tasks: list[Options] = []
    for plugin, options, _words in PLAYED:
        if plugin == LOOKUP:
            told = ", ".join(f"{name}={value!r}" for name, value in connection.items() if f"{name}=" not in options)
            tasks.append({"ansible.builtin.debug": {"msg": f"{{{{ lookup('{LOOKUP}', {options}, {told}) }}}}"}})
        else:
            tasks.append({f"gisops.arcgis.{plugin}": {**connection, **options}})
    listed = [{**task, "register": f"result_{n}", "ignore_errors": True} for n, task in enumerate(tasks)]
    results = {"ansible.builtin.copy": {"dest": str(tmp_path / "results.json"), "content": "{{ all | to_json }}"}}
    variables: Options = {
        "maybe": "maybe",
        "nothing": "",
        "none_of_them": None,
        "all": "{{ [" + ", ".join(f"result_{n}" for n in range(len(listed))) + "] }}",
    }
    done = run_playbook(tmp_path, [play([*listed, results], vars=variables)])
    assert done.returncode == 0, done.stdout[-3000:]
    seen = json.loads((tmp_path / "results.json").read_text())
    for (plugin, options, words), result in zip(PLAYED, seen, strict=True):
        assert result["failed"] is True, (plugin, options, result)
        assert not result.get("passed", False)
        assert words in result["msg"], (plugin, options, result["msg"])
        assert "MODULE FAILURE" not in result["msg"]
        assert "Traceback" not in result["msg"]
        assert "An error that should not happen" not in result["msg"]
        assert len(result["msg"]) < LONGEST, result["msg"]
