/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker of this module may still do. */
#include "source/internal.h"

#include "io/io.h"
#include "worker/landlock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    READ_DIR = ASY_LANDLOCK_READ_FILE | ASY_LANDLOCK_READ_DIR,
    WRITE_DIR = READ_DIR | ASY_LANDLOCK_WRITE_FILE | ASY_LANDLOCK_REMOVE_DIR |
                ASY_LANDLOCK_REMOVE_FILE | ASY_LANDLOCK_MAKE_DIR | ASY_LANDLOCK_MAKE_REG |
                ASY_LANDLOCK_MAKE_SYM | ASY_LANDLOCK_REFER | ASY_LANDLOCK_TRUNCATE,
    RENAMING_ABI = 2 /* libgit2 renames between folders, which the first ABI always refuses */
};

/* What name look-ups and TLS read. A few hundred public files; no passwords, no keys. */
static const char *const network_reads[] = {"/etc/resolv.conf",
                                            "/etc/hosts",
                                            "/etc/host.conf",
                                            "/etc/nsswitch.conf",
                                            "/etc/gai.conf",
                                            "/etc/services",
                                            "/etc/protocols",
                                            "/etc/localtime",
                                            "/etc/ld.so.cache",
                                            "/etc/ssl/certs",
                                            "/etc/ssl/openssl.cnf",
                                            "/etc/pki/tls/certs",
                                            "/etc/ca-certificates",
                                            "/etc/ssh/ssh_known_hosts",
                                            "/usr/lib",
                                            "/usr/lib64",
                                            "/usr/share/ca-certificates",
                                            "/usr/local/share/ca-certificates",
                                            "/run/systemd/resolve",
                                            "/dev/urandom",
                                            "/dev/random"};

/* A path that does not exist needs no right. */
static void allow(asy_landlock *rules, const char *path, uint64_t rights)
{
    ASY_AUTO_CLOSE int fd = path ? open(path, O_PATH | O_CLOEXEC) : -1;
    if (fd >= 0)
        asy_landlock_allow(rules, fd, rights);
}

static void allow_network(asy_landlock *rules, const asy_job *job)
{
    for (size_t i = 0; i < ASY_COUNT(network_reads); i++)
        allow(rules, network_reads[i], READ_DIR);
    allow(rules, getenv("GIT_SSL_CAINFO"), READ_DIR);
    allow(rules, getenv("SSL_CERT_FILE"), READ_DIR);
    ASY_AUTO_FREE char *home = asy_home();
    ASY_AUTO_FREE char *ssh = home ? asy_path_join(home, ".ssh") : NULL;
    allow(rules, ssh, READ_DIR);
    allow(rules, job->cache, WRITE_DIR);
}

/* A .dsc needs the files beside it, which may be symlinks to where tarballs are kept. */
static void allow_file(asy_landlock *rules, const char *path)
{
    if (!path || !asy_span_ends(asy_span_str(path), ".dsc")) {
        allow(rules, path, READ_DIR);
        return;
    }
    ASY_AUTO_FREE char *copy = asy_strdup(path);
    const char *folder = dirname(copy);
    allow(rules, folder, READ_DIR);
    DIR *dir = opendir(folder);
    struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        ASY_AUTO_FREE char *link = asy_path_join(folder, entry->d_name);
        if (entry->d_type == DT_LNK)
            allow(rules, link, ASY_LANDLOCK_READ_FILE);
    }
    if (dir)
        closedir(dir);
}

/* The folders that hold a repository's objects: a worktree's common folder, and the repositories
 * that it borrows objects from (gitrepository-layout(5)). */
