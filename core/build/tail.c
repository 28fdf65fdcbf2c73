/* SPDX-License-Identifier: Apache-2.0 */
#include "build/build.h"

#include "io/io.h"

#include <string.h>

enum { SHOWN_LINES = 12, TAIL_BYTES = 8192 };

void asy_build_log_tail(const asy_build *build, asy_buf *out)
{
    ASY_BUF_AUTO log = ASY_BUF_INIT;
    if (!build->log_path || asy_read_tail(build->log_path, TAIL_BYTES, &log, NULL) < 0 ||
        log.len == 0)
        return;
    size_t start = log.len;
    for (int lines = 0; start > 0; start--)
        if (log.ptr[start - 1] == '\n' && start != log.len && ++lines == SHOWN_LINES)
            break;
    asy_buf_puts(out, "\nthe end of the log\n");
    for (asy_span rest = asy_span_sub(asy_buf_span(&log), start, log.len - start); rest.len;) {
        const uint8_t *newline = memchr(rest.ptr, '\n', rest.len);
        size_t len = newline ? (size_t)(newline - rest.ptr) : rest.len;
        asy_buf_puts(out, "  | ");
        asy_buf_escape(out, asy_span_sub(rest, 0, len));
        asy_buf_putc(out, '\n');
        len += newline != NULL;
        rest = asy_span_sub(rest, len, rest.len - len);
    }
}
