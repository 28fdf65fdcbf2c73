/* SPDX-License-Identifier: Apache-2.0 */
/* Signals and progress: where the program meets the person who waits for it. */
#include "io/io.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t interrupted;

static void note_signal(int number)
{
    (void)number;
    interrupted = 1;
}

void asy_signals_catch(void)
{
    struct sigaction action = {.sa_handler = note_signal};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

bool asy_interrupted(void)
{
    return interrupted != 0;
}

enum { PATIENCE_SECONDS = 2, LINE_COLUMNS = 78 };

struct asy_progress {
    struct timespec start;
    bool terminal, drawn;
};

asy_progress *asy_progress_new(void)
{
    asy_progress *progress = asy_alloc(sizeof(*progress));
    clock_gettime(CLOCK_MONOTONIC, &progress->start);
    progress->terminal = isatty(STDERR_FILENO);
    return progress;
}

void asy_progress_say(asy_progress *progress, const char *format, ...)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    long elapsed = (long)(now.tv_sec - progress->start.tv_sec);
    if (!progress->terminal || elapsed < PATIENCE_SECONDS)
        return;
    va_list args;
    va_start(args, format);
    char *raw = NULL;
    int len = vasprintf(&raw, format, args);
    va_end(args);
    if (len < 0)
        return;
    ASY_BUF_AUTO line = ASY_BUF_INIT;
    asy_buf_escape_str(&line, raw);
    fprintf(stderr, "\r\033[K%.*s [%ld s]", LINE_COLUMNS - 10, line.ptr ? line.ptr : "", elapsed);
    fflush(stderr);
    progress->drawn = true;
    free(raw);
}

asy_progress *asy_progress_free(asy_progress *progress)
{
    if (progress && progress->drawn)
        fputs("\r\033[K", stderr);
    free(progress);
    return NULL;
}
