/* SPDX-License-Identifier: Apache-2.0 */
/* Members that one side alone has, and pairs of which the formats differ. */
#include "compare/passes.h"

#include <inttypes.h>

static const char *type_word(const asy_node *node)
{
    switch (node->meta.type) {
    case ASY_TYPE_DIR:
        return "directory";
    case ASY_TYPE_SYMLINK:
        return "symlink";
    case ASY_TYPE_HARDLINK:
        return "hard link";
    case ASY_TYPE_CHAR:
        return "character device";
    case ASY_TYPE_BLOCK:
        return "block device";
    case ASY_TYPE_FIFO:
        return "fifo";
    case ASY_TYPE_OTHER:
        return "special file";
    case ASY_TYPE_FILE:
        break;
    }
    return "file";
}

/* "file, 0755, 1234 bytes", "symlink to ../x" */
static const char *describe(asy_work *work, const asy_node *node)
{
    ASY_BUF_AUTO text = ASY_BUF_INIT;
    asy_buf_puts(&text, type_word(node));
    if (node->meta.link.len) {
        asy_buf_puts(&text, " to ");
        asy_buf_add_span(&text, node->meta.link);
    }
    if (node->meta.has_mode)
        asy_buf_printf(&text, ", %04o", node->meta.mode);
    if (node->meta.type == ASY_TYPE_FILE)
        asy_buf_printf(&text, ", %zu bytes", node->bytes.len);
    return asy_arena_strndup(work->arena, text.ptr, text.len);
}

static asy_side side_of(asy_work *work, const asy_node *node)
{
    if (!node)
        return (asy_side){0};
    const asy_region *region = asy_node_region_of(node->parent, node);
    return (asy_side){.present = true,
                      .offset = region ? region->offset : 0,
                      .size = node->bytes.len,
                      .value = describe(work, node),
                      .bytes = node->bytes};
}

static void lone_member(asy_work *work, size_t index)
{
    const asy_pair *pair = &work->pairs[index];
    asy_draft *draft = asy_draft_whole(work, index, pair->left ? ASY_REMOVED : ASY_ADDED, "member");
    draft->d.left = side_of(work, pair->left);
    draft->d.right = side_of(work, pair->right);
    draft->d.summary = pair->left ? "only on the left" : "only on the right";
}

static asy_side whole_of(const asy_node *node, const char *value)
{
    return (asy_side){
        .present = true, .size = node->bytes.len, .value = value, .bytes = node->bytes};
}

static void other_format(asy_work *work, size_t index)
{
    const asy_node *left = work->pairs[index].left, *right = work->pairs[index].right;
    const asy_step *a = asy_encoding_step(left), *b = asy_encoding_step(right);
    bool recompressed = a && b;
    asy_draft *draft =
        asy_draft_whole(work, index, ASY_CHANGED, recompressed ? "format" : "content");
    draft->d.left = whole_of(left, recompressed || left->bytes.len ? left->format->title : "empty");
    draft->d.right =
        whole_of(right, recompressed || right->bytes.len ? right->format->title : "empty");
    if (recompressed)
        draft->d.cause = a->cause;
}

void asy_pass_content(asy_work *work)
{
    for (size_t i = 0; i < work->pair_count && !asy_work_interrupted(work); i++) {
        const asy_pair *pair = &work->pairs[i];
        if (!pair->left || !pair->right)
            lone_member(work, i);
        else if (pair->left->format != pair->right->format)
            other_format(work, i);
    }
}
