/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_format: the one template of the fuzz targets. A target is a file that includes this and names
 * its handler; the handler reads the input whatever it bids, and every node must tile, earn no step
 * that its format does not declare, and have a normal form.
 */
#ifndef ASY_FUZZ_FORMAT_H
#define ASY_FUZZ_FORMAT_H

#include "base/arena.h"
#include "tree/reader.h"

#include <stdlib.h>

static bool fuzz_declares(const asy_format *format, const asy_step *step)
{
    for (size_t i = 0; format->steps && format->steps[i]; i++)
        if (format->steps[i] == step)
            return true;
    return false;
}

static void fuzz_check(const asy_node *node)
{
    uint64_t offset;
    ASY_ASSERT(asy_node_tiles(node, &offset));
    ASY_ASSERT(!node->well_formed || asy_node_raw_bytes(node) == 0);
    for (size_t i = 0; i < node->region_count; i++)
        ASY_ASSERT(!node->regions[i].step || fuzz_declares(node->format, node->regions[i].step));
    ASY_ASSERT(!node->order_step || fuzz_declares(node->format, node->order_step));
    for (size_t i = 0; i < node->child_count; i++)
        fuzz_check(node->children[i]);
}

static void fuzz_format(const char *format, const uint8_t *data, size_t size)
{
    const asy_limits limits = {.depth = 6, .entries = 2000, .expanded = 8 << 20, .ratio = 2000};
    asy_tree tree = {.arena = asy_arena_new()};
    asy_reader reader = {.tree = &tree, .limits = &limits, .scratch_fd = -1};
    asy_node *root = asy_reader_node(&reader, NULL, (asy_span){NULL, 0}, NULL);
    ASY_ERROR_AUTO error = ASY_ERROR_INIT;
    tree.root = root;
    root->bytes = (asy_span){data, size};
    if (asy_reader_read_as(&reader, root, asy_format_by_name(format), &error) == ASY_OK) {
        asy_normal normal;
        fuzz_check(root);
        asy_node_normal(root, &normal);
        free(normal.uses);
    }
    asy_tree_free(&tree);
}

#define FUZZ_FORMAT(name)                                                                          \
    int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);                                  \
    int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)                                   \
    {                                                                                              \
        fuzz_format(name, data, size);                                                             \
        return 0;                                                                                  \
    }

#endif
