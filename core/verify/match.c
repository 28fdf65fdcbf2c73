/* SPDX-License-Identifier: Apache-2.0 */
/* Which output of the rebuild stands for which shipped file. */
#include "verify/verify.h"

#include "io/io.h"

#include <string.h>

/* NAME_VERSION_ARCH.deb, as dpkg-deb and the archive name packages (deb(5), dpkg-name(1)). */
typedef struct deb_name {
    asy_span package, version, architecture;
} deb_name;

/* Without "2%3a" or "2:": the archive's servers put the epoch in names, dpkg-deb leaves it out. */
static asy_span without_epoch(asy_span version)
{
    size_t digits = 0;
    while (digits < version.len && version.ptr[digits] >= '0' && version.ptr[digits] <= '9')
        digits++;
    asy_span rest = asy_span_sub(version, digits, version.len - digits);
    size_t mark = asy_span_starts(rest, ":") ? 1 : asy_span_starts(rest, "%3a") ? 3 : 0;
    return digits && mark ? asy_span_sub(rest, mark, rest.len - mark) : version;
}

static bool split_deb_name(const char *name, deb_name *out)
{
    asy_span text = asy_span_str(name);
    if (!asy_span_ends(text, ".deb"))
        return false;
    const char *first = strchr(name, '_');
    const char *second = first ? strchr(first + 1, '_') : NULL;
    const char *end = name + text.len - strlen(".deb");
    if (!second || strchr(second + 1, '_') || second + 1 >= end)
        return false;
    out->package = (asy_span){(const uint8_t *)name, (size_t)(first - name)};
    out->version =
        without_epoch((asy_span){(const uint8_t *)first + 1, (size_t)(second - first - 1)});
    out->architecture = (asy_span){(const uint8_t *)second + 1, (size_t)(end - second - 1)};
    return true;
}

static const asy_build_output *same_name(const asy_build *build, const char *name)
{
    for (size_t i = 0; i < build->output_count; i++)
        if (strcmp(build->outputs[i].name, name) == 0)
            return &build->outputs[i];
    return NULL;
}

static const asy_build_output *same_package(const asy_build *build, const char *name,
                                            bool *other_version)
{
    deb_name wanted, got;
    if (!split_deb_name(name, &wanted))
        return NULL;
    for (size_t i = 0; i < build->output_count; i++)
        if (split_deb_name(build->outputs[i].name, &got) &&
            asy_span_eq(wanted.package, got.package) &&
            asy_span_eq(wanted.architecture, got.architecture)) {
            *other_version = !asy_span_eq(wanted.version, got.version);
            return &build->outputs[i];
        }
    return NULL;
}

static const char *suffix_of(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot ? dot : "";
}

/* Two names that both name a package, and not the same one. */
static bool other_package(const char *a, const char *b)
{
    deb_name left, right;
    return split_deb_name(a, &left) && split_deb_name(b, &right) &&
           !asy_span_eq(left.package, right.package);
}

static const asy_build_output *only_of_kind(const asy_build *build, const char *name)
{
    const asy_build_output *found = NULL;
    for (size_t i = 0; i < build->output_count; i++) {
        if (strcmp(suffix_of(build->outputs[i].name), suffix_of(name)) != 0 ||
            other_package(build->outputs[i].name, name))
            continue;
        if (found)
            return NULL;
        found = &build->outputs[i];
    }
    return found;
}

static const asy_build_output *same_digest(const asy_build *build, const asy_sha256 *sha256)
{
    for (size_t i = 0; i < build->output_count; i++)
        if (asy_sha256_eq(&build->outputs[i].sha256, sha256))
            return &build->outputs[i];
    return NULL;
}

const asy_build_output *asy_verify_match(const asy_build *build, const char *artifact,
                                         const asy_sha256 *sha256, size_t artifact_count,
                                         bool *other_version)
{
    const char *name = asy_path_base(artifact);
    *other_version = false;
    if (!build->outputs)
        return NULL;
    const asy_build_output *found = same_digest(build, sha256);
    if (!found)
        found = same_name(build, name);
    if (found)
        return found;
    found = same_package(build, name, other_version);
    if (found)
        return found;
    return artifact_count == 1 ? only_of_kind(build, name) : NULL;
}
