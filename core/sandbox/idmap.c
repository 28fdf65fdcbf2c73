/* SPDX-License-Identifier: Apache-2.0 */
/* Which outside ids stand behind the ids of a sandbox. subuid(5), user_namespaces(7). */
#include "sandbox/inner.h"

#include "io/io.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    SUBID_FILE_LIMIT = 1 << 20,
    /* Above what systemd gives to containers (524288..1879048191) and below 2^31, where programs
     * begin to mistake ids for negative numbers. */
    HIGH_FIRST = 0x7a590000,
    HIGH_LAST = 0x7f000000
};

typedef struct id_range {
    uint64_t first, count;
} id_range;

typedef struct subid_file {
    const char *path;    /* /etc/subuid or /etc/subgid */
    const char *own_map; /* of this process: which ids it has itself */
    const char *helper;  /* that writes the map */
    asy_buf text;
} subid_file;

static void read_subids(subid_file *file)
{
    asy_read_file(AT_FDCWD, file->path, SUBID_FILE_LIMIT, &file->text, NULL);
    asy_buf_putc(&file->text, '\n');
}

/* A decimal number and what follows it; false when there is none, or it is no 32-bit id. */
static bool next_number(const char **at, const char *before, uint64_t *number)
{
    char *end;
    const char *digits = *at + strspn(*at, before);
    *number = strtoull(digits, &end, 10);
    *at = end;
    return end > digits && *digits >= '0' && *digits <= '9' && *number <= UINT32_MAX;
}

/* One line "owner:first:count"; false at the end. Lines of another form have a count of 0. */
static bool next_subid(const char **at, char owner[static 64], id_range *range)
{
    const char *line = *at, *end = strchrnul(line, '\n'), *colon = strchrnul(line, ':');
    uint64_t first, count;
    if (!*line)
        return false;
    *at = *end ? end + 1 : end;
    *range = (id_range){0, 0};
    if (colon < end && colon - line < 64 && next_number(&colon, ":", &first) &&
        next_number(&colon, ":", &count)) {
        snprintf(owner, 64, "%.*s", (int)(strchrnul(line, ':') - line), line);
        *range = (id_range){first, count};
    }
    return true;
}

static bool owned_by(const char *owner, uid_t uid, const char *name)
{
    char number[16];
    snprintf(number, sizeof(number), "%u", (unsigned)uid);
    return strcmp(owner, number) == 0 || (name && strcmp(owner, name) == 0);
}

/* Somebody else was given a part of it. */
static bool taken(const subid_file *file, uid_t uid, const char *name, id_range range)
{
    char owner[64];
    id_range other;
    for (const char *at = file->text.ptr; next_subid(&at, owner, &other);)
        if (other.count && !owned_by(owner, uid, name) && other.first < range.first + range.count &&
            range.first < other.first + other.count)
            return true;
    return false;
}

static bool own_range(const subid_file *file, uid_t uid, const char *name, uint64_t want,
                      id_range *range)
{
    char owner[64];
    for (const char *at = file->text.ptr; next_subid(&at, owner, range);)
        if (range->count >= want && range->first > 0 && owned_by(owner, uid, name)) {
            range->count = want;
            if (!taken(file, uid, name, *range))
                return true;
        }
    return false;
}

/* Whether this process has the ids itself: in a container it may have few. */
static bool have_ids(const subid_file *file, id_range range)
{
    ASY_BUF_AUTO text = ASY_BUF_INIT;
    if (asy_read_file(AT_FDCWD, file->own_map, SUBID_FILE_LIMIT, &text, NULL) < 0 || !text.ptr)
        return true;
    for (const char *at = text.ptr; at && *at; at = strchr(at, '\n'), at = at ? at + 1 : at) {
        uint64_t inside, outside, count;
        const char *numbers = at;
        if (next_number(&numbers, " ", &inside) && next_number(&numbers, " ", &outside) &&
            next_number(&numbers, " ", &count) && inside <= range.first &&
            range.first + range.count <= inside + count)
            return true;
    }
    return false;
}

/* In a container with only 65536 ids nothing unused is left; then root inside is root of the
 * container, which is still nobody outside of that. */
static int choose_for_root(const subid_file *file, uint64_t *first, asy_error *error)
{
    id_range range;
    if (own_range(file, 0, "root", ASY_IDMAP_COUNT, &range) && have_ids(file, range)) {
        *first = range.first;
        return ASY_OK;
    }
    for (range.first = HIGH_FIRST; range.first < HIGH_LAST; range.first += ASY_IDMAP_COUNT) {
        range.count = ASY_IDMAP_COUNT;
        if (taken(file, 0, "root", range) || getpwuid((uid_t)range.first))
            continue;
        if (!have_ids(file, range))
            break;
        *first = range.first;
        return ASY_OK;
    }
    range = (id_range){0, ASY_IDMAP_COUNT};
    if (have_ids(file, range)) {
        *first = 0;
        return ASY_OK;
    }
    asy_error_set(error, ASY_E_INFRA, "root of this container has fewer than %d ids",
                  ASY_IDMAP_COUNT);
    asy_error_path(error, file->own_map);
    return asy_error_hint(error, "start the container with a full range of user and group ids");
}

