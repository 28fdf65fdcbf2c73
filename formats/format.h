/* SPDX-License-Identifier: Apache-2.0 */
/*
 * format: what a handler is. A handler bids on the first bytes and the name of a file, then
 * describes it through a layout: regions that tile it, records, members, findings. Adding one is a
 * file and a line in formats/registry.c; docs/ADDING-A-FORMAT.md walks through it.
 */
#ifndef ASY_FORMAT_H
#define ASY_FORMAT_H

#include "base/base.h"
#include "base/buf.h"
#include "base/cursor.h"
#include "tree/tree.h"

typedef struct asy_layout asy_layout;

typedef struct asy_probe {
    asy_span head;  /* the first ASY_PROBE_BYTES bytes, or all of a shorter file */
    asy_span bytes; /* the whole file, for the rare probe whose head alone cannot decide */
    asy_span name;  /* base name; may be empty */
    uint64_t size;
} asy_probe;

enum { ASY_PROBE_BYTES = 4096 };

/* Bids: the highest wins, the first in the table among equals; 0 is no. */
enum { ASY_BID_NO = 0, ASY_BID_ANY = 1, ASY_BID_TEXT = 10, ASY_BID_MAGIC = 50, ASY_BID_SURE = 90 };

typedef struct asy_format {
    const char *name;    /* "tar": stable, in reports */
    const char *title;   /* "tar archive" */
    bool synthetic;      /* no bytes of its own: a directory */
    bool payload;        /* one OPAQUE region is its whole layout: text, bytes */
    const char *refines; /* the format of which each of its files is one, too: "ar" for a deb */
    int (*probe)(const asy_probe *probe);
    /* Describes asy_layout_bytes(layout); NULL for a synthetic format. Malformed input: a finding and RAW regions, and ASY_OK.
     * Negative for I/O and memory trouble alone; limits are findings made by the layout. */
    int (*read)(asy_layout *layout, asy_error *error);
    const asy_step *const *steps; /* NULL-terminated: every step that its regions may carry */
} asy_format;

/* NULL-terminated; in formats/registry.c. */
extern const asy_format *const asy_formats[];
/*
 * The best bid, and what another reader may take the same bytes for: an unrelated format that finds
 * its magic in them, or a compression that has no handler.
 */
typedef struct asy_probed {
    const asy_format *format; /* never NULL, as "bytes" takes anything */
    const char *rival;        /* a title; NULL for almost every file */
} asy_probed;
asy_probed asy_format_find(const asy_probe *probe);
const asy_format *asy_format_by_name(const char *name);

/* ---- what a handler says ---------------------------------------------------------------------- */

asy_span asy_layout_bytes(const asy_layout *layout);
asy_span asy_layout_name(const asy_layout *layout); /* the file's name, maybe empty */

/*
 * Regions are given in file order. The layout fills what is skipped with a RAW region named "gap"
 * and a finding, and clips what overlaps, with a finding: tiling always holds. Returns the region,
 * to be refined until the next call, or NULL when nothing of it was left (size 0 gives NULL too).
 */
asy_region *asy_layout_region(asy_layout *layout, uint64_t offset, uint64_t size, const char *name,
                              asy_role role);
/* Slack: PADDING with `step` when it is all zero, PADDING without one when not. */
asy_region *asy_layout_padding(asy_layout *layout, uint64_t offset, uint64_t size, const char *name,
                               const asy_step *step);
/* Opens a record: the regions that follow belong to it, until the next. The key is copied. */
asy_record *asy_layout_record(asy_layout *layout, asy_span key);

/*
 * A member that lies verbatim in the file: gives a CONTENT region of these bytes and reads the
 * member. For a member without bytes (a directory, a link) size is 0: no region, the node exists.
 * meta may be NULL. The node belongs to the current record. NULL when the limit on entries is
 * reached: the bytes are then an OPAQUE region, and the handler may stop (asy_layout_full).
 */
asy_node *asy_layout_member(asy_layout *layout, uint64_t offset, uint64_t size, asy_span name,
                            const asy_meta *meta, const char *region_name, bool unpacked);
/* A member decoded from [offset, offset + size): gives an ENCODED region with `step`. Takes the
 * caller's reference to blob. An empty name adds no component to the member's path; the member is
 * probed under the file's name without its last suffix. NULL as for asy_layout_member. */
asy_node *asy_layout_decoded(asy_layout *layout, uint64_t offset, uint64_t size, asy_blob *blob,
                             asy_span name, const char *region_name, const asy_step *step,
                             bool unpacked);
/* True once the limit on entries is hit: describe the rest as one OPAQUE region and return. */
bool asy_layout_full(const asy_layout *layout);
/* Members that the limit on entries still admits. */
uint64_t asy_layout_room(const asy_layout *layout);
/* A writer for what is decoded from `encoded_size` bytes, which takes no more than the limits still
 * allow: when an add fails with ASY_E_LIMIT, call asy_layout_limit with NULL. */
asy_blob_writer *asy_layout_writer(asy_layout *layout, uint64_t encoded_size);
/* Notes that a limit cut the reading short: its name, or NULL for that of the last writer. */
void asy_layout_limit(asy_layout *layout, const char *limit, uint64_t offset);

void asy_layout_malformed(asy_layout *layout, uint64_t offset, uint64_t size, const char *region,
                          const char *format, ...) ASY_PRINTF(5, 6);
void asy_layout_notable(asy_layout *layout, uint64_t offset, uint64_t size, const char *region,
                        const char *format, ...) ASY_PRINTF(5, 6);
/* The records may be sorted: see asy_node.order_step. */
void asy_layout_unordered(asy_layout *layout, const asy_step *step);

/* Text that lives as long as the tree. */
const char *asy_layout_text(asy_layout *layout, const char *format, ...) ASY_PRINTF(2, 3);
/* The copy is followed by a NUL that its length does not count. */
asy_span asy_layout_copy(asy_layout *layout, asy_span bytes);
/* "2024-05-01 10:00:00 UTC" for seconds since 1970. */
const char *asy_layout_time(asy_layout *layout, uint64_t seconds);

#endif
