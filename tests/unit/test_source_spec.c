/* SPDX-License-Identifier: Apache-2.0 */
/* source: what is read from text alone: SRC, .gitmodules, known_hosts, a .dsc, line endings. */
#include "source/git.h"
#include "source_help.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

TestSuite(source_spec, .fini = help_end);

static bool same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

Test(source_spec, urls_are_split_and_their_secrets_kept_out_of_records)
{
    static const struct {
        const char *text, *shown, *location, *user, *password, *revision;
    } cases[] = {
        {"https://h/a.git@v1", "https://h/a.git@v1", "https://h/a.git", NULL, NULL, "v1"},
        {"https://h/a", "https://h/a", "https://h/a", NULL, NULL, NULL},
        {"HTTPS://u:p%40s@h:8443/a@f/x", "https://h:8443/a@f/x", "https://h:8443/a", "u", "p@s",
         "f/x"},
        {"https://token@h/a@1", "https://h/a@1", "https://h/a", "token", NULL, "1"},
        {"https://h/@team/a", "https://h/@team/a", "https://h/@team/a", NULL, NULL, NULL},
        {"https://h/@team/a@v1", "https://h/@team/a@v1", "https://h/@team/a", NULL, NULL, "v1"},
        {"https://h/a.git@@s/p@1.0", "https://h/a.git@@s/p@1.0", "https://h/a.git", NULL, NULL,
         "@s/p@1.0"},
        {"https://h/x@y/a.git@v1", "https://h/x@y/a.git@v1", "https://h/x@y/a.git", NULL, NULL,
         "v1"},
        {"ssh://git@h:22/a", "ssh://git@h:22/a", "ssh://h:22/a", "git", NULL, NULL},
        {"git+ssh://git:p@h/a@v", "ssh://git@h/a@v", "ssh://h/a", "git", "p", "v"},
        {"git@h:a/b.git@v1", "git@h:a/b.git@v1", "h:a/b.git", "git", NULL, "v1"},
        {"git@h:a/b", "git@h:a/b", "h:a/b", "git", NULL, NULL},
        {"h:a@v1", "h:a@v1", "h:a", NULL, NULL, "v1"},
        {"u@[::1]:a@v1", "u@[::1]:a@v1", "[::1]:a", "u", NULL, "v1"},
    };
    for (size_t i = 0; i < ASY_COUNT(cases); i++) {
        asy_spec spec;
        ASY_ERROR_AUTO error = ASY_ERROR_INIT;
        cr_assert_eq(asy_spec_parse(cases[i].text, &spec, &error), ASY_OK, "%s: %s", cases[i].text,
                     error.message);
        cr_assert_eq(spec.kind, ASY_SPEC_URL);
        cr_assert_str_eq(spec.text, cases[i].shown);
        cr_assert_str_eq(spec.location, cases[i].location);
        cr_assert(same(spec.user, cases[i].user), "%s", cases[i].text);
        cr_assert(same(spec.password, cases[i].password), "%s", cases[i].text);
        cr_assert(same(spec.revision, cases[i].revision), "%s: %s", cases[i].text, spec.revision);
        asy_spec_free(&spec);
    }
}

