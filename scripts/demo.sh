#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The main job on a small sample: a package that is what its source says, and one that is not.
# Everything it makes lies below build/demo. Ends with 0 only if both answers are the right ones.
#
#     scripts/demo.sh    (after `make`; `make demo` does both)
set -euo pipefail
umask 022

cd "$(dirname "$0")/.."
# The sample is built by a make of its own.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES SOURCE_DATE_EPOCH
# The user's git settings must not change the commit.
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null GIT_CONFIG_NOSYSTEM=1
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_DEFAULT_HASH

demo=build/demo
export ASSAY_CACHE=$PWD/$demo/cache
repo=$demo/csv-sum
# What the files in corpus/sample give with the names and dates below, on any machine.
expected_commit=ca4c8ae6c69640533dedbf4c818328b2a0e266ba

if [ -t 1 ] && [ -z "${NO_COLOR-}" ]; then
    bold=$'\e[1m' plain=$'\e[0m'
else
    bold='' plain=''
fi

step() {
    printf '\n%s%s%s\n' "$bold" "$*" "$plain"
}

# Shows a command and runs it.
run() {
    printf '%s\n' "\$ $*"
    "$@"
}

fail() {
    printf '\ndemo: %s\n' "$*" >&2
    exit 1
}

# A git repository of the checked-in files, with fixed names and dates.
make_repository() {
    local date='2024-05-01T12:00:00+0000'
    export GIT_AUTHOR_NAME='assay sample' GIT_AUTHOR_EMAIL=example@example.org
    export GIT_COMMITTER_NAME='assay sample' GIT_COMMITTER_EMAIL=example@example.org
    export GIT_AUTHOR_DATE=$date GIT_COMMITTER_DATE=$date
    git init -q -b main --template= "$repo"
    git -C "$repo" config core.autocrlf false
    cp corpus/sample/* "$repo/"
    chmod 644 "$repo"/*
    git -C "$repo" add .
    git -C "$repo" commit -q -m 'csv-sum 1.0'
    git -C "$repo" tag -a -m 'csv-sum 1.0' v1.0
}

# Verifies a package; the answer goes to the terminal and, for the checks below, to a report.
#     verify NAME PACKAGE EXPECTED-EXIT-CODE
verify() {
    local code=0
    run build/assay verify "$2" --source "$repo@v1.0" --root host \
        --keep "$demo/rebuilt-$1" --report "json=$demo/$1.json" || code=$?
    [ "$code" = "$3" ] || fail "assay ended with $code where $3 was expected"
}

# expect NAME PATTERN MESSAGE: the report must hold the pattern.
expect() {
    grep -Eq "$2" "$demo/$1.json" || fail "$3 (see $demo/$1.json)"
}

[ -x build/assay ] || fail 'build/assay is missing: run make first'
rm -rf "$demo"
mkdir -p "$demo/vendor" "$demo/tmp"
# Scratch files stay below the checkout, too.
export TMPDIR=$PWD/$demo/tmp

step '1. The source: a git repository with a small C program, csv-sum, tagged v1.0.'
make_repository
run git -C "$repo" log --oneline --decorate
commit=$(git -C "$repo" rev-parse HEAD)
[ "$commit" = "$expected_commit" ] ||
    fail "the sample's commit is $commit, not $expected_commit: its files or git differ"

step '2. A vendor builds its package, in the ordinary way and in another place.'
run git -c advice.detachedHead=false clone -q --branch v1.0 "$repo" "$demo/vendor/checkout"
run make -s -C "$demo/vendor/checkout" deb
package=$(basename "$demo"/vendor/checkout/csv-sum_*.deb)
mv "$demo/vendor/checkout/$package" "$demo/vendor/$package"

step '3. Is that package what the tag holds?'
verify genuine "$demo/vendor/$package" 0
expect genuine '"overall": "reproduced"' 'the genuine package was not reproduced'

step '4. Somebody changes one byte of the program and packs it again, checksums included.'
mkdir -p "$demo/tampered"
run scripts/tamper.sh "$demo/vendor/$package" usr/bin/csv-sum "$demo/tampered/$package"

step '5. Is that package what the tag holds?'
verify tampered "$demo/tampered/$package" 1
expect tampered '"overall": "not-reproduced"' 'the tampered package passed'
expect tampered '"risk": "high"' 'the risk is not high'
expect tampered '"path": ".*usr/bin/csv-sum"' 'the changed file is not named'
expect tampered '"region": "\.text"' 'the changed section is not named'

step 'Both came out as they must: the genuine package reproduced, the tampered one caught.'
echo "The reports, the build records and the logs are in $demo."
