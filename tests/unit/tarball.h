/* SPDX-License-Identifier: Apache-2.0 */
/* tarball: small ustar archives made in memory, for tests. */
#ifndef ASY_TEST_TARBALL_H
#define ASY_TEST_TARBALL_H

#include "base/buf.h"

#include <stdio.h>
#include <string.h>

typedef struct tar_entry {
    const char *name;
    const char *content;
    unsigned mode;
    unsigned long mtime;
} tar_entry;

static inline void tar_octal(char *field, size_t digits, unsigned long value)
{
    for (; digits > 0; value /= 8)
        field[--digits] = (char)('0' + value % 8);
}

static inline void tar_add(asy_buf *out, const tar_entry *entry)
{
    char block[512] = {0};
    size_t size = strlen(entry->content);
    snprintf(block, 100, "%s", entry->name);
    tar_octal(block + 100, 7, entry->mode ? entry->mode : 0644);
    tar_octal(block + 108, 7, 0);
    tar_octal(block + 116, 7, 0);
    tar_octal(block + 124, 11, size);
    tar_octal(block + 136, 11, entry->mtime);
    memset(block + 148, ' ', 8);
    block[156] = '0';
    memcpy(block + 257, "ustar", 6);
    memcpy(block + 263, "00", 2);
    unsigned long sum = 0;
    for (size_t i = 0; i < sizeof(block); i++)
        sum += (unsigned char)block[i];
    tar_octal(block + 148, 6, sum);
    block[154] = '\0';
    asy_buf_add(out, block, sizeof(block));
    memset(block, 0, sizeof(block));
    asy_buf_puts(out, entry->content);
    asy_buf_add(out, block, (512 - size % 512) % 512);
}

static inline void tar_make(asy_buf *out, const tar_entry *entries, size_t count)
{
    static const char end[1024];
    for (size_t i = 0; i < count; i++)
        tar_add(out, &entries[i]);
    asy_buf_add(out, end, sizeof(end));
}

#endif
