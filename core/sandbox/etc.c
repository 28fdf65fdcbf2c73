/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The /etc of the host root: what programs of /usr need to start (the loader's cache, alternatives)
 * and a few files that say the same on every machine. Nothing of it tells of the host's users.
 */
#include "sandbox/inner.h"

#include "io/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LOADER_FILE_LIMIT = 16 << 20 };

static int write_file(const char *path, asy_span bytes, asy_error *error)
{
    ASY_AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0) {
        asy_error_errno(error, ASY_E_INFRA, "cannot make this file inside the sandbox");
        return asy_error_path(error, path);
    }
    return asy_write_all(fd, bytes, error);
}

static int write_people(const asy_view *view, asy_error *error)
{
    ASY_BUF_AUTO passwd = ASY_BUF_INIT;
    ASY_BUF_AUTO group = ASY_BUF_INIT;
    unsigned uid = (unsigned)(view->spec->uid ? view->spec->uid : ASY_BUILDER_UID);
    asy_buf_printf(&passwd,
                   "root:x:0:0:root:/root:/bin/sh\n"
                   "builder:x:%u:%u:builder:/home/builder:/bin/sh\n"
                   "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
                   uid, uid);
    asy_buf_printf(&group,
                   "root:x:0:\ntty:x:5:\nstaff:x:50:\nusers:x:100:\nbuilder:x:%u:\n"
                   "nogroup:x:65534:\n",
                   uid);
    int rc = write_file("/etc/passwd", asy_buf_span(&passwd), error);
    return rc < 0 ? rc : write_file("/etc/group", asy_buf_span(&group), error);
}

static const char *host_name(const asy_view *view)
{
    return view->spec->hostname ? view->spec->hostname : "assay";
}

static int write_hosts(const asy_view *view, asy_error *error)
{
    ASY_BUF_AUTO hosts = ASY_BUF_INIT;
    asy_buf_printf(&hosts, "127.0.0.1\tlocalhost\n127.0.1.1\t%s\n::1\tlocalhost\n",
                   host_name(view));
    return write_file("/etc/hosts", asy_buf_span(&hosts), error);
}

static int write_names(const asy_view *view, asy_error *error)
{
    ASY_BUF_AUTO hostname = ASY_BUF_INIT;
    int rc;
    asy_buf_printf(&hostname, "%s\n", host_name(view));
    if ((rc = write_hosts(view, error)) < 0 ||
        (rc = write_file("/etc/hostname", asy_buf_span(&hostname), error)) < 0)
        return rc;
    return write_file("/etc/nsswitch.conf",
                      asy_span_str("passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n"
                                   "networks: files\nprotocols: files\nservices: files\n"),
                      error);
}

/* A copy and not a bind mount: a host that updates itself must not change what a build sees. */
static int copy_loader_file(const asy_view *view, const char *name, asy_error *error)
{
    ASY_BUF_AUTO bytes = ASY_BUF_INIT;
    ASY_AUTO_FREE char *target = asy_path_join("/", name);
    int rc = asy_read_file(view->old, name, LOADER_FILE_LIMIT, &bytes, NULL);
    return rc < 0 ? ASY_OK : write_file(target, asy_buf_span(&bytes), error);
}

static int copy_loader(const asy_view *view, asy_error *error)
{
    int rc;
    if ((rc = copy_loader_file(view, "etc/ld.so.cache", error)) < 0 ||
        (rc = copy_loader_file(view, "etc/ld.so.conf", error)) < 0)
        return rc;
    int fd = openat(view->old, "etc/ld.so.conf.d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir)
        return ASY_OK;
    struct dirent *entry;
    if (mkdir("/etc/ld.so.conf.d", 0755) != 0)
        rc = asy_error_errno(error, ASY_E_INFRA, "cannot make /etc/ld.so.conf.d");
    while (rc == ASY_OK && (entry = readdir(dir))) {
        ASY_AUTO_FREE char *name = asy_path_join("etc/ld.so.conf.d", entry->d_name);
        if (entry->d_name[0] != '.')
            rc = copy_loader_file(view, name, error);
    }
    closedir(dir);
    return rc;
}

/* Shows a file of the old root, its own links resolved there, when it exists. */
static int show(const asy_view *view, const char *name, asy_error *error)
{
    struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT};
    ASY_AUTO_FREE char *target = asy_path_join("/", name);
    ASY_AUTO_CLOSE int fd = (int)syscall(SYS_openat2, view->old, name, &how, sizeof(how));
    if (fd < 0)
        return ASY_OK;
    return asy_mount_bind(fd, "", ASY_TREE_READ_ONLY, target, error);
}

