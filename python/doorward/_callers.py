"""What the glue of frameworks asks of who calls: a session, a fresh one. What it says no with is an error."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from ._doorward import Session, SignedIn
from ._errors import InvalidState, ProofRequired

FRESH = timedelta(minutes=10)
"""How old the newest factor of a fresh session is at most, where nothing else is said."""


def optional(outcome: Any) -> Session | None:
    """The session of who is signed in. Without the middleware there is no outcome, which is the program's mistake."""
    if outcome is None:
        raise InvalidState("nobody has looked whose request it is: put Doorward's middleware into the application")
    return outcome.session if isinstance(outcome, SignedIn) else None


def required(outcome: Any) -> Session:
    """The session, or the error that `require()` raises."""
    session = optional(outcome)
    return session if session is not None else outcome.require()


def fresh(outcome: Any, within: timedelta = FRESH) -> Session:
    """The session of somebody who proved a factor of late, or `ProofRequired` (RFC 9470)."""
    session = required(outcome)
    newest = max((factor.at for factor in session.factors), default=session.authenticated_at)
    if datetime.now(timezone.utc) - newest > within:
        age = int(within.total_seconds())
        error = ProofRequired("prove again who you are")
        challenge = f'Bearer error="insufficient_user_authentication", max_age="{age}"'
        vars(error).update(what="session", max_age=age, headers=[("WWW-Authenticate", challenge)])
        raise error
    return session
