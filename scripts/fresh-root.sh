#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs the two commands of the README, `make demo` and `make check`, on a fresh Debian bookworm: the
# smallest base system with make and git, and nothing of this machine but its network settings and
# the archive that it takes its packages from. What they need they must install themselves. Works on
# what is committed. Needs root (or sudo), git and mmdebstrap.
#
#     scripts/fresh-root.sh [--user] [--keep] [COMMAND]
#
#     --user   the commands run as an ordinary user who has sudo
#     --keep   leaves the root in build/fresh/root
#     COMMAND  for /bin/sh, instead of `make demo && make check`
set -euo pipefail

if [ "$(id -u)" != 0 ]; then
    exec sudo -- "$0" "$@"
fi
cd "$(dirname "$0")/.."
user=no keep=no
while [[ ${1-} == --* ]]; do
    case $1 in
    --user) user=yes ;;
    --keep) keep=yes ;;
    *)
        sed -n '8,12p' "$0" >&2
        exit 2
        ;;
    esac
    shift
done
command=${1-'make demo && make check'}

fresh=$PWD/build/fresh
base=$fresh/base.tar
root=$fresh/root
# From apt's own words: what this machine's archive needs to be read.
apt_settings=$(apt-config dump --format '%F "%v";%n' |
    grep -E '^Acquire::(Check-Valid-Until|Check-Date|(https?|ftp)::(Proxy|CaInfo)[^ ]*) "..*"' || true)

# The lines of a sources.list for this suite, as this machine has them; none: mmdebstrap's own.
archive_lines() {
    # shellcheck disable=SC2016 # apt's own variables
    apt-get indextargets --format '$(ORIGIN) deb $(REPO_URI) $(CODENAME) main' \
        'Created-By: Packages' 'Component: main' |
        sed -n 's/^Debian \(.* bookworm\(-updates\|-security\)\{0,1\} main\)$/\1/p' | sort -u
}

make_base() {
    local include=make,git options=(--quiet --variant=minbase --format=tar) lines=() line
    mapfile -t lines < <(archive_lines)
    [ "$user" = no ] || include=$include,sudo
    [[ ${lines[*]-} != *https:* ]] || include=$include,ca-certificates
    while read -r line; do
        [ -z "$line" ] || options+=("--aptopt=$line")
    done <<< "$apt_settings"
    mmdebstrap "${options[@]}" --include="$include" bookworm "$base.new" "${lines[@]}"
    mv "$base.new" "$base"
}

remove_root() {
    [ ! -d "$root" ] || rm -rf --one-file-system "$root"
}

make_root() {
    remove_root
    mkdir -p "$root"
    tar -C "$root" -xf "$base"
    cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
    printf '%s\n' "$apt_settings" > "$root/etc/apt/apt.conf.d/99machine"
    if [ -d /usr/local/share/ca-certificates ]; then
        cp -r /usr/local/share/ca-certificates "$root/usr/local/share/"
    fi
    mkdir -p "$root/srv/assay"
    git -c safe.directory="$PWD" archive --format=tar HEAD | tar -C "$root/srv/assay" -xf -
}

# Run by a shell that is the first process of its own pid and mount namespaces.
# shellcheck disable=SC2016
enter='
    set -e
    root=$1 user=$2 command=$3
    mount --bind "$root" "$root"
    cd "$root"
    mount -t proc proc proc
    mount --rbind /sys sys
    mount -t tmpfs -o mode=755 dev dev
    for device in null zero full random urandom tty; do
        touch dev/$device
        mount --bind /dev/$device dev/$device
    done
    mkdir dev/pts dev/shm
    mount -t devpts -o ptmxmode=0666 devpts dev/pts
    mount -t tmpfs -o mode=1777 shm dev/shm
    ln -s pts/ptmx dev/ptmx
    ln -s /proc/self/fd dev/fd
    ln -s fd/0 dev/stdin
    ln -s fd/1 dev/stdout
    ln -s fd/2 dev/stderr
    mkdir -p .old
    pivot_root . .old
    cd /
    umount -l /.old
    rmdir /.old
    cd /srv/assay
    set -- env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8
    if [ "$user" = yes ]; then
        useradd --create-home --shell /bin/bash dev
        echo "dev ALL=(ALL) NOPASSWD: ALL" > /etc/sudoers.d/dev
        chown -R dev: /srv/assay
        exec "$@" HOME=/home/dev USER=dev setpriv --reuid dev --regid dev --init-groups \
            sh -c "$command"
    fi
    exec "$@" HOME=/root USER=root sh -c "$command"'

mkdir -p "$fresh"
started=$SECONDS
[ "$user" = no ] || base=$fresh/base-sudo.tar
[ -f "$base" ] || make_base
[ "$keep" = yes ] || trap remove_root EXIT
make_root
echo "fresh-root: Debian $(cat "$root/etc/debian_version") with make and git, $((SECONDS - started)) s"
started=$SECONDS
code=0
unshare --mount --pid --ipc --fork --kill-child --propagation private \
    /bin/bash -c "$enter" enter "$root" "$user" "$command" < /dev/null || code=$?
echo "fresh-root: $command: exit code $code, $((SECONDS - started)) s"
exit $code
