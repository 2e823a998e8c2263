"""Compares today's public headers with those of a released version, as a program that was built with the old ones sees it.

    compare.py OLD_FOLDER NEW_FOLDER

Both headers go into a small shared object that uses every public type and function; abidiff compares the two. What may
happen: new types, functions and constants, and new members at the end of structs that begin with struct_size. Anything else
(also a constant with another value) is printed, and the exit status is 1.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

HEADERS = ("doorward.h", "doorward_plugin.h")


def bare(text):
    """The header without comments."""
    return re.sub(r"/\*.*?\*/", " ", text, flags=re.S)


def shim(folder):
    """C that uses every public type and function, so that the debug information has them."""
    lines = []
    for header in HEADERS:
        text = bare((folder / header).read_text(encoding="utf-8"))
        lines.append(f'#include "{header}"')
        types = set(re.findall(r"typedef\s+(?:struct|enum|union)\s+\w+\s*(?:DOORWARD_ENUM\s*)?(?:\{[^}]*\})?\s*(\w+)\s*;", text))
        types |= set(re.findall(r"typedef\s+[^;{}()]*?\b(\w+)\s*;", text))
        types |= set(re.findall(r"typedef\s+[^;{}]*?\(\s*(?:DWP_CALL\s*)?\*\s*(\w+)\s*\)\s*\(", text))
        code = re.sub(r"^#(?:[^\n]*\\\n)*[^\n]*", "", text, flags=re.M)
        functions = set(re.findall(r"\b(doorward_\w+)\s*\((?!\*)", code)) - types
        lines += [f"{name} *type_{name};" for name in sorted(types)]
        lines += [f"__typeof__(&{name}) function_{name};" for name in sorted(functions)]
    return "\n".join(lines) + "\n"


def built(folder, work, name):
    source = work / f"{name}.c"
    source.write_text(shim(folder), encoding="utf-8")
    target = work / f"{name}.so"
    command = ["cc", "-g", "-shared", "-fPIC", "-I", folder, source, "-o", target]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode != 0:
        sys.exit(f"the headers in {folder} do not compile:\n{made.stderr}")
    return target


def growing(folder):
    """The structs that begin with struct_size, and so may grow at their end."""
    text = "".join(bare((folder / header).read_text(encoding="utf-8")) for header in HEADERS)
    return set(re.findall(r"struct\s+(\w+)\s*\{\s*(?:u?int32_t|size_t)\s+struct_size\s*;", text))


def judged(report, may_grow):
    """What the report of abidiff says beyond what may happen."""
    findings = []
    struct, size, allowed = None, 0, False
    for line in report.splitlines():
        if not line.strip() or "summary:" in line:
            continue
        head = re.match(r"'struct (\w+) at .*' changed:", line)
        if head:
            struct, size, allowed = head[1], 0, head[1] in may_grow
        elif struct and allowed and (grown := re.match(r"  type size changed from (\d+) to (\d+)", line)):
            size = int(grown[1])
            if int(grown[2]) < size:
                findings.append(f"{struct}: {line.strip()}")
        elif struct and allowed and re.match(r"  \d+ data member insertions?:", line):
            pass
        elif struct and allowed and size and (new := re.match(r"    '.*', at offset (\d+) \(in bits\)", line)):
            if int(new[1]) < size:
                findings.append(f"{struct}: not at its end: {line.strip()}")
        else:
            findings.append(f"{struct}: {line.strip()}" if struct else line.strip())
    return findings


def constants(folder):
    """Every constant and its text, but the versions, which are there to grow."""
    found = {}
    for header in HEADERS:
        for name, value in re.findall(
            r"^#define[ \t]+(\w+)[ \t]+(\S[^\n]*)$", bare((folder / header).read_text(encoding="utf-8")), flags=re.M
        ):
            if not re.search(r"MINOR|VERSION_(PATCH|TEXT|STRING|NUMBER)|_VERSION$|_H$", name):
                found[name] = " ".join(value.rstrip("\\").split())
    return found


def main():
    old, new = (Path(folder).resolve() for folder in sys.argv[1:3])
    with tempfile.TemporaryDirectory() as work:
        work = Path(work)
        command = ["abidiff", "--leaf-changes-only", "--no-added-syms"]
        command += [built(old, work, "old"), built(new, work, "new")]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode & 3:
        sys.exit(f"abidiff failed: {ran.stderr or ran.stdout}")
    findings = judged(ran.stdout, growing(old)) if ran.returncode else []
    before, now = constants(old), constants(new)
    for name, value in before.items():
        if now.get(name) != value:
            findings.append(f"{name} was {value} and is {now.get(name, 'gone')}")
    for finding in findings:
        print(finding)
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()
