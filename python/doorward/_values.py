"""Values as plain data: what of each goes into JSON (`to_dict`), what into pickle and copy, and why some go into neither."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, NoReturn
from uuid import UUID

from . import _doorward

# What `to_dict` shows. Never a token, a code, a cookie or what a person must see only once.
SHOWN: dict[str, tuple[str, ...]] = {
    "Authenticator": ("id", "group", "kind", "label", "description", "created_at", "last_used_at"),
    "Claim": ("provider", "identifier", "attributes", "expires_at"),
    "Delivery": (
        "id", "channel", "address", "template", "realm", "provider", "user_id", "attempts", "expires_at",
    ),
    "Device": ("id", "agent", "address", "created_at", "last_seen_at", "factors", "attributes"),
    "Event": (
        "name", "at", "realm", "user_id", "sign_in_id", "provider", "reason", "count", "address", "origin",
    ),
    "Factor": ("provider", "factor_class", "channel", "at", "two_in_one"),
    "Field": ("name", "secret", "optional", "max_len", "autocomplete"),
    "Flow": ("purpose", "provider", "next", "expires_at"),
    "Identity": ("provider", "identifier", "verified_at", "created_at"),
    "Method": ("provider", "action", "factor_class", "fields"),
    "Purged": ("sign_ins", "flows", "others", "throttles", "more"),
    "Session": (
        "id", "user", "access_expires_at", "idle_expires_at", "absolute_expires_at", "persistent", "authenticated_at",
        "factors", "attributes", "version", "agent", "address", "created_at", "last_seen_at",
    ),
    "Stats": ("users", "sign_ins", "flows"),
    "TokenInfo": ("purpose", "provider", "identifier", "user_id", "expires_at"),
    "User": ("id", "realm", "attributes", "version", "disabled_at", "created_at", "updated_at"),
    "Violation": ("rule", "field", "limit", "message"),
    "Way": ("provider", "name", "is_identity", "created_at", "last_used_at", "verified_at"),
}

# What a copy is made from beside that.
KEPT: dict[str, tuple[str, ...]] = {"Factor": ("_via",), "User": ("public_attributes",)}

# What is not copied: what it holds, and what to keep instead.
REFUSED: dict[str, str] = {
    "Accepted": "an outcome holds cookies and what was asked for: take `.value`, and keep what that allows",
    "AsyncAuth": "a context holds threads and connections: open one in each process",
    "Auth": "a context holds threads and connections: open one in each process",
    "Claim": "a claim holds its token: keep `.token` where only its owner can read it",
    "Continue": "an outcome holds cookies and a flow: keep `.flow.token` where only its owner can read it",
    "Delivery": "a message holds a code or a token: settle it, and it is handed out again where it must be",
    "Flow": "a flow holds its token: keep `.token` where only its owner can read it",
    "Headers": "header lines hold cookies: send them",
    "HttpResponse": "a response holds cookies: send it",
    "KeyAccepted": "an outcome holds header lines: keep `.user`, `.provider` and `.scopes`",
    "ManualClock": "a clock is one for all who read it: make another with `ManualClock(clock.now())`",
    "Method": "a challenge may hold what only its owner may see: keep `.to_dict()`",
    "Proof": "a proof is good once, in the process that made it: keep `.user_id`",
    "Refused": "an outcome holds header lines and perhaps a flow: keep `.http_status`",
    "Request": "a request holds cookies: make it from the framework's request where it is needed",
    "RequestRefused": "an outcome holds header lines: keep `.reason` and `.setting`",
    "Session": "a session holds tokens and its context: keep `.id`, or `.to_dict()`",
    "SetCookie": "a cookie holds a token: send it",
    "SignedIn": "an outcome holds cookies and a session: keep `.session.id`, or `.session.to_dict()`",
    "SignedOut": "an outcome holds header lines: keep `.reason`",
    "Throttled": "an outcome holds header lines: keep `.retry_after`",
    "Unregistered": "an outcome holds header lines and a claim: keep `.claim.token` where only its owner can read it",
}


def to_dict(value: Any) -> dict[str, Any]:
    """The value as JSON takes it: ids and moments (ISO 8601, UTC) as text, what is within it likewise."""
    return {name: _plain(getattr(value, name)) for name in SHOWN[type(value).__name__]}


def _plain(held: Any) -> Any:
    if isinstance(held, str):
        # Identifiers may be bytes that are no text.
        return held.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    if isinstance(held, UUID):
        return str(held)
    if isinstance(held, datetime):
        return held.isoformat()
    if isinstance(held, list):
        return [_plain(one) for one in held]
    return to_dict(held) if type(held).__name__ in SHOWN else held


def reduce(value: Any) -> tuple[Callable[..., Any], tuple[str, dict[str, Any]]]:
    """How pickle and copy make the value again."""
    name = type(value).__name__
    if name in REFUSED:
        refuse(name)
    kept = SHOWN[name] + KEPT.get(name, ())
    return restore, (name, {attribute: getattr(value, attribute) for attribute in kept})


def refuse(name: str) -> NoReturn:
    """Says why there is no copy."""
    raise TypeError(f"{name} is neither pickled nor copied: {REFUSED[name]}")


def restore(name: str, state: dict[str, Any]) -> Any:
    """The value again."""
    return _doorward.restore_value(name, state)
