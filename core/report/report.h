/* SPDX-License-Identifier: Apache-2.0 */
/* report: writes a result in one of the formats of a table; adding one is a file and a line. */
#ifndef ASY_REPORT_H
#define ASY_REPORT_H

#include "base/buf.h"
#include "compare/compare.h"

/* What was compared, for the head of a report. */
typedef struct asy_subject {
    const char *path; /* as the user gave it */
    uint64_t size;
    asy_sha256 sha256;
    const char *format;
} asy_subject;

typedef struct asy_report {
    asy_subject left, right;
    const asy_result *result;
    const char
        *confinement; /* what the kernel lacked for the worker, or NULL when it held in full */
    bool verbose;     /* text: lines and bytes */
    bool color;       /* text: for a terminal */
} asy_report;

typedef struct asy_reporter {
    const char *name; /* "text", "json" */
    void (*write)(const asy_report *report, asy_buf *out);
} asy_reporter;

/* NULL when there is none of that name; asy_reporter_names lists them for a message. */
const asy_reporter *asy_reporter_find(const char *name);
const char *asy_reporter_names(void);

#endif
