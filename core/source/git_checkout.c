/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes a planned tree to dest. Every file, link and folder must be new there, so what a tree says
 * twice is refused, and no path can lead through a link. The times of all are the commit's.
 */
#include "source/git.h"

#include "base/buf.h"
#include "io/io.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct writer {
    asy_job *job;
    asy_git_plan *plan;
    struct timespec times[2];
    uint64_t total;
    size_t unhandled; /* files whose filter or encoding was not applied */
} writer;

static int fail_path(asy_error *error, const char *path)
{
    asy_error_errno(error, errno == EEXIST ? ASY_E_FORMAT : ASY_E_IO, "cannot write");
    return asy_error_path(error, path);
}

static int write_folder(writer *to, const asy_item *item, asy_error *error)
{
    if (mkdirat(to->job->dest_fd, item->path, 0755) != 0 ||
        fchmodat(to->job->dest_fd, item->path, 0755, 0) != 0)
        return fail_path(error, item->path);
    return ASY_OK;
}

static int write_link(writer *to, const asy_item *item, asy_span target, asy_error *error)
{
    char text[PATH_MAX] = {0};
    if (target.len == 0 || target.len >= sizeof(text) || memchr(target.ptr, 0, target.len)) {
        asy_error_set(error, ASY_E_FORMAT, "not a target for a symlink");
        return asy_error_path(error, item->path);
    }
    memcpy(text, target.ptr, target.len);
    if (symlinkat(text, to->job->dest_fd, item->path) != 0 ||
        utimensat(to->job->dest_fd, item->path, to->times, AT_SYMLINK_NOFOLLOW) != 0)
        return fail_path(error, item->path);
    return ASY_OK;
}

static int write_bytes(writer *to, const asy_item *item, asy_span bytes, asy_error *error)
{
    mode_t mode = item->mode == GIT_FILEMODE_BLOB_EXECUTABLE ? 0755 : 0644;
    ASY_AUTO_CLOSE int fd = openat(to->job->dest_fd, item->path,
                                   O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd < 0)
        return fail_path(error, item->path);
    int rc = asy_write_all(fd, bytes, error);
    if (rc < 0)
        return asy_error_path(error, item->path);
    if (fchmod(fd, mode) != 0 || futimens(fd, to->times) != 0)
        return fail_path(error, item->path);
    return ASY_OK;
}

static int write_file(writer *to, const asy_item *item, asy_span bytes, asy_error *error)
{
    const asy_part *part = &to->plan->parts[item->part];
    asy_conversion conversion;
    ASY_BUF_AUTO converted = ASY_BUF_INIT;
    int rc = asy_attributes_of(part, item->path + strlen(part->prefix), &conversion, error);
    if (rc < 0)
        return rc;
    to->unhandled += conversion.unhandled;
    if (asy_convert(&conversion, bytes, &item->id, &converted))
        bytes = asy_buf_span(&converted);
    return write_bytes(to, item, bytes, error);
}

/* Sizes are looked at before the bytes are decoded. */
static int check_size(writer *to, const asy_part *part, const asy_item *item, asy_error *error)
{
    size_t size = 0;
    git_object_t type = GIT_OBJECT_INVALID;
    int rc = git_odb_read_header(&size, &type, part->odb, &item->id);
    if (rc < 0) {
        asy_git_fail(error, rc, rc == GIT_ENOTFOUND ? ASY_E_NOT_FOUND : ASY_E_MISMATCH,
                     "cannot read object %s", git_oid_tostr_s(&item->id));
        return asy_error_path(error, item->path);
    }
    if (type != GIT_OBJECT_BLOB) {
        asy_error_set(error, ASY_E_FORMAT, "the tree gives a %s as a file",
                      git_object_type2string(type));
        return asy_error_path(error, item->path);
    }
    if (size > ASY_SOURCE_FILE_MAX || !asy_add_u64(to->total, size, &to->total) ||
        to->total > ASY_SOURCE_TOTAL_MAX) {
        asy_error_set(error, ASY_E_LIMIT, "the source is too large");
        return asy_error_path(error, item->path);
    }
    return ASY_OK;
}

