/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the passes over the two queues, and keeps the queues. */
#include "compare/passes.h"

#include "io/io.h"

#include <stdlib.h>
#include <string.h>

typedef void (*pass)(asy_work *work);

static const pass passes[] = {
    asy_pass_pair,   asy_pass_regions, asy_pass_content,  asy_pass_findings,
    asy_pass_rest,   asy_pass_sort,    asy_pass_bytes,    asy_pass_lines,
    asy_pass_status, asy_pass_derived, asy_pass_possible, asy_pass_risk,
};

static asy_draft *add_draft(asy_work *work, size_t pair, asy_kind kind, const char *region)
{
    ASY_GROW(work->drafts, work->draft_count, work->draft_capacity);
    asy_draft *draft = &work->drafts[work->draft_count];
    *draft = (asy_draft){.pair = pair, .match = ASY_NONE, .sequence = work->draft_count};
    draft->d = (asy_difference){.path = work->pairs[pair].path,
                                .region = region,
                                .kind = kind,
                                .status = ASY_UNEXPLAINED,
                                .left_node = work->pairs[pair].left,
                                .right_node = work->pairs[pair].right};
    work->draft_count++;
    return draft;
}

asy_draft *asy_draft_whole(asy_work *work, size_t pair, asy_kind kind, const char *region)
{
    asy_draft *draft = add_draft(work, pair, kind, region);
    draft->rank = pair;
    draft->whole = true;
    return draft;
}

asy_draft *asy_draft_match(asy_work *work, size_t pair, size_t match, asy_kind kind,
                           const char *region)
{
    const asy_match *records = &work->pairs[pair].matches[match];
    asy_draft *draft = add_draft(work, pair, kind, region);
    draft->match = match;
    draft->rank = records->rank;
    draft->whole = records->paired;
    return draft;
}

void asy_work_limit(asy_work *work, const char *name)
{
    asy_result *result = work->result;
    for (size_t i = 0; i < result->limit_count; i++)
        if (strcmp(result->limits[i], name) == 0)
            return;
    ASY_GROW(result->limits, result->limit_count, work->limit_capacity);
    result->limits[result->limit_count++] = asy_arena_strndup(work->arena, name, strlen(name));
}

bool asy_work_interrupted(asy_work *work)
{
    if (!asy_interrupted())
        return false;
    asy_work_limit(work, "interrupted");
    return true;
}

bool asy_node_limited(const asy_node *node)
{
    for (size_t i = 0; i < node->finding_count; i++)
        if (node->findings[i].limit)
            return true;
    return false;
}

const asy_region *asy_node_region_of(const asy_node *container, const asy_node *member)
{
    for (size_t i = 0; container && i < container->record_count; i++) {
        const asy_record *record = &container->records[i];
        for (size_t j = 0; record->member == member && j < record->count; j++)
            if (container->regions[record->first + j].child == member)
                return &container->regions[record->first + j];
    }
    return NULL;
}

const asy_step *asy_encoding_step(const asy_node *node)
{
    const asy_region *region =
        node->child_count == 1 ? asy_node_region_of(node, node->children[0]) : NULL;
    return region && region->role == ASY_ROLE_ENCODED ? region->step : NULL;
}

static int by_place(const void *left, const void *right)
{
    const asy_draft *a = left, *b = right;
    if (a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    if (a->whole != b->whole)
        return a->whole ? 1 : -1;
    /* Before the same pair: what ends deeper inside comes first. */
    if (!a->whole && a->pair != b->pair)
        return a->pair > b->pair ? -1 : 1;
    return a->sequence < b->sequence ? -1 : a->sequence > b->sequence;
}

void asy_pass_sort(asy_work *work)
{
    if (work->draft_count)
        qsort(work->drafts, work->draft_count, sizeof(*work->drafts), by_place);
    for (size_t i = 0; i < work->draft_count; i++)
        work->drafts[i].d.id = (unsigned)(i + 1);
}

int asy_compare(const asy_tree *left, const asy_tree *right, const char *name, asy_result *out,
                asy_error *error ASY_UNUSED)
{
    *out = (asy_result){.arena = asy_arena_new()};
    asy_work work = {
        .left = left, .right = right, .name = name, .result = out, .arena = out->arena};
    if (asy_sha256_eq(&left->root->sha256, &right->root->sha256)) {
        out->counts.identical = 1;
        return ASY_OK;
    }
    for (size_t i = 0; i < ASY_COUNT(passes); i++)
        passes[i](&work);
    asy_conclude(&work);
    free(work.pairs);
    free(work.drafts);
    return ASY_OK;
}

void asy_result_free(asy_result *result)
{
    free(result->left_normal.uses);
    free(result->right_normal.uses);
    free(result->limits);
    asy_arena_free(result->arena);
    *result = (asy_result){0};
}
