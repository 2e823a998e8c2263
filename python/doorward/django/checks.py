"""System checks: what `manage.py check` says of the settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core import checks

from .._doorward import Auth
from .._errors import Error
from . import get_auth


def register() -> None:
    """Has Django call them."""
    checks.register(check_settings)


def check_settings(app_configs: Any = None, **_: Any) -> list[Any]:
    """The settings open a context, its SQLite file is nobody else's, and the middleware is there."""
    from django.conf import settings

    found: list[Any] = []
    held = getattr(settings, "DOORWARD", None)
    if held is None:
        return [checks.Error("DOORWARD is not set", hint='DOORWARD = {"database": "sqlite:doorward.db", …}', id="doorward.E001")]
    if not isinstance(held, Auth):
        shared = _sqlite(held.get("database"))
        for name, database in settings.DATABASES.items():
            own = str(database.get("NAME") or "")
            if shared and "sqlite" in database.get("ENGINE", "") and own and Path(own).resolve() == shared:
                message = f"DOORWARD and DATABASES[{name!r}] are one SQLite file: two SQLites in one process break its locks"
                return [checks.Error(message, hint="give Doorward a file of its own", id="doorward.E002")]
    try:
        get_auth()
    except Error as error:
        found.append(checks.Error(f"DOORWARD: {error}", id="doorward.E003"))
    if "doorward.django.middleware.DoorwardMiddleware" not in settings.MIDDLEWARE:
        hint = 'add "doorward.django.middleware.DoorwardMiddleware" after SecurityMiddleware'
        found.append(checks.Warning("MIDDLEWARE lacks Doorward's: request.doorward is not there", hint=hint, id="doorward.W001"))
    return found


def _sqlite(database: Any) -> Path | None:
    text = str(database or "")
    return Path(text.removeprefix("sqlite:")).resolve() if text.startswith("sqlite:") else None
