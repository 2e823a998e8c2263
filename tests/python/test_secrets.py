"""Secrets go in as text or bytes, and are in no repr, no error and no log line."""

from __future__ import annotations

import logging
import re
from typing import Any

import doorward
import pytest
from conftest import EMAIL
from doorward.testing import memory_auth

CANARY = "canary in the seventh mine"
SECRET = ("access_token", "refresh_token", "token", "value", "line")
TOKEN = re.compile(r"dw[arf]_[A-Za-z0-9_-]{8}")


def shown(value: Any, depth: int = 3) -> str:
    """Everything that `repr` and `str` of a value and of its public attributes say, except the secrets by name."""
    text = f"{value!r} {value!s}"
    if depth and type(value).__module__.startswith("doorward"):
        for name in dir(value):
            if name.startswith("_") or name in (*SECRET, "proof"):
                continue
            held = getattr(value, name)
            if not callable(held):
                text += shown(held, depth - 1)
    return text


def test_no_repr_shows_a_secret(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    auth = memory_auth()
    created = auth.create_user("email", EMAIL, {"password": CANARY})
    made = auth.create_session(created.require())
    session = made.require()
    request = doorward.Request("POST", [("cookie", f"__Host-doorward-access={session.access_token}")], "192.0.2.7")
    everything = [
        auth,
        auth.aio,
        created,
        made,
        made.headers,
        made.cookies,
        session,
        session.proof,
        request,
        auth.authenticate("email", EMAIL, {"password": CANARY.encode()}),
        auth.authenticate("email", EMAIL, {"password": CANARY + "x"}),
        auth.refresh_session(session.refresh_token or ""),
        auth.end_session(session.access_token),
    ]
    texts = [shown(value) for value in everything] + [record.getMessage() for record in caplog.records]
    for text in texts:
        assert CANARY not in text
        assert not TOKEN.search(text), text
    # The search would have found one.
    assert TOKEN.search(session.access_token or "")
    assert any(TOKEN.search(cookie.line) for cookie in made.cookies)


def test_cookies_hide_their_value_in_repr(session: doorward.Session) -> None:
    refresh, access = session.headers.cookies
    assert access.name == "__Host-doorward-access" and access.value == session.access_token
    assert access.secure and access.max_age == 8 * 3600
    assert repr(access).startswith("<Set-Cookie: __Host-doorward-access=[redacted]; ")
    assert "[redacted]" in repr(session.headers) and access.value not in repr(session.headers)


def test_text_and_bytes_are_the_same_secret(auth: doorward.Auth) -> None:
    auth.create_user(b"email".decode(), EMAIL.encode(), {"password": CANARY.encode()}).require()
    auth.authenticate("email", EMAIL, {"password": CANARY}).require()


def test_an_identifier_that_is_no_utf_8_comes_back_unchanged() -> None:
    raw = b"key \xff\xfe"
    with memory_auth(provider={"key": {"kind": "password", "rule": "opaque"}}) as auth:
        user = auth.get_user(auth.create_user("key", raw, {"password": CANARY}).require().user_id)
        (identity,) = auth.list_identities(user)
        assert identity.identifier.encode("utf-8", "surrogateescape") == raw
        found = auth.find_user("key", identity.identifier)
        assert found is not None and found.id == user.id
