"""What type checkers know of every operation and outcome: checked by `test_typing.py`, never run."""

from __future__ import annotations

import asyncio
import copy
import sys
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, TypeAlias
from uuid import UUID

import doorward
from doorward import (
    Accepted,
    AsyncAuth,
    Auth,
    Authenticator,
    Claim,
    Continue,
    Delivery,
    Device,
    Flow,
    Headers,
    HttpResponse,
    Identity,
    KeyAccepted,
    Method,
    Proof,
    Purged,
    Refused,
    RequestRefused,
    Session,
    SignedIn,
    SignedOut,
    Stats,
    Throttled,
    TokenInfo,
    Unregistered,
    User,
)
from typing_extensions import assert_never, assert_type

Tried: TypeAlias = Accepted[Proof] | Continue | Unregistered | Refused | Throttled | RequestRefused
Changed: TypeAlias = Accepted[Proof] | Continue | Refused | RequestRefused
Made: TypeAlias = Accepted[Session] | Refused | RequestRefused
Called: TypeAlias = SignedIn | KeyAccepted | SignedOut | Refused | Throttled | RequestRefused


def operations(
    auth: Auth,
    proof: Proof,
    user: User,
    session: Session,
    device: Device,
    flow: Flow,
    claim: Claim,
    authenticator: Authenticator,
    delivery: Delivery,
) -> None:
    assert_type(auth.create_user("email", "ada@example.com"), Tried)
    assert_type(auth.create_user_from_claim(claim), Tried)
    assert_type(auth.peek_claim(claim), Accepted[Claim] | Refused | RequestRefused)
    assert_type(auth.begin_enrollment("email"), Tried)
    assert_type(auth.authenticate("email"), Tried)
    assert_type(auth.continue_flow(flow), Tried)
    assert_type(auth.list_methods(), list[Method])
    assert_type(auth.create_session(proof), Made)
    assert_type(auth.create_session_for_user(user), Made)
    assert_type(auth.validate_session("dwa_"), Accepted[Session] | SignedOut)
    assert_type(auth.refresh_session("dwr_"), Accepted[Session] | SignedOut | RequestRefused)
    assert_type(auth.check_request(), Called)
    assert_type(auth.resume_request(), Called)
    assert_type(auth.end_session(), Accepted[int] | RequestRefused)
    assert_type(auth.end_sign_in(user, device), int)
    assert_type(auth.end_other_sessions(proof), int)
    assert_type(auth.end_all_sessions(user), int)
    assert_type(auth.list_sessions(user), list[Device])
    assert_type(auth.session_alive(user, device), bool)
    assert_type(auth.update_session_attributes(session, {}), dict[str, Any])
    assert_type(auth.session_proof(session), Proof)
    assert_type(auth.get_user(user), User)
    assert_type(auth.find_user("email", "ada@example.com"), User | None)
    assert_type(auth.find_user_by_attribute("handle", "ada"), User | None)
    assert_type(auth.list_users(), list[User])
    assert_type(auth.list_users(newest_first=True, enabled=False, provider="email", begins="ada"), list[User])
    assert_type(auth.count_users(enabled=True), int)
    assert_type(auth.update_attributes(user, {}), User)
    assert_type(auth.disable_user(user), int)
    assert_type(auth.reset_factors(user, "lost phone"), int)
    auth.set_credentials(user, "email", {"password": "x"})
    auth.add_address(user, "email", "ada@example.com")
    auth.enable_user(user)
    assert_type(auth.delete_user(user), int)
    assert_type(auth.update_credentials(proof, "email", {"password": "x"}), Changed)
    assert_type(auth.update_identifier(proof, "email", "a", "b"), Changed)
    assert_type(auth.link_identity(proof, "email", "ada@example.com"), Changed)
    assert_type(auth.begin_link(proof, "email"), Tried)
    assert_type(auth.link_claim(proof, claim), Changed)
    assert_type(auth.unlink_identity(proof, "email", "ada@example.com"), Changed)
    assert_type(auth.list_identities(user), list[Identity])
    assert_type(auth.list_authenticators(user), list[Authenticator])
    assert_type(authenticator.description, dict[str, Any])
    auth.rename_authenticator(proof, "email", authenticator, "phone")
    assert_type(auth.remove_authenticator(proof, "email", authenticator), Changed)
    assert_type(auth.request_token("recovery", "email", "ada@example.com"), Accepted[None] | Throttled | Refused | RequestRefused)
    assert_type(auth.peek_token("dwt_"), Accepted[TokenInfo] | Refused | RequestRefused)
    assert_type(auth.consume_token("dwt_"), Accepted[TokenInfo] | Refused | RequestRefused)
    assert_type(auth.update_credentials_with_token("dwt_", "email", {"password": "x"}), Accepted[UUID] | Refused | RequestRefused)
    assert_type(auth.update_identifier_with_token("dwt_", "a", "b"), Accepted[UUID] | Refused | RequestRefused)
    assert_type(auth.take_deliveries(), list[Delivery])
    assert_type(auth.settle_delivery(delivery, delivery.attempts, "delivered"), bool)
    assert_type(auth.purge_expired(), Purged)
    assert_type(auth.stats(), Stats)
    assert_type(auth.metrics(), str)
    assert_type(auth.http_wants("GET", b"/auth/session"), int | None)
    assert_type(auth.http_handle(b""), HttpResponse | None)
    assert_type(auth.http_page(), dict[str, Any] | None)
    auth.health()
    auth.start()
    auth.stop()
    auth.migrate()
    auth.agree("provider/email")
    assert_type(doorward.open(database="memory:"), Auth)
    assert_type(auth.aio, AsyncAuth)
    assert_type(auth.realm("acme"), Auth)
    assert_type(auth.trusted(), Auth)
    assert_type(auth.on(doorward.Request("GET", {"cookie": "a=b"}, "unix:")), Auth)
    assert_type(auth.headers, Headers)


