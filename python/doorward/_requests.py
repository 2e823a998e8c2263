"""Requests of frameworks as `doorward.Request`. The peer is whoever holds the connection, a proxy perhaps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import quote

from ._doorward import Request


def view(request: Any) -> Request:
    """The view of a Starlette, Django, Werkzeug or aiohttp request, an ASGI scope or a WSGI environ."""
    if isinstance(request, Mapping):
        return _mapping(request)
    # Starlette's connections are mappings of their scope; Django has `META`, Werkzeug `environ`.
    for name in ("scope", "META", "environ"):
        held = getattr(request, name, None)
        if isinstance(held, Mapping):
            return _mapping(held)
    if hasattr(request, "method") and hasattr(request, "headers"):
        peer = getattr(request, "remote", None)
        return Request(request.method, list(request.headers.items()), _address(peer))
    raise TypeError(
        "expected doorward.Request, a request of Starlette, Django, Werkzeug or aiohttp, "
        f"an ASGI scope or a WSGI environ, not {type(request).__name__}"
    )


def _mapping(held: Mapping[str, Any]) -> Request:
    if "REQUEST_METHOD" in held:
        return _environ(held)
    scope = getattr(held, "scope", held)
    if scope.get("type") not in ("http", "websocket"):
        raise TypeError("the mapping is neither an ASGI scope of a request nor a WSGI environ")
    client = scope.get("client")
    headers = list(scope["headers"])
    if scope["type"] == "websocket":
        # Over HTTP/2 a websocket is asked for without this header (RFC 8441); its origin matters all the same.
        headers.append((b"upgrade", b"websocket"))
    return Request(scope.get("method", "GET"), headers, _address(client[0] if client else None), _scope_target(scope))


def _scope_target(scope: Mapping[str, Any]) -> bytes:
    path: bytes = scope.get("raw_path") or quote(scope.get("path", ""), safe=_PATH).encode()
    query: bytes = scope.get("query_string", b"")
    # Some test clients leave the query on the path.
    return _joined(path.partition(b"?")[0], query)


def _environ(environ: Mapping[str, Any]) -> Request:
    peer = _address(environ.get("REMOTE_ADDR"))
    return Request(environ["REQUEST_METHOD"], list(_wsgi_headers(environ)), peer, _environ_target(environ))


def _environ_target(environ: Mapping[str, Any]) -> bytes:
    for name in ("RAW_URI", "REQUEST_URI"):  # gunicorn; uWSGI, mod_wsgi, Werkzeug
        held = environ.get(name)
        if isinstance(held, str) and held.startswith("/"):
            return held.encode("latin-1", "replace")
    decoded = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    query = environ.get("QUERY_STRING", "").encode("latin-1", "replace")
    return _joined(quote(decoded.encode("latin-1", "replace"), safe=_PATH).encode(), query)


# What stands in a path as it is (RFC 3986 section 3.3).
_PATH = "/-._~!$&'()*+,;=:@"


def _joined(path: bytes, query: bytes) -> bytes:
    return path + b"?" + query if query else path


def _wsgi_headers(environ: Mapping[str, Any]) -> Iterable[tuple[str, bytes]]:
    for name, value in environ.items():
        if name.startswith("HTTP_") and isinstance(value, str):
            # PEP 3333: the bytes of the header, each as one character.
            yield name[5:].replace("_", "-"), value.encode("latin-1", "replace")
    length, media = environ.get("CONTENT_LENGTH") or "0", environ.get("CONTENT_TYPE")
    # wsgiref says `text/plain` where the client said nothing.
    if isinstance(media, str) and media and (media, length) != ("text/plain", "0"):
        yield "content-type", media.encode("latin-1", "replace")


def _address(peer: str | None) -> str | None:
    """The peer if it is an address: Unix sockets have names, or nothing."""
    try:
        # The zone (RFC 4007 section 11) names an interface of this machine and is no part of the address.
        return str(ip_address(peer.partition("%")[0])) if peer else None
    except ValueError:
        return None
