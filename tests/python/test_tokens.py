"""Tokens and the outbox: recovery from end to end, addresses that are proved, messages that are sent once."""

from __future__ import annotations

import sys
from datetime import timedelta
from queue import Queue
from typing import Literal

import pytest

import doorward
from doorward.testing import ManualClock, memory_auth

MAIL = "ann@example.org"
OLD = {"password": "correct horse battery"}
NEW = {"password": "windmill over the lake"}


def mailed(auth: doorward.Auth, template: str) -> doorward.Delivery:
    """Takes what is due; gives the one of that template and settles all."""
    taken = auth.take_deliveries()
    for delivery in taken:
        assert auth.settle_delivery(delivery, delivery.attempts, "delivered")
        assert not auth.settle_delivery(delivery, delivery.attempts, "delivered")
    [found] = [delivery for delivery in taken if delivery.template == template]
    return found


def test_a_forgotten_password_is_replaced_and_nothing_else(auth: doorward.Auth) -> None:
    proof = auth.create_user("email", MAIL, OLD).require()
    session = auth.create_session(proof).require()
    assert isinstance(auth.request_token("recovery", "email", "Ann@EXAMPLE.org"), doorward.Accepted)
    letter = mailed(auth, "recovery")
    assert (letter.channel, letter.address, letter.provider, letter.attempts) == ("email", MAIL, "email", 1)
    token = letter.params["token"]
    assert token not in repr(letter)
    good = auth.peek_token(token).require()
    assert (good.purpose, good.identifier, good.user_id) == ("recovery", MAIL, proof.user_id)
    with pytest.raises(doorward.PolicyViolation):
        auth.update_credentials_with_token(token, "email", {"password": "short"})
    assert isinstance(auth.consume_token(token), doorward.Refused)
    recovered = auth.update_credentials_with_token(token, "email", NEW)
    assert isinstance(recovered, doorward.Accepted) and recovered.value == proof.user_id
    assert (recovered.took, recovered.others) == ([], [])
    [left] = recovered.kept
    assert (left.provider, left.name, left.is_identity, left.last_used_at) == ("email", MAIL, True, None)
    user = auth.get_user(proof.user_id)
    assert left.created_at == user.created_at and left.verified_at is None
    assert MAIL not in repr(left)
    assert isinstance(auth.update_credentials_with_token(token, "email", OLD), doorward.Refused)
    assert session.access_token is not None
    assert isinstance(auth.validate_session(session.access_token), doorward.SignedOut)
    assert isinstance(auth.authenticate("email", MAIL, OLD), doorward.Refused)
    assert isinstance(auth.authenticate("email", MAIL, NEW), doorward.Accepted)
    assert mailed(auth, "credentials_changed").address == MAIL


def test_nobody_learns_whether_an_address_exists(auth: doorward.Auth) -> None:
    auth.create_user("email", MAIL, OLD).require()
    known = auth.request_token("recovery", "email", MAIL)
    unknown = auth.request_token("recovery", "email", "nobody@example.org")
    assert repr(known) == repr(unknown)
    assert [letter.address for letter in auth.take_deliveries()] == [MAIL]


def test_an_address_is_proved_by_its_token(auth: doorward.Auth) -> None:
    proof = auth.create_user("email", MAIL, OLD).require()
    auth.request_token("verify", "email", MAIL, proof=proof).require()
    token = mailed(auth, "verify").params["token"]
    with pytest.raises(doorward.ProofRequired, match="recover the account"):
        auth.consume_token(token)
    assert auth.consume_token(token, proof=proof).require().purpose == "verify"
    assert isinstance(auth.consume_token(token), doorward.Refused)
    assert auth.list_identities(proof.user_id)[0].verified_at is not None


def test_what_is_not_settled_comes_again_and_a_retry_waits(auth: doorward.Auth) -> None:
    auth.create_user("email", MAIL, OLD).require()
    auth.request_token("recovery", "email", MAIL).require()
    [letter] = auth.take_deliveries(10, timedelta(seconds=30))
    assert auth.take_deliveries() == []
    assert auth.settle_delivery(letter, letter.attempts, "retry")
    assert auth.take_deliveries() == []
    for limit, lease in ((0, 60), (1001, 60), (1, 0), (1, 4000)):
        with pytest.raises(doorward.InvalidArgument):
            auth.take_deliveries(limit, timedelta(seconds=lease))
    with pytest.raises(ValueError, match="delivered"):
        auth.settle_delivery(letter, letter.attempts, "sent")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="recovery"):
        auth.request_token("magic", "email", MAIL)  # type: ignore[arg-type]


def test_a_callback_sends_what_waits_and_what_it_raises_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    raised: Queue[BaseException | None] = Queue()
    monkeypatch.setattr(sys, "unraisablehook", lambda told: raised.put(told.exc_value))
    sent: Queue[tuple[str, int]] = Queue()

    def send(delivery: doorward.Delivery) -> Literal["delivered", "retry", "failed"]:
        sent.put((delivery.template, delivery.attempts))
        if delivery.attempts == 1:
            raise OSError("the mail server is away")
        return "delivered"

    clock = ManualClock()
    with memory_auth(clock=clock, on_delivery=send) as auth:
        auth.create_user("email", MAIL, OLD).require()
        auth.request_token("recovery", "email", MAIL).require()
        assert sent.get(timeout=10) == ("recovery", 1)
        assert isinstance(raised.get(timeout=10), OSError)
        clock.advance(timedelta(seconds=11))
        auth.request_token("recovery", "email", MAIL).require()
        assert {sent.get(timeout=10), sent.get(timeout=10)} == {("recovery", 1), ("recovery", 2)}
