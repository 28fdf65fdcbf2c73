#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing from Debian's packages; does nothing, and needs no network, when all of it
# is there. The one list of what the project needs.
#
#     scripts/setup.sh [build|demo|check|ci]    (default: build)
#     scripts/setup.sh --list SET               prints the packages of a set
# shellcheck disable=SC2086 # lists of names are split into words
set -euo pipefail

cd "$(dirname "$0")/.."

# To compile.
build=(gcc libc6-dev make pkg-config libarchive-dev libgit2-dev libssl-dev liblzma-dev
    zlib1g-dev libzstd-dev libseccomp-dev libjansson-dev)
# To run: id ranges for an ordinary user, git for the sample, https.
run=(uidmap git binutils ca-certificates)
# To make roots of a Debian suite.
roots=(mmdebstrap gpg dpkg-dev)
# To test: the unit test library, tools that make input files, a second JSON reader, real servers.
tests=(libcriterion-dev xz-utils zstd bzip2 libarchive-tools busybox-static file fakeroot cpio
    python3 python3-jsonschema openssl openssh-server openssh-client nginx-light fcgiwrap
    cmake meson ninja-build autoconf automake strace bsdutils)
# For the gates of .ci/run.
gates=(clang libclang-rt-14-dev llvm clang-tidy clang-format cppcheck shellcheck mandoc)

packages_of() {
    case $1 in
    build) printf '%s\n' "${build[@]}" ;;
    demo) printf '%s\n' "${build[@]}" "${run[@]}" ;;
    check) printf '%s\n' "${build[@]}" "${run[@]}" "${roots[@]}" "${tests[@]}" ;;
    ci) printf '%s\n' "${build[@]}" "${run[@]}" "${roots[@]}" "${tests[@]}" "${gates[@]}" ;;
    *)
        echo "setup: $1 is none of build, demo, check, ci" >&2
        exit 2
        ;;
    esac
}

# One name a line: those of "$@" that are not installed.
missing_of() {
    local installed
    installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2> /dev/null |
        sed -n 's/^installed //p')
    printf '%s\n' "$@" | grep -vxF -e "$installed" || true
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo > /dev/null; then
        sudo -- "$@"
    else
        echo "setup: needs root or sudo to install:" $missing >&2
        exit 1
    fi
}

# A test server is started by its test alone, never as a service of the machine.
# shellcheck disable=SC2016 # expanded by the shell that runs it
install_quietly='
    set -e
    policy=/usr/sbin/policy-rc.d
    if [ ! -e $policy ]; then
        trap "rm -f $policy" EXIT
        printf "#!/bin/sh\nexit 101\n" > $policy
        chmod 755 $policy
    fi
    export DEBIAN_FRONTEND=noninteractive
    install() {
        apt-get -q -y -o Dpkg::Options::=--force-unsafe-io install --no-install-recommends "$@" \
            < /dev/null
    }
    # Lists that are missing or too old for the archive are fetched once.
    install "$@" || { apt-get -q update; install "$@"; }'

if [ "${1-}" = --list ]; then
    packages_of "${2-build}"
    exit
fi
packages=$(packages_of "${1-build}") || exit
if ! command -v dpkg-query > /dev/null; then
    echo "setup: this is no Debian system; install what these packages hold:" $packages >&2
    exit 1
fi
missing=$(missing_of $packages)
[ -n "$missing" ] || exit 0

echo "setup: installing $(wc -w <<< "$missing") Debian packages:" $missing
mkdir -p build
if ! as_root sh -c "$install_quietly" sh $missing > build/setup.log 2>&1; then
    tail -n 20 build/setup.log >&2
    echo "setup: apt-get failed; the whole log is build/setup.log" >&2
    exit 1
fi
