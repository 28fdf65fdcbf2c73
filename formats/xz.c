/* SPDX-License-Identifier: Apache-2.0 */
/* xz ("The .xz File Format", version 1.2.1): a header, blocks, an index, a footer; zero padding. */
#include "formats/format.h"
#include "formats/steps.h"

#include <inttypes.h>
#include <lzma.h>

static const asy_step step_content = {
    .name = "xz.content",
    .version = 1,
    .cause = "encoding.compression",
    .summary = "a checked stream stands for what it decodes to: blocks, index, header and footer"};

enum { MEMORY_LIMIT = 256 << 20, CHUNK = 1 << 16 };

/* What was read, or as much of it as could be. */
typedef struct xz_file {
    uint64_t index, end; /* of the first stream's index; of the last whole stream */
    unsigned streams;
    bool unchecked; /* a kind of check that this liblzma cannot verify */
    const char *problem;
    const char *limit;
    int trouble;
} xz_file;

static int decode_chunks(lzma_stream *z, xz_file *xz, asy_blob_writer *writer, asy_error *error)
{
    uint8_t chunk[CHUNK];
    lzma_ret rc;
    do {
        z->next_out = chunk;
        z->avail_out = sizeof(chunk);
        rc = lzma_code(z, LZMA_FINISH);
        if (rc == LZMA_UNSUPPORTED_CHECK) {
            xz->unchecked = true;
            rc = LZMA_OK;
        }
        asy_span made = {chunk, sizeof(chunk) - z->avail_out};
        xz->trouble = asy_blob_writer_add(writer, made, error);
    } while (rc == LZMA_OK && xz->trouble == ASY_OK);
    return (int)rc;
}

static const char *decode_problem(int rc)
{
    switch (rc) {
    case LZMA_STREAM_END:
        return NULL;
    case LZMA_BUF_ERROR:
        return "the stream ends too early";
    case LZMA_FORMAT_ERROR:
        return "the header is damaged";
    case LZMA_OPTIONS_ERROR:
        return "the stream uses options that are not known";
    default:
        return "the stream is damaged";
    }
}

/* Decodes one stream at xz->end and moves behind it. */
static void decode_stream(asy_span file, xz_file *xz, asy_blob_writer *writer, asy_error *error)
{
    lzma_stream z = LZMA_STREAM_INIT;
    uint64_t start = xz->end;
    ASY_ASSERT(lzma_stream_decoder(&z, MEMORY_LIMIT, LZMA_TELL_UNSUPPORTED_CHECK) == LZMA_OK);
    z.next_in = file.ptr + start;
    z.avail_in = file.len - start;
    int rc = decode_chunks(&z, xz, writer, error);
    uint64_t end = start + z.total_in;
    lzma_end(&z);
    if (xz->trouble < 0)
        return;
    if (rc == LZMA_MEMLIMIT_ERROR || rc == LZMA_MEM_ERROR) {
        xz->limit = "memory";
        return;
    }
    lzma_stream_flags footer;
    xz->problem = decode_problem(rc);
    if (xz->problem)
        return;
    ASY_ASSERT(lzma_stream_footer_decode(&footer, file.ptr + end - LZMA_STREAM_HEADER_SIZE) ==
               LZMA_OK);
    if (xz->streams++ == 0)
        xz->index = end - LZMA_STREAM_HEADER_SIZE - footer.backward_size;
    xz->end = end;
}

/* Zero bytes in fours from `at` on. */
static uint64_t padding_at(asy_span file, uint64_t at)
{
    uint64_t end = at;
    while (end < file.len && file.ptr[end] == 0)
        end++;
    return (end - at) / 4 * 4;
}

static void decode_all(asy_span file, xz_file *xz, asy_blob_writer *writer, asy_error *error)
{
    do {
        decode_stream(file, xz, writer, error);
        if (xz->trouble < 0 || xz->problem || xz->limit)
            return;
        uint64_t next = xz->end + padding_at(file, xz->end);
        if (!asy_span_starts(asy_span_sub(file, next, next < file.len ? file.len - next : 0),
                             "\xfd"
                             "7zXZ"))
            return;
        xz->end = next;
    } while (true);
}

