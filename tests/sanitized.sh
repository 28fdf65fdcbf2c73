#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs all tests of a build with sanitizers. Criterion passes a test that leaks, and a program whose
# output nobody looks at can be unsound in silence: so the sanitizers write to a folder, and anything
# found there, or in a test's log, is a failure of its own.
#
#     tests/sanitized.sh BUILD    (such as build/asan)
set -uo pipefail

cd "$(dirname "$0")/.." || exit
build=$1
logs=$PWD/$build/sanitizer
rm -rf "$logs"
mkdir -p "$logs"
# Builds inside the sandbox have other users.
chmod 1777 "$logs"

common="log_path=$logs/log:print_stacktrace=1"
export ASAN_OPTIONS="$common:detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1"
export UBSAN_OPTIONS=$common
export TSAN_OPTIONS=$common

code=0
scripts/check.sh "$build" | tee "$build/check.log" || code=1
tally=$(tail -n 1 "$build/check.log")
passed=${tally%% *} failed=${tally#*, } skipped=${tally##*, }
failed=${failed%% *} skipped=${skipped%% *}

# A confined worker cannot open the log: its report is then on standard error.
pattern='(Address|Leak|Thread|UndefinedBehavior)Sanitizer|runtime error:|ERROR: Can.t open file'
# A process that is killed while it is searched for leaks says only this; it must stay rare.
unchecked='LeakSanitizer has encountered a fatal error|HINT: '
found=0 skipped_checks=0
for log in "$logs"/* "$build"/unit.log "$build"/cli/*.log; do
    [ -s "$log" ] || continue
    if grep -Ev "$unchecked" "$log" | grep -Eq "$pattern"; then
        echo "sanitizer: $log"
        grep -Em 5 "$pattern" "$log"
        found=$((found + 1))
    elif grep -Eq "$unchecked" "$log"; then
        skipped_checks=$((skipped_checks + 1))
    fi
done
if [ "$skipped_checks" -gt 3 ]; then
    echo "sanitizer: $skipped_checks processes could not be searched for leaks"
    found=$((found + 1))
fi
echo "sanitizer: $found logs with findings"
echo "${passed:-0} passed, $((${failed:-1} + found)) failed, ${skipped:-0} skipped"
[ "$code" = 0 ] && [ "$found" = 0 ]
