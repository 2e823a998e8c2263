"""`doorward.starlette`, `.fastapi`, `.flask` and `.django`: who calls, who is let in, and what the document has."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from io import StringIO
from typing import Annotated, Any

import django_once  # noqa: F401
import pytest
from conftest import EMAIL, PASSWORD
from django.conf import settings as django_settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.http import HttpResponse
from django.test import AsyncClient, Client, RequestFactory
from django.test.utils import override_settings
from django.urls import include, path
from fastapi import Depends, FastAPI
from flask import Flask
from starlette.applications import Starlette
from starlette.authentication import requires
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

import doorward
import doorward.fastapi as of_fastapi
import doorward.flask as of_flask
import doorward.starlette as of_starlette
from doorward.django import checks, get_auth
from doorward.django.backend import DoorwardBackend
from doorward.testing import as_page, memory_auth, sign_in

SIGN_IN = {"provider": "email", "identifier": EMAIL, "fields": {"password": PASSWORD}}
STEP_UP = 'Bearer error="insufficient_user_authentication", max_age="600"'


@pytest.fixture
def auth() -> Iterator[doorward.Auth]:
    with memory_auth(attributes={"public": ["name"]}, throttle={"enabled": False}) as auth:
        yield auth


@pytest.fixture
def user(auth: doorward.Auth) -> doorward.User:
    proof = auth.trusted().create_user("email", EMAIL, {"password": PASSWORD}, attributes={"name": "Ada"}).require()
    return auth.get_user(proof.user_id)


def stale() -> list[doorward.Factor]:
    return [doorward.Factor("email", "knowledge", datetime.now(timezone.utc) - timedelta(hours=1))]


def test_starlette_knows_the_user_and_the_scopes(auth: doorward.Auth, user: doorward.User) -> None:
    @requires("authenticated")
    async def me(request: Request) -> Response:
        found = of_starlette.session(request)
        assert found is not None and str(found.user.id) == request.user.identity
        return JSONResponse(request.user.display_name)

    async def vault(request: Request) -> Response:
        return JSONResponse(str(of_starlette.fresh_session(request).id))

    app = Starlette(
        routes=[Route("/me", me), Route("/vault", vault)],
        middleware=[
            Middleware(of_starlette.DoorwardMiddleware, auth=auth),
            Middleware(AuthenticationMiddleware, backend=of_starlette.DoorwardBackend()),
        ],
        exception_handlers={doorward.Error: of_starlette.error_response},
    )
    client = as_page(TestClient(app))
    assert client.get("/me").status_code == 403 and client.get("/vault").status_code == 401
    assert client.post("/auth/sign-in", json=SIGN_IN).json()["outcome"] == "accepted"
    assert client.get("/me").json() == "Ada" and client.get("/vault").status_code == 200
    aged = sign_in(TestClient(app), user, factors=stale()).get("/vault")
    assert (aged.status_code, aged.json()["code"]) == (401, "proof_required")
    assert aged.headers["www-authenticate"] == STEP_UP


def fastapi_app(auth: doorward.Auth) -> FastAPI:
    app = FastAPI()
    of_fastapi.mount(app, auth)

    @app.get("/me")
    def me(user: of_fastapi.User) -> str:
        return str(user.public_attributes["name"])

    @app.get("/maybe")
    def maybe(session: of_fastapi.OptionalSession) -> bool:
        return session is not None

    @app.get("/vault")
    def vault(session: of_fastapi.Fresh) -> str:
        return str(session.id)

    @app.get("/safe")
    def safe(session: Annotated[doorward.Session, Depends(of_fastapi.fresh(timedelta(hours=2)))]) -> str:
        return str(session.id)

    @app.get("/session")
    def session(session: of_fastapi.Session) -> str:
        return str(session.id)

    return app


def test_fastapi_has_who_calls_as_dependencies(auth: doorward.Auth, user: doorward.User) -> None:
    client = as_page(TestClient(fastapi_app(auth)))
    assert client.get("/maybe").json() is False
    for guarded in ("/me", "/session", "/vault", "/safe"):
        answer = client.get(guarded)
        problem = answer.json()
        assert (answer.status_code, problem["code"], problem["reason"]) == (401, "signed_out", "no_token"), guarded
        assert answer.headers["content-type"] == "application/problem+json" and not problem["refreshable"]
        assert answer.headers["www-authenticate"].startswith("Bearer")
    assert client.post("/auth/sign-in", json=SIGN_IN).status_code == 200
    assert client.get("/me").json() == "Ada" and client.get("/maybe").json() is True
    assert client.get("/vault").json() == client.get("/session").json()
    aged = sign_in(TestClient(fastapi_app(auth)), user, factors=stale())
    assert (aged.get("/vault").status_code, aged.get("/safe").status_code) == (401, 200)
    assert aged.get("/vault").headers["www-authenticate"] == STEP_UP


def test_fastapi_shows_the_surface_in_its_document(auth: doorward.Auth) -> None:
    document = TestClient(fastapi_app(auth)).get("/openapi.json").json()
    assert {"/me", "/auth/sign-in", "/auth/sessions/{id}"} <= set(document["paths"])
    assert "/.well-known/change-password" not in document["paths"]
    assert document["paths"]["/auth/sign-in"]["post"]["tags"] == ["auth"]
    schemas = document["components"]["schemas"]
    assert "DoorwardSession" in schemas and "Session" not in schemas

    def references(held: Any) -> Iterator[str]:
        if isinstance(held, dict):
            if isinstance(held.get("$ref"), str):
                yield held["$ref"]
            for one in held.values():
                yield from references(one)
        elif isinstance(held, list):
            for one in held:
                yield from references(one)

    found = set(references(document))
    assert found and {name.rsplit("/", 1)[1] for name in found} <= set(schemas)
    app = FastAPI()
    of_fastapi.mount(app, auth, prefix="/elsewhere")
    with pytest.raises(ValueError, match="http.prefix"):
        app.openapi()


def test_a_guard_without_the_middleware_is_the_programs_mistake() -> None:
    app = FastAPI()

    @app.get("/me")
    def me(user: of_fastapi.User) -> str:
        return str(user.id)

    with pytest.raises(doorward.InvalidState, match="middleware"):
        TestClient(app).get("/me")


@pytest.mark.parametrize("how", ["at once", "init_app"])
def test_flask_has_a_session_and_guards(auth: doorward.Auth, user: doorward.User, how: str) -> None:
    app = Flask(__name__)
    if how == "at once":
        of_flask.Doorward(app, auth)
    else:
        of_flask.Doorward(auth=auth).init_app(app)

    @app.get("/me")
    @of_flask.sign_in_required
    def me() -> str:
        return str(of_flask.current_session.user.public_attributes["name"])

    @app.get("/maybe")
    def maybe() -> str:
        return "yes" if of_flask.current_session else "no"

    @app.get("/vault")
    @of_flask.fresh_required
    def vault() -> str:
        return "open"

    @app.get("/safe")
    @of_flask.fresh_required(within=timedelta(hours=2))  # type: ignore[untyped-decorator, unused-ignore]
    def safe() -> str:
        return "open"

    client = as_page(app.test_client())
    assert client.get("/maybe").text == "no"
    for guarded in ("/me", "/vault", "/safe"):
        answer = client.get(guarded)
        assert answer.status_code == 401 and answer.get_json(force=True)["code"] == "signed_out"
    assert client.post("/auth/sign-in", json=SIGN_IN).status_code == 200
    assert [client.get(page).text for page in ("/me", "/maybe", "/vault")] == ["Ada", "yes", "open"]
    aged = sign_in(app.test_client(), user, factors=stale())
    assert (aged.get("/vault").status_code, aged.get("/safe").status_code) == (401, 200)
    assert aged.get("/vault").headers["WWW-Authenticate"] == STEP_UP
    assert app.extensions["doorward"] is auth


def me(request: Any) -> HttpResponse:
    return HttpResponse(f"{request.user.is_authenticated} {request.user.get_username()}")


def guarded(request: Any) -> HttpResponse:
    return HttpResponse(str(request.doorward.require().user.id))


async def awaited(request: Any) -> HttpResponse:
    user = await request.auser()
    return HttpResponse(str(user.is_authenticated))


urlpatterns = [
    path("auth/", include("doorward.django.urls")),
    path("me", me),
    path("guarded", guarded),
    path("awaited", awaited),
]
MIDDLEWARE = ["django.middleware.csrf.CsrfViewMiddleware", "doorward.django.middleware.DoorwardMiddleware"]


@pytest.fixture
def django_site(auth: doorward.Auth) -> Iterator[None]:
    get_auth.cache_clear()
    with override_settings(DOORWARD=auth, ROOT_URLCONF=__name__, MIDDLEWARE=MIDDLEWARE):
        call_command("migrate", verbosity=0)
        yield
        call_command("flush", verbosity=0, interactive=False)
    get_auth.cache_clear()


def test_django_knows_the_user(django_site: None, user: doorward.User) -> None:
    # Django's own check of forms is on, and is not asked for what the surface checks itself.
    client = as_page(Client(enforce_csrf_checks=True))
    assert client.get("/me").content == b"False "
    answer = client.get("/guarded")
    assert answer.status_code == 401 and answer["Content-Type"] == "application/problem+json"
    entered = client.post("/auth/sign-in", SIGN_IN, content_type="application/json")
    assert entered.status_code == 200 and entered.json()["outcome"] == "accepted"
    assert client.get("/me").content == f"True {user.id}".encode()
    assert client.get("/guarded").content == str(user.id).encode()
    again = sign_in(Client(), user)
    assert again.get("/me").content == f"True {user.id}".encode()
    assert client.get("/auth/nowhere").json()["code"] == "not_found"


async def test_django_awaits(django_site: None, user: doorward.User) -> None:
    client = sign_in(AsyncClient(), user)
    client.defaults.pop("HTTP_SEC_FETCH_SITE", None)
    answer = await client.get("/awaited")
    assert answer.content == b"True"


def test_djangos_user_is_a_row_that_is_made_once(django_site: None, user: doorward.User) -> None:
    from django.contrib.auth import get_user_model

    client = sign_in(Client(), user)
    for _ in range(2):
        client.get("/me")
    [row] = get_user_model().objects.all()
    assert row.username == str(user.id) and not row.has_usable_password()
    backend = DoorwardBackend()
    assert backend.get_user(row.pk) == row and backend.get_user(row.pk + 1) is None
    # Nothing but a session of the request itself signs in: no name, no password.
    request = RequestFactory().get("/")
    assert backend.authenticate(request, username=str(user.id), password=PASSWORD) is None
    assert backend.authenticate(request) is None


def test_django_without_a_user_model(auth: doorward.Auth, user: doorward.User) -> None:
    get_auth.cache_clear()
    with override_settings(DOORWARD=auth, ROOT_URLCONF=__name__, MIDDLEWARE=MIDDLEWARE, INSTALLED_APPS=["doorward.django"]):
        assert Client().get("/me").content == b"False "
        assert sign_in(Client(), user).get("/me").content == f"True {user.id}".encode()
    get_auth.cache_clear()


def test_djangos_command(django_site: None, user: doorward.User) -> None:
    def said(action: str) -> str:
        out = StringIO()
        call_command("doorward", action, stdout=out)
        return out.getvalue().strip()

    assert said("health") == "it can answer"
    assert said("migrate") == "the schema is this release's"
    assert said("stats").startswith("users 1, ")
    assert said("purge").startswith("sign_ins 0, ")
    get_auth().stop()
    with pytest.raises(CommandError, match="invalid_state"):
        said("stats")


def test_djangos_checks(auth: doorward.Auth) -> None:
    def said(**settings: Any) -> list[str]:
        get_auth.cache_clear()
        with override_settings(**settings):
            return [found.id for found in checks.check_settings()]

    assert said(DOORWARD=None) == ["doorward.E001"]
    assert said(DOORWARD=auth) == ["doorward.W001"]
    assert said(DOORWARD=auth, MIDDLEWARE=MIDDLEWARE) == []
    shared = {"database": f"sqlite:{django_settings.DATABASES['default']['NAME']}"}
    assert said(DOORWARD=shared, MIDDLEWARE=MIDDLEWARE) == ["doorward.E002"]
    assert said(DOORWARD={"no_such_setting": 1}, MIDDLEWARE=MIDDLEWARE) == ["doorward.E003"]
    get_auth.cache_clear()


@pytest.mark.parametrize("name", ["asgi", "wsgi", "_problems", "_callers", "_document"])
def test_a_framework_is_imported_by_its_own_glue_alone(name: str) -> None:
    code = (
        f"import sys, doorward, doorward.{name}\n"
        "assert not {'django', 'fastapi', 'flask', 'starlette', 'werkzeug'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