static void emit_part(asy_layout *layout, uint64_t offset, uint64_t size, const char *name,
                      const asy_step *step)
{
    asy_region *region = asy_layout_region(layout, offset, size, name, ASY_ROLE_STRUCT);
    if (!region)
        return;
    region->step = step;
    region->derived = true;
}

static void emit_single(asy_layout *layout, const xz_file *xz, asy_blob *blob)
{
    const asy_step *step = xz->unchecked ? NULL : &step_content;
    uint64_t head = LZMA_STREAM_HEADER_SIZE, footer = xz->end - head;
    if (xz->unchecked)
        asy_layout_notable(layout, 0, head, "stream.header", "a kind of check that is not known");
    asy_region *region = asy_layout_region(layout, 0, head, "stream.header", ASY_ROLE_STRUCT);
    region->step = step;
    asy_layout_decoded(layout, head, xz->index - head, blob, (asy_span){NULL, 0}, "stream.blocks",
                       step, true);
    emit_part(layout, xz->index, footer - xz->index, "stream.index", step);
    emit_part(layout, footer, head, "stream.footer", step);
}

static void emit_good(asy_layout *layout, const xz_file *xz, asy_blob *blob)
{
    asy_span file = asy_layout_bytes(layout);
    if (xz->streams == 1) {
        emit_single(layout, xz, blob);
    } else {
        asy_layout_notable(layout, 0, xz->end, "streams", "%u streams, read as one", xz->streams);
        asy_layout_decoded(layout, 0, xz->end, blob, (asy_span){NULL, 0}, "streams", NULL, true);
    }
    uint64_t padding = padding_at(file, xz->end), at = xz->end + padding;
    asy_layout_padding(layout, xz->end, padding, "padding", &asy_step_slack_zero);
    if (at == file.len)
        return;
    asy_layout_malformed(layout, at, file.len - at, "trailing", "data after the end of the stream");
    asy_layout_region(layout, at, file.len - at, "trailing", ASY_ROLE_RAW);
}

static void emit_bad(asy_layout *layout, const xz_file *xz)
{
    uint64_t size = asy_layout_bytes(layout).len, at = xz->end;
    asy_layout_region(layout, 0, at, "streams", ASY_ROLE_OPAQUE);
    if (!xz->problem) {
        asy_layout_limit(layout, xz->limit, at);
        asy_layout_region(layout, at, size - at, "stream", ASY_ROLE_OPAQUE);
        return;
    }
    asy_layout_malformed(layout, at, size - at, "stream", "%s", xz->problem);
    asy_layout_region(layout, at, size - at, "stream", ASY_ROLE_RAW);
}

static int read_xz(asy_layout *layout, asy_error *error)
{
    ASY_ERROR_AUTO trouble = ASY_ERROR_INIT;
    xz_file xz = {0};
    asy_blob *blob = NULL;
    asy_span file = asy_layout_bytes(layout);
    asy_blob_writer *writer = asy_layout_writer(layout, file.len);
    decode_all(file, &xz, writer, &trouble);
    if (xz.trouble < 0 || xz.problem || xz.limit)
        asy_blob_writer_free(writer);
    if (xz.trouble < 0 && xz.trouble != ASY_E_LIMIT)
        return asy_error_set(error, xz.trouble, "%s", trouble.message);
    if (xz.trouble < 0 || xz.problem || xz.limit) {
        emit_bad(layout, &xz);
        return ASY_OK;
    }
    int rc = asy_blob_writer_finish(writer, &blob, error);
    if (rc == ASY_OK)
        emit_good(layout, &xz, blob);
    return rc;
}

static int probe(const asy_probe *file)
{
    static const uint8_t magic[] = {0xfd, '7', 'z', 'X', 'Z', 0};
    return asy_span_eq(asy_span_sub(file->head, 0, sizeof(magic)), (asy_span){magic, sizeof(magic)})
               ? ASY_BID_SURE
               : ASY_BID_NO;
}

static const asy_step *const steps[] = {&step_content, &asy_step_slack_zero, NULL};

extern const asy_format asy_format_xz;
const asy_format asy_format_xz = {
    .name = "xz", .title = "xz compressed data", .probe = probe, .read = read_xz, .steps = steps};
