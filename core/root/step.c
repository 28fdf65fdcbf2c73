/* SPDX-License-Identifier: Apache-2.0 */
/* One command as root of the sandbox, for making roots and layers. */
#include "root/inner.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { STEP_SECONDS = 3600, STEP_PROCESSES = 4096, PRINTED_MAX = 64 << 20, LINE_SHOWN = 300 };

/* Packages and their scripts write into the cache, not to the sandbox's own tmpfs. */
static const uint64_t step_disk = UINT64_C(16) << 30;

static const char *const step_env[] = {
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME=/root",
    "USER=root",
    "LOGNAME=root",
    "LC_ALL=C.UTF-8",
    "TZ=UTC",
    "TMPDIR=/tmp",
    "SHELL=/bin/sh",
    "TERM=dumb",
    "DEBIAN_FRONTEND=noninteractive",
    /* Programs that note the day they ran (useradd) note the same one each time. */
    "SOURCE_DATE_EPOCH=1672531200",
    NULL,
};

void asy_root_say(const asy_root_request *request, const char *text)
{
    if (request->say)
        request->say(request->context, text);
}

typedef struct ticker {
    const asy_root_request *request;
    const char *doing;
} ticker;

static void tick(void *context, double seconds)
{
    const ticker *t = context;
    ASY_AUTO_FREE char *text = asy_asprintf("%s (%.0f s)", t->doing, seconds);
    asy_root_say(t->request, text);
}

/* Gives what was printed to the caller and to the request's log. */
static int take_printed(const asy_root_request *request, int fd, asy_buf *printed, asy_error *error)
{
    char block[1 << 14];
    off_t at = 0;
    ssize_t got;
    while ((got = pread(fd, block, sizeof(block), at)) > 0 && at < PRINTED_MAX) {
        asy_buf_add(printed, block, (size_t)got);
        at += got;
    }
    if (got < 0)
        return asy_error_errno(error, ASY_E_IO, "cannot read what the command printed");
    return request->log_fd >= 0 ? asy_write_all(request->log_fd, asy_buf_span(printed), error)
                                : ASY_OK;
}

static asy_sandbox_limits limits_of_step(void)
{
    uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    return (asy_sandbox_limits){.seconds = STEP_SECONDS,
                                .memory = memory / 4 * 3,
                                .processes = STEP_PROCESSES,
                                .disk = step_disk};
}

int asy_root_step(const asy_root_request *request, const asy_sandbox_spec *what, const char *doing,
                  asy_buf *printed, int *exit_code, asy_error *error)
{
    asy_sandbox_spec spec = *what;
    asy_sandbox_result result = {0};
    ticker t = {request, doing};
    ASY_AUTO_CLOSE int log = memfd_create("assay-step", MFD_CLOEXEC);
    if (log < 0)
        return asy_error_errno(error, ASY_E_INFRA, "cannot make a file in memory");
    spec.env = step_env;
    spec.cwd = "/";
    spec.uid = 0;
    spec.log_fd = log;
    spec.limits = limits_of_step();
    spec.tick = tick;
    spec.tick_context = &t;
    asy_root_say(request, doing);
    int rc = asy_sandbox_run(request->map, &spec, &result, error);
    int log_rc = take_printed(request, log, printed, rc < 0 ? NULL : error);
    if (rc < 0)
        return asy_error_wrap(error, "%s", doing);
    if (log_rc < 0)
        return log_rc;
    if (result.limit_hit)
        return asy_error_set(error, ASY_E_INFRA, "%s: reached its limit of %s", doing,
                             result.limit_hit);
    if (!result.exited)
        return asy_error_set(error, ASY_E_INFRA, "%s: ended by signal %d", doing, result.signal);
    *exit_code = result.exit_code;
    return ASY_OK;
}

int asy_root_step_failed(asy_error *error, const char *what, asy_span printed)
{
    asy_span last = {0}, failure = {0};
    while (printed.len) {
        asy_span line = asy_root_next_line(&printed);
        if (line.len)
            last = line;
        if (!failure.len && asy_span_starts(line, "E: "))
            failure = asy_span_sub(line, 3, line.len - 3);
    }
    if (!failure.len)
        failure = last;
    if (failure.len > LINE_SHOWN)
        failure.len = LINE_SHOWN;
    ASY_BUF_AUTO text = ASY_BUF_INIT;
    asy_buf_escape(&text, failure);
    return asy_error_set(error, ASY_E_INFRA, "%s: %s", what,
                         text.len ? text.ptr : "it failed without a word");
}
