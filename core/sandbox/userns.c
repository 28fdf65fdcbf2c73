/* SPDX-License-Identifier: Apache-2.0 */
/* May we make namespaces, and if not, which setting forbids it; id maps. user_namespaces(7). */
#include "sandbox/inner.h"

#include "io/io.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SMALL_FILE = 1 << 16, TOOL_MESSAGE = 512 };

/* The first line of a file below /proc, or "" when there is none. */
static void read_setting(const char *path, char *out, size_t size)
{
    ASY_AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, out, size - 1) : -1;
    out[got > 0 ? got : 0] = 0;
    out[strcspn(out, "\n")] = 0;
}

/* After chroot(2) the root folder is not the root of the mount namespace, and the kernel refuses new
 * user namespaces. */
static bool in_chroot(void)
{
    struct stat own, first;
    if (stat("/", &own) == 0 && stat("/proc/1/root/", &first) == 0)
        return own.st_dev != first.st_dev || own.st_ino != first.st_ino;
    ASY_BUF_AUTO text = ASY_BUF_INIT;
    if (asy_read_file(AT_FDCWD, "/proc/self/mountinfo", 1 << 22, &text, NULL) < 0 || !text.ptr)
        return false;
    for (const char *at = text.ptr; at && *at; at = strchr(at, '\n'), at = at ? at + 1 : at) {
        char point[8] = "";
        if (sscanf(at, "%*s %*s %*s %*s %7s", point) == 1 && strcmp(point, "/") == 0)
            return false;
    }
    return true;
}

static int explain(int code, asy_error *error)
{
    char clone[32], most[32], apparmor[32];
    read_setting("/proc/sys/kernel/unprivileged_userns_clone", clone, sizeof(clone));
    read_setting("/proc/sys/user/max_user_namespaces", most, sizeof(most));
    read_setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", apparmor,
                 sizeof(apparmor));
    errno = code;
    asy_error_errno(error, ASY_E_INFRA, "this machine refuses user namespaces");
    if (in_chroot())
        return asy_error_hint(error, "inside a plain chroot user namespaces are refused; use "
                                     "pivot_root in a mount namespace, with a full /proc");
    if (geteuid() != 0 && strcmp(clone, "0") == 0)
        return asy_error_hint(error, "as root: sysctl kernel.unprivileged_userns_clone=1");
    if (strcmp(most, "0") == 0 || code == ENOSPC)
        return asy_error_hint(error, "user.max_user_namespaces is %s: raise it with sysctl",
                              most[0] ? most : "reached");
    if (geteuid() != 0 && strcmp(apparmor, "1") == 0)
        return asy_error_hint(error, "kernel.apparmor_restrict_unprivileged_userns is 1: set it to "
                                     "0 with sysctl, or give assay an AppArmor profile");
    return asy_error_hint(error, "the container (its seccomp or AppArmor profile) forbids them: "
                                 "allow unshare and mount in it, for example --security-opt "
                                 "seccomp=unconfined --security-opt apparmor=unconfined");
}

/* In a process of its own; returns an errno. AppArmor lets the namespace be made and then refuses
 * what one does with it, so a mount has to be tried as well. */
static int try_namespaces(void)
{
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
        return errno;
    return mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ? errno : 0;
}

int asy_userns_probe(asy_error *error)
{
    int status = 0;
    pid_t pid = fork();
    if (pid < 0)
        return asy_error_errno(error, ASY_E_INFRA, "cannot start a process");
    if (pid == 0)
        _exit(try_namespaces() & 0xff);
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return asy_error_errno(error, ASY_E_INFRA, "cannot wait for a process");
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return ASY_OK;
    return explain(WIFEXITED(status) ? WEXITSTATUS(status) : EPERM, error);
}

static int write_map(pid_t pid, const char *name, unsigned first, asy_error *error)
{
    char path[64], line[64];
    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    int length = snprintf(line, sizeof(line), "0 %u %d\n", first, ASY_IDMAP_COUNT);
    ASY_AUTO_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, line, (size_t)length) != length) {
        asy_error_errno(error, ASY_E_INFRA, "cannot map %d ids from %u on", ASY_IDMAP_COUNT, first);
        asy_error_path(error, path);
        return asy_error_hint(error, "root needs CAP_SETUID, CAP_SETGID and these ids; in a "
                                     "container allow them");
    }
    return ASY_OK;
}

static int tool_failed(const char *tool, int output, asy_error *error)
{
    char text[TOOL_MESSAGE];
    ssize_t got = read(output, text, sizeof(text) - 1);
    text[got > 0 ? got : 0] = 0;
    text[strcspn(text, "\n")] = 0;
    asy_error_set(error, ASY_E_INFRA, "%s refused the id map: %s", tool, text);
    return asy_error_hint(error, "install the package uidmap, and check this user's range in "
                                 "/etc/subuid and /etc/subgid");
}

/* newuidmap(1): pid inside outside count ... */
static int run_tool(const char *tool, pid_t pid, unsigned own, unsigned first, asy_error *error)
{
    char number[3][16], count[16];
    int output[2], status = 0;
    snprintf(number[0], sizeof(number[0]), "%d", (int)pid);
    snprintf(number[1], sizeof(number[1]), "%u", own);
    snprintf(number[2], sizeof(number[2]), "%u", first);
    snprintf(count, sizeof(count), "%d", ASY_IDMAP_COUNT - 1);
    if (pipe2(output, O_CLOEXEC) != 0)
        return asy_error_errno(error, ASY_E_INFRA, "cannot make a pipe");
    pid_t child = fork();
    if (child == 0) {
        dup2(output[1], STDERR_FILENO);
        execl(tool, tool, number[0], "0", number[1], "1", "1", number[2], count, (char *)NULL);
        _exit(127);
    }
    close(output[1]);
    ASY_AUTO_CLOSE int end = output[0];
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    if (child < 0)
        return asy_error_errno(error, ASY_E_INFRA, "cannot start %s", tool);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? ASY_OK : tool_failed(tool, end, error);
}

int asy_userns_write_maps(const asy_idmap *map, pid_t pid, asy_error *error)
{
    int rc;
    if (map->by_helper) {
        if ((rc = run_tool("/usr/bin/newuidmap", pid, map->root_uid, map->first_uid, error)) < 0)
            return rc;
        return run_tool("/usr/bin/newgidmap", pid, map->root_gid, map->first_gid, error);
    }
    if ((rc = write_map(pid, "uid_map", map->root_uid, error)) < 0)
        return rc;
    return write_map(pid, "gid_map", map->root_gid, error);
}

int asy_userns_become_root(asy_error *error)
{
    if (setresgid(0, 0, 0) != 0 || setgroups(0, NULL) != 0 || setresuid(0, 0, 0) != 0)
        return asy_error_errno(error, ASY_E_INFRA, "cannot become root of the user namespace");
    return ASY_OK;
}
