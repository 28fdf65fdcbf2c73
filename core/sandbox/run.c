/* SPDX-License-Identifier: Apache-2.0 */
/* The parent's side of a run: keeps the time, listens, takes the outputs, and cleans up. */
#include "sandbox/inner.h"

#include "io/io.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TICK_MS = 100, LOG_BLOCK = 1 << 15 };

typedef struct run_state {
    const asy_sandbox_spec *spec;
    asy_sandbox_result *result;
    asy_cgroup cgroup;
    asy_collector collector;
    int note; /* the parent's end */
    pid_t launcher, init;
    int launcher_fd; /* pidfds, -1 once it has been seen to end */
    int init_fd;
    double called, started, ended; /* 0: not yet */
    double next_tick;
    int log; /* the read end of what the command writes to, -1 once it has ended */
    uint64_t logged;
    asy_note last; /* ASY_NOTE_ENDED */
    bool done, failed;
} run_state;

/* ---- what the caller asks for ------------------------------------------------------------------ */

/* Absolute, without "." and ".." and empty parts: then its last name is the copy's name. */
static bool plain_path(const char *path)
{
    if (!path || path[0] != '/')
        return false;
    for (const char *at = path; *at;) {
        at += 1;
        size_t length = strcspn(at, "/");
        if ((length == 0 && (*at || at != path + 1)) || (length == 1 && at[0] == '.') ||
            (length == 2 && at[0] == '.' && at[1] == '.'))
            return false;
        at += length;
    }
    return true;
}

static int bad_path(const char *path, asy_error *error)
{
    asy_error_set(error, ASY_E_USAGE, "a path inside the sandbox must be absolute and plain");
    return asy_error_path(error, path ? path : "(none)");
}

static int check_spec(const asy_sandbox_spec *spec, asy_error *error)
{
    if (!spec->argv || !spec->argv[0] || spec->argv[0][0] != '/' || !spec->env)
        return asy_error_set(error, ASY_E_USAGE, "the command's path inside must be absolute");
    if (spec->uid >= ASY_IDMAP_COUNT)
        return asy_error_set(error, ASY_E_USAGE, "the command's user is outside the id map");
    if (!plain_path(spec->cwd))
        return bad_path(spec->cwd, error);
    for (size_t i = 0; i < spec->copy_count; i++)
        if (!plain_path(spec->copies[i].target) || !spec->copies[i].target[1])
            return bad_path(spec->copies[i].target, error);
    for (size_t i = 0; i < spec->bind_count; i++)
        if (!plain_path(spec->binds[i].target))
            return bad_path(spec->binds[i].target, error);
    if (spec->upper && spec->lower_count) {
        const char *slash = strrchr(spec->upper, '/');
        size_t folder = slash ? (size_t)(slash - spec->upper) : 0;
        if (!folder || !spec->work || strncmp(spec->upper, spec->work, folder + 1) != 0 ||
            strchr(spec->work + folder + 1, '/'))
            return asy_error_set(error, ASY_E_USAGE,
                                 "a layer's upper and work folder must lie in one folder");
    }
    return ASY_OK;
}

/* ---- start and end ----------------------------------------------------------------------------- */

/* The command gets a pipe, never the log itself: that it could cut, overwrite, grow without limit, or
 * learn its place on the host from. */
static int open_log(run_state *run, int *command_end, asy_error *error)
{
    int ends[2];
    if (run->spec->log_fd < 0)
        return ASY_OK;
    /* Writable for the command's user too, who may open it again as /dev/stdout. */
    if (pipe2(ends, O_CLOEXEC) != 0 || fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0 ||
        fchmod(ends[1], 0222) != 0)
        return asy_error_errno(error, ASY_E_INFRA, "cannot make a pipe");
    run->log = ends[0];
    *command_end = ends[1];
    return ASY_OK;
}

static int start(run_state *run, const asy_idmap *map, asy_error *error)
{
    int note[2], feed[2];
    asy_sandbox_spec inner = *run->spec;
    ASY_AUTO_CLOSE int log = -1;
    int rc = open_log(run, &log, error);
    if (rc < 0)
        return rc;
    inner.log_fd = log;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, note) != 0)
        return asy_error_errno(error, ASY_E_INFRA, "cannot make a socket");
    run->note = note[0];
    ASY_AUTO_CLOSE int child_note = note[1];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, feed) != 0)
        return asy_error_errno(error, ASY_E_INFRA, "cannot make a socket");
    asy_launch launch = {.map = map,
                         .spec = &inner,
                         .cgroup = &run->cgroup,
                         .note = child_note,
                         .feed = {feed[0], feed[1]},
                         .sample = !run->cgroup.memory_holder || !run->cgroup.processes_holder};
    run->launcher = fork();
    if (run->launcher == 0)
        asy_launch_main(&launch);
    int saved = errno;
    close(feed[0]);
    close(feed[1]);
    errno = saved;
    if (run->launcher > 0)
        run->launcher_fd = pidfd_open(run->launcher, 0);
    if (run->launcher < 0 || run->launcher_fd < 0)
        return asy_error_errno(error, ASY_E_INFRA, "cannot start a process");
    return ASY_OK;
}

