"""Django: every endpoint of docs/http.md below /auth, and who calls.

    TOTP=/usr/local/lib/doorward/libdoorward_totp.so gunicorn main:application
"""

import os
from typing import Any, Literal

import doorward
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import JsonResponse
from django.urls import include, path


def send(message: doorward.Delivery) -> Literal["delivered"]:
    print(message.address, message.template, message.params, flush=True)  # your mailer
    return "delivered"


def me(request: Any) -> JsonResponse:
    return JsonResponse(request.doorward.require().user.to_dict())


urlpatterns = [path("auth/", include("doorward.django.urls")), path("me", me)]
auth = doorward.open(
    database=os.environ.get("DATABASE", "sqlite:doorward.db"),
    origins={"trusted": [os.environ.get("ORIGIN", "http://127.0.0.1:8000")]},
    development=True,
    attributes={"public": ["name"], "self": ["name"]},
    plugin={"totp": {"path": os.environ["TOTP"]}},
    provider={"email": {"kind": "password"}, "totp": {"kind": "totp"}},
    policy={"second_factor": ["totp"]},
    on_delivery=send,
)
middleware = ["doorward.django.middleware.DoorwardMiddleware"]
settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["127.0.0.1"], MIDDLEWARE=middleware, DOORWARD=auth)
application = get_wsgi_application()
