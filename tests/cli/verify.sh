#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# verify and rebuild: each outcome has its words, its exit code and its record.
# shellcheck disable=SC2154 # work, top: lib.sh
. "$(dirname "$0")/lib.sh"

export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@example.org GIT_COMMITTER_NAME=t
export GIT_COMMITTER_EMAIL=t@example.org
export GIT_AUTHOR_DATE='2024-05-01T12:00:00+0000' GIT_COMMITTER_DATE='2024-05-01T12:00:00+0000'
cd "$work" || exit 1

# A repository whose build packs a folder; `tar_options` decides what leaks in.
make_repository() { # NAME TAR_OPTIONS
    git init -q -b main "$1"
    mkdir "$1/data"
    printf 'one\ntwo\n' > "$1/data/list.txt"
    printf 'int main(void) { return 0; }\n' > "$1/prog.c"
    printf 'build: cc -O2 -o data/prog prog.c && tar -cf out.tar --sort=name --owner=0 --group=0 --numeric-owner %s data\noutput: out.tar\n' "$2" > "$1/assay.build"
    git -C "$1" add . && git -C "$1" commit -q -m "$1"
}
plain_build() { # REPOSITORY: the vendor's way, outside any sandbox
    rm -rf "plain-$1" && git clone -q "$1" "plain-$1"
    (cd "plain-$1" && SOURCE_DATE_EPOCH=1714564800 sh -c "$(sed -n 's/^build: //p' assay.build)")
    cp "plain-$1/out.tar" "$1.tar"
}

make_repository good "--mtime=@1714564800"
plain_build good
expect_exit 0 'an artifact that its source builds is reproduced' \
    "$ASSAY" verify good.tar --source good@main --report json=good.json
contains 'the answer begins with the verdict' "$work/out" 'reproduced: '
is 'every axis is in the report' "$(json good.json 'list(j["verdict"].values())')" \
    "['verified', 'unknown', 'ok', 'identical', 'reproduced']"
valid 'the report follows its schema' assay-verify-1.schema.json good.json
is 'the commit is recorded' "$(json good.json 'j["build"]["source"]["commit"]')" \
    "$(git -C good rev-parse main)"
is 'the tree is recorded' "$(json good.json 'j["build"]["source"]["tree"]')" \
    "$(git -C good rev-parse 'main^{tree}')"

expect_exit 0 'a plain folder can be verified too' \
    "$ASSAY" verify good.tar --source plain-good --build "$(sed -n 's/^build: //p' good/assay.build)" \
    --output out.tar --report json=dir.json
is 'yet its source is unverified' "$(json dir.json 'j["verdict"]["source"]')" unverified

sed 's/two/TWO/' good.tar > changed.tar
expect_exit 1 'one changed byte is not reproduced' \
    "$ASSAY" verify changed.tar --source good@main --report json=changed.json
contains 'the changed file is named' "$work/out" data/list.txt
is 'the verdict says so' "$(json changed.json 'j["verdict"]["overall"]')" not-reproduced
valid 'its report follows the schema' assay-verify-1.schema.json changed.json
lacks 'a negative verdict implies no malice' "$work/out" tamper

make_repository times "--mtime=@1000000000"
plain_build times
cp times.tar times-then.tar
sed -i 's/1000000000/1111111111/' times/assay.build && git -C times commit -qam later
expect_exit 1 'other member times are not identical' \
    "$ASSAY" verify times-then.tar --source times@main --report json=times.json
is 'but equivalent' "$(json times.json 'j["verdict"]["overall"]')" reproduced-equivalent
contains 'the report says that only times differ and how to restore them' "$work/out" --mtimes-from
expect_exit 0 '--accept equivalent lets it pass' \
    "$ASSAY" verify times-then.tar --source times@main --accept equivalent

git init -q -b main broken
printf 'all:\n\techo before; no-such-compiler x.c\n' > broken/Makefile
git -C broken add . && git -C broken commit -qm broken
expect_exit 3 'a source that does not compile ends with 3' \
    "$ASSAY" verify good.tar --source broken@main --report json=broken.json
contains 'the end of the log is shown' "$work/out" no-such-compiler
is 'the axes say what was and was not done' "$(json broken.json 'list(j["verdict"].values())')" \
    "['verified', 'unknown', 'failed', None, 'build-failed']"
valid 'its report follows the schema' assay-verify-1.schema.json broken.json

expect_exit 3 'a build that runs too long ends with 3' \
    "$ASSAY" verify good.tar --source good@main --build 'sleep 60' --output x --timeout 1s \
    --report json=slow.json
is 'and says timeout' "$(json slow.json 'j["verdict"]["build"]')" timeout
expect_exit 3 'a build without the output ends with 3' \
    "$ASSAY" verify good.tar --source good@main --build true --output '*.none'

echo other > other.deb
expect_exit 1 'an artifact that the rebuild does not make is not reproduced' \
    "$ASSAY" verify good.tar other.deb --source good@main
contains 'and the answer tells what was made' "$work/out" 'it made out.tar'
expect_exit 0 'the same bytes under another name are the same file' \
    "$ASSAY" verify "$(cp good.tar renamed.zip && echo renamed.zip)" --source good@main
expect_exit 2 'an artifact that does not exist is trouble' \
    "$ASSAY" verify missing.tar --source good@main
