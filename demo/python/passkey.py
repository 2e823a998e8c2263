"""Passkeys: signing up and in with one, and adding one. The page's part is static/passkey.js."""

import doorward
from doorward import Accepted, Continue, Refused, Throttled
from starlette.responses import Response
from visit import Page, Visit, Wants, back, go
from ways_in import ask_for_password, come_in, wait_for


def ceremony(visit: Visit, flow: doorward.Flow, kind: str) -> Response:
    """The page that asks the browser: `kind` is `enroll` or `signIn`."""
    options = flow.next[0].challenge["options"].decode()
    view = {"flow": flow.token, "options": options, "ceremony": kind, "is_new": kind == "enroll"}
    return visit.show("passkey", "Your passkey", view)


async def begin(visit: Visit) -> Response:
    outcome = visit.note(await visit.auth.authenticate("passkey"))
    match outcome:
        case Continue(flow):
            return ceremony(visit, flow, "signIn")
    return await come_in(visit, outcome, "Passkeys cannot be used now.")


async def sign_up(visit: Visit) -> Response:
    name = visit.typed("name")
    if not name:
        return visit.show("passkey-sign-up", "A passkey instead", {"errors": {"name": "Enter your name."}}, 422)
    # The name is what the authenticator shows; who somebody is, the passkey decides.
    outcome = visit.note(await visit.auth.create_user("passkey", name, attributes={"name": name, "joined_at": "Python"}))
    match outcome:
        case Continue(flow):
            return ceremony(visit, flow, "enroll")
    return await come_in(visit, outcome, "Signing up was refused.")


async def ask_for_name(visit: Visit) -> Response:
    return visit.show("passkey-sign-up", "A passkey instead")


async def add(visit: Visit) -> Response:
    try:
        outcome = visit.note(await visit.auth.begin_enrollment("passkey", proof=visit.session.proof))
    except doorward.ProofRequired as required:
        visit.note(required)
        return await ask_for_password(visit, "Please sign in again first.", 401)
    match outcome:
        case Continue(flow):
            return ceremony(visit, flow, "enroll")
    return go("/methods")


async def finish(visit: Visit) -> Response:
    response = {"response": visit.typed("response")}
    if label := visit.typed("label"):
        response["label"] = label
    try:
        outcome = await visit.auth.continue_flow(visit.typed("flow"), credentials=response)
    except doorward.PolicyViolation as broken:
        return visit.show("problem", "Not this one", {"text": broken.violations[0].message}, 422)
    match outcome:
        case Accepted() if visit.caller:
            visit.note(outcome)
            return go("/methods?passkey")
        case Refused():
            visit.note(outcome)
            return await ask_for_password(visit, "This passkey does not sign anybody in here.", 401)
        case Throttled(retry_after):
            visit.note(outcome)
            return await ask_for_password(visit, wait_for(retry_after), 429)
    return await come_in(visit, outcome, "")


PAGES: list[Page] = [
    ("GET", "/passkey/sign-up", Wants.NOBODY, ask_for_name),
    ("POST", "/passkey/sign-up", Wants.NOBODY, sign_up),
    ("POST", "/passkey/sign-in", Wants.NOBODY, begin),
    ("GET", "/passkey/sign-in", Wants.NOBODY, back("/sign-in")),
    ("POST", "/passkey/add", Wants.SOMEBODY, add),
    ("GET", "/passkey/add", Wants.SOMEBODY, back("/methods")),
    ("POST", "/passkey/finish", Wants.ANYBODY, finish),
    ("GET", "/passkey/finish", Wants.ANYBODY, back("/sign-in")),
]
