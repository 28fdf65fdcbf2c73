/* SPDX-License-Identifier: Apache-2.0 */
/* init's side of copying in: the launcher opens, init writes, each with the ids that can. */
#include "sandbox/inner.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { BLOCK = 1 << 17 };

typedef struct copy_state {
    const char *target; /* absolute */
    uid_t owner;
    int folder; /* the one that holds the target's last name, then the target itself */
    char *block;
} copy_state;

static int failed(const copy_state *receiver, const char *path, const char *what, asy_error *error)
{
    char full[PATH_MAX];
    snprintf(full, sizeof(full), "%s%s%s", receiver->target, path[0] ? "/" : "", path);
    asy_error_errno(error, ASY_E_INFRA, "cannot %s inside the sandbox", what);
    if (errno == ENOSPC)
        asy_error_hint(error, "the copies do not fit: raise the disk limit");
    return asy_error_path(error, full);
}

/* The folder that holds path's last name, and that name. The launcher's paths have no links and no
 * dots; a folder that something else put there is not followed either. */
static int open_parent(const copy_state *receiver, const char *path, const char **name)
{
    char parent[PATH_MAX];
    struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
    const char *slash = strrchr(path, '/');
    *name = slash ? slash + 1 : path;
    int length = slash ? (int)(slash - path) : 0;
    snprintf(parent, sizeof(parent), "%.*s", length, path);
    return (int)syscall(SYS_openat2, receiver->folder, length ? parent : ".", &how, sizeof(how));
}

/* chown takes setuid bits away, so the mode comes after it. */
static int finish(const copy_state *receiver, int fd, const asy_item *item)
{
    const struct timespec times[2] = {item->mtime, item->mtime};
    if (fchown(fd, receiver->owner, receiver->owner) != 0 || fchmod(fd, item->mode & 07777) != 0 ||
        futimens(fd, times) != 0)
        return -1;
    return 0;
}

static int write_content(const copy_state *receiver, int to, int from)
{
    for (;;) {
        ssize_t got = read(from, receiver->block, BLOCK);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return (int)got;
        for (ssize_t done = 0; done < got;) {
            ssize_t put = write(to, receiver->block + done, (size_t)(got - done));
            if (put < 0 && errno == EINTR)
                continue;
            if (put < 0)
                return -1;
            done += put;
        }
    }
}

static int take_file(const copy_state *receiver, int parent, const char *name, const asy_item *item,
                     int content)
{
    ASY_AUTO_CLOSE int fd =
        openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0 || write_content(receiver, fd, content) != 0)
        return -1;
    return finish(receiver, fd, item);
}

static int take_link(const copy_state *receiver, int parent, const char *name, const asy_item *item,
                     const char *to)
{
    const struct timespec times[2] = {item->mtime, item->mtime};
    if (symlinkat(to, parent, name) != 0 ||
        fchownat(parent, name, receiver->owner, receiver->owner, AT_SYMLINK_NOFOLLOW) != 0)
        return -1;
    return utimensat(parent, name, times, AT_SYMLINK_NOFOLLOW);
}

/* A folder that is there already, such as one that another copy made, is filled up. */
static int take_folder(int parent, const char *name)
{
    struct stat st;
    if (mkdirat(parent, name, 0700) == 0)
        return 0;
    if (errno != EEXIST || fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return -1;
    errno = ENOTDIR;
    return S_ISDIR(st.st_mode) ? 0 : -1;
}

static int end_folder(const copy_state *receiver, int parent, const char *name,
                      const asy_item *item)
{
    ASY_AUTO_CLOSE int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? -1 : finish(receiver, fd, item);
}

/* Paths are the target's last name and what is below it. */
static int take(const copy_state *receiver, const asy_item *item, const char *path, const char *to,
                int content, asy_error *error)
{
    const char *name;
    int rc = -1;
    ASY_AUTO_CLOSE int parent = open_parent(receiver, path, &name);
    if (parent < 0)
        return failed(receiver, path, "open a folder", error);
    if (item->kind == ASY_ITEM_FOLDER)
        rc = take_folder(parent, name);
    else if (item->kind == ASY_ITEM_FOLDER_END)
        rc = end_folder(receiver, parent, name, item);
    else if (item->kind == ASY_ITEM_LINK)
        rc = take_link(receiver, parent, name, item, to);
    else if (item->kind == ASY_ITEM_FILE && content >= 0)
        rc = take_file(receiver, parent, name, item, content);
    else
        errno = EPROTO;
    return rc == 0 ? ASY_OK : failed(receiver, path, "copy a file in", error);
}

/* Splits a packet; false when its parts do not add up. */
static bool parse(char *packet, size_t size, asy_item *item, const char **path, const char **to)
{
    if (size < sizeof(*item))
        return false;
    memcpy(item, packet, sizeof(*item));
    size_t text = size - sizeof(*item);
    if (item->path_len >= text || item->to_len >= text - item->path_len - 1 ||
        item->path_len + item->to_len + 2 != text)
        return false;
    *path = packet + sizeof(*item);
    *to = *path + item->path_len + 1;
    return (*path)[item->path_len] == 0 && (*to)[item->to_len] == 0;
}

static int receive(int socket, const copy_state *receiver, asy_error *error)
{
    char packet[ASY_ITEM_MAX];
    for (;;) {
        asy_item item;
        const char *path, *to;
        ASY_AUTO_CLOSE int content = -1;
        ssize_t got = asy_channel_recv(socket, packet, sizeof(packet), &content);
        /* The launcher has said why it gave up. */
        if (got <= 0)
            _exit(1);
        if (!parse(packet, (size_t)got, &item, &path, &to))
            return asy_error_set(error, ASY_E_INFRA, "the launcher sent a broken packet");
        if (item.kind == ASY_ITEM_COPIED)
            return ASY_OK;
        int rc = take(receiver, &item, path, to, content, error);
        if (rc < 0)
            return rc;
    }
}

static int copy_one(int socket, const asy_sandbox_spec *spec, const char *target, char *block,
                    asy_error *error)
{
    char parent[PATH_MAX];
    const char *slash = strrchr(target, '/');
    snprintf(parent, sizeof(parent), "%.*s", (int)(slash - target), target);
    int rc = parent[0] ? asy_view_make_dirs(parent, spec->uid, error) : ASY_OK;
    if (rc < 0)
        return rc;
    copy_state receiver = {.target = parent, .owner = spec->uid, .block = block};
    ASY_AUTO_CLOSE int folder = open(parent[0] ? parent : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return failed(&receiver, "", "open a folder", error);
    receiver.folder = folder;
    return receive(socket, &receiver, error);
}

int asy_copy_in(int socket, const asy_sandbox_spec *spec, asy_error *error)
{
    ASY_AUTO_FREE char *block = asy_alloc(BLOCK);
    int rc = ASY_OK;
    for (size_t i = 0; rc == ASY_OK && i < spec->copy_count; i++)
        rc = copy_one(socket, spec, spec->copies[i].target, block, error);
    return rc;
}
