/* SPDX-License-Identifier: Apache-2.0 */
/* gzip (RFC 1952): a header, one deflate stream (RFC 1951), a checksum and a length; repeated. */
#include "formats/format.h"

#include <inttypes.h>
#include <string.h>
#include <zlib.h>

static const asy_step step_times = {
    .name = "gzip.header-times",
    .version = 1,
    .cause = "timestamp.gzip-header",
    .summary = "the time of the original file, which unpacking the archive inside does not use"};
static const asy_step step_content = {
    .name = "gzip.content",
    .version = 1,
    .cause = "encoding.compression",
    .summary = "the deflate stream stands for what it decodes to; with the level that made it"};
static const asy_step step_checksum = {
    .name = "gzip.checksum",
    .version = 1,
    .cause = "derived.checksum",
    .summary = "the checksum and the length of the decoded data, where they are right"};

enum { FHCRC = 2, FEXTRA = 4, FNAME = 8, FCOMMENT = 16, RESERVED = 0xe0 };
enum { CHUNK = 1 << 16 };

/* One member of a gzip file: its parts as offsets. */
typedef struct gzip_member {
    uint64_t start, extra, name, comment, hcrc, stream, trailer, end;
    uint8_t flags;
} gzip_member;

/* Moves behind a NUL-terminated text. */
static bool skip_text(asy_cursor *cursor)
{
    asy_span rest = asy_span_sub(cursor->span, cursor->pos, asy_cursor_left(cursor));
    const uint8_t *nul = rest.len ? memchr(rest.ptr, 0, rest.len) : NULL;
    return nul && asy_cursor_skip(cursor, (uint64_t)(nul - rest.ptr) + 1);
}

static bool header_crc(asy_span file, const gzip_member *m)
{
    uint32_t crc = (uint32_t)crc32(0, file.ptr + m->start, (uInt)(m->hcrc - m->start));
    return (file.ptr[m->hcrc] | file.ptr[m->hcrc + 1] << 8) == (int)(crc & 0xffff);
}

/* Reads a member's header; false when there is none at m->start. */
static bool read_header(asy_span file, gzip_member *m)
{
    asy_span fixed;
    asy_cursor c = asy_cursor_over(file);
    if (!asy_cursor_seek(&c, m->start) || !asy_cursor_take(&c, 10, &fixed) ||
        memcmp(fixed.ptr, "\x1f\x8b\x08", 3) != 0 || fixed.ptr[3] & RESERVED)
        return false;
    m->flags = fixed.ptr[3];
    m->extra = c.pos;
    if (m->flags & FEXTRA && !asy_cursor_skip(&c, asy_cursor_u16le(&c)))
        return false;
    m->name = c.pos;
    if (c.failed || (m->flags & FNAME && !skip_text(&c)))
        return false;
    m->comment = c.pos;
    if (m->flags & FCOMMENT && !skip_text(&c))
        return false;
    m->hcrc = c.pos;
    if (m->flags & FHCRC && (!asy_cursor_skip(&c, 2) || c.pos > UINT32_MAX || !header_crc(file, m)))
        return false;
    m->stream = c.pos;
    return true;
}

typedef struct decoder {
    z_stream z;
    asy_blob_writer *writer;
    uint32_t crc;
    uint64_t size;
} decoder;

/* Inflates one stream; Z_STREAM_END, another zlib code, or a negative ASY_E_* in *trouble. */
static int inflate_stream(decoder *d, asy_span input, uint64_t *used, int *trouble,
                          asy_error *error)
{
    static const size_t most = 1u << 30;
    uint8_t chunk[CHUNK];
    int rc = Z_OK;
    size_t fed = 0;
    *trouble = ASY_OK;
    while (rc == Z_OK) {
        if (d->z.avail_in == 0) {
            size_t take = input.len - fed < most ? input.len - fed : most;
            d->z.next_in = (Bytef *)(uintptr_t)(input.ptr + fed);
            d->z.avail_in = (uInt)take;
            fed += take;
        }
        d->z.next_out = chunk;
        d->z.avail_out = sizeof(chunk);
        rc = inflate(&d->z, Z_NO_FLUSH);
        asy_span made = {chunk, sizeof(chunk) - d->z.avail_out};
        d->crc = (uint32_t)crc32(d->crc, made.ptr, (uInt)made.len);
        d->size += made.len;
        *trouble = asy_blob_writer_add(d->writer, made, error);
        if (*trouble < 0)
            break;
    }
    *used = fed - d->z.avail_in;
    return rc;
}

