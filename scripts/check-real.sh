#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The main job on real packages: what the Debian archive ships today, rebuilt from its source.
# Needs the network; when the archive cannot be reached it says SKIP and why, and ends with 0.
#
#     scripts/check-real.sh    (`make check-real` builds first)
#
# The archive moves on. When a package comes out otherwise than is written here and its version is
# another one, look into it once and write down the new version, and the new outcome if it is right.
set -uo pipefail
export LC_ALL=C.UTF-8 TZ=UTC
umask 022

cd "$(dirname "$0")/.." || exit
suite=bookworm
real=$PWD/build/real
assay=$PWD/build/assay
passed=0 failed=0 skipped=0
unset APT_CONFIG SOURCE_DATE_EPOCH GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_DEFAULT_HASH
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME=packager GIT_AUTHOR_EMAIL=packager@example.org
export GIT_COMMITTER_NAME=packager GIT_COMMITTER_EMAIL=packager@example.org
export GIT_AUTHOR_DATE='2024-05-01T12:00:00+0000' GIT_COMMITTER_DATE='2024-05-01T12:00:00+0000'

# Version at which each outcome was seen.
declare -A seen=(
    [cjson]=1.7.15-1+deb12u4
    [distro-info-data]=0.58+deb12u7
    [sed]=4.9-1+deb12u1
    [hello]=2.10-3
)

finish() {
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" = 0 ]
    exit
}

pass() {
    passed=$((passed + 1))
    echo "ok - $1"
}

fail() {
    failed=$((failed + 1))
    echo "not ok - $1"
}

skip_all() {
    skipped=$((skipped + 1))
    echo "SKIP: $1"
    finish
}

# ---- the archive ---------------------------------------------------------------------------------

