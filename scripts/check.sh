#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs the tests of one build and adds them up. The last line is `N passed, N failed, N skipped`.
#
#     scripts/check.sh BUILD [unit|cli]...    (default: both; BUILD such as build/release)
set -uo pipefail

cd "$(dirname "$0")/.." || exit
# Tests that call make start one of their own.
unset MAKEFLAGS MFLAGS MAKELEVEL
build=$1
shift
[ $# -gt 0 ] || set -- unit cli
passed=0 failed=0 skipped=0

# Adds what the last tally in a log says; a suite that ended without one has failed.
add() {
    local log=$1 code=$2 line
    line=$(grep -E '^([a-z-]+: )?[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$' "$log" | tail -n 1)
    if [ -z "$line" ]; then
        failed=$((failed + 1))
        return
    fi
    read -r p f s < <(tr -cs '0-9' ' ' <<< "${line#*: }")
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + ${s:-0}))
    if [ "$code" != 0 ] && [ "$f" = 0 ]; then
        failed=$((failed + 1))
    fi
}

# Criterion's own last line, put in ours.
unit() {
    local log=$build/unit.log code=0 tested good bad crashed
    "$build/unit" --jobs "$(nproc)" --timeout 120 > "$log" 2>&1 || code=$?
    [ "$code" = 0 ] || cat "$log"
    if read -r tested good bad crashed < <(sed -n 's/^.*Synthesis: //p' "$log" | tr -cs '0-9\n' ' ') &&
        [ "${tested:-0}" -gt 0 ]; then
        echo "unit: $good passed, $((bad + crashed)) failed, 0 skipped" | tee -a "$log"
    fi
    add "$log" "$code"
}

cli() {
    local log=$build/cli.log code=0
    ASSAY=$PWD/$build/assay tests/cli/run.sh "$build/cli" 2>&1 | tee "$log"
    code=${PIPESTATUS[0]}
    add "$log" "$code"
}

for suite; do
    echo "== $suite"
    "$suite"
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
