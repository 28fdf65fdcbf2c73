/* SPDX-License-Identifier: Apache-2.0 */
/* report_files: where --report FORMAT=FILE goes. Files appear whole, once the work is done. */
#ifndef ASY_CMD_REPORT_FILES_H
#define ASY_CMD_REPORT_FILES_H

#include "diff/diff.h"

enum { REPORTS_MAX = 8 };

typedef struct report_file {
    const char *path; /* borrowed; "-" is stdout */
    char *temporary;  /* what is written to until it is kept; NULL: the path itself */
} report_file;

/* Starts with `knows` and `names` set; ends with report_files_close. */
typedef struct report_files {
    bool (*knows)(const char *format);
    const char *names; /* of the formats, for a message */
    asy_diff_output outputs[REPORTS_MAX];
    report_file files[REPORTS_MAX];
    char *formats[REPORTS_MAX];
    size_t count;
} report_files;

/* Takes the value of --report: FORMAT=FILE, or FORMAT alone for stdout. */
int report_files_add(report_files *reports, const char *value, asy_error *error);
/* Opens them all; adds the text on stdout when nothing else goes there. */
int report_files_open(report_files *reports, asy_error *error);
bool report_files_on_stdout(const report_files *reports, const char *format);
/* Puts the finished files in their places. */
int report_files_keep(report_files *reports, asy_error *error);
/* Closes all, and removes what was not kept. */
void report_files_close(report_files *reports);

#endif
