"""Doorward in FastAPI: the surface, its endpoints in /docs, and who calls as a dependency.

    app = FastAPI()
    doorward.fastapi.mount(app, auth)

    @app.get("/me")
    def me(user: User) -> dict[str, Any]: ...
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Any

from fastapi import Depends, FastAPI
from starlette.requests import HTTPConnection

from . import _callers, _doorward, _document
from ._errors import Error
from .starlette import DoorwardMiddleware, error_response

__all__ = ["Fresh", "OptionalSession", "Session", "User", "fresh", "mount"]


def mount(app: FastAPI, auth: _doorward.Auth, *, prefix: str = "/auth") -> None:
    """Puts the surface and the session into the application, and the surface's endpoints into its document.

    `prefix` is the setting `http.prefix`. Errors of Doorward are answered as problem details.
    """
    app.add_middleware(DoorwardMiddleware, auth=auth)
    app.add_exception_handler(Error, error_response)
    own: Callable[[], dict[str, Any]] = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document.merged(auth, prefix, own())
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _optional(connection: HTTPConnection) -> _doorward.Session | None:
    return _callers.optional(connection.scope.get("doorward"))


def _session(connection: HTTPConnection) -> _doorward.Session:
    return _callers.required(connection.scope.get("doorward"))


def _user(connection: HTTPConnection) -> _doorward.User:
    return _session(connection).user


def fresh(within: timedelta = _callers.FRESH) -> Callable[[HTTPConnection], _doorward.Session]:
    """A dependency: the session of somebody who proved a factor no longer ago."""

    def dependency(connection: HTTPConnection) -> _doorward.Session:
        return _callers.fresh(connection.scope.get("doorward"), within)

    return dependency


OptionalSession = Annotated[_doorward.Session | None, Depends(_optional)]
"""The session, or None."""
Session = Annotated[_doorward.Session, Depends(_session)]
"""The session; without one the answer is 401."""
User = Annotated[_doorward.User, Depends(_user)]
"""The user who is signed in; without one the answer is 401."""
Fresh = Annotated[_doorward.Session, Depends(fresh())]
"""The session of somebody who proved a factor in the last ten minutes; else the answer is 401, and asks for a step-up."""
