/* SPDX-License-Identifier: Apache-2.0 */
#include "recipe/parts.h"

#include <stdlib.h>

static const asy_recipe *const recipes[] = {
    &asy_recipe_file,
    &asy_recipe_debian,
    &asy_recipe_meson,
    &asy_recipe_cmake,
    &asy_recipe_autotools,
    &asy_recipe_make,
    NULL,
};

const asy_recipe *const *asy_recipe_all(void)
{
    return recipes;
}

static int not_found(asy_error *error)
{
    ASY_BUF_AUTO looked = ASY_BUF_INIT;
    for (const asy_recipe *const *recipe = recipes; *recipe; recipe++)
        asy_buf_printf(&looked, "%s%s", looked.len ? ", " : "", (*recipe)->title);
    asy_error_set(error, ASY_E_NOT_FOUND, "no way to build the source was found; looked for %s",
                  looked.ptr);
    return asy_error_hint(error, "say how with --build 'COMMAND' --output GLOB");
}

int asy_recipe_plan(int dirfd, const asy_source *source, const char *build,
                    const char *const *outputs, asy_plan *plan, asy_error *error)
{
    *plan = (asy_plan){0};
    bool has_outputs = outputs && outputs[0];
    if (build && !has_outputs) {
        asy_error_set(error, ASY_E_USAGE, "--build is given without --output");
        return asy_error_hint(error, "name what the command makes: --output 'GLOB'");
    }
    if (build)
        return asy_recipe_custom(source, "custom", build, outputs, plan, error);
    for (const asy_recipe *const *recipe = recipes; *recipe; recipe++) {
        if (!(*recipe)->detect(dirfd, source))
            continue;
        int rc = (*recipe)->plan(dirfd, source, plan, error);
        if (rc == ASY_OK && has_outputs)
            rc = asy_recipe_set_outputs(plan, outputs, error);
        if (rc < 0)
            asy_plan_free(plan);
        return rc;
    }
    return not_found(error);
}

static void free_list(char **list)
{
    for (char **item = list; item && *item; item++)
        free(*item);
    free(list);
}

void asy_plan_free(asy_plan *plan)
{
    free(plan->command);
    free(plan->build_dir);
    free(plan->tree);
    free_list(plan->env);
    free(plan->collect_root);
    free_list(plan->outputs);
    *plan = (asy_plan){0};
}