async def awaited(
    aio: AsyncAuth,
    proof: Proof,
    user: User,
    session: Session,
    device: Device,
    flow: Flow,
    claim: Claim,
    authenticator: Authenticator,
    delivery: Delivery,
) -> None:
    assert_type(await aio.create_user("email", "ada@example.com"), Tried)
    assert_type(await aio.create_user_from_claim(claim), Tried)
    assert_type(await aio.peek_claim(claim), Accepted[Claim] | Refused | RequestRefused)
    assert_type(await aio.begin_enrollment("email"), Tried)
    assert_type(await aio.authenticate("email"), Tried)
    assert_type(await aio.continue_flow(flow), Tried)
    assert_type(await aio.list_methods(), list[Method])
    assert_type(await aio.create_session(proof), Made)
    assert_type(await aio.create_session_for_user(user), Made)
    assert_type(await aio.validate_session("dwa_"), Accepted[Session] | SignedOut)
    assert_type(await aio.refresh_session("dwr_"), Accepted[Session] | SignedOut | RequestRefused)
    assert_type(await aio.check_request(), Called)
    assert_type(await aio.resume_request(), Called)
    assert_type(await aio.end_session(), Accepted[int] | RequestRefused)
    assert_type(await aio.end_sign_in(user, device), int)
    assert_type(await aio.end_other_sessions(proof), int)
    assert_type(await aio.end_all_sessions(user), int)
    assert_type(await aio.list_sessions(user), list[Device])
    assert_type(await aio.session_alive(user, device), bool)
    assert_type(await aio.update_session_attributes(session, {}), dict[str, Any])
    assert_type(await aio.session_proof(session), Proof)
    assert_type(await aio.get_user(user), User)
    assert_type(await aio.find_user("email", "ada@example.com"), User | None)
    assert_type(await aio.find_user_by_attribute("handle", "ada"), User | None)
    assert_type(await aio.list_users(), list[User])
    assert_type(await aio.count_users(provider="email", begins=b"ada"), int)
    assert_type(await aio.update_attributes(user, {}), User)
    assert_type(await aio.disable_user(user), int)
    assert_type(await aio.reset_factors(user, "lost phone"), int)
    await aio.set_credentials(user, "email", {"password": "x"})
    await aio.add_address(user, "email", "ada@example.com")
    await aio.enable_user(user)
    assert_type(await aio.delete_user(user), int)
    assert_type(await aio.update_credentials(proof, "email", {"password": "x"}), Changed)
    assert_type(await aio.update_identifier(proof, "email", "a", "b"), Changed)
    assert_type(await aio.link_identity(proof, "email", "ada@example.com"), Changed)
    assert_type(await aio.begin_link(proof, "email"), Tried)
    assert_type(await aio.link_claim(proof, claim), Changed)
    assert_type(await aio.unlink_identity(proof, "email", "ada@example.com"), Changed)
    assert_type(await aio.list_identities(user), list[Identity])
    assert_type(await aio.list_authenticators(user), list[Authenticator])
    await aio.rename_authenticator(proof, "email", authenticator, "phone")
    assert_type(await aio.remove_authenticator(proof, "email", authenticator), Changed)
    assert_type(await aio.request_token("recovery", "email", "ada@example.com"), Accepted[None] | Throttled | Refused | RequestRefused)
    assert_type(await aio.peek_token("dwt_"), Accepted[TokenInfo] | Refused | RequestRefused)
    assert_type(await aio.consume_token("dwt_"), Accepted[TokenInfo] | Refused | RequestRefused)
    assert_type(await aio.update_credentials_with_token("dwt_", "email", {"password": "x"}), Accepted[UUID] | Refused | RequestRefused)
    assert_type(await aio.update_identifier_with_token("dwt_", "a", "b"), Accepted[UUID] | Refused | RequestRefused)
    assert_type(await aio.take_deliveries(), list[Delivery])
    assert_type(await aio.settle_delivery(delivery, delivery.attempts, "delivered"), bool)
    assert_type(await aio.purge_expired(), Purged)
    assert_type(await aio.stats(), Stats)
    assert_type(await aio.metrics(), str)
    assert_type(aio.http_wants("GET", b"/auth/session"), int | None)
    assert_type(await aio.http_handle(b""), HttpResponse | None)
    assert_type(await aio.http_page(), dict[str, Any] | None)
    await aio.health()
    await aio.start()
    await aio.stop()
    await aio.migrate()
    await aio.agree("provider/email")


