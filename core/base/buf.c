/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void asy_buf_free(asy_buf *buf)
{
    free(buf->ptr);
    *buf = (asy_buf)ASY_BUF_INIT;
}

void asy_buf_clear(asy_buf *buf)
{
    buf->len = 0;
    if (buf->ptr)
        buf->ptr[0] = '\0';
}

/* Makes room for `more` bytes and the closing NUL. */
static void reserve(asy_buf *buf, size_t more)
{
    uint64_t need;
    ASY_ASSERT(asy_add_u64(buf->len, more, &need) && asy_add_u64(need, 1, &need));
    if (need <= buf->capacity)
        return;
    size_t capacity = buf->capacity ? buf->capacity : 64;
    while (capacity < need)
        capacity *= 2;
    buf->ptr = asy_realloc_array(buf->ptr, capacity, 1);
    buf->capacity = capacity;
}

void asy_buf_add(asy_buf *buf, const void *bytes, size_t len)
{
    reserve(buf, len);
    if (len)
        memcpy(buf->ptr + buf->len, bytes, len);
    buf->len += len;
    buf->ptr[buf->len] = '\0';
}

void asy_buf_add_span(asy_buf *buf, asy_span span)
{
    asy_buf_add(buf, span.ptr, span.len);
}

void asy_buf_puts(asy_buf *buf, const char *text)
{
    asy_buf_add(buf, text, strlen(text));
}

void asy_buf_putc(asy_buf *buf, char c)
{
    asy_buf_add(buf, &c, 1);
}

void asy_buf_printf(asy_buf *buf, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    ASY_ASSERT(len >= 0);
    reserve(buf, (size_t)len);
    vsnprintf(buf->ptr + buf->len, (size_t)len + 1, format, again);
    va_end(again);
    buf->len += (size_t)len;
}

asy_span asy_buf_span(const asy_buf *buf)
{
    return (asy_span){(const uint8_t *)buf->ptr, buf->len};
}

char *asy_buf_take(asy_buf *buf)
{
    reserve(buf, 0);
    buf->ptr[buf->len] = '\0';
    char *text = buf->ptr;
    *buf = (asy_buf)ASY_BUF_INIT;
    return text;
}

size_t asy_utf8_decode(asy_span text, uint32_t *code_point)
{
    static const uint32_t smallest[5] = {0, 0, 0x80, 0x800, 0x10000};
    if (text.len == 0)
        return 0;
    uint8_t lead = text.ptr[0];
    size_t len = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 0;
    if (len == 0 || len > text.len || lead > 0xf4)
        return 0;
    uint32_t value = len == 1 ? lead : lead & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        if ((text.ptr[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (text.ptr[i] & 0x3f);
    }
    if (value < smallest[len] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
        return 0;
    *code_point = value;
    return len;
}

bool asy_utf8_deceptive(uint32_t c)
{
    return (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || c == 0xad || c == 0x61c || c == 0x180e ||
           (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe0fff);
}

void asy_buf_escape(asy_buf *buf, asy_span text)
{
    while (text.len) {
        uint32_t c = 0;
        size_t len = asy_utf8_decode(text, &c);
        if (len == 0 || c < 0x20 || c == 0x7f) {
            asy_buf_printf(buf, "\\x%02x", text.ptr[0]);
            len = 1;
        } else if ((c >= 0x80 && c < 0xa0) || asy_utf8_deceptive(c)) {
            asy_buf_printf(buf, "\\u{%x}", c);
        } else if (c == '\\') {
            asy_buf_puts(buf, "\\\\");
        } else {
            asy_buf_add(buf, text.ptr, len);
        }
        text = (asy_span){text.ptr + len, text.len - len};
    }
}

void asy_buf_escape_str(asy_buf *buf, const char *text)
{
    asy_buf_escape(buf, asy_span_str(text));
}

void asy_buf_hex(asy_buf *buf, asy_span bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        asy_buf_printf(buf, "%02x", bytes.ptr[i]);
}
