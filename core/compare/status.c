/* SPDX-License-Identifier: Apache-2.0 */
/* What a step proves (benign), what it merely explains, and what nothing accounts for. */
#include "compare/passes.h"

/* A step proves something only on files that installing unpacks and that keep to their format. */
static bool provable(const asy_node *node)
{
    return node && node->well_formed && !asy_node_limited(node) && asy_node_is_unpacked(node);
}

static void judge(asy_draft *draft)
{
    if (!draft->step) {
        draft->d.status = draft->d.cause ? ASY_EXPLAINED : ASY_UNEXPLAINED;
        return;
    }
    draft->d.cause = draft->step->cause;
    bool proven = provable(draft->d.left_node) && provable(draft->d.right_node);
    draft->d.status = proven ? ASY_BENIGN : ASY_EXPLAINED;
}

void asy_pass_status(asy_work *work)
{
    for (size_t i = 0; i < work->draft_count; i++)
        judge(&work->drafts[i]);
}
