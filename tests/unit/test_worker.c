/* SPDX-License-Identifier: Apache-2.0 */
/* What a confined process can still do is tried from inside, each attempt in a child of its own. */
#include "io/io.h"
#include "worker/worker.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- from inside ------------------------------------------------------------------------------ */

enum { ALLOWED = 0, REFUSED = 1, NOT_CONFINED = 2 };

/* What an attempt may use. */
typedef struct place {
    char *open_dir, *other_dir;
    int open_fd, scratch_fd;
    bool folders; /* whether the worker was given folders to read */
} place;

static int result_of(int rc)
{
    return rc >= 0 ? ALLOWED : REFUSED;
}

static int open_below(const char *dir, const char *name, int flags)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return result_of(open(path, flags | O_CLOEXEC, 0600));
}

static int try_socket(const place *at ASY_UNUSED)
{
    return result_of(socket(AF_INET, SOCK_STREAM, 0));
}

static int try_unix_socket(const place *at ASY_UNUSED)
{
    int pair[2];
    return result_of(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
}

static int try_program(const place *at ASY_UNUSED)
{
    execl("/bin/true", "true", (char *)NULL);
    return REFUSED;
}

static int try_fork(const place *at ASY_UNUSED)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    return result_of(pid);
}

static int try_vfork_by_number(const place *at ASY_UNUSED)
{
    long pid = syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, 0);
    if (pid == 0)
        _exit(0);
    return result_of((int)pid);
}

