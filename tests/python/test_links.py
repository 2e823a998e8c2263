"""The link of a mailed code: it signs in where it is confirmed. The kind is the test plugin that writes to whoever is named."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import doorward
import pytest
from conftest import EMAIL
from doorward.testing import memory_auth

ROOT = Path(__file__).resolve().parents[2]
SEND = {"do": "send", "name": "code"}


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("cc")
    assert compiler is not None, "a C compiler named cc"
    built = tmp_path_factory.mktemp("limiter") / "limiter.so"
    command = [compiler, "-std=c11", "-O1", "-fPIC", "-shared", "-fvisibility=hidden", f"-I{ROOT / 'include'}"]
    subprocess.run([*command, str(ROOT / "tests/plugins/limiter.c"), "-o", str(built)], check=True)
    built.chmod(0o755)
    return built


@pytest.fixture
def auth(plugin: Path, clock: doorward.ManualClock) -> Iterator[doorward.Auth]:
    provider = {"mail": {"kind": "limiter", "rule": "email"}}
    with memory_auth(clock=clock, plugin={"limiter": {"path": plugin}}, provider=provider) as auth:
        yield auth


def asked(auth: doorward.Auth) -> tuple[doorward.Flow, dict[str, str]]:
    """A flow that waits for a code, and what the letter says."""
    outcome = auth.authenticate("mail", EMAIL, SEND)
    assert isinstance(outcome, doorward.Continue)
    [letter] = auth.take_deliveries()
    assert auth.settle_delivery(letter, letter.attempts, "delivered")
    return outcome.flow, letter.params


def signed_up(auth: doorward.Auth) -> doorward.Proof:
    flow, letter = asked(auth)
    assert "token" not in letter, "there is nobody to sign in"
    answered = auth.continue_flow(flow)
    assert isinstance(answered, doorward.Unregistered)
    return auth.create_user_from_claim(answered.claim).require()


def test_a_link_signs_in_where_it_is_confirmed_and_once(auth: doorward.Auth) -> None:
    user = signed_up(auth).user_id
    flow, letter = asked(auth)
    token = letter["token"]
    good = auth.peek_token(token).require()
    assert (good.purpose, good.provider, good.identifier, good.user_id) == ("sign_in_link", "mail", EMAIL, user)
    with pytest.raises(doorward.InvalidState, match="POST"):
        auth.on(doorward.Request("GET", [])).continue_flow(token)
    with pytest.raises(doorward.InvalidArgument):
        auth.continue_flow(token, credentials={"do": "send"})
    assert isinstance(auth.consume_token(token), doorward.Refused)
    proof = auth.continue_flow(token).require()
    assert (proof.user_id, proof.purpose, [factor.provider for factor in proof.factors]) == (user, "sign_in", ["mail"])
    auth.create_session(proof).require()
    assert isinstance(auth.continue_flow(token), doorward.Refused)
    assert isinstance(auth.continue_flow(flow), doorward.Refused), "the code is void"


def test_the_code_voids_the_link(auth: doorward.Auth) -> None:
    signed_up(auth)
    flow, letter = asked(auth)
    auth.continue_flow(flow).require()
    assert isinstance(auth.continue_flow(letter["token"]), doorward.Refused)


def test_beyond_its_limit_a_kind_sends_nothing_and_answers_alike(auth: doorward.Auth) -> None:
    signed_up(auth)
    asked(auth)
    outcome = auth.authenticate("mail", EMAIL, SEND)
    assert isinstance(outcome, doorward.Continue) and auth.take_deliveries() == []
