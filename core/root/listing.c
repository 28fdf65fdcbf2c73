/* SPDX-License-Identifier: Apache-2.0 */
/* The digest of a folder as a root. */
#include "root/inner.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { LISTING_DEPTH = 128, NOBODY = 65534, LINK_MAX_LEN = 4096 };

typedef struct listing {
    asy_hasher *hasher;
    const asy_idmap *map;
    dev_t device;
    asy_buf path; /* of the entry, from the root */
} listing;

/* As stat(2) shows it inside: ids without a mapping are the overflow id. */
static unsigned inside_id(uint32_t id, uint32_t root, uint32_t first)
{
    if (id == root)
        return 0;
    return id >= first && id - first < ASY_IDMAP_COUNT - 1 ? id - first + 1 : NOBODY;
}

static void add_head(listing *list, char type, const struct stat *st)
{
    char head[64];
    int len = snprintf(head, sizeof(head), "%c %o %u %u ", type, (unsigned)(st->st_mode & 07777),
                       inside_id(st->st_uid, list->map->root_uid, list->map->first_uid),
                       inside_id(st->st_gid, list->map->root_gid, list->map->first_gid));
    asy_hasher_add(list->hasher, (asy_span){(const uint8_t *)head, (size_t)len});
}

/* A field of any bytes but NUL. */
static void add_text(listing *list, const char *text)
{
    asy_hasher_add(list->hasher, (asy_span){(const uint8_t *)text, strlen(text) + 1});
}

/* What cannot be read cannot be read by a build either, and counts as such. */
static bool unreadable(int code)
{
    return code == EACCES || code == EPERM;
}

static int add_file(listing *list, int dirfd, const char *name, const struct stat *st,
                    asy_error *error)
{
    char text[ASY_SHA256_HEX + 32] = "unreadable";
    ASY_AUTO_CLOSE int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && !unreadable(errno))
        return asy_error_errno(error, ASY_E_IO, "cannot open");
    if (fd >= 0) {
        asy_sha256 digest;
        uint64_t size = 0;
        char hex[ASY_SHA256_HEX + 1];
        int rc = asy_sha256_of_fd(fd, &digest, &size, error);
        if (rc < 0)
            return rc;
        asy_sha256_hex(&digest, hex);
        snprintf(text, sizeof(text), "%llu %s", (unsigned long long)size, hex);
    }
    add_head(list, 'f', st);
    add_text(list, text);
    return ASY_OK;
}

static int add_link(listing *list, int dirfd, const char *name, const struct stat *st,
                    asy_error *error)
{
    char target[LINK_MAX_LEN + 1];
    ssize_t len = readlinkat(dirfd, name, target, LINK_MAX_LEN);
    if (len < 0)
        return asy_error_errno(error, ASY_E_IO, "cannot read the link");
    target[len] = '\0';
    struct stat plain = *st;
    plain.st_mode = 0; /* a link has no mode of its own */
    add_head(list, 'l', &plain);
    add_text(list, target);
    return ASY_OK;
}

static void add_special(listing *list, const struct stat *st)
{
    char text[48] = "";
    char type = S_ISCHR(st->st_mode)    ? 'c'
                : S_ISBLK(st->st_mode)  ? 'b'
                : S_ISFIFO(st->st_mode) ? 'p'
                                        : 's';
    if (type == 'c' || type == 'b')
        snprintf(text, sizeof(text), "%u:%u", major(st->st_rdev), minor(st->st_rdev));
    add_head(list, type, st);
    add_text(list, text);
}

static int only_names(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int add_folder(listing *list, int dirfd, const char *name, unsigned depth, asy_error *error);

static int add_entry(listing *list, int dirfd, const char *name, unsigned depth, asy_error *error)
{
    struct stat st;
    if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return asy_error_errno(error, ASY_E_IO, "cannot read");
    add_text(list, list->path.ptr);
    if (S_ISREG(st.st_mode))
        return add_file(list, dirfd, name, &st, error);
    if (S_ISLNK(st.st_mode))
        return add_link(list, dirfd, name, &st, error);
    if (!S_ISDIR(st.st_mode)) {
        add_special(list, &st);
        return ASY_OK;
    }
    add_head(list, 'd', &st);
    add_text(list, "");
    return st.st_dev == list->device ? add_folder(list, dirfd, name, depth + 1, error) : ASY_OK;
}

static int add_names(listing *list, int fd, struct dirent **names, int count, unsigned depth,
                     asy_error *error)
{
    size_t len = list->path.len;
    for (int i = 0; i < count; i++) {
        asy_buf_putc(&list->path, '/');
        asy_buf_puts(&list->path, names[i]->d_name);
        if (asy_interrupted())
            return asy_error_set(error, ASY_E_INTERRUPTED, "interrupted");
        int rc = add_entry(list, fd, names[i]->d_name, depth, error);
        if (rc < 0) {
            asy_error_path(error, list->path.ptr);
            return rc;
        }
        list->path.len = len;
        list->path.ptr[len] = '\0';
    }
    return ASY_OK;
}

static int add_folder(listing *list, int dirfd, const char *name, unsigned depth, asy_error *error)
{
    if (depth > LISTING_DEPTH)
        return asy_error_set(error, ASY_E_LIMIT, "folders are nested deeper than %d",
                             LISTING_DEPTH);
    ASY_AUTO_CLOSE int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && unreadable(errno) && depth > 0)
        return ASY_OK;
    struct dirent **names = NULL;
    int count = fd < 0 ? -1 : scandirat(fd, ".", &names, only_names, by_bytes);
    if (count < 0)
        return asy_error_errno(error, ASY_E_IO, "cannot list the folder");
    int rc = add_names(list, fd, names, count, depth, error);
    for (int i = 0; i < count; i++)
        free(names[i]);
    free(names);
    return rc;
}

int asy_root_listing_digest(const char *folder, const asy_idmap *map,
                            char digest[ASY_SHA256_HEX + 1], asy_error *error)
{
    struct stat st;
    ASY_AUTO_CLOSE int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0) {
        asy_error_errno(error, errno == ENOENT ? ASY_E_NOT_FOUND : ASY_E_IO, "cannot open");
        return asy_error_path(error, folder);
    }
    listing list = {.hasher = asy_hasher_new(), .map = map, .device = st.st_dev};
    asy_buf_puts(&list.path, "");
    int rc = add_folder(&list, fd, ".", 0, error);
    asy_sha256 hash = asy_hasher_finish(list.hasher);
    asy_sha256_hex(&hash, digest);
    asy_buf_free(&list.path);
    return rc < 0 ? asy_error_wrap(error, "the root's digest") : ASY_OK;
}
