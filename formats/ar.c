/* SPDX-License-Identifier: Apache-2.0 */
/* ar: static libraries, and the outer layer of a .deb. No step of its own: linkers read it all. */
#include "formats/ar.h"

#include <inttypes.h>
#include <string.h>

typedef struct ar_member {
    uint64_t header, data, size; /* data and size include a BSD long name */
    uint64_t long_name;          /* length of that */
    asy_span name;
    asy_span block; /* the header's 60 bytes */
} ar_member;

typedef struct ar_state {
    asy_layout *layout;
    const ar_rules *rules;
    void *user;
    asy_span names; /* the "//" table */
} ar_state;

static asy_span field(const ar_member *member, size_t offset, size_t size)
{
    return asy_span_sub(member->block, offset, size);
}

static asy_span trim(asy_span text)
{
    while (text.len && text.ptr[text.len - 1] == ' ')
        text.len--;
    return text;
}

/* Digits, then blanks to the end; false for anything else. An empty field is 0. */
static bool decimal(asy_span text, uint64_t *value)
{
    uint64_t sum = 0;
    text = trim(text);
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
        sum = sum * 10 + (uint64_t)(text.ptr[i] - '0'); /* at most 16 digits */
    }
    *value = sum;
    return true;
}

/* As every writer spells a number: digits without a leading zero. */
static bool canonical(asy_span text)
{
    uint64_t value;
    return decimal(text, &value) && text.ptr[0] != ' ' && (text.ptr[0] != '0' || value == 0) &&
           (value != 0 || trim(text).len == 1);
}

static asy_span until_slash(asy_span text)
{
    const uint8_t *slash = text.len ? memchr(text.ptr, '/', text.len) : NULL;
    return slash ? asy_span_sub(text, 0, (uint64_t)(slash - text.ptr)) : text;
}

/* GNU: "/123" is the offset of "name/\n" in the table. */
static bool table_name(ar_state *ar, ar_member *member, asy_span raw)
{
    uint64_t at;
    asy_span digits = asy_span_sub(raw, 1, raw.len - 1);
    if (digits.len == 0 || !decimal(digits, &at) || at >= ar->names.len)
        return false;
    asy_span rest = asy_span_sub(ar->names, at, ar->names.len - at);
    const uint8_t *end = memchr(rest.ptr, '\n', rest.len);
    member->name = asy_span_sub(rest, 0, end ? (uint64_t)(end - rest.ptr) : rest.len);
    if (asy_span_ends(member->name, "/"))
        member->name.len--;
    return end != NULL;
}

/* BSD: "#1/12" says that the name is the first 12 bytes of the data. */
static bool data_name(ar_state *ar, ar_member *member, asy_span raw)
{
    asy_span digits = asy_span_sub(raw, 3, raw.len - 3);
    if (digits.len == 0 || !decimal(digits, &member->long_name) || member->long_name > member->size)
        return false;
    asy_span name = asy_span_sub(asy_layout_bytes(ar->layout), member->data, member->long_name);
    const uint8_t *nul = name.len ? memchr(name.ptr, 0, name.len) : NULL;
    member->name = nul ? asy_span_sub(name, 0, (uint64_t)(nul - name.ptr)) : name;
    return true;
}

static bool resolve_name(ar_state *ar, ar_member *member)
{
    asy_span raw = trim(field(member, 0, 16));
    member->name = raw;
    if (ar->rules->long_names) {
        if (asy_span_eq(raw, asy_span_str("/")) || asy_span_eq(raw, asy_span_str("//")) ||
            asy_span_eq(raw, asy_span_str("/SYM64/")))
            return true;
        if (asy_span_starts(raw, "/"))
            return table_name(ar, member, raw);
        if (asy_span_starts(raw, "#1/"))
            return data_name(ar, member, raw);
    }
    member->name = until_slash(raw);
    return member->name.len > 0;
}

static void emit_header(ar_state *ar, const ar_member *member, unsigned flags)
{
    static const struct {
        const char *name;
        uint8_t offset, size;
    } fields[] = {{"header.name", 0, 16}, {"header.mtime", 16, 12}, {"header.uid", 28, 6},
                  {"header.gid", 34, 6},  {"header.mode", 40, 8},   {"header.size", 48, 10},
                  {"header.fmag", 58, 2}};
    for (size_t i = 0; i < ASY_COUNT(fields); i++) {
        uint64_t number;
        asy_span bytes = field(member, fields[i].offset, fields[i].size);
        asy_region *region = asy_layout_region(ar->layout, member->header + fields[i].offset,
                                               fields[i].size, fields[i].name, ASY_ROLE_STRUCT);
        if (!region)
            continue;
        bool is_time = fields[i].offset == 16, is_size = fields[i].offset == 48;
        region->derived = is_size;
        if (is_time && decimal(bytes, &number))
            region->value = asy_layout_time(ar->layout, number);
        else if (fields[i].offset != 58)
            region->value = (const char *)asy_layout_copy(ar->layout, trim(bytes)).ptr;
        if (is_time && flags & AR_TIMES && canonical(bytes))
            region->step = ar->rules->times;
        if (is_size && flags & AR_UNPACKED && canonical(bytes))
            region->step = ar->rules->size;
    }
}

