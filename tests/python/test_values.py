"""Values as plain data: `to_dict` for JSON, pickle and copy, and neither for what holds a secret or a context."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import doorward
import pytest
from conftest import EMAIL, PASSWORD
from doorward import _doorward, _values
from doorward.testing import memory_auth, sign_in

TOTP = Path(__file__).resolve().parents[2] / "target/debug/libdoorward_totp.so"


@pytest.fixture(scope="module")
def values() -> Iterator[dict[str, Any]]:
    """One of each class that the package gives, as a program gets it."""
    events: list[doorward.Event] = []
    settings: dict[str, Any] = {
        "plugin": {"totp": {"path": str(TOTP)}},
        "provider": {"totp": {"kind": "totp"}, "raw": {"kind": "password", "rule": "opaque", "group": "raw"}},
        "attributes": {"public": ["name"]},
    }
    with memory_auth(on_event=events.append, **settings) as auth:
        made = auth.create_user("email", EMAIL, {"password": PASSWORD}, attributes={"name": "Ada", "salary": 7})
        proof = made.require()
        continued = auth.begin_enrollment("totp", proof=proof)
        assert isinstance(continued, doorward.Continue)
        auth.link_identity(proof, "raw", b"\xff\xfe", {"password": PASSWORD})
        identity = next(one for one in auth.list_identities(proof.user_id) if one.provider == "raw")
        request = doorward.Request("POST", [("sec-fetch-site", "same-origin"), ("user-agent", "x")], "192.0.2.7")
        view = auth.on(request)
        accepted = view.create_session(view.authenticate("email", EMAIL, {"password": PASSWORD}).require())
        session = accepted.require()
        auth.request_token("recovery", "email", EMAIL)
        (delivery,) = (one for one in auth.take_deliveries() if one.template == "recovery")
        token = auth.peek_token(delivery.params["token"])
        recovered = auth.update_credentials_with_token(delivery.params["token"], "email", {"password": PASSWORD + "!"})
        assert isinstance(recovered, doorward.Accepted)
        with pytest.raises(doorward.PolicyViolation) as refused:
            auth.create_user("email", "eve@example.com", {"password": "short"})
        yield {
            "Accepted": accepted,
            "AsyncAuth": auth.aio,
            "Auth": auth,
            "Authenticator": auth.list_authenticators(proof.user_id)[0],
            "Continue": continued,
            "Delivery": delivery,
            "Device": session_device(auth, proof.user_id, PASSWORD + "!"),
            "Event": next(event for event in events if event.name == "session_created"),
            "Factor": session.factors[0],
            "Field": continued.flow.next[0].fields[0],
            "Flow": continued.flow,
            "Headers": accepted.headers,
            "Identity": identity,
            "ManualClock": doorward.ManualClock(),
            "Method": continued.flow.next[0],
            "Proof": proof,
            "Purged": auth.purge_expired(),
            "Refused": auth.authenticate("email", EMAIL, {"password": "wrong"}),
            "Request": request,
            "Session": session,
            "SetCookie": accepted.cookies[0],
            "SignedOut": auth.validate_session("dwa_"),
            "Stats": auth.stats(),
            "TokenInfo": token.require(),
            "User": auth.get_user(proof.user_id),
            "Violation": refused.value.violations[0],
            "Way": (recovered.took + recovered.kept)[0],
        }


def session_device(auth: doorward.Auth, user: Any, password: str) -> doorward.Device:
    auth.create_session(auth.authenticate("email", EMAIL, {"password": password}).require(), attributes={"tab": 1}).require()
    return auth.list_sessions(user)[0]


# What a value holds that is not for JSON, and why.
HIDDEN: dict[str, set[str]] = {
    "Claim": {"token"},
    "Delivery": {"params"},
    "Flow": {"token", "user_id"},
    "Method": {"challenge"},
    "Session": {"access_token", "refresh_token", "headers", "proof"},
    "User": {"public_attributes"},
}


def test_every_class_has_its_say() -> None:
    # A class that is added stands in one of the tables, or this fails.
    given = {name for name in doorward.__all__ if isinstance(getattr(doorward, name), type)}
    given -= {name for name in given if issubclass(getattr(doorward, name), BaseException)}
    assert given - {"ManualClock"} <= set(_values.SHOWN) | set(_values.REFUSED)
    assert {name for name in _values.SHOWN if not hasattr(getattr(_doorward, name), "to_dict")} == set()
    assert {name for name in dir(_doorward) if hasattr(getattr(_doorward, name), "to_dict")} == set(_values.SHOWN)


@pytest.mark.parametrize("name", sorted(_values.SHOWN))
def test_a_dict_has_all_but_what_is_named(name: str) -> None:
    kind = getattr(_doorward, name)
    properties = {held for held in dir(kind) if not held.startswith("_") and not callable(getattr(kind, held))}
    assert properties == set(_values.SHOWN[name]) | HIDDEN.get(name, set())


@pytest.mark.parametrize("name", sorted(set(_values.SHOWN) - {"Claim"}))
def test_a_dict_is_json_and_holds_no_secret(name: str, values: dict[str, Any]) -> None:
    value = values[name]
    shown = value.to_dict()
    assert list(shown) == list(_values.SHOWN[name])
    text = json.dumps(shown, allow_nan=False, ensure_ascii=False)
    assert json.loads(text) == shown
    text.encode()
    session, delivery = values["Session"], values["Delivery"]
    flow = values["Flow"]
    secrets = [session.access_token, session.refresh_token, flow.token, *delivery.params.values(), values["SetCookie"].value]
    secrets += [held.decode() for held in flow.next[0].challenge.values()]
    secrets = [secret for secret in secrets if len(secret) > 8]
    assert len(secrets) >= 6 and PASSWORD not in text
    assert [secret for secret in secrets if secret in text] == []


def test_what_is_in_a_dict(values: dict[str, Any]) -> None:
    user, session = values["User"], values["Session"]
    assert user.to_dict()["id"] == str(user.id)
    assert user.to_dict()["attributes"] == {"name": "Ada", "salary": 7}
    assert datetime.fromisoformat(user.to_dict()["created_at"]) == user.created_at
    assert user.to_dict()["disabled_at"] is None
    assert session.to_dict()["user"]["id"] == str(user.id)
    assert session.to_dict()["factors"][0]["provider"] == "email"
    assert values["Identity"].to_dict()["identifier"] == r"\xff\xfe"
    assert values["Flow"].to_dict()["next"][0]["fields"][0]["name"] == values["Field"].name


COPIED = sorted(set(_values.SHOWN) - set(_values.REFUSED))
WAYS = {
    "pickle": lambda value: pickle.loads(pickle.dumps(value)),
    "pickle 2": lambda value: pickle.loads(pickle.dumps(value, protocol=2)),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", COPIED)
def test_what_holds_no_secret_is_pickled_and_copied(name: str, way: str, values: dict[str, Any]) -> None:
    value = values[name]
    again = WAYS[way](value)
    assert type(again) is type(value) and again is not value
    assert again.to_dict() == value.to_dict()
    if name != "Event":
        assert again == value
    for held in _values.SHOWN[name] + _values.KEPT.get(name, ()):
        assert type(getattr(again, held)) is type(getattr(value, held))
        if held != "factors":
            assert getattr(again, held) == getattr(value, held)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", sorted(_values.REFUSED))
def test_what_holds_a_secret_or_a_context_says_what_to_keep(name: str, way: str, values: dict[str, Any]) -> None:
    if name not in values:
        # Outcomes are one macro; what is hard to come by is refused by the same line.
        assert getattr(_doorward, name).__reduce__ is not object.__reduce__
        return
    with pytest.raises(TypeError, match=rf"^{name} is neither pickled nor copied: .* (keep|take|open|settle|send|make)"):
        WAYS[way](values[name])


def test_a_copy_of_a_user_is_for_reading_and_for_naming(auth: doorward.Auth, proof: doorward.Proof) -> None:
    user = auth.get_user(proof.user_id)
    again = pickle.loads(pickle.dumps(user))
    assert again in {user}
    assert again.public_attributes == user.public_attributes == {}
    assert auth.update_attributes(again, {"name": "Ada"}).attributes == {"name": "Ada"}
    with pytest.raises(TypeError, match=r"a copy, which has no context: read it with `get_user"):
        sign_in(_Client(), again)


class _Client:
    def __init__(self) -> None:
        self.cookies: dict[str, str] = {}


def test_an_asserted_factor_is_the_same_after_pickle(auth: doorward.Auth, proof: doorward.Proof) -> None:
    at = datetime(2026, 1, 1, tzinfo=timezone.utc)
    factor = doorward.Factor("sso", "possession", at, channel="app", two_in_one=True)
    assert pickle.loads(pickle.dumps(factor)) == factor
    assert pickle.loads(pickle.dumps(factor)) != doorward.Factor("sso", "possession", at + timedelta(seconds=1), channel="app")


def test_an_error_reaches_another_process(auth: doorward.Auth, session: doorward.Session) -> None:
    with pytest.raises(doorward.PolicyViolation) as weak:
        auth.create_user("email", "eve@example.com", {"password": "short"})
    again = pickle.loads(pickle.dumps(weak.value))
    assert (type(again), str(again)) == (doorward.PolicyViolation, str(weak.value))
    assert again.violations == weak.value.violations
    with pytest.raises(doorward.Conflict) as taken:
        auth.trusted().create_user("email", EMAIL, {"password": PASSWORD})
    assert pickle.loads(pickle.dumps(taken.value)).what == "identifier"
    with pytest.raises(doorward.RefusedError) as refused:
        auth.authenticate("email", EMAIL, {"password": "wrong"}).require()
    again = copy.deepcopy(refused.value)
    assert again.http_status == 401 and str(again) == str(refused.value)
    for gone in ("outcome", "headers"):
        with pytest.raises(AttributeError, match=f"{gone}: a copy of an error has none"):
            getattr(again, gone)
    with pytest.raises(AttributeError, match="there is no such attribute"):
        getattr(again, "headders")