Test(source_spec, what_is_unsafe_or_unclear_is_refused)
{
    static const struct {
        const char *text;
        int code;
        const char *says;
    } cases[] = {
        {"http://h/a@v1", ASY_E_USAGE, "http:// is refused"},
        {"git://h/a@v1", ASY_E_USAGE, "git:// is refused"},
        {"ftp://h/a", ASY_E_USAGE, "ftp://"},
        {"ext::sh -c x", ASY_E_USAGE, "HOST:PATH"},
        {"https:///a", ASY_E_USAGE, "no host"},
        {"https://-oProxy/a", ASY_E_USAGE, "no host"},
        {"-oProxyCommand=x:a", ASY_E_USAGE, "HOST:PATH"},
        {"https://h", ASY_E_USAGE, "no repository"},
        {"https://h/", ASY_E_USAGE, "no repository"},
        {"https://h/a\n@b", ASY_E_USAGE, "no repository"},
        {"https://h/a@", ASY_E_USAGE, "not a revision"},
        {"https://h/a@main~1", ASY_E_USAGE, "not a revision"},
        {"https://h/a@x..y", ASY_E_USAGE, "not a revision"},
        {"https://u%0@h/a", ASY_E_USAGE, "user name"},
        {"", ASY_E_USAGE, "empty"},
        {"/nowhere/at/all@v1", ASY_E_NOT_FOUND, "no such"},
        {"/etc/passwd", ASY_E_USAGE, "neither"},
        {"/etc@v1", ASY_E_NOT_FOUND, "no git repository"},
        {"file://elsewhere/a", ASY_E_USAGE, "file:///"},
    };
    for (size_t i = 0; i < ASY_COUNT(cases); i++) {
        asy_spec spec;
        ASY_ERROR_AUTO error = ASY_ERROR_INIT;
        cr_assert_eq(asy_spec_parse(cases[i].text, &spec, &error), cases[i].code, "%s",
                     cases[i].text);
        cr_assert(strstr(error.message, cases[i].says), "%s: %s", cases[i].text, error.message);
        cr_assert_null(spec.location);
    }
}

Test(source_spec, paths_are_told_apart_by_what_is_there)
{
    static const struct {
        const char *text;
        asy_spec_kind kind;
        const char *location, *revision;
    } cases[] = {
        {"plain", ASY_SPEC_DIR, "plain", NULL},
        {"repo", ASY_SPEC_DIR, "repo", NULL},
        {"repo@v1", ASY_SPEC_LOCAL, "repo", "v1"},
        {"repo@@s/p@1", ASY_SPEC_LOCAL, "repo", "@s/p@1"},
        {"odd@name@v1", ASY_SPEC_LOCAL, "odd@name", "v1"},
        {"./a:b@v1", ASY_SPEC_LOCAL, "a:b", "v1"},
        {"bare.git", ASY_SPEC_LOCAL, "bare.git", NULL},
        {"x.dsc", ASY_SPEC_DSC, "x.dsc", NULL},
        {"a:b.dsc", ASY_SPEC_DSC, "a:b.dsc", NULL},
    };
    help_sh(
        "mkdir plain && touch x.dsc a:b.dsc && for r in repo odd@name a:b; do git init -q ./$r; "
        "done && git init -q --bare bare.git");
    for (size_t i = 0; i < ASY_COUNT(cases); i++) {
        asy_spec spec;
        ASY_ERROR_AUTO error = ASY_ERROR_INIT;
        cr_assert_eq(asy_spec_parse(cases[i].text, &spec, &error), ASY_OK, "%s: %s", cases[i].text,
                     error.message);
        cr_assert_eq(spec.kind, cases[i].kind, "%s", cases[i].text);
        cr_assert_str_eq(spec.location, help_path(cases[i].location));
        cr_assert(same(spec.revision, cases[i].revision), "%s", cases[i].text);
        asy_spec_free(&spec);
    }
    asy_spec spec;
    ASY_AUTO_FREE char *url = asy_asprintf("file://%s@v1", help_path("odd%40name"));
    cr_assert_eq(asy_spec_parse(url, &spec, NULL), ASY_OK);
    cr_assert_str_eq(spec.location, help_path("odd@name"));
    asy_spec_free(&spec);
}

