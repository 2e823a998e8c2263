"""The async view: no loop turn when the answer is there, one descriptor for all others, and no lost write."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import weakref
from collections.abc import Coroutine
from uuid import UUID

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
    operation = file_auth.aio.create_user("email", EMAIL, {"password": PASSWORD})
    with pytest.raises(RuntimeError, match="no running event loop.*asyncio"):
        operation.send(None)
    assert file_auth.stats().users == 0


async def test_operations_are_coroutines_for_tasks(file_auth: doorward.Auth) -> None:
    aio = file_auth.aio
    assert asyncio.iscoroutine(found := aio.stats()) and isinstance(found, Coroutine)
    task = asyncio.create_task(found)
    assert (await task).users == 0
    made = asyncio.create_task(aio.create_user("email", EMAIL, {"password": PASSWORD}), name="made")
    assert "create_user" in repr(made.get_coro())
    user = (await made).require().user_id
    assert (await asyncio.ensure_future(aio.get_user(user))).id == user
    if sys.version_info >= (3, 11):
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(aio.get_user(user)) for _ in range(10)]
        assert {task.result().id for task in tasks} == {user}
        with pytest.raises(ExceptionGroup) as raised:
            async with asyncio.TaskGroup() as group:
                group.create_task(aio.get_user(UUID(int=1)))
        assert isinstance(raised.value.exceptions[0], doorward.NotFound)


def test_a_program_may_be_one_operation(file_auth: doorward.Auth) -> None:
    assert asyncio.run(file_auth.aio.stats()).users == 0
    asyncio.run(file_auth.aio.stats(), debug=True)


async def test_what_is_never_awaited_is_not_done_and_said(file_auth: doorward.Auth) -> None:
    aio = file_auth.aio
    forgotten = aio.create_user("email", EMAIL, {"password": PASSWORD})
    assert "not begun" in repr(forgotten)
    with pytest.warns(RuntimeWarning, match="'create_user' was never awaited"):
        del forgotten
        gc.collect()
    # Closed, or cancelled before its first step, it is not done either; that is no oversight.
    aio.create_user("email", EMAIL, {"password": PASSWORD}).close()
    task = asyncio.create_task(aio.create_user("email", EMAIL, {"password": PASSWORD}))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(ValueError, match="thrown"):
        aio.create_user("email", EMAIL, {"password": PASSWORD}).throw(ValueError("thrown"))
    assert (await aio.stats()).users == 0


async def test_an_operation_that_waits_can_be_closed_or_thrown_into(file_auth: doorward.Auth) -> None:
    for end in ("close", "throw"):
        operation = file_auth.aio.create_user("email", f"{end}@example.com", {"password": PASSWORD})
        future = operation.send(None)
        assert asyncio.isfuture(future)
        if end == "close":
            operation.close()
        else:
            with pytest.raises(KeyError):
                operation.throw(KeyError("thrown"))
        with pytest.raises(RuntimeError, match="once"):
            operation.send(None)
        while not future.done():
            await asyncio.sleep(0)
        assert isinstance(future.result(), doorward.Accepted)
    assert (await file_auth.aio.stats()).users == 2


async def test_a_tree_of_tasks_is_collected(file_auth: doorward.Auth) -> None:
    task = asyncio.create_task(file_auth.aio.create_user("email", EMAIL, {"password": PASSWORD}))
    await asyncio.sleep(0)
    gone = weakref.ref(task)
    await task
    del task
    await asyncio.sleep(0)  # the loop's own handle of it
    gc.collect()
    assert gone() is None
