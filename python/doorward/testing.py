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

__all__ = ["ManualClock", "as_page", "memory_auth", "sign_in"]

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
    """Signs the user in on a test client (Starlette's, httpx's, Django's or Flask's) and gives the client back.

    The client then sends the session's cookies, and says that its requests come from the same origin. A user with a
    second factor needs `factors`: what the session is to be taken as having proved.
    """
    if not isinstance(user, (User, Session)):
        raise TypeError(f"expected a User or a Session to sign in, not {type(user).__name__}: did the look-up find nobody?")
    of = user.user if isinstance(user, Session) else user
    as_page(client)
    session = of._auth.create_session_for_user(of, factors=factors).require()
    held: Any = client
    for cookie in session.headers.cookies:
        if hasattr(held, "environ_base"):  # Werkzeug, Flask
            held.set_cookie(cookie.name, cookie.value)
        # By name and value alone: a client that still speaks plain HTTP would keep `Secure` cookies to itself.
        elif hasattr(held.cookies, "set"):
            held.cookies.set(cookie.name, cookie.value)
        else:
            held.cookies[cookie.name] = cookie.value
    return client


def as_page(client: _Client) -> _Client:
    """Makes a test client send what a page of the application's own sends, and gives the client back.

    Its requests come from the same origin and over HTTPS: without the one a sign-up or a sign-in is refused
    (`origin_absent`), and without the other Starlette's and httpx's clients keep the session's `Secure` cookies to
    themselves, so that whoever has just signed in is signed out.
    """
    held: Any = client
    if hasattr(held, "defaults"):  # Django
        held.defaults.update({"HTTP_SEC_FETCH_SITE": "same-origin", "wsgi.url_scheme": "https"})
    elif hasattr(held, "environ_base"):  # Werkzeug, Flask
        held.environ_base.update({"HTTP_SEC_FETCH_SITE": "same-origin", "wsgi.url_scheme": "https"})
    elif hasattr(held, "cookies"):  # Starlette, httpx, and what is like them
        if hasattr(held, "headers"):
            held.headers["sec-fetch-site"] = "same-origin"
        if hasattr(held, "base_url") and held.base_url.scheme == "http":
            held.base_url = held.base_url.copy_with(scheme="https")
    else:
        raise TypeError(f"expected a test client with cookies, not {type(client).__name__}")
    return client


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        held = merged.get(key)
        both = isinstance(held, dict) and isinstance(value, dict)
        merged[key] = _merged(held, value) if both else value  # type: ignore[arg-type]
    return merged
