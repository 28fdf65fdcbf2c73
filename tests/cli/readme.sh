#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What the README shows is what the program says today.
# shellcheck disable=SC2154 # top: lib.sh
. "$(dirname "$0")/lib.sh"

if unshare -Ur true 2> /dev/null; then
    check 'each example in the README is what the program prints' "$top/scripts/examples.sh" --check
else
    skip 'the examples of the README (unshare is not allowed here)'
fi
finish
