"""`doorward.asgi` and `doorward.wsgi`: what is the surface's, what is the application's, and whose a request is."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Callable, Iterator, MutableMapping
from datetime import timedelta
from typing import Any

import pytest
from conftest import EMAIL, PASSWORD

import doorward
from doorward import asgi, wsgi
from doorward.testing import ManualClock, memory_auth

Answer = tuple[int, list[tuple[str, str]], bytes]
SIGN_IN = json.dumps({"provider": "email", "identifier": EMAIL, "fields": {"password": PASSWORD}}).encode()
POST = [("sec-fetch-site", "same-origin"), ("content-type", "application/json")]


class Host:
    """One application, behind the surface and the session, as a server of either kind calls it."""

    def __init__(self, kind: str, auth: doorward.Auth) -> None:
        self.kind = kind
        if kind == "asgi":
            self.asgi = asgi.Surface(auth, asgi.SessionMiddleware(self._asgi_app, auth))
        else:
            self.wsgi = wsgi.Surface(auth, wsgi.SessionMiddleware(self._wsgi_app, auth))

    @staticmethod
    def _shown(outcome: object) -> bytes:
        return type(outcome).__name__.encode()

    async def _asgi_app(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept", "subprotocol": self._shown(scope["doorward"]).decode()})
            return
        lines = [(b"cache-control", b"public"), (b"set-cookie", b"own=1")]
        await send({"type": "http.response.start", "status": 200, "headers": lines})
        await send({"type": "http.response.body", "body": self._shown(scope["doorward"])})

    def _wsgi_app(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        start_response("200 OK", [("Cache-Control", "public"), ("Set-Cookie", "own=1")])
        return [self._shown(environ["doorward"])]

    def ask(self, method: str, path: str, headers: list[tuple[str, str]], body: bytes = b"") -> Answer:
        return self._by_asgi(method, path, headers, body) if self.kind == "asgi" else self._by_wsgi(method, path, headers, body)

    def _by_asgi(self, method: str, path: str, headers: list[tuple[str, str]], body: bytes) -> Answer:
        lines = [(name.encode(), value.encode()) for name, value in headers]
        scope: dict[str, Any] = {"type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": b""}
        scope |= {"headers": lines, "client": ("203.0.113.9", 1)}
        started, told = asyncio.run(called(self.asgi, scope, body))
        found = [(name.decode(), value.decode()) for name, value in started["headers"]]
        return started["status"], found, told

    def _by_wsgi(self, method: str, path: str, headers: list[tuple[str, str]], body: bytes) -> Answer:
        environ: dict[str, Any] = {"REQUEST_METHOD": method, "PATH_INFO": path, "REMOTE_ADDR": "203.0.113.9"}
        environ |= {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        for name, value in headers:
            key = name.upper().replace("-", "_")
            environ[key if key == "CONTENT_TYPE" else "HTTP_" + key] = value
        started: list[Any] = []
        told = b"".join(self.wsgi(environ, lambda *given: started.extend(given)))
        return int(started[0].split()[0]), [(name.lower(), value) for name, value in started[1]], told


async def called(app: Any, scope: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
    # In two pieces, as servers give what comes in two.
    pieces: list[dict[str, Any]] = [{"type": "http.request", "body": body[:9], "more_body": True}, {"type": "http.request", "body": body[9:]}]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return pieces.pop(0)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent[0], b"".join(message.get("body", b"") for message in sent[1:])


@pytest.fixture
def auth(clock: ManualClock) -> Iterator[doorward.Auth]:
    settings: dict[str, Any] = {"throttle": {"enabled": False}, "http": {"max_body": 1024}}
    with memory_auth(clock=clock, **settings) as auth:
        auth.trusted().create_user("email", EMAIL, {"password": PASSWORD}).require()
        yield auth


@pytest.fixture(params=["asgi", "wsgi"])
def host(request: pytest.FixtureRequest, auth: doorward.Auth) -> Host:
    return Host(request.param, auth)


def jar(headers: list[tuple[str, str]]) -> tuple[str, str]:
    pairs = [value.split(";")[0] for name, value in headers if name == "set-cookie"]
    return "cookie", "; ".join(pair for pair in pairs if not pair.endswith("="))


def test_the_surface_answers_below_its_prefix_and_the_application_elsewhere(host: Host) -> None:
    status, headers, body = host.ask("POST", "/auth/sign-in", POST, SIGN_IN)
    assert status == 200 and json.loads(body)["outcome"] == "accepted", body
    lines = [value for name, value in headers if name == "set-cookie"]
    assert len(lines) >= 2 and all("HttpOnly" in line for line in lines)
    assert dict(headers)["content-length"] == str(len(body))
    assert host.ask("GET", "/", [jar(headers)])[2] == b"SignedIn"
    assert host.ask("GET", "/", [])[2] == b"SignedOut"


def test_a_body_that_is_too_long_is_413_and_not_read_on(host: Host) -> None:
    status, headers, body = host.ask("POST", "/auth/sign-in", POST, b"x" * 1025)
    assert status == 413 and json.loads(body)["code"] == "too_large"
    assert host.ask("POST", "/auth/sign-in", POST, b"{" + b" " * 1022 + b"}")[0] == 400


def test_a_refresh_goes_out_with_the_applications_response(host: Host, clock: ManualClock) -> None:
    before = jar(host.ask("POST", "/auth/sign-in", POST, SIGN_IN)[1])
    clock.advance(timedelta(hours=9))
    status, headers, body = host.ask("GET", "/", [before])
    assert (status, body) == (200, b"SignedIn")
    lines = [value for name, value in headers if name == "set-cookie"]
    assert lines[0] == "own=1" and len(lines) >= 3
    assert [value for name, value in headers if name == "cache-control"] == ["no-store"]
    # What the surface says of a session never refreshes it.
    status, headers, body = host.ask("GET", "/auth/session", [before])
    assert json.loads(body)["status"] == "refreshable" and not any(name == "set-cookie" for name, _ in headers)


def test_alone_the_rest_is_404(auth: doorward.Auth) -> None:
    host = Host("asgi", auth)
    host.asgi = asgi.Surface(auth)
    assert host.ask("GET", "/", [])[0] == 404
    assert host.ask("HEAD", "/auth/config", [])[::2] == (200, b"")
    other = Host("wsgi", auth)
    other.wsgi = wsgi.Surface(auth)
    assert other.ask("GET", "/", [])[0] == 404


def test_a_store_that_is_away_is_503_and_no_sign_out(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    error = doorward.Unavailable("it is away")

    class Away:
        def resume_request(self) -> Any:
            raise error

    middleware = host.asgi._app if host.kind == "asgi" else host.wsgi._app
    real = middleware._auth  # type: ignore[union-attr]
    monkeypatch.setattr(middleware, "_auth", type("Stub", (), {"http_wants": real.http_wants, "on": lambda *_: Away()})())
    status, headers, body = host.ask("GET", "/", [("cookie", "a=b")])
    assert status == 503 and json.loads(body)["code"] == "unavailable"
    assert not any(name == "set-cookie" for name, _ in headers)


async def test_a_websocket_is_checked_and_never_refreshed(auth: doorward.Auth, clock: ManualClock) -> None:
    host = Host("asgi", auth)
    session = (await auth.aio.trusted().create_session_for_user(await found(auth))).require()
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in session.headers.cookies).encode()
    scope: dict[str, Any] = {"type": "websocket", "path": "/", "raw_path": b"/", "query_string": b"", "headers": []}
    started, _ = await called(host.asgi, scope | {"headers": [(b"sec-fetch-site", b"same-origin")]}, b"")
    assert started["subprotocol"] == "SignedOut"
    started, _ = await called(host.asgi, scope | {"headers": [(b"origin", b"https://evil.example")]}, b"")
    assert started["subprotocol"] == "RequestRefused"
    own = {"headers": [(b"sec-fetch-site", b"same-origin"), (b"cookie", cookies)]}
    assert (await called(host.asgi, scope | own, b""))[0]["subprotocol"] == "SignedIn"
    clock.advance(timedelta(hours=9))
    assert (await called(host.asgi, scope | own, b""))[0]["subprotocol"] == "SignedOut"


async def found(auth: doorward.Auth) -> doorward.User:
    user = await auth.aio.find_user("email", EMAIL)
    assert user is not None
    return user


@pytest.mark.parametrize("app", [False, True])
async def test_a_lifespan_starts_and_stops_the_context(app: bool) -> None:
    auth = memory_auth()
    heard = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    sent: list[str] = []

    async def receive() -> Any:
        return heard.pop(0)

    async def send(message: Any) -> None:
        sent.append(message["type"])
        if message["type"] == "lifespan.startup.complete":
            assert "doorward" in auth.metrics()

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        assert (await receive())["type"] == "lifespan.startup"
        await send({"type": "lifespan.startup.complete"})
        assert (await receive())["type"] == "lifespan.shutdown"
        await send({"type": "lifespan.shutdown.complete"})

    await asgi.Surface(auth, inner if app else None)({"type": "lifespan"}, receive, send)
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    with pytest.raises(doorward.InvalidState):
        auth.stats()


async def test_a_context_that_cannot_start_fails_the_startup(tmp_path: Any) -> None:
    auth = doorward.open(database=f"sqlite:{tmp_path}/no.db", migrate=False, provider={"email": {"kind": "password"}})
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "lifespan.startup"}

    async def send(message: Any) -> None:
        sent.append(message)

    await asgi.Surface(auth)({"type": "lifespan"}, receive, send)
    assert sent[0]["type"] == "lifespan.startup.failed" and sent[0]["message"]
