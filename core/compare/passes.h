/* SPDX-License-Identifier: Apache-2.0 */
/*
 * passes: what the passes of a comparison share; private to core/compare. The work holds two queues:
 * pairs (which nodes are compared with which) and drafts (differences in the making). compare.c runs
 * the passes over them in a fixed order.
 */
#ifndef ASY_COMPARE_PASSES_H
#define ASY_COMPARE_PASSES_H

#include "base/arena.h"
#include "compare/compare.h"
#include "formats/format.h"

#define ASY_NONE SIZE_MAX

/* Places in two lists that belong together; ASY_NONE where a side has none. */
typedef struct asy_twin {
    size_t left, right;
} asy_twin;

/*
 * Pairs equal keys, the n-th of a key on the left with the n-th on the right. The list (free() it)
 * has the left side's order, then what only the right side has; `*count` entries.
 */
asy_twin *asy_twins(const asy_span *left, size_t left_count, const asy_span *right,
                    size_t right_count, size_t *count);
/* The first twin whose right place comes before an earlier one's; ASY_NONE when none does. */
size_t asy_twins_moved(const asy_twin *twins, size_t count);

/* Two records that belong together, in a pair of nodes. */
typedef struct asy_match {
    asy_twin records;
    size_t rank; /* index of the pair of their members; of the next pair, when they have none */
    bool paired; /* pairs[rank] is that of their members */
} asy_match;

enum { ASY_ORIGINS_MAX = 64 }; /* ids listed in derived_from; the status looks at all */

/* What derived differences follow from. */
typedef struct asy_origins {
    unsigned ids[ASY_ORIGINS_MAX];
    size_t count;
    asy_status worst;
} asy_origins;

/* Two nodes that belong together and whose bytes differ, or a node that only one side has. Pairs
 * stand in the order of the left tree, a container before its members. */
typedef struct asy_pair {
    const asy_node *left, *right; /* one of them may be NULL */
    const char *path;
    asy_match *matches; /* only when both nodes have the same format */
    size_t match_count;
    size_t end;           /* pairs inside this one: those after it and before `end` */
    bool renamed;         /* one encoded file under two suffixes */
    asy_origins *origins; /* of trailers of this container, once asked for */
} asy_pair;

typedef struct asy_draft {
    asy_difference d;
    size_t pair;  /* the pair of nodes whose bytes these are; for a whole member: its own */
    size_t match; /* in that pair; ASY_NONE: not of one record */
    size_t rank;  /* place in the report: that of pairs[rank] when `whole`, else just before it */
    bool whole;
    size_t sequence;
    const asy_step *step; /* the step that both sides carry */
    bool derived;         /* both sides say that it follows from a member */
} asy_draft;

typedef struct asy_work {
    const asy_tree *left, *right;
    const char *name;
    asy_result *result;
    asy_arena *arena; /* the result's */
    asy_pair *pairs;
    size_t pair_count, pair_capacity;
    asy_draft *drafts;
    size_t draft_count, draft_capacity;
    size_t limit_capacity;
    bool sorted; /* drafts have their final order and id */
} asy_work;

/* A new draft, whole or of a match; the pointer holds until the next one. */
asy_draft *asy_draft_whole(asy_work *work, size_t pair, asy_kind kind, const char *region);
asy_draft *asy_draft_match(asy_work *work, size_t pair, size_t match, asy_kind kind,
                           const char *region);
void asy_work_limit(asy_work *work, const char *name);
/* True, and noted as a limit, once the user has interrupted. */
bool asy_work_interrupted(asy_work *work);
/* A limit cut the reading of this node short. */
bool asy_node_limited(const asy_node *node);
/* The region that holds the member's bytes in its container, or NULL. */
const asy_region *asy_node_region_of(const asy_node *container, const asy_node *member);

/* The step under which a file encodes its one member; NULL when it is something else. */
const asy_step *asy_encoding_step(const asy_node *node);
/* The path of a container's member: `parent` and the name; `parent` when the name is empty. */
const char *asy_member_path(asy_work *work, const char *parent, const asy_node *container,
                            asy_span name);

/* The passes, in the order in which they run; each in the file of its name. */
void asy_pass_pair(asy_work *work);     /* fills the queue of pairs */
void asy_pass_regions(asy_work *work);  /* records and regions of containers */
void asy_pass_content(asy_work *work);  /* pairs whose formats differ, members of one side */
void asy_pass_findings(asy_work *work); /* what one side alone breaks; limits */
void asy_pass_rest(asy_work *work);     /* pairs that differ and have no difference yet */
void asy_pass_sort(asy_work *work);     /* the report's order; no draft is added after this */
void asy_pass_bytes(asy_work *work);    /* where bytes part */
void asy_pass_lines(asy_work *work);    /* line diffs of text */
void asy_pass_status(asy_work *work);   /* what a step proves or explains */
void asy_pass_derived(asy_work *work);  /* sizes and checksums that follow */
void asy_pass_possible(asy_work *work); /* lone candidates for a cause */
void asy_pass_risk(asy_work *work);
/* After the passes: counts, certificate, verdict; moves the drafts into the result. */
void asy_conclude(asy_work *work);

/* Risk of one difference (docs/RISK.md). `inside` is the path below the compared file. */
asy_risk asy_risk_of(const asy_difference *difference, const char *inside);

#endif
