# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What the test servers share. A server is run in the foreground by a test: it prints one line once
# it answers, and ends with all that it started when its standard input ends. That happens also when
# the test dies, so no server outlives its test.
set -euo pipefail
set -m # every server leads a process group, so that its children can be ended with it
pids=()

need() {
    local tool package
    while [ $# -gt 0 ]; do
        tool=$1 package=$2
        shift 2
        if ! command -v "$tool" >/dev/null && [ ! -x "$tool" ]; then
            echo "missing package $package" >&2
            exit 3
        fi
    done
}

stop_all() {
    local pid
    for pid in "${pids[@]}"; do
        kill -- "-$pid" 2>/dev/null || true
    done
    wait 2>/dev/null || true
}

# answers PORT: waits until somebody listens there, as long as the last started process lives.
answers() {
    local pid=${pids[-1]}
    for _ in $(seq 100); do
        kill -0 "$pid" 2>/dev/null || return 1
        if (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; then
            return 0
        fi
        sleep 0.05
    done
    return 1
}

some_port() {
    echo $((20000 + RANDOM % 12000))
}

# serve_until_end TEXT: tells the test that it can begin, and waits for its end.
serve_until_end() {
    echo "$1"
    exec 1>&-
    cat >/dev/null
}
