/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the command may not do, whatever it is: capabilities, new privileges, system calls that reach
 * the kernel's rarely used sides, resource limits. capabilities(7), seccomp(2).
 *
 * The filter is a list of what is refused, not of what is allowed: builds run test suites that use
 * nearly every call, and namespaces, ids and capabilities already confine them; the filter takes
 * away what could break out of those.
 */
#include "sandbox/inner.h"

#include "worker/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { OPEN_FILES = 1024, OPEN_FILES_MOST = 1 << 20, STACK = 8 << 20, LOW_WORD = 0xffffffff };

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

/* For root of the namespace: what dpkg, apt, tar and adduser use. */
static const int root_capabilities[] = {CAP_CHOWN,   CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_FSETID,
                                        CAP_KILL,    CAP_SETGID,       CAP_SETUID, CAP_SETFCAP,
                                        CAP_SETPCAP, CAP_SYS_CHROOT,   CAP_MKNOD};

static uint64_t kept_capabilities(const asy_sandbox_spec *spec)
{
    uint64_t kept = 0;
    for (size_t i = 0; spec->uid == 0 && i < ASY_COUNT(root_capabilities); i++)
        kept |= UINT64_C(1) << root_capabilities[i];
    return kept;
}

static int failed(asy_error *error, const char *what)
{
    return asy_error_errno(error, ASY_E_INFRA, "cannot %s", what);
}

static int set_limit(int which, uint64_t soft, uint64_t hard)
{
    struct rlimit now, want = {soft, hard};
    if (getrlimit((__rlimit_resource_t)which, &now) != 0)
        return -1;
    if (now.rlim_max != RLIM_INFINITY && want.rlim_max > now.rlim_max)
        want.rlim_max = now.rlim_max;
    if (want.rlim_cur > want.rlim_max)
        want.rlim_cur = want.rlim_max;
    return setrlimit((__rlimit_resource_t)which, &want);
}

/* The same on every machine where a build could notice; the soft limit on open files stays low, as
 * fakeroot and others walk all of them. A core limit of one byte, unlike 0, also keeps a crash from
 * starting the host's handler (core(5), a pipe in core_pattern). */
static int set_limits(const asy_launch *launch, asy_error *error)
{
    uint64_t tasks = launch->cgroup->processes_holder ? 0 : launch->spec->limits.processes;
    if (set_limit(RLIMIT_CORE, 1, 1) != 0 ||
        set_limit(RLIMIT_NOFILE, OPEN_FILES, OPEN_FILES_MOST) != 0 ||
        set_limit(RLIMIT_STACK, STACK, RLIM_INFINITY) != 0 ||
        (tasks && set_limit(RLIMIT_NPROC, tasks, tasks) != 0))
        return failed(error, "set the resource limits");
    return ASY_OK;
}

/* On the host's network a program could call the host's abstract sockets (a desktop's, a daemon's),
 * which no file permission guards; Landlock shuts them off where the kernel knows how. */
static int shut_abstract_sockets(asy_error *error)
{
    bool held;
    asy_landlock landlock = asy_landlock_begin(ASY_LANDLOCK_ABSTRACT_SOCKETS);
    return asy_landlock_enforce(&landlock, &held, error);
}

int asy_power_drop(const asy_launch *launch, asy_error *error)
{
    const asy_sandbox_spec *spec = launch->spec;
    uint64_t kept = kept_capabilities(spec);
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    int rc = set_limits(launch, error);
    if (rc < 0)
        return rc;
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    for (int capability = 0; capability < 64; capability++)
        if (!(kept >> capability & 1) && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0 &&
            errno != EINVAL)
            return failed(error, "give up a capability");
    if (setgroups(0, NULL) != 0 || setresgid(spec->uid, spec->uid, spec->uid) != 0 ||
        setresuid(spec->uid, spec->uid, spec->uid) != 0)
        return failed(error, "change to the command's user");
    for (int i = 0; i < 2; i++) {
        uint32_t word = (uint32_t)(kept >> (32 * i));
        data[i] = (struct __user_cap_data_struct){.effective = word, .permitted = word};
    }
    if (syscall(SYS_capset, &header, data) != 0)
        return failed(error, "give up the capabilities");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return failed(error, "give up new privileges");
    return spec->network ? shut_abstract_sockets(error) : ASY_OK;
}

