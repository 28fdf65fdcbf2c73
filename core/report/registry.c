/* SPDX-License-Identifier: Apache-2.0 */
/* The table of report formats, and what they share. */
#include "report/writers.h"

#include <stdlib.h>
#include <string.h>

static const asy_reporter reporters[] = {
    {"text", asy_report_text},
    {"json", asy_report_json},
};

const asy_reporter *asy_reporter_find(const char *name)
{
    for (size_t i = 0; i < ASY_COUNT(reporters); i++)
        if (strcmp(reporters[i].name, name) == 0)
            return &reporters[i];
    return NULL;
}

const char *asy_reporter_names(void)
{
    return "text or json";
}

static int by_id(const void *left, const void *right)
{
    return strcmp(((const asy_cause_count *)left)->id, ((const asy_cause_count *)right)->id);
}

asy_cause_count *asy_report_causes(const asy_result *result, size_t *count)
{
    asy_cause_count *list = NULL;
    size_t capacity = 0;
    *count = 0;
    for (size_t i = 0; i < result->difference_count; i++) {
        const asy_difference *difference = &result->differences[i];
        size_t at = 0;
        if (!difference->cause)
            continue;
        while (at < *count && strcmp(list[at].id, difference->cause) != 0)
            at++;
        if (at == *count) {
            ASY_GROW(list, *count, capacity);
            list[(*count)++] = (asy_cause_count){difference->cause, ASY_BENIGN, 0};
        }
        list[at].count++;
        if (difference->status > list[at].status)
            list[at].status = difference->status;
    }
    if (*count)
        qsort(list, *count, sizeof(*list), by_id);
    return list;
}
