/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verify: rebuilds a source and compares what came out with the artifacts that were shipped; a
 * verdict on each axis (docs/VERDICTS.md).
 */
#ifndef ASY_VERIFY_H
#define ASY_VERIFY_H

#include "base/buf.h"
#include "build/build.h"
#include "compare/compare.h"

typedef enum asy_environment {
    ASY_ENVIRONMENT_UNKNOWN, /* nothing tells in what the artifact was built */
    ASY_ENVIRONMENT_DRIFTED,
    ASY_ENVIRONMENT_EXACT
} asy_environment;

typedef enum asy_overall {
    ASY_REPRODUCED,
    ASY_REPRODUCED_EQUIVALENT,
    ASY_NOT_REPRODUCED,
    ASY_BUILD_DID_FAIL, /* "build-failed" */
    ASY_NOT_ATTEMPTED
} asy_overall;

/* One shipped file and what the rebuild made in its place. Strings owned. */
typedef struct asy_verify_item {
    char *path; /* as given */
    uint64_t size;
    asy_sha256 sha256;
    char *rebuilt; /* name of the output it was compared with; NULL: there was none */
    asy_sha256 rebuilt_sha256;
    bool other_version; /* the output is of another version: the source is not the one */
    bool compared;      /* verdict, risk and report hold */
    asy_verdict verdict;
    asy_risk risk;
    asy_buf report; /* the comparison, schema assay-report/1 */
    int exit_code;  /* as `assay diff` would give */
    char *trouble;  /* why it could not be compared, or NULL */
} asy_verify_item;

typedef struct asy_verification {
    asy_build build;
    asy_verify_item *items;
    size_t item_count;
    asy_source_status source;
    asy_environment environment;
    asy_verdict output; /* the worst of the items, when has_output */
    bool has_output;
    asy_risk risk;
    asy_overall overall;
    char **notes; /* NULL-terminated sentences: what the reader should know */
} asy_verification;

typedef struct asy_verify_request {
    const char *const *artifacts;
    size_t artifact_count;
    asy_build_request build;
    asy_verdict accept; /* at most this counts as success */
    bool allow_hidden;
} asy_verify_request;

/*
 * ASY_OK whenever there is a verdict, of whatever kind. Negative, with nothing attempted, for the
 * user's words (an artifact or a revision that does not exist) and for SIGINT or SIGTERM; `out` is
 * to be freed in any case, and can be reported in any case.
 */
int asy_verify(const asy_verify_request *request, asy_verification *out, asy_error *error);
void asy_verification_free(asy_verification *verification);

/* DESIGN section 5: 0 reproduced, 1 not, 2 trouble, 3 build failed, 4 infrastructure. */
int asy_verify_exit_code(const asy_verify_request *request, const asy_verification *verification);

const char *asy_environment_name(asy_environment environment);
const char *asy_overall_name(asy_overall overall);

/*
 * The output that an artifact is to be compared with: one of the same bytes; else of the same name;
 * else, for a .deb, of the same package and architecture (*other_version tells whether the version
 * is another one); else the only output of the same kind that does not name another package, when
 * there is but one artifact. NULL when there is none.
 */
const asy_build_output *asy_verify_match(const asy_build *build, const char *artifact,
                                         const asy_sha256 *sha256, size_t artifact_count,
                                         bool *other_version);

/* One line of a comparison's report, for a summary; strings borrowed from the parsed report. */
typedef struct asy_summary_line {
    const char *path, *region, *summary, *status, *cause, *risk;
    bool derived;
} asy_summary_line;
/* What a comparison came to, and of which bytes: SHA-256 of both sides in hex. */
typedef struct asy_summary {
    asy_verdict verdict;
    asy_risk risk;
    char left[ASY_SHA256_HEX + 1], right[ASY_SHA256_HEX + 1];
} asy_summary;
/*
 * Reads a comparison's JSON (of our own worker, yet not trusted). ASY_E_FORMAT when it is not what
 * the schema says. `each` is called for every difference in order; it may be NULL.
 */
int asy_summary_read(asy_span report, asy_summary *summary,
                     void (*each)(void *context, const asy_summary_line *line), void *context,
                     asy_error *error);

/* Reports: "text" (a screen, for somebody who has never seen the tool) and "json"
 * (schema assay-verify/1). NULL when there is none of that name. */
typedef struct asy_verify_reporter {
    const char *name;
    void (*write)(const asy_verify_request *request, const asy_verification *verification,
                  asy_buf *out);
} asy_verify_reporter;
const asy_verify_reporter *asy_verify_reporter_find(const char *name);

#endif
