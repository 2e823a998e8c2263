#!/bin/sh
# The Python suite on the workspace's own build: pytest, mypy --strict, stubtest.
#   tests/python/run.sh [pytest arguments…]        PYTHON=python3.12 to choose the interpreter
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
python=${PYTHON:-python3}
venv="$root/target/python/venv-$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')"
site="$root/target/python/site"
here="$root/tests/python"

[ -n "${NO_BUILD:-}" ] || cargo build --quiet --manifest-path "$root/Cargo.toml" -p doorward-cli -p doorward-python -p doorward-plugin-host -p doorward-totp -p doorward-recovery-codes

# The package as a wheel would lay it out, made of links: an edit is seen at once.
rm -rf "$site"
mkdir -p "$site/doorward"
for file in "$root"/python/doorward/*.py "$root"/python/doorward/*.pyi "$root/python/doorward/py.typed"; do
    ln -s "$file" "$site/doorward/"
done
ln -s "$root/target/debug/lib_doorward.so" "$site/doorward/_doorward.abi3.so"

if ! cmp -s "$here/requirements.txt" "$venv/requirements.txt"; then
    "$python" -m venv --clear "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
    cp "$here/requirements.txt" "$venv/requirements.txt"
fi

export PYTHONPATH="$site" PYTHONDONTWRITEBYTECODE=1 MYPYPATH="$site"
cd "$here"
# typed_wrong.py is for test_typing.py: it is full of mistakes.
"$venv/bin/mypy" --strict --exclude typed_wrong --cache-dir "$root/target/python/mypy" "$site/doorward" "$root/examples/first_login/python" "$root/plugins/template/python" "$here"
"$venv/bin/python" -m mypy.stubtest --mypy-config-file "$here/mypy.ini" doorward
exec "$venv/bin/python" -m pytest "$@"
