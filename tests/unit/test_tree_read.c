/* SPDX-License-Identifier: Apache-2.0 */
/* Reading: limits that hold, folders that are not followed out of, edits that never pass. */
#include "test_tree_support.h"

#include "base/buf.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool finding_is_limit(const asy_node *node, const char *limit)
{
    for (size_t i = 0; i < node->finding_count; i++)
        if (node->findings[i].limit && strcmp(node->findings[i].text, limit) == 0)
            return true;
    for (size_t i = 0; i < node->child_count; i++)
        if (finding_is_limit(node->children[i], limit))
            return true;
    return false;
}

/* How far the reading went down the first members, for a message. */
static char *way_down(const asy_node *node)
{
    ASY_BUF_AUTO text = ASY_BUF_INIT;
    for (; node; node = node->child_count ? node->children[0] : NULL) {
        asy_buf_printf(&text, " > %s %zu", node->format->name, node->bytes.len);
        for (size_t i = 0; i < node->finding_count; i++)
            asy_buf_printf(&text, " [%s]", node->findings[i].text);
    }
    return asy_buf_take(&text);
}

Test(limits, each_cuts_the_reading_and_is_named)
{
    const uint64_t big = 1ull << 40;
    static const struct {
        const char *script, *limit;
        uint32_t depth;
        uint64_t entries, expanded, ratio;
    } cases[] = {
        {"head -c 300M /dev/zero | gzip -1 > out", "expanded", 32, 1000, 8 << 20, 1 << 20},
        {"head -c 300M /dev/zero | xz -0 > out", "ratio", 32, 1000, 1ull << 40, 10},
        {"head -c 300M /dev/zero | zstd -q > out", "ratio", 32, 1000, 1ull << 40, 10},
        {"mkdir t; touch t/{1..99}; pack .", "entries", 32, 10, 1ull << 40, 10},
        {"mkdir out; touch out/{1..99}", "entries", 32, 10, 1ull << 40, 10},
        {"echo x > a; for i in {1..9}; do ar q b a 2> /dev/null; mv b a; done; mv a out", "depth",
         5, 1000, 1ull << 40, 10},
        {"echo x > a; for i in {1..99}; do gzip -f a; mv a.gz a; done; mv a out", "depth", 32, 1000,
         1ull << 40, 10},
        {"d=out; for i in {1..400}; do d=$d/d; done; mkdir -p $d", "depth", 32, 1000, 1ull << 40,
         10},
    };
    for (size_t i = 0; i < ASY_COUNT(cases); i++) {
        asy_tree tree;
        asy_limits limits = {cases[i].depth, cases[i].entries, cases[i].expanded, cases[i].ratio};
        ASY_AUTO_FREE char *dir = made_by(cases[i].script);
        read_made(dir, "out", &limits, &tree);
        ASY_AUTO_FREE char *way = way_down(tree.root);
        cr_expect(tree.limited, "%s%s", cases[i].script, way);
        cr_expect(finding_is_limit(tree.root, cases[i].limit), "%s%s", cases[i].script, way);
        asy_tree_free(&tree);
    }
    cr_assert(asy_limits_default.expanded < big);
    remove_made();
}

