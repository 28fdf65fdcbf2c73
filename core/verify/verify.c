/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/verify.h"

#include "diff/diff.h"
#include "io/io.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { REPORT_LIMIT = 1 << 28 }; /* bytes of a comparison's report that are read back */

static void add_note(asy_verification *v, char *note)
{
    size_t count = 0;
    while (v->notes && v->notes[count])
        count++;
    v->notes = asy_realloc_array(v->notes, count + 2, sizeof(*v->notes));
    v->notes[count] = note;
    v->notes[count + 1] = NULL;
}

/* Hashes the artifacts first: a name that is wrong should not cost a build. */
static int open_artifacts(const asy_verify_request *request, asy_verification *v, asy_error *error)
{
    v->items = asy_calloc(request->artifact_count, sizeof(*v->items));
    for (size_t i = 0; i < request->artifact_count; i++) {
        asy_verify_item *item = &v->items[i];
        item->path = asy_strdup(request->artifacts[i]);
        v->item_count++;
        ASY_AUTO_CLOSE int fd = -1;
        int rc = asy_open_regular(item->path, &fd, error);
        if (rc == ASY_OK)
            rc = asy_sha256_of_fd(fd, &item->sha256, &item->size, error);
        if (rc < 0)
            return rc;
    }
    return ASY_OK;
}

static bool is_digest(const asy_sha256 *hash, const char *hex)
{
    char own[ASY_SHA256_HEX + 1];
    asy_sha256_hex(hash, own);
    return strcmp(own, hex) == 0;
}

/* The verdict must be of the bytes whose digests this process took, not of what stood there later. */
static int same_bytes(const asy_verify_item *item, const asy_summary *summary, asy_error *error)
{
    if (is_digest(&item->sha256, summary->left) && is_digest(&item->rebuilt_sha256, summary->right))
        return ASY_OK;
    asy_error_set(error, ASY_E_MISMATCH, "a file changed while it was being verified");
    return asy_error_hint(error, "verify a copy that nobody else writes to");
}

/* Compares through the confined worker, which writes its JSON report to a memory file. */
static int compare_item(const asy_verify_request *request, const char *rebuilt,
                        asy_verify_item *item, asy_error *error)
{
    ASY_AUTO_CLOSE int fd = memfd_create("assay-report", MFD_CLOEXEC);
    if (fd < 0)
        return asy_error_errno(error, ASY_E_IO, "cannot make a memory file");
    asy_diff_output output = {.format = "json", .fd = fd};
    asy_diff_request diff = {.left = item->path,
                             .right = rebuilt,
                             .accept = request->accept,
                             .allow_hidden = request->allow_hidden,
                             .outputs = &output,
                             .output_count = 1};
    int rc = asy_diff_run(&diff, &item->exit_code, error);
    if (rc < 0)
        return rc;
    ASY_AUTO_FREE char *path = asy_asprintf("/proc/self/fd/%d", fd);
    rc = asy_read_file(-1, path, REPORT_LIMIT, &item->report, error);
    if (rc < 0)
        return rc;
    asy_summary summary;
    rc = asy_summary_read(asy_buf_span(&item->report), &summary, NULL, NULL, error);
    if (rc < 0)
        return rc;
    item->verdict = summary.verdict;
    item->risk = summary.risk;
    return same_bytes(item, &summary, error);
}

static int check_item(const asy_verify_request *request, asy_verification *v, asy_verify_item *item,
                      asy_error *error)
{
    const asy_build_output *output = asy_verify_match(
        &v->build, item->path, &item->sha256, request->artifact_count, &item->other_version);
    if (!output) {
        item->trouble =
            asy_asprintf("the rebuild made no file that corresponds to it; it made %s%s",
                         v->build.outputs[0].name, v->build.output_count > 1 ? " and others" : "");
        item->exit_code = 1;
        return ASY_OK;
    }
    item->rebuilt = asy_strdup(output->name);
    item->rebuilt_sha256 = output->sha256;
    ASY_AUTO_FREE char *path = asy_path_join(request->build.out_dir, output->name);
    int rc = compare_item(request, path, item, error);
    item->compared = rc == ASY_OK;
    if (rc == ASY_E_INTERRUPTED || rc == ASY_OK)
        return rc;
    item->trouble = asy_asprintf("it could not be compared: %s", error->message);
    item->verdict = ASY_INCONCLUSIVE;
    item->exit_code = 2;
    asy_error_clear(error);
    return ASY_OK;
}

/* A file that the rebuild did not make is as different as a file can be. */
static asy_verdict verdict_of_item(const asy_verify_item *item)
{
    return item->compared || item->rebuilt ? item->verdict : ASY_DIFFERENT;
}

static bool all_identical_digests(const asy_verification *v)
{
    for (size_t i = 0; i < v->item_count; i++)
        if (!v->items[i].rebuilt ||
            !asy_sha256_eq(&v->items[i].sha256, &v->items[i].rebuilt_sha256))
            return false;
    return true;
}

/* The worst of the items, where "different" outweighs "inconclusive": it was seen. */
static void settle_output(asy_verification *v)
{
    v->has_output = v->item_count > 0;
    for (size_t i = 0; i < v->item_count; i++) {
        asy_verdict verdict = verdict_of_item(&v->items[i]);
        bool worse = verdict > v->output && v->output != ASY_DIFFERENT;
        if (worse || verdict == ASY_DIFFERENT)
            v->output = verdict;
        if (v->items[i].risk > v->risk)
            v->risk = v->items[i].risk;
        if (v->items[i].other_version)
            v->source = ASY_SOURCE_MISMATCH;
        if (!v->items[i].rebuilt)
            v->risk = v->risk > ASY_RISK_MEDIUM ? v->risk : ASY_RISK_MEDIUM;
    }
    /* Identity rests on digests taken by this process, not on what a worker said. */
    if (v->output == ASY_IDENTICAL && !all_identical_digests(v))
        v->output = ASY_INCONCLUSIVE;
}

