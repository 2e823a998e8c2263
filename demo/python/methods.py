"""The ways in that somebody has, and recovery codes for the day on which the phone is gone."""

from typing import Any

import address
import doorward
import page
from doorward import Accepted
from starlette.responses import Response
from visit import Page, Visit, Wants, back, go
from ways_in import ask_for_password

NAMES = {"email": "Password", "totp": "Authenticator app", "passkey": "Passkey", "recovery_codes": "Recovery codes"}
NOTICES = {"passkey": "Your passkey is added.", "mail": "Codes to this address sign you in from now on."}


async def methods(visit: Visit) -> Response:
    held = await visit.auth.list_authenticators(visit.session.user)
    identities = await visit.auth.list_identities(visit.session.user)
    view = {
        "held": [
            {"name": NAMES.get(one.group, one.group), "label": one.label, **page.moment("at", one.created_at)} for one in held
        ],
        "addresses": [one.identifier for one in identities if one.provider == "mail"],
        "has_app": any(one.group == "totp" for one in held),
        "has_codes": any(one.group == "recovery_codes" for one in held),
        "notice": next((text for name, text in NOTICES.items() if name in visit.request.query_params), None),
    }
    return visit.show("methods", "Ways to sign in", view)


async def recovery_codes(visit: Visit) -> Response:
    """A set of codes, shown this once; asking again makes a new set, and the old one is worth nothing."""
    held = await visit.auth.list_authenticators(visit.session.user)
    outcome: Any
    try:
        if any(one.group == "recovery_codes" for one in held):
            outcome = visit.note(await visit.auth.update_credentials(visit.session.proof, "recovery_codes", {}))
        else:
            outcome = visit.note(await visit.auth.begin_enrollment("recovery_codes", proof=visit.session.proof))
    except doorward.ProofRequired as required:
        visit.note(required)
        return await ask_for_password(visit, "Please sign in again first.", 401)
    except doorward.PolicyViolation as broken:
        return await address.later(visit, broken)
    match outcome:
        case Accepted():
            codes = outcome.show_once["codes"].decode().split()
            return visit.show("recovery-codes", "Recovery codes", {"codes": codes})
    return go("/methods")


PAGES: list[Page] = [
    ("GET", "/methods", Wants.SOMEBODY, methods),
    ("POST", "/recovery-codes", Wants.SOMEBODY, recovery_codes),
    ("GET", "/recovery-codes", Wants.SOMEBODY, back("/methods")),
]
