/* SPDX-License-Identifier: Apache-2.0 */
/* The cache folder and scratch folders. */
#include "io/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static const char *home_dir(void)
{
    const char *home = getenv("HOME");
    if (home && home[0] == '/')
        return home;
    struct passwd *user = getpwuid(geteuid());
    return user ? user->pw_dir : NULL;
}

int asy_cache_dir(char **path, asy_error *error)
{
    const char *own = getenv("ASSAY_CACHE"), *xdg = getenv("XDG_CACHE_HOME"), *home = home_dir();
    ASY_AUTO_FREE char *dir = NULL;
    if (own && own[0] == '/')
        dir = asy_strdup(own);
    else if (xdg && xdg[0] == '/')
        dir = asy_path_join(xdg, "assay");
    else if (home)
        dir = asy_path_join(home, ".cache/assay");
    if (!dir) {
        asy_error_set(error, ASY_E_INFRA, "there is no cache folder: HOME is not set");
        return asy_error_hint(error, "set ASSAY_CACHE to a folder that you can write to");
    }
    int rc = asy_make_dirs(dir, 0755, error);
    if (rc < 0) {
        asy_error_hint(error, "set ASSAY_CACHE to a folder that you can write to");
        return rc;
    }
    *path = dir;
    dir = NULL;
    return ASY_OK;
}

struct asy_scratch {
    char *path;
    int fd; /* the folder, flock()ed while in use */
};

static const char *temp_dir(void)
{
    const char *dir = getenv("TMPDIR");
    return dir && dir[0] == '/' ? dir : "/tmp";
}

static void scratch_prefix(char *out, size_t size)
{
    snprintf(out, size, "assay-%u.", (unsigned)geteuid());
}

/* Removes the folders of ours that nobody holds. */
static void sweep(int parent, const char *prefix)
{
    int fd = dup(parent);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        struct stat st;
        if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0)
            continue;
        ASY_AUTO_CLOSE int held =
            openat(parent, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (held < 0 || fstat(held, &st) != 0 || st.st_uid != geteuid())
            continue;
        if (flock(held, LOCK_EX | LOCK_NB) == 0)
            asy_remove_tree(parent, entry->d_name, NULL);
    }
    if (dir)
        closedir(dir);
}

/*
 * Makes a folder and takes its lock. Between the two a sweep of another run may have taken the lock
 * and removed the folder: it has no link then, and another one is made.
 */
static int make_held(char **path, asy_error *error)
{
    char prefix[32];
    scratch_prefix(prefix, sizeof(prefix));
    for (;;) {
        struct stat st;
        *path = asy_asprintf("%s/%sXXXXXX", temp_dir(), prefix);
        if (!mkdtemp(*path)) {
            asy_error_errno(error, ASY_E_INFRA, "cannot make a scratch folder");
            asy_error_path(error, *path);
            return asy_error_hint(error, "set TMPDIR to a folder that you can write to");
        }
        int fd = open(*path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd >= 0 && flock(fd, LOCK_EX) == 0 && fstat(fd, &st) == 0 && st.st_nlink > 0)
            return fd;
        asy_close_cleanup(&fd);
        asy_free_cleanup(path);
    }
}

int asy_scratch_new(asy_scratch **out, asy_error *error)
{
    char prefix[32];
    scratch_prefix(prefix, sizeof(prefix));
    ASY_AUTO_CLOSE int parent = open(temp_dir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (parent >= 0)
        sweep(parent, prefix);
    ASY_AUTO_FREE char *path = NULL;
    int fd = make_held(&path, error);
    if (fd < 0)
        return fd;
    asy_scratch *scratch = asy_alloc(sizeof(*scratch));
    *scratch = (asy_scratch){.path = path, .fd = fd};
    path = NULL;
    *out = scratch;
    return ASY_OK;
}

const char *asy_scratch_path(const asy_scratch *scratch)
{
    return scratch->path;
}

int asy_scratch_fd(const asy_scratch *scratch)
{
    return scratch->fd;
}

asy_scratch *asy_scratch_free(asy_scratch *scratch)
{
    if (scratch) {
        asy_remove_tree(AT_FDCWD, scratch->path, NULL);
        close(scratch->fd);
        free(scratch->path);
        free(scratch);
    }
    return NULL;
}

void asy_scratch_cleanup(asy_scratch **scratch)
{
    *scratch = asy_scratch_free(*scratch);
}