static asy_overall overall_of(const asy_verification *v)
{
    switch (v->build.status) {
    case ASY_BUILD_FAILED:
    case ASY_BUILD_TIMEOUT:
        return ASY_BUILD_DID_FAIL;
    case ASY_BUILD_NOT_ATTEMPTED:
    case ASY_BUILD_INFRASTRUCTURE:
        return ASY_NOT_ATTEMPTED;
    case ASY_BUILD_OK:
        break;
    }
    if (!v->has_output)
        return ASY_NOT_ATTEMPTED;
    return v->output == ASY_IDENTICAL    ? ASY_REPRODUCED
           : v->output == ASY_EQUIVALENT ? ASY_REPRODUCED_EQUIVALENT
                                         : ASY_NOT_REPRODUCED;
}

typedef struct times_only {
    size_t times, others;
} times_only;

static void count_times(void *context, const asy_summary_line *line)
{
    times_only *count = context;
    if (line->derived)
        return;
    if (line->cause && strcmp(line->cause, "timestamp.archive-member") == 0)
        count->times++;
    else if (!line->cause || strcmp(line->cause, "encoding.compression") != 0)
        count->others++;
}

/* Nothing but member times differs: how to go on from there. */
static void note_missing_times(const asy_verify_request *request, asy_verification *v)
{
    times_only count = {0, 0};
    for (size_t i = 0; i < v->item_count; i++) {
        asy_summary summary;
        if (!v->items[i].compared)
            return;
        asy_summary_read(asy_buf_span(&v->items[i].report), &summary, count_times, &count, NULL);
    }
    if (count.times == 0 || count.others > 0)
        return;
    add_note(v, asy_asprintf(
                    "Only member times differ%s.%s",
                    request->accept == ASY_IDENTICAL ? ", which --accept equivalent lets pass" : "",
                    v->build.source.kind == ASY_SOURCE_GIT && !request->build.mtimes_from
                        ? " A git checkout has no file times of its own: when the release "
                          "took them from its files, --mtimes-from TARBALL or FILE.dsc "
                          "restores them."
                        : ""));
}

static void add_notes(const asy_verify_request *request, asy_verification *v)
{
    note_missing_times(request, v);
    for (size_t i = 0; i < v->item_count; i++)
        if (v->items[i].other_version)
            add_note(v, asy_asprintf("The source builds %s, not %s: it is another version. Name "
                                     "the revision of that version with @REV.",
                                     v->items[i].rebuilt, asy_path_base(v->items[i].path)));
    if (request->build.mtimes_from && v->build.source.mtimes_restored == 0)
        add_note(v, asy_strdup("--mtimes-from restored the time of no file: is it the release of "
                               "this source?"));
    if (request->build.network)
        add_note(v, asy_strdup("The build could reach the network: what it fetched is not part of "
                               "the record."));
}

int asy_verify(const asy_verify_request *request, asy_verification *v, asy_error *error)
{
    ASY_ERROR_AUTO own = ASY_ERROR_INIT;
    if (!error)
        error = &own;
    *v = (asy_verification){.overall = ASY_NOT_ATTEMPTED, .source = ASY_SOURCE_UNVERIFIED};
    int rc = open_artifacts(request, v, error);
    if (rc < 0)
        return rc;
    rc = asy_build_run(&request->build, &v->build, error);
    if (v->build.has_source)
        v->source = v->build.source.status;
    if (rc == ASY_E_MISMATCH) {
        v->source = ASY_SOURCE_MISMATCH;
        asy_error_clear(error);
        rc = ASY_OK;
    }
    for (size_t i = 0; rc == ASY_OK && v->build.status == ASY_BUILD_OK && i < v->item_count; i++)
        rc = check_item(request, v, &v->items[i], error);
    if (rc == ASY_OK && v->build.status == ASY_BUILD_OK) {
        settle_output(v);
        add_notes(request, v);
    }
    v->overall = overall_of(v);
    return rc;
}

int asy_verify_exit_code(const asy_verify_request *request, const asy_verification *v)
{
    (void)request;
    switch (v->build.status) {
    case ASY_BUILD_INFRASTRUCTURE:
        return 4;
    case ASY_BUILD_FAILED:
    case ASY_BUILD_TIMEOUT:
        return 3;
    case ASY_BUILD_NOT_ATTEMPTED:
        return v->source == ASY_SOURCE_MISMATCH ? 1 : 2;
    case ASY_BUILD_OK:
        break;
    }
    int code = v->source == ASY_SOURCE_MISMATCH ? 1 : 0;
    for (size_t i = 0; i < v->item_count; i++)
        if (v->items[i].exit_code > code)
            code = v->items[i].exit_code;
    return v->output == ASY_INCONCLUSIVE && code == 0 ? 2 : code;
}

void asy_verification_free(asy_verification *v)
{
    for (size_t i = 0; i < v->item_count; i++) {
        free(v->items[i].path);
        free(v->items[i].rebuilt);
        free(v->items[i].trouble);
        asy_buf_free(&v->items[i].report);
    }
    free(v->items);
    for (char **note = v->notes; note && *note; note++)
        free(*note);
    free(v->notes);
    asy_build_free(&v->build);
    *v = (asy_verification){0};
}

const char *asy_environment_name(asy_environment environment)
{
    static const char *const names[] = {"unknown", "drifted", "exact"};
    return names[environment];
}

const char *asy_overall_name(asy_overall overall)
{
    static const char *const names[] = {"reproduced", "reproduced-equivalent", "not-reproduced",
                                        "build-failed", "not-attempted"};
    return names[overall];
}
