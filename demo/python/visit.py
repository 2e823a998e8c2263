"""A visit: one request, with what every handler needs. And how a request comes to its handler."""

import enum
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import doorward
import page
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


class HasHeaders(Protocol):
    """Every outcome, and every error."""

    @property
    def headers(self) -> doorward.Headers: ...


Outcome = TypeVar("Outcome", bound=HasHeaders)


@dataclass
class Visit:
    request: Request
    auth: doorward.AsyncAuth
    other_server: str
    form: FormData = field(default_factory=FormData)
    caller: doorward.Session | None = None
    newest: HasHeaders | None = None

    @property
    def session(self) -> doorward.Session:
        """The session, on the pages for who is signed in."""
        assert self.caller
        return self.caller

    def note(self, outcome: Outcome) -> Outcome:
        """Keeps the newest outcome: a page with its status says how to authenticate, or when to try again."""
        self.newest = outcome
        return outcome

    def typed(self, name: str) -> str:
        """What was typed into a form."""
        return str(self.form.get(name, ""))

    def show(self, name: str, title: str, view: dict[str, Any] | None = None, status: int = 200) -> Response:
        """A page of demo/pages with what all of them need: the servers, the user, the session."""
        view = {"server": "Python", "other": "C++", "other_url": self.other_server + "/", "title": title, **(view or {})}
        view |= {"more": True, "at": {name.replace("-", "_"): True}, "signed_in": self.caller is not None}
        if self.caller:
            user, attributes = self.caller.user, self.caller.user.attributes
            view["user"] = {"id": str(user.id), "name": attributes["name"], "joined_at": attributes["joined_at"]}
            view["session"] = {"id": str(self.caller.id), "factors": factors_of(self.caller.factors)}
            view["session"] |= page.moment("since", self.caller.created_at)
        return Response(page.render(name, view), status, media_type="text/html")


def go(path: str) -> Response:
    return RedirectResponse(path, 303)


def factors_of(factors: list[doorward.Factor]) -> str:
    return ", ".join(factor.provider for factor in factors)


class Wants(enum.Enum):
    """Who a page is for. NOBODY: pages that make no sense when signed in."""

    NOBODY, ANYBODY, SOMEBODY = range(3)


Handler = Callable[[Visit], Awaitable[Response]]
# Method, path, who it is for, handler.
Page = tuple[str, str, Wants, Handler]


def back(path: str) -> Handler:
    """For the address of a page that only a form leads to: a reload begins there anew."""

    async def handler(_: Visit) -> Response:
        return go(path)

    return handler


async def answer(visit: Visit, who: Wants, handler: Handler) -> Response:
    """The handler's page with the final headers of all that was decided on the way to it.

    Once and last, so that a sign-in or a sign-out is not overwritten by the refresh before it.
    """
    try:
        response = await page_for(visit, who, handler)
    except doorward.Error as error:
        # A database that does not answer is nobody's sign-out: no cookie is touched, and trying again may help.
        print(f"Python  {error.code}: {error}", file=sys.stderr)
        text = "Please try again in a moment."
        response = visit.show("problem", "Something went wrong", {"text": text}, 503 if error.retryable else 500)
    response.headers.update(HEADERS)
    if response.status_code in (401, 429) and visit.newest is not None:
        said = {name: value for name, value in visit.newest.headers if name in ("WWW-Authenticate", "Retry-After")}
        response.headers.update(said)
    return visit.auth.apply(response)


async def page_for(visit: Visit, who: Wants, handler: Handler) -> Response:
    """Who is there, and may they be?"""
    match visit.note(await visit.auth.resume_request()):  # a new access token comes with it, when it is time
        case doorward.SignedIn(session):
            visit.caller = session
        case doorward.RequestRefused():
            return visit.show("problem", "Refused", {"text": "This request did not come from a page of this site."}, 403)
    if who is Wants.SOMEBODY and not visit.caller:
        return go("/sign-in")
    if who is Wants.NOBODY and visit.caller:
        return go("/")
    visit.form = await visit.request.form()
    return await handler(visit)
