# SPDX-FileCopyrightText: The gisops.arcgis contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an answer over HTTP means: only a JSON object that is no error is a body."""

from __future__ import annotations

import json
import typing as t

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.gisops.arcgis.plugins.module_utils import _errors
from ansible_collections.gisops.arcgis.plugins.module_utils._errors import (
    Busy,
    GpError,
    NotAllowed,
    NotFound,
    NotUnderstood,
    SiteError,
    TokenRefused,
    TokenUnseen,
)
from ansible_collections.gisops.arcgis.plugins.module_utils._wire import bodies
from ansible_collections.gisops.arcgis.plugins.module_utils._wire.bodies import Answer

WHERE = "GET https://gis.example.com/arcgis/admin"
DATE = "Tue, 24 Nov 2026 09:00:00 GMT"
NO_TOKEN = "Unauthorized access. Token not found. You can generate a token using the 'generateToken' operation."
NO_MACHINES = "Could not access any server machines. Please contact your system administrator."


def answer(body: t.Any, status: int = 200, **headers: str) -> Answer:
    content = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, content)


def error_of(body: t.Any, status: int = 200, **headers: str) -> GpError:
    with pytest.raises(GpError) as caught:
        bodies.read(answer(body, status, **headers), WHERE)
    assert WHERE in str(caught.value)
    return caught.value


def admin(code: int | None, message: str, word: str = "error") -> dict[str, t.Any]:
    return {"status": word, "messages": [message], **({} if code is None else {"code": code})}


def rest(code: int | None, message: str, details: t.Any = ()) -> dict[str, t.Any]:
    return {"error": {"message": message, "details": details, **({} if code is None else {"code": code})}}


# The bodies of the wire reference, section 7.2, and what each of them is.
KNOWN: list[tuple[dict[str, t.Any], type[GpError]]] = [
    (admin(499, NO_TOKEN), TokenUnseen),
    (admin(None, NO_TOKEN), TokenUnseen),
    (admin(498, "Invalid token"), TokenRefused),
    (admin(None, "Invalid token, ClientID does not match"), TokenRefused),
    (admin(404, "Could not find resource or operation 'jobs' on the system."), NotFound),
    (admin(None, "Could not find resource or operation 'jobs' on the system."), NotFound),
    (admin(500, "Unable to cancel job :[j1]"), Busy),
    (admin(400, "Unable to delete job :[j1]"), SiteError),
    (admin(403, "You may not"), NotAllowed),
    (admin(None, NO_MACHINES), Busy),
    (admin(None, "no", "failed"), SiteError),
    (admin(None, "no", "FAILURE"), SiteError),
    ({"status": "error"}, SiteError),
    ({"status": "error", "isUpgrade": True, "messages": ["The portal site has not been upgraded."]}, SiteError),
    ({"code": 498, "messages": ["Invalid token"]}, TokenRefused),
    ({"code": "499"}, TokenUnseen),
    (rest(499, "Token Required", ["Token Required"]), TokenUnseen),
    (rest(None, "Token Required"), TokenUnseen),
    (rest(498, "Invalid token."), TokenRefused),
    (rest(498, "Invalid Token", None), TokenRefused),
    (rest("498", "Invalid Token", "text"), TokenRefused),  # type: ignore[arg-type]
    (rest(403, "User does not have permissions to access 'a.gpserver'."), NotAllowed),
    (rest(None, "Token is valid but access is denied."), NotAllowed),
    (rest(400, "Unable to generate token.", ["Invalid username or password."]), SiteError),
    (rest(None, "Job not found on server"), SiteError),
    (rest(503, "busy"), Busy),
    ({"error": {}}, SiteError),
    ({"error": "something"}, SiteError),
    ({"error": []}, SiteError),
    ({"error": False}, SiteError),
    ({"error": {"code": 498}, "total": 0, "results": {}}, TokenRefused),
    ({"total": 0, "results": {}, "success": False}, SiteError),
    ({"total": 0, "results": {}, "success": "false"}, SiteError),
    ({"total": 0, "results": {}, "status": "partial"}, SiteError),
    ({"total": 0, "results": {}, "Status": "Error"}, SiteError),
    ({"total": 0, "results": {}, "errors": ["a"]}, SiteError),
    ({"total": 0, "results": {}, "Error": {"code": 499}}, TokenUnseen),
    ({"total": 0, "results": {}, "code": -1}, SiteError),
    ({"total": 0, "results": {}, "code": 206}, SiteError),
    ({"total": 0, "results": {}, "code": "what"}, SiteError),
]


