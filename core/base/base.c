/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

asy_span asy_span_str(const char *text)
{
    return (asy_span){(const uint8_t *)text, text ? strlen(text) : 0};
}

asy_span asy_span_sub(asy_span span, uint64_t offset, uint64_t size)
{
    if (!span.ptr || offset > span.len || size > span.len - offset)
        return (asy_span){NULL, 0};
    return (asy_span){span.ptr + offset, (size_t)size};
}

bool asy_span_eq(asy_span a, asy_span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

int asy_span_cmp(asy_span a, asy_span b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common ? memcmp(a.ptr, b.ptr, common) : 0;
    if (order != 0)
        return order;
    return a.len < b.len ? -1 : a.len > b.len;
}

bool asy_span_is_zero(asy_span span)
{
    for (size_t i = 0; i < span.len; i++)
        if (span.ptr[i] != 0)
            return false;
    return true;
}

bool asy_span_starts(asy_span span, const char *prefix)
{
    size_t len = strlen(prefix);
    return span.len >= len && memcmp(span.ptr, prefix, len) == 0;
}

bool asy_span_ends(asy_span span, const char *suffix)
{
    size_t len = strlen(suffix);
    return span.len >= len && memcmp(span.ptr + span.len - len, suffix, len) == 0;
}

void asy_assert_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "assay: internal error: %s (%s:%d); please report this\n", condition, file,
            line);
    abort();
}

static void *checked(void *ptr)
{
    if (!ptr) {
        fputs("assay: out of memory\n", stderr);
        abort();
    }
    return ptr;
}

void *asy_alloc(size_t size)
{
    return checked(calloc(1, size ? size : 1));
}

void *asy_calloc(size_t count, size_t size)
{
    return checked(calloc(count ? count : 1, size ? size : 1));
}

void *asy_realloc_array(void *ptr, size_t count, size_t size)
{
    return checked(reallocarray(ptr, count ? count : 1, size ? size : 1));
}

char *asy_strdup(const char *text)
{
    return text ? checked(strdup(text)) : NULL;
}

char *asy_strndup(const char *text, size_t len)
{
    char *copy = asy_alloc(len + 1);
    if (len)
        memcpy(copy, text, len);
    return copy;
}

static char *format_text(const char *format, va_list args)
{
    char *text = NULL;
    if (vasprintf(&text, format, args) < 0)
        text = NULL;
    return checked(text);
}

char *asy_asprintf(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = format_text(format, args);
    va_end(args);
    return text;
}

void asy_free_cleanup(void *pointer_to_pointer)
{
    void **pointer = pointer_to_pointer;
    free(*pointer);
    *pointer = NULL;
}

void asy_close_cleanup(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}
