"""Every other operation once, through both views, and every way to say what is configured."""

from __future__ import annotations

import logging
import shutil
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import doorward
import pytest
from conftest import EMAIL, FAST, PASSWORD
from doorward.testing import memory_auth
from test_second_factor import PLUGIN

OTHER = "quiet lanterns drift at dusk"


def test_what_a_fresh_proof_changes(auth: doorward.Auth, session: doorward.Session) -> None:
    auth.link_identity(session.proof, "username", "ada").require()
    assert {identity.provider for identity in auth.list_identities(session)} == {"email", "username"}
    auth.authenticate("username", "ADA", {"password": PASSWORD}).require()

    session = auth.create_session(auth.authenticate("email", EMAIL, {"password": PASSWORD}).require()).require()
    changed = auth.trusted().update_identifier(session.proof, "email", EMAIL, "lovelace@example.com").require()
    assert changed.user_id == session.user.id
    auth.unlink_identity(changed, "username", "ada").require()
    assert [identity.identifier for identity in auth.list_identities(session)] == ["lovelace@example.com"]

    proof = auth.authenticate("email", "lovelace@example.com", {"password": PASSWORD}).require()
    (password,) = auth.list_authenticators(proof.user_id)
    auth.rename_authenticator(proof, "email", password, "by heart")
    (password,) = auth.list_authenticators(proof.user_id)
    assert password.description == {}, "its kind shows nothing"
    assert password.label == "by heart" and repr(password).startswith("<Authenticator ")
    with pytest.raises(doorward.LastWayIn):
        auth.remove_authenticator(proof, "email", password.id)


def test_whose_a_new_address_is_a_message_asks(auth: doorward.Auth, session: doorward.Session) -> None:
    auth.create_user("email", "taken@example.com", {"password": OTHER}).require()
    for who in ("free@example.com", "taken@example.com"):
        same = auth.update_identifier(session.proof, "email", EMAIL, who).require()
        assert same.user_id == session.user.id
    sent = {message.address: message.template for message in auth.take_deliveries()}
    assert sent == {"free@example.com": "change_identifier", "taken@example.com": "address_in_use"}
    assert [identity.identifier for identity in auth.list_identities(session)] == [EMAIL]

    auth.link_identity(session.proof, "email", "second@example.com").require()
    (message,) = auth.take_deliveries()
    with pytest.raises(doorward.ProofRequired):
        auth.consume_token(message.params["token"])
    auth.consume_token(message.params["token"], proof=session.proof).require()
    held = {identity.identifier: identity.verified_at for identity in auth.list_identities(session)}
    assert set(held) == {EMAIL, "second@example.com"} and held["second@example.com"]


def test_a_stale_proof_changes_nothing(
    auth: doorward.Auth, session: doorward.Session, clock: doorward.ManualClock
) -> None:
    clock.advance(timedelta(minutes=11))
    with pytest.raises(doorward.ProofRequired):
        auth.update_credentials(session.proof, "email", {"password": OTHER})


def test_a_new_password_takes_the_current_one(auth: doorward.Auth, session: doorward.Session) -> None:
    wrong = auth.update_credentials(session.proof, "email", {"password": OTHER, "current": "not the one of today"})
    assert isinstance(wrong, doorward.Refused)
    auth.update_credentials(session.proof, "email", {"password": OTHER, "current": PASSWORD}).require()
    auth.authenticate("email", EMAIL, {"password": OTHER}).require()


def test_the_current_password_may_be_demanded_always() -> None:
    with memory_auth(policy={"current_password": "always"}, **FAST) as auth:
        proof = auth.create_user("email", EMAIL, {"password": PASSWORD}).require()
        with pytest.raises(doorward.ProofRequired):
            auth.update_credentials(proof, "email", {"password": OTHER})
        auth.update_credentials(proof, "email", {"password": OTHER, "current": PASSWORD}).require()


def test_other_sessions_end_and_this_one_stays(auth: doorward.Auth, session: doorward.Session) -> None:
    others = [
        auth.create_session(auth.authenticate("email", EMAIL, {"password": PASSWORD}).require()).require()
        for _ in range(2)
    ]
    assert len(auth.list_sessions(session.user)) == 3
    assert auth.end_other_sessions(session.proof) == 2
    assert [device.id for device in auth.list_sessions(session.user)] == [session.id]
    assert not any(auth.session_alive(session.user, other) for other in others)
    # An id without its owner is never enough.
    stranger = auth.create_user("email", "eve@example.com", {"password": OTHER}).require().user_id
    assert auth.end_sign_in(stranger, session.id) == 0
    assert auth.end_all_sessions(session.user) == 1


def test_an_application_may_make_the_id(auth: doorward.Auth) -> None:
    mine = uuid.UUID("01890000-0000-7000-8000-000000000001")
    proof = auth.create_user("email", EMAIL, {"password": PASSWORD}, id=mine).require()
    assert proof.user_id == mine
    # A repeat is answered as a sign-in would be.
    assert auth.create_user("email", EMAIL, {"password": PASSWORD}, id=str(mine)).require().user_id == mine
    with pytest.raises(doorward.Conflict):
        auth.create_user("email", EMAIL, {"password": PASSWORD})


