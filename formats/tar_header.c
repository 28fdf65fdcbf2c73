/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of a tar header block. */
#include "formats/tar.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const asy_step tar_step_times = {
    .name = "tar.member-times",
    .version = 1,
    .cause = "timestamp.archive-member",
    .summary = "the modification time of a member, where no member records the times of others"};
const asy_step tar_step_checksum = {.name = "tar.checksum",
                                    .version = 1,
                                    .cause = "derived.checksum",
                                    .summary =
                                        "the checksum of a member's header, where it is right"};

typedef enum kind { TEXT, MODE, NUMBER, SIZE, TIME, CHECKSUM, TYPE, OTHER, PAD } kind;

typedef struct header_field {
    const char *name;
    uint16_t offset, size;
    kind kind;
} header_field;

static const header_field common_fields[] = {
    {"header.name", 0, 100, TEXT},       {"header.mode", 100, 8, MODE},
    {"header.uid", 108, 8, NUMBER},      {"header.gid", 116, 8, NUMBER},
    {"header.size", 124, 12, SIZE},      {"header.mtime", 136, 12, TIME},
    {"header.chksum", 148, 8, CHECKSUM}, {"header.typeflag", 156, 1, TYPE},
    {"header.linkname", 157, 100, TEXT},
};
static const header_field v7_fields[] = {{"header.pad", 257, 255, PAD}};
static const header_field owner_fields[] = {
    {"header.uname", 265, 32, TEXT},
    {"header.gname", 297, 32, TEXT},
    {"header.devmajor", 329, 8, NUMBER},
    {"header.devminor", 337, 8, NUMBER},
};
static const header_field ustar_magic[] = {{"header.magic", 257, 6, OTHER},
                                           {"header.version", 263, 2, OTHER}};
static const header_field ustar_fields[] = {{"header.prefix", 345, 155, TEXT},
                                            {"header.pad", 500, 12, PAD}};
static const header_field gnu_magic[] = {{"header.magic", 257, 8, OTHER}};
static const header_field gnu_fields[] = {{"header.atime", 345, 12, NUMBER},
                                          {"header.ctime", 357, 12, NUMBER},
                                          {"header.gnu", 369, 126, OTHER},
                                          {"header.pad", 495, 17, PAD}};

asy_span tar_field(asy_span block, size_t offset, size_t size)
{
    return asy_span_sub(block, offset, size);
}

asy_span tar_string(asy_span field)
{
    const uint8_t *nul = field.len ? memchr(field.ptr, 0, field.len) : NULL;
    return nul ? asy_span_sub(field, 0, (uint64_t)(nul - field.ptr)) : field;
}

static bool base256(asy_span field, uint64_t *value)
{
    uint64_t sum = field.ptr[0] & 0x7f;
    if (field.ptr[0] == 0xff)
        return false;
    for (size_t i = 1; i < field.len; i++) {
        if (sum >> 55)
            return false;
        sum = sum << 8 | field.ptr[i];
    }
    *value = sum;
    return sum <= INT64_MAX;
}

bool tar_number(asy_span field, uint64_t *value)
{
    size_t at = 0;
    uint64_t sum = 0;
    if (field.len && field.ptr[0] & 0x80)
        return base256(field, value);
    while (at < field.len && field.ptr[at] == ' ')
        at++;
    for (; at < field.len && field.ptr[at] >= '0' && field.ptr[at] <= '7'; at++)
        sum = sum << 3 | (uint64_t)(field.ptr[at] - '0'); /* at most 12 digits: 36 bits */
    if (at < field.len && field.ptr[at] != ' ' && field.ptr[at] != 0)
        return false;
    *value = sum;
    return true;
}

tar_dialect tar_dialect_of(asy_span block)
{
    asy_span magic = tar_field(block, 257, 8);
    if (memcmp(magic.ptr, "ustar  ", 8) == 0)
        return TAR_GNU;
    return memcmp(magic.ptr, "ustar", 6) == 0 ? TAR_USTAR : TAR_V7;
}

/* With bytes as unsigned numbers, and as signed ones: some old writers took them so. */
static void sums(asy_span block, uint64_t *as_unsigned, int64_t *as_signed)
{
    *as_unsigned = 0;
    *as_signed = 0;
    for (size_t i = 0; i < TAR_BLOCK; i++) {
        uint8_t byte = i >= 148 && i < 156 ? ' ' : block.ptr[i];
        *as_unsigned += byte;
        *as_signed += (int8_t)byte;
    }
}

bool tar_checksum_holds(asy_span block, bool *canonical)
{
    asy_span stored = tar_field(block, 148, 8);
    uint64_t value = 0, sum;
    int64_t as_signed;
    sums(block, &sum, &as_signed);
    char spelled[16];
    snprintf(spelled, sizeof(spelled), "%06" PRIo64, sum);
    *canonical = memcmp(stored.ptr, spelled, 7) == 0 && stored.ptr[7] == ' ';
    if (*canonical)
        return true;
    if (asy_span_is_zero(stored) || !tar_number(stored, &value))
        return false;
    return value == sum || (as_signed >= 0 && value == (uint64_t)as_signed);
}

/* The number that the digits at `at` make, whatever follows them. False for a single one: in data of
 * any other kind that and a small signed sum meet by chance, in one file of some thousands. */
static bool digits_of(asy_span field, size_t at, const char *alphabet, unsigned base,
                      uint64_t *number)
{
    uint64_t value = 0;
    size_t start = at;
    for (; at < field.len; at++) {
        const char *digit = field.ptr[at] ? strchr(alphabet, field.ptr[at]) : NULL;
        if (!digit)
            break;
        value = value * base + (uint64_t)(digit - alphabet); /* at most 8 digits: 48 bits */
    }
    *number = value;
    return at - start > 1;
}

