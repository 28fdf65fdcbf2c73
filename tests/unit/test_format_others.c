/* SPDX-License-Identifier: Apache-2.0 */
/* ar, deb, gzip, xz, zstd, ELF, text: what each reads, and what it says of damage. */
#include "test_tree_support.h"

#include <criterion/criterion.h>
#include <string.h>

typedef struct expectation {
    const char *script, *format;
    const char *region;  /* that must be there, or NULL */
    const char *finding; /* that must be made, or NULL */
    bool well_formed;
} expectation;

static void check(const expectation *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        asy_tree tree;
        ASY_AUTO_FREE char *dir = made_by(list[i].script);
        read_made(dir, "out", NULL, &tree);
        cr_expect_str_eq(tree.root->format->name, list[i].format, "%s", list[i].script);
        cr_expect_eq(all_well_formed(tree.root), list[i].well_formed, "%s", list[i].script);
        if (list[i].region)
            cr_expect_not_null(region_named(tree.root, list[i].region), "%s: %s", list[i].script,
                               list[i].region);
        if (list[i].finding)
            cr_expect(has_finding(tree.root, list[i].finding), "%s", list[i].script);
        asy_tree_free(&tree);
    }
    remove_made();
}

#define LIB "echo 'f: ret; .globl f' | as -o f.o; "

Test(ar, libraries_and_packages)
{
    static const expectation list[] = {
        {LIB "ar rcs out f.o", "ar", "symbols", NULL, true},
        {LIB "cp f.o a-name-longer-than-sixteen.o; ar rcs out f.o a-*.o", "ar", "names", NULL,
         true},
        {"printf abc > x; bsdtar --format ar -cf out x", "ar", "content", NULL, true},
        {"n=a-name-longer-than-sixteen; printf abcd > $n; bsdtar --format arbsd -cf out $n", "ar",
         "header.longname", NULL, true},
        {"printf '!<arch>\\n' > out", "ar", "magic", NULL, true},
        {LIB "ar rc out f.o; echo evil >> out", "ar", "trailing", "60 bytes", false},
        {"echo a > x; printf 1 > y; ar rc out y x; poke out 69 41", "ar", "pad", "pad byte", true},
        {"echo a > x; ar rc out x; poke out 56 39393939", "ar", "trailing", "past the end", false},
        {"echo a > x; ar rc out x; poke out 66 41", "ar", "trailing", "does not end", false},
        {"sample; control; deb -Zxz", "deb", "header.mtime", NULL, true},
        {"sample; control; deb -Zxz; ar d out control.tar.xz", "deb", NULL, "should stand", false},
        {"sample; control; deb -Zxz; ar p out data.tar.xz > data.tar.xz; cp data.tar.xz "
         "data.tar.lz; ar q out data.tar.lz",
         "deb", NULL, "should stand", false},
        {"sample; control; deb -Zxz; echo s > _sig; ar q out _sig", "deb", NULL, "ignores", true},
    };
    check(list, ASY_COUNT(list));
}

