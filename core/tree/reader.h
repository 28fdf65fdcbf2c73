/* SPDX-License-Identifier: Apache-2.0 */
/* reader: what the files of this module share while a tree is being built. Private to it. */
#ifndef ASY_TREE_READER_H
#define ASY_TREE_READER_H

#include "base/arena.h"
#include "formats/format.h"
#include "tree/tree.h"

/* Files of a directory that are mapped at once: below the kernel's vm.max_map_count (65,530). */
enum { ASY_MAPS_MAX = 60000 };
/* Files of a directory below this size are read into memory: a mapping costs more. */
enum { ASY_MAP_MIN = 1 << 16 };
/* Folders below folders that a directory walk follows; each one holds a descriptor. */
enum { ASY_WALK_DEPTH_MAX = 256 };
/* Decoded data of at most this size may have any ratio to its encoding. */
enum { ASY_RATIO_FREE = 64 << 20 };

/* One reading of one input. */
typedef struct asy_reader {
    asy_tree *tree;
    const asy_limits *limits;
    int scratch_fd;
    uint64_t entries, expanded;
    unsigned maps;
    unsigned depth; /* of the node being read: 0 for the root */
} asy_reader;

/* One node being described. Lists grow on the heap and move to the arena when it is done. */
struct asy_layout {
    asy_reader *reader;
    asy_node *node;
    asy_span probe_name; /* the node's base name, or what an encoded file would be called inside */
    uint64_t next;       /* first byte that no region covers yet */
    asy_region *regions;
    size_t region_count, region_capacity;
    asy_record *records;
    size_t record_count, record_capacity;
    asy_node **children;
    size_t child_count, child_capacity;
    asy_finding *findings;
    size_t finding_count, finding_capacity;
    const char *writer_limit; /* which limit the last writer would hit */
    uint64_t writer_room;     /* and after how many bytes */
    bool entries_hit;
    int status; /* the first failure of a nested read: reading stops there */
    asy_error *error;
};

/* A node of the tree, with its meta and name; bytes and format are still to be set. */
asy_node *asy_reader_node(asy_reader *reader, asy_node *parent, asy_span name,
                          const asy_meta *meta);
/* Hashes node->bytes, finds its format and reads it, with all that it holds. */
int asy_reader_read(asy_reader *reader, asy_node *node, asy_span probe_name, asy_error *error);
/* The same with a format given, which need not have bid: every handler takes any bytes. */
int asy_reader_read_as(asy_reader *reader, asy_node *node, const asy_format *format,
                       asy_error *error);
/* Reads the folder open at fd (which stays the caller's) into a synthetic node. */
int asy_reader_directory(asy_reader *reader, asy_node *node, int fd, asy_error *error);

/* Regions `xattr.NAME` in the current record, for what is open at fd: attributes.c says which. */
int asy_reader_attributes(asy_layout *layout, int fd, asy_error *error);

void asy_layout_init(asy_layout *layout, asy_reader *reader, asy_node *node, asy_span probe_name,
                     asy_error *error);
/* Covers what is left, moves the lists to the arena and sets well_formed. */
void asy_layout_finish(asy_layout *layout);
/* Counts one more member; false, with a finding, when there are too many. */
bool asy_layout_admit(asy_layout *layout, uint64_t offset);
void asy_layout_adopt(asy_layout *layout, asy_node *child);
/* A region of a synthetic node: made bytes, borrowed for the life of the tree. */
asy_region *asy_layout_made(asy_layout *layout, asy_span bytes, const char *name, asy_role role);

/* Of a synthetic node: SHA-256 of its listing (docs/spec/normal-form.md). */
asy_sha256 asy_node_listing(const asy_node *node);

#endif
