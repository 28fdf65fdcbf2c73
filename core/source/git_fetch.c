/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cache of bare repositories: CACHE/git/<sha256 of the URL>, each beside a lock file that is
 * held while it is made or fetched into. A repository appears by a rename, a pack by a rename:
 * whenever a process dies, what is there is whole.
 */
#include "source/git.h"

#include "io/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

/* The user is part of the name: a server may show different users different repositories. */
static char *cache_path(const asy_job *job, const asy_spec *where)
{
    char hex[ASY_SHA256_HEX + 1];
    ASY_AUTO_FREE char *key =
        asy_asprintf("%s@%s", where->user ? where->user : "", where->location);
    asy_sha256 hash = asy_sha256_of(asy_span_str(key));
    asy_sha256_hex(&hash, hex);
    return asy_path_join(job->cache, hex);
}

static int take_lock(asy_job *job, const char *path, int *out, asy_error *error)
{
    const struct timespec nap = {.tv_nsec = 100000000};
    ASY_AUTO_FREE char *name = asy_asprintf("%s.lock", path);
    ASY_AUTO_CLOSE int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0) {
        asy_error_errno(error, ASY_E_IO, "cannot make a lock");
        return asy_error_path(error, name);
    }
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return asy_error_errno(error, ASY_E_IO, "cannot lock %s", name);
        asy_job_say(job, false, "waiting for another process that fetches the same repository");
        nanosleep(&nap, NULL);
    }
    *out = fd;
    fd = -1;
    return ASY_OK;
}

static int make_bare(const char *path, asy_error *error)
{
    ASY_AUTO_FREE char *fresh = asy_asprintf("%s.new", path);
    git_repository *repository = NULL;
    git_repository_init_options options;
    git_repository_init_options_init(&options, GIT_REPOSITORY_INIT_OPTIONS_VERSION);
    options.flags =
        GIT_REPOSITORY_INIT_BARE | GIT_REPOSITORY_INIT_MKDIR | GIT_REPOSITORY_INIT_NO_REINIT;
    int rc = asy_remove_tree(AT_FDCWD, fresh, error);
    if (rc < 0)
        return rc;
    rc = git_repository_init_ext(&repository, fresh, &options);
    git_repository_free(repository);
    if (rc < 0)
        return asy_git_fail(error, rc, ASY_E_IO, "cannot make a repository in the cache");
    if (rename(fresh, path) != 0) {
        asy_error_errno(error, ASY_E_IO, "cannot make a repository in the cache");
        return asy_error_path(error, path);
    }
    return ASY_OK;
}

/*
 * What a killed fetch left half written: packs, and locks of references, which would stop the next
 * one. The lock on the whole is ours, so nobody else writes now; no reference may end in ".lock"
 * (git-check-ref-format(1)).
 */
static void sweep(int parent, const char *name, unsigned depth)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        const char *own = entry->d_name;
        bool dots = strcmp(own, ".") == 0 || strcmp(own, "..") == 0;
        if (entry->d_type == DT_DIR && !dots && depth < ASY_SOURCE_DEPTH_MAX)
            sweep(fd, own, depth + 1);
        else if (asy_span_ends(asy_span_str(own), ".lock") || strncmp(own, "pack_git2_", 10) == 0)
            unlinkat(fd, own, 0);
    }
    if (dir)
        closedir(dir);
}

static int open_bare(const char *path, git_repository **out, asy_error *error)
{
    if (access(path, F_OK) != 0) {
        int rc = make_bare(path, error);
        if (rc < 0)
            return rc;
    }
    sweep(AT_FDCWD, path, 0);
    return asy_git_open(path, out, error);
}

static int obtain_locked(asy_job *job, const asy_spec *where, const char *revision,
                         git_repository *repository, asy_rev *rev, asy_error *error)
{
    ASY_ERROR_AUTO first = ASY_ERROR_INIT;
    const char *id = asy_spec_is_full_id(revision) ? revision : NULL;
    if (!job->refresh || id) {
        int rc = asy_rev_find(repository, revision, true, rev, &first);
        if (rc != ASY_E_NOT_FOUND || rev->candidates) {
            if (rc < 0 && error) {
                *error = first;
                first = (asy_error)ASY_ERROR_INIT;
            }
            return rc;
        }
    }
    int rc = asy_remote_fetch(job, where, repository, id, error);
    return rc < 0 ? rc : asy_rev_find(repository, revision, true, rev, error);
}

static int obtain_remote(asy_job *job, const asy_spec *where, const char *revision,
                         git_repository **out, asy_rev *rev, asy_error *error)
{
    ASY_AUTO_FREE char *path = cache_path(job, where);
    ASY_AUTO_CLOSE int lock = -1;
    git_repository *repository = NULL;
    int rc = take_lock(job, path, &lock, error);
    if (rc == ASY_OK)
        rc = open_bare(path, &repository, error);
    if (rc == ASY_OK)
        rc = obtain_locked(job, where, revision, repository, rev, error);
    if (rc < 0 && repository)
        asy_git_blame(repository, true, rc, error);
    if (rc < 0) {
        git_repository_free(repository);
        return rc;
    }
    *out = repository;
    return ASY_OK;
}

int asy_git_obtain(asy_job *job, const asy_spec *where, const char *revision, git_repository **out,
                   asy_rev *rev, asy_error *error)
{
    git_repository *repository = NULL;
    if (where->kind == ASY_SPEC_URL)
        return obtain_remote(job, where, revision, out, rev, error);
    asy_job_need(job, where->location);
    int rc = asy_git_open(where->location, &repository, error);
    if (rc == ASY_OK)
        rc = asy_git_blame(repository, false, asy_rev_find(repository, revision, false, rev, error),
                           error);
    if (rc < 0) {
        git_repository_free(repository);
        return rc;
    }
    *out = repository;
    return ASY_OK;
}
