/* SPDX-License-Identifier: Apache-2.0 */
/* Files of a tree whose links are not to be trusted. */
#include "io/io.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

int asy_open_below(int dirfd, const char *path, int *out, asy_error *error)
{
    struct stat st;
    struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
                           .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
    ASY_AUTO_CLOSE int fd = (int)syscall(SYS_openat2, dirfd, path, &how, sizeof(how));
    if (fd < 0 || fstat(fd, &st) != 0) {
        bool missing = errno == ENOENT || errno == ENOTDIR || errno == ELOOP;
        asy_error_errno(error, missing ? ASY_E_NOT_FOUND : ASY_E_IO, "cannot open");
        return asy_error_path(error, path);
    }
    if (!S_ISREG(st.st_mode)) {
        asy_error_set(error, ASY_E_NOT_FOUND, "not a regular file");
        return asy_error_path(error, path);
    }
    *out = fd;
    fd = -1;
    return ASY_OK;
}

int asy_read_below(int dirfd, const char *path, uint64_t limit, asy_buf *out, asy_error *error)
{
    ASY_AUTO_CLOSE int fd = -1;
    int rc = asy_open_below(dirfd, path, &fd, error);
    if (rc < 0)
        return rc;
    char block[1 << 14];
    ssize_t got;
    while ((got = read(fd, block, sizeof(block))) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            asy_error_errno(error, ASY_E_IO, "cannot read");
            return asy_error_path(error, path);
        }
        if (out->len + (size_t)got > limit) {
            asy_error_set(error, ASY_E_LIMIT, "larger than %llu bytes", (unsigned long long)limit);
            return asy_error_path(error, path);
        }
        asy_buf_add(out, block, (size_t)got);
    }
    return ASY_OK;
}