static void end_process(pid_t pid, int *pidfd)
{
    if (pid > 0) {
        kill(pid, SIGKILL);
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    asy_close_cleanup(pidfd);
}

/* With init goes everything in its pid namespace, and waiting for it waits for all of that. The
 * launcher goes first: it could still be about to tell of an init. */
static void end_all(run_state *run)
{
    end_process(run->launcher, &run->launcher_fd);
    while (run->note >= 0 && run->init <= 0) {
        struct pollfd polled = {run->note, POLLIN, 0};
        asy_note note;
        int fd;
        if (poll(&polled, 1, 0) <= 0 || asy_note_recv(run->note, &note, &fd) <= 0)
            break;
        asy_close_cleanup(&fd);
        if (note.kind == ASY_NOTE_INIT)
            run->init = note.value;
    }
    end_process(run->init, &run->init_fd);
    asy_close_cleanup(&run->note);
}

/* ---- listening --------------------------------------------------------------------------------- */

static int take_note(run_state *run, const asy_note *note, int fd, asy_error *error)
{
    switch (note->kind) {
    case ASY_NOTE_INIT:
        run->init = note->value;
        run->init_fd = pidfd_open(run->init, 0);
        return run->init_fd < 0 ? asy_error_errno(error, ASY_E_INFRA, "cannot watch the sandbox")
                                : ASY_OK;
    case ASY_NOTE_STARTED:
        run->started = note->at;
        run->result->setup_seconds = note->at - run->called - note->copying;
        return ASY_OK;
    case ASY_NOTE_ENDED:
        run->ended = note->at;
        run->last = *note;
        return ASY_OK;
    case ASY_NOTE_OUTPUT:
        return asy_collect_take(&run->collector, note->text, fd, error);
    case ASY_NOTE_DONE:
        run->done = true;
        return ASY_OK;
    case ASY_NOTE_ERROR:
        return asy_note_take_error(note, error);
    }
    return asy_error_set(error, ASY_E_INFRA, "the sandbox sent a broken note");
}

static int died(const run_state *run, asy_error *error)
{
    bool memory = asy_cgroup_killed_for_memory(&run->cgroup);
    asy_error_set(error, ASY_E_INFRA, "the sandbox died%s",
                  memory ? " of its memory limit before the command ran" : "");
    return asy_error_hint(error, "raise the memory limit: copies and writes inside count as well");
}

/* Copies what has come into the log; more than the limit on what is written is read and dropped, so
 * that the command does not wait for a reader before it is ended. */
static int take_log(run_state *run, asy_error *error)
{
    uint8_t block[LOG_BLOCK];
    uint64_t limit = run->spec->limits.disk;
    for (;;) {
        ssize_t got = read(run->log, block, sizeof(block));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && errno == EAGAIN)
            return ASY_OK;
        if (got <= 0) {
            asy_close_cleanup(&run->log);
            return ASY_OK;
        }
        uint64_t room = !limit ? (uint64_t)got : limit > run->logged ? limit - run->logged : 0;
        size_t kept = room < (uint64_t)got ? (size_t)room : (size_t)got;
        int rc = asy_write_all(run->spec->log_fd, (asy_span){block, kept}, error);
        if (rc < 0)
            return rc;
        run->logged += (uint64_t)got;
        if (got < (ssize_t)sizeof(block))
            return ASY_OK;
    }
}

/* The log lies outside: it would otherwise be the one place without a limit. */
static bool log_passed(const run_state *run)
{
    return run->spec->limits.disk && run->logged > run->spec->limits.disk;
}

/* Time passes. True when the command has to go. */
static bool tick(run_state *run)
{
    double now = asy_now();
    double limit = run->spec->limits.seconds;
    if (now >= run->next_tick) {
        run->next_tick = now + TICK_MS / 1e3;
        if (run->spec->tick)
            run->spec->tick(run->spec->tick_context,
                            now - (run->started > 0 ? run->started : run->called));
    }
    if (run->started <= 0 || run->ended > 0)
        return false;
    if (limit > 0 && now - run->started >= limit)
        run->result->limit_hit = "seconds";
    else if (log_passed(run))
        run->result->limit_hit = "disk";
    return run->result->limit_hit != NULL;
}

static int wait_ms(const run_state *run)
{
    double until = run->next_tick, limit = run->spec->limits.seconds;
    if (run->started > 0 && run->ended <= 0 && limit > 0 && run->started + limit < until)
        until = run->started + limit;
    double left = (until - asy_now()) * 1e3;
    return left < 0 ? 0 : left > TICK_MS ? TICK_MS : (int)left + 1;
}

