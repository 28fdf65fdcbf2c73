/* SPDX-License-Identifier: Apache-2.0 */
/* Debian source packages: a tree with debian/, or a .dsc (deb-src-control(5), deb-changelog(5)). */
#include "recipe/parts.h"

#include "io/io.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Where Debian's own builders and rebuilders build; it shows in binaries that embed their path. */
#define DEBIAN_AREA "/build/reproducible-path"

enum { CHANGELOG_MAX = 16 << 20, NAME_MAX_LEN = 128 };

static bool detect(int dirfd, const asy_source *source)
{
    if (source->kind == ASY_SOURCE_DSC)
        return true;
    return asy_recipe_has(dirfd, "debian/control") && asy_recipe_has(dirfd, "debian/rules") &&
           asy_recipe_has(dirfd, "debian/changelog");
}

static bool made_of(asy_span text, const char *others)
{
    for (size_t i = 0; i < text.len; i++)
        if (!isalnum(text.ptr[i]) && (text.ptr[i] == '\0' || !strchr(others, text.ptr[i])))
            return false;
    return text.len > 0 && text.len <= NAME_MAX_LEN && isalnum(text.ptr[0]);
}

/*
 * The folder's name as `dpkg-source -x` chooses it: name, hyphen, and the version without its epoch
 * (up to the first colon) and its revision (after the last hyphen).
 */
static int folder_name(asy_span package, asy_span version, char **out, asy_error *error)
{
    if (!made_of(package, "+-.") || !made_of(version, ".+-~:"))
        return asy_error_set(error, ASY_E_FORMAT,
                             "the source package has an impossible name or version");
    const uint8_t *colon = memchr(version.ptr, ':', version.len);
    if (colon) {
        size_t epoch = (size_t)(colon - version.ptr) + 1;
        version = asy_span_sub(version, epoch, version.len - epoch);
    }
    const uint8_t *hyphen = version.len ? memrchr(version.ptr, '-', version.len) : NULL;
    if (hyphen)
        version.len = (size_t)(hyphen - version.ptr);
    *out = asy_asprintf("%.*s-%.*s", (int)package.len, (const char *)package.ptr, (int)version.len,
                        (const char *)version.ptr);
    return ASY_OK;
}

static asy_span until(asy_span text, const char *ends)
{
    size_t len = 0;
    while (len < text.len && text.ptr[len] != '\0' && !strchr(ends, text.ptr[len]))
        len++;
    return asy_span_sub(text, 0, len);
}

static asy_span without(asy_span text, size_t count)
{
    return asy_span_sub(text, count, text.len - count);
}

/* The first line of the newest entry: `NAME (VERSION) DISTRIBUTIONS; ...`. */
static int folder_of_changelog(asy_span text, char **out, asy_error *error)
{
    while (text.len && isspace(text.ptr[0]))
        text = without(text, 1);
    asy_span package = until(text, " \t\n");
    text = without(text, package.len);
    asy_span version = {0};
    if (asy_span_starts(text, " ("))
        version = until(without(text, 2), ") \t\n");
    if (!version.len || !asy_span_starts(without(text, 2 + version.len), ")"))
        return asy_error_set(error, ASY_E_FORMAT, "the first line is not \"NAME (VERSION) ...\"");
    return folder_name(package, version, out, error);
}

static int folder_of(int dirfd, const asy_source *source, char **out, asy_error *error)
{
    static const char changelog[] = "debian/changelog";
    if (source->kind == ASY_SOURCE_DSC)
        return folder_name(asy_span_str(source->package ? source->package : ""),
                           asy_span_str(source->version ? source->version : ""), out, error);
    ASY_BUF_AUTO text = ASY_BUF_INIT;
    int rc = asy_read_below(dirfd, changelog, CHANGELOG_MAX, &text, error);
    if (rc == ASY_OK)
        rc = folder_of_changelog(asy_buf_span(&text), out, error);
    if (rc < 0)
        asy_error_path(error, changelog);
    return rc;
}

/*
 * The changelog's time is the one that Debian builds with, whatever the commit's is. A root without
 * dpkg's database (the host's) cannot tell whether the build dependencies are there.
 */
static const char build_commands[] = "SOURCE_DATE_EPOCH=$(dpkg-parsechangelog -S Timestamp)\n"
                                     "export SOURCE_DATE_EPOCH\n"
                                     "[ -s /var/lib/dpkg/status ] || unchecked=-d\n"
                                     "exec dpkg-buildpackage -b -us -uc $unchecked\n";

static int plan_debian(int dirfd, const asy_source *source, asy_plan *plan, asy_error *error)
{
    static const char *const outputs[] = {"../*.deb", "../*.udeb", "../*.buildinfo", "../*.changes",
                                          NULL};
    ASY_AUTO_FREE char *folder = NULL;
    int rc = folder_of(dirfd, source, &folder, error);
    if (rc < 0)
        return rc;
    ASY_BUF_AUTO script = ASY_BUF_INIT;
    asy_buf_puts(&script, "set -e\numask 022\n");
    if (source->kind == ASY_SOURCE_DSC) {
        asy_recipe_unpack(&script, source, folder);
        asy_buf_printf(&script, "cd %s\n", folder);
    }
    asy_buf_puts(&script, build_commands);
    char *tree = asy_path_join(DEBIAN_AREA, folder);
    *plan = (asy_plan){
        .recipe = asy_recipe_debian.name,
        .command = asy_buf_take(&script),
        .build_dir = asy_strdup(source->kind == ASY_SOURCE_DSC ? DEBIAN_AREA : tree),
        .tree = tree,
        .build_deps = true,
    };
    return asy_recipe_set_outputs(plan, outputs, error);
}

const asy_recipe asy_recipe_debian = {
    .name = "debian",
    .title = "debian/control with rules and changelog",
    .detect = detect,
    .plan = plan_debian,
};
