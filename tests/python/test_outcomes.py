"""Outcomes: frozen, typed, told apart by match, and never a truth value."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import doorward
import pytest
from conftest import EMAIL, PASSWORD
from doorward.testing import memory_auth


def outcomes() -> list[Any]:
    """One of each, from real calls."""
    auth = memory_auth(throttle={"in": {"free": 1}, "id": {"free": 1}})
    proof_answer = auth.create_user("email", EMAIL, {"password": PASSWORD})
    session_answer = auth.create_session(proof_answer.require())
    session = session_answer.require()
    on = auth.on(doorward.Request("GET", [("authorization", f"Bearer {session.access_token}")]))
    refused = auth.authenticate("email", EMAIL, {"password": "wrong"})
    throttled = [auth.authenticate("email", EMAIL, {"password": "wrong"}) for _ in range(5)][-1]
    return [
        proof_answer,
        session_answer,
        refused,
        throttled,
        on.check_request(),
        auth.on(doorward.Request("GET")).check_request(),
        auth.on(doorward.Request("POST", [("origin", "https://evil.example")])).check_request(),
        auth.end_session(session.access_token),
    ]


KINDS = [
    doorward.Accepted,
    doorward.Accepted,
    doorward.Refused,
    doorward.Throttled,
    doorward.SignedIn,
    doorward.SignedOut,
    doorward.RequestRefused,
    doorward.Accepted,
]
STATUS = [200, 200, 401, 429, 200, 401, 403, 200]


def test_kinds_and_status() -> None:
    made = outcomes()
    assert [type(outcome) for outcome in made] == KINDS
    assert [outcome.http_status for outcome in made] == STATUS


def test_none_has_a_truth_value() -> None:
    for outcome in outcomes():
        with pytest.raises(TypeError, match="no truth value"):
            bool(outcome)
        with pytest.raises(TypeError):
            if outcome:
                pass


def test_all_are_frozen() -> None:
    for outcome in outcomes():
        for name in ("value", "headers", "reason", "flow", "new"):
            with pytest.raises(AttributeError):
                setattr(outcome, name, None)
        with pytest.raises(TypeError):
            type(outcome)()


def test_require_gives_the_value_or_raises_with_the_outcome() -> None:
    raised: dict[type, Any] = {
        doorward.Refused: doorward.RefusedError,
        doorward.Throttled: doorward.ThrottledError,
        doorward.SignedOut: doorward.SignedOutError,
        doorward.RequestRefused: doorward.RequestRefusedError,
    }
    for outcome in outcomes():
        if type(outcome) not in raised:
            assert outcome.require() is (outcome if isinstance(outcome, doorward.SignedIn) else outcome.value)
            continue
        with pytest.raises(raised[type(outcome)]) as error:
            outcome.require()
        assert error.value.outcome is outcome


def test_match_takes_them_apart() -> None:
    seen = []
    for outcome in outcomes():
        match outcome:
            case doorward.Accepted(value):
                seen.append(type(value).__name__)
            case doorward.Refused(flow):
                assert flow is None
                seen.append("refused")
            case doorward.Throttled(retry_after):
                assert timedelta(0) < retry_after
                seen.append("throttled")
            case doorward.SignedIn(session):
                assert session.user.id == outcome.user.id
                seen.append("signed in")
            case doorward.SignedOut(reason):
                seen.append(reason)
            case doorward.RequestRefused(reason, setting):
                seen.append(f"{reason} {setting}")
    assert seen == [
        "Proof",
        "Session",
        "refused",
        "throttled",
        "signed in",
        "no_token",
        "origin_not_configured origins.trusted",
        "int",
    ]


def test_throttling_tells_the_client_when() -> None:
    throttled = outcomes()[3]
    ((name, value),) = throttled.headers
    assert name == "Retry-After" and int(value) >= 1


def test_a_flow_is_walked_by_its_next(auth: doorward.Auth) -> None:
    methods = auth.list_methods()
    assert {method.provider for method in methods} == {"email", "username"}
    (field,) = methods[0].fields
    assert (field.name, field.secret, field.autocomplete) == ("password", True, "current-password")


def test_users_and_what_belongs_to_them(auth: doorward.Auth, session: doorward.Session) -> None:
    user = session.user
    changed = auth.update_attributes(user, {"name": "Ada", "born": 1815})
    assert (changed.attributes, changed.version) == ({"name": "Ada", "born": 1815}, user.version + 1)
    with pytest.raises(doorward.Conflict) as raised:
        auth.update_attributes(user, {"name": None}, version=user.version)
    assert raised.value.what == "version"
    assert auth.update_session_attributes(session, {"theme": "dark"}) == {"theme": "dark"}

    (device,) = auth.list_sessions(user)
    assert (device.id, device.attributes) == (session.id, {"theme": "dark"})
    assert auth.session_alive(user, device)
    (identity,) = auth.list_identities(user)
    assert (identity.provider, identity.identifier) == ("email", EMAIL)
    (password,) = auth.list_authenticators(user)
    assert (password.group, password.kind) == ("password", "password")

    found = auth.find_user("email", EMAIL)
    assert found is not None and found.id == user.id
    assert auth.find_user("email", "nobody@example.com") is None
    assert [listed.id for listed in auth.list_users()] == [user.id]
    assert auth.list_users(after=user) == []
    assert auth.end_sign_in(user, device) == 1
    assert not auth.session_alive(user, device)

    assert auth.disable_user(user) == 0
    assert auth.get_user(user).disabled_at is not None
    assert isinstance(auth.authenticate("email", EMAIL, {"password": PASSWORD}), doorward.Refused)
    auth.enable_user(user)
    assert auth.delete_user(user) == 0
    with pytest.raises(doorward.NotFound):
        auth.get_user(user)


def test_a_session_proves_enough_to_change_the_password(auth: doorward.Auth, session: doorward.Session) -> None:
    fresh = "quiet lanterns drift at dusk"
    other = auth.create_session(auth.authenticate("email", EMAIL, {"password": PASSWORD}).require()).require()
    changed = auth.update_credentials(session.proof, "email", {"password": fresh})
    assert isinstance(changed, doorward.Accepted)
    assert isinstance(auth.validate_session(other.access_token or ""), doorward.SignedOut)
    assert isinstance(auth.validate_session(session.access_token or ""), doorward.Accepted)
    assert isinstance(auth.authenticate("email", EMAIL, {"password": PASSWORD}), doorward.Refused)
    assert isinstance(auth.authenticate("email", EMAIL, {"password": fresh}), doorward.Accepted)


def test_a_proof_makes_one_session(auth: doorward.Auth, proof: doorward.Proof) -> None:
    auth.create_session(proof).require()
    with pytest.raises(doorward.ProofRequired):
        auth.create_session(proof)


def test_realms_do_not_see_each_other(auth: doorward.Auth, session: doorward.Session) -> None:
    other = auth.realm("other")
    assert other.find_user("email", EMAIL) is None
    assert isinstance(other.validate_session(session.access_token or ""), doorward.SignedOut)
    with pytest.raises(doorward.InvalidArgument):
        auth.realm("x" * 65)


def test_lifetimes_may_be_shorter_and_not_longer(auth: doorward.Auth, clock: doorward.ManualClock) -> None:
    proof = auth.create_user("email", EMAIL, {"password": PASSWORD}).require()
    with pytest.raises(doorward.InvalidArgument):
        auth.create_session(proof, access_ttl=timedelta(days=2))
    session = auth.create_session(proof, access_ttl=timedelta(hours=1), persistent=False).require()
    assert session.access_expires_at - clock.now() == timedelta(hours=1)
    assert [cookie.max_age for cookie in session.headers.cookies] == [None, None]
