"""Proving the address that somebody signed up with: before that, no second factor is added beside it."""

import doorward
from doorward import Accepted
from starlette.responses import Response
from visit import Page, Visit, Wants, go
from ways_in import ask_for_password

LATER = "Confirm your address first, with the link that we have sent you. In this demo, it comes to the mailbox page."


async def send(visit: Visit, email: str, proof: doorward.Proof | None = None) -> None:
    """Has a link sent. An address that is nobody's is answered alike, and so is one that was sent many."""
    visit.note(await visit.auth.request_token("verify", "email", email, proof=proof))


async def later(visit: Visit, broken: doorward.PolicyViolation) -> Response:
    """The page for whoever wants a second factor beside an address that nobody has proved: another link is sent."""
    if all(violation.rule != "address_unproved" for violation in broken.violations):
        raise broken
    for identity in await visit.auth.list_identities(visit.session.user):
        if identity.provider == "email" and identity.verified_at is None:
            await send(visit, identity.identifier, visit.session.proof)
    return visit.show("problem", "Confirm your address", {"text": LATER}, 422)


def too_late(visit: Visit) -> Response:
    return visit.show("problem", "Too late", {"text": "This link is not good any more: have another one sent."}, 401)


async def link(visit: Visit) -> Response:
    """Mail scanners open links, so this one only looks; the button does it."""
    token = visit.request.query_params.get("token", "")
    match visit.note(await visit.auth.peek_token(token)):
        case Accepted(good) if good.purpose == "verify":
            return visit.show("verify", "Confirm your address", {"token": token})
    return too_late(visit)


async def confirm(visit: Visit) -> Response:
    try:
        outcome = visit.note(await visit.auth.consume_token(visit.typed("token")))
    except doorward.ProofRequired as required:
        visit.note(required)
        # The link stays good: whoever reads the mailbox and does not know the password is somebody else.
        return await ask_for_password(visit, "Sign in, then open the link again.", 401)
    match outcome:
        case Accepted():
            return go("/?confirmed")
    return too_late(visit)


PAGES: list[Page] = [
    ("GET", "/verify", Wants.ANYBODY, link),
    ("POST", "/verify", Wants.ANYBODY, confirm),
]
