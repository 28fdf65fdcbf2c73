/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Supervision: what no control group holds is sampled by init, whose /proc shows the processes of
 * the sandbox and no others. It is coarser than a control group: memory that is neither mapped nor in
 * a file (memfd) escapes it, and what grows between two samples is seen late. docs/THREAT-MODEL.md.
 */
#include "sandbox/inner.h"

#include "io/io.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
    STATUS_LIMIT = 1 << 14,
    FULL_PART = 256, /* a tmpfs with less than 1/256 of its room free counts as full */
    WALK_REST = 20,  /* a walk of an upper folder may take this part of the time */
    WALK_DEPTH_MAX = 256
};

static uint64_t field_kib(const char *text, const char *name)
{
    const char *at = strstr(text, name);
    return at ? strtoull(at + strlen(name), NULL, 10) * 1024 : 0;
}

typedef struct usage {
    uint64_t anonymous, shared, tasks;
} usage;

/* proc_pid_status(5) */
static void add_process(int proc, const char *pid, usage *sum)
{
    ASY_BUF_AUTO text = ASY_BUF_INIT;
    ASY_AUTO_FREE char *path = asy_path_join(pid, "status");
    if (asy_read_file(proc, path, STATUS_LIMIT, &text, NULL) < 0 || !text.ptr)
        return;
    const char *threads = strstr(text.ptr, "\nThreads:");
    uint64_t shared = field_kib(text.ptr, "\nRssShmem:");
    sum->tasks += threads ? strtoull(threads + strlen("\nThreads:"), NULL, 10) : 1;
    sum->anonymous += field_kib(text.ptr, "\nRssAnon:");
    /* One mapping of many processes counts once, so the largest stands for all. */
    if (shared > sum->shared)
        sum->shared = shared;
}

static usage processes(void)
{
    usage sum = {0};
    DIR *dir = opendir("/proc");
    struct dirent *entry;
    while (dir && (entry = readdir(dir)))
        if (isdigit((unsigned char)entry->d_name[0]) && strcmp(entry->d_name, "1") != 0)
            add_process(dirfd(dir), entry->d_name, &sum);
    if (dir)
        closedir(dir);
    return sum;
}

/* Bytes of a tree, links not followed. */
static uint64_t tree_bytes(int folder, unsigned depth)
{
    uint64_t sum = 0;
    struct dirent *entry;
    DIR *dir = fdopendir(folder);
    if (!dir) {
        close(folder);
        return 0;
    }
    while ((entry = readdir(dir))) {
        struct stat st;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        sum += (uint64_t)st.st_blocks * 512;
        if (!S_ISDIR(st.st_mode) || depth == WALK_DEPTH_MAX)
            continue;
        int below =
            openat(dirfd(dir), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (below >= 0)
            sum += tree_bytes(below, depth + 1);
    }
    closedir(dir);
    return sum;
}

static bool upper_passed(asy_watch *watch)
{
    uint64_t limit = watch->launch->spec->limits.disk;
    double begin = asy_now();
    if (watch->upper < 0 || !limit || begin < watch->next_walk)
        return false;
    int folder = openat(watch->upper, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    uint64_t bytes = folder >= 0 ? tree_bytes(folder, 0) : 0;
    double end = asy_now();
    watch->next_walk = end + 0.5 + (end - begin) * WALK_REST;
    return bytes > limit;
}

static uint64_t sample_space(asy_watch *watch)
{
    struct statvfs st;
    if (fstatvfs(watch->space, &st) != 0)
        return 0;
    if (watch->launch->spec->limits.disk &&
        (st.f_bfree < st.f_blocks / FULL_PART + 1 || st.f_ffree == 0))
        watch->full = true;
    return (uint64_t)(st.f_blocks - st.f_bfree) * st.f_frsize;
}

bool asy_watch_sample(asy_watch *watch)
{
    const asy_sandbox_limits *limits = &watch->launch->spec->limits;
    uint64_t written = sample_space(watch);
    if (upper_passed(watch))
        watch->limit = ASY_LIMIT_DISK;
    if (watch->launch->sample) {
        usage now = processes();
        uint64_t memory = now.anonymous + now.shared + written;
        if (memory > watch->peak)
            watch->peak = memory;
        if (limits->processes && now.tasks >= limits->processes)
            watch->crowded = true;
        if (limits->memory && memory > limits->memory)
            watch->limit = ASY_LIMIT_MEMORY;
    }
    return watch->limit != ASY_LIMIT_NONE;
}
