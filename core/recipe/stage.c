/* SPDX-License-Identifier: Apache-2.0 */
/* What "make install" and its like put in place, packed into one tarball. */
#include "recipe/parts.h"

#include "io/io.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* The last part of the path or URL, as a file name; "source" when nothing is left of it. */
static char *project_name(const asy_source *source)
{
    static const char git_suffix[] = ".git";
    const char *where = source->kind == ASY_SOURCE_GIT && source->url ? source->url : source->spec;
    asy_span text = asy_span_str(where ? where : "");
    ASY_AUTO_FREE char *real = NULL;
    if (source->kind == ASY_SOURCE_DIR || text.len == 0 || text.ptr[0] == '.') {
        real = where ? realpath(where, NULL) : NULL;
        text = asy_span_str(real ? real : "");
    }
    while (text.len && text.ptr[text.len - 1] == '/')
        text.len--;
    if (asy_span_ends(text, git_suffix))
        text.len -= strlen(git_suffix);
    while (text.len && text.ptr[text.len - 1] == '/')
        text.len--;
    const uint8_t *slash = text.len ? memrchr(text.ptr, '/', text.len) : NULL;
    if (slash) {
        size_t skip = (size_t)(slash - text.ptr) + 1;
        text = asy_span_sub(text, skip, text.len - skip);
    }
    ASY_BUF_AUTO name = ASY_BUF_INIT;
    for (size_t i = 0; i < text.len; i++)
        if (isalnum(text.ptr[i]) || (name.len && strchr("._+-", text.ptr[i]) && text.ptr[i]))
            asy_buf_putc(&name, (char)text.ptr[i]);
    return name.len ? asy_buf_take(&name) : asy_strdup("source");
}

void asy_recipe_stage(const asy_source *source, const char *name, const char *build,
                      const char *install, asy_plan *plan)
{
    ASY_AUTO_FREE char *project = project_name(source);
    *plan = (asy_plan){
        .recipe = name,
        .command =
            asy_asprintf("set -e\n"
                         "umask 022\n"
                         "stage=" ASY_RECIPE_AREA "/stage\n"
                         "mkdir \"$stage\"\n"
                         "%s"
                         "%s"
                         "rmdir \"$stage\" 2>/dev/null ||\n"
                         "    tar --format=gnu --sort=name --mtime=\"@$SOURCE_DATE_EPOCH\" \\\n"
                         "        --owner=0 --group=0 --numeric-owner \\\n"
                         "        -cf " ASY_RECIPE_AREA "/%s.tar -C \"$stage\" .\n",
                         build, install, project),
        .build_dir = asy_strdup(ASY_RECIPE_TREE),
        .tree = asy_strdup(ASY_RECIPE_TREE),
        .collect_root = asy_strdup(ASY_RECIPE_AREA),
        .outputs = asy_calloc(2, sizeof(char *)),
    };
    plan->outputs[0] = asy_asprintf("%s.tar", project);
}