@pytest.mark.parametrize(
    ("body", "kind"), KNOWN, ids=lambda value: json.dumps(value)[:60] if isinstance(value, dict) else ""
)
def test_known_error_bodies(body: dict[str, t.Any], kind: type[GpError]) -> None:
    error = error_of(body)
    assert error.__class__ is kind
    holder = body["error"] if isinstance(body.get("error"), dict) else body
    for word in [holder.get("message"), *(holder.get("messages") or [])]:
        assert word is None or word in error.failure["words"]


def test_a_portals_words_for_no_right_are_known_without_a_code() -> None:
    body = rest(None, "You do not have permissions to access this resource or perform this operation.")
    assert error_of(body).__class__ is NotAllowed


@pytest.mark.parametrize("shape", [admin, rest])
@pytest.mark.parametrize("code", [400, 401, 403, 404, 405, 429, 498, 499, 500, 501, 503])
def test_both_shapes_mean_the_same(code: int, shape: t.Callable[[int, str], dict[str, t.Any]]) -> None:
    kinds = {403: NotAllowed, 404: NotFound, 498: TokenRefused, 499: TokenUnseen}
    kind = kinds.get(code, Busy if code in (429, 500, 503) else SiteError)
    assert error_of(shape(code, "So it is")).__class__ is kind
    assert error_of(shape(code, "So it is")).failure["words"] == "So it is"


def test_details_are_told_once() -> None:
    assert error_of(rest(400, "Bad.", ["Bad.", "Worse."])).failure["words"] == "Bad. Worse."


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"total": 0, "results": {}},
        {"status": "success"},
        {"status": "warning"},
        {"code": 200},
        {"code": 0},
        {"success": True},
        {"errors": [], "results": {}},
        {"error": None, "results": {}},
        {"jobId": "j1", "status": "failed"},
        {"job_id": "j1", "status": "Failed", "status_code": 5},
    ],
)
def test_what_is_a_body(body: dict[str, t.Any]) -> None:
    """A job that failed has a status too, and is no error."""
    assert bodies.read(answer(body), WHERE) == body


@pytest.mark.parametrize("before", [b"\xef\xbb\xbf", b" \r\n", b"\xef\xbb\xbf \n"])
def test_a_byte_order_mark_and_blanks_are_no_harm(before: bytes) -> None:
    assert bodies.read(answer(before + b'{"total": 1}'), WHERE) == {"total": 1}


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"", "The answer is empty"),
        (b" \n", "The answer is empty"),
        (b'{"total": 4', "The answer is not a whole JSON object"),
        (b"[]", "The answer is not a whole JSON object"),
        (b'"text"', "The answer is not a whole JSON object"),
        (b"null", "The answer is not a whole JSON object"),
        (b"plain text", "The answer is not a whole JSON object"),
        (b'{"a": "\xff\xfe"}', "The answer is not UTF-8 text"),
        (b'{"total": ' + b"9" * 5000 + b"}", "The answer is not a whole JSON object"),
        (b'{"results": ' + b"[" * 100000 + b"]" * 100000 + b"}", "The answer is not a whole JSON object"),
    ],
    ids=lambda value: repr(value)[:25],
)
def test_what_is_no_json_object_may_be_asked_for_again(body: bytes, what: str) -> None:
    error = error_of(body)
    assert error.__class__ is NotUnderstood
    assert error.failure["what"] == what
    assert error.transient


@pytest.mark.parametrize(
    "text",
    ["<html><title>Sign in</title><script>var a='x';</script><p>Sign &amp; go</p>", "<?xml version='1.0'?><a>Sign</a>"],
)
def test_a_page_is_quoted_as_a_reader_sees_it(text: str) -> None:
    error = error_of(text)
    assert error.__class__ is NotUnderstood
    assert not error.transient, "a sign-in page does not go away"
    assert "Sign" in error.failure["words"]
    assert not {*"<>;"} & {*error.failure["words"]}
    assert "6443" in error.failure["cure"]


def test_a_page_that_says_that_the_site_is_down() -> None:
    error = error_of(f"<html><p>{NO_MACHINES}</p></html>")
    assert error.__class__ is Busy
    assert error.transient