Test(source_spec, submodule_urls_are_relative_to_their_parent)
{
    static const struct {
        const char *parent, *url, *location;
        int code;
    } cases[] = {
        {"https://u:p@h/a/b.git@v", "../c.git", "https://h/a/c.git", 0},
        {"https://u:p@h/a/b.git@v", "./c", "https://h/a/b.git/c", 0},
        {"https://h/a/b/", "../../c", "https://h/c", 0},
        {"https://h/a", "../../c", NULL, ASY_E_FORMAT},
        {"git@h:a/b", "../c", "h:a/c", 0},
        {"git@h:a", "../c", "h:c", 0},
        {"https://h/a", "https://other/b@c", "https://other/b@c", 0},
        {"https://h/a", "git@h:b", "h:b", 0},
        {"https://h/a", "/srv/b", NULL, ASY_E_USAGE},
        {"https://h/a", "file:///srv/b", NULL, ASY_E_USAGE},
        {"https://h/a", "http://h/b", NULL, ASY_E_USAGE},
        {"https://h/a", "b", NULL, ASY_E_FORMAT},
        {"https://h/a", "-u x", NULL, ASY_E_FORMAT},
    };
    for (size_t i = 0; i < ASY_COUNT(cases); i++) {
        asy_spec parent, spec;
        ASY_ERROR_AUTO error = ASY_ERROR_INIT;
        cr_assert_eq(asy_spec_parse(cases[i].parent, &parent, NULL), ASY_OK);
        cr_assert_eq(asy_spec_submodule(&parent, cases[i].url, &spec, &error), cases[i].code,
                     "%s: %s", cases[i].url, error.message);
        cr_assert(same(spec.location, cases[i].location), "%s: %s", cases[i].url, spec.location);
        bool same_host = i < 2;
        cr_assert(!same_host || same(spec.password, "p"), "%s", cases[i].url);
        cr_assert(same_host || !spec.password);
        asy_spec_free(&spec);
        asy_spec_free(&parent);
    }
}

Test(source_spec, gitmodules_are_read_as_git_config_reads_them)
{
    static const char text[] = "# a comment\n[core]\n\tpath = not/this\n\turl = nor/this\n"
                               "[submodule \"a \\\"b\\\" c\"] ; here too\n"
                               "  path = one ; tail\n\tURL=\"https://h/a b;c\"  \n"
                               "[submodule \"two\"]\r\n\tpath = two\r\n\turl = first\\\n/second\r\n"
                               "\turl = ../last\r\n\tupdate = none\n[submodule \"no-url\"]\n"
                               "path=three\n[submodule broken\npath = x\n";
    asy_gitmodules modules = {0};
    asy_gitmodules_parse(asy_span_str(text), &modules);
    const asy_gitmodule *one = asy_gitmodules_find(&modules, "one");
    const asy_gitmodule *two = asy_gitmodules_find(&modules, "two");
    cr_assert(one && two);
    cr_assert_str_eq(one->name, "a \"b\" c");
    cr_assert_str_eq(one->url, "https://h/a b;c");
    cr_assert_not(one->skip);
    cr_assert_str_eq(two->url, "../last");
    cr_assert(two->skip);
    cr_assert_null(asy_gitmodules_find(&modules, "three"));
    cr_assert_null(asy_gitmodules_find(&modules, "not/this"));
    asy_gitmodules_free(&modules);
}

