/* SPDX-License-Identifier: Apache-2.0 */
/* Whoever is killed, whenever: no process stays, no mount, no control group. */
#include "test_sandbox_support.h"

#include "io/io.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void count_mounts(asy_buf *text)
{
    asy_buf_clear(text);
    cr_assert_eq(asy_read_file(AT_FDCWD, "/proc/self/mountinfo", 1 << 22, text, NULL), ASY_OK);
}

/* Runs the spec in a child. Its processes become ours when it dies, so that none can hide. */
static pid_t run_in_child(test_box *box, int *reader)
{
    int log[2];
    cr_assert_eq(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
    cr_assert_eq(pipe2(log, O_CLOEXEC), 0);
    fflush(NULL);
    pid_t pid = fork();
    cr_assert_geq(pid, 0);
    if (pid == 0) {
        close(log[0]);
        box->spec.log_fd = log[1];
        asy_signals_catch();
        int rc = asy_sandbox_run(&box->map, &box->spec, &box->result, &box->error);
        _exit(rc < 0 ? -rc : 0);
    }
    close(log[1]);
    *reader = log[0];
    return pid;
}

/* True once every process that descends from this one is gone. */
static bool all_ended(void)
{
    for (int i = 0; i < 5000; i++) {
        pid_t pid;
        while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
            ;
        if (pid < 0)
            return true;
        usleep(1000);
    }
    return false;
}

static void wait_for_output(int reader)
{
    char byte;
    struct pollfd polled = {reader, POLLIN, 0};
    cr_assert_eq(poll(&polled, 1, 10000), 1);
    cr_assert_eq(read(reader, &byte, 1), 1);
}

static void kill_and_check(pid_t pid, int reader, int *status)
{
    kill(pid, SIGKILL);
    cr_assert_eq(waitpid(pid, status, 0), pid);
    cr_assert(all_ended(), "a process of the sandbox outlived its parent");
    close(reader);
}

static void set_script(test_box *box, const char *script)
{
    box->argv[0] = "/bin/sh";
    box->argv[1] = "-c";
    box->argv[2] = script;
    box->argv[3] = NULL;
}

/* Killed ever later, through setting up, copying in and starting, until it gets by alive. */
SANDBOX_TEST(sandbox_death, a_kill_while_it_starts_leaves_nothing)
{
    static char source[256];
    ASY_BUF_AUTO before = ASY_BUF_INIT;
    ASY_BUF_AUTO after = ASY_BUF_INIT;
    int killed = 0, status = 0;
    snprintf(source, sizeof(source), "%s", box_path(box, "src"));
    cr_assert_eq(mkdir(source, 0755), 0);
    for (int i = 0; i < 500; i++) {
        char name[32];
        snprintf(name, sizeof(name), "src/f%d", i);
        box_write(box, name, "content\n");
    }
    box->copies[0] = (asy_sandbox_copy){source, "/build/src"};
    box->spec.copy_count = 1;
    set_script(box, "trap '' TERM INT HUP; (setsid sleep 0.01 &); exit 0");
    count_mounts(&before);
    for (unsigned delay = 0; delay < 400000; delay += delay < 20000 ? 1000 : 10000) {
        int reader;
        pid_t pid = run_in_child(box, &reader);
        usleep(delay);
        kill_and_check(pid, reader, &status);
        if (!WIFSIGNALED(status))
            break;
        killed++;
    }
    cr_assert_gt(killed, 3);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the last one ran to its end");
    count_mounts(&after);
    cr_assert_str_eq(before.ptr, after.ptr);
}

SANDBOX_TEST(sandbox_death, a_kill_while_the_command_runs_leaves_nothing)
{
    int reader, status;
    set_script(box, "trap '' TERM INT HUP; (setsid sleep 1000 &); echo; sleep 1000");
    pid_t pid = run_in_child(box, &reader);
    wait_for_output(reader);
    kill_and_check(pid, reader, &status);
    cr_assert(WIFSIGNALED(status));
}

static bool has_entries(const char *path)
{
    int names = 0;
    DIR *dir = opendir(path);
    cr_assert_not_null(dir);
    while (readdir(dir))
        names++;
    closedir(dir);
    return names > 2;
}

SANDBOX_TEST(sandbox_death, a_kill_while_it_collects_leaves_nothing)
{
    static const char *const globs[] = {"*.deb", NULL};
    static char out[256];
    int reader, status;
    snprintf(out, sizeof(out), "%s", box_path(box, "out"));
    cr_assert_eq(mkdir(out, 0755), 0);
    box->spec.collect_root = "/build";
    box->spec.collect_globs = globs;
    box->spec.collect_dir = out;
    set_script(box, "for i in 1 2 3 4 5 6; do dd if=/dev/zero of=$i.deb bs=1M count=30; done");
    pid_t pid = run_in_child(box, &reader);
    for (int i = 0; i < 10000 && !has_entries(out); i++)
        usleep(1000);
    kill_and_check(pid, reader, &status);
    cr_assert(WIFSIGNALED(status), "killed while the first output was there");
}

static bool groups_left(pid_t pid)
{
    char command[128];
    snprintf(command, sizeof(command),
             "test -n \"$(find /sys/fs/cgroup -type d -name 'assay-%d-*' 2>/dev/null)\"", (int)pid);
    return system(command) == 0; /* NOLINT(cert-env33-c) */
}

SANDBOX_TEST(sandbox_death, the_next_run_sweeps_what_a_killed_one_left)
{
    int reader, status;
    set_script(box, "echo; sleep 1000");
    pid_t pid = run_in_child(box, &reader);
    wait_for_output(reader);
    kill_and_check(pid, reader, &status);
    box_sh(box, "true");
    cr_assert(box_ok(box));
    cr_assert_not(groups_left(pid));
}

SANDBOX_TEST(sandbox_death, an_interrupt_ends_it_in_order)
{
    int reader, status;
    set_script(box, "trap '' TERM INT HUP; echo; sleep 1000");
    pid_t pid = run_in_child(box, &reader);
    wait_for_output(reader);
    kill(pid, SIGTERM);
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert(WIFEXITED(status));
    cr_assert_eq(WEXITSTATUS(status), -ASY_E_INTERRUPTED);
    cr_assert(all_ended());
    close(reader);
}

SANDBOX_TEST(sandbox_idmap, maps_to_ids_that_are_nobodys)
{
    cr_assert_eq(box->map.by_helper, geteuid() != 0);
    if (geteuid() != 0)
        cr_assert_eq(box->map.root_uid, geteuid());
    cr_assert_neq(box->map.first_uid, 0);
    cr_assert_neq(box->map.first_uid, geteuid());
}

SANDBOX_TEST(sandbox_idmap, removes_a_tree_of_mapped_ids)
{
    static char taken[256];
    asy_sandbox_bind bind = {taken, "/mnt/taken", true};
    snprintf(taken, sizeof(taken), "%s", box_path(box, "taken"));
    cr_assert_eq(mkdir(taken, 0777), 0);
    cr_assert_eq(chmod(taken, 0777), 0);
    box->spec.binds = &bind;
    box->spec.bind_count = 1;
    box_sh(box, "mkdir -p /mnt/taken/a/b; echo x >/mnt/taken/a/b/c; chmod 500 /mnt/taken/a/b");
    cr_assert(box_ok(box));
    struct stat st;
    cr_assert_eq(stat(box_path(box, "taken/a"), &st), 0);
    cr_assert_eq(st.st_uid, box->map.first_uid + ASY_BUILDER_UID - 1);
    if (geteuid() != 0)
        cr_assert_neq(asy_remove_tree(AT_FDCWD, taken, NULL), ASY_OK);
    cr_assert_eq(asy_idmap_remove_tree(&box->map, taken, NULL), ASY_OK);
    cr_assert_neq(access(taken, F_OK), 0);
    cr_assert_eq(asy_idmap_remove_tree(&box->map, taken, NULL), ASY_OK, "missing is fine");
}
