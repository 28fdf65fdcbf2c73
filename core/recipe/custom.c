/* SPDX-License-Identifier: Apache-2.0 */
/* Builds that are told how: by --build and --output, or by the file assay.build in the tree. */
#include "recipe/parts.h"

#include "io/io.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { BUILD_FILE_MAX = 1 << 16, BUILD_FILE_OUTPUTS = 256 };

static const char build_file[] = "assay.build";

int asy_recipe_custom(const asy_source *source, const char *name, const char *command,
                      const char *const *globs, asy_plan *plan, asy_error *error)
{
    bool packed = source->kind == ASY_SOURCE_DSC;
    ASY_BUF_AUTO script = ASY_BUF_INIT;
    if (packed) {
        asy_buf_puts(&script, "set -e\numask 022\n");
        asy_recipe_unpack(&script, source, asy_path_base(ASY_RECIPE_TREE));
        asy_buf_printf(&script, "cd %s\nset +e\n", asy_path_base(ASY_RECIPE_TREE));
    }
    asy_buf_puts(&script, command);
    *plan = (asy_plan){.recipe = name,
                       .command = asy_buf_take(&script),
                       .build_dir = asy_strdup(packed ? ASY_RECIPE_AREA : ASY_RECIPE_TREE),
                       .tree = asy_strdup(ASY_RECIPE_TREE)};
    int rc = asy_recipe_set_outputs(plan, globs, error);
    if (rc < 0)
        asy_plan_free(plan);
    return rc;
}

/* ---- assay.build ------------------------------------------------------------------------------- */

/*
 * Lines `build: COMMAND` (at least one; several run one after the other until one fails) and
 * `output: GLOB` (at least one), empty lines and lines that start with `#`.
 */
typedef struct build_lines {
    asy_buf command;
    char *globs[BUILD_FILE_OUTPUTS + 1];
    size_t glob_count;
} build_lines;

static asy_span trim(asy_span text)
{
    while (text.len && strchr(" \t\r", text.ptr[text.len - 1]))
        text.len--;
    while (text.len && strchr(" \t", text.ptr[0]))
        text = asy_span_sub(text, 1, text.len - 1);
    return text;
}

static bool take_key(asy_span *line, const char *key)
{
    if (!asy_span_starts(*line, key))
        return false;
    *line = trim(asy_span_sub(*line, strlen(key), line->len - strlen(key)));
    return true;
}

static int take_line(asy_span line, build_lines *out, asy_error *error)
{
    line = trim(line);
    if (line.len == 0 || line.ptr[0] == '#')
        return ASY_OK;
    bool build = take_key(&line, "build:"), output = !build && take_key(&line, "output:");
    if (!build && !output)
        return asy_error_set(error, ASY_E_FORMAT,
                             "neither \"build: COMMAND\" nor \"output: GLOB\"");
    if (line.len == 0)
        return asy_error_set(error, ASY_E_FORMAT, "nothing stands after the colon");
    if (build) {
        asy_buf_puts(&out->command, out->command.len ? "\n" : "set -e\n");
        asy_buf_add_span(&out->command, line);
        return ASY_OK;
    }
    if (out->glob_count == BUILD_FILE_OUTPUTS)
        return asy_error_set(error, ASY_E_LIMIT, "more than %d outputs", BUILD_FILE_OUTPUTS);
    out->globs[out->glob_count++] = asy_strndup((const char *)line.ptr, line.len);
    return ASY_OK;
}

static int parse_lines(asy_span text, build_lines *out, asy_error *error)
{
    if (text.len && memchr(text.ptr, '\0', text.len))
        return asy_error_set(error, ASY_E_FORMAT, "not a text file");
    for (size_t number = 1; text.len; number++) {
        const uint8_t *end = memchr(text.ptr, '\n', text.len);
        size_t len = end ? (size_t)(end - text.ptr) : text.len;
        if (take_line(asy_span_sub(text, 0, len), out, error) < 0)
            return asy_error_wrap(error, "line %zu", number);
        len += end != NULL;
        text = asy_span_sub(text, len, text.len - len);
    }
    if (out->command.len == 0)
        return asy_error_set(error, ASY_E_FORMAT, "there is no line \"build: COMMAND\"");
    if (out->glob_count == 0)
        return asy_error_set(error, ASY_E_FORMAT, "there is no line \"output: GLOB\"");
    return ASY_OK;
}

static bool detect_file(int dirfd, const asy_source *source)
{
    return source->kind != ASY_SOURCE_DSC && asy_recipe_has(dirfd, build_file);
}

static int plan_file(int dirfd, const asy_source *source, asy_plan *plan, asy_error *error)
{
    ASY_BUF_AUTO text = ASY_BUF_INIT;
    build_lines lines = {.glob_count = 0};
    int rc = asy_read_below(dirfd, build_file, BUILD_FILE_MAX, &text, error);
    if (rc == ASY_OK)
        rc = parse_lines(asy_buf_span(&text), &lines, error);
    if (rc == ASY_OK)
        rc = asy_recipe_custom(source, asy_recipe_file.name, lines.command.ptr,
                               (const char *const *)lines.globs, plan, error);
    if (rc < 0)
        asy_error_path(error, build_file);
    asy_buf_free(&lines.command);
    for (size_t i = 0; i < lines.glob_count; i++)
        free(lines.globs[i]);
    return rc;
}

const asy_recipe asy_recipe_file = {
    .name = "assay.build",
    .title = "assay.build",
    .detect = detect_file,
    .plan = plan_file,
};