/* Decodes the stream of m and checks its trailer. NULL, or what is wrong with it. */
static const char *decode_member(asy_span file, gzip_member *m, asy_blob_writer *writer,
                                 int *trouble, asy_error *error)
{
    uint64_t used = 0;
    decoder d = {.writer = writer};
    asy_span input = asy_span_sub(file, m->stream, file.len - m->stream);
    ASY_ASSERT(inflateInit2(&d.z, -MAX_WBITS) == Z_OK);
    int rc = inflate_stream(&d, input, &used, trouble, error);
    inflateEnd(&d.z);
    if (*trouble < 0)
        return NULL;
    if (rc != Z_STREAM_END)
        return rc == Z_BUF_ERROR ? "the stream ends too early" : "the deflate stream is damaged";
    m->trailer = m->stream + used;
    asy_cursor c = asy_cursor_over(file);
    asy_cursor_seek(&c, m->trailer);
    uint32_t crc = asy_cursor_u32le(&c), size = asy_cursor_u32le(&c);
    if (c.failed)
        return "the trailer is cut off";
    if (crc != d.crc)
        return "the checksum is wrong";
    m->end = c.pos;
    return size == (uint32_t)d.size ? NULL : "the length is wrong";
}

static const char *time_text(asy_layout *layout, asy_span bytes)
{
    asy_cursor c = asy_cursor_over(bytes);
    uint32_t seconds = asy_cursor_u32le(&c);
    return seconds ? asy_layout_time(layout, seconds) : "none";
}

static void emit_text(asy_layout *layout, uint64_t from, uint64_t to, const char *name)
{
    asy_region *region = asy_layout_region(layout, from, to - from, name, ASY_ROLE_STRUCT);
    if (region)
        region->value = (const char *)asy_layout_copy(layout, region->bytes).ptr;
}

static void emit_header(asy_layout *layout, const gzip_member *m)
{
    asy_layout_region(layout, m->start, 2, "header.magic", ASY_ROLE_STRUCT);
    asy_layout_region(layout, m->start + 2, 1, "header.method", ASY_ROLE_STRUCT);
    asy_layout_region(layout, m->start + 3, 1, "header.flags", ASY_ROLE_STRUCT);
    asy_region *region =
        asy_layout_region(layout, m->start + 4, 4, "header.mtime", ASY_ROLE_STRUCT);
    region->step = &step_times;
    region->value = time_text(layout, region->bytes);
    region = asy_layout_region(layout, m->start + 8, 1, "header.xfl", ASY_ROLE_STRUCT);
    uint8_t level = region->bytes.ptr[0];
    if (level == 0 || level == 2 || level == 4)
        region->step = &step_content;
    region->value = level == 2 ? "best" : level == 4 ? "fastest" : NULL;
    region = asy_layout_region(layout, m->start + 9, 1, "header.os", ASY_ROLE_STRUCT);
    region->value = asy_layout_text(layout, "%u", region->bytes.ptr[0]);
    asy_layout_region(layout, m->extra, m->name - m->extra, "header.extra", ASY_ROLE_STRUCT);
    emit_text(layout, m->name, m->comment, "header.name");
    emit_text(layout, m->comment, m->hcrc, "header.comment");
    /* It covers the time, so it would follow from it; writers that make one are rare: it counts. */
    asy_layout_region(layout, m->hcrc, m->stream - m->hcrc, "header.crc", ASY_ROLE_STRUCT);
}

static void emit_trailer(asy_layout *layout, const gzip_member *m, uint64_t decoded)
{
    asy_region *crc = asy_layout_region(layout, m->trailer, 4, "trailer.crc", ASY_ROLE_STRUCT);
    crc->step = &step_checksum;
    crc->derived = true;
    asy_region *size =
        asy_layout_region(layout, m->trailer + 4, 4, "trailer.size", ASY_ROLE_STRUCT);
    size->step = &step_checksum;
    size->derived = true;
    size->value = asy_layout_text(layout, "%" PRIu64, decoded);
}

