/* SPDX-License-Identifier: Apache-2.0 */
/* tar: v7, ustar, GNU and pax. Finds the members first, as the steps that apply depend on all. */
#include "formats/steps.h"
#include "formats/tar.h"

#include <stdlib.h>
#include <string.h>

static const asy_step step_order = {
    .name = "tar.member-order",
    .version = 1,
    .cause = "order.archive-members",
    .summary = "the order of members, where unpacking in any such order gives the same files"};

static int probe(const asy_probe *file)
{
    asy_span block = asy_span_sub(file->head, 0, TAR_BLOCK);
    if (block.len != TAR_BLOCK)
        return ASY_BID_NO;
    if (asy_span_is_zero(file->head))
        return asy_span_ends(file->name, ".tar") && file->size >= 2 * TAR_BLOCK ? ASY_BID_MAGIC
                                                                                : ASY_BID_NO;
    if (!tar_some_reader_sums(block))
        return ASY_BID_NO;
    return tar_dialect_of(block) == TAR_V7 ? ASY_BID_MAGIC : ASY_BID_SURE;
}

static uint64_t pad_of(uint64_t size)
{
    return (TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK;
}

/* The headers before a member's own: L, K and x. Returns what follows the last of them. */
static uint64_t emit_extension(asy_layout *layout, uint64_t at)
{
    static const char *const names[3][3] = {{"longname.header", "longname.text", "longname.pad"},
                                            {"longlink.header", "longlink.text", "longlink.pad"},
                                            {"pax.header", NULL, "pax.pad"}};
    uint64_t size = 0;
    asy_span block = asy_span_sub(asy_layout_bytes(layout), at, TAR_BLOCK);
    uint8_t flag = block.ptr[156];
    const char *const *name = names[flag == 'L' ? 0 : flag == 'K' ? 1 : 2];
    tar_number(tar_field(block, 124, 12), &size);
    asy_layout_region(layout, at, TAR_BLOCK, name[0], ASY_ROLE_STRUCT);
    at += TAR_BLOCK;
    if (name[1]) {
        asy_region *text = asy_layout_region(layout, at, size, name[1], ASY_ROLE_STRUCT);
        if (text)
            text->value = (const char *)asy_layout_copy(layout, tar_string(text->bytes)).ptr;
        if (text && tar_string(text->bytes).len + 1 != size)
            asy_layout_notable(layout, at, size, name[1], "bytes after the end of the text");
    } else {
        tar_pax_emit(layout, at, size);
    }
    asy_layout_padding(layout, at + size, pad_of(size), name[2], NULL);
    return at + size + pad_of(size);
}

static void emit_member(asy_layout *layout, const tar_entry *entry)
{
    asy_meta meta = {
        .type = entry->type, .has_mode = true, .mode = entry->mode, .link = entry->link};
    if (entry->map)
        asy_layout_region(layout, entry->header + TAR_BLOCK, entry->map, "sparse.map",
                          ASY_ROLE_STRUCT);
    if (entry->sparse) {
        asy_layout_notable(layout, entry->data, entry->size, "sparse.content",
                           "a sparse file: compared as it is stored");
        asy_layout_region(layout, entry->data, entry->size, "sparse.content", ASY_ROLE_OPAQUE);
        return;
    }
    if (entry->type == ASY_TYPE_OTHER)
        asy_layout_notable(layout, entry->header, TAR_BLOCK, "header.typeflag",
                           "a type of member that POSIX does not know");
    asy_layout_member(layout, entry->data, entry->size, entry->name, &meta, "content", false);
}

static void emit_entry(asy_layout *layout, const tar_entry *entry, bool times, tar_values *values)
{
    asy_layout_record(layout, entry->name);
    uint64_t at = entry->start;
    while (at < entry->header || (entry->global && at < entry->data + entry->size))
        at = emit_extension(layout, at);
    if (entry->global)
        return;
    tar_emit_header(layout, entry, times, values);
    emit_member(layout, entry);
    asy_layout_padding(layout, entry->data + entry->size, pad_of(entry->size), "pad", NULL);
}

/* Two zero blocks, then nothing but zero bytes up to the end of a tape record. */
static void emit_end(asy_layout *layout, const tar_scan *scan)
{
    uint64_t left = scan->file.len - scan->end;
    asy_span rest = asy_span_sub(scan->file, scan->end, left);
    asy_layout_record(layout, (asy_span){NULL, 0});
    if (scan->problem) {
        asy_layout_malformed(layout, scan->end, left, NULL, "%s", scan->problem);
        asy_layout_region(layout, scan->end, left, "trailing", ASY_ROLE_RAW);
        return;
    }
    if (left < 2 * TAR_BLOCK || !asy_span_is_zero(asy_span_sub(rest, 0, 2 * TAR_BLOCK))) {
        asy_layout_malformed(layout, scan->end, left, "end",
                             "the two zero blocks that end an archive are missing");
        asy_layout_region(layout, scan->end, left, "trailing", ASY_ROLE_RAW);
        return;
    }
    asy_layout_region(layout, scan->end, 2 * TAR_BLOCK, "end", ASY_ROLE_STRUCT);
    uint64_t zeros = 2 * TAR_BLOCK;
    while (zeros < left && rest.ptr[zeros] == 0)
        zeros++;
    if (zeros < left)
        zeros -= zeros % TAR_BLOCK;
    asy_layout_padding(layout, scan->end + 2 * TAR_BLOCK, zeros - 2 * TAR_BLOCK, "end.padding",
                       &asy_step_slack_zero);
    if (zeros == left)
        return;
    asy_layout_malformed(layout, scan->end + zeros, left - zeros, "trailing",
                         "data after the end of the archive");
    asy_layout_region(layout, scan->end + zeros, left - zeros, "trailing", ASY_ROLE_RAW);
}

static void emit(asy_layout *layout, const tar_scan *scan, bool times)
{
    tar_values values = {0};
    for (size_t i = 0; i < scan->count; i++) {
        emit_entry(layout, &scan->entries[i], times, &values);
        if (!asy_layout_full(layout))
            continue;
        uint64_t end = scan->entries[i].data + scan->entries[i].size;
        end += pad_of(scan->entries[i].size);
        asy_layout_region(layout, end, scan->file.len - end, "rest", ASY_ROLE_OPAQUE);
        return;
    }
    emit_end(layout, scan);
}

static int read_tar(asy_layout *layout, asy_error *error ASY_UNUSED)
{
    tar_scan scan;
    tar_scan_read(&scan, layout);
    bool agreed = scan.problem || scan.cut || tar_check_listing(&scan);
    if (tar_order_is_free(&scan) && agreed)
        asy_layout_unordered(layout, &step_order);
    emit(layout, &scan, agreed && !scan.odd && !tar_records_times(&scan));
    free(scan.entries);
    return ASY_OK;
}

static const asy_step *const steps[] = {&step_order, &tar_step_times, &tar_step_checksum,
                                        &asy_step_slack_zero, NULL};

extern const asy_format asy_format_tar;
const asy_format asy_format_tar = {
    .name = "tar", .title = "tar archive", .probe = probe, .read = read_tar, .steps = steps};
