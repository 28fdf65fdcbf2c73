/* SPDX-License-Identifier: Apache-2.0 */
/* The normal form, as docs/spec/normal-form.md lays it down: change neither without the other. */
#include "tree/reader.h"

#include <stdlib.h>
#include <string.h>

static const char RAW_HEAD[] = "assay normal form 1: raw\n";
static const char TREE_HEAD[] = "assay normal form 1: tree\n";

typedef struct uses {
    asy_step_use *list;
    size_t count, capacity, first; /* first: of the node at hand */
} uses;

static void put_u64(asy_hasher *hasher, uint64_t value)
{
    uint8_t bytes[8];
    for (unsigned i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
    asy_hasher_add(hasher, (asy_span){bytes, sizeof(bytes)});
}

static void put_span(asy_hasher *hasher, asy_span span)
{
    put_u64(hasher, span.len);
    asy_hasher_add(hasher, span);
}

static void put_hash(asy_hasher *hasher, const asy_sha256 *hash)
{
    asy_hasher_add(hasher, (asy_span){hash->bytes, sizeof(hash->bytes)});
}

static void note_use(uses *seen, const asy_step *step, const asy_node *node)
{
    for (size_t i = seen->first; i < seen->count; i++)
        if (seen->list[i].step == step && seen->list[i].node == node)
            return;
    ASY_GROW(seen->list, seen->count, seen->capacity);
    seen->list[seen->count++] = (asy_step_use){step, node};
}

static bool limited(const asy_node *node)
{
    for (size_t i = 0; i < node->finding_count; i++)
        if (node->findings[i].limit)
            return true;
    return false;
}

/* Stands for its child's normal form, not for its bytes. */
static bool is_member(const asy_region *region)
{
    return region->child &&
           (region->role == ASY_ROLE_CONTENT || (region->role == ASY_ROLE_ENCODED && region->step));
}

static asy_sha256 node_digest(const asy_node *node, uses *seen);

static void put_region(asy_hasher *hasher, const asy_region *region, uses *seen)
{
    asy_hasher_add(hasher, asy_span_str(is_member(region) ? "M" : "B"));
    put_span(hasher, asy_span_str(region->name));
    if (!is_member(region)) {
        put_span(hasher, region->bytes);
        return;
    }
    asy_sha256 child = node_digest(region->child, seen);
    put_hash(hasher, &child);
}

static void put_record(asy_hasher *hasher, const asy_node *node, const asy_record *record,
                       uses *seen)
{
    uint64_t kept = 0;
    for (size_t i = 0; i < record->count; i++) {
        const asy_region *region = &node->regions[record->first + i];
        kept += !region->step || is_member(region);
    }
    put_u64(hasher, kept);
    for (size_t i = 0; i < record->count; i++) {
        const asy_region *region = &node->regions[record->first + i];
        if (!region->step || is_member(region))
            put_region(hasher, region, seen);
    }
}

static int by_key(const void *left, const void *right)
{
    const asy_record *a = *(const asy_record *const *)left, *b = *(const asy_record *const *)right;
    int order = (a->key.len == 0) - (b->key.len == 0); /* the file's own structures last */
    if (order == 0)
        order = asy_span_cmp(a->key, b->key);
    if (order != 0)
        return order;
    return a < b ? -1 : a > b;
}

static const asy_record **ordered_records(const asy_node *node, uses *seen)
{
    const asy_record **list = asy_calloc(node->record_count, sizeof(asy_record *));
    for (size_t i = 0; i < node->record_count; i++)
        list[i] = &node->records[i];
    if (!node->order_step)
        return list;
    qsort(list, node->record_count, sizeof(asy_record *), by_key);
    for (size_t i = 0; i < node->record_count; i++)
        if (list[i] != &node->records[i])
            note_use(seen, node->order_step, node);
    return list;
}

static void put_tree(asy_hasher *hasher, const asy_node *node, uses *seen)
{
    seen->first = seen->count;
    for (size_t i = 0; i < node->region_count; i++)
        if (node->regions[i].step)
            note_use(seen, node->regions[i].step, node);
    const asy_record **records = ordered_records(node, seen);
    asy_hasher_add(hasher, asy_span_str(TREE_HEAD));
    put_span(hasher, asy_span_str(node->format->name));
    put_span(hasher, asy_span_str(node->order_step ? node->order_step->name : ""));
    put_u64(hasher, node->order_step ? node->order_step->version : 0);
    put_u64(hasher, node->record_count);
    for (size_t i = 0; i < node->record_count; i++)
        put_record(hasher, node, records[i], seen);
    free(records);
}

static asy_sha256 node_digest(const asy_node *node, uses *seen)
{
    asy_hasher *hasher = asy_hasher_new();
    if (!node->well_formed || node->format->payload || limited(node) ||
        !asy_node_is_unpacked(node)) {
        asy_hasher_add(hasher, asy_span_str(RAW_HEAD));
        put_hash(hasher, &node->sha256);
    } else {
        put_tree(hasher, node, seen);
    }
    return asy_hasher_finish(hasher);
}

asy_sha256 asy_node_listing(const asy_node *node)
{
    uses none = {0};
    asy_hasher *hasher = asy_hasher_new();
    put_tree(hasher, node, &none);
    free(none.list);
    return asy_hasher_finish(hasher);
}

void asy_node_normal(const asy_node *node, asy_normal *out)
{
    uses seen = {0};
    out->digest = node_digest(node, &seen);
    out->uses = seen.list;
    out->use_count = seen.count;
}
