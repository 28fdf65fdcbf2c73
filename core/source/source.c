/* SPDX-License-Identifier: Apache-2.0 */
#include "source/internal.h"

#include "io/io.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *asy_source_status_name(asy_source_status status)
{
    switch (status) {
    case ASY_SOURCE_VERIFIED:
        return "verified";
    case ASY_SOURCE_UNVERIFIED:
        return "unverified";
    case ASY_SOURCE_MISMATCH:
        return "mismatch";
    }
    return "unverified";
}

void asy_source_free(asy_source *source)
{
    char *strings[] = {source->spec,     source->url,     source->revision,
                       source->ref_kind, source->commit,  source->tree,
                       source->package,  source->version, source->mtimes_from};
    for (size_t i = 0; i < ASY_COUNT(strings); i++)
        free(strings[i]);
    for (size_t i = 0; i < source->file_count; i++)
        free(source->files[i].name);
    for (size_t i = 0; i < source->module_count; i++) {
        free(source->modules[i].path);
        free(source->modules[i].url);
        free(source->modules[i].commit);
    }
    free(source->files);
    free(source->modules);
    *source = (asy_source){0};
}

static const char *kind_name(asy_source_kind kind)
{
    return kind == ASY_SOURCE_GIT ? "git" : kind == ASY_SOURCE_DSC ? "dsc" : "directory";
}

static void json_git(const asy_source *source, asy_json *json)
{
    asy_json_str(json, "url", source->url);
    asy_json_str(json, "revision", source->revision);
    asy_json_str(json, "ref_kind", source->ref_kind);
    asy_json_str(json, "commit", source->commit);
    asy_json_str(json, "tree", source->tree);
    asy_json_array(json, "submodules");
    for (size_t i = 0; i < source->module_count; i++) {
        asy_json_object(json, NULL);
        asy_json_str(json, "path", source->modules[i].path);
        asy_json_str(json, "url", source->modules[i].url);
        asy_json_str(json, "commit", source->modules[i].commit);
        asy_json_end(json);
    }
    asy_json_end(json);
}

static void json_dsc(const asy_source *source, asy_json *json)
{
    asy_json_str(json, "package", source->package);
    asy_json_str(json, "version", source->version);
    asy_json_array(json, "files");
    for (size_t i = 0; i < source->file_count; i++) {
        asy_json_object(json, NULL);
        asy_json_str(json, "name", source->files[i].name);
        asy_json_u64(json, "size", source->files[i].size);
        asy_json_sha256(json, "sha256", &source->files[i].sha256);
        asy_json_end(json);
    }
    asy_json_end(json);
}

void asy_source_json(const asy_source *source, asy_json *json, const char *key)
{
    asy_json_object(json, key);
    asy_json_str(json, "kind", kind_name(source->kind));
    asy_json_str(json, "status", asy_source_status_name(source->status));
    asy_json_str(json, "spec", source->spec);
    if (source->kind == ASY_SOURCE_GIT)
        json_git(source, json);
    if (source->kind == ASY_SOURCE_DSC)
        json_dsc(source, json);
    asy_json_i64(json, "epoch", source->epoch);
    asy_json_sha256(json, "digest", &source->digest);
    if (source->mtimes_from) {
        asy_json_object(json, "mtimes");
        asy_json_str(json, "from", source->mtimes_from);
        asy_json_sha256(json, "sha256", &source->mtimes_digest);
        asy_json_u64(json, "restored", source->mtimes_restored);
        asy_json_u64(json, "total", source->mtimes_total);
        asy_json_end(json);
    }
    asy_json_end(json);
}

/* ---- fetching ---------------------------------------------------------------------------------- */

