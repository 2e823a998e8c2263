"""Where every way in ends: a proof becomes a session, or the next thing is asked."""

import math
from datetime import timedelta
from typing import Any

import doorward
from doorward import Accepted, Continue, Refused, Throttled
from starlette.responses import Response
from visit import Visit, go


async def ask_for_password(visit: Visit, problem: str | None = None, status: int = 200) -> Response:
    view: dict[str, Any] = {"form": {"email": visit.typed("email")}, "problem": problem}
    if any(method.provider == "issuer" for method in await visit.auth.list_methods()):
        view["issuer"] = "the issuer"
    return visit.show("sign-in", "Sign in", view, status)


def ask_for_code(visit: Visit, flow: doorward.Flow, error: str | None = None, status: int = 200) -> Response:
    offered = {step.provider: True for step in flow.next}
    return _code_page(visit, flow.token, offered, error, status)


def _code_page(visit: Visit, flow: str, offered: dict[str, bool], error: str | None, status: int) -> Response:
    where = visit.typed("provider") or "totp"
    return visit.show("code", "One more step", {"flow": flow, **offered, "errors": {where: error}}, status)


def wait_for(wait: timedelta) -> str:
    return f"Too many attempts. Try again in {math.ceil(wait.total_seconds())} s."


async def come_in(visit: Visit, outcome: Any, refusal: str) -> Response:
    match visit.note(outcome):
        case Accepted(proof):
            visit.note(await visit.auth.create_session(proof)).require()  # raises if the user was disabled meanwhile
            return go("/")
        case Continue(flow):
            return ask_for_code(visit, flow)
        case Refused(flow=doorward.Flow() as again):
            return ask_for_code(visit, again, refusal, 401)
        case Refused():
            return await ask_for_password(visit, refusal, 401)
        case Throttled(retry_after) if "flow" in visit.form:  # nothing was tried, so the flow that was sent is still good
            asked = {visit.typed("provider") or "totp": True}
            return _code_page(visit, visit.typed("flow"), asked, wait_for(retry_after), 429)
        case Throttled(retry_after):
            return await ask_for_password(visit, wait_for(retry_after), 429)
    raise TypeError(outcome)
