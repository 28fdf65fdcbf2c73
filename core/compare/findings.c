/* SPDX-License-Identifier: Apache-2.0 */
/* What the readers found: a format broken on one side alone, limits; and the net under it all. */
#include "compare/passes.h"

#include <stdlib.h>
#include <string.h>

static asy_span *malformed_texts(const asy_node *node, size_t *indexes, size_t *count)
{
    asy_span *texts = asy_calloc(node->finding_count + 1, sizeof(*texts));
    *count = 0;
    for (size_t i = 0; i < node->finding_count; i++) {
        if (!node->findings[i].malformed)
            continue;
        indexes[*count] = i;
        texts[(*count)++] = asy_span_str(node->findings[i].text);
    }
    return texts;
}

static asy_side side_of(const asy_node *node, const asy_finding *finding)
{
    return (asy_side){.present = true,
                      .offset = finding->offset,
                      .size = finding->size,
                      .value = finding->text,
                      .bytes = asy_span_sub(node->bytes, finding->offset, finding->size)};
}

static void one_sided(asy_work *work, size_t index, const asy_node *node,
                      const asy_finding *finding, bool is_left)
{
    asy_draft *draft =
        asy_draft_whole(work, index, ASY_MALFORMED, finding->region ? finding->region : "layout");
    *(is_left ? &draft->d.left : &draft->d.right) = side_of(node, finding);
    draft->d.summary = is_left ? "breaks its format on the left" : "breaks its format on the right";
}

static void compare_findings(asy_work *work, size_t index)
{
    const asy_node *left = work->pairs[index].left, *right = work->pairs[index].right;
    size_t *left_at = asy_calloc(left->finding_count + 1, sizeof(*left_at));
    size_t *right_at = asy_calloc(right->finding_count + 1, sizeof(*right_at));
    size_t left_count = 0, right_count = 0, count = 0;
    asy_span *left_texts = malformed_texts(left, left_at, &left_count);
    asy_span *right_texts = malformed_texts(right, right_at, &right_count);
    asy_twin *twins = asy_twins(left_texts, left_count, right_texts, right_count, &count);
    for (size_t i = 0; i < count; i++) {
        if (twins[i].right == ASY_NONE)
            one_sided(work, index, left, &left->findings[left_at[twins[i].left]], true);
        else if (twins[i].left == ASY_NONE)
            one_sided(work, index, right, &right->findings[right_at[twins[i].right]], false);
    }
    free(twins);
    free(left_texts);
    free(right_texts);
    free(left_at);
    free(right_at);
}

static void note_limits(asy_work *work, const asy_node *node)
{
    for (size_t i = 0; i < node->finding_count; i++)
        if (node->findings[i].limit)
            asy_work_limit(work, node->findings[i].text);
}

void asy_pass_findings(asy_work *work)
{
    for (size_t i = 0; i < work->pair_count; i++) {
        const asy_pair *pair = &work->pairs[i];
        if (!pair->left || !pair->right)
            continue;
        note_limits(work, pair->left);
        note_limits(work, pair->right);
        if (pair->left->finding_count || pair->right->finding_count)
            compare_findings(work, i);
    }
}

/* Whatever the passes before have missed: bytes that differ are a difference. */
void asy_pass_rest(asy_work *work)
{
    bool *seen = asy_calloc(work->pair_count + 1, sizeof(*seen));
    for (size_t i = 0; i < work->draft_count; i++)
        seen[work->drafts[i].pair] = true;
    for (size_t i = work->pair_count; i-- > 0;)
        for (size_t j = i + 1; !seen[i] && j < work->pairs[i].end; j = work->pairs[j].end)
            seen[i] = seen[j];
    for (size_t i = 0; i < work->pair_count && !asy_work_interrupted(work); i++) {
        const asy_pair *pair = &work->pairs[i];
        if (seen[i] || !pair->left || !pair->right || asy_node_limited(pair->left) ||
            asy_node_limited(pair->right))
            continue;
        asy_draft *draft = asy_draft_whole(work, i, ASY_CHANGED, "bytes");
        draft->d.left =
            (asy_side){.present = true, .size = pair->left->bytes.len, .bytes = pair->left->bytes};
        draft->d.right = (asy_side){
            .present = true, .size = pair->right->bytes.len, .bytes = pair->right->bytes};
    }
    free(seen);
}
