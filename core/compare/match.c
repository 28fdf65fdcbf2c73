/* SPDX-License-Identifier: Apache-2.0 */
/* Which key of one list belongs to which key of another. */
#include "compare/passes.h"

#include <stdlib.h>

typedef struct place {
    asy_span key;
    size_t index;
} place;

static int by_key_then_index(const void *left, const void *right)
{
    const place *a = left, *b = right;
    int order = asy_span_cmp(a->key, b->key);
    if (order != 0)
        return order;
    return a->index < b->index ? -1 : a->index > b->index;
}

static place *sorted_places(const asy_span *keys, size_t count)
{
    place *places = asy_calloc(count + 1, sizeof(*places));
    for (size_t i = 0; i < count; i++)
        places[i] = (place){keys[i], i};
    qsort(places, count, sizeof(*places), by_key_then_index);
    return places;
}

static bool same_keys(const asy_span *left, size_t left_count, const asy_span *right,
                      size_t right_count)
{
    if (left_count != right_count)
        return false;
    for (size_t i = 0; i < left_count; i++)
        if (!asy_span_eq(left[i], right[i]))
            return false;
    return true;
}

/* Fills right_of[left index] and marks what the right side has alone, by walking both sorted. */
static void merge(const asy_span *left, size_t left_count, const asy_span *right,
                  size_t right_count, size_t *right_of, bool *taken)
{
    place *a = sorted_places(left, left_count), *b = sorted_places(right, right_count);
    size_t i = 0, j = 0;
    while (i < left_count && j < right_count) {
        int order = asy_span_cmp(a[i].key, b[j].key);
        if (order == 0) {
            right_of[a[i].index] = b[j].index;
            taken[b[j].index] = true;
        }
        i += order <= 0;
        j += order >= 0;
    }
    free(a);
    free(b);
}

asy_twin *asy_twins(const asy_span *left, size_t left_count, const asy_span *right,
                    size_t right_count, size_t *count)
{
    asy_twin *twins = asy_calloc(left_count + right_count + 1, sizeof(*twins));
    size_t *right_of = asy_calloc(left_count + 1, sizeof(*right_of));
    bool *taken = asy_calloc(right_count + 1, sizeof(*taken));
    bool same = same_keys(left, left_count, right, right_count);
    for (size_t i = 0; i < left_count; i++)
        right_of[i] = same ? i : ASY_NONE;
    if (!same)
        merge(left, left_count, right, right_count, right_of, taken);
    *count = 0;
    for (size_t i = 0; i < left_count; i++)
        twins[(*count)++] = (asy_twin){i, right_of[i]};
    for (size_t i = 0; !same && i < right_count; i++)
        if (!taken[i])
            twins[(*count)++] = (asy_twin){ASY_NONE, i};
    free(right_of);
    free(taken);
    return twins;
}

size_t asy_twins_moved(const asy_twin *twins, size_t count)
{
    size_t furthest = 0;
    for (size_t i = 0; i < count; i++) {
        if (twins[i].left == ASY_NONE || twins[i].right == ASY_NONE)
            continue;
        if (twins[i].right < furthest)
            return i;
        furthest = twins[i].right;
    }
    return ASY_NONE;
}
