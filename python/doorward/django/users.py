"""`request.user`: with `django.contrib.auth` the row of the user model, without it a light user."""

from __future__ import annotations

from typing import Any

from .._doorward import KeyAccepted, SignedIn, User

_BACKEND = "doorward.django.backend.DoorwardBackend"


class DoorwardUser:
    """Who is signed in, where there is no user model."""

    is_authenticated = True
    is_anonymous = False
    is_active = True
    is_staff = False
    is_superuser = False

    def __init__(self, user: User) -> None:
        self.doorward = user
        self.pk = self.id = user.id

    def get_username(self) -> str:
        """The user's id: identifiers may change."""
        return str(self.id)

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """Nothing: roles are the program's."""
        return False

    def has_module_perms(self, app_label: str) -> bool:
        """Nothing."""
        return False

    def __str__(self) -> str:
        return self.get_username()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DoorwardUser) and other.id == self.id

    def __hash__(self) -> int:
        return hash(self.id)


class Nobody:
    """Who is not signed in, where there is no user model."""

    is_authenticated = False
    is_anonymous = True
    is_active = is_staff = is_superuser = False
    pk = id = None

    def get_username(self) -> str:
        """Nobody has none."""
        return ""


def of(outcome: Any) -> Any:
    """The user of an outcome."""
    from django.apps import apps

    has_model = apps.is_installed("django.contrib.auth")
    if not isinstance(outcome, (SignedIn, KeyAccepted)):
        if not has_model:
            return Nobody()
        from django.contrib.auth.models import AnonymousUser

        return AnonymousUser()
    return row(outcome.user) if has_model else DoorwardUser(outcome.user)


def row(user: User) -> Any:
    """The row of the user model: its name is the user's id. It is made at the first look."""
    from django.contrib.auth import get_user_model

    model = get_user_model()
    found, is_new = model._default_manager.get_or_create(**{model.USERNAME_FIELD: str(user.id)})
    if is_new:
        found.set_unusable_password()
        found.save()
    found.backend, found.doorward = _BACKEND, user
    return found
