/* SPDX-License-Identifier: Apache-2.0 */
/* What apt-get prints, in the C locale. */
#include "root/inner.h"

#include <stdlib.h>
#include <string.h>

static int by_text(const void *a, const void *b)
{
    return asy_span_cmp(*(const asy_span *)a, *(const asy_span *)b);
}

void asy_root_apt_changes(asy_span printed, asy_buf *out)
{
    asy_span *lines = NULL;
    size_t count = 0, capacity = 0;
    while (printed.len) {
        asy_span line = asy_root_next_line(&printed);
        if (!asy_span_starts(line, "Inst ") && !asy_span_starts(line, "Remv "))
            continue;
        ASY_GROW(lines, count, capacity);
        lines[count++] = line;
    }
    if (count > 1)
        qsort(lines, count, sizeof(*lines), by_text);
    for (size_t i = 0; i < count; i++) {
        asy_buf_add_span(out, lines[i]);
        asy_buf_putc(out, '\n');
    }
    free(lines);
}

/*
 * " builddeps:NAME : Depends: PACKAGE but it is not installable", one line for the first of them; so
 * from apt 1.0 to 2.x. apt 3 numbers its reasons: "   2. builddeps:NAME Depends PACKAGE but ...".
 */
bool asy_root_apt_unmet(asy_span printed, asy_buf *out)
{
    static const char *const marks[] = {" : Depends: ", " Depends "};
    while (printed.len) {
        asy_span line = asy_root_next_line(&printed);
        if (!line.len || !memmem(line.ptr, line.len, "builddeps:", strlen("builddeps:")))
            continue;
        for (size_t i = 0; i < ASY_COUNT(marks); i++) {
            const uint8_t *at = memmem(line.ptr, line.len, marks[i], strlen(marks[i]));
            if (!at)
                continue;
            size_t start = (size_t)(at - line.ptr) + strlen(marks[i]);
            asy_buf_add_span(out, asy_span_sub(line, start, line.len - start));
            return true;
        }
    }
    return false;
}

bool asy_root_apt_vanished(asy_span printed)
{
    while (printed.len) {
        asy_span line = asy_root_next_line(&printed);
        if (asy_span_starts(line, "E: Failed to fetch ") &&
            memmem(line.ptr, line.len, "404", strlen("404")))
            return true;
    }
    return false;
}
