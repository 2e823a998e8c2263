"""Forks: a context that is in use is quiesced before one, and works on both sides after."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import sqlite3
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path

import doorward
import pytest
from conftest import EMAIL, FAST, PASSWORD

# Python 3.12 warns of forks with threads. Those of Doorward are gone at the fork; the suite's writer is on purpose.
pytestmark = pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")

FORKS = 40


def in_child(work: Callable[[], None]) -> int:
    """Runs `work` in a forked child; its exit status."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def emails(database: Path) -> int:
    """Users, counted by a process that has never seen Doorward's connections."""
    script = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]);"
        # The schema's checks use a function that Python's own SQLite may be too old to have.
        "c.create_function('octet_length', 1, lambda v: v if v is None else len(v.encode() if type(v) is str else v));"
        "assert c.execute('pragma integrity_check').fetchone() == ('ok',);"
        "print(c.execute('select count(*) from doorward_user').fetchone()[0])"
    )
    ran = subprocess.run([sys.executable, "-c", script, database], capture_output=True, text=True, check=True)
    return int(ran.stdout)


def test_forks_beside_a_writer_lose_nothing(file_auth: doorward.Auth, database: Path) -> None:
    stop, written, failures = threading.Event(), [0], []

    def write() -> None:
        try:
            while not stop.is_set():
                file_auth.create_user("email", f"parent-{written[0]}@example.com", {"password": PASSWORD}).require()
                written[0] += 1
        except BaseException as error:
            failures.append(error)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(FORKS):
            email = f"child-{number}@example.com"

            def work(email: str = email) -> None:
                file_auth.create_user("email", email, {"password": PASSWORD}).require()
                assert file_auth.find_user("email", email) is not None

            assert in_child(work) == 0, f"fork {number}"
            assert file_auth.find_user("email", email) is not None
    finally:
        stop.set()
        writer.join()
    assert failures == []
    assert written[0] > 0
    file_auth.stop()
    assert emails(database) == FORKS + written[0]


def test_sessions_hold_on_both_sides(file_auth: doorward.Auth) -> None:
    proof = file_auth.create_user("email", EMAIL, {"password": PASSWORD}).require()
    session = file_auth.create_session(proof).require()

    def work() -> None:
        assert session.access_token is not None
        assert isinstance(file_auth.validate_session(session.access_token), doorward.Accepted)
        # A proof is worth nothing in another process.
        with pytest.raises(doorward.ProofRequired):
            file_auth.end_other_sessions(proof)
        assert file_auth.end_all_sessions(session.user) == 1

    assert in_child(work) == 0
    assert isinstance(file_auth.validate_session(session.access_token or ""), doorward.SignedOut)


def test_grandchildren_and_pools(file_auth: doorward.Auth) -> None:
    def work() -> None:
        file_auth.create_user("email", "child@example.com", {"password": PASSWORD}).require()

        def deeper() -> None:
            file_auth.create_user("email", "grandchild@example.com", {"password": PASSWORD}).require()

        assert in_child(deeper) == 0
        assert file_auth.stats().users == 2

    assert in_child(work) == 0
    assert file_auth.stats().users == 2


_pooled: doorward.Auth | None = None


def _sign_up(number: int) -> bool:
    assert _pooled is not None
    _pooled.create_user("email", f"{number}@example.com", {"password": PASSWORD}).require()
    return True


def test_multiprocessing(file_auth: doorward.Auth) -> None:
    global _pooled
    _pooled = file_auth
    try:
        with multiprocessing.get_context("fork").Pool(3) as pool:
            assert all(pool.map(_sign_up, range(12)))
    finally:
        _pooled = None
    assert file_auth.stats().users == 12


def test_a_fork_while_an_event_loop_has_used_the_context(file_auth: doorward.Auth) -> None:
    import asyncio

    asyncio.run(_await_one(file_auth, "before@example.com"))

    def work() -> None:
        asyncio.run(_await_one(file_auth, "child@example.com"))

    assert in_child(work) == 0
    asyncio.run(_await_one(file_auth, "after@example.com"))
    assert file_auth.stats().users == 3


