/* SPDX-License-Identifier: Apache-2.0 */
/*
 * build: source → recipe → root → sandbox → outputs, and the record of all that went in and came
 * out (schema assay-build/1, docs/schema/).
 */
#ifndef ASY_BUILD_H
#define ASY_BUILD_H

#include "base/base.h"
#include "base/hash.h"
#include "base/json.h"
#include "recipe/recipe.h"
#include "root/root.h"
#include "sandbox/sandbox.h"
#include "source/source.h"

typedef struct asy_build_request {
    const char *source;         /* SRC */
    const char *mtimes_from;    /* or NULL */
    const char *root;           /* "host" when NULL */
    const char *mirror;         /* for debian:SUITE, or NULL */
    const char *build;          /* --build CMD, or NULL */
    const char *const *outputs; /* --output GLOBs, NULL-terminated, or NULL */
    bool network;               /* let the build reach the network; recorded */
    bool refresh;               /* fetch the source and make the root anew */
    asy_sandbox_limits limits;
    const char *out_dir; /* an empty folder: outputs, build.log and build.json go there */
    void (*say)(void *context, const char *text);
    void *context;
} asy_build_request;

typedef enum asy_build_status {
    ASY_BUILD_NOT_ATTEMPTED,
    ASY_BUILD_OK,
    ASY_BUILD_FAILED,
    ASY_BUILD_TIMEOUT,
    ASY_BUILD_INFRASTRUCTURE
} asy_build_status;

typedef struct asy_build_output {
    char *name; /* below out_dir */
    uint64_t size;
    asy_sha256 sha256;
} asy_build_output;

typedef struct asy_build {
    asy_build_status status;
    char *reason; /* why it is not OK, a sentence; NULL when it is */
    char *hint;   /* the way out, or NULL */
    asy_source source;
    bool has_source;
    asy_root root;
    bool has_root;
    asy_plan plan;
    bool has_plan;
    char **env; /* the whole environment, NULL-terminated */
    asy_sandbox_result run;
    bool ran;
    asy_build_output *outputs; /* sorted by name */
    size_t output_count;
    bool has_log; /* its digest and size hold */
    asy_sha256 log_sha256;
    uint64_t log_size;
    double seconds; /* of all: fetching, root, build */
    char *log_path, *record_path;
} asy_build;

/* 3/4 of the memory for `memory`, half of it for `disk` (a tmpfs), 4096 processes, two hours. */
asy_sandbox_limits asy_build_default_limits(void);

/*
 * Runs it. ASY_OK whenever the record says what happened, a failed build included; then out->status
 * tells. Else nothing could be tried because the user's words are off (ASY_E_USAGE,
 * ASY_E_NOT_FOUND), the source contradicts itself (ASY_E_MISMATCH), or ASY_E_INTERRUPTED; out is to
 * be freed in any case. The record is written whenever something was tried.
 */
int asy_build_run(const asy_build_request *request, asy_build *out, asy_error *error);
void asy_build_free(asy_build *build);
const char *asy_build_status_name(asy_build_status status);
/* Appends the last lines of the log, each after "  | ", escaped; nothing when there are none. */
void asy_build_log_tail(const asy_build *build, asy_buf *out);
/* The record, as a document or as a member of another. */
void asy_build_json(const asy_build_request *request, const asy_build *build, asy_json *json,
                    const char *key);

#endif
