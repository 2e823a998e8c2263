"""Doorward in Flask: the surface, `current_session`, and decorators.

    doorward.flask.Doorward(app, auth)

    @app.get("/me")
    @sign_in_required
    def me(): return current_session.user.public_attributes
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

from flask import Flask, Response, has_request_context, request
from werkzeug.local import LocalProxy

from . import _callers
from ._doorward import Auth, Session
from ._errors import Error
from ._problems import problem
from .wsgi import SessionMiddleware, Surface

__all__ = ["Doorward", "current_session", "fresh_required", "sign_in_required"]

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Doorward:
    """The extension. Without `auth` the context is opened by the settings in `app.config["DOORWARD"]`."""

    def __init__(self, app: Flask | None = None, auth: Auth | None = None) -> None:
        self.auth = auth
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Puts the surface and the session into an application, which then answers errors of Doorward as problem details."""
        auth = self.auth or Auth(**app.config["DOORWARD"])
        self.auth = app.extensions["doorward"] = auth
        app.wsgi_app = Surface(auth, SessionMiddleware(app.wsgi_app, auth))  # type: ignore[method-assign]
        app.register_error_handler(Error, _failed)


def _failed(error: Error) -> Response:
    if error.http_status == 500:
        raise error
    status, lines, body = problem(error)
    return Response(body, status, lines)


def _current() -> Session | None:
    return _callers.optional(request.environ.get("doorward")) if has_request_context() else None


current_session = cast(Session, LocalProxy(_current))
"""The session of who is signed in. It is false where nobody is."""


def sign_in_required(view: Callable[_P, _T]) -> Callable[_P, _T]:
    """Answers 401 where nobody is signed in."""

    @wraps(view)
    def guarded(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        _callers.required(request.environ.get("doorward"))
        return view(*args, **kwargs)

    return guarded


def fresh_required(view: Callable[_P, _T] | None = None, *, within: timedelta = _callers.FRESH) -> Any:
    """Answers 401, and asks for a step-up, where no factor was proved of late: `@fresh_required`, or with `within=`."""

    def decorate(view: Callable[_P, _T]) -> Callable[_P, _T]:
        @wraps(view)
        def guarded(*args: _P.args, **kwargs: _P.kwargs) -> _T:
            _callers.fresh(request.environ.get("doorward"), within)
            return view(*args, **kwargs)

        return guarded

    return decorate if view is None else decorate(view)
