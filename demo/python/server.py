"""The Python server of the demo: what a program does with the package `doorward`, from the first page to the last.

    server.py CONFIGURATION PORT OTHER_SERVER

Every handler gets a visit (visit.py): the request, Doorward on this request (so that it checks the origin, slows guessing
down and binds steps to the browser), and the session, if there is one. It asks Doorward, notes the outcome, and shows
a page; the headers of all of it are sent at the end. demo/cpp/server.cpp is the same program in C++.
"""

import contextlib
import logging
import sys
import uuid
from collections.abc import AsyncIterator
from typing import Any

import address
import doorward
import issuer
import mail_code
import mailbox
import methods
import page
import passkey
import recovery
import uvicorn
from doorward import Accepted, Continue, Refused, Throttled
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from visit import Handler, Visit, Wants, answer, back, factors_of, go
from ways_in import ask_for_password, come_in, wait_for

# What the start page says after another page has led to it.
NOTICES = {"confirmed": "Your address is confirmed."}

# ---- Signing up and in --------------------------------------------------------------------------------------------------


async def sign_up(visit: Visit) -> Response:
    name, email = visit.typed("name"), visit.typed("email")
    errors, status = {}, 422
    if not name:
        errors["name"] = "Enter your name."
    else:
        try:
            password, attributes = {"password": visit.typed("password")}, {"name": name, "joined_at": "Python"}
            outcome = await visit.auth.create_user("email", email, password, attributes=attributes)
            match outcome:
                case Accepted(proof):
                    await address.send(visit, email, proof)
            return await come_in(visit, outcome, "Signing up was refused.")
        except doorward.PolicyViolation as broken:
            for violation in broken.violations:
                where = "password" if violation.field == "password" else "email"
                errors[where] = f"{errors[where]}; {violation.message}" if where in errors else violation.message
        except doorward.Conflict:
            errors["email"], status = "There is an account with this address already.", 409
    return visit.show("sign-up", "Sign up", {"form": {"name": name, "email": email}, "errors": errors}, status)


async def sign_in(visit: Visit) -> Response:
    password = {"password": visit.typed("password")}
    outcome = await visit.auth.authenticate("email", visit.typed("email"), password)
    return await come_in(visit, outcome, "The address and the password do not match.")


async def code(visit: Visit) -> Response:
    second = {"code": visit.typed("code")}
    outcome = await visit.auth.continue_flow(visit.typed("flow"), visit.typed("provider") or None, second)
    return await come_in(visit, outcome, "That code was not right. Each code works once.")


# ---- An authenticator app -----------------------------------------------------------------------------------------------


async def totp(visit: Visit) -> Response:
    view: dict[str, Any] = {}
    if "added" in visit.request.query_params:
        view["notice"] = "Your app is set up. Your other devices have been signed out."
    view["apps"] = [
        {"label": held.label or "Authenticator app", **page.moment("at", held.created_at)}
        for held in await visit.auth.list_authenticators(visit.session.user)
        if held.group == "totp"
    ]
    return visit.show("totp", "Authenticator app", {**view, "has_apps": bool(view["apps"])})


def show_key(visit: Visit, flow: doorward.Flow, error: str | None = None, status: int = 200) -> Response:
    shown = {name: value.decode() for name, value in flow.next[0].challenge.items()}
    view = {**shown, "secret": page.in_groups(shown["secret"]), "form": {"label": visit.typed("label")}}
    return visit.show("totp-confirm", "Set up your app", {**view, "flow": flow.token, "errors": {"code": error}}, status)


async def add_totp(visit: Visit) -> Response:
    # A session gives a proof that is fresh as long as its factors are young: whoever finds a browser open adds nothing.
    try:
        outcome = visit.note(await visit.auth.begin_enrollment("totp", proof=visit.session.proof))
    except doorward.ProofRequired as required:
        visit.note(required)
        return await ask_for_password(visit, "Please sign in again first.", 401)
    except doorward.PolicyViolation as broken:
        return await address.later(visit, broken)
    match outcome:
        case Continue(flow):
            return show_key(visit, flow)
    raise TypeError(outcome)


async def confirm_totp(visit: Visit) -> Response:
    outcome = visit.note(await visit.auth.continue_flow(visit.typed("flow"), credentials={"code": visit.typed("code")}))
    match outcome:
        case Accepted(proof):
            await name_newest(visit, proof)
            return go("/totp?added")
        case Refused(flow=doorward.Flow() as again):
            return show_key(visit, again, "That code was not right. Look at the app again.", 401)
        case Throttled(retry_after):
            return visit.show("problem", "Not so fast", {"text": wait_for(retry_after)}, 429)
    return go("/totp")


