"""`manage.py doorward …`: what an operator does now and then. Users are `doorward user`'s, the command of the package."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ...._errors import Error
from ... import get_auth

_ACTIONS = ("health", "migrate", "purge", "stats")


class Command(BaseCommand):  # type: ignore[misc]
    """One action at a time."""

    help = "health: can it answer? migrate: this release's schema. purge: remove what has expired. stats: counts of rows."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("action", choices=_ACTIONS)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self.stdout.write(self._done(options["action"]))
        except Error as error:
            raise CommandError(f"{error.code}: {error}") from error

    @staticmethod
    def _done(action: str) -> str:
        auth = get_auth()
        if action == "migrate":
            auth.migrate()
            return "the schema is this release's"
        if action == "health":
            auth.health()
            return "it can answer"
        counts = auth.purge_expired() if action == "purge" else auth.stats()
        return ", ".join(f"{name} {count}" for name, count in counts.to_dict().items())
