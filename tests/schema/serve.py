"""The surface for the run of schemathesis: `python serve.py PORT`. A request with `X-Signed-In` comes with a live session."""

from __future__ import annotations

import sys
from collections.abc import MutableMapping
from typing import Any

import uvicorn

import doorward
from doorward.asgi import Surface
from doorward.testing import memory_auth

EMAIL, PASSWORD = "ada@example.com", "plum tractors hum at noon"


class Person:
    """Somebody whose session never ends for long: whatever the run does to it, the next request has another."""

    def __init__(self, auth: doorward.Auth) -> None:
        self._auth, self._surface = auth, Surface(auth)
        self._id: Any = None
        self._cookie = b""

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        if any(name == b"x-signed-in" for name, _ in scope.get("headers", [])):
            kept = [(name, value) for name, value in scope["headers"] if name != b"cookie"]
            scope = {**scope, "headers": [*kept, (b"cookie", await self._live())]}
        await self._surface(scope, receive, send)

    async def _live(self) -> bytes:
        aio = self._auth.aio.trusted()
        seen = await aio.on(doorward.Request("GET", [("cookie", self._cookie)])).check_request()
        if not isinstance(seen, doorward.SignedIn):
            user = await aio.find_user("email", EMAIL)
            if user is None:
                await aio.create_user("email", EMAIL, {"password": PASSWORD})
                user = await aio.find_user("email", EMAIL)
                assert user is not None
            session = (await aio.create_session_for_user(user)).require()
            pairs = [f"{cookie.name}={cookie.value}" for cookie in session.headers.cookies]
            self._cookie = "; ".join(pairs).encode()
        return self._cookie


def main() -> None:
    """Serves until it is told to stop."""
    auth = memory_auth(
        throttle={"enabled": False},
        attributes={"public": ["name"], "self": ["name"]},
        http={"well_known": True, "user_export": True},
        hashing={"budget_mib": 4},
    )
    uvicorn.run(Person(auth), host="127.0.0.1", port=int(sys.argv[1]), log_level="error")


if __name__ == "__main__":
    main()
