/* SPDX-License-Identifier: Apache-2.0 */
/* cmd: the command line. One cmd_*.c a command, one line each in the table of main.c. */
#ifndef ASY_CMD_H
#define ASY_CMD_H

#include "base/base.h"

typedef struct asy_command {
    const char *name;
    const char *summary; /* one line for `assay --help` */
    /* argv[0] is the command's name; returns the exit code of DESIGN section 5. */
    int (*run)(int argc, char **argv);
} asy_command;

int cmd_diff(int argc, char **argv);
int cmd_rebuild(int argc, char **argv);
int cmd_verify(int argc, char **argv);

/* Says on stderr what went wrong, where, and the way out; returns the exit code for it: 4 for
 * ASY_E_INFRA, else 2. */
int cmd_fail(const char *command, const asy_error *error);
/* Prints to stdout; returns 0, or 2 when stdout cannot be written. */
int cmd_print_help(const char *text);

#endif
