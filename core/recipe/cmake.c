/* SPDX-License-Identifier: Apache-2.0 */
#include "recipe/parts.h"

static bool detect(int dirfd, const asy_source *source)
{
    (void)source;
    return asy_recipe_has(dirfd, "CMakeLists.txt");
}

static int plan_cmake(int dirfd, const asy_source *source, asy_plan *plan, asy_error *error)
{
    (void)dirfd;
    (void)error;
    asy_recipe_stage(source, asy_recipe_cmake.name,
                     "cmake -S . -B ../cmake-build -DCMAKE_INSTALL_PREFIX=/usr "
                     "-DCMAKE_BUILD_TYPE=Release\n"
                     "cmake --build ../cmake-build\n",
                     "DESTDIR=$stage cmake --install ../cmake-build\n", plan);
    return ASY_OK;
}

const asy_recipe asy_recipe_cmake = {
    .name = "cmake",
    .title = "CMakeLists.txt",
    .detect = detect,
    .plan = plan_cmake,
};
