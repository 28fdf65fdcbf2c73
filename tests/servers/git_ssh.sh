#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# git_ssh.sh DIR: sshd on a port of loopback, for the user who runs this, with keys made here. DIR
# gets home/.ssh/id_ed25519, which may log in, and home/.ssh/known_hosts, which is right. Prints
# "USER PORT".
. "$(dirname "$0")/lib.sh"
PATH=$PATH:/usr/sbin:/sbin
dir=$(realpath "$1")
need sshd openssh-server ssh-keygen openssh-client git git flock util-linux
trap finish EXIT

# sshd wants this folder when root starts it; the package's service makes it at boot. Servers of
# several tests share it; the last one removes it, when one of them made it.
run=/run/sshd
hold_run() {
    while :; do
        if mkdir -m 755 "$run" 2>/dev/null; then
            : > "$run/assay-test"
        fi
        if exec 9<"$run" && flock -s 9 && [ "$run" -ef /proc/self/fd/9 ]; then
            return
        fi
    done
}

# shellcheck disable=SC2317 # run by the trap
finish() {
    stop_all
    flock -u 9 2>/dev/null || true
    if [ -e "$run/assay-test" ] && flock -n -x 9 2>/dev/null; then
        rm -f "$run/assay-test"
        rmdir "$run"
    fi
}

mkdir -p "$dir/home/.ssh"
chmod 700 "$dir/home" "$dir/home/.ssh"
for kind in ed25519 ecdsa rsa; do
    ssh-keygen -q -t "$kind" -N '' -f "$dir/host_$kind"
done
ssh-keygen -q -t ed25519 -N '' -f "$dir/home/.ssh/id_ed25519"
cp "$dir/home/.ssh/id_ed25519.pub" "$dir/authorized"

if [ "$(id -u)" = 0 ]; then
    hold_run
fi

for _ in $(seq 20); do
    port=$(some_port)
    cat > "$dir/sshd_config" <<END
Port $port
ListenAddress 127.0.0.1
HostKey $dir/host_ed25519
HostKey $dir/host_ecdsa
HostKey $dir/host_rsa
PidFile none
AuthorizedKeysFile $dir/authorized
AuthenticationMethods publickey
PermitRootLogin yes
StrictModes no
UsePAM no
END
    "$(command -v sshd)" -D -e -f "$dir/sshd_config" </dev/null 2>"$dir/sshd.log" 9<&- &
    pids+=($!)
    if answers "$port"; then
        printf '[127.0.0.1]:%s %s\n' "$port" "$(cut -d' ' -f1,2 "$dir/host_ed25519.pub")" \
            > "$dir/home/.ssh/known_hosts"
        serve_until_end "$(id -un) $port"
        exit 0
    fi
    unset 'pids[-1]'
done
cat "$dir/sshd.log" >&2
exit 1
