/* SPDX-License-Identifier: Apache-2.0 */
#include "recipe/parts.h"

#include "io/io.h"

#include <string.h>

bool asy_recipe_has(int dirfd, const char *name)
{
    ASY_AUTO_CLOSE int fd = -1;
    return asy_open_below(dirfd, name, &fd, NULL) == ASY_OK;
}

void asy_recipe_quote(asy_buf *out, const char *text)
{
    asy_buf_putc(out, '\'');
    for (; *text; text++) {
        if (*text == '\'')
            asy_buf_puts(out, "'\\''");
        else
            asy_buf_putc(out, *text);
    }
    asy_buf_putc(out, '\'');
}

void asy_recipe_unpack(asy_buf *out, const asy_source *source, const char *folder)
{
    ASY_AUTO_FREE char *dsc = asy_asprintf("./%s", source->files[0].name);
    /* The checksums were verified when the source was fetched, and no keyring is inside. */
    asy_buf_puts(out, "dpkg-source --no-check -x ");
    asy_recipe_quote(out, dsc);
    asy_buf_putc(out, ' ');
    asy_recipe_quote(out, folder);
    asy_buf_putc(out, '\n');
}
