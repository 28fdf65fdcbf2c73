/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inner: what the files of the sandbox share, and nobody else includes.
 *
 * Three processes (why not bubblewrap 0.8: it maps a single user id, which breaks fakeroot and
 * `cp -a`; it mounts no overlay; and it cannot collect a build's outputs once the build's processes
 * are dead):
 *
 *   parent    asy_sandbox_run: makes the control groups, keeps the time, writes the outputs
 *   launcher  a plain fork of it, with the same outside ids: clones init, writes its id maps, puts
 *             it into the control groups, hands over mounts and source files that init with its
 *             mapped ids could not open
 *   init      pid 1 inside: view, copies, command, reaping, collecting
 *
 * init is cloned by the launcher and not by the parent because a raw clone(2) of a program with
 * threads would inherit locked heaps; fork(3) does not. CLONE_PARENT makes it the parent's child.
 * Two sequenced-packet sockets join them: `note` (launcher and init → parent; its end tells init
 * that the parent is gone) and `feed` (launcher → init).
 */
#ifndef ASY_SANDBOX_INNER_H
#define ASY_SANDBOX_INNER_H

#include "base/base.h"
#include "sandbox/sandbox.h"

#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>

/* ---- channel.c: packets with at most one descriptor ------------------------------------------ */

int asy_channel_send(int socket, const struct iovec *parts, size_t count, int fd);
/* The packet's size; 0 when the other side is gone, -1 with errno. *fd is -1 when none came. */
ssize_t asy_channel_recv(int socket, void *buffer, size_t size, int *fd);

typedef enum asy_note_kind {
    ASY_NOTE_INIT = 1, /* value: init's pid */
    ASY_NOTE_STARTED,  /* at, copying */
    ASY_NOTE_ENDED,    /* value: wait status; at, peak, limit, full, crowded */
    ASY_NOTE_OUTPUT,   /* text: base name; a descriptor */
    ASY_NOTE_DONE,     /* the last one */
    ASY_NOTE_ERROR     /* value: ASY_E_*; text, path, hint */
} asy_note_kind;

typedef enum asy_limit { ASY_LIMIT_NONE, ASY_LIMIT_MEMORY, ASY_LIMIT_DISK } asy_limit;

typedef struct asy_note {
    asy_note_kind kind;
    int value;
    double at;       /* asy_now() */
    double copying;  /* seconds spent on copying in */
    uint64_t peak;   /* bytes, by sampling; 0: not sampled */
    asy_limit limit; /* what supervision killed the command for */
    bool full;       /* the tmpfs was seen full */
    bool crowded;    /* as many tasks were seen as the limit allows */
    char text[512], path[512], hint[512];
} asy_note;

int asy_note_send(int socket, const asy_note *note, int fd);
/* As asy_channel_recv; a packet of another size counts as the end. */
ssize_t asy_note_recv(int socket, asy_note *note, int *fd);
void asy_note_send_error(int socket, const asy_error *error);
int asy_note_take_error(const asy_note *note, asy_error *error);

double asy_now(void); /* CLOCK_MONOTONIC in seconds: one clock for all three processes */

/* Keeps 0, 1, 2 (as /dev/null) and the listed descriptors (-1 is skipped), closes all others. */
void asy_keep_only(const int *fds, size_t count);

/* Kills this process when its parent dies, or has died: `alive` is a socket to the parent. To be
 * called again after every change of ids, which undoes it. */
void asy_die_with_parent(int alive);

/* ---- userns.c ---------------------------------------------------------------------------------- */

/* ASY_E_INFRA with the reason when this process may not make the namespaces. */
int asy_userns_probe(asy_error *error);
/* Writes the id maps of a process that has just got its user namespace. */
int asy_userns_write_maps(const asy_idmap *map, pid_t pid, asy_error *error);
/* Becomes root of the user namespace that this process is in, once its maps are written. */
int asy_userns_become_root(asy_error *error);

/* ---- cgroup.c ---------------------------------------------------------------------------------- */

enum { ASY_CGROUP_MAX = 2 };

/* Control groups of one run: one of version 2, or one a controller of version 1, or none. */
typedef struct asy_cgroup {
    struct {
        char *path;
        int fd;    /* the folder, flock()ed: what nobody holds is swept by the next run */
        int procs; /* its cgroup.procs, open for writing */
        bool memory, pids, second; /* what it holds; version 2 */
    } group[ASY_CGROUP_MAX];
    size_t count;
    const char *memory_holder, *processes_holder; /* static; NULL: no group holds it */
} asy_cgroup;

/* Makes what this machine lets us make; a limit of 0 is not held. */
void asy_cgroup_open(const asy_sandbox_limits *limits, asy_cgroup *out);
int asy_cgroup_join(const asy_cgroup *cgroup, pid_t pid, asy_error *error);
uint64_t asy_cgroup_peak(const asy_cgroup *cgroup);
bool asy_cgroup_killed_for_memory(const asy_cgroup *cgroup);
bool asy_cgroup_refused_processes(const asy_cgroup *cgroup);
void asy_cgroup_close(asy_cgroup *cgroup); /* removes them */

/* ---- launch.c, feed.c: the launcher ------------------------------------------------------------ */

/* Made by the parent before it forks. */
typedef struct asy_launch {
    const asy_idmap *map;
    const asy_sandbox_spec *spec;
    const asy_cgroup *cgroup;
    int note;    /* the children's end */
    int feed[2]; /* launcher, init */
    bool sample; /* no control group holds the memory: init watches it */
} asy_launch;

