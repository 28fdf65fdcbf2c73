/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ar: the reader that "ar" and "deb" share. Layout: the common format of System V and its GNU and
 * 4.4BSD spellings of long names, as in ar(5) of FreeBSD and in GNU binutils' documentation.
 */
#ifndef ASY_FORMATS_AR_H
#define ASY_FORMATS_AR_H

#include "formats/format.h"

/* What a format on top of ar says of it. */
typedef struct ar_rules {
    const asy_step *times; /* of header.mtime, where AR_TIMES */
    const asy_step *size;  /* of header.size and the pad byte, where AR_UNPACKED */
    /* Called for each member in order before it is described; gives AR_* flags. May be NULL. */
    unsigned (*member)(void *state, asy_layout *layout, uint64_t offset, asy_span name);
    /* Called for each member after it was read, in whatever format it is. May be NULL. */
    void (*done)(void *state, asy_layout *layout, uint64_t offset, const asy_node *node);
    bool long_names; /* "//", "#1/" and symbol tables mean what they do in a library */
} ar_rules;

enum { AR_MAGIC = 8, AR_HEADER = 60 };
enum {
    AR_TIMES = 1,   /* the time in its header has no effect */
    AR_UNPACKED = 2 /* it is unpacked: its size and pad byte follow from its encoding */
};

/* Describes the whole of the layout's file, which starts with the magic. */
void ar_read(asy_layout *layout, const ar_rules *rules, void *state);

#endif
