/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source: brings what SRC names into a folder, checks it, and records what it was.
 * SRC is URL@REV or PATH@REV (git), a .dsc, or a plain folder. REV may be a branch, a tag, an
 * annotated tag, a full or an abbreviated object id; without @REV a git URL means its HEAD.
 */
#ifndef ASY_SOURCE_H
#define ASY_SOURCE_H

#include "base/base.h"
#include "base/hash.h"
#include "base/json.h"

typedef enum asy_source_kind {
    ASY_SOURCE_GIT, /* dest holds the checked-out tree, without .git */
    ASY_SOURCE_DSC, /* dest holds the .dsc and the files that it names, checksums verified; it is
                       unpacked later, by dpkg-source inside the sandbox */
    ASY_SOURCE_DIR  /* dest holds a copy of the folder; status unverified */
} asy_source_kind;

typedef enum asy_source_status {
    ASY_SOURCE_VERIFIED,
    ASY_SOURCE_UNVERIFIED,
    ASY_SOURCE_MISMATCH
} asy_source_status;

typedef struct asy_source_file {
    char *name;
    asy_sha256 sha256;
    uint64_t size;
} asy_source_file;

typedef struct asy_source_module {
    char *path, *url, *commit;
} asy_source_module;

/* All strings owned; asy_source_free frees them. NULL where it does not apply. */
typedef struct asy_source {
    asy_source_kind kind;
    asy_source_status status;
    char *spec;          /* as the user gave it, without what could be a secret */
    char *url;           /* git: where from, without user name and password */
    char *revision;      /* git: as asked */
    char *ref_kind;      /* git: "branch", "tag", "annotated tag", "commit", "HEAD" */
    char *commit, *tree; /* git: full ids */
    /* Seconds: the commit's committer time; the newest file in a .dsc's debian tarball (in all its
     * tarballs when there is none); a folder's newest file. */
    int64_t epoch;
    char *package, *version; /* dsc: Source and Version */
    asy_source_file *files;  /* dsc: the .dsc first, then what it names */
    size_t file_count;
    asy_source_module *modules;
    size_t module_count;
    asy_sha256 digest; /* of the content that dest holds: see digest.c; zeros when it failed */
    char *mtimes_from; /* as given */
    asy_sha256 mtimes_digest;
    /* Files and symlinks whose time came from there, and all of them. */
    uint64_t mtimes_restored, mtimes_total;
} asy_source;

typedef struct asy_source_request {
    const char *spec;
    const char *mtimes_from; /* a tarball or .dsc, or NULL */
    const char *cache_dir;   /* bare repositories are kept below it */
    const char *dest;        /* a folder that exists and is empty */
    bool refresh;            /* fetch also when the cache holds the revision (a branch may move) */
    void (*say)(void *context, const char *text); /* progress, or NULL */
    void *context;
} asy_source_request;

/*
 * ASY_E_NOT_FOUND: no such revision; the message lists the candidates when it is ambiguous.
 * ASY_E_MISMATCH: a checksum or object id does not hold (out->status is then MISMATCH and out
 * holds what is known). ASY_E_INFRA: the network or the server did not answer.
 * ASY_E_USAGE: SRC cannot be meant; ASY_E_FORMAT, ASY_E_LIMIT: a tree or .dsc that is unsafe to
 * write out; ASY_E_INTERRUPTED after SIGINT or SIGTERM. dest may hold part of it then.
 * Fetching and unpacking run in a worker of their own that can write only to cache_dir and dest: a
 * forked child, so call this before the program has threads. `out` is to be freed in any case.
 */
int asy_source_fetch(const asy_source_request *request, asy_source *out, asy_error *error);
void asy_source_free(asy_source *source);
const char *asy_source_status_name(asy_source_status status);
/* The object `source` of a build record. */
void asy_source_json(const asy_source *source, asy_json *json, const char *key);

#endif
