/* SPDX-License-Identifier: Apache-2.0 */
/* What the caller asked for is what the command gets, and what it left is what the caller gets. */
#include "test_sandbox_support.h"

#include "io/io.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static void set_times(const char *path, time_t seconds, long nanoseconds)
{
    const struct timespec times[2] = {{seconds, nanoseconds}, {seconds, nanoseconds}};
    cr_assert_eq(utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW), 0);
}

SANDBOX_TEST(sandbox_run, passes_on_how_the_command_ended)
{
    box_sh(box, "exit 7");
    cr_assert(box->result.exited);
    cr_assert_eq(box->result.exit_code, 7);
    cr_assert_null(box->result.limit_hit);
    box_sh(box, "kill -SEGV $$");
    cr_assert_not(box->result.exited);
    cr_assert_eq(box->result.signal, 11);
    box->argv[0] = "/nowhere/cc";
    cr_assert_eq(box_run(box), ASY_E_NOT_FOUND);
    cr_assert_str_eq(box->error.path, "/nowhere/cc");
    box->argv[0] = "/etc/passwd";
    cr_assert_eq(box_run(box), ASY_E_INFRA, "not a program");
    box->argv[0] = "cc";
    cr_assert_eq(box_run(box), ASY_E_USAGE, "not absolute");
}

SANDBOX_TEST(sandbox_run, gives_the_environment_and_nothing_else)
{
    static const char *const env[] = {"B=2 3", "A=\303\274", "EMPTY=", NULL};
    cr_assert_eq(setenv("SECRET_TOKEN", "of the caller", 1), 0);
    box->spec.env = env;
    box->spec.hostname = "buildhost";
    box->argv[0] = "/usr/bin/env";
    box_run(box);
    cr_assert(box_ok(box));
    cr_assert_str_eq(box->log.ptr, "B=2 3\nA=\303\274\nEMPTY=\n");
    box->spec.cwd = "/build/deep/er";
    box_sh(box, "pwd; umask; id -u; id -un; uname -n; ulimit -c; readlink /proc/self/fd/0;"
                "test -w . && test -w .. && echo mine");
    cr_assert_str_eq(box->log.ptr,
                     "/build/deep/er\n0022\n1000\nbuilder\nbuildhost\n0\n/dev/null\nmine\n");
}

static void check_setup(const test_box *box)
{
    cr_assert_gt(box->result.setup_seconds, 0.0005);
    cr_assert_lt(box->result.setup_seconds, 2);
    cr_assert_lt(box->result.seconds, 2);
}

static void count_tick(void *context, double seconds)
{
    unsigned *count = context;
    cr_assert_geq(seconds, 0);
    ++*count;
}

SANDBOX_TEST(sandbox_run, keeps_the_caller_informed)
{
    unsigned count = 0;
    box->spec.tick = count_tick;
    box->spec.tick_context = &count;
    box_sh(box, "sleep 0.55");
    cr_assert(box_ok(box));
    cr_assert_geq(count, 3);
    cr_assert_leq(count, 9);
    cr_assert_geq(box->result.seconds, 0.5);
    check_setup(box);
    cr_assert_str_eq(box->result.holders.seconds, "supervision");
    cr_assert_neq(strcmp(box->result.holders.processes, "none"), 0);
}

static void make_source(test_box *box)
{
    static char source[256];
    snprintf(source, sizeof(source), "%s", box_path(box, "src"));
    cr_assert_eq(asy_make_dirs(box_path(box, "src/sub/empty"), 0755, NULL), ASY_OK);
    box_write(box, "src/sub/private", "for the owner\n");
    box_write(box, "src/run", "#!/bin/sh\n");
    cr_assert_eq(chmod(box_path(box, "src/sub/private"), 0600), 0);
    cr_assert_eq(chmod(box_path(box, "src/run"), 04751), 0);
    cr_assert_eq(symlink("sub/../../../etc/passwd", box_path(box, "src/link")), 0);
    cr_assert_eq(chmod(box_path(box, "src/sub"), 0750), 0);
    set_times(box_path(box, "src/link"), 100000003, 5);
    set_times(box_path(box, "src/run"), 100000000, 123456789);
    set_times(box_path(box, "src/sub/private"), 100000001, 0);
    set_times(box_path(box, "src/sub/empty"), 100000004, 0);
    set_times(box_path(box, "src/sub"), 100000002, 1);
    box->copies[0] = (asy_sandbox_copy){source, "/build/pkg/src"};
    box->spec.copy_count = 1;
    box->spec.cwd = "/build/pkg/src";
}

