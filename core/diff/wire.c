/* SPDX-License-Identifier: Apache-2.0 */
#include "diff/wire.h"

#include "base/buf.h"
#include "io/io.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MESSAGE_MAX = 1 << 14 };

/* code NUL message NUL path NUL hint NUL; an empty path or hint is none. */
void asy_wire_send_error(int fd, const asy_error *error)
{
    const char *texts[] = {error->message, error->path, error->hint};
    ASY_BUF_AUTO message = ASY_BUF_INIT;
    asy_buf_printf(&message, "%d", error->code);
    asy_buf_putc(&message, '\0');
    for (size_t i = 0; i < ASY_COUNT(texts); i++) {
        asy_buf_puts(&message, texts[i] ? texts[i] : "");
        asy_buf_putc(&message, '\0');
    }
    asy_write_all(fd, asy_buf_span(&message), NULL);
}

int asy_wire_receive_error(int fd, asy_error *error)
{
    char bytes[MESSAGE_MAX + 1];
    const char *texts[4] = {"", "", "", ""};
    ssize_t got = pread(fd, bytes, MESSAGE_MAX, 0);
    if (got <= 0)
        return asy_error_set(error, ASY_E_INFRA, "the reader ended without a word");
    bytes[got] = '\0';
    const char *at = bytes;
    for (size_t i = 0; i < ASY_COUNT(texts) && at < bytes + got; i++) {
        texts[i] = at;
        at += strlen(at) + 1;
    }
    int code = (int)strtol(texts[0], NULL, 10);
    asy_error_set(error, code < 0 && code >= ASY_E_INTERRUPTED ? code : ASY_E_INFRA, "%s",
                  texts[1]);
    if (texts[2][0])
        asy_error_path(error, texts[2]);
    return texts[3][0] ? asy_error_hint(error, "%s", texts[3]) : error->code;
}
