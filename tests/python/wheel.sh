#!/bin/sh
# Builds the wheel once, as `pip install ./python` does, and tries it on every CPython from 3.10 on that is here.
#   tests/python/wheel.sh        RELEASE=1 for the release profile
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
work="$root/target/python/wheel"
log="$work/log"
python=${PYTHON:-python3}
rm -rf "$work"
mkdir -p "$work"

# The workspace's own target directory: what is built already is not built again.
profile=dev
[ "${RELEASE:-0}" = 1 ] && profile=release
CARGO_TARGET_DIR="$root/target" "$python" -m pip wheel --quiet --disable-pip-version-check --no-deps \
    --config-settings "build-args=--profile $profile" --wheel-dir "$work" "$root/python"
wheel=$(ls "$work"/*.whl)
echo "wheel: $(basename "$wheel"), $(du -k "$wheel" | cut -f1) KiB"

# Its SQLite is built as .cargo/config.toml says, also where pip calls cargo.
"$python" - "$wheel" <<'end'
import sys, zipfile

with zipfile.ZipFile(sys.argv[1]) as wheel:
    library = b"".join(wheel.read(name) for name in wheel.namelist() if name.endswith(".so"))
if b"THREADSAFE=1\0" not in library:
    sys.exit("the wheel has no SQLite")
for slow in [b"ENABLE_API_ARMOR\0", b"ENABLE_MEMORY_MANAGEMENT\0"]:
    if slow in library:
        sys.exit(f"the wheel's SQLite is built with {slow[:-1].decode()}")
end

# The source distribution has the licences, the settings of that SQLite, and builds what is tested: no package in it has
# another version than the workspace's lock names.
"$python" -m venv "$work/build"
"$work/build/bin/pip" install --quiet --disable-pip-version-check \
    "$(sed -n 's/^requires = \["\(.*\)"\]$/\1/p' "$root/python/pyproject.toml")"
(cd "$root/python" && "$work/build/bin/maturin" sdist --out "$work/sdist" >"$log" 2>&1) || { cat "$log"; exit 1; }
tar -xzf "$work/sdist"/*.tar.gz -C "$work/sdist" --strip-components=1
(cd "$work/sdist" && cargo metadata --offline --format-version 1) >"$work/metadata" 2>"$log" || { cat "$log"; exit 1; }
"$python" - "$wheel" "$work/sdist" "$work/metadata" "$root/Cargo.lock" <<'end'
import json, pathlib, re, sys, zipfile

wheel, sdist, metadata, lock = sys.argv[1:]
texts = [pathlib.Path(sdist, name).read_text() for name in ("LICENSE-APACHE", "LICENSE-MIT")]
with zipfile.ZipFile(wheel) as held:
    for text, name in zip(texts, ("LICENSE-APACHE", "LICENSE-MIT"), strict=True):
        (path,) = (path for path in held.namelist() if path.endswith(f".dist-info/licenses/{name}"))
        if held.read(path).decode() != text or len(text) < 1000:
            sys.exit(f"the wheel's {name} is not the one")
if "LIBSQLITE3_FLAGS" not in pathlib.Path(sdist, ".cargo/config.toml").read_text():
    sys.exit("the source distribution builds another SQLite")
used = {(one["name"], one["version"]) for one in json.loads(pathlib.Path(metadata).read_text())["packages"]}
locked = set(re.findall(r'name = "(.*?)"\nversion = "(.*?)"', pathlib.Path(lock).read_text()))
if not used or used - locked:
    sys.exit(f"the source distribution builds what is not tested: {used - locked}")
print(f"source distribution: {len(used)} packages, as locked; licences in both")
end

# Every interpreter once, by its real path; pyenv's too.
interpreters() {
    for candidate in $(command -v -a python3 python3.10 python3.11 python3.12 python3.13 python3.14 python3.15 2>/dev/null) \
        /usr/bin/python3.[0-9] /usr/bin/python3.[0-9][0-9] /usr/local/bin/python3.[0-9][0-9] "$HOME"/.pyenv/versions/*/bin/python3; do
        [ -x "$candidate" ] || continue
        "$candidate" -c '
import os, platform, sys, sysconfig
free_threaded = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
if sys.version_info >= (3, 10) and platform.python_implementation() == "CPython" and not free_threaded:
    print(platform.python_version(), os.path.realpath(sys.executable))
' 2>/dev/null || true
    done | sort -t. -k1,1n -k2,2n -k3,3n -u
}

passed=0
failed=0
interpreters >"$work/interpreters"
while read -r version path; do
    # pip from outside: Debian's interpreters come without one of their own.
    if "$path" -m venv --without-pip "$work/venv-$version" >"$log" 2>&1 &&
        "$python" -m pip --python "$work/venv-$version/bin/python" install --quiet --disable-pip-version-check \
            --no-index --no-deps "$wheel" >>"$log" 2>&1 &&
        (cd "$work" && "$work/venv-$version/bin/python" -W error "$root/tests/python/smoke.py") >>"$log" 2>&1; then
        passed=$((passed + 1))
        echo "CPython $version ($path): passed"
    else
        failed=$((failed + 1))
        echo "CPython $version ($path): FAILED"
        cat "$log"
    fi
done <"$work/interpreters"

echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