SANDBOX_TEST(sandbox_run, copies_in_with_times_modes_and_links)
{
    make_source(box);
    /* What nobody else may read, whoever owns it. */
    cr_assert_eq(chmod(box->dir, 0700), 0);
    box_sh(box, "TZ=UTC0 stat -c '%n %a %U %.9Y %F' run sub sub/private sub/empty link;"
                "cat sub/private; readlink link; echo more >>sub/private && rm run");
    cr_assert(box_ok(box));
    cr_assert_str_eq(box->log.ptr, "run 4751 builder 100000000.123456789 regular file\n"
                                   "sub 750 builder 100000002.000000001 directory\n"
                                   "sub/private 600 builder 100000001.000000000 regular file\n"
                                   "sub/empty 755 builder 100000004.000000000 directory\n"
                                   "link 777 builder 100000003.000000005 symbolic link\n"
                                   "for the owner\nsub/../../../etc/passwd\n");
    cr_assert_eq(access(box_path(box, "src/run"), F_OK), 0, "the source stays as it was");
}

SANDBOX_TEST(sandbox_run, says_which_copy_cannot_be_made)
{
    make_source(box);
    cr_assert_eq(mkfifo(box_path(box, "src/sub/pipe"), 0644), 0);
    cr_assert_eq(box_sh(box, "true"), ASY_E_INFRA);
    cr_assert_not_null(strstr(box->error.path, "/src/sub/pipe"));
    cr_assert_eq(unlink(box_path(box, "src/sub/pipe")), 0);
    cr_assert_eq(truncate(box_path(box, "src/run"), 64 << 20), 0);
    box->spec.limits.disk = 16 << 20;
    cr_assert_eq(box_sh(box, "true"), ASY_E_INFRA);
    cr_assert_not_null(strstr(box->error.hint, "disk limit"), "%s", box->error.hint);
    box->copies[0].source = "/nowhere";
    cr_assert_eq(box_sh(box, "true"), ASY_E_INFRA);
    box->copies[0].target = "/build/../etc/x";
    cr_assert_eq(box_sh(box, "true"), ASY_E_USAGE);
}

SANDBOX_TEST(sandbox_run, the_order_of_a_folder_does_not_depend_on_the_source)
{
    static const char *const names[] = {"k", "b", "j", "d", "a", "g", "c", "i", "e", "h", "f"};
    static char source[256];
    snprintf(source, sizeof(source), "%s", box_path(box, "src"));
    cr_assert_eq(mkdir(source, 0755), 0);
    for (size_t i = 0; i < ASY_COUNT(names); i++) {
        ASY_AUTO_FREE char *path = asy_path_join(source, names[i]);
        cr_assert_eq(asy_write_file(path, asy_span_str("x"), 0644, NULL), ASY_OK);
    }
    box->copies[0] = (asy_sandbox_copy){source, "/build/s"};
    box->spec.copy_count = 1;
    box_sh(box, "mkdir /build/t; for f in a b c d e f g h i j k; do echo x >/build/t/$f; done;"
                "test \"$(ls -U /build/s)\" = \"$(ls -U /build/t)\"");
    cr_assert(box_ok(box), "as if made in the order of their names");
}

static void collect(test_box *box, const char *const *globs)
{
    static char out[256];
    snprintf(out, sizeof(out), "%s", box_path(box, "out"));
    asy_remove_tree(AT_FDCWD, out, NULL);
    cr_assert_eq(mkdir(out, 0755), 0);
    box->spec.collect_root = "/build";
    box->spec.collect_globs = globs;
    box->spec.collect_dir = out;
}

