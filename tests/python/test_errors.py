"""Exceptions: one class for each row of the core's table, no more and no less."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import doorward
import pytest
from conftest import EMAIL, PASSWORD
from doorward import _errors
from doorward._doorward import ERRORS
from doorward.testing import memory_auth


def test_the_classes_are_the_table() -> None:
    classes = {
        code: (kind.number, kind.actor, kind.retryable, kind.public, kind.http_status)
        for code, kind in _errors.BY_CODE.items()
    }
    assert classes == ERRORS
    assert len(_errors.BY_CODE) == len(_errors.Error.__subclasses__()), "two classes share a code"


def test_every_class_is_exported() -> None:
    for kind in _errors.Error.__subclasses__():
        assert getattr(doorward, kind.__name__) is kind
        assert kind.__name__ in doorward.__all__


def test_a_conflict_says_what_is_taken(auth: doorward.Auth, proof: doorward.Proof) -> None:
    with pytest.raises(doorward.Conflict) as raised:
        auth.create_user("email", EMAIL, {"password": PASSWORD})
    assert raised.value.what == "identifier"
    assert (raised.value.code, raised.value.actor, raised.value.retryable) == ("conflict", "client", False)


def test_an_error_says_its_status_and_what_goes_with_it(auth: doorward.Auth, proof: doorward.Proof) -> None:
    auth.create_session(proof).require()
    with pytest.raises(doorward.ProofRequired) as spent:
        auth.create_session(proof)
    insufficient = 'Bearer error="insufficient_user_authentication", error_description="proof_required"'
    assert (spent.value.http_status, list(spent.value.headers)) == (401, [("WWW-Authenticate", insufficient)])
    with pytest.raises(doorward.Conflict) as taken:
        auth.create_user("email", EMAIL, {"password": PASSWORD})
    assert (taken.value.http_status, list(taken.value.headers)) == (409, [])
    # What `require()` raises keeps what goes with the outcome's status.
    with pytest.raises(doorward.SignedOutError) as out:
        auth.validate_session("dwa_x").require()
    invalid = 'Bearer error="invalid_token", error_description="invalid"'
    assert (out.value.http_status, list(out.value.headers)) == (401, [("WWW-Authenticate", invalid)])


def test_a_step_up_says_how_young_a_proof_has_to_be(
    auth: doorward.Auth, session: doorward.Session, clock: doorward.ManualClock
) -> None:
    clock.advance(timedelta(minutes=11))
    with pytest.raises(doorward.ProofRequired) as stale:
        auth.link_identity(session.proof, "username", "ada")
    ((name, challenge),) = stale.value.headers
    assert name == "WWW-Authenticate" and challenge.endswith(', max_age="600"')


def test_a_policy_violation_lists_all_rules_with_their_limits() -> None:
    with memory_auth() as auth, pytest.raises(doorward.PolicyViolation) as raised:
        auth.create_user("email", EMAIL, {"password": "short"})
    (first, *_) = raised.value.violations
    assert (first.rule, first.field, first.limit) == ("too_short", "password", 15)


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ({"session": {"grase": "5s"}}, "session.grace"),
        ({"databse": "memory:"}, "database"),
        ({"database": "memory:", "session": {"grace": "soon"}}, "session.grace"),
        ({"database": "memory:", "session.max_sign_ins": 0}, "session.max_sign_ins"),
        ({"database": "postgres://user:hunter2hunter2@[bad"}, "."),
    ],
)
def test_a_bad_setting_is_named(settings: dict[str, Any], part: str) -> None:
    with pytest.raises(doorward.Configuration, match=part) as raised:
        doorward.open(**settings)
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    "call",
    [
        lambda auth: auth.create_user("email", 7, {"password": PASSWORD}),
        lambda auth: auth.create_user("email", EMAIL, {"password": 7}),
        lambda auth: auth.create_user("email", EMAIL, [PASSWORD]),
        lambda auth: auth.create_session("proof"),
        lambda auth: auth.get_user(7),
        lambda auth: auth.on(7),
        lambda auth: auth.update_attributes("00000000-0000-7000-8000-000000000000", []),
    ],
)
def test_a_wrong_type_is_a_type_error_without_the_value(call: Any, auth: doorward.Auth) -> None:
    with pytest.raises(TypeError) as raised:
        call(auth)
    assert PASSWORD not in str(raised.value)


def test_a_bad_id_names_its_form(auth: doorward.Auth) -> None:
    with pytest.raises(doorward.InvalidArgument, match="36 characters"):
        auth.get_user("x")
    with pytest.raises(doorward.NotFound):
        auth.get_user("00000000-0000-7000-8000-000000000000")


async def test_awaited_errors_are_raised_by_the_await(auth: doorward.Auth) -> None:
    answer = auth.aio.get_user("00000000-0000-7000-8000-000000000000")
    with pytest.raises(doorward.NotFound):
        await answer