PAGE = "<html><body>Whatever</body></html>"


@pytest.mark.parametrize("body", [PAGE, b"", admin(None, "Whatever")], ids=["page", "empty", "json"])
@pytest.mark.parametrize(
    ("status", "kind", "transient", "unsent"),
    [
        (400, SiteError, False, False),
        (401, NotAllowed, False, False),
        (405, SiteError, False, False),
        (429, Busy, True, True),
        (500, Busy, True, False),
        (502, Busy, True, False),
        (503, Busy, True, True),
        (504, Busy, True, False),
    ],
)
def test_http_statuses(body: t.Any, status: int, kind: type[GpError], transient: bool, unsent: bool) -> None:
    if body == admin(None, "Whatever") and status >= 429:
        body = {"detail": "Whatever"}  # not one of the two shapes
    error = error_of(body, status)
    if not (status in (400, 401, 405) and isinstance(body, dict)):
        assert error.__class__ is kind
        assert error.failure["status"] == status
    assert (error.transient, error.unsent) == (transient, unsent)


@pytest.mark.parametrize(("status", "kind"), [(403, NotAllowed), (404, NotFound)])
def test_whether_the_site_or_something_in_front_of_it_said_no(status: int, kind: type[GpError]) -> None:
    page, body = error_of(PAGE, status), error_of(admin(status, "No"), status)
    assert page.__class__ is body.__class__ is kind
    assert page.failure["page"] is True
    assert "page" not in body.failure
    assert "in front of the site" in page.failure["cure"]


def test_a_code_in_the_body_says_more_than_the_http_status() -> None:
    assert error_of(admin(498, "Invalid token"), 401).__class__ is TokenRefused
    assert error_of(rest(499, "Token Required"), 403).__class__ is TokenUnseen


@pytest.mark.parametrize("status", [400, 401, 403, 404, 418, 429, 500, 503])
def test_no_http_error_is_ever_a_body(status: int) -> None:
    error_of({"total": 0, "results": {}}, status)


@pytest.mark.parametrize("status", [100, 103, 201, 202, 203, 204, 206, 226, 299, 300, 304, 305])
def test_no_http_status_but_200_is_ever_a_body(status: int) -> None:
    error_of({"total": 0, "results": {}}, status)


@pytest.mark.parametrize(
    "headers", [{"Age": "1"}, {"Age": "3600"}, {"Age": "soon"}, {"Warning": '110 - "Response is Stale"'}], ids=str
)
def test_what_a_cache_has_kept_is_no_answer_of_now(headers: dict[str, str]) -> None:
    error = error_of({"total": 0, "results": {}}, 200, **headers)
    assert error.__class__ is NotUnderstood
    assert error.transient
    assert "cache" in str(error)


def test_an_answer_without_an_age_is_one_of_now() -> None:
    assert bodies.read(answer({"a": 1}, Age="0", Warning='199 - "Miscellaneous"'), WHERE) == {"a": 1}


@pytest.mark.parametrize("signs", [b"[],", b"{},", b"1,", b'{"a":'])
def test_an_answer_of_very_many_values_is_not_read(signs: bytes) -> None:
    assert error_of(b'{"a":[' + signs * 600_000 + b"0]}").failure["what"] == "The answer has more than 524288 values"


def test_a_key_that_comes_twice_hides_nothing() -> None:
    text = '{"results": {"j1": "Succeeded", "j1": "Executing", "j2": "Failed", "j2": "Failed"}, "total": 2, "total": 0}'
    body = bodies.read(answer(text), WHERE)
    assert body == {"results": {"j1": ["Succeeded", "Executing"], "j2": "Failed"}, "total": [2, 0]}
    assert error_of('{"status": "error", "status": "success"}').__class__ is SiteError
    many = ",".join(f'"a": {number}' for number in range(200_000))
    assert len(bodies.read(answer(f"{{{many}}}"), WHERE)["a"]) < 10


