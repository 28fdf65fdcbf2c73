/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The normal form: equal where a step proves it, and nowhere else. Each case makes two files with
 * real tools that differ in one thing.
 */
#include "test_tree_support.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

typedef struct pair {
    const char *what, *left, *right;
    bool equal;
} pair;

#define TOUCH "find t -exec touch -hd @1234567890 {} +; "

static void check(const pair *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        asy_tree left, right;
        ASY_AUTO_FREE char *left_dir = made_by(list[i].left);
        ASY_AUTO_FREE char *right_dir = made_by(list[i].right);
        read_made(left_dir, "out", NULL, &left);
        read_made(right_dir, "out", NULL, &right);
        asy_sha256 a = normal_digest(&left), b = normal_digest(&right);
        cr_expect(all_well_formed(left.root), "%s: the left side is malformed", list[i].what);
        cr_expect_not(asy_sha256_eq(&left.root->sha256, &right.root->sha256),
                      "%s: the files are the same", list[i].what);
        cr_expect_eq(asy_sha256_eq(&a, &b), list[i].equal, "%s: %s", list[i].what,
                     list[i].equal ? "came out different" : "came out equal");
        asy_tree_free(&left);
        asy_tree_free(&right);
    }
    remove_made();
}

Test(normal, tar_times_and_their_conditions)
{
    static const pair list[] = {
        {"times", "sample; pack .", "sample; " TOUCH "pack .", true},
        {"times in ustar", "sample; pack --format=ustar .",
         "sample; " TOUCH "pack --format=ustar .", true},
        {"times in v7", "sample; pack --format=v7 .", "sample; " TOUCH "pack --format=v7 .", true},
        {"times by bsdtar", "sample; bsdtar -C t --format ustar -cf out .",
         "sample; " TOUCH "bsdtar -C t --format ustar -cf out .", true},
        {"times beside a .pyc", "sample; echo > t/a/m.pyc; pack .",
         "sample; echo > t/a/m.pyc; " TOUCH "pack .", false},
        {"times beside an mtree", "sample; echo > t/.MTREE; pack .",
         "sample; echo > t/.MTREE; " TOUCH "pack .", false},
        {"times beside a cache", "sample; echo > t/icon.cache; pack .",
         "sample; echo > t/icon.cache; " TOUCH "pack .", false},
        {"times beside a compressed mtree", "sample; echo > t/Mtree.GZ; pack .",
         "sample; echo > t/Mtree.GZ; " TOUCH "pack .", false},
        {"times beside a listing", "sample; echo > t/ls-lR.zst; pack .",
         "sample; echo > t/ls-lR.zst; " TOUCH "pack .", false},
        {"times beside an index", "sample; git init -q t; git -C t add .; pack .",
         "sample; git init -q t; git -C t add .; " TOUCH "pack .", false},
        {"times beside a working copy's file", "sample; mkdir t/.hg; echo > t/.hg/dirstate; pack .",
         "sample; mkdir t/.hg; echo > t/.hg/dirstate; " TOUCH "pack .", false},
        {"times beside .sconsign", "sample; echo > t/.sconsign.dblite; pack .",
         "sample; echo > t/.sconsign.dblite; " TOUCH "pack .", false},
        {"times beside zsh's compiled file", "sample; echo > t/f.zwc; pack .",
         "sample; echo > t/f.zwc; " TOUCH "pack .", false},
        {"times beside Guile's compiled file", "sample; cp /bin/true t/f.go; pack .",
         "sample; cp /bin/true t/f.go; " TOUCH "pack .", false},
        {"times beside a source in Go",
         "sample; echo package x > t/f.go; touch -d @1 t t/f.go; pack .",
         "sample; echo package x > t/f.go; touch -d @1 t t/f.go; " TOUCH "pack .", true},
        {"times in pax records", "sample; pack --format=pax .",
         "sample; " TOUCH "pack --format=pax .", false},
        {"a time spelled in base 256", "sample; pack ./a/x",
         "sample; pack ./a/x; poke out 136 80000000000000003b9aca00; resum out 0", false},
        {"a checksum spelled otherwise", "sample; pack ./a/x",
         "sample; pack ./a/x; poke out 154 2000", false},
    };
    check(list, ASY_COUNT(list));
}

