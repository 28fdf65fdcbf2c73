/* SPDX-License-Identifier: Apache-2.0 */
/* buf: a growable byte buffer, and the one place that escapes text from inputs for a terminal. */
#ifndef ASY_BUF_H
#define ASY_BUF_H

#include "base/base.h"

/* Plain value: start as ASY_BUF_INIT, end with asy_buf_free. Always NUL-terminated once written to;
 * len does not count that NUL. */
typedef struct asy_buf {
    char *ptr;
    size_t len;
    size_t capacity;
} asy_buf;

/* clang-format off */
#define ASY_BUF_INIT {0}
/* clang-format on */
#define ASY_BUF_AUTO __attribute__((cleanup(asy_buf_free))) asy_buf

void asy_buf_free(asy_buf *buf);
void asy_buf_clear(asy_buf *buf); /* empties it, keeps the memory */
void asy_buf_add(asy_buf *buf, const void *bytes, size_t len);
void asy_buf_add_span(asy_buf *buf, asy_span span);
void asy_buf_puts(asy_buf *buf, const char *text);
void asy_buf_putc(asy_buf *buf, char c);
void asy_buf_printf(asy_buf *buf, const char *format, ...) ASY_PRINTF(2, 3);
asy_span asy_buf_span(const asy_buf *buf); /* borrowed until the next write */
char *asy_buf_take(asy_buf *buf);          /* the string, owned by the caller; empties the buffer */

/*
 * Appends bytes so that a terminal shows them and nothing more: valid printable UTF-8 as it is;
 * control characters (also C1 and DEL), invalid bytes, bidi and zero-width format characters as
 * \xNN or \u{N}; a backslash as \\.
 */
void asy_buf_escape(asy_buf *buf, asy_span text);
void asy_buf_escape_str(asy_buf *buf, const char *text);

/* Lower-case hex. */
void asy_buf_hex(asy_buf *buf, asy_span bytes);

/*
 * Decodes one UTF-8 code point at the start of text (RFC 3629: no overlongs, no surrogates, at most
 * U+10FFFF). Returns its length in bytes, 0 when the bytes are not valid UTF-8 or text is empty.
 */
size_t asy_utf8_decode(asy_span text, uint32_t *code_point);

/* True for characters that change how a reader sees the others: bidi controls, zero-width and other
 * format characters, line separators (Unicode general category Cf, Zl, Zp). */
bool asy_utf8_deceptive(uint32_t code_point);

#endif
