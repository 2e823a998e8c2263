"""Requests and responses of frameworks: the same journey through each, with its own test client or a plain call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import django_once  # noqa: F401
import doorward
import pytest
from conftest import EMAIL, PASSWORD
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.test import Client
from django.urls import path
from doorward.testing import as_page, memory_auth, sign_in
from flask import Flask, jsonify
from flask import Response as FlaskResponse
from flask import request as flask_request
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket

ORIGIN = "https://app.example"
SAME = {"origin": ORIGIN}


@pytest.fixture
def auth() -> Iterator[doorward.Auth]:
    with memory_auth(origins={"trusted": [ORIGIN]}, attributes={"public": ["name"]}) as auth:
        global _auth
        _auth = auth
        yield auth


# Starlette


def starlette_app(auth: doorward.Auth) -> Starlette:
    async def enter(request: Request) -> Response:
        on = auth.aio.on(request)
        outcome = await on.create_user("email", EMAIL, {"password": PASSWORD}, attributes={"name": "Ada", "age": 36})
        if not isinstance(outcome, doorward.Accepted):
            return outcome.apply(PlainTextResponse("no", outcome.http_status))
        made = await on.create_session(outcome.value)
        return made.require().apply(PlainTextResponse("welcome"))

    async def me(request: Request) -> Response:
        outcome = await auth.aio.on(request).resume_request()
        if isinstance(outcome, doorward.SignedIn):
            return outcome.apply(JSONResponse(outcome.user.public_attributes))
        return outcome.apply(Response(status_code=outcome.http_status))

    async def leave(request: Request) -> Response:
        outcome = await auth.aio.on(request).end_session()
        return outcome.apply(Response(status_code=outcome.http_status))

    async def socket(websocket: WebSocket) -> None:
        outcome = await auth.aio.on(websocket).check_request()
        await websocket.accept()
        await websocket.send_text(type(outcome).__name__)
        await websocket.close()

    return Starlette(
        routes=[
            Route("/enter", enter, methods=["POST"]),
            Route("/me", me),
            Route("/leave", leave, methods=["POST"]),
            WebSocketRoute("/socket", socket),
        ]
    )


def test_a_journey_through_starlette(auth: doorward.Auth) -> None:
    # https, so that the client's jar sends `Secure` cookies.
    client = TestClient(starlette_app(auth), base_url=ORIGIN, client=("192.0.2.7", 50000))
    assert client.get("/me").status_code == 401
    assert client.post("/enter").status_code == 403, "neither origin nor sec-fetch-site"
    entered = client.post("/enter", headers={**SAME, "user-agent": "suite/1"})
    assert entered.text == "welcome"
    # The device cookie is earned by signing in, so the first answer has the session's two.
    names = [line.split("=")[0] for line in entered.headers.get_list("set-cookie")]
    assert names[:2] == ["__Host-doorward-refresh", "__Host-doorward-access"]
    assert entered.headers.get_list("cache-control") == ["no-store"]
    assert client.get("/me").json() == {"name": "Ada"}

    user = auth.find_user("email", EMAIL)
    assert user is not None
    (device,) = auth.list_sessions(user)
    assert (device.agent, device.address) == ("suite/1", "192.0.2.7")

    assert client.post("/leave", headers={"origin": "https://evil.example"}).status_code == 403
    assert client.post("/leave", headers=SAME).status_code == 200
    assert client.get("/me").status_code == 401
    assert auth.list_sessions(user) == []


def test_a_websocket_needs_its_origin(auth: doorward.Auth) -> None:
    client = TestClient(starlette_app(auth), base_url=ORIGIN)
    client.post("/enter", headers=SAME)
    # The client's jar sends no `Secure` cookies over ws, so they are sent by hand.
    cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    for headers, seen in [(SAME, "SignedIn"), ({"origin": "https://evil.example"}, "RequestRefused")]:
        with client.websocket_connect("/socket", headers={**headers, "cookie": cookie}) as socket:
            assert socket.receive_text() == seen


# Django

_auth: doorward.Auth


def django_enter(request: HttpRequest) -> HttpResponse:
    on = _auth.on(request)
    outcome = on.create_user("email", EMAIL, {"password": PASSWORD}, attributes={"name": "Ada"})
    if not isinstance(outcome, doorward.Accepted):
        return outcome.apply(HttpResponse("no", status=outcome.http_status))
    return on.create_session(outcome.value).require().apply(HttpResponse("welcome"))


def django_me(request: HttpRequest) -> HttpResponse:
    outcome = _auth.on(request).resume_request()
    if isinstance(outcome, doorward.SignedIn):
        return outcome.apply(JsonResponse(outcome.user.public_attributes))
    return outcome.apply(HttpResponse(status=outcome.http_status))


def django_leave(request: HttpRequest) -> HttpResponse:
    outcome = _auth.on(request).end_session()
    return outcome.apply(HttpResponse(status=outcome.http_status))


urlpatterns = [path("enter", django_enter), path("me", django_me), path("leave", django_leave)]



def test_a_journey_through_django(auth: doorward.Auth) -> None:
    client = Client(REMOTE_ADDR="192.0.2.8")
    assert client.get("/me", secure=True).status_code == 401
    assert client.post("/enter", secure=True).status_code == 403
    entered = client.post("/enter", headers={**SAME, "user-agent": "suite/2"}, secure=True)
    assert entered.content == b"welcome" and entered.headers["Cache-Control"] == "no-store"
    cookie = entered.cookies["__Host-doorward-access"]
    assert (cookie["path"], cookie["secure"], cookie["httponly"], cookie["samesite"]) == ("/", True, True, "Lax")
    assert cookie["max-age"] == 8 * 3600 and cookie["domain"] == ""
    assert client.get("/me", secure=True).json() == {"name": "Ada"}
    user = auth.find_user("email", EMAIL)
    assert user is not None
    (device,) = auth.list_sessions(user)
    assert (device.agent, device.address) == ("suite/2", "192.0.2.8")
    assert client.post("/leave", headers=SAME, secure=True).status_code == 200
    assert client.get("/me", secure=True).status_code == 401


# Test clients


def starlette_client(auth: doorward.Auth) -> Any:
    return TestClient(starlette_app(auth))


def django_client(auth: doorward.Auth) -> Any:
    return Client()


def flask_client(auth: doorward.Auth) -> Any:
    app = Flask("suite")

    @app.post("/enter")
    def enter() -> FlaskResponse:
        on = auth.on(flask_request)
        made = on.create_user("email", EMAIL, {"password": PASSWORD}, attributes={"name": "Ada"})
        if not isinstance(made, doorward.Accepted):
            return on.apply(FlaskResponse(status=made.http_status))
        on.create_session(made.require()).require()
        return on.apply(FlaskResponse("welcome"))

    @app.get("/me")
    def me() -> FlaskResponse:
        outcome = auth.on(flask_request).resume_request()
        if isinstance(outcome, doorward.SignedIn):
            return outcome.apply(jsonify(dict(outcome.user.attributes)))
        return outcome.apply(FlaskResponse(status=outcome.http_status))

    @app.post("/leave")
    def leave() -> FlaskResponse:
        outcome = auth.on(flask_request).end_session()
        return outcome.apply(FlaskResponse(status=outcome.http_status))

    return app.test_client()


CLIENTS = [starlette_client, django_client, flask_client]


def json_of(answer: Any) -> Any:
    return answer.json() if callable(answer.json) else answer.json


@pytest.mark.parametrize("make", CLIENTS)
def test_a_test_client_as_a_page(make: Callable[[doorward.Auth], Any], auth: doorward.Auth) -> None:
    client = make(auth)
    assert client.post("/enter").status_code == 403, "neither origin nor sec-fetch-site"
    assert as_page(client) is client
    assert client.post("/enter").status_code == 200
    assert json_of(client.get("/me")) == {"name": "Ada"}, "the cookies came back"
    assert client.post("/leave").status_code == 200
    assert client.get("/me").status_code == 401


def test_sign_in_says_what_it_takes(auth: doorward.Auth) -> None:
    with pytest.raises(TypeError, match="User or a Session.*not NoneType"):
        sign_in(Client(), auth.find_user("email", "nobody@example.com"))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="test client with cookies, not object"):
        as_page(object())


@pytest.mark.parametrize("make", CLIENTS)
def test_sign_in_of_a_test_client(make: Callable[[doorward.Auth], Any], auth: doorward.Auth) -> None:
    proof = auth.trusted().create_user("email", EMAIL, {"password": PASSWORD}, attributes={"name": "Ada"}).require()
    client = sign_in(make(auth), auth.get_user(proof.user_id))
    assert json_of(client.get("/me")) == {"name": "Ada"}
    # Unsafe methods work too: the client says that it is of the same origin.
    assert client.post("/leave").status_code == 200
    assert auth.list_sessions(proof.user_id) == []


# Plain forms


def headers_of(session: doorward.Session) -> str:
    return f"__Host-doorward-access={session.access_token}"


def environ(cookie: str) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": "POST",
        "HTTP_COOKIE": cookie,
        "HTTP_ORIGIN": ORIGIN,
        "REMOTE_ADDR": "192.0.2.9",
        "wsgi.version": (1, 0),
    }


def scope(cookie: str) -> dict[str, Any]:
    return {
        "type": "http",
        "method": "POST",
        "headers": [(b"cookie", cookie.encode()), (b"origin", ORIGIN.encode())],
        "client": ("192.0.2.9", 1234),
    }


class Held:
    """A request that keeps its environ, as Werkzeug's do."""

    def __init__(self, held: dict[str, Any]) -> None:
        self.environ = held


