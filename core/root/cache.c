/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of the cache: made beside, published by a rename, held while in use, swept when old. */
#include "root/inner.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum {
    LOCK_POLL_NS = 100 * 1000 * 1000,
    /* An entry is published a moment before its name is written and it is held: no sweep so soon. */
    SWEEP_AGE_SECONDS = 3600
};

static const char temporary_prefix[] = "tmp-";

struct asy_root_hold {
    int fd; /* the entry's folder, flock()ed */
};

/* ---- places -------------------------------------------------------------------------------------- */

static char *roots_dir(const asy_root_request *request)
{
    return asy_path_join(request->cache_dir, "roots");
}

static char *place(const asy_root_request *request, const char *prefix, const char *key)
{
    return asy_asprintf("%s/roots/%s%s", request->cache_dir, prefix, key);
}

char *asy_root_entry(const asy_root_request *request, const char *digest)
{
    return place(request, "", digest);
}

bool asy_root_entry_ready(const char *entry)
{
    ASY_AUTO_FREE char *record = asy_path_join(entry, "record.json");
    return access(record, R_OK) == 0;
}

/* ---- locks --------------------------------------------------------------------------------------- */

static int open_lock(const asy_root_request *request, const char *key, asy_error *error)
{
    ASY_AUTO_FREE char *path = place(request, "lock-", key), *dir = roots_dir(request);
    if (asy_make_dirs(dir, 0755, error) < 0)
        return -1;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0) {
        asy_error_errno(error, ASY_E_INFRA, "cannot lock");
        asy_error_path(error, path);
    }
    return fd;
}

int asy_root_lock(const asy_root_request *request, const char *key, int *out, asy_error *error)
{
    ASY_AUTO_CLOSE int fd = open_lock(request, key, error);
    if (fd < 0)
        return ASY_E_INFRA;
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return asy_error_errno(error, ASY_E_INFRA, "cannot lock an entry of the cache");
        if (asy_interrupted())
            return asy_error_set(error, ASY_E_INTERRUPTED, "interrupted");
        asy_root_say(request, "waiting for another assay that makes the same root");
        nanosleep(&(struct timespec){.tv_nsec = LOCK_POLL_NS}, NULL);
    }
    *out = fd;
    fd = -1;
    return ASY_OK;
}

/* ---- making -------------------------------------------------------------------------------------- */

void asy_root_discard(const asy_root_request *request, const char *path)
{
    asy_idmap_remove_tree(request->map, path, NULL);
}

int asy_root_temporary(const asy_root_request *request, const char *key, char **out,
                       asy_error *error)
{
    ASY_AUTO_FREE char *path = place(request, temporary_prefix, key);
    int rc = asy_idmap_remove_tree(request->map, path, error);
    if (rc < 0)
        return asy_error_wrap(error, "what a killed run left in the cache");
    if (mkdir(path, 0755) != 0) {
        asy_error_errno(error, ASY_E_INFRA, "cannot make a folder in the cache");
        return asy_error_path(error, path);
    }
    *out = path;
    path = NULL;
    return ASY_OK;
}

int asy_root_make_inner(const asy_idmap *map, const char *dir, const char *name, char **out,
                        asy_error *error)
{
    ASY_AUTO_FREE char *path = asy_path_join(dir, name);
    if (mkdir(path, 0755) != 0 || chmod(path, 0755) != 0 ||
        chown(path, map->root_uid, map->root_gid) != 0) {
        asy_error_errno(error, ASY_E_INFRA, "cannot make a folder in the cache");
        return asy_error_path(error, path);
    }
    *out = path;
    path = NULL;
    return ASY_OK;
}

static int flush(const char *folder, asy_error *error)
{
    ASY_AUTO_CLOSE int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0 && syncfs(fd) == 0)
        return ASY_OK;
    asy_error_errno(error, ASY_E_INFRA, "cannot write to the disk");
    return asy_error_path(error, folder);
}

