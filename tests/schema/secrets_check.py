"""Loaded by schemathesis (`SCHEMATHESIS_HOOKS`): one more check of every answer."""

from __future__ import annotations

import re
from typing import Any

import schemathesis

# Tokens of sessions are in cookies; in a body only for apps, which this run does not play.
TOKENS = re.compile(rb"dw[ar]_[\w-]{20,}")
PASSWORD = b"plum tractors hum at noon"


@schemathesis.check
def no_secret_in_a_body(ctx: Any, response: Any, case: Any) -> None:
    """Neither a session's token nor a password, neither the owner's nor what was just sent as one."""
    body: bytes = response.content
    assert not TOKENS.search(body), "the token of a session is in the body"
    assert PASSWORD not in body, "a password is in the body"
    given = case.body.get("fields") if isinstance(case.body, dict) else None
    for value in given.values() if isinstance(given, dict) else ():
        if isinstance(value, str) and len(value) > 7:
            assert value.encode() not in body, "a field of the request is in the body"
