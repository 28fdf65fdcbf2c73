/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cursor.h"

asy_cursor asy_cursor_over(asy_span span)
{
    return (asy_cursor){.span = span};
}

uint64_t asy_cursor_left(const asy_cursor *cursor)
{
    return cursor->span.len - cursor->pos;
}

bool asy_cursor_seek(asy_cursor *cursor, uint64_t pos)
{
    if (pos > cursor->span.len)
        return false;
    cursor->pos = pos;
    return true;
}

bool asy_cursor_skip(asy_cursor *cursor, uint64_t count)
{
    if (count > asy_cursor_left(cursor))
        return false;
    cursor->pos += count;
    return true;
}

bool asy_cursor_peek(const asy_cursor *cursor, uint64_t count, asy_span *out)
{
    if (count > asy_cursor_left(cursor))
        return false;
    *out = asy_span_sub(cursor->span, cursor->pos, count);
    return true;
}

bool asy_cursor_take(asy_cursor *cursor, uint64_t count, asy_span *out)
{
    return asy_cursor_peek(cursor, count, out) && asy_cursor_skip(cursor, count);
}

/* The next `width` bytes (at most 8) as a number; 0 and failed when they are not there. */
static uint64_t number(asy_cursor *cursor, unsigned width, bool big_endian)
{
    asy_span bytes;
    if (cursor->failed || !asy_cursor_take(cursor, width, &bytes)) {
        cursor->failed = true;
        return 0;
    }
    uint64_t value = 0;
    for (unsigned i = 0; i < width; i++)
        value = value << 8 | bytes.ptr[big_endian ? i : width - 1 - i];
    return value;
}

uint8_t asy_cursor_u8(asy_cursor *cursor)
{
    return (uint8_t)number(cursor, 1, false);
}

uint16_t asy_cursor_u16le(asy_cursor *cursor)
{
    return (uint16_t)number(cursor, 2, false);
}

uint32_t asy_cursor_u32le(asy_cursor *cursor)
{
    return (uint32_t)number(cursor, 4, false);
}

uint64_t asy_cursor_u64le(asy_cursor *cursor)
{
    return number(cursor, 8, false);
}

uint16_t asy_cursor_u16be(asy_cursor *cursor)
{
    return (uint16_t)number(cursor, 2, true);
}

uint32_t asy_cursor_u32be(asy_cursor *cursor)
{
    return (uint32_t)number(cursor, 4, true);
}

uint64_t asy_cursor_u64be(asy_cursor *cursor)
{
    return number(cursor, 8, true);
}
