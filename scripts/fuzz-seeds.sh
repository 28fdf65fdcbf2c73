#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes small seeds for the fuzz targets with the real tools of each format: DIR/<format>/*.
#
#     scripts/fuzz-seeds.sh DIR
set -euo pipefail

export LC_ALL=C TZ=UTC SOURCE_DATE_EPOCH=1000000000
mkdir -p "$1"
out=$(cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
mkdir -p "$out"/{ar,deb,tar,gzip,xz,zstd,elf,text} t/a
long=$(printf 'n%.0s' {1..120})

echo one > t/a/x
seq 20 > t/a/seq
chmod 4755 t/a/seq
ln -s x t/a/link
ln t/a/x t/a/hard
mkfifo t/a/pipe
for format in v7 oldgnu gnu ustar pax; do
    tar -C t --exclude=pipe --format=$format --blocking-factor=1 -cf "$out/tar/$format" .
done
echo long > "t/$long"
truncate -s 64K t/hole
echo end >> t/hole
for format in gnu pax; do
    tar -C t -S --format=$format --blocking-factor=1 -cf "$out/tar/long-$format" .
done
tar -C t --format=pax --pax-option=comment=c --blocking-factor=1 -cf "$out/tar/global" a/x
rm t/hole "t/$long"

for level in 1 9; do
    gzip -c -$level t/a/seq > "$out/gzip/level-$level"
    xz -c -$level t/a/seq > "$out/xz/level-$level"
    zstd -q -c -$level t/a/seq > "$out/zstd/level-$level"
done
gzip -n < "$out/tar/ustar" > "$out/gzip/tar"
cat "$out"/gzip/level-* > "$out/gzip/two"
xz --check=sha256 -c "$out/tar/ustar" > "$out/xz/tar"
cat "$out"/xz/level-* > "$out/xz/two"
zstd -q --no-check -c "$out/tar/ustar" > "$out/zstd/tar"
printf '\x50\x2a\x4d\x18\x04\0\0\0skip' | cat - "$out/zstd/tar" > "$out/zstd/skippable"

ar rc "$out/ar/plain" t/a/x t/a/seq
echo 'f: ret; .globl f' | as -o "a-name-longer-than-sixteen.o"
ar rcs "$out/ar/library" ./*.o
cp ./*.o "$out/elf/object64"
echo 'f: ret' | as --32 -o "$out/elf/object32"
objcopy -I binary -O elf32-big t/a/x "$out/elf/big"
echo 'int main(void) { return 0; }' > main.c
gcc -nostdlib -Wl,--build-id=none -e main -o "$out/elf/program" main.c

rm t/a/pipe
mkdir t/DEBIAN
printf 'Package: p\nVersion: 1\nArchitecture: all\nMaintainer: M <m@example.org>\nDescription: d\n' \
    > t/DEBIAN/control
for compression in none gzip xz zstd; do
    dpkg-deb --root-owner-group -Z$compression -b t "$out/deb/$compression" > /dev/null
done

printf 'caf\303\251\n' > "$out/text/utf8"
seq 20 > "$out/text/ascii"
