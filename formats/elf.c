/* SPDX-License-Identifier: Apache-2.0 */
/*
 * elf: the System V ABI's object format, 32 and 64 bits, both byte orders. Header fields, the
 * entries of the two tables, the sections, and the bytes that none of them covers. No member and no
 * step: everything counts.
 */
#include "formats/format.h"

#include <elf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

typedef struct elf_table {
    uint64_t offset, count, entry;
} elf_table;

typedef struct elf_file {
    asy_layout *layout;
    asy_span bytes;
    bool wide, big;
    elf_table programs, sections;
    const struct extents *segments; /* where there are no sections */
    asy_span names;                 /* the section that holds the names of sections */
    uint64_t names_index;           /* and its number */
} elf_file;

/* A range of the file with a meaning. Ranges are described by offset, the earlier made first. */
typedef struct extent {
    uint64_t offset, size, address;
    const char *name, *value;
    asy_role role;
    uint32_t flags, order;
} extent;

typedef struct extents {
    extent *list;
    size_t count, capacity;
} extents;

/* The number of `width` bytes at `at`; 0 outside of the file. */
static uint64_t number(const elf_file *elf, uint64_t at, unsigned width)
{
    asy_cursor c = asy_cursor_over(elf->bytes);
    if (!asy_cursor_seek(&c, at))
        return 0;
    switch (width) {
    case 2:
        return elf->big ? asy_cursor_u16be(&c) : asy_cursor_u16le(&c);
    case 4:
        return elf->big ? asy_cursor_u32be(&c) : asy_cursor_u32le(&c);
    default:
        return elf->big ? asy_cursor_u64be(&c) : asy_cursor_u64le(&c);
    }
}