Test(normal, tar_order_and_its_conditions)
{
/* A file at 0, and after it the links that are named, at 1,024 and 1,536. */
#define LINKED      "sample; ln t/a/x t/a/b; ln t/a/x t/a/c; pack --no-recursion --sort=none a/x "
#define LIST(names) "sample; pack --no-recursion --sort=none " names
    static const pair list[] = {
        {"order", LIST(". ./a ./a/x ./a/run"), LIST(". ./a ./a/run ./a/x"), true},
        {"order of long names",
         "sample; n=t/$(printf %0150d 1); echo > $n; touch -d @1 $n; pack --no-recursion "
         "--sort=none $(basename $n) a/x",
         "sample; n=t/$(printf %0150d 1); echo > $n; touch -d @1 $n; pack --no-recursion "
         "--sort=none a/x $(basename $n)",
         true},
        {"a folder after what it holds", LIST(". ./a ./a/x"), LIST(". ./a/x ./a"), false},
        {"the top folder last", LIST("./a ./a/x ."), LIST(". ./a ./a/x"), false},
        {"a hard link before its target",
         "sample; ln t/a/x t/a/y; pack --no-recursion --sort=none a/x a/y a/run",
         "sample; ln t/a/x t/a/y; pack --no-recursion --sort=none a/y a/run a/x", false},
        /* In the second file the records stand as sorting puts those of the first. */
        {"a hard link moved before its target",
         "sample; ln t/a/x t/a/b; pack --no-recursion --sort=none a/x a/b",
         "sample; ln t/a/x t/a/b; pack --no-recursion --sort=none a/x a/b; (dd if=out bs=512 "
         "skip=2 count=1; dd if=out bs=512 count=2; dd if=out bs=512 skip=3) 2> dd.log > moved; "
         "mv moved out",
         false},
        {"two hard links", LINKED "a/b a/c", LINKED "a/c a/b", true},
        {"hard links of which one has another mode",
         LINKED "a/b a/c; poke out 1124 30303034373535; resum out 1024",
         LINKED "a/c a/b; poke out 1636 30303034373535; resum out 1536", false},
        {"hard links of which one has another owner",
         LINKED "a/b a/c; poke out 1132 30303030303031; resum out 1024",
         LINKED "a/c a/b; poke out 1644 30303030303031; resum out 1536", false},
        {"hard links of which one names another group",
         LINKED "a/b a/c; poke out 1321 786f6f74; resum out 1024",
         LINKED "a/c a/b; poke out 1833 786f6f74; resum out 1536", false},
        {"hard links with pax records",
         LINKED "--format=pax --pax-option=atime:=5,ctime:=5 a/b a/c",
         LINKED "--format=pax --pax-option=atime:=5,ctime:=5 a/c a/b", false},
        {"a name that dpkg uses while it unpacks",
         "sample; ln -s x t/a/run.dpkg-new; touch -hd @5 t/a/run.dpkg-new; pack --no-recursion "
         "--sort=none a/run a/run.dpkg-new",
         "sample; ln -s x t/a/run.dpkg-new; touch -hd @5 t/a/run.dpkg-new; pack --no-recursion "
         "--sort=none a/run.dpkg-new a/run",
         false},
        {"a path through a symlink",
         "mkdir -p l d/d; ln -s a l/d; echo > d/d/x; tar -C l -cf out d; tar -C d -rf out d/x",
         "mkdir -p l d/d; ln -s a l/d; echo > d/d/x; tar -C d -cf out d/x; tar -C l -rf out d",
         false},
        {"two members of one name",
         "mkdir l r; echo l > l/x; echo r > r/x; tar -C l -cf out x; tar -C r -rf out x",
         "mkdir l r; echo l > l/x; echo r > r/x; tar -C r -cf out x; tar -C l -rf out x", false},
        {"one name spelled in two ways",
         "mkdir l r; echo l > l/x; echo r > r/x; tar -C l -cf out x; tar -C r -rf out ./x",
         "mkdir l r; echo l > l/x; echo r > r/x; tar -C r -cf out ./x; tar -C l -rf out x", false},
        {"after a global header",
         LIST("--format=pax --pax-option=comment=c,delete=?time ./a/x ./a/run"),
         LIST("--format=pax --pax-option=comment=c,delete=?time ./a/run ./a/x"), false},
        {"a path with ..", LIST("-P ./a/x ./a/../a/run"), LIST("-P ./a/../a/run ./a/x"), false},
    };
#undef LIST
#undef LINKED
    check(list, ASY_COUNT(list));
}

