/* SPDX-License-Identifier: Apache-2.0 */
/* The first walk over a tar: where its members are and what they are called. */
#include "formats/tar.h"

#include <stdlib.h>
#include <string.h>

/* Extension headers seen since the last member. */
typedef struct pending {
    bool any, has_name, has_link;
    uint64_t start;
    asy_span name, link;
    tar_pax pax;
    unsigned pax_headers;
} pending;

static bool stop(tar_scan *scan, uint64_t at, const char *problem)
{
    scan->end = at;
    scan->problem = problem;
    return false;
}

static uint64_t round_up(uint64_t size)
{
    return (size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK; /* size < 2^63 */
}

static tar_entry *push(tar_scan *scan)
{
    ASY_GROW(scan->entries, scan->count, scan->capacity);
    tar_entry *entry = &scan->entries[scan->count++];
    *entry = (tar_entry){0};
    return entry;
}

/* L, K, x or g: takes what it says and steps over it. */
static bool extension(tar_scan *scan, pending *p, uint8_t flag, uint64_t at, uint64_t size)
{
    asy_span data = asy_span_sub(scan->file, at + TAR_BLOCK, size);
    if (data.len != size || scan->file.len - at - TAR_BLOCK < round_up(size))
        return stop(scan, p->any ? p->start : at, "an extension header reaches past the end");
    if (flag == 'g') {
        tar_pax global = {0};
        tar_pax_parse(data, &global);
        scan->global = true;
        scan->odd |= global.overrides || p->any;
        if (p->any)
            return stop(scan, p->start, "a global header between a member's headers");
        tar_entry *entry = push(scan);
        *entry = (tar_entry){
            .start = at, .header = at, .data = at + TAR_BLOCK, .size = size, .global = true};
        return true;
    }
    if (!p->any)
        p->start = at;
    p->any = true;
    if (flag == 'x') {
        scan->odd |= p->pax_headers++ > 0;
        tar_pax_parse(data, &p->pax);
        return true;
    }
    bool *has = flag == 'L' ? &p->has_name : &p->has_link;
    scan->odd |= *has;
    *has = true;
    *(flag == 'L' ? &p->name : &p->link) = tar_string(data);
    return true;
}

static asy_span header_name(tar_scan *scan, asy_span block)
{
    asy_span name = tar_string(tar_field(block, 0, 100));
    asy_span prefix = tar_string(tar_field(block, 345, 155));
    if (tar_dialect_of(block) != TAR_USTAR || prefix.len == 0)
        return name;
    return asy_span_str(asy_layout_text(scan->layout, "%.*s/%.*s", (int)prefix.len, prefix.ptr,
                                        (int)name.len, name.ptr));
}

static asy_type type_of(uint8_t flag, asy_span name)
{
    static const asy_type types[] = {ASY_TYPE_FILE, ASY_TYPE_HARDLINK, ASY_TYPE_SYMLINK,
                                     ASY_TYPE_CHAR, ASY_TYPE_BLOCK,    ASY_TYPE_DIR,
                                     ASY_TYPE_FIFO, ASY_TYPE_FILE};
    bool slash = name.len && name.ptr[name.len - 1] == '/';
    if ((flag == 0 || flag == '0') && slash)
        return ASY_TYPE_DIR; /* as before ustar */
    if (flag == 0 || flag == 'S')
        return ASY_TYPE_FILE;
    return flag >= '0' && flag <= '7' ? types[flag - '0'] : ASY_TYPE_OTHER;
}

static bool has_nul(asy_span text)
{
    return tar_string(text).len != text.len;
}

static void resolve_names(tar_scan *scan, const pending *p, asy_span block, tar_entry *entry)
{
    entry->name = p->has_name ? p->name : header_name(scan, block);
    entry->link = p->has_link ? p->link : tar_string(tar_field(block, 157, 100));
    if (p->pax.has_path)
        entry->name = p->pax.path;
    if (p->pax.has_link)
        entry->link = p->pax.link;
    if (p->pax.sparse_name.len)
        entry->name = p->pax.sparse_name;
    scan->odd |= (p->pax.has_path && p->has_name) || (p->pax.has_link && p->has_link) ||
                 p->pax.malformed || has_nul(entry->name) ||
                 (p->pax.has_link && has_nul(entry->link));
}

/* Blocks of an old GNU sparse map after the header; false when they leave the file. */
static bool sparse_map(asy_span file, asy_span block, tar_entry *entry)
{
    asy_span next = block;
    size_t more_at = 482;
    while (next.ptr[more_at] != 0) {
        next = asy_span_sub(file, entry->header + TAR_BLOCK + entry->map, TAR_BLOCK);
        if (next.len != TAR_BLOCK)
            return false;
        entry->map += TAR_BLOCK;
        more_at = 504;
    }
    return true;
}

static bool member(tar_scan *scan, const pending *p, asy_span block, uint64_t at, uint64_t size)
{
    tar_entry entry = {.start = p->any ? p->start : at, .header = at, .size = size};
    uint8_t flag = block.ptr[156];
    uint64_t mode = 0;
    resolve_names(scan, p, block, &entry);
    entry.type = type_of(flag, entry.name);
    entry.pax = p->pax_headers > 0;
    entry.pax_time = p->pax.time;
    entry.sparse = flag == 'S' || p->pax.sparse;
    if (flag == 'S' && !sparse_map(scan->file, block, &entry))
        return stop(scan, entry.start, "the sparse map reaches past the end");
    if (p->pax.has_size && !tar_decimal(p->pax.size, &entry.size))
        return stop(scan, entry.start, "the size in the pax record is no number");
    if (!tar_number(tar_field(block, 100, 8), &mode))
        return stop(scan, entry.start, "the mode is no number");
    entry.mode = (uint32_t)mode & 07777;
    if (entry.type != ASY_TYPE_FILE && entry.type != ASY_TYPE_OTHER && entry.size != 0)
        return stop(scan, entry.start, "a member without content claims a size");
    entry.data = at + TAR_BLOCK + entry.map;
    if (entry.size > scan->file.len - entry.data ||
        round_up(entry.size) > scan->file.len - entry.data)
        return stop(scan, entry.start, "the member reaches past the end of the file");
    *push(scan) = entry;
    return true;
}

/* Reads the header at `at`, and moves *next behind what belongs to it. */
static bool header(tar_scan *scan, pending *p, uint64_t at, uint64_t *next)
{
    bool canonical;
    uint64_t size = 0, start = p->any ? p->start : at;
    asy_span block = asy_span_sub(scan->file, at, TAR_BLOCK);
    if (block.len != TAR_BLOCK)
        return stop(scan, start, "less than a header's 512 bytes are left");
    if (!tar_checksum_holds(block, &canonical))
        return stop(scan, start, "a header's checksum is wrong");
    if (!tar_number(tar_field(block, 124, 12), &size))
        return stop(scan, start, "a header's size is no number");
    uint8_t flag = block.ptr[156];
    if (flag == 'L' || flag == 'K' || flag == 'x' || flag == 'g') {
        *next = at + TAR_BLOCK + round_up(size);
        return extension(scan, p, flag, at, size);
    }
    if (!member(scan, p, block, at, size))
        return false;
    const tar_entry *entry = &scan->entries[scan->count - 1];
    *next = entry->data + round_up(entry->size);
    *p = (pending){0};
    return true;
}

void tar_scan_read(tar_scan *scan, asy_layout *layout)
{
    uint64_t at = 0, room = asy_layout_room(layout);
    pending p = {0};
    *scan = (tar_scan){.file = asy_layout_bytes(layout), .layout = layout};
    while (at < scan->file.len) {
        asy_span block = asy_span_sub(scan->file, at, TAR_BLOCK);
        if (!p.any && block.len == TAR_BLOCK && asy_span_is_zero(block))
            break;
        scan->cut = scan->count > room;
        if (scan->cut || !header(scan, &p, at, &at)) {
            scan->end = scan->cut ? at : scan->end;
            return;
        }
    }
    scan->end = at;
    if (p.any)
        stop(scan, p.start, "an extension header without its member");
}
