"""The surface's OpenAPI document, put into an application's own."""

from __future__ import annotations

import json
from typing import Any

from ._doorward import Auth, Request

_SCHEMAS = "#/components/schemas/"


def merged(auth: Auth, prefix: str, own: dict[str, Any]) -> dict[str, Any]:
    """`own` with the surface's paths, schemas and security; its schemas are called `Doorward…`, so that none hides another."""
    answer = auth.on(Request("GET", target=f"{prefix}/openapi.json")).http_handle()
    if answer is None:
        raise ValueError(f"the surface does not answer below {prefix!r}: `prefix` is the setting `http.prefix`")
    text = answer.body.decode().replace(_SCHEMAS, _SCHEMAS + "Doorward")
    theirs: dict[str, Any] = json.loads(text)
    paths = own.setdefault("paths", {})
    for path, item in theirs["paths"].items():
        at_root = item.pop("servers", None) is not None
        for operation in item.values():
            operation.setdefault("tags", ["auth"])
        if not at_root or auth.http_wants("GET", path) is not None:
            paths[path if at_root else prefix + path] = item
    components = own.setdefault("components", {})
    schemas = theirs["components"].get("schemas", {})
    components.setdefault("schemas", {}).update({f"Doorward{name}": schema for name, schema in schemas.items()})
    components.setdefault("securitySchemes", {}).update(theirs["components"].get("securitySchemes", {}))
    return own
