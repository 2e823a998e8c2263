"""Header lines onto responses of frameworks."""

from __future__ import annotations

from typing import Any

from ._doorward import Headers


def put(headers: Headers, response: Any) -> None:
    """Puts each cookie as a line of its own; other headers replace what was there."""
    if isinstance(response, list):  # WSGI: what `start_response` takes
        response.extend(headers)
        return
    held = getattr(response, "headers", None)
    if held is None:
        raise TypeError(f"expected a response with headers, or a list of pairs, not {type(response).__name__}")
    add = getattr(held, "append", None) or getattr(held, "add", None)  # Starlette; Werkzeug, aiohttp
    for name, value in headers:
        if name != "Set-Cookie":
            held[name] = value
        elif add is not None:
            add(name, value)
    if add is None:  # Django keeps cookies apart from headers
        for cookie in headers.cookies:
            response.set_cookie(
                cookie.name,
                cookie.value,
                max_age=cookie.max_age,
                secure=cookie.secure,
                httponly=True,
                samesite="Lax",
                path="/",
            )