SANDBOX_TEST(sandbox_run, collects_what_matches)
{
    static const char *const globs[] = {"*.deb", "sub/*.txt", NULL};
    struct stat st;
    collect(box, globs);
    box_sh(box, "mkdir -p sub/deep; echo deb >a.deb; echo txt >sub/b.txt; echo no >sub/c.deb;"
                "echo no >sub/deep/d.txt; ln -s /etc/passwd e.deb; ln -s sub links; mkfifo f.deb;"
                "mkdir g.deb; touch -d @100000000.5 a.deb; chmod 4755 sub/b.txt");
    cr_assert(box_ok(box));
    cr_assert_eq(box->result.collected, 2);
    cr_assert_eq(stat(box_path(box, "out/a.deb"), &st), 0);
    cr_assert_eq(st.st_mtim.tv_sec, 100000000);
    cr_assert_eq(st.st_mtim.tv_nsec, 500000000);
    cr_assert_eq(st.st_uid, geteuid());
    cr_assert_eq(stat(box_path(box, "out/b.txt"), &st), 0);
    cr_assert_eq(st.st_mode & 07777, 0755, "no set-user-id bit leaves the sandbox");
    cr_assert_neq(access(box_path(box, "out/e.deb"), F_OK), 0);
    cr_assert_neq(access(box_path(box, "out/c.deb"), F_OK), 0);
}

SANDBOX_TEST(sandbox_run, collects_nothing_doubtful)
{
    static const char *const globs[] = {"*/x.deb", NULL};
    collect(box, globs);
    cr_assert_eq(box_sh(box, "mkdir a b; echo 1 >a/x.deb; echo 2 >b/x.deb"), ASY_E_USAGE);
    cr_assert_str_eq(box->error.path, "x.deb");
    collect(box, globs);
    box_sh(box, "mkdir a; echo 1 >a/x.deb; exit 1");
    cr_assert_eq(box->result.collected, 0, "a build that failed has no outputs");
    collect(box, globs);
    cr_assert_eq(box_sh(box, "mkdir a; truncate -s 1T a/x.deb"), ASY_E_LIMIT, "a sparse giant");
    collect(box, globs);
    cr_assert_eq(box_sh(box, "rm -rf /build/*; mkdir a; ln -s /usr/bin /build/l; exit 0"), ASY_OK);
    cr_assert_eq(box->result.collected, 0);
    box->spec.collect_root = "/build/l";
    cr_assert_eq(box_sh(box, "ln -s ../usr/bin /build/l"), ASY_E_BUILD, "a root that is a link");
}

SANDBOX_TEST(sandbox_run, what_builds_do_works)
{
    /* cp -a, set-user-id bits, groups, pseudo-terminals, threads, semaphores, fakeroot. */
    box_sh(box, "set -e; echo a >f; chmod 4755 f; cp -a f g; test \"$(stat -c %a g)\" = 4755;"
                "mkdir d; chmod 2775 d; chgrp 1000 d; test -c /dev/ptmx; echo x >/dev/shm/s;"
                "echo >/dev/null; head -c 4 /dev/urandom >/dev/null; test -d /proc/self/fd;"
                "script -qc 'test -t 0' /dev/null </dev/null || test ! -x /usr/bin/script;"
                "if [ -x /usr/bin/fakeroot ]; then"
                "  fakeroot sh -ec 'chown 0:5 f; test \"$(stat -c %u:%g f)\" = 0:5';"
                "fi");
    cr_assert(box_ok(box));
}

SANDBOX_TEST(sandbox_run, compiles_a_program)
{
    box_sh(box, "echo 'int main(void) { return 42; }' >x.c && cc -o x x.c && ./x");
    cr_assert_eq(box->result.exit_code, 42, "%s", box->log.ptr);
}

