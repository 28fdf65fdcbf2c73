/* SPDX-License-Identifier: Apache-2.0 */
/* What a step proves (benign), what it merely explains, and what nothing accounts for. */
#include "compare/passes.h"

/* A file that breaks its format, or that two formats claim, can be read in more than one way: then
 * what a field of it, or of anything inside, means is not known. */
static bool sound(const asy_node *node)
{
    if (!node)
        return false;
    for (; node; node = node->parent)
        if (!node->well_formed || asy_node_limited(node))
            return false;
    return true;
}

static void judge(asy_draft *draft)
{
    const asy_node *left = draft->d.left_node, *right = draft->d.right_node;
    const char *cause = draft->step ? draft->step->cause : draft->d.cause;
    draft->d.cause = NULL;
    draft->d.status = ASY_UNEXPLAINED;
    if (!cause)
        return;
    if (!sound(left) || !sound(right)) {
        draft->d.possible_cause = cause;
        return;
    }
    /* A step proves something only where installing unpacks. */
    bool proven = draft->step && asy_node_is_unpacked(left) && asy_node_is_unpacked(right);
    draft->d.cause = cause;
    draft->d.status = proven ? ASY_BENIGN : ASY_EXPLAINED;
}

void asy_pass_status(asy_work *work)
{
    for (size_t i = 0; i < work->draft_count; i++)
        judge(&work->drafts[i]);
}
