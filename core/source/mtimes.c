/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A git checkout has no file times of its own; builds that record times reproduce once those of the
 * released tarball are back. A time is taken over only with the same content at the same path.
 */
#include "source/internal.h"

#include "io/io.h"

#include <fcntl.h>
#include <libgen.h>
#include <string.h>

/* ---- what a .dsc unpacks to: dpkg-source(1), "SOURCE PACKAGE FORMATS" ---------------------------- */

static bool is_tarball(const char *name)
{
    return strstr(name, ".tar.") && !asy_span_ends(asy_span_str(name), ".asc");
}

static bool is_debian(const char *name)
{
    return is_tarball(name) && strstr(name, ".debian.tar.") != NULL;
}

/* "COMPONENT/" for NAME_VERSION.orig-COMPONENT.tar.X, else "". */
static char *component_folder(const char *name)
{
    const char *mark = strstr(name, ".orig-"), *end = mark ? strstr(mark, ".tar.") : NULL;
    return mark && end ? asy_asprintf("%.*s/", (int)(end - mark - 6), mark + 6) : asy_strdup("");
}

/* The upstream tarballs first, so that the debian one has the last word on debian/. */
int asy_dsc_list(asy_job *job, const char *path, const asy_dsc *dsc, bool all, asy_listing *out,
                 asy_error *error)
{
    ASY_AUTO_FREE char *copy = asy_strdup(path);
    const char *dir = dirname(copy);
    bool has_debian = false;
    for (size_t i = 0; i < dsc->count; i++)
        has_debian |= is_debian(dsc->files[i].name);
    int rc = ASY_OK;
    for (int turn = 0; turn < 2; turn++) {
        for (size_t i = 0; i < dsc->count && rc == ASY_OK; i++) {
            const char *name = dsc->files[i].name;
            if (!is_tarball(name) || is_debian(name) != (turn == 1))
                continue;
            if (turn == 0 && has_debian && !all)
                continue;
            ASY_AUTO_FREE char *file = asy_path_join(dir, name);
            ASY_AUTO_FREE char *under = component_folder(name);
            rc = asy_tarball_list(job, file, turn == 0, under, out, error);
        }
    }
    asy_listing_sort(out);
    return rc;
}

/* ---- restoring ------------------------------------------------------------------------------------ */

static int list_origin(asy_job *job, asy_listing *out, asy_error *error)
{
    const char *path = job->mtimes_from;
    if (asy_span_ends(asy_span_str(path), ".dsc")) {
        asy_dsc dsc = {0};
        int rc = asy_dsc_check(job, path, &dsc, &job->out->mtimes_digest, error);
        if (rc == ASY_OK)
            rc = asy_dsc_list(job, path, &dsc, true, out, error);
        asy_dsc_free(&dsc);
        return rc;
    }
    ASY_AUTO_CLOSE int fd = -1;
    int rc = asy_open_regular(path, &fd, error);
    if (rc == ASY_OK)
        rc = asy_sha256_of_fd(fd, &job->out->mtimes_digest, NULL, error);
    if (rc == ASY_OK)
        rc = asy_tarball_list(job, path, true, "", out, error);
    asy_listing_sort(out);
    return rc;
}

static bool same_content(const asy_entry *a, const asy_entry *b)
{
    if (a->type == 'l' || b->type == 'l')
        return a->type == b->type && a->target && b->target && strcmp(a->target, b->target) == 0;
    if (a->type == 'd' || b->type == 'd')
        return a->type == b->type;
    return asy_sha256_eq(&a->sha256, &b->sha256); /* modes do not matter here */
}

static int restore(asy_job *job, const asy_listing *have, const asy_listing *origin,
                   asy_error *error)
{
    for (size_t i = 0; i < have->count; i++) {
        const asy_entry *own = &have->entries[i], *from = asy_listing_find(origin, own->path);
        job->out->mtimes_total += own->type != 'd';
        if (!from || !same_content(own, from))
            continue;
        const struct timespec time = {from->seconds, from->nanoseconds}, times[2] = {time, time};
        if (utimensat(job->dest_fd, own->path, times, AT_SYMLINK_NOFOLLOW) != 0) {
            asy_error_errno(error, ASY_E_IO, "cannot set the time");
            return asy_error_path(error, own->path);
        }
        job->out->mtimes_restored += own->type != 'd';
    }
    return ASY_OK;
}

int asy_mtimes_restore(asy_job *job, asy_error *error)
{
    asy_listing have = {0}, origin = {0};
    asy_job_say(job, true, "restoring file times");
    int rc = list_origin(job, &origin, error);
    if (rc == ASY_OK)
        rc = asy_listing_of_folder(job, job->dest_fd, &have, error);
    if (rc == ASY_OK)
        rc = restore(job, &have, &origin, error);
    asy_listing_free(&have);
    asy_listing_free(&origin);
    return rc;
}
