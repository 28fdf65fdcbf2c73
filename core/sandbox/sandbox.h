/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox: runs one command in namespaces of its own (user, mount, pid, ipc, uts, network, cgroup)
 * on a read-only root with an overlay, within limits that hold for the whole process tree.
 *
 * Who is who: assay (the parent) → init (pid 1 inside; root of the user namespace, holds the
 * mounts, reaps, copies in and out) → the command (another user id without any capability, with
 * no_new_privs and a seccomp filter). When assay dies, for whatever reason, init is killed by the
 * kernel (PR_SET_PDEATHSIG, and the end of a pipe), and with it everything in its pid namespace;
 * the mounts go with their namespace.
 */
#ifndef ASY_SANDBOX_H
#define ASY_SANDBOX_H

#include "base/base.h"

#include <sys/types.h>

/* ---- user and group ids ------------------------------------------------------------------------ */

/*
 * Inside ids 0..65535 and what they are outside. Root maps the whole range to one that nothing else
 * uses, so that root inside is nobody outside; an ordinary user maps inside 0 to itself and
 * 1..65535 to its ranges in /etc/subuid and /etc/subgid, written by newuidmap and newgidmap.
 */
typedef struct asy_idmap {
    uid_t root_uid; /* inside 0, outside: owner of cached roots and scratch that init writes to */
    gid_t root_gid;
    uid_t first_uid; /* inside 1, outside */
    gid_t first_gid;
    bool by_helper; /* newuidmap writes it */
} asy_idmap;

enum { ASY_IDMAP_COUNT = 65536, ASY_BUILDER_UID = 1000 };

/* ASY_E_INFRA, with the file to edit or the package to install as the hint, when there is no range
 * or user namespaces are forbidden (the hint names the setting: kernel.unprivileged_userns_clone,
 * user.max_user_namespaces, kernel.apparmor_restrict_unprivileged_userns, or the container). */
int asy_idmap_choose(asy_idmap *map, asy_error *error);

/* Removes a tree whose files belong to ids of the map (from inside such a namespace). */
int asy_idmap_remove_tree(const asy_idmap *map, const char *path, asy_error *error);

/* ---- what to run ------------------------------------------------------------------------------- */

typedef struct asy_sandbox_bind {
    const char *source; /* outside */
    const char *target; /* absolute, inside; made when missing */
    bool writable;
} asy_sandbox_bind;

/* A tree or file that init copies in before the command starts: times, modes and symlinks kept,
 * owner set to the command's user. */
typedef struct asy_sandbox_copy {
    const char *source;
    const char *target; /* absolute, inside: the copy itself, not the folder that holds it */
} asy_sandbox_copy;

/* 0: not limited. What is written to a writable bind does not count; the log does. */
typedef struct asy_sandbox_limits {
    double seconds;     /* wall clock */
    uint64_t memory;    /* bytes, the tree's pages, its tmpfs files included */
    uint64_t processes; /* and threads */
    uint64_t disk;      /* bytes written anywhere inside */
} asy_sandbox_limits;

typedef struct asy_sandbox_spec {
    /* Root: `lower` lists folders, topmost first; none means the host's /usr with its aliases and a
     * generated minimal /etc, read-only. A folder that belongs to real ids below 65536 (root's, not
     * the map's) is shown with its owners moved into the map when the caller is root. */
    const char *const *lower;
    size_t lower_count;
    /* Where writes go. NULL: a tmpfs of limits.disk bytes that vanishes. Else a folder on a file
     * system that can hold an overlay's upper layer, which keeps them (a cached layer); `work` is an
     * empty folder beside it. Both belong to map.root_uid, and the folder that holds them can be
     * searched by it. Mount points that the root lacks stay behind in it as empty folders. Without
     * effect on the host root. Inside a throwaway copy, /etc gets a name for the command's user and
     * for localhost when it has none. */
    const char *upper;
    const char *work;
    const asy_sandbox_bind *binds;
    size_t bind_count;
    const asy_sandbox_copy *copies;
    size_t copy_count;
    const char *const *argv; /* NULL-terminated; argv[0] absolute, inside */
    const char *const *env;  /* NULL-terminated NAME=VALUE: the whole environment */
    /* Absolute, inside; made when missing, with the folders above it, owned by the command's user. A
     * top folder (of cwd, of a copy) that the root lacks, or has empty, is fresh and writable;
     * /home/builder is there too. Such places are never kept in `upper`. */
    const char *cwd;
    const char *hostname; /* NULL: "assay" */
    /* 0: the command is root of the user namespace, with the capabilities that installing packages
     * needs (never for a package's build); else an ordinary user without any. */
    uid_t uid;
    bool network; /* true: the host's network; false: only a loopback of its own */
    /* What the command's stdout and stderr are copied to, at most limits.disk bytes of it, or -1; the
     * command itself holds a pipe. Its stdin is /dev/null. */
    int log_fd;
    asy_sandbox_limits limits;
    /* After every process of the command is gone: regular files below collect_root (inside) whose
     * path relative to it matches one of the globs (fnmatch(3), FNM_PATHNAME) are copied to
     * collect_dir (outside; it exists), by base name, with their times, as mode 0644 or 0755; two
     * files of one name are an error (ASY_E_USAGE), more bytes than limits.disk too (ASY_E_LIMIT),
     * and a collect_root that is gone or is a link (ASY_E_BUILD). Only when the command succeeded. */
    const char *collect_root;
    const char *const *collect_globs; /* NULL-terminated, or NULL */
    const char *collect_dir;
    /* Called about ten times a second from asy_sandbox_run, and never from elsewhere. */
    void (*tick)(void *context, double seconds);
    void *tick_context;
} asy_sandbox_spec;

/* Who held a limit (docs/THREAT-MODEL.md says how well): "cgroup2", "cgroup1", "supervision", "rlimit", "tmpfs", "none". */
typedef struct asy_sandbox_holders {
    const char *seconds, *memory, *processes, *disk;
} asy_sandbox_holders;

typedef struct asy_sandbox_result {
    bool exited; /* the command ended by itself: exit_code holds */
    int exit_code;
    int signal;            /* else the signal that ended it */
    const char *limit_hit; /* "seconds", "memory", "processes", "disk", or NULL; static */
    double seconds;        /* from the start of the command to its end */
    double setup_seconds;  /* from the call to the start of the command, without copying in */
    uint64_t peak_memory;  /* bytes; 0 when not known */
    asy_sandbox_holders holders;
    size_t collected;
} asy_sandbox_result;

/*
 * ASY_OK when the command ran, however it ended; limit_hit says which limit ended it, or the one that
 * it had met when it failed. ASY_E_USAGE for paths inside that are not absolute and plain (without
 * "." and ".."). ASY_E_INFRA when the sandbox could not be made or the copies did not fit (devices,
 * sockets and pipes cannot be copied in); ASY_E_INTERRUPTED after SIGINT or SIGTERM (everything is dead by then);
 * ASY_E_NOT_FOUND when argv[0] does not exist inside.
 */
int asy_sandbox_run(const asy_idmap *map, const asy_sandbox_spec *spec, asy_sandbox_result *result,
                    asy_error *error);

#endif
