/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/cmd.h"

#include "base/buf.h"

#include <stdio.h>

int cmd_fail(const char *command, const asy_error *error)
{
    ASY_BUF_AUTO text = ASY_BUF_INIT;
    asy_buf_puts(&text, "assay ");
    asy_buf_escape_str(&text, command);
    asy_buf_puts(&text, ": ");
    if (error->path) {
        asy_buf_escape_str(&text, error->path);
        asy_buf_puts(&text, ": ");
    }
    asy_buf_escape_str(&text, error->message ? error->message : "failed");
    if (error->has_offset)
        asy_buf_printf(&text, " at offset %llu", (unsigned long long)error->offset);
    if (error->hint) {
        asy_buf_puts(&text, "\n  ");
        asy_buf_escape_str(&text, error->hint);
    }
    asy_buf_putc(&text, '\n');
    fputs(text.ptr, stderr);
    return error->code == ASY_E_INFRA ? 4 : 2;
}

int cmd_print_help(const char *text)
{
    return fputs(text, stdout) < 0 || fflush(stdout) != 0 ? 2 : 0;
}
