#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# rebuild: each kind of tree is built in the way of its kind, the same wherever it lies.
# shellcheck disable=SC2154 # work: lib.sh
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1

# staged FOLDER: rebuilds it; what it installs must be usr/bin/prog.
staged() {
    mkdir -p "out-$1"
    expect_exit 0 "$1 is built" "$ASSAY" rebuild "$1" --root host --out "out-$1"
    is "$1 installs the program" "$(tar tf "out-$1/$1.tar" 2> /dev/null | grep -v '/$')" ./usr/bin/prog
}

# program FOLDER FILE: makes a folder with a program and what stands on standard input as FILE.
program() {
    mkdir -p "$1"
    printf 'int main(void) { return 0; }\n' > "$1/prog.c"
    cat > "$1/$2"
}

# times FOLDER: the same for every file, as they would come from a commit.
times() {
    find "$1" -exec touch -d @1714564800 {} +
}

for name in make elsewhere; do
    program "$name" Makefile << 'EOF'
prog: prog.c
	cc -g -o $@ $<
install: prog
	install -D prog $(DESTDIR)$(PREFIX)/bin/prog
EOF
    times "$name"
    staged "$name"
    is "the recipe is make" "$(json "out-$name/build.json" 'j["recipe"]["name"]')" make
done
same 'the name of the folder leaks into nothing' out-make/make.tar out-elsewhere/elsewhere.tar

if command -v cmake > /dev/null; then
    program cmake CMakeLists.txt << 'EOF'
cmake_minimum_required(VERSION 3.5)
project(prog C)
add_executable(prog prog.c)
install(TARGETS prog)
EOF
    staged cmake
else
    skip 'cmake is not installed'
fi

if command -v meson > /dev/null; then
    program meson meson.build << 'EOF'
project('prog', 'c')
executable('prog', 'prog.c', install: true)
EOF
    staged meson
else
    skip 'meson is not installed'
fi

if command -v autoreconf > /dev/null && command -v automake > /dev/null; then
    program autotools configure.ac << 'EOF'
AC_INIT([prog], [1])
AM_INIT_AUTOMAKE([foreign])
AC_PROG_CC
AC_CONFIG_FILES([Makefile])
AC_OUTPUT
EOF
    printf 'bin_PROGRAMS = prog\nprog_SOURCES = prog.c\n' > autotools/Makefile.am
    staged autotools
else
    skip 'autotools are not installed'
fi

program plain Makefile << 'EOF'
prog: prog.c
	cc -o $@ $<
EOF
mkdir built
expect_exit 3 'a Makefile without an install target makes no output by itself' \
    "$ASSAY" rebuild plain --root host --out built
contains 'the way out is said' built/build.log '--output'
expect_exit 0 'its outputs can be named' "$ASSAY" rebuild plain --root host --output prog --out named
check 'the output is there' test -x named/prog

mkdir none
expect_exit 2 'a tree that holds no recipe is refused' "$ASSAY" rebuild none --root host --out nothing
contains 'the message lists what was looked for' "$work/err" CMakeLists.txt
printf 'build: true\ninstall: x\n' > none/assay.build
expect_exit 2 'an error in assay.build is refused' "$ASSAY" rebuild none --root host --out nothing
contains 'its line is named' "$work/err" 'line 2'
expect_exit 2 'a root that does not exist is refused' "$ASSAY" rebuild make --root debian:../x --out nothing
check 'what could not be tried leaves nothing' rmdir nothing

finish
