"""Exceptions: one class for each row of the core's table, no more and no less."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
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


PASSWORDS = {"email": {"kind": "password"}}


def opened(**settings: Any) -> Callable[[Path], object]:
    return lambda _: doorward.open(**{"database": "memory:", **settings}).stats()


def on_file(database: str) -> Callable[[Path], object]:
    def attempt(folder: Path) -> object:
        (folder / "folder").mkdir()
        (folder / "junk").write_text("no database " * 500)
        return doorward.open(database=f"sqlite:{folder}/{database}", provider=PASSWORDS).stats()

    return attempt


def with_key(folder: Path) -> object:
    key = folder / "base64.key"
    key.write_text("Zm9yIGEga2V5IHRoYXQgaXMgbm90IGhleGFkZWNpbWFs")
    key.chmod(0o600)
    keys = [{"id": "k1", "file": str(key), "use": "seal"}]
    return doorward.open(database=f"sqlite:{folder}/d.db", provider=PASSWORDS, keys=keys).stats()


def called(call: Callable[[doorward.Auth], object]) -> Callable[[Path], object]:
    return lambda _: call(memory_auth())


@pytest.mark.parametrize(
    "attempt, error, said",
    [
        (opened(provider={"email": {}}), doorward.Configuration, "`provider.email.kind` is required"),
        (lambda _: doorward.open(database="memory:").authenticate("email", "a"), doorward.InvalidArgument, "no provider is configured: set"),
        (opened(origins=["https://app.example"]), doorward.Configuration, "its settings are `origins.trusted`"),
        (lambda _: doorward.open(store="sqlite:a.db"), doorward.Configuration, "the nearest is `database`"),
        (lambda _: doorward.open(url="sqlite:a.db"), doorward.Configuration, "the nearest is `database`"),
        (on_file("folder"), doorward.Configuration, "folder is a folder: name a file in it"),
        (on_file("junk"), doorward.KeyMissing, "if that file is no database of Doorward's, name another in `database`"),
        (on_file("nowhere/a.db"), doorward.Configuration, "there is no folder .*nowhere: make it"),
        (lambda _: doorward.Request("GET", [("only",)]), TypeError, "pairs of name and value"),  # type: ignore[list-item]
        (lambda _: doorward.Request("GET", 7), TypeError, "pairs of name and value"),  # type: ignore[arg-type]
        (
            called(lambda auth: auth.create_session(auth.create_user("email", EMAIL, {"password": PASSWORD}))),  # type: ignore[arg-type]
            TypeError,
            r"not the outcome Accepted: call \.require\(\)",
        ),
        (
            called(lambda auth: auth.authenticate("email", EMAIL, {"password": None})),  # type: ignore[dict-item]
            TypeError,
            'the credential "password" takes str or bytes, not NoneType',
        ),
        (with_key, doorward.Configuration, "openssl rand -hex 32"),
        (lambda _: doorward.ManualClock(datetime(2026, 1, 1)), TypeError, "aware datetime.*timezone.utc"),
    ],
)
def test_a_mistake_is_told_what_is_right(
    attempt: Callable[[Path], object], error: type[Exception], said: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=said):
        attempt(tmp_path)


def test_what_is_at_hand_is_taken(tmp_path: Path) -> None:
    with doorward.open(database=tmp_path / "by path.db", provider=PASSWORDS) as auth:
        assert auth.stats().users == 0
    assert (tmp_path / "by path.db").exists()
    assert doorward.Request("GET", {"cookie": "a=b"}, "unix:").peer is None
    # SQLAlchemy's address of the same database names a driver.
    key = tmp_path / "hex.key"
    key.write_text("0f" * 32)
    key.chmod(0o600)
    with pytest.raises(doorward.Unavailable):
        doorward.open(
            database="postgresql+psycopg://u@127.0.0.1:1/d", provider=PASSWORDS, keys=[{"id": "k1", "file": key}]
        ).stats()


def test_attributes_that_nest_too_deep_are_told_so(auth: doorward.Auth) -> None:
    for depth in (200, 100_000):
        nested: Any = 1
        for _ in range(depth):
            nested = {"a": nested}
        with pytest.raises(doorward.InvalidArgument, match="attributes nest at most 127 deep"):
            auth.trusted().create_user("email", EMAIL, {"password": PASSWORD}, attributes=nested)
        # Released one by one: Python's own bound holds for that as well.
        while isinstance(nested, dict):
            nested = nested.popitem()[1]


def test_a_stopped_context_says_that_it_was_stopped() -> None:
    with memory_auth() as auth:
        auth.stats()
    with pytest.raises(doorward.InvalidState, match="was stopped, by stop or by the end of a `with` block: call start"):
        auth.stats()
    auth.start()
    assert auth.stats().users == 0
