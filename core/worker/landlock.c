/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/landlock.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef struct ruleset_attr {
    uint64_t handled_fs;
    uint64_t handled_net; /* from ABI 4 on */
    uint64_t scoped;      /* from ABI 6 on */
} ruleset_attr;

typedef struct path_beneath_attr {
    uint64_t allowed;
    int32_t parent_fd;
} __attribute__((packed)) path_beneath_attr;

enum {
    GET_VERSION = 1, /* flag of create_ruleset */
    RULE_PATH_BENEATH = 1,
    FILES_ABI_1 = (1 << 13) - 1,
    IOCTL_DEV = 1 << 15, /* from ABI 5 on */
    BIND_AND_CONNECT = 3,
    SCOPE_ABSTRACT_SOCKET = 1,
    SCOPE_SIGNAL = 2,
    ON_FILES = ASY_LANDLOCK_EXECUTE | ASY_LANDLOCK_WRITE_FILE | ASY_LANDLOCK_READ_FILE |
               ASY_LANDLOCK_TRUNCATE | IOCTL_DEV
};

long asy_landlock_abi(void)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, GET_VERSION);
    return abi < 1 ? 0 : abi; /* not built in, or switched off */
}

static uint64_t files_of(long abi)
{
    uint64_t all = FILES_ABI_1;
    if (abi >= 2)
        all |= ASY_LANDLOCK_REFER;
    if (abi >= 3)
        all |= ASY_LANDLOCK_TRUNCATE;
    if (abi >= 5)
        all |= IOCTL_DEV;
    return all;
}

asy_landlock asy_landlock_begin(unsigned taken)
{
    long abi = asy_landlock_abi();
    asy_landlock landlock = {.ruleset = -1};
    ruleset_attr attr = {0};
    if (abi >= 1 && taken & ASY_LANDLOCK_FILES)
        attr.handled_fs = landlock.handled = files_of(abi);
    if (abi >= 4 && taken & ASY_LANDLOCK_TCP)
        attr.handled_net = BIND_AND_CONNECT;
    if (abi >= 6 && taken & ASY_LANDLOCK_ABSTRACT_SOCKETS)
        attr.scoped |= SCOPE_ABSTRACT_SOCKET;
    if (abi >= 6 && taken & ASY_LANDLOCK_SIGNALS)
        attr.scoped |= SCOPE_SIGNAL;
    size_t size = abi >= 6   ? sizeof(attr)
                  : abi >= 4 ? offsetof(ruleset_attr, scoped)
                             : offsetof(ruleset_attr, handled_net);
    if (attr.handled_fs || attr.handled_net || attr.scoped)
        landlock.ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);
    return landlock;
}

void asy_landlock_allow(asy_landlock *landlock, int fd, uint64_t rights)
{
    struct stat st;
    if (landlock->ruleset < 0)
        return;
    if (fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode))
        rights &= ON_FILES;
    path_beneath_attr rule = {.allowed = rights & landlock->handled, .parent_fd = fd};
    if (syscall(SYS_landlock_add_rule, landlock->ruleset, RULE_PATH_BENEATH, &rule, 0) != 0)
        landlock->failed = true;
}

int asy_landlock_enforce(asy_landlock *landlock, bool *held, asy_error *error)
{
    ASY_AUTO_CLOSE int ruleset = landlock->ruleset;
    landlock->ruleset = -1;
    *held = false;
    if (ruleset < 0)
        return ASY_OK;
    if (landlock->failed || syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
        return asy_error_errno(error, ASY_E_INFRA, "cannot confine the process with Landlock");
    *held = true;
    return ASY_OK;
}
