"""What every interpreter must manage with the installed wheel: waiting, awaiting, a fork, and types that are found."""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path
from typing import Any

import doorward

PASSWORD = "plum tractors hum at noon"
SETTINGS: dict[str, Any] = {"provider": {"email": {"kind": "password"}}}


def walk(auth: doorward.Auth) -> None:
    proof = auth.create_user("email", "ada@example.com", {"password": PASSWORD}).require()
    session = auth.create_session(proof).require()
    assert session.access_token and session.refresh_token
    assert auth.validate_session(session.access_token).require().user.id == proof.user_id
    assert isinstance(auth.authenticate("email", "ada@example.com", {"password": "wrong"}), doorward.Refused)
    try:
        auth.create_user("email", "ada@example.com", {"password": PASSWORD})
    except doorward.Conflict as conflict:
        assert conflict.what == "identifier"
    child = os.fork()
    if child == 0:
        os._exit(0 if isinstance(auth.validate_session(session.access_token), doorward.Accepted) else 1)
    assert os.waitpid(child, 0)[1] == 0
    auth.end_session(session.refresh_token).require()
    assert isinstance(auth.validate_session(session.access_token), doorward.SignedOut)


async def walk_awaiting(aio: doorward.AsyncAuth) -> None:
    answers = await asyncio.gather(
        *(aio.create_user("email", f"{n}@example.com", {"password": PASSWORD}) for n in range(4))
    )
    session = (await aio.create_session(answers[0].require())).require()
    assert session.access_token
    assert (await aio.validate_session(session.access_token)).require().id == session.id


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder, doorward.open(database=f"sqlite:{folder}/doorward.db", **SETTINGS) as auth:
        walk(auth)
        asyncio.run(walk_awaiting(auth.aio))
    assert Path(doorward.__file__).with_name("py.typed").exists()
