/* SPDX-License-Identifier: Apache-2.0 */
#include "recipe/parts.h"

/* The names that make(1) looks for. */
static bool detect(int dirfd, const asy_source *source)
{
    (void)source;
    return asy_recipe_has(dirfd, "GNUmakefile") || asy_recipe_has(dirfd, "makefile") ||
           asy_recipe_has(dirfd, "Makefile");
}

static int plan_make(int dirfd, const asy_source *source, asy_plan *plan, asy_error *error)
{
    (void)dirfd;
    (void)error;
    asy_recipe_stage(source, asy_recipe_make.name, "make prefix=/usr PREFIX=/usr\n",
                     "if make -n install DESTDIR=\"$stage\" >/dev/null 2>&1; then\n"
                     "    make install DESTDIR=\"$stage\" prefix=/usr PREFIX=/usr\n"
                     "else\n"
                     "    echo 'assay: the Makefile has no target \"install\": name what it makes "
                     "with --output'\n"
                     "fi\n",
                     plan);
    return ASY_OK;
}

const asy_recipe asy_recipe_make = {
    .name = "make",
    .title = "Makefile",
    .detect = detect,
    .plan = plan_make,
};
