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
    answered = auth.continue_flow(begun.flow, credentials={"code": "good:7"})
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


# What a flow or a proof is for, and clients that declare themselves apps

ORIGIN = "https://app.example"


@pytest.fixture
def site(plugin: Path, clock: doorward.ManualClock) -> Iterator[doorward.Auth]:
    """With pages, whose origin is trusted, and passkeys as second factors."""
    settings: dict[str, Any] = {
        "plugin": {"claims": {"path": plugin}},
        "provider": {"github": {"kind": "issuer"}, "passkey": {"kind": "passkey"}},
        "policy": {"second_factor": ["passkey"]},
        "origins": {"trusted": [ORIGIN]},
    }
    with memory_auth(clock=clock, **settings) as whole:
        yield whole.trusted()


def flow_of(outcome: object) -> doorward.Flow:
    assert isinstance(outcome, doorward.Continue), outcome
    return outcome.flow


def with_passkey(site: doorward.Auth) -> doorward.Proof:
    """Somebody with a password and, after proving the address, a passkey."""
    proof = site.create_user("email", EMAIL, {"password": PASSWORD}).require()
    site.request_token("verify", "email", EMAIL, proof=proof).require()
    [letter] = [letter for letter in site.take_deliveries() if letter.template == "verify"]
    site.consume_token(letter.params["token"], proof=proof).require()
    enrolling = flow_of(site.begin_enrollment("passkey", proof=proof))
    assert (enrolling.purpose, enrolling.provider, enrolling.user_id) == ("enroll", "passkey", proof.user_id)
    return site.continue_flow(enrolling, credentials={"id": "k1"}).require()


def test_each_flow_and_each_proof_says_what_it_is_for(site: doorward.Auth) -> None:
    up = flow_of(site.create_user("passkey", "Eve"))
    assert (up.purpose, up.provider, up.user_id) == ("sign_up", "passkey", None)
    assert site.continue_flow(up, credentials={"id": "k0"}).require().purpose == "sign_in"
    proof = with_passkey(site)
    linking = flow_of(site.begin_link(proof, "github"))
    assert (linking.purpose, linking.provider, linking.user_id) == ("link", "github", proof.user_id)

    jar: dict[str, str] = {}

    def on() -> doorward.Auth:
        cookies = "; ".join(f"{name}={value}" for name, value in jar.items())
        return site.on(doorward.Request("POST", [("Origin", ORIGIN), ("Cookie", cookies)]))

    def take(sent: doorward.Auth) -> None:
        jar.update({cookie.name: cookie.value for cookie in sent.headers.cookies})

    begun = on()
    signing_in = flow_of(begun.authenticate("email", EMAIL, {"password": PASSWORD}))
    assert (signing_in.purpose, signing_in.user_id) == ("sign_in", proof.user_id)
    take(begun)
    going_on = on()
    both = going_on.continue_flow(signing_in, credentials={"id": "k1"}).require()
    session = going_on.create_session(both).require()
    assert (both.purpose, session.proof.purpose) == ("sign_in", "session")
    take(going_on)
    live = on()
    stepping_up = flow_of(live.authenticate("passkey"))
    assert (stepping_up.purpose, stepping_up.user_id) == ("step_up", proof.user_id)
    take(live)
    assert on().continue_flow(stepping_up, credentials={"id": "k1"}).require().purpose == "step_up"


def test_an_app_carries_its_binding_and_its_device_in_headers(site: doorward.Auth) -> None:
    with_passkey(site)

    def app(*more: tuple[str, str]) -> doorward.Auth:
        return site.on(doorward.Request("POST", [("Doorward-Client", "app"), *more]))

    begun = app().authenticate("email", EMAIL, {"password": PASSWORD})
    flow = flow_of(begun)
    lines = dict(begun.headers)
    assert sorted(lines) == ["Cache-Control", "Doorward-Flow"] and begun.headers.cookies == []
    binding = lines["Doorward-Flow"]
    assert binding not in repr(begun.headers) + repr(begun)
    assert isinstance(app().continue_flow(flow, credentials={"id": "k1"}), doorward.Refused), "another app has not the binding"
    flow = flow_of(app().authenticate("email", EMAIL, {"password": PASSWORD}))
    # One app keeps one binding: a flow that is begun with it is bound to it.
    again = app(("Doorward-Flow", binding)).authenticate("email", EMAIL, {"password": PASSWORD})
    assert dict(again.headers)["Doorward-Flow"] == binding
    on = app(("Doorward-Flow", binding))
    proof = on.continue_flow(flow_of(again), credentials={"id": "k1"}).require()
    made = on.create_session(proof)
    session = made.require()
    assert session.access_token and session.refresh_token, "for the body of the response"
    device = dict(made.headers)["Doorward-Device"]
    assert dict(on.headers)["Doorward-Device"] == device and on.headers.cookies == []
    bearer = ("Authorization", f"Bearer {session.access_token}")
    assert isinstance(app(bearer).check_request(), doorward.SignedIn)
    # A page has a cookie or an origin: it is no app, whatever it says.
    for more in [("Origin", "https://evil.example"), ("Cookie", "a=b"), ("Sec-Fetch-Site", "cross-site")]:
        assert isinstance(app(more).authenticate("email", EMAIL, {"password": PASSWORD}), doorward.RequestRefused)
    assert app(bearer).end_session().require() == 1