int asy_root_publish(const asy_root_request *request, const char *temporary, const char *entry,
                     asy_span record, asy_error *error)
{
    ASY_AUTO_FREE char *path = asy_path_join(temporary, "record.json");
    ASY_AUTO_FREE char *parent = asy_strndup(entry, (size_t)(asy_path_base(entry) - entry));
    int rc = asy_write_file(path, record, 0644, error);
    if (rc == ASY_OK)
        rc = flush(temporary, error);
    if (rc == ASY_OK)
        rc = asy_make_dirs(parent, 0755, error);
    if (rc < 0)
        return rc;
    if (rename(temporary, entry) == 0)
        return ASY_OK;
    if ((errno != ENOTEMPTY && errno != EEXIST) || !asy_root_entry_ready(entry)) {
        asy_error_errno(error, ASY_E_INFRA, "cannot put an entry into the cache");
        return asy_error_path(error, entry);
    }
    asy_root_discard(request, temporary);
    return ASY_OK;
}

/* ---- holding ------------------------------------------------------------------------------------- */

/* Opens and locks a folder, and makes sure that nobody has moved it away meanwhile. -1: not there. */
static int lock_folder(const char *path, int how)
{
    struct stat held, seen;
    ASY_AUTO_CLOSE int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || flock(fd, how | LOCK_NB) != 0 || fstat(fd, &held) != 0 ||
        stat(path, &seen) != 0 || held.st_dev != seen.st_dev || held.st_ino != seen.st_ino)
        return -1;
    int result = fd;
    fd = -1;
    return result;
}

int asy_root_hold_entry(const char *entry, asy_root_hold **out, asy_error *error)
{
    int fd = lock_folder(entry, LOCK_SH);
    if (fd < 0) {
        asy_error_set(error, ASY_E_NOT_FOUND, "the cache does not hold the root");
        return asy_error_path(error, entry);
    }
    *out = asy_alloc(sizeof(**out));
    (*out)->fd = fd;
    return ASY_OK;
}

asy_root_hold *asy_root_hold_free(asy_root_hold *hold)
{
    if (hold) {
        close(hold->fd);
        free(hold);
    }
    return NULL;
}

/* ---- sweeping ------------------------------------------------------------------------------------ */

/* The digests that names lead to, one after the other in one text. */
static void named_digests(const asy_root_request *request, asy_buf *out)
{
    ASY_AUTO_FREE char *path = asy_asprintf("%s/roots/by-name", request->cache_dir);
    DIR *dir = opendir(path);
    struct dirent *entry;
    asy_buf_puts(out, "");
    while (dir && (entry = readdir(dir))) {
        asy_root_name name;
        const char *dot = strrchr(entry->d_name, '.');
        ASY_AUTO_FREE char *key =
            asy_strndup(entry->d_name, dot ? (size_t)(dot - entry->d_name) : 0);
        if (asy_root_name_read(request->cache_dir, key, &name))
            asy_buf_printf(out, "%s\n", name.digest);
    }
    if (dir)
        closedir(dir);
}

static bool is_old(const char *entry)
{
    struct stat st;
    ASY_AUTO_FREE char *record = asy_path_join(entry, "record.json");
    return stat(record, &st) == 0 && st.st_mtime < time(NULL) - SWEEP_AGE_SECONDS;
}

static void sweep_entry(const asy_root_request *request, const char *name)
{
    ASY_AUTO_FREE char *entry = place(request, "", name);
    if (!is_old(entry) || !asy_root_record_is_debian(entry))
        return;
    ASY_AUTO_CLOSE int fd = lock_folder(entry, LOCK_EX);
    ASY_AUTO_FREE char *gone = place(request, temporary_prefix, name);
    if (fd >= 0 && rename(entry, gone) == 0)
        asy_root_discard(request, gone);
}

/* What a killed run was making: nobody holds its lock. */
static void sweep_temporary(const asy_root_request *request, const char *key)
{
    ASY_AUTO_FREE char *path = place(request, temporary_prefix, key);
    ASY_AUTO_CLOSE int fd = open_lock(request, key, NULL);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
        asy_root_discard(request, path);
}

void asy_root_sweep(const asy_root_request *request)
{
    ASY_BUF_AUTO named = ASY_BUF_INIT;
    ASY_AUTO_FREE char *path = roots_dir(request);
    named_digests(request, &named);
    DIR *dir = opendir(path);
    struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        const char *name = entry->d_name;
        if (strncmp(name, temporary_prefix, strlen(temporary_prefix)) == 0)
            sweep_temporary(request, name + strlen(temporary_prefix));
        else if (strlen(name) == ASY_SHA256_HEX && !strstr(named.ptr, name))
            sweep_entry(request, name);
    }
    if (dir)
        closedir(dir);
}
