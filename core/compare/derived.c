/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes and checksums that follow from other differences take the worst status of those. */
#include "compare/passes.h"

#include <stdlib.h>
#include <string.h>

/* Where in the drafts to look for what a derived one follows from. */
typedef struct range {
    size_t begin, end;
} range;

/* first[rank]: the first draft of that rank or a later one. */
static size_t *index_ranks(const asy_work *work)
{
    size_t *first = asy_calloc(work->pair_count + 2, sizeof(*first));
    size_t at = 0;
    for (size_t rank = 0; rank < work->pair_count + 2; rank++) {
        while (at < work->draft_count && work->drafts[at].rank < rank)
            at++;
        first[rank] = at;
    }
    return first;
}

static bool same_record(const asy_draft *a, const asy_draft *b)
{
    return a->pair == b->pair && a->match == b->match;
}

/* The drafts of one record stand together. */
static range of_record(const asy_work *work, size_t at)
{
    range found = {at, at + 1};
    while (found.begin > 0 && same_record(&work->drafts[found.begin - 1], &work->drafts[at]))
        found.begin--;
    while (found.end < work->draft_count &&
           same_record(&work->drafts[found.end], &work->drafts[at]))
        found.end++;
    return found;
}

static bool has_member(const asy_pair *pair, const asy_match *match)
{
    return (match->records.left != ASY_NONE && pair->left->records[match->records.left].member) ||
           (match->records.right != ASY_NONE && pair->right->records[match->records.right].member);
}

static void take(asy_origins *origins, const asy_draft *draft)
{
    if (draft->derived)
        return;
    if (origins->count < ASY_ORIGINS_MAX)
        origins->ids[origins->count++] = draft->d.id;
    if (draft->d.status > origins->worst)
        origins->worst = draft->d.status;
}

/* All inside pairs[pair]. What stands after its last member has the rank of the pair that follows. */
static void from_inside(const asy_work *work, size_t pair, const size_t *first,
                        asy_origins *origins)
{
    size_t end = work->pairs[pair].end;
    for (size_t i = first[pair]; i < first[end + 1]; i++)
        if (work->drafts[i].pair >= pair && work->drafts[i].pair < end)
            take(origins, &work->drafts[i]);
}

/* Of a record with a member: what its other fields and the inside of the member show. */
static void from_record(const asy_work *work, size_t at, const asy_match *match,
                        const size_t *first, asy_origins *origins)
{
    range own = of_record(work, at);
    for (size_t i = own.begin; i < own.end; i++)
        take(origins, &work->drafts[i]);
    if (match->paired)
        from_inside(work, match->rank, first, origins);
}

/* Of a record without one, such as a trailer: all that is in the container; found once for each. */
static const asy_origins *from_container(asy_work *work, size_t pair, const size_t *first)
{
    asy_pair *container = &work->pairs[pair];
    if (!container->origins) {
        container->origins = asy_arena_alloc(work->arena, sizeof(asy_origins));
        from_inside(work, pair, first, container->origins);
    }
    return container->origins;
}

static const char *cause_of(const asy_draft *draft)
{
    bool measures = strstr(draft->d.region, "size") || strstr(draft->d.region, "pad");
    return measures ? "derived.size" : "derived.checksum";
}

static void settle(asy_work *work, asy_draft *draft, const asy_origins *origins)
{
    if (origins->count == 0) {
        draft->derived = false;
        return;
    }
    draft->d.derived_from = asy_arena_alloc(work->arena, origins->count * sizeof(unsigned));
    memcpy(draft->d.derived_from, origins->ids, origins->count * sizeof(unsigned));
    draft->d.derived_count = origins->count;
    draft->d.status = origins->worst;
    draft->d.cause = cause_of(draft);
}

void asy_pass_derived(asy_work *work)
{
    size_t *first = index_ranks(work);
    for (size_t i = 0; i < work->draft_count; i++) {
        asy_draft *draft = &work->drafts[i];
        if (!draft->derived)
            continue;
        const asy_pair *pair = &work->pairs[draft->pair];
        const asy_match *match = &pair->matches[draft->match];
        asy_origins own = {.count = 0};
        const asy_origins *origins = &own;
        if (has_member(pair, match))
            from_record(work, i, match, first, &own);
        else
            origins = from_container(work, draft->pair, first);
        settle(work, draft, origins);
    }
    free(first);
}
