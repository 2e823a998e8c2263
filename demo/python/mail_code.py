"""Signing up and in with a code by e-mail, and adding an address to an account. The code is in the mailbox (mailbox.py)."""

import doorward
from doorward import Accepted, Continue, Refused, Throttled, Unregistered
from starlette.responses import Response
from visit import Page, Visit, Wants, back, go
from ways_in import ask_for_password, come_in, wait_for


def ask_for_address(visit: Visit, error: str | None = None, status: int = 200) -> Response:
    view = {"form": {"email": visit.typed("email")}, "errors": {"email": error}}
    return visit.show("mail", "A code by e-mail", view, status)


async def address(visit: Visit) -> Response:
    return ask_for_address(visit)


def ask_for_code(visit: Visit, flow: str, error: str | None = None, status: int = 200) -> Response:
    view = {"flow": flow, "form": {"email": visit.typed("email")}, "errors": {"code": error}}
    return visit.show("mail-code", "Look into your mailbox", view, status)


async def send(visit: Visit) -> Response:
    try:
        if visit.caller:  # a further way in for who is here
            outcome = await visit.auth.begin_link(visit.caller.proof, "mail", visit.typed("email"))
        else:
            outcome = await visit.auth.authenticate("mail", visit.typed("email"))
    except doorward.PolicyViolation as broken:
        return ask_for_address(visit, broken.violations[0].message, 422)
    except doorward.ProofRequired as required:
        visit.note(required)
        return await ask_for_password(visit, "Please sign in again first.", 401)
    match visit.note(outcome):
        case Continue(flow):
            return ask_for_code(visit, flow.token)
        case Throttled(retry_after):
            return ask_for_address(visit, wait_for(retry_after), 429)
    return ask_for_address(visit, "No code can be sent to this address now.", 422)


async def code(visit: Visit) -> Response:
    try:
        outcome = visit.note(await visit.auth.continue_flow(visit.typed("flow"), credentials={"code": visit.typed("code")}))
    except doorward.Conflict:
        return ask_for_address(visit, "This address signs somebody in already.", 409)
    match outcome:
        case Unregistered(claim) if visit.caller:
            visit.note(await visit.auth.link_claim(visit.caller.proof, claim))
            return go("/methods?mail")
        case Unregistered(claim):  # nobody has this address, and it is proved: only a name is missing
            return ask_for_name(visit, claim.token, claim.identifier)
        case Refused(flow=doorward.Flow() as again):
            return ask_for_code(visit, again.token, "That code was not right.", 401)
        case Refused():
            return ask_for_address(visit, "That code is not good any more: have another one sent.", 401)
        case Throttled(retry_after):
            return ask_for_code(visit, visit.typed("flow"), wait_for(retry_after), 429)
        case Accepted() if visit.caller:
            return go("/methods")
    return await come_in(visit, outcome, "")


def ask_for_name(visit: Visit, claim: str, email: str, error: str | None = None, status: int = 200) -> Response:
    view = {"claim": claim, "form": {"email": email}, "errors": {"name": error}}
    return visit.show("mail-name", "Welcome", view, status)


async def sign_up(visit: Visit) -> Response:
    name, claim = visit.typed("name"), visit.typed("claim")
    if not name:
        return ask_for_name(visit, claim, visit.typed("email"), "Enter your name.", 422)
    try:
        outcome = await visit.auth.create_user_from_claim(claim, attributes={"name": name, "joined_at": "Python"})
    except doorward.Conflict:
        return ask_for_address(visit, "There is an account with this address already: sign in.", 409)
    return await come_in(visit, outcome, "That took too long. Please begin again.")


def too_late(visit: Visit) -> Response:
    return visit.show("problem", "Too late", {"text": "This link is not good any more: have another code sent."}, 401)


async def link(visit: Visit) -> Response:
    """Mail scanners open links, so this one only looks; the button signs in, in the browser where it is pressed."""
    token = visit.request.query_params.get("token", "")
    match visit.note(await visit.auth.peek_token(token)):
        case Accepted(good) if good.purpose == "sign_in_link":
            return visit.show("mail-link", "Sign in", {"token": token, "address": good.identifier})
    return too_late(visit)


async def confirm(visit: Visit) -> Response:
    outcome = await visit.auth.continue_flow(visit.typed("token"))
    match outcome:
        case Refused():
            visit.note(outcome)
            return too_late(visit)
    return await come_in(visit, outcome, "")


PAGES: list[Page] = [
    ("GET", "/mail", Wants.ANYBODY, address),
    ("POST", "/mail", Wants.ANYBODY, send),
    ("GET", "/mail/code", Wants.ANYBODY, back("/mail")),
    ("POST", "/mail/code", Wants.ANYBODY, code),
    ("GET", "/mail/link", Wants.ANYBODY, link),
    ("POST", "/mail/link", Wants.ANYBODY, confirm),
    ("GET", "/mail/sign-up", Wants.NOBODY, back("/mail")),
    ("POST", "/mail/sign-up", Wants.ANYBODY, sign_up),
]
