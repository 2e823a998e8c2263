"""The process in which a kind written in Python runs for a server in another language.

`doorward-plugin-host` starts it: `python -I -m doorward.host module:Class FOLDER NAME SANDBOX LANDLOCK CALL`. It is not run by hand.
"""

from __future__ import annotations

import importlib
import json  # noqa: F401  answers are written with this one
import os
import sys
import sysconfig

from . import plugin  # noqa: F401
from ._doorward import refuse_kind, serve_kind


def readable() -> list[str]:
    """What a class may still import from when it is confined: this interpreter, its environment, and its folder."""
    of_interpreter = [sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix]
    libraries = [path for name, path in sysconfig.get_paths().items() if name.endswith(("lib", "stdlib"))]
    here = os.path.dirname(os.path.realpath(__file__))
    found = {os.path.realpath(path) for path in [*sys.path, *of_interpreter, *libraries, here] if path}
    return sorted(path for path in found if path != "/" and os.path.exists(path))


def main(arguments: list[str]) -> int:
    """Imports the class and serves it."""
    if len(arguments) != 6:
        print("doorward.host is started by doorward-plugin-host; it is not run by hand", file=sys.stderr)
        return 2
    named, folder, name, sandbox, landlock, call = arguments
    if folder:
        sys.path.insert(0, folder)
    module, _, attribute = named.partition(":")
    try:
        found = getattr(importlib.import_module(module), attribute)
        return 0 if serve_kind(found, name, sandbox, landlock, readable(), int(call)) else 1
    except Exception as raised:  # whatever it is, the operator of the server has to read it
        refuse_kind(int(call), f"{named} cannot be used: {type(raised).__name__}: {raised}")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
