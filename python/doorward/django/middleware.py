"""The middleware: `request.doorward` says whose each request is, `request.user` is that user, looked up when it is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.http import HttpResponse
from django.utils.functional import SimpleLazyObject

from .._errors import Error
from .._problems import problem
from .._requests import view
from . import get_auth, users


class DoorwardMiddleware:
    """After SecurityMiddleware, and after AuthenticationMiddleware where that is used. The surface's requests are left alone."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: Any) -> Any:
        if iscoroutinefunction(self):
            return self._awaited(request)
        on = self._on(request)
        if on is not None:
            try:
                self._found(request, on, on.resume_request())
            except Error as error:
                return failed(error)
        response = self.get_response(request)
        return response if on is None else on.apply(response)

    async def _awaited(self, request: Any) -> Any:
        on = self._on(request)
        if on is not None:
            try:
                self._found(request, on, await on.aio.resume_request())
            except Error as error:
                return failed(error)
        response = await self.get_response(request)
        return response if on is None else on.apply(response)

    @staticmethod
    def _on(request: Any) -> Any:
        seen = view(request)
        auth = get_auth()
        return None if auth.http_wants(seen.method, seen.target or b"") is not None else auth.on(seen)

    @staticmethod
    def _found(request: Any, on: Any, outcome: Any) -> None:
        request.doorward, request.doorward_view = outcome, on
        request.user = SimpleLazyObject(lambda: users.of(outcome))
        request.auser = lambda: sync_to_async(users.of)(outcome)

    def process_exception(self, request: Any, error: Exception) -> Any:
        """Errors of Doorward in a view are answered as problem details."""
        return failed(error) if isinstance(error, Error) and error.http_status != 500 else None


def failed(error: Error) -> Any:
    """The response to an error; what only the program can mend is raised."""
    if error.http_status == 500:
        raise error
    status, lines, body = problem(error)
    return HttpResponse(body, status=status, headers=dict(lines))
