"""The app."""

from __future__ import annotations

from django.apps import AppConfig


class DoorwardConfig(AppConfig):  # type: ignore[misc]
    """`doorward.django`."""

    name = "doorward.django"
    label = "doorward"

    def ready(self) -> None:
        from . import checks

        checks.register()
