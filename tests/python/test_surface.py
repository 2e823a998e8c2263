"""The HTTP surface by hand: `http_wants`, `http_handle`, `http_page`, and a request's target."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from conftest import EMAIL, PASSWORD

import doorward
from doorward.testing import memory_auth

JSON = ("content-type", "application/json")
FORM = ("content-type", "application/x-www-form-urlencoded")
SAME = ("sec-fetch-site", "same-origin")


@pytest.fixture
def auth() -> Iterator[doorward.Auth]:
    with memory_auth(throttle={"enabled": False}, http={"max_body": 1024}) as auth:
        auth.trusted().create_user("email", EMAIL, {"password": PASSWORD}).require()
        yield auth


def asked(method: str, target: str, *headers: tuple[str, str]) -> doorward.Request:
    return doorward.Request(method, [SAME, *headers], "203.0.113.9", target)


def sign_in(password: str) -> bytes:
    return json.dumps({"provider": "email", "identifier": EMAIL, "fields": {"password": password}}).encode()


def cookies(answer: doorward.HttpResponse) -> tuple[str, str]:
    pairs = [value.split(";")[0] for name, value in answer.headers if name == "Set-Cookie"]
    return "cookie", "; ".join(pair for pair in pairs if not pair.endswith("="))


def test_it_says_what_it_wants(auth: doorward.Auth) -> None:
    for view in (auth, auth.aio):
        assert view.http_wants("POST", "/auth/sign-in") == 1024
        assert view.http_wants(b"POST", b"/auth/callback/corp") == 16384
        assert view.http_wants("GET", "/auth/session?x=y") == 0
        assert view.http_wants("GET", "/") is None


def test_it_answers_what_is_its_own(auth: doorward.Auth) -> None:
    answer = auth.on(asked("POST", "/auth/sign-in", JSON)).http_handle(sign_in(PASSWORD))
    assert answer is not None and answer.status == 200, answer
    assert json.loads(answer.body)["session"]["status"] == "signed_in"
    session = auth.on(asked("GET", "/auth/session", cookies(answer))).http_handle()
    assert session is not None and json.loads(session.body)["status"] == "signed_in"
    wrong = auth.on(asked("POST", "/auth/sign-in", JSON)).http_handle(sign_in("wrong but long enough"))
    assert wrong is not None and wrong.status == 401
    assert ("Content-Type", "application/problem+json") in wrong.headers
    assert auth.on(asked("GET", "/elsewhere")).http_handle() is None
    assert EMAIL not in repr(answer) and repr(answer) == "<HttpResponse 200>"


async def test_it_answers_in_a_loop(auth: doorward.Auth) -> None:
    answer = await auth.aio.on(asked("GET", "/auth/config")).http_handle()
    assert answer is not None and answer.status == 200


def test_without_a_target_there_is_nothing_to_answer(auth: doorward.Auth) -> None:
    assert doorward.Request("GET").target is None
    assert doorward.Request("GET", target="/a?b").target == b"/a?b"
    with pytest.raises(doorward.InvalidState, match="target"):
        auth.on(doorward.Request("GET")).http_handle()
    with pytest.raises(doorward.InvalidState, match="request"):
        auth.http_page()


def test_a_page_reads_what_a_form_led_to_once(auth: doorward.Auth) -> None:
    form = urlencode({"provider": "email", "identifier": EMAIL, "fields.password": "wrong but long enough"})
    answer = auth.on(asked("POST", "/auth/sign-in", FORM)).http_handle(form)
    assert answer is not None and answer.status == 303
    assert dict(answer.headers)["Location"] == "/sign-in"
    on = auth.on(asked("GET", "/sign-in", cookies(answer)))
    page = on.http_page()
    assert page is not None and page["problem"]["code"] == "refused"
    assert any("-page" in cookie.name and not cookie.value for cookie in on.headers.cookies)
    assert auth.on(asked("GET", "/sign-in")).http_page() is None


def test_the_target_comes_from_scope_and_environ() -> None:
    from doorward._requests import view

    scope = {"type": "http", "method": "GET", "headers": [], "path": "/a b", "query_string": b"c=%20"}
    assert view(scope).target == b"/a%20b?c=%20"
    assert view(scope | {"raw_path": b"/a%2fb"}).target == b"/a%2fb?c=%20"
    environ = {"REQUEST_METHOD": "GET", "SCRIPT_NAME": "/s", "PATH_INFO": "/a\xc3\xa9", "QUERY_STRING": "c=d"}
    assert view(environ).target == b"/s/a%C3%A9?c=d"
    assert view(environ | {"RAW_URI": "/raw%2f?e"}).target == b"/raw%2f?e"
    assert view(environ | {"REQUEST_URI": "http://elsewhere/x"}).target == b"/s/a%C3%A9?c=d"
