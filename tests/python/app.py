"""A small server for the preforking tests: plain WSGI, one context made and used before the workers exist."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs

import doorward
from conftest import FAST, PASSWORD

auth = doorward.open(database=f"sqlite:{os.environ['DOORWARD_TEST_DATABASE']}", **FAST)
# In the master: threads and connections exist before the fork.
auth.create_user("email", f"master-{os.getpid()}@example.com", {"password": PASSWORD}).require()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    lines = [("Content-Type", "text/plain"), ("X-Worker", str(os.getpid()))]
    if environ["PATH_INFO"] == "/enter":
        email = parse_qs(environ["QUERY_STRING"])["email"][0]
        on = auth.on(environ)
        session = on.create_session(on.create_user("email", email, {"password": PASSWORD}).require()).require()
        start_response("200 OK", session.apply(lines))
        return [str(session.user.id).encode()]
    outcome = auth.on(environ).resume_request()
    start_response(f"{outcome.http_status} Answer", outcome.apply(lines))
    return [str(outcome.user.id).encode() if isinstance(outcome, doorward.SignedIn) else b""]
