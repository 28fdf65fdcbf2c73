/* SPDX-License-Identifier: Apache-2.0 */
/* source: what the worker may still do once it is confined. */
#include "io/io.h"
#include "source/internal.h"
#include "source_help.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(source_confine, .fini = help_end, .timeout = 60);

static long landlock_abi(void)
{
    return syscall(SYS_landlock_create_ruleset, NULL, 0, 1);
}

static int errno_of_open(const char *path, int flags)
{
    int fd = open(path, flags, 0600);
    return fd < 0 ? errno : close(fd);
}

static int errno_of_connect(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(1)};
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    return connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 ? 0 : errno;
}

/* Runs in a child, after asy_job_confine; the exit code tells which line failed. */
static int probe(const asy_job *job, bool network)
{
    char *const nothing[] = {NULL};
    if (asy_job_confine(job, NULL) < 0)
        return 10;
    if (errno_of_open("out/new", O_WRONLY | O_CREAT) != 0)
        return 11;
    if (errno_of_open("given/file", O_RDONLY) != 0)
        return 12;
    if (execve("/bin/true", nothing, nothing) != -1 || errno != EPERM)
        return 13;
    if (landlock_abi() < 2)
        return 0;
    if (errno_of_open("elsewhere/file", O_RDONLY) != EACCES)
        return 14;
    if (errno_of_open("given/new", O_WRONLY | O_CREAT) != EACCES)
        return 15;
    if (errno_of_open("/etc/shadow", O_RDONLY) != EACCES)
        return 16;
    if (errno_of_open("cache/new", O_WRONLY | O_CREAT) != (network ? 0 : EACCES))
        return 17;
    if (errno_of_open("/etc/hosts", O_RDONLY) != (network ? 0 : EACCES))
        return 18;
    bool refused = errno_of_connect() == EACCES;
    return landlock_abi() >= 4 && refused == network ? 19 : 0;
}

Test(source_confine, a_worker_reads_and_writes_only_what_its_job_names)
{
    static const asy_spec_kind kinds[] = {ASY_SPEC_DIR, ASY_SPEC_LOCAL};
    help_sh("mkdir out cache given elsewhere; touch given/file elsewhere/file");
    if (landlock_abi() < 2)
        cr_log_warn("SKIPPED in part: this kernel has no Landlock");
    for (size_t i = 0; i < ASY_COUNT(kinds); i++) {
        asy_strings repositories = {0};
        ASY_AUTO_FREE char *given = asy_strdup(help_path("given"));
        asy_spec spec = {.kind = kinds[i], .location = given};
        if (kinds[i] == ASY_SPEC_LOCAL)
            asy_strings_add(&repositories, given);
        asy_job job = {.spec = &spec,
                       .dest = help_path("out"),
                       .cache = kinds[i] == ASY_SPEC_LOCAL ? help_path("cache") : NULL,
                       .repositories = &repositories};
        pid_t pid = fork();
        if (pid == 0)
            _exit(probe(&job, kinds[i] == ASY_SPEC_LOCAL));
        int status = -1;
        waitpid(pid, &status, 0);
        cr_assert_eq(WEXITSTATUS(status), 0, "kind %d: step %d", (int)kinds[i],
                     WEXITSTATUS(status));
        asy_strings_free(&repositories);
        help_sh("rm -rf out/new cache/new");
    }
}
