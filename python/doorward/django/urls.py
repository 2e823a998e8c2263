"""The surface below a path of the urls: `path("auth/", include("doorward.django.urls"))`. The path is `http.prefix`."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, HttpResponseNotFound
from django.urls import re_path
from django.views.decorators.csrf import csrf_exempt

from .._requests import view
from .._responses import put_line
from . import get_auth


@csrf_exempt  # type: ignore[untyped-decorator, unused-ignore]
def surface(request: Any) -> Any:
    """Answers as the surface does; it checks the origin itself."""
    seen, auth = view(request), get_auth()
    limit = auth.http_wants(seen.method, seen.target or b"")
    answer = None if limit is None else auth.on(seen).http_handle(request.read(limit + 1))
    if answer is None:
        return HttpResponseNotFound()
    response = HttpResponse(answer.body, status=answer.status)
    del response["Content-Type"]
    for name, value in answer.headers:
        if name == "Set-Cookie":
            put_line(response, value)
        else:
            response[name] = value
    return response


urlpatterns = [re_path("", surface)]
