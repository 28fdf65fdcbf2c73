/* SPDX-License-Identifier: Apache-2.0 */
/* spec: what SRC says. Splits it into a place and a revision, and takes secrets out of it. */
#ifndef ASY_SOURCE_SPEC_H
#define ASY_SOURCE_SPEC_H

#include "base/base.h"

typedef enum asy_spec_kind {
    ASY_SPEC_URL,   /* a git repository behind https or ssh */
    ASY_SPEC_LOCAL, /* a git repository in a folder of this machine */
    ASY_SPEC_DSC,
    ASY_SPEC_DIR
} asy_spec_kind;

/* All strings owned; asy_spec_free frees them. */
typedef struct asy_spec {
    asy_spec_kind kind;
    char *text;     /* as given, without what could be a secret: what records and messages show */
    char *location; /* URL: without user and password; else an absolute path without symlinks */
    char *user;     /* URL: decoded, or NULL */
    char *password; /* URL: decoded, or NULL */
    char *revision; /* git: as given, or NULL for HEAD */
} asy_spec;

/*
 * SRC is one of
 *   https://[USER[:PASSWORD]@]HOST[:PORT]/PATH[@REV]
 *   ssh://[USER@]HOST[:PORT]/PATH[@REV]
 *   [USER@]HOST:PATH[@REV]           (a colon before the first slash, and no such file)
 *   file:///PATH[@REV], PATH@REV     a repository of this machine
 *   FILE.dsc
 *   PATH                             a folder; a bare repository means its HEAD
 * An @ before the host never starts a revision. In the path of a URL REV starts after the first
 * ".git@", else after the last @ that does not follow a slash; in PATH@REV the longest folder that
 * exists is PATH: so both may hold an @.
 * ASY_E_USAGE for other schemes (http and git are refused: nothing protects what they bring) and
 * for a REV that no branch, tag or object id can be; ASY_E_NOT_FOUND when a path does not exist.
 */
int asy_spec_parse(const char *text, asy_spec *out, asy_error *error);

/*
 * The place of a submodule: `url` as .gitmodules has it, relative (./ ../) to the parent's place or
 * on its own. Paths of this machine are for parents of this machine alone.
 */
int asy_spec_submodule(const asy_spec *parent, const char *url, asy_spec *out, asy_error *error);

void asy_spec_free(asy_spec *spec);

/* True for 40 hex digits: an object id that cannot be short for another. */
bool asy_spec_is_full_id(const char *revision);

#endif