# A configuration of our own: the machine's sources of the suite with the source packages added; the
# machine's own settings (a proxy, say) hold, its lists and caches stay as they are.
configure_apt() {
    local apt=$real/apt file
    rm -rf "$apt"
    mkdir -p "$apt/parts" "$apt/lists/partial" "$apt/cache/archives/partial"
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        [ -r "$file" ] && sed -n "/^deb .*$suite/{p;s/^deb /deb-src /p}" "$file"
    done > "$apt/parts/machine.list"
    for file in /etc/apt/sources.list.d/*.sources; do
        if grep -qs "^Suites:.*$suite" "$file"; then
            sed 's/^Types:.*/Types: deb deb-src/' "$file" > "$apt/parts/$(basename "$file")"
        fi
    done
    cat > "$apt/apt.conf" << EOF
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "$apt/parts";
Dir::State::lists "$apt/lists";
Dir::Cache "$apt/cache";
APT::Sandbox::User "";
EOF
    export APT_CONFIG=$apt/apt.conf
    if ! grep -qs "$suite" "$apt"/parts/*; then
        echo "check-real: the machine's apt sources do not have $suite" >&2
        exit 1
    fi
}

unreachable='Could not (connect|resolve)|Temporary failure|[Tt]imed out|unreachable|refused|No route'

update_lists() {
    local log=$real/apt-update.log
    apt-get update --error-on=any > "$log" 2>&1 && return
    if grep -Eq "$unreachable" "$log"; then
        skip_all "the archive cannot be reached: $(grep -E "$unreachable" "$log" | tail -n 1)"
    fi
    tail -n 5 "$log" >&2
    echo 'check-real: apt-get update failed' >&2
    exit 1
}

# field FILE NAME: a field of one line.
field() {
    sed -n "s/^$2: //p" "$1" | head -n 1
}

# fetch NAME: source and shipped packages of today to $real/NAME; false and a failure when there are
# none.
fetch() {
    local name=$1 dir=$real/$1 package
    rm -rf "$dir"
    mkdir -p "$dir/debs"
    if ! (cd "$dir" && apt-get source -qq --download-only "$name") > "$dir/fetch.log" 2>&1; then
        fail "$name: apt-get source failed: $(tail -n 1 "$dir/fetch.log")"
        return 1
    fi
    dsc=$(echo "$dir"/*.dsc)
    version=$(field "$dsc" Version)
    while read -r package; do
        apt-cache show "$package=$version" > /dev/null 2>&1 || continue
        if ! (cd "$dir/debs" && apt-get download -qq "$package=$version") >> "$dir/fetch.log" 2>&1; then
            fail "$name: apt-get download $package failed"
            return 1
        fi
    done < <(sed -n '/^Package-List:/,/^[^ ]/s/^ \([^ ]*\) deb .*/\1/p' "$dsc")
    if ! ls "$dir"/debs/*.deb > /dev/null 2>&1; then
        fail "$name: the archive ships no package of $version"
        return 1
    fi
}

# repository NAME: a git repository $real/NAME/git of what the .dsc unpacks to.
repository() {
    local dir=$real/$1
    if ! { dpkg-source --no-check -x "$dsc" "$dir/git" &&
        git -C "$dir/git" init -b main --template= &&
        git -C "$dir/git" add -A -f . &&
        git -C "$dir/git" commit -q -m "import $1"; } > "$dir/unpack.log" 2>&1; then
        fail "$1: no git repository: $(tail -n 1 "$dir/unpack.log")"
        return 1
    fi
}

# ---- the job -------------------------------------------------------------------------------------

# verify CASE ARGUMENT...: sets code and overall; the reports are $real/CASE.json and .txt.
verify() {
    local name=$1 start=$SECONDS
    shift
    code=0
    "$assay" verify "$@" --root "debian:$suite" --report "json=$real/$name.json" \
        --report "text=$real/$name.txt" > "$real/$name.log" 2>&1 || code=$?
    overall=$(sed -n 's/^ *"overall": "\(.*\)",*$/\1/p' "$real/$name.json" 2> /dev/null | head -n 1)
    took=$((SECONDS - start))
}

# outcome CASE PACKAGE EXPECTED-OVERALL EXPECTED-CODE
outcome() {
    local name=$1 package=$2
    if [ "$overall" = "$3" ] && [ "$code" = "$4" ]; then
        pass "$name ($version) is $3 (${took} s)"
        return
    fi
    fail "$name ($version): $3 with exit code $4 was expected, it is ${overall:-nothing} with $code"
    cat "$real/$name.txt" "$real/$name.log" 2> /dev/null | sed 's/^/     | /' | head -n 40
    if [ -n "$package" ] && [ "$version" != "${seen[$package]}" ]; then
        echo "     | reclassify: $package was seen at ${seen[$package]}, the archive has $version now"
    fi
}

# says CASE PATTERN WHAT: the text report or the messages hold the pattern.
says() {
    if grep -Eqs -- "$2" "$real/$1.txt" "$real/$1.log"; then
        pass "$1 names $3"
    else
        fail "$1 does not name $3"
        cat "$real/$1.txt" "$real/$1.log" 2> /dev/null | sed 's/^/     | /' | head -n 40
    fi
}

from_git() {
    local name=$1
    fetch "$name" || return
    repository "$name" || return
    verify "$name" "$real/$name"/debs/*.deb --source "$real/$name/git@main" --mtimes-from "$dsc"
    outcome "$name" "$name" reproduced 0
}

from_dsc() {
    local name=$1
    fetch "$name" || return
    verify "$name" "$real/$name"/debs/*.deb --source "$dsc"
    outcome "$name" "$name" "$2" "$3"
}

# again NAME: what fetch found out about a package; false when it or its repository is missing.
again() {
    dsc=$(echo "$real/$1"/*.dsc)
    version=$(field "$dsc" Version)
    [ -d "$real/$1/git/.git" ]
}

# One byte of a library in the package, and the checksums inside made to match.
flipped_byte() {
    local dir=$real/cjson deb file
    again cjson || return
    deb=$(echo "$dir"/debs/libcjson1_*.deb)
    file=$(dpkg-deb -c "$deb" | sed -n 's|^-.* \./\(.*/libcjson\.so\.[0-9.]*\)$|\1|p')
    mkdir -p "$dir/flipped"
    if ! scripts/tamper.sh "$deb" "$file" "$dir/flipped/$(basename "$deb")" > "$real/flipped.log" 2>&1
    then
        fail "flipped-byte: $(tail -n 1 "$real/flipped.log")"
        return
    fi
    verify flipped-byte "$dir/flipped/$(basename "$deb")" --source "$dir/git@main" \
        --mtimes-from "$dsc"
    outcome flipped-byte '' not-reproduced 1
    says flipped-byte "$file" 'the file'
}

# change NAME BRANCH COMMAND...: commits on a branch what the command changes in the repository.
change() {
    local git=$real/$1/git branch=$2
    shift 2
    if ! { git -C "$git" checkout -B "$branch" main && (cd "$git" && "$@") &&
        git -C "$git" commit -a -m "$branch" && git -C "$git" checkout main; } \
        > "$real/$branch.git.log" 2>&1; then
        fail "$branch: no commit: $(tail -n 1 "$real/$branch.git.log")"
        return 1
    fi
}

broken_source() {
    local dir=$real/cjson
    again cjson || return
    change cjson broken-source sed -i "1i this is not C;" cJSON.c || return
    verify broken-source "$dir"/debs/*.deb --source "$dir/git@broken-source" --mtimes-from "$dsc"
    outcome broken-source '' build-failed 3
}

missing_dependency() {
    local dir=$real/distro-info-data
    again distro-info-data || return
    change distro-info-data missing-dependency \
        sed -i 's/^Build-Depends: */&assay-no-such-package, /' debian/control || return
    verify missing-dependency "$dir"/debs/*.deb --source "$dir/git@missing-dependency"
    outcome missing-dependency '' not-attempted 4
    says missing-dependency assay-no-such-package 'the package'
}

if [ ! -x "$assay" ]; then
    echo 'check-real: build/assay is missing: run make first' >&2
    exit 1
fi
mkdir -p "$real"
configure_apt
update_lists
from_git cjson
from_git distro-info-data
from_dsc sed reproduced 0
from_dsc hello not-reproduced 1
flipped_byte
broken_source
missing_dependency
finish
