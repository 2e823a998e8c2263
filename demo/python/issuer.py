"""Signing up and in at an issuer (OpenID Connect), when the demo was started with one: `demo/run --issuer URL`."""

from doorward import Continue, Refused, Unregistered
from starlette.responses import RedirectResponse, Response
from visit import Page, Visit, Wants
from ways_in import ask_for_password, come_in

FLOW = "__Host-demo-issuer"  # where this browser keeps the flow while it is away: no script can read it


async def leave(visit: Visit) -> Response:
    outcome = visit.note(await visit.auth.authenticate("issuer"))
    match outcome:
        case Continue(flow):
            away = RedirectResponse(flow.next[0].challenge["url"].decode(), 303)
            away.set_cookie(FLOW, flow.token, max_age=900, secure=True, httponly=True, samesite="lax")
            return away
    return await come_in(visit, outcome, "The issuer cannot be used now.")


async def come_back(visit: Visit) -> Response:
    asked = visit.request.query_params
    said = {name: asked[name] for name in ("state", "code", "iss", "error") if name in asked}
    outcome = await visit.auth.continue_flow(visit.request.cookies.get(FLOW, ""), credentials=said)
    match outcome:
        case Unregistered(claim):  # nobody here yet: the issuer vouches for the person, and says the name
            visit.note(outcome)
            attributes = {"name": str(claim.attributes.get("name") or "Somebody"), "joined_at": "Python"}
            outcome = await visit.auth.create_user_from_claim(claim, attributes=attributes)
        case Refused():  # also with a flow to try again: the issuer's answer is spent
            visit.note(outcome)
            return await ask_for_password(visit, "The issuer does not sign you in here.", 401)
    response = await come_in(visit, outcome, "The issuer does not sign you in here.")
    response.delete_cookie(FLOW, secure=True, httponly=True, samesite="lax")
    return response


PAGES: list[Page] = [
    ("GET", "/issuer", Wants.NOBODY, leave),
    ("GET", "/issuer/callback", Wants.NOBODY, come_back),
]