static int choose_for_user(const subid_file *file, uid_t uid, const char *name, uint64_t *first,
                           asy_error *error)
{
    id_range range;
    if (!own_range(file, uid, name, ASY_IDMAP_COUNT - 1, &range)) {
        asy_error_set(error, ASY_E_INFRA, "no range of %d ids for user %s", ASY_IDMAP_COUNT,
                      name ? name : "(without a name)");
        asy_error_path(error, file->path);
        return asy_error_hint(error,
                              "as root: usermod --add-subuids 100000-165535 "
                              "--add-subgids 100000-165535 %s",
                              name ? name : "USER");
    }
    if (access(file->helper, X_OK) != 0) {
        asy_error_set(error, ASY_E_INFRA, "%s is missing", file->helper);
        return asy_error_hint(error, "install the package uidmap");
    }
    *first = range.first;
    return ASY_OK;
}

static int choose(asy_idmap *map, subid_file *users, subid_file *groups, asy_error *error)
{
    uint64_t user = 0, group = 0;
    uid_t uid = geteuid();
    int rc;
    read_subids(users);
    read_subids(groups);
    if (uid == 0) {
        if ((rc = choose_for_root(users, &user, error)) < 0 ||
            (rc = choose_for_root(groups, &group, error)) < 0)
            return rc;
        *map = (asy_idmap){(uid_t)user, (gid_t)group, (uid_t)user + 1, (gid_t)group + 1, false};
        return ASY_OK;
    }
    const struct passwd *person = getpwuid(uid);
    ASY_AUTO_FREE char *name = asy_strdup(person ? person->pw_name : NULL);
    if ((rc = choose_for_user(users, uid, name, &user, error)) < 0 ||
        (rc = choose_for_user(groups, uid, name, &group, error)) < 0)
        return rc;
    *map = (asy_idmap){uid, getegid(), (uid_t)user, (gid_t)group, true};
    return ASY_OK;
}

int asy_idmap_choose(asy_idmap *map, asy_error *error)
{
    int rc = asy_userns_probe(error);
    if (rc < 0)
        return rc;
    subid_file users = {"/etc/subuid", "/proc/self/uid_map", "/usr/bin/newuidmap", ASY_BUF_INIT};
    subid_file groups = {"/etc/subgid", "/proc/self/gid_map", "/usr/bin/newgidmap", ASY_BUF_INIT};
    rc = choose(map, &users, &groups, error);
    asy_buf_free(&users.text);
    asy_buf_free(&groups.text);
    return rc;
}

/* In a process of its own: waits for its maps, then removes the tree as root of the namespace. */
static void remove_inside(int socket, const char *path)
{
    ASY_ERROR_AUTO error = ASY_ERROR_INIT;
    char byte;
    asy_die_with_parent(socket);
    if (unshare(CLONE_NEWUSER) != 0)
        asy_error_errno(&error, ASY_E_INFRA, "cannot make a user namespace");
    else if (asy_note_send(socket, &(asy_note){.kind = ASY_NOTE_INIT}, -1) == 0 &&
             read(socket, &byte, 1) == 1 && asy_userns_become_root(&error) == ASY_OK)
        asy_remove_tree(AT_FDCWD, path, &error);
    if (error.code < 0)
        asy_note_send_error(socket, &error);
    else
        asy_note_send(socket, &(asy_note){.kind = ASY_NOTE_DONE}, -1);
    _exit(0);
}

static int drive_removal(const asy_idmap *map, int socket, pid_t pid, asy_error *error)
{
    asy_note note;
    int fd;
    ssize_t got = asy_note_recv(socket, &note, &fd);
    if (got > 0 && note.kind == ASY_NOTE_INIT) {
        int rc = asy_userns_write_maps(map, pid, error);
        if (rc < 0)
            return rc;
        got = write(socket, "m", 1) == 1 ? asy_note_recv(socket, &note, &fd) : 0;
    }
    if (got > 0 && note.kind == ASY_NOTE_ERROR)
        return asy_note_take_error(&note, error);
    if (got > 0 && note.kind == ASY_NOTE_DONE)
        return ASY_OK;
    return asy_error_set(error, ASY_E_INFRA, "the process that removes a tree died");
}

int asy_idmap_remove_tree(const asy_idmap *map, const char *path, asy_error *error)
{
    if (!map->by_helper)
        return asy_remove_tree(AT_FDCWD, path, error);
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return asy_error_errno(error, ASY_E_INFRA, "cannot make a socket");
    pid_t pid = fork();
    if (pid == 0) {
        close(pair[0]);
        remove_inside(pair[1], path);
    }
    close(pair[1]);
    int rc = pid < 0 ? asy_error_errno(error, ASY_E_INFRA, "cannot start a process")
                     : drive_removal(map, pair[0], pid, error);
    close(pair[0]);
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    return rc;
}
