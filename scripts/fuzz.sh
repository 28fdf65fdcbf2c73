#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs every fuzz target for some seconds from the seeds of scripts/fuzz-seeds.sh and from what
# earlier runs found. A crash leaves its input in BUILD/crashes.
#
#     scripts/fuzz.sh BUILD SECONDS [TARGET]
set -uo pipefail

cd "$(dirname "$0")/.." || exit
build=$1 seconds=$2 target=${3-}
seeds=$build/seeds crashes=$build/crashes

if [ -n "$target" ]; then
    name=$(basename "$target")
    log=$build/$name.log
    mkdir -p "$build/corpus/$name"
    # Seeds of a target, or, where it has none of its own, of all.
    own=$seeds/${name#fuzz_}
    [ -d "$own" ] || own=$seeds
    if ASAN_OPTIONS=detect_leaks=1 "$target" -max_total_time="$seconds" -timeout=10 \
        -rss_limit_mb=2048 -max_len=65536 -print_final_stats=1 \
        -artifact_prefix="$crashes/$name-" "$build/corpus/$name" "$own" > "$log" 2>&1; then
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
        echo "$name: $runs runs, nothing found"
    else
        echo "$name: FAILED, see $log"
        exit 1
    fi
    exit
fi

mkdir -p "$seeds" "$crashes"
if [ -x scripts/fuzz-seeds.sh ]; then
    scripts/fuzz-seeds.sh "$seeds" > "$build/seeds.log" 2>&1 || {
        tail -n 20 "$build/seeds.log"
        exit 1
    }
fi
mapfile -t targets < <(find "$build" -maxdepth 1 -name 'fuzz_*' -type f -perm -u=x | LC_ALL=C sort)
if [ ${#targets[@]} = 0 ]; then
    echo 'fuzz: no target was built' >&2
    exit 1
fi
log=$(printf '%s\0' "${targets[@]}" |
    xargs -0 -P "$(nproc)" -n 1 scripts/fuzz.sh "$build" "$seconds")
code=$?
echo "$log"
bad=$(grep -c FAILED <<< "$log")
echo "fuzz: $((${#targets[@]} - bad)) passed, $bad failed, 0 skipped"
exit "$code"
