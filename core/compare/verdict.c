/* SPDX-License-Identifier: Apache-2.0 */
/* From differences to counts, certificate, verdict and exit code: docs/VERDICTS.md. */
#include "compare/passes.h"

#include <string.h>

static void count(asy_counts *counts, asy_status status)
{
    uint64_t *of[] = {[ASY_BENIGN] = &counts->benign,
                      [ASY_EXPLAINED] = &counts->explained,
                      [ASY_UNEXPLAINED] = &counts->unexplained};
    ++*of[status];
}

/* The worst that was seen, whatever was not seen. */
static asy_verdict seen_so_far(const asy_counts *counts)
{
    if (counts->unexplained)
        return ASY_DIFFERENT;
    if (counts->explained)
        return ASY_EXPLAINED_ONLY;
    return counts->benign ? ASY_EQUIVALENT : ASY_IDENTICAL;
}

/* Benign differences alone are not enough: the normal forms of the two files must be equal. */
static void certify(asy_work *work)
{
    asy_result *result = work->result;
    asy_node_normal(work->left->root, &result->left_normal);
    asy_node_normal(work->right->root, &result->right_normal);
    if (asy_sha256_eq(&result->left_normal.digest, &result->right_normal.digest))
        return;
    asy_draft *draft = asy_draft_whole(work, 0, ASY_CHANGED, "normal-form");
    draft->d.id = (unsigned)work->draft_count;
    draft->d.summary =
        "every difference seen is benign, yet the normal forms differ: no certificate";
    draft->d.left.present = draft->d.right.present = true;
    draft->d.risk = ASY_RISK_MEDIUM;
}

static void hand_over(asy_work *work)
{
    asy_result *result = work->result;
    size_t size = work->draft_count * sizeof(asy_difference);
    result->differences = asy_arena_alloc(work->arena, size + 1);
    result->difference_count = work->draft_count;
    for (size_t i = 0; i < work->draft_count; i++) {
        result->differences[i] = work->drafts[i].d;
        count(&result->counts, work->drafts[i].d.status);
        if (work->drafts[i].d.risk > result->risk)
            result->risk = work->drafts[i].d.risk;
    }
}

void asy_conclude(asy_work *work)
{
    asy_result *result = work->result;
    bool all_benign = true;
    for (size_t i = 0; i < work->draft_count; i++)
        all_benign = all_benign && work->drafts[i].d.status == ASY_BENIGN;
    asy_work_interrupted(work);
    if (all_benign && result->limit_count == 0)
        certify(work);
    hand_over(work);
    result->verdict = result->limit_count ? ASY_INCONCLUSIVE : seen_so_far(&result->counts);
}

int asy_result_exit_code(const asy_result *result, asy_verdict accept, bool allow_hidden)
{
    if (result->counts.hidden && !allow_hidden)
        return 1;
    if (result->verdict != ASY_INCONCLUSIVE)
        return result->verdict <= accept ? 0 : 1;
    return seen_so_far(&result->counts) > accept ? 1 : 2;
}
