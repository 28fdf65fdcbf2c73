/* SPDX-License-Identifier: Apache-2.0 */
/* What the sandbox's tests share: a run of a shell script, as whoever runs the tests and, when that
 * is root, also as an ordinary user. */
#ifndef TEST_SANDBOX_SUPPORT_H
#define TEST_SANDBOX_SUPPORT_H

#include "base/buf.h"
#include "sandbox/sandbox.h"

#include <criterion/criterion.h>

/* Where the program of the tests stands inside; with the name of a probe it plays that one. */
#define PROBE "/probe/probe"

typedef struct test_box {
    asy_idmap map;
    asy_sandbox_spec spec;
    asy_sandbox_result result;
    asy_error error;
    char dir[64]; /* scratch, of the user that runs the sandbox */
    asy_buf log;
    const char *argv[8];
    asy_sandbox_copy copies[4];
} test_box;

/* A spec with the host root and generous limits. Skips the test, loudly, when this machine cannot
 * make a sandbox for this user. */
void box_open(test_box *box);
void box_close(test_box *box);
/* The path of a name in the scratch folder; static, four at a time. */
const char *box_path(const test_box *box, const char *name);
void box_write(const test_box *box, const char *name, const char *text);
/* Copies the tests' own program in, to PROBE. */
void box_add_probe(test_box *box);

int box_run(test_box *box); /* box->spec as it is, with a log; returns the code */
int box_sh(test_box *box, const char *script); /* /bin/sh -c */
bool box_ok(const test_box *box);              /* ran, and exited 0 */
bool box_logged(const test_box *box, const char *text);

/* Becomes an ordinary user with ranges of subordinate ids, that only this process sees. Skips the
 * test, loudly, when not root or without newuidmap. */
void become_user(void);

/* A folder for a layer: on a file system that an overlay's upper folder can be on. */
bool box_layer(test_box *box, const char **upper, const char **work);

/* Defines the body once and runs it as whoever runs the tests, and as an ordinary user. */
#define SANDBOX_TEST(suite, name)                                                                  \
    static void suite##_##name(test_box *box);                                                     \
    Test(suite, name)                                                                              \
    {                                                                                              \
        test_box own;                                                                              \
        box_open(&own);                                                                            \
        suite##_##name(&own);                                                                      \
        box_close(&own);                                                                           \
    }                                                                                              \
    Test(suite, name##_as_a_user)                                                                  \
    {                                                                                              \
        test_box own;                                                                              \
        become_user();                                                                             \
        box_open(&own);                                                                            \
        suite##_##name(&own);                                                                      \
        box_close(&own);                                                                           \
    }                                                                                              \
    static void suite##_##name(test_box *box)

#endif
