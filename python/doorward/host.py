"""The process in which a kind written in Python runs for a server in another language.

`doorward-plugin-host` starts it: `python -I -m doorward.host module:Class FOLDER NAME SANDBOX CALL`. It is not run by hand.
"""

from __future__ import annotations

import importlib
import json  # noqa: F401  the sandbox lets no module be read later, and answers are written with this one
import sys

from . import plugin  # noqa: F401
from ._doorward import refuse_kind, serve_kind


def main(arguments: list[str]) -> int:
    """Imports the class and serves it."""
    if len(arguments) != 5:
        print("doorward.host is started by doorward-plugin-host; it is not run by hand", file=sys.stderr)
        return 2
    named, folder, name, sandbox, call = arguments
    if folder:
        sys.path.insert(0, folder)
    module, _, attribute = named.partition(":")
    try:
        found = getattr(importlib.import_module(module), attribute)
        return 0 if serve_kind(found, name, sandbox, int(call)) else 1
    except Exception as raised:  # whatever it is, the operator of the server has to read it
        refuse_kind(int(call), f"{named} cannot be used: {type(raised).__name__}: {raised}")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