contains 'the file is named' "$work/err" missing.tar
expect_exit 2 'a revision that does not exist is trouble' \
    "$ASSAY" verify good.tar --source good@no-such-revision
contains 'the revision is named' "$work/err" no-such-revision
expect_exit 2 'a source is needed' "$ASSAY" verify good.tar
expect_exit 2 'an unknown report format is refused before any work' \
    "$ASSAY" verify good.tar --source good@main --report pdf=x
expect_exit 2 'a limit needs a number' "$ASSAY" verify good.tar --source good@main --memory lots

# Where user namespaces are forbidden: their number can be set to none in a namespace of our own.
forbid() {
    unshare -Ur sh -c 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"' sh "$@"
}
if unshare -Ur true 2> /dev/null; then
    expect_exit 4 'without user namespaces a rebuild ends with 4' \
        forbid "$ASSAY" verify good.tar --source good@main
    cat "$work/out" "$work/err" > both
    contains 'the setting is named' both user.max_user_namespaces
    expect_exit 1 'and diff still works' forbid "$ASSAY" diff good.tar changed.tar
else
    skip 'without user namespaces (unshare is not allowed here)'
fi

expect_exit 0 'rebuild leaves outputs, log and record' \
    "$ASSAY" rebuild good@main --out rebuilt
valid 'the record follows its schema' assay-build-1.schema.json rebuilt/build.json
same 'the output is the artifact' rebuilt/out.tar good.tar
is 'its digest is in the record' "$(json rebuilt/build.json 'j["outputs"][0]["sha256"]')" \
    "$(sha256sum < good.tar | cut -d' ' -f1)"
is 'the log is kept and its digest is in the record' "$(json rebuilt/build.json 'j["log"]["sha256"]')" \
    "$(sha256sum < rebuilt/build.log | cut -d' ' -f1)"
is 'nothing of the caller is in the environment' \
    "$(json rebuilt/build.json '[e for e in j["environment"] if e.startswith(("GIT_", "ASSAY", "PWD", "OLDPWD"))]')" '[]'
is 'the source epoch is the time of the commit' \
    "$(json rebuilt/build.json '"SOURCE_DATE_EPOCH=1714564800" in j["environment"]')" True
expect_exit 2 'a folder that holds something is none' "$ASSAY" rebuild good@main --out rebuilt
is 'and what it holds stays' "$(json rebuilt/build.json 'j["status"]')" ok
expect_exit 2 'nor is one inside the source' "$ASSAY" rebuild plain-good --out plain-good/out
expect_exit 3 'each --output must be made' \
    "$ASSAY" rebuild good@main --output out.tar --output '*.none' --out half
contains 'the one that was not is named' "$work/out" '*.none'
expect_exit 3 'an output cannot stand in for the log' \
    "$ASSAY" rebuild good@main --build 'echo true words; echo forged > build.log' \
    --output build.log --out forged
contains 'which holds what the build said' forged/build.log 'true words'
mkdir -p debian/debian && printf '#!/usr/bin/make -f\n' > debian/debian/rules
printf 'Source: d\n\nPackage: d\nArchitecture: all\n' > debian/debian/control
printf 'd (1) unstable; urgency=low\n\n  * d\n\n -- D <d@example.org>  Wed, 01 May 2024 12:00:00 +0000\n' \
    > debian/debian/changelog
expect_exit 2 'a Debian source is not built with the host alone' "$ASSAY" rebuild debian --out deb
contains 'and the way out is named' "$work/err" '--root debian:'
touch file
expect_exit 2 'a file is no place for outputs' "$ASSAY" rebuild good@main --out file
contains 'and is named' "$work/err" file
expect_exit 2 'rebuild needs a place for its outputs' "$ASSAY" rebuild good@main

# Two questions about one artifact at a time must not get into each other's way.
for i in 1 2 3 4; do
    "$ASSAY" verify good.tar --source good@main > "one$i" 2>&1 &
    "$ASSAY" verify good.tar --source good@main --build 'echo evil > out.tar' --output out.tar > "two$i" 2>&1 &
done
wait
is 'runs at the same time keep apart' "$(cat one? | grep -c '^reproduced') $(cat two? | grep -c '^not-reproduced')" '4 4'

# The artifact is replaced between the hash and the comparison, by one that would pass.
mkdir art && sed 's/two/TWO/' good.tar > art/x.tar && cp times-then.tar art/next
# Waits for a build's first word, which comes after the hash.
until_started() {
    local i
    for ((i = 0; i < 600; i++)); do
        [ -s "$1/build.log" ] && return
        sleep 0.05
    done
}
(until_started replaced && mv art/next art/x.tar) &
expect_exit 2 'a file replaced while it is verified gives no verdict' \
    "$ASSAY" verify art/x.tar --accept explained --source times@main --keep replaced --output out.tar \
    --build "echo started; $(sed -n 's/^build: //p' times/assay.build); sleep 2"
contains 'and the reason is said' "$work/out" 'changed while it was being verified'

"$ASSAY" rebuild good@main --build 'echo started; sleep 100' --output x --out stopped > "$work/out" 2>&1 &
pid=$!
until_started stopped
kill -INT $pid
code=0
wait $pid || code=$?
is 'SIGINT ends it as trouble' "$code" 2
finish
