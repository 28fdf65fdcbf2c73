/* SPDX-License-Identifier: Apache-2.0 */
/*
 * landlock: the one place that speaks Landlock (Linux, Documentation/userspace-api/landlock.rst).
 * The interface is spelled here because the headers of a build machine may be older than the kernel
 * that runs the program. Version N of the ABI knows the rights and fields that the earlier ones know
 * and some more; what the kernel does not know is left out.
 */
#ifndef ASY_LANDLOCK_H
#define ASY_LANDLOCK_H

#include "base/base.h"

/* Rights below a path, the kernel's values. */
enum {
    ASY_LANDLOCK_EXECUTE = 1 << 0,
    ASY_LANDLOCK_WRITE_FILE = 1 << 1,
    ASY_LANDLOCK_READ_FILE = 1 << 2,
    ASY_LANDLOCK_READ_DIR = 1 << 3,
    ASY_LANDLOCK_REMOVE_DIR = 1 << 4,
    ASY_LANDLOCK_REMOVE_FILE = 1 << 5,
    ASY_LANDLOCK_MAKE_DIR = 1 << 7,
    ASY_LANDLOCK_MAKE_REG = 1 << 8,
    ASY_LANDLOCK_MAKE_SYM = 1 << 12,
    ASY_LANDLOCK_REFER = 1 << 13,   /* from ABI 2 on */
    ASY_LANDLOCK_TRUNCATE = 1 << 14 /* from ABI 3 on */
};

/* What a ruleset takes away before rules give parts of it back. */
enum {
    ASY_LANDLOCK_FILES = 1,            /* every right on files that the kernel knows */
    ASY_LANDLOCK_TCP = 2,              /* binding and connecting; from ABI 4 on */
    ASY_LANDLOCK_ABSTRACT_SOCKETS = 4, /* of processes outside; from ABI 6 on */
    ASY_LANDLOCK_SIGNALS = 8           /* to processes outside; from ABI 6 on */
};

/* Plain value: begin, allow, enforce. */
typedef struct asy_landlock {
    int ruleset;      /* -1: the kernel has none of what was asked for */
    uint64_t handled; /* rights on files that are taken away */
    bool failed;      /* a rule was refused: enforcing will be */
} asy_landlock;

/* The version of the kernel's ABI, or 0 without Landlock. */
long asy_landlock_abi(void);
asy_landlock asy_landlock_begin(unsigned taken);
/* Gives rights back below an open file or folder; on a file those for folders are left out. */
void asy_landlock_allow(asy_landlock *landlock, int fd, uint64_t rights);
/*
 * Restricts this thread and all it starts, never undone; needs no_new_privs. *held tells whether the
 * kernel does it: without Landlock that is no error. Ends the ruleset.
 */
int asy_landlock_enforce(asy_landlock *landlock, bool *held, asy_error *error);

#endif
