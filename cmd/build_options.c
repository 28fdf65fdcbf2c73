/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/build_options.h"

#include "io/io.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef struct unit {
    const char *suffix;
    uint64_t factor;
} unit;

static const unit sizes[] = {{"", 1},
                             {"K", UINT64_C(1) << 10},
                             {"M", UINT64_C(1) << 20},
                             {"G", UINT64_C(1) << 30},
                             {"T", UINT64_C(1) << 40}};
static const unit times[] = {{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
static const unit counts[] = {{"", 1}};

/* A whole number above zero with one of the units after it. */
static bool parse_quantity(const char *text, const unit *units, size_t unit_count, uint64_t *out)
{
    char *end = NULL;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (errno != 0 || end == text || text[0] < '0' || text[0] > '9' || number == 0)
        return false;
    for (size_t i = 0; i < unit_count; i++)
        if (strcmp(end, units[i].suffix) == 0)
            return asy_mul_u64(number, units[i].factor, out);
    return false;
}

static int take_quantity(const char *option, const char *value, const unit *units,
                         size_t unit_count, uint64_t *out, asy_error *error)
{
    if (parse_quantity(value, units, unit_count, out))
        return ASY_OK;
    asy_error_set(error, ASY_E_USAGE, "--%s does not take \"%s\"", option, value);
    return asy_error_hint(error, "write a number above zero%s",
                          units == sizes   ? " with K, M, G or T, such as 512M"
                          : units == times ? " with s, m, h or d, such as 30m"
                                           : "");
}

void build_options_init(build_options *options)
{
    *options = (build_options){0};
    options->request.limits = asy_build_default_limits();
}

static int take_output(build_options *options, const char *value, asy_error *error)
{
    if (options->output_count == MAX_OUTPUT_GLOBS)
        return asy_error_set(error, ASY_E_USAGE, "--output is given more than %d times",
                             MAX_OUTPUT_GLOBS);
    options->outputs[options->output_count++] = value;
    options->request.outputs = options->outputs;
    return ASY_OK;
}

static int take_limit(asy_sandbox_limits *limits, int option, const char *value, asy_error *error)
{
    uint64_t seconds = 0;
    int rc;
    switch (option) {
    case OPTION_TIMEOUT:
        rc = take_quantity("timeout", value, times, ASY_COUNT(times), &seconds, error);
        if (rc == ASY_OK)
            limits->seconds = (double)seconds;
        return rc;
    case OPTION_MEMORY:
        return take_quantity("memory", value, sizes, ASY_COUNT(sizes), &limits->memory, error);
    case OPTION_DISK:
        return take_quantity("disk", value, sizes, ASY_COUNT(sizes), &limits->disk, error);
    case OPTION_PROCESSES:
        return take_quantity("processes", value, counts, ASY_COUNT(counts), &limits->processes,
                             error);
    default:
        return 1;
    }
}

int build_options_take(build_options *options, int option, const char *value, asy_error *error)
{
    asy_build_request *request = &options->request;
    switch (option) {
    case OPTION_ROOT:
        request->root = value;
        return ASY_OK;
    case OPTION_MIRROR:
        request->mirror = value;
        return ASY_OK;
    case OPTION_MTIMES_FROM:
        request->mtimes_from = value;
        return ASY_OK;
    case OPTION_BUILD:
        request->build = value;
        return ASY_OK;
    case OPTION_OUTPUT:
        return take_output(options, value, error);
    case OPTION_NETWORK:
        request->network = true;
        return ASY_OK;
    case OPTION_REFRESH:
        request->refresh = true;
        return ASY_OK;
    default:
        return take_limit(&request->limits, option, value, error);
    }
}

static void say(void *context, const char *text)
{
    asy_progress_say(context, "%s", text);
}

void build_options_progress(build_options *options, asy_progress *progress)
{
    options->request.say = say;
    options->request.context = progress;
}
