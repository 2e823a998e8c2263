#!/bin/sh
# Everything about the C and C++ interface, against one build of the library. Prints one line for each test and, last,
# how many passed and failed. Uses target/debug (or $1): builds it if it is not there.
#
#   tests/c/run.sh [BUILD_DIR [WORDS]]     only the tests whose name has these words
set -u
unset PREFIX DESTDIR LIBDIR

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
build=$(realpath "${1:-$root/target/debug}") only=${2:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0
: "${CC:=gcc}" "${CXX:=g++}"
strict='-Wall -Wextra -pedantic -Werror -g'

# test NAME COMMAND...: runs it in a folder of its own; what it prints is shown if it fails.
test_() {
    name=$1
    shift
    case $name in *"$only"*) ;; *) return ;; esac
    mkdir -p "$work/run" && cd "$work/run" || exit 1
    if "$@" >"$work/log" 2>&1; then
        passed=$((passed + 1))
        echo "ok    $name"
    else
        failed=$((failed + 1))
        echo "FAIL  $name"
        sed 's/^/      /' "$work/log" | tail -n ${LINES_SHOWN:-40}
    fi
    cd "$work" && rm -rf "$work/run"
}

compile_c() { # OUT SOURCE [FLAGS...]
    out=$1 source=$2
    shift 2
    # shellcheck disable=SC2086 # several flags in one word
    "$CC" -std=gnu11 $strict -I"$prefix/include" -I"$here" "$source" -o "$out" -L"$prefix/lib" -Wl,-rpath,"$prefix/lib" -ldoorward -pthread "$@"
}

# "Possibly lost" is not counted: SQLite's page cache and Rust's hash tables keep pointers into the middle of a block.
under_valgrind() {
    valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite,indirect \
        --show-leak-kinds=definite,indirect --fair-sched=yes "$@"
}

# ---- the headers ------------------------------------------------------------------------------------------------

headers_alone() {
    for header in doorward.h doorward_plugin.h; do
        printf '#include <%s>\n#include <%s>\nint main(void) { return 0; }\n' $header $header >alone.c
        for standard in c99 c11; do
            # shellcheck disable=SC2086
            "$CC" -std=$standard $strict -I"$root/include" -c alone.c -o alone.o || return 1
        done
        for standard in c++17 c++20; do
            # shellcheck disable=SC2086
            "$CXX" -x c++ -std=$standard $strict -I"$root/include" -c alone.c -o alone.o || return 1
        done
    done
    for header in doorward.hpp doorward_plugin.hpp; do
        printf '#include <%s>\n#include <%s>\nint main() { return 0; }\n' $header $header >alone.cpp
        for standard in c++17 c++20; do
            # shellcheck disable=SC2086
            "$CXX" -std=$standard $strict -I"$root/include" -c alone.cpp -o alone.o || return 1
        done
    done
}

# Warnings that teams turn on for everything they include.
headers_are_quiet() {
    printf '#include <doorward.hpp>\nint main() { return sizeof(doorward::auth) == 0; }\n' >quiet.cpp
    for compiler in "$CXX" clang++; do
        for flags in '-Wshadow -Wold-style-cast -Wconversion -Wsign-conversion -Wuseless-cast' '-fno-exceptions -fno-rtti'; do
            case $compiler in clang*) flags="$flags -Wno-unknown-warning-option" ;; esac
            # shellcheck disable=SC2086
            "$compiler" -std=c++17 $strict $flags -fsyntax-only -I"$root/include" quiet.cpp || return 1
        done
    done
    printf '#include <doorward.h>\nint main(void) { return 0; }\n' >quiet.c
    # shellcheck disable=SC2086
    "$CC" -std=c99 $strict -Wshadow -Wconversion -Wsign-conversion -Wcast-qual -Wstrict-prototypes -I"$root/include" -c quiet.c -o quiet.o
}

# Statuses have 4 bytes, or it does not compile.
no_short_enums() {
    printf '#include <doorward.h>\nint main(void) { return 0; }\n' >short.c
    "$CC" -I"$root/include" -c short.c -o short.o && ! "$CC" -fshort-enums -I"$root/include" -c short.c -o short.o
}

