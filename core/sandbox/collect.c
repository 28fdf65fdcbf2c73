/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Outputs out of the sandbox. init finds and opens them, once every process of the command is gone;
 * the parent, whose folder it is, copies. Names, sizes and links come from the build and are hostile:
 * no link is followed, no more than the disk limit is copied however large a sparse file claims to
 * be, and only a base name reaches the parent.
 */
#include "sandbox/inner.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { OUTPUTS_MAX = 10000, BLOCK = 1 << 20 };

typedef struct find_state {
    int socket;
    const char *const *globs;
    unsigned depth; /* how many folders deep the deepest glob goes */
    char path[PATH_MAX];
} find_state;

static int open_beneath(int folder, const char *name, int flags)
{
    struct open_how how = {.flags = (uint64_t)flags | O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
    return (int)syscall(SYS_openat2, folder, name, &how, sizeof(how));
}

static bool wanted(const find_state *finder)
{
    for (size_t i = 0; finder->globs[i]; i++)
        if (fnmatch(finder->globs[i], finder->path, FNM_PATHNAME) == 0)
            return true;
    return false;
}

static int send_output(const find_state *finder, int folder, const char *name, asy_error *error)
{
    struct stat st;
    ASY_AUTO_CLOSE int fd = open_beneath(folder, name, O_NOFOLLOW);
    if (fd < 0 || fstat(fd, &st) != 0) {
        asy_error_errno(error, ASY_E_INFRA, "cannot open an output of the build");
        return asy_error_path(error, finder->path);
    }
    asy_note note = {.kind = ASY_NOTE_OUTPUT};
    snprintf(note.text, sizeof(note.text), "%s", name);
    if (asy_note_send(finder->socket, &note, fd) != 0)
        return asy_error_errno(error, ASY_E_INFRA, "cannot hand an output over");
    return ASY_OK;
}

static int find_outputs(find_state *finder, int folder, unsigned level, asy_error *error);

static int find_entry(find_state *finder, int folder, const char *name, unsigned level,
                      asy_error *error)
{
    struct stat st;
    if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return ASY_OK;
    if (S_ISREG(st.st_mode) && wanted(finder))
        return send_output(finder, folder, name, error);
    if (!S_ISDIR(st.st_mode) || level >= finder->depth)
        return ASY_OK;
    ASY_AUTO_CLOSE int below = open_beneath(folder, name, O_DIRECTORY | O_NOFOLLOW);
    return below < 0 ? ASY_OK : find_outputs(finder, below, level + 1, error);
}

static int find_outputs(find_state *finder, int folder, unsigned level, asy_error *error)
{
    size_t length = strlen(finder->path);
    struct dirent *entry;
    int rc = ASY_OK, fd = dup(folder);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir)
        return asy_error_errno(error, ASY_E_INFRA, "cannot list the outputs of the build");
    while (rc == ASY_OK && (entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        int more = snprintf(finder->path + length, sizeof(finder->path) - length, "%s%s",
                            length ? "/" : "", entry->d_name);
        if (length + (size_t)more < sizeof(finder->path))
            rc = find_entry(finder, folder, entry->d_name, level, error);
        finder->path[length] = 0;
    }
    closedir(dir);
    return rc;
}

static unsigned deepest(const char *const *globs)
{
    unsigned most = 0;
    for (size_t i = 0; globs[i]; i++) {
        unsigned depth = 0;
        for (const char *at = globs[i]; *at; at++)
            depth += *at == '/';
        most = depth > most ? depth : most;
    }
    return most;
}

int asy_collect_send(int socket, const asy_sandbox_spec *spec, asy_error *error)
{
    if (!spec->collect_globs || !spec->collect_root || !spec->collect_dir)
        return ASY_OK;
    find_state finder = {.socket = socket, .globs = spec->collect_globs};
    finder.depth = deepest(spec->collect_globs);
    ASY_AUTO_CLOSE int top = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    const char *below = spec->collect_root + strspn(spec->collect_root, "/");
    ASY_AUTO_CLOSE int root = open_beneath(top, below[0] ? below : ".", O_DIRECTORY);
    if (root < 0) {
        asy_error_errno(error, ASY_E_BUILD, "the build left no folder to collect outputs from");
        return asy_error_path(error, spec->collect_root);
    }
    return find_outputs(&finder, root, 0, error);
}

/* ---- the parent's side ------------------------------------------------------------------------- */

static bool have_name(const asy_collector *collector, const char *name)
{
    for (size_t i = 0; i < collector->count; i++)
        if (strcmp(collector->names[i], name) == 0)
            return true;
    return false;
}

static int too_large(asy_error *error)
{
    return asy_error_set(error, ASY_E_LIMIT, "the build's outputs are larger than its disk limit");
}

static int copy_content(asy_collector *collector, int from, int to, asy_error *error)
{
    uint64_t limit = collector->spec->limits.disk;
    ASY_AUTO_FREE char *block = asy_alloc(BLOCK);
    for (;;) {
        ssize_t got = read(from, block, BLOCK);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return asy_error_errno(error, ASY_E_INFRA, "cannot read an output of the build");
        if (got == 0)
            return ASY_OK;
        collector->bytes += (uint64_t)got;
        if (limit && collector->bytes > limit)
            return too_large(error);
        ssize_t put = 0;
        for (ssize_t done = 0; done < got && put >= 0; done += put > 0 ? put : 0) {
            put = write(to, block + done, (size_t)(got - done));
            if (put < 0 && errno == EINTR)
                put = 0;
        }
        if (put < 0)
            return asy_error_errno(error, ASY_E_INFRA, "cannot write an output");
    }
}

static int copy_output(asy_collector *collector, const char *name, int from, int to,
                       asy_error *error)
{
    struct stat st;
    if (fstat(from, &st) != 0 || !S_ISREG(st.st_mode))
        return asy_error_set(error, ASY_E_INFRA, "an output is not a regular file");
    const struct timespec times[2] = {st.st_mtim, st.st_mtim};
    uint64_t limit = collector->spec->limits.disk;
    bool giant = limit && (uint64_t)st.st_size > limit;
    int rc = giant ? too_large(error) : copy_content(collector, from, to, error);
    if (rc < 0)
        return asy_error_path(error, name);
    if (fchmod(to, st.st_mode & S_IXUSR ? 0755 : 0644) != 0 || futimens(to, times) != 0) {
        asy_error_errno(error, ASY_E_INFRA, "cannot set an output's mode and times");
        return asy_error_path(error, name);
    }
    return ASY_OK;
}

int asy_collect_take(asy_collector *collector, const char *name, int fd, asy_error *error)
{
    if (fd < 0 || !name[0] || strchr(name, '/') || strcmp(name, ".") == 0 ||
        strcmp(name, "..") == 0)
        return asy_error_set(error, ASY_E_INFRA, "the sandbox sent a broken output");
    if (collector->count == OUTPUTS_MAX)
        return asy_error_set(error, ASY_E_LIMIT, "more than %d outputs match", OUTPUTS_MAX);
    if (have_name(collector, name)) {
        asy_error_set(error, ASY_E_USAGE, "two outputs of the build have one name");
        asy_error_path(error, name);
        return asy_error_hint(error, "name the one that is meant by a longer path");
    }
    ASY_AUTO_CLOSE int folder =
        open(collector->spec->collect_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    ASY_AUTO_CLOSE int to =
        openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (folder < 0 || to < 0) {
        asy_error_errno(error, ASY_E_INFRA, "cannot make a file for an output");
        return asy_error_path(error, folder < 0 ? collector->spec->collect_dir : name);
    }
    ASY_GROW(collector->names, collector->count, collector->capacity);
    collector->names[collector->count++] = asy_strdup(name);
    return copy_output(collector, name, fd, to, error);
}

void asy_collector_free(asy_collector *collector)
{
    for (size_t i = 0; i < collector->count; i++)
        free(collector->names[i]);
    free(collector->names);
}