class Plain:
    """A request with method, headers and remote, as aiohttp's are."""

    def __init__(self, cookie: str) -> None:
        self.method, self.remote = "POST", "192.0.2.9"
        self.headers = {"Cookie": cookie, "Origin": ORIGIN}


@pytest.mark.parametrize(
    "form",
    [
        environ,
        scope,
        lambda cookie: Held(environ(cookie)),
        Plain,
        lambda cookie: doorward.Request("POST", [("Cookie", cookie), (b"Origin", ORIGIN)], "192.0.2.9"),
    ],
)
def test_forms_of_requests(form: Callable[[str], Any], auth: doorward.Auth) -> None:
    session = auth.trusted().create_session(
        auth.on(form("")).create_user("email", EMAIL, {"password": PASSWORD}).require()
    ).require()
    outcome = auth.on(form(headers_of(session))).check_request()
    assert isinstance(outcome, doorward.SignedIn) and outcome.session.id == session.id
    stepped = auth.on(form("")).authenticate("email", EMAIL, {"password": PASSWORD}).require()
    assert auth.on(form("")).create_session(stepped).require().address == "192.0.2.9"


@pytest.mark.parametrize("peer", [None, "", "unix:/run/app.sock"])
def test_a_peer_without_an_address_is_none(peer: str | None, auth: doorward.Auth) -> None:
    from doorward._requests import view

    assert view({**environ(""), "REMOTE_ADDR": peer}).peer is None


