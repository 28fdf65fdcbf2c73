#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The gates and helpers in scripts/ can fail, and do what they say.
# shellcheck disable=SC2154 # work, top: lib.sh
. "$(dirname "$0")/lib.sh"

check 'the layer check refuses bad includes' "$top/scripts/check-layers.sh" --self-test

# What set-up installed is there now, so that a second call is silent.
check 'setup has nothing to do' "$top/scripts/setup.sh" check
is 'and says nothing' "$(cat "$work/out" "$work/err")" ''
expect_exit 2 'setup refuses a set that does not exist' "$top/scripts/setup.sh" everything

# A package of the sample, and a copy with one byte changed.
cp -r "$top/corpus/sample" "$work/sample"
check 'the sample passes its own test' make -s -C "$work/sample" check
check 'the sample packs itself' env SOURCE_DATE_EPOCH=1714564800 make -s -C "$work/sample" deb
package=$(echo "$work"/sample/csv-sum_*.deb)
check 'a package is tampered with' \
    "$top/scripts/tamper.sh" "$package" usr/bin/csv-sum "$work/tampered.deb"
for side in genuine tampered; do
    deb=$package
    [ "$side" = genuine ] || deb=$work/tampered.deb
    dpkg-deb -R "$deb" "$work/$side"
    for part in ctrl fsys; do
        dpkg-deb "--$part-tarfile" "$deb" | tar -tvf - --full-time
    done > "$work/$side.list"
done
same 'names, types, modes and times are as before' "$work/genuine.list" "$work/tampered.list"
is 'one byte of the program differs' \
    "$(cmp -l "$work/genuine/usr/bin/csv-sum" "$work/tampered/usr/bin/csv-sum" | wc -l)" 1
check 'the checksums in the package fit' \
    bash -c 'cd "$1" && md5sum --quiet -c DEBIAN/md5sums' md5 "$work/tampered"
check 'a package is tampered with in haste' \
    "$top/scripts/tamper.sh" --keep-md5sums "$package" usr/bin/csv-sum "$work/hasty.deb"
dpkg-deb -R "$work/hasty.deb" "$work/hasty"
refuse 'the checksums in that package do not fit' \
    bash -c 'cd "$1" && md5sum --quiet -c DEBIAN/md5sums' md5 "$work/hasty"

# The runner counts a test that dies, and one whose words and exit code disagree.
mkdir "$work/tests"
printf 'echo "ok - a"\necho "1 passed, 0 failed, 0 skipped"\n' > "$work/tests/good.sh"
printf 'echo "1 passed, 1 failed, 2 skipped"\nexit 1\n' > "$work/tests/bad.sh"
printf 'exit 0\n' > "$work/tests/silent.sh"
printf 'echo "1 passed, 0 failed, 0 skipped"\nexit 1\n' > "$work/tests/liar.sh"
expect_exit 1 'the runner fails with its tests' \
    "$top/tests/cli/run.sh" "$work/logs" "$work"/tests/*.sh
is 'and adds them up' "$(tail -n 1 "$work/out")" 'cli: 3 passed, 3 failed, 2 skipped'

# The gate of the sanitizers sees a finding although all tests pass.
mkdir -p "$work/tree/scripts" "$work/tree/tests" "$work/tree/build/asan"
cp "$top/tests/sanitized.sh" "$work/tree/tests/"
printf '#!/bin/sh\necho "1 passed, 0 failed, 0 skipped"\n' > "$work/tree/scripts/check.sh"
chmod +x "$work/tree/scripts/check.sh"
expect_exit 0 'the sanitizer gate passes when nothing was found' \
    "$work/tree/tests/sanitized.sh" build/asan
cat >> "$work/tree/scripts/check.sh" <<'END'
log=${ASAN_OPTIONS#*log_path=}
echo 'ERROR: LeakSanitizer: detected memory leaks' > "${log%%:*}.1"
END
expect_exit 1 'the sanitizer gate fails on a leak that the tests did not see' \
    "$work/tree/tests/sanitized.sh" build/asan

# make install puts everything below DESTDIR and PREFIX.
check 'make install works' make -s -C "$top" install DESTDIR="$work/dest" PREFIX=/usr
check 'the installed program runs' "$work/dest/usr/bin/assay" --version
for file in share/man/man1/assay.1 share/bash-completion/completions/assay \
    share/zsh/site-functions/_assay share/doc/assay/LICENSE; do
    check "$file is installed" test -s "$work/dest/usr/$file"
done
is 'nothing else is written' "$(ls "$work/dest" "$work/dest/usr" | tr '\n' ' ')" \
    "$work/dest: usr  $work/dest/usr: bin share "
finish