Test(directory, describes_and_never_follows)
{
    asy_tree tree;
    ASY_AUTO_FREE char *dir =
        made_by("mkdir -p out/a/b; echo x > out/a/b/f; ln -s /etc/passwd out/abs; ln -s . "
                "out/loop; mkfifo out/pipe; chmod 4711 out/a/b/f; touch out/empty $'out/a\\nb'; "
                "head -c 99999 /dev/zero > out/large");
    read_made(dir, "out", NULL, &tree);
    static const char *const names[] = {"a",     "a\nb",  "a/b",  "a/b/f", "abs",
                                        "empty", "large", "loop", "pipe"};
    static const char *const order[] = {"a",     "a/b",   "a/b/f", "a\nb", "abs",
                                        "empty", "large", "loop",  "pipe"};
    cr_assert_eq(tree.root->child_count, ASY_COUNT(names));
    for (size_t i = 0; i < ASY_COUNT(order); i++)
        cr_expect(asy_span_eq(tree.root->children[i]->name, asy_span_str(order[i])), "%zu", i);
    asy_node *file = member_named(tree.root, "a/b/f"), *link = member_named(tree.root, "abs");
    cr_expect_eq(file->meta.mode, 04711u);
    cr_expect(asy_span_eq(file->bytes, asy_span_str("x\n")));
    cr_expect_eq(link->meta.type, ASY_TYPE_SYMLINK);
    cr_expect_eq(link->bytes.len, 0u);
    cr_expect(asy_span_eq(link->meta.link, asy_span_str("/etc/passwd")));
    cr_expect_eq(member_named(tree.root, "pipe")->meta.type, ASY_TYPE_FIFO);
    cr_expect_eq(member_named(tree.root, "large")->bytes.len, 99999u);
    asy_tree_free(&tree);
    remove_made();
}

Test(directory, hash_covers_what_changes_rights_or_contents_alone)
{
    static const struct {
        const char *script;
        bool same, as_root;
    } cases[] = {
        {"sample; mv t out; find out -exec touch -hd @5 {} +", true, false},
        {"sample; mv t out; chmod u+s out/a/run", false, false},
        {"sample; mv t out; mv out/a/x out/a/y", false, false},
        {"sample; mv t out; ln -sfn run out/a/link", false, false},
        {"sample; mv t out; echo 0ne > out/a/x", false, false},
        {"sample; mv t out; mkdir out/new", false, false},
        {"sample; mv t out; chmod 777 out", false, false},
        {"sample; mv t out; xattr out/a/run security.capability 01000002800000000000000000000000"
         "00000000",
         false, true},
        {"sample; mv t out; xattr out/a/x user.note 61", false, false},
        {"sample; mv t out; xattr out/a user.note 61", false, false},
        {"sample; mv t out; xattr out user.note 61", false, false},
        {"sample; mv t out; xattr out/a/x trusted.note 61", true, true},
        /* user 1 may read and write */
        {"sample; mv t out; xattr out/a/x system.posix_acl_access 02000000"
         "01000600ffffffff0200060001000000"
         "04000400ffffffff10000600ffffffff"
         "20000400ffffffff; chmod 644 out/a/x",
         false, false},
        {"sample; mv t out; chown 5:5 out/a/run", true, true}};
    asy_tree first;
    ASY_AUTO_FREE char *first_dir = made_by("sample; mv t out");
    read_made(first_dir, "out", NULL, &first);
    for (size_t i = 0; i < ASY_COUNT(cases); i++) {
        asy_tree tree;
        if (cases[i].as_root && geteuid() != 0)
            continue;
        ASY_AUTO_FREE char *dir = made_by(cases[i].script);
        read_made(dir, "out", NULL, &tree);
        cr_expect_eq(asy_sha256_eq(&tree.root->sha256, &first.root->sha256), cases[i].same, "%s",
                     cases[i].script);
        asy_tree_free(&tree);
    }
    asy_tree_free(&first);
    remove_made();
}

Test(directory, owner_counts_where_it_lends_rights)
{
    static const char *const modes[] = {"4755", "2755"};
    if (geteuid() != 0)
        cr_skip_test("it takes root to give a file away");
    for (size_t i = 0; i < ASY_COUNT(modes); i++) {
        asy_tree left, right;
        ASY_AUTO_FREE char *one = asy_asprintf("sample; mv t out; chmod %s out/a/run", modes[i]);
        ASY_AUTO_FREE char *two =
            asy_asprintf("sample; mv t out; chown 5:6 out/a/run; chmod %s out/a/run", modes[i]);
        ASY_AUTO_FREE char *left_dir = made_by(one), *right_dir = made_by(two);
        read_made(left_dir, "out", NULL, &left);
        read_made(right_dir, "out", NULL, &right);
        cr_expect_not(asy_sha256_eq(&left.root->sha256, &right.root->sha256), "%s", modes[i]);
        asy_tree_free(&left);
        asy_tree_free(&right);
    }
    remove_made();
}