Test(normal, tar_changes_that_matter)
{
    static const pair list[] = {
        {"setuid", "sample; pack .", "sample; chmod u+s t/a/run; " TOUCH "pack .", false},
        {"setgid", "sample; pack .", "sample; chmod g+s t/a/run; " TOUCH "pack .", false},
        {"sticky", "sample; pack .", "sample; chmod +t t/a; " TOUCH "pack .", false},
        {"exec bit", "sample; pack .", "sample; chmod +x t/a/x; " TOUCH "pack .", false},
        {"umask", "sample; pack .", "sample; chmod g+w t/a/x; " TOUCH "pack .", false},
        {"owner number", "sample; pack .", "sample; pack --owner=root:1 .", false},
        {"owner name", "sample; pack .", "sample; pack --owner=user:0 .", false},
        {"group", "sample; pack .", "sample; pack --group=user:0 .", false},
        {"content", "sample; pack .", "sample; echo one! > t/a/x; " TOUCH "pack .", false},
        {"content of one size", "sample; pack .", "sample; echo 0ne > t/a/x; " TOUCH "pack .",
         false},
        {"a new file", "sample; pack .", "sample; echo > t/a/new; " TOUCH "pack .", false},
        {"a file removed", "sample; pack .", "sample; rm t/a/x; " TOUCH "pack .", false},
        {"a symlink's target", "sample; pack .", "sample; ln -sfn run t/a/link; " TOUCH "pack .",
         false},
        {"contents swapped", "sample; pack .",
         "sample; mv t/a/x y; mv t/a/run t/a/x; mv y t/a/run; chmod 755 t/a/run; chmod 644 "
         "t/a/x; " TOUCH "pack .",
         false},
        {"a fifo for a file", "sample; mkfifo t/p; pack .", "sample; : > t/p; " TOUCH "pack .",
         false},
        {"a byte after the name", "sample; pack ./a/x",
         "sample; pack ./a/x; poke out 60 41; resum out 0", false},
        {"a byte of the header's padding", "sample; pack --format=ustar ./a/x",
         "sample; pack --format=ustar ./a/x; poke out 505 41; resum out 0", false},
        {"a byte of a member's padding", "sample; pack ./a/x",
         "sample; pack ./a/x; poke out 600 41", false},
        {"an unknown pax key", "sample; pack --format=pax ./a/x",
         "sample; pack --format=pax --pax-option=ASSAY.key:=v ./a/x", false},
        {"a pax path over the header's", "sample; pack --format=pax ./a/x",
         "sample; pack --format=pax --pax-option=path:=./a/y ./a/x", false},
        {"a global pax comment", "sample; pack --format=pax --pax-option=comment=c ./a/x",
         "sample; pack --format=pax --pax-option=comment=d ./a/x", false},
        {"a size spelled in base 256", "sample; pack ./a/x",
         "sample; pack ./a/x; poke out 124 800000000000000000000004; resum out 0", false},
        {"sparse for dense", "truncate -s 1M h; mkdir t; mv h t; pack .",
         "truncate -s 1M h; mkdir t; mv h t; pack -S .", false},
    };
    check(list, ASY_COUNT(list));
}

