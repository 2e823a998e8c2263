#!/bin/sh
# Holds the surface to its own document: as nobody, and as somebody who is signed in.
#   tests/schema/run.sh [how hard] [seed]        1: some 2,400 requests; 300: more than 20,000
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
here="$root/tests/schema"
each=${1:-1}
seed=${2:-20261130}
. "$root/tests/python/site.sh"
tool="$root/target/python/venv-schema"
if ! cmp -s "$here/requirements.txt" "$tool/requirements.txt"; then
    "$python" -m venv --clear "$tool"
    "$tool/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
    cp "$here/requirements.txt" "$tool/requirements.txt"
fi

port=$("$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
PYTHONPATH="$site" "$venv/bin/python" "$here/serve.py" "$port" &
server=$!
trap 'kill "$server"; wait "$server" || true' EXIT

export PYTHONPATH="$here" SCHEMATHESIS_HOOKS=secrets_check
checks=not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance
cd "$root/target/python"
failed=0
for who in "X-Nobody: 1" "X-Signed-In: 1"; do
    # One worker: threads of hypothesis disturb each other.
    "$tool/bin/schemathesis" run "http://127.0.0.1:$port/auth/openapi.json" --wait-for-schema 60 --max-examples "$each" --seed "$seed" \
        --header "Sec-Fetch-Site: same-origin" --header "$who" --phases examples,coverage,fuzzing,stateful --workers 1 \
        --checks "$checks,allow_header_conformance,no_secret_in_a_body" --warnings off --suppress-health-check all \
        --generation-database none --no-color --continue-on-failure || failed=1
done
exit "$failed"
