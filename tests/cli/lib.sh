# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What the command-line tests share. A test file sources this, calls the functions below and ends
# with `finish`. The program under test is $ASSAY (default: build/assay of this checkout).
set -uo pipefail
export LC_ALL=C.UTF-8 TZ=UTC
umask 022

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
ASSAY=$(realpath "${ASSAY:-$top/build/assay}")
work=$(mktemp -d)
# Nothing of the user's cache is read or written by a test.
export ASSAY_CACHE=${ASSAY_TEST_CACHE:-$work/cache}
passed=0 failed=0 skipped=0
at_exit=()

cleanup() {
    local command
    for command in "${at_exit[@]}"; do
        $command
    done
    chmod -R u+rwX "$work" 2>/dev/null
    rm -rf "$work"
}
trap cleanup EXIT

pass() {
    passed=$((passed + 1))
    printf 'ok - %s\n' "$1"
}

# fail NAME [FILE...]: also shows what the files hold.
fail() {
    local name=$1
    shift
    failed=$((failed + 1))
    printf 'not ok - %s\n' "$name"
    local file
    for file in "$@"; do
        [ -s "$file" ] && sed "s/^/     | /" "$file" | head -40
    done
    return 0
}

skip() {
    skipped=$((skipped + 1))
    printf 'ok - %s # SKIP\n' "$1"
}

# check NAME COMMAND...: passes when the command ends with 0.
check() {
    local name=$1
    shift
    if "$@" > "$work/out" 2> "$work/err"; then pass "$name"; else fail "$name" "$work/out" "$work/err"; fi
}

# refuse NAME COMMAND...: passes when the command ends with anything else.
refuse() {
    local name=$1
    shift
    if "$@" > "$work/out" 2> "$work/err"; then fail "$name" "$work/out" "$work/err"; else pass "$name"; fi
}

# expect_exit CODE NAME COMMAND...: leaves what it printed in $work/out and $work/err.
expect_exit() {
    local wanted=$1 name=$2 code=0
    shift 2
    "$@" > "$work/out" 2> "$work/err" || code=$?
    if [ "$code" = "$wanted" ]; then
        pass "$name"
    else
        fail "$name: exit $code, not $wanted" "$work/out" "$work/err"
    fi
}

# contains NAME FILE TEXT, lacks NAME FILE TEXT: fixed strings.
contains() {
    if grep -qF -- "$3" "$2"; then pass "$1"; else fail "$1: no \"$3\" in it" "$2"; fi
}
lacks() {
    if grep -qF -- "$3" "$2"; then fail "$1: \"$3\" is in it" "$2"; else pass "$1"; fi
}

# same NAME FILE FILE
same() {
    if cmp -s "$2" "$3"; then pass "$1"; else fail "$1" <(diff "$2" "$3"); fi
}

# json FILE EXPRESSION: prints a value of a JSON file, a Python expression over `j`.
json() {
    /usr/bin/python3 -c 'import json, sys; j = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$1" "$2"
}

# is NAME ACTUAL EXPECTED
is() {
    if [ "$2" = "$3" ]; then pass "$1"; else fail "$1: \"$2\", not \"$3\""; fi
}

# valid NAME SCHEMA FILE: against docs/schema/SCHEMA.
valid() {
    check "$1" /usr/bin/python3 "$top/scripts/validate-json.py" "$top/docs/schema/$2" "$3"
}

finish() {
    printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
    [ "$failed" = 0 ]
}