@pytest.mark.parametrize("key", ["messages", "details", "message", "error"])
def test_words_that_are_nested_without_end(key: str) -> None:
    deep = "[" * 2000 + "]" * 2000
    error_of(f'{{"status": "error", "{key}": [{deep}]}}')


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry_After": "7"}, 7.0),
        ({"Retry_After": " 0 "}, 0.0),
        ({"Retry_After": "9" * 400}, 999999999.0),
        ({"Retry_After": "-7"}, None),
        ({"Retry_After": "soon"}, None),
        ({"Retry_After": "Tue, 24 Nov 2026 09:00:30 GMT", "Date": DATE}, 30.0),
        ({"Retry_After": "Tue, 24 Nov 2026 08:00:00 GMT", "Date": DATE}, 0.0),
        ({"Retry_After": "Tue, 24 Nov 2026 09:00:30 GMT"}, None),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    """A date is read by the site's own clock, for ours may differ."""
    error = error_of(b"", 503, **headers)
    assert isinstance(error, Busy)
    assert error.retry_after == seconds


@pytest.mark.parametrize(("date", "moment"), [(DATE, 1795510800.0), ("yesterday", None), ("", None), (None, None)])
def test_the_sites_clock(date: str | None, moment: float | None) -> None:
    headers = {} if date is None else {"Date": date}
    assert bodies.site_clock(Answer(200, headers, b"")) == moment


def test_a_quotation_is_one_line_and_short() -> None:
    assert bodies.quote(" a\n\tb  c ") == "a b c"
    assert bodies.quote("x" * 200) == "x" * 200
    assert bodies.quote("x" * 201) == "x" * 200 + "…"


@pytest.mark.parametrize(
    "body", [{"status": "error", "code": "9" * 5000}, {"error": {"code": "9" * 5000}}], ids=["admin", "rest"]
)
def test_a_code_that_python_will_not_read(body: dict[str, t.Any]) -> None:
    error_of(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["error", "status", "code", "messages", "message", "details", "results", "total", "jobId"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=10,
)
STATUS = st.just(200) | st.integers(100, 599)


def is_error(body: dict[str, t.Any]) -> bool:
    """Our own reading of the wire reference: whether a body is an error for certain."""
    words = str(body.get("status")).lower()
    code = body.get("code")
    return (
        body.get("error") is not None
        or (words in ("error", "failed", "failure") and "jobId" not in body)
        or (isinstance(code, int) and not isinstance(code, bool) and code >= 400)
    )


@given(STATUS, JSON)
def test_no_json_yields_a_body_that_is_an_error(status: int, data: t.Any) -> None:
    try:
        body = bodies.read(answer(json.dumps(data).encode(), status), WHERE)
    except GpError as error:
        assert len(error.failure["what"]) < 500
        assert "\n" not in str(error)
        return
    assert isinstance(body, dict)
    assert status == 200
    assert not is_error(body)


@given(STATUS, st.binary(max_size=200), st.dictionaries(st.sampled_from(["Date", "Retry-After"]), st.text(max_size=40)))
@example(200, b"<" * 500, {})
@example(503, b"", {"Retry-After": "Tue, 99 Nov 2026 09:00:30 GMT", "Date": DATE})
def test_no_bytes_raise_anything_but_our_errors(status: int, content: bytes, headers: dict[str, str]) -> None:
    try:
        assert isinstance(bodies.read(Answer(status, headers, content), WHERE), dict)
    except GpError as error:
        assert type(error).__name__ in vars(_errors)


def test_letters_that_move_a_cursor_and_halves_of_letters() -> None:
    """A terminal obeys them, and Ansible refuses a result with half a letter in it."""
    hostile = r"""{"user\u001b[2J": ["\ud83d\ude00", "\ud800x", "a\tb", "\u202eevil", "\u00e9", "TURN", 1, null]}"""
    body = bodies.read(answer(hostile.replace("TURN", "\u202e")), WHERE)
    assert body == {"user?[2J": ["😀", "?x", "a\tb", "?evil", "é", "?", 1, None]}
    assert bodies.quote("a\x1b[31mb\nc") == "a?[31mb c"


def test_a_secret_at_the_end_of_what_is_quoted_of_a_page() -> None:
    """Half of it would not be found."""
    secret = "S3cret-of-the-site"
    for before in range(bodies._LONGEST_PAGE - len(secret) - 2, bodies._LONGEST_PAGE + 2):
        page = f"<html>{' ' * (before - 6)}{secret} and so on</html>"
        with pytest.raises(GpError) as caught:
            bodies.read(answer(page), WHERE, lambda text: text.replace(secret, "********"))
        assert "S3cret" not in str(caught.value)
