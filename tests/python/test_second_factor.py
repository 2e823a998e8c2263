"""Flows from Python: enrolling TOTP from a loaded plugin, then signing in with two factors, on requests and off."""

from __future__ import annotations

import base64
import hmac
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import doorward
import pytest
from conftest import EMAIL, PASSWORD
from doorward.testing import memory_auth, sign_in

PLUGIN = Path(os.environ.get("DOORWARD_TOTP", Path(__file__).resolve().parents[2] / "target/debug/libdoorward_totp.so"))


@pytest.fixture
def auth(clock: doorward.ManualClock) -> Iterator[doorward.Auth]:
    settings: dict[str, Any] = {
        "plugin": {"totp": {"path": PLUGIN}},
        "provider": {"totp": {"kind": "totp"}},
        "policy": {"second_factor": ["totp"]},
    }
    with memory_auth(clock=clock, **settings) as auth:
        yield auth


def code(secret: bytes, clock: doorward.ManualClock) -> str:
    """RFC 6238 with SHA-1, 30 s and 6 digits."""
    step = int(clock.now().timestamp()) // 30
    key = base64.b32decode(secret + b"=" * (-len(secret) % 8))
    digest = hmac.digest(key, step.to_bytes(8, "big"), "sha1")
    at = digest[-1] & 15
    return f"{(int.from_bytes(digest[at : at + 4], 'big') & 0x7FFFFFFF) % 10**6:06}"


def prove_address(auth: doorward.Auth, proof: doorward.Proof) -> None:
    """Reads the mailbox: no second factor is added beside an address that nobody has proved."""
    auth.request_token("verify", "email", EMAIL, proof=proof).require()
    [letter] = [letter for letter in auth.take_deliveries() if letter.template == "verify"]
    auth.consume_token(letter.params["token"], proof=proof).require()


def enroll(auth: doorward.Auth, clock: doorward.ManualClock) -> bytes:
    """Signs up, adds TOTP; its secret."""
    proof = auth.create_user("email", EMAIL, {"password": PASSWORD}).require()
    prove_address(auth, proof)
    session = auth.create_session(proof).require()
    begun = auth.begin_enrollment("totp", proof=session.proof)
    assert isinstance(begun, doorward.Continue)
    (step,) = begun.flow.next
    assert (step.provider, step.action, step.factor_class) == ("totp", "step", "possession")
    assert step.challenge["uri"].startswith(b"otpauth://totp/")
    assert [field.name for field in step.fields] == ["code"]
    secret = step.challenge["secret"]
    assert secret.decode() not in repr(begun) + repr(begun.flow) + repr(step)
    enrolled = auth.continue_flow(begun.flow, credentials={"code": code(secret, clock)})
    assert isinstance(enrolled, doorward.Accepted) and (enrolled.took, enrolled.kept) == ([], [])
    # What else opens the account is told with the first second factor.
    assert [(other.provider, other.name) for other in enrolled.others] == [("email", EMAIL)]
    return secret


def test_a_second_factor_waits_for_the_proof_of_the_address(auth: doorward.Auth) -> None:
    proof = auth.create_user("email", EMAIL, {"password": PASSWORD}).require()
    with pytest.raises(doorward.PolicyViolation) as raised:
        auth.begin_enrollment("totp", proof=proof)
    [broken] = raised.value.violations
    assert broken.rule == "address_unproved" and "`email`" in broken.message
    prove_address(auth, proof)
    assert isinstance(auth.begin_enrollment("totp", proof=proof), doorward.Continue)


def test_a_sign_in_asks_for_the_second_factor(auth: doorward.Auth, clock: doorward.ManualClock) -> None:
    secret = enroll(auth, clock)
    clock.advance(timedelta(seconds=60))
    begun = auth.authenticate("email", EMAIL, {"password": PASSWORD})
    assert isinstance(begun, doorward.Continue) and begun.http_status == 200
    assert [(step.provider, step.action) for step in begun.flow.next] == [("totp", "verify")]
    with pytest.raises(doorward.StepRequired) as raised:
        begun.require()
    assert raised.value.outcome is begun

    # The token alone is enough: it crosses requests as text. A wrong code costs an attempt and gives another token.
    refused = auth.continue_flow(begun.flow.token, "totp", {"code": "000000"})
    assert isinstance(refused, doorward.Refused) and refused.flow is not None
    assert refused.flow.token != begun.flow.token
    proof = auth.continue_flow(refused.flow, "totp", {"code": code(secret, clock)}).require()
    assert {factor.provider: factor.factor_class for factor in proof.factors} == {
        "email": "knowledge",
        "totp": "possession",
    }
    session = auth.create_session(proof).require()
    assert len(session.factors) == 2
    # The flow is over.
    assert isinstance(auth.continue_flow(refused.flow, credentials={"code": code(secret, clock)}), doorward.Refused)


async def test_the_same_awaiting(auth: doorward.Auth, clock: doorward.ManualClock) -> None:
    secret = enroll(auth, clock)
    clock.advance(timedelta(seconds=60))
    begun = await auth.aio.authenticate("email", EMAIL, {"password": PASSWORD})
    assert isinstance(begun, doorward.Continue)
    answer = await auth.aio.continue_flow(begun.flow, "totp", {"code": code(secret, clock)})
    session = (await auth.aio.create_session(answer.require())).require()
    assert len(session.factors) == len((await auth.aio.session_proof(session)).factors) == 2


def test_trusted_code_must_assert_the_factors_of_such_a_user(auth: doorward.Auth, clock: doorward.ManualClock) -> None:
    enroll(auth, clock)
    user = auth.find_user("email", EMAIL)
    assert user is not None

    class Client:
        def __init__(self) -> None:
            self.cookies: dict[str, str] = {}

    with pytest.raises(doorward.RefusedError):
        sign_in(Client(), user)
    factors = [
        doorward.Factor("email", "knowledge", clock.now()),
        doorward.Factor("totp", "possession", clock.now(), channel="app"),
    ]
    client = sign_in(Client(), user, factors=factors)
    cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    outcome = auth.on(doorward.Request("GET", [("cookie", cookies)])).check_request()
    assert isinstance(outcome, doorward.SignedIn) and outcome.session.factors == factors
    with pytest.raises(ValueError, match="possession"):
        doorward.Factor("email", "luck", clock.now())  # type: ignore[arg-type]


def test_an_operator_takes_a_lost_factor_away(auth: doorward.Auth, clock: doorward.ManualClock) -> None:
    enroll(auth, clock)
    user = auth.find_user("email", EMAIL)
    assert user is not None
    assert auth.reset_factors(user, "lost telephone") == 1
    auth.set_credentials(user, "email", {"password": "another good one"})
    auth.add_address(user, "email", "ada@second.example")
    clock.advance(timedelta(seconds=60))
    assert isinstance(auth.authenticate("email", EMAIL, {"password": "another good one"}), doorward.Accepted)
