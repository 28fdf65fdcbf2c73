/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tar: what the files of this handler share. Layouts: POSIX.1-1988 ustar, POSIX.1-2001 pax (IEEE
 * Std 1003.1, pax, "ustar Interchange Format" and "pax Header Block"), the GNU tar manual's "Basic
 * Tar Format", and Seventh Edition tar(5).
 */
#ifndef ASY_FORMATS_TAR_H
#define ASY_FORMATS_TAR_H

#include "formats/format.h"

enum { TAR_BLOCK = 512 };

extern const asy_step tar_step_times, tar_step_checksum;

typedef enum tar_dialect { TAR_V7, TAR_USTAR, TAR_GNU } tar_dialect;

/* One member with the headers that go before its own. */
typedef struct tar_entry {
    uint64_t start;      /* of its first extension header, or of its header */
    uint64_t header;     /* of its own header */
    uint64_t data, size; /* its stored content */
    uint64_t map;        /* bytes of old GNU sparse map blocks between header and content */
    asy_span name, link; /* after extensions; borrowed from the file or the arena */
    uint32_t mode;
    asy_type type;
    bool pax;      /* it has a pax header of its own */
    bool pax_time; /* a pax record overrides header.mtime */
    bool sparse;   /* the stored content is not the file's */
    bool global;   /* a pax global header: no member */
} tar_entry;

typedef struct tar_scan {
    asy_span file;
    asy_layout *layout;
    tar_entry *entries;
    size_t count, capacity;
    uint64_t end;        /* where the members end */
    const char *problem; /* why they end there, unless it is a zero block; or NULL */
    bool cut;            /* more members than the limit admits */
    bool global;         /* pax global headers */
    bool odd;            /* spellings that readers take differently: no step applies */
} tar_scan;

/* ---- fields (tar_header.c) -------------------------------------------------------------------- */

asy_span tar_field(asy_span block, size_t offset, size_t size);
/* The bytes before the first NUL. */
asy_span tar_string(asy_span field);
/* Octal after blanks, up to a blank, a NUL or the end; or base-256 with the first bit set. An empty
 * field is 0. False for anything else, and for numbers below 0 or from 2^63. */
bool tar_number(asy_span field, uint64_t *value);
tar_dialect tar_dialect_of(asy_span block);
/* The stored checksum is right; *canonical: and spelled as six digits, NUL, blank. */
bool tar_checksum_holds(asy_span block, bool *canonical);
/* The checksum is right as some reader takes it: what follows the digits ignored, in base 256, in the
 * base 64 of old GNU tars. For telling a tar, not for trusting one. */
bool tar_some_reader_sums(asy_span block);
/* Eleven octal digits and a NUL or blank: how every common writer spells a time. */
bool tar_time_is_canonical(asy_span field);

/* Values of the last member's fields: members in a row mostly share them. */
typedef struct tar_values {
    struct {
        uint8_t bytes[32];
        const char *value;
    } last[24];
} tar_values;

/* Describes a member's own header. `times`: header.mtime may carry its step. */
void tar_emit_header(asy_layout *layout, const tar_entry *entry, bool times, tar_values *values);

/* ---- pax records (tar_pax.c) ------------------------------------------------------------------ */

typedef struct tar_pax {
    asy_span path, link, size, sparse_name;
    bool has_path, has_link, has_size, time, sparse, malformed;
    bool overrides; /* anything but a comment */
} tar_pax;

/* Reads the records in `data` over what `pax` holds already. */
void tar_pax_parse(asy_span data, tar_pax *pax);
/* Describes them: a region a record. */
void tar_pax_emit(asy_layout *layout, uint64_t offset, uint64_t size);
bool tar_decimal(asy_span text, uint64_t *value);

/* ---- the archive ------------------------------------------------------------------------------ */

/* Finds the members (tar_scan.c); end with free(scan->entries). */
void tar_scan_read(tar_scan *scan, asy_layout *layout);
/* Names duplicates and says whether the members may stand in any order (tar_order.c). */
bool tar_order_is_free(const tar_scan *scan);
/* A member records or compares the times of others, so that times matter (tar_times.c). */
bool tar_records_times(const tar_scan *scan);
/* libarchive lists the same members; else it says in a finding where not (tar_check.c). */
bool tar_check_listing(const tar_scan *scan);

#endif
