/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/report_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_stdout(const char *path)
{
    return strcmp(path, "-") == 0;
}

static int refuse(const report_files *reports, const char *value, asy_error *error)
{
    asy_error_set(error, ASY_E_USAGE, "--report does not take \"%s\"", value);
    return asy_error_hint(error, "write FORMAT=FILE, where FORMAT is %s, and - is stdout",
                          reports->names);
}

int report_files_add(report_files *reports, const char *value, asy_error *error)
{
    const char *equals = strchr(value, '=');
    const char *path = equals ? equals + 1 : "-";
    ASY_AUTO_FREE char *format =
        asy_strndup(value, equals ? (size_t)(equals - value) : strlen(value));
    if (!reports->knows(format) || !path[0])
        return refuse(reports, value, error);
    if (reports->count == REPORTS_MAX)
        return asy_error_set(error, ASY_E_USAGE, "--report is given more than %d times",
                             REPORTS_MAX);
    for (size_t i = 0; i < reports->count; i++)
        if (strcmp(reports->files[i].path, path) == 0)
            return asy_error_set(error, ASY_E_USAGE, "two reports go to %s",
                                 is_stdout(path) ? "stdout" : path);
    size_t at = reports->count++;
    reports->formats[at] = format;
    format = NULL;
    reports->files[at] = (report_file){.path = path};
    reports->outputs[at] = (asy_diff_output){.format = reports->formats[at], .fd = -1};
    return ASY_OK;
}

static mode_t mode_for_new_files(void)
{
    mode_t mask = umask(0);
    umask(mask);
    return 0666 & ~mask;
}

/* A device, a pipe or a link is written to as it is; anything else is made beside its place. */
static int open_file(report_file *file, int *fd, asy_error *error)
{
    struct stat st;
    if (lstat(file->path, &st) == 0 && !S_ISREG(st.st_mode)) {
        *fd = open(file->path, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_TRUNC);
    } else {
        file->temporary = asy_asprintf("%s.XXXXXX", file->path);
        *fd = mkostemp(file->temporary, O_CLOEXEC);
        if (*fd < 0) {
            free(file->temporary);
            file->temporary = NULL;
        }
    }
    if (*fd < 0) {
        asy_error_errno(error, ASY_E_IO, "cannot write the report");
        return asy_error_path(error, file->path);
    }
    if (file->temporary)
        fchmod(*fd, mode_for_new_files());
    return ASY_OK;
}

static bool uses_stdout(const report_files *reports)
{
    for (size_t i = 0; i < reports->count; i++)
        if (is_stdout(reports->files[i].path))
            return true;
    return false;
}

int report_files_open(report_files *reports, asy_error *error)
{
    int rc = ASY_OK;
    if (!uses_stdout(reports))
        rc = report_files_add(reports, "text=-", error);
    for (size_t i = 0; rc == ASY_OK && i < reports->count; i++) {
        int *fd = &reports->outputs[i].fd;
        if (is_stdout(reports->files[i].path)) {
            *fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
            if (*fd < 0)
                rc = asy_error_errno(error, ASY_E_IO, "cannot write to stdout");
        } else {
            rc = open_file(&reports->files[i], fd, error);
        }
    }
    return rc;
}

bool report_files_on_stdout(const report_files *reports, const char *format)
{
    for (size_t i = 0; i < reports->count; i++)
        if (is_stdout(reports->files[i].path) && strcmp(reports->formats[i], format) == 0)
            return true;
    return false;
}

int report_files_keep(report_files *reports, asy_error *error)
{
    for (size_t i = 0; i < reports->count; i++) {
        report_file *file = &reports->files[i];
        if (!file->temporary)
            continue;
        if (rename(file->temporary, file->path) != 0) {
            asy_error_errno(error, ASY_E_IO, "cannot put the report in its place");
            return asy_error_path(error, file->path);
        }
        free(file->temporary);
        file->temporary = NULL;
    }
    return ASY_OK;
}

void report_files_close(report_files *reports)
{
    for (size_t i = 0; i < reports->count; i++) {
        if (reports->outputs[i].fd >= 0)
            close(reports->outputs[i].fd);
        if (reports->files[i].temporary)
            unlink(reports->files[i].temporary);
        free(reports->files[i].temporary);
        free(reports->formats[i]);
    }
    *reports = (report_files){.count = 0};
}
