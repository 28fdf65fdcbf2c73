#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# No lower layer includes a higher one. The order below is the only place where it is written down
# for the machine; docs/ARCHITECTURE.md says it for people.
#
#     scripts/check-layers.sh [FOLDER]      checks the tree (default: this one)
#     scripts/check-layers.sh --self-test   shows that bad includes are refused
set -euo pipefail

# Low to high.
order='base
io
tree
formats
worker
compare
report
diff
sandbox
source
root
recipe
build
verify
cmd'

# Prints one line for each include that breaks the order.
check() {
    local folder=$1
    # shellcheck disable=SC2016 # awk's own dollars
    (cd "$folder" && find core formats cmd -name '*.[ch]' | LC_ALL=C sort |
        ORDER=$order xargs awk '
        BEGIN { n = split(ENVIRON["ORDER"], names, "\n"); for (i = 1; i <= n; i++) rank[names[i]] = i }
        function refuse(why) { printf "%s:%d: %s: %s\n", FILENAME, FNR, $2, why; bad = 1 }
        FNR == 1 {
            split(FILENAME, part, "/")
            from = part[1] == "core" ? part[2] : part[1]
            if (!(from in rank)) { printf "%s: the module %s has no place in the order\n", FILENAME, from; bad = 1 }
        }
        { sub(/#[ \t]*include[ \t]*/, "#include ") }
        $1 != "#include" { next }
        $2 ~ /^</ {
            to = $2; sub(/^</, "", to); sub(/[\/>].*/, "", to)
            if (to in rank && $2 ~ /\//) refuse("our own headers are included with quotes")
            next
        }
        $2 !~ /^"/ { refuse("an include must be written out"); next }
        {
            path = $2; gsub(/"/, "", path)
            if (path ~ /\.\./) { refuse("no .. in an include"); next }
            if (path !~ /\//) { refuse("write the module: \"module/file.h\""); next }
            split(path, to_part, "/"); to = to_part[1]
            if (!(to in rank)) refuse("no such module")
            # A handler describes itself through the table that the tree knows it by.
            else if (from == "tree" && path == "formats/format.h") next
            else if (to == "formats" && from != "formats" && path != "formats/format.h")
                refuse("the engine knows formats by their table alone")
            else if (rank[to] > rank[from]) refuse(from " is below " to)
        }
        END { exit bad }')
}

# expect BAD|GOOD FILE INCLUDE
expect() {
    local kind=$1 file=$2 include=$3 folder result=GOOD
    folder=$(mktemp -d)
    mkdir -p "$folder/core" "$folder/formats" "$folder/cmd" "$folder/$(dirname "$file")"
    printf '%s\n' "$include" > "$folder/$file"
    check "$folder" > /dev/null || result=BAD
    rm -rf "$folder"
    if [ "$result" != "$kind" ]; then
        echo "check-layers: self-test: $file with $include came out $result" >&2
        exit 1
    fi
}

self_test() {
    expect GOOD core/tree/a.c '#include "base/buf.h"'
    expect GOOD core/tree/a.c '#include "formats/format.h"'
    expect GOOD core/tree/a.c '#include <archive.h>'
    expect GOOD cmd/a.c '#include "verify/verify.h"'
    expect GOOD formats/tar.c '#include "formats/tar.h"'
    expect BAD core/base/a.c '#include "io/io.h"'
    expect BAD core/io/a.h '#  include   "tree/tree.h"'
    expect BAD core/tree/a.c '#include "formats/tar.h"'
    expect BAD core/io/a.c '#include "formats/format.h"'
    expect BAD core/compare/a.c '#include "formats/elf.h"'
    expect BAD core/compare/a.c '#include "cmd/cmd.h"'
    expect BAD core/source/a.c '#include "root/root.h"'
    expect BAD formats/a.c '#include "compare/compare.h"'
    expect BAD formats/a.c '#include <compare/compare.h>'
    expect BAD core/base/a.c '#include "../io/io.h"'
    expect BAD core/base/a.c '#include HEADER'
    expect BAD core/novel/a.c '#include "base/base.h"'
    echo 'layers: the check refuses what it must (17 cases)'
}

case ${1-} in
--self-test) self_test ;;
*)
    cd "${1-$(dirname "$0")/..}"
    check .
    echo 'layers: every include goes down'
    ;;
esac
