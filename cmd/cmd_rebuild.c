/* SPDX-License-Identifier: Apache-2.0 */
/* assay rebuild SRC --out DIR: only build, and record how. */
#include "cmd/build_options.h"
#include "cmd/cmd.h"

#include "io/io.h"

#include <stdio.h>

static const char help[] =
    "Usage: assay rebuild SRC --out DIR [OPTION]...\n"
    "Build SRC in a sandbox and record all that went in and came out.\n"
    "SRC is URL@REV or PATH@REV (git), a .dsc, or a folder.\n"
    "\n"
    "  --out DIR             where the outputs, build.log and build.json go\n" BUILD_OPTIONS_HELP
    "  --help                this text\n"
    "\n"
    "Examples:\n"
    "  assay rebuild ~/src/tool@v1.2 --out out\n"
    "  assay rebuild hello_2.10-3.dsc --root debian:bookworm --out out\n"
    "  assay rebuild . --build 'make dist' --output '*.tar.gz' --out ../out\n"
    "\n"
    "Exit status: 0 built, 2 trouble with the arguments or files, 3 the build failed,\n"
    "4 the machine cannot do it now (the message says what is missing).\n";

enum { OPTION_OUT = BUILD_OPTION_LAST, OPTION_HELP };

static const struct option long_options[] = {
    {"out", required_argument, NULL, OPTION_OUT},
    {"help", no_argument, NULL, OPTION_HELP},
    BUILD_LONG_OPTIONS,
    {NULL, 0, NULL, 0},
};

static int print_result(const asy_build *build)
{
    ASY_BUF_AUTO text = ASY_BUF_INIT;
    asy_buf_printf(&text, "%s", asy_build_status_name(build->status));
    if (build->reason) {
        asy_buf_puts(&text, ": ");
        asy_buf_escape_str(&text, build->reason);
    }
    asy_buf_putc(&text, '\n');
    for (size_t i = 0; i < build->output_count; i++) {
        char hex[ASY_SHA256_HEX + 1];
        asy_sha256_hex(&build->outputs[i].sha256, hex);
        asy_buf_printf(&text, "%s  ", hex);
        asy_buf_escape_str(&text, build->outputs[i].name);
        asy_buf_putc(&text, '\n');
    }
    if (build->status == ASY_BUILD_FAILED || build->status == ASY_BUILD_TIMEOUT)
        asy_build_log_tail(build, &text);
    asy_buf_puts(&text, "record: ");
    asy_buf_escape_str(&text, build->record_path ? build->record_path : "none");
    asy_buf_putc(&text, '\n');
    if (build->hint) {
        asy_buf_puts(&text, "To go on: ");
        asy_buf_escape_str(&text, build->hint);
        asy_buf_putc(&text, '\n');
    }
    fputs(text.ptr, stdout);
    return build->status == ASY_BUILD_OK ? 0 : build->status == ASY_BUILD_INFRASTRUCTURE ? 4 : 3;
}

static int parse(int argc, char **argv, build_options *options, asy_error *error)
{
    int option;
    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        int rc = ASY_OK;
        if (option == OPTION_HELP)
            return 1;
        if (option == '?')
            return asy_error_set(error, ASY_E_USAGE, "see `assay rebuild --help`");
        if (option == OPTION_OUT)
            options->request.out_dir = optarg;
        else
            rc = build_options_take(options, option, optarg, error);
        if (rc < 0)
            return rc;
    }
    if (argc - optind != 1 || !options->request.out_dir) {
        asy_error_set(error, ASY_E_USAGE, "takes one SRC and --out DIR");
        return asy_error_hint(error, "see `assay rebuild --help`");
    }
    options->request.source = argv[optind];
    return ASY_OK;
}

int cmd_rebuild(int argc, char **argv)
{
    ASY_ERROR_AUTO error = ASY_ERROR_INIT;
    build_options options;
    build_options_init(&options);
    int rc = parse(argc, argv, &options, &error);
    if (rc > 0)
        return cmd_print_help(help);
    if (rc < 0 || asy_make_dirs(options.request.out_dir, 0755, &error) < 0)
        return cmd_fail("rebuild", &error);
    asy_signals_catch();
    asy_progress *progress = asy_progress_new();
    build_options_progress(&options, progress);
    asy_build build;
    rc = asy_build_run(&options.request, &build, &error);
    asy_progress_free(progress);
    int code = rc < 0 ? cmd_fail("rebuild", &error) : print_result(&build);
    asy_build_free(&build);
    return code;
}
