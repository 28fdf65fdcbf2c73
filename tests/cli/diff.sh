#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# assay diff on packages that dpkg-deb makes of a program that gcc compiles.
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 2

# ---- the packages ---------------------------------------------------------------------------------

mkdir -p tree/DEBIAN tree/usr/bin tree/usr/share/doc/x tree/etc/cron.d
cat > x.c <<'END'
#include <stdio.h>
int main(int argc, char **argv)
{
    printf("%s has %d words\n", argv[0], argc * 3);
    return 0;
}
END
gcc -O1 x.c -o tree/usr/bin/x || exit 2
echo 'some words' > tree/usr/share/doc/x/README
echo '0 1 * * * root /usr/bin/x' > tree/etc/cron.d/x
printf '#!/bin/sh\nset -e\necho ready\n' > tree/DEBIAN/postinst
printf 'Package: x\nVersion: 1\nArchitecture: amd64\nMaintainer: A <a@example.org>\nDescription: x\n' \
    > tree/DEBIAN/control
chmod 755 tree/DEBIAN/postinst

# pack NAME TIME [OPTION]...: the tree as it is, with this time everywhere.
pack() {
    local name=$1 time=$2
    shift 2
    find tree -exec touch -h -d "@$time" {} +
    SOURCE_DATE_EPOCH=$time dpkg-deb --root-owner-group "${@:--Zxz}" -b tree "$name" > pack.log ||
        exit 2
}

# flip FILE SECTION: changes one bit in the middle of a section.
flip() {
    /usr/bin/python3 - "$1" "$2" <<'END'
import subprocess, sys
name, section = sys.argv[1:]
for line in subprocess.check_output(["objdump", "-h", name], text=True).splitlines():
    fields = line.split()
    if len(fields) > 6 and fields[1] == section:
        at = int(fields[5], 16) + int(fields[2], 16) // 2
with open(name, "r+b") as file:
    file.seek(at)
    byte = file.read(1)[0]
    file.seek(at)
    file.write(bytes([byte ^ 1]))
END
}

pack a.deb 1700000000
pack times.deb 1600000000
pack level.deb 1700000000 -Zxz -z1
pack gzip.deb 1700000000 -Zgzip

cp tree/usr/bin/x genuine
flip tree/usr/bin/x .text
pack text.deb 1600000000
cp genuine tree/usr/bin/x
flip tree/usr/bin/x .comment
pack comment.deb 1700000000
cp genuine tree/usr/bin/x

chmod 4755 tree/usr/bin/x
pack setuid.deb 1600000000
chmod 755 tree/usr/bin/x

cp tree/DEBIAN/postinst postinst
echo 'rm -rf /var/lib/x' >> tree/DEBIAN/postinst
pack script.deb 1700000000
cp postinst tree/DEBIAN/postinst

mkdir -p tree/etc/sudoers.d
echo 'x ALL=(ALL) NOPASSWD: ALL' > tree/etc/sudoers.d/x
pack added.deb 1700000000
rm -r tree/etc/sudoers.d

# ---- verdicts -------------------------------------------------------------------------------------

expect_exit 0 'the same file is identical' "$ASSAY" diff a.deb a.deb
contains 'it says so' out 'identical: the same bytes'
cp a.deb copy.deb
expect_exit 0 'so is its copy' "$ASSAY" diff a.deb copy.deb

expect_exit 1 'one bit of code among changed times is different' "$ASSAY" diff a.deb text.deb
contains 'the file and the section are named' out 'data.tar.xz!/usr/bin/x  .text: 1 byte differs'
contains 'the risk is high' out 'risk high'
contains 'the times are folded' out 'timestamp.archive-member (benign'
lacks 'and not listed' out 'header.mtime'

expect_exit 1 'so is one bit of a section that is never loaded' "$ASSAY" diff a.deb comment.deb
contains 'with a low risk' out 'risk low'

expect_exit 1 'times alone are not identical' "$ASSAY" diff --report json=times.json a.deb times.deb
is 'but equivalent' "$(json times.json 'j["verdict"]')" equivalent
is 'without risk' "$(json times.json 'j["risk"]')" none
is 'with a certificate that names the step' \
    "$(json times.json '"tar.member-times" in [s["name"] for s in j["certificate"]["steps"]]')" True
