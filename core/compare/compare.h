/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compare: two trees in, differences with status, cause and risk out. Passes run in a fixed order
 * over the pairs (docs/ARCHITECTURE.md); each is a file of its own.
 */
#ifndef ASY_COMPARE_H
#define ASY_COMPARE_H

#include "base/base.h"
#include "tree/tree.h"

typedef enum asy_status { ASY_BENIGN, ASY_EXPLAINED, ASY_UNEXPLAINED } asy_status;

/* Ordered: --accept compares. */
typedef enum asy_verdict {
    ASY_IDENTICAL,
    ASY_EQUIVALENT,
    ASY_EXPLAINED_ONLY, /* "explained" */
    ASY_DIFFERENT,
    ASY_INCONCLUSIVE
} asy_verdict;

typedef enum asy_risk {
    ASY_RISK_NONE,
    ASY_RISK_LOW,
    ASY_RISK_MEDIUM,
    ASY_RISK_HIGH,
    ASY_RISK_CRITICAL
} asy_risk;

typedef enum asy_kind {
    ASY_CHANGED,
    ASY_ADDED,
    ASY_REMOVED,
    ASY_RENAMED,
    ASY_REORDERED,
    ASY_MALFORMED
} asy_kind;

/* One side of a difference: where its bytes are, and the value as people write it (or NULL). */
typedef struct asy_side {
    bool present;
    uint64_t offset, size; /* in the artifact that `path` names, or in its parent for a member */
    const char *value;
    asy_span bytes;
} asy_side;

/* One line of a line diff. */
typedef struct asy_line {
    char origin;          /* ' ', '-', '+'; '\\': the line before has no newline at its end */
    uint32_t left, right; /* 1-based line numbers, 0 where the side has none */
    asy_span text;
} asy_line;

typedef struct asy_difference {
    unsigned id;      /* 1.. in report order */
    const char *path; /* members joined by "!/"; names escaped only when written out */
    const char *region;
    asy_kind kind;
    asy_status status;
    const char *cause;          /* id, or NULL */
    const char *possible_cause; /* id, or NULL */
    unsigned *derived_from;     /* ids, the first 64 at most; the status is the worst of all */
    size_t derived_count;
    asy_risk risk;
    asy_side left, right;
    const char *summary; /* what, in a few words: "12 bytes differ, the first at 0x1139" */
    bool has_bytes;      /* the next two are known: both sides have bytes here */
    uint64_t first_byte; /* of the region: where the sides part */
    uint64_t byte_count; /* how many positions differ in what both sides have */
    asy_line *lines;     /* detail of text, or NULL */
    size_t line_count;
    bool lines_cut; /* more lines differ than are kept, or a line is longer than is kept */
    const asy_node *left_node, *right_node;
    const asy_region *left_region, *right_region; /* NULL for whole members */
} asy_difference;

typedef struct asy_counts {
    uint64_t identical; /* members equal on both sides */
    uint64_t benign, explained, unexplained, hidden;
} asy_counts;

typedef struct asy_result {
    asy_verdict verdict;
    asy_risk risk;
    asy_counts counts;
    asy_difference *differences; /* sorted: by path order in the left tree, then region offset */
    size_t difference_count;
    asy_normal left_normal, right_normal; /* equal digests when the verdict is equivalent */
    const char **limits;                  /* names of limits hit, "interrupted" among them */
    size_t limit_count;
    struct asy_arena *arena;
} asy_result;

/*
 * `name` is what paths in the report begin with: the base name of the left file. The result borrows
 * from both trees. When the user interrupts (asy_interrupted), it holds what was seen so far and
 * says so in its limits.
 */
int asy_compare(const asy_tree *left, const asy_tree *right, const char *name, asy_result *out,
                asy_error *error);
void asy_result_free(asy_result *result);

const char *asy_verdict_name(asy_verdict verdict);
/* False when the word is none of the verdicts that --accept takes. */
bool asy_verdict_parse(const char *word, asy_verdict *out);
const char *asy_status_name(asy_status status);
const char *asy_risk_name(asy_risk risk);
const char *asy_kind_name(asy_kind kind);

/* Exit code of diff (docs/VERDICTS.md): 0 at or below `accept` with nothing hidden, 1 above it, 2
 * when nothing above it was seen and something could not be compared. */
int asy_result_exit_code(const asy_result *result, asy_verdict accept, bool allow_hidden);

/* The table of causes (core/compare/causes.c): what an id means and how to mend it. */
typedef struct asy_cause {
    const char *id, *title, *fix;
} asy_cause;
const asy_cause *asy_cause_find(const char *id); /* NULL when unknown */
const asy_cause *asy_cause_all(size_t *count);

#endif
