"""Prints what a shared library is made of: sizes.py LIBRARY NAME LIMIT_IN_MB. Fails where it is larger than the limit."""

import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

# The first path of a demangled name, in front of which there may be `<`, `&`, `dyn` and the like.
CRATE = re.compile(r"[<&*( ]*(?:dyn |mut |const |\[)?([a-z_][a-z0-9_]*)::")
# C code has no paths: the bundled SQLite and the assembly of ring are known by how their symbols begin.
BY_PREFIX = [
    ("sqlite3", "SQLite"),
    ("fts3", "SQLite"),
    ("rtree", "SQLite"),
    ("json", "SQLite"),
    ("ring_core", "ring"),
    ("doorward_", "doorward_ffi"),
]


def owner(symbol: str) -> str:
    for prefix, name in BY_PREFIX:
        if symbol.startswith(prefix):
            return name
    found = CRATE.match(symbol)
    return found.group(1) if found else "C and what has no crate"


def main() -> int:
    library, name, limit = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
    listed = subprocess.run(
        ["nm", "--print-size", "--defined-only", "--demangle", str(library)],
        check=True, capture_output=True, text=True,
    ).stdout
    sizes: Counter[str] = Counter()
    for line in listed.splitlines():
        parts = line.split(" ", 3)
        if len(parts) == 4:
            sizes[owner(parts[3])] += int(parts[1], 16)
    with tempfile.NamedTemporaryFile() as bare:
        subprocess.run(["strip", "--strip-unneeded", "-o", bare.name, str(library)], check=True)
        stripped = Path(bare.name).stat().st_size
    named = sum(sizes.values())
    print(f"  {name}: {library.stat().st_size / 1e6:.2f} MB with names, {stripped / 1e6:.2f} MB without, "
          f"of which {named / 1e6:.2f} MB have a name")
    for crate, size in sizes.most_common(30):
        print(f"    {size / 1e3:9.1f} kB  {crate}")
    print(f"    {(stripped - named) / 1e3:9.1f} kB  the rest")
    if stripped > limit * 1e6:
        print(f"  {name}: more than {limit:g} MB")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
