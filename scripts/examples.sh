#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Prints an example of each verdict with its real output, as the README shows them. They are made
# from corpus/sample, below build/examples.
#
#     scripts/examples.sh             prints the examples
#     scripts/examples.sh --check     compares them with README.md
#     scripts/examples.sh --update    writes them into README.md
#
# The program is $ASSAY, else build/assay.
set -euo pipefail
umask 022
cd "$(dirname "$0")/.."
top=$PWD
program=$(realpath "${ASSAY:-build/assay}")
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES SOURCE_DATE_EPOCH
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null GIT_CONFIG_NOSYSTEM=1 NO_COLOR=1
export LC_ALL=C.UTF-8 TZ=UTC
begin='<!-- examples: made by scripts/examples.sh -->' end='<!-- end of examples -->'

# What differs from one run to the next without a meaning: durations, the folder of the cache.
steady() {
    sed -E -e "s|$top/build/examples/||g" -e 's/[0-9]+\.[0-9] s$/0.3 s/' \
        -e 's|/runs/[-0-9]*\.[A-Za-z0-9]{6}/|/runs/…/|g' -e "s|${HOME:-/nonexistent}/|~/|g"
}

# example TEXT COMMAND [WRAPPER...]: what one types and what one sees.
example() {
    local text=$1 command=$2 code=0
    shift 2
    printf '**%s**\n\n```console\n$ %s\n' "$text" "$command"
    (PATH=$(dirname "$program"):$PATH && "$@" sh -c "$command") > output 2>&1 || code=$?
    steady < output
    printf '$ echo $?\n%d\n```\n\n' "$code"
}

# Runs a command where user namespaces are not to be had.
without_namespaces() {
    unshare -Ur sh -c 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"' sh "$@"
}

# repack PACKAGE OUT EPOCH: unpacks, and packs with other times.
repack() {
    rm -rf unpacked
    dpkg-deb -R "$1" unpacked
    find unpacked -exec touch -h -d "@$3" {} +
    SOURCE_DATE_EPOCH=$3 dpkg-deb --root-owner-group --build unpacked "$2" > /dev/null
}

make_files() {
    local date='2024-05-01T12:00:00+0000' level
    export GIT_AUTHOR_NAME='assay sample' GIT_AUTHOR_EMAIL=example@example.org
    export GIT_COMMITTER_NAME='assay sample' GIT_COMMITTER_EMAIL=example@example.org
    export GIT_AUTHOR_DATE=$date GIT_COMMITTER_DATE=$date
    git init -q -b main --template= csv-sum
    cp "$top"/corpus/sample/* csv-sum/
    chmod 644 csv-sum/*
    git -C csv-sum add . && git -C csv-sum commit -q -m 'csv-sum 1.0' && git -C csv-sum tag v1.0
    git -c advice.detachedHead=false clone -q --branch v1.0 csv-sum checkout
    make -s -C checkout deb > /dev/null
    name=$(basename checkout/csv-sum_*.deb)
    mkdir shipped times tampered
    cp "checkout/$name" shipped/
    repack "shipped/$name" "times/$name" 1700000000
    for level in 9 1; do
        mkdir -p man && gzip -cn$level checkout/csv-sum.1 > man/csv-sum.1.gz
        tar -cf manual-$level.tar --sort=name --mtime=@1714564800 --owner=0 --group=0 man
    done
    "$top/scripts/tamper.sh" --keep-md5sums "shipped/$name" usr/bin/csv-sum "tampered/$name" > /dev/null
    head -c 200M /dev/zero | xz -0 > zeros.xz
    { head -c 200M /dev/zero && echo; } | xz -0 > more-zeros.xz
}

print_examples() {
    rm -rf build/examples && mkdir -p build/examples && cd build/examples
    make_files
    export ASSAY_CACHE=$top/build/examples/cache
    example 'reproduced: the package is what its source builds' \
        "assay verify shipped/$name --source csv-sum@v1.0"
    example 'not-reproduced: one byte of the program was changed after the build' \
        "assay verify tampered/$name --source csv-sum@v1.0"
    example 'reproduced-equivalent: only times in the archive differ' \
        "assay verify times/$name --source csv-sum@v1.0 --accept equivalent"
    example 'build-failed' \
        "assay verify shipped/$name --source csv-sum@v1.0 --build 'make CC=no-such-cc deb' --output '*.deb'"
    example 'not-attempted: the machine cannot do it (here user namespaces are switched off)' \
        "assay verify shipped/$name --source csv-sum@v1.0" without_namespaces
    example 'identical' "assay diff shipped/$name checkout/$name"
    example 'equivalent: proved by the steps of a certificate' \
        "assay diff shipped/$name times/$name --accept equivalent"
    example 'explained: a manual page was compressed at another level, which a program could see' \
        'assay diff manual-9.tar manual-1.tar --accept explained'
    example 'different' "assay diff shipped/$name tampered/$name"
    example 'inconclusive: a limit was reached' 'assay diff zeros.xz more-zeros.xz'
    cd "$top"
}

# README.md with the examples between its two marks.
with_examples() {
    sed "\\%^$begin\$%q" README.md
    printf '\n'
    cat build/examples.md
    sed -n "\\%^$end\$%,\$p" README.md
}

# Sizes, places and digests follow from the compiler and the archiver of the machine.
unmeasured() {
    sed -E -e 's/[0-9]+ bytes/N bytes/g' -e 's/0x[0-9a-f]+/0x…/g' -e 's/sha256:[0-9a-f]+/sha256:…/g'
}

mkdir -p build
print_examples > build/examples.md
case ${1-} in
--check) diff -u <(unmeasured < README.md) <(with_examples | unmeasured) ;;
--update)
    with_examples > build/README.md
    cp build/README.md README.md
    ;;
'') cat build/examples.md ;;
*)
    echo 'usage: scripts/examples.sh [--check|--update]' >&2
    exit 2
    ;;
esac
