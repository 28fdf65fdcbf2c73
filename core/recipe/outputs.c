/* SPDX-License-Identifier: Apache-2.0 */
/* Globs of outputs, as people write them: relative to the tree. */
#include "recipe/parts.h"

#include "io/io.h"

#include <stdlib.h>
#include <string.h>

static bool leads_out(const char *glob)
{
    for (const char *part = glob; part; part = strchr(part, '/')) {
        part += *part == '/';
        if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || part[2] == '\0'))
            return true;
    }
    return false;
}

/* The glob made relative to the folder around the tree; NULL when it lies in neither. */
static char *place(const char *tree, const char *glob)
{
    bool beside = strncmp(glob, "../", 3) == 0;
    const char *rest = beside ? glob + 3 : glob;
    while (strncmp(rest, "./", 2) == 0)
        rest += 2;
    if (*rest == '/' || *rest == '\0' || leads_out(rest))
        return NULL;
    return beside ? asy_strdup(rest) : asy_path_join(asy_path_base(tree), rest);
}

static void free_outputs(asy_plan *plan)
{
    for (char **glob = plan->outputs; glob && *glob; glob++)
        free(*glob);
    free(plan->outputs);
    free(plan->collect_root);
    plan->outputs = NULL;
}

int asy_recipe_set_outputs(asy_plan *plan, const char *const *globs, asy_error *error)
{
    size_t count = 0;
    while (globs[count])
        count++;
    free_outputs(plan);
    plan->collect_root =
        asy_strndup(plan->tree, (size_t)(asy_path_base(plan->tree) - plan->tree - 1));
    plan->outputs = asy_calloc(count + 1, sizeof(*plan->outputs));
    for (size_t i = 0; i < count; i++) {
        plan->outputs[i] = place(plan->tree, globs[i]);
        if (plan->outputs[i])
            continue;
        asy_error_set(error, ASY_E_USAGE, "the output \"%s\" is neither in the tree nor beside it",
                      globs[i]);
        return asy_error_hint(error, "write a path relative to the tree, such as '*.deb' or "
                                     "'../*.deb'");
    }
    return ASY_OK;
}
