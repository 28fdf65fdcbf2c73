/* SPDX-License-Identifier: Apache-2.0 */
/* The launcher: what has to be done for init from outside, with outside ids. */
#include "sandbox/inner.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A raw clone: glibc's would want a stack. The child goes on with a copy of this process' memory. */
static pid_t clone_process(unsigned long flags)
{
#if defined(__s390x__)
    return (pid_t)syscall(SYS_clone, 0, flags, NULL, NULL, 0);
#else
    return (pid_t)syscall(SYS_clone, flags, 0, NULL, NULL, 0);
#endif
}

static int clone_init(const asy_launch *launch, pid_t *pid, asy_error *error)
{
    unsigned long flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS |
                          CLONE_PARENT | SIGCHLD;
    if (!launch->spec->network)
        flags |= CLONE_NEWNET;
    *pid = clone_process(flags);
    if (*pid == 0)
        asy_init_main(launch);
    if (*pid < 0)
        return asy_error_errno(error, ASY_E_INFRA, "cannot make the namespaces of a sandbox");
    return ASY_OK;
}

static int send_plain(int socket, asy_item_kind kind, int fd, asy_error *error)
{
    return asy_feed_send(socket, &(asy_item){.kind = kind}, "", "", fd, error);
}

/* A folder with a system that belongs to the real ids (an unpacked image, a chroot) is shown with its
 * owners moved into the map, where the file system can do that (mount_setattr(2)); otherwise they
 * appear as nobody. */
static void shift_owners(const asy_idmap *map, pid_t init, int tree)
{
    char path[64];
    struct stat st;
    if (fstat(tree, &st) != 0 || st.st_uid >= ASY_IDMAP_COUNT || map->root_uid == 0)
        return;
    snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)init);
    ASY_AUTO_CLOSE int user = open(path, O_RDONLY | O_CLOEXEC);
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)user};
    if (user >= 0)
        mount_setattr(tree, "", AT_EMPTY_PATH, &attr, sizeof(attr));
}

static int send_trees(const asy_launch *launch, pid_t init, asy_error *error)
{
    size_t count = launch->map->by_helper ? 0 : asy_view_source_count(launch->spec);
    for (size_t i = 0; i < count; i++) {
        asy_source_tree source = asy_view_source(launch->spec, i);
        ASY_AUTO_CLOSE int fd = -1;
        int rc = asy_view_open_source(&source, &fd, error);
        if (rc == ASY_OK && i < launch->spec->lower_count)
            shift_owners(launch->map, init, fd);
        if (rc < 0 || (rc = send_plain(launch->feed[0], ASY_ITEM_TREE, fd, error)) < 0)
            return rc;
    }
    return ASY_OK;
}

static int serve(const asy_launch *launch, asy_error *error)
{
    asy_note note = {.kind = ASY_NOTE_INIT};
    pid_t pid;
    int rc;
    if ((rc = clone_init(launch, &pid, error)) < 0)
        return rc;
    note.value = (int)pid;
    close(launch->feed[1]);
    asy_note_send(launch->note, &note, -1);
    if ((rc = asy_userns_write_maps(launch->map, pid, error)) < 0 ||
        (rc = send_plain(launch->feed[0], ASY_ITEM_MAPPED, -1, error)) < 0 ||
        (rc = send_trees(launch, pid, error)) < 0 ||
        /* Moving a process between control groups waits for the whole machine, a few milliseconds
         * in which init makes its mounts. */
        (rc = asy_cgroup_join(launch->cgroup, pid, error)) < 0 ||
        (rc = send_plain(launch->feed[0], ASY_ITEM_JOINED, -1, error)) < 0)
        return rc;
    for (size_t i = 0; rc == ASY_OK && i < launch->spec->copy_count; i++)
        rc = asy_feed_copy(launch->feed[0], &launch->spec->copies[i], error);
    return rc;
}

void asy_launch_main(const asy_launch *launch)
{
    ASY_ERROR_AUTO error = ASY_ERROR_INIT;
    int kept[5 + ASY_CGROUP_MAX] = {launch->note, launch->feed[0], launch->feed[1],
                                    launch->spec->log_fd};
    size_t count = 4;
    for (size_t i = 0; i < launch->cgroup->count; i++)
        kept[count++] = launch->cgroup->group[i].procs;
    /* Before the look at whether the parent is alive, as its end of the socket is among them. */
    asy_keep_only(kept, count);
    asy_die_with_parent(launch->note);
    int rc = serve(launch, &error);
    if (rc < 0)
        asy_note_send_error(launch->note, &error);
    _exit(rc < 0);
}
