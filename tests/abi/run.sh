#!/usr/bin/env bash
# Whether today's headers and core still keep what version 1 of the plugin ABI promised (tests/abi/v1). Prints one line for each
# test and, last, how many passed and failed.
set -u

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
cd "$root" || exit 1
tools/need abidiff=abigail-tools c++=g++ cc=gcc python3=python3 || exit 1
log=$(mktemp)
trap 'rm -f "$log"' EXIT
passed=0 failed=0

# test_ NAME COMMAND...: what it prints is shown if it fails.
test_() {
    local name=$1
    shift
    if "$@" >"$log" 2>&1; then
        passed=$((passed + 1))
        echo "ok    $name"
    else
        failed=$((failed + 1))
        echo "FAIL  $name"
        sed 's/^/      /' "$log" | tail -n 40
    fi
}

strict='-Wall -Wextra -pedantic -Werror -fsyntax-only -Iinclude'
# shellcheck disable=SC2086 # several flags in one word
{
    test_ 'every struct has its first layout, in C' cc -std=c11 $strict tests/abi/v1/layout.c
    test_ 'and in C++' c++ -x c++ -std=c++17 $strict tests/abi/v1/layout.c
}
test_ 'and in Rust' cargo test --locked -q -p doorward-plugin-abi --test layout
test_ 'the headers have changed by additions only' python3 tests/abi/compare.py tests/abi/v1 include
test_ 'an incompatible change is found' python3 tests/abi/planted.py include
test_ 'plugins of version 1, and of a later version, run on this core' \
    cargo test --locked -q -p doorward-tests --test plugins frozen::
test_ 'plugins run on an older and on a later host' cargo test --locked -q -p doorward-plugin --test abi frozen::
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