# Each line of a file beside a line that is right: the right one compiles, the other does not.
must_not_compile() { # FILE COMPILER...
    file=$1
    shift
    lines=$(grep -c '^/\*[0-9]*\*/' "$file")
    [ "$lines" -gt 0 ] || return 1
    "$@" -DLINE=0 "$file" -o /dev/null || return 1
    for number in $(seq "$lines"); do
        if "$@" -DLINE="$number" "$file" -o /dev/null 2>compiled; then echo "line $number compiles: $(grep "^/\*$number\*/" "$file")"; return 1; fi
        # It is refused for what it says, not for a word that is mistyped.
        ! grep -E 'was not declared|undeclared|has no member|no member named|unknown type' compiled || return 1
    done
    echo "$lines lines"
}

refused_in_c() { must_not_compile "$here/refused.c" "$CC" -std=c11 -Wall -Werror -I"$root/include" -c; }
refused_in_cpp() { must_not_compile "$here/refused.cpp" "$CXX" -std=c++17 -Wall -Werror -fsyntax-only -I"$root/include"; }

# What gcc's analyzer finds by itself: a view that is never closed, and one that is freed as if it were memory.
analyzed() {
    cat >leak.c <<'C'
#include <doorward.h>
#include <stdlib.h>
void right(doorward_auth *auth) { doorward_close(doorward_trusted(auth)); }
#if BUG == 1
void leak(doorward_auth *auth) { doorward_auth *view = doorward_trusted(auth); doorward_cancel(view); }
#elif BUG == 2
void wrong(doorward_auth *auth) { free(doorward_trusted(auth)); }
#endif
C
    for bug in 0 1 2; do
        if gcc -fanalyzer -Werror -DBUG=$bug -I"$root/include" -c leak.c -o leak.o 2>found; then [ $bug = 0 ] || return 1
        else [ $bug != 0 ] && grep -qE 'analyzer-(malloc-leak|mismatching-deallocation)|mismatched-dealloc' found || { cat found; return 1; }; fi
    done
}

exports() { # exactly what the header declares, and nothing else, from both libraries
    python3 "$here/check_header.py" names "$root/include/doorward.h" | sort >declared
    readelf -W --dyn-syms "$prefix/lib/libdoorward.so" | awk '$5 == "GLOBAL" && $7 != "UND" {print $8}' | sort >shared
    readelf -sW "$prefix/lib/libdoorward.a" | awk '($5 == "GLOBAL" || $5 == "WEAK") && $7 != "UND" {print $8}' | sort >static
    [ -s declared ] && diff declared shared && diff declared static
}

linked_as_promised() {
    readelf -dW "$prefix/lib/libdoorward.so" >dynamic
    grep -q 'SONAME.*libdoorward\.so\.0\.1]' dynamic && grep -q 'BIND_NOW' dynamic && grep -q 'NODELETE' dynamic &&
        readelf -lW "$prefix/lib/libdoorward.so" | grep -q GNU_RELRO &&
        ! readelf -dW "$prefix/lib/libdoorward.so" | grep -E 'NEEDED.*(sqlite|ssl|crypto|pq)'
}

tags() { # every function is tagged, in the one syntax, and the table of behaviour.c says the same
    python3 "$here/check_header.py" tags "$root/include/doorward.h" "$here/behaviour.c"
}

# ---- consumers out of tree ------------------------------------------------------------------------------------------

consumer_source() {
    cat >consumer.c <<'C'
#include <doorward.h>
#include <stdio.h>
int main(void)
{
    doorward_config *config = doorward_config_new();
    doorward_auth *auth = NULL;
    doorward_answer answer;
    doorward_config_set(config, doorward_str("sesion.grace"), doorward_str("30s"));
    answer = doorward_open(config, &auth);
    if (answer.status != DOORWARD_E_CONFIGURATION || auth) return 2;
    printf("%s %s\n", doorward_version_string(), doorward_answer_message(answer));
    doorward_answer_free(&answer);
    doorward_config_free(config);
    return doorward_version() == DOORWARD_VERSION ? 0 : 3;
}
C
}

