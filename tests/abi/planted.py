"""The comparison itself on trial: each change is planted in a copy of today's headers, and compared with what is there.

    planted.py INCLUDE_FOLDER
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PLUGIN, LIBRARY = "doorward_plugin.h", "doorward.h"
PASSES, FAILS = 0, 1

# What it is, whether it may happen, the header, a pattern in it and what takes its place.
CHANGES = [
    ("a struct that grows at its end", PASSES, PLUGIN, r"\} dwp_pwhash;", r"    void *more;\n} dwp_pwhash;"),
    ("a request that grows", PASSES, PLUGIN, r"\} dwp_request;", r"    dwp_bytes more;\n} dwp_request;"),
    ("a new type", PASSES, PLUGIN, r"\} dwp_pwhash;", r"} dwp_pwhash;\ntypedef struct dwp_more { int a; } dwp_more;"),
    ("a new constant", PASSES, PLUGIN, r"#define DWP_LOG_DEBUG 4", r"#define DWP_LOG_DEBUG 4\n#define DWP_LOG_TRACE 5"),
    ("another minor version", PASSES, PLUGIN, r"#define DWP_ABI_MINOR \d+u", r"#define DWP_ABI_MINOR 77u"),
    ("a struct that never grows", FAILS, PLUGIN, r"\} dwp_bytes;", r"    int more;\n} dwp_bytes;"),
    ("a member in the middle", FAILS, PLUGIN, r"    uint32_t step;", r"    uint32_t odd;\n    uint32_t step;"),
    ("a member that is gone", FAILS, PLUGIN, r"    dwp_operation health;", r""),
    ("the last member gone", FAILS, PLUGIN, r"    dwp_bytes resolved;", r""),
    ("a member of another type", FAILS, PLUGIN, r"    int64_t version;", r"    int32_t version;"),
    ("a wider member", FAILS, PLUGIN, r"    uint32_t max_len;", r"    uint64_t max_len;"),
    ("a parameter of another type", FAILS, PLUGIN, r"int32_t level, const char", r"int64_t level, const char"),
    ("a parameter more", FAILS, PLUGIN, r"\(DWP_CALL \*wipe\)\(", r"(DWP_CALL *wipe)(int how, "),
    ("another result", FAILS, PLUGIN, r"uint64_t\(DWP_CALL \*monotonic_ns\)", r"uint32_t(DWP_CALL *monotonic_ns)"),
    ("another width of the status", FAILS, PLUGIN, r"typedef int32_t dwp_status;", r"typedef int64_t dwp_status;"),
    ("a verdict of another value", FAILS, PLUGIN, r"#define DWP_DENY 0x0+u", r"#define DWP_DENY 0x1u"),
    ("a constant that is gone", FAILS, PLUGIN, r"#define DWP_LOG_DEBUG 4", r""),
    ("another id of an extension", FAILS, PLUGIN, r'"doorward\.kv/1"', r'"doorward.kv/2"'),
    ("another id of the limits", FAILS, PLUGIN, r'"doorward\.limit/1"', r'"doorward.limit/2"'),
    ("a limit with another unit", FAILS, PLUGIN, r"uint32_t pace, uint32_t \*wait", r"uint64_t pace, uint32_t *wait"),
    ("a function that is gone", FAILS, LIBRARY, r"bool doorward_status_is_public\([^;]*;", r""),
    ("a function with another parameter", FAILS, LIBRARY, r"is_retryable\(doorward_status", r"is_retryable(int64_t more, doorward_status"),
    ("a new status", PASSES, LIBRARY, r"DOORWARD_CLOSED = 9,", r"DOORWARD_CLOSED = 9,\n    DOORWARD_MORE = 10,"),
    ("a status of another value", FAILS, LIBRARY, r"DOORWARD_ABSENT = 8,", r"DOORWARD_ABSENT = 18,"),
    ("a status that is gone", FAILS, LIBRARY, r"    DOORWARD_ABSENT = 8,", r""),
    ("an answer that grows", FAILS, LIBRARY, r"\} doorward_answer;", r"    void *more;\n} doorward_answer;"),
    ("an option that grows", PASSES, LIBRARY, r"\} doorward_new_user;", r"    doorward_bytes more;\n} doorward_new_user;"),
    ("an operation with an operand more", FAILS, LIBRARY, r"doorward_enable_user\(", r"doorward_enable_user(int more, "),
    ("a new function", PASSES, LIBRARY, r"bool doorward_status_is_public\(", r"void doorward_more(void);\nbool doorward_status_is_public("),
]


def main():
    include = Path(sys.argv[1]).resolve()
    compare = Path(__file__).with_name("compare.py")
    wrong = 0
    for what, expected, header, pattern, instead in CHANGES:
        with tempfile.TemporaryDirectory() as folder:
            planted = Path(folder) / "include"
            shutil.copytree(include, planted)
            text = (planted / header).read_text(encoding="utf-8")
            changed, times = re.subn(pattern, instead, text, count=1)
            if times != 1:
                print(f"nothing to plant for: {what}")
                wrong += 1
                continue
            (planted / header).write_text(changed, encoding="utf-8")
            ran = subprocess.run(
                [sys.executable, compare, include, planted], capture_output=True, text=True, check=False
            )
            if ran.returncode != expected or "do not compile" in ran.stderr:
                print(f"{what}: status {ran.returncode}, not {expected}\n{ran.stdout}{ran.stderr}")
                wrong += 1
    print(f"{len(CHANGES) - wrong} of {len(CHANGES)} planted changes judged right")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
