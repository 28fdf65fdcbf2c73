/* SPDX-License-Identifier: Apache-2.0 */
/* pid 1 of the sandbox: makes the view, starts the command, reaps, hands the outputs over. */
#include "sandbox/inner.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SAMPLE_MS = 100, CANNOT_START = 127, FIELD_LAST = 52 };

typedef struct init_state {
    const asy_launch *launch;
    asy_view view;
    int feed;
    int children; /* signalfd of SIGCHLD */
    pid_t command;
    int status;
    bool ended;
} init_state;

/* The launcher, when it gives up, has told the parent why. */
static void expect(init_state *init, asy_item_kind kind, int *fd)
{
    char packet[ASY_ITEM_MAX];
    asy_item item;
    ssize_t got = asy_channel_recv(init->feed, packet, sizeof(packet), fd);
    if (got < (ssize_t)sizeof(item))
        _exit(1);
    memcpy(&item, packet, sizeof(item));
    if (item.kind != kind)
        _exit(1);
}

/* Root hands mounts in, as the ids inside could not walk to them; another user's init can, and the
 * launcher outside could not copy a mount. */
static int take_trees(init_state *init, int *trees, asy_error *error)
{
    const asy_sandbox_spec *spec = init->launch->spec;
    for (size_t i = 0; i < asy_view_source_count(spec); i++) {
        asy_source_tree source = asy_view_source(spec, i);
        if (!init->launch->map->by_helper) {
            expect(init, ASY_ITEM_TREE, &trees[i]);
            continue;
        }
        int rc = asy_view_open_source(&source, &trees[i], error);
        if (rc < 0)
            return rc;
    }
    return ASY_OK;
}

static int set_up(init_state *init, asy_error *error)
{
    const asy_sandbox_spec *spec = init->launch->spec;
    size_t count = asy_view_source_count(spec);
    ASY_AUTO_FREE int *trees = asy_calloc(count, sizeof(*trees));
    int fd, rc;
    for (size_t i = 0; i < count; i++)
        trees[i] = -1;
    expect(init, ASY_ITEM_MAPPED, &fd);
    if ((rc = asy_userns_become_root(error)) < 0)
        return rc;
    asy_die_with_parent(init->launch->note);
    if ((rc = take_trees(init, trees, error)) < 0 ||
        (rc = asy_view_enter(&init->view, spec, trees, error)) < 0)
        return rc;
    expect(init, ASY_ITEM_JOINED, &fd);
    /* Only now, so that the group it is in looks like the top one. */
    if (unshare(CLONE_NEWCGROUP) != 0)
        return asy_error_errno(error, ASY_E_INFRA, "cannot make a control group namespace");
    return ASY_OK;
}

/* ---- the command ------------------------------------------------------------------------------- */

static int redirect(const asy_sandbox_spec *spec, asy_error *error)
{
    int null = open("/dev/null", O_RDWR);
    int log = spec->log_fd >= 0 ? spec->log_fd : null;
    /* stdin last: the log may be descriptor 0. */
    if (null < 0 || dup2(log, STDOUT_FILENO) < 0 || dup2(log, STDERR_FILENO) < 0 ||
        dup2(null, STDIN_FILENO) < 0)
        return asy_error_errno(error, ASY_E_INFRA, "cannot join the command to its log");
    return ASY_OK;
}

static int become_command(const asy_launch *launch, int report, asy_error *error)
{
    const asy_sandbox_spec *spec = launch->spec;
    sigset_t none;
    int rc;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (int signal_number = 1; signal_number < NSIG; signal_number++)
        signal(signal_number, SIG_DFL);
    if ((rc = redirect(spec, error)) < 0)
        return rc;
    asy_keep_only((const int[]){STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO, report}, 4);
    setsid();
    umask(022);
    if ((rc = asy_power_drop(launch, error)) < 0)
        return rc;
    if (chdir(spec->cwd) != 0) {
        asy_error_errno(error, ASY_E_INFRA, "cannot enter the command's folder");
        return asy_error_path(error, spec->cwd);
    }
    if ((rc = asy_power_filter(spec, error)) < 0)
        return rc;
    execve(spec->argv[0], (char *const *)spec->argv, (char *const *)spec->env);
    bool missing = errno == ENOENT || errno == ENOTDIR || errno == ELOOP;
    asy_error_errno(error, missing ? ASY_E_NOT_FOUND : ASY_E_INFRA, "cannot start the command");
    return asy_error_path(error, spec->argv[0]);
}

/* The report ends without a packet when execve closes it. */
static int start(init_state *init, asy_error *error)
{
    int report[2];
    asy_note note;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, report) != 0)
        return asy_error_errno(error, ASY_E_INFRA, "cannot make a socket");
    init->command = fork();
    if (init->command == 0) {
        close(report[0]);
        become_command(init->launch, report[1], error);
        asy_note_send_error(report[1], error);
        _exit(CANNOT_START);
    }
    close(report[1]);
    ASY_AUTO_CLOSE int end = report[0];
    int fd;
    if (init->command < 0)
        return asy_error_errno(error, ASY_E_INFRA, "cannot start a process");
    return asy_note_recv(end, &note, &fd) > 0 ? asy_note_take_error(&note, error) : ASY_OK;
}

