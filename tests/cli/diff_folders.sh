#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# assay diff on folders: what the parsing worker can still see of rights, closed in as it is.
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 2

mkdir one two
echo x | tee one/f > two/f
expect_exit 0 "folders of the same content are identical" "$ASSAY" diff one two

chmod 777 two
expect_exit 1 "the top folder's mode counts" "$ASSAY" diff one two
contains "and is shown" "$work/out" "mode: 0755 -> 0777"
chmod 755 two

# attribute FILE NAME HEX
attribute() {
    /usr/bin/python3 -c 'import os, sys
os.setxattr(sys.argv[1], sys.argv[2], bytes.fromhex(sys.argv[3]))' "$@" 2> attribute.err
}

if attribute two/f user.note 6162; then
    expect_exit 1 "an attribute of a file counts" "$ASSAY" diff one two
    contains "and is shown" "$work/out" "xattr.user.note"
    cp --preserve=xattr two/f one/f
    expect_exit 0 "the same attribute on both sides is no difference" "$ASSAY" diff one two
else
    skip "an attribute of a file counts: this file system has none"
fi

# Version 2, permitted and effective, of capability 7: CAP_SETUID.
if attribute two/f security.capability 0100000280000000000000000000000000000000; then
    expect_exit 1 "a capability counts" "$ASSAY" diff one two
    contains "and its risk is the highest" "$work/out" "risk critical"
else
    skip "a capability counts: it takes root to set one"
fi

if [ "$(id -u)" = 0 ]; then
    rm -r one two
    mkdir one two
    echo x | tee one/f > two/f
    chown 1 two/f
    expect_exit 0 "the owner of an ordinary file is the machine's affair" "$ASSAY" diff one two
    chmod 4755 one/f two/f
    expect_exit 1 "the owner of a setuid file counts" "$ASSAY" diff one two
    contains "and is shown" "$work/out" "uid: 0 -> 1"
else
    skip "the owner of a setuid file counts: it takes root to set one"
fi

finish
