"""Interpreters that are not the only one of their process: sub-interpreters are told why not, uWSGI ends as it should."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from http.client import HTTPConnection
from pathlib import Path

import doorward
import pytest
from conftest import FAST

HERE = Path(__file__).parent

# As mod_wsgi makes them: sharing what all interpreters of a process can share. `_interpreters` is CPython 3.13's and newer.
SUB_INTERPRETER = """
{use}
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
try:
    sub = interpreters.create("legacy")
except TypeError:
    sub = interpreters.create(isolated=False)
interpreters.run_string(sub, "try:\\n import doorward\\nexcept ImportError as why:\\n print('told:', why, flush=True)")
{use}
print("the end")
"""
USE = "import doorward.testing; print(doorward.testing.memory_auth().stats())"


@pytest.mark.parametrize("use", ["", USE])
def test_a_sub_interpreter_is_told_what_to_set(use: str) -> None:
    # The main interpreter uses it before and after, or nobody does: the process ends by itself either way.
    script = SUB_INTERPRETER.format(use=use)
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    assert re.search(r"^told: .*sub-interpreter.*WSGIApplicationGroup %\{GLOBAL\}", ran.stdout, re.M), ran.stdout
    assert ran.stdout.count("0 users") == (2 if use else 0), ran.stdout
    assert ran.stdout.endswith("the end\n")


def get(port: int, path: str) -> int:
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def is_idle(stats: Path) -> bool:
    """Whether every worker has ended its request, its own accounts included: a busy one is ended without its hooks."""
    with socket.socket(socket.AF_UNIX) as held:
        held.settimeout(60)
        held.connect(str(stats))
        told = json.loads(b"".join(iter(lambda: held.recv(65536), b"")))
    return all(worker["status"] == "idle" for worker in told["workers"])


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_uwsgi_ends_without_a_panic_and_with_everything_written(end: signal.Signals, database: Path) -> None:
    environment = {**os.environ, "DOORWARD_TEST_DATABASE": str(database), "PYTHONUNBUFFERED": "1"}
    uwsgi = Path(sys.executable).with_name("uwsgi")
    command = [str(uwsgi), "--http-socket", "127.0.0.1:0", "--master", "--processes", "1", "--lazy-apps"]
    stats = database.with_name("stats")
    command += ["--enable-threads", "--die-on-term", "--stats", str(stats), "--chdir", str(HERE), "--module", "app:application"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    seen, port = "", 0
    for line in process.stdout:
        seen += line
        if bound := re.search(r"bound to TCP address 127\.0\.0\.1:(\d+)", line):
            port = int(bound[1])
        if "WSGI app 0" in line and "ready" in line:
            break
    else:
        pytest.fail(f"uWSGI did not start:\n{seen}")
    assert all(get(port, f"/enter?email={number}@example.com") == 200 for number in range(12))
    while not is_idle(stats):
        time.sleep(0.01)
    process.send_signal(end)
    seen += process.stdout.read()
    process.stdout.close()
    process.wait(60)
    assert "panic" not in seen.lower() and "Traceback" not in seen, seen
    # The worker stopped: whoever closes the last connection folds the log into the file and removes it.
    assert [file.name for file in database.parent.glob("*-wal")] == [], seen
    with doorward.open(database=f"sqlite:{database}", **FAST) as auth:
        # The worker's own, beside those that signed up.
        assert auth.stats().users == 12 + 1
