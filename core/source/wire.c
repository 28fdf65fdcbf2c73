/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record between worker and parent: fields in a fixed order, numbers as 8 bytes, strings as a
 * length plus one (0 for NULL) and their bytes. JSON would not keep bytes that are not UTF-8.
 */
#include "source/internal.h"

#include "base/cursor.h"

#include <stdlib.h>
#include <string.h>

static void put_u64(asy_buf *buf, uint64_t value)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
    asy_buf_add(buf, bytes, sizeof(bytes));
}

static void put_str(asy_buf *buf, const char *text)
{
    put_u64(buf, text ? strlen(text) + 1 : 0);
    if (text)
        asy_buf_puts(buf, text);
}

static void put_sha256(asy_buf *buf, const asy_sha256 *hash)
{
    asy_buf_add(buf, hash->bytes, sizeof(hash->bytes));
}

static char *get_str(asy_cursor *cursor)
{
    uint64_t size = asy_cursor_u64le(cursor);
    asy_span text;
    if (size == 0)
        return NULL;
    if (!asy_cursor_take(cursor, size - 1, &text)) {
        cursor->failed = true;
        return NULL;
    }
    return asy_strndup((const char *)text.ptr, text.len);
}

static void get_sha256(asy_cursor *cursor, asy_sha256 *hash)
{
    asy_span bytes;
    if (asy_cursor_take(cursor, sizeof(hash->bytes), &bytes))
        memcpy(hash->bytes, bytes.ptr, sizeof(hash->bytes));
    else
        cursor->failed = true;
}

/* A count of elements that take at least `least` bytes each: it cannot exceed what is left. */
static size_t get_count(asy_cursor *cursor, size_t least)
{
    uint64_t count = asy_cursor_u64le(cursor);
    if (count > asy_cursor_left(cursor) / least) {
        cursor->failed = true;
        return 0;
    }
    return (size_t)count;
}

void asy_wire_put_source(asy_buf *buf, const asy_source *source)
{
    const char *const strings[] = {source->url,  source->revision, source->ref_kind, source->commit,
                                   source->tree, source->package,  source->version};
    put_u64(buf, (uint64_t)source->kind);
    put_u64(buf, (uint64_t)source->status);
    for (size_t i = 0; i < ASY_COUNT(strings); i++)
        put_str(buf, strings[i]);
    put_u64(buf, (uint64_t)source->epoch);
    put_u64(buf, source->file_count);
    for (size_t i = 0; i < source->file_count; i++) {
        put_str(buf, source->files[i].name);
        put_sha256(buf, &source->files[i].sha256);
        put_u64(buf, source->files[i].size);
    }
    put_u64(buf, source->module_count);
    for (size_t i = 0; i < source->module_count; i++) {
        put_str(buf, source->modules[i].path);
        put_str(buf, source->modules[i].url);
        put_str(buf, source->modules[i].commit);
    }
    put_sha256(buf, &source->digest);
    put_sha256(buf, &source->mtimes_digest);
    put_u64(buf, source->mtimes_restored);
    put_u64(buf, source->mtimes_total);
}

static void get_files(asy_cursor *cursor, asy_source *source)
{
    size_t count = get_count(cursor, 8 + ASY_SHA256_SIZE + 8);
    source->files = asy_calloc(count, sizeof(*source->files));
    for (; source->file_count < count && !cursor->failed; source->file_count++) {
        asy_source_file *file = &source->files[source->file_count];
        file->name = get_str(cursor);
        get_sha256(cursor, &file->sha256);
        file->size = asy_cursor_u64le(cursor);
    }
}

static void get_modules(asy_cursor *cursor, asy_source *source)
{
    size_t count = get_count(cursor, 3 * 8);
    source->modules = asy_calloc(count, sizeof(*source->modules));
    for (; source->module_count < count && !cursor->failed; source->module_count++) {
        asy_source_module *module = &source->modules[source->module_count];
        module->path = get_str(cursor);
        module->url = get_str(cursor);
        module->commit = get_str(cursor);
    }
}

bool asy_wire_get_source(asy_span bytes, asy_source *source)
{
    asy_cursor cursor = asy_cursor_over(bytes);
    char **const strings[] = {&source->url,  &source->revision, &source->ref_kind, &source->commit,
                              &source->tree, &source->package,  &source->version};
    source->kind = (asy_source_kind)asy_cursor_u64le(&cursor);
    source->status = (asy_source_status)asy_cursor_u64le(&cursor);
    for (size_t i = 0; i < ASY_COUNT(strings); i++)
        *strings[i] = get_str(&cursor);
    source->epoch = (int64_t)asy_cursor_u64le(&cursor);
    get_files(&cursor, source);
    get_modules(&cursor, source);
    get_sha256(&cursor, &source->digest);
    get_sha256(&cursor, &source->mtimes_digest);
    source->mtimes_restored = asy_cursor_u64le(&cursor);
    source->mtimes_total = asy_cursor_u64le(&cursor);
    return !cursor.failed && asy_cursor_left(&cursor) == 0;
}

void asy_wire_put_error(asy_buf *buf, const asy_error *error)
{
    put_u64(buf, (uint64_t)-error->code);
    put_str(buf, error->message);
    put_str(buf, error->path);
    put_str(buf, error->hint);
}

bool asy_wire_get_error(asy_span bytes, asy_error *error)
{
    asy_cursor cursor = asy_cursor_over(bytes);
    uint64_t code = asy_cursor_u64le(&cursor);
    asy_error_clear(error);
    error->message = get_str(&cursor);
    error->path = get_str(&cursor);
    error->hint = get_str(&cursor);
    if (cursor.failed || code == 0 || code > (uint64_t)-ASY_E_INTERRUPTED || !error->message)
        return false;
    error->code = -(int)code;
    return true;
}
