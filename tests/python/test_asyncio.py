"""The async view: no loop turn when the answer is there, one descriptor for all others, and no lost write."""

from __future__ import annotations

import asyncio
import gc
import os
import weakref

import doorward
import pytest
import uvloop
from conftest import EMAIL, PASSWORD


def turns_of(awaitable: object) -> int:
    """How often awaiting hands control back to the loop."""
    steps = awaitable.__await__()  # type: ignore[attr-defined]
    turns = 0
    while True:
        try:
            next(steps)
        except StopIteration:
            return turns
        turns += 1


async def test_a_look_up_takes_no_turn_of_the_loop(file_auth: doorward.Auth) -> None:
    proof = (await file_auth.aio.create_user("email", EMAIL, {"password": PASSWORD})).require()
    session = (await file_auth.aio.create_session(proof)).require()
    assert session.access_token is not None
    for _ in range(3):
        assert turns_of(file_auth.aio.validate_session(session.access_token)) == 0


async def test_an_answer_is_awaited_once(file_auth: doorward.Auth) -> None:
    await file_auth.aio.stats()
    answer = file_auth.aio.validate_session("dwa_")
    assert isinstance(await answer, doorward.SignedOut)
    with pytest.raises(RuntimeError, match="once"):
        await answer


async def test_many_wait_on_one_descriptor(file_auth: doorward.Auth) -> None:
    aio = file_auth.aio
    await aio.create_user("email", EMAIL, {"password": PASSWORD})
    before = len(os.listdir("/proc/self/fd"))
    proofs = await asyncio.gather(*(aio.authenticate("email", EMAIL, {"password": PASSWORD}) for _ in range(50)))
    sessions = await asyncio.gather(*(aio.create_session(proof.require()) for proof in proofs))
    assert len({session.require().id for session in sessions}) == 50
    assert len(os.listdir("/proc/self/fd")) <= before + 8


async def test_cancelling_abandons_the_wait_not_the_write(file_auth: doorward.Auth) -> None:
    task = asyncio.ensure_future(file_auth.aio.create_user("email", EMAIL, {"password": PASSWORD}))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    # A sign-up of the same identifier meets the first one, which nobody waits for any more.
    while await file_auth.aio.find_user("email", EMAIL) is None:
        await asyncio.sleep(0)


async def test_wait_for_gives_up_and_the_loop_goes_on(file_auth: doorward.Auth) -> None:
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(file_auth.aio.create_user("email", EMAIL, {"password": PASSWORD}), timeout=0)
    assert (await file_auth.aio.stats()).users in (0, 1)


def test_loops_come_and_go(file_auth: doorward.Auth) -> None:
    async def sign_up(number: int) -> doorward.Proof:
        made = await file_auth.aio.create_user("email", f"{number}@example.com", {"password": PASSWORD})
        return made.require()

    gone: list[weakref.ref[asyncio.AbstractEventLoop]] = []
    for number in range(5):
        loop = asyncio.new_event_loop()
        loop.run_until_complete(sign_up(number))
        loop.close()
        gone.append(weakref.ref(loop))
        del loop
    gc.collect()
    assert [ref() for ref in gone] == [None] * 5, "a hub keeps its loop alive"
    assert file_auth.stats().users == 5


def test_uvloop(file_auth: doorward.Auth) -> None:
    async def walk() -> int:
        await asyncio.gather(
            *(
                file_auth.aio.create_user("email", f"{number}@example.com", {"password": PASSWORD})
                for number in range(10)
            )
        )
        return (await file_auth.aio.stats()).users

    loop = uvloop.new_event_loop()
    try:
        assert loop.run_until_complete(walk()) == 10
    finally:
        loop.close()


def test_nothing_begins_without_a_loop(file_auth: doorward.Auth) -> None:
    with pytest.raises(RuntimeError, match="no running event loop"):
        file_auth.aio.create_user("email", EMAIL, {"password": PASSWORD})
    assert file_auth.stats().users == 0
