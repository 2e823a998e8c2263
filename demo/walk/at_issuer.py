"""Signing up and in at an issuer: node-oidc-provider on this machine, over HTTP. On servers of its own."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from client import Client, Reply
from steps import Steps

from servers import ROOT, free_ports, servers

ISSUER = ROOT / "target" / "oidc-issuer"
LAPTOP = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@contextlib.contextmanager
def issuer(redirect: str) -> Iterator[str]:
    """It ends when its input does."""
    command = ["node", "issuer.mjs", "0", "ES256", redirect]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ISSUER, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdin and process.stdout
        try:
            ready, port = process.stdout.readline().split()
            assert ready == "ready"
            yield f"http://127.0.0.1:{port}"
        finally:
            process.stdin.close()


def goes_there(laptop: Client, python: str, person: str) -> Reply:
    """Away to the issuer, through its pages (who are you, do you agree), and back."""
    reply = laptop.get(python + "/issuer")
    for _ in range(4):
        if reply.url.startswith(python):
            return reply
        login = {"prompt": "login", "login": person, "password": "any"}
        reply = laptop.post(reply.url, login if 'value="login"' in reply.body else {"prompt": "consent"}, None)
    raise AssertionError(f"the issuer goes round in circles at {reply.url}")


def walk(steps: Steps, folder: Path, log: IO[bytes]) -> None:
    steps.part("Over HTTP: an issuer")
    (port,) = free_ports(0)
    with issuer(f"http://localhost:{port}/issuer/callback") as url, servers(folder, (0, port), log, issuer=url) as at:
        laptop = Client(LAPTOP)
        with steps.step("the sign-in page offers it"):
            assert "Sign in at the issuer" in laptop.get(at.python + "/sign-in").text
        with steps.step("who comes back from it is signed up, and signed in at both servers"):
            reply = goes_there(laptop, at.python, "ida")
            assert reply.path == "/" and "Hello, IDA" in reply.text and reply.at("factors") == "issuer", reply.text
            first = laptop.session(at.cpp)["user"]
        with steps.step("the next time it is a sign-in of the same user"):
            laptop.post(at.cpp + "/sign-out", {"where": "here"})
            assert goes_there(laptop, at.python, "ida").path == "/"
            assert laptop.session(at.cpp)["user"] == first
        with steps.step("an answer that is made up signs nobody in"):
            thief = Client("thief")
            for path in ("/issuer/callback", "/issuer/callback?state=made-up&code=stolen"):
                reply = thief.get(at.python + path)
                assert reply.status == 401 and not thief.session(at.python)["signed_in"], (reply.status, reply.text)
