/* SPDX-License-Identifier: Apache-2.0 */
#include "io/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int asy_open_regular(const char *path, int *out, asy_error *error)
{
    struct stat st;
    ASY_AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &st) != 0) {
        asy_error_errno(error, ASY_E_IO, "cannot open");
        return asy_error_path(error, path);
    }
    if (!S_ISREG(st.st_mode)) {
        asy_error_set(error, ASY_E_IO, "not a regular file");
        asy_error_path(error, path);
        return asy_error_hint(error, "pass a file or a directory; copy the data to a file first");
    }
    *out = fd;
    fd = -1;
    return ASY_OK;
}

int asy_read_file(int dirfd, const char *path, uint64_t limit, asy_buf *out, asy_error *error)
{
    char block[1 << 14];
    ASY_AUTO_CLOSE int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) {
        asy_error_errno(error, errno == ENOENT ? ASY_E_NOT_FOUND : ASY_E_IO, "cannot open");
        return asy_error_path(error, path);
    }
    for (;;) {
        ssize_t got = read(fd, block, sizeof(block));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            asy_error_errno(error, ASY_E_IO, "cannot read");
            return asy_error_path(error, path);
        }
        if (got == 0)
            return ASY_OK;
        if (out->len + (size_t)got > limit) {
            asy_error_set(error, ASY_E_LIMIT, "larger than %llu bytes", (unsigned long long)limit);
            return asy_error_path(error, path);
        }
        asy_buf_add(out, block, (size_t)got);
    }
}

int asy_read_tail(const char *path, uint64_t limit, asy_buf *out, asy_error *error)
{
    struct stat st;
    ASY_AUTO_CLOSE int fd = -1;
    int rc = asy_open_regular(path, &fd, error);
    if (rc < 0)
        return rc;
    if (fstat(fd, &st) != 0)
        return asy_error_errno(error, ASY_E_IO, "cannot stat");
    uint64_t offset = (uint64_t)st.st_size > limit ? (uint64_t)st.st_size - limit : 0;
    char block[1 << 14];
    ssize_t got;
    while ((got = pread(fd, block, sizeof(block), (off_t)offset)) > 0) {
        asy_buf_add(out, block, (size_t)got);
        offset += (uint64_t)got;
    }
    return got < 0 ? asy_error_errno(error, ASY_E_IO, "cannot read") : ASY_OK;
}

int asy_sha256_of_fd(int fd, asy_sha256 *out, uint64_t *size, asy_error *error)
{
    uint8_t block[1 << 16];
    uint64_t done = 0;
    asy_hasher *hasher = asy_hasher_new();
    for (;;) {
        ssize_t got = pread(fd, block, sizeof(block), (off_t)done);
        if (asy_interrupted() || (got < 0 && errno != EINTR)) {
            int rc = asy_interrupted() ? asy_error_set(error, ASY_E_INTERRUPTED, "interrupted")
                                       : asy_error_errno(error, ASY_E_IO, "cannot read");
            asy_hasher_finish(hasher);
            return rc;
        }
        if (got == 0)
            break;
        if (got < 0)
            continue;
        asy_hasher_add(hasher, (asy_span){block, (size_t)got});
        done += (uint64_t)got;
    }
    *out = asy_hasher_finish(hasher);
    if (size)
        *size = done;
    return ASY_OK;
}

int asy_write_all(int fd, asy_span bytes, asy_error *error)
{
    size_t done = 0;
    while (done < bytes.len) {
        ssize_t put = write(fd, bytes.ptr + done, bytes.len - done);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return asy_error_errno(error, ASY_E_IO, "cannot write");
        done += (size_t)put;
    }
    return ASY_OK;
}

int asy_write_file(const char *path, asy_span bytes, mode_t mode, asy_error *error)
{
    ASY_AUTO_FREE char *temporary = asy_asprintf("%s.XXXXXX", path);
    ASY_AUTO_CLOSE int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0) {
        asy_error_errno(error, ASY_E_IO, "cannot create");
        return asy_error_path(error, path);
    }
    int rc = asy_write_all(fd, bytes, error);
    if (rc == ASY_OK && (fchmod(fd, mode) != 0 || rename(temporary, path) != 0))
        rc = asy_error_errno(error, ASY_E_IO, "cannot write");
    if (rc < 0) {
        unlink(temporary);
        asy_error_path(error, path);
    }
    return rc;
}