/* The host's network, when asked for; yet not its abstract sockets, where the kernel can. */
SANDBOX_TEST(sandbox_run, has_the_network_when_asked)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct sockaddr_un abstract = {.sun_family = AF_UNIX};
    socklen_t size = sizeof(address);
    char script[512];
    int inet = socket(AF_INET, SOCK_STREAM, 0), local = socket(AF_UNIX, SOCK_STREAM, 0);
    int length = snprintf(abstract.sun_path + 1, 64, "assay-test-%d", getpid());
    size_t used = sizeof(abstract.sun_family) + 1 + (size_t)length;
    cr_assert_eq(bind(inet, (struct sockaddr *)&address, size), 0);
    cr_assert_eq(listen(inet, 1), 0);
    cr_assert_eq(getsockname(inet, (struct sockaddr *)&address, &size), 0);
    cr_assert_eq(bind(local, (struct sockaddr *)&abstract, (socklen_t)used), 0);
    cr_assert_eq(listen(local, 1), 0);
    snprintf(script, sizeof(script),
             "perl -MSocket -e 'socket(S, AF_INET, SOCK_STREAM, 0); connect(S, sockaddr_in(%d,"
             "inet_aton(\"127.0.0.1\"))) or die \"inet: $!\"; socket(U, AF_UNIX, SOCK_STREAM, 0);"
             "print connect(U, pack(\"Sxa*\", AF_UNIX, \"assay-test-%d\")) ? \"open\" : \"shut\"'"
             " && mkdir a b && touch a/f && mv a/f b/f && ln b/f a/g",
             ntohs(address.sin_port), getpid());
    box->spec.network = true;
    box_sh(box, script);
    cr_assert(box_ok(box));
    bool can_shut = syscall(SYS_landlock_create_ruleset, NULL, 0, 1) >= 6;
    cr_assert_str_eq(box->log.ptr, can_shut ? "shut" : "open");
    close(inet);
    close(local);
}

SANDBOX_TEST(sandbox_run, binds_are_read_only_unless_asked)
{
    static char given[256], taken[256];
    asy_sandbox_bind binds[] = {{given, "/mnt/given", false}, {taken, "/srv/deep/taken", true}};
    snprintf(given, sizeof(given), "%s", box_path(box, "given"));
    snprintf(taken, sizeof(taken), "%s", box_path(box, "taken"));
    cr_assert_eq(mkdir(given, 0755), 0);
    cr_assert_eq(mkdir(taken, 0777), 0);
    cr_assert_eq(chmod(taken, 0777), 0);
    box_write(box, "given/file", "seen\n");
    box->spec.binds = binds;
    box->spec.bind_count = 2;
    box_sh(box, "cat /mnt/given/file; echo x >/srv/deep/taken/new; ! echo x >/mnt/given/file");
    cr_assert(box_ok(box));
    cr_assert(box_logged(box, "seen\n"));
    cr_assert_eq(access(box_path(box, "taken/new"), F_OK), 0);
}

/* ---- roots that are folders ---------------------------------------------------------------------- */

static const char *make_root(test_box *box)
{
    static char root[256];
    static const char *const tools[] = {"sh", "ls", "cat", "rm", "mkdir", "id", "chown", "stat"};
    ASY_BUF_AUTO busybox = ASY_BUF_INIT;
    if (asy_read_file(AT_FDCWD, "/bin/busybox", 1 << 24, &busybox, NULL) < 0) {
        fprintf(stderr, "SKIP: sandbox roots: install the package busybox-static\n");
        cr_skip_test("no busybox");
    }
    snprintf(root, sizeof(root), "%s", box_path(box, "root"));
    cr_assert_eq(chmod(box->dir, 0755), 0);
    cr_assert_eq(asy_make_dirs(box_path(box, "root/bin"), 0755, NULL), ASY_OK);
    cr_assert_eq(asy_make_dirs(box_path(box, "root/etc"), 0755, NULL), ASY_OK);
    cr_assert_eq(
        asy_write_file(box_path(box, "root/bin/busybox"), asy_buf_span(&busybox), 0755, NULL),
        ASY_OK);
    box_write(box, "root/etc/passwd", "root:x:0:0::/root:/bin/sh\n");
    for (size_t i = 0; i < ASY_COUNT(tools); i++) {
        ASY_AUTO_FREE char *path = asy_asprintf("%s/bin/%s", root, tools[i]);
        cr_assert_eq(symlink("busybox", path), 0);
    }
    return root;
}

