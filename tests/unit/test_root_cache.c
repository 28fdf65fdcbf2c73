/* SPDX-License-Identifier: Apache-2.0 */
/* A root is what its digest says; an entry of the cache is whole or not there, whoever is killed. */
#include "root/inner.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utime.h>

typedef struct bench {
    char dir[40];
    char cache[64];
    asy_idmap map;
    asy_root_request request;
    asy_error error;
} bench;

static void start(bench *b)
{
    *b = (bench){.dir = "/tmp/assay-root.XXXXXX"};
    cr_assert(mkdtemp(b->dir));
    chmod(b->dir, 0755);
    snprintf(b->cache, sizeof(b->cache), "%s/cache", b->dir);
    cr_assert_eq(mkdir(b->cache, 0755), 0);
    b->map = (asy_idmap){geteuid(), getegid(), 100000, 100000, false};
    b->request = (asy_root_request){.cache_dir = b->cache, .map = &b->map, .log_fd = -1};
}

static void stop(bench *b)
{
    asy_error_clear(&b->error);
    asy_idmap_remove_tree(&b->map, b->dir, NULL);
}

static char *at(const bench *b, const char *name)
{
    static char paths[4][256];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof(paths[0]), "%s/%s", b->dir, name);
    return path;
}

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

static void put(const bench *b, const char *name, const char *text)
{
    char *path = at(b, name), *slash = strrchr(path, '/');
    *slash = '\0';
    cr_assert_eq(asy_make_dirs(path, 0755, NULL), ASY_OK);
    *slash = '/';
    cr_assert_eq(asy_write_file(path, asy_span_str(text), 0644, NULL), ASY_OK);
}

/* ---- the digest of a folder ---------------------------------------------------------------------- */

static void make_tree(const bench *b, const char *name)
{
    char path[64];
    snprintf(path, sizeof(path), "%s/b/file", name);
    put(b, path, "content");
    snprintf(path, sizeof(path), "%s/a", name);
    put(b, path, "other");
    snprintf(path, sizeof(path), "%s/link", name);
    cr_assert_eq(symlink("b/file", at(b, path)), 0);
}

static void digest_of(const bench *b, const char *name, char out[ASY_SHA256_HEX + 1])
{
    cr_assert_eq(asy_root_listing_digest(at(b, name), &b->map, out, NULL), ASY_OK);
}

Test(root_listing, the_same_tree_has_the_same_digest_whenever_and_wherever)
{
    bench b;
    char one[ASY_SHA256_HEX + 1], two[ASY_SHA256_HEX + 1];
    start(&b);
    make_tree(&b, "one");
    put(&b, "two/b/file", "content");
    cr_assert_eq(symlink("b/file", at(&b, "two/link")), 0);
    put(&b, "two/a", "other");
    cr_assert_eq(utime(at(&b, "two/a"), &(struct utimbuf){1, 1}), 0);
    digest_of(&b, "one", one);
    digest_of(&b, "two", two);
    cr_expect_str_eq(one, two);
    stop(&b);
}

Test(root_listing, every_change_that_a_build_could_see_changes_it)
{
    /* What is done to the tree, as a shell command. */
    static const char *const changes[] = {
        "printf contend >b/file",
        "chmod 755 a",
        "chmod u+s a",
        "ln -sfn b/fil link",
        "mv a aa",
        "rm link",
        "mkdir c",
        "chmod 700 b",
        "ln -sfn 'b/file ' link",
        "mkfifo p",
        "mv b/file b/x && mv a b/file && mv b/x a",
        "rm link && printf b/file >link",
    };
    bench b;
    char before[ASY_SHA256_HEX + 1], after[ASY_SHA256_HEX + 1], command[256];
    start(&b);
    for (size_t i = 0; i < ASY_COUNT(changes); i++) {
        make_tree(&b, "tree");
        digest_of(&b, "tree", before);
        snprintf(command, sizeof(command), "cd %s && %s", at(&b, "tree"), changes[i]);
        cr_assert_eq(system(command), 0);
        digest_of(&b, "tree", after);
        cr_expect_str_neq(before, after, "%s", changes[i]);
        asy_remove_tree(AT_FDCWD, at(&b, "tree"), NULL);
    }
    stop(&b);
}

Test(root_listing, owners_count_as_they_are_inside)
{
    bench b;
    char one[ASY_SHA256_HEX + 1], two[ASY_SHA256_HEX + 1];
    start(&b);
    make_tree(&b, "tree");
    digest_of(&b, "tree", one);
    b.map.root_uid = 77777; /* the files' owner is then nobody inside */
    digest_of(&b, "tree", two);
    cr_expect_str_neq(one, two);
    stop(&b);
}

