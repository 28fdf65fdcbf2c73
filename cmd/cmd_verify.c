/* SPDX-License-Identifier: Apache-2.0 */
/* assay verify ARTIFACT... --source SRC: rebuild and compare; the main job. */
#include "cmd/build_options.h"
#include "cmd/cmd.h"
#include "cmd/report_files.h"

#include "io/io.h"
#include "verify/verify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char help[] =
    "Usage: assay verify ARTIFACT... --source SRC [OPTION]...\n"
    "Rebuild SRC in a sandbox and tell whether ARTIFACT is what it builds.\n"
    "SRC is URL@REV or PATH@REV (git), a .dsc, or a folder.\n"
    "\n"
    "  --source SRC          what the artifact is said to be built from\n"
    "  --accept VERDICT      identical (default), equivalent or explained: exit 0 up to it\n"
    "  --report FORMAT=FILE  text or json; - is stdout; repeatable\n"
    "  --keep DIR            where the rebuilt files, log and record go (default: the cache)\n"
    "  --allow-hidden        exit 0 although something was set aside\n" BUILD_OPTIONS_HELP
    "  --help                this text\n"
    "\n"
    "Examples:\n"
    "  assay verify tool-1.2.tar --source https://example.org/tool.git@v1.2\n"
    "  assay verify sed_4.9-1_amd64.deb --source sed_4.9-1.dsc --root debian:bookworm\n"
    "\n"
    "Exit status: 0 reproduced, 1 not, 2 trouble, 3 the build failed, 4 the machine cannot\n"
    "do it now.\n";

enum {
    OPTION_SOURCE = BUILD_OPTION_LAST,
    OPTION_ACCEPT,
    OPTION_REPORT,
    OPTION_KEEP,
    OPTION_ALLOW_HIDDEN,
    OPTION_HELP
};

static const struct option long_options[] = {
    {"source", required_argument, NULL, OPTION_SOURCE},
    {"accept", required_argument, NULL, OPTION_ACCEPT},
    {"report", required_argument, NULL, OPTION_REPORT},
    {"keep", required_argument, NULL, OPTION_KEEP},
    {"allow-hidden", no_argument, NULL, OPTION_ALLOW_HIDDEN},
    {"help", no_argument, NULL, OPTION_HELP},
    BUILD_LONG_OPTIONS,
    {NULL, 0, NULL, 0},
};

typedef struct verify_options {
    build_options build;
    asy_verify_request request;
    report_files reports;
    const char *keep;
} verify_options;

static bool knows_format(const char *format)
{
    return asy_verify_reporter_find(format) != NULL;
}

static int take_option(verify_options *options, int option, const char *value, asy_error *error)
{
    switch (option) {
    case OPTION_SOURCE:
        options->build.request.source = value;
        return ASY_OK;
    case OPTION_KEEP:
        options->keep = value;
        return ASY_OK;
    case OPTION_ALLOW_HIDDEN:
        options->request.allow_hidden = true;
        return ASY_OK;
    case OPTION_REPORT:
        return report_files_add(&options->reports, value, error);
    case OPTION_ACCEPT:
        if (asy_verdict_parse(value, &options->request.accept))
            return ASY_OK;
        return asy_error_set(error, ASY_E_USAGE,
                             "--accept takes identical, equivalent or explained");
    default:
        return build_options_take(&options->build, option, value, error);
    }
}

static int parse(int argc, char **argv, verify_options *options, asy_error *error)
{
    int option;
    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        if (option == OPTION_HELP)
            return 1;
        if (option == '?')
            return asy_error_set(error, ASY_E_USAGE, "see `assay verify --help`");
        int rc = take_option(options, option, optarg, error);
        if (rc < 0)
            return rc;
    }
    if (optind == argc || !options->build.request.source) {
        asy_error_set(error, ASY_E_USAGE, "takes at least one ARTIFACT, and --source SRC");
        return asy_error_hint(error, "see `assay verify --help`");
    }
    options->request.artifacts = (const char *const *)argv + optind;
    options->request.artifact_count = (size_t)(argc - optind);
    return ASY_OK;
}

/* Where the log and the rebuilt files stay: a folder of this run's own, below the cache. */
static int default_keep(char **path, asy_error *error)
{
    char day[16];
    time_t now = time(NULL);
    struct tm parts;
    ASY_AUTO_FREE char *cache = NULL;
    int rc = asy_cache_dir(&cache, error);
    if (rc < 0)
        return rc;
    strftime(day, sizeof(day), "%Y-%m-%d", gmtime_r(&now, &parts));
    ASY_AUTO_FREE char *runs = asy_path_join(cache, "runs");
    rc = asy_make_dirs(runs, 0755, error);
    if (rc < 0)
        return rc;
    *path = asy_asprintf("%s/%s.XXXXXX", runs, day);
    if (mkdtemp(*path) && chmod(*path, 0755) == 0)
        return ASY_OK;
    asy_error_errno(error, ASY_E_IO, "cannot make a folder");
    return asy_error_path(error, *path);
}

static int write_reports(verify_options *options, const asy_verification *verification,
                         asy_error *error)
{
    report_files *reports = &options->reports;
    for (size_t i = 0; i < reports->count; i++) {
        ASY_BUF_AUTO text = ASY_BUF_INIT;
        asy_verify_reporter_find(reports->formats[i])
            ->write(&options->request, verification, &text);
        int rc = asy_write_all(reports->outputs[i].fd, asy_buf_span(&text), error);
        if (rc < 0)
            return asy_error_path(error, reports->files[i].path);
    }
    return report_files_keep(reports, error);
}

static int run(verify_options *options, asy_error *error)
{
    asy_verification verification;
    asy_signals_catch();
    asy_progress *progress = asy_progress_new();
    build_options_progress(&options->build, progress);
    options->request.build = options->build.request;
    int rc = asy_verify(&options->request, &verification, error);
    asy_progress_free(progress);
    int code = asy_verify_exit_code(&options->request, &verification);
    ASY_ERROR_AUTO report_error = ASY_ERROR_INIT;
    bool worth_saying = rc == ASY_OK || rc == ASY_E_INTERRUPTED;
    if (worth_saying && write_reports(options, &verification, &report_error) < 0) {
        cmd_fail("verify", &report_error);
        code = 2;
    }
    if (rc < 0)
        code = cmd_fail("verify", error);
    asy_verification_free(&verification);
    return code;
}

/* What can be refused is refused before the long work starts. */
static int prepare(verify_options *options, char **keep, asy_error *error)
{
    *keep = asy_strdup(options->keep);
    int rc = *keep ? ASY_OK : default_keep(keep, error);
    if (rc == ASY_OK)
        rc = asy_make_dirs(*keep, 0755, error);
    if (rc == ASY_OK)
        rc = report_files_open(&options->reports, error);
    options->build.request.out_dir = *keep;
    return rc;
}

int cmd_verify(int argc, char **argv)
{
    ASY_ERROR_AUTO error = ASY_ERROR_INIT;
    ASY_AUTO_FREE char *keep = NULL;
    verify_options options = {.request = {.accept = ASY_IDENTICAL},
                              .reports = {.knows = knows_format, .names = "text or json"}};
    build_options_init(&options.build);
    int rc = parse(argc, argv, &options, &error);
    if (rc > 0)
        return cmd_print_help(help);
    if (rc == ASY_OK)
        rc = prepare(&options, &keep, &error);
    int code = rc < 0 ? cmd_fail("verify", &error) : run(&options, &error);
    report_files_close(&options.reports);
    /* Goes when nothing could be tried; else it is not empty and stays. */
    if (keep)
        rmdir(keep);
    return code;
}
