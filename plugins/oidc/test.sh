#!/usr/bin/env bash
# OpenID Connect: the tables in Rust, and the walk against a certified issuer (node-oidc-provider) on this machine.
set -euo pipefail
cd "$(dirname "$0")/../.."
tools/need cc=gcc
plugins/oidc/tests/issuer/install
log=$(mktemp)
trap 'rm -f "$log"' EXIT
status=0
{
    cargo test --quiet --locked -p doorward-oidc &&
        cargo test --quiet --locked -p doorward-tests --test oidc_issuer -- --ignored
} 2>&1 | tee "$log" || status=1
sums=$(sed -n 's/^test result: .* \([0-9]*\) passed; \([0-9]*\) failed.*/\1 \2/p' "$log" |
    awk '{ passed += $1; failed += $2 } END { print passed + 0, failed + 0 }')
echo "oidc: ${sums% *} passed, ${sums#* } failed"
exit "$status"
