"""For tests of applications: a clock that stands still, a store in memory, and a signed-in client.

    @pytest.fixture
    def auth():
        with doorward.testing.memory_auth() as auth:
            yield auth
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from ._doorward import Auth, Event, Factor, ManualClock, Session, User

__all__ = ["ManualClock", "memory_auth", "sign_in"]

_Client = TypeVar("_Client")


def memory_auth(
    *,
    clock: ManualClock | None = None,
    on_event: Callable[[Event], object] | None = None,
    **settings: Any,
) -> Auth:
    """A context in memory, with the names `email` and `username` for passwords, hashed fast. Settings add to that."""
    given: dict[str, Any] = {
        "database": "memory:",
        "provider": {"email": {"kind": "password"}, "username": {"kind": "password"}},
        "password": {"memory_kib": 8, "passes": 1, "unsafe_fast_hashes": True},
    }
    return Auth(clock=clock, on_event=on_event, **_merged(given, settings))


def sign_in(client: _Client, user: User | Session, *, factors: Iterable[Factor] = ()) -> _Client:
    """Signs the user in on a test client (Starlette's, httpx's or Django's) and gives the client back.

    The client then sends the session's cookies, and says that its requests come from the same origin. A user with a
    second factor needs `factors`: what the session is to be taken as having proved.
    """
    of = user.user if isinstance(user, Session) else user
    session = of._auth.create_session_for_user(of, factors=factors).require()
    cookies: Any = getattr(client, "cookies", None)
    if cookies is None:
        raise TypeError(f"expected a test client with cookies, not {type(client).__name__}")
    for cookie in session.headers.cookies:
        # By name and value alone: test clients speak plain HTTP, over which `Secure` cookies do not go.
        if hasattr(cookies, "set"):
            cookies.set(cookie.name, cookie.value)
        else:
            cookies[cookie.name] = cookie.value
    if hasattr(client, "defaults"):  # Django
        client.defaults["HTTP_SEC_FETCH_SITE"] = "same-origin"
    elif hasattr(client, "headers"):
        client.headers["sec-fetch-site"] = "same-origin"
    return client


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        held = merged.get(key)
        both = isinstance(held, dict) and isinstance(value, dict)
        merged[key] = _merged(held, value) if both else value  # type: ignore[arg-type]
    return merged