by_pkg_config() { # shared or static
    consumer_source
    export PKG_CONFIG_PATH="$prefix/lib/pkgconfig"
    package=doorward
    [ "$1" = shared ] || package=doorward-static
    # shellcheck disable=SC2046
    "$CC" consumer.c $(pkg-config --cflags --libs $package) -Wl,-rpath,"$prefix/lib" -o consumer && ./consumer | grep session.grace || return 1
    if [ "$1" = shared ]; then ldd consumer | grep libdoorward.so.0.1; else ! ldd consumer | grep libdoorward; fi
}

by_cmake() { # shared or static, C and C++
    consumer_source
    cp "$root/examples/first_login/cpp/first_login.cpp" .
    target=doorward::doorward
    [ "$1" = shared ] || target=doorward::doorward_static
    cat >CMakeLists.txt <<CMAKE
cmake_minimum_required(VERSION 3.13)
project(consumer C CXX)
set(CMAKE_CXX_STANDARD 17)
find_package(doorward 0.1 REQUIRED)
add_executable(consumer consumer.c)
target_link_libraries(consumer $target)
add_executable(login first_login.cpp)
target_link_libraries(login $target)
CMAKE
    cmake -S . -B out -DCMAKE_PREFIX_PATH="$prefix" && cmake --build out && ./out/consumer && ./out/login | grep Set-Cookie || return 1
    sed -i 's/doorward 0.1/doorward 0.2/' CMakeLists.txt
    ! cmake -S . -B out2 -DCMAKE_PREFIX_PATH="$prefix"
}

staged() { # DESTDIR and LIBDIR, and uninstall leaves nothing
    sh "$root/ffi/install.sh" install --build "$build" --prefix /opt/dw --libdir lib64 --destdir "$PWD/stage" || return 1
    for file in include/doorward.h include/doorward.hpp include/doorward_plugin.h include/doorward_plugin.hpp lib64/libdoorward.so.0.1 lib64/libdoorward.a \
        libexec/doorward/doorward-plugin-host \
        lib64/pkgconfig/doorward.pc lib64/cmake/doorward/doorwardConfig.cmake share/man/man3/doorward.3 share/man/man7/doorward-plugin.7; do
        [ -s "stage/opt/dw/$file" ] || { echo "no $file"; return 1; }
    done
    ! grep -r stage stage/opt/dw/lib64/pkgconfig stage/opt/dw/lib64/cmake || return 1
    sh "$root/ffi/install.sh" uninstall --prefix /opt/dw --libdir lib64 --destdir "$PWD/stage" || return 1
    [ -z "$(find stage ! -type d)" ]
}

# `make install` builds what it installs: a source that is newer than the library, and another prefix, are seen. The host
# is found where that prefix has it, and nothing else of an earlier build is left in the files.
installs_what_it_builds() {
    unset CARGO_TARGET_DIR CARGOFLAGS
    export PROFILE=dev
    touch "$root/ffi/src/version.rs"
    for prefix_ in /opt/one /opt/two; do
        make -s -C "$root" install PREFIX=$prefix_ DESTDIR="$PWD/stage" || return 1
        library=$PWD/stage$prefix_/lib/libdoorward.so
        [ "$root/target/debug/libdoorward_ffi.so" -nt "$root/ffi/src/version.rs" ] || { echo "the old library"; return 1; }
        cmp "$root/target/debug/libdoorward_ffi.so" "$library" || return 1
        strings "$library" | grep -q "$prefix_/libexec/doorward/doorward-plugin-host" || { echo "no host of $prefix_"; return 1; }
    done
    ! strings "$library" | grep -q /opt/one || { echo "the host of another prefix"; return 1; }
    for file in "$library" stage/opt/two/libexec/doorward/doorward-plugin-host; do
        ! readelf -dW "$file" | grep -E 'RPATH|RUNPATH' || return 1
    done
    ! grep -r -e /opt/one -e stage stage/opt/two/lib/pkgconfig stage/opt/two/lib/cmake || return 1
}

