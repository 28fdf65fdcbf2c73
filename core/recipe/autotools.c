/* SPDX-License-Identifier: Apache-2.0 */
#include "recipe/parts.h"

static bool detect(int dirfd, const asy_source *source)
{
    (void)source;
    return asy_recipe_has(dirfd, "configure") || asy_recipe_has(dirfd, "configure.ac");
}

static int plan_autotools(int dirfd, const asy_source *source, asy_plan *plan, asy_error *error)
{
    (void)error;
    ASY_AUTO_FREE char *build =
        asy_asprintf("%ssh ./configure --prefix=/usr\nmake\n",
                     asy_recipe_has(dirfd, "configure") ? "" : "autoreconf -fi\n");
    asy_recipe_stage(source, asy_recipe_autotools.name, build, "make install DESTDIR=\"$stage\"\n",
                     plan);
    return ASY_OK;
}

const asy_recipe asy_recipe_autotools = {
    .name = "autotools",
    .title = "configure or configure.ac",
    .detect = detect,
    .plan = plan_autotools,
};
