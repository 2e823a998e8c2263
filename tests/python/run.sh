#!/bin/sh
# The Python suite on the workspace's own build: pytest, mypy --strict, stubtest.
#   tests/python/run.sh [pytest arguments…]        PYTHON=python3.12 to choose the interpreter
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
here="$root/tests/python"
. "$here/site.sh"

export PYTHONPATH="$site" MYPYPATH="$site"
cd "$here"
# typed_wrong.py is for test_typing.py: it is full of mistakes.
"$venv/bin/mypy" --strict --exclude typed_wrong --cache-dir "$root/target/python/mypy" "$site/doorward" "$root/examples/first_login/python" "$root/plugins/template/python" "$here"
"$venv/bin/python" -m mypy.stubtest --mypy-config-file "$here/mypy.ini" --allowlist "$here/stubtest.txt" doorward
exec "$venv/bin/python" -m pytest "$@"
