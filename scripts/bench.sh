#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Prints what the machine needs for the three things that are promised to be quick, each beside its
# floor and measured in the same run:
#
#   the start of the sandbox;
#   verify with everything cached, over the build command alone;
#   diff of two packages, over decompressing and hashing both, one after the other.
#
#     scripts/bench.sh [sandbox|verify|diff]...    (default: all)
#
# What needs packages of the archive says so and is left out where they cannot be had. Every number is
# the best of RUNS=3, except the start of the sandbox, which is the median of 15.
set -euo pipefail

cd "$(dirname "$0")/.."
assay=$PWD/build/assay
bench=$PWD/build/bench
runs=${RUNS-3}
mkdir -p "$bench/packages"
work=$(mktemp -d "$bench/run.XXXXXX")
trap 'rm -rf "$work"' EXIT

# json FILE KEY...: one value of a report.
json() {
    /usr/bin/python3 -c '
import json, sys
value = json.load(open(sys.argv[1]))
for key in sys.argv[2:]:
    value = value[key]
print(value)' "$@"
}

# calc EXPRESSION with awk's arithmetic, two decimals.
calc() {
    awk "BEGIN { printf \"%.2f\", $1 }"
}

# best COMMAND...: the shortest wall time of some runs, in seconds. Exit codes 0 and 1 are answers.
best() {
    local i start end code shortest=
    for ((i = 0; i < runs; i++)); do
        code=0
        start=$EPOCHREALTIME
        "$@" > "$work/out" 2>&1 || code=$?
        end=$EPOCHREALTIME
        if [ "$code" -gt 1 ]; then
            echo "bench: exit code $code: $*" >&2
            tail -n 5 "$work/out" >&2
            return 1
        fi
        shortest=$(awk -v a="$start" -v b="$end" -v s="$shortest" \
            'BEGIN { t = b - a; printf "%.3f", (s == "" || t < s) ? t : s }')
    done
    echo "$shortest"
}

row() {
    printf '  %-44s %9s %9s %7s\n' "$@"
}

# ---- the sandbox ---------------------------------------------------------------------------------

bench_sandbox() {
    local i
    mkdir -p "$work/empty"
    for ((i = 0; i < 15; i++)); do
        "$assay" rebuild "$work/empty" --build 'echo x > out' --output out --out "$work/out-$i" \
            > /dev/null
        json "$work/out-$i/build.json" run setup_seconds
    done | sort -n | sed -n 8p > "$work/start"
    echo 'Sandbox (aim: at most 30 ms)'
    row '' 'ms' '' ''
    row 'start, median of 15' "$(calc "1000 * $(cat "$work/start")")" '' ''
}

# ---- verify --------------------------------------------------------------------------------------

# A repository whose build takes some seconds: functions enough for the compiler to chew on.
make_project() {
    local i j
    mkdir -p "$work/project"
    for ((i = 0; i < 24; i++)); do
        for ((j = 0; j < 50; j++)); do
            echo "int f${i}_$j(int a, int b) { for (int i = 0; i < a; i++) b += i * $j ^ a; return b; }"
        done > "$work/project/part$i.c"
    done
    printf 'build: gcc -O2 -c part*.c && ar crD libparts.a part*.o\noutput: libparts.a\n' \
        > "$work/project/assay.build"
    git -C "$work/project" init -q
    git -C "$work/project" add .
    git -C "$work/project" -c user.name=bench -c user.email=bench@example.org commit -q -m bench
}

bare_build() {
    rm -rf "$work/bare"
    git clone -q "$work/project" "$work/bare"
    (cd "$work/bare" && sh -c "$(sed -n 's/^build: //p' assay.build)")
}

# overhead NAME BARE-SECONDS VERIFY-SECONDS
overhead() {
    row "$1" "$2" "$3" "$(awk "BEGIN { printf \"%+.2f\", $3 - $2 }")"
}

verify_project() {
    "$assay" verify "$work/libparts.a" --source "$work/project@HEAD"
}

