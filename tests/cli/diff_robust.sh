#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# assay diff when things go wrong: signals, files that change, hostile input, little to work with.
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 2

# ---- interrupted ----------------------------------------------------------------------------------

# Two archives of 60,000 empty members with other times: a second's work and more.
/usr/bin/python3 - <<'END'
def header(name, time):
    block = bytearray(512)
    block[:len(name)] = name
    for at, text in ((100, b"0000644"), (108, b"0000000"), (116, b"0000000"), (124, b"0" * 11),
                     (136, b"%011o" % time), (148, b" " * 8), (156, b"0"), (257, b"ustar\0" b"00")):
        block[at:at + len(text)] = text
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)

for name, time in (("many-1.tar", 1), ("many-2.tar", 2)):
    with open(name, "wb") as out:
        for i in range(60000):
            out.write(header(b"member%d" % i, time))
        out.write(bytes(1024))
END

# interrupt SIGNAL: to the parent alone, as `kill` would; leaves the exit code in $code.
interrupt() {
    "$ASSAY" diff --report json=partial.json --accept equivalent many-1.tar many-2.tar > out 2> err &
    local pid=$!
    sleep 0.3
    kill "-$1" "$pid"
    code=0
    wait "$pid" || code=$?
}

for signal in INT TERM; do
    rm -f partial.json
    # bash starts background jobs with SIGINT ignored; assay catches it all the same
    interrupt "$signal"
    is "SIG$signal: nothing worse was seen, nothing is certain" "$code" 2
    is 'the report says inconclusive' "$(json partial.json 'j["verdict"]')" inconclusive
    is 'and why' "$(json partial.json 'j["limits"]')" "['interrupted']"
    valid 'and keeps to the schema' assay-report-1.schema.json partial.json
done
"$ASSAY" diff many-1.tar many-2.tar > out 2> err &
pid=$!
sleep 0.2
kill -KILL "$pid"
{ wait "$pid"; } 2> wait.err
sleep 0.5
is 'SIGKILL: no worker stays behind' "$(pgrep -f -- '--worker diff many-1.tar')" ''

# ---- files that change ----------------------------------------------------------------------------

cp many-1.tar shrinking.tar
"$ASSAY" diff shrinking.tar many-2.tar > out 2> err &
pid=$!
sleep 0.15
truncate -s 4096 shrinking.tar
code=0
wait "$pid" || code=$?
check 'a file cut short while it is read is no crash of the parent' test "$code" -le 2

# ---- hostile input --------------------------------------------------------------------------------

head -c 20000 /dev/zero | gzip -9n > bomb-1 && for _ in 1 2 3; do cat bomb-1 bomb-1 | gzip -9n > bomb && mv bomb bomb-1; done
cp bomb-1 bomb-2 && printf x >> bomb-2
expect_exit 1 'compression in compression in compression' timeout 60 "$ASSAY" diff bomb-1 bomb-2
head -c 80M /dev/zero | gzip -1n > zeros-1.gz && head -c 81M /dev/zero | gzip -1n > zeros-2.gz
expect_exit 1 'large files of zeros' timeout 100 "$ASSAY" diff zeros-1.gz zeros-2.gz
tar -cf ok.tar --owner=0 --group=0 --mtime=@1 bomb-1
for size in 1 100 511 513 700; do
    head -c "$size" ok.tar > cut.tar
    expect_exit 1 "a tar cut after $size bytes" timeout 10 "$ASSAY" diff --accept explained ok.tar cut.tar
done
: > empty
expect_exit 0 'two empty files' "$ASSAY" diff empty empty
expect_exit 1 'an empty file and another' "$ASSAY" diff empty ok.tar

# ---- least power ----------------------------------------------------------------------------------

