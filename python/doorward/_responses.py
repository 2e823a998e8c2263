"""Header lines onto responses of frameworks."""

from __future__ import annotations

from http.cookies import Morsel
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
            put_line(response, cookie.line)


def put_line(response: Any, line: str) -> None:
    """Puts one `Set-Cookie` on a Django response: `set_cookie` would know neither its order nor all that stands in it."""
    cookie = _Line(line)
    dict.__setitem__(response.cookies, cookie.key, cookie)


class _Line(Morsel[str]):
    """A cookie that goes out as it came."""

    def __init__(self, line: str) -> None:
        super().__init__()
        pair, *attributes = line.split("; ")
        name, _, value = pair.partition("=")
        self.set(name, value, value)
        for attribute in attributes:
            known, _, held = attribute.partition("=")
            if known.lower() in self:
                self[known] = int(held) if held.isdigit() else held or True
        self._line = line

    def OutputString(self, attrs: Any = None) -> str:  # noqa: N802
        return self._line

    def output(self, attrs: Any = None, header: str = "Set-Cookie:", sep: str = "\r\n") -> str:
        return f"{header} {self._line}".strip()
