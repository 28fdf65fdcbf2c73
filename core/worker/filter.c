/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system calls that reading inputs needs. All others fail with EPERM: libraries then take their
 * slow path or say what they lack, and what an attacker wants (sockets, programs, processes, other
 * processes' memory, mounts, modules) is not on the list.
 */
#include "worker/filter.h"

#include "base/base.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <unistd.h>

static const int always[] = {
    /* open files */
    SCMP_SYS(read),
    SCMP_SYS(readv),
    SCMP_SYS(pread64),
    SCMP_SYS(preadv),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(pwrite64),
    SCMP_SYS(close),
    SCMP_SYS(lseek),
    SCMP_SYS(_llseek),
    SCMP_SYS(fstat),
    SCMP_SYS(fstat64),
    SCMP_SYS(fstatfs),
    SCMP_SYS(fadvise64),
    SCMP_SYS(ftruncate),
    SCMP_SYS(fallocate),
    SCMP_SYS(dup),
    SCMP_SYS(fcntl),
    SCMP_SYS(fcntl64),
    SCMP_SYS(memfd_create),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    /* memory */
    SCMP_SYS(brk),
    SCMP_SYS(mmap),
    SCMP_SYS(mmap2),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(mprotect),
    SCMP_SYS(madvise),
    SCMP_SYS(msync),
    SCMP_SYS(mincore),
    /* threads */
    SCMP_SYS(futex),
    SCMP_SYS(futex_waitv),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(get_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(set_tid_address),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(membarrier),
    SCMP_SYS(gettid),
    SCMP_SYS(getpid),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    /* signals to itself */
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(restart_syscall),
    /* time and facts */
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_gettime64),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(clock_nanosleep_time64),
    SCMP_SYS(nanosleep),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(getrandom),
    SCMP_SYS(getrusage),
    SCMP_SYS(getrlimit),
    SCMP_SYS(uname),
    SCMP_SYS(sysinfo),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
};

static const int for_folders[] = {
    SCMP_SYS(newfstatat), SCMP_SYS(statx),      SCMP_SYS(getdents64),
    SCMP_SYS(readlinkat), SCMP_SYS(flistxattr), SCMP_SYS(fgetxattr),
};

static bool allow_list(scmp_filter_ctx filter, const int *calls, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0) != 0)
            return false;
    return true;
}

/* One rule a call, whose first argument to matter is compared under a mask. */
typedef struct masked_rule {
    int call;
    unsigned arg;
    uint64_t mask, value;
} masked_rule;

static bool allow_masked(scmp_filter_ctx filter, const masked_rule *rules, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct scmp_arg_cmp cmp = {rules[i].arg, SCMP_CMP_MASKED_EQ, rules[i].mask, rules[i].value};
        if (seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, rules[i].call, 1, &cmp) != 0)
            return false;
    }
    return true;
}

static bool allow_by_argument(scmp_filter_ctx filter, bool reads_folders)
{
    const uint64_t all = UINT64_MAX, self = (uint64_t)getpid();
    const masked_rule rules[] = {
        /* an unnamed file in the scratch folder; Landlock says in which */
        {SCMP_SYS(openat), 2, O_TMPFILE, O_TMPFILE},
        /* threads, not processes; clone3 hides its flags in memory and stays forbidden */
        {SCMP_SYS(clone), 0, CLONE_THREAD | CLONE_VM, CLONE_THREAD | CLONE_VM},
        {SCMP_SYS(tgkill), 0, all, self},
        {SCMP_SYS(prlimit64), 2, all, 0},
        {SCMP_SYS(ioctl), 1, all, TCGETS},
        {SCMP_SYS(prctl), 0, all, PR_SET_NAME},
        {SCMP_SYS(prctl), 0, all, PR_SET_VMA},
        /* O_RDONLY with O_TRUNC would write */
        {SCMP_SYS(openat), 2, O_ACCMODE | O_CREAT | O_TRUNC, 0},
    };
    return allow_masked(filter, rules, ASY_COUNT(rules) - (reads_folders ? 0 : 1));
}

bool asy_filter_load(bool reads_folders)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (!filter)
        return false;
    /* glibc falls back from clone3 to clone on ENOSYS alone; newfstatat with an empty path is its
     * fstat. */
    const struct scmp_arg_cmp empty_path =
        SCMP_A3(SCMP_CMP_MASKED_EQ, AT_EMPTY_PATH, AT_EMPTY_PATH);
    bool ok = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) == 0 &&
              allow_list(filter, always, ASY_COUNT(always)) &&
              allow_by_argument(filter, reads_folders);
    if (ok && reads_folders)
        ok = allow_list(filter, for_folders, ASY_COUNT(for_folders));
    else if (ok)
        ok = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(newfstatat), 1, &empty_path) ==
             0;
    ok = ok && seccomp_load(filter) == 0;
    seccomp_release(filter);
    return ok;
}