Test(normal, tar_slack)
{
    static const pair list[] = {
        {"fewer zero blocks at the end", "sample; pack .", "sample; pack --blocking-factor=1 .",
         true},
        {"a payload after the end", "sample; pack .", "sample; pack .; echo evil >> out", false},
        {"a payload in the last record", "sample; pack .", "sample; pack .; poke out 10238 41",
         false},
        {"one end block", "sample; pack --blocking-factor=1 .",
         "sample; pack --blocking-factor=1 .; truncate -s -512 out", false},
        {"a second archive after the end", "sample; pack .",
         "sample; pack .; cat out out > two; mv two out", false},
    };
    check(list, ASY_COUNT(list));
}

Test(normal, compressed_streams)
{
#define GZ "sample; pack .; gzip -n out; mv out.gz out; "
#define XZ "sample; pack .; xz out; mv out.xz out; "
#define ZS "sample; pack .; zstd -q --rm out; mv out.zst out; "
    static const pair list[] = {
        {"gzip level", "sample; pack .; gzip -n1 out; mv out.gz out",
         "sample; pack .; gzip -n9 out; mv out.gz out", true},
        {"gzip around other times", GZ, "sample; " TOUCH "pack .; gzip -n out; mv out.gz out",
         true},
        {"gzip around another mode", GZ,
         "sample; chmod 4755 t/a/run; pack .; gzip -n out; mv out.gz out", false},
        {"gzip time", GZ, GZ "poke out 4 01020304", true},
        {"gzip os", GZ, GZ "poke out 9 ff", false},
        {"gzip name", GZ, "sample; pack .; touch -d @5 out; gzip out; mv out.gz out", false},
        {"gzip unknown level flag", GZ, GZ "poke out 8 07", false},
        {"gzip trailing data", GZ, GZ "echo evil >> out", false},
        {"gzip trailing zeros", GZ, GZ "truncate -s +8 out", false},
        {"gzip of two members", GZ, GZ "gzip -n < /dev/null >> out", false},
        {"xz level", "sample; pack .; xz -0 out; mv out.xz out",
         "sample; pack .; xz -9 out; mv out.xz out", true},
        {"xz check", XZ, "sample; pack .; xz --check=crc32 out; mv out.xz out", true},
        {"xz around other times", XZ, "sample; " TOUCH "pack .; xz out; mv out.xz out", true},
        {"xz padding", XZ, XZ "truncate -s +4 out", true},
        {"xz padding of a wrong length", XZ, XZ "truncate -s +3 out", false},
        {"xz trailing data", XZ, XZ "echo evil >> out", false},
        {"xz of two streams", XZ, XZ "xz < /dev/null >> out", false},
        {"zstd level", "sample; pack .; zstd -q -1 --rm out; mv out.zst out",
         "sample; pack .; zstd -q -19 --rm out; mv out.zst out", true},
        {"zstd check", ZS, "sample; pack .; zstd -q --no-check --rm out; mv out.zst out", true},
        {"zstd around other times", ZS, "sample; " TOUCH "pack .; zstd -q --rm out; mv out.zst out",
         true},
        {"zstd skippable frame", ZS, ZS "printf '\\x50\\x2a\\x4d\\x18\\x04\\0\\0\\0evil' >> out",
         false},
        {"zstd two frames", ZS, ZS "zstd -q < /dev/null >> out", false},
        {"zstd trailing data", ZS, ZS "echo evil >> out", false},
        {"gzip of another time stored in a tar",
         "sample; gzip -n t/a/seq; touch -d @1 t/a/seq.gz; pack .",
         "sample; gzip -n t/a/seq; poke t/a/seq.gz 4 01020304; touch -d @1 t/a/seq.gz; pack .",
         false},
        {"gzip stored in a tar", "sample; gzip -n1 t/a/seq; touch -d @1 t/a/seq.gz; pack .",
         "sample; gzip -n9 t/a/seq; touch -d @1 t/a/seq.gz; pack .", false},
    };
    check(list, ASY_COUNT(list));
}