/* By name, as not every architecture and library knows each. */
static const char *const refused[] = {"mount",
                                      "umount",
                                      "umount2",
                                      "pivot_root",
                                      "open_tree",
                                      "move_mount",
                                      "fsopen",
                                      "fsconfig",
                                      "fsmount",
                                      "fspick",
                                      "mount_setattr",
                                      "setns",
                                      "unshare",
                                      "ptrace",
                                      "process_vm_readv",
                                      "process_vm_writev",
                                      "process_madvise",
                                      "pidfd_getfd",
                                      "kcmp",
                                      "bpf",
                                      "perf_event_open",
                                      "userfaultfd",
                                      "open_by_handle_at",
                                      "io_uring_setup",
                                      "io_uring_enter",
                                      "io_uring_register",
                                      "add_key",
                                      "request_key",
                                      "keyctl",
                                      "kexec_load",
                                      "kexec_file_load",
                                      "init_module",
                                      "finit_module",
                                      "delete_module",
                                      "create_module",
                                      "swapon",
                                      "swapoff",
                                      "reboot",
                                      "acct",
                                      "quotactl",
                                      "quotactl_fd",
                                      "syslog",
                                      "fanotify_init",
                                      "lookup_dcookie",
                                      "nfsservctl",
                                      "vhangup",
                                      "iopl",
                                      "ioperm",
                                      "vm86",
                                      "vm86old",
                                      "uselib",
                                      "_sysctl",
                                      "settimeofday",
                                      "stime",
                                      "clock_settime",
                                      "clock_settime64",
                                      "clock_adjtime",
                                      "clock_adjtime64",
                                      "sethostname",
                                      "setdomainname",
                                      "memfd_secret",
                                      "move_pages",
                                      "migrate_pages"};

static const unsigned long new_namespaces[] = {CLONE_NEWUSER,  CLONE_NEWNS,  CLONE_NEWPID,
                                               CLONE_NEWNET,   CLONE_NEWIPC, CLONE_NEWUTS,
                                               CLONE_NEWCGROUP};

/* Kinds that have a namespace of their own. Others, AF_VSOCK above all, reach the host or the
 * machine below it whatever the network namespace. */
static const int socket_families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};

static int refuse(scmp_filter_ctx filter, const char *name, int code)
{
    int number = seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR)
        return 0;
    return seccomp_rule_add_array(filter, SCMP_ACT_ERRNO((uint32_t)code), number, 0, NULL);
}

static int refuse_sockets(scmp_filter_ctx filter)
{
    int rc = 0;
    int last = socket_families[ASY_COUNT(socket_families) - 1];
    for (int family = 0; rc == 0 && family <= last; family++) {
        bool allowed = false;
        for (size_t i = 0; i < ASY_COUNT(socket_families); i++)
            allowed = allowed || socket_families[i] == family;
        if (!allowed)
            rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1,
                                  SCMP_A0(SCMP_CMP_MASKED_EQ, LOW_WORD, (scmp_datum_t)family));
    }
    if (rc == 0)
        rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1,
                              SCMP_A0(SCMP_CMP_GT, (scmp_datum_t)last, 0));
    /* 32-bit programs may pack the family where a filter cannot look. */
    return rc ? rc : refuse(filter, "socketcall", ENOSYS);
}

static int refuse_by_argument(scmp_filter_ctx filter)
{
    static const unsigned long requests[] = {TIOCSTI, TIOCLINUX};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < ASY_COUNT(new_namespaces); i++)
        rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
#if defined(__s390x__)
                              SCMP_A1(SCMP_CMP_MASKED_EQ, new_namespaces[i], new_namespaces[i]));
#else
                              SCMP_A0(SCMP_CMP_MASKED_EQ, new_namespaces[i], new_namespaces[i]));
#endif
    for (size_t i = 0; rc == 0 && i < ASY_COUNT(requests); i++)
        rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1,
                              SCMP_A1(SCMP_CMP_MASKED_EQ, LOW_WORD, requests[i]));
    return rc ? rc : refuse_sockets(filter);
}

/* Programs of the 32-bit ABI that this processor also runs are filtered the same; x32 and any other
 * ABI gets "no such call". */
static int add_architectures(scmp_filter_ctx filter)
{
    int rc = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(ENOSYS));
#if defined(__x86_64__)
    if (rc == 0)
        rc = seccomp_arch_add(filter, SCMP_ARCH_X86);
#elif defined(__aarch64__)
    if (rc == 0)
        rc = seccomp_arch_add(filter, SCMP_ARCH_ARM);
#endif
    return rc;
}

int asy_power_filter(const asy_sandbox_spec *spec, asy_error *error)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    if (!filter)
        return asy_error_set(error, ASY_E_INFRA, "cannot make a system call filter");
    int rc = add_architectures(filter);
    /* A program then falls back on clone(2), the flags of which a filter can read. */
    if (rc == 0)
        rc = refuse(filter, "clone3", ENOSYS);
    for (size_t i = 0; rc == 0 && i < ASY_COUNT(refused); i++)
        rc = refuse(filter, refused[i], EPERM);
    if (rc == 0 && spec->uid != 0)
        rc = refuse(filter, "chroot", EPERM);
    if (rc == 0)
        rc = refuse_by_argument(filter);
    if (rc == 0)
        rc = seccomp_load(filter);
    seccomp_release(filter);
    if (rc == 0)
        return ASY_OK;
    errno = -rc;
    failed(error, "load the system call filter");
    return asy_error_hint(error, "the kernel needs CONFIG_SECCOMP_FILTER");
}
