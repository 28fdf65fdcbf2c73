/* SPDX-License-Identifier: Apache-2.0 */
/* The worker's side: give up everything but what it was handed. */
#include "worker/worker.h"
#include "worker/filter.h"
#include "worker/landlock.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static int restrict_files(const asy_worker_rights *rights, bool *held, asy_error *error)
{
    asy_landlock landlock =
        asy_landlock_begin(ASY_LANDLOCK_FILES | ASY_LANDLOCK_TCP | ASY_LANDLOCK_ABSTRACT_SOCKETS |
                           ASY_LANDLOCK_SIGNALS);
    for (size_t i = 0; i < rights->read_dir_count; i++)
        asy_landlock_allow(&landlock, rights->read_dirs[i],
                           ASY_LANDLOCK_READ_FILE | ASY_LANDLOCK_READ_DIR);
    if (rights->scratch_fd >= 0)
        asy_landlock_allow(&landlock, rights->scratch_fd,
                           ASY_LANDLOCK_READ_FILE | ASY_LANDLOCK_WRITE_FILE |
                               ASY_LANDLOCK_MAKE_REG | ASY_LANDLOCK_TRUNCATE);
    return asy_landlock_enforce(&landlock, held, error);
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
