/* SPDX-License-Identifier: Apache-2.0 */
#include "root/inner.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int open_host(const asy_root_request *request, const char *rest, asy_root *out,
                     asy_error *error)
{
    (void)request;
    (void)rest;
    (void)out;
    (void)error;
    return ASY_OK;
}

typedef struct root_kind {
    const char *prefix; /* of the spec; the rest is what `open` gets */
    bool whole;         /* nothing may follow */
    int (*open)(const asy_root_request *request, const char *rest, asy_root *out, asy_error *error);
} root_kind;

static const root_kind kinds[] = {
    {"host", true, open_host},
    {"debian:", false, asy_root_open_debian},
    {"tar:", false, asy_root_open_archive},
    {"dir:", false, asy_root_open_folder},
};

static const root_kind *find_kind(const char *spec)
{
    for (size_t i = 0; i < ASY_COUNT(kinds); i++) {
        size_t len = strlen(kinds[i].prefix);
        if (strncmp(spec, kinds[i].prefix, len) == 0 && kinds[i].whole == (spec[len] == '\0'))
            return &kinds[i];
    }
    return NULL;
}

int asy_root_open(const asy_root_request *request, asy_root *out, asy_error *error)
{
    *out = (asy_root){0};
    const root_kind *kind = find_kind(request->spec);
    if (!kind) {
        asy_error_set(error, ASY_E_USAGE, "there is no root \"%s\"", request->spec);
        return asy_error_hint(error, "write host, debian:SUITE, tar:FILE or dir:DIR");
    }
    int rc = kind->open(request, request->spec + strlen(kind->prefix), out, error);
    if (rc < 0) {
        asy_root_free(out);
        return asy_error_wrap(error, "the root %s", request->spec);
    }
    out->spec = asy_strdup(request->spec);
    return ASY_OK;
}

static void free_lower(asy_root *root)
{
    for (size_t i = 0; i < root->lower_count; i++)
        free(root->lower[i]);
    free(root->lower);
    root->lower = NULL;
    root->lower_count = 0;
}

void asy_root_set_lower(asy_root *root, const char *top, const char *bottom)
{
    ASY_AUTO_FREE char *own = asy_strdup(bottom); /* may be one of those that go */
    free_lower(root);
    root->lower = asy_calloc(2, sizeof(*root->lower));
    if (top)
        root->lower[root->lower_count++] = asy_strdup(top);
    root->lower[root->lower_count++] = own;
    own = NULL;
}

static bool has_apt(const char *folder)
{
    ASY_AUTO_CLOSE int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ASY_AUTO_CLOSE int apt = -1;
    ASY_AUTO_CLOSE int status = -1;
    return dir >= 0 && asy_open_below(dir, "usr/bin/apt-get", &apt, NULL) == ASY_OK &&
           asy_open_below(dir, "var/lib/dpkg/status", &status, NULL) == ASY_OK;
}

int asy_root_use_folder(const char *folder, const char *digest, asy_root *out, asy_error *error)
{
    out->digest = asy_strdup(digest);
    asy_root_set_lower(out, NULL, folder);
    out->debian = has_apt(folder);
    return asy_root_read_packages(out, error);
}

int asy_root_use_entry(const asy_root_request *request, const char *digest, asy_root *out,
                       asy_error *error)
{
    ASY_AUTO_FREE char *entry = asy_root_entry(request, digest);
    ASY_AUTO_FREE char *fs = asy_path_join(entry, "fs");
    if (!asy_root_entry_ready(entry))
        return asy_error_set(error, ASY_E_NOT_FOUND, "the cache does not hold the root");
    int rc = asy_root_record_check(entry, request->map, error);
    if (rc == ASY_OK)
        rc = asy_root_hold_entry(entry, &out->hold, error);
    return rc < 0 ? rc : asy_root_use_folder(fs, digest, out, error);
}

void asy_root_free(asy_root *root)
{
    free(root->spec);
    free(root->digest);
    free(root->layer_digest);
    free_lower(root);
    asy_root_free_packages(root);
    asy_root_hold_free(root->hold);
    *root = (asy_root){0};
}

void asy_root_json(const asy_root *root, asy_json *json, const char *key)
{
    asy_json_object(json, key);
    asy_json_str(json, "spec", root->spec);
    asy_json_str(json, "digest", root->digest);
    asy_json_str(json, "layer", root->layer_digest);
    asy_json_array(json, "packages");
    for (size_t i = 0; i < root->package_count; i++) {
        asy_json_object(json, NULL);
        asy_json_str(json, "name", root->packages[i].name);
        asy_json_str(json, "version", root->packages[i].version);
        asy_json_str(json, "architecture", root->packages[i].architecture);
        asy_json_end(json);
    }
    asy_json_end(json);
    asy_json_end(json);
}