int asy_job_do(asy_job *job, asy_error *error)
{
    static int (*const bring[])(asy_job *, asy_error *) = {
        [ASY_SPEC_URL] = asy_git_source,
        [ASY_SPEC_LOCAL] = asy_git_source,
        [ASY_SPEC_DSC] = asy_dsc_source,
        [ASY_SPEC_DIR] = asy_dir_source,
    };
    int rc = bring[job->spec->kind](job, error);
    if (rc == ASY_OK && job->mtimes_from) {
        rc = asy_mtimes_restore(job, error);
        if (rc < 0)
            asy_error_wrap(error, "cannot restore times");
    }
    asy_listing listing = {0};
    if (rc == ASY_OK)
        rc = asy_listing_of_folder(job, job->dest_fd, &listing, error);
    if (rc == ASY_OK) {
        job->out->digest = asy_listing_digest(&listing);
        if (job->spec->kind == ASY_SPEC_DIR)
            job->out->epoch = asy_listing_newest(&listing);
    }
    asy_listing_free(&listing);
    if (rc == ASY_E_MISMATCH)
        job->out->status = ASY_SOURCE_MISMATCH;
    return rc;
}

static int real_path(const char *path, char **out, asy_error *error)
{
    *out = realpath(path, NULL);
    if (*out)
        return ASY_OK;
    asy_error_errno(error, errno == ENOENT ? ASY_E_NOT_FOUND : ASY_E_IO, "cannot open");
    return asy_error_path(error, path);
}

/* Files of two sources must not mix. */
static int check_empty(const char *path, asy_error *error)
{
    DIR *dir = opendir(path);
    if (!dir) {
        asy_error_errno(error, ASY_E_IO, "cannot open");
        return asy_error_path(error, path);
    }
    bool empty = true;
    for (struct dirent *entry = readdir(dir); entry && empty; entry = readdir(dir))
        empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    closedir(dir);
    if (empty)
        return ASY_OK;
    asy_error_set(error, ASY_E_USAGE, "the folder for the source is not empty");
    return asy_error_path(error, path);
}

static int prepare_cache(const char *cache_dir, char **out, asy_error *error)
{
    ASY_AUTO_FREE char *path = asy_path_join(cache_dir, "git");
    int rc = asy_make_dirs(path, 0755, error);
    return rc < 0 ? rc : real_path(path, out, error);
}

static int fetch(const asy_source_request *request, const asy_spec *spec, asy_source *out,
                 asy_error *error)
{
    asy_strings repositories = {0};
    ASY_AUTO_FREE char *dest = NULL, *cache = NULL, *mtimes = NULL;
    int rc = real_path(request->dest, &dest, error);
    if (rc == ASY_OK)
        rc = check_empty(dest, error);
    if (rc == ASY_OK && (spec->kind == ASY_SPEC_URL || spec->kind == ASY_SPEC_LOCAL))
        rc = prepare_cache(request->cache_dir, &cache, error);
    if (rc == ASY_OK && request->mtimes_from)
        rc = real_path(request->mtimes_from, &mtimes, error);
    if (rc < 0)
        return rc;
    if (spec->kind == ASY_SPEC_LOCAL)
        asy_strings_add(&repositories, spec->location);
    asy_job job = {.spec = spec,
                   .dest = dest,
                   .cache = cache,
                   .mtimes_from = mtimes,
                   .refresh = request->refresh,
                   .repositories = &repositories,
                   .dest_fd = -1,
                   .pipe = -1,
                   .out = out};
    rc = asy_source_worker_run(&job, request->say, request->context, error);
    asy_strings_free(&repositories);
    return rc;
}

int asy_source_fetch(const asy_source_request *request, asy_source *out, asy_error *error)
{
    asy_spec spec = {0};
    *out = (asy_source){.status = ASY_SOURCE_UNVERIFIED};
    int rc = asy_spec_parse(request->spec, &spec, error);
    if (rc < 0)
        return rc;
    out->kind = spec.kind == ASY_SPEC_DSC   ? ASY_SOURCE_DSC
                : spec.kind == ASY_SPEC_DIR ? ASY_SOURCE_DIR
                                            : ASY_SOURCE_GIT;
    if (request->mtimes_from && spec.kind == ASY_SPEC_DSC) {
        asy_error_set(error, ASY_E_USAGE, "a .dsc brings its own file times");
        rc = asy_error_hint(error, "leave out --mtimes-from");
    } else {
        rc = fetch(request, &spec, out, error);
    }
    out->spec = asy_strdup(spec.text);
    out->mtimes_from = asy_strdup(request->mtimes_from);
    if (rc < 0)
        asy_error_wrap(error, "source %s", spec.text);
    asy_spec_free(&spec);
    return rc;
}
