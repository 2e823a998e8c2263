"""The backend: who is signed in at Doorward is so in Django. Passwords never come here."""

from __future__ import annotations

from typing import Any

from .._doorward import SignedIn
from . import users


class DoorwardBackend:
    """For AUTHENTICATION_BACKENDS. Permissions and groups are `ModelBackend`'s: list it, too, where they are used."""

    def authenticate(self, request: Any, **credentials: Any) -> Any:
        """The user of the request's own session, and of nothing else."""
        outcome = getattr(request, "doorward", None)
        return users.row(outcome.user) if isinstance(outcome, SignedIn) and not credentials else None

    def get_user(self, user_id: Any) -> Any:
        """The row with this key."""
        from django.contrib.auth import get_user_model

        return get_user_model()._default_manager.filter(pk=user_id).first()