/* Copies the bytes, then the mode and the time. */
static int copy_content(int from, int to, const struct stat *st, asy_error *error)
{
    uint8_t block[1 << 16];
    for (;;) {
        ssize_t got = read(from, block, sizeof(block));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return asy_error_errno(error, ASY_E_IO, "cannot read");
        if (got == 0)
            break;
        int rc = asy_write_all(to, (asy_span){block, (size_t)got}, error);
        if (rc < 0)
            return rc;
    }
    struct timespec times[2] = {st->st_atim, st->st_mtim};
    if (fchmod(to, st->st_mode & 0777) != 0 || futimens(to, times) != 0)
        return asy_error_errno(error, ASY_E_IO, "cannot set mode and time");
    return ASY_OK;
}

int asy_copy_file(const char *from, const char *to, asy_error *error)
{
    struct stat st;
    ASY_AUTO_CLOSE int in = -1;
    int rc = asy_open_regular(from, &in, error);
    if (rc < 0)
        return rc;
    ASY_AUTO_FREE char *temporary = asy_asprintf("%s.XXXXXX", to);
    ASY_AUTO_CLOSE int out = mkostemp(temporary, O_CLOEXEC);
    if (out < 0 || fstat(in, &st) != 0) {
        asy_error_errno(error, ASY_E_IO, "cannot create");
        return asy_error_path(error, to);
    }
    rc = copy_content(in, out, &st, error);
    if (rc == ASY_OK && rename(temporary, to) != 0)
        rc = asy_error_errno(error, ASY_E_IO, "cannot write");
    if (rc < 0) {
        unlink(temporary);
        asy_error_path(error, to);
    }
    return rc;
}

static int require_dir(const char *path, asy_error *error)
{
    struct stat st;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return ASY_OK;
    asy_error_set(error, ASY_E_IO, "not a folder");
    return asy_error_path(error, path);
}

int asy_make_dirs(const char *path, mode_t mode, asy_error *error)
{
    ASY_AUTO_FREE char *copy = asy_strdup(path);
    for (char *slash = copy + 1;; slash++) {
        if (*slash != '/' && *slash != '\0')
            continue;
        char end = *slash;
        *slash = '\0';
        if (mkdir(copy, mode) != 0 && errno != EEXIST) {
            asy_error_errno(error, ASY_E_IO, "cannot make the folder");
            return asy_error_path(error, copy);
        }
        if (end == '\0')
            return require_dir(copy, error);
        *slash = end;
    }
}

/* Empties and removes one level; `device` keeps the walk on one file system. */
static int remove_level(int dirfd, const char *name, dev_t device)
{
    int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return unlinkat(dirfd, name, 0);
    struct stat st;
    if (fstat(fd, &st) != 0 || st.st_dev != device) {
        close(fd);
        errno = EXDEV;
        return -1;
    }
    fchmod(fd, 0700);
    DIR *dir = fdopendir(fd);
    if (!dir) {
        close(fd);
        return -1;
    }
    int rc = 0;
    struct dirent *entry;
    while ((entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        bool plain = entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN;
        if (plain ? unlinkat(fd, entry->d_name, 0) != 0
                  : remove_level(fd, entry->d_name, device) != 0)
            rc = -1;
    }
    closedir(dir);
    return rc == 0 ? unlinkat(dirfd, name, AT_REMOVEDIR) : rc;
}

int asy_remove_tree(int dirfd, const char *name, asy_error *error)
{
    struct stat st;
    if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? ASY_OK
                               : asy_error_errno(error, ASY_E_IO, "cannot remove %s", name);
    if (remove_level(dirfd, name, st.st_dev) != 0)
        return asy_error_errno(error, ASY_E_IO, "cannot remove %s", name);
    return ASY_OK;
}

char *asy_path_join(const char *dir, const char *name)
{
    size_t len = strlen(dir);
    return asy_asprintf("%s%s%s", dir, len && dir[len - 1] == '/' ? "" : "/", name);
}

const char *asy_path_base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}
