/* SPDX-License-Identifier: Apache-2.0 */
/* test_tree_support: files made by real tools in a folder that vanishes, and trees read from them. */
#ifndef ASY_TEST_TREE_SUPPORT_H
#define ASY_TEST_TREE_SUPPORT_H

#include "formats/format.h"
#include "tree/tree.h"

/* Runs a bash script in a new folder below the test's own; the folder's path, to be freed. The
 * script may use the functions of PRELUDE in test_tree_support.c. Fails the test when it fails. */
char *made_by(const char *script);
/* Reads dir/name; asserts that every node of it tiles. End with asy_tree_free. */
void read_made(const char *dir, const char *name, const asy_limits *limits, asy_tree *out);
void read_span(asy_span bytes, const char *name, asy_tree *out);
/* Asserts the tiling of a node and of all below it. */
void assert_tiles(const asy_node *node);
bool all_well_formed(const asy_node *node);
asy_sha256 normal_digest(const asy_tree *tree);
bool has_finding(const asy_node *node, const char *text);               /* here or below */
const asy_region *region_named(const asy_node *node, const char *name); /* the first, or NULL */
asy_node *member_named(const asy_node *node, const char *name);         /* at any depth, or NULL */
/* Removes all that made_by made. */
void remove_made(void);

#endif
