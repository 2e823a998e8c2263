#!/usr/bin/env bash
# Passkeys: vectors, tables and parsers in Rust; then a headless Chromium with a virtual authenticator signs up and in
# through the library's own build and the built plugin, and python-fido2 verifies the same responses.
set -eu
cd "$(dirname "$0")/../.."
tools/need chromium=chromium chromedriver=chromium-driver python3=python3
here=plugins/passkey/tests/browser
folder=target/passkey

cargo test --quiet --locked -p doorward-passkey
cargo build --quiet --locked -p doorward-passkey -p doorward-python -p doorward-plugin-host

# The Python package as a wheel would lay it out, made of links.
rm -rf "$folder/site"
mkdir -p "$folder/site/doorward"
for file in python/doorward/*.py; do
    ln -s "$PWD/$file" "$folder/site/doorward/"
done
ln -s "$PWD/target/debug/lib_doorward.so" "$folder/site/doorward/_doorward.abi3.so"
if ! cmp -s "$here/requirements.txt" "$folder/venv/requirements.txt"; then
    python3 -m venv --clear "$folder/venv"
    "$folder/venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
    cp "$here/requirements.txt" "$folder/venv/requirements.txt"
fi
PYTHONPATH="$folder/site" PYTHONDONTWRITEBYTECODE=1 \
    exec "$folder/venv/bin/python" "$here/walk.py" "$PWD/target/debug/libdoorward_passkey.so" "$PWD/target/debug/doorward-plugin-host"