static int write_item(writer *to, const asy_item *item, asy_error *error)
{
    const asy_part *part = &to->plan->parts[item->part];
    git_odb_object *object = NULL;
    if (item->mode == GIT_FILEMODE_TREE || item->mode == GIT_FILEMODE_COMMIT)
        return write_folder(to, item, error);
    int rc = check_size(to, part, item, error);
    if (rc == ASY_OK)
        rc = asy_git_read(part->odb, &item->id, &object, error);
    if (rc < 0)
        return asy_error_path(error, item->path);
    asy_span bytes = {git_odb_object_data(object), git_odb_object_size(object)};
    rc = item->mode == GIT_FILEMODE_LINK ? write_link(to, item, bytes, error)
                                         : write_file(to, item, bytes, error);
    git_odb_object_free(object);
    return rc;
}

/* Folders get their times last, when nothing is added to them any more. */
static int set_folder_times(writer *to, asy_error *error)
{
    for (size_t i = 0; i < to->plan->count; i++) {
        const asy_item *item = &to->plan->items[i];
        bool folder = item->mode == GIT_FILEMODE_TREE || item->mode == GIT_FILEMODE_COMMIT;
        if (folder && utimensat(to->job->dest_fd, item->path, to->times, AT_SYMLINK_NOFOLLOW) != 0)
            return fail_path(error, item->path);
    }
    return futimens(to->job->dest_fd, to->times) == 0 ? ASY_OK : fail_path(error, to->job->dest);
}

int asy_git_plan_write(asy_job *job, asy_git_plan *plan, asy_error *error)
{
    struct timespec time = {.tv_sec = (time_t)plan->parts[0].rev.time};
    writer to = {.job = job, .plan = plan, .times = {time, time}};
    for (size_t i = 0; i < plan->count; i++) {
        asy_job_say(job, false, "writing: %zu of %zu files", i, plan->count);
        int rc = write_item(&to, &plan->items[i], error);
        const asy_part *part = &plan->parts[plan->items[i].part];
        if (rc < 0)
            return asy_git_blame(part->repository, part->where.kind == ASY_SPEC_URL, rc, error);
    }
    if (to.unhandled)
        asy_job_say(job, true, "note: %zu files have a filter or an encoding that is not applied",
                    to.unhandled);
    return set_folder_times(&to, error);
}

/* The paths of this record are those of the repository that the user named. */
static void record(asy_source *out, const asy_part *part, const char *revision)
{
    char id[GIT_OID_HEXSZ + 1];
    out->url = asy_strdup(part->where.location);
    out->revision = asy_strdup(revision);
    out->ref_kind = asy_strdup(part->rev.kind);
    out->commit = asy_strdup(git_oid_tostr(id, sizeof(id), &part->rev.commit));
    out->tree = asy_strdup(git_oid_tostr(id, sizeof(id), &part->rev.tree));
    out->epoch = part->rev.time;
}

static void copy_place(const asy_spec *from, asy_spec *to)
{
    *to = (asy_spec){.kind = from->kind,
                     .location = asy_strdup(from->location),
                     .user = asy_strdup(from->user),
                     .password = asy_strdup(from->password)};
}

static int bring(asy_job *job, asy_git_plan *plan, asy_error *error)
{
    const char *revision = job->spec->revision;
    plan->parts = asy_calloc(1, sizeof(*plan->parts));
    plan->part_count = plan->part_capacity = 1;
    asy_part *part = &plan->parts[0];
    copy_place(job->spec, &part->where);
    part->prefix = asy_strdup("");
    int rc = asy_git_obtain(job, &part->where, revision, &part->repository, &part->rev, error);
    if (rc < 0)
        return rc;
    record(job->out, part, revision);
    rc = git_repository_odb(&part->odb, part->repository);
    if (rc < 0)
        return asy_git_fail(error, rc, ASY_E_IO, "cannot open the object store");
    rc = asy_git_plan_make(job, plan, error);
    if (rc == ASY_OK)
        rc = asy_git_plan_write(job, plan, error);
    if (rc == ASY_OK)
        job->out->status = ASY_SOURCE_VERIFIED;
    return rc;
}

int asy_git_source(asy_job *job, asy_error *error)
{
    asy_git_plan plan = {0};
    int rc = asy_git_start(error);
    if (rc == ASY_OK)
        rc = bring(job, &plan, error);
    asy_git_plan_free(&plan);
    git_libgit2_shutdown();
    return rc;
}
