"""The requests of `tests/web/requests.json` through every host: one answer, to the byte, but for what is secret or new each time."""

from __future__ import annotations

import asyncio
import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import django_once  # noqa: F401
import pytest
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.test.utils import override_settings
from django.urls import include, re_path
from flask import Flask

import doorward
from doorward import asgi, wsgi
from doorward.django import get_auth
from doorward.flask import Doorward

PLAY = json.loads((Path(__file__).resolve().parents[1] / "web/requests.json").read_text())
PEER = "203.0.113.9"
# Ids, tokens, seals, validators and times.
NEW = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|dw[a-z]_[\w-]+|(?<=\")[0-9a-f]{24}(?=\")|[\w-]{60,}|(?<==)[\w-]{40,}|\d{4}-\d\d-\d\dT[\d:.]+Z")

Lines = list[tuple[str, str]]
Answer = tuple[int, Lines, bytes]
Host = Callable[[str, str, Lines, bytes], Answer | None]
urlpatterns = [re_path(r"^(?:auth(?=/|$)|\.well-known/)", include("doorward.django.urls"))]


def by_hand(auth: doorward.Auth) -> Host:
    def ask(method: str, target: str, lines: Lines, body: bytes) -> Answer | None:
        answer = auth.on(doorward.Request(method, lines, PEER, target)).http_handle(body)
        return answer and (answer.status, answer.headers, answer.body)

    return ask


def by_asgi(app: Any) -> Host:
    async def ask(method: str, target: str, lines: Lines, body: bytes) -> Answer:
        path, _, query = target.partition("?")
        scope: dict[str, Any] = {"type": "http", "http_version": "1.1", "method": method, "path": unquote(path), "root_path": ""}
        scope |= {"raw_path": path.encode(), "query_string": query.encode(), "client": (PEER, 1)}
        scope["headers"] = [(name.encode(), value.encode()) for name, value in lines]
        waiting: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        waiting.put_nowait({"type": "http.request", "body": body})
        sent: list[dict[str, Any]] = []

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await app(scope, waiting.get, send)
        found = [(name.decode(), value.decode()) for name, value in sent[0]["headers"]]
        return sent[0]["status"], found, b"".join(message["body"] for message in sent[1:])

    return lambda *asked: asyncio.run(ask(*asked))


def by_wsgi(app: Any) -> Host:
    def ask(method: str, target: str, lines: Lines, body: bytes) -> Answer:
        path, _, query = target.partition("?")
        environ: dict[str, Any] = {"REQUEST_METHOD": method, "PATH_INFO": unquote(path, "latin-1"), "SCRIPT_NAME": "", "QUERY_STRING": query}
        environ |= {"RAW_URI": target, "REMOTE_ADDR": PEER, "SERVER_NAME": "app.example", "SERVER_PORT": "443"}
        environ |= {"wsgi.url_scheme": "https", "wsgi.input": io.BytesIO(body), "wsgi.errors": io.StringIO()}
        if body:
            environ["CONTENT_LENGTH"] = str(len(body))
        for name, value in lines:
            key = name.upper().replace("-", "_")
            environ[key if key == "CONTENT_TYPE" else "HTTP_" + key] = value
        started: list[Any] = []
        told = b"".join(app(environ, lambda *given: started.extend(given)))
        return int(started[0].split()[0]), started[1], told

    return ask


def flask_app(auth: doorward.Auth) -> Any:
    app = Flask(__name__)
    Doorward(app, auth)
    return app


HOSTS: dict[str, Callable[[doorward.Auth], Host]] = {
    "asgi": lambda auth: by_asgi(asgi.Surface(auth)),
    "wsgi": lambda auth: by_wsgi(wsgi.Surface(auth)),
    "flask": lambda auth: by_wsgi(flask_app(auth)),
    "django": lambda auth: by_wsgi(WSGIHandler()),
    "django by asgi": lambda auth: by_asgi(ASGIHandler()),
}


def plain(text: str) -> str:
    return NEW.sub("…", text)


def play(ask: Host) -> list[tuple[int, list[tuple[str, str]], str] | None]:
    """Each answer, without what is new each time. Every client has its own cookies; `{name}` is what was kept of an answer."""
    jars: dict[str, dict[str, str]] = {}
    kept: dict[str, str] = {}
    told: list[tuple[int, list[tuple[str, str]], str] | None] = []

    def filled(text: str) -> str:
        return re.sub(r"\{(\w+)\}", lambda found: kept.get(found[1], found[0]), text)

    for one in PLAY["requests"]:
        jar = jars.setdefault(one["client"], {})
        lines = [(name, filled(value)) for name, value in one["headers"]]
        if jar and not any(name == "cookie" for name, _ in lines) and one["client"] != "app":
            lines.append(("cookie", "; ".join(f"{name}={value}" for name, value in jar.items())))
        answer = ask(one["method"], filled(one["target"]), lines, filled(one["body"]).encode())
        if answer is None:
            told.append(None)
            continue
        status, headers, body = answer
        for name, value in headers:
            if name.lower() == "set-cookie":
                pair = value.split(";")[0].partition("=")
                jar[pair[0]] = pair[2]
        jars[one["client"]] = {name: value for name, value in jar.items() if value}
        for name, place in one.get("keep", {}).items():
            kind, _, where = place.partition(" ")
            by_name = {name.lower(): value for name, value in headers}
            kept[name] = by_name.get(where, "") if kind == "header" else found_in(body, where)
        shown = [(name.lower(), plain(value)) for name, value in headers if name.lower() != "content-length"]
        told.append((status, shown, plain(body.decode())))
    return told


def found_in(body: bytes, pointer: str) -> str:
    held = json.loads(body)
    assert "problem" not in held.get("type", ""), held
    for part in pointer.split("/")[1:]:
        held = held[int(part)] if isinstance(held, list) else held[part]
    return str(held)


def opened() -> doorward.Auth:
    return doorward.open(toml=PLAY["settings"])


@pytest.fixture(scope="module")
def expected() -> list[Any]:
    with opened() as auth:
        return play(by_hand(auth))


@pytest.fixture
def auth() -> Iterator[doorward.Auth]:
    get_auth.cache_clear()
    settings = {"ROOT_URLCONF": __name__, "MIDDLEWARE": ["doorward.django.middleware.DoorwardMiddleware"]}
    with opened() as auth, override_settings(DOORWARD=auth, DEBUG=False, **settings):
        yield auth
    get_auth.cache_clear()


def test_the_requests_are_many_and_meet_every_answer(expected: list[Any]) -> None:
    assert len(expected) >= 300
    statuses = {answer[0] for answer in expected if answer is not None}
    assert statuses >= {200, 201, 202, 204, 303, 304, 400, 401, 403, 404, 405, 409, 413, 414, 415, 422, 431}, statuses
    assert not {status for status in statuses if status >= 500}
    assert expected.count(None) == 4


@pytest.mark.parametrize("name", HOSTS)
def test_each_host_answers_to_the_byte(name: str, auth: doorward.Auth, expected: list[Any]) -> None:
    answers = play(HOSTS[name](auth))
    for asked, answer, wanted in zip(PLAY["requests"], answers, expected, strict=True):
        where = f"{asked['method']} {asked['target']}"
        if wanted is None:
            assert answer is not None and answer[0] in (404, 301), where
        else:
            assert answer == wanted, where
