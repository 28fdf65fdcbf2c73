/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control groups that hold memory and processes of a run: version 2 where some group above us has
 * both controllers on and lets us make a child, else version 1, controller by controller; what is
 * left over is supervised. Kernel: admin-guide/cgroup-v2.rst, admin-guide/cgroup-v1/memory.rst.
 */
#include "sandbox/inner.h"

#include "io/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { PROC_FILE_LIMIT = 1 << 22, NAME_TRIES = 1000 };

#define GROUP_PREFIX "assay-"

static bool read_text(const char *dir, const char *name, asy_buf *out)
{
    ASY_AUTO_FREE char *path = asy_path_join(dir, name);
    asy_buf_clear(out);
    return asy_read_file(AT_FDCWD, path, PROC_FILE_LIMIT, out, NULL) == ASY_OK && out->ptr;
}

static bool write_text(const char *dir, const char *name, const char *text)
{
    ASY_AUTO_FREE char *path = asy_path_join(dir, name);
    ASY_AUTO_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC);
    return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

static bool write_number(const char *dir, const char *name, uint64_t value)
{
    char text[32];
    snprintf(text, sizeof(text), "%llu\n", (unsigned long long)value);
    return write_text(dir, name, text);
}

/* A word of a list that is separated by `separators`. */
static bool has_word(const char *list, const char *word, const char *separators)
{
    size_t len = strlen(word);
    for (const char *at = list; *at;) {
        size_t run = strcspn(at, separators);
        if (run == len && strncmp(at, word, len) == 0)
            return true;
        at += run;
        at += strspn(at, separators);
    }
    return false;
}

/* The value of a "name number" line. */
static uint64_t keyed_number(const char *text, const char *name)
{
    size_t len = strlen(name);
    for (const char *at = text; at && *at; at = strchr(at, '\n'), at = at ? at + 1 : at)
        if (strncmp(at, name, len) == 0 && at[len] == ' ')
            return strtoull(at + len + 1, NULL, 10);
    return 0;
}