# As a person would by hand: the archive's package from its source package. Needs deb-src lines,
# which stand in an apt configuration of the bench's own.
fetch_source() {
    local apt=$bench/apt
    mkdir -p "$apt/lists/partial" "$bench/cjson"
    # shellcheck disable=SC2016 # apt's own variables
    apt-get indextargets --format '$(ORIGIN) $(REPO_URI) $(CODENAME)' 'Created-By: Packages' |
        awk '$1 == "Debian" && !seen[$0]++ { print "deb", $2, $3, "main"; print "deb-src", $2, $3, "main" }' \
            > "$apt/sources.list"
    local options=(-o "Dir::Etc::SourceList=$apt/sources.list" -o Dir::Etc::SourceParts=/dev/null
        -o "Dir::State::Lists=$apt/lists" -o "Dir::Cache::pkgcache=" -o "Dir::Cache::srcpkgcache=")
    (cd "$bench/cjson" &&
        apt-get -qq "${options[@]}" update &&
        apt-get -qq "${options[@]}" source --download-only cjson &&
        apt-get -qq "${options[@]}" download libcjson1) > "$bench/fetch.log" 2>&1
}

verify_cjson() {
    "$assay" verify "$bench"/cjson/libcjson1_*.deb --source "$(echo "$bench"/cjson/cjson_*.dsc)" \
        --root debian:bookworm --report "json=$work/cjson.json" --report text=-
}

bench_verify() {
    local bare whole
    make_project
    bare_build
    cp "$work/bare/libparts.a" "$work/libparts.a"
    verify_project > "$work/out" 2>&1 || { cat "$work/out"; return 1; }
    bare=$(best bare_build)
    whole=$(best verify_project)
    echo
    echo 'Verify, everything cached (aim: the build command + 5 % + 2 s)'
    row '' 'build' 'verify' 'over'
    overhead '24 C files, --root host (build: by hand)' "$bare" "$whole"
    if [ ! -d "$bench/cjson" ] && ! fetch_source; then
        rm -rf "$bench/cjson"
        row 'cjson: left out, the archive cannot be read' '' '' ''
        return 0
    fi
    verify_cjson > "$work/out" 2>&1 || true
    whole=$(runs=1 best verify_cjson)
    overhead 'cjson, debian:bookworm (build: in its record)' \
        "$(calc "$(json "$work/cjson.json" build run seconds)")" "$whole"
}

# ---- diff ----------------------------------------------------------------------------------------

# Every byte of both packages decompressed and hashed, one package after the other.
floor() {
    local package member
    for package; do
        sha256sum < "$package"
        for member in $(ar t "$package"); do
            case $member in
            *.xz) ar p "$package" "$member" | xz -dc -T1 | sha256sum ;;
            *.zst) ar p "$package" "$member" | zstd -dc | sha256sum ;;
            *.gz) ar p "$package" "$member" | gzip -dc | sha256sum ;;
            esac
        done
    done
}

# The two newest versions of a package that the archive still has.
fetch_pair() {
    local name=$1 version versions
    mapfile -t versions < <(apt-cache madison "$name" 2> /dev/null | awk '{ print $3 }' | uniq | head -n 2)
    for version in "${versions[@]}"; do
        (cd "$bench/packages" && apt-get -qq download "$name=$version") > "$bench/fetch.log" 2>&1 || true
    done
}

bench_diff() {
    local name pair least own peer
    echo
    echo 'Diff (aim: the floor, which is decompressing and hashing both)'
    row '' 'floor' 'assay' 'ratio'
    for name in openssl libc-bin sudo; do
        compgen -G "$bench/packages/${name}_*.deb" > /dev/null || fetch_pair "$name"
        mapfile -t pair < <(compgen -G "$bench/packages/${name}_*.deb" | LC_ALL=C sort | tail -n 2)
        if [ ${#pair[@]} -lt 2 ]; then
            row "$name: left out, the archive has no two versions" '' '' ''
            continue
        fi
        least=$(best floor "${pair[@]}")
        own=$(best "$assay" diff "${pair[@]}")
        row "$name: two versions" "$least" "$own" "$(calc "$own / $least")"
        if command -v diffoscope > /dev/null; then
            peer=$(runs=1 best diffoscope "${pair[@]}")
            row "$name: diffoscope" "$least" "$peer" "$(calc "$peer / $least")"
        fi
    done
}

[ $# -gt 0 ] || set -- sandbox verify diff
for part; do
    "bench_$part"
done
