/* SPDX-License-Identifier: Apache-2.0 */
/* The launcher's side of copying in: walks the sources and hands over open files. */
#include "sandbox/inner.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DEPTH_MAX = 512 };

typedef struct feed_state {
    int socket;
    const char *source;
    char path[PATH_MAX]; /* the target's last name and what is below it */
} feed_state;

int asy_feed_send(int socket, const asy_item *item, const char *path, const char *to, int fd,
                  asy_error *error)
{
    asy_item whole = *item;
    whole.path_len = strlen(path);
    whole.to_len = strlen(to);
    const struct iovec parts[] = {{&whole, sizeof(whole)},
                                  {(void *)path, whole.path_len + 1},
                                  {(void *)to, whole.to_len + 1}};
    if (asy_channel_send(socket, parts, ASY_COUNT(parts), fd) != 0)
        return asy_error_errno(error, ASY_E_INFRA, "cannot hand a file to the sandbox");
    return ASY_OK;
}

static int failed(const feed_state *feeder, const char *what, asy_error *error)
{
    char full[PATH_MAX * 2];
    const char *below = strchr(feeder->path, '/');
    snprintf(full, sizeof(full), "%s%s", feeder->source, below ? below : "");
    asy_error_errno(error, ASY_E_INFRA, "cannot %s to copy it into the sandbox", what);
    return asy_error_path(error, full);
}

static int send_item(const feed_state *feeder, asy_item_kind kind, const struct stat *st,
                     const char *to, int fd, asy_error *error)
{
    asy_item item = {.kind = kind, .mode = st->st_mode, .mtime = st->st_mtim};
    return asy_feed_send(feeder->socket, &item, feeder->path, to, fd, error);
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void free_names(char **names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(names[i]);
    free(names);
}

static char **read_names(int folder, size_t *count)
{
    char **names = NULL;
    size_t capacity = 0;
    struct dirent *entry;
    int fd = dup(folder);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    *count = 0;
    if (!dir)
        return NULL;
    while ((entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        ASY_GROW(names, *count, capacity);
        names[(*count)++] = asy_strdup(entry->d_name);
    }
    closedir(dir);
    if (*count)
        qsort(names, *count, sizeof(*names), by_bytes);
    return names;
}

static int feed_entry(feed_state *feeder, int parent, const char *name, int flags, unsigned depth,
                      asy_error *error);

static int feed_folder(feed_state *feeder, int folder, const struct stat *st, unsigned depth,
                       asy_error *error)
{
    size_t count, length = strlen(feeder->path);
    if (depth > DEPTH_MAX) {
        errno = ELOOP;
        return failed(feeder, "walk so deep a tree", error);
    }
    int rc = send_item(feeder, ASY_ITEM_FOLDER, st, "", -1, error);
    char **names = read_names(folder, &count);
    for (size_t i = 0; rc == ASY_OK && i < count; i++) {
        int more = snprintf(feeder->path + length, sizeof(feeder->path) - length, "/%s", names[i]);
        if (length + (size_t)more >= sizeof(feeder->path)) {
            errno = ENAMETOOLONG;
            rc = failed(feeder, "name a file", error);
        } else {
            rc = feed_entry(feeder, folder, names[i], O_NOFOLLOW, depth + 1, error);
        }
        feeder->path[length] = 0;
    }
    free_names(names, count);
    return rc < 0 ? rc : send_item(feeder, ASY_ITEM_FOLDER_END, st, "", -1, error);
}

static int feed_link(const feed_state *feeder, int parent, const char *name, const struct stat *st,
                     asy_error *error)
{
    char to[PATH_MAX];
    ssize_t length = readlinkat(parent, name, to, sizeof(to) - 1);
    if (length < 0)
        return failed(feeder, "read a link", error);
    to[length] = 0;
    return send_item(feeder, ASY_ITEM_LINK, st, to, -1, error);
}

/* flags: O_NOFOLLOW but for the source itself, which the user named. */
static int feed_entry(feed_state *feeder, int parent, const char *name, int flags, unsigned depth,
                      asy_error *error)
{
    struct stat st;
    if (fstatat(parent, name, &st, flags ? AT_SYMLINK_NOFOLLOW : 0) != 0)
        return failed(feeder, "look at a file", error);
    if (S_ISLNK(st.st_mode))
        return feed_link(feeder, parent, name, &st, error);
    if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) {
        errno = EINVAL;
        failed(feeder, "read a device, socket or pipe", error);
        return asy_error_hint(error, "remove it from the source tree");
    }
    ASY_AUTO_CLOSE int fd =
        openat(parent, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | flags);
    if (fd < 0 || fstat(fd, &st) != 0)
        return failed(feeder, "open a file", error);
    if (S_ISDIR(st.st_mode))
        return feed_folder(feeder, fd, &st, depth, error);
    return send_item(feeder, ASY_ITEM_FILE, &st, "", fd, error);
}

int asy_feed_copy(int socket, const asy_sandbox_copy *copy, asy_error *error)
{
    feed_state feeder = {.socket = socket, .source = copy->source};
    snprintf(feeder.path, sizeof(feeder.path), "%s", strrchr(copy->target, '/') + 1);
    int rc = feed_entry(&feeder, AT_FDCWD, copy->source, 0, 0, error);
    if (rc < 0)
        return rc;
    return asy_feed_send(socket, &(asy_item){.kind = ASY_ITEM_COPIED}, "", "", -1, error);
}
