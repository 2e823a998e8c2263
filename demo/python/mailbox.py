"""The mailbox, for development only: what a program would send by e-mail is shown to whoever opens the page.

A real program takes the messages in a loop, gives each to its mail server, and settles it as that went.
"""

from collections import deque
from typing import Any
from urllib.parse import quote

import doorward
import page
from starlette.responses import Response
from visit import Page, Visit, Wants

# What a notice tells, by its parameter `what`.
CHANGED = {
    "authenticator_added": "A device or key was added.",
    "authenticator_removed": "A device or key was removed.",
    "credentials": "The password was changed.",
    "identifier": "An address or name became another.",
    "identity_linked": "Another way to sign in was added.",
    "identity_unlinked": "A way to sign in was removed.",
    "recovery": "A new password was set with a link that this mailbox received.",
}
KEPT: deque[dict[str, Any]] = deque(maxlen=50)  # the last ones, newest first, as long as the server runs


def letter(delivery: doorward.Delivery) -> dict[str, Any]:
    params = delivery.params
    changed = CHANGED.get(params.get("what", ""), "")
    subject, text, link, button = {
        "sign_in_code": (
            "Your code",
            f"Good for {params.get('minutes')} minutes, in the browser that asked for it. The button signs in here.",
            "/mail/link?token=",
            "Sign in here",
        )
        if "token" in params
        else ("Your code", f"Good for {params.get('minutes')} minutes, in the browser that asked for it.", None, None),
        "recovery": (
            "A new password",
            "Somebody, you we hope, asked for a new password.",
            "/reset?token=",
            "Choose a new password",
        ),
        "verify": (
            "Is this your address?",
            "Somebody, you we hope, signed up with it. If that was not you, leave it.",
            "/verify?token=",
            "Confirm your address",
        ),
        "address_in_use": (
            "Somebody asked for your address",
            "Another account wants to have it. It stays yours: there is nothing to do.",
            None,
            None,
        ),
        "credentials_changed": (
            "Your account was changed",
            f"{changed} If that was not you, ask for a new password.",
            None,
            None,
        ),
    }.get(delivery.template, (delivery.template, "", None, None))
    shown: dict[str, Any] = {"to": delivery.address, "template": delivery.template, "subject": subject, "text": text}
    shown["code"] = params.get("code")
    shown["link"], shown["button"] = link and link + quote(params["token"]), button
    return shown


async def mailbox(visit: Visit) -> Response:
    for delivery in await visit.auth.take_deliveries():
        KEPT.appendleft(letter(delivery) | page.moment("until", delivery.expires_at))
        await visit.auth.settle_delivery(delivery, delivery.attempts, "delivered")
    return visit.show("mailbox", "Mailbox", {"letters": list(KEPT), "is_empty": not KEPT})


PAGES: list[Page] = [("GET", "/mailbox", Wants.ANYBODY, mailbox)]
