"""The HTTP surface and the session of a request for ASGI servers and frameworks. Stands on nothing but the package.

    app = Surface(auth, SessionMiddleware(app, auth))       # below `http.prefix` the surface answers, the rest is the app's
    scope["doorward"]                                       # whose request it is: what `resume_request` gave
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from ._doorward import AsyncAuth, Auth
from ._errors import Error
from ._problems import problem
from ._requests import view

__all__ = ["SessionMiddleware", "Surface"]

_Message = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[_Message]]
_Send = Callable[[_Message], Awaitable[None]]
_App = Callable[[MutableMapping[str, Any], _Receive, _Send], Awaitable[None]]


class Surface:
    """An application and a middleware in one: what is not the surface's goes to `app`, or is 404.

    The server's lifespan starts and stops the context.
    """

    def __init__(self, auth: Auth | AsyncAuth, app: _App | None = None) -> None:
        self._auth = auth.aio if isinstance(auth, Auth) else auth
        self._app = app

    async def __call__(self, scope: MutableMapping[str, Any], receive: _Receive, send: _Send) -> None:
        if scope["type"] == "lifespan":
            return await _live(self._auth, self._app, scope, receive, send)
        if scope["type"] == "http":
            request = view(scope)
            limit = self._auth.http_wants(request.method, request.target or b"")
            if limit is not None:
                body = await _body(receive, limit)
                answer = None if body is None else await self._auth.on(request).http_handle(body)
                if answer is not None:
                    await _respond(scope, send, answer.status, answer.headers, answer.body)
                return
        if self._app is not None:
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await _respond(scope, send, 404, [("Content-Type", "text/plain")], b"not found\n")
        else:
            await send({"type": "websocket.close", "code": 1000})


class SessionMiddleware:
    """Finds out whose each request is: `scope["doorward"]` is what `resume_request` gave, for websockets `check_request`.

    Cookies of what is decided on `scope["doorward.view"]`, the refresh among it, go out with the response. The surface's own
    requests are left alone.
    """

    def __init__(self, app: _App, auth: Auth | AsyncAuth) -> None:
        self._auth = auth.aio if isinstance(auth, Auth) else auth
        self._app = app

    async def __call__(self, scope: MutableMapping[str, Any], receive: _Receive, send: _Send) -> None:
        if scope["type"] == "lifespan":
            return await _live(self._auth, self._app, scope, receive, send)
        if scope["type"] not in ("http", "websocket"):
            return await self._app(scope, receive, send)
        request = view(scope)
        if scope["type"] == "http" and self._auth.http_wants(request.method, request.target or b"") is not None:
            return await self._app(scope, receive, send)
        on = self._auth.on(request)
        try:
            # A handshake's response is not ours: what it would refresh could be lost.
            outcome = await (on.resume_request() if scope["type"] == "http" else on.check_request())
        except Error as error:
            if scope["type"] == "websocket" or not error.retryable:
                raise
            return await _respond(scope, send, *problem(error))
        scope["doorward"], scope["doorward.view"] = outcome, on

        async def merged(message: _Message) -> None:
            if message["type"] == "http.response.start":
                ours = _lines(on.headers)
                replaced = {name for name, _ in ours} - {b"set-cookie"}
                kept = [(name, value) for name, value in message.get("headers", []) if name.lower() not in replaced]
                message = {**message, "headers": kept + ours}
            await send(message)

        await self._app(scope, receive, merged)


def _lines(headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]


async def _respond(
    scope: MutableMapping[str, Any], send: _Send, status: int, headers: Iterable[tuple[str, str]], body: bytes
) -> None:
    lines = _lines(headers)
    if scope["method"] != "HEAD" and status not in (204, 304):
        lines.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": lines})
    await send({"type": "http.response.body", "body": body})


async def _body(receive: _Receive, limit: int) -> bytes | None:
    """The body; of one that is too long one byte too many, which the surface answers. `None`: the client is gone."""
    body, more = bytearray(), True
    while more and len(body) <= limit:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return bytes(body[: limit + 1])


async def _live(
    auth: AsyncAuth, app: _App | None, scope: MutableMapping[str, Any], receive: _Receive, send: _Send
) -> None:
    """Starts the context before the application, and stops it after it."""
    first: list[_Message] = [await receive()]
    try:
        await auth.start()
    except Error as error:
        await send({"type": "lifespan.startup.failed", "message": str(error)})
        return
    if app is None:
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await auth.stop()
        return await send({"type": "lifespan.shutdown.complete"})

    async def heard() -> _Message:
        return first.pop() if first else await receive()

    async def told(message: _Message) -> None:
        if message["type"].startswith("lifespan.shutdown."):
            await auth.stop()
        await send(message)

    await app(scope, heard, told)
