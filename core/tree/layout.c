/* SPDX-License-Identifier: Apache-2.0 */
/* What a handler says, turned into regions that tile the file whatever it says. */
#include "tree/reader.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FINDINGS_MAX = 1000 };

void asy_layout_init(asy_layout *layout, asy_reader *reader, asy_node *node, asy_span probe_name,
                     asy_error *error)
{
    *layout =
        (asy_layout){.reader = reader, .node = node, .probe_name = probe_name, .error = error};
}

asy_span asy_layout_bytes(const asy_layout *layout)
{
    return layout->node->bytes;
}

asy_span asy_layout_name(const asy_layout *layout)
{
    return layout->probe_name;
}

asy_span asy_layout_copy(asy_layout *layout, asy_span bytes)
{
    return asy_arena_copy(layout->reader->tree->arena, bytes);
}

const char *asy_layout_text(asy_layout *layout, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = NULL;
    ASY_ASSERT(vasprintf(&text, format, args) >= 0);
    va_end(args);
    const char *kept = asy_arena_strndup(layout->reader->tree->arena, text, strlen(text));
    free(text);
    return kept;
}

const char *asy_layout_time(asy_layout *layout, uint64_t seconds)
{
    char text[64];
    struct tm parts;
    time_t when = (time_t)seconds;
    if (!gmtime_r(&when, &parts) || !strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &parts))
        return asy_layout_text(layout, "%" PRIu64 " s after 1970", seconds);
    return asy_layout_text(layout, "%s", text);
}

/* ---- findings --------------------------------------------------------------------------------- */

/* A hostile file could earn one for each byte: after the first thousand, one that says so. */
static asy_finding *add_finding(asy_layout *layout, uint64_t offset, uint64_t size)
{
    if (layout->finding_count > FINDINGS_MAX)
        return NULL;
    ASY_GROW(layout->findings, layout->finding_count, layout->finding_capacity);
    asy_finding *finding = &layout->findings[layout->finding_count++];
    *finding = (asy_finding){.offset = offset, .size = size};
    if (layout->finding_count <= FINDINGS_MAX)
        return finding;
    finding->text = "there are more findings than are kept";
    finding->malformed = true;
    return NULL;
}

static void vfinding(asy_layout *layout, uint64_t offset, uint64_t size, const char *region,
                     bool malformed, const char *format, va_list args)
{
    asy_finding *finding = add_finding(layout, offset, size);
    char *text = NULL;
    if (!finding)
        return;
    ASY_ASSERT(vasprintf(&text, format, args) >= 0);
    finding->region = region;
    finding->malformed = malformed;
    finding->text = asy_arena_strndup(layout->reader->tree->arena, text, strlen(text));
    free(text);
}

void asy_layout_malformed(asy_layout *layout, uint64_t offset, uint64_t size, const char *region,
                          const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vfinding(layout, offset, size, region, true, format, args);
    va_end(args);
}

void asy_layout_notable(asy_layout *layout, uint64_t offset, uint64_t size, const char *region,
                        const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vfinding(layout, offset, size, region, false, format, args);
    va_end(args);
}

void asy_layout_limit(asy_layout *layout, const char *limit, uint64_t offset)
{
    layout->reader->tree->limited = true;
    if (!limit) /* what was decoded in vain has been paid for, too */
        layout->reader->expanded += layout->writer_room;
    asy_finding *finding = add_finding(layout, offset, 0);
    if (!finding)
        return;
    finding->limit = true;
    finding->text = limit ? limit : layout->writer_limit;
}

/* ---- regions and records ---------------------------------------------------------------------- */

asy_record *asy_layout_record(asy_layout *layout, asy_span key)
{
    ASY_GROW(layout->records, layout->record_count, layout->record_capacity);
    asy_record *record = &layout->records[layout->record_count++];
    *record = (asy_record){.key = asy_layout_copy(layout, key), .first = layout->region_count};
    return record;
}

static asy_record *current_record(asy_layout *layout)
{
    if (layout->record_count == 0)
        asy_layout_record(layout, (asy_span){NULL, 0});
    return &layout->records[layout->record_count - 1];
}

static asy_region *push_region(asy_layout *layout, uint64_t offset, asy_span bytes,
                               const char *name, asy_role role)
{
    current_record(layout)->count++;
    ASY_GROW(layout->regions, layout->region_count, layout->region_capacity);
    asy_region *region = &layout->regions[layout->region_count++];
    *region = (asy_region){
        .offset = offset, .size = bytes.len, .bytes = bytes, .name = name, .role = role};
    return region;
}