/* Keys "key1" and "key2" in base64; the hashed name was made by ssh-keygen -H. */
Test(source_spec, known_hosts_say_what_ssh_would_read_in_them)
{
    static const char hashed[] = "|1|SDLw77wl4Rh0Ysg5uvOUgvhwYNE=|a7AT66o/IRATyRf3fGvDyv6Rh3s= "
                                 "ssh-ed25519 a2V5MQ==\n";
    static const struct {
        const char *text, *host;
        asy_host_verdict verdict;
    } cases[] = {
        {"h ssh-ed25519 a2V5MQ==\n", "h", ASY_HOST_KNOWN},
        {"H ssh-ed25519 a2V5MQ== comment", "h", ASY_HOST_KNOWN},
        {"h ssh-ed25519 a2V5Mg==\n", "h", ASY_HOST_CHANGED},
        {"h ssh-rsa a2V5Mg==\nh ssh-ed25519 a2V5MQ==\r\n", "h", ASY_HOST_KNOWN},
        {"x,h ssh-ed25519 a2V5MQ==\n", "h", ASY_HOST_KNOWN},
        {"*.org ssh-ed25519 a2V5MQ==\n", "a.org", ASY_HOST_KNOWN},
        {"*.org,!a.org ssh-ed25519 a2V5MQ==\n", "a.org", ASY_HOST_UNKNOWN},
        {"[h]:2222 ssh-ed25519 a2V5MQ==\n", "[h]:2222", ASY_HOST_KNOWN},
        {"h ssh-ed25519 a2V5MQ==\n", "[h]:2222", ASY_HOST_UNKNOWN},
        {"[h]:22 ssh-ed25519 a2V5MQ==\n", "h", ASY_HOST_UNKNOWN},
        {"@revoked h ssh-ed25519 a2V5MQ==\nh ssh-ed25519 a2V5MQ==\n", "h", ASY_HOST_REVOKED},
        {"h ssh-ed25519 a2V5MQ==\n@revoked * ssh-ed25519 a2V5MQ==\n", "h", ASY_HOST_REVOKED},
        {"@cert-authority h ssh-ed25519 a2V5MQ==\n", "h", ASY_HOST_UNKNOWN},
        {"# h ssh-ed25519 a2V5MQ==\n\nh\nh ssh-ed25519\nh x !!!!\n", "h", ASY_HOST_UNKNOWN},
        {hashed, "example.org", ASY_HOST_KNOWN},
        {hashed, "example.com", ASY_HOST_UNKNOWN},
        {"|1|x", "h", ASY_HOST_UNKNOWN},
        {"", "h", ASY_HOST_UNKNOWN},
    };
    for (size_t i = 0; i < ASY_COUNT(cases); i++)
        cr_assert_eq(
            asy_known_hosts_check(asy_span_str(cases[i].text), cases[i].host, asy_span_str("key1")),
            cases[i].verdict, "%s", cases[i].text);
}

#define SUM   "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define HEAD  "Source: a\nVersion: 1-1\n"
#define SUMS  "Checksums-Sha256:\n " SUM " 0 a_1.orig.tar.xz\n " SUM " 7 a_1-1.debian.tar.xz\n"
#define BEGIN "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n"
#define END   "\n-----BEGIN PGP SIGNATURE-----\n\nabc\n-----END PGP SIGNATURE-----\n"

Test(source_spec, a_dsc_is_read_with_and_without_a_signature)
{
    static const char *const texts[] = {HEAD SUMS, BEGIN HEAD SUMS END,
                                        BEGIN "Binary: x,\n - y\n- -dash: 1\n" HEAD SUMS END,
                                        "\n" HEAD "Files:\n m 0 a_1.orig.tar.xz\n" SUMS "\n"};
    for (size_t i = 0; i < ASY_COUNT(texts); i++) {
        asy_dsc dsc = {0};
        ASY_ERROR_AUTO error = ASY_ERROR_INIT;
        cr_assert_eq(asy_dsc_parse(asy_span_str(texts[i]), &dsc, &error), ASY_OK, "%zu: %s", i,
                     error.message);
        asy_sha256 empty = asy_sha256_of((asy_span){0});
        cr_assert_str_eq(dsc.package, "a");
        cr_assert_str_eq(dsc.version, "1-1");
        cr_assert_eq(dsc.count, 2);
        cr_assert_str_eq(dsc.files[1].name, "a_1-1.debian.tar.xz");
        cr_assert_eq(dsc.files[1].size, 7);
        cr_assert(asy_sha256_eq(&dsc.files[0].sha256, &empty));
        asy_dsc_free(&dsc);
    }
}

