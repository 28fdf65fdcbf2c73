#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes a tampered copy of a .deb: one byte in the middle of a program's .text is changed and the
# package is packed again, its md5sums made to fit, as somebody careful would do it. Everything else
# (times, modes, member order, compression) stays as it was.
#
#     scripts/tamper.sh [--keep-md5sums] PACKAGE.deb PROGRAM OUT.deb
#
# PROGRAM is the path inside the package (usr/bin/x). With --keep-md5sums the list inside the package
# is left alone, and gives the change away.
set -euo pipefail

keep=no
if [ "${1-}" = --keep-md5sums ]; then
    keep=yes
    shift
fi
if [ $# -ne 3 ]; then
    sed -n '7p' "$0" >&2
    exit 2
fi
package=$1 program=$2 out=$3

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
dpkg-deb -R "$package" "$work/pkg"
file=$work/pkg/$program

# The section table in wide form: [Nr] Name Type Address Offset Size ...
read -r offset size < <(readelf -SW "$file" |
    sed -n 's/^ *\[ *[0-9]*\] \.text  *PROGBITS  *[0-9a-f]*  *\([0-9a-f]*\)  *\([0-9a-f]*\) .*/\1 \2/p')
at=$((16#$offset + 16#$size / 2))
byte=$(od -An -tu1 -j "$at" -N 1 "$file")

cp -p "$file" "$work/before"
# shellcheck disable=SC2059 # the format is the byte itself
printf "\\x$(printf %02x $((byte ^ 1)))" | dd of="$file" bs=1 seek="$at" conv=notrunc status=none
touch -r "$work/before" "$file"

sums=$work/pkg/DEBIAN/md5sums
if [ "$keep" = no ] && [ -f "$sums" ]; then
    cp -p "$sums" "$work/sums"
    (cd "$work/pkg" && sed 's/^[0-9a-f]*  //' DEBIAN/md5sums | xargs -d '\n' md5sum) > "$work/new"
    cat "$work/new" > "$sums"
    touch -r "$work/sums" "$sums"
fi
# The newest time inside: it stands for the top folder, whose own is lost by unpacking.
SOURCE_DATE_EPOCH=$(find "$work/pkg" -mindepth 1 -printf '%Ts\n' | sort -n | tail -n 1)
export SOURCE_DATE_EPOCH
dpkg-deb --root-owner-group --build "$work/pkg" "$out" > /dev/null
printf '%s: byte 0x%x of %s changed from %02x to %02x\n' \
    "$out" "$at" "$program" "$byte" $((byte ^ 1))
