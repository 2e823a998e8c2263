"""The HTTP surface and the session of a request for WSGI servers and frameworks. Stands on nothing but the package.

    app = Surface(auth, SessionMiddleware(app, auth))       # below `http.prefix` the surface answers, the rest is the app's
    environ["doorward"]                                     # whose request it is: what `resume_request` gave
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from ._doorward import Auth, Request
from ._errors import Error
from ._problems import problem
from ._requests import view

__all__ = ["SessionMiddleware", "Surface"]

_Start = Callable[..., Any]
_App = Callable[[dict[str, Any], _Start], Iterable[bytes]]


class Surface:
    """An application and a middleware in one: what is not the surface's goes to `app`, or is 404."""

    def __init__(self, auth: Auth, app: _App | None = None) -> None:
        self._auth = auth
        self._app = app

    def __call__(self, environ: dict[str, Any], start_response: _Start) -> Iterable[bytes]:
        request = view(environ)
        limit = self._auth.http_wants(request.method, request.target or b"")
        if limit is not None:
            answer = self._auth.on(request).http_handle(_body(environ, limit))
            if answer is not None:
                return _respond(request, start_response, answer.status, answer.headers, answer.body)
        if self._app is not None:
            return self._app(environ, start_response)
        return _respond(request, start_response, 404, [("Content-Type", "text/plain")], b"not found\n")


class SessionMiddleware:
    """Finds out whose each request is: `environ["doorward"]` is what `resume_request` gave.

    Cookies of what is decided on `environ["doorward.view"]`, the refresh among it, go out with the response. The surface's own
    requests are left alone.
    """

    def __init__(self, app: _App, auth: Auth) -> None:
        self._auth = auth
        self._app = app

    def __call__(self, environ: dict[str, Any], start_response: _Start) -> Iterable[bytes]:
        request = view(environ)
        if self._auth.http_wants(request.method, request.target or b"") is not None:
            return self._app(environ, start_response)
        on = self._auth.on(request)
        try:
            outcome = on.resume_request()
        except Error as error:
            if not error.retryable:
                raise
            return _respond(request, start_response, *problem(error))
        environ["doorward"], environ["doorward.view"] = outcome, on

        def merged(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            ours = list(on.headers)
            replaced = {name.lower() for name, _ in ours} - {"set-cookie"}
            kept = [(name, value) for name, value in headers if name.lower() not in replaced]
            return start_response(status, kept + ours, *rest)

        return self._app(environ, merged)


def _respond(
    request: Request, start_response: _Start, status: int, headers: Iterable[tuple[str, str]], body: bytes
) -> list[bytes]:
    lines = list(headers)
    if request.method != "HEAD" and status not in (204, 304):
        lines.append(("Content-Length", str(len(body))))
    start_response(f"{status} {HTTPStatus(status).phrase}", lines)
    return [body] if body else []


def _body(environ: dict[str, Any], limit: int) -> bytes:
    """The body; of one that is too long one byte too many, which the surface answers."""
    try:
        length = int(environ.get("CONTENT_LENGTH") or 0)
    except ValueError:
        length = 0
    if environ.get("wsgi.input_terminated"):  # the server ends the input itself: chunks, too
        length = limit + 1
    rest, parts = min(length, limit + 1), []
    while rest > 0:
        part = environ["wsgi.input"].read(rest)
        if not part:
            break
        parts.append(part)
        rest -= len(part)
    return b"".join(parts)
