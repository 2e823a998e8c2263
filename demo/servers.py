"""Starts the two servers of the demo on one database, waits until both answer, and stops them.

Run by itself (by `demo/run`) it prints what to try and waits for Ctrl-C; `demo/walk` uses it to start its own.
"""

import argparse
import contextlib
import hashlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import IO

ROOT = Path(__file__).resolve().parent.parent
BUILT = ROOT / "target" / "demo"
PLUGINS = ("totp", "recovery_codes", "passkey", "email_code")
# Added when there is an issuer. It knows the demo as the public client "doorward-demo" with this redirect URI.
ISSUER = """
[provider.issuer]
kind = "oidc"
egress = ["@ISSUER@"]
config.issuer = "@ISSUER@"
config.client_id = "doorward-demo"
config.redirect_uri = "http://localhost:@PYTHON_PORT@/issuer/callback"
"""
# Where a rerun finds the ports of the last one: the origins are part of what browsers remember.
USUAL_PORTS = (8410, 8411)


@dataclass(frozen=True)
class Servers:
    cpp: str
    python: str
    running: tuple[subprocess.Popen[bytes], ...] = ()


def free_ports(*wanted: int) -> list[int]:
    """The ports wanted where they are free, else any free ones."""
    with contextlib.ExitStack() as held:
        ports = []
        for port in wanted:
            probe = held.enter_context(socket.socket())
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                probe.bind(("127.0.0.1", 0))
            ports.append(int(probe.getsockname()[1]))
        return ports


def configure(folder: Path, cpp: int, python: int, changes: Mapping[str, str], issuer: str | None) -> Path:
    """Fills the template in, adds the plugins with their pins, and gives the file."""
    text = (ROOT / "demo" / "doorward.toml").read_text() + (ISSUER if issuer else "")
    for old, new in changes.items():
        text = text.replace(old, new)
    for name, value in {
        "FOLDER": folder,
        "CPP_PORT": cpp,
        "PYTHON_PORT": python,
        "ISSUER": issuer,
    }.items():
        text = text.replace(f"@{name}@", str(value))
    for plugin in (*PLUGINS, "oidc") if issuer else PLUGINS:
        file = ROOT / "target" / "debug" / f"libdoorward_{plugin}.so"
        pin = hashlib.sha256(file.read_bytes()).hexdigest()
        text += f'\n[plugin.{plugin}]\npath = "{file}"\nsha256 = "{pin}"\n'
    file = folder / "doorward.toml"
    file.write_text(text)
    return file


@contextlib.contextmanager
def servers(
    folder: Path,
    ports: tuple[int, int] = (0, 0),
    log: IO[bytes] | None = None,
    changes: Mapping[str, str] = MappingProxyType({}),
    issuer: str | None = None,
) -> Iterator[Servers]:
    """Both servers, answering; they are stopped at the end, whatever happens. What they print goes to `log`."""
    folder.mkdir(parents=True, exist_ok=True)
    cpp_port, python_port = free_ports(*ports)
    config = configure(folder, cpp_port, python_port, changes, issuer)
    at = Servers(f"http://localhost:{cpp_port}", f"http://localhost:{python_port}")
    python = BUILT / "venv" / "bin" / "python"
    commands: list[list[str | Path]] = [
        [BUILT / "server", config, str(cpp_port), at.python],
        [python, ROOT / "demo" / "python" / "server.py", config, str(python_port), at.cpp],
    ]
    # Groups of their own: Ctrl-C reaches this program only, which stops both in order.
    running = [subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True) for command in commands]
    try:
        for process, address in zip(running, (at.cpp, at.python), strict=True):
            wait_for(process, address)
        yield replace(at, running=tuple(running))
    finally:
        for process in running:
            process.terminate()
        for process in running:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_for(process: subprocess.Popen[bytes], address: str) -> None:
    """Waits until a server answers, at most half a minute."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with status {process.returncode}")
        with contextlib.suppress(OSError), urllib.request.urlopen(address + "/session.json", timeout=5):
            return
        time.sleep(0.05)
    raise RuntimeError(f"{address} does not answer")


def main() -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    arguments = argparse.ArgumentParser(prog="demo/run", description="A C++ and a Python server on one SQLite file.")
    arguments.add_argument("--issuer", metavar="URL", help="offer sign-in at this OpenID Connect issuer, too")
    issuer = arguments.parse_args().issuer
    folder = BUILT / "data"
    with contextlib.suppress(KeyboardInterrupt), servers(folder, USUAL_PORTS, issuer=issuer) as at:
        shown = folder.relative_to(ROOT)
        print(
            f"""
  C++ server     {at.cpp}
  Python server  {at.python}

Both use {shown}/doorward.db. Try this:

  1. Sign up at one; open the other: you are signed in there too.
  2. Open a few tabs of both and sign out in one: all follow, without a reload.
  3. Sign in from another browser, end that device under "Devices" at one server, and see the other refuse it at once.
  4. Add an authenticator app, sign out, and sign in with its code.
  5. Sign up with a passkey or a code by e-mail at the Python server; its mailbox is {at.python}/mailbox.
  6. Stop this with Ctrl-C and run it again: you are still signed in.

What happens is told below, event by event.
""",
            flush=True,
        )
        while all(process.poll() is None for process in at.running):
            time.sleep(0.5)
    print("\nBoth servers have stopped.", file=sys.stderr)


if __name__ == "__main__":
    os.umask(0o077)
    try:
        main()
    except RuntimeError as error:
        sys.exit(str(error))
