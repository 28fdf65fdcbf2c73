/* SPDX-License-Identifier: Apache-2.0 */
/* assay diff A B: compare two files, folders or packages. */
#include "cmd/cmd.h"
#include "cmd/report_files.h"

#include "diff/diff.h"
#include "io/io.h"
#include "report/report.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
    "Usage: assay diff [OPTION]... A B\n"
    "Compare two files, folders or packages, down to the last byte, and say what differs,\n"
    "why, and how much it matters.\n"
    "\n"
    "  --accept VERDICT      identical (default), equivalent or explained: exit 0 up to it\n"
    "  --report FORMAT=FILE  text or json; - is stdout; repeatable\n"
    "  -v, --verbose         show the lines and bytes that differ, and what is benign\n"
    "  --allow-hidden        exit 0 although something was set aside\n"
    "  --help                this text\n"
    "\n"
    "Verdicts: identical (the same bytes), equivalent (every difference is proven not to\n"
    "matter), explained (every cause is known), different, inconclusive (could not tell).\n"
    "\n"
    "Examples:\n"
    "  assay diff hello_2.10-3_amd64.deb rebuilt/hello_2.10-3_amd64.deb\n"
    "  assay diff --accept equivalent -v old.tar.xz new.tar.xz\n"
    "  assay diff --report json=report.json --report text=- build-1/ build-2/\n"
    "\n"
    "Exit status: 0 at or below --accept, 1 above it, 2 trouble or inconclusive.\n";

enum { OPTION_ACCEPT = 1000, OPTION_REPORT, OPTION_ALLOW_HIDDEN, OPTION_HELP };

static const struct option long_options[] = {
    {"accept", required_argument, NULL, OPTION_ACCEPT},
    {"report", required_argument, NULL, OPTION_REPORT},
    {"verbose", no_argument, NULL, 'v'},
    {"allow-hidden", no_argument, NULL, OPTION_ALLOW_HIDDEN},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0},
};

typedef struct diff_options {
    asy_diff_request request;
    report_files reports;
} diff_options;

/* True when stdout shows colours and the user has not said no (no-color.org). */
static bool wants_color(void)
{
    const char *no_color = getenv("NO_COLOR"), *terminal = getenv("TERM");
    return isatty(STDOUT_FILENO) && !(no_color && no_color[0]) && terminal &&
           strcmp(terminal, "dumb") != 0;
}

/* `word` is what getopt_long stumbled over. */
static int refuse_option(int option, const char *word, asy_error *error)
{
    if (option == ':')
        asy_error_set(error, ASY_E_USAGE, "%s needs a value", word);
    else
        asy_error_set(error, ASY_E_USAGE, "there is no option %s", word);
    return asy_error_hint(error, "see `assay diff --help`");
}

static bool knows_format(const char *format)
{
    return asy_reporter_find(format) != NULL;
}

static int take_option(diff_options *options, int option, const char *value, asy_error *error)
{
    switch (option) {
    case OPTION_ACCEPT:
        if (asy_verdict_parse(value, &options->request.accept))
            return ASY_OK;
        asy_error_set(error, ASY_E_USAGE, "--accept does not take \"%s\"", value);
        return asy_error_hint(error, "--accept takes identical, equivalent or explained");
    case OPTION_REPORT:
        return report_files_add(&options->reports, value, error);
    case OPTION_ALLOW_HIDDEN:
        options->request.allow_hidden = true;
        return ASY_OK;
    case 'v':
        options->request.verbose = true;
        return ASY_OK;
    default:
        return 1;
    }
}

/* 1: the user asked for help. */
static int parse(int argc, char **argv, diff_options *options, asy_error *error)
{
    int option;
    opterr = 0;
    while ((option = getopt_long(argc, argv, ":v", long_options, NULL)) != -1) {
        if (option == OPTION_HELP)
            return 1;
        int rc = take_option(options, option, optarg, error);
        if (rc > 0)
            return refuse_option(option, argv[optind - 1], error);
        if (rc < 0)
            return rc;
    }
    if (argc - optind != 2) {
        asy_error_set(error, ASY_E_USAGE, "takes two files or two folders, not %d argument%s",
                      argc - optind, argc - optind == 1 ? "" : "s");
        return asy_error_hint(error, "see `assay diff --help`");
    }
    options->request.left = argv[optind];
    options->request.right = argv[optind + 1];
    return ASY_OK;
}

static int run(diff_options *options, int *exit_code, asy_error *error)
{
    int rc = report_files_open(&options->reports, error);
    if (rc < 0)
        return rc;
    options->request.outputs = options->reports.outputs;
    options->request.output_count = options->reports.count;
    options->request.color = wants_color() && report_files_on_stdout(&options->reports, "text");
    rc = asy_diff_run(&options->request, exit_code, error);
    return rc < 0 ? rc : report_files_keep(&options->reports, error);
}

int cmd_diff(int argc, char **argv)
{
    int exit_code = 2;
    ASY_ERROR_AUTO error = ASY_ERROR_INIT;
    diff_options options = {.request = {.accept = ASY_IDENTICAL},
                            .reports = {.knows = knows_format, .names = asy_reporter_names()}};
    asy_signals_catch();
    int rc = parse(argc, argv, &options, &error);
    if (rc > 0)
        return cmd_print_help(help);
    if (rc == ASY_OK)
        rc = run(&options, &exit_code, &error);
    report_files_close(&options.reports);
    return rc < 0 ? cmd_fail("diff", &error) : exit_code;
}