Test(source_spec, a_dsc_that_could_be_read_in_two_ways_is_refused)
{
    static const char *const texts[] = {
        "",
        HEAD,
        SUMS,
        HEAD "Checksums-Sha256:\n " SUM " 0 ../a\n",
        HEAD "Checksums-Sha256:\n " SUM " 0 .a\n",
        HEAD "Checksums-Sha256:\n " SUM " 0 a b\n",
        HEAD "Checksums-Sha256:\n " SUM " -1 a\n",
        HEAD "Checksums-Sha256:\n " SUM " 99999999999999999999x a\n",
        HEAD "Checksums-Sha256:\n abc 0 a\n",
        HEAD "Checksums-Sha256:\n " SUM " 0 a\n " SUM " 1 a\n",
        HEAD SUMS "Files:\n m 0 unchecked.tar.xz\n",
        HEAD SUMS "source: b\n",
        HEAD SUMS "\nSource: b\n",
        HEAD SUMS "no field\n",
        HEAD SUMS BEGIN HEAD SUMS END,
        BEGIN HEAD SUMS END "Source: b\n",
        BEGIN HEAD SUMS,
        BEGIN HEAD SUMS "-----BEGIN PGP SIGNATURE-----\n",
        HEAD SUMS END,
    };
    for (size_t i = 0; i < ASY_COUNT(texts); i++) {
        asy_dsc dsc = {0};
        ASY_ERROR_AUTO error = ASY_ERROR_INIT;
        cr_assert_eq(asy_dsc_parse(asy_span_str(texts[i]), &dsc, &error), ASY_E_FORMAT, "%zu: %s",
                     i, texts[i]);
        cr_assert_null(dsc.files);
    }
    asy_dsc dsc = {0};
    cr_assert_eq(asy_dsc_parse((asy_span){(const uint8_t *)"a\0b", 3}, &dsc, NULL), ASY_E_FORMAT);
}

Test(source_spec, a_record_and_an_error_survive_the_way_between_processes)
{
    asy_source_file file = {.name = (char[]){"f\xff"}, .size = UINT64_MAX};
    asy_source_module module = {(char[]){"p"}, (char[]){""}, (char[]){"c"}};
    asy_source in = {.kind = ASY_SOURCE_DSC,
                     .status = ASY_SOURCE_MISMATCH,
                     .url = (char[]){"u"},
                     .epoch = -5,
                     .files = &file,
                     .file_count = 1,
                     .modules = &module,
                     .module_count = 1,
                     .mtimes_total = 3};
    ASY_BUF_AUTO bytes = ASY_BUF_INIT;
    asy_wire_put_source(&bytes, &in);
    for (size_t cut = 0; cut <= bytes.len; cut++) {
        asy_source out = {0};
        bool whole = asy_wire_get_source(asy_span_sub(asy_buf_span(&bytes), 0, cut), &out);
        cr_assert_eq(whole, cut == bytes.len);
        if (whole) {
            cr_assert_eq(out.status, ASY_SOURCE_MISMATCH);
            cr_assert_str_eq(out.files[0].name, "f\xff");
            cr_assert_eq(out.files[0].size, UINT64_MAX);
            cr_assert_str_eq(out.modules[0].url, "");
            cr_assert_null(out.commit);
            cr_assert_eq(out.epoch, -5);
            cr_assert_eq(out.mtimes_total, 3);
        }
        asy_source_free(&out);
    }
    ASY_ERROR_AUTO error = ASY_ERROR_INIT, back = ASY_ERROR_INIT;
    ASY_BUF_AUTO trouble = ASY_BUF_INIT;
    asy_error_set(&error, ASY_E_LIMIT, "much");
    asy_wire_put_error(&trouble, &error);
    cr_assert(asy_wire_get_error(asy_buf_span(&trouble), &back));
    cr_assert_eq(back.code, ASY_E_LIMIT);
    cr_assert_str_eq(back.message, "much");
    cr_assert_not(asy_wire_get_error(asy_span_str("nonsense"), &back));
}
