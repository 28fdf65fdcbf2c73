#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Style and bugs that a machine can see: the format, banned functions, clang-tidy and cppcheck for C,
# for scripts shellcheck, for the man page mandoc. Anything found is a failure. `make lint` gives
# LINT_FLAGS, the compiler's flags.
#
#     scripts/lint.sh [format|banned|tidy|cppcheck|shell|man]...    (default: all of them)
# shellcheck disable=SC2317 # the parts are called by name
set -euo pipefail

cd "$(dirname "$0")/.."
default_flags="-std=gnu11 -D_GNU_SOURCE -Icore -I. -DASY_VERSION='\"0\"'"
mapfile -t flags < <(xargs -n 1 printf '%s\n' <<< "${LINT_FLAGS-$default_flags}")
jobs=$(nproc)
failed=0

mapfile -t engine < <(find core formats cmd -name '*.[ch]' | LC_ALL=C sort)
mapfile -t units < <(find core formats cmd -name '*.c' | LC_ALL=C sort)
mapfile -t all_c < <(find core formats cmd tests corpus/sample -name '*.[ch]' | LC_ALL=C sort)
mapfile -t shells < <(
    grep -lE '^#!.*\b(ba)?sh\b' -r scripts tests .ci --include='*' | LC_ALL=C sort
    find tests/cli -name '*.sh' ! -perm -u=x | LC_ALL=C sort)

lint_format() {
    clang-format --dry-run -Werror "${all_c[@]}"
}

# Functions that cannot be told how much room there is, that hide their state, or that start a shell.
lint_banned() {
    local names='strcpy|strcat|strncpy|strncat|stpcpy|sprintf|vsprintf|gets|strtok|system|popen'
    names="$names|alloca|atoi|atol|atoll|atof|mktemp|tmpnam|tempnam|asctime|ctime|gmtime|localtime"
    names="$names|setjmp|longjmp|rand|srand"
    local file found=0
    for file in "${engine[@]}"; do
        # The preprocessor takes the comments away and keeps the lines.
        if gcc -fpreprocessed -dD -E "$file" 2> /dev/null |
            awk -v file="$file" -v names="(^|[^A-Za-z0-9_\"])($names)[ \t]*[(]" '
                /^# [0-9]+ "/ { line = $2 - 1; next }
                { line++ }
                $0 ~ names { printf "%s:%d: banned function: %s\n", file, line, $0; found = 1 }
                END { exit !found }'; then
            found=1
        fi
    done
    return "$found"
}

lint_tidy() {
    printf '%s\0' "${units[@]}" | xargs -0 -P "$jobs" -n 4 scripts/lint.sh --tidy-files
}

lint_cppcheck() {
    cppcheck --quiet --error-exitcode=1 --inline-suppr -j "$jobs" \
        --std=c11 --library=posix,gnu --enable=warning,portability \
        -D_GNU_SOURCE '-DASY_VERSION="0"' -Icore -I. \
        '-Djson_array_foreach(a,i,v)=for((i)=0;((v)=json_array_get((a),(i)));(i)++)' \
        '-Djson_object_foreach(o,k,v)=for(;json_next((o),&(k),&(v));)' \
        core formats cmd
}

lint_shell() {
    shellcheck -S warning -x -P SCRIPTDIR "${shells[@]}" &&
        shellcheck -S warning -s bash completions/assay.bash
}

lint_man() {
    mandoc -T lint -W warning docs/man/*.1
}

if [ "${1-}" = --tidy-files ]; then
    shift
    exec clang-tidy --quiet "$@" -- "${flags[@]}" 2> >(grep -v 'warnings generated' >&2)
fi
[ $# -gt 0 ] || set -- format banned tidy cppcheck shell man
for part; do
    if "lint_$part"; then
        echo "lint: $part: nothing found"
    else
        echo "lint: $part: FAILED" >&2
        failed=1
    fi
done
exit $failed
