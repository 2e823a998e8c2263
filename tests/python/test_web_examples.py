"""The programs of `examples/web`, each served by a server of its own and used over HTTP, from sign-up to recovery."""

from __future__ import annotations

import ast
import base64
import hmac
import os
import queue
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from conftest import EMAIL, PASSWORD

ROOT = Path(__file__).resolve().parents[2]
TOTP = ROOT / "target/debug/libdoorward_totp.so"
NEW = "nine grey owls read late"
LIMITS = {"fastapi": 40, "django": 30, "flask": 30}
SERVERS = {
    "fastapi": ["uvicorn", "main:app", "--log-level", "warning", "--port"],
    "django": ["gunicorn", "main:application", "--log-level", "warning", "--threads", "4", "--bind"],
    "flask": ["gunicorn", "main:app", "--log-level", "warning", "--threads", "4", "--bind"],
}


@pytest.mark.parametrize(("name", "limit"), LIMITS.items())
def test_it_is_short(name: str, limit: int) -> None:
    text = (ROOT / f"examples/web/{name}/main.py").read_text()
    stated = ast.get_docstring(ast.parse(text), clean=False) or ""
    lines = [line.strip() for line in text.replace(f'"""{stated}"""', "", 1).splitlines()]
    counted = [line for line in lines if line and not line.startswith("#")]
    assert len(counted) <= limit, len(counted)
    assert max(map(len, lines)) <= 120


@pytest.mark.parametrize("name", SERVERS)
def test_it_is_typed(name: str) -> None:
    settings = [f"--config-file={ROOT}/tests/python/mypy.ini", f"--cache-dir={ROOT}/target/python/mypy"]
    command = [sys.executable, "-m", "mypy", "--strict", *settings, f"{ROOT}/examples/web/{name}/main.py"]
    checked = subprocess.run(command, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


class Site:
    """A served example, and a browser on one of its pages."""

    def __init__(self, name: str, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.origin = f"http://127.0.0.1:{port}"
        own = {"DATABASE": f"sqlite:{folder}/doorward.db", "ORIGIN": self.origin, "TOTP": str(TOTP)}
        server, *arguments = SERVERS[name]
        place = f"127.0.0.1:{port}" if server == "gunicorn" else str(port)
        command = [sys.executable, "-m", server, *arguments, place]
        program = ROOT / f"examples/web/{name}"
        self.process = subprocess.Popen(command, cwd=program, env=os.environ | own, stdout=subprocess.PIPE, text=True)
        self.letters: queue.Queue[tuple[str, str, dict[str, str]]] = queue.Queue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self.clients: list[httpx.Client] = []
        self.browser = self.client()

    def stop(self) -> None:
        for client in self.clients:
            client.close()
        self.process.terminate()
        self.process.wait(60)
        self.reader.join(60)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            address, template, params = line.split(" ", 2)
            self.letters.put((address, template, ast.literal_eval(params)))

    def client(self) -> httpx.Client:
        made = httpx.Client(base_url=self.origin, headers={"origin": self.origin}, timeout=30, trust_env=False)
        self.clients.append(made)
        return made

    def wait(self) -> None:
        deadline = time.monotonic() + 60
        while True:
            assert self.process.poll() is None and time.monotonic() < deadline, "it does not answer"
            try:
                self.browser.get("/auth/config")
                return
            except httpx.TransportError:
                time.sleep(0.1)

    def letter(self, wanted: str) -> str:
        while True:
            address, template, params = self.letters.get(timeout=60)
            if template == wanted:
                assert address == EMAIL
                return params["token"]

    def post(self, path: str, **body: Any) -> dict[str, Any]:
        answer = self.browser.post(f"/auth/{path}", json=body)
        assert answer.status_code < 300, (path, answer.text)
        return answer.json() if answer.content else {}


@pytest.fixture(params=list(SERVERS))
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    site = Site(request.param, tmp_path)
    try:
        site.wait()
        yield site
    finally:
        site.stop()


def code(secret: str, ahead: int = 0) -> str:
    """What the app on the telephone shows (RFC 6238), or will show next: a clock that is a little fast."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.digest(key, (int(time.time()) // 30 + ahead).to_bytes(8, "big"), "sha1")
    at = digest[-1] & 15
    return f"{(int.from_bytes(digest[at : at + 4], 'big') & 0x7FFFFFFF) % 10**6:06}"


def test_a_person_signs_up_and_comes_back(site: Site) -> None:
    browser = site.browser
    assert browser.get("/me").status_code == 401
    assert browser.get("/me").headers["content-type"] == "application/problem+json"
    made = site.post("sign-up", provider="email", identifier=EMAIL, fields={"password": PASSWORD}, attributes={"name": "Ada"})
    assert made["outcome"] == "accepted"
    assert browser.get("/me").json()["attributes"] == {"name": "Ada"}
    # An address of one's own, then a second factor.
    site.post("verify", provider="email", identifier=EMAIL)
    site.post("verify/finish", token=site.letter("verify"))
    begun = site.post("methods/enroll", provider="totp")
    secret = begun["next"][0]["challenge"]["secret"]
    site.post("continue", flow=begun["flow"], fields={"code": code(secret)})
    # A second device, asked for its code: each code is good once.
    site.browser = other = site.client()
    step = site.post("sign-in", provider="email", identifier=EMAIL, fields={"password": PASSWORD})
    assert step["outcome"] == "continue" and [one["provider"] for one in step["next"]] == ["totp"]
    assert site.post("continue", flow=step["flow"], fields={"code": code(secret, 1)})["outcome"] == "accepted"
    devices = other.get("/auth/sessions").json()["sessions"]
    assert [one["current"] for one in devices] == [True, False]
    assert other.delete(f"/auth/sessions/{devices[1]['id']}").status_code == 204
    assert browser.get("/me").status_code == 401
    # Refresh, sign-out.
    assert site.post("refresh")["status"] == "signed_in"
    assert site.post("sign-out")["status"] == "signed_out"
    assert other.get("/auth/session").json()["status"] == "signed_out"
    # A forgotten password.
    site.post("recover", provider="email", identifier=EMAIL)
    site.post("recover/finish", token=site.letter("recovery"), provider="email", fields={"password": NEW})
    assert other.post("/auth/sign-in", json={"provider": "email", "identifier": EMAIL, "fields": {"password": PASSWORD}}).status_code == 401
    assert site.post("sign-in", provider="email", identifier=EMAIL, fields={"password": NEW})["outcome"] == "continue"


def test_a_page_of_another_origin_gets_nowhere(site: Site) -> None:
    body = {"provider": "email", "identifier": EMAIL, "fields": {"password": PASSWORD}}
    refused = site.browser.post("/auth/sign-up", json=body, headers={"origin": "https://evil.example"})
    assert (refused.status_code, refused.json()["code"]) == (403, "request_refused")
