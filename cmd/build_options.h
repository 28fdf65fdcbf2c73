/* SPDX-License-Identifier: Apache-2.0 */
/* The options that `rebuild` and `verify` share: how a source is built. */
#ifndef ASY_CMD_BUILD_OPTIONS_H
#define ASY_CMD_BUILD_OPTIONS_H

#include "build/build.h"

#include <getopt.h>

enum { MAX_OUTPUT_GLOBS = 64 };

typedef struct build_options {
    asy_build_request request;
    const char *outputs[MAX_OUTPUT_GLOBS + 1];
    size_t output_count;
} build_options;

/* Values of getopt_long for the shared options; a command's own start above BUILD_OPTION_LAST. */
enum {
    OPTION_ROOT = 1000,
    OPTION_MIRROR,
    OPTION_MTIMES_FROM,
    OPTION_BUILD,
    OPTION_OUTPUT,
    OPTION_NETWORK,
    OPTION_REFRESH,
    OPTION_TIMEOUT,
    OPTION_MEMORY,
    OPTION_DISK,
    OPTION_PROCESSES,
    BUILD_OPTION_LAST
};

/* clang-format off */
#define BUILD_LONG_OPTIONS \
    {"root", required_argument, NULL, OPTION_ROOT}, \
    {"mirror", required_argument, NULL, OPTION_MIRROR}, \
    {"mtimes-from", required_argument, NULL, OPTION_MTIMES_FROM}, \
    {"build", required_argument, NULL, OPTION_BUILD}, \
    {"output", required_argument, NULL, OPTION_OUTPUT}, \
    {"network", no_argument, NULL, OPTION_NETWORK}, \
    {"refresh", no_argument, NULL, OPTION_REFRESH}, \
    {"timeout", required_argument, NULL, OPTION_TIMEOUT}, \
    {"memory", required_argument, NULL, OPTION_MEMORY}, \
    {"disk", required_argument, NULL, OPTION_DISK}, \
    {"processes", required_argument, NULL, OPTION_PROCESSES}

#define BUILD_OPTIONS_HELP \
    "How to build:\n" \
    "  --root ROOT           host (default), debian:SUITE, tar:FILE or dir:DIR\n" \
    "  --mtimes-from FILE    take file times from a release tarball or .dsc\n" \
    "  --build CMD           the build command, instead of the recipe found\n" \
    "  --output GLOB         what it makes (repeatable)\n" \
    "  --timeout TIME        30m, 2h; the default is 2h\n" \
    "  --memory, --disk SIZE 512M, 4G; --processes N\n" \
    "  --network             let the build reach the network (recorded)\n" \
    "  --refresh             fetch the source and make the root anew\n" \
    "  --mirror URL          where debian:SUITE comes from\n"
/* clang-format on */

void build_options_init(build_options *options);

/* Takes one option; ASY_E_USAGE for a bad value, 1 when the option is not one of these. */
int build_options_take(build_options *options, int option, const char *value, asy_error *error);

/* Says what is being done, on a terminal's stderr, until it is freed. */
typedef struct asy_progress asy_progress;
void build_options_progress(build_options *options, asy_progress *progress);

#endif