/* What dpkg unpacks by name, and tar by what it sees first, is not for the content to decide. */
Test(normal, polyglots_have_no_step)
{
#define TWO  "sample; pack a/x; mv out 1; pack a/run; mv out 2; rm -r t/a; "
#define PACK "control; deb -Zgzip; ar x out; rm out; "
    static const struct {
        const char *what, *left, *right, *finding;
    } list[] = {
        {"a tar that is a gzip", TWO "both 1 2", TWO "both 2 1", "at once"},
        {"the same as data.tar.gz",
         TWO PACK
         "both 1 2; mv out data.tar.gz; ar rc out debian-binary control.tar.gz data.tar.gz",
         TWO PACK
         "both 2 1; mv out data.tar.gz; ar rc out debian-binary control.tar.gz data.tar.gz",
         "at once"},
        {"a ustar that is a gzip", TWO "both 1 2; poke out 257 757374617200; resum out 0",
         TWO "both 2 1; poke out 257 757374617200; resum out 0", "at once"},
        {"a checksum that only some read", TWO "both 1 2; poke out 155 5a",
         TWO "both 2 1; poke out 155 5a", "at once"},
        {"a gzip called .xz",
         TWO PACK "gunzip data.tar.gz; gzip -c1 data.tar > data.tar.xz; "
                  "ar rcD out debian-binary control.tar.gz data.tar.xz",
         TWO PACK "gunzip data.tar.gz; gzip -c9 data.tar > data.tar.xz; "
                  "ar rcD out debian-binary control.tar.gz data.tar.xz",
         "named data.tar.xz"},
        {"a gzip called .bz2",
         TWO PACK "gunzip data.tar.gz; gzip -c1 data.tar > data.tar.bz2; "
                  "ar rcD out debian-binary control.tar.gz data.tar.bz2",
         TWO PACK "gunzip data.tar.gz; gzip -c9 data.tar > data.tar.bz2; "
                  "ar rcD out debian-binary control.tar.gz data.tar.bz2",
         NULL},
        {"a gzip in a gzip",
         TWO PACK "gzip -dc data.tar.gz | gzip -n1 | gzip -nc > d; mv d data.tar.gz; "
                  "ar rcD out debian-binary control.tar.gz data.tar.gz",
         TWO PACK "gzip -dc data.tar.gz | gzip -n9 | gzip -nc > d; mv d data.tar.gz; "
                  "ar rcD out debian-binary control.tar.gz data.tar.gz",
         "not to a tar"},
        {"a tar that bzip2 takes for its own",
         "mkdir t; touch t/b t/$(printf BZh91AY'&'SY); pack BZh91AY'&'SY b",
         "mkdir t; touch -d @9 t/b t/$(printf BZh91AY'&'SY); pack BZh91AY'&'SY b", "at once"},
    };
    for (size_t i = 0; i < ASY_COUNT(list); i++) {
        asy_tree left, right;
        ASY_AUTO_FREE char *left_dir = made_by(list[i].left);
        ASY_AUTO_FREE char *right_dir = made_by(list[i].right);
        read_made(left_dir, "out", NULL, &left);
        read_made(right_dir, "out", NULL, &right);
        asy_sha256 a = normal_digest(&left), b = normal_digest(&right);
        cr_expect_not(asy_sha256_eq(&left.root->sha256, &right.root->sha256), "%s", list[i].what);
        cr_expect_not(asy_sha256_eq(&a, &b), "%s: came out equal", list[i].what);
        if (list[i].finding)
            cr_expect(has_finding(left.root, list[i].finding), "%s: no finding", list[i].what);
        asy_tree_free(&left);
        asy_tree_free(&right);
    }
    remove_made();
#undef TWO
#undef PACK
}

