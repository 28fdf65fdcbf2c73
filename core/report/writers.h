/* SPDX-License-Identifier: Apache-2.0 */
/* writers: one function a report format; private to core/report. */
#ifndef ASY_REPORT_WRITERS_H
#define ASY_REPORT_WRITERS_H

#include "report/report.h"

void asy_report_text(const asy_report *report, asy_buf *out);
void asy_report_json(const asy_report *report, asy_buf *out);

/* How often each cause occurs, with the worst status it has: in the order of the ids. */
typedef struct asy_cause_count {
    const char *id;
    asy_status status;
    uint64_t count;
} asy_cause_count;
/* The list is the caller's: free() it. */
asy_cause_count *asy_report_causes(const asy_result *result, size_t *count);

#endif
