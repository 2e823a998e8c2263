"""gunicorn with --preload: the master's started context is forked into workers, which serve real requests."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path

import doorward
import pytest
from conftest import FAST

HERE = Path(__file__).parent
WORKERS = 3
SIGN_UPS = 24


def get(port: int, path: str, headers: dict[str, str]) -> tuple[int, str, str, dict[str, str]]:
    """Status, body, worker, and the cookies that were set."""
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        lines = answer.headers.get_all("Set-Cookie") or []
        cookies = dict(line.split(";")[0].split("=", 1) for line in lines)
        return answer.status, answer.read().decode(), answer.headers["X-Worker"], cookies
    finally:
        connection.close()


@pytest.fixture
def server(database: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    environment = {**os.environ, "DOORWARD_TEST_DATABASE": str(database), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "gunicorn", "--preload", f"--workers={WORKERS}", "--bind=127.0.0.1:0"]
    command += ["--worker-tmp-dir=/dev/shm", f"--chdir={HERE}", "app:application"]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    seen = ""
    try:
        for line in process.stderr:
            seen += line
            if "Listening at" in line:
                yield process, int(line.split("127.0.0.1:")[1].split()[0])
                break
        else:
            pytest.fail(f"gunicorn did not start:\n{seen}")
    finally:
        process.send_signal(signal.SIGTERM)
        process.stderr.close()
        assert process.wait(30) == 0


def test_workers_share_users_and_sessions(server: tuple[subprocess.Popen[str], int], database: Path) -> None:
    process, port = server

    def journey(number: int) -> set[str]:
        status, user, worker, cookies = get(port, f"/enter?email={number}@example.com", {})
        assert status == 200 and user
        workers = {worker}
        for _ in range(4):
            header = "; ".join(f"{name}={value}" for name, value in cookies.items())
            status, seen, worker, _ = get(port, "/me", {"Cookie": header})
            assert (status, seen) == (200, user)
            workers.add(worker)
        return workers

    with ThreadPoolExecutor(8) as pool:
        workers = set().union(*pool.map(journey, range(SIGN_UPS)))
    assert str(process.pid) not in workers and len(workers) > 1, "several workers answered"
    assert get(port, "/me", {})[0] == 401
    # And everything is there for a process that was not among them.
    with doorward.open(database=f"sqlite:{database}", **FAST) as auth:
        assert auth.stats().users == SIGN_UPS + 1
        assert auth.stats().sign_ins == SIGN_UPS