mkdir tmp
TMPDIR=$work/tmp "$ASSAY" diff many-1.tar many-2.tar > out
is 'no scratch stays behind' "$(find tmp -mindepth 1 ! -name '*-lock')" ''
expect_exit 100 'the worker does nothing for others' "$ASSAY" --worker diff a b different v
if command -v strace > where; then
    strace -f -o trace "$ASSAY" diff bomb-1 bomb-2 > out 2> err
    check 'the worker confines itself before it maps an input' /usr/bin/python3 - <<'END'
import re
lines = [line.split(None, 1) for line in open("trace")]
first = lines[0][0]
child = [text for pid, text in lines if pid != first]
seccomp = next(i for i, text in enumerate(child) if text.startswith("seccomp(SECCOMP_SET_MODE"))
landlock = next(i for i, text in enumerate(child) if text.startswith("landlock_restrict_self"))
inputs = [i for i, text in enumerate(child) if re.match(r"mmap\(NULL, \d+, PROT_READ, MAP_PRIVATE, [34],", text)]
last_library = max(i for i, text in enumerate(child) if text.startswith("execve"))
after = [i for i in inputs if i > seccomp]
assert landlock < seccomp and len(after) >= 2, (landlock, seccomp, inputs)
assert not any(text.startswith(("socket", "execve", "connect")) for text in child[seccomp:])
END
else
    skip 'the order of confining: strace is not here'
fi

# What can be read in two ways is explained in none. A tar whose headers are gzip headers as well, the
# rest of each block being their extra field: `tar z` sees the first stream, which is another one when
# the members change places.
/usr/bin/python3 - << 'END'
import gzip, struct, zlib

def header(name, size, extra=b""):
    block = bytearray(512)
    for at, field in ((0, name), (100, b"0000644\0"), (108, b"0000000\0" * 2), (124, b"%011o\0" % size),
                      (136, b"%011o\0" % 1000), (156, b"0"), (257, extra)):
        block[at:at + len(field)] = field
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)

def member(tag, inner):
    start = b"\x1f\x8b\x08\x04" + tag + b"\x02\x03" + struct.pack("<H", 500)
    packer = zlib.compressobj(9, 8, -15)
    stream = packer.compress(inner) + packer.flush(zlib.Z_FULL_FLUSH)
    while (len(stream) + 10) % 512:
        stream += b"\0\0\0\xff\xff"
    stream += b"\x03\0" + struct.pack("<II", zlib.crc32(inner), len(inner))
    return header(start, len(stream)) + stream

good, evil, end = member(b"aaaa", b"good\n"), member(b"bbbb", b"EVIL\n"), bytes(1024)
open("both-1.tar.gz", "wb").write(good + evil + end)
open("both-2.tar.gz", "wb").write(evil + good + end)

plain = [header(b"f", 0, b"ustar\x0000") + bytes(1024), header(b"f", 0, b"ustar\x0000") + bytes(1024)]
later = plain[1].replace(b"%011o" % 1000, b"%011o" % 2000)
checksum = b"%06o\0 " % (sum(later[:512]) - sum(later[148:156]) + 8 * 32)
later = later[:148] + checksum + later[156:]
open("broken-1.tar", "wb").write(plain[0] + b"more after the end")
open("broken-2.tar", "wb").write(later + b"more after the end")
open("whole-1.tar", "wb").write(plain[0])
open("whole-2.tar", "wb").write(later)
END
is 'the trick works on gzip' "$(gzip -dc both-1.tar.gz 2> err; gzip -dc both-2.tar.gz 2> err)" \
    "$(printf 'good\nEVIL\nEVIL\ngood')"
expect_exit 1 'a file of two formats is never explained' \
    "$ASSAY" diff --accept explained both-1.tar.gz both-2.tar.gz
expect_exit 0 'times alone are proven in archives that keep to their format' \
    "$ASSAY" diff --accept equivalent whole-1.tar whole-2.tar
expect_exit 1 'and not even explained in those that do not' \
    "$ASSAY" diff --accept explained broken-1.tar broken-2.tar

finish