asy_region *asy_layout_made(asy_layout *layout, asy_span bytes, const char *name, asy_role role)
{
    return push_region(layout, 0, bytes, name, role);
}

/* Covers [next, offset) as bytes that the format does not account for. */
static void fill_gap(asy_layout *layout, uint64_t offset)
{
    uint64_t gap = offset - layout->next;
    asy_layout_malformed(layout, layout->next, gap, "gap",
                         "%" PRIu64 " bytes belong to no structure of the format", gap);
    push_region(layout, layout->next, asy_span_sub(layout->node->bytes, layout->next, gap), "gap",
                ASY_ROLE_RAW);
    layout->next = offset;
}

asy_region *asy_layout_region(asy_layout *layout, uint64_t offset, uint64_t size, const char *name,
                              asy_role role)
{
    uint64_t total = layout->node->bytes.len, end;
    if (!asy_add_u64(offset, size, &end) || end > total) {
        asy_layout_malformed(layout, offset, size, name, "it reaches past the end of the file");
        end = total;
    }
    if (offset < layout->next && size > 0) {
        uint64_t shared = (end < layout->next ? end : layout->next) - offset;
        asy_layout_malformed(layout, offset, shared, name,
                             "%" PRIu64 " bytes belong to an earlier structure, too", shared);
        offset = layout->next;
    }
    if (size == 0 || offset >= end)
        return NULL;
    if (offset > layout->next)
        fill_gap(layout, offset);
    layout->next = end;
    return push_region(layout, offset, asy_span_sub(layout->node->bytes, offset, end - offset),
                       name, role);
}

asy_region *asy_layout_padding(asy_layout *layout, uint64_t offset, uint64_t size, const char *name,
                               const asy_step *step)
{
    asy_region *region = asy_layout_region(layout, offset, size, name, ASY_ROLE_PADDING);
    if (!region)
        return NULL;
    if (asy_span_is_zero(region->bytes))
        region->step = step;
    else
        asy_layout_notable(layout, offset, size, name, "padding that is not zero");
    return region;
}

void asy_layout_unordered(asy_layout *layout, const asy_step *step)
{
    layout->node->order_step = step;
}

/* ---- members ---------------------------------------------------------------------------------- */

bool asy_layout_admit(asy_layout *layout, uint64_t offset)
{
    /* What the user interrupts ends as what a limit cuts short: described so far, and said. */
    bool stop = asy_interrupted();
    if (!stop && layout->reader->entries < layout->reader->limits->entries) {
        layout->reader->entries++;
        return true;
    }
    if (!layout->entries_hit)
        asy_layout_limit(layout, stop ? "interrupted" : "entries", offset);
    layout->entries_hit = true;
    return false;
}

bool asy_layout_full(const asy_layout *layout)
{
    return layout->entries_hit;
}

uint64_t asy_layout_room(const asy_layout *layout)
{
    return layout->reader->limits->entries - layout->reader->entries;
}

void asy_layout_adopt(asy_layout *layout, asy_node *child)
{
    ASY_GROW(layout->children, layout->child_count, layout->child_capacity);
    layout->children[layout->child_count++] = child;
    current_record(layout)->member = child;
}

/* Reads a member, one level down; a failure is kept and ends the reading of the tree. */
static void read_child(asy_layout *layout, asy_node *child, asy_span probe_name)
{
    asy_reader *reader = layout->reader;
    asy_layout_adopt(layout, child);
    reader->depth++;
    int rc = layout->status;
    if (rc == ASY_OK)
        rc = asy_reader_read(reader, child, probe_name, layout->error);
    reader->depth--;
    if (layout->status == ASY_OK)
        layout->status = rc;
}

static asy_span base_name(asy_span name)
{
    for (size_t i = name.len; i > 0; i--)
        if (name.ptr[i - 1] == '/')
            return asy_span_sub(name, i, name.len - i);
    return name;
}

