/* SPDX-License-Identifier: Apache-2.0 */
/* What containers of one format say of their members and of themselves, region by region. */
#include "compare/passes.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Two records in the making; either may be missing. */
typedef struct sides {
    asy_work *work;
    size_t pair, match;
    const asy_node *left, *right;
    const asy_record *left_record, *right_record;
    bool paired;       /* their members differ and are compared on their own */
    bool same_members; /* their members are there and equal */
    bool renamed;      /* one encoded member under two suffixes */
    bool limited;      /* a limit cut one side short: what is opaque may only be unread */
} sides;

static asy_side side_of(const asy_region *region)
{
    if (!region)
        return (asy_side){0};
    return (asy_side){.present = true,
                      .offset = region->offset,
                      .size = region->size,
                      .value = region->value,
                      .bytes = region->bytes};
}

/* The step that all regions that are there carry. */
static const asy_step *shared_step(const asy_region *any, const asy_region *other)
{
    return other && other->step != any->step ? NULL : any->step;
}

/* The pair of the members speaks for the bytes that hold or encode them. */
static bool spoken_for(const sides *at, const asy_region *region, const asy_record *record)
{
    return !region || (at->paired && region->child && region->child == record->member &&
                       (region->role == ASY_ROLE_CONTENT || region->role == ASY_ROLE_ENCODED));
}

static asy_draft *draft_for(const sides *at, asy_kind kind, const char *region)
{
    asy_draft *draft = asy_draft_match(at->work, at->pair, at->match, kind, region);
    const asy_record *record = at->left_record ? at->left_record : at->right_record;
    if (draft->whole)
        draft->d.path = at->work->pairs[draft->rank].path;
    else if (record->member)
        draft->d.path = asy_member_path(at->work, draft->d.path, at->left, record->member->name);
    return draft;
}

/* Zeros that fill up what a member left: how many follows from its size. */
static bool fills_up(const asy_region *region)
{
    return !region || (region->role == ASY_ROLE_PADDING && asy_span_is_zero(region->bytes));
}

static void region_differs(const sides *at, const asy_region *left, const asy_region *right)
{
    if (spoken_for(at, left, at->left_record) && spoken_for(at, right, at->right_record))
        return;
    const asy_region *any = left ? left : right;
    if (at->limited && any->role == ASY_ROLE_OPAQUE)
        return;
    asy_kind kind = !left ? ASY_ADDED : !right ? ASY_REMOVED : ASY_CHANGED;
    asy_draft *draft = draft_for(at, kind, any->name);
    draft->d.left = side_of(left);
    draft->d.right = side_of(right);
    draft->d.left_region = left;
    draft->d.right_region = right;
    draft->step = shared_step(any, right);
    draft->derived = left && right && left->derived && right->derived;
    if (at->paired && fills_up(left) && fills_up(right))
        draft->derived = true;
    /* data.tar.xz against data.tar.gz: the suffix follows the compression. */
    if (at->renamed && left && right && asy_span_ends(asy_span_str(any->name), "name")) {
        draft->d.kind = ASY_RENAMED;
        draft->d.cause = asy_encoding_step(at->left_record->member)->cause;
    }
    if (any->role == ASY_ROLE_ENCODED && left && right && at->same_members)
        draft->d.summary = "encoded otherwise; what it holds is identical";
}

static asy_span *region_names(const asy_node *node, const asy_record *record)
{
    size_t count = record ? record->count : 0;
    asy_span *names = asy_calloc(count + 1, sizeof(*names));
    for (size_t i = 0; i < count; i++)
        names[i] = asy_span_str(node->regions[record->first + i].name);
    return names;
}

static const asy_region *region_at(const asy_node *node, const asy_record *record, size_t place)
{
    return place == ASY_NONE ? NULL : &node->regions[record->first + place];
}

static void compare_records(const sides *at)
{
    size_t count = 0;
    asy_span *left = region_names(at->left, at->left_record);
    asy_span *right = region_names(at->right, at->right_record);
    asy_twin *twins =
        asy_twins(left, at->left_record->count, right, at->right_record->count, &count);
    for (size_t i = 0; i < count; i++) {
        const asy_region *a = region_at(at->left, at->left_record, twins[i].left);
        const asy_region *b = region_at(at->right, at->right_record, twins[i].right);
        if (!a || !b || !asy_span_eq(a->bytes, b->bytes))
            region_differs(at, a, b);
    }
    size_t moved = asy_twins_moved(twins, count);
    if (moved != ASY_NONE) {
        asy_draft *draft = draft_for(at, ASY_REORDERED, "layout");
        draft->d.summary =
            asy_arena_printf(at->work->arena,
                             "the parts stand in another order, the "
                             "first that moved is %s",
                             region_at(at->left, at->left_record, twins[moved].left)->name);
    }
    free(twins);
    free(left);
    free(right);
}

/* A record of one side that has no member to speak for it. */
static void lone_record(const sides *at)
{
    bool is_left = at->left_record != NULL;
    const asy_node *node = is_left ? at->left : at->right;
    const asy_record *record = is_left ? at->left_record : at->right_record;
    for (size_t i = 0; record && i < record->count; i++) {
        const asy_region *region = &node->regions[record->first + i];
        region_differs(at, is_left ? region : NULL, is_left ? NULL : region);
    }
}

static const asy_record *record_at(const asy_node *node, size_t place)
{
    return place == ASY_NONE ? NULL : &node->records[place];
}

static bool has_member(const asy_record *record)
{
    return record && record->member;
}

static void compare_match(asy_work *work, size_t pair, size_t index, bool limited)
{
    const asy_match *match = &work->pairs[pair].matches[index];
    sides at = {.work = work,
                .pair = pair,
                .match = index,
                .left = work->pairs[pair].left,
                .right = work->pairs[pair].right,
                .left_record = record_at(work->pairs[pair].left, match->records.left),
                .right_record = record_at(work->pairs[pair].right, match->records.right),
                .paired = match->paired,
                .limited = limited};
    at.same_members = !match->paired && has_member(at.left_record) && has_member(at.right_record);
    at.renamed = match->paired && work->pairs[match->rank].renamed;
    if (at.left_record && at.right_record)
        compare_records(&at);
    else if (!has_member(at.left_record) && !has_member(at.right_record))
        lone_record(&at);
}

static void compare_order(asy_work *work, size_t index)
{
    const asy_pair *pair = &work->pairs[index];
    asy_twin *twins = asy_calloc(pair->match_count + 1, sizeof(*twins));
    for (size_t i = 0; i < pair->match_count; i++)
        twins[i] = pair->matches[i].records;
    size_t moved = asy_twins_moved(twins, pair->match_count);
    if (moved != ASY_NONE) {
        asy_draft *draft = asy_draft_whole(work, index, ASY_REORDERED, "order");
        asy_span key = pair->left->records[twins[moved].left].key;
        draft->d.summary = asy_arena_printf(
            work->arena, "the members stand in another order, the first that moved is %.*s",
            (int)(key.len < 200 ? key.len : 200), (const char *)key.ptr);
        if (pair->left->order_step == pair->right->order_step)
            draft->step = pair->left->order_step;
    }
    free(twins);
}

void asy_pass_regions(asy_work *work)
{
    for (size_t i = 0; i < work->pair_count && !asy_work_interrupted(work); i++) {
        if (!work->pairs[i].matches)
            continue;
        compare_order(work, i);
        bool limited =
            asy_node_limited(work->pairs[i].left) || asy_node_limited(work->pairs[i].right);
        for (size_t j = 0; j < work->pairs[i].match_count; j++)
            compare_match(work, i, j, limited);
    }
}
