/* SPDX-License-Identifier: Apache-2.0 */
/* Reads .gitmodules. The syntax is that of git-config(1); keys: gitmodules(5). */
#include "source/git.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void asy_gitmodules_free(asy_gitmodules *modules)
{
    for (size_t i = 0; i < modules->count; i++) {
        free(modules->items[i].name);
        free(modules->items[i].path);
        free(modules->items[i].url);
    }
    free(modules->items);
    *modules = (asy_gitmodules){0};
}

const asy_gitmodule *asy_gitmodules_find(const asy_gitmodules *modules, const char *path)
{
    for (size_t i = 0; i < modules->count; i++) {
        const asy_gitmodule *module = &modules->items[i];
        if (module->path && module->url && strcmp(module->path, path) == 0)
            return module;
    }
    return NULL;
}

static asy_gitmodule *module_named(asy_gitmodules *modules, const char *name)
{
    for (size_t i = 0; i < modules->count; i++) {
        if (strcmp(modules->items[i].name, name) == 0)
            return &modules->items[i];
    }
    ASY_GROW(modules->items, modules->count, modules->capacity);
    modules->items[modules->count] = (asy_gitmodule){.name = asy_strdup(name)};
    return &modules->items[modules->count++];
}

static const char *skip_blank(const char *text)
{
    while (*text == ' ' || *text == '\t')
        text++;
    return text;
}

/* [submodule "name"]; after it *text stands behind the bracket. NULL for another section. */
static char *read_section(const char **text)
{
    ASY_BUF_AUTO name = ASY_BUF_INIT;
    const char *c = *text + 1;
    size_t len = strcspn(c, " \t]\"\n");
    bool ours = len == 9 && strncasecmp(c, "submodule", 9) == 0;
    c = skip_blank(c + len);
    ours = ours && *c == '"';
    for (c += *c == '"'; ours && *c && *c != '"' && *c != '\n'; c++) {
        if (*c == '\\' && c[1] && c[1] != '\n')
            c++;
        asy_buf_putc(&name, *c);
    }
    c += strcspn(c, "]\n");
    ours = ours && *c == ']';
    *text = c + (*c == ']');
    return ours ? asy_buf_take(&name) : NULL;
}

/* A value up to the end of its line: quotes, escapes, continued lines, comments. */
static char *read_value(const char **text)
{
    ASY_BUF_AUTO value = ASY_BUF_INIT;
    const char *c = skip_blank(*text);
    bool quoted = false;
    size_t keep = 0; /* trailing blanks outside quotes do not count */
    for (; *c && *c != '\n'; c++) {
        if (*c == '"') {
            quoted = !quoted;
            continue;
        }
        if (!quoted && (*c == '#' || *c == ';')) {
            c += strcspn(c, "\n");
            break;
        }
        if (*c == '\r' && c[1] == '\n')
            continue;
        if (*c == '\\' && c[1] == '\n') {
            c++;
            continue;
        }
        bool escaped = *c == '\\' && c[1];
        c += escaped;
        asy_buf_putc(&value, !escaped ? *c : *c == 'n' ? '\n' : *c == 't' ? '\t' : *c);
        if (escaped || quoted || !isspace((unsigned char)*c))
            keep = value.len;
    }
    *text = c;
    asy_buf_puts(&value, "");
    value.ptr[keep] = '\0';
    value.len = keep;
    return asy_buf_take(&value);
}

/* NAME = VALUE. As in git, the last one of several counts. */
static void read_entry(const char **text, asy_gitmodule *module)
{
    const char *name = *text;
    size_t len = 0;
    while (isalnum((unsigned char)name[len]) || name[len] == '-')
        len++;
    const char *c = skip_blank(name + len);
    if (len == 0 || *c != '=') {
        *text += strcspn(*text, "\n");
        return;
    }
    c++;
    char *value = read_value(&c);
    *text = c;
    char **place = NULL;
    if (module && len == 4 && strncasecmp(name, "path", 4) == 0)
        place = &module->path;
    else if (module && len == 3 && strncasecmp(name, "url", 3) == 0)
        place = &module->url;
    else if (module && len == 6 && strncasecmp(name, "update", 6) == 0)
        module->skip = strcmp(value, "none") == 0;
    if (!place) {
        free(value);
        return;
    }
    free(*place);
    *place = value;
}

void asy_gitmodules_parse(asy_span text, asy_gitmodules *out)
{
    ASY_AUTO_FREE char *copy = asy_strndup((const char *)text.ptr, text.len);
    const char *c = copy;
    asy_gitmodule *module = NULL;
    while (*c) {
        if (isspace((unsigned char)*c)) {
            c++;
        } else if (*c == '#' || *c == ';') {
            c += strcspn(c, "\n");
        } else if (*c == '[') {
            ASY_AUTO_FREE char *name = read_section(&c);
            module = name ? module_named(out, name) : NULL;
        } else {
            read_entry(&c, module);
        }
    }
}