void asy_launch_main(const asy_launch *launch) __attribute__((noreturn));

typedef enum asy_item_kind {
    ASY_ITEM_MAPPED = 1, /* the id maps are written */
    ASY_ITEM_TREE,       /* a detached mount; in the order of asy_view_sources */
    ASY_ITEM_JOINED,     /* init is in its control groups */
    ASY_ITEM_FOLDER,     /* path below the copy's target, "" for itself */
    ASY_ITEM_FOLDER_END, /* its mode and times */
    ASY_ITEM_FILE,       /* a descriptor open for reading */
    ASY_ITEM_LINK,       /* to: what it points at */
    ASY_ITEM_COPIED      /* the end of one copy */
} asy_item_kind;

typedef struct asy_item {
    asy_item_kind kind;
    mode_t mode;
    struct timespec mtime;
    size_t path_len, to_len; /* without the NULs that follow each */
} asy_item;

enum { ASY_ITEM_MAX = 3 * 4096 };

int asy_feed_send(int socket, const asy_item *item, const char *path, const char *to, int fd,
                  asy_error *error);
/* Sends one copy's items, names in byte order, so that a folder's order does not depend on the
 * outside file system. */
int asy_feed_copy(int socket, const asy_sandbox_copy *copy, asy_error *error);

/* ---- copyin.c, collect.c ----------------------------------------------------------------------- */

/* init's side: receives every copy of the spec. */
int asy_copy_in(int socket, const asy_sandbox_spec *spec, asy_error *error);
/* init's side: sends the outputs that match. */
int asy_collect_send(int socket, const asy_sandbox_spec *spec, asy_error *error);

/* The parent's side: writes outputs to collect_dir. */
typedef struct asy_collector {
    const asy_sandbox_spec *spec;
    char **names;
    size_t count, capacity;
    uint64_t bytes;
} asy_collector;

int asy_collect_take(asy_collector *collector, const char *name, int fd, asy_error *error);
void asy_collector_free(asy_collector *collector);

/* ---- view.c, mount.c, etc.c: what the command sees as its file system -------------------------- */

/* The mounts that come from outside, in the order in which they are handed over: lower folders, the
 * folder that holds upper and work, binds. */
typedef struct asy_source_tree {
    const char *path;
    bool parent; /* the folder that holds it */
    bool read_only;
} asy_source_tree;

size_t asy_view_source_count(const asy_sandbox_spec *spec);
asy_source_tree asy_view_source(const asy_sandbox_spec *spec, size_t index);
/* A detached copy of the mount, with nosuid and nodev. */
int asy_view_open_source(const asy_source_tree *source, int *fd, asy_error *error);

typedef struct asy_view {
    const asy_sandbox_spec *spec;
    int space; /* the sized tmpfs that all writable places share */
    int old;   /* the old root, until it is detached */
    int upper; /* the outside upper folder, or -1 */
    unsigned volumes;
} asy_view;

/* Makes the view and enters it. `trees`: one descriptor a source; closed by this call. */
int asy_view_enter(asy_view *view, const asy_sandbox_spec *spec, int *trees, asy_error *error);

enum { ASY_TREE_RECURSIVE = 1, ASY_TREE_READ_ONLY = 2, ASY_TREE_DEVICE = 4 };

/* A detached copy of the mount at path, nosuid, and nodev unless it is a device. */
int asy_mount_copy(int dirfd, const char *path, unsigned flags, int *fd, asy_error *error);
int asy_mount_attach(int tree, const char *target, asy_error *error);
/* Copies, and attaches to a target that it makes when it is missing. */
int asy_mount_bind(int dirfd, const char *source, unsigned flags, const char *target,
                   asy_error *error);
/* Makes an empty file or folder to mount on, and the folders above it; existing is fine. */
int asy_mount_point(const char *path, bool folder, asy_error *error);
/* mkdir -p; folders that it makes belong to `owner`. */
int asy_view_make_dirs(const char *path, uid_t owner, asy_error *error);
/* A fresh folder on the shared tmpfs, mounted on target. */
int asy_view_volume(asy_view *view, const char *target, mode_t mode, uid_t owner, asy_error *error);
/* The generated /etc of the host root. */
int asy_etc_fill(const asy_view *view, asy_error *error);
/* In an image's throwaway copy of /etc: the command's user and localhost get a name when they have
 * none, as every builder of packages does it. */
int asy_etc_complete(const asy_view *view, asy_error *error);
/* With the host's network: its resolver's configuration. */
int asy_etc_network(const asy_view *view, asy_error *error);

/* ---- init.c, watch.c, power.c ------------------------------------------------------------------ */

void asy_init_main(const asy_launch *launch) __attribute__((noreturn));

/* What init samples while the command runs. */
typedef struct asy_watch {
    const asy_launch *launch;
    int space, upper;
    uint64_t peak;
    asy_limit limit;
    bool full, crowded;
    double next_walk; /* asy_now() of the next walk of an outside upper folder */
} asy_watch;

/* True when a limit is passed: the command has to go. */
bool asy_watch_sample(asy_watch *watch);

/* In the command's process: gives up every power that the profile of `spec` does not need. */
int asy_power_drop(const asy_launch *launch, asy_error *error);
/* The last step before execve: loads the system call filter. */
int asy_power_filter(const asy_sandbox_spec *spec, asy_error *error);

#endif
