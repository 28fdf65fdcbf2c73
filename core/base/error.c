/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The code of the last asy_error_set on this thread, for a caller that wants no text: so that
 * `return asy_error_hint(error, …)` gives the right code with a NULL error too. */
static _Thread_local int last_code;

static char *vformat(const char *format, va_list args)
{
    char *text = NULL;
    if (vasprintf(&text, format, args) < 0)
        abort();
    return text;
}

/* Takes ownership of message. */
static int replace(asy_error *error, int code, char *message)
{
    asy_error_clear(error);
    error->code = code;
    error->message = message;
    return code;
}

int asy_error_set(asy_error *error, int code, const char *format, ...)
{
    last_code = code;
    if (!error)
        return code;
    va_list args;
    va_start(args, format);
    char *message = vformat(format, args);
    va_end(args);
    return replace(error, code, message);
}

int asy_error_errno(asy_error *error, int code, const char *format, ...)
{
    int saved = errno;
    last_code = code;
    if (!error)
        return code;
    va_list args;
    va_start(args, format);
    char *what = vformat(format, args);
    va_end(args);
    char *message = asy_asprintf("%s: %s", what, strerror(saved));
    free(what);
    errno = saved;
    return replace(error, code, message);
}

int asy_error_wrap(asy_error *error, const char *format, ...)
{
    if (!error)
        return last_code;
    va_list args;
    va_start(args, format);
    char *what = vformat(format, args);
    va_end(args);
    char *message = error->message ? asy_asprintf("%s: %s", what, error->message) : NULL;
    if (message) {
        free(what);
        free(error->message);
        error->message = message;
    } else {
        error->message = what;
    }
    return error->code;
}

int asy_error_path(asy_error *error, const char *path)
{
    if (!error)
        return last_code;
    if (!error->path)
        error->path = asy_strdup(path);
    return error->code;
}

int asy_error_at(asy_error *error, uint64_t offset)
{
    if (!error)
        return last_code;
    error->offset = offset;
    error->has_offset = true;
    return error->code;
}

int asy_error_hint(asy_error *error, const char *format, ...)
{
    if (!error)
        return last_code;
    va_list args;
    va_start(args, format);
    free(error->hint);
    error->hint = vformat(format, args);
    va_end(args);
    return error->code;
}

void asy_error_clear(asy_error *error)
{
    if (!error)
        return;
    free(error->message);
    free(error->path);
    free(error->hint);
    *error = (asy_error)ASY_ERROR_INIT;
}
