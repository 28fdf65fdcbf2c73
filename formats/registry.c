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

/*
 * Compressions that tar and gzip know by their first bytes, and that no handler reads: a tar whose
 * first name starts like that is one of them, too.
 */
static const struct {
    const char *title, *magic;
    uint8_t offset, size;
} unread[] = {{"bzip2 compressed data", "1AY&SY", 4, 6},  {"lzip compressed data", "LZIP\1", 0, 5},
              {"lzma compressed data", "\x5d\0\0", 0, 3}, {"lzop compressed data", "\x89LZO", 0, 4},
              {"lz4 compressed data", "\4\"M\x18", 0, 4}, {"compress data", "\x1f\x9d", 0, 2},
              {"old gzip data", "\x1f\x9e", 0, 2},        {"lzh compressed data", "\x1f\xa0", 0, 2},
              {"pack compressed data", "\x1f\x1e", 0, 2}};

static const char *unread_rival(asy_span head)
{
    for (size_t i = 0; i < ASY_COUNT(unread); i++) {
        asy_span magic = {(const uint8_t *)unread[i].magic, unread[i].size};
        if (asy_span_eq(asy_span_sub(head, unread[i].offset, magic.len), magic))
            return unread[i].title;
    }
    return NULL;
}

static bool related(const asy_format *one, const asy_format *other)
{
    return (one->refines && strcmp(one->refines, other->name) == 0) ||
           (other->refines && strcmp(other->refines, one->name) == 0);
}

asy_probed asy_format_find(const asy_probe *probe)
{
    int bids[ASY_COUNT(asy_formats)] = {0}, highest = ASY_BID_NO;
    asy_probed found = {.format = &asy_format_bytes};
    for (size_t i = 0; asy_formats[i]; i++) {
        bids[i] = asy_formats[i]->synthetic ? ASY_BID_NO : asy_formats[i]->probe(probe);
        if (bids[i] <= highest)
            continue;
        highest = bids[i];
        found.format = asy_formats[i];
    }
    if (highest < ASY_BID_MAGIC)
        return found;
    found.rival = unread_rival(probe->head);
    for (size_t i = 0; asy_formats[i] && !found.rival; i++)
        if (bids[i] >= ASY_BID_MAGIC && asy_formats[i] != found.format &&
            !related(asy_formats[i], found.format))
            found.rival = asy_formats[i]->title;
    return found;
}

const asy_format *asy_format_by_name(const char *name)
{
    for (size_t i = 0; asy_formats[i]; i++)
        if (strcmp(asy_formats[i]->name, name) == 0)
            return asy_formats[i];
    return NULL;
}