# A tree that is moved is found where it is: by CMake at once, by pkg-config when it is told to.
moved() {
    cp -a "$prefix" moved
    consumer_source
    flags=$(PKG_CONFIG_PATH="$PWD/moved/lib/pkgconfig" pkg-config --define-prefix --cflags --libs doorward) || return 1
    case $flags in *"$prefix"*) echo "the old place: $flags"; return 1 ;; esac
    # shellcheck disable=SC2086
    "$CC" consumer.c $flags -Wl,-rpath,"$PWD/moved/lib" -o consumer && ./consumer | grep session.grace || return 1
    printf 'cmake_minimum_required(VERSION 3.13)\nproject(consumer C)\nfind_package(doorward 0.1 REQUIRED)\n
        add_executable(consumer consumer.c)\ntarget_link_libraries(consumer doorward::doorward)\n' >CMakeLists.txt
    cmake -S . -B out -DCMAKE_PREFIX_PATH="$PWD/moved" && cmake --build out && ldd out/consumer | grep "$PWD/moved/lib"
}

man_pages() {
    for page in doorward.3 doorward-plugin.7; do
        man --warnings -l -Tutf8 -P cat "$prefix/share/man/man${page##*.}/$page" >page 2>warnings || return 1
        [ ! -s warnings ] || { cat warnings; return 1; }
    done
    # The program in the manual is the one that is compiled here.
    sed -n '/^#include/,/^\.Ed/p' "$prefix/share/man/man3/doorward.3" | sed '$d; s/\\e/\\/g' >shown.c
    sed -n '/^#include/,$p' "$root/examples/first_login/c/first_login.c" | diff - shown.c || return 1
    # Every function that is no accessor of a handle is in the manual.
    for function in $(python3 "$here/check_header.py" outline "$root/include/doorward.h"); do
        grep -q "Fn $function\$" "$prefix/share/man/man3/doorward.3" || { echo "doorward(3) lacks $function"; return 1; }
    done
}

# ---- programs ------------------------------------------------------------------------------------------------------------

first_login() { # c or cpp, exactly as the README has it
    export PKG_CONFIG_PATH="$prefix/lib/pkgconfig"
    compiler=$CC source=$root/examples/first_login/c/first_login.c
    [ "$1" = c ] || compiler=$CXX source=$root/examples/first_login/cpp/first_login.cpp
    # shellcheck disable=SC2046,SC2086
    "$compiler" $strict -x ${1%pp}$([ "$1" = c ] || echo ++) $([ "$1" = c ] || echo -std=c++17) "$source" -x none $(pkg-config --cflags --libs doorward) -Wl,-rpath,"$prefix/lib" -o first_login || return 1
    [ "$(./first_login | grep -c '^Set-Cookie: __Host-')" -ge 2 ] || return 1
    ! ./first_login # the second time the address is taken: an error, said on stderr
}

# What a team's CI does with a program like README's: no leak is reported, without suppressions. A leak planted in the
# program is.
first_login_under() { # asan or valgrind
    export PKG_CONFIG_PATH="$prefix/lib/pkgconfig"
    flags='' under=''
    case $1 in
        asan) flags=-fsanitize=address ;;
        valgrind) under='valgrind -q --error-exitcode=99 --leak-check=full' ;;
    esac
    cp "$root/examples/first_login/c/first_login.c" right.c
    sed 's/doorward_answer_free(&answer);//' right.c >leaking.c
    ! cmp -s right.c leaking.c || return 1
    for program in right leaking; do
        rm -f doorward.*
        # On the way of an error, too: Ada exists when it runs again. That ends with 1; a report, with another number.
        # shellcheck disable=SC2046,SC2086
        "$CC" $strict $flags $program.c $(pkg-config --cflags --libs doorward) -Wl,-rpath,"$prefix/lib" -o $program || return 1
        for status in 0 1; do
            ASAN_OPTIONS=detect_leaks=1:exitcode=99 $under ./$program
            got=$?
            [ $program = leaking ] && status=99
            [ $got = $status ] || { echo "$program ended with $got, not $status"; return 1; }
        done
    done
}