bool tar_some_reader_sums(asy_span block)
{
    static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    asy_span stored = tar_field(block, 148, 8);
    uint64_t value = 0, sum;
    int64_t as_signed;
    size_t at = 0;
    sums(block, &sum, &as_signed);
    while (at < stored.len && (stored.ptr[at] == 0 || isspace(stored.ptr[at])))
        at++;
    if (at == stored.len)
        return false;
    bool read = stored.ptr[0] & 0x80    ? base256(stored, &value)
                : stored.ptr[at] == '+' ? digits_of(stored, at + 1, base64, 64, &value)
                                        : digits_of(stored, at, "01234567", 8, &value);
    if (!read)
        return false;
    return value == sum || (as_signed >= 0 && value == (uint64_t)as_signed);
}

bool tar_time_is_canonical(asy_span field)
{
    for (size_t i = 0; i < 11; i++)
        if (field.ptr[i] < '0' || field.ptr[i] > '7')
            return false;
    return field.ptr[11] == 0 || field.ptr[11] == ' ';
}

static const char *type_text(uint8_t flag)
{
    static const char *const names[] = {"file",         "hard link", "symlink", "character device",
                                        "block device", "directory", "fifo",    "contiguous file"};
    return flag >= '0' && flag <= '7' ? names[flag - '0'] : flag == 0 ? "file" : NULL;
}

static const char *number_text(asy_layout *layout, kind what, asy_span bytes)
{
    uint64_t number;
    if (asy_span_is_zero(bytes) || !tar_number(bytes, &number))
        return NULL;
    if (what == MODE)
        return asy_layout_text(layout, "%04" PRIo64, number & 07777);
    return what == TIME ? asy_layout_time(layout, number)
                        : asy_layout_text(layout, "%" PRIu64, number);
}

static const char *field_text(asy_layout *layout, kind what, asy_span bytes)
{
    if (what == TYPE)
        return type_text(bytes.ptr[0]);
    if (what == OTHER || what == PAD || what == CHECKSUM)
        return NULL;
    if (what != TEXT)
        return number_text(layout, what, bytes);
    asy_span text = tar_string(bytes);
    return text.len ? (const char *)asy_layout_copy(layout, text).ptr : NULL;
}

/* As field_text, but a value equal to the member's before is shared. */
static const char *shared_text(asy_layout *layout, const header_field *f, asy_span bytes,
                               size_t slot, tar_values *values)
{
    if (bytes.len > sizeof(values->last[slot].bytes))
        return field_text(layout, f->kind, bytes);
    if (!values->last[slot].value || memcmp(values->last[slot].bytes, bytes.ptr, bytes.len) != 0) {
        memcpy(values->last[slot].bytes, bytes.ptr, bytes.len);
        values->last[slot].value = field_text(layout, f->kind, bytes);
    }
    return values->last[slot].value;
}

typedef struct emission {
    asy_layout *layout;
    const tar_entry *entry;
    asy_span block;
    bool times;
    tar_values *values;
    size_t slot;
} emission;

static void check_text(emission *e, const header_field *f, asy_span bytes)
{
    size_t len = tar_string(bytes).len;
    if (!asy_span_is_zero(asy_span_sub(bytes, len, bytes.len - len)))
        asy_layout_notable(e->layout, e->entry->header + f->offset, f->size, f->name,
                           "bytes that are not zero after the end of the text");
}

static void emit_field(emission *e, const header_field *f)
{
    bool canonical;
    uint64_t offset = e->entry->header + f->offset;
    asy_span bytes = tar_field(e->block, f->offset, f->size);
    size_t slot = e->slot++;
    if (f->kind == PAD) {
        asy_layout_padding(e->layout, offset, f->size, f->name, NULL);
        return;
    }
    if (f->kind == TEXT)
        check_text(e, f, bytes);
    asy_region *region = asy_layout_region(e->layout, offset, f->size, f->name, ASY_ROLE_STRUCT);
    if (!region)
        return;
    region->value = shared_text(e->layout, f, bytes, slot, e->values);
    region->derived = f->kind == CHECKSUM || f->kind == SIZE;
    if (f->kind == TIME && e->times && tar_time_is_canonical(bytes))
        region->step = &tar_step_times;
    if (f->kind == CHECKSUM && tar_checksum_holds(e->block, &canonical) && canonical)
        region->step = &tar_step_checksum;
}

static void emit_fields(emission *e, const header_field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++)
        emit_field(e, &fields[i]);
}

void tar_emit_header(asy_layout *layout, const tar_entry *entry, bool times, tar_values *values)
{
    asy_span block = asy_span_sub(asy_layout_bytes(layout), entry->header, TAR_BLOCK);
    emission e = {layout, entry, block, times && !entry->pax_time, values, 0};
    tar_dialect dialect = tar_dialect_of(block);
    emit_fields(&e, common_fields, ASY_COUNT(common_fields));
    if (dialect == TAR_V7) {
        emit_fields(&e, v7_fields, ASY_COUNT(v7_fields));
        return;
    }
    if (dialect == TAR_GNU)
        emit_fields(&e, gnu_magic, ASY_COUNT(gnu_magic));
    else
        emit_fields(&e, ustar_magic, ASY_COUNT(ustar_magic));
    emit_fields(&e, owner_fields, ASY_COUNT(owner_fields));
    if (dialect == TAR_GNU)
        emit_fields(&e, gnu_fields, ASY_COUNT(gnu_fields));
    else
        emit_fields(&e, ustar_fields, ASY_COUNT(ustar_fields));
}
