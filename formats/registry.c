/* SPDX-License-Identifier: Apache-2.0 */
/* The table of formats: a new one is a line here. */
#include "formats/format.h"

#include <string.h>

extern const asy_format asy_format_ar, asy_format_bytes, asy_format_deb, asy_format_directory,
    asy_format_elf, asy_format_gzip, asy_format_tar, asy_format_text, asy_format_xz,
    asy_format_zstd;

const asy_format *const asy_formats[] = {&asy_format_directory,
                                         &asy_format_deb,
                                         &asy_format_ar,
                                         &asy_format_tar,
                                         &asy_format_gzip,
                                         &asy_format_xz,
                                         &asy_format_zstd,
                                         &asy_format_elf,
                                         &asy_format_text,
                                         &asy_format_bytes,
                                         NULL};

const asy_format *asy_format_find(const asy_probe *probe)
{
    const asy_format *best = &asy_format_bytes;
    int highest = ASY_BID_NO;
    for (size_t i = 0; asy_formats[i]; i++) {
        int bid = asy_formats[i]->synthetic ? ASY_BID_NO : asy_formats[i]->probe(probe);
        if (bid > highest) {
            highest = bid;
            best = asy_formats[i];
        }
        if (highest >= ASY_BID_SURE)
            break;
    }
    return best;
}

const asy_format *asy_format_by_name(const char *name)
{
    for (size_t i = 0; asy_formats[i]; i++)
        if (strcmp(asy_formats[i]->name, name) == 0)
            return asy_formats[i];
    return NULL;
}