expect_exit 0 '--accept equivalent takes it' "$ASSAY" diff --accept equivalent a.deb times.deb

expect_exit 0 'another level of compression is equivalent' \
    "$ASSAY" diff --accept equivalent a.deb level.deb
expect_exit 1 'another compressor is not' "$ASSAY" diff --accept equivalent a.deb gzip.deb
expect_exit 0 'yet it is explained' "$ASSAY" diff --accept explained a.deb gzip.deb
contains 'with its cause' out 'encoding.compression'

expect_exit 1 'a setuid bit among changed times is different' \
    "$ASSAY" diff --accept explained a.deb setuid.deb
contains 'both modes are shown' out 'header.mode: 0755 -> 4755'
contains 'the risk is critical' out 'risk critical'

expect_exit 1 'a line more in a maintainer script' "$ASSAY" diff -v a.deb script.deb
contains 'the line is shown' out '+ rm -rf /var/lib/x'
contains 'the risk is that of code' out 'high     control.tar.xz!/postinst'
expect_exit 1 'without -v' "$ASSAY" diff a.deb script.deb
lacks 'it is not' out 'rm -rf'
contains 'but counted' out '0 lines removed, 1 added'

expect_exit 1 'a file more' "$ASSAY" diff a.deb added.deb
contains 'is an addition' out 'etc/sudoers.d/x  member: only on the right: file, 0644'
contains 'of critical risk' out 'critical data.tar.xz!/etc/sudoers.d/x'

# ---- archives that are not packages ---------------------------------------------------------------

# tar_of NAME FILE...: the folders first, then these files in this order.
tar_of() {
    local name=$1
    shift
    tar --no-recursion --owner=0 --group=0 --mtime=@1 -cf "$name" \
        tree tree/etc tree/etc/cron.d tree/usr tree/usr/bin "$@"
}
tar_of sorted.tar tree/etc/cron.d/x tree/usr/bin/x
tar_of other.tar tree/usr/bin/x tree/etc/cron.d/x
expect_exit 0 'order alone is equivalent' "$ASSAY" diff --accept equivalent -v sorted.tar other.tar
contains 'with its cause' out 'order.archive-members'
gzip -nk9 sorted.tar && gzip -nc1 sorted.tar > timed.tar.gz
# MTIME is bytes 4 to 7 (RFC 1952)
printf '\1\2\3\4' | dd of=timed.tar.gz bs=1 seek=4 conv=notrunc status=none
expect_exit 0 'so are gzip levels and header times' \
    "$ASSAY" diff --accept equivalent sorted.tar.gz timed.tar.gz
contains 'with their cause' out 'timestamp.gzip-header'
zstd -q -3 sorted.tar -o three.tar.zst && zstd -q -19 sorted.tar -o nineteen.tar.zst
expect_exit 0 'and zstd levels' "$ASSAY" diff --accept equivalent three.tar.zst nineteen.tar.zst
{ cat sorted.tar.gz && echo 'a payload'; } > trailing.tar.gz
expect_exit 1 'bytes after the end are not' \
    "$ASSAY" diff --accept explained sorted.tar.gz trailing.tar.gz

# ---- folders --------------------------------------------------------------------------------------

mkdir left right
cp a.deb left/p.deb && cp text.deb right/p.deb
echo same | tee left/same > right/same
ln -s one left/link && ln -s two right/link
expect_exit 1 'two folders' "$ASSAY" diff --report json=folders.json --report text=- left right/
contains 'are compared down into packages' out 'p.deb!/data.tar.xz!/usr/bin/x  .text'
contains 'links by their target' out 'link: one -> two'
is 'paths begin with the folder' \
    "$(json folders.json '"left/link" in [d["path"] for d in j["differences"]]')" True
expect_exit 0 'a folder and itself' "$ASSAY" diff left left
expect_exit 2 'a folder and a file are not compared' "$ASSAY" diff left a.deb
contains 'and it says what to do' err 'give two files or two folders'

finish