/* A field of a structure, by its place in the two classes. */
#define FIELD(elf, at, type, member)                                                               \
    ((elf)->wide                                                                                   \
         ? number(elf, (at) + offsetof(Elf64_##type, member), sizeof(((Elf64_##type *)0)->member)) \
         : number(elf, (at) + offsetof(Elf32_##type, member),                                      \
                  sizeof(((Elf32_##type *)0)->member)))

static extent *push(extents *all, uint64_t offset, uint64_t size, const char *name, asy_role role)
{
    ASY_GROW(all->list, all->count, all->capacity);
    extent *e = &all->list[all->count];
    *e = (extent){
        .offset = offset, .size = size, .name = name, .role = role, .order = (uint32_t)all->count};
    all->count++;
    return e;
}

/* ---- the header ------------------------------------------------------------------------------- */

#define PLACE(member)                                                                              \
    {                                                                                              \
        "header." #member, offsetof(Elf64_Ehdr, e_##member),                                       \
            sizeof(((Elf64_Ehdr *)0)->e_##member), offsetof(Elf32_Ehdr, e_##member),               \
            sizeof(((Elf32_Ehdr *)0)->e_##member)                                                  \
    }

static void add_header(const elf_file *elf, extents *all)
{
    static const struct {
        const char *name;
        uint16_t wide_offset, wide_size, offset, size;
    } fields[] = {{"header.magic", 0, 4, 0, 4},
                  {"header.class", EI_CLASS, 1, EI_CLASS, 1},
                  {"header.data", EI_DATA, 1, EI_DATA, 1},
                  {"header.ident-version", EI_VERSION, 1, EI_VERSION, 1},
                  {"header.osabi", EI_OSABI, 1, EI_OSABI, 1},
                  {"header.abiversion", EI_ABIVERSION, 1, EI_ABIVERSION, 1},
                  {"header.pad", EI_PAD, EI_NIDENT - EI_PAD, EI_PAD, EI_NIDENT - EI_PAD},
                  PLACE(type),
                  PLACE(machine),
                  PLACE(version),
                  PLACE(entry),
                  PLACE(phoff),
                  PLACE(shoff),
                  PLACE(flags),
                  PLACE(ehsize),
                  PLACE(phentsize),
                  PLACE(phnum),
                  PLACE(shentsize),
                  PLACE(shnum),
                  PLACE(shstrndx)};
    for (size_t i = 0; i < ASY_COUNT(fields); i++) {
        uint64_t at = elf->wide ? fields[i].wide_offset : fields[i].offset;
        uint64_t size = elf->wide ? fields[i].wide_size : fields[i].size;
        extent *e = push(all, at, size, fields[i].name, ASY_ROLE_STRUCT);
        if (size > 1 && size <= 8 && at >= EI_NIDENT)
            e->value = asy_layout_text(elf->layout, "0x%" PRIx64, number(elf, at, (unsigned)size));
    }
}

/* Keeps the whole entries that lie in the file; says so when there should be more. */
static void bound_table(const elf_file *elf, elf_table *table, uint64_t entry_size,
                        const char *what)
{
    uint64_t room = table->offset < elf->bytes.len ? elf->bytes.len - table->offset : 0;
    if (table->count && table->entry != entry_size) {
        asy_layout_malformed(elf->layout, 0, 0, what, "its entries are of %" PRIu64 " bytes",
                             table->entry);
        table->count = 0;
    }
    if (table->count > room / entry_size) {
        asy_layout_malformed(elf->layout, table->offset, 0, what,
                             "it reaches past the end of the file");
        table->count = room / entry_size;
    }
}

/* Counts that do not fit the header stand in the first section header. */
static void read_tables(elf_file *elf)
{
    uint64_t section_size = elf->wide ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);
    elf->programs = (elf_table){FIELD(elf, 0, Ehdr, e_phoff), FIELD(elf, 0, Ehdr, e_phnum),
                                FIELD(elf, 0, Ehdr, e_phentsize)};
    elf->sections = (elf_table){FIELD(elf, 0, Ehdr, e_shoff), FIELD(elf, 0, Ehdr, e_shnum),
                                FIELD(elf, 0, Ehdr, e_shentsize)};
    elf->names_index = FIELD(elf, 0, Ehdr, e_shstrndx);
    uint64_t first = elf->sections.offset;
    if (first) {
        if (elf->sections.count == 0)
            elf->sections.count = FIELD(elf, first, Shdr, sh_size);
        if (elf->names_index == SHN_XINDEX)
            elf->names_index = FIELD(elf, first, Shdr, sh_link);
        if (elf->programs.count == PN_XNUM)
            elf->programs.count = FIELD(elf, first, Shdr, sh_info);
    }
    bound_table(elf, &elf->programs, elf->wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr),
                "program-headers");
    bound_table(elf, &elf->sections, section_size, "section-headers");
    if (elf->names_index < elf->sections.count) {
        uint64_t at = first + elf->names_index * section_size;
        elf->names = asy_span_sub(elf->bytes, FIELD(elf, at, Shdr, sh_offset),
                                  FIELD(elf, at, Shdr, sh_size));
    }
}

/* ---- segments and sections -------------------------------------------------------------------- */

static uint32_t segment_flags(uint64_t flags)
{
    return ASY_REGION_LOAD | (flags & PF_X ? ASY_REGION_EXEC : 0) |
           (flags & PF_W ? ASY_REGION_WRITE : 0);
}

static const char *segment_type(const elf_file *elf, uint64_t type)
{
    static const char *const names[] = {"NULL", "LOAD",  "DYNAMIC", "INTERP",
                                        "NOTE", "SHLIB", "PHDR",    "TLS"};
    if (type < ASY_COUNT(names))
        return names[type];
    if (type == PT_GNU_STACK)
        return "GNU_STACK";
    if (type == PT_GNU_RELRO)
        return "GNU_RELRO";
    return asy_layout_text(elf->layout, "0x%" PRIx64, type);
}

static void add_programs(const elf_file *elf, extents *all)
{
    for (uint64_t i = 0; i < elf->programs.count; i++) {
        uint64_t at = elf->programs.offset + i * elf->programs.entry;
        extent *e =
            push(all, at, elf->programs.entry,
                 asy_layout_text(elf->layout, "program-header.%" PRIu64, i), ASY_ROLE_STRUCT);
        e->value = segment_type(elf, FIELD(elf, at, Phdr, p_type));
    }
}

/* Without sections, what is loaded is all there is to tell apart. */
static void add_segments(const elf_file *elf, extents *all)
{
    for (uint64_t i = 0; i < elf->programs.count; i++) {
        uint64_t at = elf->programs.offset + i * elf->programs.entry;
        if (FIELD(elf, at, Phdr, p_type) != PT_LOAD)
            continue;
        extent *e = push(all, FIELD(elf, at, Phdr, p_offset), FIELD(elf, at, Phdr, p_filesz),
                         asy_layout_text(elf->layout, "segment.%" PRIu64, i), ASY_ROLE_OPAQUE);
        e->address = FIELD(elf, at, Phdr, p_vaddr);
        e->flags = segment_flags(FIELD(elf, at, Phdr, p_flags));
    }
}

static const char *section_name(const elf_file *elf, uint64_t at, uint64_t index)
{
    uint64_t start = FIELD(elf, at, Shdr, sh_name);
    asy_span rest = {NULL, 0};
    if (start < elf->names.len)
        rest = asy_span_sub(elf->names, start, elf->names.len - start);
    const uint8_t *nul = rest.len ? memchr(rest.ptr, 0, rest.len) : NULL;
    if (!nul || nul == rest.ptr)
        return asy_layout_text(elf->layout, "section.%" PRIu64, index);
    return (const char *)asy_layout_copy(elf->layout,
                                         asy_span_sub(rest, 0, (uint64_t)(nul - rest.ptr)))
        .ptr;
}

static uint32_t section_flags(uint64_t flags)
{
    return (flags & SHF_ALLOC ? ASY_REGION_LOAD : 0) |
           (flags & SHF_EXECINSTR ? ASY_REGION_EXEC : 0) |
           (flags & SHF_WRITE ? ASY_REGION_WRITE : 0);
}

static void add_sections(const elf_file *elf, extents *all)
{
    for (uint64_t i = 0; i < elf->sections.count; i++) {
        uint64_t at = elf->sections.offset + i * elf->sections.entry;
        const char *name = i ? section_name(elf, at, i) : "none";
        extent *e =
            push(all, at, elf->sections.entry,
                 asy_layout_text(elf->layout, "section-header.%" PRIu64, i), ASY_ROLE_STRUCT);
        e->value = name;
    }
    for (uint64_t i = 1; i < elf->sections.count; i++) {
        uint64_t at = elf->sections.offset + i * elf->sections.entry;
        uint64_t type = FIELD(elf, at, Shdr, sh_type), size = FIELD(elf, at, Shdr, sh_size);
        if (type == SHT_NULL || type == SHT_NOBITS || size == 0)
            continue;
        extent *e = push(all, FIELD(elf, at, Shdr, sh_offset), size, section_name(elf, at, i),
                         ASY_ROLE_OPAQUE);
        e->address = FIELD(elf, at, Shdr, sh_addr);
        e->flags = section_flags(FIELD(elf, at, Shdr, sh_flags));
    }
}

/* ---- the layout ------------------------------------------------------------------------------- */

static int by_offset(const void *left, const void *right)
{
    const extent *a = left, *b = right;
    if (a->offset != b->offset)
        return a->offset < b->offset ? -1 : 1;
    return a->order < b->order ? -1 : a->order > b->order;
}

/* The part of [from, to) at its start that one segment covers or none does: its end; *found is the
 * segment. Without sections there are at most three such ranges, around the two tables. */
static uint64_t piece_end(const extents *segments, uint64_t from, uint64_t to, const extent **found)
{
    *found = NULL;
    for (size_t i = 0; segments && i < segments->count; i++) {
        const extent *e = &segments->list[i];
        uint64_t end = e->offset;
        if (from >= e->offset && from - e->offset < e->size) {
            *found = e;
            return to - from < e->size - (from - e->offset) ? to : e->offset + e->size;
        }
        if (end > from && end < to)
            to = end;
    }
    return to;
}

static void describe(const extent *e, asy_region *region)
{
    region->value = e->value;
    region->address = e->address + (region->offset - e->offset);
    region->flags = e->flags;
}

/* What no structure covers: alignment where it is zero, and worth a finding where it is not. */
static void emit_gap(const elf_file *elf, uint64_t from, uint64_t to)
{
    while (from < to) {
        const extent *segment;
        uint64_t end = piece_end(elf->segments, from, to, &segment);
        if (segment)
            describe(segment, asy_layout_region(elf->layout, from, end - from, segment->name,
                                                ASY_ROLE_OPAQUE));
        else
            asy_layout_padding(elf->layout, from, end - from,
                               end == elf->bytes.len ? "appended" : "gap", NULL);
        from = end;
    }
}

static void emit(const elf_file *elf, const extents *all)
{
    uint64_t next = 0;
    for (size_t i = 0; i < all->count; i++) {
        const extent *e = &all->list[i];
        if (e->size && e->offset < elf->bytes.len && e->offset > next)
            emit_gap(elf, next, e->offset);
        asy_region *region = asy_layout_region(elf->layout, e->offset, e->size, e->name, e->role);
        if (!region)
            continue;
        describe(e, region);
        next = region->offset + region->size;
    }
    emit_gap(elf, next, elf->bytes.len);
}

static int read_elf(asy_layout *layout, asy_error *error ASY_UNUSED)
{
    extents all = {0}, segments = {0};
    elf_file elf = {.layout = layout, .bytes = asy_layout_bytes(layout)};
    if (elf.bytes.len >= EI_NIDENT) {
        elf.wide = elf.bytes.ptr[EI_CLASS] == ELFCLASS64;
        elf.big = elf.bytes.ptr[EI_DATA] == ELFDATA2MSB;
    }
    if (elf.bytes.len < (elf.wide ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr))) {
        asy_layout_malformed(layout, 0, elf.bytes.len, "header", "the header is cut off");
        asy_layout_region(layout, 0, elf.bytes.len, "header", ASY_ROLE_RAW);
        return ASY_OK;
    }
    read_tables(&elf);
    add_header(&elf, &all); /* stays first: what lies over it is at fault */
    size_t fields = all.count;
    add_programs(&elf, &all);
    add_sections(&elf, &all);
    if (elf.sections.count == 0) {
        add_segments(&elf, &segments);
        elf.segments = &segments;
    }
    qsort(all.list + fields, all.count - fields, sizeof(extent), by_offset);
    emit(&elf, &all);
    free(all.list);
    free(segments.list);
    return ASY_OK;
}

static int probe(const asy_probe *file)
{
    return file->size >= EI_NIDENT && memcmp(file->head.ptr, ELFMAG, SELFMAG) == 0 &&
                   (file->head.ptr[EI_CLASS] == ELFCLASS32 ||
                    file->head.ptr[EI_CLASS] == ELFCLASS64) &&
                   (file->head.ptr[EI_DATA] == ELFDATA2LSB ||
                    file->head.ptr[EI_DATA] == ELFDATA2MSB)
               ? ASY_BID_SURE
               : ASY_BID_NO;
}

extern const asy_format asy_format_elf;
const asy_format asy_format_elf = {
    .name = "elf", .title = "ELF object", .probe = probe, .read = read_elf};
