/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hostile build: this program itself, started inside a sandbox with the name of a probe. A probe
 * prints a line for everything that it got through with, and exits 0 when that was nothing.
 */
#include "test_sandbox_support.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/vm_sockets.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static int escapes;

static void refused(const char *what, long result, int expected)
{
    if (result == -1 && errno == expected)
        return;
    escapes++;
    printf("%s: result %ld, %s\n", what, result, result == -1 ? strerror(errno) : "not refused");
}

/* ---- system calls ------------------------------------------------------------------------------ */

/* Each refused by the filter before the kernel looks at arguments, so zeros will do. */
static void probe_calls(void)
{
    static const struct {
        const char *name;
        long number;
    } calls[] = {{"mount", SYS_mount},
                 {"umount2", SYS_umount2},
                 {"pivot_root", SYS_pivot_root},
                 {"chroot", SYS_chroot},
                 {"open_tree", SYS_open_tree},
                 {"move_mount", SYS_move_mount},
                 {"fsopen", SYS_fsopen},
                 {"fsmount", SYS_fsmount},
                 {"mount_setattr", SYS_mount_setattr},
                 {"setns", SYS_setns},
                 {"ptrace", SYS_ptrace},
                 {"process_vm_readv", SYS_process_vm_readv},
                 {"process_vm_writev", SYS_process_vm_writev},
                 {"bpf", SYS_bpf},
                 {"perf_event_open", SYS_perf_event_open},
                 {"userfaultfd", SYS_userfaultfd},
                 {"open_by_handle_at", SYS_open_by_handle_at},
                 {"io_uring_setup", SYS_io_uring_setup},
                 {"add_key", SYS_add_key},
                 {"request_key", SYS_request_key},
                 {"keyctl", SYS_keyctl},
                 {"kexec_load", SYS_kexec_load},
                 {"init_module", SYS_init_module},
                 {"finit_module", SYS_finit_module},
                 {"swapon", SYS_swapon},
                 {"reboot", SYS_reboot},
                 {"acct", SYS_acct},
                 {"quotactl", SYS_quotactl},
                 {"syslog", SYS_syslog},
                 {"pidfd_getfd", SYS_pidfd_getfd},
                 {"sethostname", SYS_sethostname}};
    static const unsigned long spaces[] = {CLONE_NEWUSER,  CLONE_NEWNS,  CLONE_NEWPID,
                                           CLONE_NEWNET,   CLONE_NEWIPC, CLONE_NEWUTS,
                                           CLONE_NEWCGROUP};
    for (size_t i = 0; i < ASY_COUNT(calls); i++)
        refused(calls[i].name, syscall(calls[i].number, 0, 0, 0, 0, 0, 0), EPERM);
    for (size_t i = 0; i < ASY_COUNT(spaces); i++) {
        refused("unshare", syscall(SYS_unshare, spaces[i]), EPERM);
        long pid = syscall(SYS_clone, spaces[i] | SIGCHLD, 0, 0, 0, 0);
        if (pid == 0)
            _exit(0);
        refused("clone", pid, EPERM);
    }
    refused("clone3", syscall(SYS_clone3, 0, 0), ENOSYS);
    refused("TIOCSTI", ioctl(0, TIOCSTI, "x"), EPERM);
}

#if defined(__x86_64__)
/* The 32-bit entry of the kernel, from a 64-bit program. */
static long call32(long number, long first, long second)
{
    long result;
    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "a"(number), "b"(first), "c"(second), "d"(0), "S"(0), "D"(0)
                     : "memory", "r8", "r9", "r10", "r11");
    if (result < 0 && result > -4096) {
        errno = (int)-result;
        return -1;
    }
    return result;
}

static void probe_other_abis(void)
{
    enum { MOUNT32 = 21, PTRACE32 = 26, UNSHARE32 = 310, SOCKETCALL32 = 102, X32_BIT = 0x40000000 };
    if (call32(20 /* getpid */, 0, 0) < 0)
        return; /* this kernel has no 32-bit entry */
    refused("mount, 32 bit", call32(MOUNT32, 0, 0), EPERM);
    refused("ptrace, 32 bit", call32(PTRACE32, 0, 0), EPERM);
    refused("unshare, 32 bit", call32(UNSHARE32, CLONE_NEWUSER, 0), EPERM);
    refused("socketcall, 32 bit", call32(SOCKETCALL32, 1, 0), ENOSYS);
    refused("mount, x32", syscall(X32_BIT | 165, 0, 0, 0, 0, 0), ENOSYS);
    refused("getpid, x32", syscall(X32_BIT | 39), ENOSYS);
}
#else
static void probe_other_abis(void)
{
}
#endif

/* ---- network ----------------------------------------------------------------------------------- */

static void try_connect(const char *what, const char *address, int port, int expected)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct timeval patience = {.tv_sec = 2};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    inet_pton(AF_INET, address, &to.sin_addr);
    refused(what, connect(fd, (struct sockaddr *)&to, sizeof(to)), expected);
    close(fd);
}

static void try_abstract(const char *name)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    snprintf(to.sun_path + 1, sizeof(to.sun_path) - 1, "%s", name);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));
    refused("an abstract socket of the host", connect(fd, (struct sockaddr *)&to, length),
            ECONNREFUSED);
    close(fd);
}