/* Ends when init has said its last word, has died, or has to be killed. */
static int listen_until_done(run_state *run, asy_error *error)
{
    while (!run->done) {
        struct pollfd polled[] = {
            {run->note, POLLIN, 0}, {run->init_fd, POLLIN, 0}, {run->log, POLLIN, 0}};
        int rc, got = poll(polled, ASY_COUNT(polled), wait_ms(run));
        if (asy_interrupted())
            return asy_error_set(error, ASY_E_INTERRUPTED, "interrupted");
        if (polled[2].revents && (rc = take_log(run, error)) < 0)
            return rc;
        if (tick(run))
            return ASY_OK;
        if (got <= 0 || !(polled[0].revents || polled[1].revents))
            continue;
        if (!(polled[0].revents & POLLIN)) {
            /* Dead, and everything that it had sent is read. */
            run->failed = true;
            return ASY_OK;
        }
        asy_note note;
        ASY_AUTO_CLOSE int fd = -1;
        ssize_t size = asy_note_recv(run->note, &note, &fd);
        if (size <= 0) {
            run->failed = true;
            return ASY_OK;
        }
        if ((rc = take_note(run, &note, fd, error)) < 0)
            return rc;
    }
    return ASY_OK;
}

/* ---- the result -------------------------------------------------------------------------------- */

static void say_holders(const run_state *run)
{
    const asy_sandbox_limits *limits = &run->spec->limits;
    bool kept = run->spec->upper && run->spec->lower_count;
    const char *memory = run->cgroup.memory_holder, *processes = run->cgroup.processes_holder;
    run->result->holders =
        (asy_sandbox_holders){.seconds = limits->seconds > 0 ? "supervision" : "none",
                              .memory = !limits->memory ? "none"
                                        : memory        ? memory
                                                        : "supervision",
                              .processes = !limits->processes ? "none"
                                           : processes        ? processes
                                                              : "rlimit",
                              .disk = !limits->disk ? "none"
                                      : kept        ? "supervision"
                                                    : "tmpfs"};
}

static const char *why_it_failed(const run_state *run)
{
    if (run->last.limit == ASY_LIMIT_MEMORY || asy_cgroup_killed_for_memory(&run->cgroup))
        return "memory";
    if (run->last.limit == ASY_LIMIT_DISK || run->last.full)
        return "disk";
    if (run->last.crowded || asy_cgroup_refused_processes(&run->cgroup))
        return "processes";
    return NULL;
}

static void say_result(const run_state *run)
{
    asy_sandbox_result *result = run->result;
    int status = run->ended > 0 ? run->last.value : SIGKILL;
    result->exited = WIFEXITED(status);
    result->exit_code = result->exited ? WEXITSTATUS(status) : 0;
    result->signal = result->exited ? 0 : WTERMSIG(status);
    result->seconds = (run->ended > 0 ? run->ended : asy_now()) - run->started;
    result->collected = run->collector.count;
    result->peak_memory = asy_cgroup_peak(&run->cgroup);
    if (!result->peak_memory)
        result->peak_memory = run->last.peak;
    if (!result->limit_hit && status != 0)
        result->limit_hit = why_it_failed(run);
}

static int run_all(run_state *run, const asy_idmap *map, asy_error *error)
{
    int rc = start(run, map, error);
    if (rc == ASY_OK)
        rc = listen_until_done(run, error);
    end_all(run);
    /* Nobody writes any more; what they said last is still in the pipe. */
    for (uint64_t before = UINT64_MAX; rc == ASY_OK && run->log >= 0 && run->logged != before;) {
        before = run->logged;
        rc = take_log(run, error);
    }
    if (rc < 0)
        return rc;
    if (run->failed && run->started <= 0)
        return died(run, error);
    say_result(run);
    if (run->failed && run->ended > 0)
        return asy_error_set(error, ASY_E_INFRA, "the sandbox died while it handed outputs over");
    return ASY_OK;
}

int asy_sandbox_run(const asy_idmap *map, const asy_sandbox_spec *spec, asy_sandbox_result *result,
                    asy_error *error)
{
    run_state run = {.spec = spec,
                     .result = result,
                     .collector = {.spec = spec},
                     .note = -1,
                     .launcher_fd = -1,
                     .init_fd = -1,
                     .log = -1,
                     .called = asy_now()};
    int rc = check_spec(spec, error);
    if (rc < 0)
        return rc;
    if (asy_interrupted())
        return asy_error_set(error, ASY_E_INTERRUPTED, "interrupted");
    *result = (asy_sandbox_result){0};
    run.next_tick = run.called + TICK_MS / 1e3;
    asy_cgroup_open(&spec->limits, &run.cgroup);
    say_holders(&run);
    rc = run_all(&run, map, error);
    asy_cgroup_close(&run.cgroup);
    asy_collector_free(&run.collector);
    asy_close_cleanup(&run.log);
    return rc;
}