/* What was read, or as much of it as could be. */
typedef struct gzip_file {
    gzip_member first;
    uint64_t end; /* of the last whole member */
    unsigned members;
    const char *problem;
    int trouble;
} gzip_file;

/* Members up to the first thing that is none. */
static void decode_all(asy_span file, gzip_file *gz, asy_blob_writer *writer, asy_error *error)
{
    while (gz->end < file.len) {
        gzip_member m = {.start = gz->end};
        if (!read_header(file, &m)) {
            gz->problem = gz->members ? NULL : "the header is damaged";
            return;
        }
        if (gz->members == 0)
            gz->first = m;
        gz->problem = decode_member(file, &m, writer, &gz->trouble, error);
        if (gz->problem || gz->trouble < 0)
            return;
        if (gz->members++ == 0)
            gz->first = m;
        gz->end = m.end;
    }
}

static void emit_good(asy_layout *layout, const gzip_file *gz, asy_blob *blob)
{
    asy_span none = {NULL, 0};
    uint64_t decoded = asy_blob_span(blob).len;
    const gzip_member *m = &gz->first;
    if (gz->members == 1) {
        emit_header(layout, m);
        asy_layout_decoded(layout, m->stream, m->trailer - m->stream, blob, none, "stream",
                           &step_content, true);
        emit_trailer(layout, m, decoded);
    } else {
        asy_layout_notable(layout, 0, gz->end, "members", "%u gzip members, read as one",
                           gz->members);
        asy_layout_decoded(layout, 0, gz->end, blob, none, "members", NULL, true);
    }
    uint64_t left = asy_layout_bytes(layout).len - gz->end;
    if (left == 0)
        return;
    asy_layout_malformed(layout, gz->end, left, "trailing", "data after the end of the stream");
    asy_layout_region(layout, gz->end, left, "trailing", ASY_ROLE_RAW);
}

static void emit_bad(asy_layout *layout, const gzip_file *gz)
{
    uint64_t size = asy_layout_bytes(layout).len, at = gz->end;
    asy_layout_region(layout, 0, at, "members", ASY_ROLE_OPAQUE);
    if (gz->trouble == ASY_E_LIMIT) {
        asy_layout_limit(layout, NULL, at);
        asy_layout_region(layout, at, size - at, "stream", ASY_ROLE_OPAQUE);
        return;
    }
    asy_layout_malformed(layout, at, size - at, "stream", "%s", gz->problem);
    asy_layout_region(layout, at, size - at, "stream", ASY_ROLE_RAW);
}

static int read_gzip(asy_layout *layout, asy_error *error)
{
    ASY_ERROR_AUTO trouble = ASY_ERROR_INIT;
    gzip_file gz = {0};
    asy_blob *blob = NULL;
    asy_span file = asy_layout_bytes(layout);
    asy_blob_writer *writer = asy_layout_writer(layout, file.len);
    decode_all(file, &gz, writer, &trouble);
    if (gz.trouble < 0 && gz.trouble != ASY_E_LIMIT) {
        asy_blob_writer_free(writer);
        return asy_error_set(error, gz.trouble, "%s", trouble.message);
    }
    if (gz.trouble < 0 || gz.problem) {
        asy_blob_writer_free(writer);
        emit_bad(layout, &gz);
        return ASY_OK;
    }
    int rc = asy_blob_writer_finish(writer, &blob, error);
    if (rc == ASY_OK)
        emit_good(layout, &gz, blob);
    return rc;
}

static int probe(const asy_probe *file)
{
    return asy_span_starts(file->head, "\x1f\x8b\x08") ? ASY_BID_MAGIC : ASY_BID_NO;
}

static const asy_step *const steps[] = {&step_times, &step_content, &step_checksum, NULL};

extern const asy_format asy_format_gzip;
const asy_format asy_format_gzip = {.name = "gzip",
                                    .title = "gzip compressed data",
                                    .probe = probe,
                                    .read = read_gzip,
                                    .steps = steps};
