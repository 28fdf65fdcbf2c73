/* SPDX-License-Identifier: Apache-2.0 */
/* The layout: whatever a handler says, the regions tile the file and what is off is a finding. */
#include "test_tree_support.h"
#include "tree/reader.h"

#include <criterion/criterion.h>
#include <string.h>

static int read_badly(asy_layout *layout, asy_error *error ASY_UNUSED)
{
    static const asy_step step = {"test.step", 1, "encoding.container", "a step"};
    asy_layout_region(layout, 2, 3, "first", ASY_ROLE_STRUCT);
    asy_layout_region(layout, 4, 4, "overlapping", ASY_ROLE_STRUCT);
    asy_layout_region(layout, 3, 2, "hidden", ASY_ROLE_STRUCT);
    asy_layout_record(layout, asy_span_str("key"));
    asy_layout_padding(layout, 8, 2, "zeros", &step);
    asy_layout_padding(layout, 10, 2, "letters", &step);
    asy_layout_region(layout, 14, 99, "long", ASY_ROLE_STRUCT);
    asy_layout_region(layout, UINT64_MAX, 9, "far", ASY_ROLE_STRUCT);
    return ASY_OK;
}

Test(layout, tiles_whatever_a_handler_says)
{
    static const asy_format format = {.name = "test", .title = "test", .read = read_badly};
    static const struct {
        uint64_t offset, size;
        const char *name;
        asy_role role;
    } expected[] = {{0, 2, "gap", ASY_ROLE_RAW},
                    {2, 3, "first", ASY_ROLE_STRUCT},
                    {5, 3, "overlapping", ASY_ROLE_STRUCT},
                    {8, 2, "zeros", ASY_ROLE_PADDING},
                    {10, 2, "letters", ASY_ROLE_PADDING},
                    {12, 2, "gap", ASY_ROLE_RAW},
                    {14, 2, "long", ASY_ROLE_STRUCT}};
    asy_tree tree = {.arena = asy_arena_new()};
    asy_reader reader = {.tree = &tree, .limits = &asy_limits_default, .scratch_fd = -1};
    tree.root = asy_reader_node(&reader, NULL, (asy_span){NULL, 0}, NULL);
    tree.root->bytes = (asy_span){(const uint8_t *)"aabbbccc\0\0ddeeff", 16};
    cr_assert_eq(asy_reader_read_as(&reader, tree.root, &format, NULL), ASY_OK);
    assert_tiles(tree.root);
    cr_assert_eq(tree.root->region_count, ASY_COUNT(expected));
    for (size_t i = 0; i < ASY_COUNT(expected); i++) {
        const asy_region *region = &tree.root->regions[i];
        cr_expect_eq(region->offset, expected[i].offset);
        cr_expect_eq(region->size, expected[i].size);
        cr_expect_str_eq(region->name, expected[i].name);
        cr_expect_eq(region->role, expected[i].role);
        cr_expect_eq(region->step != NULL, strcmp(region->name, "zeros") == 0);
    }
    cr_expect_eq(asy_node_raw_bytes(tree.root), 4u);
    cr_expect_not(tree.root->well_formed);
    cr_expect(has_finding(tree.root, "past the end"));
    cr_expect(has_finding(tree.root, "earlier structure"));
    cr_expect(has_finding(tree.root, "no structure"));
    cr_assert_eq(tree.root->record_count, 2u);
    cr_expect_eq(tree.root->records[0].count + tree.root->records[1].count,
                 tree.root->region_count);
    asy_tree_free(&tree);
}
