/* SPDX-License-Identifier: Apache-2.0 */
#include "test_sandbox_support.h"

#include "io/io.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { OVERLAY_MAGIC = 0x794c7630 };

static void skip_loudly(const char *why)
{
    fprintf(stderr, "SKIP: sandbox tests: %s\n", why);
    cr_skip_test("%s", why);
}

static const char *const clean_env[] = {"PATH=/usr/bin:/bin", "HOME=/home/builder", "LC_ALL=C",
                                        NULL};

void box_open(test_box *box)
{
    *box = (struct test_box){.error = ASY_ERROR_INIT, .log = ASY_BUF_INIT};
    if (asy_idmap_choose(&box->map, &box->error) < 0) {
        ASY_AUTO_FREE char *why = asy_asprintf("%s (%s)", box->error.message, box->error.hint);
        skip_loudly(why);
    }
    snprintf(box->dir, sizeof(box->dir), "/tmp/assay-test-XXXXXX");
    cr_assert_not_null(mkdtemp(box->dir));
    box->spec = (asy_sandbox_spec){.argv = box->argv,
                                   .env = clean_env,
                                   .cwd = "/build",
                                   .uid = ASY_BUILDER_UID,
                                   .log_fd = -1,
                                   .copies = box->copies,
                                   .limits = {.seconds = 60,
                                              .memory = UINT64_C(1) << 30,
                                              .processes = 200,
                                              .disk = UINT64_C(256) << 20}};
}

void box_close(test_box *box)
{
    cr_assert_eq(asy_idmap_remove_tree(&box->map, box->dir, NULL), ASY_OK);
    cr_assert_neq(access(box->dir, F_OK), 0);
    asy_buf_free(&box->log);
    asy_error_clear(&box->error);
}

const char *box_path(const test_box *box, const char *name)
{
    static char paths[4][256];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof(paths[0]), "%s/%s", box->dir, name);
    return path;
}

void box_write(const test_box *box, const char *name, const char *text)
{
    cr_assert_eq(asy_write_file(box_path(box, name), asy_span_str(text), 0644, NULL), ASY_OK);
}

void box_add_probe(test_box *box)
{
    box->copies[box->spec.copy_count++] = (asy_sandbox_copy){"/proc/self/exe", PROBE};
}

int box_run(test_box *box)
{
    const char *path = box_path(box, "log");
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    cr_assert_geq(fd, 0);
    box->spec.log_fd = fd;
    asy_error_clear(&box->error);
    int rc = asy_sandbox_run(&box->map, &box->spec, &box->result, &box->error);
    close(fd);
    asy_buf_clear(&box->log);
    cr_assert_eq(asy_read_file(AT_FDCWD, path, 1 << 28, &box->log, NULL), ASY_OK);
    asy_buf_puts(&box->log, "");
    cr_assert_eq(unlink(path), 0);
    return rc;
}

int box_sh(test_box *box, const char *script)
{
    box->argv[0] = "/bin/sh";
    box->argv[1] = "-c";
    box->argv[2] = script;
    box->argv[3] = NULL;
    return box_run(box);
}

bool box_ok(const test_box *box)
{
    bool ok = !box->error.code && box->result.exited && box->result.exit_code == 0;
    if (!ok)
        fprintf(stderr, "error: %s [%s]; exit %d, signal %d, limit %s; log:\n%s\n",
                box->error.message ? box->error.message : "-",
                box->error.path ? box->error.path : "-", box->result.exit_code, box->result.signal,
                box->result.limit_hit ? box->result.limit_hit : "-",
                box->log.ptr ? box->log.ptr : "");
    return ok;
}

bool box_logged(const test_box *box, const char *text)
{
    return strstr(box->log.ptr, text) != NULL;
}

static void cover_file(const char *target, const char *text)
{
    char path[] = "/tmp/assay-test-subid-XXXXXX";
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    cr_assert_eq(asy_write_all(fd, asy_span_str(text), NULL), ASY_OK);
    cr_assert_eq(fchmod(fd, 0644), 0);
    if (access(target, F_OK) != 0)
        skip_loudly("no /etc/subuid or /etc/subgid");
    cr_assert_eq(mount(path, target, NULL, MS_BIND, NULL), 0);
    cr_assert_eq(unlink(path), 0);
    close(fd);
}

void become_user(void)
{
    const struct passwd *nobody = getpwnam("nobody");
    if (geteuid() != 0)
        skip_loudly("only root can play an ordinary user; the test beside this one ran as one");
    if (!nobody || access("/usr/bin/newuidmap", X_OK) != 0)
        skip_loudly("no user nobody, or no newuidmap: install the package uidmap");
    cr_assert_eq(unshare(CLONE_NEWNS), 0);
    cr_assert_eq(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
    cover_file("/etc/subuid", "nobody:3000000:65536\n");
    cover_file("/etc/subgid", "nobody:3000000:65536\n");
    cr_assert_eq(setgroups(0, NULL), 0);
    cr_assert_eq(setresgid(nobody->pw_gid, nobody->pw_gid, nobody->pw_gid), 0);
    cr_assert_eq(setresuid(nobody->pw_uid, nobody->pw_uid, nobody->pw_uid), 0);
    /* As a program has it that a user starts; newuidmap looks at who owns our /proc entries. */
    cr_assert_eq(prctl(PR_SET_DUMPABLE, 1), 0);
}

bool box_layer(test_box *box, const char **upper, const char **work)
{
    struct statfs fs;
    if (statfs(box->dir, &fs) == 0 && fs.f_type == OVERLAY_MAGIC) {
        fprintf(stderr, "SKIP: sandbox layers: /tmp is an overlay\n");
        return false;
    }
    static char folders[2][256];
    snprintf(folders[0], sizeof(folders[0]), "%s/layer/upper", box->dir);
    snprintf(folders[1], sizeof(folders[1]), "%s/layer/work", box->dir);
    *upper = folders[0];
    *work = folders[1];
    cr_assert_eq(asy_make_dirs(*upper, 0755, NULL), ASY_OK);
    cr_assert_eq(asy_make_dirs(*work, 0755, NULL), ASY_OK);
    cr_assert_eq(chmod(box->dir, 0755), 0);
    cr_assert_eq(chown(*upper, box->map.root_uid, box->map.root_gid), 0);
    cr_assert_eq(chown(*work, box->map.root_uid, box->map.root_gid), 0);
    return true;
}
