"""Mistakes that both type checkers must report, each on the line that says so: checked by `test_typing.py`, never run."""

from __future__ import annotations

import doorward


def mistakes(auth: doorward.Auth, aio: doorward.AsyncAuth) -> None:
    tried = auth.authenticate("email", "ada@example.com", {"password": "x"})
    auth.create_session(tried)  # wrong: an outcome is no proof
    match tried:
        case doorward.Accepted(proof):
            proof.nonsense  # wrong: a proof has none
        case doorward.Accepted(proof, more):  # wrong: it has one value
            pass
        case doorward.Throttled(retry_after):
            retry_after.upper()  # wrong: a length of time
        case _:
            pass
    aio.create_session(aio.session_proof)  # wrong: not called
    aio.stats().users  # wrong: not awaited
    doorward.Request("GET", [("one",)])  # wrong: no pair
