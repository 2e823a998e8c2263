"""What the suite shares: a context in memory, one on a SQLite file, and a password that the policy takes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import doorward
import pytest
from doorward.testing import memory_auth

PASSWORD = "plum tractors hum at noon"
EMAIL = "ada@example.com"

# Fast hashes and no delays: nothing that uses these measures them.
FAST: dict[str, Any] = {
    "provider": {"email": {"kind": "password"}},
    "password": {"memory_kib": 8, "passes": 1, "unsafe_fast_hashes": True},
    "throttle": {"enabled": False},
}


@pytest.fixture
def clock() -> doorward.ManualClock:
    return doorward.ManualClock()


@pytest.fixture
def auth(clock: doorward.ManualClock) -> Iterator[doorward.Auth]:
    with memory_auth(clock=clock) as auth:
        yield auth


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "doorward.db"


@pytest.fixture
def file_auth(database: Path) -> Iterator[doorward.Auth]:
    # Patience: a busy machine makes writers of several processes wait for each other.
    patience: dict[str, Any] = {"store": {"deadline": "60s"}, "session": {"grace": "70s"}}
    with doorward.open(database=f"sqlite:{database}", **FAST, **patience) as auth:
        yield auth


@pytest.fixture
def proof(auth: doorward.Auth) -> doorward.Proof:
    return auth.trusted().create_user("email", EMAIL, {"password": PASSWORD}).require()


@pytest.fixture
def session(auth: doorward.Auth, proof: doorward.Proof) -> doorward.Session:
    return auth.trusted().create_session(proof).require()
