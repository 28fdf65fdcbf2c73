/* SPDX-License-Identifier: Apache-2.0 */
/* From bytes to a tree: hash, probe, dispatch, recurse. */
#include "tree/reader.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const asy_limits asy_limits_default = {
    .depth = 32, .entries = 2000000, .expanded = 64ull << 30, .ratio = 2000};

asy_node *asy_reader_node(asy_reader *reader, asy_node *parent, asy_span name, const asy_meta *meta)
{
    asy_arena *arena = reader->tree->arena;
    asy_node *node = asy_arena_alloc(arena, sizeof(*node));
    node->parent = parent;
    node->name = asy_arena_copy(arena, name);
    if (meta) {
        node->meta = *meta;
        node->meta.link = asy_arena_copy(arena, meta->link);
    }
    return node;
}

static const asy_format *choose(asy_layout *layout)
{
    asy_reader *reader = layout->reader;
    asy_span bytes = layout->node->bytes;
    size_t head = bytes.len < ASY_PROBE_BYTES ? bytes.len : ASY_PROBE_BYTES;
    asy_probe probe = {.head = asy_span_sub(bytes, 0, head),
                       .bytes = bytes,
                       .name = layout->probe_name,
                       .size = bytes.len};
    asy_probed found = asy_format_find(&probe);
    if (found.rival)
        asy_layout_malformed(layout, 0, 0, NULL,
                             "it is a %s and %s at once: readers take it for the one or the other",
                             found.format->title, found.rival);
    if (found.format->payload || reader->depth < reader->limits->depth)
        return found.format;
    asy_layout_limit(layout, "depth", 0);
    return asy_format_by_name("bytes");
}

static int run(asy_layout *layout, const asy_format *format, asy_error *error)
{
    asy_node *node = layout->node;
    node->sha256 = asy_sha256_of(node->bytes);
    node->format = format;
    int rc = format->read(layout, error);
    asy_layout_finish(layout);
    return layout->status < 0 ? layout->status : rc;
}

int asy_reader_read(asy_reader *reader, asy_node *node, asy_span probe_name, asy_error *error)
{
    asy_layout layout;
    asy_layout_init(&layout, reader, node, probe_name, error);
    return run(&layout, choose(&layout), error);
}

int asy_reader_read_as(asy_reader *reader, asy_node *node, const asy_format *format,
                       asy_error *error)
{
    asy_layout layout;
    asy_layout_init(&layout, reader, node, (asy_span){NULL, 0}, error);
    return run(&layout, format, error);
}

static void start(asy_reader *reader, asy_tree *tree, const asy_limits *limits, int scratch_fd)
{
    *tree = (asy_tree){.arena = asy_arena_new()};
    *reader = (asy_reader){.tree = tree, .limits = limits, .scratch_fd = scratch_fd};
    tree->root = asy_reader_node(reader, NULL, (asy_span){NULL, 0}, NULL);
}

static asy_span base_of(const char *name)
{
    return asy_span_str(name ? asy_path_base(name) : "");
}

int asy_tree_read_bytes(asy_span bytes, const char *name, const asy_limits *limits, asy_tree *out,
                        asy_error *error)
{
    asy_reader reader;
    start(&reader, out, limits, -1);
    out->root->bytes = bytes;
    int rc = asy_reader_read(&reader, out->root, base_of(name), error);
    if (rc < 0)
        asy_tree_free(out);
    return rc;
}

static int read_fd(asy_reader *reader, int fd, const char *name, asy_error *error)
{
    struct stat st;
    asy_node *root = reader->tree->root;
    if (fstat(fd, &st) != 0)
        return asy_error_errno(error, ASY_E_IO, "cannot stat");
    if (S_ISDIR(st.st_mode))
        return asy_reader_directory(reader, root, fd, error);
    int rc = asy_blob_map(fd, &root->blob, error);
    if (rc < 0)
        return rc;
    root->bytes = asy_blob_span(root->blob);
    return asy_reader_read(reader, root, base_of(name), error);
}

int asy_tree_read(int fd, const char *name, int scratch_fd, const asy_limits *limits, asy_tree *out,
                  asy_error *error)
{
    asy_reader reader;
    start(&reader, out, limits, scratch_fd);
    int rc = read_fd(&reader, fd, name, error);
    if (rc < 0) {
        asy_tree_free(out);
        asy_error_path(error, name);
    }
    return rc;
}
