/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listings of folders, and the digest of a tree.
 *
 * The digest, asy_source.digest, is the SHA-256 of: the text "assay-tree/1" and a NUL; then, for
 * each file, symlink and folder below the top, in the order of the bytes of its path: the type (one
 * of f, x, l, d: file, executable file, symlink, folder), a NUL, the path relative to the top, a
 * NUL, the value, a NUL. The value of a file is the SHA-256 of its content in lower-case hex, of a
 * symlink its target, of a folder nothing. A file is executable when its owner may run it. Times,
 * owners and other modes do not count. No path or target holds a NUL, so no two trees give the same
 * bytes.
 */
#include "source/internal.h"

#include "io/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

asy_entry *asy_listing_add(asy_listing *listing, const char *path, char type)
{
    ASY_GROW(listing->entries, listing->count, listing->capacity);
    asy_entry *entry = &listing->entries[listing->count++];
    *entry = (asy_entry){.path = asy_strdup(path), .type = type};
    return entry;
}

static void clear_entry(asy_entry *entry)
{
    free(entry->path);
    free(entry->target);
}

void asy_listing_free(asy_listing *listing)
{
    for (size_t i = 0; i < listing->count; i++)
        clear_entry(&listing->entries[i]);
    free(listing->entries);
    *listing = (asy_listing){0};
}

typedef struct ranked {
    asy_entry entry;
    size_t rank;
} ranked;

static int by_path_and_rank(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    int order = strcmp(x->entry.path, y->entry.path);
    return order ? order : (x->rank > y->rank) - (x->rank < y->rank);
}

void asy_listing_sort(asy_listing *listing)
{
    ranked *list = asy_calloc(listing->count + 1, sizeof(*list));
    for (size_t i = 0; i < listing->count; i++)
        list[i] = (ranked){.entry = listing->entries[i], .rank = i};
    qsort(list, listing->count, sizeof(*list), by_path_and_rank);
    size_t kept = 0;
    for (size_t i = 0; i < listing->count; i++) {
        bool last =
            i + 1 == listing->count || strcmp(list[i].entry.path, list[i + 1].entry.path) != 0;
        if (last)
            listing->entries[kept++] = list[i].entry;
        else
            clear_entry(&list[i].entry);
    }
    listing->count = kept;
    free(list);
}

static int compare_path(const void *path, const void *entry)
{
    const asy_entry *one = entry;
    return strcmp(path, one->path);
}

const asy_entry *asy_listing_find(const asy_listing *listing, const char *path)
{
    return listing->count ? bsearch(path, listing->entries, listing->count,
                                    sizeof(*listing->entries), compare_path)
                          : NULL;
}

int64_t asy_listing_newest(const asy_listing *listing)
{
    int64_t newest = INT64_MIN;
    for (size_t i = 0; i < listing->count; i++) {
        if (listing->entries[i].type != 'd' && listing->entries[i].seconds > newest)
            newest = listing->entries[i].seconds;
    }
    return newest == INT64_MIN ? 0 : newest;
}

static void add_field(asy_hasher *hasher, const char *text)
{
    asy_hasher_add(hasher, (asy_span){(const uint8_t *)text, strlen(text) + 1});
}

asy_sha256 asy_listing_digest(const asy_listing *listing)
{
    asy_hasher *hasher = asy_hasher_new();
    add_field(hasher, "assay-tree/1");
    for (size_t i = 0; i < listing->count; i++) {
        const asy_entry *entry = &listing->entries[i];
        const char type[2] = {entry->type};
        char hex[ASY_SHA256_HEX + 1] = "";
        if (entry->type == 'f' || entry->type == 'x')
            asy_sha256_hex(&entry->sha256, hex);
        add_field(hasher, type);
        add_field(hasher, entry->path);
        add_field(hasher, entry->type == 'l' ? entry->target : hex);
    }
    return asy_hasher_finish(hasher);
}

/* ---- from a folder ------------------------------------------------------------------------------ */

static int list_folder(asy_job *job, int dirfd, const char *prefix, unsigned depth,
                       asy_listing *out, asy_error *error);

static int list_file(asy_job *job, int dirfd, const char *name, asy_entry *entry, asy_error *error)
{
    ASY_AUTO_CLOSE int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return asy_error_errno(error, ASY_E_IO, "cannot open");
    asy_job_beat(job);
    return asy_sha256_of_fd(fd, &entry->sha256, NULL, error);
}

static int list_link(int dirfd, const char *name, asy_entry *entry, asy_error *error)
{
    char target[PATH_MAX];
    ssize_t len = readlinkat(dirfd, name, target, sizeof(target) - 1);
    if (len < 0)
        return asy_error_errno(error, ASY_E_IO, "cannot read the link");
    entry->target = asy_strndup(target, (size_t)len);
    return ASY_OK;
}

static int list_entry(asy_job *job, int dirfd, const char *prefix, const char *name, unsigned depth,
                      asy_listing *out, asy_error *error)
{
    struct stat st;
    ASY_AUTO_FREE char *path = asy_asprintf("%s%s", prefix, name);
    if (out->count == ASY_SOURCE_ENTRIES_MAX)
        return asy_error_set(error, ASY_E_LIMIT, "more than %d files", ASY_SOURCE_ENTRIES_MAX);
    if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        asy_error_errno(error, ASY_E_IO, "cannot open");
        return asy_error_path(error, path);
    }
    char type = S_ISDIR(st.st_mode)      ? 'd'
                : S_ISLNK(st.st_mode)    ? 'l'
                : (st.st_mode & S_IXUSR) ? 'x'
                                         : 'f';
    asy_entry *entry = asy_listing_add(out, path, type);
    entry->seconds = st.st_mtim.tv_sec;
    entry->nanoseconds = st.st_mtim.tv_nsec;
    int rc;
    if (type == 'd') {
        ASY_AUTO_FREE char *below = asy_asprintf("%s/", path);
        ASY_AUTO_CLOSE int fd =
            openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        rc = fd < 0 ? asy_error_errno(error, ASY_E_IO, "cannot open")
                    : list_folder(job, fd, below, depth + 1, out, error);
    } else {
        rc = type == 'l' ? list_link(dirfd, name, entry, error)
                         : list_file(job, dirfd, name, entry, error);
    }
    return rc < 0 ? asy_error_path(error, path) : ASY_OK;
}

static int list_folder(asy_job *job, int dirfd, const char *prefix, unsigned depth,
                       asy_listing *out, asy_error *error)
{
    if (depth > ASY_SOURCE_DEPTH_MAX)
        return asy_error_set(error, ASY_E_LIMIT, "folders are nested more than %d deep",
                             ASY_SOURCE_DEPTH_MAX);
    int fd = dup(dirfd);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir)
        return asy_error_errno(error, ASY_E_IO, "cannot list");
    int rc = ASY_OK;
    for (struct dirent *entry = readdir(dir); entry && rc == ASY_OK; entry = readdir(dir)) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            rc = list_entry(job, dirfd, prefix, entry->d_name, depth, out, error);
    }
    closedir(dir);
    return rc;
}

int asy_listing_of_folder(asy_job *job, int dirfd, asy_listing *out, asy_error *error)
{
    int rc = list_folder(job, dirfd, "", 0, out, error);
    asy_listing_sort(out);
    return rc;
}
