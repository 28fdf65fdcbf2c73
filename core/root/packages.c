/* SPDX-License-Identifier: Apache-2.0 */
/* dpkg's list of packages (dpkg-query(1), deb-control(5)). */
#include "root/inner.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char status_file[] = "var/lib/dpkg/status";
static const char installed[] = "install ok installed";

enum { STATUS_MAX = 64 << 20 };

asy_span asy_root_next_line(asy_span *text)
{
    const uint8_t *end = memchr(text->ptr, '\n', text->len);
    size_t len = end ? (size_t)(end - text->ptr) : text->len;
    asy_span line = asy_span_sub(*text, 0, len);
    len += end != NULL;
    *text = asy_span_sub(*text, len, text->len - len);
    return line;
}

static bool field(asy_span line, const char *name, asy_span *value)
{
    if (!asy_span_starts(line, name))
        return false;
    size_t len = strlen(name);
    while (len < line.len && line.ptr[len] == ' ')
        len++;
    *value = asy_span_sub(line, len, line.len - len);
    return true;
}

static char *text_of(asy_span span)
{
    return asy_strndup(span.len ? (const char *)span.ptr : "", span.len);
}

static int by_name(const void *a, const void *b)
{
    const asy_package *left = a, *right = b;
    int order = strcmp(left->name, right->name);
    return order ? order : strcmp(left->architecture, right->architecture);
}

void asy_root_parse_status(asy_span text, asy_package **packages, size_t *count)
{
    size_t capacity = 0;
    *packages = NULL;
    *count = 0;
    while (text.len) {
        asy_span name = {0}, version = {0}, architecture = {0}, status = {0}, line;
        while (text.len && (line = asy_root_next_line(&text)).len) {
            (void)(field(line, "Package:", &name) || field(line, "Version:", &version) ||
                   field(line, "Architecture:", &architecture) || field(line, "Status:", &status));
        }
        if (!name.len || !asy_span_eq(status, asy_span_str(installed)))
            continue;
        ASY_GROW(*packages, *count, capacity);
        (*packages)[(*count)++] =
            (asy_package){text_of(name), text_of(version), text_of(architecture)};
    }
    if (*count > 1)
        qsort(*packages, *count, sizeof(**packages), by_name);
}

void asy_root_free_packages(asy_root *root)
{
    for (size_t i = 0; i < root->package_count; i++) {
        free(root->packages[i].name);
        free(root->packages[i].version);
        free(root->packages[i].architecture);
    }
    free(root->packages);
    root->packages = NULL;
    root->package_count = 0;
}

int asy_root_read_packages(asy_root *root, asy_error *error)
{
    asy_root_free_packages(root);
    for (size_t i = 0; i < root->lower_count; i++) {
        ASY_BUF_AUTO text = ASY_BUF_INIT;
        ASY_AUTO_CLOSE int dir = open(root->lower[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dir < 0) {
            asy_error_errno(error, ASY_E_INFRA, "cannot open the root");
            return asy_error_path(error, root->lower[i]);
        }
        int rc = asy_read_below(dir, status_file, STATUS_MAX, &text, error);
        if (rc == ASY_E_NOT_FOUND) {
            asy_error_clear(error);
            continue;
        }
        if (rc < 0)
            return asy_error_wrap(error, "dpkg's list of packages");
        asy_root_parse_status(asy_buf_span(&text), &root->packages, &root->package_count);
        return ASY_OK;
    }
    return ASY_OK;
}