/* ---- entries ------------------------------------------------------------------------------------- */

static char digest_a[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
static char digest_b[] = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

/* An entry as a debian: root leaves it. */
static char *publish(bench *b, const char *spec, const char *digest)
{
    ASY_AUTO_FREE char *dir = NULL, *fs = NULL;
    ASY_BUF_AUTO record = ASY_BUF_INIT;
    char *entry = asy_root_entry(&b->request, digest);
    b->request.spec = spec;
    cr_assert_eq(asy_root_temporary(&b->request, "key", &dir, &b->error), ASY_OK, "%s",
                 b->error.message);
    cr_assert_eq(asy_root_make_inner(&b->map, dir, "fs", &fs, NULL), ASY_OK);
    asy_root_record_write(&b->request, digest, &record);
    cr_assert_not(asy_root_entry_ready(entry));
    cr_assert_eq(asy_root_publish(&b->request, dir, entry, asy_buf_span(&record), NULL), ASY_OK);
    return entry;
}

static void lock(bench *b, int *fd)
{
    cr_assert_eq(asy_root_lock(&b->request, "key", fd, &b->error), ASY_OK, "%s", b->error.message);
}

Test(root_cache, what_a_killed_run_left_is_gone_before_the_next_one_starts)
{
    bench b;
    start(&b);
    ASY_AUTO_CLOSE int fd = -1;
    ASY_AUTO_FREE char *dir = NULL, *again = NULL;
    lock(&b, &fd);
    cr_assert_eq(asy_root_temporary(&b.request, "key", &dir, NULL), ASY_OK);
    put(&b, "cache/roots/tmp-key/fs/half", "x");
    cr_assert_eq(asy_root_temporary(&b.request, "key", &again, NULL), ASY_OK);
    cr_expect_not(exists(at(&b, "cache/roots/tmp-key/fs")));
    stop(&b);
}

Test(root_cache, an_entry_is_whole_and_the_second_maker_gives_way)
{
    bench b;
    start(&b);
    ASY_AUTO_CLOSE int fd = -1;
    lock(&b, &fd);
    ASY_AUTO_FREE char *entry = publish(&b, "debian:x", digest_a);
    cr_expect(asy_root_entry_ready(entry));
    put(&b, "cache/roots/tmp-key/record.json", "{}");
    cr_expect_eq(asy_root_publish(&b.request, at(&b, "cache/roots/tmp-key"), entry,
                                  asy_span_str("{}"), &b.error),
                 ASY_OK, "%s", b.error.message);
    cr_expect_not(exists(at(&b, "cache/roots/tmp-key")));
    cr_expect_eq(asy_root_record_check(entry, &b.map, NULL), ASY_OK);
    b.map.first_uid++;
    cr_expect_eq(asy_root_record_check(entry, &b.map, NULL), ASY_E_INFRA);
    stop(&b);
}

static void age(const char *entry)
{
    ASY_AUTO_FREE char *record = asy_path_join(entry, "record.json");
    time_t old = time(NULL) - 7200;
    cr_assert_eq(utime(record, &(struct utimbuf){old, old}), 0);
}

Test(root_cache, a_sweep_takes_only_what_nobody_needs)
{
    bench b;
    start(&b);
    int fd = -1;
    asy_root_hold *hold = NULL;
    lock(&b, &fd);
    ASY_AUTO_FREE char *a = publish(&b, "debian:x", digest_a),
                       *other = publish(&b, "tar:x", digest_b);
    age(other);
    asy_root_sweep(&b.request);
    cr_expect(asy_root_entry_ready(a), "too young");
    age(a);
    cr_assert_eq(asy_root_hold_entry(a, &hold, NULL), ASY_OK);
    asy_root_sweep(&b.request);
    cr_expect(asy_root_entry_ready(a), "held");
    asy_root_hold_free(hold);
    asy_root_name name = {.made = time(NULL)};
    memcpy(name.digest, digest_a, sizeof(name.digest));
    cr_assert_eq(asy_root_name_write(b.cache, "suite", &name, NULL), ASY_OK);
    asy_root_sweep(&b.request);
    cr_expect(asy_root_entry_ready(a), "named");
    memcpy(name.digest, digest_b, sizeof(name.digest));
    cr_assert_eq(asy_root_name_write(b.cache, "suite", &name, NULL), ASY_OK);
    put(&b, "cache/roots/tmp-dead/x", "");
    put(&b, "cache/roots/tmp-key/x", "");
    asy_root_sweep(&b.request);
    cr_expect_not(exists(a), "nobody needs it");
    cr_expect(asy_root_entry_ready(other), "not of a suite");
    cr_expect_not(exists(at(&b, "cache/roots/tmp-dead")), "its maker is dead");
    cr_expect(exists(at(&b, "cache/roots/tmp-key")), "its maker lives");
    close(fd);
    stop(&b);
}

Test(root_cache, a_name_or_resolution_that_is_not_whole_is_none)
{
    static const char *const broken[] = {
        "", "{", "[]", "{}", "{\"digest\": 7}", "{\"digest\": \"../../etc\", \"layer\": \"../x\"}"};
    bench b;
    asy_root_name name = {.made = 5};
    char layer[ASY_SHA256_HEX + 1];
    start(&b);
    memcpy(name.digest, digest_a, sizeof(name.digest));
    cr_assert_eq(asy_root_name_write(b.cache, "n", &name, NULL), ASY_OK);
    name = (asy_root_name){.made = 0};
    cr_expect(asy_root_name_read(b.cache, "n", &name));
    cr_expect_str_eq(name.digest, digest_a);
    cr_expect_eq(name.made, 5);
    cr_assert_eq(asy_root_resolved_write(b.cache, "r", digest_b, NULL), ASY_OK);
    cr_expect(asy_root_resolved_read(b.cache, "r", layer));
    cr_expect_str_eq(layer, digest_b);
    cr_assert_eq(asy_root_resolved_write(b.cache, "r", "", NULL), ASY_OK);
    cr_expect(asy_root_resolved_read(b.cache, "r", layer), "nothing to install is an answer too");
    cr_expect_str_eq(layer, "");
    for (size_t i = 0; i < ASY_COUNT(broken); i++) {
        put(&b, "cache/roots/by-name/n.json", broken[i]);
        put(&b, "cache/resolved/r.json", broken[i]);
        cr_expect_not(asy_root_name_read(b.cache, "n", &name), "%s", broken[i]);
        cr_expect_not(asy_root_resolved_read(b.cache, "r", layer), "%s", broken[i]);
    }
    stop(&b);
}

/* ---- opening ------------------------------------------------------------------------------------- */

Test(root_open, a_spec_that_means_nothing_is_refused)
{
    static const char *const specs[] = {
        "",           "hosts",          "debian",     "debian:",      "debian:../x",
        "debian:Sid", "debian:-x",      "debian:a b", "ubuntu:noble", "tar:",
        "dir:",       "debian:.hidden", "debian:x;y", "host:",        "debian:--foo",
    };
    bench b;
    asy_root root;
    start(&b);
    for (size_t i = 0; i < ASY_COUNT(specs); i++) {
        b.request.spec = specs[i];
        cr_expect_eq(asy_root_open(&b.request, &root, &b.error), ASY_E_USAGE, "%s", specs[i]);
        cr_expect(b.error.hint, "%s", specs[i]);
        asy_error_clear(&b.error);
    }
    stop(&b);
}

Test(root_open, the_host_has_no_digest_and_no_packages)
{
    bench b;
    asy_root root;
    ASY_BUF_AUTO text = ASY_BUF_INIT;
    start(&b);
    b.request.spec = "host";
    cr_assert_eq(asy_root_open(&b.request, &root, NULL), ASY_OK);
    cr_expect_null(root.digest);
    cr_expect_eq(root.lower_count + root.package_count, 0);
    cr_expect_not(root.debian);
    asy_json *json = asy_json_new(&text);
    asy_root_json(&root, json, NULL);
    asy_json_free(json);
    cr_expect_str_eq(text.ptr, "{\n  \"spec\": \"host\",\n  \"digest\": null,\n  \"layer\": null,\n"
                               "  \"packages\": []\n}\n");
    asy_root_free(&root);
    stop(&b);
}

static const char status[] = "Package: x\nStatus: install ok installed\nVersion: 1\n"
                             "Architecture: all\n";

Test(root_open, a_folder_is_used_as_it_is_and_its_links_stay_inside)
{
    bench b;
    asy_root root;
    char spec[128];
    start(&b);
    put(&b, "tree/usr/bin/apt-get", "");
    put(&b, "tree/var/lib/dpkg/status", status);
    snprintf(spec, sizeof(spec), "dir:%s", at(&b, "tree"));
    b.request.spec = spec;
    cr_assert_eq(asy_root_open(&b.request, &root, &b.error), ASY_OK, "%s", b.error.message);
    cr_expect(root.debian);
    cr_expect_eq(root.package_count, 1);
    cr_expect_str_eq(root.lower[0], at(&b, "tree"));
    asy_root_free(&root);
    /* /var as a link to the host's own: dpkg's list there is not the root's. */
    asy_remove_tree(AT_FDCWD, at(&b, "tree/var"), NULL);
    cr_assert_eq(symlink("/var", at(&b, "tree/var")), 0);
    cr_assert_eq(asy_root_open(&b.request, &root, &b.error), ASY_OK, "%s", b.error.message);
    cr_expect_eq(root.package_count, 0);
    cr_expect_not(root.debian);
    asy_root_free(&root);
    stop(&b);
}

/* A root's tarball with a small tree, and a map that a sandbox can be made with. */
static void start_archive(bench *b, char spec[static 128])
{
    char command[512];
    start(b);
    if (asy_idmap_choose(&b->map, NULL) < 0) {
        stop(b);
        cr_skip_test("no sandbox on this machine");
    }
    put(b, "tree/var/lib/dpkg/status", status);
    put(b, "tree/dev/null", "not a device");
    snprintf(command, sizeof(command), "tar -C %s/tree --owner=5 --group=6 -cf %s/root.tar .",
             b->dir, b->dir);
    cr_assert_eq(system(command), 0);
    snprintf(spec, 128, "tar:%s/root.tar", b->dir);
    b->request.spec = spec;
}

Test(root_archive, it_is_unpacked_once_with_its_owners_and_without_devices)
{
    bench b;
    asy_root root;
    char spec[128], path[256];
    struct stat st;
    start_archive(&b, spec);
    cr_assert_eq(asy_root_open(&b.request, &root, &b.error), ASY_OK, "%s", b.error.message);
    cr_expect_eq(root.package_count, 1);
    snprintf(path, sizeof(path), "%s/var/lib/dpkg/status", root.lower[0]);
    cr_expect_eq(stat(path, &st), 0);
    cr_expect_eq(st.st_uid, b.map.first_uid + 4);
    cr_expect_eq(st.st_gid, b.map.first_gid + 5);
    snprintf(path, sizeof(path), "%s/dev/null", root.lower[0]);
    cr_expect_not(exists(path));
    asy_root_free(&root);
    /* The second time nothing is started: the archive's digest is enough. */
    snprintf(path, sizeof(path), "%s/roots", b.cache);
    chmod(path, 0500);
    cr_expect_eq(asy_root_open(&b.request, &root, &b.error), ASY_OK, "%s", b.error.message);
    asy_root_free(&root);
    chmod(path, 0700);
    stop(&b);
}

Test(root_archive, a_file_that_is_no_archive_is_said_to_be_none)
{
    bench b;
    asy_root root;
    char spec[128];
    start_archive(&b, spec);
    put(&b, "root.tar", "this is no tar archive, and it is long enough to be looked at\n");
    cr_expect_eq(asy_root_open(&b.request, &root, &b.error), ASY_E_INFRA);
    cr_expect(strstr(b.error.message, "tar"), "%s", b.error.message);
    cr_expect_not(exists(at(&b, "cache/roots/tmp-key")));
    stop(&b);
}

Test(root_archive, killed_at_any_time_it_leaves_no_broken_entry, .timeout = 60)
{
    enum { ROUNDS = 12, STEP_US = 4000 };
    bench b;
    asy_root root;
    char spec[128];
    start_archive(&b, spec);
    for (int i = 0; i < ROUNDS; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            asy_root child;
            _exit(asy_root_open(&b.request, &child, NULL) == ASY_OK ? 0 : 1);
        }
        usleep((useconds_t)(i * STEP_US));
        kill(pid, SIGKILL);
        cr_assert_eq(waitpid(pid, NULL, 0), pid);
        cr_assert_eq(asy_root_open(&b.request, &root, &b.error), ASY_OK, "round %d: %s", i,
                     b.error.message);
        cr_expect_eq(root.package_count, 1, "round %d", i);
        asy_root_free(&root);
        char command[256];
        snprintf(command, sizeof(command), "ls -d %s/roots/tmp-* 2>/dev/null", b.cache);
        cr_expect_neq(system(command), 0, "round %d", i);
        /* So that the next round makes it again. */
        asy_idmap_remove_tree(&b.map, at(&b, "cache/roots"), NULL);
    }
    stop(&b);
}

Test(root_deps, a_root_without_apt_takes_no_packages)
{
    bench b;
    asy_root root;
    start(&b);
    b.request.spec = "host";
    cr_assert_eq(asy_root_open(&b.request, &root, NULL), ASY_OK);
    cr_expect_eq(asy_root_add_build_deps(&b.request, b.dir, &root, NULL), ASY_E_USAGE);
    asy_root_free(&root);
    stop(&b);
}
