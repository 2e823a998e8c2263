"""The whole of a first login, waiting and awaiting, in memory and on SQLite."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import doorward
import pytest
from conftest import EMAIL, PASSWORD

ROOT = Path(__file__).resolve().parents[2]


def walk(auth: doorward.Auth) -> None:
    made = auth.create_user("email", EMAIL, {"password": PASSWORD}, attributes={"name": "Ada"}).require()
    proof = auth.authenticate("email", EMAIL.upper(), {"password": PASSWORD.encode()}).require()
    assert proof.user_id == made.user_id
    session = auth.create_session(proof).require()
    assert session.access_token is not None and session.refresh_token is not None

    seen = auth.validate_session(session.access_token).require()
    assert (seen.id, seen.user.id) == (session.id, proof.user_id)
    assert seen.user.attributes == {"name": "Ada"}
    assert seen.access_token is None, "a validated session carries no token material"

    again = auth.refresh_session(session.refresh_token).require()
    assert again.id == session.id

    ended = auth.end_session(session.refresh_token)
    assert isinstance(ended, doorward.Accepted)
    assert isinstance(auth.validate_session(session.access_token), doorward.SignedOut)
    assert isinstance(auth.refresh_session(session.refresh_token), doorward.SignedOut)


def test_in_memory(auth: doorward.Auth) -> None:
    walk(auth)


def test_on_sqlite(file_auth: doorward.Auth) -> None:
    walk(file_auth)


async def test_awaiting(file_auth: doorward.Auth) -> None:
    aio = file_auth.aio
    proof = (await aio.create_user("email", EMAIL, {"password": PASSWORD})).require()
    session = (await aio.create_session(proof)).require()
    assert session.access_token is not None and session.refresh_token is not None
    seen = (await aio.validate_session(session.access_token)).require()
    assert seen.user.id == proof.user_id
    assert isinstance(await aio.authenticate("email", EMAIL, {"password": "wrong"}), doorward.Refused)
    await aio.end_session(session.access_token)
    assert isinstance(await aio.validate_session(session.access_token), doorward.SignedOut)


async def test_a_context_of_its_own_for_an_event_loop(database: Path) -> None:
    from conftest import FAST

    async with doorward.open(database=f"sqlite:{database}", **FAST).aio as aio:
        assert (await aio.stats()).users == 0


def test_the_readme_first_login_prints_cookies(tmp_path: Path) -> None:
    script = ROOT / "examples/first_login/python/first_login.py"
    ran = subprocess.run([sys.executable, script], cwd=tmp_path, capture_output=True, text=True, check=True)
    lines = ran.stdout.splitlines()
    assert lines[0] == "Cache-Control: no-store"
    assert [line.split("=")[0] for line in lines[1:3]] == [
        "Set-Cookie: __Host-doorward-refresh",
        "Set-Cookie: __Host-doorward-access",
    ]


def test_a_manual_clock_moves_sessions_to_their_end(
    auth: doorward.Auth, clock: doorward.ManualClock, session: doorward.Session
) -> None:
    assert session.access_token is not None and session.refresh_token is not None
    assert session.access_expires_at - clock.now() == timedelta(hours=8)
    clock.advance(timedelta(hours=8))
    assert isinstance(auth.validate_session(session.access_token), doorward.SignedOut)
    following = auth.refresh_session(session.refresh_token).require()
    assert following.refresh_token not in (None, session.refresh_token)
    clock.advance(timedelta(days=91))
    assert isinstance(auth.refresh_session(following.refresh_token or ""), doorward.SignedOut)


def test_stopped_is_stopped_and_started_goes_on(auth: doorward.Auth, proof: doorward.Proof) -> None:
    auth.stop()
    with pytest.raises(doorward.InvalidState):
        auth.get_user(proof.user_id)
    auth.start()
    assert auth.stats().sign_ins == 0