SANDBOX_TEST(sandbox_root, a_folder_stays_as_it_was)
{
    const char *root = make_root(box);
    box->spec.lower = &root;
    box->spec.lower_count = 1;
    box_sh(box, "id; ls /; ! echo x >/x; ! rm /bin/cat; echo y >/build/y; cat /etc/hosts");
    cr_assert(box_ok(box));
    cr_assert(box_logged(box, "uid=1000(builder)"));
    cr_assert(box_logged(box, "localhost"));
    box->spec.uid = 0;
    box_sh(box, "set -e; echo x >/x; rm /bin/cat; chown 5:7 /x; stat -c %u:%g /x /bin/busybox;"
                "test ! -e /bin/cat");
    cr_assert(box_ok(box));
    cr_assert_neq(access(box_path(box, "root/x"), F_OK), 0);
    cr_assert_eq(access(box_path(box, "root/bin/cat"), F_OK), 0);
    cr_assert_eq(access(box_path(box, "root/etc/passwd"), F_OK), 0);
    cr_assert_neq(access(box_path(box, "root/etc/hosts"), F_OK), 0);
    cr_assert(box_logged(box, "5:7\n0:0\n"), "owners are inside ones: %s", box->log.ptr);
}

SANDBOX_TEST(sandbox_root, a_layer_keeps_what_is_written)
{
    const char *root = make_root(box), *upper, *work;
    if (!box_layer(box, &upper, &work))
        return;
    const char *layers[] = {upper, root};
    box->spec.lower = &root;
    box->spec.lower_count = 1;
    box->spec.upper = upper;
    box->spec.work = work;
    box->spec.uid = 0;
    box_sh(box, "set -e; echo kept >/kept; chown 33:44 /kept; rm /bin/ls; echo temp >/tmp/x");
    cr_assert(box_ok(box));
    cr_assert_str_eq(box->result.holders.disk, "supervision");
    cr_assert_neq(access(box_path(box, "root/kept"), F_OK), 0);
    box->spec.upper = box->spec.work = NULL;
    box->spec.lower = layers;
    box->spec.lower_count = 2;
    box->spec.uid = ASY_BUILDER_UID;
    box_sh(box, "set -e; cat /kept; stat -c %u:%g /kept; test ! -e /bin/ls; test ! -e /tmp/x;"
                "echo mine >/build/x");
    cr_assert(box_ok(box));
    cr_assert_str_eq(box->log.ptr, "kept\n33:44\n");
}

SANDBOX_TEST(sandbox_root, a_layer_has_a_limit)
{
    const char *root = make_root(box), *upper, *work;
    if (!box_layer(box, &upper, &work))
        return;
    box->spec.lower = &root;
    box->spec.lower_count = 1;
    box->spec.upper = upper;
    box->spec.work = work;
    box->spec.uid = 0;
    box->spec.limits.disk = 16 << 20;
    box_sh(box, "busybox dd if=/dev/zero of=/big bs=1M count=40; busybox sleep 30");
    cr_assert_str_eq(box->result.limit_hit, "disk");
    cr_assert_lt(box->result.seconds, 10);
}

SANDBOX_TEST(sandbox_root, root_inside_has_few_powers)
{
    const char *root = make_root(box);
    box->spec.lower = &root;
    box->spec.lower_count = 1;
    box->spec.uid = 0;
    box_sh(box, "kill -9 1; busybox grep -E 'CapEff|CapBnd|NoNew|Seccomp:' /proc/self/status;"
                "for c in 'mount -t tmpfs t /mnt' 'mount -o remount,rw /proc/sys' 'umount /proc'"
                " 'unshare -m true' 'sysctl -w kernel.hostname=x' 'hostname x'"
                " 'ifconfig lo 10.0.0.1'; do busybox $c 2>/dev/null && echo $c; done; exit 0");
    cr_assert(box_ok(box));
    cr_assert_str_eq(box->log.ptr, "CapEff:\t00000000880401fb\nCapBnd:\t00000000880401fb\n"
                                   "NoNewPrivs:\t1\nSeccomp:\t2\n");
    box->spec.uid = 0;
    box_sh(box, "busybox chroot / /bin/id");
    cr_assert(box_ok(box), "package tools need chroot");
}
