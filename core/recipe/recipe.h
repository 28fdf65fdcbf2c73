/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recipe: how a source tree is built, found by what the tree holds. One file a recipe; adding one
 * is a file and a line in the table of registry.c.
 */
#ifndef ASY_RECIPE_H
#define ASY_RECIPE_H

#include "base/base.h"
#include "source/source.h"

/* What to run. Strings owned by the plan. */
typedef struct asy_plan {
    const char *recipe; /* static */
    char *command;      /* for /bin/sh -c, run in build_dir */
    char *build_dir;    /* absolute, inside: where the source is copied to */
    char *tree; /* absolute, inside: the source tree, which the command may have to unpack */
    char **env; /* NULL-terminated additions to the clean environment */
    char *collect_root; /* absolute, inside */
    char **outputs;     /* NULL-terminated globs below collect_root */
    bool build_deps;    /* install Debian build dependencies first */
} asy_plan;

typedef struct asy_recipe {
    const char *name;
    const char *title;
    /* True when the source can be built this way. dirfd: the tree (or the folder of the .dsc). */
    bool (*detect)(int dirfd, const asy_source *source);
    int (*plan)(int dirfd, const asy_source *source, asy_plan *plan, asy_error *error);
} asy_recipe;

/*
 * The first recipe of the table that detects the source, or the one that `build` and `outputs` (from
 * --build and --output; NULL when not given) make, or the file assay.build in the tree.
 * ASY_E_NOT_FOUND lists what was looked for.
 */
int asy_recipe_plan(int dirfd, const asy_source *source, const char *build,
                    const char *const *outputs, asy_plan *plan, asy_error *error);
void asy_plan_free(asy_plan *plan);
/* NULL-terminated, in the order in which they are tried; static. */
const asy_recipe *const *asy_recipe_all(void);

#endif
