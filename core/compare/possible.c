/* SPDX-License-Identifier: Apache-2.0 */
/* Lone candidates for a cause, named without proof: they never change a status. */
#include "compare/passes.h"

#include <string.h>

typedef struct candidate {
    const char *format, *region, *cause;
    bool follows; /* only when the same file shows another difference, too */
} candidate;

static const candidate candidates[] = {
    {"elf", ".note.gnu.build-id", "derived.build-id", true},
    {"elf", ".gnu_debuglink", "derived.debuglink", true},
    {"ar", "order", "order.static-library", false},
};

static const candidate *candidate_for(const asy_difference *difference)
{
    const asy_node *node = difference->left_node ? difference->left_node : difference->right_node;
    for (size_t i = 0; i < ASY_COUNT(candidates); i++)
        if (strcmp(candidates[i].format, node->format->name) == 0 &&
            strcmp(candidates[i].region, difference->region) == 0)
            return &candidates[i];
    return NULL;
}

/* Whether the same file shows another difference, from which this one could follow. */
static bool has_company(const asy_work *work, size_t at)
{
    size_t pair = work->drafts[at].pair;
    return (at > 0 && work->drafts[at - 1].pair == pair) ||
           (at + 1 < work->draft_count && work->drafts[at + 1].pair == pair);
}

void asy_pass_possible(asy_work *work)
{
    for (size_t i = 0; i < work->draft_count; i++) {
        asy_difference *difference = &work->drafts[i].d;
        if (difference->status != ASY_UNEXPLAINED)
            continue;
        const candidate *found = candidate_for(difference);
        if (found && (!found->follows || has_company(work, i)))
            difference->possible_cause = found->cause;
    }
}