Test(compressed, streams_and_damage)
{
    static const expectation list[] = {
        {"seq 99 > x; gzip -c x > out", "gzip", "header.name", NULL, true},
        {"seq 99 | gzip -n > out", "gzip", "trailer.crc", NULL, true},
        {"seq 99 | gzip > out; seq 9 | gzip >> out", "gzip", "members", "2 gzip members", true},
        {"seq 99 | gzip > out; poke out $(($(stat -c%s out) - 8)) 5a5a", "gzip", "stream",
         "checksum", false},
        {"seq 99 | gzip > out; poke out $(($(stat -c%s out) - 2)) 5a5a", "gzip", "stream", "length",
         false},
        {"seq 99 | gzip > out; truncate -s -9 out", "gzip", "stream", "too early", false},
        {"seq 99 | gzip > out; poke out 10 ffff", "gzip", "stream", "damaged", false},
        {"seq 99 | gzip > out; truncate -s 4 out", "gzip", "stream", "header", false},
        {"seq 99 | xz > out", "xz", "stream.blocks", NULL, true},
        {"xz < /dev/null > out", "xz", "stream.index", NULL, true},
        {"seq 9999 | xz --block-size=999 > out", "xz", "stream.blocks", NULL, true},
        {"seq 99 | xz > out; seq 9 | xz >> out", "xz", "streams", "2 streams", true},
        {"seq 99 | xz > out; poke out 40 ff", "xz", "stream", "damaged", false},
        {"seq 99 | xz > out; truncate -s -5 out", "xz", "stream", "too early", false},
        {"seq 99 | xz > out; printf '\\0\\0\\0\\0x' >> out", "xz", "trailing", "after", false},
        {"seq 99 | zstd -q > out", "zstd", "frame.checksum", NULL, true},
        {"seq 99 | zstd -q --no-check > out", "zstd", "frame.blocks", NULL, true},
        {"zstd -q < /dev/null > out", "zstd", "frame.header", NULL, true},
        {"printf '\\x50\\x2a\\x4d\\x18\\x01\\0\\0\\0x' > out; seq 99 | zstd -q >> out", "zstd",
         "skippable", "decoders skip", true},
        {"printf '\\x50\\x2a\\x4d\\x18\\x01\\0\\0\\0x' > out", "zstd", "frames", "no frame", false},
        {"seq 99 | zstd -q > out; truncate -s -6 out", "zstd", "frame", "cut off", false},
        {"seq 99 | zstd -q > out; poke out $(($(stat -c%s out) - 2)) 5a5a", "zstd", "frame",
         "damaged", false},
        {"head -c 300M /dev/zero | zstd -q --ultra -22 --long=28 > out", "zstd", "frame", "memory",
         true},
    };
    check(list, ASY_COUNT(list));
}

Test(elf, classes_orders_and_damage)
{
    static const expectation list[] = {
        {"cp /bin/true out", "elf", ".text", NULL, true},
        {LIB "mv f.o out", "elf", ".symtab", NULL, true},
        {"echo f: ret | as --32 -o out", "elf", ".text", NULL, true},
        {"echo x > d; objcopy -I binary -O elf32-big d out", "elf", ".data", NULL, true},
        {"echo x > d; objcopy -I binary -O elf64-big d out", "elf", ".data", NULL, true},
        {"cp /bin/true out; poke out 40 0000000000000000; poke out 60 0000", "elf", "segment.2",
         NULL, true},
        {"cp /bin/true out; echo payload >> out", "elf", "appended", "not zero", true},
        {"cp /bin/true out; poke out 40 ffffffffffffff7f", "elf", "header.shoff", "past the end",
         false},
        {"cp /bin/true out; poke out 58 0100", "elf", "header.shentsize", "entries are of", false},
        {"cp /bin/true out; poke out 32 1000000000000000", "elf", "header.phoff", "earlier", false},
        {"head -c 40 /bin/true > out", "elf", "header", "cut off", false},
        {"head -c 5000 /bin/true > out", "elf", "header.entry", "past the end", false},
    };
    check(list, ASY_COUNT(list));
}

Test(elf, sections_carry_addresses_and_flags)
{
    asy_tree tree;
    ASY_AUTO_FREE char *dir = made_by("cp /bin/true out");
    read_made(dir, "out", NULL, &tree);
    const asy_region *text = region_named(tree.root, ".text");
    const asy_region *data = region_named(tree.root, ".data");
    cr_assert(text && data);
    cr_expect_eq(text->flags, ASY_REGION_LOAD | ASY_REGION_EXEC);
    cr_expect_eq(data->flags, ASY_REGION_LOAD | ASY_REGION_WRITE);
    cr_expect(text->address > 0 && text->step == NULL);
    asy_tree_free(&tree);
    remove_made();
}

Test(text, is_told_from_data)
{
    static const expectation list[] = {
        {"printf 'a\\tb\\r\\n\\f\\033[1m' > out", "text", "text", NULL, true},
        {"printf 'na\\303\\257ve\\n' > out", "text", "text", NULL, true},
        {"seq 99999 > out; printf '\\303\\251' >> out", "text", "text", NULL, true},
        {"seq 99999 > out; printf '\\0' >> out", "bytes", "bytes", NULL, true},
        {"printf 'na\\357ve\\n' > out", "bytes", "bytes", NULL, true},
        {"printf '\\302\\233' > out", "bytes", "bytes", NULL, true},
        {"printf 'cut \\303' > out", "bytes", "bytes", NULL, true},
        {"printf 'del\\177' > out", "bytes", "bytes", NULL, true},
        {": > out", "bytes", NULL, NULL, true},
    };
    check(list, ASY_COUNT(list));
}
