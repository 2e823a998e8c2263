"""Events: to `logging` and to a callback, from whatever thread, free of secrets."""

from __future__ import annotations

import logging
import subprocess
import sys

import doorward
import pytest
from conftest import EMAIL, PASSWORD
from doorward.testing import memory_auth


def test_events_reach_the_callback_and_logging(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "doorward.event")
    seen: list[doorward.Event] = []
    with memory_auth(on_event=seen.append) as auth:
        proof = auth.create_user("email", EMAIL, {"password": PASSWORD}).require()
        auth.create_session(proof).require()
        auth.authenticate("email", EMAIL, {"password": "wrong"})
    names = [event.name for event in seen]
    assert names[0] == "user_created" and names[-1] == "authn_login_fail"
    assert (seen[-1].reason, seen[-1].provider, seen[-1].user_id) == ("wrong", "email", proof.user_id)
    records = [record for record in caplog.records if record.name == "doorward.event"]
    assert [record.getMessage() for record in records] == [str(event) for event in seen]
    assert [getattr(record, "event").name for record in records] == names
    assert records[-1].levelno == logging.WARNING


def test_a_program_that_asks_for_no_logs_gets_none() -> None:
    script = (
        "from doorward.testing import memory_auth; auth = memory_auth();"
        "print(auth.authenticate('email', 'a@b.example', {'password': 'wrong'}))"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert (ran.stdout, ran.stderr) == ("Refused()\n", "")


async def test_awaited_calls_log_too(file_auth: doorward.Auth, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "doorward.event")
    await file_auth.aio.create_user("email", EMAIL, {"password": PASSWORD})
    assert "user_created" in caplog.text


def test_a_callback_that_raises_harms_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    unraisable: list[str] = []
    monkeypatch.setattr("sys.unraisablehook", lambda hook: unraisable.append(str(hook.exc_value)))

    def broken(event: doorward.Event) -> None:
        raise RuntimeError(f"no room for {event.name}")

    with memory_auth(on_event=broken) as auth:
        auth.create_user("email", EMAIL, {"password": PASSWORD}).require()
    assert "no room for user_created" in unraisable


def test_an_origin_refusal_shows_the_origin_that_came(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "doorward.event")
    seen: list[doorward.Event] = []
    with memory_auth(on_event=seen.append, origins={"trusted": ["https://app.example"]}) as auth:
        for origin in ("http://app.example", "https://app.example:8443"):
            request = doorward.Request("POST", [("origin", origin)], "192.0.2.7")
            assert isinstance(auth.on(request).authenticate("email", EMAIL, {"password": "x"}), doorward.RequestRefused)
            assert (seen[-1].reason, seen[-1].origin) == ("origin_not_configured", origin)
            assert f"origin={origin} address=192.0.2.7" in caplog.text
        auth.trusted().authenticate("email", EMAIL, {"password": "wrong"})
    assert seen[-1].origin is None
