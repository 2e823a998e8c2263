"""Doorward in Starlette: one middleware for the surface and the session, and a backend for `request.user` and `requires`.

    app = Starlette(routes=routes, middleware=[Middleware(DoorwardMiddleware, auth=auth)])
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from starlette.authentication import AuthCredentials, AuthenticationBackend, BaseUser
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from . import _callers
from ._doorward import AsyncAuth, Auth, KeyAccepted, Session, SignedIn, User
from ._errors import Error
from ._problems import problem
from .asgi import SessionMiddleware, Surface

__all__ = ["DoorwardBackend", "DoorwardMiddleware", "DoorwardUser", "error_response", "fresh_session", "session"]


class DoorwardMiddleware(Surface):
    """The surface below its prefix; elsewhere `request.scope["doorward"]` says whose each request is."""

    def __init__(self, app: Any, auth: Auth | AsyncAuth) -> None:
        super().__init__(auth, SessionMiddleware(app, auth))


def session(connection: HTTPConnection) -> Session | None:
    """The session of who is signed in."""
    return _callers.optional(connection.scope.get("doorward"))


def fresh_session(connection: HTTPConnection, within: timedelta = _callers.FRESH) -> Session:
    """The session of somebody who proved a factor of late; raises an error that `error_response` answers."""
    return _callers.fresh(connection.scope.get("doorward"), within)


async def error_response(request: Request, error: Exception) -> Response:
    """For `exception_handlers`: an error of Doorward as problem details. What only the program can mend stays an error."""
    if not isinstance(error, Error) or error.http_status == 500:
        raise error
    status, lines, body = problem(error)
    return Response(body, status, dict(lines))


class DoorwardUser(BaseUser):
    """`request.user` of who is signed in."""

    def __init__(self, user: User) -> None:
        self.user = user

    @property
    def is_authenticated(self) -> bool:
        return True

    @property
    def display_name(self) -> str:
        return str(self.user.public_attributes.get("name", self.user.id))

    @property
    def identity(self) -> str:
        return str(self.user.id)


class DoorwardBackend(AuthenticationBackend):
    """For `AuthenticationMiddleware` below the other: the scope `authenticated`, and of a key its own scopes."""

    async def authenticate(self, conn: HTTPConnection) -> tuple[AuthCredentials, BaseUser] | None:
        outcome = conn.scope.get("doorward")
        scopes: Sequence[str] = ["authenticated"]
        if isinstance(outcome, KeyAccepted):
            scopes = [*scopes, *outcome.scopes]
        if isinstance(outcome, (SignedIn, KeyAccepted)):
            return AuthCredentials(scopes), DoorwardUser(outcome.user)
        return None
