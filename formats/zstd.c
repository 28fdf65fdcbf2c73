/* SPDX-License-Identifier: Apache-2.0 */
/* zstd (RFC 8878): frames of blocks, among skippable frames of anything. */
#include "formats/format.h"

#include <inttypes.h>
#include <zstd.h>
#include <zstd_errors.h>

static const asy_step step_content = {
    .name = "zstd.content",
    .version = 1,
    .cause = "encoding.compression",
    .summary = "a frame's header and blocks stand for what they decode to"};
static const asy_step step_checksum = {
    .name = "zstd.checksum",
    .version = 1,
    .cause = "derived.checksum",
    .summary = "the checksum of a frame's decoded data, where it is right"};

enum { WINDOW_LOG_MAX = 27, CHUNK = 1 << 16 };

static const uint32_t MAGIC = 0xfd2fb528, SKIPPABLE = 0x184d2a50;

typedef struct zstd_file {
    uint64_t first, first_end; /* the first data frame */
    uint64_t last_end;         /* of the last data frame */
    uint64_t end;              /* of the last whole frame */
    unsigned frames;
    const char *problem;
    const char *limit;
    int trouble;
} zstd_file;

static uint32_t magic_at(asy_span file, uint64_t at)
{
    asy_cursor c = asy_cursor_over(file);
    asy_cursor_seek(&c, at);
    return asy_cursor_u32le(&c);
}

/* The length of a skippable frame at `at`; 0 when there is no whole one. */
static uint64_t skippable_at(asy_span file, uint64_t at)
{
    asy_cursor c = asy_cursor_over(file);
    asy_cursor_seek(&c, at);
    if ((asy_cursor_u32le(&c) & ~0xfu) != SKIPPABLE)
        return 0;
    uint32_t size = asy_cursor_u32le(&c);
    return !c.failed && asy_cursor_skip(&c, size) ? c.pos - at : 0;
}

/* RFC 8878, 3.1.1.1: how long a frame's header is after the magic. */
static uint64_t header_size(uint8_t descriptor)
{
    static const uint8_t dictionary[] = {0, 1, 2, 4}, content[] = {0, 2, 4, 8};
    bool single = descriptor & 0x20;
    uint64_t size = 1 + (single ? 0 : 1) + dictionary[descriptor & 3] + content[descriptor >> 6];
    return size + (single && descriptor >> 6 == 0 ? 1 : 0);
}

static void decode_chunks(ZSTD_DCtx *context, asy_span frame, zstd_file *z, asy_blob_writer *writer,
                          asy_error *error)
{
    uint8_t chunk[CHUNK];
    ZSTD_inBuffer in = {frame.ptr, frame.len, 0};
    size_t more;
    do {
        ZSTD_outBuffer out = {chunk, sizeof(chunk), 0};
        size_t before = in.pos;
        more = ZSTD_decompressStream(context, &out, &in);
        if (ZSTD_isError(more)) {
            /* The one error that a limit of ours makes. */
            if (ZSTD_getErrorCode(more) == ZSTD_error_frameParameter_windowTooLarge)
                z->limit = "memory";
            else
                z->problem = "the frame is damaged";
            return;
        }
        if (in.pos == before && out.pos == 0 && more) {
            z->problem = "the frame ends too early";
            return;
        }
        z->trouble = asy_blob_writer_add(writer, (asy_span){chunk, out.pos}, error);
    } while (more && z->trouble == ASY_OK);
}

static void decode_frame(asy_span file, zstd_file *z, asy_blob_writer *writer, asy_error *error)
{
    asy_span rest = asy_span_sub(file, z->end, file.len - z->end);
    size_t size = ZSTD_findFrameCompressedSize(rest.ptr, rest.len);
    if (ZSTD_isError(size)) {
        z->problem = "the frame is damaged or cut off";
        return;
    }
    ZSTD_DCtx *context = ZSTD_createDCtx();
    ASY_ASSERT(context);
    ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
    decode_chunks(context, asy_span_sub(rest, 0, size), z, writer, error);
    ZSTD_freeDCtx(context);
    if (z->problem || z->limit || z->trouble < 0)
        return;
    if (z->frames++ == 0) {
        z->first = z->end;
        z->first_end = z->end + size;
    }
    z->end += size;
    z->last_end = z->end;
}

static void decode_all(asy_span file, zstd_file *z, asy_blob_writer *writer, asy_error *error)
{
    while (z->end < file.len && !z->problem && !z->limit && z->trouble == ASY_OK) {
        uint64_t skip = skippable_at(file, z->end);
        if (skip)
            z->end += skip;
        else if (magic_at(file, z->end) == MAGIC)
            decode_frame(file, z, writer, error);
        else
            break;
    }
    if (z->frames == 0 && !z->problem && !z->limit && z->trouble == ASY_OK)
        z->problem = "there is no frame of data";
}

