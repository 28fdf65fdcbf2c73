/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of source share: a folder for each test, a shell, servers, and one call to fetch. */
#ifndef SOURCE_HELP_H
#define SOURCE_HELP_H

#include "source/source.h"

/* The folder of the running test, made at the first call; the shell commands run in it. */
const char *help_dir(void);
/* dir/name, valid until the test ends. */
const char *help_path(const char *name);
/*
 * Runs commands in bash -eu, in help_dir(), with git made independent of this machine: fixed names
 * and dates, no configuration. The test fails when they fail.
 */
void help_sh(const char *format, ...) ASY_PRINTF(1, 2);
/* The first line that a command prints. */
char *help_line(const char *format, ...) ASY_PRINTF(1, 2);
/* Removes the folder and ends the servers: for .fini. */
void help_end(void);

/* Starts tests/servers/NAME with arguments; gives the line that it prints when it is ready. */
char *help_server(const char *name, const char *arguments);
/* Ends the server and waits for its end. */
void help_server_stop(void);

typedef struct fetched {
    int rc;
    asy_source source;
    asy_error error;
    char *said; /* all progress, a line each */
} fetched;

/* Fetches into the folder `out` of the test, emptied before; the cache is `cache`. Relative paths
 * in spec and mtimes count from help_dir(). */
fetched help_fetch(const char *spec, const char *mtimes, bool refresh);
/* As help_fetch, for what must succeed; frees everything. */
void help_fetch_ok(const char *spec);
/* As help_fetch, for what must fail with this code, with `text` in the message; frees. */
void help_fetch_fails(const char *spec, int code, const char *text);
void help_free(fetched *result);

#endif
