#!/bin/sh
# Installs or uninstalls the C and C++ side of Doorward: headers, libraries, pkg-config, CMake, man pages.
# `make install PREFIX= DESTDIR= LIBDIR=` calls it.
#
#   ffi/install.sh install|uninstall [--build DIR] [--prefix DIR] [--destdir DIR] [--libdir DIR] [--libexecdir DIR]
#
# PREFIX, DESTDIR, LIBDIR and LIBEXECDIR in the environment mean the same; an option wins.
#
# --build    where libdoorward_ffi.so and .a are (default: target/release, which is built if it is not there)
# --prefix   default /usr/local            --libdir  default PREFIX/lib; a relative one is below PREFIX
# --libexecdir  default PREFIX/libexec: doorward/doorward-plugin-host, in which isolated plugins run. A library that is
#            built elsewhere looks for it below /usr/local/libexec; for any other place set plugin_host.path
# --destdir  put before every path that is written, not into the files: for packaging
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
build='' prefix=${PREFIX:-/usr/local} destdir=${DESTDIR:-} libdir=${LIBDIR:-} libexecdir=${LIBEXECDIR:-}

fail() { echo "install.sh: $*" >&2; exit 1; }

action=${1:-}
[ $# -gt 0 ] && shift
while [ $# -gt 0 ]; do
    [ $# -ge 2 ] || fail "$1 needs a value"
    case $1 in
        --build) build=$2 ;;
        --prefix) prefix=${2:-/usr/local} ;;
        --destdir) destdir=$2 ;;
        --libdir) libdir=$2 ;;
        --libexecdir) libexecdir=$2 ;;
        *) fail "unknown option $1" ;;
    esac
    shift 2
done
case $prefix in /*) ;; *) fail "the prefix must be absolute: $prefix" ;; esac
case ${libdir:=lib} in /*) ;; *) libdir=$prefix/$libdir ;; esac
case ${libexecdir:=libexec} in /*) ;; *) libexecdir=$prefix/$libexecdir ;; esac
host=$libexecdir/doorward/doorward-plugin-host

version=$(sed -n 's/^version = "\([0-9.]*\)"$/\1/p' "$root/Cargo.toml" | head -n 1)
[ -n "$version" ] || fail "no version in $root/Cargo.toml"
abi=${version%.*} # before 1.0 every minor release may change the ABI: the soname has both numbers
includedir=$prefix/include mandir=$prefix/share/man cmakedir=$libdir/cmake/doorward

# Every file, so that uninstall removes exactly what install wrote.
files="
$includedir/doorward.h
$includedir/doorward.hpp
$includedir/doorward_plugin.h
$includedir/doorward_plugin.hpp
$libdir/libdoorward.so.$version
$libdir/libdoorward.so.$abi
$libdir/libdoorward.so
$libdir/libdoorward.a
$libdir/pkgconfig/doorward.pc
$libdir/pkgconfig/doorward-static.pc
$cmakedir/doorwardConfig.cmake
$cmakedir/doorwardConfigVersion.cmake
$host
$mandir/man3/doorward.3
$mandir/man7/doorward-plugin.7
"

# One object in which everything but doorward_* is local: an application may link its own SQLite beside it, and two
# libraries of this kind do not share their Rust runtime. Without this the linker would silently take ours for theirs.
localise() {
    work=$(mktemp -d)
    wanted=$(grep -oE '\bdoorward_[a-z0-9_]+\(' "$root/include/doorward.h" | tr -d '(' | sort -u |
        grep -v -x -e doorward_str -e doorward_span | sed 's/^/-u /')
    # shellcheck disable=SC2086 # one argument for each word
    ld -r --gc-sections $wanted -o "$work/all.o" "$1"
    objcopy --wildcard -R .llvmbc -R .llvmcmd --keep-global-symbol='doorward_*' "$work/all.o" "$work/doorward.o"
    objcopy -g "$work/doorward.o"
    rm -f "$2"
    ar crs "$2" "$work/doorward.o"
    chmod 644 "$2"
    rm -r "$work"
}

fill() {
    sed -e "s|@PREFIX@|$prefix|g" -e "s|@LIBDIR@|$libdir|g" -e "s|@INCLUDEDIR@|$includedir|g" \
        -e "s|@VERSION@|$version|g" -e "s|@ABI@|$abi|g" "$1" >"$2"
    chmod 644 "$2"
}

case $action in
    install)
        if [ -z "$build" ]; then
            build=$root/target/release
            [ -f "$build/libdoorward_ffi.so" ] && [ -f "$build/libdoorward_ffi.a" ] &&
                [ -f "$build/doorward-plugin-host" ] ||
                DOORWARD_PLUGIN_HOST=$host cargo build --manifest-path "$root/Cargo.toml" --release --locked \
                    -p doorward-ffi -p doorward-plugin-host
        fi
        for built in libdoorward_ffi.so libdoorward_ffi.a doorward-plugin-host; do
            [ -f "$build/$built" ] ||
                fail "$build/$built is not there: cargo build -p doorward-ffi -p doorward-plugin-host"
        done
        for file in $files; do install -d "$destdir$(dirname "$file")"; done
        install -m 644 "$root"/include/doorward.h "$root"/include/doorward.hpp "$root"/include/doorward_plugin.h "$root"/include/doorward_plugin.hpp \
            "$destdir$includedir/"
        install -m 755 "$build/libdoorward_ffi.so" "$destdir$libdir/libdoorward.so.$version"
        ln -sf "libdoorward.so.$version" "$destdir$libdir/libdoorward.so.$abi"
        ln -sf "libdoorward.so.$abi" "$destdir$libdir/libdoorward.so"
        install -m 755 "$build/doorward-plugin-host" "$destdir$host"
        localise "$build/libdoorward_ffi.a" "$destdir$libdir/libdoorward.a"
        fill "$here/install/doorward.pc.in" "$destdir$libdir/pkgconfig/doorward.pc"
        fill "$here/install/doorward-static.pc.in" "$destdir$libdir/pkgconfig/doorward-static.pc"
        fill "$here/install/doorwardConfig.cmake.in" "$destdir$cmakedir/doorwardConfig.cmake"
        fill "$here/install/doorwardConfigVersion.cmake.in" "$destdir$cmakedir/doorwardConfigVersion.cmake"
        install -m 644 "$root/docs/man/doorward.3" "$destdir$mandir/man3/"
        install -m 644 "$root/docs/man/doorward-plugin.7" "$destdir$mandir/man7/"
        echo "installed Doorward $version below $destdir$prefix"
        [ -n "$destdir" ] || echo "if $libdir is searched by the dynamic linker, run ldconfig now"
        ;;
    uninstall)
        for file in $files; do rm -f "$destdir$file"; done
        [ ! -d "$destdir$libexecdir/doorward" ] || rmdir --ignore-fail-on-non-empty "$destdir$libexecdir/doorward"
        [ ! -d "$destdir$cmakedir" ] || rmdir --ignore-fail-on-non-empty "$destdir$cmakedir"
        echo "uninstalled Doorward from $destdir$prefix"
        ;;
    *) fail "say install or uninstall" ;;
esac
