# Sourced by those that run Python on the workspace's own build: the package as a wheel would lay it out, made of links, so that an
# edit is seen at once, and an environment with what the suite stands on. Needs $root; gives $site and $venv.
python=${PYTHON:-python3}
venv="$root/target/python/venv-$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')"
site="$root/target/python/site"
if [ -z "${SITE_IS_MADE:-}" ]; then
    [ -n "${NO_BUILD:-}" ] || cargo build --quiet --manifest-path "$root/Cargo.toml" -p doorward-cli -p doorward-python -p doorward-plugin-host -p doorward-totp -p doorward-recovery-codes
    rm -rf "$site"
    mkdir -p "$site/doorward"
    for file in "$root"/python/doorward/*.py "$root"/python/doorward/*.pyi "$root/python/doorward/py.typed" "$root/python/doorward/django"; do
        ln -s "$file" "$site/doorward/"
    done
    ln -s "$root/target/debug/lib_doorward.so" "$site/doorward/_doorward.abi3.so"
    if ! cmp -s "$root/tests/python/requirements.txt" "$venv/requirements.txt"; then
        "$python" -m venv --clear "$venv"
        "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$root/tests/python/requirements.txt"
        cp "$root/tests/python/requirements.txt" "$venv/requirements.txt"
    fi
fi
export SITE_IS_MADE=1 PYTHONDONTWRITEBYTECODE=1
