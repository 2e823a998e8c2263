"""Which interpreter of the process this is: its threads and its hooks for forks and for the end are the process's."""

from __future__ import annotations

from importlib import import_module


def refuse_unless_main() -> None:
    """Raises `ImportError` in a sub-interpreter."""
    # The first is CPython 3.13's and newer, the second is that of 3.10 to 3.12.
    for name in ("_interpreters", "_xxsubinterpreters"):
        try:
            interpreters = import_module(name)
        except ImportError:
            continue
        if interpreters.get_current() != interpreters.get_main():
            raise ImportError(
                "doorward runs in the main interpreter of a process only, and this is a sub-interpreter. Under mod_wsgi, "
                "set `WSGIApplicationGroup %{GLOBAL}` for this application"
            )
        return
