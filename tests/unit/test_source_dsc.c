/* SPDX-License-Identifier: Apache-2.0 */
/* source: Debian source packages, plain folders, and times from tarballs. */
#include "io/io.h"
#include "source_help.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(source_dsc, .fini = help_end, .timeout = 120);

/* pkg/: an upstream tarball, a component, a debian tarball, and a signed .dsc that names them. */
static void make_dsc(void)
{
    help_sh(
        "mkdir -p a-1/sub comp pkg debian; echo one > a-1/f; echo two > a-1/sub/g; ln -s f a-1/l;"
        "ln a-1/f a-1/hard; echo old > a-1/debian-free; echo c > comp/c; echo x > debian/rules;"
        "find a-1 -exec touch -h -d 2001-02-03T04:05:06Z {} +;"
        "touch -d 2002-01-01T00:00:00Z comp/c comp; touch -d 2019-01-01T00:00:00Z debian/rules "
        "debian;"
        "tar -cJf pkg/a_1.orig.tar.xz a-1; tar -czf pkg/a_1.orig-comp.tar.gz comp;"
        "tar --zstd -cf pkg/a_1-1.debian.tar.zst debian; echo sig > pkg/a_1.orig.tar.xz.asc;"
        "cd pkg; { printf -- '-----BEGIN PGP SIGNED MESSAGE-----\\nHash: SHA512\\n\\n';"
        "printf 'Format: 3.0 (quilt)\\nSource: a\\nVersion: 1-1\\nChecksums-Sha256:\\n';"
        "for f in a_1*; do printf ' %%s %%s %%s\\n' $(sha256sum < $f | cut -d' ' -f1) "
        "$(stat -c %%s $f) $f; done; printf '\\n-----BEGIN PGP SIGNATURE-----\\n\\nx\\n"
        "-----END PGP SIGNATURE-----\\n'; } > a.dsc");
}

Test(source_dsc, a_good_one_is_copied_and_recorded)
{
    make_dsc();
    fetched result = help_fetch("pkg/a.dsc", NULL, false);
    cr_assert_eq(result.rc, ASY_OK, "%s", result.error.message);
    cr_assert_eq(result.source.kind, ASY_SOURCE_DSC);
    cr_assert_eq(result.source.status, ASY_SOURCE_VERIFIED);
    cr_assert_str_eq(result.source.package, "a");
    cr_assert_str_eq(result.source.version, "1-1");
    cr_assert_eq(result.source.file_count, 5);
    cr_assert_str_eq(result.source.files[0].name, "a.dsc");
    cr_assert_eq(result.source.epoch, 1546300800, "the newest file of the debian tarball");
    help_sh("diff -r pkg out");
    help_free(&result);
}

Test(source_dsc, a_changed_or_missing_file_is_named)
{
    make_dsc();
    help_sh("cp -r pkg flipped; cd flipped; printf 'X' | dd of=a_1.orig.tar.xz bs=1 seek=40 "
            "conv=notrunc status=none; cp -r ../pkg ../longer; echo >> ../longer/a_1-1.debian.tar."
            "zst; cp -r ../pkg ../less; rm ../less/a_1.orig-comp.tar.gz");
    fetched result = help_fetch("flipped/a.dsc", NULL, false);
    cr_assert_eq(result.rc, ASY_E_MISMATCH);
    cr_assert_eq(result.source.status, ASY_SOURCE_MISMATCH);
    cr_assert_str_eq(result.source.package, "a");
    cr_assert(strstr(result.error.message, "a_1.orig.tar.xz"), "%s", result.error.message);
    cr_assert(strstr(result.error.message, "SHA-256"), "%s", result.error.message);
    help_free(&result);
    help_fetch_fails("longer/a.dsc", ASY_E_MISMATCH, "a_1-1.debian.tar.zst");
    help_fetch_fails("less/a.dsc", ASY_E_NOT_FOUND, "a_1.orig-comp.tar.gz");
    fetched twice = help_fetch("pkg/a.dsc", "pkg/a.dsc", false);
    cr_assert_eq(twice.rc, ASY_E_USAGE);
    help_free(&twice);
}

Test(source_dsc, tarballs_behind_links_are_found)
{
    make_dsc();
    help_sh("mkdir pool; mv pkg/a_1.orig.tar.xz pool/; ln -s ../pool/a_1.orig.tar.xz pkg/");
    help_fetch_ok("pkg/a.dsc");
    help_sh("[ -f out/a_1.orig.tar.xz ] && [ ! -L out/a_1.orig.tar.xz ]");
}

/* The checkout that belongs to the package of make_dsc: with what git does to it. */
static void make_checkout(void)
{
    help_sh("mkdir tree; cp -r a-1/* tree/; cp -r debian tree/; cp -r comp tree/; echo new > "
            "tree/debian-free; echo more > tree/own; cd tree; git init -q -b main; git add -A;"
            "git commit -qm one");
}

