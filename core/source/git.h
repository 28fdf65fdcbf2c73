/* SPDX-License-Identifier: Apache-2.0 */
/* What the git_*.c files share. libgit2 is started in the worker only. */
#ifndef ASY_SOURCE_GIT_H
#define ASY_SOURCE_GIT_H

#include "source/internal.h"

#include <git2.h>

/* Starts libgit2 without any configuration of the user or the machine. */
int asy_git_start(asy_error *error);
/*
 * Turns libgit2's last error into one of ours: ASY_E_MISMATCH for an object whose bytes are not
 * those that its id promises or cannot be decoded, else `code`.
 */
int asy_git_fail(asy_error *error, int rc, int code, const char *format, ...) ASY_PRINTF(4, 5);

/* An open repository, without its configuration. */
int asy_git_open(const char *path, git_repository **out, asy_error *error);
/* An empty configuration in place of what a repository brought along. */
int asy_git_forget_config(git_repository *repository, asy_error *error);

/* Says what to do about a repository with a corrupt object; returns rc. */
int asy_git_blame(git_repository *repository, bool cached, int rc, asy_error *error);

/* What a revision turned out to be. */
typedef struct asy_rev {
    git_oid commit, tree;
    const char *kind;  /* "branch", "tag", "annotated tag", "commit", "HEAD"; static */
    int64_t time;      /* the committer's */
    size_t candidates; /* how many things bear the name: one, when it was found */
} asy_rev;

/*
 * Finds a revision (NULL: HEAD) in what the repository holds now. `cached`: it is one of our bare
 * caches, where HEAD is kept as refs/assay/HEAD.
 * ASY_E_NOT_FOUND when there is none, or when several things bear the name.
 */
int asy_rev_find(git_repository *repository, const char *revision, bool cached, asy_rev *out,
                 asy_error *error);

/* Opens the repository at `where`, fetching what is not there yet, and finds the revision. */
int asy_git_obtain(asy_job *job, const asy_spec *where, const char *revision, git_repository **out,
                   asy_rev *rev, asy_error *error);

/* Brings all branches, tags and HEAD of the repository behind a URL into a bare repository;
 * `id` (or NULL) is a commit that must come too. */
int asy_remote_fetch(asy_job *job, const asy_spec *where, git_repository *repository,
                     const char *id, asy_error *error);

/* ---- ssh host keys (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT") ------------------------------------ */

typedef enum asy_host_verdict {
    ASY_HOST_UNKNOWN,
    ASY_HOST_KNOWN,
    ASY_HOST_CHANGED, /* known by other keys */
    ASY_HOST_REVOKED
} asy_host_verdict;

/* What the text of a known_hosts file says of a host ("[name]:port" unless the port is 22) and the
 * key that it showed. */
asy_host_verdict asy_known_hosts_check(asy_span text, const char *host, asy_span key);

/* ---- submodules -------------------------------------------------------------------------------- */

typedef struct asy_gitmodule {
    char *name, *path, *url;
    bool skip; /* update = none */
} asy_gitmodule;

typedef struct asy_gitmodules {
    asy_gitmodule *items;
    size_t count, capacity;
} asy_gitmodules;

/* Parses the text of a .gitmodules (gitmodules(5), git-config(1)); what it cannot read it leaves
 * out. */
void asy_gitmodules_parse(asy_span text, asy_gitmodules *out);
const asy_gitmodule *asy_gitmodules_find(const asy_gitmodules *modules, const char *path);
void asy_gitmodules_free(asy_gitmodules *modules);

/* ---- checkout ---------------------------------------------------------------------------------- */

/* A commit that is being written out: the main one or a submodule's. */
typedef struct asy_part {
    git_repository *repository;
    git_odb *odb;
    asy_spec where;
    asy_rev rev;
    char *prefix;               /* "" or the submodule's path with a slash */
    git_repository *attributes; /* answers questions on .gitattributes; NULL when there are none */
    unsigned nesting;
} asy_part;

typedef struct asy_item {
    char *path; /* in dest */
    git_oid id;
    uint32_t mode; /* git's: 040000, 0100644, 0100755, 0120000, 0160000 */
    size_t part;
} asy_item;

/* All that will be written, in the order in which it can be written. */
typedef struct asy_git_plan {
    asy_item *items;
    size_t count, capacity;
    asy_part *parts;
    size_t part_count, part_capacity;
} asy_git_plan;

/* Plans the checkout of the main part, which is parts[0] already; submodules become parts. */
int asy_git_plan_make(asy_job *job, asy_git_plan *plan, asy_error *error);
void asy_git_plan_free(asy_git_plan *plan);
/* Writes it to job->dest; all times are those of parts[0]. */
int asy_git_plan_write(asy_job *job, asy_git_plan *plan, asy_error *error);

/* Reads an object whole and checks its id. */
int asy_git_read(git_odb *odb, const git_oid *id, git_odb_object **out, asy_error *error);

/* ---- attributes -------------------------------------------------------------------------------- */

/* Prepares part->attributes; `files` holds the .gitattributes files of its tree. */
int asy_attributes_open(asy_part *part, git_index *files, asy_error *error);

/* What .gitattributes ask for when a file is written out (gitattributes(5)). */
typedef struct asy_conversion {
    bool crlf;      /* LF becomes CRLF */
    bool automatic; /* only in text without any CR */
    bool ident;     /* $Id$ is filled in */
    bool unhandled; /* a filter or an encoding that is not applied */
} asy_conversion;

int asy_attributes_of(const asy_part *part, const char *path, asy_conversion *out,
                      asy_error *error);
/* Applies a conversion; false, and `out` untouched, when the bytes stay as they are. */
bool asy_convert(const asy_conversion *conversion, asy_span bytes, const git_oid *id, asy_buf *out);

#endif
