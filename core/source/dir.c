/* SPDX-License-Identifier: Apache-2.0 */
/* A plain folder, copied as it is: nothing says where it came from. */
#include "source/internal.h"

#include "io/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK = 1 << 16 };

typedef struct copier {
    asy_job *job;
    int follow;     /* 0, or O_NOFOLLOW for files */
    dev_t dest_dev; /* dest itself, in case that it lies inside of what is copied */
    ino_t dest_ino;
    uint64_t entries, total;
} copier;

static int copy_bytes(copier *to, int from, int into, asy_error *error)
{
    uint8_t block[BLOCK];
    for (;;) {
        ssize_t got = read(from, block, sizeof(block));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return asy_error_errno(error, ASY_E_IO, "cannot read");
        if (got == 0)
            return ASY_OK;
        to->total += (uint64_t)got;
        if (to->total > ASY_SOURCE_TOTAL_MAX)
            return asy_error_set(error, ASY_E_LIMIT, "the source is too large");
        int rc = asy_write_all(into, (asy_span){block, (size_t)got}, error);
        if (rc < 0)
            return rc;
        asy_job_beat(to->job);
    }
}

/* Modes without the set-id and sticky bits: they would mean the owner of the copy. */
static int copy_file(copier *to, int from_dir, int into_dir, const char *name, asy_error *error)
{
    struct stat st;
    ASY_AUTO_CLOSE int from =
        openat(from_dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | to->follow);
    if (from < 0 || fstat(from, &st) != 0)
        return asy_error_errno(error, errno == ENOENT ? ASY_E_NOT_FOUND : ASY_E_IO, "cannot open");
    if (!S_ISREG(st.st_mode))
        return asy_error_set(error, ASY_E_IO, "not a regular file");
    ASY_AUTO_CLOSE int into =
        openat(into_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (into < 0)
        return asy_error_errno(error, ASY_E_IO, "cannot copy");
    int rc = copy_bytes(to, from, into, error);
    const struct timespec times[2] = {st.st_mtim, st.st_mtim};
    if (rc == ASY_OK && (fchmod(into, st.st_mode & 0777) != 0 || futimens(into, times) != 0))
        rc = asy_error_errno(error, ASY_E_IO, "cannot copy");
    return rc;
}

int asy_source_copy(asy_job *job, int from_dir, int into_dir, const char *name, asy_error *error)
{
    copier to = {.job = job};
    return copy_file(&to, from_dir, into_dir, name, error);
}

static int copy_link(int from_dir, int into_dir, const char *name, const struct stat *st,
                     asy_error *error)
{
    char target[PATH_MAX];
    const struct timespec times[2] = {st->st_mtim, st->st_mtim};
    ssize_t len = readlinkat(from_dir, name, target, sizeof(target) - 1);
    if (len < 0)
        return asy_error_errno(error, ASY_E_IO, "cannot read the link");
    target[len] = '\0';
    if (symlinkat(target, into_dir, name) != 0 ||
        utimensat(into_dir, name, times, AT_SYMLINK_NOFOLLOW) != 0)
        return asy_error_errno(error, ASY_E_IO, "cannot copy");
    return ASY_OK;
}

static int copy_folder(copier *to, int from, int into, unsigned depth, asy_error *error);

static int copy_subfolder(copier *to, int from_dir, int into_dir, const char *name, unsigned depth,
                          asy_error *error)
{
    struct stat st;
    ASY_AUTO_CLOSE int from =
        openat(from_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (from < 0 || fstat(from, &st) != 0)
        return asy_error_errno(error, ASY_E_IO, "cannot open");
    if (st.st_dev == to->dest_dev && st.st_ino == to->dest_ino)
        return asy_error_set(error, ASY_E_USAGE, "the copy would lie inside of its source");
    if (mkdirat(into_dir, name, 0700) != 0)
        return asy_error_errno(error, ASY_E_IO, "cannot copy");
    ASY_AUTO_CLOSE int into =
        openat(into_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (into < 0)
        return asy_error_errno(error, ASY_E_IO, "cannot copy");
    int rc = copy_folder(to, from, into, depth + 1, error);
    const struct timespec times[2] = {st.st_mtim, st.st_mtim};
    /* The owner must be able to go on working in it. */
    if (rc == ASY_OK &&
        (fchmod(into, (st.st_mode & 0777) | 0700) != 0 || futimens(into, times) != 0))
        rc = asy_error_errno(error, ASY_E_IO, "cannot copy");
    return rc;
}

static int copy_entry(copier *to, int from, int into, const char *name, unsigned depth,
                      asy_error *error)
{
    struct stat st;
    if (to->entries++ == ASY_SOURCE_ENTRIES_MAX)
        return asy_error_set(error, ASY_E_LIMIT, "more than %d files", ASY_SOURCE_ENTRIES_MAX);
    if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return asy_error_errno(error, ASY_E_IO, "cannot open");
    switch (st.st_mode & S_IFMT) {
    case S_IFREG:
        return copy_file(to, from, into, name, error);
    case S_IFLNK:
        return copy_link(from, into, name, &st, error);
    case S_IFDIR:
        return copy_subfolder(to, from, into, name, depth, error);
    default:
        asy_error_set(error, ASY_E_USAGE, "%s is no source code",
                      S_ISFIFO(st.st_mode)   ? "a FIFO"
                      : S_ISSOCK(st.st_mode) ? "a socket"
                                             : "a device");
        return asy_error_hint(error, "remove it from the folder, or give the sources alone");
    }
}

static int copy_folder(copier *to, int from, int into, unsigned depth, asy_error *error)
{
    if (depth > ASY_SOURCE_DEPTH_MAX)
        return asy_error_set(error, ASY_E_LIMIT, "folders are nested more than %d deep",
                             ASY_SOURCE_DEPTH_MAX);
    int fd = dup(from);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir)
        return asy_error_errno(error, ASY_E_IO, "cannot list");
    int rc = ASY_OK;
    for (struct dirent *entry = readdir(dir); entry && rc == ASY_OK; entry = readdir(dir)) {
        const char *name = entry->d_name;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(name, ".git") == 0)
            continue;
        rc = copy_entry(to, from, into, name, depth, error);
        if (rc < 0 && error && !error->path)
            asy_error_path(error, name);
        else if (rc < 0 && error) {
            ASY_AUTO_FREE char *inner = error->path;
            error->path = asy_path_join(name, inner);
        }
    }
    closedir(dir);
    return rc;
}

int asy_dir_source(asy_job *job, asy_error *error)
{
    struct stat st, dest;
    ASY_AUTO_CLOSE int from = open(job->spec->location, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (from < 0 || fstat(from, &st) != 0 || fstat(job->dest_fd, &dest) != 0) {
        asy_error_errno(error, ASY_E_IO, "cannot open");
        return asy_error_path(error, job->spec->location);
    }
    copier to = {
        .job = job, .follow = O_NOFOLLOW, .dest_dev = dest.st_dev, .dest_ino = dest.st_ino};
    int rc = copy_folder(&to, from, job->dest_fd, 0, error);
    const struct timespec times[2] = {st.st_mtim, st.st_mtim};
    if (rc == ASY_OK && futimens(job->dest_fd, times) != 0)
        rc = asy_error_errno(error, ASY_E_IO, "cannot set the time of the copy");
    return rc;
}
