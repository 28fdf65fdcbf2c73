#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# assay diff: options, reports, exit codes, messages.
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 2

echo one > a && echo two > b && cp a copy
make_tar() { tar --owner=0 --group=0 --mode=644 --mtime="@$2" -cf "$1" a; }
make_tar a.tar 1 && make_tar later.tar 2
gzip -c a.tar > a.tar.gz && xz -kc a.tar > a.tar.xz

# ---- what --accept takes --------------------------------------------------------------------------

# matrix NAME LEFT RIGHT IDENTICAL EQUIVALENT EXPLAINED: exit codes for each --accept.
matrix() {
    local name=$1 left=$2 right=$3
    expect_exit "$4" "$name, --accept identical" "$ASSAY" diff --accept identical "$left" "$right"
    expect_exit "$5" "$name, --accept equivalent" "$ASSAY" diff --accept equivalent "$left" "$right"
    expect_exit "$6" "$name, --accept explained" "$ASSAY" diff --accept=explained "$left" "$right"
    expect_exit "$4" "$name, the default" "$ASSAY" diff "$left" "$right"
}
matrix identical a copy 0 0 0
matrix equivalent a.tar later.tar 1 0 0
matrix explained a.tar.gz a.tar.xz 1 1 0
matrix different a b 1 1 1

# ---- reports --------------------------------------------------------------------------------------

for pair in 'a copy' 'a b' 'a.tar later.tar' 'a.tar.gz a.tar.xz' 'a a.tar' '/dev/null/x a'; do
    set -- $pair
    [ -e "$1" ] || continue
    "$ASSAY" diff --report "json=$1-$2.json" "$1" "$2" > text
    valid "the report of $1 and $2 keeps to the schema" assay-report-1.schema.json "$1-$2.json"
done
expect_exit 1 'a report on stdout takes the place of the text' "$ASSAY" diff --report json a b
is 'and is JSON alone' "$(json out 'j["verdict"]')" different
expect_exit 1 'text and json at once' "$ASSAY" diff --report json=r.json --report text=r.txt a b
contains 'the text also goes to stdout, where nothing else does' out 'different:'
contains 'and to its file' r.txt 'different:'
is 'a report has the mode of a new file' "$(stat -c %a r.json)" 644
echo old > kept.json
expect_exit 2 'when a file is missing' "$ASSAY" diff --report json=kept.json a nowhere
is 'an older report stays' "$(cat kept.json)" old
is 'and nothing is left beside it' "$(find . -name 'kept.json.*')" ''
expect_exit 2 'a report that cannot be written' "$ASSAY" diff --report json=/nowhere/r.json a b
contains 'is named' err '/nowhere/r.json: cannot write the report'
expect_exit 2 'a full disk is an error' bash -c '"$0" diff a b > /dev/full' "$ASSAY"
expect_exit 1 'a report into a pipe' bash -c '"$0" diff --report json=/dev/stderr a b 2> piped' "$ASSAY"
is 'is written as it comes' "$(json piped 'j["verdict"]')" different

# Every cause that a report can name has a page, and every page a cause.
grep -o '^    {"[a-z]*\.[a-z-]*"' "$top/core/compare/causes.c" | tr -d ' {"' | sort > ids
find "$top/docs/causes" -name '*.md' -printf '%f\n' | sed 's/\.md$//' | sort > pages
same 'causes and their pages' ids pages

# ---- the same everywhere --------------------------------------------------------------------------

"$ASSAY" diff --report json=here.json --report text=- -v a.tar b > here.txt
for where in 'LC_ALL=tr_TR.UTF-8 TZ=Asia/Kathmandu' 'LC_ALL=C TZ=America/St_Johns' 'HOME=/nowhere'; do
    env $where COLUMNS=20 "$ASSAY" diff --report json=there.json --report text=- -v a.tar b > there.txt
    same "with $where: the same JSON" here.json there.json
    same "with $where: the same text" here.txt there.txt
done
"$ASSAY" diff --report json=here.json a.tar later.tar > here.txt
TZ=Asia/Kathmandu "$ASSAY" diff --report json=there.json a.tar later.tar > there.txt
same 'times are told in UTC' here.json there.json
lacks 'no path of this machine' here.json "$work"

# ---- text from inputs -----------------------------------------------------------------------------

name=$'bad\e[2J\xff\u202ename'
cp a "$name" && tar --owner=0 --group=0 --mtime=@1 -cf names-a.tar "$name"
echo two > "$name" && tar --owner=0 --group=0 --mtime=@1 -cf names-b.tar "$name"
expect_exit 1 'a name with terminal escapes' \
    "$ASSAY" diff -v --report json=names.json --report text=- names-a.tar names-b.tar
contains 'is shown escaped' out 'bad\x1b[2J\xff\u{202e}name'
refuse 'and no escape gets out' grep -q $'\e' out names.json
valid 'the JSON is valid' assay-report-1.schema.json names.json
expect_exit 2 'a file name with escapes' "$ASSAY" diff $'no\e[31m' a
refuse 'is escaped in messages, too' grep -q $'\e' err

if command -v script > terminal; then
    TERM=xterm script -qec "$ASSAY diff a b" /dev/null < /dev/null > colored
    check 'a terminal gets colours' grep -q $'\e\[31m' colored
    TERM=xterm NO_COLOR=1 script -qec "$ASSAY diff a b" /dev/null < /dev/null > plain
    refuse 'unless NO_COLOR says no' grep -q $'\e' plain
else
    skip 'colours: script(1) is not here'
fi

# ---- words that make no sense ---------------------------------------------------------------------

expect_exit 0 'help' "$ASSAY" diff --help
contains 'has examples' out 'Examples:'
check 'and fits a screen' test "$(wc -l < out)" -le 24
expect_exit 2 'one argument' "$ASSAY" diff a
contains 'is told from two' err 'takes two files or two folders, not 1 argument'
expect_exit 2 'an unknown verdict' "$ASSAY" diff --accept different a b
contains 'is told what there is' err '--accept takes identical, equivalent or explained'
expect_exit 2 'an unknown format' "$ASSAY" diff --report pdf=x a b
contains 'is told what there is' err 'FORMAT is text or json'
expect_exit 2 'a format without a file' "$ASSAY" diff --report json= a b
expect_exit 2 'two reports to one file' "$ASSAY" diff --report json=x --report text=x a b
expect_exit 2 'an unknown option' "$ASSAY" diff --acept a b
contains 'is named' err 'there is no option --acept'
expect_exit 2 'an option without its value' "$ASSAY" diff a b --accept
contains 'is named, too' err '--accept needs a value'

# ---- what cannot be compared ----------------------------------------------------------------------

mkfifo pipe
expect_exit 2 'a missing file' "$ASSAY" diff nowhere a
contains 'is named' err 'nowhere: cannot open: No such file'
expect_exit 2 'a FIFO is refused, not waited for' timeout 10 "$ASSAY" diff pipe a
expect_exit 2 'a device is refused' "$ASSAY" diff /dev/zero a
mkdir with-pipe && mkfifo with-pipe/pipe && cp -a with-pipe same-pipe
expect_exit 0 'a FIFO in a folder is described, not opened' timeout 10 "$ASSAY" diff with-pipe same-pipe

finish