Test(normal, debian_packages)
{
#define DEB "sample; control; deb "
    static const pair list[] = {
        {"compression level", DEB "-Zxz -z1", DEB "-Zxz -z9", true},
        {"gzip level", DEB "-Zgzip -z1", DEB "-Zgzip -z9", true},
        {"zstd level", DEB "-Zzstd -z1", DEB "-Zzstd -z19", true},
        {"times", DEB "-Zxz",
         "sample; control; " TOUCH "SOURCE_DATE_EPOCH=1234567890 dpkg-deb "
         "--root-owner-group -b t out.deb > /dev/null; mv out.deb out",
         true},
        {"time in an ar header", DEB "-Zxz", DEB "-Zxz; poke out 88 39393939", true},
        {"time of debian-binary", DEB "-Zxz", DEB "-Zxz; poke out 24 39393939", true},
        {"owner in an ar header", DEB "-Zxz", DEB "-Zxz; poke out 100 31", false},
        {"setuid", DEB "-Zxz", "sample; control; chmod u+s t/a/run; deb -Zxz", false},
        {"a script", DEB "-Zxz",
         "sample; control; printf '#!/bin/sh\\n' > t/DEBIAN/postinst; chmod 755 t/DEBIAN/postinst; "
         "deb -Zxz",
         false},
        {"a control field", DEB "-Zxz",
         "sample; control; echo 'Depends: q' >> t/DEBIAN/control; "
         "deb -Zxz",
         false},
        {"a member at the end", DEB "-Zxz", DEB "-Zxz; echo > _sig; ar q out _sig 2> /dev/null",
         false},
        {"trailing data", DEB "-Zxz", DEB "-Zxz; echo evil >> out", false},
        {"no data.tar", DEB "-Zxz", DEB "-Zxz; ar d out data.tar.xz", false},
        {"other compression", DEB "-Zxz", DEB "-Zgzip", false},
    };
    check(list, ASY_COUNT(list));
}

/* docs/spec/normal-form.md, "Raw": computed here from its words alone. */
Test(normal, form_of_plain_data_is_as_specified)
{
    asy_tree tree;
    asy_span bytes = asy_span_str("hello\n");
    read_span(bytes, "x", &tree);
    asy_sha256 raw = asy_sha256_of(bytes), found = normal_digest(&tree);
    asy_hasher *hasher = asy_hasher_new();
    asy_hasher_add(hasher, asy_span_str("assay normal form 1: raw\n"));
    asy_hasher_add(hasher, (asy_span){raw.bytes, sizeof(raw.bytes)});
    asy_sha256 expected = asy_hasher_finish(hasher);
    cr_assert(asy_sha256_eq(&found, &expected));
    asy_tree_free(&tree);
}

Test(normal, steps_are_listed_once_for_each_node)
{
    asy_tree tree;
    asy_normal normal;
    ASY_AUTO_FREE char *dir = made_by("sample; pack .; gzip -n out; mv out.gz out");
    read_made(dir, "out", NULL, &tree);
    asy_node_normal(tree.root, &normal);
    static const char *const expected[] = {"gzip.header-times", "gzip.content", "gzip.checksum",
                                           "tar.member-times",  "tar.checksum", "slack.zero"};
    cr_assert_eq(normal.use_count, ASY_COUNT(expected));
    for (size_t i = 0; i < ASY_COUNT(expected); i++)
        cr_expect_str_eq(normal.uses[i].step->name, expected[i]);
    free(normal.uses);
    asy_tree_free(&tree);
    remove_made();
}