asy_node *asy_layout_member(asy_layout *layout, uint64_t offset, uint64_t size, asy_span name,
                            const asy_meta *meta, const char *region_name, bool unpacked)
{
    if (!asy_layout_admit(layout, offset)) {
        asy_layout_region(layout, offset, size, region_name, ASY_ROLE_OPAQUE);
        return NULL;
    }
    asy_node *child = asy_reader_node(layout->reader, layout->node, name, meta);
    asy_region *region = asy_layout_region(layout, offset, size, region_name, ASY_ROLE_CONTENT);
    child->unpacked = unpacked;
    if (region) {
        child->bytes = region->bytes;
        region->child = child;
    }
    if (layout->node->blob)
        child->blob = asy_blob_ref(layout->node->blob);
    read_child(layout, child, base_name(child->name));
    return child;
}

/* What data.tar.xz is called once decoded: data.tar. */
static asy_span decoded_name(asy_layout *layout)
{
    asy_span name = layout->probe_name;
    size_t dot = name.len;
    while (dot > 0 && name.ptr[dot - 1] != '.')
        dot--;
    if (dot < 2)
        return (asy_span){NULL, 0};
    asy_span suffix = asy_span_sub(name, dot, name.len - dot);
    asy_span stem = asy_span_sub(name, 0, dot - 1);
    if (suffix.len == 3 && suffix.ptr[0] == 't')
        return asy_span_str(asy_layout_text(layout, "%.*s.tar", (int)stem.len, stem.ptr));
    return stem;
}

asy_node *asy_layout_decoded(asy_layout *layout, uint64_t offset, uint64_t size, asy_blob *blob,
                             asy_span name, const char *region_name, const asy_step *step,
                             bool unpacked)
{
    asy_region *region = NULL;
    if (asy_layout_admit(layout, offset))
        region = asy_layout_region(layout, offset, size, region_name, ASY_ROLE_ENCODED);
    else
        asy_layout_region(layout, offset, size, region_name, ASY_ROLE_OPAQUE);
    if (!region) {
        asy_blob_unref(blob);
        return NULL;
    }
    asy_node *child = asy_reader_node(layout->reader, layout->node, name, NULL);
    child->blob = blob;
    child->bytes = asy_blob_span(blob);
    child->unpacked = unpacked;
    region->child = child;
    region->step = step;
    layout->reader->expanded += child->bytes.len;
    read_child(layout, child, decoded_name(layout));
    return child;
}

asy_blob_writer *asy_layout_writer(asy_layout *layout, uint64_t encoded_size)
{
    const asy_limits *limits = layout->reader->limits;
    uint64_t spent = layout->reader->expanded, by_ratio;
    uint64_t left = limits->expanded > spent ? limits->expanded - spent : 0;
    if (!asy_mul_u64(encoded_size, limits->ratio, &by_ratio))
        by_ratio = UINT64_MAX;
    if (by_ratio < ASY_RATIO_FREE)
        by_ratio = ASY_RATIO_FREE;
    layout->writer_limit = left <= by_ratio ? "expanded" : "ratio";
    layout->writer_room = left < by_ratio ? left : by_ratio;
    return asy_blob_writer_new(layout->reader->scratch_fd, layout->writer_room);
}

/* ---- the end ---------------------------------------------------------------------------------- */

static void *move(asy_arena *arena, void *list, size_t count, size_t size)
{
    void *kept = NULL;
    if (count) {
        kept = asy_arena_alloc(arena, count * size);
        memcpy(kept, list, count * size);
    }
    free(list);
    return kept;
}

void asy_layout_finish(asy_layout *layout)
{
    asy_node *node = layout->node;
    asy_arena *arena = layout->reader->tree->arena;
    if (layout->next < node->bytes.len)
        fill_gap(layout, node->bytes.len);
    node->well_formed = true;
    for (size_t i = 0; i < layout->finding_count; i++)
        if (layout->findings[i].malformed)
            node->well_formed = false;
    for (size_t i = 0; i < layout->region_count; i++)
        if (layout->regions[i].role == ASY_ROLE_RAW)
            node->well_formed = false;
    node->region_count = layout->region_count;
    node->record_count = layout->record_count;
    node->child_count = layout->child_count;
    node->finding_count = layout->finding_count;
    node->regions = move(arena, layout->regions, node->region_count, sizeof(asy_region));
    node->records = move(arena, layout->records, node->record_count, sizeof(asy_record));
    node->children = move(arena, layout->children, node->child_count, sizeof(asy_node *));
    node->findings = move(arena, layout->findings, node->finding_count, sizeof(asy_finding));
}
