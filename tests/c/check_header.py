#!/usr/bin/env python3
"""Reads include/doorward.h: the functions it declares and the tags that end each one's comment.

    check_header.py names HEADER             the names, one a line
    check_header.py outline HEADER           those that are no accessors
    check_header.py tags HEADER BEHAVIOUR.C  every function has its tags, and the test's table says the same
"""

import re
import sys
from pathlib import Path

TAGS = re.compile(r"\[(any-thread|one-thread)\] \[(any-state|cold|started)\] \[(may-block|no-block)\]$")
DECLARATION = re.compile(r"/\*(?P<comment>(?:[^*]|\*(?!/))*)\*/\s*(?P<text>[^;{}#/]*?\b(?P<name>doorward_\w+)\([^;{}]*\));", re.S)


def functions(header: str) -> dict[str, tuple[str, str, str] | None]:
    """Each declared function with its tags, or None where they are missing or not in the one syntax."""
    declared = set()
    for match in re.finditer(r"^(?!static|typedef| |#)[^\n]*?\b(doorward_\w+)\(", header, re.M):
        declared.add(match.group(1))
    tagged = {}
    for match in DECLARATION.finditer(header):
        comment = " ".join(line.strip(" *\t") for line in match["comment"].strip().splitlines())
        found = TAGS.search(comment.strip())
        tagged[match["name"]] = found.groups() if found else None
    return {name: tagged.get(name) for name in sorted(declared)}


def table(source: str) -> dict[str, tuple[str, str]]:
    """The operations that behaviour.c tries, with the state and the blocking it expects."""
    rows = re.findall(r"^\s*(\w+)\((doorward_\w+),", source, re.M)
    kinds = {"STARTED": ("started", "may-block"), "LIFE": ("any-state", "may-block"), "FREE": ("any-state", "no-block")}
    return {name: kinds[kind] for kind, name in rows if kind in kinds}


def is_accessor(name: str, tags: tuple[str, str, str] | None) -> bool:
    """True for functions that only read a handle or a constant."""
    handles = r"doorward_(answer|claim|status|flow|method|field|factor|session|device|user|identity|authenticator|proof|delivery|token_info|version|way)_"
    return tags is not None and tags[1:] == ("any-state", "no-block") and re.match(handles, name) is not None


def main() -> int:
    action, header = sys.argv[1], Path(sys.argv[2]).read_text()
    declared = functions(header)
    if action == "names":
        print("\n".join(declared))
        return 0
    if action == "outline":
        print("\n".join(name for name, tags in declared.items() if not is_accessor(name, tags)))
        return 0
    problems = [f"{name} has no tags, or not in the one syntax" for name, tags in declared.items() if tags is None]
    expected = table(Path(sys.argv[3]).read_text())
    for name, tags in declared.items():
        if tags is None:
            continue
        tried = expected.pop(name, None)
        if tried is None and is_accessor(name, tags):
            continue  # an accessor: tried by operations.c, and it has no context to be in a state
        if tried is None:
            problems.append(f"{name} is not in the table of behaviour.c")
        elif tried != tags[1:]:
            problems.append(f"{name} is tagged {tags[1:]} and behaves as {tried}")
    problems += [f"behaviour.c tries {name}, which the header does not declare" for name in expected]
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