static int try_ptrace(const place *at ASY_UNUSED)
{
    return result_of((int)ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static int try_mount(const place *at)
{
    return result_of(mount("none", at->open_dir, "tmpfs", 0, NULL));
}

static int try_kill_parent(const place *at ASY_UNUSED)
{
    return result_of(kill(getppid(), 0));
}

static int try_read_elsewhere(const place *at)
{
    return open_below(at->other_dir, "file", O_RDONLY);
}

static int try_read_system(const place *at ASY_UNUSED)
{
    return result_of(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
}

static int try_write_elsewhere(const place *at)
{
    return open_below(at->other_dir, "new", O_WRONLY | O_CREAT);
}

static int try_write_input(const place *at)
{
    return open_below(at->open_dir, "file", O_WRONLY);
}

static int try_truncate_input(const place *at)
{
    return open_below(at->open_dir, "file", O_RDONLY | O_TRUNC);
}

static int try_named_scratch(const place *at)
{
    return result_of(openat(at->scratch_fd, "named", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static int try_remove_input(const place *at)
{
    return result_of(unlinkat(at->open_fd, "file", 0));
}

static int try_executable_memfd(const place *at ASY_UNUSED)
{
    int fd = memfd_create("x", 0);
    const char *const argv[] = {"x", NULL};
    if (fd >= 0)
        syscall(SYS_execveat, fd, "", argv, argv + 1, AT_EMPTY_PATH);
    return REFUSED;
}

static int try_bpf(const place *at ASY_UNUSED)
{
    return result_of((int)syscall(SYS_bpf, 0, NULL, 0));
}

static int try_io_uring(const place *at ASY_UNUSED)
{
    return result_of((int)syscall(SYS_io_uring_setup, 1, NULL));
}

/* What the work needs: these must go on. */
static int try_unnamed_scratch(const place *at)
{
    return result_of(openat(at->scratch_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
}

static int try_memory_file(const place *at ASY_UNUSED)
{
    int fd = memfd_create("x", MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, 4096) != 0)
        return REFUSED;
    return mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED ? REFUSED : ALLOWED;
}

static void *do_nothing(void *argument)
{
    return argument;
}

static int try_thread(const place *at ASY_UNUSED)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, do_nothing, NULL) != 0)
        return REFUSED;
    return pthread_join(thread, NULL) == 0 ? ALLOWED : REFUSED;
}

static int try_read_input(const place *at)
{
    return result_of(openat(at->open_fd, "file", O_RDONLY | O_CLOEXEC));
}

typedef struct attempt {
    const char *name;
    int (*run)(const place *at);
    int with_folders, without; /* what is expected, given folders and not */
} attempt;

static const attempt attempts[] = {
    {"socket", try_socket, REFUSED, REFUSED},
    {"socket pair", try_unix_socket, REFUSED, REFUSED},
    {"program", try_program, REFUSED, REFUSED},
    {"program in memory", try_executable_memfd, REFUSED, REFUSED},
    {"fork", try_fork, REFUSED, REFUSED},
    {"clone", try_vfork_by_number, REFUSED, REFUSED},
    {"ptrace", try_ptrace, REFUSED, REFUSED},
    {"mount", try_mount, REFUSED, REFUSED},
    {"signal to the parent", try_kill_parent, REFUSED, REFUSED},
    {"bpf", try_bpf, REFUSED, REFUSED},
    {"io_uring", try_io_uring, REFUSED, REFUSED},
    {"read elsewhere", try_read_elsewhere, REFUSED, REFUSED},
    {"read the system's files", try_read_system, REFUSED, REFUSED},
    {"write elsewhere", try_write_elsewhere, REFUSED, REFUSED},
    {"write to an input", try_write_input, REFUSED, REFUSED},
    {"truncate an input", try_truncate_input, REFUSED, REFUSED},
    {"remove an input", try_remove_input, REFUSED, REFUSED},
    {"a name in scratch", try_named_scratch, REFUSED, REFUSED},
    {"read an input", try_read_input, ALLOWED, REFUSED},
    {"unnamed scratch", try_unnamed_scratch, ALLOWED, ALLOWED},
    {"memory file", try_memory_file, ALLOWED, ALLOWED},
    {"thread", try_thread, ALLOWED, ALLOWED},
};

static int in_child(const attempt *tried, const place *at)
{
    pid_t pid = fork();
    cr_assert_geq(pid, 0);
    if (pid == 0) {
        asy_confinement held;
        asy_worker_rights rights = {.read_dirs = &at->open_fd,
                                    .read_dir_count = at->folders ? 1 : 0,
                                    .scratch_fd = at->scratch_fd};
        int rc = asy_worker_confine(&rights, &held, NULL);
        _exit(rc < 0 || held.missing[0] ? NOT_CONFINED : tried->run(at));
    }
    int status = 0;
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert(WIFEXITED(status), "%s: signal %d", tried->name, WTERMSIG(status));
    return WEXITSTATUS(status);
}

static char *make_dir(void)
{
    char *path = asy_strdup("/tmp/assay-test-worker.XXXXXX");
    cr_assert(mkdtemp(path));
    ASY_AUTO_FREE char *file = asy_path_join(path, "file");
    cr_assert_eq(asy_write_file(file, asy_span_str("x"), 0644, NULL), ASY_OK);
    return path;
}

Test(worker_confine, only_what_the_work_needs_goes_on)
{
    ASY_AUTO_FREE char *open_dir = make_dir(), *other_dir = make_dir(), *scratch = make_dir();
    place at = {.open_dir = open_dir, .other_dir = other_dir};
    at.open_fd = open(open_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    at.scratch_fd = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (size_t i = 0; i < ASY_COUNT(attempts); i++) {
        at.folders = true;
        cr_expect_eq(in_child(&attempts[i], &at), attempts[i].with_folders, "%s, with folders",
                     attempts[i].name);
        at.folders = false;
        cr_expect_eq(in_child(&attempts[i], &at), attempts[i].without, "%s, without folders",
                     attempts[i].name);
    }
    close(at.open_fd);
    close(at.scratch_fd);
    asy_remove_tree(AT_FDCWD, open_dir, NULL);
    asy_remove_tree(AT_FDCWD, other_dir, NULL);
    asy_remove_tree(AT_FDCWD, scratch, NULL);
}

/* ---- from outside ----------------------------------------------------------------------------- */

static volatile sig_atomic_t asked_to_end;

static void note(int number)
{
    (void)number;
    asked_to_end = 1;
}

static int report_fds(int fd, char **argv, int argc)
{
    char text[512];
    int first = fcntl(3, F_GETFD) < 0 ? -1 : 0, beyond = 0;
    for (int other = 5; other < 256; other++)
        beyond += fcntl(other, F_GETFD) >= 0;
    int len = snprintf(text, sizeof(text), "%d %s %d %d %s", argc, argv[3], first, beyond,
                       getenv("HOME") ? "HOME" : "clean");
    return write(fd, text, (size_t)len) == len ? 7 : 8;
}

static void await_signal(bool heeds)
{
    if (heeds)
        signal(SIGTERM, note);
    while (!asked_to_end)
        usleep(1000);
    _exit(0);
}

/* asy_worker_run starts this very program: here it behaves as the test says. */
__attribute__((constructor)) static void act_as_worker(int argc, char **argv)
{
    if (argc < 3 || strcmp(argv[1], "--worker") != 0)
        return;
    if (strcmp(argv[2], "fds") == 0)
        _exit(report_fds(4, argv, argc));
    if (strcmp(argv[2], "crash") == 0) {
        signal(SIGSEGV, SIG_DFL);
        raise(SIGSEGV);
    }
    if (strcmp(argv[2], "wait") == 0)
        await_signal(true);
    if (strcmp(argv[2], "die") == 0)
        await_signal(false);
}

Test(worker_run, descriptors_words_and_environment_arrive)
{
    int code = -1;
    char text[512] = {0};
    ASY_ERROR_AUTO error = ASY_ERROR_INIT;
    ASY_AUTO_CLOSE int out = memfd_create("out", 0), null = open("/dev/null", O_RDONLY);
    ASY_AUTO_CLOSE int stray = dup(null); /* no close-on-exec */
    const int fds[] = {null, out};
    const char *const words[] = {"fds", "a b", NULL};
    setenv("HOME", "/nowhere", 1);
    cr_assert_geq(stray, 0);
    cr_assert_eq(asy_worker_run(words, fds, 2, -1, &code, &error), ASY_OK, "%s", error.message);
    cr_expect_eq(code, 7);
    cr_assert_gt(pread(out, text, sizeof(text) - 1, 0), 0);
    cr_expect_str_eq(text, "4 a b 0 0 clean");
}

Test(worker_run, a_crash_is_an_error_that_names_the_signal)
{
    int code = -1;
    ASY_ERROR_AUTO error = ASY_ERROR_INIT;
    const char *const words[] = {"crash", NULL};
    cr_expect_eq(asy_worker_run(words, NULL, 0, -1, &code, &error), ASY_E_FORMAT);
    cr_expect(error.message && strstr(error.message, "SIGSEGV"), "%s", error.message);
}

/* Runs a worker that waits, with a SIGTERM to us on the way. */
static int run_interrupted(const char *word, int *code, asy_error *error)
{
    const char *const words[] = {word, NULL};
    asy_signals_catch();
    pid_t self = getpid(), pid = fork();
    if (pid == 0) {
        usleep(200000);
        kill(self, SIGTERM);
        _exit(0);
    }
    int rc = asy_worker_run(words, NULL, 0, -1, code, error);
    waitpid(pid, NULL, 0);
    return rc;
}

Test(worker_run, an_interrupted_worker_may_end_by_itself)
{
    int code = -1;
    ASY_ERROR_AUTO error = ASY_ERROR_INIT;
    cr_expect_eq(run_interrupted("wait", &code, &error), ASY_OK, "%s", error.message);
    cr_expect_eq(code, 0);
}

Test(worker_run, a_worker_that_dies_of_the_interrupt_is_no_crash)
{
    int code = -1;
    ASY_ERROR_AUTO error = ASY_ERROR_INIT;
    cr_expect_eq(run_interrupted("die", &code, &error), ASY_E_INTERRUPTED);
}
