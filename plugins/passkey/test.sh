#!/usr/bin/env bash
# Passkeys: the vectors and tables in Rust.
set -eu
cd "$(dirname "$0")/../.."
cargo test --quiet --locked -p doorward-passkey
