/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker: least power for the code that reads inputs. assay executes itself again with the input
 * and output files open, and the new process gives up everything else before it reads a byte:
 * Landlock (no file system but what it was given), seccomp (no sockets, no programs, no new
 * processes), rlimits, no_new_privs, no capabilities.
 */
#ifndef ASY_WORKER_H
#define ASY_WORKER_H

#include "base/base.h"

typedef struct asy_confinement {
    bool landlock, seccomp;
    char missing[160]; /* what the kernel lacked, for the report; empty when nothing */
} asy_confinement;

typedef struct asy_worker_rights {
    const int *read_dirs; /* folders below which it may read */
    size_t read_dir_count;
    int scratch_fd;   /* folder below which it may make files, or -1 */
    uint64_t memory;  /* address space in bytes, 0: no limit */
    uint64_t seconds; /* of processor time, 0: no limit */
} asy_worker_rights;

/* In the worker, before any thread and before any input is read. Never undone. */
int asy_worker_confine(const asy_worker_rights *rights, asy_confinement *out, asy_error *error);

/*
 * In the parent: executes this program again as `assay --worker ARGV...`. The descriptors in `fds`
 * stay open in it under numbers 3, 4, 5, … in that order; 0 is /dev/null, 1 and 2 are as given.
 * Waits; a worker that dies of a signal is ASY_E_FORMAT with a message that names it, after SIGINT
 * or SIGTERM to us it gets SIGTERM and time to write what it has (ASY_E_INTERRUPTED).
 */
int asy_worker_run(const char *const *argv, const int *fds, size_t fd_count, int out_fd,
                   int *exit_code, asy_error *error);

#endif
