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
    int scratch_fd;   /* folder below which it may make unnamed files (O_TMPFILE), or -1 */
    uint64_t memory;  /* private writable memory in bytes (RLIMIT_DATA), 0: no limit */
    uint64_t seconds; /* of processor time, 0: no limit */
} asy_worker_rights;

/*
 * In the worker, before any thread and before any input is read. Never undone. Capabilities go,
 * save CAP_DAC_READ_SEARCH when there are folders to read: root compares the trees of others.
 * What the kernel lacks is said in *out; an error means that the rights themselves are unusable.
 */
int asy_worker_confine(const asy_worker_rights *rights, asy_confinement *out, asy_error *error);

/*
 * In the parent: executes this program again as `assay --worker ARGV...` (argv ends with NULL). The
 * descriptors in `fds` are its numbers 3, 4, 5, … in that order; 0 is /dev/null, 1 is out_fd (or
 * /dev/null when out_fd is negative), 2 as it is. Its environment is empty but for what keeps
 * libraries from reading the host's configuration. It dies with us.
 * Waits. After SIGINT or SIGTERM to us (asy_signals_catch) it gets SIGTERM and ten seconds to write
 * what it has; when it ends by itself *exit_code is its own, else ASY_E_INTERRUPTED. A worker that
 * dies of a signal is ASY_E_FORMAT with a message that names the signal.
 */
int asy_worker_run(const char *const *argv, const int *fds, size_t fd_count, int out_fd,
                   int *exit_code, asy_error *error);

#endif
