/* SPDX-License-Identifier: Apache-2.0 */
/* What the recipes share; nothing outside this folder includes it. */
#ifndef ASY_RECIPE_PARTS_H
#define ASY_RECIPE_PARTS_H

#include "base/buf.h"
#include "recipe/recipe.h"

/* Where a tree lies inside, and the folder around it. Fixed, so that the name of the user's folder
 * cannot leak into what is built. */
#define ASY_RECIPE_AREA "/build"
#define ASY_RECIPE_TREE ASY_RECIPE_AREA "/source"

extern const asy_recipe asy_recipe_file, asy_recipe_debian, asy_recipe_meson, asy_recipe_cmake,
    asy_recipe_autotools, asy_recipe_make;

/* True when the tree holds a regular file of that name; links are followed inside the tree only. */
bool asy_recipe_has(int dirfd, const char *name);

/* Appends text as one word of /bin/sh. */
void asy_recipe_quote(asy_buf *out, const char *text);

/* Appends the command that unpacks the source's .dsc, from the current folder, into `folder`. */
void asy_recipe_unpack(asy_buf *out, const asy_source *source, const char *folder);

/* The plan for a given command and globs. */
int asy_recipe_custom(const asy_source *source, const char *name, const char *command,
                      const char *const *globs, asy_plan *plan, asy_error *error);

/*
 * Sets collect_root and outputs from globs that are relative to plan->tree, where a leading "../"
 * means beside it; frees earlier ones. ASY_E_USAGE for a glob that is absolute or leads further out.
 */
int asy_recipe_set_outputs(asy_plan *plan, const char *const *globs, asy_error *error);

/*
 * The plan that runs `build` in the tree, then `install`, which puts files below "$stage", and packs
 * those into NAME.tar with order, times and owners fixed. A stage that is empty makes no tarball.
 */
void asy_recipe_stage(const asy_source *source, const char *name, const char *build,
                      const char *install, asy_plan *plan);

#endif