async def scheduled(aio: AsyncAuth) -> None:
    _ = assert_type(aio.stats(), Coroutine[object, None, Stats])
    assert_type(asyncio.create_task(aio.stats()), asyncio.Task[Stats])
    both = await asyncio.gather(aio.stats(), aio.list_users())
    assert_type(both, tuple[Stats, list[User]])
    assert_type(await asyncio.wait_for(aio.get_user("id"), 1), User)
    if sys.version_info >= (3, 11):
        async with asyncio.TaskGroup() as group:
            assert_type(group.create_task(aio.list_users()), asyncio.Task[list[User]])
    async with aio as entered:
        assert_type(entered, AsyncAuth)


def run(aio: AsyncAuth) -> None:
    assert_type(asyncio.run(aio.stats()), Stats)


def by_position(outcome: Tried) -> UUID | None:
    match outcome:
        case Accepted(proof):
            assert_type(proof, Proof)
            return proof.user_id
        case Continue(flow):
            assert_type(flow, Flow)
        case Unregistered(claim):
            assert_type(claim, Claim)
        case Refused(flow):
            assert_type(flow, Flow | None)
        case Throttled(retry_after):
            assert_type(retry_after, timedelta)
        case RequestRefused(reason, setting):
            assert_type(reason, str)
            assert_type(setting, str)
        case _:
            assert_never(outcome)
    return None


def by_name(outcome: Called) -> str:
    match outcome:
        case SignedIn(session=session):
            assert_type(session, Session)
            return str(session.id)
        case KeyAccepted(user=user, scopes=scopes):
            assert_type(user, User)
            assert_type(scopes, list[str])
        case SignedOut(reason=reason):
            assert_type(reason, str)
        case Refused() | Throttled() | RequestRefused():
            assert_type(outcome.http_status, int)
        case _:
            assert_never(outcome)
    return ""


def of_a_caller(outcome: Called) -> None:
    match outcome:
        case SignedIn(session):
            assert_type(session, Session)
        case KeyAccepted(user, provider):
            assert_type(user, User)
            assert_type(provider, str)
        case SignedOut(reason):
            assert_type(reason, str)
        case _:
            assert_type(outcome, Refused | Throttled | RequestRefused)


def as_plain_data(user: User, session: Session, flow: Flow) -> None:
    assert_type(user.to_dict(), dict[str, Any])
    assert_type(session.to_dict(), dict[str, Any])
    assert_type([method.to_dict() for method in flow.next], list[dict[str, Any]])
    assert_type(copy.copy(user), User)


def required(tried: Tried, made: Made, ended: Accepted[int] | RequestRefused) -> None:
    assert_type(tried.require(), Proof)
    assert_type(made.require(), Session)
    assert_type(ended.require(), int)
    assert_type(made.headers, Headers)
