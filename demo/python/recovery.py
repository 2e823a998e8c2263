"""A forgotten password: a token comes to the mailbox and is good for a new password, once. It is no sign-in."""

import doorward
import page
from doorward import Accepted, Throttled
from starlette.responses import Response
from visit import Page, Visit, Wants
from ways_in import wait_for

WAYS = {
    "email": "Email address",
    "issuer": "Account at the issuer",
    "mail": "Codes by e-mail to",
    "passkey": "Passkey",
    "recovery_codes": "Recovery codes",
    "totp": "Authenticator app",
}


async def forgot(visit: Visit) -> Response:
    return visit.show("forgot", "A new password")


async def send(visit: Visit) -> Response:
    match visit.note(await visit.auth.request_token("recovery", "email", visit.typed("email"))):
        case Throttled(retry_after):
            return visit.show("forgot", "A new password", {"problem": wait_for(retry_after)}, 429)
    # The same whether anybody has this address or not.
    return visit.show("forgot", "A new password", {"sent": True})


def ask(visit: Visit, token: str, error: str | None = None, status: int = 200) -> Response:
    return visit.show("reset", "A new password", {"token": token, "errors": {"password": error}}, status)


def too_late(visit: Visit) -> Response:
    return visit.show("problem", "Too late", {"text": "This link is not good any more: have another one sent."}, 401)


async def link(visit: Visit) -> Response:
    """Mail scanners open links, so this one only looks; the button does it."""
    token = visit.request.query_params.get("token", "")
    match visit.note(await visit.auth.peek_token(token)):
        case Accepted(good) if good.purpose == "recovery":
            return ask(visit, token)
    return too_late(visit)


async def change(visit: Visit) -> Response:
    token, password = visit.typed("token"), {"password": visit.typed("password")}
    try:
        outcome = visit.note(await visit.auth.update_credentials_with_token(token, "email", password))
    except doorward.PolicyViolation as broken:
        return ask(visit, token, "; ".join(violation.message for violation in broken.violations), 422)
    match outcome:
        case Accepted() as changed:
            took, kept = shown(changed.took), shown(changed.kept)
            view = {"took": took, "has_took": bool(took), "kept": kept}
            return visit.show("reset-done", "A new password", view)
    return too_late(visit)


def shown(ways: list[doorward.Way]) -> list[dict[str, str]]:
    """Ways into the account as people know them."""
    return [
        {"what": WAYS.get(way.provider, way.provider), "name": way.name, **page.moment("at", way.created_at)} for way in ways
    ]


PAGES: list[Page] = [
    ("GET", "/forgot", Wants.NOBODY, forgot),
    ("POST", "/forgot", Wants.ANYBODY, send),
    ("GET", "/reset", Wants.ANYBODY, link),
    ("POST", "/reset", Wants.ANYBODY, change),
]
