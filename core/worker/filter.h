/* SPDX-License-Identifier: Apache-2.0 */
/* filter: the worker's list of system calls; private to core/worker. */
#ifndef ASY_WORKER_FILTER_H
#define ASY_WORKER_FILTER_H

#include <stdbool.h>

/* Installs the filter for good. Opening files by name stays possible for reading alone, and only
 * when reads_folders. False when the kernel or libseccomp will not have it. */
bool asy_filter_load(bool reads_folders);

#endif
