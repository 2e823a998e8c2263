"""A site with passkeys: password and passkey as ways in, on the real library and the built plugin.

Every ceremony that it sees is kept in `ceremonies`, so that another verifier can look at the very same bytes.
"""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import doorward

RP_ID = "localhost"
SCRIPT = Path(__file__).resolve().parents[4] / "demo/static/passkey.js"
PAGE = b"""<!doctype html><html lang="en"><title>Passkeys</title><script type="module">
import * as passkey from "/passkey.js";
window.passkey = passkey;
window.post = async (path, body) => (await fetch(path, { method: "POST", body: JSON.stringify(body ?? {}),
  headers: { "content-type": "application/json" } })).json();
</script></html>"""


@dataclass
class Ceremony:
    """One response of a browser: what it answers, and what Doorward made of it."""

    kind: str
    options: dict[str, Any]
    response: dict[str, Any]
    accepted: bool = False


class Site:
    def __init__(self, plugin: Path, database: Path, host: Path | None = None) -> None:
        """`host`: the program in which the plugin runs as a process of its own."""
        isolation = {"isolation": "process"} if host else {}
        self.ceremonies: list[Ceremony] = []
        self.events: list[str] = []
        self.shown: dict[str, dict[str, Any]] = {}
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.origin = f"http://{RP_ID}:{self.server.server_port}"
        self.auth = doorward.open(
            database=f"sqlite:{database}",
            origins={"trusted": [self.origin]},
            on_event=lambda event: self.events.append(f"{event.name} {event.reason}"),
            plugin={"passkey": {"path": plugin, **isolation}},
            **({"plugin_host": {"path": host}} if host else {}),
            provider={
                "email": {"kind": "password"},
                "passkey": {"kind": "passkey", "config": {"rp_id": RP_ID, "origins": [self.origin]}},
            },
            policy={"second_factor": ["passkey"]},
            password={"memory_kib": 8, "passes": 1, "unsafe_fast_hashes": True},
            throttle={"enabled": False},
        )
        self.auth.start()
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.auth.stop()

    def handler(site) -> type[BaseHTTPRequestHandler]:  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/passkey.js":
                    self.send(200, "text/javascript", SCRIPT.read_bytes())
                else:
                    self.send(200, "text/html", PAGE)

            def do_POST(self) -> None:
                given = json.loads(self.rfile.read(int(self.headers["content-length"])))
                auth = site.auth.on(doorward.Request("POST", list(self.headers.items()), self.client_address[0]))
                headers: list[tuple[str, str]] = []
                try:
                    answer = site.answer(self.path, given, auth, lambda outcome: headers.extend(outcome.headers))
                except doorward.Error as error:
                    answer = {"error": type(error).__name__, "message": str(error)}
                self.send(200, "application/json", json.dumps(answer).encode(), headers)

            def send(self, status: int, kind: str, body: bytes, headers: list[tuple[str, str]] | None = None) -> None:
                self.send_response(status)
                for name, value in [("content-type", kind), ("content-length", str(len(body))), *(headers or [])]:
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        return Handler

    def answer(self, path: str, given: dict[str, Any], auth: Any, sent: Callable[[Any], None]) -> dict[str, Any]:
        caller = auth.check_request()
        sent(caller)
        session = caller.session if isinstance(caller, doorward.SignedIn) else None
        if path == "/sign-out":
            sent(auth.end_session())
            return {}
        if path == "/session":
            return self.seen(session)
        if path == "/passkeys":
            assert session
            return {"labels": [one.label for one in auth.list_authenticators(session.user) if one.kind == "passkey"]}
        outcome = self.tried(path, given, auth, session)
        sent(outcome)
        if isinstance(outcome, doorward.Continue):
            return self.going_on(outcome)
        if not isinstance(outcome, doorward.Accepted):
            return {"outcome": type(outcome).__name__}
        if session:  # a further passkey, or a further factor, of somebody who is signed in
            return {"outcome": "Accepted", **self.seen(session)}
        made = auth.create_session(outcome.value)
        sent(made)
        return {"outcome": "Accepted", **self.seen(made.require())}

    def tried(self, path: str, given: dict[str, Any], auth: Any, session: Any) -> Any:
        if path == "/sign-up":
            outcome = auth.create_user("email", given["email"], {"password": given["password"]})
            self.prove(outcome.require(), given["email"])
            return outcome
        if path == "/sign-up-with-passkey":
            return auth.create_user("passkey", given["name"])
        if path == "/sign-in":
            return auth.authenticate("email", given["email"], {"password": given["password"]})
        if path == "/sign-in-with-passkey":
            return auth.authenticate("passkey")
        if path == "/enroll":
            return auth.begin_enrollment("passkey", proof=session.proof)
        if path == "/begin":
            return auth.continue_flow(given["flow"], "passkey", {})
        assert path == "/finish"
        ceremony = Ceremony(given["kind"], self.shown[given["flow"]], json.loads(given["response"]))
        self.ceremonies.append(ceremony)
        credentials = {"response": given["response"]} | ({"label": given["label"]} if "label" in given else {})
        outcome = auth.continue_flow(given["flow"], credentials=credentials)
        ceremony.accepted = isinstance(outcome, doorward.Accepted)
        return outcome

    def prove(self, proof: Any, email: str) -> None:
        """Reads the mailbox: no second factor is added beside an address that nobody has proved."""
        auth = self.auth.trusted()
        auth.request_token("verify", "email", email, proof=proof).require()
        [letter] = [letter for letter in auth.take_deliveries() if letter.address == email]
        auth.consume_token(letter.params["token"], proof=proof).require()

    def going_on(self, outcome: Any) -> dict[str, Any]:
        (step,) = outcome.flow.next
        answer = {"outcome": "Continue", "flow": outcome.flow.token, "provider": step.provider}
        if "options" in step.challenge:
            answer["options"] = step.challenge["options"].decode()
            self.shown[outcome.flow.token] = json.loads(answer["options"])
        return answer

    @staticmethod
    def seen(session: Any) -> dict[str, Any]:
        if session is None:
            return {"user": None}
        return {"user": str(session.user.id), "factors": [factor.provider for factor in session.factors]}