/* "PORT NAME": of a listener on the host's loopback, and of its abstract socket. */
static void probe_network(const char *argument)
{
    static const int families[] = {AF_VSOCK, AF_PACKET, AF_ALG, AF_BLUETOOTH, AF_KEY, AF_AX25};
    const char *name = strchr(argument, ' ');
    try_connect("the host's loopback", "127.0.0.1", atoi(argument), ECONNREFUSED);
    try_connect("an outside address", "192.0.2.1", 80, ENETUNREACH);
    try_abstract(name + 1);
    for (size_t i = 0; i < ASY_COUNT(families); i++)
        refused("a socket of another family", socket(families[i], SOCK_DGRAM, 0), EAFNOSUPPORT);
}

/* ---- others ------------------------------------------------------------------------------------ */

static void probe_supervisor(void)
{
    char path[64];
    static const char *const files[] = {"mem", "environ", "root", "cwd", "fd", "maps"};
    refused("kill -9 1", kill(1, SIGKILL), EPERM);
    refused("kill -STOP 1", kill(1, SIGSTOP), EPERM);
    for (size_t i = 0; i < ASY_COUNT(files); i++) {
        snprintf(path, sizeof(path), "/proc/1/%s", files[i]);
        int fd = open(path, O_RDONLY);
        if (fd >= 0 || errno != EACCES)
            refused(path, fd, EPERM);
    }
    refused("oom_score_adj of init", open("/proc/1/oom_score_adj", O_WRONLY), EACCES);
}

static void must_not_write(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT, 0644);
    if (fd < 0 && (errno == EACCES || errno == EROFS || errno == EPERM))
        return;
    escapes++;
    printf("%s: %s\n", path, fd >= 0 ? "could be written" : strerror(errno));
}

static void probe_writes(void)
{
    static const char *const paths[] = {"/x",
                                        "/usr/x",
                                        "/usr/bin/x",
                                        "/usr/bin/env",
                                        "/bin/x",
                                        "/etc/x",
                                        "/etc/passwd",
                                        "/etc/alternatives/x",
                                        "/lib/x",
                                        "/var/x",
                                        "/dev/x",
                                        "/run/x",
                                        "/home/x",
                                        "/proc/sys/kernel/hostname",
                                        "/proc/sys/kernel/core_pattern",
                                        "/proc/sys/vm/drop_caches"};
    for (size_t i = 0; i < ASY_COUNT(paths); i++)
        must_not_write(paths[i]);
}

static void probe_powers(void)
{
    char line[256];
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof(line), file))
        if ((strncmp(line, "Cap", 3) == 0 && !strstr(line, "\t0000000000000000\n")) ||
            (strncmp(line, "NoNewPrivs:", 11) == 0 && !strstr(line, "\t1\n")) ||
            (strncmp(line, "Seccomp:", 8) == 0 && !strstr(line, "\t2\n")) ||
            (strncmp(line, "Groups:", 7) == 0 && strspn(line + 7, "\t \n") != strlen(line + 7))) {
            escapes++;
            fputs(line, stdout);
        }
    if (!file || (fclose(file), getuid() != ASY_BUILDER_UID) || getgid() != ASY_BUILDER_UID)
        escapes++;
    for (int fd = 3; fd < 1024; fd++)
        if (fcntl(fd, F_GETFD) != -1) {
            escapes++;
            printf("descriptor %d was left open\n", fd);
        }
}

/* Memory that grows for ever, every page of it touched. */
static void probe_memory(void)
{
    for (;;) {
        char *block = malloc(1 << 20);
        if (!block)
            _exit(99);
        memset(block, 1, 1 << 20);
    }
}

static void probe_forks(void)
{
    for (;;)
        if (fork() < 0 && errno != EAGAIN)
            _exit(98);
}

/* As many processes as it may have, then gives up. */
static void probe_crowd(void)
{
    for (;;) {
        pid_t pid = fork();
        if (pid == 0)
            for (;;)
                pause();
        if (pid < 0) {
            usleep(300000);
            _exit(1);
        }
    }
}

__attribute__((constructor)) static void play_probe(int argc, char **argv)
{
    if (argc < 2 || strcmp(argv[0], PROBE) != 0)
        return;
    setvbuf(stdout, NULL, _IONBF, 0);
    const char *name = argv[1];
    if (strcmp(name, "calls") == 0)
        probe_calls();
    else if (strcmp(name, "abis") == 0)
        probe_other_abis();
    else if (strcmp(name, "network") == 0)
        probe_network(argv[2]);
    else if (strcmp(name, "supervisor") == 0)
        probe_supervisor();
    else if (strcmp(name, "writes") == 0)
        probe_writes();
    else if (strcmp(name, "powers") == 0)
        probe_powers();
    else if (strcmp(name, "memory") == 0)
        probe_memory();
    else if (strcmp(name, "forks") == 0)
        probe_forks();
    else if (strcmp(name, "crowd") == 0)
        probe_crowd();
    else
        escapes++;
    _exit(escapes != 0);
}