Test(source_dsc, times_come_back_where_the_content_is_the_same)
{
    make_dsc();
    make_checkout();
    fetched result = help_fetch("tree@main", "pkg/a.dsc", false);
    cr_assert_eq(result.rc, ASY_OK, "%s", result.error.message);
    cr_assert_eq(result.source.mtimes_total, 8);
    cr_assert_eq(result.source.mtimes_restored, 6);
    cr_assert_str_eq(result.source.mtimes_from, "pkg/a.dsc");
    help_sh("sum=$(sha256sum < pkg/a.dsc | cut -d' ' -f1); cd out;"
            "t() { [ \"$(stat -c %%Y \"$1\")\" = \"$(date -ud \"$2\" +%%s)\" ]; };"
            "for f in f l hard sub sub/g; do t $f 2001-02-03T04:05:06Z; done;"
            "t comp/c 2002-01-01; t comp 2002-01-01; t debian/rules 2019-01-01;"
            "t debian 2019-01-01; t own 2020-01-02T03:04:05Z; t debian-free 2020-01-02T03:04:05Z");
    help_free(&result);

    help_sh("printf Z | dd of=pkg/a_1.orig.tar.xz bs=1 seek=60 conv=notrunc status=none");
    result = help_fetch("tree@main", "pkg/a.dsc", false);
    cr_assert_eq(result.rc, ASY_E_MISMATCH);
    cr_assert(strstr(result.error.message, "a_1.orig.tar.xz"), "%s", result.error.message);
    help_free(&result);
}

Test(source_dsc, tarballs_of_every_compression_give_times)
{
    static const char *const makes[] = {"cat", "gzip -n", "bzip2",
                                        "xz",  "zstd -q", "xz --format=lzma"};
    make_dsc();
    make_checkout();
    for (size_t i = 0; i < ASY_COUNT(makes); i++) {
        for (unsigned form = 0; form < 3; form++) {
            static const char *const forms[] = {"--format=gnu a-1", "--format=pax a-1",
                                                "--format=pax -C a-1 ."};
            help_sh("tar -c %s | %s > t.tar", forms[form], makes[i]);
            fetched result = help_fetch("tree@main", "t.tar", false);
            cr_assert_eq(result.rc, ASY_OK, "%s: %s", makes[i], result.error.message);
            cr_assert_eq(result.source.mtimes_restored, 4, "%s %s", makes[i], forms[form]);
            help_free(&result);
        }
    }
}

Test(source_dsc, names_beyond_ascii_and_fractions_of_seconds_are_kept)
{
    help_sh("mkdir u; n=$(printf 'n\303\244me%%.0s' $(seq 40)); printf x > u/$n; ln -s $n u/l;"
            "printf y > u/$(printf '\303\244'); printf z > u/$(printf '\377');"
            "touch -h -d 2001-02-03T04:05:06.123456789Z u/*; tar --format=pax -cf u.tar u; cd u;"
            "git init -q -b main; git add -A; git commit -qm o");
    setenv("LC_ALL", "C", 1);
    fetched result = help_fetch("u@main", "u.tar", false);
    cr_assert_eq(result.rc, ASY_OK, "%s", result.error.message);
    cr_assert_eq(result.source.mtimes_restored, 4);
    help_sh("[ \"$(stat -c %%y out/* | sort -u)\" = '2001-02-03 04:05:06.123456789 +0000' ]");
    help_free(&result);
}

Test(source_dsc, what_is_no_tarball_is_refused)
{
    help_sh("git init -q -b main r; cd r; echo 1 > a; git add a; git commit -qm one; cd ..;"
            "head -c 5000 /dev/urandom > junk.tar; printf '\\037\\213\\010' > cut.tar.gz;"
            "mkfifo pipe.tar");
    static const struct {
        const char *file;
        int code;
    } cases[] = {{"junk.tar", ASY_E_FORMAT},
                 {"cut.tar.gz", ASY_E_FORMAT},
                 {"pipe.tar", ASY_E_IO},
                 {"none.tar", ASY_E_NOT_FOUND}};
    for (size_t i = 0; i < ASY_COUNT(cases); i++) {
        fetched result = help_fetch("r@main", cases[i].file, false);
        cr_assert_eq(result.rc, cases[i].code, "%s: %d %s", cases[i].file, result.rc,
                     result.error.message);
        help_free(&result);
    }
}

