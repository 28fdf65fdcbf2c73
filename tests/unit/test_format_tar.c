/* SPDX-License-Identifier: Apache-2.0 */
/* tar: each spelling is read, each field stands in its own region, oddities are findings. */
#include "test_tree_support.h"

#include <criterion/criterion.h>
#include <string.h>

Test(tar, every_spelling_is_read_whole)
{
    static const char *const scripts[] = {
        "sample; pack --format=v7 .",
        "sample; pack --format=ustar .",
        "sample; pack --format=gnu .",
        "sample; pack --format=pax .",
        "sample; pack --format=oldgnu .",
        "sample; bsdtar -C t --format pax -cf out .",
        "sample; bsdtar -C t --format gnutar -cf out .",
        "sample; bsdtar -C t --format v7 -cf out a",
        "sample; n=$(printf %0200d 1); mkdir -p t/$n; touch t/$n/$n; ln -s $n/$n t/l; pack .",
        "sample; n=$(printf %090d 1); mkdir -p t/$n; touch t/$n/$n; pack --format=ustar .",
        "sample; n=$(printf %0200d 1); mkdir -p t/$n; touch t/$n/$n; pack --format=pax .",
        "mkdir t; truncate -s 1G t/hole; for i in {1..40}; do printf x | dd of=t/hole bs=1 "
        "seek=${i}0000000 conv=notrunc status=none; done; pack -S .",
        "mkdir t; truncate -s 1G t/hole; echo x >> t/hole; pack -S --format=pax .",
        "sample; git -C t init -q; git -C t add .; git -C t -c user.name=n -c user.email=e commit "
        "-qm m; git -C t archive -o ../out HEAD"};
    for (size_t i = 0; i < ASY_COUNT(scripts); i++) {
        asy_tree tree;
        ASY_AUTO_FREE char *dir = made_by(scripts[i]);
        read_made(dir, "out", NULL, &tree);
        cr_expect_str_eq(tree.root->format->name, "tar", "%s", scripts[i]);
        cr_expect(all_well_formed(tree.root), "%s", scripts[i]);
        cr_expect_not(has_finding(tree.root, "another reader"), "%s", scripts[i]);
        cr_expect_not_null(region_named(tree.root, "end"));
        asy_tree_free(&tree);
    }
    remove_made();
}

Test(tar, fields_have_regions_and_values)
{
    static const struct {
        const char *region, *value;
        bool stepped;
    } fields[] = {{"header.name", "a/run", false},
                  {"header.mode", "4755", false},
                  {"header.uid", "7", false},
                  {"header.gid", "8", false},
                  {"header.size", "4", false},
                  {"header.mtime", "2001-09-09 01:46:40 UTC", true},
                  {"header.chksum", NULL, true},
                  {"header.typeflag", "file", false},
                  {"header.uname", "u", false},
                  {"header.gname", "g", false},
                  {"content", NULL, false},
                  {"pad", NULL, false},
                  {"end", NULL, false},
                  {"end.padding", NULL, true}};
    asy_tree tree;
    ASY_AUTO_FREE char *dir =
        made_by("sample; chmod u+s t/a/run; tar -C t --owner=u:7 --group=g:8 -cf out a/run");
    read_made(dir, "out", NULL, &tree);
    for (size_t i = 0; i < ASY_COUNT(fields); i++) {
        const asy_region *region = region_named(tree.root, fields[i].region);
        cr_assert_not_null(region, "%s", fields[i].region);
        cr_expect_eq(region->step != NULL, fields[i].stepped, "%s", fields[i].region);
        if (fields[i].value)
            cr_expect_str_eq(region->value, fields[i].value);
    }
    const asy_node *member = member_named(tree.root, "a/run");
    cr_expect_eq(member->meta.mode, 04755u);
    cr_expect(asy_span_eq(member->bytes, asy_span_str("two\n")));
    cr_expect_not(asy_node_is_unpacked(member));
    asy_tree_free(&tree);
    remove_made();
}

Test(tar, long_names_and_links_are_resolved)
{
    static const char *const formats[] = {"gnu", "pax"};
    for (size_t i = 0; i < ASY_COUNT(formats); i++) {
        char name[201];
        asy_tree tree;
        memset(name, '0', 199);
        strcpy(name + 199, "1");
        ASY_AUTO_FREE char *script = asy_asprintf(
            "mkdir t; n=$(printf %%0200d 1); echo x > t/$n; ln -s $n t/l; pack --format=%s .",
            formats[i]);
        ASY_AUTO_FREE char *dir = made_by(script);
        ASY_AUTO_FREE char *path = asy_path_join(".", name);
        read_made(dir, "out", NULL, &tree);
        cr_expect_not_null(member_named(tree.root, path), "%s", formats[i]);
        cr_expect(asy_span_eq(member_named(tree.root, "./l")->meta.link, asy_span_str(name)));
        asy_tree_free(&tree);
    }
    remove_made();
}

Test(tar, oddities_are_findings)
{
    static const struct {
        const char *script, *finding;
        bool malformed;
    } cases[] = {
        {"sample; pack a/x; tar -C t -rf out a/x", "the same name", false},
        {"sample; pack .; echo evil >> out", "after the end", true},
        {"sample; pack a/x; poke out 600 41", "not zero", false},
        {"sample; pack a/x; poke out 60 41; resum out 0", "after the end of the text", false},
        {"sample; pack a/x; poke out 100 5a; resum out 0", "mode is no number", true},
        {"sample; pack a/x; poke out 124 5a; resum out 0", "size is no number", true},
        {"sample; pack a/x; poke out 124 37373737; resum out 0", "past the end", true},
        {"sample; pack a/x a/run; poke out 1030 5a", "checksum is wrong", true},
        {"sample; pack a/link; poke out 124 3030303030303030303034; resum out 0", "claims a size",
         true},
        {"sample; pack a/x a/run; truncate -s 1700 out", "past the end", true},
        {"sample; pack --blocking-factor=1 a/x; truncate -s -1024 out", "missing", true},
        {"sample; pack --format=pax a/x; poke out 512 5a", "no pax record", true},
        {"sample; pack a/x; poke out 156 5a; resum out 0", "POSIX does not know", false},
        {"truncate -s 1M h; mkdir t; mv h t; pack -S .", "sparse", false},
    };
    for (size_t i = 0; i < ASY_COUNT(cases); i++) {
        asy_tree tree;
        ASY_AUTO_FREE char *dir = made_by(cases[i].script);
        read_made(dir, "out", NULL, &tree);
        cr_expect_str_eq(tree.root->format->name, "tar", "%s", cases[i].script);
        cr_expect(has_finding(tree.root, cases[i].finding), "%s", cases[i].script);
        cr_expect_eq(!tree.root->well_formed, cases[i].malformed, "%s", cases[i].script);
        asy_tree_free(&tree);
    }
    remove_made();
}

/* A reader that takes odd spellings of the checksum must not take noise for a header. */
Test(tar, is_not_seen_in_compressed_data)
{
    uint8_t block[512];
    uint64_t random = 20240501;
    for (unsigned i = 0; i < 400000; i++) {
        for (size_t k = 0; k < sizeof(block); k += 8) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            memcpy(block + k, &random, 8);
        }
        memcpy(block, "\x1f\x8b\x08", 4);
        asy_span bytes = {block, sizeof(block)};
        asy_probe probe = {.head = bytes, .bytes = bytes, .size = sizeof(block)};
        asy_probed found = asy_format_find(&probe);
        cr_assert_str_eq(found.format->name, "gzip");
        cr_assert_null(found.rival, "%u", i);
    }
}