static void emit_skippable(asy_layout *layout, uint64_t from, uint64_t to)
{
    asy_span file = asy_layout_bytes(layout);
    while (from < to) {
        uint64_t size = skippable_at(file, from);
        asy_layout_notable(layout, from, size, "skippable", "a frame that decoders skip");
        asy_layout_region(layout, from, size, "skippable", ASY_ROLE_STRUCT);
        from += size;
    }
}

static void emit_frame(asy_layout *layout, const zstd_file *z, asy_blob *blob)
{
    asy_span file = asy_layout_bytes(layout);
    uint8_t descriptor = file.ptr[z->first + 4];
    uint64_t head = z->first + 4, blocks = head + header_size(descriptor), end = z->first_end;
    /* An unused bit or a dictionary: nothing that a common writer makes. */
    bool plain = (descriptor & 0x13) == 0, checked = descriptor & 4;
    uint64_t blocks_end = checked ? end - 4 : end, decoded = asy_blob_span(blob).len;
    asy_layout_region(layout, z->first, 4, "frame.magic", ASY_ROLE_STRUCT);
    asy_region *header =
        asy_layout_region(layout, head, blocks - head, "frame.header", ASY_ROLE_STRUCT);
    header->step = plain ? &step_content : NULL;
    header->value = asy_layout_text(layout, "%" PRIu64 " bytes", decoded);
    asy_layout_decoded(layout, blocks, blocks_end - blocks, blob, (asy_span){NULL, 0},
                       "frame.blocks", plain ? &step_content : NULL, true);
    asy_region *checksum =
        asy_layout_region(layout, blocks_end, end - blocks_end, "frame.checksum", ASY_ROLE_STRUCT);
    if (checksum) {
        checksum->step = &step_checksum;
        checksum->derived = true;
    }
}

static void emit_good(asy_layout *layout, const zstd_file *z, asy_blob *blob)
{
    uint64_t size = asy_layout_bytes(layout).len;
    emit_skippable(layout, 0, z->first);
    if (z->frames == 1) {
        emit_frame(layout, z, blob);
    } else {
        asy_layout_notable(layout, z->first, z->last_end - z->first, "frames",
                           "%u frames, read as one", z->frames);
        asy_layout_decoded(layout, z->first, z->last_end - z->first, blob, (asy_span){NULL, 0},
                           "frames", NULL, true);
    }
    emit_skippable(layout, z->last_end, z->end);
    if (z->end == size)
        return;
    asy_layout_malformed(layout, z->end, size - z->end, "trailing",
                         "data after the end of the frames");
    asy_layout_region(layout, z->end, size - z->end, "trailing", ASY_ROLE_RAW);
}

static void emit_bad(asy_layout *layout, const zstd_file *z)
{
    uint64_t size = asy_layout_bytes(layout).len, at = z->end;
    asy_layout_region(layout, 0, at, "frames", ASY_ROLE_OPAQUE);
    if (!z->problem) {
        asy_layout_limit(layout, z->limit, at);
        asy_layout_region(layout, at, size - at, "frame", ASY_ROLE_OPAQUE);
        return;
    }
    asy_layout_malformed(layout, at, size - at, "frame", "%s", z->problem);
    asy_layout_region(layout, at, size - at, "frame", ASY_ROLE_RAW);
}

static int read_zstd(asy_layout *layout, asy_error *error)
{
    ASY_ERROR_AUTO trouble = ASY_ERROR_INIT;
    zstd_file z = {0};
    asy_blob *blob = NULL;
    asy_span file = asy_layout_bytes(layout);
    asy_blob_writer *writer = asy_layout_writer(layout, file.len);
    decode_all(file, &z, writer, &trouble);
    bool bad = z.trouble < 0 || z.problem || z.limit;
    if (bad)
        asy_blob_writer_free(writer);
    if (z.trouble < 0 && z.trouble != ASY_E_LIMIT)
        return asy_error_set(error, z.trouble, "%s", trouble.message);
    if (bad) {
        emit_bad(layout, &z);
        return ASY_OK;
    }
    int rc = asy_blob_writer_finish(writer, &blob, error);
    if (rc == ASY_OK)
        emit_good(layout, &z, blob);
    return rc;
}

static int probe(const asy_probe *file)
{
    uint32_t magic = magic_at(file->head, 0);
    return file->size >= 4 && (magic == MAGIC || (magic & ~0xfu) == SKIPPABLE) ? ASY_BID_MAGIC
                                                                               : ASY_BID_NO;
}

static const asy_step *const steps[] = {&step_content, &step_checksum, NULL};

extern const asy_format asy_format_zstd;
const asy_format asy_format_zstd = {.name = "zstd",
                                    .title = "Zstandard compressed data",
                                    .probe = probe,
                                    .read = read_zstd,
                                    .steps = steps};
