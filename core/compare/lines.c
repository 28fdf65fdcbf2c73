/* SPDX-License-Identifier: Apache-2.0 */
/* Line diffs of text, through libgit2. */
#include "compare/passes.h"

#include <git2.h>
#include <stdlib.h>
#include <string.h>

enum {
    LINES_TEXT_MAX = 4 << 20, /* bytes a side: above it, bytes are all that is said */
    LINES_KEPT = 400,         /* lines a difference, context among them */
    LINES_CONTEXT = 2,
    LINE_BYTES_KEPT = 2000
};

typedef struct collector {
    asy_arena *arena;
    asy_line *lines;
    size_t count, capacity;
    uint64_t removed, added;
    bool cut;
} collector;

static void keep(collector *into, char origin, int left, int right, asy_span text)
{
    if (into->count >= LINES_KEPT) {
        into->cut = true;
        return;
    }
    if (text.len > LINE_BYTES_KEPT) {
        text.len = LINE_BYTES_KEPT;
        into->cut = true;
    }
    ASY_GROW(into->lines, into->count, into->capacity);
    into->lines[into->count++] = (asy_line){.origin = origin,
                                            .left = left > 0 ? (uint32_t)left : 0,
                                            .right = right > 0 ? (uint32_t)right : 0,
                                            .text = asy_arena_copy(into->arena, text)};
}

static int on_line(const git_diff_delta *delta ASY_UNUSED, const git_diff_hunk *hunk ASY_UNUSED,
                   const git_diff_line *line, void *context)
{
    collector *into = context;
    asy_span text = {(const uint8_t *)line->content, line->content_len};
    if (text.len && text.ptr[text.len - 1] == '\n')
        text.len--;
    switch (line->origin) {
    case GIT_DIFF_LINE_DELETION:
        into->removed++;
        keep(into, '-', line->old_lineno, 0, text);
        break;
    case GIT_DIFF_LINE_ADDITION:
        into->added++;
        keep(into, '+', 0, line->new_lineno, text);
        break;
    case GIT_DIFF_LINE_CONTEXT:
        keep(into, ' ', line->old_lineno, line->new_lineno, text);
        break;
    case GIT_DIFF_LINE_CONTEXT_EOFNL:
    case GIT_DIFF_LINE_ADD_EOFNL:
    case GIT_DIFF_LINE_DEL_EOFNL:
        keep(into, '\\', 0, 0, asy_span_str("no newline at the end"));
        break;
    default:
        break;
    }
    return 0;
}

static bool collect(asy_span left, asy_span right, collector *into)
{
    git_diff_options options;
    git_diff_options_init(&options, GIT_DIFF_OPTIONS_VERSION);
    options.context_lines = LINES_CONTEXT;
    options.flags = GIT_DIFF_FORCE_TEXT;
    git_patch *patch = NULL;
    bool ok = git_patch_from_buffers(&patch, left.ptr, left.len, "left", right.ptr, right.len,
                                     "right", &options) == 0 &&
              git_patch_print(patch, on_line, into) == 0;
    git_patch_free(patch);
    return ok;
}

static void describe(asy_work *work, asy_difference *difference)
{
    collector into = {.arena = work->arena};
    if (collect(difference->left.bytes, difference->right.bytes, &into) && into.count) {
        difference->lines = asy_arena_alloc(work->arena, into.count * sizeof(asy_line));
        memcpy(difference->lines, into.lines, into.count * sizeof(asy_line));
        difference->line_count = into.count;
        difference->lines_cut = into.cut;
        difference->summary = asy_arena_printf(
            work->arena, "%llu line%s removed, %llu added", (unsigned long long)into.removed,
            into.removed == 1 ? "" : "s", (unsigned long long)into.added);
    }
    free(into.lines);
}

static bool is_text(const asy_node *node)
{
    return node && (strcmp(node->format->name, "text") == 0 || node->bytes.len == 0);
}

void asy_pass_lines(asy_work *work)
{
    git_libgit2_init();
    for (size_t i = 0; i < work->draft_count && !asy_work_interrupted(work); i++) {
        asy_difference *difference = &work->drafts[i].d;
        size_t left = difference->left.bytes.len, right = difference->right.bytes.len;
        if (difference->kind != ASY_CHANGED || !is_text(difference->left_node) ||
            !is_text(difference->right_node) || left > LINES_TEXT_MAX || right > LINES_TEXT_MAX)
            continue;
        /* Only the whole of a text: a file's one region, or the file against an empty one. */
        if (left == difference->left_node->bytes.len &&
            right == difference->right_node->bytes.len && left + right > 0)
            describe(work, difference);
    }
    git_libgit2_shutdown();
}
