/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When the order of members has no effect. Unpacking works through the members one
 * after the other, so their order matters where one of them can change what a later one means: a
 * second one of the same name, a hard link, a path through a symbolic link, a folder that comes
 * after what it holds, a global header.
 */
#include "formats/tar.h"

#include <stdlib.h>
#include <string.h>

typedef struct place {
    asy_span path; /* without "./" before it and "/" after it */
    size_t index;
} place;

/* Strips "./" and a final "/"; false for paths that another spelling may also name. */
static bool clean_path(asy_span name, asy_span *out)
{
    asy_span raw = name;
    while (asy_span_starts(name, "./"))
        name = asy_span_sub(name, 2, name.len - 2);
    if (name.len && name.ptr[name.len - 1] == '/')
        name = asy_span_sub(name, 0, name.len - 1);
    if (asy_span_eq(name, asy_span_str(".")))
        name = (asy_span){NULL, 0};
    *out = name;
    if (name.len == 0)
        return raw.len > 0 && raw.ptr[0] == '.';
    for (size_t start = 0, at = 0; at <= name.len; at++) {
        if (at < name.len && name.ptr[at] != '/')
            continue;
        asy_span part = asy_span_sub(name, start, at - start);
        if (part.len == 0 || asy_span_eq(part, asy_span_str(".")) ||
            asy_span_eq(part, asy_span_str("..")))
            return false;
        start = at + 1;
    }
    return true;
}

static int by_path(const void *left, const void *right)
{
    const place *a = left, *b = right;
    int order = asy_span_cmp(a->path, b->path);
    if (order != 0)
        return order;
    return a->index < b->index ? -1 : a->index > b->index;
}

static int key_path(const void *key, const void *element)
{
    return asy_span_cmp(*(const asy_span *)key, ((const place *)element)->path);
}

static const tar_entry *find(const tar_scan *scan, const place *places, size_t count, asy_span path)
{
    const place *found = bsearch(&path, places, count, sizeof(*places), key_path);
    return found ? &scan->entries[found->index] : NULL;
}

/* Every folder above `path` that the archive holds is a folder, and comes before it. */
static bool parents_lead(const tar_scan *scan, const place *places, size_t count,
                         const tar_entry *entry, asy_span path)
{
    for (size_t at = path.len ? path.len - 1 : 0; at > 0; at--) {
        if (path.ptr[at] != '/')
            continue;
        const tar_entry *parent = find(scan, places, count, asy_span_sub(path, 0, at));
        if (parent && (parent->type != ASY_TYPE_DIR || parent >= entry))
            return false;
    }
    const tar_entry *top = find(scan, places, count, (asy_span){NULL, 0});
    return !top || top == entry || (top->type == ASY_TYPE_DIR && top < entry);
}

/* The bytes of a header from `offset` on, up to `size` of them. */
static asy_span header_field(const tar_scan *scan, const tar_entry *entry, size_t offset,
                             size_t size)
{
    return asy_span_sub(scan->file, entry->header + offset, size);
}

/*
 * dpkg, bsdtar and others set mode, owner and time of a hard link's file to what the link's header
 * says, so that the last one wins: they may stand in any order only where all say the same. Pax
 * records can say more of it (owners, attributes, lists of rights), so there must be none.
 */
static bool says_the_same(const tar_scan *scan, const tar_entry *link, const tar_entry *file)
{
    static const struct {
        uint16_t offset, size;
    } shared[] = {{100, 24},  /* mode, uid, gid */
                  {136, 12},  /* mtime */
                  {257, 72}}; /* magic, version, uname, gname */
    if (link->pax || file->pax)
        return false;
    for (size_t i = 0; i < ASY_COUNT(shared); i++)
        if (!asy_span_eq(header_field(scan, link, shared[i].offset, shared[i].size),
                         header_field(scan, file, shared[i].offset, shared[i].size)))
            return false;
    return true;
}

static bool link_follows(const tar_scan *scan, const place *places, size_t count,
                         const tar_entry *entry)
{
    asy_span target;
    if (entry->type != ASY_TYPE_HARDLINK)
        return true;
    if (!clean_path(entry->link, &target))
        return false;
    const tar_entry *file = find(scan, places, count, target);
    return file && file->type == ASY_TYPE_FILE && file < entry && says_the_same(scan, entry, file);
}

static asy_span parent_of(asy_span path)
{
    size_t at = path.len;
    while (at > 0 && path.ptr[at - 1] != '/')
        at--;
    return asy_span_sub(path, 0, at);
}

/* A name that installing gives to a file for a while, so that it may meet the member of that name. */
static bool is_passing_name(asy_span path)
{
    static const char *const parts[] = {".dpkg-", ".pacnew", ".pacorig", ".apk-new", ".apk."};
    for (size_t i = 0; path.len && i < ASY_COUNT(parts); i++)
        if (memmem(path.ptr, path.len, parts[i], strlen(parts[i])))
            return true;
    return false;
}

/* The places by index, as in the archive, and sorted by path. */
static bool relations_hold(const tar_scan *scan, const place *by_index, const place *sorted,
                           size_t count)
{
    asy_span checked = {NULL, 0};
    for (size_t i = 0; i < count; i++) {
        const tar_entry *entry = &scan->entries[by_index[i].index];
        if (entry->sparse || entry->type == ASY_TYPE_OTHER || is_passing_name(by_index[i].path))
            return false;
        asy_span folder = parent_of(by_index[i].path);
        bool same = folder.len && asy_span_eq(folder, checked);
        if (!same && !parents_lead(scan, sorted, count, entry, by_index[i].path))
            return false;
        checked = folder;
        if (!link_follows(scan, sorted, count, entry))
            return false;
    }
    return true;
}

static bool all_differ(const tar_scan *scan, const place *sorted, size_t count)
{
    bool differ = true;
    for (size_t i = 1; i < count; i++) {
        if (!asy_span_eq(sorted[i].path, sorted[i - 1].path))
            continue;
        const tar_entry *entry = &scan->entries[sorted[i].index];
        asy_layout_notable(scan->layout, entry->start, entry->data - entry->start, "header.name",
                           "an earlier member has the same name: unpacking keeps the last");
        differ = false;
    }
    return differ;
}

bool tar_order_is_free(const tar_scan *scan)
{
    size_t count = 0;
    bool clean = true;
    place *by_index = asy_calloc(scan->count, sizeof(place));
    place *sorted = asy_calloc(scan->count, sizeof(place));
    for (size_t i = 0; i < scan->count; i++) {
        if (scan->entries[i].global)
            continue;
        clean &= clean_path(scan->entries[i].name, &by_index[count].path);
        by_index[count++].index = i;
    }
    memcpy(sorted, by_index, count * sizeof(place));
    qsort(sorted, count, sizeof(place), by_path);
    bool differ = all_differ(scan, sorted, count);
    bool is_free = clean && differ && !scan->global && !scan->odd && !scan->problem &&
                   relations_hold(scan, by_index, sorted, count);
    free(by_index);
    free(sorted);
    return is_free;
}
