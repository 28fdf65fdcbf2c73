/* SPDX-License-Identifier: Apache-2.0 */
#include "test_tree_support.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* sample: a small tree in t. pack: a tar of it, the same for the same tree and arguments.
 * xattr FILE NAME HEX: sets an extended attribute. poke FILE OFFSET HEX: overwrites bytes. resum FILE OFFSET: mends a tar header's checksum. */
static const char PRELUDE[] =
    "set -euo pipefail; umask 022; export LC_ALL=C TZ=UTC\n"
    "sample() { mkdir -p t/a; echo one > t/a/x; echo two > t/a/run; chmod 755 t/a/run; seq 999 > "
    "t/a/seq; ln -sf x t/a/link; find t -exec touch -hd @1000000000 {} +; }\n"
    "pack() { tar -C t --owner=root:0 --group=root:0 --sort=name -cf out \"$@\"; }\n"
    "poke() { perl -e 'open F,\"+<\",$ARGV[0] or die; seek F,$ARGV[1],0; print F pack(\"H*\","
    "$ARGV[2])' \"$@\"; }\n"
    "resum() { perl -e 'open F,\"+<\",$ARGV[0] or die; seek F,$ARGV[1],0; read F,$b,512; "
    "substr($b,148,8)=\" \"x8; $s=unpack(\"%32C*\",$b); seek F,$ARGV[1]+148,0; printf F "
    "\"%06o\\0 \",$s' \"$@\"; }\n"
    "xattr() { /usr/bin/python3 -c 'import os, sys; os.setxattr(sys.argv[1], sys.argv[2], "
    "bytes.fromhex(sys.argv[3]))' \"$@\"; }\n"
    "control() { mkdir -p t/DEBIAN; printf 'Package: p\\nVersion: 1\\nArchitecture: all\\n"
    "Maintainer: M <m@example.org>\\nDescription: d\\n' > t/DEBIAN/control; }\n"
    /* both FILE...: a file that is a tar of as many members and as many gzip files in a row. Each
     * block of 512 is a v7 header and the start of a gzip file, whose extra field is the rest of it;
     * the member's content is the deflate stream, in one stored block, and the trailer. */
    "both() { perl -0777 -e 'foreach $f (@ARGV) { open F,\"<\",$f; $d=<F>; "
    "$d.=\"\\0\"x((499-length $d)%512); open G,\">\",\"part\"; print G $d; close G; "
    "$c=pack(\"Cvv\",1,length $d,~length($d)&65535).$d.substr(`gzip -nc part`,-8); "
    "$h=pack(\"a10va88a8a8a8a12a12a8\",\"\\x1f\\x8b\\x08\\x04\".($f x 4).(\"\\0\"x10),500,"
    "\"\",\"0000644\",\"0000000\",\"0000000\",sprintf(\"%011o\",length $c),"
    "sprintf(\"%011o\",1e9),\" \"x8).\"0\".(\"\\0\"x355); "
    "substr($h,148,8)=sprintf(\"%06o\\0 \",unpack(\"%32C*\",$h)); print $h.$c } "
    "print \"\\0\"x1024' \"$@\" > out; }\n"
    "deb() { SOURCE_DATE_EPOCH=1000000000 dpkg-deb --root-owner-group \"$@\" -b t out.deb > "
    "/dev/null; mv out.deb out; }\n";

static char base[64];

static void run(const char *dir, const char *script)
{
    ASY_AUTO_FREE char *whole = asy_asprintf("cd '%s'\n%s%s", dir, PRELUDE, script);
    pid_t child = fork();
    if (child == 0) {
        execlp("bash", "bash", "-c", whole, (char *)NULL);
        _exit(127);
    }
    int status = -1;
    cr_assert(child > 0 && waitpid(child, &status, 0) == child);
    cr_assert_eq(status, 0, "the script failed: %s", script);
}

char *made_by(const char *script)
{
    if (!base[0]) {
        strcpy(base, "/tmp/assay-unit-XXXXXX");
        cr_assert_not_null(mkdtemp(base));
    }
    char *dir = asy_asprintf("%s/XXXXXX", base);
    cr_assert_not_null(mkdtemp(dir));
    run(dir, script);
    return dir;
}

void remove_made(void)
{
    if (base[0])
        asy_remove_tree(AT_FDCWD, base, NULL);
    base[0] = '\0';
}

void assert_tiles(const asy_node *node)
{
    uint64_t offset = 0;
    cr_assert(asy_node_tiles(node, &offset), "%s breaks at %llu", node->format->name,
              (unsigned long long)offset);
    for (size_t i = 0; i < node->child_count; i++)
        assert_tiles(node->children[i]);
}

void read_made(const char *dir, const char *name, const asy_limits *limits, asy_tree *out)
{
    ASY_ERROR_AUTO error = ASY_ERROR_INIT;
    ASY_AUTO_FREE char *path = asy_path_join(dir, name);
    ASY_AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    cr_assert(fd >= 0, "%s", path);
    int rc = asy_tree_read(fd, path, -1, limits ? limits : &asy_limits_default, out, &error);
    cr_assert_eq(rc, ASY_OK, "%s", error.message);
    assert_tiles(out->root);
}

void read_span(asy_span bytes, const char *name, asy_tree *out)
{
    ASY_ERROR_AUTO error = ASY_ERROR_INIT;
    cr_assert_eq(asy_tree_read_bytes(bytes, name, &asy_limits_default, out, &error), ASY_OK);
    assert_tiles(out->root);
}

bool all_well_formed(const asy_node *node)
{
    if (!node->well_formed || asy_node_raw_bytes(node) != 0)
        return false;
    for (size_t i = 0; i < node->child_count; i++)
        if (!all_well_formed(node->children[i]))
            return false;
    return true;
}

asy_sha256 normal_digest(const asy_tree *tree)
{
    asy_normal normal;
    asy_node_normal(tree->root, &normal);
    free(normal.uses);
    return normal.digest;
}

bool has_finding(const asy_node *node, const char *text)
{
    for (size_t i = 0; i < node->finding_count; i++)
        if (strstr(node->findings[i].text, text))
            return true;
    for (size_t i = 0; i < node->child_count; i++)
        if (has_finding(node->children[i], text))
            return true;
    return false;
}

const asy_region *region_named(const asy_node *node, const char *name)
{
    for (size_t i = 0; i < node->region_count; i++)
        if (strcmp(node->regions[i].name, name) == 0)
            return &node->regions[i];
    return NULL;
}

asy_node *member_named(const asy_node *node, const char *name)
{
    for (size_t i = 0; i < node->child_count; i++) {
        asy_node *child = node->children[i];
        if (asy_span_eq(child->name, asy_span_str(name)))
            return child;
        asy_node *below = member_named(child, name);
        if (below)
            return below;
    }
    return NULL;
}
