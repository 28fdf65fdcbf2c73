/* SPDX-License-Identifier: Apache-2.0 */
/* Where two runs of bytes part, and what to say of it in a few words. */
#include "compare/passes.h"

#include <inttypes.h>

static void locate(asy_difference *difference)
{
    asy_span left = difference->left.bytes, right = difference->right.bytes;
    size_t common = left.len < right.len ? left.len : right.len;
    if (!left.ptr || !right.ptr)
        common = 0;
    uint64_t first = common, count = 0;
    for (size_t i = 0; i < common; i++) {
        if (left.ptr[i] == right.ptr[i])
            continue;
        if (count++ == 0)
            first = i;
    }
    difference->has_bytes = true;
    difference->first_byte = first;
    difference->byte_count = count;
}

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

/* "3 bytes differ, the first at 0x1139", "4 bytes more at the end, 10 -> 14 bytes" */
static const char *in_words(asy_work *work, const asy_difference *difference)
{
    const asy_side *left = &difference->left, *right = &difference->right;
    ASY_BUF_AUTO text = ASY_BUF_INIT;
    if (difference->byte_count)
        asy_buf_printf(&text, "%" PRIu64 " byte%s differ%s, the first at 0x%" PRIx64,
                       difference->byte_count, plural(difference->byte_count),
                       difference->byte_count == 1 ? "s" : "",
                       left->offset + difference->first_byte);
    else
        asy_buf_printf(&text, "one side goes on from 0x%" PRIx64,
                       left->offset + difference->first_byte);
    if (left->bytes.len != right->bytes.len)
        asy_buf_printf(&text, "; %zu -> %zu bytes", left->bytes.len, right->bytes.len);
    return asy_arena_strndup(work->arena, text.ptr, text.len);
}

static const char *lone_in_words(asy_work *work, const asy_difference *difference)
{
    const asy_side *side = difference->left.present ? &difference->left : &difference->right;
    return asy_arena_printf(work->arena, "only on the %s: %zu byte%s at 0x%" PRIx64,
                            difference->left.present ? "left" : "right", side->bytes.len,
                            plural(side->bytes.len), side->offset);
}

void asy_pass_bytes(asy_work *work)
{
    for (size_t i = 0; i < work->draft_count && !asy_work_interrupted(work); i++) {
        asy_difference *difference = &work->drafts[i].d;
        bool both = difference->left.present && difference->right.present;
        bool has_bytes = difference->left.bytes.ptr || difference->right.bytes.ptr;
        if (both && has_bytes)
            locate(difference);
        if (difference->summary)
            continue;
        if (both && has_bytes)
            difference->summary = in_words(work, difference);
        else if (has_bytes)
            difference->summary = lone_in_words(work, difference);
    }
}