Test(source_dsc, a_folder_is_copied_as_it_is_and_unverified)
{
    help_sh(
        "mkdir -p p/d/e p/.git p/ro; echo x > p/.git/config; echo 1 > p/a; chmod 640 p/a;"
        "echo 2 > p/d/x; chmod 4755 p/d/x; ln -s /etc/passwd p/l; : > p/d/.git;"
        "echo 3 > p/ro/f; touch -d 2001-01-01T00:00:00.5Z p/a; touch -h -d 2002-01-01 p/l;"
        "touch -d 2010-01-01Z p/d/x; touch -d 2009-01-01Z p/ro/f; touch -d 2003-01-01 p/d/e p/d;"
        "chmod 555 p/ro");
    fetched result = help_fetch("p", NULL, false);
    cr_assert_eq(result.rc, ASY_OK, "%s", result.error.message);
    cr_assert_eq(result.source.kind, ASY_SOURCE_DIR);
    cr_assert_eq(result.source.status, ASY_SOURCE_UNVERIFIED);
    cr_assert_eq(result.source.epoch, 1262304000);
    help_sh("[ ! -e out/.git ] && [ ! -e out/d/.git ] && cmp p/a out/a && cmp p/ro/f out/ro/f;"
            "[ \"$(stat -c %%a out/a)\" = 640 ]; [ \"$(stat -c %%a out/d/x)\" = 755 ];"
            "[ \"$(readlink out/l)\" = /etc/passwd ];"
            "for f in a d/x l d/e d; do [ \"$(stat -c %%y p/$f)\" = \"$(stat -c %%y out/$f)\" ]; "
            "done; chmod 755 p/ro");
    help_free(&result);
    help_sh("mkfifo p/d/fifo");
    fetched fifo = help_fetch("p", NULL, false);
    cr_assert_eq(fifo.rc, ASY_E_USAGE);
    cr_assert(strstr(fifo.error.message, "FIFO"));
    cr_assert_str_eq(fifo.error.path, "d/fifo");
    help_free(&fifo);
    help_fetch_fails(".", ASY_E_USAGE, "");
}

Test(source_dsc, a_folder_that_is_not_empty_is_left_alone)
{
    help_sh("mkdir p full; echo 1 > p/a; echo mine > full/a");
    asy_source source;
    ASY_ERROR_AUTO error = ASY_ERROR_INIT;
    asy_source_request request = {.spec = "p", .cache_dir = "cache", .dest = "full"};
    cr_assert_eq(asy_source_fetch(&request, &source, &error), ASY_E_USAGE);
    asy_source_free(&source);
    help_sh("grep -q mine full/a");
}

static asy_sha256 digest_of(const char *spec)
{
    fetched result = help_fetch(spec, NULL, false);
    cr_assert_eq(result.rc, ASY_OK, "%s", result.error.message);
    asy_sha256 digest = result.source.digest;
    help_free(&result);
    return digest;
}

/* The same bytes as the description in digest.c, put together by hand. */
Test(source_dsc, the_digest_is_what_its_description_says)
{
    help_sh("mkdir -p p/b; printf hi > p/a; chmod 600 p/a; printf '' > p/b/x; chmod 700 p/b/x;"
            "ln -s a p/B");
    ASY_AUTO_FREE char *hex = help_line(
        "{ printf 'assay-tree/1\\0l\\0B\\0a\\0f\\0a\\0%%s\\0d\\0b\\0\\0x\\0b/x\\0%%s\\0' "
        "$(printf hi | sha256sum | cut -c1-64) $(printf '' | sha256sum | cut -c1-64); } | "
        "sha256sum | cut -c1-64");
    char own[ASY_SHA256_HEX + 1];
    asy_sha256 digest = digest_of("p");
    asy_sha256_hex(&digest, own);
    cr_assert_str_eq(own, hex);
    static const char *const changes[] = {"touch -d 2001-01-01 p/a; chmod 644 p/a",
                                          "chmod 755 p/a",
                                          "chmod 644 p/a; mkdir p/c",
                                          "rmdir p/c; ln -sf b p/B",
                                          "ln -sf a p/B; mv p/a p/c",
                                          "mv p/c p/a; printf ho > p/a"};
    for (size_t i = 0; i < ASY_COUNT(changes); i++) {
        help_sh("%s", changes[i]);
        asy_sha256 changed = digest_of("p");
        cr_assert_eq(asy_sha256_eq(&changed, &digest), i == 0, "%s", changes[i]);
    }
}

Test(source_dsc, an_interrupt_ends_the_worker_and_leaves_none_behind)
{
    help_sh("mkdir p; head -c 80M /dev/zero > p/big; mkdir out2");
    asy_signals_catch();
    asy_source source;
    ASY_ERROR_AUTO error = ASY_ERROR_INIT;
    asy_source_request request = {.spec = "p", .cache_dir = "cache", .dest = "out2"};
    raise(SIGTERM);
    cr_assert_eq(asy_source_fetch(&request, &source, &error), ASY_E_INTERRUPTED);
    asy_source_free(&source);
    cr_assert_eq(waitpid(-1, NULL, WNOHANG), -1, "a child is left");
}
