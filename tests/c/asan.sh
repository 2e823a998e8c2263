#!/bin/sh
# AddressSanitizer on the C interface alone: a build of doorward-ffi of its own, linked statically into the C test
# programs, so that a mistake on either side of the boundary is seen. Prints how many programs passed and failed.
#
#   tests/c/asan.sh
set -u

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
target=$(rustc -vV | sed -n 's/^host: //p')
build=$root/target/asan
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

# The sanitizer is not a stable option of the compiler; this is the documented way to use one with a stable compiler.
RUSTC_BOOTSTRAP=1 RUSTFLAGS='-Zsanitizer=address' \
    cargo rustc --manifest-path "$root/Cargo.toml" -p doorward-ffi --lib --crate-type staticlib \
    --target "$target" --target-dir "$build" || exit 1

umask 022
for plugin in tests/c/gadget tests/plugins/claims tests/plugins/limiter; do
    gcc -std=c11 -O2 -fPIC -shared -fvisibility=hidden -I"$root/include" "$root/$plugin.c" -o "$work/$(basename "$plugin").so" || exit 1
done
export GADGET="$work/gadget.so" CLAIMS="$work/claims.so" LIMITER="$work/limiter.so" ASAN_OPTIONS=detect_leaks=1:abort_on_error=1
for name in operations behaviour surface views epoll_server prefork_server; do
    mkdir -p "$work/run" && cd "$work/run" || exit 1
    # shellcheck disable=SC2046 # several files
    # The C compiler's runtime serves both sides: both compilers speak version 8 of the sanitizer's interface.
    if gcc -std=gnu11 -g -fsanitize=address -I"$root/include" -I"$here" "$here/$name.c" $([ ! -d "$here/$name" ] || ls "$here/$name"/*.c) -o "./$name" \
        "$build/$target/debug/libdoorward_ffi.a" -lpthread -ldl -lm -lgcc_s >"$work/log" 2>&1 && "./$name" >>"$work/log" 2>&1; then
        passed=$((passed + 1))
        echo "ok    AddressSanitizer: $name"
    else
        failed=$((failed + 1))
        echo "FAIL  AddressSanitizer: $name"
        sed 's/^/      /' "$work/log" | head -n 60
    fi
    cd "$work" && rm -rf "$work/run"
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
