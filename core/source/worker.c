/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worker: a forked child that fetches and unpacks, and the parent's side of its pipe. Frames
 * are a letter, a length of four bytes (little endian) and a payload: 'p' progress, 'b' a sign of
 * life, 'n' a repository that it needs to read, 'r' the record, 'e' an error.
 */
#include "source/internal.h"

#include "base/cursor.h"
#include "io/io.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { FRAME_HEADER = 5, FRAME_MAX = 256 << 20, SAY_EVERY_MS = 100, POLL_MS = 200 };

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void asy_strings_add(asy_strings *list, const char *text)
{
    ASY_GROW(list->items, list->count, list->capacity);
    list->items[list->count++] = asy_strdup(text);
}

bool asy_strings_has(const asy_strings *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i], text) == 0)
            return true;
    }
    return false;
}

void asy_strings_free(asy_strings *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
    *list = (asy_strings){0};
}

char *asy_home(void)
{
    const char *home = getenv("HOME");
    if (home && home[0] == '/')
        return asy_strdup(home);
    struct passwd *user = getpwuid(geteuid());
    return user ? asy_strdup(user->pw_dir) : NULL;
}

/* ---- the child's side ------------------------------------------------------------------------- */

static void send_frame(asy_job *job, char kind, asy_span payload)
{
    ASY_BUF_AUTO frame = ASY_BUF_INIT;
    asy_buf_putc(&frame, kind);
    for (size_t i = 0; i < 4; i++)
        asy_buf_putc(&frame, (char)(payload.len >> (8 * i)));
    asy_buf_add_span(&frame, payload);
    if (asy_write_all(job->pipe, asy_buf_span(&frame), NULL) < 0)
        _exit(1); /* nobody listens any more */
}

/* True when the last frame of progress is long enough ago. */
static bool may_send(asy_job *job)
{
    int64_t now = now_ms();
    if (now - job->last_said < SAY_EVERY_MS)
        return false;
    job->last_said = now;
    return true;
}

void asy_job_say(asy_job *job, bool always, const char *format, ...)
{
    if (!may_send(job) && !always)
        return;
    va_list args;
    va_start(args, format);
    ASY_AUTO_FREE char *text = NULL;
    int len = vasprintf(&text, format, args);
    va_end(args);
    if (len >= 0)
        send_frame(job, 'p', asy_span_str(text));
    else
        text = NULL;
}

void asy_job_beat(asy_job *job)
{
    if (may_send(job))
        send_frame(job, 'b', (asy_span){0});
}

void asy_job_need(asy_job *job, const char *repository)
{
    if (asy_strings_has(job->repositories, repository))
        return;
    send_frame(job, 'n', asy_span_str(repository));
    _exit(0);
}

static void keep_only(int fd)
{
    if (fd > 3)
        close_range(3, (unsigned)fd - 1, 0);
    close_range((unsigned)fd + 1, ~0U, 0);
    int null = open("/dev/null", O_RDWR);
    if (null >= 0)
        dup2(null, STDIN_FILENO);
    if (null > STDERR_FILENO)
        close(null);
}

