"""Threads and signals: one context, many threads, and Ctrl-C is heard while a call waits."""

from __future__ import annotations

import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType

import doorward
import pytest
from conftest import EMAIL, FAST, PASSWORD


def test_one_context_serves_many_threads(file_auth: doorward.Auth) -> None:
    def journey(number: int) -> None:
        email = f"{number}@example.com"
        proof = file_auth.create_user("email", email, {"password": PASSWORD}).require()
        session = file_auth.create_session(proof).require()
        for _ in range(20):
            seen = file_auth.validate_session(session.access_token or "").require()
            assert seen.user.id == proof.user_id
        file_auth.end_session(session.refresh_token).require()

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(journey, range(64)))
    stats = file_auth.stats()
    assert (stats.users, stats.sign_ins) == (64, 0)


def test_racing_refreshes_get_the_same_successor(auth: doorward.Auth, clock: doorward.ManualClock) -> None:
    from datetime import timedelta

    proof = auth.create_user("email", EMAIL, {"password": PASSWORD}).require()
    session = auth.create_session(proof).require()
    clock.advance(timedelta(minutes=5))
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(auth.refresh_session, [session.refresh_token or ""] * 32))
    assert len({answer.require().access_token for answer in answers}) == 1


def test_the_interpreter_is_free_while_a_call_waits(database: Path) -> None:
    """Python code of another thread goes on between the beginning and the end of a hash: the lock is not held."""
    # Nobody is made to hand the lock over, so whoever goes on does so because a call has released it.
    interval = sys.getswitchinterval()
    sys.setswitchinterval(10)
    slow = {**FAST, "password": {"memory_kib": 19456, "passes": 2}}
    with doorward.open(database=f"sqlite:{database}", **slow) as auth:
        ticks = 0

        def hash_one() -> int:
            before = ticks
            auth.create_user("email", EMAIL, {"password": PASSWORD}).require()
            return ticks - before

        with ThreadPoolExecutor(1) as pool:
            hashed = pool.submit(hash_one)
            while not hashed.done():
                ticks += 1
                time.sleep(0)
        sys.setswitchinterval(interval)
        assert hashed.result() > 0


class Interrupted(Exception):
    """What the signal handler raises."""


def test_a_signal_is_heard_while_a_call_waits_and_the_write_goes_on(database: Path) -> None:
    def interrupt(number: int, frame: FrameType | None) -> None:
        raise Interrupted

    slow = {**FAST, "password": {"memory_kib": 65536, "passes": 8}}
    before = signal.signal(signal.SIGALRM, interrupt)
    with doorward.open(database=f"sqlite:{database}", **slow) as auth:
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            with pytest.raises(Interrupted):
                auth.create_user("email", EMAIL, {"password": PASSWORD})
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        assert auth.find_user("email", EMAIL) is None, "the hash was too fast for the test"
        while auth.find_user("email", EMAIL) is None:
            pass