/* Where the hierarchy with a controller (NULL: version 2) is mounted, and the part of it that is. */
static bool find_mount(const char *controller, char **point, char **root)
{
    ASY_BUF_AUTO text = ASY_BUF_INIT;
    if (!read_text("/proc/self", "mountinfo", &text))
        return false;
    char *save = NULL;
    for (char *line = strtok_r(text.ptr, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        char from[1024], at[1024], type[32], options[1024];
        const char *rest = strstr(line, " - ");
        if (!rest || sscanf(line, "%*s %*s %*s %1023s %1023s", from, at) != 2 ||
            sscanf(rest, " - %31s %*s %1023s", type, options) != 2)
            continue;
        if (controller ? strcmp(type, "cgroup") != 0 || !has_word(options, controller, ",")
                       : strcmp(type, "cgroup2") != 0)
            continue;
        *point = asy_strdup(at);
        *root = asy_strdup(strcmp(from, "/") == 0 ? "" : from);
        return true;
    }
    return false;
}

/* This process' own group, as in "4:memory:/path" or "0::/path". */
static char *own_group(const char *controller)
{
    ASY_BUF_AUTO text = ASY_BUF_INIT;
    if (!read_text("/proc/self", "cgroup", &text))
        return NULL;
    char *save = NULL;
    for (char *line = strtok_r(text.ptr, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        char *list = strchr(line, ':'), *path = list ? strchr(list + 1, ':') : NULL;
        if (!path)
            continue;
        *path = 0;
        if (controller ? has_word(list + 1, controller, ",") : list[1] == 0)
            return asy_strdup(path + 1);
    }
    return NULL;
}

/* The folder of this process' own group, and in *top where the hierarchy begins. */
static char *own_folder(const char *controller, size_t *top)
{
    ASY_AUTO_FREE char *point = NULL;
    ASY_AUTO_FREE char *root = NULL;
    ASY_AUTO_FREE char *group = own_group(controller);
    if (!group || !find_mount(controller, &point, &root))
        return NULL;
    size_t skip = strlen(root);
    const char *below = strncmp(group, root, skip) == 0 ? group + skip : "";
    *top = strlen(point);
    return asy_asprintf("%s%s", point, strcmp(below, "/") == 0 ? "" : below);
}

/* Removes groups of runs that are over. The lock fails while anybody of the run lives. */
static void sweep(const char *folder)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        if (strncmp(entry->d_name, GROUP_PREFIX, strlen(GROUP_PREFIX)) != 0)
            continue;
        ASY_AUTO_CLOSE int fd =
            openat(dirfd(dir), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
            unlinkat(dirfd(dir), entry->d_name, AT_REMOVEDIR);
    }
    if (dir)
        closedir(dir);
}

static void drop_last(asy_cgroup *cgroup)
{
    size_t last = --cgroup->count;
    if (cgroup->group[last].procs >= 0)
        close(cgroup->group[last].procs);
    rmdir(cgroup->group[last].path);
    if (cgroup->group[last].fd >= 0)
        close(cgroup->group[last].fd);
    free(cgroup->group[last].path);
}

/* Makes a group below a folder; false when that is not allowed. */
static bool add_group(asy_cgroup *cgroup, const char *folder)
{
    sweep(folder);
    for (int n = 0; n < NAME_TRIES; n++) {
        ASY_AUTO_FREE char *path = asy_asprintf("%s/" GROUP_PREFIX "%d-%d", folder, getpid(), n);
        if (mkdir(path, 0755) != 0) {
            if (errno == EEXIST)
                continue;
            return false;
        }
        size_t at = cgroup->count++;
        cgroup->group[at].path = asy_strdup(path);
        cgroup->group[at].procs = -1;
        cgroup->group[at].fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (cgroup->group[at].fd >= 0 && flock(cgroup->group[at].fd, LOCK_EX | LOCK_NB) == 0) {
            ASY_AUTO_FREE char *procs = asy_path_join(path, "cgroup.procs");
            cgroup->group[at].procs = open(procs, O_WRONLY | O_CLOEXEC);
            if (cgroup->group[at].procs >= 0)
                return true;
        }
        /* Another run swept it before we had locked it, or it is not ours to use. */
        drop_last(cgroup);
    }
    return false;
}

static bool controllers_on(const char *folder, const char *file)
{
    ASY_BUF_AUTO list = ASY_BUF_INIT;
    return read_text(folder, file, &list) && has_word(list.ptr, "memory", " \n") &&
           has_word(list.ptr, "pids", " \n");
}

/* From our own group up to the top: a group may only have children with controllers when it has no
 * processes of its own, so our own one seldom does. */
static bool open_second(const asy_sandbox_limits *limits, asy_cgroup *out)
{
    size_t top = 0;
    ASY_AUTO_FREE char *folder = own_folder(NULL, &top);
    if (!folder || !controllers_on(folder, "cgroup.controllers"))
        return false;
    for (;;) {
        bool on = controllers_on(folder, "cgroup.subtree_control") ||
                  write_text(folder, "cgroup.subtree_control", "+memory +pids");
        if (on && add_group(out, folder))
            break;
        char *slash = strrchr(folder, '/');
        if (!slash || (size_t)(slash - folder) < top)
            return false;
        *slash = 0;
    }
    const char *path = out->group[0].path;
    bool memory = !limits->memory || write_number(path, "memory.max", limits->memory);
    bool pids = !limits->processes || write_number(path, "pids.max", limits->processes + 1);
    if (!memory || !pids) {
        drop_last(out);
        return false;
    }
    write_text(path, "memory.swap.max", "0");
    out->group[0].memory = out->group[0].pids = out->group[0].second = true;
    out->memory_holder = limits->memory ? "cgroup2" : NULL;
    out->processes_holder = limits->processes ? "cgroup2" : NULL;
    return true;
}

static bool open_first(const char *controller, asy_cgroup *out)
{
    size_t top;
    ASY_AUTO_FREE char *folder = own_folder(controller, &top);
    return folder && add_group(out, folder);
}

void asy_cgroup_open(const asy_sandbox_limits *limits, asy_cgroup *out)
{
    *out = (asy_cgroup){0};
    if (open_second(limits, out))
        return;
    if (limits->memory && open_first("memory", out)) {
        const char *path = out->group[out->count - 1].path;
        if (write_number(path, "memory.limit_in_bytes", limits->memory)) {
            /* Where swap is accounted for; absent otherwise. */
            write_number(path, "memory.memsw.limit_in_bytes", limits->memory);
            out->group[out->count - 1].memory = true;
            out->memory_holder = "cgroup1";
        } else {
            drop_last(out);
        }
    }
    if (limits->processes && open_first("pids", out)) {
        if (write_number(out->group[out->count - 1].path, "pids.max", limits->processes + 1)) {
            out->group[out->count - 1].pids = true;
            out->processes_holder = "cgroup1";
        } else {
            drop_last(out);
        }
    }
}

int asy_cgroup_join(const asy_cgroup *cgroup, pid_t pid, asy_error *error)
{
    char text[16];
    int length = snprintf(text, sizeof(text), "%d\n", (int)pid);
    for (size_t i = 0; i < cgroup->count; i++)
        if (write(cgroup->group[i].procs, text, (size_t)length) != length) {
            asy_error_errno(error, ASY_E_INFRA, "cannot put the sandbox into its control group");
            return asy_error_path(error, cgroup->group[i].path);
        }
    return ASY_OK;
}

uint64_t asy_cgroup_peak(const asy_cgroup *cgroup)
{
    for (size_t i = 0; i < cgroup->count; i++) {
        ASY_BUF_AUTO text = ASY_BUF_INIT;
        const char *file = cgroup->group[i].second ? "memory.peak" : "memory.max_usage_in_bytes";
        if (cgroup->group[i].memory && read_text(cgroup->group[i].path, file, &text))
            return strtoull(text.ptr, NULL, 10);
    }
    return 0;
}

bool asy_cgroup_killed_for_memory(const asy_cgroup *cgroup)
{
    for (size_t i = 0; i < cgroup->count; i++) {
        ASY_BUF_AUTO text = ASY_BUF_INIT;
        const char *file = cgroup->group[i].second ? "memory.events" : "memory.oom_control";
        if (cgroup->group[i].memory && read_text(cgroup->group[i].path, file, &text) &&
            keyed_number(text.ptr, "oom_kill") > 0)
            return true;
    }
    return false;
}

bool asy_cgroup_refused_processes(const asy_cgroup *cgroup)
{
    for (size_t i = 0; i < cgroup->count; i++) {
        ASY_BUF_AUTO text = ASY_BUF_INIT;
        if (cgroup->group[i].pids && read_text(cgroup->group[i].path, "pids.events", &text) &&
            keyed_number(text.ptr, "max") > 0)
            return true;
    }
    return false;
}

void asy_cgroup_close(asy_cgroup *cgroup)
{
    while (cgroup->count)
        drop_last(cgroup);
}