static bool is_symbols(asy_span name)
{
    return asy_span_eq(name, asy_span_str("/")) || asy_span_eq(name, asy_span_str("/SYM64/")) ||
           asy_span_starts(name, "__.SYMDEF");
}

static void emit_content(ar_state *ar, const ar_member *member, unsigned flags)
{
    uint64_t data = member->data + member->long_name, size = member->size - member->long_name;
    asy_layout_region(ar->layout, member->data, member->long_name, "header.longname",
                      ASY_ROLE_STRUCT);
    if (ar->rules->long_names && is_symbols(member->name)) {
        asy_layout_region(ar->layout, data, size, "symbols", ASY_ROLE_STRUCT);
        return;
    }
    if (ar->rules->long_names && asy_span_eq(member->name, asy_span_str("//"))) {
        ar->names = asy_span_sub(asy_layout_bytes(ar->layout), data, size);
        asy_layout_region(ar->layout, data, size, "names", ASY_ROLE_STRUCT);
        return;
    }
    asy_meta meta = {.type = ASY_TYPE_FILE};
    const asy_node *node = asy_layout_member(ar->layout, data, size, member->name, &meta, "content",
                                             flags & AR_UNPACKED);
    if (node && ar->rules->done)
        ar->rules->done(ar->user, ar->layout, member->header, node);
}

/* The newline that makes the next header start at an even offset. */
static void emit_pad(ar_state *ar, const ar_member *member, unsigned flags)
{
    uint64_t end = member->data + member->size;
    if (end % 2 == 0)
        return;
    asy_span file = asy_layout_bytes(ar->layout);
    if (end == file.len)
        return;
    asy_region *region = asy_layout_region(ar->layout, end, 1, "pad", ASY_ROLE_PADDING);
    bool newline = file.ptr[end] == '\n';
    if (region && newline && flags & AR_UNPACKED)
        region->step = ar->rules->size;
    if (!newline)
        asy_layout_notable(ar->layout, end, 1, "pad", "the pad byte is not a newline");
}

/* Reads the header at `at`; the reason why it is none, or NULL. */
static const char *read_header(ar_state *ar, uint64_t at, ar_member *member)
{
    asy_span file = asy_layout_bytes(ar->layout);
    *member = (ar_member){.header = at, .data = at + AR_HEADER};
    member->block = asy_span_sub(file, at, AR_HEADER);
    if (member->block.len != AR_HEADER)
        return "less than a header's 60 bytes are left";
    if (memcmp(field(member, 58, 2).ptr, "`\n", 2) != 0)
        return "a header does not end as it should";
    if (!decimal(field(member, 48, 10), &member->size) || trim(field(member, 48, 10)).len == 0)
        return "the size is no number";
    if (member->size > file.len - member->data)
        return "the member reaches past the end of the file";
    return resolve_name(ar, member) ? NULL : "the name cannot be read";
}

static bool emit_member(ar_state *ar, uint64_t at, uint64_t *next)
{
    ar_member member;
    uint64_t left = asy_layout_bytes(ar->layout).len - at;
    const char *problem = read_header(ar, at, &member);
    asy_layout_record(ar->layout, problem ? (asy_span){NULL, 0} : member.name);
    if (problem) {
        asy_layout_malformed(ar->layout, at, left, NULL, "%s", problem);
        asy_layout_region(ar->layout, at, left, "trailing", ASY_ROLE_RAW);
        return false;
    }
    unsigned flags =
        ar->rules->member ? ar->rules->member(ar->user, ar->layout, at, member.name) : 0;
    emit_header(ar, &member, flags);
    emit_content(ar, &member, flags);
    emit_pad(ar, &member, flags);
    *next = member.data + member.size;
    *next += *next % 2;
    return true;
}

void ar_read(asy_layout *layout, const ar_rules *rules, void *state)
{
    ar_state ar = {.layout = layout, .rules = rules, .user = state};
    uint64_t at = AR_MAGIC, size = asy_layout_bytes(layout).len;
    if (!asy_span_starts(asy_layout_bytes(layout), "!<arch>\n")) {
        asy_layout_malformed(layout, 0, size, "magic", "the magic is missing");
        asy_layout_region(layout, 0, size, "trailing", ASY_ROLE_RAW);
        return;
    }
    asy_layout_region(layout, 0, AR_MAGIC, "magic", ASY_ROLE_STRUCT);
    while (at < size && !asy_layout_full(layout))
        if (!emit_member(&ar, at, &at))
            return;
    if (at < size)
        asy_layout_region(layout, at, size - at, "rest", ASY_ROLE_OPAQUE);
}

static int probe(const asy_probe *file)
{
    return asy_span_starts(file->head, "!<arch>\n") ? ASY_BID_MAGIC : ASY_BID_NO;
}

static int read_ar(asy_layout *layout, asy_error *error ASY_UNUSED)
{
    const ar_rules rules = {.long_names = true};
    ar_read(layout, &rules, NULL);
    return ASY_OK;
}

extern const asy_format asy_format_ar;
const asy_format asy_format_ar = {
    .name = "ar", .title = "ar archive", .probe = probe, .read = read_ar};
