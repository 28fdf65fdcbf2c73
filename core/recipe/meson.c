/* SPDX-License-Identifier: Apache-2.0 */
#include "recipe/parts.h"

static bool detect(int dirfd, const asy_source *source)
{
    (void)source;
    return asy_recipe_has(dirfd, "meson.build");
}

static int plan_meson(int dirfd, const asy_source *source, asy_plan *plan, asy_error *error)
{
    (void)dirfd;
    (void)error;
    asy_recipe_stage(source, asy_recipe_meson.name,
                     "meson setup --prefix=/usr --buildtype=release --wrap-mode=nodownload "
                     "../meson-build\n"
                     "ninja -C ../meson-build\n",
                     "DESTDIR=$stage meson install -C ../meson-build --no-rebuild\n", plan);
    return ASY_OK;
}

const asy_recipe asy_recipe_meson = {
    .name = "meson",
    .title = "meson.build",
    .detect = detect,
    .plan = plan_meson,
};