static void allow_repository(asy_landlock *rules, const char *path, unsigned depth)
{
    static const char *const links[] = {".git", "commondir", "objects/info/alternates",
                                        ".git/objects/info/alternates"};
    allow(rules, path, READ_DIR);
    for (size_t i = 0; i < ASY_COUNT(links) && depth < 5; i++) {
        ASY_BUF_AUTO text = ASY_BUF_INIT;
        ASY_AUTO_FREE char *link = asy_path_join(path, links[i]);
        if (asy_read_file(AT_FDCWD, link, ASY_SOURCE_TEXT_MAX, &text, NULL) < 0)
            continue;
        char *rest = text.ptr;
        for (char *line = rest ? strsep(&rest, "\n") : NULL; line; line = strsep(&rest, "\n")) {
            if (i == 0 && strncmp(line, "gitdir: ", 8) == 0)
                line += 8;
            if (!*line || *line == '#')
                continue;
            const char *base = i < 2 ? "" : i == 2 ? "objects" : ".git/objects";
            ASY_AUTO_FREE char *from = asy_path_join(path, base);
            ASY_AUTO_FREE char *next = *line == '/' ? asy_strdup(line) : asy_path_join(from, line);
            allow_repository(rules, next, depth + 1);
        }
    }
}

static bool uses_network(const asy_job *job)
{
    return job->spec->kind == ASY_SPEC_URL || job->spec->kind == ASY_SPEC_LOCAL;
}

static int landlock(const asy_job *job, asy_error *error)
{
    bool held;
    if (asy_landlock_abi() < RENAMING_ABI)
        return ASY_OK;
    asy_landlock rules =
        asy_landlock_begin(ASY_LANDLOCK_FILES | (uses_network(job) ? 0 : ASY_LANDLOCK_TCP));
    allow(&rules, job->dest, WRITE_DIR);
    allow(&rules, "/dev/null", WRITE_DIR);
    allow_file(&rules, job->mtimes_from);
    if (uses_network(job))
        allow_network(&rules, job);
    else if (job->spec->kind == ASY_SPEC_DSC)
        allow_file(&rules, job->spec->location);
    else
        allow(&rules, job->spec->location, READ_DIR);
    for (size_t i = 0; i < job->repositories->count; i++)
        allow_repository(&rules, job->repositories->items[i], 0);
    return asy_landlock_enforce(&rules, &held, error);
}

static int no_programs(asy_error *error)
{
    static const int refused[] = {SCMP_SYS(execve),
                                  SCMP_SYS(execveat),
                                  SCMP_SYS(ptrace),
                                  SCMP_SYS(mount),
                                  SCMP_SYS(unshare),
                                  SCMP_SYS(setns),
                                  SCMP_SYS(process_vm_readv),
                                  SCMP_SYS(process_vm_writev),
                                  SCMP_SYS(bpf),
                                  SCMP_SYS(io_uring_setup)};
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    int rc = filter ? 0 : -ENOMEM;
    for (size_t i = 0; i < ASY_COUNT(refused) && rc == 0; i++)
        rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), refused[i], 0);
    if (rc == 0)
        rc = seccomp_load(filter);
    seccomp_release(filter);
    /* A kernel or a container without seccomp filters: the other walls stand. */
    if (rc == 0 || rc == -EINVAL || rc == -ENOSYS || rc == -ECANCELED)
        return ASY_OK;
    errno = -rc;
    return asy_error_errno(error, ASY_E_INFRA, "cannot confine the worker with seccomp");
}

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

static void set_limit(int resource, rlim_t value)
{
    struct rlimit limit;
    if (getrlimit(resource, &limit) != 0)
        return;
    if (limit.rlim_max == RLIM_INFINITY || limit.rlim_max > value)
        limit.rlim_max = value;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(resource, &limit);
}

int asy_job_confine(const asy_job *job, asy_error *error)
{
    set_limit(RLIMIT_CORE, 0);
    set_limit(RLIMIT_FSIZE, ASY_SOURCE_TOTAL_MAX);
#ifndef SANITIZED /* the sanitizer's shadow memory alone is larger */
    set_limit(RLIMIT_DATA, 2 * ASY_SOURCE_FILE_MAX);
#endif
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return asy_error_errno(error, ASY_E_INFRA, "cannot give up new privileges");
    int rc = landlock(job, error);
    return rc < 0 ? rc : no_programs(error);
}
