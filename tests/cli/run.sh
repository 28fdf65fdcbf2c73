#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs every test of the command line, each in a process of its own, and adds up their last lines
# (`N passed, N failed, N skipped`). A test that ends without one, or runs too long, has failed.
#
#     ASSAY=PROGRAM tests/cli/run.sh [LOGS [TEST]...]
set -uo pipefail

here=$(cd "$(dirname "$0")" && pwd)
logs=${1-$here/../../build/cli}
[ $# -gt 0 ] && shift
: "${ASSAY:=$here/../../build/assay}"
export ASSAY
minutes=${TEST_MINUTES-10}

if [ $# -gt 0 ]; then
    tests=("$@")
else
    mapfile -t tests < <(find "$here" -maxdepth 1 -name '*.sh' ! -name run.sh ! -name lib.sh | LC_ALL=C sort)
fi
mkdir -p "$logs"
passed=0 failed=0 skipped=0

for test in "${tests[@]}"; do
    name=$(basename "$test" .sh)
    log=$logs/$name.log
    started=$SECONDS
    code=0
    timeout --kill-after=10 $((minutes * 60)) bash "$test" > "$log" 2>&1 < /dev/null || code=$?
    p=0 f=1 s=0
    if [[ $(tail -n 1 "$log") =~ ^([a-z-]+:\ )?([0-9]+)\ passed,\ ([0-9]+)\ failed(,\ ([0-9]+)\ skipped)?$ ]]; then
        p=${BASH_REMATCH[2]} f=${BASH_REMATCH[3]} s=${BASH_REMATCH[5]:-0}
    fi
    # Its exit code must say the same as its words.
    if [ "$code" != 0 ] && [ "$f" = 0 ]; then
        f=1
    fi
    printf '%s: %d passed, %d failed, %d skipped (%d s)\n' "$name" "$p" "$f" "$s" \
        $((SECONDS - started))
    if [ "$f" != 0 ]; then
        echo "   exit code $code; the whole log is $log"
        grep -A 12 '^not ok' "$log" || tail -n 20 "$log"
    fi
    grep -E '# *(SKIP|skip)' "$log" | sed 's/^/   /'
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
done
echo "cli: $passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