static void reap(init_state *init)
{
    struct signalfd_siginfo info;
    int status;
    pid_t pid;
    while (read(init->children, &info, sizeof(info)) > 0)
        ;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        if (pid == init->command) {
            init->ended = true;
            init->status = status;
        }
}

static void kill_everything(init_state *init)
{
    int status;
    pid_t pid;
    kill(-1, SIGKILL);
    while ((pid = waitpid(-1, &status, 0)) > 0 || errno == EINTR)
        if (pid == init->command && !init->ended) {
            init->ended = true;
            init->status = status;
        }
}

/* Until the command ends, or a limit is passed. */
static void supervise(init_state *init, asy_watch *watch)
{
    struct pollfd polled[] = {{init->children, POLLIN, 0}, {init->launch->note, 0, 0}};
    while (!init->ended) {
        int got = poll(polled, ASY_COUNT(polled), SAMPLE_MS);
        if (polled[1].revents)
            _exit(1);
        if (got > 0)
            reap(init);
        if (asy_watch_sample(watch))
            break;
    }
}

static int run_command(init_state *init, asy_error *error)
{
    const asy_launch *launch = init->launch;
    asy_watch watch = {.launch = launch, .space = init->view.space, .upper = init->view.upper};
    double begin = asy_now();
    int rc;
    if ((rc = asy_copy_in(init->feed, launch->spec, error)) < 0)
        return rc;
    close(init->feed);
    double copied = asy_now();
    if ((rc = asy_view_make_dirs(launch->spec->cwd, launch->spec->uid, error)) < 0 ||
        (rc = start(init, error)) < 0)
        return rc;
    asy_note started = {.kind = ASY_NOTE_STARTED, .at = asy_now(), .copying = copied - begin};
    asy_note_send(launch->note, &started, -1);
    supervise(init, &watch);
    double end = asy_now();
    kill_everything(init);
    asy_note ended = {.kind = ASY_NOTE_ENDED,
                      .value = init->status,
                      .at = end,
                      .peak = watch.peak,
                      .limit = watch.limit,
                      .full = watch.full,
                      .crowded = watch.crowded};
    asy_note_send(launch->note, &ended, -1);
    if (init->status != 0 || watch.limit != ASY_LIMIT_NONE)
        return ASY_OK;
    return asy_collect_send(launch->note, launch->spec, error);
}

/* The command can read init's command line in /proc, which is assay's: paths and names of the host
 * have no place in a build. The old text stays where it is, as the spec may point into it; the
 * kernel is told of another one. proc_pid_stat(5); prctl(2), PR_SET_MM_MAP. */
static void hide_arguments(char *shown)
{
    char text[1024];
    unsigned long long field[FIELD_LAST + 1] = {0};
    ASY_AUTO_CLOSE int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;
    text[got > 0 ? got : 0] = 0;
    char *at = strrchr(text, ')');
    for (int i = 2; at && i < FIELD_LAST; at = strchr(at + 1, ' '), i++)
        field[i] = strtoull(at + 1, NULL, 10);
    prctl(PR_SET_NAME, "init");
    if (!at)
        return;
    struct prctl_mm_map map = {.start_code = field[26],
                               .end_code = field[27],
                               .start_stack = field[28],
                               .start_data = field[45],
                               .end_data = field[46],
                               .start_brk = field[47],
                               .brk = (uintptr_t)sbrk(0),
                               .arg_start = (uintptr_t)shown,
                               .arg_end = (uintptr_t)shown + strlen(shown) + 1,
                               .env_start = field[50],
                               .env_end = field[51],
                               .exe_fd = (uint32_t)-1};
    prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof(map), 0);
}

static int watch_children(init_state *init, asy_error *error)
{
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGCHLD);
    if (sigprocmask(SIG_SETMASK, &mask, NULL) != 0)
        return asy_error_errno(error, ASY_E_INFRA, "cannot block a signal");
    init->children = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
    if (init->children < 0)
        return asy_error_errno(error, ASY_E_INFRA, "cannot watch the command");
    return ASY_OK;
}

void asy_init_main(const asy_launch *launch)
{
    ASY_ERROR_AUTO error = ASY_ERROR_INIT;
    init_state init = {.launch = launch, .feed = launch->feed[1], .children = -1};
    asy_die_with_parent(launch->note);
    /* A session of its own: the terminal's ^C is for the parent. */
    setsid();
    char shown[] = "init";
    hide_arguments(shown);
    asy_keep_only((const int[]){launch->note, init.feed, launch->spec->log_fd}, 3);
    int rc = watch_children(&init, &error);
    if (rc == ASY_OK)
        rc = set_up(&init, &error);
    if (rc == ASY_OK)
        rc = run_command(&init, &error);
    if (rc < 0)
        asy_note_send_error(launch->note, &error);
    else
        asy_note_send(launch->note, &(asy_note){.kind = ASY_NOTE_DONE}, -1);
    _exit(rc < 0);
}
