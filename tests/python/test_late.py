"""A disk that hangs: whoever waits or awaits is answered at `store.deadline`, while it still hangs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import asyncio, os, pathlib, sys, threading
import doorward

hung = pathlib.Path(os.environ["HUNG_DISK"])
WITH = {"password": "plum tractors hum at noon"}
auth = doorward.open(
    database="sqlite:" + sys.argv[1],
    store={"deadline": "1s"},
    provider={"email": {"kind": "password"}},
    password={"memory_kib": 8, "passes": 1, "unsafe_fast_hashes": True},
)

def refused(call):
    try:
        call()
    except doorward.Unavailable:
        return
    raise AssertionError("it was answered")

async def awaited(n):
    try:
        await auth.aio.create_user("email", f"a{n}@example.com", WITH)
    except doorward.Unavailable:
        return
    raise AssertionError("it was answered")

async def all_awaited():
    await asyncio.wait_for(asyncio.gather(*(awaited(n) for n in range(20))), 120)

auth.create_user("email", "ada@example.com", WITH).require()
hung.touch()
refused(lambda: auth.create_user("email", "bob@example.com", WITH))
refused(auth.health)
asyncio.run(all_awaited())
callers = [threading.Thread(target=refused, args=(lambda n=n: auth.create_user("email", f"t{n}@example.com", WITH),)) for n in range(20)]
for caller in callers:
    caller.start()
for caller in callers:
    caller.join(120)
    assert not caller.is_alive()
hung.unlink()
while True:
    try:
        auth.health()
        break
    except doorward.Unavailable:
        pass
auth.create_user("email", "zoe@example.com", WITH).require()
auth.stop()
print("all were answered")
"""


def test_a_disk_that_hangs_costs_its_callers_the_deadline_and_no_more(tmp_path: Path) -> None:
    library = tmp_path / "hung_disk.so"
    source = Path(__file__).parent.parent / "disks" / "hung_disk.c"
    subprocess.run(["cc", "-std=c11", "-O1", "-fPIC", "-shared", str(source), "-o", str(library), "-ldl"], check=True)
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "doorward.db")],
        env={**os.environ, "LD_PRELOAD": str(library), "HUNG_DISK": str(tmp_path / "hung")},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert ran.stdout == "all were answered\n", ran.stderr