int asy_etc_fill(const asy_view *view, asy_error *error)
{
    int rc;
    if (mkdir("/etc", 0755) != 0)
        return asy_error_errno(error, ASY_E_INFRA, "cannot make /etc");
    if ((rc = write_people(view, error)) < 0 || (rc = write_names(view, error)) < 0 ||
        (rc = copy_loader(view, error)) < 0 ||
        (rc = write_file("/etc/timezone", asy_span_str("Etc/UTC\n"), error)) < 0)
        return rc;
    if (symlink("/usr/share/zoneinfo/Etc/UTC", "/etc/localtime") != 0 ||
        symlink("/proc/self/mounts", "/etc/mtab") != 0)
        return asy_error_errno(error, ASY_E_INFRA, "cannot make the links in /etc");
    return show(view, "etc/alternatives", error);
}

/* ---- an image's own /etc ----------------------------------------------------------------------- */

static int append_line(const char *path, const char *line, asy_error *error)
{
    struct stat st;
    ASY_AUTO_CLOSE int fd =
        open(path, O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return ASY_OK;
    return asy_write_all(fd, asy_span_str(line), error);
}

/* Whether a line "name:x:ID:…" of passwd(5) or group(5) has the id. */
static bool has_id(const char *path, unsigned id)
{
    ASY_BUF_AUTO text = ASY_BUF_INIT;
    if (asy_read_file(AT_FDCWD, path, LOADER_FILE_LIMIT, &text, NULL) < 0 || !text.ptr)
        return false;
    for (const char *at = text.ptr; at && *at; at = strchr(at, '\n'), at = at ? at + 1 : at) {
        const char *end = strchrnul(at, '\n'), *field = at;
        for (int i = 0; i < 2; i++) {
            field = strchrnul(field, ':');
            field += *field == ':';
        }
        if (field < end && strtoul(field, NULL, 10) == id && field[0] != ':')
            return true;
    }
    return false;
}

int asy_etc_complete(const asy_view *view, asy_error *error)
{
    unsigned uid = (unsigned)view->spec->uid;
    struct stat st;
    char line[128];
    int rc = ASY_OK;
    if (uid && !has_id("/etc/passwd", uid)) {
        snprintf(line, sizeof(line), "builder:x:%u:%u:builder:/home/builder:/bin/sh\n", uid, uid);
        rc = append_line("/etc/passwd", line, error);
    }
    if (rc == ASY_OK && uid && !has_id("/etc/group", uid)) {
        snprintf(line, sizeof(line), "builder:x:%u:\n", uid);
        rc = append_line("/etc/group", line, error);
    }
    /* An image that belongs to ids outside the map cannot be completed. */
    if (rc == ASY_OK && access("/etc", W_OK) == 0 && lstat("/etc/hosts", &st) != 0)
        rc = write_hosts(view, error);
    return rc;
}

int asy_etc_network(const asy_view *view, asy_error *error)
{
    static const char *const resolver[] = {"etc/resolv.conf", "etc/hosts", "etc/nsswitch.conf"};
    static const char *const trust[] = {"etc/ssl/certs", "etc/pki"};
    int rc = ASY_OK;
    for (size_t i = 0; rc == ASY_OK && i < ASY_COUNT(resolver); i++)
        rc = show(view, resolver[i], error);
    for (size_t i = 0; !view->spec->lower_count && rc == ASY_OK && i < ASY_COUNT(trust); i++)
        rc = show(view, trust[i], error);
    return rc;
}