def test_what_is_no_request_is_refused(auth: doorward.Auth) -> None:
    for wrong in [None, 7, {}, {"type": "lifespan"}, object()]:
        with pytest.raises(TypeError):
            auth.on(wrong)
    with pytest.raises(ValueError, match="IPv4 or IPv6 address.*unix:"):
        doorward.Request("GET", [], "localhost:80")


def test_a_forgotten_request_is_refused(auth: doorward.Auth) -> None:
    credentials = {"password": PASSWORD}
    said = "no request: auth.on(request), or auth.trusted() where none caused this"
    with pytest.raises(doorward.InvalidState) as forgotten:
        auth.create_user("email", EMAIL, credentials)
    assert str(forgotten.value) == said
    with pytest.raises(doorward.InvalidState):
        auth.realm("elsewhere").request_token("recovery", "email", EMAIL)
    assert auth.find_user("email", EMAIL) is None
    assert isinstance(auth.trusted().create_user("email", EMAIL, credentials), doorward.Accepted)
    assert isinstance(auth.on(Plain("")).authenticate("email", EMAIL, credentials), doorward.Accepted)
    evil = doorward.Request("POST", [("Origin", "https://evil.example")])
    for both in (auth.trusted().on(evil), auth.on(evil).trusted()):
        assert isinstance(both.authenticate("email", EMAIL, credentials), doorward.RequestRefused)


async def awaited(auth: doorward.Auth) -> None:
    with pytest.raises(doorward.InvalidState):
        await auth.aio.authenticate("email", EMAIL, {"password": PASSWORD})
    tried = await auth.aio.trusted().authenticate("email", EMAIL, {"password": PASSWORD})
    assert isinstance(tried, doorward.Refused)


def test_a_forgotten_request_is_refused_when_it_is_awaited_too(auth: doorward.Auth) -> None:
    asyncio.run(awaited(auth))


def test_forms_of_responses(session: doorward.Session) -> None:
    class WithAdd:
        def __init__(self) -> None:
            self.lines: list[tuple[str, str]] = []
            self.headers = self

        def add(self, name: str, value: str) -> None:
            self.lines.append((name, value))

        def __setitem__(self, name: str, value: str) -> None:
            self.lines.append((name, value))

    expected = list(session.headers)
    lines: list[tuple[str, str]] = []
    assert session.apply(lines) is lines
    werkzeug = WithAdd()
    assert session.headers.apply(werkzeug) is werkzeug
    assert lines == werkzeug.lines == expected
    assert (session.headers[0], session.headers[-1]) == (expected[0], expected[-1])
    with pytest.raises(IndexError):
        session.headers[len(session.headers)]
    with pytest.raises(TypeError):
        session.apply(object())
