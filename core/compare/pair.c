/* SPDX-License-Identifier: Apache-2.0 */
/* Which member is compared with which: by name, then an encoded member under another suffix. */
#include "compare/passes.h"

#include <stdlib.h>
#include <string.h>

/* A member's name as part of a path: "./" in front is noise, a NUL would cut the path off. */
static void add_name(asy_buf *path, asy_span name)
{
    while (asy_span_starts(name, "./") && name.len > 2)
        name = asy_span_sub(name, 2, name.len - 2);
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i])
            asy_buf_putc(path, (char)name.ptr[i]);
        else
            asy_buf_puts(path, "\\x00");
    }
}

const char *asy_member_path(asy_work *work, const char *parent, const asy_node *container,
                            asy_span name)
{
    if (name.len == 0)
        return parent;
    ASY_BUF_AUTO path = ASY_BUF_INIT;
    asy_buf_puts(&path, parent);
    asy_buf_puts(&path, container->format->synthetic ? "/" : "!/");
    add_name(&path, name);
    return asy_arena_strndup(work->arena, path.ptr, path.len);
}

static size_t add_pair(asy_work *work, const asy_node *left, const asy_node *right,
                       const char *path)
{
    ASY_GROW(work->pairs, work->pair_count, work->pair_capacity);
    work->pairs[work->pair_count] =
        (asy_pair){.left = left, .right = right, .path = path, .end = work->pair_count + 1};
    return work->pair_count++;
}

/* What a file that is nothing but an encoding holds; NULL for any other. */
static const asy_node *encoded_child(const asy_node *node)
{
    return asy_encoding_step(node) ? node->children[0] : NULL;
}

static asy_span without_suffix(asy_span name)
{
    size_t dot = name.len;
    while (dot > 0 && name.ptr[dot - 1] != '.' && name.ptr[dot - 1] != '/')
        dot--;
    if (dot < 2 || name.ptr[dot - 1] != '.')
        return name;
    return asy_span_sub(name, 0, dot - 1);
}

enum { RECOMPRESSED_MAX = 64 }; /* lone members on the right that are tried in turn */

/* data.tar.xz against data.tar.gz: lone names of one stem, both encodings. */
static void join_recompressed(const asy_pair *pair, asy_twin *twins, size_t count)
{
    if (count > RECOMPRESSED_MAX && twins[count - RECOMPRESSED_MAX].left == ASY_NONE)
        return;
    for (size_t i = 0; i < count; i++) {
        if (twins[i].left == ASY_NONE || twins[i].right != ASY_NONE)
            continue;
        const asy_record *left = &pair->left->records[twins[i].left];
        if (!left->member || !encoded_child(left->member))
            continue;
        for (size_t j = count; j > 0 && twins[j - 1].left == ASY_NONE; j--) {
            if (twins[j - 1].right == ASY_NONE)
                continue;
            const asy_record *right = &pair->right->records[twins[j - 1].right];
            if (right->member && encoded_child(right->member) &&
                asy_span_eq(without_suffix(left->key), without_suffix(right->key))) {
                twins[i].right = twins[j - 1].right;
                twins[j - 1].right = ASY_NONE;
                break;
            }
        }
    }
}

static asy_span *record_keys(const asy_node *node)
{
    asy_span *keys = asy_calloc(node->record_count + 1, sizeof(*keys));
    for (size_t i = 0; i < node->record_count; i++)
        keys[i] = node->records[i].key;
    return keys;
}

static asy_twin *match_records(const asy_pair *pair, size_t *count)
{
    asy_span *left = record_keys(pair->left), *right = record_keys(pair->right);
    asy_twin *twins =
        asy_twins(left, pair->left->record_count, right, pair->right->record_count, count);
    join_recompressed(pair, twins, *count);
    free(left);
    free(right);
    return twins;
}

static const asy_node *member_at(const asy_node *node, size_t record)
{
    return record == ASY_NONE ? NULL : node->records[record].member;
}

static void descend(asy_work *work, size_t index);

/* What only one side has, where a limit hid the other side's rest: nothing is known of it. */
static bool beyond_limit(const asy_pair *pair, asy_twin twin)
{
    return (twin.left == ASY_NONE && asy_node_limited(pair->left)) ||
           (twin.right == ASY_NONE && asy_node_limited(pair->right));
}

/* Pairs the members of two records; true when their bytes differ or one has none. */
static bool pair_members(asy_work *work, size_t container, asy_twin twin)
{
    const asy_node *outer_left = work->pairs[container].left;
    const asy_node *outer_right = work->pairs[container].right;
    const asy_node *left = member_at(outer_left, twin.left);
    const asy_node *right = member_at(outer_right, twin.right);
    const asy_node *named = left ? left : right;
    if (!named)
        return false;
    if (left && right && asy_sha256_eq(&left->sha256, &right->sha256)) {
        work->result->counts.identical++;
        return false;
    }
    const asy_node *outer = left ? outer_left : outer_right;
    const char *path = asy_member_path(work, work->pairs[container].path, outer, named->name);
    size_t index = add_pair(work, left, right, path);
    work->pairs[index].renamed = left && right && !asy_span_eq(left->name, right->name);
    if (left && right)
        descend(work, index);
    return true;
}

static void pair_records(asy_work *work, size_t index)
{
    size_t count = 0, kept = 0;
    asy_twin *twins = match_records(&work->pairs[index], &count);
    asy_match *matches = asy_arena_alloc(work->arena, (count + 1) * sizeof(*matches));
    for (size_t i = 0; i < count && !asy_work_interrupted(work); i++) {
        bool gone = twins[i].left == ASY_NONE && twins[i].right == ASY_NONE;
        if (gone || beyond_limit(&work->pairs[index], twins[i]))
            continue;
        asy_match *match = &matches[kept++];
        *match = (asy_match){.records = twins[i], .rank = work->pair_count};
        match->paired = pair_members(work, index, twins[i]);
    }
    free(twins);
    work->pairs[index].matches = matches;
    work->pairs[index].match_count = kept;
}

/* Fills in what lies inside a pair whose bytes differ. */
static void descend(asy_work *work, size_t index)
{
    const asy_node *left = work->pairs[index].left, *right = work->pairs[index].right;
    if (left->format == right->format) {
        pair_records(work, index);
    } else {
        const asy_node *inner_left = encoded_child(left), *inner_right = encoded_child(right);
        if (inner_left && inner_right) {
            if (asy_sha256_eq(&inner_left->sha256, &inner_right->sha256))
                work->result->counts.identical++;
            else
                descend(work, add_pair(work, inner_left, inner_right, work->pairs[index].path));
        }
    }
    work->pairs[index].end = work->pair_count;
}

void asy_pass_pair(asy_work *work)
{
    descend(work, add_pair(work, work->left->root, work->right->root, work->name));
}
