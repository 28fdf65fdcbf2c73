/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diff: one whole comparison, input to report, in a confined worker. The parent opens the files,
 * runs the worker, and never parses an input itself.
 */
#ifndef ASY_DIFF_H
#define ASY_DIFF_H

#include "base/base.h"
#include "compare/compare.h"

/* A report to write: its format's name (core/report) and where; the descriptor stays the caller's. */
typedef struct asy_diff_output {
    const char *format;
    int fd;
} asy_diff_output;

typedef struct asy_diff_request {
    const char *left, *right; /* paths of two files or two folders */
    asy_verdict accept;
    bool allow_hidden, verbose, color;
    const asy_diff_output *outputs;
    size_t output_count;
} asy_diff_request;

/* Parent: opens both sides, runs the worker, gives the exit code of `assay diff`. */
int asy_diff_run(const asy_diff_request *request, int *exit_code, asy_error *error);

/* Worker: what `assay --worker diff …` does with the arguments that asy_diff_run passed; returns
 * its exit code. */
int asy_diff_worker_main(int argc, char **argv);

#endif