/* True when a step covers the byte at offset, in the node or in what it unpacks. */
static bool is_stepped(const asy_node *node, uint64_t offset)
{
    for (size_t i = 0; i < node->region_count; i++) {
        const asy_region *region = &node->regions[i];
        if (offset < region->offset || offset - region->offset >= region->size)
            continue;
        if (region->role == ASY_ROLE_CONTENT && region->child->unpacked)
            return is_stepped(region->child, offset - region->offset);
        return region->step != NULL;
    }
    return false;
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* One edit of a copy: a byte set, a bit flipped, a run removed at the end. */
static void try_edit(asy_span file, const asy_tree *original, const asy_sha256 *normal,
                     uint64_t *random)
{
    asy_tree tree;
    uint64_t at = next_random(random) % file.len, kind = next_random(random) % 8;
    uint8_t *copy = asy_alloc(file.len);
    size_t len = kind == 0 ? at : file.len;
    memcpy(copy, file.ptr, file.len);
    uint8_t value = (uint8_t)next_random(random);
    copy[at] = kind < 4 ? copy[at] ^ (uint8_t)(1u << (value % 8)) : value;
    read_span((asy_span){copy, len}, "out", &tree);
    asy_sha256 edited = normal_digest(&tree);
    bool changed = len < file.len || copy[at] != file.ptr[at];
    if (changed && asy_sha256_eq(&edited, normal))
        cr_expect(is_stepped(original->root, at), "an edit of kind %llu at %llu passed",
                  (unsigned long long)kind, (unsigned long long)at);
    asy_tree_free(&tree);
    free(copy);
}

Test(edits, none_passes_outside_a_step, .timeout = 110)
{
    static const char *const scripts[] = {
        "sample; pack .",
        "sample; ln t/a/x t/a/y; pack --format=pax .",
        "sample; pack --format=v7 --blocking-factor=1 .",
        "sample; pack .; gzip -n out; mv out.gz out",
        "sample; pack .; xz out; mv out.xz out",
        "sample; pack .; zstd -q --rm out; mv out.zst out",
        "sample; control; deb -Zxz",
        "sample; control; deb -Zgzip",
        "sample; control; deb -Znone",
        "sample; as -o t/o --32 /dev/null; cd t; ar q ../out a/x o a/seq 2> /dev/null",
        "cp /bin/true out"};
    uint64_t random = 20240501;
    for (size_t i = 0; i < ASY_COUNT(scripts); i++) {
        asy_tree tree;
        ASY_AUTO_FREE char *dir = made_by(scripts[i]);
        read_made(dir, "out", NULL, &tree);
        asy_sha256 normal = normal_digest(&tree);
        for (unsigned n = 0; n < 200; n++)
            try_edit(tree.root->bytes, &tree, &normal, &random);
        asy_tree_free(&tree);
    }
    remove_made();
}

/* Packages of the archive, where a folder of them is given: see scripts/check-real.sh. */
Test(tiling, real_packages_leave_nothing_raw, .timeout = 110)
{
    const char *dir = getenv("ASSAY_TEST_DEBS");
    if (!dir)
        cr_skip_test("ASSAY_TEST_DEBS names no folder of packages");
    asy_tree all;
    read_made(dir, ".", NULL, &all);
    size_t packages = 0;
    for (size_t i = 0; i < all.root->child_count; i++) {
        const asy_node *node = all.root->children[i];
        if (!asy_span_ends(node->name, ".deb"))
            continue;
        packages++;
        cr_expect_str_eq(node->format->name, "deb");
        cr_expect(all_well_formed(node), "%.*s", (int)node->name.len, node->name.ptr);
    }
    cr_expect(packages > 0, "no package in %s", dir);
    asy_tree_free(&all);
}
