/* SPDX-License-Identifier: Apache-2.0 */
/* The parent's side: start the worker with its files, wait for it, pass signals on. */
#include "worker/worker.h"

#include "io/io.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

enum {
    FIRST_FD = 3,
    EXIT_NOT_STARTED = 127,
    GRACE_SECONDS = 10, /* for a partial report after SIGTERM */
    POLL_MS = 100,
    POLL_MS_WITHOUT_PIDFD = 5
};

/* A leak check needs ptrace and a report file needs the file system: the worker has neither, so a
 * sanitizer speaks on stderr and ends by a signal, which no exit code can be mistaken for. */
static const char *const worker_env[] = {
    "OPENSSL_CONF=/dev/null",
#ifdef SANITIZED
    "ASAN_OPTIONS=detect_leaks=0:abort_on_error=1",
    "UBSAN_OPTIONS=abort_on_error=1:print_stacktrace=1",
    "TSAN_OPTIONS=abort_on_error=1",
#endif
    NULL,
};

typedef struct launch {
    char **argv;
    const int *fds;
    size_t fd_count;
    int out_fd, null_fd, program_fd;
    int *lifted; /* room for fd_count + 2 numbers */
    pid_t parent;
} launch;

/* In the child, between fork and exec: system calls only. */
static void become_worker(const launch *start)
{
    int floor = FIRST_FD + (int)start->fd_count + 2;
    int lifted_program = fcntl(start->program_fd, F_DUPFD_CLOEXEC, floor);
    int out = fcntl(start->out_fd < 0 ? start->null_fd : start->out_fd, F_DUPFD_CLOEXEC, floor);
    bool ok = lifted_program >= 0 && out >= 0 && dup2(start->null_fd, STDIN_FILENO) >= 0;
    /* Two rounds, so that no descriptor is overwritten before it has been moved. */
    for (size_t i = 0; ok && i < start->fd_count; i++)
        ok = (start->lifted[i] = fcntl(start->fds[i], F_DUPFD_CLOEXEC, floor)) >= 0;
    for (size_t i = 0; ok && i < start->fd_count; i++)
        ok = dup2(start->lifted[i], FIRST_FD + (int)i) >= 0;
    if (!ok || dup2(out, STDOUT_FILENO) < 0)
        _exit(EXIT_NOT_STARTED);
    syscall(SYS_close_range, (unsigned)(FIRST_FD + start->fd_count), ~0u, 4u /* _CLOEXEC */);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != start->parent)
        _exit(EXIT_NOT_STARTED);
    syscall(SYS_execveat, lifted_program, "", start->argv, worker_env, AT_EMPTY_PATH);
    _exit(EXIT_NOT_STARTED);
}

static int open_self(int *fd, asy_error *error)
{
    *fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (*fd >= 0)
        return ASY_OK;
    asy_error_errno(error, ASY_E_INFRA, "cannot open /proc/self/exe to start the reader");
    return asy_error_hint(error, "mount /proc");
}

static pid_t spawn(const char *const *argv, const int *fds, size_t fd_count, int out_fd,
                   asy_error *error)
{
    ASY_AUTO_CLOSE int program = -1;
    int rc = open_self(&program, error);
    if (rc < 0)
        return rc;
    ASY_AUTO_CLOSE int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null_fd < 0)
        return asy_error_errno(error, ASY_E_INFRA, "cannot open /dev/null");
    size_t count = 0;
    while (argv[count])
        count++;
    ASY_AUTO_FREE char **full = asy_calloc(count + 3, sizeof(*full));
    full[0] = (char *)"assay";
    full[1] = (char *)"--worker";
    memcpy(full + 2, argv, count * sizeof(*full));
    ASY_AUTO_FREE int *lifted = asy_calloc(fd_count + 1, sizeof(*lifted));
    launch start = {full, fds, fd_count, out_fd, null_fd, program, lifted, getpid()};
    pid_t pid = fork();
    if (pid == 0)
        become_worker(&start);
    if (pid < 0)
        return asy_error_errno(error, ASY_E_INFRA, "cannot start the reader");
    return pid;
}

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Waits for the end of the worker; gives its wait status. True in *killed: it had to be. */
static int wait_for(pid_t pid, bool *killed)
{
    int status = 0;
    double deadline = 0;
    ASY_AUTO_CLOSE int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    for (;;) {
        pid_t ended = waitpid(pid, &status, WNOHANG);
        if (ended == pid)
            return status;
        ASY_ASSERT(ended == 0 || errno == EINTR);
        if (asy_interrupted() && deadline == 0) {
            kill(pid, SIGTERM);
            deadline = seconds_now() + GRACE_SECONDS;
        } else if (deadline != 0 && seconds_now() > deadline && !*killed) {
            kill(pid, SIGKILL);
            *killed = true;
        }
        struct pollfd end = {.fd = pidfd, .events = POLLIN};
        poll(&end, 1, pidfd >= 0 ? POLL_MS : POLL_MS_WITHOUT_PIDFD);
    }
}

static int died(int signal_number, asy_error *error)
{
    const char *name = sigabbrev_np(signal_number);
    asy_error_set(error, ASY_E_FORMAT, "the reader died of signal %d (SIG%s)", signal_number,
                  name ? name : "?");
    if (signal_number == SIGBUS)
        return asy_error_hint(error, "a file was probably cut short while it was read: try again "
                                     "when nothing writes to it");
    if (signal_number == SIGXCPU || signal_number == SIGKILL)
        return asy_error_hint(error, "the machine or a limit on time or memory ended it");
    return asy_error_hint(error, "this is a bug in assay: please report it with the two inputs");
}

int asy_worker_run(const char *const *argv, const int *fds, size_t fd_count, int out_fd,
                   int *exit_code, asy_error *error)
{
    pid_t pid = spawn(argv, fds, fd_count, out_fd, error);
    if (pid < 0)
        return (int)pid;
    bool killed = false;
    int status = wait_for(pid, &killed);
    if (killed || (asy_interrupted() && !WIFEXITED(status)))
        return asy_error_set(error, ASY_E_INTERRUPTED, "interrupted");
    if (WIFSIGNALED(status))
        return died(WTERMSIG(status), error);
    if (WEXITSTATUS(status) == EXIT_NOT_STARTED)
        return asy_error_set(error, ASY_E_INFRA, "cannot start the reader");
    *exit_code = WEXITSTATUS(status);
    return ASY_OK;
}