def test_unique_attributes_find_their_user() -> None:
    with memory_auth(attributes={"unique": ["handle"]}) as auth:
        proof = auth.create_user("email", EMAIL, {"password": PASSWORD}, attributes={"handle": "ada"}).require()
        found = auth.find_user_by_attribute("handle", "ada")
        assert found is not None and found.id == proof.user_id
        assert auth.find_user_by_attribute("handle", "eve") is None
        with pytest.raises(doorward.InvalidArgument, match="attributes.unique"):
            auth.find_user_by_attribute("name", "ada")
        with pytest.raises(doorward.Conflict) as raised:
            auth.create_user("email", "eve@example.com", {"password": OTHER}, attributes={"handle": "ada"})
        assert raised.value.what == "attribute"


async def test_upkeep_through_both_views(file_auth: doorward.Auth) -> None:
    file_auth.health()
    file_auth.migrate()
    file_auth.agree("provider/email")
    with pytest.raises(doorward.NotFound):
        file_auth.agree("provider/absent")
    assert file_auth.purge_expired() == await file_auth.aio.purge_expired()
    assert file_auth.purge_expired().more is False
    assert file_auth.stats() == await file_auth.aio.stats()
    await file_auth.aio.health()
    await file_auth.aio.migrate()
    await file_auth.aio.agree("provider/email")
    aio = file_auth.aio.realm("other").on(doorward.Request("GET"))
    assert isinstance(await aio.check_request(), doorward.SignedOut)
    with pytest.raises(doorward.InvalidState):
        await file_auth.aio.check_request()


def test_a_file_a_text_and_keywords_say_the_same(tmp_path: Path, clock: doorward.ManualClock) -> None:
    text = 'database = "memory:"\nprovider.email.kind = "password"\n[session]\naccess_ttl = "2h"\n'
    (tmp_path / "doorward.toml").write_text(text)
    fast: dict[str, Any] = {"password": FAST["password"]}
    keywords: dict[str, Any] = {"database": "memory:", "provider.email.kind": "password"}
    dotted: dict[str, Any] = {"session.access_ttl": timedelta(hours=2)}
    contexts = [
        doorward.open(tmp_path / "doorward.toml", clock=clock, **fast),
        doorward.open(str(tmp_path / "doorward.toml"), clock=clock, **fast),
        doorward.open(toml=text, clock=clock, **fast),
        doorward.open(clock=clock, session={"access_ttl": "2h", "grace": None}, **keywords, **fast),
        doorward.open(clock=clock, **dotted, **keywords, **fast),
        # What is said by keyword stands above the text.
        doorward.open(toml=text.replace("2h", "3h"), clock=clock, session={"access_ttl": "2h"}, **fast),
    ]
    for auth in contexts:
        session = auth.create_session(auth.create_user("email", EMAIL, {"password": PASSWORD}).require()).require()
        assert session.access_expires_at - clock.now() == timedelta(hours=2)
        auth.stop()
    with pytest.raises(TypeError, match="not both"):
        doorward.open("doorward.toml", toml=text)
    with pytest.raises(doorward.Configuration, match="absent.toml"):
        doorward.open(tmp_path / "absent.toml")
    with pytest.raises(TypeError, match="session.grace"):
        doorward.open(database="memory:", session={"grace": object()})


def test_text_in_settings_is_quoted(tmp_path: Path) -> None:
    strange = tmp_path / 'a "quoted\\ name\nand more'
    strange.mkdir()
    with doorward.open(database=f"sqlite:{strange}/doorward.db", **FAST) as auth:
        assert auth.stats().users == 0
    assert (strange / "doorward.db").exists()


def test_the_core_logs_to_logging(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    # A copy: a plugin is loaded, and says so, once per process and file.
    plugin = tmp_path / "totp.so"
    shutil.copy(PLUGIN, plugin)
    caplog.set_level(logging.DEBUG)
    memory_auth(plugin={"totp": {"path": plugin}}, provider={"totp": {"kind": "totp"}})
    lines = [record.getMessage() for record in caplog.records if record.name == "doorward.event"]
    assert [line for line in lines if line.startswith("plugin_loaded") and str(plugin) in line], lines


def test_the_same_is_equal_and_has_its_place_in_a_set(auth: doorward.Auth, session: doorward.Session) -> None:
    user = session.user
    other = auth.get_user(auth.trusted().create_user("email", "bo@example.com", {"password": PASSWORD}).require().user_id)
    changed = auth.update_attributes(user, {"name": "Ada"})
    assert (changed == user, user != other, len({user, changed, other})) == (True, True, 2)
    (device,) = auth.list_sessions(user)
    assert device == auth.list_sessions(user)[0] and len({device, *auth.list_sessions(user)}) == 1
    assert session.access_token is not None
    seen = auth.validate_session(session.access_token).require()
    assert seen == session and hash(seen) == hash(session)
    assert user != session and user != user.id and device != session
