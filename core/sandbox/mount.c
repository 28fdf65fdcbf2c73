/* SPDX-License-Identifier: Apache-2.0 */
/* Detached copies of mounts, and places to attach them to. open_tree(2), move_mount(2). */
#include "sandbox/inner.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

int asy_mount_copy(int dirfd, const char *path, unsigned flags, int *fd, asy_error *error)
{
    bool recursive = flags & ASY_TREE_RECURSIVE;
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_NOSUID};
    if (!(flags & ASY_TREE_DEVICE))
        attr.attr_set |= MOUNT_ATTR_NODEV;
    if (flags & ASY_TREE_READ_ONLY)
        attr.attr_set |= MOUNT_ATTR_RDONLY;
    ASY_AUTO_CLOSE int tree = open_tree(dirfd, path,
                                        OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH |
                                            (recursive ? AT_RECURSIVE : 0));
    if (tree < 0 || mount_setattr(tree, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &attr,
                                  sizeof(attr)) != 0) {
        asy_error_errno(error, ASY_E_INFRA, "cannot show this in the sandbox");
        return asy_error_path(error, path);
    }
    *fd = tree;
    tree = -1;
    return ASY_OK;
}

int asy_mount_attach(int tree, const char *target, asy_error *error)
{
    if (move_mount(tree, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS) !=
        0) {
        asy_error_errno(error, ASY_E_INFRA, "cannot mount inside the sandbox");
        return asy_error_path(error, target);
    }
    return ASY_OK;
}

int asy_mount_bind(int dirfd, const char *source, unsigned flags, const char *target,
                   asy_error *error)
{
    struct stat st;
    ASY_AUTO_CLOSE int tree = -1;
    int rc = asy_mount_copy(dirfd, source, flags, &tree, error);
    if (rc < 0)
        return rc;
    if (fstat(tree, &st) != 0)
        return asy_error_errno(error, ASY_E_INFRA, "cannot look at a mount");
    if ((rc = asy_mount_point(target, S_ISDIR(st.st_mode), error)) < 0)
        return rc;
    return asy_mount_attach(tree, target, error);
}

int asy_view_make_dirs(const char *path, uid_t owner, asy_error *error)
{
    char prefix[PATH_MAX];
    size_t length = strlen(path);
    if (length >= sizeof(prefix) || path[0] != '/') {
        asy_error_set(error, ASY_E_USAGE, "a path inside the sandbox must be absolute and short");
        return asy_error_path(error, path);
    }
    for (size_t i = 1; i <= length; i++) {
        if (path[i] != '/' && path[i] != 0)
            continue;
        memcpy(prefix, path, i);
        prefix[i] = 0;
        bool made = mkdir(prefix, 0755) == 0;
        if ((!made && errno != EEXIST) || (made && chown(prefix, owner, owner) != 0)) {
            asy_error_errno(error, ASY_E_INFRA, "cannot make this folder inside the sandbox");
            return asy_error_path(error, prefix);
        }
    }
    return ASY_OK;
}

static int make_parent(const char *path, asy_error *error)
{
    char parent[PATH_MAX];
    const char *slash = strrchr(path, '/');
    if (!slash || slash == path)
        return ASY_OK;
    snprintf(parent, sizeof(parent), "%.*s", (int)(slash - path), path);
    return asy_view_make_dirs(parent, 0, error);
}

/* A dangling link, such as /etc/resolv.conf → ../run/…: its target gets the folders that it needs. */
static int make_link_parent(const char *path, asy_error *error)
{
    char to[PATH_MAX / 2], full[PATH_MAX];
    ssize_t length = readlink(path, to, sizeof(to) - 1);
    if (length < 0)
        return ASY_OK;
    to[length] = 0;
    const char *slash = strrchr(path, '/');
    int folder = slash ? (int)(slash - path) : 0;
    if (to[0] == '/')
        snprintf(full, sizeof(full), "%s", to);
    else if (snprintf(full, sizeof(full), "%.*s/%s", folder, path, to) >= (int)sizeof(full))
        return ASY_OK;
    return make_parent(full, error);
}

int asy_mount_point(const char *path, bool folder, asy_error *error)
{
    struct stat st;
    if (stat(path, &st) == 0)
        return ASY_OK;
    if (folder)
        return asy_view_make_dirs(path, 0, error);
    int rc;
    if ((rc = make_parent(path, error)) < 0 || (rc = make_link_parent(path, error)) < 0)
        return rc;
    ASY_AUTO_CLOSE int fd = open(path, O_RDONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644);
    if (fd < 0) {
        asy_error_errno(error, ASY_E_INFRA, "cannot make this mount point inside the sandbox");
        return asy_error_path(error, path);
    }
    return ASY_OK;
}
