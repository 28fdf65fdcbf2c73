#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What a user sees when SRC cannot be had: the exit code, what is wrong, and the way out.
# shellcheck disable=SC2154 # work: lib.sh
. "$(dirname "$0")/lib.sh"

export GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=Anna GIT_AUTHOR_EMAIL=anna@example.org
export GIT_COMMITTER_NAME=Anna GIT_COMMITTER_EMAIL=anna@example.org
repository=$work/r
git init -q -b main "$repository"
echo 'all:' > "$repository/Makefile"
git -C "$repository" add -A
git -C "$repository" commit -qm one
git -C "$repository" branch twice
git -C "$repository" commit -qm two --allow-empty
git -C "$repository" tag twice

rebuild() {
    rm -rf "$work/made"
    "$ASSAY" rebuild "$1" --out "$work/made"
}

expect_exit 2 "an unknown revision is refused" rebuild "$repository@nope"
contains "and named" "$work/err" 'there is no revision "nope"'

expect_exit 2 "an ambiguous revision is refused" rebuild "$repository@twice"
contains "its branch is listed" "$work/err" "$(git -C "$repository" rev-parse refs/heads/twice)"
contains "its tag is listed" "$work/err" "$(git -C "$repository" rev-parse refs/tags/twice)"

expect_exit 2 "plain http is refused" rebuild http://example.org/r.git@main
contains "with the way out" "$work/err" "use https://"

expect_exit 4 "a server that does not answer is infrastructure" \
    rebuild "https://anna:secret@127.0.0.1:1/r.git@main"
lacks "a password in the URL is not shown" "$work/err" secret
lacks "nor is the user name" "$work/err" anna

mkdir "$work/d"
echo content > "$work/d/a_1.tar.gz"
printf 'Source: a\nVersion: 1\nChecksums-Sha256:\n %s 8 a_1.tar.gz\n' \
    "$(printf other | sha256sum | cut -d' ' -f1)" > "$work/d/a.dsc"
expect_exit 2 "a source package with a changed file is refused" rebuild "$work/d/a.dsc"
contains "and the file is named" "$work/err" a_1.tar.gz

finish
