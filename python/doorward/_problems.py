"""Problem details (RFC 9457) of what a program's own endpoints say no with: as the HTTP surface says it."""

from __future__ import annotations

import json

from ._errors import Error, RequestRefusedError, SignedOutError

_TYPE = "https://doorward.example/problems/"
_TITLES = {
    "proof_required": "Prove again who you are",
    "request_refused": "The request is not trusted",
    "signed_out": "There is no session",
}


def problem(error: Error) -> tuple[int, list[tuple[str, str]], bytes]:
    """Status, header lines and body."""
    members: dict[str, object] = {"type": _TYPE + error.code, "title": _TITLES.get(error.code, error.code.replace("_", " "))}
    members |= {"status": error.http_status, "code": error.code}
    if error.public and str(error):
        members["detail"] = str(error)
    if isinstance(error, SignedOutError):
        members |= {"reason": error.outcome.reason, "refreshable": error.outcome.reason == "expired_refreshable"}
    if isinstance(error, RequestRefusedError):
        members |= {"reason": error.outcome.reason, "setting": error.outcome.setting}
    lines = [("Content-Type", "application/problem+json"), ("Cache-Control", "no-store")]
    lines += [line for line in vars(error).get("headers", ()) if line[0] not in ("Set-Cookie", "Cache-Control")]
    return error.http_status, lines, json.dumps(members).encode()
