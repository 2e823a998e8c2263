"""Doorward in Django: an app, a middleware, a backend, urls, a command and checks.

    INSTALLED_APPS = [..., "doorward.django"]
    MIDDLEWARE = [..., "doorward.django.middleware.DoorwardMiddleware"]
    AUTHENTICATION_BACKENDS = ["doorward.django.backend.DoorwardBackend"]     # with django.contrib.auth
    DOORWARD = {"database": "sqlite:doorward.db", "provider": {"email": {"kind": "password"}}}
    urlpatterns = [path("auth/", include("doorward.django.urls"))]
"""

from __future__ import annotations

from functools import cache

from .._doorward import Auth

__all__ = ["get_auth"]


@cache
def get_auth() -> Auth:
    """The context of this process, opened by `settings.DOORWARD`: settings, or a context that is there already."""
    from django.conf import settings

    held = settings.DOORWARD
    return held if isinstance(held, Auth) else Auth(**held)
