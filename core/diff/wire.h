/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire: how the two sides of a comparison talk; private to core/diff. The parent passes descriptors
 * and words; the worker writes the reports and, when it fails, its error into a memory file.
 */
#ifndef ASY_DIFF_WIRE_H
#define ASY_DIFF_WIRE_H

#include "base/base.h"

/* Descriptors of the worker: these, then one for each report. */
enum { WIRE_LEFT = 3, WIRE_RIGHT, WIRE_SCRATCH, WIRE_ERROR, WIRE_OUTPUTS };
/* Words of the worker: these, then a format for each report. WORD_FLAGS: letters of WIRE_FLAG_*. */
enum { WORD_DIFF, WORD_LEFT, WORD_RIGHT, WORD_ACCEPT, WORD_FLAGS, WORD_FORMATS };
enum { WIRE_FLAG_VERBOSE = 'v', WIRE_FLAG_COLOR = 'c', WIRE_FLAG_HIDDEN = 'h' };
/* The worker's exit code when it wrote an error instead of reports. */
enum { WIRE_EXIT_ERROR = 100 };

void asy_wire_send_error(int fd, const asy_error *error);
/* The error that a worker has written; one that says so when it has written none. */
int asy_wire_receive_error(int fd, asy_error *error);

#endif
