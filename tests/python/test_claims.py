"""Claims from Python, with the test plugin that vouches for people: registering, linking, and keys with scopes."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import doorward
import pytest
from conftest import EMAIL, PASSWORD
from doorward.testing import memory_auth

ROOT = Path(__file__).resolve().parents[2]
IDENTIFIER = "https://issuer.example 7"


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("cc")
    assert compiler is not None, "a C compiler named cc"
    built = tmp_path_factory.mktemp("claims") / "claims.so"
    command = [compiler, "-std=c11", "-O1", "-fPIC", "-shared", "-fvisibility=hidden", f"-I{ROOT / 'include'}"]
    subprocess.run([*command, str(ROOT / "tests/plugins/claims.c"), "-o", str(built)], check=True)
    built.chmod(0o755)
    return built


@pytest.fixture
def auth(plugin: Path, clock: doorward.ManualClock) -> Iterator[doorward.Auth]:
    settings: dict[str, Any] = {
        "plugin": {"claims": {"path": plugin}},
        "provider": {"github": {"kind": "issuer"}, "api": {"kind": "token"}},
        "bearer": {"prefixes": {"ak_": "api"}},
    }
    with memory_auth(clock=clock, **settings) as auth:
        yield auth


def vouched(auth: doorward.Auth, who: str) -> doorward.Claim:
    outcome = auth.authenticate("github", credentials={"code": f"good:{who}"})
    assert isinstance(outcome, doorward.Unregistered)
    return outcome.claim


def test_whoever_is_vouched_for_becomes_a_user_once(auth: doorward.Auth, clock: doorward.ManualClock) -> None:
    outcome = auth.authenticate("github", credentials={"code": f"good:7:{EMAIL}"})
    match outcome:
        case doorward.Unregistered(claim):
            pass
        case other:
            pytest.fail(repr(other))
    assert outcome.http_status == 404 and claim.token.startswith("dwc_")
    assert (claim.provider, claim.identifier, claim.attributes) == ("github", IDENTIFIER, {"email": EMAIL})
    assert claim.expires_at == clock.now() + timedelta(minutes=10)
    with pytest.raises(TypeError, match="no truth value"):
        bool(outcome)
    with pytest.raises(doorward.UnregisteredError) as error:
        outcome.require()
    assert error.value.outcome is outcome
    for shown in (repr(outcome), repr(claim)):
        assert claim.token not in shown and "issuer" not in shown
    peeked = auth.peek_claim(claim.token).require()
    assert (peeked.identifier, peeked.token) == (IDENTIFIER, claim.token)
    proof = auth.create_user_from_claim(claim, attributes={"name": "Ada"}).require()
    session = auth.create_session(proof).require()
    assert session.user.attributes == {"name": "Ada"}
    with pytest.raises(doorward.Conflict) as conflict:
        auth.create_user_from_claim(claim.token)
    assert conflict.value.what == "identifier"
    again = auth.authenticate("github", credentials={"code": "good:7"}).require()
    assert again.user_id == session.user.id
    assert isinstance(auth.create_user_from_claim("dwc_nonsense"), doorward.Refused)
    clock.advance(timedelta(minutes=10))
    assert isinstance(auth.peek_claim(claim), doorward.Refused)


def test_linking_takes_a_proof_and_a_claim(auth: doorward.Auth) -> None:
    proof = auth.create_user("email", EMAIL, {"password": PASSWORD}).require()
    begun = auth.begin_link(proof, "github")
    assert isinstance(begun, doorward.Continue)
    answered = auth.continue_flow(begun.flow, {"code": "good:7"})
    assert isinstance(answered, doorward.Unregistered)
    assert isinstance(auth.create_user_from_claim(answered.claim), doorward.Refused), "it is for this user alone"
    linked = auth.link_claim(proof, answered.claim).require()
    assert [identity.provider for identity in auth.list_identities(linked.user_id)] == ["email", "github"]
    assert auth.authenticate("github", credentials={"code": "good:7"}).require().user_id == proof.user_id
    with pytest.raises(doorward.Conflict):
        auth.begin_link(linked, "github", credentials={"code": "good:7"})
    with pytest.raises(doorward.Unsupported):
        auth.begin_link(linked, "email", EMAIL)
    plain = vouched(auth, "8")
    auth.link_claim(linked, plain.token).require()


def test_claims_in_an_event_loop(auth: doorward.Auth) -> None:
    import asyncio

    async def walk() -> None:
        outcome = await auth.aio.authenticate("github", credentials={"code": "good:7"})
        assert isinstance(outcome, doorward.Unregistered)
        assert (await auth.aio.peek_claim(outcome.claim)).require().provider == "github"
        proof = (await auth.aio.create_user_from_claim(outcome.claim)).require()
        begun = await auth.aio.begin_link(proof, "github", credentials={"code": "good:8"})
        assert isinstance(begun, doorward.Unregistered)
        (await auth.aio.link_claim(proof, begun.claim)).require()

    asyncio.run(walk())


def test_a_key_has_scopes_and_no_session(auth: doorward.Auth) -> None:
    proof = auth.create_user("email", EMAIL, {"password": PASSWORD}).require()
    made = auth.update_credentials(proof, "api", {"key": "ak_1", "scopes": '["read","write"]'})
    assert isinstance(made, doorward.Accepted) and made.show_once == {"key": b"ak_1"}

    def called(key: str) -> object:
        return auth.on(doorward.Request("GET", [("authorization", f"Bearer {key}")])).check_request()

    accepted = called("ak_1")
    assert isinstance(accepted, doorward.KeyAccepted)
    assert (accepted.user.id, accepted.provider, accepted.scopes) == (proof.user_id, "api", ["read", "write"])
    assert list(accepted.headers) == []
    assert isinstance(called("ak_2"), doorward.Refused)
