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

/* What follows a word in a line; empty when it does not stand there. */
static asy_span after(asy_span line, const char *word)
{
    size_t len = strlen(word);
    const uint8_t *at = line.len ? memmem(line.ptr, line.len, word, len) : NULL;
    size_t start = at ? (size_t)(at - line.ptr) + len : line.len;
    return asy_span_sub(line, start, line.len - start);
}

/*
 * " builddeps:NAME : Depends: PACKAGE but it is not installable" and lines below that begin with
 * "Depends:"; those without "but" are met. The newer solver of apt 3 adds the one that it failed at:
 * "   2. builddeps:NAME Depends PACKAGE".
 */
bool asy_root_apt_unmet(asy_span printed, asy_buf *out)
{
    asy_span found = {0};
    while (printed.len) {
        asy_span line = asy_root_next_line(&printed), depends = after(line, "Depends: ");
        if (!found.len && after(depends, " but ").len)
            found = depends;
        depends = after(after(line, ". builddeps:"), " Depends ");
        if (depends.len) {
            found = depends;
            break;
        }
    }
    asy_buf_add_span(out, found);
    return found.len > 0;
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
