#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What is written about the command line is what it takes.
# shellcheck disable=SC2154 # work, top: lib.sh
. "$(dirname "$0")/lib.sh"

options_of() { # COMMAND: its long options, as its help names them
    "$ASSAY" "$1" --help | grep -oE -- '--[a-z][a-z-]+' | sort -u
}

man=$work/man.txt
sed 's/\\-/-/g' "$top/docs/man/assay.1" > "$man"
commands=$("$ASSAY" --help | sed -n 's/^  \([a-z][a-z-]*\)  .*/\1/p')
refuse 'the program names its commands' test -z "$commands"

for command in $commands; do
    contains "the man page has $command" "$man" "assay $command"
    contains "bash completes $command" "$top/completions/assay.bash" "$command"
    contains "zsh completes $command" "$top/completions/_assay" "'$command:"
    options=$(options_of "$command")
    refuse "$command --help names options" test -z "$options"
    missing=''
    for option in $options; do
        for file in "$man" "$top/completions/assay.bash" "$top/completions/_assay"; do
            grep -qE -- "$option([^a-z-]|$)" "$file" ||
                missing="$missing $option:$(basename "$file")"
        done
    done
    is "every option of $command is in the man page and the completions" "$missing" ''
    lines=$("$ASSAY" "$command" --help | wc -l)
    check "$command --help fits a screen ($lines lines)" test "$lines" -le 40
    check "$command --help has examples" grep -q '^Examples:' <("$ASSAY" "$command" --help)
done

# What is completed is taken: an option that does not exist is a usage error.
for option in $(grep -oE -- '--[a-z][a-z-]+' "$top/completions/assay.bash" | sort -u); do
    found=no
    for command in $commands; do
        options_of "$command" | grep -qx -- "$option" && found=yes
    done
    [ "$option" = --version ] && found=yes
    is "$option is an option of some command" "$found" yes
done

contains 'the man page is of this version' "$man" "assay $(cat "$top/VERSION")"
is '--version prints it' "$("$ASSAY" --version)" "assay $(cat "$top/VERSION")"
finish