async def name_newest(visit: Visit, proof: doorward.Proof) -> None:
    """Gives the app that was just added the name that was typed. The proof is the one of the enrollment: fresh."""
    newest = max(await visit.auth.list_authenticators(visit.session.user), key=lambda held: held.created_at)
    if label := visit.typed("label"):
        await visit.auth.rename_authenticator(proof, "totp", newest, label)


# ---- Devices and signing out --------------------------------------------------------------------------------------------


async def devices(visit: Visit) -> Response:
    listed = [
        {
            "id": str(device.id),
            "name": page.device(device.agent),
            "address": device.address,
            "factors": factors_of(device.factors),
            "is_this": device.id == visit.session.id,
            **page.moment("since", device.created_at),
        }
        for device in await visit.auth.list_sessions(visit.session.user)
    ]
    return visit.show("devices", "Your devices", {"devices": listed})


async def end_device(visit: Visit) -> Response:
    # The user goes along: a stranger's sign-in cannot be ended by knowing its id.
    with contextlib.suppress(ValueError):
        await visit.auth.end_sign_in(visit.session.user, uuid.UUID(visit.typed("id")))
    return go("/devices")


async def sign_out(visit: Visit) -> Response:
    where = visit.typed("where")
    if where == "others" and visit.caller:
        await visit.auth.end_other_sessions(visit.caller.proof)
        return go("/devices")
    if where == "everywhere" and visit.caller:
        await visit.auth.end_all_sessions(visit.caller.user)
    visit.note(await visit.auth.end_session()).require()  # also clears the cookies
    return go("/")


async def session_json(visit: Visit) -> Response:
    """What static/session.js asks for: nothing that may not be public."""
    if not visit.caller:
        return JSONResponse({"signed_in": False})
    user = visit.caller.user
    seen = {"id": str(user.id), "attributes": user.public_attributes}
    return JSONResponse({"signed_in": True, "user": seen, "session": {"id": str(visit.caller.id)}})


# ---- The server ---------------------------------------------------------------------------------------------------------


def serve(auth: doorward.AsyncAuth, other_server: str) -> Starlette:
    def route(method: str, path: str, who: Wants, handler: Handler) -> Route:
        async def endpoint(request: Request) -> Response:
            return await answer(Visit(request, auth.on(request), other_server), who, handler)

        return Route(path, endpoint, methods=[method])

    def plain(name: str, title: str) -> Handler:
        async def handler(visit: Visit) -> Response:
            return visit.show(name, title, {"notice": NOTICES.get(visit.request.url.query)})

        return handler

    async def not_here(request: Request, _: Exception) -> Response:
        visit = Visit(request, auth, other_server)
        return visit.show("problem", "Not here", {"text": "There is no such page."}, 404)

    @contextlib.asynccontextmanager
    async def life(_: Starlette) -> AsyncIterator[None]:
        async with auth:
            yield

    routes = [
        route("GET", "/", Wants.ANYBODY, plain("home", "Start")),
        route("GET", "/session.json", Wants.ANYBODY, session_json),
        route("GET", "/sign-up", Wants.NOBODY, plain("sign-up", "Sign up")),
        route("POST", "/sign-up", Wants.ANYBODY, sign_up),
        route("GET", "/sign-in", Wants.NOBODY, ask_for_password),
        route("POST", "/sign-in", Wants.ANYBODY, sign_in),
        route("GET", "/code", Wants.NOBODY, back("/sign-in")),
        route("POST", "/code", Wants.ANYBODY, code),
        route("GET", "/totp", Wants.SOMEBODY, totp),
        route("POST", "/totp", Wants.SOMEBODY, add_totp),
        route("GET", "/totp/confirm", Wants.SOMEBODY, back("/totp")),
        route("POST", "/totp/confirm", Wants.SOMEBODY, confirm_totp),
        route("GET", "/devices", Wants.SOMEBODY, devices),
        route("POST", "/devices/end", Wants.SOMEBODY, end_device),
        route("POST", "/sign-out", Wants.ANYBODY, sign_out),
        *(route(*more) for more in (*methods.PAGES, *mail_code.PAGES, *passkey.PAGES, *recovery.PAGES)),
        *(route(*more) for more in address.PAGES),
        *(route(*more) for more in (*mailbox.PAGES, *issuer.PAGES)),
        Mount("/static", StaticFiles(directory=page.DEMO / "static")),
    ]
    return Starlette(routes=routes, lifespan=life, exception_handlers={404: not_here})


if __name__ == "__main__":
    configuration, port, other_server = sys.argv[1:]
    # What happens, without any secret: one line each, from the loggers `doorward.*`.
    logging.basicConfig(format="Python  %(message)s")
    logging.getLogger("doorward").setLevel(logging.INFO)
    app = serve(doorward.open(configuration).aio, other_server)
    # Doorward reads forwarded headers itself, from the proxies that its configuration trusts.
    uvicorn.run(app, port=int(port), log_level="warning", proxy_headers=False, timeout_graceful_shutdown=3)