async def _await_one(auth: doorward.Auth, email: str) -> None:
    (await auth.aio.create_user("email", email, {"password": PASSWORD})).require()


def test_a_cold_context_forks_as_it_is(database: Path) -> None:
    auth = doorward.open(database=f"sqlite:{database}", **FAST)
    for number in range(2):
        work = lambda: _sign_up_with(auth, number)  # noqa: E731
        assert in_child(work) == 0
    assert auth.stats().users == 2
    auth.stop()


def _sign_up_with(auth: doorward.Auth, number: int) -> None:
    auth.create_user("email", f"{number}@example.com", {"password": PASSWORD}).require()


FORK_WHILE_LOGGING = """
import os, sys, threading
import doorward
import logging
auth = doorward.open(database="memory:", **eval(sys.argv[1]))
logging.basicConfig(level=logging.INFO, stream=open(os.devnull, "w"))
stop = threading.Event()
def write():
    for number in range(10**9):
        if stop.is_set():
            return
        auth.create_user("email", f"{number}@example.com", {"password": sys.argv[2]}).require()
writers = [threading.Thread(target=write) for _ in range(1)]
[writer.start() for writer in writers]
bad = 0
for _ in range(100):
    child = os.fork()
    if child == 0:
        try:
            auth.stats()
            os._exit(0)
        except BaseException:
            os._exit(1)
    bad += os.waitpid(child, 0)[1] != 0
stop.set()
[writer.join() for writer in writers]
print(bad)
"""


def test_forks_do_not_wait_for_the_lock_of_logging(tmp_path: Path) -> None:
    """`logging` holds its lock around forks too; ours must be done by then, whichever was imported first."""
    command = [sys.executable, "-W", "ignore", "-c", FORK_WHILE_LOGGING, repr(FAST), PASSWORD]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stdout.strip()) == (0, "0"), ran.stderr


def test_a_fork_that_python_is_not_told_of_is_refused(file_auth: doorward.Auth) -> None:
    """As a server written in C forks: no hook runs, so the child must not touch what it inherited."""
    proof = file_auth.create_user("email", EMAIL, {"password": PASSWORD}).require()
    child = ctypes.PyDLL(None).fork()
    if child == 0:
        status = 1
        try:
            file_auth.get_user(proof.user_id)
        except doorward.ForkedContext as told:
            # What helps, in the words of whoever forks so, and on this engine.
            helps = ["`--lazy-apps`", "`lazy-apps = true`", "`--preload`", "`post_fork`", "`spawn`", "only exec helps"]
            status = 0 if all(help in str(told) for help in helps) else 2
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    assert file_auth.get_user(proof.user_id).id == proof.user_id


def test_a_fork_from_inside_an_event_is_refused_not_a_deadlock(database: Path) -> None:
    """The operation that emits the event waits for the fork, so the fork cannot wait for it."""
    answers: list[int] = []

    def fork(event: doorward.Event) -> None:
        if event.name == "user_created":
            answers.append(in_child(lambda: refused(auth)))

    def refused(auth: doorward.Auth) -> None:
        with pytest.raises(doorward.ForkedContext):
            auth.stats()

    with doorward.open(database=f"sqlite:{database}", on_event=fork, **FAST) as auth:
        auth.create_user("email", EMAIL, {"password": PASSWORD}).require()
        assert answers == [0]
        assert auth.stats().users == 1


def test_another_sqlite_in_this_process_is_refused_and_nothing_is_lost(
    file_auth: doorward.Auth, database: Path
) -> None:
    file_auth.create_user("email", "first@example.com", {"password": PASSWORD}).require()
    file_auth.stop()
    other = sqlite3.connect(database)
    try:
        with pytest.raises(doorward.StoreSharedInProcess, match="doorward.db"):
            file_auth.start()
        assert other.execute("select count(*) from doorward_user").fetchone() == (1,)
    finally:
        other.close()
    file_auth.start()
    file_auth.create_user("email", "second@example.com", {"password": PASSWORD}).require()
    file_auth.stop()
    assert emails(database) == 2
