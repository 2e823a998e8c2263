#!/bin/sh
# Installs or uninstalls the C and C++ side of Doorward: headers, libraries, pkg-config, CMake, man pages.
# `make libraries` and `make install PREFIX= DESTDIR= LIBDIR=` call it.
#
#   ffi/install.sh build|install|uninstall [--profile NAME] [--build DIR] [--prefix DIR] [--destdir DIR] [--libdir DIR]
#                                          [--libexecdir DIR] [--engines LIST]
#
# PREFIX, DESTDIR, LIBDIR, LIBEXECDIR, PROFILE, ENGINES and CARGOFLAGS (such as --offline) in the environment mean the same;
# an option wins. Both build and install call cargo, which knows what has changed: what is installed is what the sources say.
#
# --profile  release (the default) or dev, for trying an installation out
# --engines  what `database` may name besides memory: sqlite, postgres or both with a comma between, the default
# --build    install what is in this folder, libdoorward_ffi.so, .a and doorward-plugin-host, and build nothing
# --prefix   default /usr/local            --libdir  default PREFIX/lib; a relative one is below PREFIX
# --libexecdir  default PREFIX/libexec: doorward/doorward-plugin-host, in which isolated plugins run. The library is told
#            where that is when it is built; one from `--build` looks where its own build said, or below /usr/local/libexec:
#            for any other place set plugin_host.path
# --destdir  put before every path that is written, not into the files: for packaging
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
build='' prefix=${PREFIX:-/usr/local} destdir=${DESTDIR:-} libdir=${LIBDIR:-} libexecdir=${LIBEXECDIR:-}
profile=${PROFILE:-release} engines=${ENGINES:-postgres,sqlite}

fail() { echo "install.sh: $*" >&2; exit 1; }

action=${1:-}
[ $# -gt 0 ] && shift
while [ $# -gt 0 ]; do
    [ $# -ge 2 ] || fail "$1 needs a value"
    case $1 in
        --build) build=$2 ;;
        --profile) profile=$2 ;;
        --engines) engines=$2 ;;
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
features=
for engine in $(echo "$engines" | tr , ' '); do
    case $engine in sqlite | postgres) ;; *) fail "no engine $engine: say sqlite, postgres or postgres,sqlite" ;; esac
    features=${features:+$features,}doorward-ffi/$engine
done

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

# A path below the prefix, said by the prefix: then `pkg-config --define-prefix` and a moved tree find it.
below() { # PATH NAME-OF-THE-PREFIX
    case $1 in "$prefix"/*) echo "\${$2}${1#"$prefix"}" ;; *) echo "$1" ;; esac
}

fill() {
    case $cmakedir in
        "$prefix"/*) up='${CMAKE_CURRENT_LIST_DIR}/'$(echo "${cmakedir#"$prefix/"}" | sed 's|[^/][^/]*|..|g') ;;
        *) up=$prefix ;;
    esac
    sed -e "s|@PREFIX@|$prefix|g" -e "s|@UP@|$up|g" \
        -e "s|@LIBDIR@|$(below "$libdir" prefix)|g" -e "s|@INCLUDEDIR@|$(below "$includedir" prefix)|g" \
        -e "s|@CMAKE_LIBDIR@|$(below "$libdir" doorward_prefix)|g" \
        -e "s|@CMAKE_INCLUDEDIR@|$(below "$includedir" doorward_prefix)|g" \
        -e "s|@VERSION@|$version|g" -e "s|@ABI@|$abi|g" "$1" >"$2"
    chmod 644 "$2"
}

# Always: whether something is to be done is for cargo to say, by the sources, the profile and the place of the host.
build_all() {
    command -v cargo >/dev/null ||
        fail "there is no cargo in PATH: say sudo env PATH=\"\$PATH\" make install, or install into a DESTDIR as yourself"
    # In its own folder, where .cargo/config.toml has what SQLite is built with.
    # shellcheck disable=SC2086 # several flags in one word
    target=$(
        cd "$root"
        DOORWARD_PLUGIN_HOST=$host cargo build --profile "$profile" --locked ${CARGOFLAGS:-} \
            --no-default-features --features "$features" -p doorward-ffi -p doorward-plugin-host >&2
        cargo metadata --locked --no-deps --format-version 1 ${CARGOFLAGS:-} |
            sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p'
    )
    case $profile in dev) build=$target/debug ;; *) build=$target/$profile ;; esac
}

case $action in
    build)
        build_all
        echo "built for $prefix in $build"
        ;;
    install)
        [ -n "$build" ] || build_all
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
    *) fail "say build, install or uninstall" ;;
esac
