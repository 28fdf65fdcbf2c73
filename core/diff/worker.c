/* SPDX-License-Identifier: Apache-2.0 */
/* The worker's side: give up power, read both files, compare, report. */
#include "diff/diff.h"
#include "diff/wire.h"

#include "io/io.h"
#include "formats/format.h"
#include "report/report.h"
#include "worker/worker.h"

#include <fcntl.h>
#include <git2.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Private memory. Decoded members spill to files, so what counts is the description: about 2 KiB
 * for each of at most two million members. */
static const uint64_t memory_limit = UINT64_C(8) << 30;

typedef struct job {
    const char *left, *right;
    asy_verdict accept;
    bool verbose, color, allow_hidden;
    char **formats;
    size_t output_count;
    asy_confinement confinement;
} job;

static int parse_words(int argc, char **argv, job *out, asy_error *error)
{
    if (argc < WORD_FORMATS || !asy_verdict_parse(argv[WORD_ACCEPT], &out->accept))
        return asy_error_set(error, ASY_E_USAGE, "--worker is for assay itself");
    out->left = argv[WORD_LEFT];
    out->right = argv[WORD_RIGHT];
    out->verbose = strchr(argv[WORD_FLAGS], WIRE_FLAG_VERBOSE) != NULL;
    out->color = strchr(argv[WORD_FLAGS], WIRE_FLAG_COLOR) != NULL;
    out->allow_hidden = strchr(argv[WORD_FLAGS], WIRE_FLAG_HIDDEN) != NULL;
    out->formats = argv + WORD_FORMATS;
    out->output_count = (size_t)(argc - WORD_FORMATS);
    for (size_t i = 0; i < out->output_count; i++)
        if (!asy_reporter_find(out->formats[i]))
            return asy_error_set(error, ASY_E_USAGE, "there is no report format \"%s\"",
                                 out->formats[i]);
    return ASY_OK;
}

static bool is_folder(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
}

static int give_up_power(job *work, asy_error *error)
{
    const int folders[] = {WIRE_LEFT, WIRE_RIGHT};
    asy_worker_rights rights = {
        .read_dirs = folders, .scratch_fd = WIRE_SCRATCH, .memory = memory_limit};
    rights.read_dir_count = is_folder(WIRE_LEFT) && is_folder(WIRE_RIGHT) ? 2 : 0;
    /* Libraries look for their configuration when first used: before the doors close. */
    asy_sha256_of((asy_span){NULL, 0});
    git_libgit2_init();
    return asy_worker_confine(&rights, &work->confinement, error);
}

static uint64_t size_of(const asy_node *root)
{
    uint64_t size = root->bytes.len;
    for (size_t i = 0; root->format->synthetic && i < root->child_count; i++)
        size += root->children[i]->bytes.len;
    return size;
}

static asy_subject subject_of(const char *path, const asy_tree *tree)
{
    return (asy_subject){.path = path,
                         .size = size_of(tree->root),
                         .sha256 = tree->root->sha256,
                         .format = tree->root->format->name};
}

static int write_reports(const job *work, const asy_tree *left, const asy_tree *right,
                         const asy_result *result, asy_error *error)
{
    asy_report report = {.left = subject_of(work->left, left),
                         .right = subject_of(work->right, right),
                         .result = result,
                         .confinement =
                             work->confinement.missing[0] ? work->confinement.missing : NULL,
                         .verbose = work->verbose,
                         .color = work->color};
    for (size_t i = 0; i < work->output_count; i++) {
        ASY_BUF_AUTO text = ASY_BUF_INIT;
        asy_reporter_find(work->formats[i])->write(&report, &text);
        int rc = asy_write_all(WIRE_OUTPUTS + (int)i, asy_buf_span(&text), error);
        if (rc < 0)
            return rc;
    }
    return ASY_OK;
}

/* "out/" and "./out" begin paths as "out" does. */
static char *first_name(const char *path)
{
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/')
        len--;
    ASY_AUTO_FREE char *trimmed = asy_strndup(path, len);
    return asy_strdup(asy_path_base(trimmed));
}

static int compare(const job *work, const asy_tree *left, const asy_tree *right, int *exit_code,
                   asy_error *error)
{
    asy_result result;
    ASY_AUTO_FREE char *name = first_name(work->left);
    int rc = asy_compare(left, right, name, &result, error);
    if (rc == ASY_OK)
        rc = write_reports(work, left, right, &result, error);
    *exit_code = asy_result_exit_code(&result, work->accept, work->allow_hidden);
    asy_result_free(&result);
    return rc;
}

static int read_and_compare(const job *work, int *exit_code, asy_error *error)
{
    asy_tree left = {0}, right = {0};
    int rc = asy_tree_read(WIRE_LEFT, work->left, WIRE_SCRATCH, &asy_limits_default, &left, error);
    if (rc == ASY_OK)
        rc = asy_tree_read(WIRE_RIGHT, work->right, WIRE_SCRATCH, &asy_limits_default, &right,
                           error);
    if (rc == ASY_OK)
        rc = compare(work, &left, &right, exit_code, error);
    if (left.root)
        asy_tree_free(&left);
    if (right.root)
        asy_tree_free(&right);
    return rc;
}

int asy_diff_worker_main(int argc, char **argv)
{
    job work = {0};
    int exit_code = 2;
    ASY_ERROR_AUTO error = ASY_ERROR_INIT;
    asy_signals_catch();
    int rc = parse_words(argc, argv, &work, &error);
    if (rc == ASY_OK)
        rc = give_up_power(&work, &error);
    if (rc == ASY_OK)
        rc = read_and_compare(&work, &exit_code, &error);
    if (rc == ASY_OK)
        return exit_code;
    asy_wire_send_error(WIRE_ERROR, &error);
    return WIRE_EXIT_ERROR;
}
