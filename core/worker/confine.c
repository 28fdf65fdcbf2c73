/* SPDX-License-Identifier: Apache-2.0 */
/* The worker's side: give up everything but what it was handed. */
#include "worker/worker.h"
#include "worker/filter.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * Landlock's interface (Linux, Documentation/userspace-api/landlock.rst), spelled here because the
 * headers of a build machine may be older than the kernel that runs the program. Version N of the
 * ABI knows the rights and fields that the earlier ones know and some more.
 */
typedef struct landlock_ruleset {
    uint64_t handled_fs;
    uint64_t handled_net; /* since ABI 4 */
    uint64_t scoped;      /* since ABI 6 */
} landlock_ruleset;

typedef struct landlock_path_beneath {
    uint64_t allowed;
    int32_t parent_fd;
} __attribute__((packed)) landlock_path_beneath;

enum {
    LL_VERSION = 1, /* flag of create_ruleset: tell the ABI */
    LL_RULE_PATH_BENEATH = 1,
    LL_WRITE_FILE = 1 << 1,
    LL_READ_FILE = 1 << 2,
    LL_READ_DIR = 1 << 3,
    LL_MAKE_REG = 1 << 8,
    LL_FS_ABI_1 = (1 << 13) - 1,
    LL_REFER = 1 << 13,     /* ABI 2 */
    LL_TRUNCATE = 1 << 14,  /* ABI 3 */
    LL_IOCTL_DEV = 1 << 15, /* ABI 5 */
    LL_NET_TCP = 3,         /* bind and connect */
    LL_SCOPE_ALL = 3        /* abstract sockets and signals */
};

static landlock_ruleset landlock_all(long abi)
{
    landlock_ruleset all = {.handled_fs = LL_FS_ABI_1};
    if (abi >= 2)
        all.handled_fs |= LL_REFER;
    if (abi >= 3)
        all.handled_fs |= LL_TRUNCATE;
    if (abi >= 5)
        all.handled_fs |= LL_IOCTL_DEV;
    if (abi >= 4)
        all.handled_net = LL_NET_TCP;
    if (abi >= 6)
        all.scoped = LL_SCOPE_ALL;
    return all;
}

static bool landlock_allow(int ruleset, int folder, uint64_t allowed)
{
    landlock_path_beneath rule = {.allowed = allowed, .parent_fd = folder};
    return syscall(SYS_landlock_add_rule, ruleset, LL_RULE_PATH_BENEATH, &rule, 0) == 0;
}

static int restrict_files(const asy_worker_rights *rights, bool *held, asy_error *error)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LL_VERSION);
    if (abi < 1)
        return ASY_OK; /* ENOSYS, or built in and switched off */
    landlock_ruleset all = landlock_all(abi);
    size_t size = abi >= 6   ? sizeof(all)
                  : abi >= 4 ? offsetof(landlock_ruleset, scoped)
                             : offsetof(landlock_ruleset, handled_net);
    ASY_AUTO_CLOSE int ruleset = (int)syscall(SYS_landlock_create_ruleset, &all, size, 0);
    if (ruleset < 0)
        return ASY_OK;
    for (size_t i = 0; i < rights->read_dir_count; i++)
        if (!landlock_allow(ruleset, rights->read_dirs[i], LL_READ_FILE | LL_READ_DIR))
            return asy_error_errno(error, ASY_E_INFRA, "cannot allow a folder to be read");
    uint64_t scratch = LL_READ_FILE | LL_WRITE_FILE | LL_MAKE_REG | (abi >= 3 ? LL_TRUNCATE : 0);
    if (rights->scratch_fd >= 0 && !landlock_allow(ruleset, rights->scratch_fd, scratch))
        return asy_error_errno(error, ASY_E_INFRA, "cannot allow the scratch folder");
    *held = syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
    return ASY_OK;
}

/* capset(2); the kernel's interface has two words of 32 capabilities in version 3. */
static void drop_capabilities(bool reads_folders)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct held[2] = {{0}}, kept[2] = {{0}};
    if (syscall(SYS_capget, &header, held) != 0)
        return;
    if (reads_folders)
        kept[0].permitted = kept[0].effective = held[0].permitted & (1u << CAP_DAC_READ_SEARCH);
    header.version = _LINUX_CAPABILITY_VERSION_3;
    syscall(SYS_capset, &header, kept);
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
}

static void limit(__rlimit_resource_t resource, uint64_t most)
{
    struct rlimit now;
    if (getrlimit(resource, &now) != 0)
        return;
    if (now.rlim_max == RLIM_INFINITY || now.rlim_max > most)
        now.rlim_max = most;
    if (now.rlim_cur == RLIM_INFINITY || now.rlim_cur > now.rlim_max)
        now.rlim_cur = now.rlim_max;
    setrlimit(resource, &now);
}

static void set_limits(const asy_worker_rights *rights)
{
    limit(RLIMIT_CORE, 0);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    /* A sanitizer's shadow memory is private and writable, and larger than any limit. */
    if (rights->memory)
        limit(RLIMIT_DATA, rights->memory);
#endif
    if (rights->seconds)
        limit(RLIMIT_CPU, rights->seconds);
}

int asy_worker_confine(const asy_worker_rights *rights, asy_confinement *out, asy_error *error)
{
    *out = (asy_confinement){0};
    set_limits(rights);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return asy_error_errno(error, ASY_E_INFRA, "cannot give up new privileges");
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    int rc = restrict_files(rights, &out->landlock, error);
    if (rc < 0)
        return rc;
    drop_capabilities(rights->read_dir_count > 0);
    out->seccomp = asy_filter_load(rights->read_dir_count > 0);
    snprintf(out->missing, sizeof(out->missing), "%s%s%s",
             out->landlock ? "" : "Landlock (access to files)",
             out->landlock || out->seccomp ? "" : ", ",
             out->seccomp ? "" : "seccomp (system calls)");
    return ASY_OK;
}