# The programs of the pages, each block one of them: built as a reader would, and run where they may write.
programs_of_pages() { # c or cpp
    export PKG_CONFIG_PATH="$prefix/lib/pkgconfig" RECOVERY_CODES="$build/libdoorward_recovery_codes.so"
    [ -e "$RECOVERY_CODES" ] || (cd "$root" && cargo build --locked -p doorward-recovery-codes) || return 1
    compiler=$CC
    [ "$1" = c ] || compiler="$CXX -std=c++17"
    for page in "$root"/docs/tutorials/*.md "$root"/docs/how-to/*.md; do
        awk -v language="$1" -v page="$(basename "$page" .md)" '
            $0 == "```" { open = 0 }
            open { print > file }
            $0 == "```" language { open = 1; file = page "-" ++count "." language }' "$page"
    done
    for source in *."$1"; do
        rm -f doorward.*
        # shellcheck disable=SC2046,SC2086
        $compiler $strict "$source" $(pkg-config --cflags --libs doorward) -Wl,-rpath,"$prefix/lib" -o page || return 1
        ./page || { echo "$source ended with $?"; return 1; }
    done
    [ "$(ls ./*."$1" | wc -l)" -ge 3 ]
}

# shellcheck disable=SC2046 # several files
program() { # a C program of this folder, with the files of the folder of its name, plain or under valgrind
    source_=$1
    shift
    compile_c "./$source_" "$here/$source_.c" $(parts "$source_") "$@" && "./$source_"
}

# shellcheck disable=SC2046
program_in_valgrind() {
    source_=$1
    shift
    compile_c "./$source_" "$here/$source_.c" $(parts "$source_") "$@" && under_valgrind "./$source_"
}

parts() { [ ! -d "$here/$1" ] || ls "$here/$1"/*.c; }

# What a program in another language does: the library is called by the header alone.
from_python() { python3 "$here/languages/call.py" "$root/include/doorward.h" "$prefix/lib/libdoorward.so"; }
from_lua() { "$root/tools/need" luajit=luajit && luajit "$here/languages/call.lua" "$root/include/doorward.h" "$prefix/lib/libdoorward.so"; }
from_go() {
    "$root/tools/need" go=golang-go && cp -r "$here/languages/go" . && cd go &&
        CGO_CFLAGS="-I$prefix/include" CGO_LDFLAGS="-L$prefix/lib -Wl,-rpath,$prefix/lib -ldoorward" \
            GOFLAGS=-mod=mod GOPROXY=off GOTOOLCHAIN=local GOCACHE="$PWD/cache" go run .
}

cpp_program() { # a C++ program of this folder
    # shellcheck disable=SC2086
    "$CXX" -std=c++17 $strict -I"$prefix/include" -I"$here" "$here/$1.cpp" -o "$1" -L"$prefix/lib" -Wl,-rpath,"$prefix/lib" -ldoorward -pthread && "./$1"
}

second_sqlite_beside_static() { # the system's SQLite and ours in one program: both keep their own
    # shellcheck disable=SC2086
    "$CC" -std=gnu11 $strict -I"$prefix/include" -I"$here" "$here/second_sqlite.c" -o second "$prefix/lib/libdoorward.a" -lsqlite3 -lpthread -ldl -lm -lgcc_s && ./second
}

on_a_hung_disk() { # every fsync waits as long as the file is there
    compile_c ./hung_disk "$here/hung_disk.c" &&
        "$CC" -std=c11 -Wall -Wextra -Werror -O2 -fPIC -shared "$root/tests/disks/hung_disk.c" -o hung_disk.so -ldl &&
        HUNG_DISK="$PWD/hung" LD_PRELOAD="$PWD/hung_disk.so" ./hung_disk
}

# ---- run -------------------------------------------------------------------------------------------------------------------

"$root/tools/need" clang++=clang cmake=cmake valgrind=valgrind pkg-config=pkg-config man=man-db /usr/include/sqlite3.h=libsqlite3-dev || exit 1
if [ ! -e "$build/libdoorward_ffi.so" ]; then (cd "$root" && cargo build -p doorward-ffi) || exit 1; fi
prefix=$work/prefix
sh "$root/ffi/install.sh" install --build "$build" --prefix "$prefix" >/dev/null || exit 1
umask 022 # a plugin that others may change is refused
"$CC" -std=c11 -Wall -Wextra -pedantic -Werror -O2 -fPIC -shared -fvisibility=hidden -I"$root/include" "$here/gadget.c" \
    -o "$work/gadget.so" || exit 1
export GADGET="$work/gadget.so"
"$CC" -std=c11 -Wall -Wextra -pedantic -Werror -O2 -fPIC -shared -fvisibility=hidden -I"$root/include" "$root/tests/plugins/claims.c" \
    -o "$work/claims.so" || exit 1
export CLAIMS="$work/claims.so"
"$CC" -std=c11 -Wall -Wextra -pedantic -Werror -O2 -fPIC -shared -fvisibility=hidden -I"$root/include" "$root/tests/plugins/limiter.c" \
    -o "$work/limiter.so" || exit 1
export LIMITER="$work/limiter.so"

test_ 'headers compile alone in every language' headers_alone
test_ 'headers are quiet under the warnings of others, without exceptions too' headers_are_quiet
test_ 'statuses have 4 bytes, or nothing compiles' no_short_enums
test_ 'an answer is no truth value, and not to be ignored' refused_in_c
test_ 'lines of C++ that would be wrong do not compile' refused_in_cpp
test_ "gcc's analyzer finds views that leak" analyzed
test_ 'the libraries export what the header declares and nothing else' exports
test_ 'the shared library is linked as promised' linked_as_promised
test_ 'every function has its tags, and the behaviour test knows them' tags
test_ 'install honours DESTDIR and LIBDIR, uninstall leaves nothing' staged
test_ 'a moved tree is found where it is' moved
test_ 'man pages format without a warning and name every function' man_pages
test_ 'a program builds through pkg-config, shared' by_pkg_config shared
test_ 'a program builds through pkg-config, static' by_pkg_config static
test_ 'programs build through CMake, shared' by_cmake shared
test_ 'programs build through CMake, static' by_cmake static
test_ 'first login in C' first_login c
test_ 'first login in C++' first_login cpp
test_ 'first login in C leaks nothing: AddressSanitizer, without suppressions' first_login_under asan
test_ 'first login in C leaks nothing: valgrind, without suppressions' first_login_under valgrind
test_ 'the programs of the pages in C' programs_of_pages c
test_ 'the programs of the pages in C++' programs_of_pages cpp
test_ 'structs have the layout that Rust has' program layout
test_ 'every operation works from C' program operations
test_ 'bad arguments, wrong states and callbacks get clear errors' program behaviour
test_ 'the C++ wrapper' cpp_program wrapper
test_ 'apps under attack, in C++' cpp_program apps
test_ 'called from Python with ctypes' from_python
test_ 'called from LuaJIT' from_lua
test_ 'called from Go' from_go
test_ 'the HTTP surface' program surface
test_ 'the HTTP surface, in C++' cpp_program surface
test_ 'views go while others use what was made of them' program views
test_ 'an epoll server with the completion queue' program epoll_server
test_ 'a preforking server' program prefork_server
test_ 'a disk that hangs costs its callers the deadline and no more' on_a_hung_disk
test_ 'a second SQLite on the same file is refused, nothing is lost' program second_sqlite -lsqlite3
test_ 'a second SQLite beside the static library' second_sqlite_beside_static
test_ 'valgrind: every operation' program_in_valgrind operations
test_ 'valgrind: bad arguments' program_in_valgrind behaviour
test_ 'valgrind: the HTTP surface' program_in_valgrind surface
test_ 'valgrind: views' program_in_valgrind views
test_ 'valgrind: the epoll server' program_in_valgrind epoll_server
test_ 'valgrind: the preforking server' program_in_valgrind prefork_server

# Last: it builds for other prefixes.
test_ 'make install builds what it installs, for the prefix' installs_what_it_builds

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
