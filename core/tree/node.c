/* SPDX-License-Identifier: Apache-2.0 */
/* Questions about one node. */
#include "tree/reader.h"

bool asy_node_tiles(const asy_node *node, uint64_t *offset)
{
    uint64_t next = 0;
    if (node->format->synthetic)
        return true;
    for (size_t i = 0; i < node->region_count; i++) {
        const asy_region *region = &node->regions[i];
        bool same = region->bytes.len == region->size &&
                    region->bytes.ptr == node->bytes.ptr + region->offset;
        if (region->offset != next || region->size == 0 || !same) {
            *offset = next;
            return false;
        }
        next += region->size;
    }
    *offset = next;
    return next == node->bytes.len;
}

uint64_t asy_node_raw_bytes(const asy_node *node)
{
    uint64_t raw = 0;
    for (size_t i = 0; i < node->region_count; i++)
        if (node->regions[i].role == ASY_ROLE_RAW)
            raw += node->regions[i].size;
    return raw;
}

bool asy_node_is_unpacked(const asy_node *node)
{
    for (; node->parent; node = node->parent)
        if (!node->unpacked)
            return false;
    return true;
}

void asy_tree_free(asy_tree *tree)
{
    /* Children before parents, without a stack: a directory may hold millions. */
    asy_node *node = tree->root;
    while (node) {
        if (node->child_count > 0) {
            node = node->children[--node->child_count];
            continue;
        }
        asy_blob_unref(node->blob);
        node = node->parent;
    }
    asy_arena_free(tree->arena);
    *tree = (asy_tree){0};
}