__attribute__((noreturn)) static void child(asy_job *job, pid_t parent)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    ASY_ERROR_AUTO error = ASY_ERROR_INIT;
    ASY_BUF_AUTO record = ASY_BUF_INIT, trouble = ASY_BUF_INIT;
    for (size_t i = 0; i < ASY_COUNT(signals); i++)
        signal(signals[i], SIG_DFL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    keep_only(job->pipe);
    umask(022);
    int rc = asy_job_confine(job, &error);
    job->dest_fd = rc < 0 ? -1 : open(job->dest, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (rc == ASY_OK && job->dest_fd < 0) {
        rc = asy_error_errno(&error, ASY_E_IO, "cannot open");
        asy_error_path(&error, job->dest);
    }
    if (rc == ASY_OK)
        rc = asy_job_do(job, &error);
    asy_wire_put_source(&record, job->out);
    send_frame(job, 'r', asy_buf_span(&record));
    if (rc < 0) {
        asy_wire_put_error(&trouble, &error);
        send_frame(job, 'e', asy_buf_span(&trouble));
    }
    _exit(0);
}

/* ---- the parent's side ------------------------------------------------------------------------ */

typedef struct listener {
    asy_job *job;
    void (*say)(void *context, const char *text);
    void *context;
    asy_buf bytes; /* received, not yet a whole frame */
    bool record;   /* the record came in, and no frame was off */
    bool failed, needs;
    asy_error *error;
} listener;

static void take_frame(listener *in, char kind, asy_span payload)
{
    ASY_AUTO_FREE char *text = NULL;
    switch (kind) {
    case 'b':
        break;
    case 'p':
        text = asy_strndup((const char *)payload.ptr, payload.len);
        if (in->say)
            in->say(in->context, text);
        break;
    case 'n':
        text = asy_strndup((const char *)payload.ptr, payload.len);
        in->needs = !asy_strings_has(in->job->repositories, text);
        if (in->needs)
            asy_strings_add(in->job->repositories, text);
        break;
    case 'r':
        in->record = !in->record && asy_wire_get_source(payload, in->job->out);
        break;
    default:
        in->failed = true;
        if (kind != 'e' || !asy_wire_get_error(payload, in->error))
            in->record = false;
    }
}

/* Takes whole frames off the front of what was received. */
static bool take_frames(listener *in)
{
    asy_cursor cursor = asy_cursor_over(asy_buf_span(&in->bytes));
    uint64_t done = 0;
    while (asy_cursor_left(&cursor) >= FRAME_HEADER) {
        char kind = (char)asy_cursor_u8(&cursor);
        uint32_t size = asy_cursor_u32le(&cursor);
        asy_span payload;
        if (size > FRAME_MAX)
            return false;
        if (!asy_cursor_take(&cursor, size, &payload))
            break;
        take_frame(in, kind, payload);
        done = cursor.pos;
    }
    memmove(in->bytes.ptr, in->bytes.ptr + done, in->bytes.len - done);
    in->bytes.len -= done;
    return true;
}

/* Reads until the child closes its end. */
static int listen_to(listener *in, int fd, asy_error *error)
{
    int64_t last = now_ms();
    for (;;) {
        char block[1 << 14];
        struct pollfd poller = {.fd = fd, .events = POLLIN};
        int ready = poll(&poller, 1, POLL_MS);
        if (asy_interrupted())
            return asy_error_set(error, ASY_E_INTERRUPTED, "interrupted");
        if (ready <= 0) {
            if (now_ms() - last < (int64_t)ASY_SOURCE_STALL_SECONDS * 1000)
                continue;
            asy_error_set(error, ASY_E_INFRA, "no progress for %d seconds",
                          ASY_SOURCE_STALL_SECONDS);
            return asy_error_hint(error, "check the network and the server, then try again");
        }
        ssize_t got = read(fd, block, sizeof(block));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return ASY_OK;
        last = now_ms();
        asy_buf_add(&in->bytes, block, (size_t)got);
        if (!take_frames(in))
            return asy_error_set(error, ASY_E_IO, "the worker that fetches the source is confused");
    }
}

static int finish(pid_t pid, int rc, listener *in, asy_error *error)
{
    int status = 0;
    if (rc < 0)
        kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (rc < 0 || in->needs)
        return rc < 0 ? rc : 1;
    if (WIFSIGNALED(status))
        return asy_error_set(error, ASY_E_IO, "the worker that fetches the source died: %s",
                             strsignal(WTERMSIG(status)));
    if (!in->record)
        return asy_error_set(error, ASY_E_IO, "the worker that fetches the source gave no record");
    return in->failed ? in->error->code : ASY_OK;
}

/* One child from fork to end; 1 when it has to be started again with one repository more. */
static int run_once(asy_job *job, void (*say)(void *context, const char *text), void *context,
                    asy_error *error)
{
    ASY_ERROR_AUTO scratch = ASY_ERROR_INIT;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return asy_error_errno(error, ASY_E_INFRA, "cannot make a pipe");
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        job->pipe = ends[1];
        child(job, parent);
    }
    int failure = errno;
    close(ends[1]);
    ASY_AUTO_CLOSE int fd = ends[0];
    if (pid < 0) {
        errno = failure;
        return asy_error_errno(error, ASY_E_INFRA, "cannot start a worker");
    }
    listener in = {.job = job, .say = say, .context = context, .error = error ? error : &scratch};
    int rc = listen_to(&in, fd, error);
    rc = finish(pid, rc, &in, error);
    asy_buf_free(&in.bytes);
    return rc;
}

int asy_source_worker_run(asy_job *job, void (*say)(void *context, const char *text), void *context,
                          asy_error *error)
{
    for (size_t i = 0; i <= ASY_SOURCE_MODULES_MAX; i++) {
        int rc = run_once(job, say, context, error);
        if (rc <= 0)
            return rc;
        job->refresh = false; /* the first run has done it */
    }
    return asy_error_set(error, ASY_E_LIMIT, "more than %d submodules", ASY_SOURCE_MODULES_MAX);
}
